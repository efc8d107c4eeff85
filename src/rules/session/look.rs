//! A short look at session descriptions (RFC 8866): enough to say what a re-INVITE asks to change.

use crate::sip::Message;

/// Media lines that are looked at; calls have one to three.
const MEDIA_LINES: usize = 8;

/// What a session description says of each medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    media: Vec<Media>,
}

/// One medium: the value of its m= line in parts, and where and which way it flows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Media {
    kind: Box<[u8]>,
    port: Box<[u8]>,
    protocol: Box<[u8]>,
    formats: Box<[u8]>,
    address: Box<[u8]>,
    direction: Direction,
}

/// RFC 3264 §5.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    fn of(line: &[u8]) -> Option<Self> {
        match line {
            b"a=sendrecv" => Some(Self::SendRecv),
            b"a=sendonly" => Some(Self::SendOnly),
            b"a=recvonly" => Some(Self::RecvOnly),
            b"a=inactive" => Some(Self::Inactive),
            _ => None,
        }
    }

    /// The name of the attribute.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}

impl Look {
    /// `None` when the message has no session description, or the capture lacks its end (guard G-SNAP).
    pub(super) fn at(message: &Message) -> Option<Self> {
        if message.is_cut() {
            return None;
        }
        let mut address: &[u8] = b"";
        let mut direction = Direction::SendRecv;
        let mut media: Vec<Media> = Vec::new();
        let mut began = false;
        for line in message.body().split(|&byte| byte == b'\n') {
            let line = line.trim_ascii();
            // In a multipart body the description is one part of several.
            began |= line == b"v=0";
            if !began {
                continue;
            }
            if let Some(value) = line.strip_prefix(b"m=") {
                if media.len() == MEDIA_LINES {
                    break;
                }
                media.push(Media::of(value, address, direction));
            } else if let Some(value) = line.strip_prefix(b"c=") {
                let value = value.rsplit(|&byte| byte == b' ').next().unwrap_or(value);
                match media.last_mut() {
                    Some(last) => last.address = value.into(),
                    None => address = value,
                }
            } else if let Some(found) = Direction::of(line) {
                match media.last_mut() {
                    Some(last) => last.direction = found,
                    None => direction = found,
                }
            }
        }
        began.then_some(Self { media })
    }

    /// Sound comes first, whatever else is offered.
    fn main(&self) -> Option<&Media> {
        let sound = self.media.iter().find(|it| *it.kind == *b"audio");
        sound
            .filter(|it| it.is_used())
            .or_else(|| self.media.iter().find(|it| it.is_used()))
    }

    /// Which way the main medium flows, as this side sees it; `None` when none is in use.
    pub(super) fn direction(&self) -> Option<Direction> {
        self.main().map(|it| it.direction)
    }

    /// Whether this side puts the other one on hold (RFC 3264 §8.4), by direction or by the address of RFC 2543.
    pub(super) fn holds(&self) -> bool {
        self.main().is_some_and(|it| {
            matches!(it.direction, Direction::SendOnly | Direction::Inactive)
                || it.has_zero_address()
        })
    }

    /// Whether it holds with the address 0.0.0.0.
    pub(super) fn holds_by_address(&self) -> bool {
        self.main().is_some_and(Media::has_zero_address)
    }

    /// Whether it asks for fax by T.38.
    pub(super) fn is_fax(&self) -> bool {
        self.media
            .iter()
            .any(|it| *it.kind == *b"image" && it.is_used())
    }

    /// Whether every medium is refused (RFC 3264 §6).
    pub(super) fn refuses_all(&self) -> bool {
        !self.media.is_empty() && !self.media.iter().any(Media::is_used)
    }

    /// Whether the media go somewhere else than before.
    pub(super) fn moved_from(&self, before: &Self) -> bool {
        let place = |look: &Self| {
            let used = look.main();
            used.map(|it| (it.address.clone(), it.port.clone()))
        };
        place(self) != place(before)
    }

    /// Whether media, protocols or formats are others than before.
    pub(super) fn recoded_from(&self, before: &Self) -> bool {
        self.media.len() != before.media.len()
            || self.media.iter().zip(&before.media).any(|(new, old)| {
                new.kind != old.kind
                    || new.protocol != old.protocol
                    || new.formats != old.formats
                    || new.is_used() != old.is_used()
            })
    }
}

impl Media {
    fn of(value: &[u8], address: &[u8], direction: Direction) -> Self {
        let mut parts = value.splitn(4, |&byte| byte == b' ').map(Box::from);
        Self {
            kind: parts.next().unwrap_or_default(),
            port: parts.next().unwrap_or_default(),
            protocol: parts.next().unwrap_or_default(),
            formats: parts.next().unwrap_or_default(),
            address: address.into(),
            direction,
        }
    }

    fn is_used(&self) -> bool {
        *self.port != *b"0"
    }

    fn has_zero_address(&self) -> bool {
        *self.address == *b"0.0.0.0"
    }
}
