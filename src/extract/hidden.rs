//! The packets of an extract that is handed on (`--redact`): made anew with what stands for their addresses and messages. What
//! of a stream is no known message is filled; what is opened of TLS, WebSocket, SCTP and HEP over TCP is written as messages by
//! themselves, and the packets that carried it are left out.

use super::exported::exported;
use super::pcapng::Record;
use super::rebuilt::{self, Rebuilt};
use super::spool::Head;
use crate::capture::{FrameNumber, LinkType};
use crate::flow::Flow;
use crate::frame::{self, Content, Fragment, Mirrored, Segment};
use crate::hash::HashMap;
use crate::limits::{HEP_CLOCK_TOLERANCE, MAX_REDACTED_PIECES};
use crate::redact::{self, Redactor};
use crate::selection::CallKey;
use crate::sip::{self, Message};
use crate::time::Timestamp;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

/// Where the bytes of a message are kept, and where in its stream it begins.
#[derive(Clone, Copy, Debug)]
struct Kept {
    at: u64,
    len: u32,
    first: u32,
}

/// A message that is written by itself.
#[derive(Clone, Copy, Debug)]
struct Alone {
    time: Timestamp,
    frame: FrameNumber,
    call: CallKey,
    flow: Flow,
    kept: Kept,
}

/// What is known of messages with what stands in them for others.
#[derive(Debug)]
pub(super) struct Hidden<F: Write> {
    redactor: Redactor,
    file: BufWriter<F>,
    len: u64,
    /// By the packets that carry a part of them.
    pieces: HashMap<FrameNumber, Vec<Kept>>,
    alone: Vec<Alone>,
    count: usize,
}

/// The same, to be read.
#[derive(Debug)]
pub(super) struct Shown<F> {
    redactor: Redactor,
    file: BufReader<F>,
    pieces: HashMap<FrameNumber, Vec<Kept>>,
    alone: std::vec::IntoIter<Alone>,
    /// Packets that were left out.
    pub(super) withheld: u64,
}

/// A packet that can be handed on.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) time: Timestamp,
    pub(super) frame: FrameNumber,
    pub(super) link_type: LinkType,
    pub(super) original_len: u32,
    pub(super) data: Vec<u8>,
}

impl Packet {
    /// The same to be written.
    pub(super) fn record(&self) -> Record<'_> {
        Record {
            time: self.time,
            link_type: self.link_type,
            original_len: self.original_len,
            data: &self.data,
        }
    }
}

impl<F: Read + Write + Seek> Hidden<F> {
    /// Keeps messages in a file of its own, which is empty.
    pub(super) fn new(redactor: Redactor, file: F) -> Self {
        Self {
            redactor,
            file: BufWriter::new(file),
            len: 0,
            pieces: HashMap::default(),
            alone: Vec::new(),
            count: 0,
        }
    }

    /// What stands for the ends of a flow.
    pub(super) fn flow(&self, flow: Flow) -> Flow {
        self.redactor.flow(flow)
    }

    /// Takes a message that several packets hold parts of; `first` is where it begins in their stream.
    pub(super) fn message(
        &mut self,
        message: &Message,
        first: u32,
        frames: &[FrameNumber],
    ) -> io::Result<()> {
        if self.count + frames.len() > MAX_REDACTED_PIECES {
            return Ok(());
        }
        let kept = self.keep(message, first)?;
        for frame in frames {
            self.pieces.entry(*frame).or_default().push(kept);
        }
        self.count += frames.len();
        Ok(())
    }

    /// Takes a message whose packets cannot be handed on.
    pub(super) fn alone(
        &mut self,
        message: &Message,
        frame: FrameNumber,
        time: Timestamp,
        flow: Flow,
        call: CallKey,
    ) -> io::Result<()> {
        if self.count >= MAX_REDACTED_PIECES {
            return Ok(());
        }
        let kept = self.keep(message, 0)?;
        self.alone.push(Alone {
            time,
            frame,
            call,
            flow,
            kept,
        });
        self.count += 1;
        Ok(())
    }

