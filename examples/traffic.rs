//! Writes the captures that the benchmarks read: the same bytes for the same arguments on every machine.
//!
//! ```text
//! cargo run --release --example traffic -- <KIND> <MESSAGES> <FILE>
//! ```
//!
//! | kind | what it holds |
//! |---|---|
//! | `udp` | SIP over UDP: calls with and without challenges, failures, cancels, registrations, pings |
//! | `media` | the same as a twentieth of the packets; the others are RTP |
//! | `tcp` | SIP over TCP, several messages in a segment and one over several |
//! | `lossy` | `udp`, of which every twentieth packet is lost, and what UDP sends again |
//! | `open` | calls that are all answered before the first ends: `MESSAGES` / 7 at once |
//! | `fragments` | `udp`, every message in two or three IP fragments |
#![allow(missing_docs, clippy::print_stderr, clippy::cast_possible_truncation)]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::process::ExitCode;

/// 2026-01-01T00:00:00Z, in microseconds.
const BEGIN: u64 = 1_767_225_600_000_000;
const SECOND: u64 = 1_000_000;
const MILLISECOND: u64 = 1_000;
/// Between the beginnings of two scenarios: about 330 a second, as behind a busy SBC.
const SPACING: u64 = 3 * MILLISECOND;
const PROXY: u32 = 0xc000_0201;
const REGISTRAR: u32 = 0xc000_0202;
/// 198.18.0.0/15 is for benchmarks (RFC 2544 §C.2.2).
const PHONES: u32 = 0xc612_0000;
const MTU: usize = 1_448;
/// Of a hundred scenarios: calls that are challenged and answered, and those that are only answered.
const CHALLENGED: Range<u64> = 0..22;
const ANSWERED: Range<u64> = 22..50;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let parsed = match arguments.as_slice() {
        [kind, messages, file] => Kind::of(kind).zip(messages.parse().ok()).zip(Some(file)),
        _ => None,
    };
    let Some(((kind, messages), file)) = parsed else {
        eprintln!("usage: traffic <udp|media|tcp|lossy|open|fragments> <MESSAGES> <FILE>");
        return ExitCode::from(2);
    };
    match Capture::create(file, kind).and_then(|capture| capture.fill(messages)) {
        Ok(packets) => {
            eprintln!("{file}: {messages} messages, {packets} packets");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{file}: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Udp,
    Media,
    Tcp,
    Lossy,
    Open,
    Fragments,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "udp" => Self::Udp,
            "media" => Self::Media,
            "tcp" => Self::Tcp,
            "lossy" => Self::Lossy,
            "open" => Self::Open,
            "fragments" => Self::Fragments,
            _ => return None,
        })
    }
}

/// One message on its way; ordered by time, then by the order of making.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    time: u64,
    order: u64,
    from: u32,
    to: u32,
    text: String,
}

struct Capture {
    kind: Kind,
    out: BufWriter<File>,
    random: Random,
    events: BinaryHeap<Reverse<Event>>,
    made: u64,
    packets: u64,
    streams: Streams,
    /// Directions whose messages wait for the next one, and since when.
    held: VecDeque<(u64, u32, u32)>,
    /// Identifications of IP.
    datagrams: u16,
}

