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
    // Whose setup passed on the side that was not captured began later (guard G-1WAY).
    let unseen: u64 = (view.surroundings.responses_only())
        .map(|(_, _, unseen)| unseen.calls)
        .sum();
    let count = view.counts.mid_dialog.saturating_sub(unseen);
    if count > 0 {
        found.push(Finding::of_capture(&RULE, view.now).fact("count", count));
    }
}
