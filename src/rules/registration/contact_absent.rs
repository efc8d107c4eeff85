//! `registration-contact-absent`: the 2xx does not list the contact it binds (RFC 3261 §10.3 step 8).

use super::{Told, of_binding};
use crate::dialog::Listing;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "registration-contact-absent",
    code: "REG008",
    severity: Severity::Warning,
    guards: &[Guard::Snap],
    judge: Judge::Capture(judge),
    words: include_str!("contact_absent.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    let mut told = Told::default();
    for entry in view.registrations.bindings() {
        let Some(unlisted) = &entry.binding.unlisted else {
            continue;
        };
        if !told.is_new(&entry, &unlisted.proof) {
            continue;
        }
        let finding = of_binding(&RULE, &entry, &unlisted.proof).fact("responses", unlisted.count);
        // A registrar that says nothing, or helps through a NAT, works all the same.
        found.push(match &unlisted.listing {
            Listing::Others(listed) => finding.fact("listed", &**listed),
            Listing::Rewritten(listed) => finding
                .variant(Some("rewritten"))
                .severity(Severity::Info)
                .fact("listed", &**listed),
            Listing::Nothing | Listing::Own | Listing::Unknown => {
                finding.variant(Some("no-list")).severity(Severity::Info)
            }
        });
    }
}
