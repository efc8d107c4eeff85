//! `retransmission-ratio-high`: on the way between two hosts, more requests than a good network loses were sent again
//! (RFC 3261 §17). Slow answers and silent peers do not count.

use crate::dialog::Path;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::thresholds::Thresholds;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "retransmission-ratio-high",
    code: "TXN011",
    severity: Severity::Warning,
    guards: &[Guard::Loss, Guard::Tcp, Guard::Duplicate],
    judge: Judge::Capture(judge),
    words: include_str!("retransmission_ratio_high.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    for (src, dst, path) in view.surroundings.paths().iter() {
        let Some((severity, confidence)) = verdict(path, view.thresholds) else {
            continue;
        };
        let mut finding = Finding::of_capture(&RULE, path.first.unwrap_or(view.now))
            .severity(severity)
            .confidence(if view.lossy {
                Confidence::Possible
            } else {
                confidence
            })
            .fact("src", src.to_string())
            .fact("dst", dst.to_string())
            .fact("requests", path.requests)
            .fact("repeats", path.repeats)
            .fact("hit", path.hit)
            .fact("finals_repeated", path.finals_repeated)
            // One lost round trip for each repeat.
            .fact(
                "loss_percent",
                percent(path.repeats, path.requests + path.repeats),
            );
        finding.frames.clone_from(&path.frames);
        finding.transactions.clone_from(&path.transactions);
        found.push(finding);
    }
}

/// With fewer, only a loss that no accident explains: four of ten different requests are hit once in a million times where
/// one packet in a hundred is lost.
const AT_LEAST: u64 = 10;
const HIT_AT_LEAST: u64 = 4;
const PERCENT_AT_LEAST: u64 = 10;

fn verdict(path: &Path, thresholds: &Thresholds) -> Option<(Severity, Confidence)> {
    let above = |percent: u64| path.repeats * 100 > path.requests * percent;
    if path.requests >= thresholds.loss_requests {
        return match () {
            () if above(thresholds.loss_error) => Some((Severity::Error, Confidence::Likely)),
            () if above(thresholds.loss_warning) => Some((Severity::Warning, Confidence::Likely)),
            () => None,
        };
    }
    // What hits most of them is a fault with a system, not a loss.
    let plain = path.requests >= AT_LEAST
        && path.hit >= HIT_AT_LEAST
        && path.hit * 2 <= path.requests
        && above(PERCENT_AT_LEAST);
    plain.then_some((Severity::Warning, Confidence::Possible))
}

fn percent(part: u64, whole: u64) -> u64 {
    (part * 100 + whole / 2) / whole.max(1)
}
