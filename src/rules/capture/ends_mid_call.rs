//! `capture-ends-mid-call`: dialogs and INVITEs were open when the capture ended (guard G-END).

use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "capture-ends-mid-call",
    code: "CAP003",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("ends_mid_call.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    if view.counts.unfinished > 0 {
        found.push(Finding::of_capture(&RULE, view.now).fact("count", view.counts.unfinished));
    }
}
