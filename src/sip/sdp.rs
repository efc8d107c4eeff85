//! Session descriptions (RFC 8866), as far as offer and answer need them (RFC 3264). Read line by line and tolerantly: a
//! description that breaks the grammar is what a troubleshooter has at hand, so nothing is refused, and what cannot be
//! read is not there.

use super::body::{self, MediaType};
use super::find;
use super::{HeaderName, Message, Oddity};
use crate::limits::{MAX_MULTIPART_DEPTH, MAX_SDP_ATTRIBUTES, MAX_SDP_FORMATS, MAX_SDP_MEDIA};
use std::net::IpAddr;

/// One description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sdp<'a> {
    /// The origin line, `o=`; `None` when it is missing or not of six parts.
    pub origin: Option<Origin<'a>>,
    /// Where the media of lines without their own `c=` are wanted.
    pub connection: Option<Connection<'a>>,
    /// The `m=` lines in order.
    pub media: Vec<Media<'a>>,
    /// The attributes before the first `m=`: name and value, which may be empty.
    pub attributes: Vec<(&'a str, &'a str)>,
    /// Whether an `m=` line could not be read, or there are more of them than are read: then nothing can be said of their
    /// number and order.
    pub damaged: bool,
}

/// What a message has by way of a session description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// None: no body, or only bodies of other types.
    Nothing,
    /// This one.
    Description(Sdp<'a>),
    /// Nobody can tell: the capture lacks the end, or the body is compressed, encrypted or of no stated type.
    Unreadable,
}

/// Who made a description, and which version it is (RFC 8866 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The user.
    pub user: &'a str,
    /// The session.
    pub session: &'a str,
    /// The version; it grows by one with each change (RFC 3264 §8).
    pub version: &'a str,
    /// The address of the host that made it.
    pub address: &'a str,
}

/// A `c=` line (RFC 8866 §5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection<'a> {
    /// `IP4` or `IP6`, as written.
    pub family: &'a str,
    /// The address or name, without a TTL.
    pub address: &'a str,
}

impl Connection<'_> {
    /// The address; `None` when it is a name.
    pub fn ip(&self) -> Option<IpAddr> {
        self.address.parse().ok()
    }

    /// Whether nothing is wanted here: the hold of RFC 2543.
    pub fn is_unspecified(&self) -> bool {
        self.ip().is_some_and(|ip| ip.is_unspecified())
    }
}

/// Which way media may go (RFC 3264 §5.1), from the side that wrote the description.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// From this side only.
    SendOnly,
    /// To this side only.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// The attribute's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    fn of(attributes: &[(&str, &str)]) -> Option<Self> {
        attributes.iter().find_map(|(name, _)| match *name {
            "sendrecv" => Some(Self::SendRecv),
            "sendonly" => Some(Self::SendOnly),
            "recvonly" => Some(Self::RecvOnly),
            "inactive" => Some(Self::Inactive),
            _ => None,
        })
    }

    /// Whether the side that wrote it sends.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the side that wrote it receives.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// Whether an answer may say this to an offer (RFC 3264 §6.1).
    pub const fn may_answer(self, offer: Self) -> bool {
        (offer.receives() || !self.sends()) && (offer.sends() || !self.receives())
    }
}

/// An `m=` line with what belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Media<'a> {
    /// `audio`, `video`, `image` and so on.
    pub kind: &'a str,
    /// The port; 0 refuses or ends the medium (RFC 3264 §6).
    pub port: u16,
    /// The profile, such as `RTP/AVP`.
    pub profile: &'a str,
    /// The formats: payload types where the profile is one of RTP.
    pub formats: Vec<&'a str>,
    /// Its own `c=`.
    pub connection: Option<Connection<'a>>,
    /// Its attributes: name and value, which may be empty.
    pub attributes: Vec<(&'a str, &'a str)>,
}

/// What a payload type stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec<'a> {
    /// The payload type.
    pub payload_type: u8,
    /// The encoding's name; empty when nothing names a dynamic payload type.
    pub name: &'a str,
    /// The clock rate in Hz.
    pub clock: u32,
}

