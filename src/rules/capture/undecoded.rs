//! `capture-undecoded`: packets that could not be opened, by reason.

use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "capture-undecoded",
    code: "CAP004",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("undecoded.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    let undecoded = &view.counts.undecoded;
    if undecoded.is_empty() {
        return;
    }
    let mut reasons: Vec<_> = undecoded.iter().collect();
    reasons.sort_by_key(|&(reason, count)| (std::cmp::Reverse(*count), reason));
    let shown: Vec<_> = reasons
        .iter()
        .take(REASONS_SHOWN)
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    found.push(
        Finding::of_capture(&RULE, view.now)
            .fact("count", undecoded.values().sum::<u64>())
            .fact("reasons", shown.join(", ")),
    );
}

/// The summary has them all.
const REASONS_SHOWN: usize = 6;
