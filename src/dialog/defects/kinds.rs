//! What can be wrong with a message, and what to show of it.

use crate::flow::Flow;
use crate::limits::MAX_TEXT;
use crate::sip::value::Via;
use crate::sip::{HeaderName, Message, Oddities, Oddity, StartLine};

/// What is wrong with a message; those that explain more come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Defect {
    /// Mandatory header fields or tags are missing (RFC 3261 §8.1.1, §8.2.6.2).
    Missing(Oddities),
    /// The CSeq names another method than the request line (§8.1.1.5).
    CseqMethod,
    /// Content-Length announces more bytes than came (§18.3).
    LengthTooLarge,
    /// Content-Length is no number (§20.14).
    LengthUnreadable,
    /// The grammar refuses it.
    Malformed(Oddity),
    /// An INVITE or another request that sets the remote target has no Contact (§8.1.1.8, §12.1.1).
    NoContact,
    /// A 2xx to INVITE has no Contact (§12.1.1).
    NoContactInAnswer,
    /// Content-Length announces fewer bytes than came: the rest is ignored (§18.3).
    LengthTooSmall,
    /// No Content-Length on a stream (§18.3).
    LengthMissing,
    /// A request in a dialog with a lower CSeq number than the one before (§12.2.2).
    CseqLower,
    /// A response whose CSeq is not that of the request with its branch (§8.2.6.2).
    CseqOfResponse,
    /// The same branch for two requests (§8.1.1.7).
    BranchReused,
    /// The Via names another transport than the one that carried the request (§18.1.1).
    ViaTransport,
    /// A request to a sips URI over UDP (§26.2.2).
    SipsOverUdp,
    /// The next hop's URI names a stream transport and the request went over UDP (§8.1.2).
    TargetTransport,
    /// URI parameters outside the angle brackets (§20.10).
    ParamsOutside,
    /// No Max-Forwards (§8.1.1.6).
    NoMaxForwards,
    /// A new request may pass few hops only (§8.1.1.6).
    LowMaxForwards,
    /// A proxy sent it on with the Max-Forwards it came with (§16.6 step 3).
    KeptMaxForwards,
    /// No To tag in a response that forms no dialog (§8.2.6.2).
    NoToTag,
    /// No magic cookie in the branch (§8.1.1.7).
    NoCookie,
    /// An early dialog without Contact (§12.1.1).
    NoContactInProvisional,
    /// Too large for UDP (§18.1.1).
    Large,
    /// A response whose request was not seen.
    Orphan,
}

/// What to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// From the wire, or a name of ours.
    Text(Box<str>),
    /// A count.
    Number(u64),
}

impl Detail {
    /// Text from the wire, clipped.
    pub(super) fn clipped(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        Self::Text(text.chars().take(MAX_SHOWN).collect::<String>().into())
    }
}

/// Characters shown of a line: half of what is kept of other texts, as they stand in the headline.
const MAX_SHOWN: usize = MAX_TEXT / 2;

impl Defect {
    /// Whether a receiver that keeps to the RFC may discard the message for it without a word.
    pub const fn explains_silence(self) -> bool {
        matches!(
            self,
            Self::Missing(_)
                | Self::CseqMethod
                | Self::CseqOfResponse
                | Self::LengthTooLarge
                | Self::LengthUnreadable
                | Self::NoContactInAnswer
        )
    }

    /// Whether a receiver that keeps to the RFC may answer a request with this code for it.
    pub const fn explains(self, code: u64) -> bool {
        match self {
            Self::NoMaxForwards | Self::LowMaxForwards | Self::KeptMaxForwards => {
                matches!(code, 400 | 483)
            }
            Self::Malformed(Oddity::Version) => matches!(code, 400 | 505),
            Self::Malformed(Oddity::NumberOutOfRange) => matches!(code, 400 | 483 | 500),
            Self::Malformed(_) => matches!(code, 400 | 416 | 484 | 500),
            Self::CseqLower | Self::Missing(_) | Self::CseqMethod => matches!(code, 400 | 500),
            // Who says that it is too large for him has received it.
            Self::Large => false,
            Self::SipsOverUdp => matches!(code, 400 | 416 | 480),
            _ => code == 400,
        }
    }

    /// Whether proxies pass it on as it is: they change Request-URI, Via and Max-Forwards, and write the lines anew.
    pub(super) const fn is_end_to_end(self) -> bool {
        match self {
            Self::Malformed(oddity) => matches!(
                oddity,
                Oddity::QuoteUnbalanced
                    | Oddity::BracketUnclosed
                    | Oddity::FromUnreadable
                    | Oddity::ToUnreadable
                    | Oddity::ContactUnreadable
                    | Oddity::CseqUnreadable
                    | Oddity::RepeatedSingle
                    | Oddity::NumberOutOfRange
                    | Oddity::HeaderName
                    | Oddity::ControlBytes
                    | Oddity::NotUtf8
                    | Oddity::DateZone
            ),
            Self::Missing(which) => !which.contains(Oddity::ViaMissing),
            Self::CseqMethod
            | Self::CseqLower
            | Self::NoContact
            | Self::NoContactInAnswer
            | Self::NoContactInProvisional
            | Self::NoToTag
            | Self::ParamsOutside => true,
            _ => false,
        }
    }

