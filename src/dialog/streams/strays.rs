//! Plain SIP that was sent to a server which speaks TLS: it answers with an alert, or closes without a word.

use crate::capture::{FrameNumber, Sighting};
use crate::flow::Transport;
use crate::limits::{MAX_FRAMES_SHOWN, MAX_TLS_SERVERS};
use crate::reassembly::{Connection, Side};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The connections that look like it, by the server's address.
#[derive(Debug, Default)]
pub struct PlainOnTls {
    servers: BTreeMap<SocketAddr, Stray>,
    refused: u64,
}

/// Such connections to one server.
#[derive(Debug)]
pub struct Stray {
    /// How many.
    pub count: u64,
    /// Who opened them.
    pub clients: BTreeSet<IpAddr>,
    /// Where the first one begins.
    pub first: Sighting,
    /// The plainest of their answers.
    pub answer: Answer,
    /// The packets of the beginning and the end.
    pub frames: Vec<FrameNumber>,
}

/// How a server answers what it does not understand, the plainest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// It closes without a word.
    Fin,
    /// It resets the connection.
    Reset,
    /// It sends a TLS record, an alert as a rule.
    Tls,
}

/// A server that takes bytes for broken TLS says so or goes at once.
const AT_ONCE: Duration = Duration::from_secs(5);

impl PlainOnTls {
    /// Takes a connection that is over.
    pub(super) fn note(&mut self, connection: &Connection) {
        let Some(answer) = answer(connection) else {
            return;
        };
        let server = connection.flow.dst;
        if self.servers.len() >= MAX_TLS_SERVERS && !self.servers.contains_key(&server) {
            self.refused += 1;
            return;
        }
        let stray = self.servers.entry(server).or_insert_with(|| Stray {
            count: 0,
            clients: BTreeSet::new(),
            first: connection.first,
            answer,
            frames: Vec::new(),
        });
        stray.count += 1;
        stray.answer = stray.answer.max(answer);
        if stray.clients.len() < MAX_FRAMES_SHOWN {
            stray.clients.insert(connection.flow.src.ip());
        }
        let shown = [
            Some(connection.first),
            connection.last_bytes,
            connection.ended.map(|it| it.at),
        ];
        let room = MAX_FRAMES_SHOWN.saturating_sub(stray.frames.len());
        let frames = shown.into_iter().flatten().map(|it| it.frame);
        stray.frames.extend(frames.take(room));
    }

    /// All of them, in the order of their addresses.
    pub fn all(&self) -> impl Iterator<Item = (SocketAddr, &Stray)> {
        self.servers
            .iter()
            .map(|(address, stray)| (*address, stray))
    }

    /// Those to one server; `None` when there are none.
    pub fn get(&self, server: SocketAddr) -> Option<&Stray> {
        self.servers.get(&server)
    }

    /// How many connections could not be kept in mind.
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}

/// How the server answered; `None` when it took what it got, or when nobody can tell.
fn answer(connection: &Connection) -> Option<Answer> {
    let [opener, acceptor] = &connection.begins;
    let plain = connection.messages > 0
        && connection.tls.is_none()
        && connection.flow.transport == Transport::Tcp
        && !opener.bytes().is_empty()
        // Nobody answers these.
        && !opener.is_response()
        && !opener.bytes().starts_with(b"ACK ")
        && !connection.syns.is_empty();
    if !plain {
        return None;
    }
    if acceptor.is_tls() {
        return Some(Answer::Tls);
    }
    let ended = connection.ended?;
    let silent = acceptor.bytes().is_empty() && connection.lost == 0;
    let asked = connection.last_bytes?;
    let at_once = ended.at.time.since(asked.time) <= AT_ONCE;
    (silent && at_once && ended.by == Side::Acceptor).then_some(if ended.reset {
        Answer::Reset
    } else {
        Answer::Fin
    })
}
