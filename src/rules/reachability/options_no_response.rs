//! `options-no-response`: a peer that does not answer OPTIONS pings (RFC 3261 §11); three in a row are a peer that is down.

use crate::limits::MAX_FRAMES_SHOWN;
use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::{Confidence, Severity};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "options-no-response",
    code: "TXN006",
    severity: Severity::Warning,
    judge: Judge::Capture(judge),
    words: include_str!("options_no_response.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    for (src, dst, peer) in view.keepalives.peers() {
        let run = peer.worst_run();
        let Some(first) = run.pings.first() else {
            continue;
        };
        let mut finding = Finding::of_capture(&RULE, first.time)
            .fact("src", src.to_string())
            .fact("dst", dst.to_string())
            .fact("failures", run.failures)
            .fact("answered", peer.answered);
        if run.failures >= DOWN_AFTER {
            finding = finding.severity(Severity::Error);
        }
        if view.lossy {
            finding = finding.confidence(Confidence::Possible);
        } else if !run.pings.iter().any(|ping| ping.repeated) {
            finding = finding.confidence(Confidence::Likely);
        }
        finding.transactions = run.pings.iter().map(|ping| ping.id).collect();
        finding.frames = run
            .pings
            .iter()
            .flat_map(|ping| ping.frames.clone())
            .collect();
        finding.frames.truncate(MAX_FRAMES_SHOWN);
        found.push(finding);
    }
}

/// Failures in a row after which a peer counts as down.
const DOWN_AFTER: u64 = 3;
