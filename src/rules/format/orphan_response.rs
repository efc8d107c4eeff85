//! `orphan-response`: a response to a request that is not in the capture although it should be (RFC 3261 §17.1.3).

use super::tell;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "orphan-response",
    code: "MSG012",
    severity: Severity::Info,
    guards: &[Guard::OneWay, Guard::Start],
    judge: Judge::Capture(judge),
    words: include_str!("orphan_response.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    tell(view, &RULE, found);
}
