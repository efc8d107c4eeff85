//! What is worth one sentence a capture, however many messages show it: addresses that a NAT changed, secrets that pass the
//! Internet in clear, inside addresses that are shown outside.

use super::Call;
use crate::address::{Reach, literal, literal_with_port};
use crate::capture::FrameNumber;
use crate::limits::{MAX_TRAIT_FRAMES, MAX_TRAITS};
use crate::sip::value::{self, NameAddr, Via};
use crate::sip::{HeaderName, Message};
use crate::time::Timestamp;
use crate::transaction::{Transaction, TransactionId};
use memchr::{memchr, memmem};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;

/// What two addresses have to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trait {
    /// A client calls itself the first and is seen as the second (RFC 3261 §18.2.1, RFC 3581).
    SeenAs,
    /// The first sends the second credentials that can be guessed from what is seen (MD5, no TLS), over public addresses.
    DigestInClear,
    /// One tells the other its SRTP keys without TLS, over public addresses (RFC 4568 §8.3).
    KeysInClear,
    /// The first is public and shows others the second, which is not.
    Shows,
}

/// How often it was seen, and where.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Transactions that show it.
    pub count: u64,
    /// When it was first seen.
    pub time: Timestamp,
    /// The first transaction that shows it.
    pub transaction: TransactionId,
    /// The packets of the first transactions that show it, with these.
    packets: Vec<(TransactionId, FrameNumber)>,
    /// As the first one has it: ports, or the name of a header field.
    pub detail: Box<str>,
}

impl Instance {
    /// The packets of the first transactions that show it.
    pub fn frames(&self) -> impl Iterator<Item = FrameNumber> {
        self.packets.iter().map(|(_, frame)| *frame)
    }
}

/// All of them, capped.
#[derive(Debug, Default)]
pub struct Traits {
    known: BTreeMap<(Trait, IpAddr, IpAddr), Instance>,
    refused: u64,
}

impl Traits {
    /// Notes what was seen in the transactions of a call.
    pub fn note(&mut self, seen: &[Seen<'_>]) {
        for it in seen {
            self.note_one(it);
        }
    }

    /// The pairs of addresses of which that was seen, in their order.
    pub fn of(&self, what: Trait) -> impl Iterator<Item = (IpAddr, IpAddr, &Instance)> {
        self.known
            .iter()
            .filter(move |((kind, _, _), _)| *kind == what)
            .map(|(&(_, one, other), instance)| (one, other, instance))
    }

    /// How many could not be noted for want of room.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    fn note_one(&mut self, seen: &Seen<'_>) {
        let Seen {
            key,
            transaction,
            detail,
        } = seen;
        if self.known.len() >= MAX_TRAITS && !self.known.contains_key(key) {
            self.refused += 1;
            return;
        }
        let instance = self.known.entry(*key).or_insert_with(|| Instance {
            count: 0,
            time: transaction.start(),
            transaction: transaction.id,
            packets: Vec::new(),
            detail: detail.text(),
        });
        instance.count += 1;
        // Calls come in the order in which they end.
        if transaction.id < instance.transaction {
            instance.time = transaction.start();
            instance.transaction = transaction.id;
            instance.detail = detail.text();
        }
        let packets = &mut instance.packets;
        let is_full = packets.len() >= MAX_TRAIT_FRAMES;
        if !is_full
            || packets
                .last()
                .is_some_and(|(last, _)| *last > transaction.id)
        {
            let own = transaction.frames();
            packets.extend(own.into_iter().map(|frame| (transaction.id, frame)));
            packets.sort_unstable();
            packets.truncate(MAX_TRAIT_FRAMES);
        }
    }
}

/// One of them as a transaction shows it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    key: (Trait, IpAddr, IpAddr),
    transaction: &'a Transaction,
    detail: Detail<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Detail<'a> {
    None,
    /// What it calls itself, and as what it is seen.
    Translated(SocketAddr, SocketAddr),
    Text(&'a str),
}

