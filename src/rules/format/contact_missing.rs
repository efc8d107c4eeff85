//! `contact-missing`: a message that sets the remote target has no Contact (RFC 3261 §8.1.1.8, §12.1.1).

use super::tell;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "contact-missing",
    code: "MSG010",
    severity: Severity::Error,
    guards: &[Guard::Snap],
    judge: Judge::Capture(judge),
    words: include_str!("contact_missing.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    tell(view, &RULE, found);
}
