//! `cseq-mismatch`: the CSeq names another method than the request (RFC 3261 §8.1.1.5), goes back within a dialog
//! (§12.2.2), or is not that of the request answered (§8.2.6.2).

use super::tell;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "cseq-mismatch",
    code: "MSG005",
    severity: Severity::Error,
    guards: &[Guard::Snap],
    judge: Judge::Capture(judge),
    words: include_str!("cseq_mismatch.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    tell(view, &RULE, found);
}
