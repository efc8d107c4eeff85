//! One fault, one headline, over the whole capture: findings of calls that something in the capture explains, and the other
//! way round.

use super::attacks::{attack_behind, by_host};
use super::table::REFUSED;
use crate::capture::FrameNumber;
use crate::dialog::{Call, Dialog};
use crate::hash::{HashMap, HashSet};
use crate::rules::{CaptureView, Fact, Finding, FindingId, format};
use crate::severity::{Confidence, Severity};
use crate::sip::value::address_of_record;
use crate::transaction::{Transaction, TransactionId};
use std::net::SocketAddr;

/// Links findings of calls to what is found of the capture as a whole: a request whose fragments were lost has no answer
/// for that reason, and on a lossy path one is repeated after its answer. It is told by the packets, which are in both.
pub(in crate::rules) fn link_to_capture(
    view: &CaptureView<'_>,
    of_capture: &[Finding],
    of_calls: &mut [Finding],
) {
    let attacks = by_host(of_capture);
    take_back_unseen(of_capture, of_calls);
    let frames_of = |name: &str| -> HashMap<FrameNumber, FindingId> {
        of_capture
            .iter()
            .filter(|cause| cause.rule.name == name && cause.severity > Severity::Info)
            .flat_map(|cause| cause.frames.iter().map(|frame| (*frame, cause.id)))
            .collect()
    };
    let fragments_lost = frames_of("udp-fragments-lost");
    let lossy = frames_of("retransmission-ratio-high");
    let malformed = frames_of("malformed-message");
    let desynchronised = frames_of("tcp-stream-desync");
    let asleep = by_transaction(of_capture, "nat-keepalive-missing");
    // A provisional is sent once, and lost as often as anything else (RFC 3261 §17.2.1).
    let lossy_paths: HashMap<(String, String), FindingId> = (of_capture.iter())
        .filter(|it| it.rule.name == "retransmission-ratio-high" && it.severity > Severity::Info)
        .filter_map(|it| Some((route(it)?, it.id)))
        .collect();
    for finding in of_calls.iter_mut() {
        if finding.consequence_of.is_some() {
            continue;
        }
        if finding.rule.name.ends_with("-no-response") || finding.rule.name == "pdd-high" {
            let mut transactions = finding.transactions.iter();
            finding.consequence_of = transactions.find_map(|id| asleep.get(id)).copied();
            if finding.consequence_of.is_some() {
                continue;
            }
        }
        if finding.rule.name == "no-ringback" && !lossy_paths.is_empty() {
            let between = finding.source.zip(peer(finding));
            let between = between.map(|(src, dst)| (src.ip().to_string(), dst.ip().to_string()));
            finding.consequence_of = between.and_then(|it| lossy_paths.get(&it)).copied();
            if finding.consequence_of.is_some() {
                continue;
            }
        }
        let causes = match finding.rule.name {
            name if name.ends_with("-no-response") || name == "ack-not-effective" => {
                [Some(&fragments_lost), Some(&desynchronised)]
            }
            // What the Content-Length cut off is not read.
            "answer-invalid" | "offer-answer-missing" => [Some(&desynchronised), None],
            "request-retransmitted-after-response" => [Some(&malformed), Some(&lossy)],
            _ => [None, None],
        };
        let by_packet = causes.into_iter().flatten().find_map(|causes| {
            let mut frames = finding.frames.iter();
            frames.find_map(|frame| causes.get(frame)).copied()
        });
        finding.consequence_of = by_packet.or_else(|| attack_behind(finding, &attacks));
    }
    link_to_defects(view, of_capture, of_calls);
}

/// Takes back that nobody answered what was sent too seldom for that, where a later call proved that the capture has one
/// direction between the two hosts only (guard G-1WAY).
fn take_back_unseen(of_capture: &[Finding], of_calls: &mut [Finding]) {
    let one_way: HashMap<(String, String), FindingId> = of_capture
        .iter()
        .filter(|it| it.rule.name == "capture-one-directional" && it.variant.is_none())
        .filter_map(|it| Some((route(it)?, it.id)))
        .collect();
    if one_way.is_empty() {
        return;
    }
    let host = |address: String| {
        let address: Option<SocketAddr> = address.parse().ok();
        address.map(|it| it.ip().to_string())
    };
    for finding in of_calls {
        if finding.variant != Some("unrepeated") {
            continue;
        }
        let between = route(finding).and_then(|(src, dst)| Some((host(src)?, host(dst)?)));
        if let Some(cause) = between.and_then(|it| one_way.get(&it)) {
            finding.severity = Severity::Info;
            finding.consequence_of = Some(*cause);
        }
    }
}

