//! TCP connections: whose segments belong together, how each was opened and ended, and what came of it.

use super::connection::{Connection, Ended, Unreachable};
use super::sequencer::{Ordered, Reception, Sequencer};
use super::session::{Session, Surroundings};
use super::tls::Secrets;
use super::{Delivery, Side};
use crate::capture::Sighting;
use crate::flow::Flow;
use crate::frame::{Envelope, IcmpError, IcmpKind, Segment};
use crate::hash::HashMap;
use crate::limits::{MAX_CONNECTIONS, MAX_STREAMS_WAITING};
use crate::time::Timestamp;
use std::net::SocketAddr;
use std::time::Duration;

/// What comes out of connections.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Messages that are whole now, or as whole as they will ever be.
    pub messages: Vec<Delivery>,
    /// Packets of a mirror, HEP ones, that a connection carried.
    pub mirrored: Vec<MirroredPacket>,
    /// Connections that cannot be opened, of which one end is not captured, and that SIP was spoken on until one end closed
    /// them: told at once, without what is inside, as calls are judged before the connection is forgotten.
    pub noted: Vec<Connection>,
    /// Connections that are over.
    pub over: Vec<Connection>,
}

/// A packet of a mirror that came over a connection.
#[derive(Clone, Debug)]
pub struct MirroredPacket {
    /// The packet that completed it.
    pub at: Sighting,
    /// What was around that.
    pub envelope: Envelope,
    /// The HEP packet.
    pub bytes: Vec<u8>,
}

/// All connections.
#[derive(Debug, Default)]
pub struct Connections {
    open: HashMap<Key, Open>,
    secrets: Secrets,
    /// Those with holes.
    watched: Vec<Key>,
    looked: Option<Timestamp>,
    /// Those that an end has closed.
    ended: Vec<Key>,
    looked_at_ended: Option<Timestamp>,
    waiting_bytes: usize,
    given_up: u64,
}

/// The two ends in the order of their addresses.
type Key = (SocketAddr, SocketAddr);

/// SYNs of one connection that are kept: a client's whole series of tries.
const MAX_SYNS: usize = 8;
/// SYNs this close are one that was captured twice (guard G-DUP): TCP waits a second before it sends again (RFC 6298 §2).
const SYN_COPY: Duration = Duration::from_millis(200);
/// How often the watched connections are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Segments that come this long after the end belong to it: what one end sends again, as it does not know of the end yet. A
/// connection of which one end is not seen is over after as much silence.
const LINGER: Duration = Duration::from_mins(2);
/// Resets of both ends this close are those of two programs that end together.
const TOGETHER: Duration = Duration::from_millis(100);
/// How often ended connections are looked at.
const LOOK_AT_ENDED_EVERY: Duration = Duration::from_secs(5);

impl Connections {
    /// Takes a segment. Returns whether it is part of a connection that speaks SIP.
    pub fn segment(
        &mut self,
        segment: &Segment<'_>,
        envelope: Envelope,
        at: Sighting,
        out: &mut Outcome,
    ) -> bool {
        let Flow { src, dst, .. } = segment.flow;
        let key = (src.min(dst), src.max(dst));
        if self
            .open
            .get(&key)
            .is_some_and(|open| open.is_replaced_by(segment))
        {
            self.end(key, out);
        }
        if self.open.len() >= MAX_CONNECTIONS && !self.open.contains_key(&key) {
            self.make_room(out);
        }
        let open = self
            .open
            .entry(key)
            .or_insert_with(|| Open::new(segment, envelope, at));
        open.segment(segment, envelope, at, &mut self.secrets, out);
        let waiting = open.waiting_bytes();
        let before = std::mem::replace(&mut open.waiting, waiting);
        self.waiting_bytes = (self.waiting_bytes + waiting).saturating_sub(before);
        if open.has_holes() && !open.watched {
            open.watched = true;
            self.watched.push(key);
        }
        if open.facts.ended.is_some() && !open.listed {
            open.listed = true;
            self.ended.push(key);
        }
        let speaks = open.session.messages() > 0;
        if self.waiting_bytes > MAX_STREAMS_WAITING {
            self.make_less_wait(out);
        }
        speaks
    }

    /// Whether [`Self::look`] has something to do.
    pub fn is_due(&self, now: Timestamp) -> bool {
        is_due(self.looked, now, LOOK_EVERY)
            || is_due(self.looked_at_ended, now, LOOK_AT_ENDED_EVERY)
    }

