//! What is spoken on a connection: SIP as it is, or inside of TLS, WebSocket or HEP, which are opened first.

use super::connection::Pings;
use super::connections::{MirroredPacket, Outcome};
use super::desync::Desync;
use super::framing::{Framed, Framer};
use super::mirror_stream::MirrorStream;
use super::tls::{Secrets, Tls, TlsFacts};
use super::websocket::{Looks, WebSocket, WebSocketFacts};
use super::{Delivery, Opened, Side};
use crate::capture::Sighting;
use crate::capture::hep::{self, Framing};
use crate::flow::{Flow, Transport};
use crate::frame::Envelope;
use crate::limits::MAX_START_LINE;
use crate::sip::{self, Carrier, Message};

/// One connection's two directions, from the transport's bytes to messages.
#[derive(Debug)]
pub(super) struct Session {
    /// From the opener to the acceptor, with what was found so far.
    flow: Flow,
    from_beginning: bool,
    /// The first bytes of each side, as long as they are too few to tell.
    undecided: [Option<(Sighting, u64, Vec<u8>)>; 2],
    spoken: Spoken,
    pings: [Pings; 2],
}

#[derive(Debug)]
enum Spoken {
    /// SIP, or nothing that is known.
    Text(Box<[Framer; 2]>),
    Tls(Box<Secured>),
    WebSocket(Box<Socket>),
    Mirror(Box<[MirrorStream; 2]>),
}

/// TLS with what is spoken inside.
#[derive(Debug)]
struct Secured {
    tls: Tls,
    inside: Session,
    /// Bytes that were opened of each side.
    opened: [u64; 2],
    /// The secrets that the records were last tried with.
    generation: u64,
}

/// A WebSocket with its messages.
#[derive(Debug, Default)]
struct Socket {
    frames: WebSocket,
    messages: u64,
    /// Bytes of the messages of each side.
    opened: [u64; 2],
}

/// What a session needs beside the bytes, and where it puts what comes of them.
pub(super) struct Surroundings<'a> {
    pub(super) envelope: Envelope,
    pub(super) secrets: &'a mut Secrets,
    pub(super) out: &'a mut Outcome,
}

/// The bytes missing at a place, where nobody knows how many.
const UNKNOWN: u64 = u64::MAX / 4;

impl Session {
    /// A connection of which nothing is known yet but its ends, and whether the capture has its first byte.
    pub(super) fn new(flow: Flow, from_beginning: bool) -> Self {
        Self {
            flow,
            from_beginning,
            undecided: Default::default(),
            spoken: Spoken::text(from_beginning),
            pings: Default::default(),
        }
    }

    /// The transport as far as it was opened.
    pub(super) fn transport(&self) -> Transport {
        match &self.spoken {
            Spoken::Tls(secured) => secured.inside.transport(),
            _ => self.flow.transport,
        }
    }

    /// Takes bytes in the order of the stream.
    pub(super) fn bytes(
        &mut self,
        side: Side,
        at: Sighting,
        position: u64,
        bytes: &[u8],
        with: &mut Surroundings<'_>,
    ) {
        if !self.is_open_question(side) {
            return self.take(side, at, position, bytes, with);
        }
        let Some((first_at, start, first)) = side.of_mut(&mut self.undecided).take() else {
            match self.spoken_by(side, bytes, false) {
                Verdict::Unclear => {
                    *side.of_mut(&mut self.undecided) = Some((at, position, bytes.to_vec()));
                }
                verdict => {
                    self.decide(verdict);
                    self.take(side, at, position, bytes, with);
                }
            }
            return;
        };
        let both = [&first, bytes].concat();
        match self.spoken_by(side, &both, true) {
            Verdict::Unclear => *side.of_mut(&mut self.undecided) = Some((first_at, start, both)),
            verdict => {
                self.decide(verdict);
                // One after the other, as a message may begin with the second.
                self.take(side, first_at, start, &first, with);
                self.take(side, at, position, bytes, with);
            }
        }
    }

    /// Whether what is spoken may still turn out: no message came yet, and this side has not begun one.
    fn is_open_question(&self, side: Side) -> bool {
        match &self.spoken {
            Spoken::Text(framers) => {
                framers.iter().all(|framer| framer.messages() == 0) && !side.of(framers).has_begun()
            }
            _ => false,
        }
    }