impl Detail<'_> {
    fn text(self) -> Box<str> {
        match self {
            Self::None => Box::default(),
            Self::Translated(own, seen) => format!("{own} → {seen}").into(),
            Self::Text(text) => text.into(),
        }
    }
}

impl<'a> Seen<'a> {
    /// What the transactions of a call show, in their order.
    pub fn in_call(call: &'a Call) -> Vec<Self> {
        let mut seen = Vec::new();
        for transaction in &call.transactions {
            Self::look(transaction, |what, one, other, detail| {
                seen.push(Self {
                    key: (what, one, other),
                    transaction,
                    detail,
                });
            });
        }
        seen
    }

    fn look(transaction: &'a Transaction, mut tell: impl FnMut(Trait, IpAddr, IpAddr, Detail<'a>)) {
        let flow = transaction.flow;
        let (src, dst) = (flow.src.ip().to_canonical(), flow.dst.ip().to_canonical());
        if let Some((own, seen)) = translated(transaction) {
            let detail = Detail::Translated(own, seen);
            tell(Trait::SeenAs, own.ip(), seen.ip(), detail);
        }
        if !Reach::of(src).is_public() || !Reach::of(dst).is_public() {
            return;
        }
        let in_clear = !matches!(
            flow.transport,
            crate::flow::Transport::Tls | crate::flow::Transport::Wss
        );
        if in_clear {
            let guessable = transaction.credentials.iter().find(|credentials| {
                let algorithm = credentials.algorithm.as_bytes();
                credentials.scheme.eq_ignore_ascii_case("Digest")
                    && algorithm
                        .get(..b"MD5".len())
                        .is_some_and(|it| it.eq_ignore_ascii_case(b"MD5"))
            });
            if let Some(credentials) = guessable {
                let realm = Detail::Text(&credentials.realm);
                tell(Trait::DigestInClear, src, dst, realm);
            }
            let bodies = transaction.request().into_iter().chain(
                transaction
                    .responses
                    .iter()
                    .filter_map(|response| response.message()),
            );
            let mut bodies = bodies.map(Message::body).filter(|it| !it.is_empty());
            if bodies.any(has_keys) {
                tell(Trait::KeysInClear, src, dst, Detail::None);
            }
        }
        if let Some((inside, header)) = transaction.request().and_then(|it| shown(it, src)) {
            tell(Trait::Shows, src, inside, Detail::Text(header));
        }
    }
}

/// What a client calls itself and as what the server saw it, when they differ. A name says no address, and the port from
/// which a TCP connection comes is never the one that the client listens on.
fn translated(transaction: &Transaction) -> Option<(SocketAddr, SocketAddr)> {
    let message = transaction
        .responses
        .iter()
        .find_map(|response| response.message())?;
    let value = message.top_via()?;
    let via = Via::of(&value)?;
    let (received, rport) = via.seen_as();
    if is_said_again(via.sent_by, received, rport) {
        return None;
    }
    let (sent_by, port) = literal_with_port(via.sent_by)?;
    let sent_by = sent_by.to_canonical();
    let received = received.and_then(value::received);
    let rport = rport.and_then(value::rport);
    let seen_as = received.map_or(sent_by, |it| it.to_canonical());
    let port = port.unwrap_or(SIP_PORT);
    let seen_port = rport
        .filter(|_| !transaction.flow.transport.is_reliable())
        .unwrap_or(port);
    if sent_by == seen_as && port == seen_port {
        return None;
    }
    // A server that is not asked for the port does not name it; the packets do.
    let src = transaction.flow.src;
    let named = rport.is_some() || transaction.flow.transport.is_reliable();
    let seen_port = if named || src.ip().to_canonical() != seen_as {
        seen_port
    } else {
        src.port()
    };
    Some(((sent_by, port).into(), (seen_as, seen_port).into()))
}