    /// Says that time has passed: holes that nothing fills are given up, ended connections forgotten.
    pub fn look(&mut self, now: Timestamp, out: &mut Outcome) {
        if is_due(self.looked, now, LOOK_EVERY) {
            self.looked = Some(now);
            for key in std::mem::take(&mut self.watched) {
                let Some(open) = self.open.get_mut(&key) else {
                    continue;
                };
                open.look(now, &mut self.secrets, out);
                open.watched = open.has_holes();
                if open.watched {
                    self.watched.push(key);
                }
            }
        }
        if is_due(self.looked_at_ended, now, LOOK_AT_ENDED_EVERY) {
            self.looked_at_ended = Some(now);
            for key in std::mem::take(&mut self.ended) {
                let Some(open) = self.open.get_mut(&key) else {
                    continue;
                };
                if open.is_over(now) {
                    self.end(key, out);
                } else {
                    open.flush_when_reset(now, &mut self.secrets, out);
                    self.ended.push(key);
                }
            }
        }
    }

    /// Takes an ICMP error: one that quotes a SYN says why the connection does not come to be.
    pub fn icmp(&mut self, error: &IcmpError<'_>, at: Sighting, out: &mut Outcome) {
        let Some(quote) = error.quote else {
            return;
        };
        let Flow { src, dst, .. } = quote.flow;
        let open = self.open.get_mut(&(src.min(dst), src.max(dst)));
        let Some(open) = open.filter(|open| open.facts.flow.src == src) else {
            return;
        };
        if open.facts.is_awaited() && error.kind != IcmpKind::PacketTooBig {
            open.facts.unreachable = Some(Unreachable {
                kind: error.kind,
                reporter: error.reporter,
                at,
            });
            out.noted.push(open.facts.clone());
        }
    }

    /// The TLS secrets: what is added to them opens what follows, and with [`Self::retry`] what waits.
    pub const fn secrets_mut(&mut self) -> &mut Secrets {
        &mut self.secrets
    }

    /// Opens what waited for secrets that are known now.
    pub fn retry(&mut self, out: &mut Outcome) {
        for key in self.keys_in_order() {
            let Some(open) = self.open.get_mut(&key) else {
                continue;
            };
            let mut with = Surroundings {
                envelope: open.envelope,
                secrets: &mut self.secrets,
                out,
            };
            open.session.retry(&mut with);
        }
    }

    /// Ends all: what still waits is handed on as it is.
    pub fn finish(&mut self, out: &mut Outcome) {
        for key in self.keys_in_order() {
            self.end(key, out);
        }
    }

    /// How many connections were given up because there were too many, or too much waited in them.
    pub const fn given_up(&self) -> u64 {
        self.given_up
    }

    /// How many TLS secrets gave way to newer ones.
    pub fn secrets_let_go(&self) -> u64 {
        self.secrets.let_go()
    }

    /// The connections in the order in which they began.
    fn keys_in_order(&self) -> Vec<Key> {
        let began = |(key, open): (&Key, &Open)| (open.facts.first.frame, *key);
        let mut keys: Vec<_> = self.open.iter().map(began).collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, key)| key).collect()
    }

    fn end(&mut self, key: Key, out: &mut Outcome) {
        if let Some(mut open) = self.open.remove(&key) {
            self.waiting_bytes = self.waiting_bytes.saturating_sub(open.waiting);
            open.finish(&mut self.secrets, out);
            out.over.push(open.into_facts());
        }
    }

    /// Lets go of what waits in the connections on which nothing has happened for the longest, one half of those in which
    /// something does.
    fn make_less_wait(&mut self, out: &mut Outcome) {
        for key in self.idle_half(|open| open.waiting > 0) {
            let Some(open) = self.open.get_mut(&key) else {
                continue;
            };
            if open.session.stop_waiting() {
                let waiting = open.waiting_bytes();
                let before = std::mem::replace(&mut open.waiting, waiting);
                self.waiting_bytes = (self.waiting_bytes + waiting).saturating_sub(before);
            } else {
                self.given_up += 1;
                self.end(key, out);
            }
        }
        self.watched.retain(|key| self.open.contains_key(key));
    }

    /// Gives up the connections on which nothing has happened for the longest, one half.
    fn make_room(&mut self, out: &mut Outcome) {
        for key in self.idle_half(|_| true) {
            self.given_up += 1;
            self.end(key, out);
        }
        self.watched.retain(|key| self.open.contains_key(key));
    }

    fn idle_half(&self, of_them: impl Fn(&Open) -> bool) -> Vec<Key> {
        let mut keys: Vec<_> = self
            .open
            .iter()
            .filter(|(_, open)| of_them(open))
            .map(|(key, open)| (open.session.messages() > 0, open.facts.last.frame, *key))
            .collect();
        // Those that speak SIP come last.
        keys.sort_unstable();
        keys.truncate(keys.len().div_ceil(2));
        keys.into_iter().map(|(_, _, key)| key).collect()
    }
}

fn is_due(looked: Option<Timestamp>, now: Timestamp, every: Duration) -> bool {
    looked.is_none_or(|looked| now.distance(looked) >= every)
}

