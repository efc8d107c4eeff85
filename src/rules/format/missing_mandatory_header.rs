//! `missing-mandatory-header`: a message lacks what RFC 3261 §8.1.1 and §8.2.6.2 make mandatory; Max-Forwards is
//! `missing-max-forwards`.

use super::tell;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "missing-mandatory-header",
    code: "MSG001",
    severity: Severity::Error,
    guards: &[Guard::Snap],
    judge: Judge::Capture(judge),
    words: include_str!("missing_mandatory_header.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    tell(view, &RULE, found);
}