impl Capture {
    fn create(file: &str, kind: Kind) -> io::Result<Self> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
        // Magic, version 2.4, snap length, Ethernet.
        for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
            out.write_all(&word.to_le_bytes())?;
        }
        Ok(Self {
            kind,
            out,
            random: Random(7),
            events: BinaryHeap::new(),
            made: 0,
            packets: 0,
            streams: Streams::default(),
            held: VecDeque::new(),
            datagrams: 0,
        })
    }

    /// Writes that many messages; how many packets that took.
    fn fill(mut self, messages: u64) -> io::Result<u64> {
        let mut written = 0;
        let mut number = 0;
        let mut clock = BEGIN;
        while written < messages {
            let next_due = self.events.peek().map(|Reverse(event)| event.time);
            let may_begin = self.made < messages;
            if may_begin && next_due.is_none_or(|due| due >= clock) {
                let scenario = Scenario::new(self.kind, clock, number, &mut self.random);
                let events = scenario.events(self.kind);
                for (time, from, to, text) in events {
                    self.made += 1;
                    let order = self.made;
                    self.events.push(Reverse(Event {
                        time,
                        order,
                        from,
                        to,
                        text,
                    }));
                }
                number += 1;
                clock += SPACING;
                continue;
            }
            let Some(Reverse(event)) = self.events.pop() else {
                break;
            };
            self.event(&event)?;
            written += 1;
        }
        self.out.flush()?;
        Ok(self.packets)
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        // Nothing waits for company longer than that.
        while let Some(&(time, from, to)) = self.held.front()
            && time + 100 * MILLISECOND < event.time
        {
            self.held.pop_front();
            self.send(event.time, from, to)?;
        }
        let text = event.text.as_bytes();
        match self.kind {
            Kind::Tcp => self.stream(event),
            Kind::Lossy if self.random.below(20) == 0 => Ok(()),
            Kind::Fragments => self.fragmented(event),
            Kind::Media => {
                self.datagram(event.time, event.from, event.to, (5060, 5060), text)?;
                for index in 1..20 {
                    let call = u32::try_from(self.random.below(200)).unwrap_or_default();
                    self.media(event.time + index, call)?;
                }
                Ok(())
            }
            Kind::Udp | Kind::Lossy | Kind::Open => {
                self.datagram(event.time, event.from, event.to, (5060, 5060), text)
            }
        }
    }

    fn media(&mut self, time: u64, call: u32) -> io::Result<()> {
        let sequence = (self.packets & 0xffff) as u16;
        let mut payload = vec![0x80, 0];
        payload.extend(sequence.to_be_bytes());
        payload.extend(((time / 125) as u32).to_be_bytes());
        payload.extend((0x1000 + call).to_be_bytes());
        payload.resize(172, 0xd5);
        let ports = (20_000 + 2 * call as u16, 30_000 + 2 * call as u16);
        self.datagram(time, PHONES + call, PROXY, ports, &payload)
    }

    fn datagram(
        &mut self,
        time: u64,
        from: u32,
        to: u32,
        (source, destination): (u16, u16),
        payload: &[u8],
    ) -> io::Result<()> {
        let mut udp = udp_header(source, destination, payload.len());
        udp.extend_from_slice(payload);
        self.datagrams = self.datagrams.wrapping_add(1);
        let ip = ip_header(from, to, 17, udp.len(), self.datagrams, 0x4000);
        self.packet(time, &ip, &udp)
    }

    fn fragmented(&mut self, event: &Event) -> io::Result<()> {
        let mut udp = udp_header(5060, 5060, event.text.len());
        udp.extend_from_slice(event.text.as_bytes());
        self.datagrams = self.datagrams.wrapping_add(1);
        // Multiples of eight bytes, so that there are two or three pieces.
        let size = (udp.len() / 2).next_multiple_of(8).min(480);
        let pieces = udp.chunks(size);
        let last = pieces.len().saturating_sub(1);
        for (index, piece) in pieces.enumerate() {
            let more = if index < last { 0x2000 } else { 0 };
            let offset = (index * size / 8) as u16;
            let ip = ip_header(
                event.from,
                event.to,
                17,
                piece.len(),
                self.datagrams,
                more | offset,
            );
            self.packet(event.time, &ip, piece)?;
        }
        Ok(())
    }

    /// Hands a message to its connection, which sends it alone, with the next one, or in pieces.
    fn stream(&mut self, event: &Event) -> io::Result<()> {
        let (from, to) = (event.from, event.to);
        let (client, server) = if from & 0xffff_0000 == PHONES {
            (from, to)
        } else {
            (to, from)
        };
        let port = port_of(client);
        if self.streams.begin(client, server) {
            let times = [0, 1, 2];
            for (time, from, to, flags) in [
                (times[0], client, server, 0x02),
                (times[1], server, client, 0x12),
                (times[2], client, server, 0x10),
            ] {
                self.segment(event.time + time, (from, to), port, client, flags, &[])?;
            }
        }
        let text = (event.text.replace("/UDP", "/TCP")).replace("transport=udp", "transport=tcp");
        self.streams.hold(from, to, text.as_bytes());
        if self.random.below(4) == 0 {
            self.held.push_back((event.time, from, to));
            return Ok(());
        }
        self.send(event.time, from, to)
    }

    /// Sends what a direction of a connection holds.
    fn send(&mut self, time: u64, from: u32, to: u32) -> io::Result<()> {
        let bytes = self.streams.take(from, to);
        if bytes.is_empty() {
            return Ok(());
        }
        let client = if from & 0xffff_0000 == PHONES {
            from
        } else {
            to
        };
        let port = port_of(client);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let most = rest.len().min(MTU);
            let size = if self.random.below(4) == 0 {
                1 + self.random.below(most as u64) as usize
            } else {
                most
            };
            let (now, later) = rest.split_at(size);
            self.segment(time + 3, (from, to), port, client, 0x18, now)?;
            rest = later;
        }
        self.segment(time + 4, (to, from), port, client, 0x10, &[])
    }

    fn segment(
        &mut self,
        time: u64,
        (from, to): (u32, u32),
        port: u16,
        client: u32,
        flags: u8,
        payload: &[u8],
    ) -> io::Result<()> {
        let (source, destination) = if from == client {
            (port, 5060)
        } else {
            (5060, port)
        };
        let length = payload.len() as u32 + u32::from(flags & 0x02 != 0);
        let sequence = self.streams.sent(from, to, length);
        let acknowledged = self.streams.sequence(to, from);
        let mut tcp = Vec::with_capacity(20 + payload.len());
        tcp.extend(source.to_be_bytes());
        tcp.extend(destination.to_be_bytes());
        tcp.extend(sequence.to_be_bytes());
        tcp.extend(acknowledged.to_be_bytes());
        tcp.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend_from_slice(payload);
        self.datagrams = self.datagrams.wrapping_add(1);
        let ip = ip_header(from, to, 6, tcp.len(), self.datagrams, 0x4000);
        self.packet(time, &ip, &tcp)
    }

    fn packet(&mut self, time: u64, ip: &[u8], rest: &[u8]) -> io::Result<()> {
        let length = (14 + ip.len() + rest.len()) as u32;
        for word in [
            (time / SECOND) as u32,
            (time % SECOND) as u32,
            length,
            length,
        ] {
            self.out.write_all(&word.to_le_bytes())?;
        }
        self.out
            .write_all(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0])?;
        self.out.write_all(ip)?;
        self.out.write_all(rest)?;
        self.packets += 1;
        Ok(())
    }
}

