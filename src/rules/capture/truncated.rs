//! `capture-truncated`: the snap length cut SIP messages (guard G-SNAP).

use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "capture-truncated",
    code: "CAP002",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("truncated.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    if view.counts.cut_messages > 0 {
        found.push(
            Finding::of_capture(&RULE, view.now)
                .fact("count", view.counts.cut_messages)
                .fact("bytes", view.counts.snap_length),
        );
    }
}