fn by_transaction(of_capture: &[Finding], name: &str) -> HashMap<TransactionId, FindingId> {
    of_capture
        .iter()
        .filter(|cause| cause.rule.name == name)
        .flat_map(|cause| cause.transactions.iter().map(|id| (*id, cause.id)))
        .collect()
}

/// Links what is followed over many Call-IDs, registrations and pings, to what is found of single calls, both ways.
pub(in crate::rules) fn link_over_time(of_capture: &mut [Finding], of_calls: &mut [Finding]) {
    link_to_lapsed(of_capture, of_calls);
    link_to_loops(of_capture, of_calls);
    note_large(of_capture, of_calls);
    link_drops(of_capture, of_calls);
    let watched = |finding: &Finding| {
        matches!(
            finding.rule.name,
            "registration-lapsed" | "options-no-response"
        )
    };
    if !of_capture.iter().any(watched) {
        return;
    }
    let asleep = by_transaction(of_capture, "nat-keepalive-missing");
    // Why a refresh failed is why the registration ran out; why a ping failed, why the peer counts as down.
    let causes = of_calls.iter().filter(|cause| {
        cause.severity >= Severity::Warning
            && (cause.rule.name == "icmp-unreachable"
                || cause.rule.name.starts_with("regist")
                || cause.rule.name.starts_with("auth-"))
    });
    let by_transaction: HashMap<TransactionId, FindingId> = causes
        .flat_map(|cause| cause.transactions.iter().map(|id| (*id, cause.id)))
        .collect();
    let flapping: HashMap<(String, String), FindingId> = of_capture
        .iter()
        .filter(|finding| finding.rule.name == "options-flapping")
        .filter_map(|finding| Some((route(finding)?, finding.id)))
        .collect();
    for finding in of_capture.iter_mut().filter(|it| watched(it)) {
        let pings = finding.rule.name == "options-no-response";
        // The first transaction of a registration is the one that was accepted.
        let mut failed = finding.transactions.iter().skip(usize::from(!pings));
        let found = |id| by_transaction.get(id).or_else(|| asleep.get(id));
        let mut cause = failed.find_map(found).copied();
        if cause.is_none() && pings && finding.severity < Severity::Error {
            cause = route(finding).and_then(|it| flapping.get(&it)).copied();
        }
        finding.consequence_of = finding.consequence_of.or(cause);
    }
}

/// A loop uses up any number of hops: that there were few is no fault of its own then (RFC 3261 §16.3).
fn link_to_loops(of_capture: &mut [Finding], of_calls: &[Finding]) {
    let loops: HashMap<TransactionId, FindingId> = of_calls
        .iter()
        .filter(|it| is_seen_loop(it))
        .flat_map(|it| it.transactions.iter().map(|id| (*id, it.id)))
        .collect();
    let low = |it: &&mut Finding| it.rule.name == "max-forwards-low" && it.variant.is_none();
    for finding in of_capture.iter_mut().filter(low) {
        let mut causes = finding.transactions.iter().map(|id| loops.get(id).copied());
        let first = causes.next().flatten();
        if first.is_some() && causes.all(|it| it.is_some()) {
            finding.consequence_of = first;
        }
    }
}

/// That a request was large is one of several reasons for which nobody may have answered it, where it is no more than possible: what
/// happened is told, with all of them.
fn note_large(of_capture: &mut [Finding], of_calls: &[Finding]) {
    let may = |it: &Finding| {
        it.rule.name == "large-udp"
            && it.severity > Severity::Info
            && it.confidence == Confidence::Possible
    };
    if !of_capture.iter().any(may) {
        return;
    }
    let silent: HashSet<TransactionId> = (of_calls.iter())
        .filter(|it| it.rule.name.ends_with("-no-response") && it.severity > Severity::Info)
        .flat_map(|it| it.transactions.iter().copied())
        .collect();
    for finding in of_capture.iter_mut().filter(|it| may(it)) {
        let told = finding.transactions.iter().all(|id| silent.contains(id));
        if told && !finding.transactions.is_empty() && finding.severity_was.is_none() {
            finding.severity = Severity::Info;
        }
    }
}

/// Whether the capture shows a request go round.
fn is_seen_loop(finding: &Finding) -> bool {
    finding.rule.name == "routing-loop-483" && finding.variant.is_none()
}

/// To whom a request of the finding went.
fn peer(finding: &Finding) -> Option<SocketAddr> {
    match finding.get("dst") {
        Some(Fact::Text(dst)) => dst.parse().ok(),
        _ => None,
    }
}

