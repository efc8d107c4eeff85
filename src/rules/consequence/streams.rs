//! One fault, one headline, across the capture: findings of calls that a fault of connections explains, and faults of
//! connections that explain each other.

use crate::capture::FrameNumber;
use crate::hash::{HashMap, HashSet};
use crate::rules::finding::StreamFault;
use crate::rules::{CallView, Fact, Finding, FindingId};
use crate::severity::Severity;
use crate::time::Timestamp;
use crate::transaction::{Response, Transaction, TransactionId};
use std::time::Duration;

/// Codes with which a proxy or B2BUA says that its next hop could not be reached (RFC 3261 §16.9, §21.4.9, §21.5); 477 and
/// 478 are Kamailio's.
const OF_NEXT_HOP: [u64; 8] = [408, 477, 478, 480, 500, 502, 503, 504];
/// A server that closes its connections and is gone is missed this soon.
const SAME_FAULT: Duration = Duration::from_mins(2);
/// Transactions of one finding that are looked at.
const HOPS: usize = 16;

/// Marks the findings of a call that connections explain. The finding about these comes at the end of the capture.
pub(in crate::rules) fn blame(view: &CallView<'_>, findings: &mut [Finding]) {
    for finding in findings {
        let name = finding.rule.name;
        let waits = name.ends_with("-no-response") || name == "invite-stuck-trying";
        let refuses = finding.status.is_some_and(|it| OF_NEXT_HOP.contains(&it))
            || matches!(
                name,
                "registration-rejected" | "failed-after-next-hop-timeout"
            );
        if finding.consequence_of.is_none() && (waits || refuses) {
            let find = |id: &TransactionId| view.call.transactions.iter().find(|it| it.id == *id);
            let mut hops = finding.transactions.iter().filter_map(find).take(HOPS);
            finding.stream = hops.find_map(|hop| fault(view, hop));
        }
    }
}

/// What broke under a request, or behind the server that it went to.
fn fault(view: &CallView<'_>, hop: &Transaction) -> Option<StreamFault> {
    let streams = view.streams;
    let broken = |it: &Transaction| streams.broken.of(view.call, it).map(|it| it.flow.dst);
    if let Some(server) = broken(hop) {
        return Some(StreamFault::Broken(server));
    }
    let from = hop.start();
    let answer = hop.final_response();
    let until = answer.map_or(view.now, Response::time);
    let here = hop.flow.dst.ip();
    let onwards = || {
        let same = view.call.of(&hop.method);
        same.filter(|it| it.flow.src.ip() == here && it.start() >= from && it.id != hop.id)
    };
    if let Some(server) = onwards().find_map(broken) {
        return Some(StreamFault::Broken(server));
    }
    // What came from behind was passed on.
    let code = answer.map(|it| it.code);
    if onwards().any(|it| it.final_response().is_some() && it.final_code() == code) {
        return None;
    }
    // The next hop's next hop; or, once its connection is gone, the client's own.
    let behind = streams.connects.failed_between(here, from, until).next();
    let own = || {
        let tried = streams
            .connects
            .failed_between(hop.flow.src.ip(), from, until);
        tried
            .filter(|_| answer.is_none())
            .find(|(target, _)| target.ip() == here)
    };
    let (target, _) = behind.or_else(own)?;
    Some(StreamFault::Connect(target))
}

/// Links what is left to the finding that explains it.
pub(in crate::rules) fn link_streams(of_capture: &mut [Finding], of_calls: &mut [Finding]) {
    // What made a call fail did not come right, whatever came through elsewhere.
    let blamed: HashSet<StreamFault> = of_calls
        .iter()
        .filter(|it| it.severity > Severity::Info)
        .filter_map(|it| it.stream)
        .collect();
    for finding in of_capture.iter_mut().filter(|it| it.came_right) {
        if finding.stream.is_some_and(|it| blamed.contains(&it)) {
            finding.came_right = false;
            finding.severity = finding.rule.severity;
        }
    }
    let mut causes: HashMap<StreamFault, (FindingId, Timestamp)> = HashMap::default();
    let mut by_frame: HashMap<FrameNumber, FindingId> = HashMap::default();
    let mut desyncs: HashMap<String, FindingId> = HashMap::default();
    for finding in of_capture.iter() {
        if let Some(fault) = finding.stream
            && finding.severity > Severity::Info
        {
            // Of two the first in the order of judgement.
            causes.entry(fault).or_insert((finding.id, finding.time));
            for frame in &finding.frames {
                by_frame.entry(*frame).or_insert(finding.id);
            }
        }
        if finding.rule.name == "tcp-stream-desync" {
            for host in ["src", "dst"] {
                if let Some(Fact::Text(host)) = finding.get(host) {
                    desyncs.entry(host.clone()).or_insert(finding.id);
                }
            }
        }
    }
    for finding in of_calls {
        if let Some(fault) = finding.stream
            && finding.consequence_of.is_none()
        {
            finding.consequence_of = causes.get(&fault).map(|it| it.0);
        }
    }
    for finding in of_capture {
        let cause = match finding.stream {
            Some(StreamFault::Broken(server)) => {
                // The server was gone, and with it the way back; or it could not read what came.
                let gone = causes.get(&StreamFault::Connect(server));
                let soon =
                    |at: Timestamp| at >= finding.time && at.since(finding.time) <= SAME_FAULT;
                let gone = gone.filter(|it| soon(it.1)).map(|it| it.0);
                gone.or_else(|| desyncs.get(&server.ip().to_string()).copied())
            }
            None if finding.rule.name == "options-no-response" => {
                let known = finding.frames.iter().find_map(|frame| by_frame.get(frame));
                known.copied()
            }
            _ => None,
        };
        finding.consequence_of = finding.consequence_of.or(cause);
    }
}
