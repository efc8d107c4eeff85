//! ICMP errors about datagrams that are no SIP: what a call's media met on their way (RFC 1122 §4.1.3.3). Which of them are
//! media, the descriptions of a call say when it is judged; until then they are kept by where the datagrams went and came
//! from.

use crate::flow::{Flow, Transport};
use crate::frame::{IcmpError, IcmpKind};
use crate::hash::HashMap;
use crate::limits::{MAX_ICMP_ENDS, MAX_ICMP_RUNS};
use crate::time::Timestamp;
use crate::transaction::Sighting;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// What a quoted datagram carried, as its first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoted {
    /// RTP (RFC 3550 §5.1), or the DTLS that agrees on its keys (RFC 7983).
    Rtp,
    /// RTCP (RFC 5761 §4).
    Rtcp,
    /// Nobody can tell: too little was quoted, or it is something else.
    Unknown,
}

impl Quoted {
    /// `None` for STUN, which is sent to find out what can be reached (RFC 8445 §7).
    fn of(payload: &[u8]) -> Option<Self> {
        const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
        match payload {
            [0..=3, ..] if payload.get(4..8) == Some(&STUN_COOKIE) => None,
            [128..=191, 192..=223, ..] => Some(Self::Rtcp),
            [128..=191, _, ..] | [20..=63, ..] => Some(Self::Rtp),
            _ => Some(Self::Unknown),
        }
    }
}

/// Errors of one kind about datagrams between two addresses, close together.
#[derive(Clone, Copy, Debug)]
pub struct MediaError {
    /// The first.
    pub first: Sighting,
    /// The last.
    pub last: Sighting,
    /// How many.
    pub count: u64,
    /// Where the datagrams came from.
    pub src: SocketAddr,
    /// Where they went.
    pub dst: SocketAddr,
    /// Who reports it.
    pub reporter: IpAddr,
    /// What is wrong.
    pub kind: IcmpKind,
    /// What they carried.
    pub quoted: Quoted,
}

impl MediaError {
    fn is_like(&self, other: &Self) -> bool {
        let of = |it: &Self| {
            (it.src, it.dst, it.reporter, it.kind)
                == (other.src, other.dst, other.reporter, other.kind)
        };
        of(self) && self.quoted == other.quoted
    }
}

/// An end of the datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum End {
    To(SocketAddr),
    From(SocketAddr),
}

#[derive(Debug, Default)]
struct Errors {
    runs: VecDeque<MediaError>,
    /// The last datagram that was seen to go there since.
    sent: Option<Timestamp>,
}

/// All that are remembered.
#[derive(Debug, Default)]
pub struct MediaErrors {
    ends: HashMap<End, Errors>,
    /// Of too many, those known longest go first.
    oldest: VecDeque<End>,
    forgotten: u64,
}

impl MediaErrors {
    /// Takes an ICMP error that quotes nothing of SIP.
    pub fn icmp(&mut self, seen: Sighting, error: &IcmpError<'_>) {
        let Some(quote) = error.quote.filter(|it| it.flow.transport == Transport::Udp) else {
            return;
        };
        if !is_unreachable(error.kind) {
            return;
        }
        let Some(quoted) = Quoted::of(quote.payload) else {
            return;
        };
        let (src, dst) = (quote.flow.src, quote.flow.dst);
        let error = MediaError {
            first: seen,
            last: seen,
            count: 1,
            src,
            dst,
            reporter: error.reporter,
            kind: error.kind,
            quoted,
        };
        self.note(End::To(dst), error);
        self.note(End::From(src), error);
    }

    /// Notes a datagram that is no SIP: where one went after an error, the absence of another error means something.
    pub fn packet(&mut self, flow: Flow, time: Timestamp) {
        if !self.ends.is_empty()
            && let Some(errors) = self.ends.get_mut(&End::To(flow.dst))
        {
            errors.sent = errors.sent.max(Some(time));
        }
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The errors about datagrams to an address, oldest first.
    pub fn to(&self, dst: SocketAddr) -> impl Iterator<Item = &MediaError> {
        self.at(End::To(dst))
    }

    /// The errors about datagrams from an address, oldest first.
    pub fn from(&self, src: SocketAddr) -> impl Iterator<Item = &MediaError> {
        self.at(End::From(src))
    }

    /// When the last datagram was seen that went to an address which errors are about; `None` when none was seen since.
    pub fn last_sent(&self, dst: SocketAddr) -> Option<Timestamp> {
        self.ends.get(&End::To(dst))?.sent
    }

    /// How many addresses were forgotten for want of room.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn at(&self, end: End) -> impl Iterator<Item = &MediaError> {
        self.ends.get(&end).into_iter().flat_map(|it| &it.runs)
    }