    /// Whether a response has it because it copies these fields from its request (RFC 3261 §8.2.6.2).
    pub(super) const fn is_copied(self) -> bool {
        match self {
            Self::Missing(which) => !which.contains(Oddity::ToTagMissing),
            Self::Malformed(oddity) => !matches!(oddity, Oddity::Version | Oddity::StatusCode),
            _ => false,
        }
    }

    /// What to show of the first message with it.
    pub(super) fn details(self, message: &Message, flow: Flow) -> Vec<(&'static str, Detail)> {
        let number = |name, value: u64| (name, Detail::Number(value));
        let header = |name, header| {
            let value = message.header(header).unwrap_or_default();
            (name, Detail::clipped(&value))
        };
        match self {
            Self::Missing(which) => vec![("missing", Detail::Text(names(which)))],
            Self::NoToTag => vec![("missing", text("To tag"))],
            Self::Malformed(oddity) => {
                let place = message.place_of(oddity);
                vec![
                    ("defect", Detail::Text(oddity.name().into())),
                    ("part", Detail::clipped(place.part.as_bytes())),
                    ("line", Detail::clipped(place.line.as_bytes())),
                    number("offset", place.offset as u64),
                    ("hex", Detail::Text(place.hex.into())),
                ]
            }
            Self::CseqMethod => vec![header("cseq", HeaderName::CSeq)],
            Self::LengthTooLarge | Self::LengthTooSmall => {
                let behind = message.bytes_after_body().len();
                vec![
                    number(
                        "announced",
                        message
                            .number(HeaderName::ContentLength)
                            .unwrap_or_default(),
                    ),
                    number("present", (message.body().len() + behind) as u64),
                    number("rest", behind as u64),
                ]
            }
            Self::LengthUnreadable => vec![header("written", HeaderName::ContentLength)],
            Self::LengthMissing => vec![("transport", text(flow.transport.name()))],
            Self::ViaTransport => {
                let via = message.top_via().unwrap_or_default();
                let said = Via::of(&via).map_or(&[][..], |it| it.transport);
                vec![
                    ("said", Detail::clipped(said)),
                    ("transport", text(flow.transport.name())),
                ]
            }
            Self::SipsOverUdp | Self::TargetTransport => {
                let route = message.header(HeaderName::Route);
                let uri = match message.start_line() {
                    StartLine::Request { uri, .. } => uri,
                    StartLine::Response { .. } => &[],
                };
                let target = route.as_deref().unwrap_or(uri);
                vec![("target", Detail::clipped(target))]
            }
            Self::LowMaxForwards => vec![number(
                "hops",
                message.number(HeaderName::MaxForwards).unwrap_or_default(),
            )],
            Self::NoCookie => {
                let via = message.top_via().unwrap_or_default();
                let branch = Via::of(&via).and_then(|it| it.branch()).unwrap_or_default();
                vec![("branch", Detail::clipped(branch))]
            }
            Self::Large => vec![
                number("bytes", message.raw().len() as u64),
                ("grown", Detail::Text(largest_parts(message))),
            ],
            _ => Vec::new(),
        }
    }
}

fn text(name: &str) -> Detail {
    Detail::Text(name.into())
}

/// A start line in short: `INVITE`, `200 INVITE`.
pub(super) fn title(message: &Message) -> Box<str> {
    let name = match (message.method(), message.status(), message.cseq()) {
        (Some(method), _, _) => method.name().to_owned(),
        (None, Some(code), Some((_, method))) => format!("{code} {method}"),
        (None, code, _) => code.unwrap_or_default().to_string(),
    };
    name.chars().take(MAX_SHOWN).collect::<String>().into()
}

/// What is missing, as it is called on the wire.
fn names(missing: Oddities) -> Box<str> {
    let names: Vec<_> = missing
        .iter()
        .map(|oddity| match oddity {
            Oddity::ViaMissing => "Via",
            Oddity::FromMissing => "From",
            Oddity::ToMissing => "To",
            Oddity::CallIdMissing => "Call-ID",
            Oddity::CseqMissing => "CSeq",
            Oddity::FromTagMissing => "From tag",
            Oddity::ToTagMissing => "To tag",
            other => other.name(),
        })
        .collect();
    names.join(", ").into()
}

/// What makes a message large: its body and its longest header fields, all of one name together.
fn largest_parts(message: &Message) -> Box<str> {
    let mut parts: Vec<(usize, String)> = Vec::new();
    for (name, value) in message.fields().take(MAX_FIELDS) {
        let len = name.len() + value.len();
        let name = String::from_utf8_lossy(name).into_owned();
        match parts.iter_mut().find(|(_, it)| *it == name) {
            Some((sum, _)) => *sum += len,
            None => parts.push((len, name)),
        }
    }
    parts.push((message.body().len(), "body".to_owned()));
    parts.sort_by_key(|(len, _)| std::cmp::Reverse(*len));
    let shown: Vec<_> = parts
        .iter()
        .take(3)
        .map(|(len, name)| {
            let name: String = name.chars().take(MAX_SHOWN).collect();
            format!("{name} {len}")
        })
        .collect();
    shown.join(", ").into()
}

/// Header fields that are measured: more than any large message of real elements has.
const MAX_FIELDS: usize = 128;