/// A connection of which more may come.
#[derive(Debug)]
struct Open {
    facts: Connection,
    envelope: Envelope,
    /// The sequence number of the first SYN.
    initial: Option<u32>,
    sequencers: [Sequencer; 2],
    session: Session,
    /// Where each side's bytes end, once it has said so.
    fins: [Option<u32>; 2],
    /// Which sides' streams were told to the session as complete.
    finished: [bool; 2],
    /// Which sides were looked at for what they lack.
    ended: [bool; 2],
    watched: bool,
    listed: bool,
    /// What it has in [`Connections::waiting_bytes`].
    waiting: usize,
    /// The IPv4 identification of the last SYN.
    syn_identification: Option<u16>,
}

impl Open {
    fn new(segment: &Segment<'_>, envelope: Envelope, at: Sighting) -> Self {
        let Flow { src, dst, .. } = segment.flow;
        let flags = segment.flags;
        // Services have the lower port, mostly.
        let by_opener = if flags.syn() {
            !flags.ack()
        } else {
            src.port() >= dst.port()
        };
        let flow = if by_opener {
            segment.flow
        } else {
            segment.flow.reversed()
        };
        Self {
            facts: Connection {
                established: !flags.syn(),
                ..Connection::new(flow, at)
            },
            envelope,
            initial: None,
            sequencers: Default::default(),
            session: Session::new(flow, flags.syn()),
            fins: [None; 2],
            finished: [false; 2],
            ended: [false; 2],
            watched: false,
            listed: false,
            waiting: 0,
            syn_identification: None,
        }
    }

    /// Whether this opens another connection between the same ports.
    fn is_replaced_by(&self, segment: &Segment<'_>) -> bool {
        let opens = segment.flags.syn() && !segment.flags.ack();
        opens && self.initial != Some(segment.sequence)
    }

    fn side(&self, segment: &Segment<'_>) -> Side {
        if segment.flow.src == self.facts.flow.src {
            Side::Opener
        } else {
            Side::Acceptor
        }
    }

    fn segment(
        &mut self,
        segment: &Segment<'_>,
        envelope: Envelope,
        at: Sighting,
        secrets: &mut Secrets,
        out: &mut Outcome,
    ) {
        let side = self.side(segment);
        let flags = segment.flags;
        self.envelope = envelope;
        self.facts.last = at;
        if side == Side::Acceptor && !std::mem::replace(&mut self.facts.heard, true) {
            // It was told as one of which the capture lacks this end.
            if self.facts.established && !self.facts.syns.is_empty() {
                out.noted.push(self.facts.clone());
            }
        }
        self.open_up(segment, side, at, out);
        if flags.ack() {
            let other = side.other();
            other
                .of_mut(&mut self.sequencers)
                .acknowledge(segment.acknowledgment);
            self.run(other, secrets, out, |sequencer, out| {
                sequencer.look(at.time, out);
            });
        }
        let reception = self.run(side, secrets, out, |sequencer, out| {
            sequencer.segment(segment, at, out)
        });
        match reception {
            Reception::New if !segment.payload.is_empty() => {
                *side.of_mut(&mut self.facts.sent) += segment.payload.len() as u64;
                self.facts.note_bytes(at);
            }
            Reception::Copy => {
                let position = segment.sequence.into();
                let payload = segment.payload;
                let mut with = Surroundings {
                    envelope,
                    secrets,
                    out,
                };
                self.session.copy(side, at, position, payload, &mut with);
            }
            Reception::New | Reception::Retransmission | Reception::Stray => {}
        }
        if flags.fin() || flags.rst() {
            self.end(side, flags.rst(), at, out);
        }
        if flags.fin() {
            let wire = segment.payload.len() + segment.missing;
            let end = u32::try_from(wire).map(|len| segment.sequence.wrapping_add(len));
            *side.of_mut(&mut self.fins) = end.ok();
        }
        self.finish_complete(secrets, out);
    }

    /// What the segment says about the opening of the connection.
    fn open_up(&mut self, segment: &Segment<'_>, side: Side, at: Sighting, out: &mut Outcome) {
        let flags = segment.flags;
        if flags.syn() && flags.ack() {
            self.facts.accepted.get_or_insert(at);
        } else if flags.syn() {
            self.initial = Some(segment.sequence);
            let before = self.syn_identification;
            self.syn_identification = segment.identification;
            let same = segment.identification.is_some() && before == segment.identification;
            let last = self.facts.syns.last();
            if same || last.is_some_and(|last| at.time.distance(last.time) < SYN_COPY) {
                return;
            }
            if self.facts.syns.len() < MAX_SYNS {
                self.facts.syns.push(at);
            }
            if self.facts.is_in_vain() {
                out.noted.push(self.facts.clone());
            }
        } else if !flags.rst() && (side == Side::Opener || !segment.payload.is_empty()) {
            // An opener that acknowledges has had the SYN with ACK, whether it was captured or not.
            let known = std::mem::replace(&mut self.facts.established, true);
            if !known && !self.facts.heard {
                out.noted.push(self.facts.clone());
            }
        }
    }

