//! Which packets are the media of a call: those from or to an address that one of its session descriptions names, while the
//! call goes on. One end is enough: behind a NAT the other one is not what its side wrote. Messages are known a second after their
//! packets, when they are in time order, so packets wait for that.

use super::spool::Head;
use crate::flow::Flow;
use crate::hash::HashMap;
use crate::limits::{MAX_MEDIA_ADDRESSES, MAX_MEDIA_OF_CALL, MAX_MEDIA_SHARED, MAX_MEDIA_WAITING};
use crate::selection::CallKey;
use crate::sip::sdp::{Media, Sdp};
use crate::sip::{self, Message};
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Legs of one call name an address at the same time; who names it later has it for another call (64·T1, after which no leg
/// is still being set up).
const TOGETHER: Duration = Duration::from_secs(32);

/// How long a packet waits: longer than its call's messages do, and than media come before the answer that names them.
const WAIT: Duration = Duration::from_secs(2);
/// How long a call that is over is remembered: longer than its packets wait.
const LINGER: Duration = Duration::from_secs(4);

/// What is known of a datagram that may be media.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    src: SocketAddr,
    dst: SocketAddr,
    rtcp: bool,
}

impl Ends {
    /// `None` for SIP: somebody may name the port where it is spoken. `cut` says that it is not the whole payload.
    pub(super) fn of(flow: Flow, payload: &[u8], cut: bool) -> Option<Self> {
        let is_sip = sip::looks_like_sip(payload, cut);
        (!is_sip).then(|| Self {
            src: canonical(flow.src),
            dst: canonical(flow.dst),
            rtcp: is_rtcp(payload),
        })
    }
}

/// A packet that waits.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) head: Head,
    pub(super) data: Box<[u8]>,
    /// `None` for one that is no media, and waits only because of the order.
    pub(super) media: Option<Ends>,
    /// Whether it is kept whatever the descriptions name: a finding may cite it.
    pub(super) always: bool,
}

/// Packets that wait, and whose media they may be.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) addresses: Addresses,
    held: VecDeque<Held>,
    bytes: usize,
    /// When the latest packet came that the engine has.
    latest: Option<Timestamp>,
    /// Calls that are over.
    ended: VecDeque<(Timestamp, CallKey)>,
}

impl Waiting {
    /// Takes a packet.
    pub(super) fn push(&mut self, held: Held) {
        self.bytes += size_of::<Held>() + held.data.len();
        self.held.push_back(held);
    }

    /// The next packet that has waited long enough, with whose media it is; all are asked for before the next packet comes.
    pub(super) fn due(&mut self) -> Option<(Held, Vec<CallKey>)> {
        let first = self.held.front()?;
        let is_full = self.bytes > MAX_MEDIA_WAITING;
        let is_due = |latest: Timestamp| first.head.time <= latest.minus(WAIT);
        if is_full || self.latest.is_some_and(is_due) {
            return self.pop();
        }
        None
    }

    /// The next packet, when no more will come.
    pub(super) fn pop(&mut self) -> Option<(Held, Vec<CallKey>)> {
        let held = self.held.pop_front()?;
        let bytes = size_of::<Held>() + held.data.len();
        self.bytes = self.bytes.saturating_sub(bytes);
        let calls = held.media.map(|it| self.addresses.of(it));
        Some((held, calls.unwrap_or_default()))
    }

    /// A packet of that time comes; those that are due were taken.
    pub(super) fn passes(&mut self, time: Timestamp) {
        if let Some(latest) = self.latest {
            while let Some((_, call)) = self.ended.pop_front_if(|it| it.0 <= latest.minus(LINGER)) {
                self.addresses.over(call);
            }
        }
        self.latest = self.latest.max(Some(time));
    }

    /// A call is over.
    pub(super) fn over(&mut self, call: CallKey) {
        if let Some(latest) = self.latest {
            self.ended.push_back((latest, call));
        }
    }
}

/// Which addresses are whose.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    named: HashMap<SocketAddr, Address>,
    of_call: HashMap<CallKey, Vec<SocketAddr>>,
    /// In the order in which they came; only the last place of each counts.
    order: VecDeque<(SocketAddr, u64)>,
    stamps: u64,
    forgotten: u64,
}

#[derive(Debug)]
struct Address {
    by: Vec<(CallKey, Timestamp)>,
    /// Whether only RTCP is meant: nobody said the port itself.
    rtcp: bool,
    stamp: u64,
}

