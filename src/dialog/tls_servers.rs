//! TLS servers that may speak SIP: with whom their handshakes failed and how, and which connections stay unread. One entry a
//! server, however many connections it has; what the client says is HTTP, or is on the port of another service, has none.

use crate::capture::{FrameNumber, Sighting};
use crate::flow::Flow;
use crate::limits::{MAX_FRAMES_SHOWN, MAX_TLS_CLIENTS, MAX_TLS_FAILURE_KINDS, MAX_TLS_SERVERS};
use crate::reassembly::tls::{
    AlertFact, AlertLevel, CLOSE_NOTIFY, TlsFacts, TlsVersion, USER_CANCELED, Unreadable,
};
use crate::reassembly::{Connection, Side};
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

/// All of them, by address and port.
#[derive(Debug, Default)]
pub struct TlsServers {
    servers: BTreeMap<SocketAddr, TlsServer>,
    /// Clients of all servers together.
    clients: usize,
    /// Servers that began as [`Evidence::Host`].
    unproven: usize,
    refused: u64,
}

/// What became of the connections to one server.
#[derive(Debug)]
pub struct TlsServer {
    /// What says that it is SIP.
    pub evidence: Evidence,
    /// Handshakes that were completed.
    pub succeeded: u64,
    /// Connections that are open and were not read, by what keeps them closed.
    pub unread: BTreeMap<Unreadable, Unread>,
    /// Handshakes that failed, by how.
    pub failures: BTreeMap<Failure, Failed>,
    clients: BTreeMap<IpAddr, Client>,
}

/// What says that TLS carries SIP, the strongest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// Nothing yet: it counts once the same host is seen to send SIP elsewhere.
    Host,
    /// The client asks for nothing but HTTP/1.1, as browsers do for a WebSocket, on a port of SIP servers for these.
    WebSocketPort,
    /// The port.
    Port,
    /// ALPN, or SIP that was read on a connection to it.
    Protocol,
}

/// How a handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// An alert says why.
    Alert {
        /// Whether the client sent it.
        by_client: bool,
        /// Its number.
        code: u8,
    },
    /// An alert that is encrypted.
    HiddenAlert {
        /// Whether the client sent it.
        by_client: bool,
    },
    /// FIN or RST, and no alert.
    Closed {
        /// Whether the client did.
        by_client: bool,
    },
    /// The server says nothing to the ClientHello.
    Unanswered,
    /// What the server says is no TLS.
    NotTls,
}

impl Failure {
    /// Whether the client ended the handshake; `None` where nobody did.
    pub const fn by_client(self) -> Option<bool> {
        match self {
            Self::Alert { by_client, .. }
            | Self::HiddenAlert { by_client }
            | Self::Closed { by_client } => Some(by_client),
            Self::Unanswered | Self::NotTls => None,
        }
    }
}

/// Handshakes that failed in the same way.
#[derive(Clone, Debug)]
pub struct Failed {
    /// How many.
    pub count: u64,
    /// The client of the first one.
    pub client: IpAddr,
    /// When the first one failed.
    pub at: Sighting,
    /// Whether the first one was ended with RST.
    pub reset: bool,
    /// How long the client of the first one had waited since its ClientHello.
    pub waited: Duration,
    /// What the first one shows.
    pub tls: Box<TlsFacts>,
    /// The packets that show it, of all of them.
    pub frames: Vec<FrameNumber>,
    /// When it last failed for whom.
    clients: BTreeMap<IpAddr, Timestamp>,
    /// Whether there were more clients than are kept.
    more: bool,
}

/// Connections that were not read for one reason.
#[derive(Clone, Debug)]
pub struct Unread {
    /// How many.
    pub connections: u64,
    /// Records of application data in them, as far as they can be told.
    pub records: u64,
    /// The first packet of the first one.
    pub first: Sighting,
    /// What the first one shows.
    pub tls: Box<TlsFacts>,
    /// Where they begin.
    pub frames: Vec<FrameNumber>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Client {
    /// When it last completed a handshake.
    succeeded: Option<Timestamp>,
    unread: bool,
}

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

/// How long a ServerHello may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// Alternative names kept of a certificate for the report.
const NAMES_KEPT: usize = 8;

/// Alerts with which a server refuses the certificate of a client (RFC 8446 §6.2).
const OF_CERTIFICATES: [u8; 9] = [42, 43, 44, 45, 46, 48, 49, 51, 116];

impl TlsServers {
    /// Takes a connection that is over. `watched` is how long the capture went on after a moment, without a gap.
    pub fn note(&mut self, connection: &Connection, watched: impl Fn(Timestamp) -> Duration) {
        let Some(tls) = connection.tls.as_deref() else {
            return;
        };
        let seen = Seen::of(connection, tls);
        let Some(evidence) = seen.evidence() else {
            return;
        };
        let server = seen.server();
        if !self.servers.contains_key(&server) {
            let unproven = evidence == Evidence::Host;
            if self.servers.len() >= MAX_TLS_SERVERS
                || (unproven && self.unproven >= MAX_TLS_SERVERS / 2)
            {
                self.refused += 1;
                return;
            }
            self.unproven += usize::from(unproven);
        }
        let entry = self.servers.entry(server).or_insert_with(|| TlsServer {
            evidence,
            succeeded: 0,
            unread: BTreeMap::new(),
            failures: BTreeMap::new(),
            clients: BTreeMap::new(),
        });
        entry.evidence = entry.evidence.max(evidence);
        if let Some((failure, at)) = seen.failure(watched) {
            if entry.failures.len() >= MAX_TLS_FAILURE_KINDS
                && !entry.failures.contains_key(&failure)
            {
                self.refused += 1;
                return;
            }
            (entry.failures.entry(failure))
                .and_modify(|failed| failed.add(&seen, at))
                .or_insert_with(|| Failed::of(&seen, at));
            return;
        }
        let reason = seen.unread();
        if tls.complete.is_none() && reason.is_none() {
            return;
        }
        entry.succeeded += u64::from(tls.complete.is_some());
        if let Some(reason) = reason {
            (entry.unread.entry(reason))
                .and_modify(|unread| unread.add(&seen))
                .or_insert_with(|| Unread::of(&seen));
        }
        let ip = seen.client().ip();
        if !entry.clients.contains_key(&ip) {
            if self.clients >= MAX_TLS_CLIENTS {
                self.refused += 1;
                return;
            }
            self.clients += 1;
        }
        let client = entry.clients.entry(ip).or_default();
        client.succeeded = client.succeeded.max(tls.complete.map(|at| at.time));
        client.unread |= reason.is_some();
    }

