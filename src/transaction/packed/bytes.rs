//! What a transaction is made of, as bytes one after the other: each field of each struct, so that nothing is forgotten.

use crate::capture::FrameNumber;
use crate::flow::{Flow, Transport};
use crate::frame::IcmpKind;
use crate::sip::digest::{Challenge, Credentials, Side};
use crate::sip::{Carrier, Message, Method, Oddity};
use crate::time::Timestamp;
use crate::transaction::kept::Kept;
use crate::transaction::notes::EVIDENCE;
use crate::transaction::{
    Ack, IcmpNote, Party, Response, Sends, Sighting, State, Transaction, TransactionId,
};
use smallvec::SmallVec;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

/// A value as bytes.
pub(super) trait Bytes: Sized {
    /// Adds it.
    fn put(&self, out: &mut Vec<u8>);
    /// Takes it off the front; `None` when something else stands there.
    fn take(from: &mut &[u8]) -> Option<Self>;
}

/// Declares a struct as its fields one after the other.
macro_rules! fields {
    ($type:ident { $($field:ident),+ $(,)? }) => {
        impl Bytes for $type {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)+
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: Bytes::take(from)?),+ })
            }
        }
    };
}

/// Declares an enum as the place of its variant in the list.
macro_rules! variants {
    ($type:ident { $($variant:ident),+ $(,)? }) => {
        impl Bytes for $type {
            fn put(&self, out: &mut Vec<u8>) {
                const ALL: &[$type] = &[$($type::$variant),+];
                // A variant that is not listed does not compile.
                match self { $(Self::$variant)|+ => {} }
                let place = ALL.iter().position(|it| it == self).unwrap_or_default();
                place.put(out);
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                const ALL: &[$type] = &[$($type::$variant),+];
                ALL.get(usize::take(from)?).copied()
            }
        }
    };
}

impl Bytes for u64 {
    /// Seven bits a byte, the low ones first.
    #[expect(clippy::cast_possible_truncation, reason = "so few bits are left")]
    fn put(&self, out: &mut Vec<u8>) {
        let mut rest = *self;
        while rest >= 0x80 {
            out.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let mut value = 0;
        for shift in (0..Self::BITS).step_by(7) {
            let (byte, rest) = from.split_first()?;
            *from = rest;
            value |= Self::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

impl Bytes for usize {
    fn put(&self, out: &mut Vec<u8>) {
        (*self as u64).put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        u64::take(from)?.try_into().ok()
    }
}

impl Bytes for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some(usize::take(from)? != 0)
    }
}

fn part<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::take(from)?;
    let (part, rest) = from.split_at_checked(len)?;
    *from = rest;
    Some(part)
}

impl<const N: usize> Bytes for SmallVec<[u8; N]> {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        out.extend_from_slice(self);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        part(from).map(Self::from_slice)
    }
}

impl Bytes for Arc<[u8]> {
    /// All transactions of a call have the same one, which is not stored with each.
    fn put(&self, _: &mut Vec<u8>) {}

    fn take(_: &mut &[u8]) -> Option<Self> {
        Some(Self::default())
    }
}

impl Bytes for Box<str> {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        out.extend_from_slice(self.as_bytes());
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        std::str::from_utf8(part(from)?).ok().map(Into::into)
    }
}

impl<T: Bytes> Bytes for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(it) = self {
            it.put(out);
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some(if bool::take(from)? {
            Some(T::take(from)?)
        } else {
            None
        })
    }
}

impl<T: Bytes> Bytes for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        for it in self {
            it.put(out);
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        (0..usize::take(from)?).map(|_| T::take(from)).collect()
    }
}

impl Bytes for SmallVec<[Sighting; 1]> {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        for it in self {
            it.put(out);
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        (0..usize::take(from)?)
            .map(|_| Sighting::take(from))
            .collect()
    }
}

impl Bytes for Timestamp {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_nanos().cast_unsigned().put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some(Self::from_nanos(u64::take(from)?.cast_signed()))
    }
}

impl Bytes for FrameNumber {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        u64::take(from).map(Self)
    }
}

impl Bytes for TransactionId {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        u64::take(from).map(Self)
    }
}

impl Bytes for IpAddr {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::V4(it) => {
                out.push(4);
                out.extend_from_slice(&it.octets());
            }
            Self::V6(it) => {
                out.push(6);
                out.extend_from_slice(&it.octets());
            }
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let (version, rest) = from.split_first()?;
        if *version == 4 {
            let (octets, rest) = rest.split_first_chunk::<4>()?;
            *from = rest;
            Some(Self::from(*octets))
        } else {
            let (octets, rest) = rest.split_first_chunk::<16>()?;
            *from = rest;
            Some(Self::from(*octets))
        }
    }
}

impl Bytes for SocketAddr {
    fn put(&self, out: &mut Vec<u8>) {
        self.ip().put(out);
        u64::from(self.port()).put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let ip = IpAddr::take(from)?;
        Some(Self::new(ip, u64::take(from)?.try_into().ok()?))
    }
}

impl Bytes for Method {
    fn put(&self, out: &mut Vec<u8>) {
        self.name().len().put(out);
        out.extend_from_slice(self.name().as_bytes());
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        part(from).map(Self::of)
    }
}

impl Bytes for Kept {
    fn put(&self, out: &mut Vec<u8>) {
        let message = self.message();
        message.is_cut().put(out);
        let oddities = message.oddities();
        oddities.contains(Oddity::ContentLengthMissing).put(out);
        message.raw().len().put(out);
        out.extend_from_slice(message.raw());
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let carrier = Carrier {
            cut: bool::take(from)?,
            // Nothing else depends on it.
            stream: bool::take(from)?,
        };
        Message::parse(part(from)?, carrier).map(Self::unpacked)
    }
}

/// What a response explains itself with, as far as its message does not tell it again.
impl Bytes for OnceLock<Vec<(&'static str, Box<str>)>> {
    fn put(&self, out: &mut Vec<u8>) {
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

    fn take(from: &mut &[u8]) -> Option<Self> {
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
fields!(Ack {
    flow,
    to_tag,
    sends,
    branch,
    kept
});
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
    fingerprint,
    kept
});
// The messages first: the rest of a transaction repeats what they say.
fields!(Transaction {
    kept,
    responses,
    acks,
    stray_acks,
    id,
    call_id,
    call_key,
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
});
