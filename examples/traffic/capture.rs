//! From messages to packets: datagrams, fragments, segments, and the file that holds them.

use crate::scenario::{PHONES, PROXY, Scenario};
use crate::{Kind, MILLISECOND, Random, SECOND};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// 2026-01-01T00:00:00Z, in microseconds.
const BEGIN: u64 = 1_767_225_600_000_000;
/// Between the beginnings of two scenarios: about 330 a second, as behind a busy SBC.
const SPACING: u64 = 3 * MILLISECOND;
const MTU: usize = 1_448;

/// One message on its way; ordered by time, then by the order of making.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    time: u64,
    order: u64,
    from: u32,
    to: u32,
    text: String,
}

pub(crate) struct Capture {
    kind: Kind,
    out: BufWriter<File>,
    random: Random,
    /// Which call speaks; apart from the other, so that `media` has the messages of `udp`.
    voices: Random,
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
    pub(crate) fn create(file: &str, kind: Kind) -> io::Result<Self> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
        // Magic, version 2.4, snap length, Ethernet.
        for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
            out.write_all(&word.to_le_bytes())?;
        }
        Ok(Self {
            kind,
            out,
            random: Random(7),
            voices: Random(8),
            events: BinaryHeap::new(),
            made: 0,
            packets: 0,
            streams: Streams::default(),
            held: VecDeque::new(),
            datagrams: 0,
        })
    }

    /// Writes that many messages; how many packets that took.
    pub(crate) fn fill(mut self, messages: u64) -> io::Result<u64> {
        let mut written = 0;
        let mut number = 0;
        let mut clock = BEGIN;
        while written < messages {
            let next_due = self.events.peek().map(|Reverse(event)| event.time);
            let may_begin = self.made < messages;
            if may_begin && next_due.is_none_or(|due| due >= clock) {
                let scenario = Scenario::new(self.kind, clock, number, &mut self.random);
                let events = scenario.events();
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
                    let call = u32::try_from(self.voices.below(200)).unwrap_or_default();
                    self.media(event.time + index, call)?;
                }
                Ok(())
            }
            _ => self.datagram(event.time, event.from, event.to, (5060, 5060), text),
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
struct Streams(BTreeMap<(u32, u32), (u32, Vec<u8>)>);

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
