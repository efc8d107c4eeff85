//! `malformed-message`: the grammar of RFC 3261 §25 refuses a message or one of the values that route it.

use super::tell;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "malformed-message",
    code: "MSG002",
    severity: Severity::Warning,
    guards: &[Guard::Snap],
    judge: Judge::Capture(judge),
    words: include_str!("malformed_message.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    tell(view, &RULE, found);
}
