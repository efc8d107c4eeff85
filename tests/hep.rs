//! `sipdiag live --hep` on loopback sockets: what agents send over UDP, TCP and TLS comes out packet by packet, and what
//! else comes is counted.
#![cfg(feature = "live")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sipdiag::capture::hep::{HepFacts, HepOptions};
use sipdiag::capture::{CaptureFacts, LinkType, LiveOptions, LiveSource, Next, Source, open_live};
use sipdiag::time::Timestamp;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

const SIP: &[u8] = b"OPTIONS sip:bob@example.com SIP/2.0\r\nCall-ID: 1@example.com\r\n\r\n";

#[test]
fn datagrams_of_every_version_come_out_as_they_came() {
    let packets = [
        version_1(SIP),
        version_3(Some(now()), 1, SIP),
        version_3(Some(now()), 100, b"a log line"),
    ];
    let (source, [address]) = listen(&["udp"], packets.len());
    let agent = UdpSocket::bind(local(0)).unwrap();
    for garbage in [&b"garbage"[..], b"", b"HEP3", &[1; 20]] {
        agent.send_to(garbage, address).unwrap();
    }
    for packet in &packets {
        agent.send_to(packet, address).unwrap();
    }
    let heard = hear(source);
    assert_eq!(heard.packets, packets);
    assert_eq!(heard.interfaces, [0, 0, 0]);
    let facts = heard.facts;
    assert_eq!(
        facts.hep,
        Some(HepFacts {
            not_hep: 4,
            ..HepFacts::default()
        })
    );
    let input = &facts.inputs[0];
    assert_eq!(
        (input.name.as_str(), input.format.as_str()),
        (&*format!("udp://{address}"), "hep")
    );
    assert_eq!(
        (input.packets, &input.link_types[..]),
        (3, &[LinkType::HEP][..])
    );
    assert_eq!(facts.dropped_by_interface, Some(0));
}

#[test]
fn packets_of_a_stream_are_cut_apart_however_they_were_sent() {
    let packets: Vec<_> = (0..40)
        .map(|number| version_3(Some(now()), 1, &[SIP, &vec![b'x'; number * 97]].concat()))
        .collect();
    for piece in [1, 7, 100, 1_000_000] {
        let (source, [address]) = listen(&["tcp"], packets.len());
        let mut agent = TcpStream::connect(address).unwrap();
        agent.set_nodelay(true).unwrap();
        for bytes in packets.concat().chunks(piece) {
            agent.write_all(bytes).unwrap();
        }
        let heard = hear(source);
        assert_eq!(heard.packets, packets, "in pieces of {piece}");
        assert_eq!(heard.facts.hep, Some(HepFacts::default()));
    }
}

#[test]
fn tls_is_opened_with_the_certificate() {
    let packets: Vec<_> = (0..9).map(|_| version_3(Some(now()), 1, SIP)).collect();
    let (source, [address]) = listen(&["tls"], packets.len());

    // An agent that speaks no TLS is closed and counted.
    let mut plain = TcpStream::connect(address).unwrap();
    plain.write_all(&packets[0]).unwrap();
    await_end(&mut plain);

    let mut agent = secure(address);
    let (first, rest) = packets.split_at(4);
    agent.write_all(&first.concat()).unwrap();
    for byte in rest.concat().chunks(50) {
        agent.write_all(byte).unwrap();
    }
    agent.flush().unwrap();
    let heard = hear(source);
    assert_eq!(heard.packets, packets);
    assert_eq!(
        heard.facts.hep,
        Some(HepFacts {
            tls_failed: 1,
            ..HepFacts::default()
        })
    );
}

#[test]
fn a_connection_that_sends_something_else_is_closed_and_the_others_go_on() {
    let packet = version_3(Some(now()), 1, SIP);
    let (source, [address]) = listen(&["tcp"], 4);
    let mut good = TcpStream::connect(address).unwrap();
    good.write_all(&packet).unwrap();
    for garbage in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        version_1(SIP),
        // The length fits, the chunks do not.
        b"HEP3\x00\x14\x00\x00\x00\x01\x00\x07\x02\x00\x00\x00\x02\x00\xff\x11".to_vec(),
        // The packet before the garbage counts.
        [&packet[..], b"garbage"].concat(),
    ] {
        let mut bad = TcpStream::connect(address).unwrap();
        bad.write_all(&garbage).unwrap();
        await_end(&mut bad);
    }
    // A packet that never ends is not there.
    let mut half = TcpStream::connect(address).unwrap();
    half.write_all(&packet[..30]).unwrap();
    good.write_all(&[&packet[..], &packet].concat()).unwrap();
    let heard = hear(source);
    assert_eq!(heard.packets, vec![packet; 4]);
    assert_eq!(heard.facts.hep.unwrap().not_hep, 4);
}