fn ip_header(
    from: u32,
    to: u32,
    protocol: u8,
    payload: usize,
    identification: u16,
    fragment: u16,
) -> Vec<u8> {
    let mut ip = vec![0x45, 0];
    ip.extend(((20 + payload) as u16).to_be_bytes());
    ip.extend(identification.to_be_bytes());
    ip.extend(fragment.to_be_bytes());
    ip.extend([64, protocol, 0, 0]);
    ip.extend(from.to_be_bytes());
    ip.extend(to.to_be_bytes());
    ip
}

fn udp_header(source: u16, destination: u16, payload: usize) -> Vec<u8> {
    let mut udp = Vec::with_capacity(8 + payload);
    udp.extend(source.to_be_bytes());
    udp.extend(destination.to_be_bytes());
    udp.extend(((8 + payload) as u16).to_be_bytes());
    udp.extend([0, 0]);
    udp
}

/// What each direction of each connection has sent.
#[derive(Default)]
struct Streams(std::collections::BTreeMap<(u32, u32), (u32, Vec<u8>)>);

impl Streams {
    fn begin(&mut self, client: u32, server: u32) -> bool {
        let is_new = !self.0.contains_key(&(client, server));
        self.0.entry((client, server)).or_default();
        self.0.entry((server, client)).or_default();
        is_new
    }

    fn hold(&mut self, from: u32, to: u32, bytes: &[u8]) {
        let (_, held) = self.0.entry((from, to)).or_default();
        held.extend_from_slice(bytes);
    }

