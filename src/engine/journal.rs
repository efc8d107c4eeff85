//! What the engine says of its work to those who ask (`-v`), through `tracing`: connections, TLS, datagrams that stayed
//! incomplete. It costs a comparison where nobody asks. Strangers' texts are not in it but through [`sanitize`], and nothing
//! that was replaced (`--redact`).

use crate::dialog::TlsServers;
use crate::reassembly::fragments::Incomplete;
use crate::reassembly::tls::{PerSide, TlsFacts};
use crate::reassembly::{Connection, Side};
use crate::text::sanitize;
use std::fmt::Write as _;
use std::net::IpAddr;
use tracing::{Level, debug, enabled, info};

/// A connection that is over.
pub(super) fn connection(connection: &Connection) {
    if !enabled!(Level::DEBUG) {
        return;
    }
    let flow = connection.flow;
    let mut text = format!(
        "connection {} → {} ({}), frames {}-{}: {} bytes there, {} back, {} SIP messages",
        flow.src,
        flow.dst,
        flow.transport,
        connection.first.frame,
        connection.last.frame,
        connection.sent[0],
        connection.sent[1],
        connection.messages,
    );
    if connection.lost > 0 {
        let _ = write!(text, ", {} bytes missing", connection.lost);
    }
    if let Some(tls) = connection.tls.as_deref() {
        text.push_str("; ");
        text.push_str(&tls_text(tls));
    }
    debug!("{text}");
}

fn tls_text(tls: &TlsFacts) -> String {
    let mut text = (tls.version).map_or_else(|| "TLS".to_owned(), |version| version.to_string());
    if let Some(suite) = tls.cipher_suite {
        let _ = write!(text, ", {suite}");
    }
    if let Some(name) = &tls.server_name {
        let _ = write!(text, ", server name {}", sanitize(name));
    }
    let records = |sides: &PerSide<u64>| sides.of(Side::Opener) + sides.of(Side::Acceptor);
    let (opened, all) = (
        records(&tls.opened_records),
        records(&tls.application_records),
    );
    match tls.unreadable {
        Some(reason) => {
            let _ = write!(text, ", not opened: {}", reason.name());
        }
        None if opened > 0 => {
            let _ = write!(text, ", keys found, {opened} of {all} records opened");
        }
        None => text.push_str(", nothing to open"),
    }
    text
}

/// A datagram whose pieces are not waited for any longer.
pub(super) fn incomplete(incomplete: &Incomplete, [src, dst]: [IpAddr; 2]) {
    debug!(
        "fragments of a datagram {src} → {dst} (identification {}), from frame {} on: given up with {} pieces, the first one {}",
        incomplete.datagram.identification,
        incomplete.at.frame,
        incomplete.pieces,
        if incomplete.head.is_some() {
            "there"
        } else {
            "missing"
        },
    );
}

/// The servers that speak TLS and, by what is known, SIP in it.
pub(super) fn tls_servers(servers: &TlsServers) {
    if !enabled!(Level::INFO) {
        return;
    }
    for (address, server) in servers.all() {
        let mut text = format!(
            "TLS server {address}: {} handshakes completed, {} kinds of failure",
            server.succeeded,
            server.failures.len()
        );
        for (reason, unread) in &server.unread {
            let connections = unread.connections;
            let _ = write!(
                text,
                ", {connections} connections not read: {}",
                reason.name()
            );
        }
        info!("{text}");
    }
}
