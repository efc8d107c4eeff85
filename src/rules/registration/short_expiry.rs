//! `registration-short-expiry`: the registrar granted little time (RFC 3261 §10.2.4, §10.3 step 7).

use super::{Told, of_binding};
use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "registration-short-expiry",
    code: "REG003",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("short_expiry.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    let mut told = Told::default();
    for entry in view.registrations.bindings() {
        let Some(short) = &entry.binding.short else {
            continue;
        };
        if !told.is_new(&entry, &short.proof) {
            continue;
        }
        let cut = short.requested.is_some_and(|it| short.granted < it / 4);
        let mut finding = of_binding(&RULE, &entry, &short.proof)
            .fact("granted", short.granted)
            .fact_if("requested", short.requested);
        if let Some(requested) = short.requested.filter(|it| *it > short.granted) {
            finding = finding.variant(Some("shortened")).fact("asked", requested);
        }
        if cut && Duration::from_secs(short.granted) < view.thresholds.registration_very_short {
            finding = finding.severity(Severity::Warning);
        }
        found.push(finding);
    }
}
