//! `capture-filter-lost-fragments`: the capture has the first fragments of SIP messages and lacks the others, which were
//! there (guards G-LOSS, G-SNAP).

use crate::limits::MAX_FRAMES_SHOWN;
use crate::reassembly::fragments::Fate;
use crate::rules::fragments::{losses, refuses_later_fragments};
use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::{Confidence, Severity};
use std::collections::BTreeSet;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "capture-filter-lost-fragments",
    code: "CAP011",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("filter_lost_fragments.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    let lost = losses(view).by_capture;
    let Some((_, first)) = lost.iter().min_by_key(|(_, it)| (it.at.time, it.at.frame)) else {
        return;
    };
    let pairs: BTreeSet<_> = lost.iter().map(|(hosts, _)| hosts).collect();
    let received = lost.iter().filter(|(_, it)| it.fate == Fate::Received);
    let received = received.count();
    let refuses = refuses_later_fragments(view);
    let confidence = match () {
        () if received > 0 => Confidence::Certain,
        () if refuses => Confidence::Likely,
        () => Confidence::Possible,
    };
    let mut finding = Finding::of_capture(&RULE, first.at.time)
        .confidence(confidence)
        .fact("count", lost.len())
        .fact("pairs", pairs.len())
        .fact("received", received)
        .fact("later_fragments", view.counts.later_fragments);
    if let Some(filter) = &view.facts.filter {
        finding = finding.fact("filter", filter.as_str());
    }
    let frames = lost.iter().flat_map(|(_, it)| it.frames.iter().copied());
    finding.frames = frames.take(MAX_FRAMES_SHOWN).collect();
    finding.frames.sort_unstable();
    finding.frames.dedup();
    found.push(finding);
}
