//! `options-flapping`: a peer that answers OPTIONS pings now and then not, again and again (RFC 3261 §11).

use super::options_no_response::of_peer;
use crate::dialog::Peer;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "options-flapping",
    code: "TXN008",
    severity: Severity::Warning,
    guards: &[Guard::End, Guard::OneWay, Guard::Loss],
    judge: Judge::Capture(judge),
    words: include_str!("options_flapping.toml"),
};

/// Stretches that the timeline names.
const TIMELINE: usize = 24;

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    for (src, dst, peer) in view.keepalives.peers() {
        if peer.transitions() < view.thresholds.options_flaps || !peer.is_periodic() {
            continue;
        }
        let mut finding = of_peer(&RULE, peer.worst_run(), peer, dst)
            .fact("src", src.to_string())
            .fact("transitions", peer.transitions())
            .fact("timeline", timeline(peer));
        if let Some(first) = peer.stretches().first() {
            finding.time = first.since;
        }
        if view.lossy {
            finding = finding.confidence(Confidence::Possible);
        }
        found.push(finding);
    }
}

/// How many pings were answered and not, in turn: `↑3 ↓1 ↑2`.
fn timeline(peer: &Peer) -> String {
    let stretches = peer.stretches();
    let mut parts: Vec<String> = stretches
        .iter()
        .take(TIMELINE)
        .map(|it| format!("{}{}", if it.up { '↑' } else { '↓' }, it.pings))
        .collect();
    if stretches.len() > TIMELINE {
        parts.push("…".to_owned());
    }
    parts.join(" ")
}
