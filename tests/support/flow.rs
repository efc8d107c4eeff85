//! Reads `.flow` files: cases that a reviewer reads as text and the engine as packets.
//!
//! ```text
//! # A title in a line or more.
//! # expects: invite-no-response warning possible so-far      what must be found: name severity confidence
//! # expects: status-487 info certain consequence-of invite-stuck-trying
//! # expects-not: icmp-unreachable                             what must not be found
//! # says: 192.0.2.20:5060 refused                             what the words of a finding must have
//! alice = 192.0.2.10:5060                                     who is who
//! bob = 192.0.2.20:5060
//!
//! +0.000 alice -> bob  INVITE a1                              seconds; a request: method, branch
//! +0.010 bob -> alice  100 INVITE a1                          a response: code, method and branch of its request
//! +0.500 +1.500 again                                         the message above again, in new packets
//! +1.501 copy                                                 the packet above captured once more; or `copy dscp=0`
//! +2.000 alice -> bob  INVITE a2 cseq=2 uri=sip:5@example.com
//!     Authorization: Digest …                                 a header field: replaces the one of that name, or is added
//!     | v=0                                                   a line of the body
//! +2.010 bob -> alice  200 INVITE a2 tag=x
//! +2.020 alice -> bob  ACK a3 cseq=2 to=bob;x
//! +2.1 icmp 3/3 from bob quoting previous                     with all that was sent, or `quoting previous 8` bytes
//! +3 alice -> bob  tcp syn                                    the first segment of a connection; `bob -> alice tcp syn` accepts it
//! +3 alice -> bob  tcp tls client-hello sni=sip.example.com   TLS: the records of one segment, joined by `+`; see below
//! +9 bob -> alice  tcp fin                                    or `tcp rst`; `tcp syn again` repeats a SYN, as does `again`
//! +9 alice -> bob  tcp line-ends 2                            so many line ends, as keep-alives are
//! +9 192.0.2.10:4000 -> 192.0.2.20:6000  rtp                   a packet of RTP, or `rtcp`, `stun`
//! +40 packet                                                  something that is not SIP: the capture goes on
//! +41 frame 0x8847                                            an Ethernet frame of that type
//! dropped 3                                                   the kernel's count
//! filter udp port 5060                                        what the capture was filtered with
//! password alice@example.com secret                           what the user gave to test digests with
//! damaged packet 7 offset 1234 the record is cut
//! ```
//!
//! Between the addresses and the message may stand: `tcp`; `ip-id=7`, else each packet has its own; `cut=100`, so many
//! bytes of the packet are captured; `part=100`, so many bytes of the message are sent; `dscp=26`, how it is marked; `unseen`, it was sent but the capture does not have it; `fragments=3`, it is sent
//! in so many IP fragments, and `lost=2,3`, the capture lacks these of them. `again` is sent and lost alike.
//!
//! Records of TLS are: `client-hello` with `sni=`, `alpn=a,b`, `versions=1.3,1.2` (1.2 alone when nothing is said);
//! `server-hello 1.2`, with `suite=rsa` for a key exchange with the server's RSA key; `certificate cn=… san=a,b issuer=CA
//! from=250101 until=300101`, or `certificate none`; `certificate-request`, `hello-done`, `key-exchange`; `alert fatal
//! unknown_ca`; `ccs`; `finished`, encrypted; `data 200`, so many encrypted bytes; and `junk`, which is no TLS. What TCP
//! acknowledges is what was sent before, `unseen` or not.
//!
//! A request is complete: its Via has the source address and the branch behind the magic cookie; `p1/a1` puts it on top
//! of the Vias of the request `a1`. Where nothing else is said it is `call=1`, `cseq=1`, `from=alice;a` (user and tag),
//! `to=bob`, and the Request-URI names the To; a REGISTER is to `alice` at `sip:example.com`. INVITE, REGISTER and other
//! target refreshes have a Contact: the address of that user where the file names one, else of the sender. A response
//! has Via, From, To, Call-ID and CSeq of its request (RFC 3261 §8.2.6.2), the To tag `b` unless `tag=` says otherwise,
//! the usual reason phrase unless `reason=Stale_Date` does, and a Contact where it forms a dialog. A
//! field without a value is left out, and so is `Content-Length: none`, which is right where nothing is said.

