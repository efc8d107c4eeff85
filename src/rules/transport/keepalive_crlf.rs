//! `keepalive-crlf`: on a stream the double line ends that keep it open are no longer answered, and nothing else comes either
//! (RFC 5626 §4.4.1). Many servers never answer them: that alone is nothing.

use crate::reassembly::{Connection, Pings, Side};
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "keepalive-crlf",
    code: "NET009",
    severity: Severity::Info,
    guards: &[Guard::Loss],
    judge: Judge::Capture(judge),
    words: include_str!("keepalive_crlf.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    for connection in view.connections {
        for side in Side::BOTH {
            found.extend(finding(view, connection, side));
        }
    }
}

fn finding(view: &CaptureView<'_>, connection: &Connection, side: Side) -> Option<Finding> {
    let Pings {
        sent,
        answered,
        waiting,
        unanswered,
        followed,
    } = *side.of(&connection.pings);
    let waiting = waiting?;
    let until = connection.ended.map_or(view.now, |it| it.at.time);
    let waited = until.since(waiting.time);
    // It was answered before, or what was sent after it was not answered either.
    if waited < view.thresholds.pong_within
        || (answered == 0 && followed == 0)
        || connection.messages == 0
    {
        return None;
    }
    let flow = side.of_flow(connection.flow);
    let lossy = view.lossy || connection.lost > 0;
    let mut finding = Finding::of_capture(&RULE, waiting.time)
        .confidence(if lossy {
            Confidence::Possible
        } else {
            Confidence::Likely
        })
        .fact("src", flow.src.to_string())
        .fact("dst", flow.dst.to_string())
        .fact("sent", sent)
        .fact("answered", answered)
        .fact("unanswered", unanswered)
        .fact("waited", waited);
    finding.frames.push(waiting.frame);
    finding
        .frames
        .extend(connection.ended.map(|it| it.at.frame));
    Some(finding)
}
