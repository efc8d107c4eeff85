//! `capture-dropped-packets`: the capturing machine says that it lost packets, or TCP's acknowledgments do (guard G-LOSS).

use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "capture-dropped-packets",
    code: "CAP010",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("dropped_packets.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    let dropped =
        view.facts.dropped_by_kernel.unwrap_or(0) + view.facts.dropped_by_interface.unwrap_or(0);
    // A hole is a packet at least.
    let dropped = dropped + view.counts.stream_holes;
    if dropped > 0 {
        found.push(Finding::of_capture(&RULE, view.now).fact("count", dropped));
    }
}