    fn keep(&mut self, message: &Message, first: u32) -> io::Result<Kept> {
        let raw = message.raw();
        let kept = Kept {
            at: self.len,
            len: u32::try_from(raw.len()).unwrap_or(u32::MAX),
            first,
        };
        self.file.write_all(raw)?;
        self.len += raw.len() as u64;
        Ok(kept)
    }

    /// Ends taking. Of the messages by themselves, those of wanted calls are left.
    pub(super) fn into_reader(
        mut self,
        is_wanted: impl Fn(CallKey) -> bool,
    ) -> io::Result<Shown<F>> {
        self.alone.retain(|it| is_wanted(it.call));
        self.alone.sort_by_key(|it| (it.time, it.frame));
        Ok(Shown {
            redactor: self.redactor,
            file: BufReader::new(
                self.file
                    .into_inner()
                    .map_err(io::IntoInnerError::into_error)?,
            ),
            pieces: self.pieces,
            alone: self.alone.into_iter(),
            withheld: 0,
        })
    }
}

impl<F: Read + Seek> Shown<F> {
    /// The next message by itself that comes before a time, or of all that are left.
    pub(super) fn alone(&mut self, before: Option<Timestamp>) -> io::Result<Option<Packet>> {
        let next = self.alone.as_slice().first();
        if next.is_none_or(|next| before.is_some_and(|before| next.time >= before)) {
            return Ok(None);
        }
        let Some(alone) = self.alone.next() else {
            return Ok(None);
        };
        let data = exported(&Mirrored {
            flow: alone.flow,
            time: None,
            node: None,
            correlation: None,
            payload: self.read(alone.kept)?.into(),
            cut: false,
        });
        Ok(Some(Packet {
            time: alone.time,
            frame: alone.frame,
            link_type: LinkType::WIRESHARK_UPPER_PDU,
            original_len: u32::try_from(data.len()).unwrap_or(u32::MAX),
            data,
        }))
    }

    /// A packet made anew; `None` when it cannot be handed on. `is_opened` says that its connection can only be read as a whole.
    pub(super) fn packet(
        &mut self,
        head: &Head,
        data: &[u8],
        is_opened: bool,
    ) -> io::Result<Option<Packet>> {
        let made = self.made(head, data, is_opened)?;
        self.withheld += u64::from(made.is_none());
        Ok(made)
    }

    fn made(&mut self, head: &Head, data: &[u8], is_opened: bool) -> io::Result<Option<Packet>> {
        let Ok(decoded) = frame::decode(head.link_type, data, head.original_len) else {
            return Ok(None);
        };
        let dscp = decoded.envelope.dscp.unwrap_or(0);
        let rebuilt = match &decoded.content {
            Content::Datagram(it) => {
                let payload = if sip::looks_like_sip(it.payload, it.missing > 0) {
                    self.redactor.message(it.payload)
                } else {
                    redact::media(it.payload)
                };
                Some(rebuilt::datagram(
                    it,
                    self.redactor.flow(it.flow),
                    dscp,
                    &payload,
                ))
            }
            Content::Segment(it) => self.segment(head.frame, it, dscp, is_opened)?,
            Content::Fragment(it) => Some(self.fragment(head.frame, it, dscp)?),
            Content::IcmpError(it) => {
                let mut error = *it;
                error.reporter = self.redactor.address(it.reporter);
                error.to = self.redactor.address(it.to);
                let mut quoted = Vec::new();
                if let Some(quote) = &mut error.quote {
                    quote.flow = self.redactor.flow(quote.flow);
                    let is_message = sip::looks_like_sip(quote.payload, true);
                    quoted = self.redactor.quote(quote.payload, is_message);
                }
                rebuilt::icmp(&error, dscp, &quoted)
            }
            Content::Mirrored(it) => {
                return Ok(Some(self.mirrored(head, it)));
            }
            Content::Sctp(_) | Content::Unrelated => None,
        };
        Ok(rebuilt.map(|Rebuilt { data, original_len }| Packet {
            time: head.time,
            frame: head.frame,
            link_type: LinkType::RAW,
            original_len,
            data,
        }))
    }

