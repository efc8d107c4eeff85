//! `content-length-mismatch`: the Content-Length is not the length of the body (RFC 3261 §18.3, §20.14). What it does to a
//! stream is `tcp-stream-desync`.

use super::tell;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "content-length-mismatch",
    code: "MSG007",
    severity: Severity::Error,
    guards: &[Guard::Snap],
    judge: Judge::Capture(judge),
    words: include_str!("content_length_mismatch.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    tell(view, &RULE, found);
}
