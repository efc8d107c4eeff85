//! `tcp-connect-failed`: a TCP connection to a port of SIP does not come to be, so that what was to be sent on it was never
//! sent (RFC 3261 §18.1.1, §18.4); told once a server, however many clients try.

use crate::dialog::streams::{Attempt, ConnectFailure, SipPorts, Target};
use crate::limits::MAX_FRAMES_SHOWN;
use crate::rules::finding::StreamFault;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "tcp-connect-failed",
    code: "NET005",
    severity: Severity::Error,
    guards: &[Guard::End, Guard::OneWay, Guard::Loss, Guard::Outcome],
    judge: Judge::Capture(judge),
    words: include_str!("tcp_connect_failed.toml"),
};

/// The first SYN comes again after a second (RFC 6298 §2).
const FIRST_TIMEOUT: Duration = Duration::from_secs(1);
/// A host that tries more servers than this in vain looks for some, or has lost its network.
const SWEEP: usize = 16;
/// An earlier connection that ended this long before has to do with it.
const BEFORE: Duration = Duration::from_mins(10);

/// The attempts to reach one server that prove something.
struct Failed<'a> {
    server: SocketAddr,
    target: &'a Target,
    attempts: Vec<&'a Attempt>,
    evidence: Confidence,
}

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    let failed = failed(view);
    let mut servers: BTreeMap<IpAddr, BTreeSet<SocketAddr>> = BTreeMap::new();
    for it in &failed {
        for attempt in &it.attempts {
            let of_client = servers.entry(attempt.client.ip()).or_default();
            of_client.insert(it.server);
        }
    }
    servers.retain(|_, tried| tried.len() > SWEEP);
    for (client, tried) in &servers {
        found.extend(sweep(*client, tried.len(), &failed));
    }
    for mut it in failed {
        it.attempts
            .retain(|attempt| !servers.contains_key(&attempt.client.ip()));
        found.extend(finding(view, &it));
    }
}

/// Whether it is why there is no SIP to read.
pub(in crate::rules) fn says_why(view: &CaptureView<'_>) -> bool {
    !failed(view).is_empty()
}

fn failed<'a>(view: &CaptureView<'a>) -> Vec<Failed<'a>> {
    let streams = view.streams;
    let of = |(server, target): (SocketAddr, &'a Target)| {
        let speaks = view.surroundings.speaks(server.ip());
        let evidence = streams.ports.evidence(server, speaks)?;
        // One SYN without an answer may be the last packet of the capture; several tries of one each are enough.
        let is_old = |attempt: &Attempt| view.now.since(attempt.last.time) >= FIRST_TIMEOUT;
        let is_weak = |attempt: &Attempt| {
            attempt.failure == ConnectFailure::Silent
                && (attempt.syns as u64) < view.thresholds.syns
        };
        let all = target.attempts.values();
        let weak = all.clone().filter(|it| is_weak(it) && is_old(it));
        let enough = weak.map(|it| it.syns).sum::<usize>() as u64 >= view.thresholds.syns;
        let attempts: Vec<_> = all
            .filter(|it| !is_weak(it) || (enough && is_old(it)))
            .collect();
        (!attempts.is_empty()).then_some(Failed {
            server,
            target,
            attempts,
            evidence,
        })
    };
    streams.connects.all().filter_map(of).collect()
}

fn finding(view: &CaptureView<'_>, failed: &Failed<'_>) -> Option<Finding> {
    let attempts = || failed.attempts.iter().copied();
    let first = attempts().min_by_key(|it| it.first.frame)?;
    let last = attempts().max_by_key(|it| it.last.time)?;
    let failure = most_frequent(attempts().map(|it| it.failure))?;
    let shown = attempts().find(|it| it.failure == failure)?;
    let clients: BTreeSet<_> = attempts().map(|it| it.client.ip()).collect();
    let before = view
        .streams
        .broken
        .before(first.client.ip(), failed.server, first.first)
        .filter(|it| first.first.time.since(it.at.time) <= BEFORE);
    let mut finding = Finding::of_capture(&RULE, first.first.time)
        .severity(severity(view, failed))
        .confidence(confidence(view, failed, failure))
        .variant(variant(failure, before.is_some()))
        .fact("src", first.client.ip().to_string())
        .fact("dst", failed.server.to_string())
        .fact("transport", transport(view, failed.server))
        .fact("count", failed.attempts.len())
        .fact("clients", clients.len())
        .fact("syns", attempts().map(|it| it.syns).sum::<usize>())
        .fact("span", last.last.time.since(first.first.time))
        .fact("waited", shown.last.time.since(shown.first.time));
    if failure != ConnectFailure::Silent {
        finding = finding.seen();
    }
    match failure {
        ConnectFailure::Refused => finding = finding.fact("answer", "RST"),
        ConnectFailure::Unreachable { kind, reporter } => {
            finding = finding
                .fact("answer", "ICMP")
                .fact("kind", kind.name())
                .fact("reporter", reporter.to_string());
        }
        ConnectFailure::Unacknowledged => finding = finding.fact("answer", "SYN ACK"),
        ConnectFailure::Silent => {}
    }
    if let Some(before) = before {
        finding = finding
            .fact("closer", before.closer().ip().to_string())
            .fact("ended_with", if before.reset { "RST" } else { "FIN" })
            .fact("after", first.first.time.since(before.at.time));
        finding.frames.push(before.at.frame);
    }
    let frames = attempts().flat_map(|it| it.frames.iter().copied());
    finding.frames.extend(frames.take(MAX_FRAMES_SHOWN));
    finding.stream = Some(StreamFault::Connect(failed.server));
    finding.frames.sort_unstable();
    finding.frames.dedup();
    finding.frames.truncate(MAX_FRAMES_SHOWN);
    Some(finding.note_if(failed.target.came_right(attempts())))
}