/// Whether the server says nothing that the client did not, in the same words, as most of them do.
fn is_said_again(sent_by: &[u8], received: Option<&[u8]>, rport: Option<&[u8]>) -> bool {
    let Some(received) = received else {
        return rport.is_none();
    };
    // The colons of an IPv6 address may be those of a port.
    let behind = (sent_by.strip_prefix(received)).filter(|_| memchr(b':', received).is_none());
    match (behind, rport) {
        (Some([]), None) => true,
        (Some([b':', own @ ..]), rport) => rport.is_none_or(|port| port == own),
        _ => false,
    }
}

/// RFC 3261 §18.1.1: what is meant where no port stands.
const SIP_PORT: u16 = 5060;

static KEYS: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(b"a=crypto:"));

/// Whether a body has keys of SRTP (RFC 4568 §9.1).
fn has_keys(body: &[u8]) -> bool {
    // Searched for as a whole: nearly no body has it, and its lines need not be told apart.
    KEYS.find_iter(body)
        .any(|at| at == 0 || body.get(at - 1) == Some(&b'\n'))
}

/// Whether there is one field of that name, with one value.
fn is_alone(message: &Message, header: HeaderName) -> bool {
    let mut values = message.headers(header);
    let first = values.next();
    first.is_some_and(|it| memchr(b',', &it).is_none()) && values.next().is_none()
}

/// An address of an inside network that a request of a public host shows, and the header field it stands in. A client
/// behind a NAT has no choice: its own Via and its Contact are not meant.
fn shown(request: &Message, src: IpAddr) -> Option<(IpAddr, &'static str)> {
    let own = literal_with_port(&request.sent_by()?).map(|(address, _)| address);
    // An element whose Via is not public is itself behind a NAT.
    if own.is_some_and(|own| own.to_canonical() != src && !Reach::of(own).is_public()) {
        return None;
    }
    let inside =
        |address: IpAddr| (!Reach::of(address).is_public()).then(|| address.to_canonical());
    let routes = request.headers(HeaderName::RecordRoute).find_map(|value| {
        value::list(&value)
            .filter_map(|route| value::uri_endpoint(NameAddr::of(route).uri))
            .find_map(|(address, _)| inside(address))
    });
    if let Some(address) = routes {
        return Some((address, "Record-Route"));
    }
    // How many there are, an inside address below the first, and whether the last one was seen through a NAT.
    let (mut count, mut hop, mut nated) = (0_usize, None, false);
    // Of one that stands alone nothing is asked but that it is there.
    let alone = is_alone(request, HeaderName::Via);
    count += usize::from(alone);
    for value in request.headers(HeaderName::Via).filter(|_| !alone) {
        for via in value::list(&value).filter_map(Via::of) {
            let received = via.received();
            // The one with a public `received` is a client behind a NAT.
            let is_hop = received.is_none_or(|it| !Reach::of(it).is_public());
            if count > 0 && hop.is_none() && is_hop {
                hop = via.address().and_then(inside);
            }
            count += 1;
            nated = received.is_some();
        }
    }
    if let Some(address) = hop {
        return Some((address, "Via"));
    }
    // What came through a proxy may be the Contact of a client behind a NAT.
    if count > 1 && !nated {
        let contact = request.uri(HeaderName::Contact);
        let contact = contact.and_then(|uri| value::uri_endpoint(&uri));
        if let Some(address) = contact.and_then(|it| inside(it.0)) {
            return Some((address, "Contact"));
        }
    }
    // Whoever began the dialog or the transaction chose the Call-ID; others have to use it.
    if count > 1 || request.to_tag().is_some() {
        return None;
    }
    let call_id = request.call_id()?;
    let host = call_id.rsplit(|&byte| byte == b'@').next()?;
    let host = std::str::from_utf8(host).ok().and_then(literal)?;
    inside(host).map(|address| (address, "Call-ID"))
}
