//! Which packets of a connection hold a message: by the place of its bytes in a TCP stream, by the numbers of its SCTP chunks.

use crate::capture::FrameNumber;
use crate::flow::{Flow, Transport};
use crate::frame::{SctpPacket, Segment};
use crate::hash::HashMap;
use crate::limits::{MAX_CONNECTIONS, MAX_EXTRACT_PIECES, MAX_EXTRACT_RECENT, MAX_EXTRACT_SILENT};
use crate::sip::{self, Message};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Both ends, the lower one first.
type Ends = (SocketAddr, SocketAddr);

/// Some bytes of a TCP stream, or a chunk of SCTP.
#[derive(Clone, Copy, Debug)]
struct Piece {
    frame: FrameNumber,
    /// The sequence number of the first byte, or the TSN.
    start: u32,
    /// In bytes; 1 for a chunk.
    len: u32,
    /// Whether a chunk begins or ends a message.
    begins: bool,
    ends: bool,
}

impl Piece {
    /// Where it begins, seen from a place in the stream.
    const fn from(&self, place: u32) -> i32 {
        self.start.wrapping_sub(place).cast_signed()
    }
}

#[derive(Debug)]
struct Connection {
    id: u64,
    /// What each side sent lately, the lower end first.
    pieces: [VecDeque<Piece>; 2],
    /// Whether SIP was seen on it.
    speaks: bool,
    /// Whether it can only be read as a whole.
    whole: bool,
    bytes: u64,
}

impl Connection {
    const fn new(id: u64) -> Self {
        Self {
            id,
            pieces: [VecDeque::new(), VecDeque::new()],
            speaks: false,
            whole: false,
            bytes: 0,
        }
    }

    /// What the sender of a direction sent.
    fn sent_by(&mut self, flow: Flow) -> &mut VecDeque<Piece> {
        let [lower, higher] = &mut self.pieces;
        if ends(flow).0 == flow.src {
            lower
        } else {
            higher
        }
    }
}

/// What a message needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Needs {
    /// The connection.
    pub(super) id: u64,
    /// All of it.
    pub(super) whole: bool,
    /// The packets with its bytes, as far as they are told apart.
    pub(super) frames: Vec<FrameNumber>,
}

/// The connections under way.
#[derive(Debug, Default)]
pub(super) struct Streams {
    connections: HashMap<Ends, Connection>,
    order: VecDeque<(Ends, u64)>,
    /// The latest packets with their connections, in order.
    recent: VecDeque<(FrameNumber, u64)>,
    last_id: u64,
    pieces: usize,
}

/// Pieces behind the last one of a message among which another is looked for: packets out of order are near.
const LOOK_AHEAD: usize = 64;

impl Streams {
    /// Takes a segment. Returns its connection, and whether it may be needed.
    pub(super) fn segment(&mut self, frame: FrameNumber, segment: &Segment<'_>) -> (u64, bool) {
        let opens = segment.flags.syn() && !segment.flags.ack();
        let len = segment.payload.len() + segment.missing;
        let connection = self.connection(segment.flow, opens);
        connection.speaks |= sip::looks_like_sip(segment.payload, segment.missing > 0);
        connection.bytes += len as u64;
        let id = connection.id;
        let silent = !connection.speaks && connection.bytes > MAX_EXTRACT_SILENT;
        let wanted = !silent || len == 0;
        if len > 0 && !silent && !connection.whole {
            let piece = Piece {
                frame,
                start: segment.sequence,
                len: u32::try_from(len).unwrap_or(u32::MAX),
                begins: false,
                ends: false,
            };
            self.piece(segment.flow, piece);
        }
        self.note(frame, id);
        (id, wanted)
    }

    /// Takes an SCTP packet. Returns its association.
    pub(super) fn sctp(&mut self, frame: FrameNumber, packet: &SctpPacket<'_>) -> u64 {
        let id = self.connection(packet.flow, false).id;
        for (flags, start) in data_chunks(packet.chunks) {
            let piece = Piece {
                frame,
                start,
                len: 1,
                // RFC 9260 §3.3.1.
                begins: flags & 0x02 != 0,
                ends: flags & 0x01 != 0,
            };
            self.piece(packet.flow, piece);
        }
        self.note(frame, id);
        id
    }