    /// What bytes at the beginning of a direction, or of a packet, say about the whole connection.
    fn spoken_by(&self, side: Side, bytes: &[u8], held: bool) -> Verdict {
        match bytes {
            [0x14..=0x17] | [0x14..=0x17, 3, ..] if bytes.len() < 5 => Verdict::Unclear,
            [0x14..=0x17, 3, ..] if Tls::looks_like_tls(bytes) => Verdict::Tls,
            [b'H', b'E', b'P', b'3', ..] if hep::frame_len(bytes) != Framing::NotHep => {
                Verdict::Mirror
            }
            [b'G' | b'H', ..] => match WebSocket::looks_like_upgrade(bytes) {
                Looks::Yes => Verdict::WebSocket(Box::default()),
                Looks::NotYet if bytes.len() < MAX_START_LINE => Verdict::Unclear,
                _ => Verdict::Text,
            },
            [0x01..=0x02 | 0x41..=0x42 | 0x81..=0x8a | 0xc1..=0xc2, ..]
                if !held && !self.from_beginning =>
            {
                WebSocket::midstream(side, bytes)
                    .map_or(Verdict::Text, |frames| Verdict::WebSocket(Box::new(frames)))
            }
            _ => Verdict::Text,
        }
    }

    fn decide(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Text | Verdict::Unclear => {}
            Verdict::Tls => {
                let flow = Flow {
                    transport: Transport::Tls,
                    ..self.flow
                };
                self.spoken = Spoken::Tls(Box::new(Secured {
                    tls: Tls::new(),
                    inside: Self::new(flow, self.from_beginning),
                    opened: [0; 2],
                    generation: 0,
                }));
            }
            Verdict::Mirror => self.spoken = Spoken::Mirror(Box::default()),
            Verdict::WebSocket(frames) => {
                self.flow.transport = match self.flow.transport {
                    Transport::Tls => Transport::Wss,
                    _ => Transport::Ws,
                };
                self.spoken = Spoken::WebSocket(Box::new(Socket {
                    frames: *frames,
                    ..Socket::default()
                }));
            }
        }
    }

    fn take(
        &mut self,
        side: Side,
        at: Sighting,
        position: u64,
        bytes: &[u8],
        with: &mut Surroundings<'_>,
    ) {
        let flow = side.of_flow(self.flow);
        match &mut self.spoken {
            Spoken::Text(framers) => {
                // RFC 5626 §4.4.1: a double line end asks for a single one.
                let between = side.of(framers).is_between_messages();
                let heard_by = side.other().of_mut(&mut self.pings);
                heard_by.hear(between && bytes == b"\r\n");
                let own = side.of_mut(&mut self.pings);
                if between && bytes == b"\r\n\r\n" {
                    own.send(at);
                } else {
                    own.follow();
                }
                side.of_mut(framers)
                    .bytes(at, position, bytes, &mut |framed| {
                        with.out
                            .messages
                            .extend(delivery(flow, with.envelope, &framed));
                    });
            }
            Spoken::Tls(secured) => secured.bytes(side, at, bytes, with),
            Spoken::WebSocket(socket) => {
                socket.bytes(side, at, bytes, self.flow, with);
                if socket.frames.not_websocket() && socket.messages == 0 {
                    // What follows is something else, and may become one yet.
                    self.flow.transport = match self.flow.transport {
                        Transport::Wss => Transport::Tls,
                        _ => Transport::Tcp,
                    };
                    self.spoken = Spoken::text(false);
                }
            }
            Spoken::Mirror(streams) => {
                let envelope = with.envelope;
                side.of_mut(streams).bytes(bytes, &mut |packet| {
                    with.out.mirrored.push(MirroredPacket {
                        at,
                        envelope,
                        bytes: packet.to_vec(),
                    });
                });
            }
        }
    }

    /// The messages of a packet that was captured before, for as far as they can be told: those in the transport's own
    /// bytes.
    pub(super) fn copy(
        &self,
        side: Side,
        at: Sighting,
        position: u64,
        bytes: &[u8],
        with: &mut Surroundings<'_>,
    ) {
        let Spoken::Text(framers) = &self.spoken else {
            return;
        };
        let flow = side.of_flow(self.flow);
        let known = side.of(framers);
        Framer::from_beginning().bytes(at, position, bytes, &mut |framed| {
            let found = delivery(flow, with.envelope, &framed);
            let found = found.filter(|it| known.has_message_at(it.sequence));
            with.out.messages.extend(found);
        });
    }

    /// So many bytes are missing.
    pub(super) fn gap(&mut self, side: Side, len: u64, with: &mut Surroundings<'_>) {
        self.take_undecided(side, with);
        let flow = side.of_flow(self.flow);
        match &mut self.spoken {
            Spoken::Text(framers) => {
                side.of_mut(framers).gap(len, &mut |framed| {
                    with.out
                        .messages
                        .extend(delivery(flow, with.envelope, &framed));
                });
            }
            Spoken::Tls(secured) => {
                secured.tls.gap(side);
                secured.inside.gap(side, UNKNOWN, with);
            }
            Spoken::WebSocket(socket) => socket.frames.gap(side),
            Spoken::Mirror(streams) => side.of_mut(streams).gap(),
        }
    }

    /// Takes the first bytes as what they are, when no more will come that could tell.
    fn take_undecided(&mut self, side: Side, with: &mut Surroundings<'_>) {
        if let Some((at, position, bytes)) = side.of_mut(&mut self.undecided).take() {
            self.take(side, at, position, &bytes, with);
        }
    }

    /// Opens what waited for secrets that are known now.
    pub(super) fn retry(&mut self, with: &mut Surroundings<'_>) {
        if let Spoken::Tls(secured) = &mut self.spoken {
            secured.retry(with);
        }
    }

    /// Lets go of what waits for secrets; whether there was anything.
    pub(super) fn stop_waiting(&mut self) -> bool {
        match &mut self.spoken {
            Spoken::Tls(secured) if secured.tls.kept_back() > 0 => {
                secured.tls.forget();
                true
            }
            _ => false,
        }
    }

    /// Nothing more comes from that side: it said so, or, unless `complete`, the capture ends.
    pub(super) fn finish(&mut self, side: Side, complete: bool, with: &mut Surroundings<'_>) {
        self.take_undecided(side, with);
        let flow = side.of_flow(self.flow);
        match &mut self.spoken {
            Spoken::Text(framers) => {
                side.of_mut(framers).finish(complete, &mut |framed| {
                    with.out
                        .messages
                        .extend(delivery(flow, with.envelope, &framed));
                });
            }
            Spoken::Tls(secured) => secured.inside.finish(side, complete, with),
            Spoken::WebSocket(_) | Spoken::Mirror(_) => {}
        }
    }

    /// Bytes that wait for others.
    pub(super) fn waiting_bytes(&self) -> usize {
        let undecided = self.undecided.iter().flatten();
        let first: usize = undecided.map(|(_, _, bytes)| bytes.len()).sum();
        first
            + match &self.spoken {
                Spoken::Text(framers) => framers.iter().map(Framer::waiting_bytes).sum(),
                Spoken::Tls(secured) => secured.tls.kept_back() + secured.inside.waiting_bytes(),
                Spoken::WebSocket(socket) => socket.frames.held(),
                Spoken::Mirror(streams) => streams.iter().map(MirrorStream::held).sum(),
            }
    }

    /// How many messages there were.
    pub(super) fn messages(&self) -> u64 {
        match &self.spoken {
            Spoken::Text(framers) => framers.iter().map(Framer::messages).sum(),
            Spoken::Tls(secured) => secured.inside.messages(),
            Spoken::WebSocket(socket) => socket.messages,
            Spoken::Mirror(streams) => streams.iter().map(MirrorStream::packets).sum(),
        }
    }

    /// The places where framing lost its way, with who sent the bytes.
    pub(super) fn desyncs(&self) -> Vec<(Side, Desync)> {
        match &self.spoken {
            Spoken::Text(framers) => Side::BOTH
                .into_iter()
                .flat_map(|side| {
                    let desyncs = side.of(framers).desyncs().iter();
                    desyncs.map(move |desync| (side, desync.clone()))
                })
                .collect(),
            Spoken::Tls(secured) => secured.inside.desyncs(),
            Spoken::WebSocket(_) | Spoken::Mirror(_) => Vec::new(),
        }
    }

    /// What each side sent to keep the connection open.
    pub(super) fn pings(&self) -> [Pings; 2] {
        match &self.spoken {
            Spoken::Tls(secured) => secured.inside.pings(),
            _ => self.pings,
        }
    }

    /// What the TLS of the connection shows; `None` when it has none.
    pub(super) fn tls(&self) -> Option<&TlsFacts> {
        match &self.spoken {
            Spoken::Tls(secured) => Some(secured.tls.facts()),
            _ => None,
        }
    }

    /// What the WebSocket of the connection shows; `None` when it is none.
    pub(super) fn web_socket(&self) -> Option<&WebSocketFacts> {
        match &self.spoken {
            Spoken::WebSocket(socket) => Some(socket.frames.facts()),
            Spoken::Tls(secured) => secured.inside.web_socket(),
            _ => None,
        }
    }
}

