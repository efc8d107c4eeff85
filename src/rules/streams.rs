//! One fault, one headline, across the capture: findings of calls that a fault of connections explains, and faults of
//! connections that explain each other.

use super::finding::StreamFault;
use super::{CallView, Fact, Finding};
use crate::capture::FrameNumber;
use crate::severity::Severity;
use crate::time::Timestamp;
use crate::transaction::{Response, Transaction, TransactionId};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

/// Codes with which a proxy or B2BUA says that its next hop could not be reached (RFC 3261 §16.9, §21.4.9, §21.5); 477 and
/// 478 are Kamailio's.
const OF_NEXT_HOP: [u64; 8] = [408, 477, 478, 480, 500, 502, 503, 504];
/// A server that closes its connections and is gone is missed this soon.
const SAME_FAULT: Duration = Duration::from_mins(2);
/// Transactions of one finding that are looked at.
const HOPS: usize = 16;

/// Marks the findings of a call that connections explain. The finding about these comes at the end of the capture.
pub(super) fn blame(view: &CallView<'_>, findings: &mut [Finding]) {
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
pub(super) fn link(of_capture: &mut [Finding], of_calls: &mut [Finding]) {
    let causes: Vec<_> = of_capture
        .iter()
        .filter(|it| it.severity > Severity::Info)
        .filter_map(|it| Some((it.stream?, it.id, it.time, it.rule.name)))
        .collect();
    for finding in of_calls {
        if finding.consequence_of.is_none() && finding.stream.is_some() {
            let cause = causes.iter().find(|it| Some(it.0) == finding.stream);
            finding.consequence_of = cause.map(|it| it.1);
        }
    }
    let desyncs: Vec<_> = of_capture
        .iter()
        .filter(|it| it.rule.name == "tcp-stream-desync")
        .map(|it| (it.get("src").cloned(), it.get("dst").cloned(), it.id))
        .collect();
    let by_frame: HashMap<FrameNumber, _> = of_capture
        .iter()
        .filter(|it| it.severity > Severity::Info && it.stream.is_some())
        .flat_map(|it| it.frames.iter().map(|frame| (*frame, it.id)))
        .collect();
    for finding in of_capture {
        match finding.stream {
            // The server was gone, and with it the way back.
            Some(StreamFault::Broken(server)) => {
                let gone =
                    |at: Timestamp| at >= finding.time && at.since(finding.time) <= SAME_FAULT;
                let connect = causes
                    .iter()
                    .find(|it| it.0 == StreamFault::Connect(server) && gone(it.2));
                let desync = || {
                    let host = Some(host(server));
                    let of_host = desyncs.iter().find(|it| it.0 == host || it.1 == host);
                    of_host.map(|it| it.2)
                };
                let cause = connect.map(|it| it.1).or_else(desync);
                finding.consequence_of = finding.consequence_of.or(cause);
            }
            Some(StreamFault::Connect(_)) => {}
            None if finding.rule.name == "options-no-response" => {
                let cause = finding.frames.iter().find_map(|frame| by_frame.get(frame));
                finding.consequence_of = finding.consequence_of.or(cause.copied());
            }
            None => {}
        }
    }
}

fn host(server: SocketAddr) -> Fact {
    Fact::from(server.ip().to_string())
}