/// Who asks whom.
fn route(finding: &Finding) -> Option<(String, String)> {
    match (finding.get("src"), finding.get("dst")) {
        (Some(Fact::Text(src)), Some(Fact::Text(dst))) => Some((src.clone(), dst.clone())),
        _ => None,
    }
}

/// Nobody is found at an address-of-record whose registration ran out before; and that nobody is found proves that it did.
fn link_to_lapsed(of_capture: &mut [Finding], of_calls: &mut [Finding]) {
    let lapsed: HashMap<String, usize> = of_capture
        .iter()
        .enumerate()
        .filter(|(_, finding)| finding.rule.name == "registration-lapsed")
        .filter_map(|(at, finding)| match finding.get("aor") {
            Some(Fact::Text(aor)) => Some((aor.clone(), at)),
            _ => None,
        })
        .collect();
    if lapsed.is_empty() {
        return;
    }
    for finding in of_calls {
        if !matches!(finding.status, Some(404 | 408 | 410 | 480))
            || finding.consequence_of.is_some()
        {
            continue;
        }
        let wanted = ["request_uri", "to"].into_iter().find_map(|name| {
            let Some(Fact::Text(uri)) = finding.get(name) else {
                return None;
            };
            lapsed.get(&address_of_record(uri.as_bytes())).copied()
        });
        let Some(cause) = wanted.and_then(|at| of_capture.get_mut(at)) else {
            continue;
        };
        let back = match cause.get("gap") {
            Some(Fact::Time(gap)) => Some(cause.time + *gap),
            _ => None,
        };
        if finding.time > cause.time && back.is_none_or(|back| finding.time < back) {
            finding.consequence_of = Some(cause.id);
            if cause.confidence == Confidence::Likely {
                cause.confidence = Confidence::Certain;
            }
        }
    }
}

/// A message that departs from the format is refused or ignored for that reason.
fn link_to_defects(view: &CaptureView<'_>, of_capture: &[Finding], of_calls: &mut [Finding]) {
    let cause = format::causes(view, of_capture);
    for finding in of_calls {
        let name = finding.rule.name;
        let follows = matches!(
            name,
            "status" | "ack-missing-2xx" | "registration-rejected" | "routing-loop-483"
        ) && !is_seen_loop(finding)
            || REFUSED.contains(&name)
            || name.ends_with("-no-response");
        if follows && finding.consequence_of.is_none() {
            finding.consequence_of = finding.transactions.iter().find_map(|id| cause(*id));
        }
    }
}

/// Why single calls were dropped.
const DROPS: &[&str] = &[
    "ack-missing-2xx",
    "ack-not-effective",
    "session-timer-expired",
    "session-refresh-failed",
];

/// Notes the BYE of the dialogs that may have been ended for what was found.
pub(in crate::rules) fn note_hang_up(call: &Call, findings: &mut [Finding]) {
    for finding in findings {
        if DROPS.contains(&finding.rule.name) {
            let dialogs = call.dialogs();
            let own = |it: &&Transaction| finding.transactions.contains(&it.id);
            let dialog = (dialogs.iter())
                .find(|it| it.invites.iter().any(own) || it.requests.iter().any(own));
            let bye = dialog.and_then(Dialog::bye);
            finding.hung_up = bye.and_then(|it| Some(it.requests.first()?.frame));
        }
    }
}

/// Calls that all end after the same time have the cause that one of them shows; it is told by the BYE.
pub(in crate::rules) fn link_drops(of_capture: &mut [Finding], of_calls: &[Finding]) {
    let pattern = |it: &Finding| it.rule.name == "call-dropped-at-fixed-time";
    if !of_capture.iter().any(pattern) {
        return;
    }
    let causes: HashMap<FrameNumber, (FindingId, &str)> = of_calls
        .iter()
        .filter(|it| DROPS.contains(&it.rule.name) && it.severity >= Severity::Warning)
        .filter_map(|it| Some((it.hung_up?, (it.id, it.rule.name))))
        // Of several in a call the first in the order of judgement.
        .rev()
        .collect();
    for finding in of_capture.iter_mut().filter(|it| pattern(it)) {
        // What waits for an ACK waits for 64*T1, and a refresh is due when the session interval says so.
        let constant = match finding.get("constant") {
            Some(Fact::Text(constant)) => constant.as_str(),
            _ => "",
        };
        let fits =
            |name: &str| constant.is_empty() || (constant == "64*T1") == name.starts_with("ack-");
        let causes = finding.frames.iter().filter_map(|frame| causes.get(frame));
        let cause = causes.filter(|it| fits(it.1)).map(|it| it.0).next();
        finding.consequence_of = finding.consequence_of.or(cause);
    }
}