#[test]
fn who_is_not_allowed_is_refused_and_counted() {
    let mut options = options(&["udp", "tcp"], 1);
    options.hep.allow = vec![
        "192.0.2.0/24".parse().unwrap(),
        "127.0.0.2".parse().unwrap(),
    ];
    let (source, [udp, tcp]) = open(&options);
    let packet = version_3(Some(now()), 1, SIP);
    let stranger = UdpSocket::bind(local(0)).unwrap();
    stranger.send_to(&packet, udp).unwrap();
    let mut refused = TcpStream::connect(tcp).unwrap();
    await_end(&mut refused);
    let agent = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
    agent.send_to(&packet, udp).unwrap();
    let heard = hear(source);
    assert_eq!(heard.packets, [packet]);
    assert_eq!(heard.facts.hep.unwrap().refused, 2);
}

#[test]
fn the_agents_time_counts_unless_its_clock_is_astray() {
    let clock = now();
    let times = [
        Some(clock),
        Some(clock - 3),
        Some(clock + 3),
        Some(clock - 60),
        Some(clock + 60),
        Some(0),
        None,
    ];
    let (source, [address]) = listen(&["udp"], times.len());
    let agent = UdpSocket::bind(local(0)).unwrap();
    for time in times {
        agent.send_to(&version_3(time, 1, SIP), address).unwrap();
    }
    let heard = hear(source);
    for (time, told) in heard.times.iter().zip(times).take(3) {
        assert_eq!(*time, Timestamp::from_parts(told.unwrap().into(), 0));
    }
    let here = Timestamp::from_parts(clock.into(), 0);
    for time in &heard.times[3..] {
        assert!(time.distance(here) < PATIENCE, "{time}");
    }
    assert_eq!(heard.facts.hep.unwrap().astray, 2);
}