impl Codec<'_> {
    /// Whether two are the same encoding: by name in any case and clock, and by number only where RFC 3551 fixes it or
    /// nothing names it (RFC 3264 §6.1).
    pub fn is_same(&self, other: &Codec<'_>) -> bool {
        let numbered =
            self.payload_type < FIRST_DYNAMIC || self.name.is_empty() || other.name.is_empty();
        (numbered && self.payload_type == other.payload_type)
            || (!self.name.is_empty()
                && self.name.eq_ignore_ascii_case(other.name)
                && self.clock == other.clock)
    }

    /// Whether it carries speech or pictures: telephone events and comfort noise alone make no call.
    pub fn is_medium(&self) -> bool {
        !NO_MEDIA
            .iter()
            .any(|name| name.eq_ignore_ascii_case(self.name))
    }

    /// Whether it carries DTMF (RFC 4733).
    pub const fn is_dtmf(&self) -> bool {
        self.name.eq_ignore_ascii_case("telephone-event")
    }
}

/// What only goes with another encoding.
const NO_MEDIA: &[&str] = &[
    "telephone-event",
    "tone",
    "CN",
    "red",
    "ulpfec",
    "parityfec",
    "flexfec",
    "flexfec-03",
    "rtx",
];

/// Attributes for which there is room at first: most media have no more.
const USUAL_ATTRIBUTES: usize = 8;

/// RFC 3551 §6: from here on a payload type means what its rtpmap says.
const FIRST_DYNAMIC: u8 = 96;

/// Payload types have seven bits.
const PAYLOAD_TYPES: usize = 128;

/// The payload types that RFC 3551 §6 fixes.
const STATIC: &[(u8, &str, u32)] = &[
    (0, "PCMU", 8000),
    (3, "GSM", 8000),
    (4, "G723", 8000),
    (5, "DVI4", 8000),
    (6, "DVI4", 16000),
    (7, "LPC", 8000),
    (8, "PCMA", 8000),
    (9, "G722", 8000),
    (10, "L16", 44100),
    (11, "L16", 44100),
    (12, "QCELP", 8000),
    (13, "CN", 8000),
    (14, "MPA", 90000),
    (15, "G728", 8000),
    (16, "DVI4", 11025),
    (17, "DVI4", 22050),
    (18, "G729", 8000),
    (25, "CelB", 90000),
    (26, "JPEG", 90000),
    (28, "nv", 90000),
    (31, "H261", 90000),
    (32, "MPV", 90000),
    (33, "MP2T", 90000),
    (34, "H263", 90000),
];

impl<'a> Media<'a> {
    /// The value of its first attribute of that name; `None` when there is none.
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        attribute(&self.attributes, name)
    }

    /// The encodings in the order of preference; empty for profiles other than RTP's.
    pub fn codecs(&self) -> Vec<Codec<'a>> {
        if !self.is_rtp() {
            return Vec::new();
        }
        let mut maps = [None; PAYLOAD_TYPES];
        let named = self.attributes.iter().filter(|(name, _)| *name == "rtpmap");
        for (_, map) in named {
            let mut words = map.split_ascii_whitespace();
            let number = words.next().and_then(|it| it.parse::<usize>().ok());
            let slot = number.and_then(|number| maps.get_mut(number));
            if let (Some(slot @ None), Some(encoding)) = (slot, words.next()) {
                *slot = Some(encoding);
            }
        }
        self.formats
            .iter()
            .filter_map(|format| format.parse().ok())
            .map(|payload_type: u8| {
                let mapped = maps.get(usize::from(payload_type)).copied().flatten();
                let fixed = STATIC.iter().find(|(number, _, _)| *number == payload_type);
                let (name, clock) = match (mapped, fixed) {
                    (Some(encoding), _) => {
                        let mut parts = encoding.split('/');
                        let name = parts.next().unwrap_or_default();
                        let clock = parts.next().and_then(|clock| clock.trim().parse().ok());
                        (name, clock.unwrap_or(0))
                    }
                    (None, Some((_, name, clock))) => (*name, *clock),
                    (None, None) => ("", 0),
                };
                Codec {
                    payload_type,
                    name,
                    clock,
                }
            })
            .collect()
    }

    /// Whether it is RTP of any profile.
    pub fn is_rtp(&self) -> bool {
        let profile = self.profile.as_bytes();
        profile
            .windows(4)
            .any(|it| it.eq_ignore_ascii_case(b"RTP/"))
    }

    /// Whether its profile asks for encryption (RFC 3711, RFC 5764).
    pub fn is_secure(&self) -> bool {
        let profile = self.profile.as_bytes();
        profile
            .windows(4)
            .any(|it| it.eq_ignore_ascii_case(b"SAVP"))
    }

    /// Whether it is of this kind.
    pub const fn is(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind)
    }

    /// Whether it is fax over UDP or TCP (ITU-T T.38, RFC 3362).
    pub fn is_t38(&self) -> bool {
        self.is("image") && self.formats.iter().any(|it| it.eq_ignore_ascii_case("t38"))
    }
}

