//! `options-no-response`: a peer that does not answer OPTIONS pings (RFC 3261 §11), or answers that it is down; three in a
//! row are a peer that is down.

use crate::dialog::{Peer, Run};
use crate::limits::MAX_FRAMES_SHOWN;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use std::net::SocketAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "options-no-response",
    code: "TXN006",
    severity: Severity::Warning,
    guards: &[Guard::End, Guard::OneWay, Guard::Loss],
    judge: Judge::Capture(judge),
    words: include_str!("options_no_response.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    let hearing = view.surroundings.hearing();
    for (src, dst, peer) in view.keepalives.peers() {
        let run = peer.run_to_tell(view.thresholds.options_down_after);
        let is_back = run.refused == 0 && run.back_after().is_some();
        // Guard G-1WAY: what it answers is not captured.
        let unseen = run.refused == 0
            && (view.surroundings.is_one_directional(src, dst.ip())
                || view.streams.is_unheard(src, dst));
        if run.failures == 0 || unseen {
            continue;
        }
        let finding = of_peer(&RULE, run, peer, dst)
            .fact("src", src.to_string())
            .variant(if is_back { Some("back") } else { variant(run) })
            .fact("failures", run.failures)
            .fact_if("back_after", run.back_after());
        let finding = if run.refused == run.failures {
            finding.seen()
        } else {
            finding
        };
        let hears = hearing.contains(&src);
        let finding = judged(view, finding, run, hears);
        // What is over stops no call any more.
        found.push(if is_back {
            finding.severity_at_most(Severity::Warning)
        } else {
            finding
        });
    }
}

/// `hears` says that the capture shows what is sent to the host that pings: if not, it may have one direction only.
fn judged(view: &CaptureView<'_>, mut finding: Finding, run: &Run, hears: bool) -> Finding {
    if run.failures >= view.thresholds.options_down_after {
        finding = finding.severity(Severity::Error);
    }
    if run.open == run.failures {
        // Not one of them was waited for as long as the protocol does.
        finding.so_far = true;
        finding = finding
            .severity_at_most(Severity::Warning)
            .confidence(Confidence::Possible);
    } else if view.lossy && run.refused == 0 {
        finding = finding.confidence(Confidence::Possible);
    } else if !insisted(view, run, hears) {
        // Over UDP who has no answer asks again, unless it is a program that never does.
        finding = if hears {
            finding.confidence(Confidence::Likely)
        } else {
            (finding.severity_at_most(Severity::Warning)).confidence(Confidence::Possible)
        };
    }
    finding
}

/// Whether the host that pings went on asking: often enough for one ping, or again and again for as many as make a peer that is
/// down.
fn insisted(view: &CaptureView<'_>, run: &Run, hears: bool) -> bool {
    let repeated = run.pings.iter().filter(|ping| ping.repeated).count() as u64;
    run.pings.iter().any(|ping| ping.insisted)
        || (hears && repeated >= view.thresholds.options_down_after)
}

/// What the pings prove beside that they failed.
fn variant(run: &Run) -> Option<&'static str> {
    if run.refused == run.failures {
        Some("refused")
    } else {
        run.last_success.map(|_| "stopped")
    }
}

/// A finding about failed pings, with their packets and how the peer was before.
pub(super) fn of_peer(rule: &'static Rule, run: &Run, peer: &Peer, dst: SocketAddr) -> Finding {
    let time = run.pings.first().map(|ping| ping.time);
    let mut finding = Finding::of_capture(rule, time.unwrap_or(crate::time::Timestamp::MIN))
        .fact("dst", dst.to_string())
        .fact("answered", peer.answered)
        .fact_if("interval", peer.interval())
        .fact_if("round_trip", peer.round_trip())
        .fact_if("code", run.pings.iter().rev().find_map(|ping| ping.code))
        .fact_if(
            "failing_for",
            run.last.zip(time).map(|(last, first)| last.since(first)),
        )
        .fact_if("last_success", run.last_success.map(|it| it.to_string()))
        .fact_if(
            "since_success",
            run.last_success
                .zip(time)
                .map(|(last, first)| first.since(last)),
        );
    finding.transactions = run.pings.iter().map(|ping| ping.id).collect();
    finding.frames = run
        .pings
        .iter()
        .flat_map(|ping| ping.frames.clone())
        .collect();
    finding.frames.truncate(MAX_FRAMES_SHOWN);
    finding
}