    /// What a message needs that a connection carried; `None` when the connection is not known.
    pub(super) fn message(
        &mut self,
        flow: Flow,
        sequence: Option<u32>,
        message: &Message,
    ) -> Option<Needs> {
        let connection = self.connections.get_mut(&ends(flow))?;
        connection.speaks = true;
        let mut needs = Needs {
            id: connection.id,
            whole: false,
            frames: Vec::new(),
        };
        let pieces = connection.sent_by(flow);
        let before = pieces.len();
        match (flow.transport, sequence) {
            (Transport::Tcp, Some(first)) => {
                let len = u32::try_from(message.raw().len()).unwrap_or(u32::MAX);
                needs.frames = of_bytes(pieces, first, len);
            }
            (Transport::Sctp, Some(tsn)) => needs.frames = of_chunks(pieces, tsn),
            // Where the bytes of what was opened were, is not known.
            _ => {
                needs.whole = true;
                pieces.clear();
            }
        }
        self.pieces = self.pieces.saturating_sub(before - pieces.len());
        connection.whole |= needs.whole;
        Some(needs)
    }

    /// The connection of a packet, for a message that was copied over it; `None` when the packet is of none, or long ago.
    pub(super) fn of_frame(&self, frame: FrameNumber) -> Option<u64> {
        let place = self.recent.binary_search_by_key(&frame, |(it, _)| *it);
        let (_, id) = self.recent.get(place.ok()?)?;
        Some(*id)
    }

    fn note(&mut self, frame: FrameNumber, id: u64) {
        if self.recent.len() >= MAX_EXTRACT_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((frame, id));
    }

    fn connection(&mut self, flow: Flow, opens: bool) -> &mut Connection {
        let ends = ends(flow);
        let known = self.connections.get(&ends);
        // The same ports again: what comes is of another connection.
        if known.is_none_or(|known| opens && known.bytes > 0) {
            self.forget(ends);
            self.last_id += 1;
            self.order.push_back((ends, self.last_id));
            while self.order.len() > MAX_CONNECTIONS {
                let Some((oldest, id)) = self.order.pop_front() else {
                    break;
                };
                if self.connections.get(&oldest).is_some_and(|it| it.id == id) {
                    self.forget(oldest);
                }
            }
        }
        let id = self.last_id;
        self.connections
            .entry(ends)
            .or_insert_with(|| Connection::new(id))
    }

    fn forget(&mut self, ends: Ends) {
        let pieces = self.connections.remove(&ends).map_or(0, |it| {
            let [lower, higher] = &it.pieces;
            lower.len() + higher.len()
        });
        self.pieces = self.pieces.saturating_sub(pieces);
    }

    fn piece(&mut self, flow: Flow, piece: Piece) {
        let Some(connection) = self.connections.get_mut(&ends(flow)) else {
            return;
        };
        let pieces = connection.sent_by(flow);
        if self.pieces >= MAX_EXTRACT_PIECES {
            self.pieces = self.pieces.saturating_sub(pieces.len());
            pieces.clear();
        }
        pieces.push_back(piece);
        self.pieces += 1;
        if flow.transport == Transport::Sctp && pieces.len() > CHUNKS_KEPT {
            pieces.pop_front();
            self.pieces -= 1;
        }
    }
}

fn ends(flow: Flow) -> Ends {
    (flow.src.min(flow.dst), flow.src.max(flow.dst))
}

/// The packets with bytes of a stretch of a stream. What lies wholly before its end is done with.
fn of_bytes(pieces: &mut VecDeque<Piece>, first: u32, len: u32) -> Vec<FrameNumber> {
    let reach = len.cast_signed();
    let mut frames = Vec::new();
    let mut beyond = 0;
    for piece in &*pieces {
        let from = piece.from(first);
        let until = from.saturating_add_unsigned(piece.len);
        if from < reach && until > 0 {
            frames.push(piece.frame);
            beyond = 0;
        } else if from >= reach {
            beyond += 1;
            if beyond > LOOK_AHEAD {
                break;
            }
        }
    }
    while pieces
        .front()
        .is_some_and(|it| it.from(first).saturating_add_unsigned(it.len) <= reach)
    {
        pieces.pop_front();
    }
    frames
}

