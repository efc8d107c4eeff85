//! `uri-params-outside-brackets`: a parameter of the URI stands outside its angle brackets, where it means nothing (RFC
//! 3261 §20.10).

use super::tell;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "uri-params-outside-brackets",
    code: "MSG008",
    severity: Severity::Warning,
    guards: &[Guard::Snap],
    judge: Judge::Capture(judge),
    words: include_str!("uri_params_outside_brackets.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    tell(view, &RULE, found);
}