    fn take(&mut self, from: u32, to: u32) -> Vec<u8> {
        std::mem::take(&mut self.0.entry((from, to)).or_default().1)
    }

    fn sequence(&mut self, from: u32, to: u32) -> u32 {
        self.0.entry((from, to)).or_default().0
    }

    fn sent(&mut self, from: u32, to: u32, length: u32) -> u32 {
        let (next, _) = self.0.entry((from, to)).or_default();
        let sequence = *next;
        *next = next.wrapping_add(length);
        sequence
    }
}

/// The port from which a client connects.
fn port_of(client: u32) -> u16 {
    40_000 + (client & 0xfff) as u16
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % limit.max(1)
    }
}

/// One thing that a phone does, from its first request to its last response.
struct Scenario {
    begin: u64,
    number: u64,
    phone: u32,
    user: u64,
    callee: u64,
    chance: u64,
    ringing: u64,
    talk: u64,
}

type Step = (u64, u32, u32, String);

impl Scenario {
    fn new(kind: Kind, begin: u64, number: u64, random: &mut Random) -> Self {
        let phone = random.below(2_000) as u32;
        let host = match kind {
            // Few connections with much on each, as between SBCs: one for sixteen users.
            Kind::Tcp => phone & !0xf,
            _ => phone,
        };
        Self {
            begin,
            number,
            phone: PHONES + host + 16,
            user: 1_000 + u64::from(phone),
            callee: 200_000 + random.below(700_000),
            chance: match kind {
                Kind::Open => ANSWERED.start,
                _ => random.below(100),
            },
            ringing: (1 + random.below(8)) * SECOND,
            talk: (6 + random.below(50)) * SECOND,
        }
    }

    fn events(&self, kind: Kind) -> Vec<Step> {
        if kind == Kind::Open {
            // Long enough that the last call begins before the first ends.
            return self.answered(false, 10_000 * SECOND);
        }
        match self.chance {
            it if CHALLENGED.contains(&it) => self.answered(true, self.talk),
            it if ANSWERED.contains(&it) => self.answered(false, self.talk),
            50..62 => self.refused(486, "Busy Here"),
            62..68 => self.refused(404, "Not Found"),
            68..70 => self.refused(503, "Service Unavailable"),
            70..78 => self.cancelled(),
            78..92 => self.registered(),
            92..99 => self.pinged(),
            _ => self.unanswered(),
        }
    }

