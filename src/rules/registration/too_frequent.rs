//! `registration-too-frequent`: a client that registers again long before it must (RFC 3261 §10.2.4).

use super::{Told, of_binding, with_proofs};
use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "registration-too-frequent",
    code: "REG005",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("too_frequent.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    let mut told = Told::default();
    for entry in view.registrations.bindings() {
        let Some(quick) = &entry.binding.quick else {
            continue;
        };
        let Some(first) = quick.proofs.first().filter(|it| told.is_new(&entry, it)) else {
            continue;
        };
        found.push(
            with_proofs(of_binding(&RULE, &entry, first), &quick.proofs)
                .fact("granted", quick.granted)
                .fact("interval", quick.interval)
                .fact("cycles", u64::from(quick.cycles)),
        );
    }
}
