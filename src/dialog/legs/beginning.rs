//! What an INVITE that begins a call says of itself, by which other legs of the call and later tries are known. Made where the
//! message is read.

use super::{CALL_ID_HEADERS, CUTS, LinkedBy, TELLING};
use crate::dialog::origins;
use crate::flow::Flow;
use crate::hash::fingerprint;
use crate::sip::{HeaderName, Message, Method, value};
use crate::transaction::Transaction;
use smallvec::SmallVec;
use std::hash::Hash;

/// What an INVITE says that begins a call.
#[derive(Debug)]
pub struct Beginning {
    /// What ties it to other legs.
    pub(super) marks: SmallVec<[Mark; 16]>,
    /// Whether it has an Identity (RFC 8224).
    pub(super) signed: bool,
    /// A fingerprint of who calls whom.
    pub(in crate::dialog) target: u64,
}

impl Beginning {
    /// That of a request with what it begins; `None` when it is no INVITE, or one in a dialog. `headers` are looked at beside
    /// [`CALL_ID_HEADERS`].
    pub fn of(message: &Message, began: &Transaction, headers: &[String]) -> Option<Self> {
        let begins = began.method == Method::Invite && !began.in_dialog();
        begins.then(|| Self {
            marks: marks(message, &began.call_id, began.flow, headers),
            signed: message.has(HeaderName::Identity),
            target: origins::target(&began.from.uri, &began.request_uri),
        })
    }
}

/// What ties this INVITE to others.
fn marks(
    message: &Message,
    call_id: &[u8],
    flow: Flow,
    headers: &[String],
) -> SmallVec<[Mark; 16]> {
    let mut marks = Marks(SmallVec::new());
    if let Some(session) = message.header(HeaderName::SessionId) {
        // The caller's side keeps its identifier on every leg; a null one says that it has none (RFC 7989 §5).
        let id = session.split(|&byte| byte == b';').next();
        let id = id.unwrap_or_default().trim_ascii();
        if id.iter().any(|&byte| byte != b'0') {
            marks.same(LinkedBy::SessionId, id);
        }
    }
    marks.call_id(call_id);
    // All but those of the user begin with X or P.
    let may_tie = |name: &[u8]| {
        !headers.is_empty() || matches!(name.first(), Some(b'X' | b'x' | b'P' | b'p'))
    };
    for (name, value) in message.fields_named(may_tie) {
        let Ok(name) = std::str::from_utf8(name) else {
            continue;
        };
        if name.eq_ignore_ascii_case("P-Charging-Vector") {
            let icid = value
                .split(|&byte| byte == b';')
                .find_map(|part| part.trim_ascii().strip_prefix(b"icid-value="));
            let icid = icid.map_or(&[][..], |it| it.trim_ascii().trim_quotes());
            marks.same(LinkedBy::ChargingVector, icid);
        } else if CALL_ID_HEADERS
            .iter()
            .copied()
            .chain(headers.iter().map(String::as_str))
            .any(|known| known.eq_ignore_ascii_case(name))
        {
            marks.header(value.trim_ascii());
        }
    }
    marks.sdp(message.body(), flow);
    let user = |header| {
        let uri = message.uri(header)?;
        Some(value::normal_user(value::user_and_host(&uri).0))
    };
    if let (Some(from), Some(to)) = (user(HeaderName::From), user(HeaderName::To))
        && !from.is_empty()
        && !to.is_empty()
    {
        marks.on_to_the_next_hop(LinkedBy::Users, &(from, to), flow);
    }
    marks.0
}

/// A value that legs of one call share: what this leg tells, and what the leg before would have told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) by: LinkedBy,
    pub(super) told: u64,
    pub(super) asked: u64,
}

struct Marks(SmallVec<[Mark; 16]>);

fn key(by: LinkedBy, value: &impl Hash) -> u64 {
    fingerprint((by, value))
}