use super::message::{Message, Spec};
use super::packet::{self, Endpoints, Segment};
use super::tls;
use sipdiag::capture::{CaptureFacts, Damage};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// A case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flow {
    pub(crate) name: String,
    pub(crate) expects: Vec<Expectation>,
    pub(crate) expects_not: Vec<String>,
    pub(crate) says: Vec<String>,
    pub(crate) packets: Vec<FlowPacket>,
    pub(crate) facts: CaptureFacts,
    /// Name and password.
    pub(crate) passwords: Vec<(String, String)>,
}

/// A finding as a file's header words it: `name severity confidence [so-far] [consequence-of name]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Expectation(pub(crate) String);

impl Expectation {
    pub(crate) fn name(&self) -> &str {
        self.0.split(' ').next().unwrap_or_default()
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A packet as it will be captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlowPacket {
    /// Nanoseconds since the beginning of the case.
    pub(crate) time: i64,
    pub(crate) data: Vec<u8>,
    pub(crate) original_len: u32,
    /// Source and destination of a SIP packet; `None` for others.
    pub(crate) ends: Option<(IpAddr, IpAddr)>,
    /// The line of the file.
    pub(crate) line: usize,
}

impl Flow {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self::parse(&path.display().to_string(), &text)
    }

    pub(crate) fn parse(name: &str, text: &str) -> Self {
        let mut reader = Reader {
            flow: Self {
                name: name.to_owned(),
                ..Self::default()
            },
            ..Reader::default()
        };
        let lines: Vec<_> = text.lines().collect();
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            let below = lines[at + 1..]
                .iter()
                .take_while(|line| line.starts_with(' ') && !line.trim().is_empty())
                .count();
            reader.line = at + 1;
            let fields: Vec<_> = lines[at + 1..=at + below]
                .iter()
                .map(|line| line.trim())
                .collect();
            reader.line(line.trim(), &fields);
            at += 1 + below;
        }
        reader.flow
    }
}

#[derive(Debug, Default)]
struct Reader {
    flow: Flow,
    line: usize,
    hosts: HashMap<String, SocketAddr>,
    requests: Vec<(String, Message)>,
    previous: Option<Previous>,
    next_id: u16,
    next_sequence: HashMap<(SocketAddr, SocketAddr), u32>,
    /// Who sent the first segment of a connection.
    openers: HashSet<(SocketAddr, SocketAddr)>,
}

impl Reader {
    fn fail(&self, what: &str) -> ! {
        panic!("{}:{}: {what}", self.flow.name, self.line)
    }