    fn mirrored(&self, head: &Head, mirrored: &Mirrored<'_>) -> Packet {
        let data = exported(&Mirrored {
            flow: self.redactor.flow(mirrored.flow),
            payload: self.redactor.message(&mirrored.payload).into(),
            ..mirrored.clone()
        });
        // How much of a message is missing, no mirror says.
        let len = data.len() + usize::from(mirrored.cut);
        let time = mirrored
            .time
            .filter(|time| time.distance(head.time) <= HEP_CLOCK_TOLERANCE);
        Packet {
            time: time.unwrap_or(head.time),
            frame: head.frame,
            link_type: LinkType::WIRESHARK_UPPER_PDU,
            original_len: u32::try_from(len).unwrap_or(u32::MAX),
            data,
        }
    }

    fn segment(
        &mut self,
        frame: FrameNumber,
        segment: &Segment<'_>,
        dscp: u8,
        is_opened: bool,
    ) -> io::Result<Option<Rebuilt>> {
        // Records of TLS show names in their handshake, and nothing in the rest.
        let is_tls = matches!(segment.payload, [0x14..=0x17, 3, 0..=4, ..]);
        if !segment.payload.is_empty() && (is_opened || is_tls) {
            return Ok(None);
        }
        let mut payload = filled(segment.payload);
        for kept in self.pieces.get(&frame).cloned().unwrap_or_default() {
            let message = self.read(kept)?;
            let from = kept.first.wrapping_sub(segment.sequence).cast_signed();
            lay_over(&mut payload, from.into(), &message);
        }
        Ok(Some(rebuilt::segment(
            segment,
            self.redactor.flow(segment.flow),
            dscp,
            &payload,
        )))
    }

    fn fragment(
        &mut self,
        frame: FrameNumber,
        fragment: &Fragment<'_>,
        dscp: u8,
    ) -> io::Result<Rebuilt> {
        let ends = (
            self.redactor.address(fragment.datagram.src),
            self.redactor.address(fragment.datagram.dst),
        );
        let mut payload = filled(fragment.payload);
        // The ports and the length in the header of the transport.
        if fragment.offset == 0 {
            let header = (fragment.payload).split_at_checked(HEADER_LEN as usize);
            let (header, rest) = header.unwrap_or((fragment.payload, &[]));
            lay_over(&mut payload, 0, header);
            lay_over(&mut payload, HEADER_LEN.into(), &redact::media(rest));
        }
        let kept = self.pieces.get(&frame).and_then(|it| it.first()).copied();
        let message = kept.map(|kept| self.read(kept)).transpose()?;
        if let Some(message) = &message {
            let from = i64::from(HEADER_LEN) - i64::from(fragment.offset);
            lay_over(&mut payload, from, message);
        }
        Ok(rebuilt::fragment(
            fragment,
            ends,
            dscp,
            &payload,
            message.as_deref(),
        ))
    }

    fn read(&mut self, kept: Kept) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; kept.len as usize];
        self.file.seek(SeekFrom::Start(kept.at))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// UDP's.
const HEADER_LEN: u32 = 8;

/// As many bytes that say nothing; line ends, of which keep-alives are made, stay.
fn filled(payload: &[u8]) -> Vec<u8> {
    payload
        .iter()
        .map(|byte| {
            if matches!(byte, b'\r' | b'\n') {
                *byte
            } else {
                b'x'
            }
        })
        .collect()
}

/// Writes over the part of `bytes` where `text` is when it begins at some place, which may lie before or behind.
fn lay_over(bytes: &mut [u8], from: i64, text: &[u8]) {
    let skipped = usize::try_from(-from).unwrap_or(0);
    let start = usize::try_from(from).unwrap_or(0);
    let text = text.get(skipped..).unwrap_or_default();
    let places = bytes.get_mut(start..).unwrap_or_default();
    for (place, byte) in places.iter_mut().zip(text) {
        *place = *byte;
    }
}