    fn note(&mut self, end: End, error: MediaError) {
        if !self.ends.contains_key(&end) {
            if self.oldest.len() >= MAX_ICMP_ENDS
                && let Some(oldest) = self.oldest.pop_front()
            {
                self.ends.remove(&oldest);
                self.forgotten += 1;
            }
            self.oldest.push_back(end);
        }
        let runs = &mut self.ends.entry(end).or_default().runs;
        if let Some(run) = (runs.iter_mut().rev().take(KINDS)).find(|it| it.is_like(&error))
            && error.first.time.since(run.first.time) < RUN
        {
            run.count += 1;
            run.last = error.last;
            return;
        }
        if runs.len() >= MAX_ICMP_RUNS {
            shorten(runs);
        }
        runs.push_back(error);
    }
}

/// Makes room: the two oldest runs that are alike and near become one; where there are none, the oldest goes.
fn shorten(runs: &mut VecDeque<MediaError>) {
    let pair = (0..runs.len()).find_map(|at| {
        let run = runs.get(at)?;
        let mut behind = runs.iter().enumerate().skip(at + 1);
        let (next, later) = behind.find(|(_, it)| it.is_like(run))?;
        (later.first.time.since(run.last.time) < PAUSE).then_some((at, next))
    });
    match pair.and_then(|(at, next)| Some((at, runs.remove(next)?))) {
        Some((at, later)) => {
            if let Some(run) = runs.get_mut(at) {
                run.count += later.count;
                run.last = later.last;
            }
        }
        None => {
            runs.pop_front();
        }
    }
}

/// So many last runs are looked at for one that a new error belongs to: RTP and RTCP, both ways.
const KINDS: usize = 4;
/// How long a run lasts: as near as one must know whether errors came before a BYE or after.
const RUN: Duration = Duration::from_millis(250);
/// Errors further apart may be about two calls; RTCP comes every five seconds or so (RFC 3550 §6.2).
const PAUSE: Duration = Duration::from_secs(10);

/// Whether a datagram did not reach its destination because nobody is there, or nobody lets it pass: not because it was too
/// large or on the way too long.
const fn is_unreachable(kind: IcmpKind) -> bool {
    match kind {
        IcmpKind::NetworkUnreachable
        | IcmpKind::HostUnreachable
        | IcmpKind::ProtocolUnreachable
        | IcmpKind::PortUnreachable
        | IcmpKind::AdministrativelyProhibited
        | IcmpKind::OtherUnreachable => true,
        IcmpKind::PacketTooBig
        | IcmpKind::TimeExceeded
        | IcmpKind::ReassemblyTimeExceeded
        | IcmpKind::ParameterProblem => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::capture::FrameNumber;
    use crate::frame::Quote;

    fn error(errors: &mut MediaErrors, millis: i64, port: u16, payload: &[u8]) {
        let seen = Sighting {
            frame: FrameNumber(u64::try_from(millis).unwrap()),
            time: Timestamp::from_nanos(millis * 1_000_000),
        };
        let flow = Flow {
            src: "192.0.2.10:4000".parse().unwrap(),
            dst: SocketAddr::new("192.0.2.20".parse().unwrap(), port),
            transport: Transport::Udp,
        };
        errors.icmp(
            seen,
            &IcmpError {
                reporter: flow.dst.ip(),
                to: flow.src.ip(),
                kind: IcmpKind::PortUnreachable,
                quote: Some(Quote { flow, payload }),
            },
        );
    }

    #[test]
    fn a_long_row_of_errors_keeps_its_beginning_and_its_number() {
        let mut errors = MediaErrors::default();
        for packet in 0..10_000 {
            error(&mut errors, packet * 20, 6000, &[0x80, 0]);
        }
        let dst = "192.0.2.20:6000".parse().unwrap();
        let kept: Vec<_> = errors.to(dst).collect();
        assert!(kept.len() <= MAX_ICMP_RUNS);
        assert_eq!(kept.first().unwrap().first.time, Timestamp::from_nanos(0));
        assert_eq!(kept.iter().map(|it| it.count).sum::<u64>(), 10_000);
        assert!(kept.is_sorted_by_key(|it| it.first.time));
    }

    #[test]
    fn a_flood_of_quotes_does_not_grow_what_is_kept() {
        let mut errors = MediaErrors::default();
        for port in 0..u16::MAX {
            error(&mut errors, i64::from(port), port, &[0x80, 200]);
        }
        assert!(errors.ends.len() <= MAX_ICMP_ENDS);
        assert_eq!(errors.oldest.len(), errors.ends.len());
        let src = "192.0.2.10:4000".parse().unwrap();
        assert!(errors.from(src).count() <= MAX_ICMP_RUNS);
    }

    #[test]
    fn what_was_quoted_is_told_by_its_first_bytes() {
        assert_eq!(Quoted::of(&[0x80, 0x80, 0, 1]), Some(Quoted::Rtp));
        assert_eq!(Quoted::of(&[0x81, 200, 0, 1]), Some(Quoted::Rtcp));
        assert_eq!(Quoted::of(&[22, 0xfe, 0xfd]), Some(Quoted::Rtp));
        assert_eq!(Quoted::of(&[]), Some(Quoted::Unknown));
        let stun = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        assert_eq!(Quoted::of(&stun), None);
    }
}
