//! `branch-cookie-missing`: a branch without the magic cookie, or one for two requests (RFC 3261 §8.1.1.7).

use super::tell;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "branch-cookie-missing",
    code: "MSG006",
    severity: Severity::Warning,
    guards: &[Guard::Snap],
    judge: Judge::Capture(judge),
    words: include_str!("branch_cookie_missing.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    tell(view, &RULE, found);
}
