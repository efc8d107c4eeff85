//! `capture-encrypted-sip`: TLS connections to a SIP server are open and cannot be read, told once a server. What keeps them
//! closed decides what to do about it, and so is the variant.

use crate::dialog::{TlsServer, Unread};
use crate::limits::MAX_FRAMES_SHOWN;
use crate::reassembly::tls::{CipherSuite, Unreadable};
use crate::rules::{CaptureView, Finding, Judge, Rule, tls};
use crate::severity::Severity;
use std::net::SocketAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "capture-encrypted-sip",
    code: "CAP012",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("encrypted_sip.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    for (address, server) in tls::servers(view) {
        found.extend(finding(view, address, server));
    }
}

fn finding(view: &CaptureView<'_>, address: SocketAddr, server: &TlsServer) -> Option<Finding> {
    // What most of them lack.
    let most = |(_, unread): &(&Unreadable, &Unread)| unread.connections;
    let (reason, shown) = server.unread.iter().rev().max_by_key(most)?;
    let first = server
        .unread
        .values()
        .map(|it| it.first)
        .min_by_key(|it| it.frame)?;
    let all = server.unread.values();
    let finding = Finding::of_capture(&RULE, first.time)
        .variant(variant(*reason, shown))
        .confidence(tls::confidence(server.evidence))
        .fact("dst", address.to_string())
        .fact("reason", reason.name())
        .fact(
            "connections",
            all.clone().map(|it| it.connections).sum::<u64>(),
        )
        .fact("clients", server.unread_clients())
        .fact("records", all.clone().map(|it| it.records).sum::<u64>())
        .fact("sip_messages", view.counts.sip_messages);
    let mut finding = tls::with_hellos(finding, &shown.tls);
    finding.frames = all.flat_map(|it| it.frames.iter().copied()).collect();
    finding.frames.sort_unstable();
    finding.frames.dedup();
    finding.frames.truncate(MAX_FRAMES_SHOWN);
    Some(finding)
}

/// Which words are right; `None` where a key log is what lacks.
fn variant(reason: Unreadable, unread: &Unread) -> Option<&'static str> {
    match reason {
        Unreadable::NoSecrets => {
            let suite = unread.tls.cipher_suite.and_then(CipherSuite::name);
            // RFC 5246 §7.4.7.1: the key of the server opens what was encrypted for it, and nothing else.
            suite
                .is_some_and(|it| it.starts_with("TLS_RSA_WITH_"))
                .then_some("rsa-key-would-do")
        }
        Unreadable::KeyExchangeNotRsa => Some("key-exchange-not-rsa"),
        Unreadable::KeyOfAnotherCertificate => Some("key-of-another-certificate"),
        Unreadable::BeganBeforeCapture => Some("began-before-capture"),
        Unreadable::BytesMissing => Some("bytes-missing"),
        Unreadable::CipherNotSupported | Unreadable::VersionNotSupported => Some("not-supported"),
        Unreadable::BadRecord => Some("wrong-secrets"),
    }
}