    /// All of them, in the order of their addresses.
    pub fn all(&self) -> impl Iterator<Item = (SocketAddr, &TlsServer)> {
        self.servers
            .iter()
            .map(|(address, server)| (*address, server))
    }

    /// How many connections could not be kept in mind.
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}

impl TlsServer {
    /// Clients with connections that were not read.
    pub fn unread_clients(&self) -> usize {
        self.clients.values().filter(|it| it.unread).count()
    }

    /// Whether every client that failed in this way completed a later handshake (guard G-OUTCOME).
    pub fn came_right(&self, failed: &Failed) -> bool {
        !failed.more
            && failed.clients.iter().all(|(client, last)| {
                let succeeded = self.clients.get(client).and_then(|it| it.succeeded);
                succeeded.is_some_and(|at| at > *last)
            })
    }
}

impl Failed {
    /// How many clients, as far as they are kept.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    fn of(seen: &Seen<'_>, at: Sighting) -> Self {
        let mut tls = Box::new(seen.tls.clone());
        let presented = [&mut tls.certificate, &mut tls.client_certificate];
        for certificate in presented.into_iter().flatten() {
            certificate.subject_alternative_names.truncate(NAMES_KEPT);
        }
        let since = seen.tls.client_hello.unwrap_or(seen.connection.first);
        let mut failed = Self {
            count: 0,
            client: seen.client().ip(),
            at,
            reset: seen.connection.ended.is_some_and(|it| it.reset),
            waited: at.time.since(since.time),
            tls,
            frames: Vec::new(),
            clients: BTreeMap::new(),
            more: false,
        };
        failed.add(seen, at);
        failed
    }

    fn add(&mut self, seen: &Seen<'_>, at: Sighting) {
        self.count += 1;
        let ip = seen.client().ip();
        if self.clients.len() < MAX_FRAMES_SHOWN || self.clients.contains_key(&ip) {
            let last = self.clients.entry(ip).or_insert(at.time);
            *last = at.time.max(*last);
        } else {
            self.more = true;
        }
        let ended = seen.connection.ended.map(|it| it.at);
        let of_hello = [seen.tls.client_hello, seen.tls.server_hello];
        keep(
            &mut self.frames,
            of_hello.into_iter().chain([Some(at), ended]),
        );
    }
}

impl Unread {
    fn of(seen: &Seen<'_>) -> Self {
        let mut unread = Self {
            connections: 0,
            records: 0,
            first: seen.tls.client_hello.unwrap_or(seen.connection.first),
            tls: Box::new(TlsFacts {
                certificate: None,
                client_certificate: None,
                ..seen.tls.clone()
            }),
            frames: Vec::new(),
        };
        unread.add(seen);
        unread
    }

    fn add(&mut self, seen: &Seen<'_>) {
        self.connections += 1;
        let records = &seen.tls.application_records;
        self.records += Side::BOTH.iter().map(|side| records.of(*side)).sum::<u64>();
        let begins = seen.tls.client_hello.unwrap_or(seen.connection.first);
        keep(&mut self.frames, [Some(begins), seen.tls.complete]);
    }
}

fn keep(frames: &mut Vec<FrameNumber>, seen: impl IntoIterator<Item = Option<Sighting>>) {
    let room = MAX_FRAMES_SHOWN.saturating_sub(frames.len());
    frames.extend(seen.into_iter().flatten().map(|it| it.frame).take(room));
}

/// A connection with who is who.
struct Seen<'a> {
    connection: &'a Connection,
    tls: &'a TlsFacts,
    client: Side,
}

impl<'a> Seen<'a> {
    fn of(connection: &'a Connection, tls: &'a TlsFacts) -> Self {
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

    fn client(&self) -> SocketAddr {
        self.client.of_flow(self.connection.flow).src
    }

    fn server(&self) -> SocketAddr {
        self.client.of_flow(self.connection.flow).dst
    }

    fn server_sent(&self) -> u64 {
        *self.client.other().of(&self.connection.sent)
    }

    /// What says that it is SIP; `None` where something says that it is not.
    fn evidence(&self) -> Option<Evidence> {
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

    /// How the handshake failed, and when; `None` when it did not, or nobody can tell.
    fn failure(&self, watched: impl Fn(Timestamp) -> Duration) -> Option<(Failure, Sighting)> {
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
        self.silent_failure(watched)
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
            && waited > PATIENCE
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
    fn unread(&self) -> Option<Unreadable> {
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