/// What the first bytes say.
enum Verdict {
    Text,
    Tls,
    Mirror,
    WebSocket(Box<WebSocket>),
    /// More bytes are needed.
    Unclear,
}

impl Spoken {
    fn text(from_beginning: bool) -> Self {
        Self::Text(if from_beginning {
            Box::new([Framer::from_beginning(), Framer::from_beginning()])
        } else {
            Box::default()
        })
    }
}

impl Secured {
    fn bytes(&mut self, side: Side, at: Sighting, bytes: &[u8], with: &mut Surroundings<'_>) {
        let mut opened = Vec::new();
        let before = self.holes();
        self.tls.bytes(side, bytes, at, with.secrets, &mut opened);
        if self.holes() != before {
            self.inside.gap(side, UNKNOWN, with);
        }
        self.hand_on(opened, with);
    }

    fn retry(&mut self, with: &mut Surroundings<'_>) {
        let generation = with.secrets.generation();
        if std::mem::replace(&mut self.generation, generation) != generation {
            let mut opened = Vec::new();
            self.tls.retry(with.secrets, &mut opened);
            self.hand_on(opened, with);
        }
    }

    fn hand_on(&mut self, opened: Vec<Opened>, with: &mut Surroundings<'_>) {
        for Opened { side, at, bytes } in opened {
            let position = side.of_mut(&mut self.opened);
            let start = *position;
            *position += bytes.len() as u64;
            self.inside.bytes(side, at, start, &bytes, with);
        }
    }