/// A host that tries one server after the other, told once.
fn sweep(client: IpAddr, servers: usize, failed: &[Failed<'_>]) -> Option<Finding> {
    let of_client = failed.iter().flat_map(|it| {
        let own = it.attempts.iter().filter(|it| it.client.ip() == client);
        own.map(|attempt| (it.server, *attempt))
    });
    let (server, first) = of_client.clone().min_by_key(|(_, it)| it.first.frame)?;
    let mut finding = Finding::of_capture(&RULE, first.first.time)
        .severity(Severity::Warning)
        .confidence(Confidence::Likely)
        .variant(Some("sweep"))
        .fact("src", client.to_string())
        .fact("dst", server.to_string())
        .fact("servers", servers)
        .fact("count", of_client.clone().count());
    finding.frames = of_client
        .flat_map(|(_, it)| it.frames.iter().copied())
        .take(MAX_FRAMES_SHOWN)
        .collect();
    finding.frames.sort_unstable();
    finding.frames.dedup();
    Some(finding)
}

/// One knock of a host that has nothing to do with the SIP of this capture, at a server that has, may be a scan: a client
/// comes again.
fn severity(view: &CaptureView<'_>, failed: &Failed<'_>) -> Severity {
    let mut knocks: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for attempt in &failed.attempts {
        *knocks.entry(attempt.client.ip()).or_default() += 1;
    }
    let speaks = |ip| view.surroundings.speaks(ip);
    let stray = |(ip, count): (&IpAddr, &usize)| *count == 1 && !speaks(*ip);
    if speaks(failed.server.ip()) && knocks.iter().all(stray) {
        Severity::Warning
    } else {
        Severity::Error
    }
}

/// The kinds of one ICMP error count as one; of equally frequent failures the plainest.
fn most_frequent(failures: impl Iterator<Item = ConnectFailure>) -> Option<ConnectFailure> {
    let mut counts: BTreeMap<ConnectFailure, usize> = BTreeMap::new();
    for failure in failures {
        *counts.entry(failure).or_default() += 1;
    }
    let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    most.map(|(failure, _)| failure)
}

const fn variant(failure: ConnectFailure, had_one: bool) -> Option<&'static str> {
    match failure {
        ConnectFailure::Refused if had_one => Some("not-again"),
        ConnectFailure::Refused => None,
        ConnectFailure::Unreachable { .. } => Some("unreachable"),
        ConnectFailure::Unacknowledged => Some("half-open"),
        ConnectFailure::Silent if had_one => Some("silent-again"),
        ConnectFailure::Silent => Some("silent"),
    }
}

/// What was to be spoken, as far as the port and the rest of the capture tell.
fn transport(view: &CaptureView<'_>, server: SocketAddr) -> &'static str {
    if SipPorts::is_of_tls(server.port()) || view.streams.ports.speaks_tls(server) {
        "TLS"
    } else {
        "TCP"
    }
}

/// Whether an attempt without an answer is over: the next SYN would have come, after twice the time of the last one.
fn has_ended(attempt: &Attempt, now: Timestamp) -> bool {
    now.since(attempt.last.time) > attempt.last.time.since(attempt.first.time) + FIRST_TIMEOUT
}

/// A refusal is there to be seen; silence rests on repeated SYNs, which prove that their sender had no answer, unless these
/// are single ones of several tries.
fn confidence(view: &CaptureView<'_>, failed: &Failed<'_>, failure: ConnectFailure) -> Confidence {
    let repeated = failed
        .attempts
        .iter()
        .any(|it| it.syns as u64 >= view.thresholds.syns);
    let known = match failure {
        ConnectFailure::Silent if !repeated && view.lossy => Confidence::Possible,
        // The next SYN may be answered yet (guard G-END).
        ConnectFailure::Silent
            if !repeated || !failed.attempts.iter().any(|it| has_ended(it, view.now)) =>
        {
            Confidence::Likely
        }
        _ => Confidence::Certain,
    };
    known.min(failed.evidence)
}
