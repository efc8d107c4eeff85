//! `tcp-stream-desync`: on a stream the next message does not begin where the Content-Length before it ends (RFC 3261
//! §18.3), or a message is never complete; each told once a sender and receiver.

use crate::limits::MAX_FRAMES_SHOWN;
use crate::reassembly::{Connection, Desync, Unfinished};
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::transaction::timers;
use std::collections::BTreeMap;
use std::net::IpAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "tcp-stream-desync",
    code: "NET003",
    severity: Severity::Error,
    guards: &[Guard::End, Guard::Loss],
    judge: Judge::Capture(judge),
    words: include_str!("tcp_stream_desync.toml"),
};

/// The places between two hosts, and whether the capture lacks bytes of a connection they are on.
#[derive(Default)]
struct Between<'a> {
    desyncs: Vec<&'a Desync>,
    lossy: bool,
}

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    let mut hosts: BTreeMap<(Option<&'static str>, IpAddr, IpAddr), Between<'_>> = BTreeMap::new();
    for connection in view.connections {
        for (side, desync) in &connection.desyncs {
            let flow = side.of_flow(connection.flow);
            if !is_proven(view, connection, desync) {
                continue;
            }
            let key = (variant(desync), flow.src.ip(), flow.dst.ip());
            let between = hosts.entry(key).or_default();
            between.desyncs.push(desync);
            between.lossy |= connection.lost > 0;
        }
    }
    for ((variant, src, dst), between) in hosts {
        let told = finding(src, dst, &between);
        found.extend(told.map(|told| {
            let told = told.variant(variant);
            match variant {
                Some(BODY) => told,
                // One message is lost; nothing that comes later is misread.
                Some(_) => told.severity(Severity::Warning).seen(),
                None => told.seen(),
            }
        }));
    }
}

/// Its sender ended inside a header.
const HEAD: &str = "unfinished";
/// The end of a body never came.
const BODY: &str = "body-unfinished";

const fn variant(desync: &Desync) -> Option<&'static str> {
    match desync.unfinished {
        None => None,
        Some(Unfinished::Head) => Some(HEAD),
        Some(Unfinished::Body { .. }) => Some(BODY),
    }
}

/// Whether what a body lacks cannot come any more: the connection is over, or nothing came for as long as a client waits
/// (guard G-END). What the capture lacks of the connection may have been it (guard G-LOSS).
fn is_proven(view: &CaptureView<'_>, connection: &Connection, desync: &Desync) -> bool {
    match desync.unfinished {
        Some(Unfinished::Body { closed, .. }) => {
            let over = closed || connection.ended.is_some();
            let waited =
                view.now.since(desync.after.time) >= view.thresholds.t1 * timers::TIMEOUT_FACTOR;
            connection.lost == 0 && connection.holes == 0 && (over || waited)
        }
        Some(Unfinished::Head) | None => true,
    }
}

fn finding(src: IpAddr, dst: IpAddr, between: &Between<'_>) -> Option<Finding> {
    let first = between.desyncs.iter().min_by_key(|it| it.at.frame)?;
    let unrecovered = between
        .desyncs
        .iter()
        .filter(|it| it.resynchronised.is_none())
        .count();
    let mut finding = Finding::of_capture(&RULE, first.at.time)
        .confidence(if between.lossy {
            Confidence::Possible
        } else {
            Confidence::Certain
        })
        .fact("src", src.to_string())
        .fact("dst", dst.to_string())
        .fact("count", between.desyncs.len())
        .fact("content_length", first.content_length)
        .fact("offset", first.offset)
        .fact("found", &*first.found)
        .fact("unrecovered", unrecovered);
    if let Some(Unfinished::Body { missing, closed }) = first.unfinished {
        finding = finding.fact("missing", missing);
        // Only the end of the stream proves that no packet was missed behind the last one.
        if !closed {
            finding = finding.confidence(Confidence::Likely);
        }
    }
    finding.frames = between
        .desyncs
        .iter()
        .flat_map(|it| [Some(it.after), Some(it.at), it.resynchronised])
        .flatten()
        .map(|seen| seen.frame)
        .collect();
    finding.frames.sort_unstable();
    finding.frames.dedup();
    finding.frames.truncate(MAX_FRAMES_SHOWN);
    Some(finding)
}