impl Addresses {
    /// Takes what a message of a call names.
    pub(super) fn message(&mut self, message: &Message, call: CallKey, time: Timestamp) {
        let Some(sdp) = Sdp::of(message) else {
            return;
        };
        for medium in sdp.media.iter().filter(|it| it.port != 0) {
            let ip = sdp.connection_of(medium).and_then(|it| it.ip());
            if let Some(ip) = ip {
                self.name(ip, medium.port, false, call, time);
                match rtcp(medium) {
                    Some((port, elsewhere)) => {
                        self.name(elsewhere.unwrap_or(ip), port, false, call, time);
                    }
                    // RFC 3550 §11; also where rtcp-mux was offered and may be refused (RFC 5761 §5.1.1).
                    None => self.name(ip, medium.port.saturating_add(1), true, call, time),
                }
            }
            for (ip, port) in candidates(medium) {
                self.name(ip, port, false, call, time);
            }
        }
    }

    /// The calls whose media a datagram is.
    fn of(&self, Ends { src, dst, rtcp }: Ends) -> Vec<CallKey> {
        let mut calls = Vec::new();
        for end in [src, dst] {
            if let Some(address) = self.named.get(&end)
                && (rtcp || !address.rtcp)
            {
                calls.extend(address.by.iter().map(|(call, _)| *call));
            }
        }
        calls.sort_unstable();
        calls.dedup();
        calls
    }

    /// A call is over: its addresses are free for others.
    fn over(&mut self, call: CallKey) {
        for at in self.of_call.remove(&call).unwrap_or_default() {
            if let Some(address) = self.named.get_mut(&at) {
                address.by.retain(|(it, _)| *it != call);
                if address.by.is_empty() {
                    self.named.remove(&at);
                }
            }
        }
    }

    /// How many addresses there was no room for.
    pub(super) const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn name(&mut self, ip: IpAddr, port: u16, rtcp: bool, call: CallKey, time: Timestamp) {
        if port == 0 || ip.is_unspecified() {
            return;
        }
        let at = canonical(SocketAddr::new(ip, port));
        if let Some(address) = self.named.get_mut(&at) {
            address.rtcp &= rtcp;
            if address.by.iter().any(|(it, _)| *it == call) {
                return;
            }
            let all = std::mem::take(&mut address.by).into_iter();
            let (kept, gone): (Vec<_>, Vec<_>) =
                all.partition(|(_, named)| time.distance(*named) <= TOGETHER);
            let is_full = kept.len() >= MAX_MEDIA_SHARED;
            address.by = kept;
            self.disown(&gone, at);
            if is_full {
                self.forgotten += 1;
                return;
            }
        }
        let own = self.of_call.entry(call).or_default();
        if own.len() >= MAX_MEDIA_OF_CALL {
            self.forgotten += 1;
            return;
        }
        own.push(at);
        self.stamps += 1;
        self.order.push_back((at, self.stamps));
        let address = self.named.entry(at).or_insert(Address {
            by: Vec::new(),
            rtcp,
            stamp: 0,
        });
        address.by.push((call, time));
        address.stamp = self.stamps;
        self.make_room();
    }

    fn make_room(&mut self) {
        while self.named.len() > MAX_MEDIA_ADDRESSES || self.order.len() > 4 * MAX_MEDIA_ADDRESSES {
            let Some((oldest, stamp)) = self.order.pop_front() else {
                break;
            };
            if self.named.get(&oldest).is_none_or(|it| it.stamp != stamp) {
                continue;
            }
            let gone = self.named.remove(&oldest).map(|it| it.by);
            self.forgotten += 1;
            self.disown(&gone.unwrap_or_default(), oldest);
        }
    }

