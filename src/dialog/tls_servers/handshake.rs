//! One connection: who is who, what says that it is SIP, how its handshake went, and why it stays unread.

use super::{Evidence, Failure};
use crate::capture::Sighting;
use crate::flow::Flow;
use crate::reassembly::tls::{
    AlertFact, AlertLevel, CLOSE_NOTIFY, TlsFacts, TlsVersion, USER_CANCELED, Unreadable,
};
use crate::reassembly::{Beginning, Connection, Side};
use crate::time::Timestamp;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Where SIP runs over TLS by itself: 5061 (RFC 3261 §19.1.2) and what is configured beside it, such as 5081 (FreeSWITCH)
/// and 5067 (Skype for Business). Behind these come 5084 and 5085, which are LLRP's.
const SIP_PORTS: RangeInclusive<u16> = 5060..=5083;
/// What FreeSWITCH and Asterisk offer WebSockets on. Others use 443, 8443 or 10443, which say nothing: web sites and VPNs do
/// so, too.
const WEB_SOCKET_PORTS: [u16; 2] = [7443, 8089];
/// TLS services that run beside SIP on one host: web, mail, directory, DNS, XMPP, TURN, syslog, HEP, provisioning, VPN.
const OTHER_SERVICES: [u16; 24] = [
    443, 465, 563, 587, 636, 853, 989, 990, 992, 993, 994, 995, 3269, 4443, 5001, 5222, 5223, 5269,
    5349, 6514, 8443, 9061, 9443, 10443,
];

/// Alerts with which a server refuses the certificate of a client (RFC 8446 §6.2).
const OF_CERTIFICATES: [u8; 9] = [42, 43, 44, 45, 46, 48, 49, 51, 116];

/// A connection with who is who.
pub(super) struct Seen<'a> {
    pub(super) connection: &'a Connection,
    pub(super) tls: &'a TlsFacts,
    client: Side,
}

impl<'a> Seen<'a> {
    pub(super) fn of(connection: &'a Connection, tls: &'a TlsFacts) -> Self {
        let Flow { src, dst, .. } = connection.flow;
        // Where the handshake is not in the capture, the port tells.
        let turned = SIP_PORTS.contains(&src.port()) && !SIP_PORTS.contains(&dst.port());
        let client = tls
            .client
            .unwrap_or(if turned { Side::Acceptor } else { Side::Opener });
        Self {
            connection,
            tls,
            client,
        }
    }

    pub(super) fn client(&self) -> SocketAddr {
        self.client.of_flow(self.connection.flow).src
    }

    pub(super) fn server(&self) -> SocketAddr {
        self.client.of_flow(self.connection.flow).dst
    }

    /// How the server's bytes begin.
    pub(super) const fn answer(&self) -> &Beginning {
        self.client.other().of(&self.connection.begins)
    }

    fn server_sent(&self) -> u64 {
        *self.client.other().of(&self.connection.sent)
    }

    /// What says that it is SIP; `None` where something says that it is not.
    pub(super) fn evidence(&self) -> Option<Evidence> {
        let offered = &self.tls.offered_protocols;
        // RFC 3261 has "sip/2" in IANA's registry of ALPN.
        let is_sip = |it: &String| matches!(it.as_str(), "sip/2" | "sip");
        let port = self.server().port();
        if self.connection.messages > 0 || offered.iter().chain(&self.tls.protocol).any(is_sip) {
            Some(Evidence::Protocol)
        } else if offered.iter().any(|it| it == "h2") {
            // A browser that fetches pages: no WebSocket is asked for in this way.
            None
        } else if SIP_PORTS.contains(&port) {
            Some(Evidence::Port)
        } else if WEB_SOCKET_PORTS.contains(&port) && *offered == ["http/1.1"] {
            Some(Evidence::WebSocketPort)
        } else {
            let may_be = self.tls.client_hello.is_some()
                && offered.is_empty()
                && !OTHER_SERVICES.contains(&port);
            may_be.then_some(Evidence::Host)
        }
    }

    /// Whether anything was said inside.
    fn has_data(&self) -> bool {
        let TlsFacts {
            application_records: all,
            opened_records: opened,
            ..
        } = self.tls;
        Side::BOTH
            .iter()
            .any(|side| *all.of(*side) > 0 || *opened.of(*side) > 0)
    }

