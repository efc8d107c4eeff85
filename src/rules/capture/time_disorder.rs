//! `capture-time-disorder`: packets are older than those before them.

use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "capture-time-disorder",
    code: "CAP009",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("time_disorder.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    if view.counts.disordered > 0 {
        found.push(
            Finding::of_capture(&RULE, view.now)
                .fact("count", view.counts.disordered)
                .fact("largest", view.counts.largest_step_back),
        );
    }
}
