//! `capture-starts-mid-call`: dialogs that began before the capture (guard G-START).

use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "capture-starts-mid-call",
    code: "CAP006",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("starts_mid_call.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    if view.counts.mid_dialog > 0 {
        found.push(Finding::of_capture(&RULE, view.now).fact("count", view.counts.mid_dialog));
    }
}
