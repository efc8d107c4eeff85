//! `wrong-transport`: Via or the next hop's URI name another transport than the one that carried the request (RFC 3261
//! §18.1.1, §26.2.2).

use super::tell;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "wrong-transport",
    code: "MSG009",
    severity: Severity::Warning,
    guards: &[Guard::Snap],
    judge: Judge::Capture(judge),
    words: include_str!("wrong_transport.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    tell(view, &RULE, found);
}
