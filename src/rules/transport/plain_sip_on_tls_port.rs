//! `plain-sip-on-tls-port`: SIP in clear was sent to a port where TLS is spoken (RFC 3261 §18.1.1, §26.2.1), told once a server.

use crate::dialog::streams::{Answer, SipPorts, Stray};
use crate::rules::finding::StreamFault;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use std::net::SocketAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "plain-sip-on-tls-port",
    code: "NET007",
    severity: Severity::Error,
    guards: &[Guard::Loss],
    judge: Judge::Capture(judge),
    words: include_str!("plain_sip_on_tls_port.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    for (server, stray) in view.streams.plain_on_tls.all() {
        if let Some(confidence) = proof(view, server, stray) {
            found.push(finding(server, stray, confidence));
        }
    }
}

/// Whether this finding tells why a server closes.
pub(super) fn tells(view: &CaptureView<'_>, server: SocketAddr) -> bool {
    let stray = view.streams.plain_on_tls.get(server);
    stray.is_some_and(|stray| proof(view, server, stray).is_some())
}

/// How sure it is; `None` when the server may have closed for any reason.
fn proof(view: &CaptureView<'_>, server: SocketAddr, stray: &Stray) -> Option<Confidence> {
    if stray.answer == Answer::Tls {
        return Some(Confidence::Certain);
    }
    if view.streams.ports.speaks_plain(server) {
        return None;
    }
    let known = view.tls_servers.get(server);
    let speaks_tls = view.streams.ports.speaks_tls(server)
        || known.is_some_and(|it| it.succeeded > 0 || !it.unread.is_empty());
    if speaks_tls && !view.lossy {
        Some(Confidence::Certain)
    } else {
        (speaks_tls || SipPorts::is_of_tls(server.port())).then_some(Confidence::Likely)
    }
}

fn finding(server: SocketAddr, stray: &Stray, confidence: Confidence) -> Finding {
    let client = stray.clients.first().map(ToString::to_string);
    let mut finding = Finding::of_capture(&RULE, stray.first.time)
        .variant((stray.answer == Answer::Tls).then_some("alert"))
        .confidence(confidence)
        .fact_if("src", client)
        .fact("dst", server.to_string())
        .fact("count", stray.count)
        .fact("clients", stray.clients.len())
        .fact(
            "answer",
            match stray.answer {
                Answer::Fin => "FIN",
                Answer::Reset => "RST",
                Answer::Tls => "TLS",
            },
        );
    finding.frames.clone_from(&stray.frames);
    finding.frames.sort_unstable();
    finding.frames.dedup();
    finding.stream = Some(StreamFault::Broken(server));
    finding
}
