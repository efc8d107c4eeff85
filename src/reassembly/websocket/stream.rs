//! The frames of one side, put together to messages (RFC 6455 §5).

use super::frame::{Header, Mask, Opcode, Read};
use super::inflate::{self, Inflater, Trouble};
use super::search::Search;
use crate::limits::{MAX_MESSAGE_LEN, MAX_TEXT};

/// What frames say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A message, not empty.
    Message(Vec<u8>),
    /// A message of nothing but line ends (RFC 5626 §4.4.1).
    KeepAlive,
    Ping,
    Pong,
    /// The side closes, with status code and reason.
    Close(Option<u16>, Box<str>),
    /// A message of which something is missing.
    Dropped,
    /// Bytes that are no frame: the next one is searched for.
    Desync,
    /// A frame with a mask (RFC 6455 §5.1), or without.
    Masked(bool),
    /// A length in more bytes than it needs.
    OddLength,
    /// A continuation of nothing, or a message inside another.
    OddFragment,
    TooLong,
    NotInflated,
}

/// How messages may be compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Compression {
    /// Whether they may be at all.
    pub(super) allowed: bool,
    /// Whether a message may refer to earlier ones (RFC 7692 §7.1.1).
    pub(super) takeover: bool,
}

impl Compression {
    /// Nobody knows.
    pub(super) const UNKNOWN: Self = Self {
        allowed: true,
        takeover: true,
    };
}

/// The frames of one side.
#[derive(Debug, Default)]
pub(super) struct Stream {
    phase: Phase,
    /// The beginning of a header.
    header: Vec<u8>,
    message: Option<Message>,
    control: Vec<u8>,
    inflater: Option<Box<Inflater>>,
    search: Search,
    /// Whether the last frame was masked; `None` before the first.
    masks: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Phase {
    #[default]
    Header,
    Payload(Frame),
    Searching,
    /// The side closed.
    Closed,
    /// There was no frame in too many bytes.
    Lost,
}

/// The frame that is being read.
#[derive(Clone, Copy, Debug)]
struct Frame {
    opcode: Opcode,
    last: bool,
    mask: Mask,
    left: u64,
}

/// The message that is being put together.
#[derive(Debug, Default)]
struct Message {
    compressed: bool,
    /// It is too long or cannot be decompressed: only its end counts.
    spoiled: bool,
    bytes: Vec<u8>,
}

impl Stream {
    /// Takes bytes of the stream; tells what they say.
    pub(super) fn bytes(
        &mut self,
        mut data: &[u8],
        compression: Compression,
        tell: &mut impl FnMut(Event),
    ) {
        while !data.is_empty() {
            data = match self.phase {
                Phase::Header => self.header(data, compression, tell),
                Phase::Payload(frame) => self.payload(frame, data, compression, tell),
                Phase::Searching => self.search(data, compression, tell),
                Phase::Closed | Phase::Lost => return,
            };
        }
    }

    /// Bytes are missing here.
    pub(super) fn gap(&mut self, tell: &mut impl FnMut(Event)) {
        if matches!(self.phase, Phase::Closed | Phase::Lost) {
            return;
        }
        self.forget(tell);
        self.header.clear();
        self.search = Search::default();
        self.phase = Phase::Searching;
    }

    pub(super) const fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    pub(super) const fn is_lost(&self) -> bool {
        matches!(self.phase, Phase::Lost)
    }

    /// About how many bytes it holds.
    pub(super) fn held(&self) -> usize {
        self.message.as_ref().map_or(0, |it| it.bytes.capacity())
            + self.inflater.as_ref().map_or(0, |_| inflate::HELD)
    }