    fn answered(&self, challenged: bool, talk: u64) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut at = self.begin;
        let mut cseq = 1;
        if challenged {
            self.ask(&mut steps, at, "INVITE", cseq, false);
            self.answer(
                &mut steps,
                at + 9_000,
                "INVITE",
                cseq,
                407,
                "Proxy Authentication Required",
            );
            self.ask(&mut steps, at + 12_000, "ACK", cseq, false);
            at += 20_000;
            cseq += 1;
        }
        self.ask(&mut steps, at, "INVITE", cseq, challenged);
        self.answer(&mut steps, at + 3_000, "INVITE", cseq, 100, "Trying");
        self.answer(&mut steps, at + 300_000, "INVITE", cseq, 180, "Ringing");
        let up = at + self.ringing;
        self.answer(&mut steps, up, "INVITE", cseq, 200, "OK");
        self.ask(&mut steps, up + 5_000, "ACK", cseq, false);
        self.ask(&mut steps, up + talk, "BYE", cseq + 1, false);
        self.answer(&mut steps, up + talk + 4_000, "BYE", cseq + 1, 200, "OK");
        steps
    }

    fn refused(&self, code: u16, phrase: &str) -> Vec<Step> {
        let mut steps = Vec::new();
        self.ask(&mut steps, self.begin, "INVITE", 1, false);
        self.answer(&mut steps, self.begin + 2_000, "INVITE", 1, 100, "Trying");
        let end = self.begin + 90_000;
        self.answer(&mut steps, end, "INVITE", 1, code, phrase);
        self.ask(&mut steps, end + 4_000, "ACK", 1, false);
        steps
    }

    fn cancelled(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        self.ask(&mut steps, self.begin, "INVITE", 1, false);
        self.answer(&mut steps, self.begin + 2_000, "INVITE", 1, 100, "Trying");
        self.answer(
            &mut steps,
            self.begin + 200_000,
            "INVITE",
            1,
            180,
            "Ringing",
        );
        let end = self.begin + self.ringing;
        self.ask(&mut steps, end, "CANCEL", 1, false);
        self.answer(&mut steps, end + 2_000, "CANCEL", 1, 200, "OK");
        self.answer(
            &mut steps,
            end + 3_000,
            "INVITE",
            1,
            487,
            "Request Terminated",
        );
        self.ask(&mut steps, end + 6_000, "ACK", 1, false);
        steps
    }

    fn registered(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        self.ask(&mut steps, self.begin, "REGISTER", 1, false);
        self.answer(
            &mut steps,
            self.begin + 3_000,
            "REGISTER",
            1,
            401,
            "Unauthorized",
        );
        self.ask(&mut steps, self.begin + 8_000, "REGISTER", 2, true);
        self.answer(&mut steps, self.begin + 12_000, "REGISTER", 2, 200, "OK");
        steps
    }

    fn pinged(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        self.ask(&mut steps, self.begin, "OPTIONS", 1, false);
        self.answer(&mut steps, self.begin + 5_000, "OPTIONS", 1, 200, "OK");
        steps
    }

    fn unanswered(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut after = 0;
        for step in [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000] {
            after += step * MILLISECOND;
            self.ask(&mut steps, self.begin + after, "INVITE", 1, false);
        }
        steps
    }

    fn server(&self, method: &str) -> u32 {
        if method == "REGISTER" {
            REGISTRAR
        } else {
            PROXY
        }
    }

    fn ask(&self, steps: &mut Vec<Step>, time: u64, method: &str, cseq: u32, credentials: bool) {
        let server = self.server(method);
        let mut text = self.start(method, cseq, None);
        let (user, callee, phone) = (self.user, self.callee, dotted(self.phone));
        let _ = write!(
            text,
            "Max-Forwards: 70\r\nContact: <sip:{user}@{phone}:5060;transport=udp>\r\n"
        );
        if credentials {
            let (name, host) = if method == "REGISTER" {
                ("Authorization", "example.com")
            } else {
                ("Proxy-Authorization", "example.com")
            };
            let _ = write!(
                text,
                "{name}: Digest username=\"{user}\", realm=\"{host}\", nonce=\"{:016x}{user}\", uri=\"sip:{callee}@{host}\", \
                 response=\"{:032x}\", algorithm=MD5, cnonce=\"{:08x}\", qop=auth, nc=00000001\r\n",
                self.number,
                u128::from(self.number) * 0x1_0000_0001_0000_0001,
                self.number & 0xffff_ffff,
            );
        }
        if method == "REGISTER" {
            text.push_str("Expires: 3600\r\n");
        }
        text.push_str(
            "User-Agent: Example Phone T48 96.85.0.5\r\n\
             Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, REFER, NOTIFY, INFO, SUBSCRIBE\r\n\
             Supported: replaces, timer, path, outbound\r\n\
             Accept: application/sdp, application/dtmf-relay, message/sipfrag\r\n\
             Session-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\nPrivacy: none\r\n",
        );
        let _ = write!(
            text,
            "P-Preferred-Identity: \"Extension {user}\" <sip:{user}@example.com>\r\n"
        );
        finish(&mut text, method == "INVITE", self.phone, self.number);
        steps.push((time, self.phone, server, text));
    }

    fn answer(
        &self,
        steps: &mut Vec<Step>,
        time: u64,
        method: &str,
        cseq: u32,
        code: u16,
        phrase: &str,
    ) {
        let server = self.server(method);
        let mut text = self.start(method, cseq, Some((code, phrase)));
        let realm = "example.com";
        if matches!(code, 401 | 407) {
            let name = if code == 401 {
                "WWW-Authenticate"
            } else {
                "Proxy-Authenticate"
            };
            let _ = write!(
                text,
                "{name}: Digest realm=\"{realm}\", nonce=\"{:016x}{}\", algorithm=MD5, qop=\"auth\"\r\n",
                self.number, self.user
            );
        }
        if method == "REGISTER" && code == 200 {
            let _ = write!(
                text,
                "Contact: <sip:{}@{}:5060;transport=udp>;expires=3600\r\n",
                self.user,
                dotted(self.phone)
            );
        } else if code >= 180 && code < 300 {
            let _ = write!(
                text,
                "Contact: <sip:{}@{}:5060>\r\nRecord-Route: <sip:{};lr>\r\n",
                self.callee,
                dotted(server),
                dotted(server)
            );
        }
        text.push_str(
            "Server: Example SBC 9.1.2 build 4711\r\n\
             Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, REFER, NOTIFY\r\n\
             Supported: replaces, timer, path, 100rel, outbound\r\n\
             Accept: application/sdp, application/dtmf-relay, message/sipfrag\r\n\
             Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
             P-Charging-Vector: icid-value=4f3a9c2b7e6d5a41;icid-generated-at=192.0.2.1\r\n",
        );
        let body = method == "INVITE" && code == 200;
        finish(&mut text, body, server, self.number);
        steps.push((time, server, self.phone, text));
    }

    /// The start line and the fields that every message of the dialog has.
    fn start(&self, method: &str, cseq: u32, response: Option<(u16, &str)>) -> String {
        let (number, user, callee) = (self.number, self.user, self.callee);
        let phone = dotted(self.phone);
        let mut text = String::with_capacity(1_200);
        let refused = CHALLENGED.contains(&self.chance) && cseq == 1;
        let confirmed = method == "ACK" && self.chance < ANSWERED.end && !refused;
        let _ = match response {
            Some((code, phrase)) => write!(text, "SIP/2.0 {code} {phrase}\r\n"),
            None if matches!(method, "REGISTER" | "OPTIONS") => {
                write!(text, "{method} sip:example.com SIP/2.0\r\n")
            }
            None if confirmed || method == "BYE" => {
                let server = dotted(self.server(method));
                write!(
                    text,
                    "{method} sip:{callee}@{server}:5060 SIP/2.0\r\nRoute: <sip:{server};lr>\r\n"
                )
            }
            None => write!(
                text,
                "{method} sip:{callee}@example.com;user=phone SIP/2.0\r\n"
            ),
        };
        // CANCEL and the ACK to a refusal share the branch of the INVITE; the ACK to a 2xx has its own.
        let branch = match method {
            "ACK" if confirmed => "a",
            "INVITE" | "ACK" | "CANCEL" => "i",
            "BYE" => "b",
            _ => "r",
        };
        let received = if response.is_some() {
            format!(";received={phone}")
        } else {
            String::new()
        };
        let _ = write!(
            text,
            "Via: SIP/2.0/UDP {phone}:5060;branch=z9hG4bK{number:08x}{cseq}{branch};rport{}{received}\r\n",
            if response.is_some() { "=5060" } else { "" },
        );
        let tag_of_server = match response {
            Some((100, _)) => String::new(),
            Some(_) => format!(";tag=s{number:08x}"),
            None if confirmed || method == "BYE" => format!(";tag=s{number:08x}"),
            None if method == "ACK" => format!(";tag=s{number:08x}"),
            None => String::new(),
        };
        let to = if method == "REGISTER" { user } else { callee };
        let _ = write!(
            text,
            "From: \"Extension {user}\" <sip:{user}@example.com>;tag=c{number:08x}\r\n\
             To: <sip:{to}@example.com>{tag_of_server}\r\n\
             Call-ID: {number:016x}-{user}@{phone}\r\n\
             CSeq: {cseq} {method}\r\n"
        );
        text
    }
}

fn finish(text: &mut String, with_sdp: bool, host: u32, number: u64) {
    if !with_sdp {
        text.push_str("Content-Length: 0\r\n\r\n");
        return;
    }
    let host = dotted(host);
    let port = 20_000 + 2 * (number % 10_000);
    let sdp = format!(
        "v=0\r\no=- {number} 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 0 18 101\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    );
    let _ = write!(
        text,
        "Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
}

fn dotted(address: u32) -> String {
    std::net::Ipv4Addr::from(address).to_string()
}