    /// Grows with each place at which plain bytes may be missing.
    fn holes(&self) -> u64 {
        let facts = self.tls.facts();
        facts.gaps + facts.bad_records + facts.records_let_go
    }
}

impl Socket {
    fn bytes(
        &mut self,
        side: Side,
        at: Sighting,
        bytes: &[u8],
        flow: Flow,
        with: &mut Surroundings<'_>,
    ) {
        let mut opened = Vec::new();
        self.frames.bytes(side, bytes, at, &mut opened);
        for Opened { side, at, bytes } in opened {
            let position = side.of_mut(&mut self.opened);
            let framed = Framed {
                at,
                position: *position,
                bytes: &bytes,
                cut: false,
            };
            *position += bytes.len() as u64;
            if sip::looks_like_sip(&bytes, false) {
                self.messages += 1;
                let found = delivery(side.of_flow(flow), with.envelope, &framed);
                with.out.messages.extend(found);
            }
        }
    }
}

/// A message to hand on; `None` when the bytes turn out to be none.
fn delivery(flow: Flow, envelope: Envelope, framed: &Framed<'_>) -> Option<Delivery> {
    let carrier = Carrier {
        cut: framed.cut,
        // A WebSocket message is its own frame (RFC 7118 §5).
        stream: !matches!(flow.transport, Transport::Ws | Transport::Wss),
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "positions are sequence numbers in their low 32 bits"
    )]
    let sequence = framed.position as u32;
    Some(Delivery {
        flow,
        at: framed.at,
        sequence,
        envelope,
        message: Message::parse(framed.bytes, carrier)?,
    })
}