    fn line(&mut self, line: &str, fields: &[&str]) {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            [] => {}
            ["#", "expects:", rest @ ..] => {
                self.flow.expects.push(Expectation(rest.join(" ")));
            }
            ["#", "says:", rest @ ..] => self.flow.says.push(rest.join(" ")),
            ["#", "expects-not:", name] => self.flow.expects_not.push((*name).to_owned()),
            [first, ..] if first.starts_with('#') => {}
            [name, "=", address] => {
                let Ok(address) = address.parse() else {
                    self.fail("no address")
                };
                self.hosts.insert((*name).to_owned(), address);
            }
            ["password", name, password] => {
                self.flow
                    .passwords
                    .push(((*name).to_owned(), (*password).to_owned()));
            }
            ["filter", words @ ..] => self.flow.facts.filter = Some(words.join(" ")),
            ["dropped", count] => self.flow.facts.dropped_by_kernel = count.parse().ok(),
            ["damaged", "packet", packet, "offset", offset, what @ ..] => {
                self.flow.facts.damage.push(Damage {
                    input: "case.pcap".to_owned(),
                    packet: self.number(packet),
                    offset: self.number(offset),
                    what: what.join(" "),
                    gone_at: None,
                });
            }
            ["gone", time, "after", packets, what @ ..] => {
                let damage = Damage {
                    input: "eth0".to_owned(),
                    packet: self.number::<u64>(packets) + 1,
                    offset: 0,
                    what: what.join(" "),
                    gone_at: Some(sipdiag::time::Timestamp::from_nanos(self.time(time))),
                };
                self.flow.facts.damage.push(damage);
            }
            [first, ..] if first.starts_with('+') => {
                let split = words
                    .iter()
                    .position(|word| !word.starts_with('+'))
                    .unwrap_or_else(|| self.fail("nothing behind the time"));
                let times: Vec<_> = words[..split].iter().map(|word| self.time(word)).collect();
                for time in times {
                    self.event(time, &words[split..], fields);
                }
            }
            _ => self.fail("not understood"),
        }
    }

    fn number<T: std::str::FromStr>(&self, word: &str) -> T {
        word.parse()
            .unwrap_or_else(|_| self.fail(&format!("{word} is no number")))
    }

    fn time(&self, word: &str) -> i64 {
        let seconds: f64 = self.number(&word[1..]);
        #[expect(clippy::cast_possible_truncation, reason = "microseconds of a case")]
        let micros = (seconds * 1e6).round() as i64;
        micros * 1000
    }

    fn event(&mut self, time: i64, words: &[&str], fields: &[&str]) {
        match words {
            ["packet"] => self.push(time, packet::unrelated(), None, None),
            ["frame", ether_type] => {
                let Ok(ether_type) = u16::from_str_radix(ether_type.trim_start_matches("0x"), 16)
                else {
                    self.fail("no type of an Ethernet frame")
                };
                self.push(time, packet::frame(ether_type), None, None);
            }
            ["copy", mark @ ..] => {
                let Some(mut packet) = self.flow.packets.last().cloned() else {
                    self.fail("nothing to copy")
                };
                if let Some(dscp) = mark.first().and_then(|it| it.strip_prefix("dscp=")) {
                    packet::mark(&mut packet.data, self.number(dscp));
                }
                self.flow.packets.push(FlowPacket {
                    time,
                    line: self.line,
                    ..packet
                });
            }
            ["again"] => {
                let Some(previous) = self.previous.clone() else {
                    self.fail("nothing to send again")
                };
                let sending = Sending {
                    flag: previous.sending.flag.filter(|flag| *flag == Flag::Syn),
                    repeats: true,
                    dscp: previous.sending.dscp,
                    fragments: previous.sending.fragments,
                    lost: previous.sending.lost,
                    ..Sending::default()
                };
                self.send(time, previous.bytes, previous.ends, sending);
            }
            [
                "icmp",
                kind,
                "from",
                from,
                "quoting",
                "previous",
                bytes @ ..,
            ] => {
                let reporter = self.host(from);
                let Some(Previous { ends, packet, .. }) = &self.previous else {
                    self.fail("nothing to quote")
                };
                let Some((kind, code)) = kind.split_once('/') else {
                    self.fail("no type/code")
                };
                let kept = match bytes {
                    [] => usize::MAX,
                    [bytes, ..] => self.number(bytes),
                };
                let data = packet::icmp(
                    self.number(kind),
                    self.number(code),
                    reporter.ip(),
                    ends.src.ip(),
                    &self.flow.packets[*packet].data,
                    kept,
                );
                self.push(time, data, None, None);
            }
            [src, "->", dst, rest @ ..] => {
                self.sent(time, (src, dst), rest, fields);
            }
            _ => self.fail("not understood"),
        }
    }

    fn sent(&mut self, time: i64, (src, dst): (&str, &str), words: &[&str], fields: &[&str]) {
        let mut sending = Sending::default();
        let mut ends = Endpoints {
            src: self.host(src),
            dst: self.host(dst),
            tcp: false,
        };
        let mut rest = words;
        while let [word, behind @ ..] = rest {
            match word.split_once('=') {
                None if *word == "tcp" => ends.tcp = true,
                None if *word == "udp" => {}
                None if *word == "unseen" => sending.unseen = true,
                Some(("ip-id", id)) => sending.id = Some(self.number(id)),
                Some(("dscp", dscp)) => sending.dscp = self.number(dscp),
                Some(("cut", len)) => sending.cut = Some(self.number(len)),
                Some(("part", len)) => sending.part = Some(self.number(len)),
                Some(("fragments", count)) => sending.fragments = self.number(count),
                Some(("lost", which)) => {
                    sending.lost = which.split(',').map(|it| self.number(it)).collect();
                }
                _ => break,
            }
            rest = behind;
        }
        let mut bytes = match rest {
            [word @ ("syn" | "fin" | "rst")] => {
                sending.flag = Some(Flag::of(word));
                Vec::new()
            }
            ["syn", "again"] => {
                sending.flag = Some(Flag::Syn);
                sending.repeats = true;
                Vec::new()
            }
            ["line-ends", count] => {
                sending.acknowledges = true;
                b"\r\n".repeat(self.number(count))
            }
            [word @ ("rtp" | "rtcp" | "stun")] => media(word),
            ["tls", records @ ..] => {
                sending.acknowledges = true;
                tls::records(records).unwrap_or_else(|what| self.fail(&what))
            }
            _ => self.message(rest, fields, ends).bytes(),
        };
        bytes.truncate(sending.part.unwrap_or(usize::MAX));
        self.send(time, bytes, ends, sending);
    }

    fn host(&self, name: &str) -> SocketAddr {
        self.hosts
            .get(name)
            .copied()
            .or_else(|| name.parse().ok())
            .unwrap_or_else(|| self.fail(&format!("who is {name}?")))
    }

    fn message(&mut self, words: &[&str], fields: &[&str], ends: Endpoints) -> Message {
        let (code, words) = match words {
            [code, rest @ ..] if code.len() == 3 && code.parse::<u16>().is_ok() => {
                (Some(*code), rest)
            }
            _ => (None, words),
        };
        let [method, branch, params @ ..] = words else {
            self.fail("a method and a branch are wanted")
        };
        let mut spec = Spec::default();
        for param in params {
            let Some((name, value)) = param.split_once('=') else {
                self.fail(&format!("{param} is no name=value"))
            };
            if !spec.set(name, value) {
                self.fail(&format!("{name} is not known"));
            }
        }
        let known = |branch: &str, method: Option<&str>| {
            self.requests
                .iter()
                .rev()
                .find(|(it, message)| {
                    it == branch && method.is_none_or(|method| message.is_of(method))
                })
                .map(|(_, message)| message)
        };
        let hosts = |name: &str| self.hosts.get(name).copied();
        let mut message = if let Some(code) = code {
            let Some(request) = known(branch, Some(method)) else {
                self.fail(&format!("no {method} {branch} to answer"))
            };
            Message::response(code, request, &spec, ends, hosts)
        } else {
            let (top, below) = branch.split_once('/').unwrap_or((branch, ""));
            let below = (!below.is_empty()).then(|| {
                known(below, Some(method))
                    .or_else(|| known(below, None))
                    .unwrap_or_else(|| self.fail(&format!("no request {below}")))
            });
            Message::request(method, top, below, &spec, ends, hosts)
        };
        if let Err(what) = message.apply(fields) {
            self.fail(&what);
        }
        if code.is_none() {
            self.requests.push(((*branch).to_owned(), message.clone()));
        }
        message
    }

    fn send(&mut self, time: i64, bytes: Vec<u8>, ends: Endpoints, sending: Sending) {
        self.next_id += 1;
        let id = sending.id.unwrap_or(self.next_id);
        let received = self.next_sequence.get(&(ends.dst, ends.src)).copied();
        let sequence = self
            .next_sequence
            .entry((ends.src, ends.dst))
            .or_insert(1000);
        if sending.repeats && sending.flag == Some(Flag::Syn) {
            *sequence -= 1;
        }
        if received.is_none() {
            self.openers.insert((ends.src, ends.dst));
        }
        let opens = self.openers.contains(&(ends.src, ends.dst));
        let acknowledges = match sending.flag {
            Some(Flag::Syn) if opens => None,
            None if !sending.acknowledges => Some(1),
            _ => received,
        };
        let segment = Segment {
            sequence: *sequence,
            acknowledges,
            syn: sending.flag == Some(Flag::Syn),
            fin: sending.flag == Some(Flag::Fin),
            rst: sending.flag == Some(Flag::Rst),
        };
        let mut data = packet::packet(ends, id, segment, &bytes);
        packet::mark(&mut data, sending.dscp);
        *sequence += u32::try_from(bytes.len()).unwrap_or_default();
        // SYN and FIN take up one number (RFC 9293 §3.4).
        *sequence += u32::from(segment.syn || segment.fin);
        if sending.unseen {
            return;
        }
        let first = self.flow.packets.len();
        let ips = Some((ends.src.ip(), ends.dst.ip()));
        for (piece, number) in packet::fragments(&data, id, sending.fragments)
            .into_iter()
            .zip(1..)
        {
            if !sending.lost.contains(&number) {
                self.push(time, piece, ips, sending.cut);
            }
        }
        if self.flow.packets.len() == first {
            self.fail("all fragments are lost");
        }
        self.previous = Some(Previous {
            bytes,
            ends,
            packet: first,
            sending,
        });
    }

    fn push(
        &mut self,
        time: i64,
        mut data: Vec<u8>,
        ends: Option<(IpAddr, IpAddr)>,
        cut: Option<usize>,
    ) {
        let original_len = u32::try_from(data.len()).unwrap_or(u32::MAX);
        data.truncate(cut.unwrap_or(usize::MAX));
        self.flow.packets.push(FlowPacket {
            time,
            data,
            original_len,
            ends,
            line: self.line,
        });
    }
}

