//! `udp-fragments-lost`: fragments of SIP datagrams do not arrive, so that nobody reads them (RFC 3261 §18.1.1), told once
//! a pair of hosts.

use crate::limits::MAX_FRAMES_SHOWN;
use crate::reassembly::fragments::{Fate, LostDatagram};
use crate::rules::fragments::{gaps, losses};
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use std::collections::BTreeSet;
use std::net::IpAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "udp-fragments-lost",
    code: "NET002",
    severity: Severity::Error,
    guards: &[Guard::End, Guard::Loss, Guard::Outcome],
    judge: Judge::Capture(judge),
    words: include_str!("udp_fragments_lost.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    for ((src, dst), lost) in losses(view).by_network {
        found.extend(finding(view, src, dst, &lost));
    }
}

fn finding(
    view: &CaptureView<'_>,
    src: IpAddr,
    dst: IpAddr,
    lost: &[&LostDatagram],
) -> Option<Finding> {
    let first = lost.iter().min_by_key(|it| (it.at.time, it.at.frame))?;
    let shown = lost.iter().find(|it| !it.missing.is_empty());
    let shown = shown.unwrap_or(first);
    let reports = lost.iter().filter_map(|it| it.reported);
    let repaired = lost.iter().filter(|it| came_right(it)).count();
    let calls: BTreeSet<_> = lost.iter().filter_map(|it| it.call_id.as_ref()).collect();
    let mut finding = Finding::of_capture(&RULE, first.at.time)
        .severity(severity(lost))
        .confidence(confidence(view, lost))
        .fact("src", src.to_string())
        .fact("dst", dst.to_string())
        .fact("count", lost.len())
        .fact("missing", gaps(shown))
        .fact("bytes", u64::from(shown.bytes_seen))
        .fact("icmp", reports.clone().count())
        .fact("repaired", repaired)
        .fact("calls", calls.len())
        .note_if(repaired == lost.len());
    if lost.iter().any(|it| it.reported.is_some()) {
        finding = finding.seen();
    }
    if let Some(line) = shown.start_line.as_deref().filter(|it| !it.is_empty()) {
        finding = finding.fact("start_line", line);
    }
    // Of one call it is a finding of that call.
    if let (Some(id), 1) = (calls.first(), calls.len()) {
        finding.call_id = Some(id.to_vec().into());
    }
    finding.frames = lost
        .iter()
        .flat_map(|it| it.frames.iter().copied())
        .chain(reports.map(|seen| seen.frame))
        .collect();
    finding.frames.sort_unstable();
    finding.frames.dedup();
    finding.frames.truncate(MAX_FRAMES_SHOWN);
    Some(finding)
}

/// Whether its message arrived all the same.
fn came_right(lost: &LostDatagram) -> bool {
    matches!(lost.fate, Fate::Repaired | Fate::Received)
}

fn severity(lost: &[&LostDatagram]) -> Severity {
    let fatal = lost.iter().any(|it| match it.fate {
        Fate::Unreceived => true,
        // Lost before this point, and the receiver had no other copy of it.
        Fate::Unknown => it.reported.is_some() && it.pieces > 0,
        Fate::Repaired | Fate::Received => false,
    });
    if fatal {
        Severity::Error
    } else {
        Severity::Warning
    }
}

fn confidence(view: &CaptureView<'_>, lost: &[&LostDatagram]) -> Confidence {
    let facts = view.facts;
    let dropped = facts.dropped_by_kernel.unwrap_or(0) + facts.dropped_by_interface.unwrap_or(0);
    let unreceived = lost.iter().any(|it| it.fate == Fate::Unreceived);
    // ARP or ICMP would not have passed a filter on ports, which an unknown filter may have been.
    let sees_all = view.counts.later_fragments > 0 || view.counts.without_ports > 0;
    if lost.iter().any(|it| it.reported.is_some()) {
        Confidence::Certain
    } else if dropped == 0 && sees_all && (unreceived || lost.iter().any(|it| came_right(it))) {
        Confidence::Likely
    } else {
        Confidence::Possible
    }
}
