//! TLS servers that may speak SIP: with whom their handshakes failed and how, and which connections stay unread. One entry a
//! server, however many connections it has; what the client says is HTTP, or is on the port of another service, has none.

mod handshake;

use crate::capture::{FrameNumber, Sighting};
use crate::limits::{MAX_FRAMES_SHOWN, MAX_TLS_CLIENTS, MAX_TLS_FAILURE_KINDS, MAX_TLS_SERVERS};
use crate::reassembly::tls::{TlsFacts, Unreadable};
use crate::reassembly::{Beginning, Connection, Side};
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use handshake::Seen;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// All of them, by address and port.
#[derive(Debug, Default)]
pub struct TlsServers {
    thresholds: Thresholds,
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
    /// How the server's bytes begin in the first one.
    pub answer: Beginning,
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

/// Alternative names kept of a certificate for the report.
const NAMES_KEPT: usize = 8;

impl TlsServers {
    /// None yet.
    pub fn new(thresholds: &Thresholds) -> Self {
        Self {
            thresholds: *thresholds,
            ..Self::default()
        }
    }

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
        if let Some((failure, at)) = seen.failure(watched, self.thresholds.server_hello_within) {
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

    /// The one at that address; `None` when nothing is known of it.
    pub fn get(&self, address: SocketAddr) -> Option<&TlsServer> {
        self.servers.get(&address)
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
            answer: *seen.answer(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Flow, Transport};
    use crate::reassembly::Ended;
    use crate::reassembly::tls::AlertLevel;
    use crate::reassembly::tls::{AlertFact, alert_name};

    const AT: Sighting = Sighting {
        frame: FrameNumber(1),
        time: Timestamp::from_nanos(0),
    };

    fn refused(server: SocketAddr) -> Connection {
        let alert = AlertFact {
            side: Side::Opener,
            level: AlertLevel::Fatal,
            code: 48,
            name: alert_name(48),
            at: AT,
        };
        let flow = Flow {
            src: "192.0.2.1:40000".parse().unwrap(),
            dst: server,
            transport: Transport::Tls,
        };
        Connection {
            sent: [100, 100],
            tls: Some(Box::new(TlsFacts {
                client: Some(Side::Opener),
                client_hello: Some(AT),
                alerts: vec![alert],
                ..TlsFacts::default()
            })),
            ..Connection::new(flow, AT)
        }
    }

    #[test]
    fn an_alert_behind_a_close_without_a_word_refuses_nothing() {
        let server = "192.0.2.2:5061".parse().unwrap();
        let mut connection = Connection {
            accepted: Some(AT),
            ended: Some(Ended {
                by: Side::Acceptor,
                reset: false,
                at: AT,
                mutual: false,
            }),
            ..refused(server)
        };
        connection.sent = [100, 0];
        if let Some(tls) = &mut connection.tls {
            let later = |alert: &mut AlertFact| alert.at.frame = FrameNumber(2);
            tls.alerts.iter_mut().for_each(later);
        }
        let mut servers = TlsServers::default();
        servers.note(&connection, |_| Duration::ZERO);
        let (_, server) = servers.all().next().unwrap();
        let failures: Vec<_> = server.failures.keys().collect();
        assert_eq!(failures, [&Failure::Closed { by_client: false }]);
    }

    #[test]
    fn servers_that_nothing_names_leave_room_for_those_on_sip_ports() {
        let mut servers = TlsServers::default();
        let hosts = (0..=u16::MAX)
            .map(|it| IpAddr::from([10, 0, it.to_be_bytes()[0], it.to_be_bytes()[1]]));
        let mut note = |host, port| {
            servers.note(&refused(SocketAddr::new(host, port)), |_| Duration::ZERO);
        };
        for host in hosts.clone().take(3 * MAX_TLS_SERVERS) {
            note(host, 443);
            note(host, 6061);
        }
        for host in hosts.take(3 * MAX_TLS_SERVERS) {
            note(host, 5061);
        }
        let on = |port| servers.all().filter(|(it, _)| it.port() == port).count();
        assert_eq!(
            [on(443), on(6061), on(5061)],
            [0, MAX_TLS_SERVERS / 2, MAX_TLS_SERVERS / 2]
        );
        assert_eq!(servers.refused(), 5 * MAX_TLS_SERVERS as u64);
    }
}