impl Marks {
    fn same(&mut self, by: LinkedBy, value: &[u8]) {
        if value.len() >= TELLING {
            let key = key(by, &value);
            self.0.push(Mark {
                by,
                told: key,
                asked: key,
            });
        }
    }

    /// Where the value alone is shared by many calls, the host that took the one INVITE must be the one that sends the other.
    fn on_to_the_next_hop(&mut self, by: LinkedBy, value: &impl Hash, flow: Flow) {
        let mark = Mark {
            by,
            told: key(by, &(value, flow.dst.ip())),
            asked: key(by, &(value, flow.src.ip())),
        };
        self.0.push(mark);
    }

    fn call_id(&mut self, call_id: &[u8]) {
        let told = key(LinkedBy::CallId, &call_id);
        let cuts = call_id
            .iter()
            .enumerate()
            .filter(|(_, byte)| matches!(byte, b'-' | b'_' | b'.' | b'@' | b';' | b':' | b'+'));
        let cuts: SmallVec<[usize; 16]> = cuts.map(|(at, _)| at).collect();
        let ends = cuts.len().saturating_sub(CUTS / 2);
        let few = |(index, _): &(usize, &usize)| *index < CUTS / 2 || *index >= ends;
        for (_, &at) in cuts.iter().enumerate().filter(few) {
            let (before, after) = call_id.split_at(at);
            let after = after.get(1..).unwrap_or_default();
            for part in [before, after] {
                if part.len() >= 2 * TELLING {
                    let asked = key(LinkedBy::CallId, &part);
                    self.0.push(Mark {
                        by: LinkedBy::CallId,
                        told,
                        asked,
                    });
                }
            }
        }
        if self.0.iter().all(|mark| mark.told != told) {
            self.0.push(Mark {
                by: LinkedBy::CallId,
                told,
                asked: told,
            });
        }
    }

    fn header(&mut self, value: &[u8]) {
        let own = key(LinkedBy::Header, &value);
        let as_call_id = key(LinkedBy::CallId, &value);
        // However short, a Call-ID that is there tells; the same short value in two calls does not.
        let same = (value.len() >= TELLING).then_some(own);
        let there = (!value.is_empty()).then_some(as_call_id);
        for asked in same.into_iter().chain(there) {
            self.0.push(Mark {
                by: LinkedBy::Header,
                told: own,
                asked,
            });
        }
    }

    /// The origin without its version (RFC 8866 §5.2), and where the first medium is wanted.
    fn sdp(&mut self, body: &[u8], flow: Flow) {
        let mut address: &[u8] = &[];
        let ends = memchr::memchr_iter(b'\n', body).chain([body.len()]);
        let mut start = 0;
        for end in ends {
            let line = body.get(start..end).unwrap_or_default();
            start = end + 1;
            if !matches!(line, [b'o' | b'c' | b'm' | ..=b' ', ..]) {
                continue;
            }
            let line = line.trim_ascii();
            if let Some(origin) = line.strip_prefix(b"o=") {
                let mut parts = origin.split(|&byte| byte == b' ');
                let identity = (parts.next(), parts.next(), parts.nth(3));
                self.on_to_the_next_hop(LinkedBy::Sdp, &identity, flow);
            } else if let Some(connection) = line.strip_prefix(b"c=") {
                address = connection;
            } else if let Some(medium) = line.strip_prefix(b"m=") {
                let port = medium.split(|&byte| byte == b' ').nth(1);
                self.on_to_the_next_hop(LinkedBy::Sdp, &(address, port), flow);
                break;
            }
        }
    }
}

trait Quoted {
    fn trim_quotes(&self) -> &[u8];
}

impl Quoted for [u8] {
    fn trim_quotes(&self) -> &[u8] {
        let inner = self.strip_prefix(b"\"").unwrap_or(self);
        inner.strip_suffix(b"\"").unwrap_or(inner)
    }
}