/// What is said in a packet of speech.
pub(crate) const SPEECH: u8 = 0xd5;

/// A packet of speech (RFC 3550 §5.1), a sender report (§6.4.1), or a Binding request (RFC 8489 §5).
fn media(kind: &str) -> Vec<u8> {
    let head: &[u8] = match kind {
        "rtp" => &[0x80, 0, 0, 1],
        "rtcp" => &[0x80, 200, 0, 6],
        _ => &[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42],
    };
    let mut bytes = head.to_vec();
    bytes.resize(12, 0);
    bytes.resize(28, if kind == "rtp" { SPEECH } else { 0 });
    bytes
}

/// The last packet with something in it that was sent.
#[derive(Clone, Debug)]
struct Previous {
    bytes: Vec<u8>,
    ends: Endpoints,
    /// Its first packet.
    packet: usize,
    sending: Sending,
}

#[derive(Clone, Debug, Default)]
struct Sending {
    id: Option<u16>,
    cut: Option<usize>,
    part: Option<usize>,
    dscp: u8,
    unseen: bool,
    flag: Option<Flag>,
    /// Whether it acknowledges what came before.
    acknowledges: bool,
    /// Whether it was sent before.
    repeats: bool,
    /// Into how many fragments it is cut; 0 and 1 for none.
    fragments: usize,
    /// The fragments that are not captured, from 1.
    lost: Vec<usize>,
}

/// What a segment without bytes is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flag {
    Syn,
    Fin,
    Rst,
}

impl Flag {
    fn of(word: &str) -> Self {
        match word {
            "syn" => Self::Syn,
            "fin" => Self::Fin,
            _ => Self::Rst,
        }
    }
}