    /// An address is theirs no more.
    fn disown(&mut self, calls: &[(CallKey, Timestamp)], at: SocketAddr) {
        for (call, _) in calls {
            if let Some(own) = self.of_call.get_mut(call) {
                own.retain(|it| *it != at);
                if own.is_empty() {
                    self.of_call.remove(call);
                }
            }
        }
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Where `a=rtcp:53020 IN IP4 192.0.2.1` wants RTCP (RFC 3605 §2.1).
fn rtcp(medium: &Media<'_>) -> Option<(u16, Option<IpAddr>)> {
    let mut words = medium.attribute("rtcp")?.split_ascii_whitespace();
    let port = words.next()?.parse().ok()?;
    Some((port, words.nth(2).and_then(|it| it.parse().ok())))
}

/// The addresses of ICE over UDP (RFC 8839 §5.1): foundation, component, transport, priority, address, port.
fn candidates<'m>(medium: &'m Media<'_>) -> impl Iterator<Item = (IpAddr, u16)> + 'm {
    let all = medium.attributes.iter();
    let candidates = all.filter(|(name, _)| *name == "candidate");
    candidates.filter_map(|(_, value)| {
        let mut words = value.split_ascii_whitespace().skip(2);
        let is_udp = words.next()?.eq_ignore_ascii_case("udp");
        let address = words.nth(1)?.parse().ok()?;
        let port = words.next()?.parse().ok()?;
        is_udp.then_some((address, port))
    })
}

/// Whether it is RTCP: version 2 and one of its packet types (RFC 5761 §4).
const fn is_rtcp(payload: &[u8]) -> bool {
    matches!(payload, [first, 192..=223, ..] if *first >> 6 == 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Transport;
    use crate::sip::Carrier;

    const RTP: &[u8] = &[0x80, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
    const RTCP: &[u8] = &[0x80, 200, 0, 1, 0, 0, 0, 2];

    fn offer(sdp: &str) -> Message {
        let text = format!(
            "INVITE sip:bob@example.com SIP/2.0\r\nCall-ID: a\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        );
        Message::parse(text.as_bytes(), Carrier::default()).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    fn calls(addresses: &Addresses, src: &str, dst: &str, payload: &[u8]) -> Vec<u64> {
        let flow = Flow {
            src: src.parse().unwrap(),
            dst: dst.parse().unwrap(),
            transport: Transport::Udp,
        };
        let calls = Ends::of(flow, payload, false).map(|it| addresses.of(it));
        calls.unwrap_or_default().iter().map(|it| it.0).collect()
    }

    const ELSEWHERE: &str = "203.0.113.9:61000";

    #[test]
    fn one_end_that_is_named_is_enough_and_other_ports_are_others() {
        let mut addresses = Addresses::default();
        let sdp = "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\nm=video 0 RTP/AVP 96\r\n";
        addresses.message(&offer(sdp), CallKey(1), at(0));
        assert_eq!(calls(&addresses, ELSEWHERE, "192.0.2.1:4000", RTP), [1]);
        assert_eq!(calls(&addresses, "192.0.2.1:4000", ELSEWHERE, RTP), [1]);
        // The next port is for RTCP alone.
        assert_eq!(calls(&addresses, ELSEWHERE, "192.0.2.1:4001", RTCP), [1]);
        assert_eq!(calls(&addresses, ELSEWHERE, "192.0.2.1:4001", RTP), [0; 0]);
        assert_eq!(calls(&addresses, ELSEWHERE, "192.0.2.1:4002", RTP), [0; 0]);
        assert_eq!(calls(&addresses, ELSEWHERE, "192.0.2.2:4000", RTP), [0; 0]);
        let sip = b"OPTIONS sip:bob@example.com SIP/2.0\r\n\r\n";
        assert_eq!(calls(&addresses, ELSEWHERE, "192.0.2.1:4000", sip), [0; 0]);
        addresses.over(CallKey(1));
        assert_eq!(calls(&addresses, ELSEWHERE, "192.0.2.1:4000", RTP), [0; 0]);
        assert!(addresses.named.is_empty() && addresses.of_call.is_empty());
    }

    #[test]
    fn rtcp_and_candidates_are_where_they_say() {
        let mut addresses = Addresses::default();
        let sdp = "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp:5000 IN IP4 192.0.2.3\r\n\
                   a=candidate:1 1 UDP 2130706431 2001:db8::1 6000 typ host\r\n\
                   a=candidate:2 1 TCP 2130706431 192.0.2.4 9 typ host tcptype active\r\n";
        addresses.message(&offer(sdp), CallKey(1), at(0));
        assert_eq!(calls(&addresses, ELSEWHERE, "192.0.2.3:5000", RTCP), [1]);
        assert_eq!(calls(&addresses, ELSEWHERE, "192.0.2.1:4001", RTCP), [0; 0]);
        assert_eq!(
            calls(&addresses, "[2001:db8::2]:1", "[2001:db8::1]:6000", RTP),
            [1]
        );
        assert_eq!(calls(&addresses, ELSEWHERE, "192.0.2.4:9", RTP), [0; 0]);
    }

    #[test]
    fn legs_share_an_address_and_a_later_call_has_it_for_itself() {
        let mut addresses = Addresses::default();
        let sdp = "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n";
        for (call, seconds) in [(1, 0), (2, 1), (1, 600)] {
            addresses.message(&offer(sdp), CallKey(call), at(seconds));
        }
        assert_eq!(calls(&addresses, ELSEWHERE, "192.0.2.1:4000", RTP), [1, 2]);
        addresses.message(&offer(sdp), CallKey(3), at(700));
        assert_eq!(calls(&addresses, ELSEWHERE, "192.0.2.1:4000", RTP), [3]);
    }

    #[test]
    fn what_a_stranger_names_is_bounded() {
        let mut addresses = Addresses::default();
        for call in 0..20_u64 {
            let media = (0..1000).map(|it| format!("m=audio {} RTP/AVP 0\r\n", 1000 + it * 2));
            let media: Vec<String> = media.collect();
            let sdp = format!("v=0\r\nc=IN IP4 192.0.2.1\r\n{}", media.concat());
            addresses.message(&offer(&sdp), CallKey(call), at(0));
        }
        assert!(
            addresses
                .of_call
                .values()
                .all(|it| it.len() <= MAX_MEDIA_OF_CALL)
        );
        assert!(
            addresses
                .named
                .values()
                .all(|it| it.by.len() <= MAX_MEDIA_SHARED)
        );
        assert!(addresses.forgotten() > 0);
    }
}
