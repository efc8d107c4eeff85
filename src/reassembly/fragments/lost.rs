//! What findings need to know of a datagram that did not become whole.

use super::Incomplete;
use crate::capture::{FrameNumber, Sighting};
use crate::flow::Flow;
use crate::frame::{self, Content, FragmentedDatagram, Quote};
use crate::limits::{MAX_TEXT, MAX_URI};
use crate::sip::{self, Carrier, Message};
use etherparse::ip_number;
use memchr::memchr;

/// What became of the message in such a datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// The capture does not tell.
    #[default]
    Unknown,
    /// Its receiver reacted to it although none of its copies was whole here: the capture lacks what the receiver had.
    Received,
    /// It was sent again, and a copy of it that was whole here was answered.
    Repaired,
    /// It was sent again, or for as long as the protocol waits, and nobody reacted.
    Unreceived,
}

/// A datagram that did not come whole: here, or, as its receiver reports by ICMP, there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostDatagram {
    /// From where to where, with ports; `None` when the piece with the transport header is missing.
    pub flow: Option<Flow>,
    /// The packet of it that was seen first; the report where no packet of it is known.
    pub at: Sighting,
    /// Its packets, no more than 256 of them.
    pub frames: Vec<FrameNumber>,
    /// The gaps as offsets in the IP payload, the first missing byte and the one behind the last; `None` when it is unknown
    /// where the datagram ends. Empty when it was whole here.
    pub missing: Vec<(u32, Option<u32>)>,
    /// How many pieces of it were seen; 0 when it was whole here.
    pub pieces: u32,
    /// The start line of the SIP message in it, of at most 256 characters; `None` when it holds no SIP, or none that shows.
    pub start_line: Option<Box<str>>,
    /// The Call-ID of that message, of at most 512 bytes; `None` when it lies behind the gap.
    pub call_id: Option<Box<[u8]>>,
    /// How many bytes were seen from the beginning of the IP payload to the first gap.
    pub bytes_seen: u32,
    /// Whether the rest had the time to come before the capture ended.
    pub had_time: bool,
    /// What became of its message.
    pub fate: Fate,
    /// The ICMP error by which its receiver says that the pieces did not come (RFC 792, RFC 4443 §3.3).
    pub reported: Option<Sighting>,
}

impl LostDatagram {
    /// The facts of a datagram that was not whole in time, or at the end of the capture: `had_time` tells the one from the other.
    pub fn of(incomplete: &Incomplete, had_time: bool) -> Self {
        let head = incomplete.head.as_deref().unwrap_or_default();
        let mut lost = Self {
            flow: None,
            at: incomplete.at,
            frames: incomplete.frames.clone(),
            missing: incomplete.missing.clone(),
            pieces: incomplete.pieces,
            start_line: None,
            call_id: None,
            bytes_seen: len(head),
            had_time,
            fate: Fate::Unknown,
            reported: None,
        };
        let FragmentedDatagram { protocol, .. } = incomplete.datagram;
        let decoded = frame::resume(
            &incomplete.datagram,
            incomplete.ttl,
            head,
            incomplete.envelope,
        );
        match decoded.map(|it| it.content) {
            Ok(Content::Datagram(datagram)) => {
                lost.flow = Some(datagram.flow);
                lost.message(datagram.payload);
                // The length in the UDP header says where the last gap ends, unless pieces were seen behind that.
                let told = u32::try_from(head.len() + datagram.missing).ok();
                if protocol == ip_number::UDP.0
                    && datagram.missing > 0
                    && let Some((from, end @ None)) = lost.missing.last_mut()
                {
                    *end = told.filter(|end| end > from);
                }
            }
            Ok(Content::Segment(segment)) => lost.flow = Some(segment.flow),
            _ => {}
        }
        lost
    }

    /// The facts of a datagram that its receiver reports, and of which the capture lacks no piece.
    pub fn reported(at: Sighting, quote: &Quote<'_>) -> Self {
        let mut lost = Self {
            flow: Some(quote.flow),
            at,
            frames: Vec::new(),
            missing: Vec::new(),
            pieces: 0,
            start_line: None,
            call_id: None,
            bytes_seen: 0,
            had_time: true,
            fate: Fate::Unknown,
            reported: Some(at),
        };
        lost.message(quote.payload);
        lost
    }

    /// Whether it carries SIP as far as it can be seen.
    pub const fn is_sip(&self) -> bool {
        self.start_line.is_some()
    }

    /// Takes what the start of a message says.
    fn message(&mut self, payload: &[u8]) {
        let payload = payload
            .get(sip::leading_empty_lines(payload)..)
            .unwrap_or_default();
        let carrier = Carrier {
            cut: true,
            stream: false,
        };
        let Some(message) = Message::parse(payload, carrier) else {
            return;
        };
        let line =
            memchr(b'\n', payload).map_or(payload, |end| payload.get(..end).unwrap_or(payload));
        // A character takes four bytes at most.
        let line = line.get(..4 * MAX_TEXT).unwrap_or(line);
        let text = String::from_utf8_lossy(line.trim_ascii_end());
        self.start_line = Some(text.chars().take(MAX_TEXT).collect::<String>().into());
        self.call_id = message
            .call_id()
            .map(|id| id.get(..MAX_URI).unwrap_or(&id).into());
    }
}

fn len(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