    /// How the handshake failed, and when; `None` when it did not, or nobody can tell. `patience` is how long a ServerHello
    /// may take.
    pub(super) fn failure(
        &self,
        watched: impl Fn(Timestamp) -> Duration,
        patience: Duration,
    ) -> Option<(Failure, Sighting)> {
        let by_client = |side| side == self.client;
        if self.tls.client_hello.is_none() && self.tls.server_hello.is_none() {
            return None;
        }
        if let Some(alert) = self.tls.alerts.iter().find(|it| self.is_refusal(it)) {
            let failure = Failure::Alert {
                by_client: by_client(alert.side),
                code: alert.code,
            };
            return Some((failure, alert.at));
        }
        if self.tls.complete.is_some() || self.has_data() {
            return None;
        }
        if let Some((side, at)) = self.tls.suspected_alert {
            let by_client = by_client(side);
            return Some((Failure::HiddenAlert { by_client }, at));
        }
        self.silent_failure(watched, patience)
    }

    /// Whether an alert ended the handshake. A normal end is none, and one behind the handshake is not about it; but in TLS
    /// 1.3 the client is ready before the server has seen its certificate (RFC 8446 §4.4.2).
    fn is_refusal(&self, alert: &AlertFact) -> bool {
        let tls13 = self.tls.version >= Some(TlsVersion::TLS_1_3);
        if matches!(alert.code, CLOSE_NOTIFY | USER_CANCELED)
            || (alert.level != AlertLevel::Fatal && !tls13)
        {
            return false;
        }
        // What is said of a connection that the other side closed without a word refuses nothing.
        let closed = self.connection.ended;
        if closed.is_some_and(|it| it.by != alert.side && it.at.frame < alert.at.frame)
            && self.server_sent() == 0
        {
            return false;
        }
        match self.tls.complete {
            None => !self.has_data(),
            Some(complete) if alert.at.frame < complete.frame => true,
            Some(_) => {
                let server = self.client.other();
                tls13
                    && alert.side == server
                    && OF_CERTIFICATES.contains(&alert.code)
                    && *self.tls.opened_records.of(server) == 0
            }
        }
    }

    /// A handshake that ends, or never goes on, without a word. It rests on what is not there: nothing may be missing in the
    /// capture, and it must show what the server sends (guards G-LOSS, G-1WAY).
    fn silent_failure(
        &self,
        watched: impl Fn(Timestamp) -> Duration,
        patience: Duration,
    ) -> Option<(Failure, Sighting)> {
        let Self {
            connection, tls, ..
        } = self;
        let hello = tls.client_hello?;
        let answered = tls.server_hello.is_some() || tls.hello_retry.is_some();
        let shown = connection.accepted.is_some() || self.server_sent() > 0;
        // An end that was asked for, and a handshake whose end cannot be told.
        let excused = tls
            .alerts
            .iter()
            .any(|it| matches!(it.code, CLOSE_NOTIFY | USER_CANCELED))
            || matches!(
                tls.unreadable,
                Some(Unreadable::CipherNotSupported | Unreadable::VersionNotSupported)
            );
        if connection.lost > 0 || !shown || excused {
            return None;
        }
        if tls.gaps > 0 {
            let spoke = !answered && self.server_sent() > 0;
            return spoke.then_some((Failure::NotTls, connection.last));
        }
        let waited = match connection.ended {
            Some(ended) => ended.at.time.since(hello.time),
            None => watched(hello.time),
        };
        let ended = connection.ended;
        if !answered
            && waited > patience
            && self.server_sent() == 0
            && ended.is_none_or(|it| it.by == self.client)
        {
            let at = ended.map_or(connection.last, |it| it.at);
            return Some((Failure::Unanswered, at));
        }
        let ended = ended?;
        let by_client = ended.by == self.client;
        Some((Failure::Closed { by_client }, ended.at))
    }

    /// Why it cannot be read, when it is open and that is so.
    pub(super) fn unread(&self) -> Option<Unreadable> {
        let TlsFacts {
            opened_bytes,
            client_hello,
            complete,
            unreadable,
            ..
        } = self.tls;
        let read = self.connection.messages > 0
            || Side::BOTH.iter().any(|side| *opened_bytes.of(*side) > 0);
        let open = complete.is_some() || client_hello.is_none() || self.has_data();
        unreadable.filter(|_| open && !read)
    }
}
