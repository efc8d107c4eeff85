//! What a transaction is made of, as bytes one after the other: each field of each struct, so that nothing is forgotten, and
//! few bytes for what is much the same again.

use super::Label;
use crate::capture::FrameNumber;
use crate::flow::{Flow, Transport};
use crate::frame::IcmpKind;
use crate::sip::digest::{Challenge, Credentials, Side};
use crate::sip::{Carrier, Message, Method, Oddity};
use crate::time::Timestamp;
use crate::transaction::kept::Kept;
use crate::transaction::notes::{EVIDENCE, phrase};
use crate::transaction::{
    Ack, IcmpNote, Party, Response, Responses, Sends, Sighting, State, Transaction, TransactionId,
};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

/// Where values are written.
#[derive(Debug, Default)]
pub(super) struct Out {
    pub(super) bytes: Vec<u8>,
    before: Before,
}

/// Where they are read.
#[derive(Debug)]
pub(super) struct In<'a> {
    rest: &'a [u8],
    before: Before,
}

/// The last moment and the last frame: the next are near them, so that the distance is short.
#[derive(Debug, Default)]
struct Before {
    nanos: u64,
    frame: u64,
}

impl Out {
    /// Begins anew, with the same memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.before = Before::default();
    }

    /// Adds bytes, behind how many they are.
    pub(super) fn part(&mut self, bytes: &[u8]) {
        bytes.len().put(self);
        self.bytes.extend_from_slice(bytes);
    }
}

impl<'a> In<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            before: Before::default(),
        }
    }

    /// What was not read.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    /// Takes as many bytes as the number before them says.
    pub(super) fn part(&mut self) -> Option<&'a [u8]> {
        let len = usize::take(self)?;
        let (part, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(part)
    }

    fn octets<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (octets, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*octets)
    }
}

/// A distance either way: such of few bits are short.
const fn zigzag(distance: i64) -> u64 {
    ((distance << 1) ^ (distance >> (i64::BITS - 1))).cast_unsigned()
}

/// The distance that [`zigzag`] made this of.
const fn unzigzag(number: u64) -> i64 {
    ((number >> 1) ^ (number & 1).wrapping_neg()).cast_signed()
}