/// The packets with the chunks of one message, of which one has this number.
fn of_chunks(pieces: &VecDeque<Piece>, tsn: u32) -> Vec<FrameNumber> {
    let find = |tsn: u32| pieces.iter().filter(move |piece| piece.start == tsn);
    let mut frames: Vec<FrameNumber> = find(tsn).map(|it| it.frame).collect();
    let begins = |tsn| find(tsn).any(|it| it.begins);
    let ends = |tsn| find(tsn).any(|it| it.ends);
    let known = |tsn| find(tsn).next().is_some();
    let (mut first, mut last) = (tsn, tsn);
    for _ in 0..LOOK_AHEAD {
        if begins(first) || !known(first.wrapping_sub(1)) {
            break;
        }
        first = first.wrapping_sub(1);
        frames.extend(find(first).map(|it| it.frame));
    }
    for _ in 0..LOOK_AHEAD {
        if ends(last) || !known(last.wrapping_add(1)) {
            break;
        }
        last = last.wrapping_add(1);
        frames.extend(find(last).map(|it| it.frame));
    }
    frames
}

/// Chunks of one direction that are remembered: more than come while a message waits for its turn.
const CHUNKS_KEPT: usize = 4096;

/// The flags and TSN of the DATA and I-DATA chunks of a packet (RFC 9260 §3.3.1, RFC 8260 §2.1).
fn data_chunks(chunks: &[u8]) -> impl Iterator<Item = (u8, u32)> {
    let mut rest = chunks;
    std::iter::from_fn(move || {
        let (&[kind, flags, high, low], behind) = rest.split_first_chunk::<4>()?;
        let len = usize::from(u16::from_be_bytes([high, low]));
        let tsn = behind.first_chunk::<4>().map(|it| u32::from_be_bytes(*it));
        rest = rest
            .get(len.max(4).next_multiple_of(4)..)
            .unwrap_or_default();
        Some((kind, flags, tsn))
    })
    .filter_map(|(kind, flags, tsn)| matches!(kind, 0 | 64).then_some((flags, tsn?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(frame: u64, start: u32, len: u32) -> Piece {
        Piece {
            frame: FrameNumber(frame),
            start,
            len,
            begins: false,
            ends: false,
        }
    }

    fn numbers(frames: &[FrameNumber]) -> Vec<u64> {
        frames.iter().map(|frame| frame.0).collect()
    }

    #[test]
    fn a_message_needs_the_segments_that_hold_its_bytes_over_the_wrap_and_out_of_order() {
        let start = u32::MAX - 99;
        let mut pieces = VecDeque::from([
            piece(1, start, 50),
            piece(3, 0, 100),
            piece(2, start.wrapping_add(50), 50),
            piece(4, 100, 100),
        ]);
        // From the middle of the first to the middle of the third.
        let found = of_bytes(&mut pieces, start.wrapping_add(25), 125);
        assert_eq!(numbers(&found), [1, 3, 2]);
        let found = of_bytes(&mut pieces, 50, 50);
        assert_eq!(numbers(&found), [3]);
        let found = of_bytes(&mut pieces, 100, 10);
        assert_eq!(numbers(&found), [4]);
        assert_eq!(pieces.len(), 1);
    }

    #[test]
    fn a_message_needs_the_chunks_from_its_beginning_to_its_end() {
        let chunk = |frame, tsn, begins, ends| Piece {
            begins,
            ends,
            ..piece(frame, tsn, 1)
        };
        let pieces = VecDeque::from([
            chunk(1, 10, true, true),
            chunk(2, 11, true, false),
            chunk(4, 13, false, true),
            chunk(3, 12, false, false),
            chunk(5, 14, true, true),
        ]);
        for tsn in [11, 12, 13] {
            let mut found = numbers(&of_chunks(&pieces, tsn));
            found.sort_unstable();
            assert_eq!(found, [2, 3, 4], "{tsn}");
        }
        assert_eq!(numbers(&of_chunks(&pieces, 14)), [5]);
    }

    #[test]
    fn chunks_with_user_data_are_found_among_others() {
        let chunks = [
            &[3, 0, 0, 16][..],
            &[0; 12],
            &[0, 3, 0, 17, 0, 0, 0, 9],
            &[0; 12],
            &[64, 2, 0, 20, 0, 0, 0, 10],
            &[0; 12],
            &[0, 3, 0, 2],
        ]
        .concat();
        let found: Vec<_> = data_chunks(&chunks).collect();
        assert_eq!(found, [(3, 9), (2, 10)]);
    }
}
