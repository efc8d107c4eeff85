//! `tcp-stream-desync`: on a stream the next message does not begin where the Content-Length before it ends (RFC 3261
//! §18.3), or its sender ends it inside a message; each told once a sender and receiver.

use crate::limits::MAX_FRAMES_SHOWN;
use crate::reassembly::Desync;
use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::{Confidence, Severity};
use std::collections::BTreeMap;
use std::net::IpAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "tcp-stream-desync",
    code: "NET003",
    severity: Severity::Error,
    guards: &[],
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
    let mut hosts: BTreeMap<(bool, IpAddr, IpAddr), Between<'_>> = BTreeMap::new();
    for connection in view.connections {
        for (side, desync) in &connection.desyncs {
            let flow = side.of_flow(connection.flow);
            let key = (desync.unfinished, flow.src.ip(), flow.dst.ip());
            let between = hosts.entry(key).or_default();
            between.desyncs.push(desync);
            between.lossy |= connection.lost > 0;
        }
    }
    for ((unfinished, src, dst), between) in hosts {
        let told = finding(src, dst, &between);
        found.extend(told.map(|told| {
            if unfinished {
                // One message is lost; nothing that comes later is misread.
                told.variant(Some("unfinished")).severity(Severity::Warning)
            } else {
                told
            }
        }));
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