impl<'a> Content<'a> {
    /// Looks at a message.
    pub fn of(message: &'a Message) -> Self {
        if message.is_cut() || !Self::is_measured(message) {
            return Self::Unreadable;
        }
        if message.body().is_empty() {
            return Self::Nothing;
        }
        let encoded = message
            .header(HeaderName::ContentEncoding)
            .is_some_and(|it| !it.is_empty() && !it.eq_ignore_ascii_case(b"identity"));
        match message.header(HeaderName::ContentType) {
            Some(content_type) if !encoded => {
                Self::of_body(&content_type, message.body(), MAX_MULTIPART_DEPTH)
            }
            _ => Self::Unreadable,
        }
    }

    /// Whether the body of a message is as long as it says.
    pub const fn is_measured(message: &Message) -> bool {
        let oddities = message.oddities();
        !oddities.contains(Oddity::ContentLengthTooLarge)
            && !oddities.contains(Oddity::BytesAfterBody)
    }

    fn of_body(content_type: &[u8], body: &'a [u8], depth: usize) -> Self {
        let media_type = MediaType::of(content_type);
        if media_type.is("application", "sdp") {
            return Self::Description(Sdp::parse(body));
        }
        if media_type.is_opaque() {
            return Self::Unreadable;
        }
        let Some(boundary) = media_type.boundary() else {
            return Self::Nothing;
        };
        if depth == 0 {
            return Self::Unreadable;
        }
        // The first description counts; a part that nobody can read may be one.
        let mut found = Self::Nothing;
        for (part_type, part) in body::parts(body, boundary) {
            match Self::of_body(part_type, part, depth - 1) {
                Self::Nothing => {}
                Self::Unreadable => found = Self::Unreadable,
                description @ Self::Description(_) => return description,
            }
        }
        found
    }
}

impl<'a> Sdp<'a> {
    /// The description that a message carries, alone or as a part of a multipart body; `None` when it has none, or when
    /// nobody can tell.
    pub fn of(message: &'a Message) -> Option<Self> {
        match Content::of(message) {
            Content::Description(sdp) => Some(sdp),
            Content::Nothing | Content::Unreadable => None,
        }
    }

    /// Reads a description.
    pub fn parse(body: &'a [u8]) -> Self {
        let mut sdp = Self::default();
        // Texts are checked all at once, and one by one only where something is no text.
        let text = std::str::from_utf8(body).ok();
        let mut start = 0;
        for end in find::all([b'\n'], body).chain([body.len()]) {
            let line = match body.get(start..end).unwrap_or_default() {
                [line @ .., b'\r'] if line.last() > Some(&b' ') => line,
                line => line.trim_ascii_end(),
            };
            let begin = start;
            start = end + 1;
            let [kind @ (b'o' | b'c' | b'm' | b'a'), b'=', value @ ..] = line else {
                continue;
            };
            let value = match text {
                Some(text) => text.get(begin + 2..begin + 2 + value.len()),
                None => std::str::from_utf8(value).ok(),
            };
            if let Some(value) = value {
                sdp.line(*kind, value);
            }
        }
        sdp
    }

