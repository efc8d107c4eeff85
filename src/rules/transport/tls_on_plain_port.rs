//! `tls-on-plain-port`: a client begins TLS on a port where SIP is spoken in clear (RFC 3261 §18.1.1, §26.2.1), told once a
//! server. It takes the place of `tls-handshake-failed`, which knows less.

use crate::dialog::streams::SipPorts;
use crate::dialog::{Failed, Failure, TlsServer};
use crate::limits::MAX_FRAMES_SHOWN;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule, tls};
use crate::severity::{Confidence, Severity};
use std::net::SocketAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "tls-on-plain-port",
    code: "NET008",
    severity: Severity::Error,
    guards: &[Guard::Loss],
    judge: Judge::Capture(judge),
    words: include_str!("tls_on_plain_port.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    for (address, server) in tls::servers(view) {
        let failures = || {
            let own = server.failures.iter();
            own.filter_map(|(failure, failed)| {
                let proof = proof(view, address, server, *failure, failed)?;
                Some((*failure, failed, proof))
            })
        };
        let Some((failure, first, _)) = failures().min_by_key(|(_, it, _)| it.at.frame) else {
            continue;
        };
        let confidence = failures().map(|it| it.2).max();
        let mut finding = Finding::of_capture(&RULE, first.at.time)
            .confidence(confidence.unwrap_or(Confidence::Possible))
            .fact("src", first.client.to_string())
            .fact("dst", address.to_string())
            .fact("count", failures().map(|it| it.1.count).sum::<u64>())
            .fact(
                "answer",
                match failure {
                    Failure::NotTls if first.answer.is_response() => "SIP",
                    Failure::NotTls => "not TLS",
                    Failure::Unanswered => "none",
                    _ if first.reset => "RST",
                    _ => "FIN",
                },
            );
        finding = tls::with_hellos(finding, &first.tls);
        finding.frames = failures()
            .flat_map(|it| it.1.frames.iter().copied())
            .take(MAX_FRAMES_SHOWN)
            .collect();
        finding.frames.sort_unstable();
        finding.frames.dedup();
        let right = failures().all(|(_, failed, _)| server.came_right(failed));
        found.push(finding.note_if(right));
    }
}

/// How sure it is that the server speaks no TLS on that port; `None` when the handshake failed for another reason, or may
/// have.
pub(super) fn proof(
    view: &CaptureView<'_>,
    address: SocketAddr,
    server: &TlsServer,
    failure: Failure,
    failed: &Failed,
) -> Option<Confidence> {
    let ports = &view.streams.ports;
    let speaks = ports.speaks_plain(address);
    let silent = match failure {
        // What waits for a line of text says nothing to a ClientHello, or goes.
        Failure::Unanswered | Failure::Closed { by_client: false } => {
            failed.tls.server_hello.is_none()
        }
        // A client that goes before may have been too fast.
        Failure::Closed { by_client: true } => failed.tls.server_hello.is_none() && speaks,
        Failure::NotTls if failed.answer.is_response() => return Some(Confidence::Certain),
        Failure::NotTls => true,
        Failure::Alert { .. } | Failure::HiddenAlert { .. } => false,
    };
    if !silent || server.succeeded > 0 || ports.speaks_tls(address) {
        return None;
    }
    if speaks && !view.lossy {
        Some(Confidence::Certain)
    } else {
        (speaks || SipPorts::is_of_plain(address.port())).then_some(Confidence::Likely)
    }
}