    fn header<'a>(
        &mut self,
        mut data: &'a [u8],
        compression: Compression,
        tell: &mut impl FnMut(Event),
    ) -> &'a [u8] {
        loop {
            match Header::read(&self.header) {
                Read::Short(needed) => {
                    let wanted = needed - self.header.len();
                    let (piece, rest) = data.split_at_checked(wanted).unwrap_or((data, &[]));
                    self.header.extend_from_slice(piece);
                    if piece.len() < wanted {
                        return &[];
                    }
                    data = rest;
                }
                Read::Whole(header, _) if header.is_possible(compression.allowed) => {
                    self.header.clear();
                    self.begin(&header, tell);
                    if header.len == 0 {
                        self.end(compression, tell);
                    }
                    return data;
                }
                Read::Whole(..) => {
                    tell(Event::Desync);
                    self.forget(tell);
                    self.search = Search::behind(&self.header);
                    self.header.clear();
                    self.phase = Phase::Searching;
                    return data;
                }
            }
        }
    }

    fn begin(&mut self, header: &Header, tell: &mut impl FnMut(Event)) {
        self.masks = Some(header.mask.is_some());
        tell(Event::Masked(header.mask.is_some()));
        if !header.minimal {
            tell(Event::OddLength);
        }
        match header.opcode {
            Opcode::Data => {
                if self.message.is_some() {
                    tell(Event::OddFragment);
                    self.forget(tell);
                }
                self.message = Some(Message {
                    compressed: header.is_compressed(),
                    ..Message::default()
                });
            }
            // Its beginning was dropped or never sent: its payload has no use.
            Opcode::Continuation if self.message.is_none() => tell(Event::OddFragment),
            _ => self.control.clear(),
        }
        self.phase = Phase::Payload(Frame {
            opcode: header.opcode,
            last: header.last,
            mask: Mask::of(header),
            left: header.len,
        });
    }

    fn payload<'a>(
        &mut self,
        mut frame: Frame,
        data: &'a [u8],
        compression: Compression,
        tell: &mut impl FnMut(Event),
    ) -> &'a [u8] {
        let len = usize::try_from(frame.left).unwrap_or(usize::MAX);
        let (piece, rest) = data.split_at_checked(len).unwrap_or((data, &[]));
        frame.left = frame.left.saturating_sub(piece.len() as u64);
        if frame.opcode.is_control() {
            append(&mut self.control, piece, &mut frame.mask);
        } else {
            self.part(piece, &mut frame.mask, tell);
        }
        self.phase = Phase::Payload(frame);
        if frame.left == 0 {
            self.end(compression, tell);
        }
        rest
    }

    /// Puts a piece of a payload to the message.
    fn part(&mut self, piece: &[u8], mask: &mut Mask, tell: &mut impl FnMut(Event)) {
        let Some(message) = self.message.as_mut().filter(|message| !message.spoiled) else {
            return;
        };
        if !message.compressed {
            if message.bytes.len() + piece.len() > MAX_MESSAGE_LEN {
                message.spoil(Trouble::TooLong, tell);
            } else {
                append(&mut message.bytes, piece, mask);
            }
            return;
        }
        let inflater = self
            .inflater
            .get_or_insert_with(|| Box::new(Inflater::new()));
        let mut plain = [0; 1024];
        for chunk in piece.chunks(plain.len()) {
            let Some(plain) = plain.get_mut(..chunk.len()) else {
                return;
            };
            plain.copy_from_slice(chunk);
            mask.take_off(plain);
            if let Err(trouble) = inflater.piece(plain, &mut message.bytes, MAX_MESSAGE_LEN) {
                message.spoil(trouble, tell);
                self.inflater = None;
                return;
            }
        }
    }

    /// Ends the frame that was read.
    fn end(&mut self, compression: Compression, tell: &mut impl FnMut(Event)) {
        let Phase::Payload(frame) = self.phase else {
            return;
        };
        self.phase = Phase::Header;
        match frame.opcode {
            Opcode::Ping => tell(Event::Ping),
            Opcode::Pong => tell(Event::Pong),
            Opcode::Close => {
                let (code, reason) = match self.control.split_first_chunk::<2>() {
                    Some((code, reason)) => (Some(u16::from_be_bytes(*code)), reason),
                    None => (None, &[][..]),
                };
                let reason = reason.get(..MAX_TEXT).unwrap_or(reason);
                tell(Event::Close(code, String::from_utf8_lossy(reason).into()));
                // RFC 6455 §5.5.1: after a Close nothing more is sent.
                if self.message.is_some() {
                    tell(Event::Dropped);
                }
                *self = Self {
                    phase: Phase::Closed,
                    ..Self::default()
                };
            }
            Opcode::Data | Opcode::Continuation if frame.last => {
                if let Some(message) = self.message.take() {
                    self.deliver(message, compression, tell);
                }
            }
            _ => {}
        }
    }

    fn deliver(
        &mut self,
        mut message: Message,
        compression: Compression,
        tell: &mut impl FnMut(Event),
    ) {
        if message.compressed
            && let Some(inflater) = self.inflater.as_mut()
        {
            if let Err(trouble) = inflater.end(&mut message.bytes, MAX_MESSAGE_LEN) {
                message.spoil(trouble, tell);
                self.inflater = None;
            }
            if !compression.takeover {
                self.inflater = None;
            }
        }
        if message.spoiled || message.bytes.is_empty() {
            return;
        }
        let only_line_ends = message
            .bytes
            .iter()
            .all(|byte| matches!(byte, b'\r' | b'\n'));
        tell(if only_line_ends {
            Event::KeepAlive
        } else {
            Event::Message(message.bytes)
        });
    }

    /// Drops the open message, and the window, which lacks what the rest of it would have left there.
    fn forget(&mut self, tell: &mut impl FnMut(Event)) {
        if self.message.take().is_some() {
            tell(Event::Dropped);
        }
        self.inflater = None;
    }

    fn search<'a>(
        &mut self,
        data: &'a [u8],
        compression: Compression,
        tell: &mut impl FnMut(Event),
    ) -> &'a [u8] {
        let (found, rest) = self.search.next(data, self.masks, compression.allowed);
        if let Some(bytes) = found {
            // Less than a header and a window, and the frame is the first of it: this goes only so deep.
            self.phase = Phase::Header;
            self.bytes(&bytes, compression, tell);
        } else if self.search.is_hopeless() {
            *self = Self {
                phase: Phase::Lost,
                ..Self::default()
            };
        }
        rest
    }
}

impl Message {
    fn spoil(&mut self, trouble: Trouble, tell: &mut impl FnMut(Event)) {
        self.spoiled = true;
        self.bytes = Vec::new();
        tell(match trouble {
            Trouble::Broken => Event::NotInflated,
            Trouble::TooLong => Event::TooLong,
        });
    }
}

fn append(bytes: &mut Vec<u8>, masked: &[u8], mask: &mut Mask) {
    let before = bytes.len();
    bytes.extend_from_slice(masked);
    mask.take_off(bytes.get_mut(before..).unwrap_or_default());
}
