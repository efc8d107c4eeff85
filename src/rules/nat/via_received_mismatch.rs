//! `via-received-mismatch`: a server sees a client under another address or port than the client names in its Via: there is a
//! NAT between them (RFC 3261 §18.2.1, RFC 3581 §4).

use super::of_trait;
use crate::dialog::Trait;
use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "via-received-mismatch",
    code: "NET021",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("via_received_mismatch.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    found.extend(of_trait(view, &RULE, Trait::SeenAs, |_, _, detail| {
        detail.to_owned()
    }));
}