    fn end(&mut self, by: Side, reset: bool, at: Sighting, out: &mut Outcome) {
        if let Some(ended) = &mut self.facts.ended {
            ended.mutual |=
                reset && ended.reset && by != ended.by && at.time.since(ended.at.time) < TOGETHER;
            return;
        }
        self.facts.ended = Some(Ended {
            by,
            reset,
            at,
            mutual: false,
        });
        self.facts.messages = self.session.messages();
        if self.facts.messages > 0 || !self.facts.established {
            self.facts.flow.transport = self.session.transport();
            out.noted.push(self.facts.clone());
        }
    }

    /// Runs one direction's sequencer, and what it hands on through the session.
    fn run<T>(
        &mut self,
        side: Side,
        secrets: &mut Secrets,
        out: &mut Outcome,
        what: impl FnOnce(&mut Sequencer, &mut dyn FnMut(Ordered<'_>)) -> T,
    ) -> T {
        let Self {
            facts,
            sequencers,
            session,
            envelope,
            ..
        } = self;
        let mut with = Surroundings {
            envelope: *envelope,
            secrets,
            out,
        };
        what(side.of_mut(sequencers), &mut |ordered| match ordered {
            Ordered::Bytes {
                at,
                position,
                bytes,
            } => {
                side.of_mut(&mut facts.begins).add(bytes);
                session.bytes(side, at, position, bytes, &mut with);
            }
            Ordered::Gap(len) => {
                facts.lost += len;
                session.gap(side, len, &mut with);
            }
        })
    }

    /// Tells the session that a side has sent all it had to send, when it has.
    fn finish_complete(&mut self, secrets: &mut Secrets, out: &mut Outcome) {
        for side in Side::BOTH {
            let end = *side.of(&self.fins);
            let complete = end.is_some_and(|end| side.of(&self.sequencers).is_at(end));
            if complete && !std::mem::replace(side.of_mut(&mut self.finished), complete) {
                let mut with = Surroundings {
                    envelope: self.envelope,
                    secrets,
                    out,
                };
                self.session.finish(side, true, &mut with);
            }
        }
    }

    fn look(&mut self, now: Timestamp, secrets: &mut Secrets, out: &mut Outcome) {
        for side in Side::BOTH {
            self.run(side, secrets, out, |sequencer, out| {
                sequencer.look(now, out);
            });
        }
        self.finish_complete(secrets, out);
    }

    fn finish(&mut self, secrets: &mut Secrets, out: &mut Outcome) {
        for side in Side::BOTH {
            self.run(side, secrets, out, Sequencer::finish);
            if !std::mem::replace(side.of_mut(&mut self.ended), true) {
                self.facts.lost += side.of(&self.sequencers).lacking(*side.of(&self.fins));
            }
            if !std::mem::replace(side.of_mut(&mut self.finished), true) {
                let mut with = Surroundings {
                    envelope: self.envelope,
                    secrets,
                    out,
                };
                self.session.finish(side, false, &mut with);
            }
        }
    }

    /// After a reset nobody sends what is missing: what waits is handed on as it is.
    fn flush_when_reset(&mut self, now: Timestamp, secrets: &mut Secrets, out: &mut Outcome) {
        let reset = self.facts.ended.filter(|ended| ended.reset);
        if reset.is_some_and(|ended| now.since(ended.at.time) >= LOOK_AT_ENDED_EVERY) {
            self.finish(secrets, out);
        }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.facts.ended.is_some() && now.since(self.facts.last.time) > LINGER
    }

    fn has_holes(&self) -> bool {
        self.sequencers.iter().any(|it| it.waiting_bytes() > 0)
    }

    fn waiting_bytes(&self) -> usize {
        let ahead: usize = self.sequencers.iter().map(Sequencer::waiting_bytes).sum();
        ahead + self.session.waiting_bytes()
    }

    fn into_facts(self) -> Connection {
        let Flow { src, dst, .. } = self.facts.flow;
        Connection {
            flow: Flow {
                src,
                dst,
                transport: self.session.transport(),
            },
            holes: self.sequencers.iter().map(Sequencer::holes).sum(),
            messages: self.session.messages(),
            desyncs: self.session.desyncs(),
            pings: self.session.pings(),
            tls: self.session.tls().cloned().map(Box::new),
            web_socket: self.session.web_socket().cloned().map(Box::new),
            ..self.facts
        }
    }
}
