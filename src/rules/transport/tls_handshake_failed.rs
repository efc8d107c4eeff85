//! `tls-handshake-failed`: a TLS connection to a SIP server does not come to the point where SIP could pass, told once a
//! server and way to fail. Where the packets prove the cause, that is the variant.

use super::tls_on_plain_port;
use crate::dialog::{Evidence, Failed, Failure, TlsServer};
use crate::limits::MAX_FRAMES_SHOWN;
use crate::reassembly::tls::{TlsFacts, alert_name};
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule, tls};
use crate::severity::{Confidence, Severity};
use std::net::SocketAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "tls-handshake-failed",
    code: "NET004",
    severity: Severity::Error,
    guards: &[Guard::End, Guard::Loss, Guard::Outcome],
    judge: Judge::Capture(judge),
    words: include_str!("tls_handshake_failed.toml"),
};

/// Alerts with which clients refuse a certificate without saying more than that (RFC 8446 §6.2).
const BAD_CERTIFICATE: u8 = 42;
const CERTIFICATE_EXPIRED: u8 = 45;
const CERTIFICATE_UNKNOWN: u8 = 46;
const UNKNOWN_CA: u8 = 48;

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    for (address, server) in tls::servers(view) {
        for (failure, failed) in &server.failures {
            if tls_on_plain_port::proof(view, address, server, *failure, failed).is_some() {
                continue;
            }
            found.push(finding(view, address, server, *failure, failed));
        }
    }
}

fn finding(
    view: &CaptureView<'_>,
    address: SocketAddr,
    server: &TlsServer,
    failure: Failure,
    failed: &Failed,
) -> Finding {
    let facts = &*failed.tls;
    let mut finding = Finding::of_capture(&RULE, failed.at.time)
        .variant(variant(failure, failed))
        .severity_at_most(severity(server, failure))
        .confidence(confidence(view, server, failure))
        .fact("src", failed.client.to_string())
        .fact("dst", address.to_string())
        .fact("count", failed.count)
        .fact("clients", failed.clients())
        .fact("succeeded", server.succeeded);
    if !rests_on_absence(failure) {
        finding = finding.seen();
    }
    if let Some(by_client) = failure.by_client() {
        let refuser = if by_client {
            failed.client.to_string()
        } else {
            address.to_string()
        };
        finding = finding
            .fact("refused_by", if by_client { "client" } else { "server" })
            .fact("refuser", refuser);
    }
    match failure {
        Failure::Alert { code, .. } => {
            let name = alert_name(code).map_or_else(|| code.to_string(), str::to_owned);
            finding = finding
                .fact("alert", name)
                .fact("alert_number", u64::from(code));
        }
        Failure::Closed { .. } => {
            finding = finding.fact("ended_with", if failed.reset { "RST" } else { "FIN" });
        }
        Failure::Unanswered => finding = finding.fact("waited", failed.waited),
        Failure::HiddenAlert { .. } | Failure::NotTls => {}
    }
    finding = tls::with_hellos(finding, facts);
    if let Some(certificate) = &facts.certificate {
        finding = tls::with_certificate(finding, certificate);
        if certificate.not_after < failed.at.time {
            finding = finding.fact("expired", failed.at.time.since(certificate.not_after));
        } else if certificate.not_before > failed.at.time {
            finding = finding.fact("valid_in", certificate.not_before.since(failed.at.time));
        }
    }
    if facts.client_certificate_requested {
        let presented = match facts.client_certificate_presented {
            Some(true) => "presented",
            Some(false) => "missing",
            None => "requested",
        };
        finding = finding.fact("client_certificate", presented);
    }
    if let Some(certificate) = &facts.client_certificate {
        finding = finding
            .fact("client_certificate_subject", &*certificate.subject)
            .fact("client_certificate_issuer", &*certificate.issuer)
            .fact(
                "client_certificate_not_after",
                certificate.not_after.to_string(),
            );
    }
    finding.frames.clone_from(&failed.frames);
    finding.frames.sort_unstable();
    finding.frames.dedup();
    finding.frames.truncate(MAX_FRAMES_SHOWN);
    finding.note_if(server.came_right(failed))
}

/// Which words are right: the cause, where the packets prove it; `None` where the alert itself says most.
fn variant(failure: Failure, failed: &Failed) -> Option<&'static str> {
    let facts = &*failed.tls;
    match failure {
        Failure::Alert {
            by_client: false, ..
        }
        | Failure::Closed { by_client: false }
            if facts.client_certificate_presented == Some(false) =>
        {
            Some("client-certificate-missing")
        }
        Failure::Alert {
            by_client: true,
            code,
        } => at_fault(facts, failed, Some(code)),
        Failure::Closed { by_client: true } => at_fault(facts, failed, None).or(Some("closed")),
        Failure::Alert { .. } => None,
        Failure::HiddenAlert { .. } => Some("hidden-alert"),
        Failure::Closed { .. } => Some("closed"),
        Failure::Unanswered => Some("unanswered"),
        Failure::NotTls => Some("not-tls"),
    }
}

/// What is wrong with the certificate of the server that a client refused, with an alert or without.
fn at_fault(facts: &TlsFacts, failed: &Failed, alert: Option<u8>) -> Option<&'static str> {
    let certificate = facts.certificate.as_ref()?;
    let says = |codes: &[u8]| alert.is_none_or(|code| codes.contains(&code));
    let of_validity = says(&[BAD_CERTIFICATE, CERTIFICATE_EXPIRED, CERTIFICATE_UNKNOWN]);
    if of_validity && certificate.not_after < failed.at.time {
        return Some("certificate-expired");
    }
    if of_validity && certificate.not_before > failed.at.time {
        return Some("certificate-not-yet-valid");
    }
    if says(&[BAD_CERTIFICATE, CERTIFICATE_UNKNOWN, UNKNOWN_CA]) && certificate.self_signed {
        return Some("certificate-self-signed");
    }
    let wanted = facts.server_name.as_deref()?;
    let other = says(&[BAD_CERTIFICATE, CERTIFICATE_UNKNOWN]) && !tls::is_for(certificate, wanted);
    other.then_some("certificate-wrong-name")
}

/// A client that goes without a word may have been a scanner, when others have no trouble; what only shares the host with SIP
/// may be something else.
const fn severity(server: &TlsServer, failure: Failure) -> Severity {
    let gone = matches!(failure, Failure::Closed { by_client: true }) && server.succeeded > 0;
    if gone || matches!(server.evidence, Evidence::Host) {
        Severity::Warning
    } else {
        Severity::Error
    }
}

/// Whether it is told by what was not seen (guard G-LOSS).
const fn rests_on_absence(failure: Failure) -> bool {
    matches!(
        failure,
        Failure::Closed { .. } | Failure::Unanswered | Failure::NotTls
    )
}

fn confidence(view: &CaptureView<'_>, server: &TlsServer, failure: Failure) -> Confidence {
    let known = match failure {
        Failure::HiddenAlert { .. } => Confidence::Likely,
        _ if view.lossy && rests_on_absence(failure) => Confidence::Possible,
        _ => Confidence::Certain,
    };
    known.min(tls::confidence(server.evidence))
}