#[test]
fn time_without_packets_passes_on_the_clock_of_agents_that_are_late() {
    const LATE: u32 = 6;
    let (mut source, [address]) = listen(&["udp"], 2);
    let agent = UdpSocket::bind(local(0)).unwrap();
    let told = now() - LATE;
    agent
        .send_to(&version_3(Some(told), 1, SIP), address)
        .unwrap();
    let told = Timestamp::from_parts(told.into(), 0);
    let mut seen = false;
    loop {
        match source.next().unwrap() {
            Next::Packet(packet) => {
                assert_eq!(packet.time, told);
                seen = true;
            }
            Next::Idle(time) if seen => {
                assert!(time >= told && time.since(told) < PATIENCE, "{time}");
                break;
            }
            Next::Idle(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn listeners_are_interfaces_in_the_order_given() {
    let (source, [first, second]) = listen(&["udp", "tcp"], 2);
    let packets = [
        version_3(Some(now()), 1, SIP),
        version_3(Some(now()), 5, b"{}"),
    ];
    let mut tcp = TcpStream::connect(second).unwrap();
    tcp.write_all(&packets[1]).unwrap();
    let udp = UdpSocket::bind(local(0)).unwrap();
    udp.send_to(&packets[0], first).unwrap();
    let heard = hear(source);
    for (packet, interface) in heard.packets.iter().zip(&heard.interfaces) {
        assert_eq!(packet, &packets[*interface as usize]);
    }
    let mut interfaces = heard.interfaces;
    interfaces.sort_unstable();
    assert_eq!(interfaces, [0, 1]);
}

#[test]
fn the_command_tells_its_port_and_counts_what_the_agent_sends() {
    let packets = hep_of("122-hep3.pcap");
    let count = packets.len().to_string();
    for carrier in ["udp", "tcp", "tls"] {
        let mut live = Live::start(carrier, &["--count", &count, "--format", "ndjson"]);
        live.send(&packets);
        let records = live.finish();
        let capture = record(&records, "capture");
        let bytes: usize = packets.iter().map(Vec::len).sum();
        assert_eq!(capture["files"][0]["packets"], packets.len(), "{carrier}");
        assert_eq!(capture["files"][0]["bytes"], bytes);
        assert_eq!(capture["files"][0]["format"], "hep");
        assert_eq!(capture["files"][0]["link_types"][0], "HEP");
        assert!(capture.get("hep").is_none(), "{capture}");
        assert_eq!(record(&records, "summary")["packets"], packets.len());
    }
}

#[test]
fn what_agents_sent_is_written_as_packets_with_the_addresses_it_had() {
    let packets = hep_of("122-hep3.pcap");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.pcapng");
    let out = out.to_str().unwrap();
    let count = packets.len().to_string();
    for carrier in ["udp", "tcp"] {
        let more = ["--count", &count, "--format", "ndjson", "-w", out];
        let mut live = Live::start(carrier, &more);
        live.send(&packets);
        let written = live.finish();
        let records = ["--format", "ndjson", "--records", "summary,message"];
        let read = sipdiag().arg("read").args(records).arg(out).output();
        let read = String::from_utf8(read.unwrap().stdout).unwrap();
        let (was, is) = (record(&written, "summary"), record(&read, "summary"));
        for key in ["sip_messages", "requests", "responses", "transports"] {
            assert_eq!(is[key], was[key], "{key}");
        }
        let (was, is) = (record(&written, "message"), record(&read, "message"));
        for key in ["src", "dst", "call_id", "method"] {
            assert_eq!(is[key], was[key], "{key}");
        }
    }
}

#[test]
fn what_came_beside_hep_is_on_the_screen_and_in_the_records() {
    for format in ["table", "ndjson"] {
        let mut live = Live::start("udp", &["--count", "1", "--format", format]);
        live.send(&[b"garbage".to_vec(), version_3(Some(1), 1, SIP)]);
        let written = live.finish();
        if format == "table" {
            assert!(
                written.contains("HEP listeners: not-hep 1, clock-astray 1"),
                "{written}"
            );
        } else {
            let capture = record(&written, "capture");
            assert_eq!(capture["hep"]["not_hep"], 1);
            assert_eq!(capture["hep"]["clock_astray"], 1);
        }
    }
}

#[test]
fn wrong_use_says_what_to_do() {
    let taken = UdpSocket::bind(local(0)).unwrap();
    let taken = format!("udp://{}", taken.local_addr().unwrap());
    let certificate = fixture("certificate.pem");
    let certificate = certificate.to_str().unwrap();
    for (arguments, status, message) in [
        (&["--hep", "9060"][..], 2, "udp://HOST:PORT"),
        (
            &["--hep", "udp://127.0.0.1:0", "-f", "udp"],
            2,
            "does not apply to HEP",
        ),
        (&["--hep", "tls://127.0.0.1:0"], 2, "--hep-cert"),
        (&["--hep", &taken], 3, "another program listens there"),
        (&["--hep", "udp://192.0.2.77:0"], 3, "no such address"),
        (&["--hep-allow", "192.0.2.0/24"], 2, "--hep <URL>"),
        (
            &["--hep", "udp://127.0.0.1:0", "--hep-allow", "example.com"],
            2,
            "192.0.2.0/24",
        ),
        (
            &["--hep", "tls://127.0.0.1:0", "--hep-cert", certificate],
            2,
            "--hep-key",
        ),
        (
            &[
                "--hep",
                "tls://127.0.0.1:0",
                "--hep-cert",
                certificate,
                "--hep-key",
                certificate,
            ],
            3,
            "cannot use the certificate or key",
        ),
        (
            &[
                "--hep",
                "tls://127.0.0.1:0",
                "--hep-cert",
                "/none.pem",
                "--hep-key",
                "/none.pem",
            ],
            3,
            "cannot read /none.pem: no such file",
        ),
        (&[], 2, "<INTERFACE>"),
    ] {
        let output = sipdiag().args(["live"]).args(arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            output.status.code(),
            Some(status),
            "{arguments:?}: {stderr}"
        );
        assert!(stderr.contains(message), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("(os error 99): "), "said twice: {stderr}");
    }
}

/// What a source gave until its end.
struct Heard {
    packets: Vec<Vec<u8>>,
    times: Vec<Timestamp>,
    interfaces: Vec<u32>,
    facts: CaptureFacts,
}

fn hear(mut source: LiveSource) -> Heard {
    let (mut packets, mut times, mut interfaces) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        match source.next().unwrap() {
            Next::Packet(packet) => {
                packets.push(packet.data.to_vec());
                assert_eq!(packet.frame.0, packets.len() as u64);
                assert_eq!(packet.link_type, LinkType::HEP);
                assert_eq!(packet.original_len as usize, packet.data.len());
                times.push(packet.time);
                interfaces.push(packet.interface);
            }
            Next::End => break,
            Next::Gap(..) | Next::Idle(_) | Next::Keylog(_) | Next::Refused(_) => {}
        }
    }
    Heard {
        packets,
        times,
        interfaces,
        facts: source.facts(),
    }
}

fn listen<const N: usize>(carriers: &[&str], count: usize) -> (LiveSource, [SocketAddr; N]) {
    open(&options(carriers, count))
}

/// Ends after so many packets, and after a long time in any case.
fn options(carriers: &[&str], count: usize) -> LiveOptions {
    let listen = carriers
        .iter()
        .map(|carrier| format!("{carrier}://127.0.0.1:0").parse().unwrap())
        .collect();
    LiveOptions {
        hep: HepOptions {
            listen,
            allow: Vec::new(),
            certificate: Some((fixture("certificate.pem"), fixture("key.pem"))),
        },
        duration: Some(PATIENCE),
        count: Some(count as u64),
        ..LiveOptions::default()
    }
}

fn open<const N: usize>(options: &LiveOptions) -> (LiveSource, [SocketAddr; N]) {
    let source = open_live(options, Arc::new(AtomicBool::new(false))).unwrap();
    let addresses: Vec<_> = source
        .facts()
        .inputs
        .iter()
        .map(|input| input.name.split_once("://").unwrap().1.parse().unwrap())
        .collect();
    (source, addresses.try_into().unwrap())
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs().try_into().unwrap()
}

/// Waits until the other side has closed.
fn await_end(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut rest = Vec::new();
    // With bytes unread it closes by a reset.
    if let Err(error) = stream.read_to_end(&mut rest) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    }
}

fn secure(address: SocketAddr) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(fixture("certificate.pem")).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("homer.example.com").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, TcpStream::connect(address).unwrap())
}

fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len() + 6).unwrap();
    [&[0, 0, 0, kind][..], &len.to_be_bytes(), body].concat()
}

fn version_3(seconds: Option<u32>, protocol_type: u8, payload: &[u8]) -> Vec<u8> {
    let time = seconds.map_or_else(Vec::new, |it| chunk(9, &it.to_be_bytes()));
    let chunks = [
        chunk(1, &[2]),
        chunk(2, &[17]),
        chunk(3, &[192, 0, 2, 1]),
        chunk(4, &[192, 0, 2, 2]),
        chunk(7, &[0x13, 0xc4]),
        chunk(8, &[0x13, 0xc4]),
        time,
        chunk(11, &[protocol_type]),
        chunk(15, payload),
    ]
    .concat();
    let len = u16::try_from(chunks.len() + 6).unwrap();
    [&b"HEP3"[..], &len.to_be_bytes(), &chunks].concat()
}

fn version_1(payload: &[u8]) -> Vec<u8> {
    let header = [
        1, 16, 2, 17, 0x13, 0xc4, 0x13, 0xc4, 192, 0, 2, 1, 192, 0, 2, 2,
    ];
    [&header[..], payload].concat()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/hep")
        .join(name)
}

fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/captures")
        .join(name)
}

/// The payloads of a pcap's datagrams to port 9060, their times moved so that now is amid them: none may be farther from it than
/// what is believed of an agent's clock.
fn hep_of(name: &str) -> Vec<Vec<u8>> {
    /// Ethernet, IPv4 without options, UDP.
    const HEADERS: usize = 14 + 20 + 8;
    let file = std::fs::read(capture(name)).unwrap();
    let mut rest = &file[24..];
    let mut packets = Vec::new();
    while !rest.is_empty() {
        let len = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let (record, behind) = rest[16..].split_at(len);
        if record[23] == 17 && record[36..38] == 9060_u16.to_be_bytes() {
            packets.push(record[HEADERS..].to_vec());
        }
        rest = behind;
    }
    // The chunk with the seconds stands at the same place in all of them.
    let seconds = |packet: &[u8]| {
        assert_eq!(packet[56..62], [0, 0, 0, 9, 0, 10]);
        u32::from_be_bytes(packet[62..66].try_into().unwrap())
    };
    let all = packets.iter().map(|it| seconds(it));
    let (first, last) = (all.clone().min().unwrap(), all.max().unwrap());
    let shift = now() - u32::midpoint(first, last);
    for packet in &mut packets {
        let moved = seconds(packet) + shift;
        packet[62..66].copy_from_slice(&moved.to_be_bytes());
    }
    packets
}

fn sipdiag() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sipdiag"));
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// `sipdiag live --hep` at work.
struct Live {
    child: Child,
    address: SocketAddr,
    carrier: String,
    _stderr: BufReader<ChildStderr>,
}