/// A value as bytes.
pub(super) trait Bytes: Sized {
    /// Adds it.
    fn put(&self, out: &mut Out);
    /// Takes it off the front; `None` when something else stands there.
    fn take(from: &mut In<'_>) -> Option<Self>;
}

/// Declares a struct as its fields one after the other, but for those behind `without`, of which nobody asks what they were.
macro_rules! fields {
    ($type:ident { $($field:ident),+ $(,)? } $(without { $($lost:ident),+ })?) => {
        impl Bytes for $type {
            fn put(&self, out: &mut Out) {
                $(self.$field.put(out);)+
            }

            fn take(from: &mut In<'_>) -> Option<Self> {
                Some(Self { $($field: Bytes::take(from)?,)+ $($($lost: Default::default()),+)? })
            }
        }
    };
}

/// Declares an enum as the place of its variant in the list.
macro_rules! variants {
    ($type:ident { $($variant:ident),+ $(,)? }) => {
        impl Bytes for $type {
            fn put(&self, out: &mut Out) {
                const ALL: &[$type] = &[$($type::$variant),+];
                // A variant that is not listed does not compile.
                match self { $(Self::$variant)|+ => {} }
                let place = ALL.iter().position(|it| it == self).unwrap_or_default();
                place.put(out);
            }

            fn take(from: &mut In<'_>) -> Option<Self> {
                const ALL: &[$type] = &[$($type::$variant),+];
                ALL.get(usize::take(from)?).copied()
            }
        }
    };
}

impl Bytes for u64 {
    /// Seven bits a byte, the low ones first.
    #[expect(clippy::cast_possible_truncation, reason = "so few bits are left")]
    fn put(&self, out: &mut Out) {
        let mut rest = *self;
        while rest >= 0x80 {
            out.bytes.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        out.bytes.push(rest as u8);
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        let mut value = 0;
        for shift in (0..Self::BITS).step_by(7) {
            let byte = from.byte()?;
            value |= Self::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

impl Bytes for usize {
    fn put(&self, out: &mut Out) {
        (*self as u64).put(out);
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        u64::take(from)?.try_into().ok()
    }
}

impl Bytes for u16 {
    fn put(&self, out: &mut Out) {
        u64::from(*self).put(out);
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        u64::take(from)?.try_into().ok()
    }
}

impl Bytes for bool {
    fn put(&self, out: &mut Out) {
        u64::from(*self).put(out);
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        Some(usize::take(from)? != 0)
    }
}

impl<const N: usize> Bytes for SmallVec<[u8; N]> {
    fn put(&self, out: &mut Out) {
        out.part(self);
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        from.part().map(Self::from_slice)
    }
}

impl Bytes for Box<str> {
    fn put(&self, out: &mut Out) {
        out.part(self.as_bytes());
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        std::str::from_utf8(from.part()?).ok().map(Into::into)
    }
}

impl Bytes for Cow<'static, str> {
    fn put(&self, out: &mut Out) {
        out.part(self.as_bytes());
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        from.part().map(phrase)
    }
}

impl<T: Bytes> Bytes for Option<T> {
    fn put(&self, out: &mut Out) {
        self.is_some().put(out);
        if let Some(it) = self {
            it.put(out);
        }
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        Some(if bool::take(from)? {
            Some(T::take(from)?)
        } else {
            None
        })
    }
}

impl<T: Bytes> Bytes for Vec<T> {
    fn put(&self, out: &mut Out) {
        self.len().put(out);
        for it in self {
            it.put(out);
        }
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        (0..usize::take(from)?).map(|_| T::take(from)).collect()
    }
}

impl<T: Bytes> Bytes for Box<[T]> {
    fn put(&self, out: &mut Out) {
        self.len().put(out);
        self.iter().for_each(|it| it.put(out));
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        Vec::take(from).map(Vec::into_boxed_slice)
    }
}

impl Bytes for Responses {
    fn put(&self, out: &mut Out) {
        self.len().put(out);
        self.iter().for_each(|it| it.put(out));
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        (0..usize::take(from)?)
            .map(|_| Response::take(from))
            .collect()
    }
}

impl Bytes for SmallVec<[Sighting; 1]> {
    fn put(&self, out: &mut Out) {
        self.len().put(out);
        for it in self {
            it.put(out);
        }
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        (0..usize::take(from)?)
            .map(|_| Sighting::take(from))
            .collect()
    }
}

impl Bytes for Timestamp {
    /// Of most captures the clock ticks in microseconds.
    fn put(&self, out: &mut Out) {
        let nanos = self.as_nanos().cast_unsigned();
        let before = std::mem::replace(&mut out.before.nanos, nanos);
        let distance = nanos.wrapping_sub(before).cast_signed();
        if distance % MICROSECOND == 0 {
            (zigzag(distance / MICROSECOND) * 2).put(out);
        } else {
            1_u64.put(out);
            zigzag(distance).put(out);
        }
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        let distance = match u64::take(from)? {
            1 => unzigzag(u64::take(from)?),
            micros => unzigzag(micros / 2).wrapping_mul(MICROSECOND),
        };
        from.before.nanos = from.before.nanos.wrapping_add(distance.cast_unsigned());
        Some(Self::from_nanos(from.before.nanos.cast_signed()))
    }
}

/// In nanoseconds.
const MICROSECOND: i64 = 1_000;

impl Bytes for FrameNumber {
    fn put(&self, out: &mut Out) {
        let before = std::mem::replace(&mut out.before.frame, self.0);
        zigzag(self.0.wrapping_sub(before).cast_signed()).put(out);
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        let distance = unzigzag(u64::take(from)?).cast_unsigned();
        from.before.frame = from.before.frame.wrapping_add(distance);
        Some(Self(from.before.frame))
    }
}

impl Bytes for TransactionId {
    fn put(&self, out: &mut Out) {
        self.0.put(out);
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        u64::take(from).map(Self)
    }
}

impl Bytes for IpAddr {
    fn put(&self, out: &mut Out) {
        self.is_ipv4().put(out);
        match self {
            Self::V4(it) => out.bytes.extend_from_slice(&it.octets()),
            Self::V6(it) => out.bytes.extend_from_slice(&it.octets()),
        }
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        Some(if bool::take(from)? {
            Self::from(from.octets::<4>()?)
        } else {
            Self::from(from.octets::<16>()?)
        })
    }
}

impl Bytes for SocketAddr {
    fn put(&self, out: &mut Out) {
        self.ip().put(out);
        u64::from(self.port()).put(out);
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        let ip = IpAddr::take(from)?;
        Some(Self::new(ip, u64::take(from)?.try_into().ok()?))
    }
}

impl Bytes for Method {
    fn put(&self, out: &mut Out) {
        out.part(self.name().as_bytes());
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        from.part().map(Self::of)
    }
}

impl Bytes for Kept {
    fn put(&self, out: &mut Out) {
        let message = self.message();
        message.is_cut().put(out);
        let oddities = message.oddities();
        oddities.contains(Oddity::ContentLengthMissing).put(out);
        out.part(message.raw());
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        let carrier = Carrier {
            cut: bool::take(from)?,
            // Nothing else depends on it.
            stream: bool::take(from)?,
        };
        Message::parse(from.part()?, carrier).map(Self::unpacked)
    }
}

/// What a response explains itself with, as far as its message does not tell it again.
impl Bytes for OnceLock<Vec<(&'static str, Box<str>)>> {
    fn put(&self, out: &mut Out) {
        let Some(all) = self.get() else {
            return false.put(out);
        };
        true.put(out);
        all.len().put(out);
        for (name, value) in all {
            let place = EVIDENCE.iter().position(|(_, known)| known == name);
            place.unwrap_or_default().put(out);
            value.put(out);
        }
    }

    fn take(from: &mut In<'_>) -> Option<Self> {
        if !bool::take(from)? {
            return Some(Self::new());
        }
        let all = (0..usize::take(from)?).map(|_| {
            let (_, name) = EVIDENCE.get(usize::take(from)?)?;
            Some((*name, Box::<str>::take(from)?))
        });
        Some(Self::from(all.collect::<Option<Vec<_>>>()?))
    }
}

variants!(Transport {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
    Sctp
});
variants!(Side { Server, Proxy });
variants!(State {
    Calling,
    Proceeding,
    Completed,
    Terminated,
    TimedOut,
    PendingAtEnd
});
variants!(IcmpKind {
    NetworkUnreachable,
    HostUnreachable,
    ProtocolUnreachable,
    PortUnreachable,
    PacketTooBig,
    AdministrativelyProhibited,
    OtherUnreachable,
    TimeExceeded,
    ReassemblyTimeExceeded,
    ParameterProblem
});
fields!(Flow {
    src,
    dst,
    transport
});
fields!(Sighting { frame, time });
fields!(Sends { seen, count });
fields!(Party { uri, tag });
fields!(Challenge {
    side,
    scheme,
    realm,
    has_realm,
    nonce,
    algorithm,
    qop,
    stale
});
fields!(Credentials {
    side,
    scheme,
    username,
    realm,
    nonce,
    uri,
    algorithm,
    qop,
    nc,
    cnonce,
    response,
    response_start,
    inputs
});
// By a fingerprint messages are matched, and none comes any more.
fields!(Ack {
    flow,
    to_tag,
    sends,
    kept
} without { branch });
fields!(IcmpNote {
    seen,
    reporter,
    target,
    kind,
    of_response,
    of_ack
});
fields!(Response {
    code,
    reason,
    to_tag,
    flow,
    sends,
    challenges,
    rseq,
    evidence,
    kept
} without { fingerprint });
// The messages first: the rest of a transaction repeats what they say. What it shares with its call is not stored with each.
fields!(Transaction {
    kept,
    responses,
    acks,
    stray_acks,
    id,
    client,
    method,
    cseq,
    branch,
    flow,
    via_count,
    from,
    to,
    request_uri,
    credentials,
    expires,
    cut,
    requests,
    cancelled,
    icmp,
    state,
    last,
    answer_implied,
    closed
} without { call_id, call_key });
fields!(Label {
    sample,
    first,
    count,
    len
});
