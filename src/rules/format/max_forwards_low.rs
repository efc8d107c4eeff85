//! `max-forwards-low`: a new request may pass few hops only (RFC 3261 §8.1.1.6), or a proxy does not count them (§16.6
//! step 3).

use super::tell;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "max-forwards-low",
    code: "MSG004",
    severity: Severity::Warning,
    guards: &[Guard::Snap],
    judge: Judge::Capture(judge),
    words: include_str!("max_forwards_low.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    tell(view, &RULE, found);
}