impl Live {
    /// Starts it, and reads from its note on stderr where it listens.
    fn start(carrier: &str, more: &[&str]) -> Self {
        let mut command = sipdiag();
        command
            .args(["live", "--hep", &format!("{carrier}://127.0.0.1:0")])
            .args(["--duration", "30s"])
            .args(["--records", "capture,message,transaction,finding,summary"])
            .args(more);
        if carrier == "tls" {
            command.arg("--hep-cert").arg(fixture("certificate.pem"));
            command.arg("--hep-key").arg(fixture("key.pem"));
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut note = String::new();
        stderr.read_line(&mut note).unwrap();
        let prefix = format!("listening on {carrier}://");
        let address = note
            .strip_prefix(&prefix)
            .and_then(|rest| rest.split_once(';'))
            .unwrap_or_else(|| panic!("{note}"))
            .0
            .parse()
            .unwrap();
        Self {
            child,
            address,
            carrier: carrier.to_owned(),
            _stderr: stderr,
        }
    }

    fn send(&mut self, packets: &[Vec<u8>]) {
        match self.carrier.as_str() {
            "udp" => {
                let agent = UdpSocket::bind(local(0)).unwrap();
                for packet in packets {
                    agent.send_to(packet, self.address).unwrap();
                }
            }
            "tcp" => {
                let mut agent = TcpStream::connect(self.address).unwrap();
                agent.write_all(&packets.concat()).unwrap();
            }
            _ => {
                let mut agent = secure(self.address);
                agent.write_all(&packets.concat()).unwrap();
                agent.conn.send_close_notify();
                agent.flush().unwrap();
            }
        }
    }

    /// What it wrote to stdout.
    fn finish(mut self) -> String {
        let mut written = String::new();
        let mut stdout = self.child.stdout.take().unwrap();
        stdout.read_to_string(&mut written).unwrap();
        assert!(self.child.wait().unwrap().success());
        written
    }
}

fn record(written: &str, name: &str) -> serde_json::Value {
    written
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .find(|record| record["record"] == name)
        .unwrap()
}

/// What a run finds that does not depend on when it was: messages, transactions, findings, counts.
fn found(written: &str) -> Vec<String> {
    const OF_THE_RUN: &[&str] = &[
        "after_ms",
        "end",
        "facts",
        "frame",
        "frames",
        "start",
        "summary",
        "t1_est_ms",
        "time",
    ];
    fn strip(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(fields) => {
                fields.retain(|name, _| !OF_THE_RUN.contains(&name.as_str()));
                fields.values_mut().for_each(strip);
            }
            serde_json::Value::Array(values) => values.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut lines: Vec<_> = written
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|it| it["record"] != "capture" && it["record"] != "alert")
        .map(|mut it| {
            strip(&mut it);
            // Nothing was dropped, which only a listener can say.
            if let Some(fields) = it.as_object_mut() {
                fields.remove("dropped");
            }
            it.to_string()
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn live_finds_what_read_finds_in_the_same_hep_packets() {
    for name in ["wire/30-hep3.pcap", "122-hep3.pcap"] {
        let read = sipdiag()
            .arg("read")
            .arg(capture(name))
            .args(["--format", "ndjson"])
            .args(["--records", "message,transaction,finding,summary"])
            .output()
            .unwrap();
        let read = found(&String::from_utf8(read.stdout).unwrap());
        let count = hep_of(name).len().to_string();
        for carrier in ["udp", "tcp", "tls"] {
            let threads = if carrier == "tcp" { "3" } else { "1" };
            let mut live = Live::start(
                carrier,
                &[
                    "--count",
                    &count,
                    "--format",
                    "ndjson",
                    "--threads",
                    threads,
                ],
            );
            live.send(&hep_of(name));
            assert_eq!(found(&live.finish()), read, "{name} over {carrier}");
        }
    }
}

#[test]
fn sip_inside_hep_is_diagnosed_with_the_addresses_it_had() {
    let packets = hep_of("122-hep3.pcap");
    let mut live = Live::start("udp", &["--count", "8", "--format", "ndjson"]);
    live.send(&packets);
    let written = live.finish();
    let summary = record(&written, "summary");
    assert_eq!(summary["sip_messages"], 8);
    assert_eq!(summary["call_ids"], 2);
    assert_eq!(summary["findings"]["status-404"], 1);
    let message = record(&written, "message");
    assert_eq!(message["src"], "10.77.0.10:5060");
    assert_eq!(message["encapsulation"], serde_json::json!(["hep"]));
}
