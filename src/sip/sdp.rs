//! Session descriptions (RFC 8866), as far as offer and answer need them (RFC 3264). Read line by line and tolerantly: a
//! description that breaks the grammar is what a troubleshooter has at hand, so nothing is refused, and what cannot be
//! read is not there.

use super::body::{self, MediaType};
use super::{HeaderName, Message};
use crate::limits::{MAX_SDP_ATTRIBUTES, MAX_SDP_FORMATS, MAX_SDP_MEDIA};
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
    /// Whether two are the same encoding: by name in any case and clock, never by number (RFC 3264 §6.1).
    pub fn is_same(&self, other: &Codec<'_>) -> bool {
        if self.name.is_empty() || other.name.is_empty() {
            return self.payload_type == other.payload_type;
        }
        self.name.eq_ignore_ascii_case(other.name) && self.clock == other.clock
    }

    /// Whether it carries speech or pictures: telephone events and comfort noise alone make no call.
    pub fn is_medium(&self) -> bool {
        !["telephone-event", "CN", "red", "ulpfec", "rtx"]
            .iter()
            .any(|name| name.eq_ignore_ascii_case(self.name))
    }
}

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
        let maps = || {
            let all = self.attributes.iter();
            all.filter(|(name, _)| *name == "rtpmap")
                .map(|(_, value)| *value)
        };
        self.formats
            .iter()
            .filter_map(|format| format.parse().ok())
            .map(|payload_type: u8| {
                let mapped = maps().find_map(|map| {
                    let (number, encoding) = map.split_once(' ')?;
                    (number.parse() == Ok(payload_type)).then_some(encoding.trim())
                });
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
        self.profile.to_ascii_uppercase().contains("RTP/")
    }

    /// Whether its profile asks for encryption (RFC 3711, RFC 5764).
    pub fn is_secure(&self) -> bool {
        self.profile.to_ascii_uppercase().contains("SAVP")
    }
}

impl<'a> Sdp<'a> {
    /// The description that a message carries, alone or as a part of a multipart body; `None` when it has none, or when the
    /// capture lacks its end.
    pub fn of(message: &'a Message) -> Option<Self> {
        if message.is_cut() || message.body().is_empty() {
            return None;
        }
        let content_type = message.header(HeaderName::ContentType)?;
        let media_type = MediaType::of(&content_type);
        if media_type.is("application", "sdp") {
            return Some(Self::parse(message.body()));
        }
        body::parts(message.body(), media_type.boundary()?)
            .find(|(part_type, _)| MediaType::of(part_type).is("application", "sdp"))
            .map(|(_, body)| Self::parse(body))
    }

    /// Reads a description.
    pub fn parse(body: &'a [u8]) -> Self {
        let mut sdp = Self::default();
        for line in body.split(|&byte| byte == b'\n') {
            let Ok(line) = std::str::from_utf8(line) else {
                continue;
            };
            let Some((kind, value)) = line.trim_end().split_once('=') else {
                continue;
            };
            let room = sdp.media.len() < MAX_SDP_MEDIA;
            let medium = sdp.media.last_mut();
            match kind {
                "o" => sdp.origin = sdp.origin.or_else(|| origin(value)),
                "c" => match medium {
                    Some(medium) => medium.connection = connection(value),
                    None => sdp.connection = connection(value),
                },
                "m" if room => sdp.media.extend(media(value)),
                "a" => {
                    let attributes =
                        medium.map_or(&mut sdp.attributes, |medium| &mut medium.attributes);
                    if attributes.len() < MAX_SDP_ATTRIBUTES {
                        attributes.push(value.split_once(':').unwrap_or((value, "")));
                    }
                }
                _ => {}
            }
        }
        sdp
    }

    /// Where a medium is wanted: its own `c=` or that of the session.
    pub fn connection_of(&self, medium: &Media<'a>) -> Option<Connection<'a>> {
        medium.connection.or(self.connection)
    }

    /// Which way a medium goes: its own attribute, that of the session, or both ways. An address of zeros says that nothing
    /// is received (RFC 3264 §8.4).
    pub fn direction_of(&self, medium: &Media<'a>) -> Direction {
        let written = Direction::of(&medium.attributes)
            .or_else(|| Direction::of(&self.attributes))
            .unwrap_or_default();
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

fn origin(value: &str) -> Option<Origin<'_>> {
    let mut parts = value.split_ascii_whitespace();
    let origin = Origin {
        user: parts.next()?,
        session: parts.next()?,
        version: parts.next()?,
        address: parts.nth(2)?,
    };
    Some(origin)
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
