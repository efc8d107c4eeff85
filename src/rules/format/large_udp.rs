//! `large-udp`: messages that are too large for UDP (RFC 3261 §18.1.1): above the MTU they travel in fragments, and losing
//! one loses all.

use super::tell;
use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "large-udp",
    code: "MSG011",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("large_udp.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    tell(view, &RULE, found);
}