    /// Takes a line of these kinds.
    fn line(&mut self, kind: u8, value: &'a str) {
        let room = self.media.len() < MAX_SDP_MEDIA;
        let medium = self.media.last_mut();
        match kind {
            b'o' => self.origin = self.origin.or_else(|| origin(value)),
            b'c' => {
                let slot = medium.map_or(&mut self.connection, |medium| &mut medium.connection);
                *slot = slot.or_else(|| connection(value));
            }
            b'm' => match media(value).filter(|_| room) {
                Some(medium) => self.media.push(medium),
                None => self.damaged = true,
            },
            _ => {
                let attributes =
                    medium.map_or(&mut self.attributes, |medium| &mut medium.attributes);
                if attributes.capacity() == 0 {
                    attributes.reserve(USUAL_ATTRIBUTES);
                }
                if attributes.len() < MAX_SDP_ATTRIBUTES {
                    attributes.push(attribute_line(value));
                }
            }
        }
    }

    /// Where a medium is wanted: its own `c=` or that of the session.
    pub fn connection_of(&self, medium: &Media<'a>) -> Option<Connection<'a>> {
        medium.connection.or(self.connection)
    }

    /// Which way a medium goes as its own attribute or that of the session says; `None` when none does, which means both
    /// ways (RFC 3264 §5.1).
    pub fn written_direction_of(&self, medium: &Media<'a>) -> Option<Direction> {
        Direction::of(&medium.attributes).or_else(|| Direction::of(&self.attributes))
    }

    /// Which way a medium goes: its own attribute, that of the session, or both ways. An address of zeros says that nothing
    /// is received (RFC 3264 §8.4).
    pub fn direction_of(&self, medium: &Media<'a>) -> Direction {
        let written = self.written_direction_of(medium).unwrap_or_default();
        let nowhere = self
            .connection_of(medium)
            .is_some_and(|it| it.is_unspecified());
        match written {
            Direction::SendRecv if nowhere => Direction::SendOnly,
            Direction::RecvOnly if nowhere => Direction::Inactive,
            other => other,
        }
    }

    /// Whether a medium has an attribute, itself or through the session.
    pub fn has(&self, medium: &Media<'a>, name: &str) -> bool {
        medium.attribute(name).is_some() || attribute(&self.attributes, name).is_some()
    }

    /// Whether ICE finds the addresses, so that those written are only the first guess (RFC 8839).
    pub fn uses_ice(&self, medium: &Media<'a>) -> bool {
        self.has(medium, "candidate") || self.has(medium, "ice-ufrag")
    }

    /// The media of a kind that are wanted.
    pub fn wanted<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = &'s Media<'a>> {
        self.media
            .iter()
            .filter(move |it| it.kind.eq_ignore_ascii_case(kind) && it.port != 0)
    }
}

fn attribute<'a>(attributes: &[(&'a str, &'a str)], name: &str) -> Option<&'a str> {
    attributes
        .iter()
        .find(|(key, _)| *key == name)
        .map(|(_, value)| *value)
}

/// Name and value, which may be empty.
fn attribute_line(value: &str) -> (&str, &str) {
    let colon = find::byte(b':', value.as_bytes());
    let parts = colon.and_then(|at| Some((value.get(..at)?, value.get(at + 1..)?)));
    parts.unwrap_or((value, ""))
}

/// From behind: some phones put a display name with spaces where the user belongs.
fn origin(value: &str) -> Option<Origin<'_>> {
    let mut rest = value.trim();
    let mut last = || {
        let space = rest.bytes().rposition(|it| it.is_ascii_whitespace())?;
        let word = rest.get(space + 1..);
        rest = rest.get(..space)?.trim_end();
        word
    };
    let (address, _, _) = (last()?, last()?, last()?);
    let (version, session) = (last()?, last()?);
    Some(Origin {
        user: rest,
        session,
        version,
        address,
    })
}

fn connection(value: &str) -> Option<Connection<'_>> {
    let mut parts = value.split_ascii_whitespace();
    let (_, family, address) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Connection {
        family,
        address: address.split('/').next().unwrap_or_default(),
    })
}

fn media(value: &str) -> Option<Media<'_>> {
    let mut parts = value.split_ascii_whitespace();
    let kind = parts.next()?;
    let port = parts.next()?.split('/').next()?.parse().ok()?;
    Some(Media {
        kind,
        port,
        profile: parts.next()?,
        formats: parts.take(MAX_SDP_FORMATS).collect(),
        ..Media::default()
    })
}

#[cfg(test)]
mod tests;
