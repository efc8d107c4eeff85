//! `--redact`: what is judged is what was captured, and nothing of it is shown.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use sipdiag::capture::{CaptureFacts, FrameNumber, LinkType, Next, Packet, Source, open_files};
use sipdiag::catalogue::{Catalogue, Language};
use sipdiag::engine::{Engine, Observer, Options, Report, SeenMessage};
use sipdiag::redact::Redactor;
use sipdiag::report::{Aliases, Bidi, Format, RecordKind, Renderer, Settings};
use sipdiag::sip::digest::{Side, credentials};
use sipdiag::sip::value::user_and_host;
use sipdiag::sip::{Carrier, HeaderName, Message};
use sipdiag::time::Timestamp;
use sipdiag::transaction::Placement;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use support::flow::{Flow, FlowPacket, SPEECH};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

/// Every case of every rule, and every clean call.
#[test]
fn the_same_is_found_in_what_was_redacted() {
    let mut complaints = String::new();
    for path in flows() {
        let flow = Flow::read(&path);
        let (plain, ()) = flow.observe(Options::default(), (), false);
        let (hidden, ()) = flow.observe(redacting().0, (), false);
        compare(&path, &plain, &hidden, &mut complaints);
    }
    for path in captures() {
        compare(
            &path,
            &diagnose(&path, Options::default()),
            &diagnose(&path, redacting().0),
            &mut complaints,
        );
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

fn redacting() -> (Options, Redactor) {
    let redactor = Redactor::default();
    let options = Options {
        redactor: Some(redactor.clone()),
        ..Options::default()
    };
    (options, redactor)
}

fn compare(path: &Path, plain: &Report, hidden: &Report, complaints: &mut String) {
    let found = |report: &Report| -> Vec<String> {
        let mut all: Vec<_> = report
            .findings
            .iter()
            .map(|it| {
                // Of several that are alike the one with the lowest address is told.
                format!(
                    "{} {:?} {} {} {}",
                    it.name(),
                    it.variant,
                    it.severity,
                    it.confidence.name(),
                    it.frames.len()
                )
            })
            .collect();
        // What has the same rank is told in the order of addresses.
        all.sort_unstable();
        all
    };
    let (plain, hidden) = (found(plain), found(hidden));
    if plain != hidden {
        let _ = writeln!(complaints, "{}:", path.display());
        for line in plain.iter().filter(|it| !hidden.contains(it)) {
            let _ = writeln!(complaints, "  - {line}");
        }
        for line in hidden.iter().filter(|it| !plain.contains(it)) {
            let _ = writeln!(complaints, "  + {line}");
        }
    }
}

fn diagnose(path: &Path, options: Options) -> Report {
    observe(path, options, ()).0
}

/// The same, told to an observer.
fn observe<O: Observer>(path: &Path, options: Options, observer: O) -> (Report, O) {
    let mut source = open_files(&[path.to_owned()], None).unwrap();
    let mut engine = Engine::new(options, observer);
    for extension in ["keys", "key"] {
        if let Ok(text) = std::fs::read(path.with_extension(extension)) {
            match extension {
                "keys" => drop(engine.secrets_mut().add_keylog(&text)),
                _ => engine.secrets_mut().add_rsa_key(&text).unwrap(),
            }
        }
    }
    loop {
        match source.next().unwrap() {
            Next::Packet(packet) => engine.packet(&packet),
            Next::Keylog(text) => drop(engine.secrets_mut().add_keylog(&text)),
            Next::Gap(from, until) => engine.gap(from, until),
            Next::Idle(now) => engine.advance(now),
            Next::Refused(time) => engine.pass_over(time),
            Next::End => break,
        }
    }
    engine.finish(source.facts())
}

fn flows() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    below(&root.join("src"), "flow")
        .into_iter()
        .chain(below(&root.join("tests"), "flow"))
        .collect()
}

fn captures() -> Vec<PathBuf> {
    let folder = Path::new(FIXTURES).join("captures");
    ["pcap", "pcapng", "gz"]
        .into_iter()
        .flat_map(|it| below(&folder, it))
        .collect()
}

fn below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in next.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(
        !found.is_empty(),
        "no {extension} below {}",
        folder.display()
    );
    found
}

/// Everything that names somebody, in the order in which it comes: by what the parser reads, and by what the text looks like.
#[derive(Default)]
struct Names(Vec<String>);

impl Observer for Names {
    fn message(&mut self, seen: &SeenMessage<'_>, _: Placement) {
        let message = seen.arrival.message;
        let flow = seen.arrival.flow;
        self.0.push(flow.src.ip().to_string());
        self.0.push(flow.dst.ip().to_string());
        self.0.push(lossy(&message.call_id().unwrap_or_default()));
        for header in [
            HeaderName::From,
            HeaderName::To,
            HeaderName::Contact,
            HeaderName::ReferTo,
        ] {
            let uri = message.uri(header).unwrap_or_default();
            let (user, host) = user_and_host(&uri);
            let user = user
                .split(|byte| matches!(byte, b';' | b':'))
                .next()
                .unwrap_or_default();
            self.0.push(lossy(user));
            self.0.push(lossy(
                host.split(|byte| *byte == b':').next().unwrap_or_default(),
            ));
        }
        self.0.push(lossy(message.from_tag().unwrap_or_default()));
        self.0.push(lossy(message.to_tag().unwrap_or_default()));
        for header in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
            for value in message.headers(header) {
                if let Some(it) = credentials(&value, Side::Server) {
                    self.0.extend([it.username, it.nonce].map(String::from));
                }
            }
        }
        let text = lossy(message.raw());
        for (before, until) in [
            ("branch=z9hG4bK", ";, \r\n"),
            ("tag=", ";, \r\n>"),
            ("nonce=\"", "\""),
            ("response=\"", "\""),
            ("username=\"", "\""),
            ("realm=\"", "\""),
            ("inline:", "| \r\n"),
            ("ice-pwd:", " \r\n"),
            ("ice-ufrag:", " \r\n"),
            ("+sip.instance=\"", "\""),
            ("cname:", " \r\n"),
        ] {
            for (at, _) in text.match_indices(before) {
                let rest = &text[at + before.len()..];
                self.0.push(
                    rest.split(|it| until.contains(it))
                        .next()
                        .unwrap_or_default()
                        .to_owned(),
                );
            }
        }
        for line in text.lines() {
            let name = line
                .split(':')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            if matches!(&*name, "from" | "to" | "contact" | "f" | "t" | "m")
                && let Some((display, _)) = line[name.len() + 1..].split_once('<')
            {
                self.0.push(display.trim().trim_matches('"').to_owned());
            }
        }
        for word in text.split(|it: char| !(it.is_ascii_digit() || it == '.')) {
            if word.parse::<Ipv4Addr>().is_ok() {
                self.0.push(word.to_owned());
            }
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What names nobody in particular (docs/redaction.md), and words that the report has anyway.
const NOBODY: &[&str] = &[
    "anonymous",
    "unknown",
    "127.0.0.1",
    "0.0.0.0",
    "::1",
    "localhost",
    "anonymous.invalid",
    "asterisk",
    "sipp",
    "service",
    "test",
    "SIPp",
    "sip",
    "http",
    "https",
    // Names in cases, and words of what is said of them.
    "changed",
    "ping",
    "trunk",
];

fn is_telling(name: &str) -> bool {
    name.len() >= 4
        && !NOBODY.iter().any(|it| it.eq_ignore_ascii_case(name))
        && !name.starts_with("127.")
        && name.bytes().any(|it| it.is_ascii_alphanumeric())
        && !name.bytes().all(|it| matches!(it, b'0' | b'-'))
}

const FORMATS: [Format; 8] = [
    Format::Table,
    Format::Json,
    Format::Ndjson,
    Format::Csv,
    Format::Markdown,
    Format::Html,
    Format::Flow,
    Format::Mermaid,
];

#[test]
fn nothing_that_was_captured_is_shown_in_any_format() {
    let mut complaints = String::new();
    for (name, packets, facts) in cases() {
        let plain = names(&packets, &facts, Options::default());
        let hidden = names(&packets, &facts, redacting().0);
        let stands: BTreeSet<&String> = hidden.iter().collect();
        // Of what nothing closes, fields may be read otherwise.
        let alike = plain.len() == hidden.len();
        for (plain, hidden) in plain.iter().zip(&hidden).filter(|_| alike) {
            assert_eq!(plain.len(), hidden.len(), "{name}: {plain} {hidden}");
            if plain == hidden && is_telling(plain) {
                let _ = writeln!(complaints, "{name}: {plain} stays");
            }
        }
        let telling: BTreeSet<&String> = plain
            .iter()
            .filter(|it| is_telling(it) && !stands.contains(it) && !is_own_word(it))
            .collect();
        for format in FORMATS {
            let out = render(format, &packets, &facts, redacting().0, Language::English);
            // The script of the page counts with numbers of its own.
            let out = out.replace(include_str!("../src/report/html/script.js").trim(), "");
            for name_shown in telling.iter().filter(|it| has_word(&out, it)) {
                let at = out.find(name_shown.as_str()).unwrap_or(0);
                let near: String = out[..at]
                    .chars()
                    .rev()
                    .take(60)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                    .collect();
                let _ = writeln!(
                    complaints,
                    "{name}: {name_shown} in {format:?} behind {near:?}"
                );
            }
        }
    }
    assert!(
        complaints.is_empty(),
        "\n{}",
        &complaints[..complaints.len().min(20_000)]
    );
}

/// Whether sipdiag's own words have it, as an account that is called `trunk`: then it tells nobody.
fn is_own_word(name: &str) -> bool {
    let mut rules = sipdiag::rules::RULES.iter();
    name.bytes().all(|it| it.is_ascii_alphabetic()) && rules.any(|it| has_word(it.words, name))
}

fn has_word(text: &str, word: &str) -> bool {
    let part = |it: Option<char>| it.is_some_and(|it| it.is_ascii_alphanumeric() || it == '.');
    text.match_indices(word).any(|(at, _)| {
        !part(text[..at].chars().next_back())
            && !part(
                text[at + word.len()..]
                    .chars()
                    .next()
                    .filter(|it| *it != '.'),
            )
    })
}

#[test]
fn two_runs_are_the_same_and_the_words_of_a_language_change_nothing() {
    let (_, packets, facts) = captures_read()
        .into_iter()
        .find(|(name, ..)| name.contains("118-b2bua"))
        .unwrap();
    let run = |language| render(Format::Ndjson, &packets, &facts, redacting().0, language);
    assert_eq!(run(Language::English), run(Language::English));
    for language in Language::ALL {
        let telling = names(&packets, &facts, Options::default());
        let stands = names(&packets, &facts, redacting().0);
        let out = render(Format::Table, &packets, &facts, redacting().0, language);
        for name in telling
            .iter()
            .filter(|it| is_telling(it) && !stands.contains(it))
        {
            assert!(!has_word(&out, name), "{name} {language:?}");
        }
    }
}

type Case = (String, Vec<FlowPacket>, CaptureFacts);

/// Every seventh flow, and all captures; `EVERY_FLOW=1 cargo test --test redact` takes all, which takes six times as long.
fn cases() -> Vec<Case> {
    let step = std::env::var_os("EVERY_FLOW").map_or(7, |_| 1);
    let of_flows = flows().into_iter().step_by(step).map(|path| {
        let flow = Flow::read(&path);
        (path.display().to_string(), flow.packets, flow.facts)
    });
    of_flows.chain(captures_read()).collect()
}

fn captures_read() -> Vec<Case> {
    captures()
        .into_iter()
        .filter_map(|path| {
            let mut source = open_files(std::slice::from_ref(&path), None).unwrap();
            let mut packets = Vec::new();
            loop {
                match source.next() {
                    Ok(Next::Packet(packet)) => {
                        if packet.link_type != LinkType::ETHERNET {
                            return None;
                        }
                        packets.push(FlowPacket {
                            line: 0,
                            ends: None,
                            time: packet.time.as_nanos() - EPOCH,
                            original_len: packet.original_len,
                            data: packet.data.to_vec(),
                        });
                    }
                    Ok(Next::End) | Err(_) => break,
                    Ok(_) => {}
                }
            }
            Some((path.display().to_string(), packets, source.facts()))
        })
        .collect()
}

/// When cases begin: 2026-01-01T00:00:00Z.
const EPOCH: i64 = 1_767_225_600_000_000_000;

fn names(packets: &[FlowPacket], facts: &CaptureFacts, options: Options) -> Vec<String> {
    run_packets(packets, facts, options, Names::default()).1.0
}

fn render(
    format: Format,
    packets: &[FlowPacket],
    facts: &CaptureFacts,
    options: Options,
    language: Language,
) -> String {
    let settings = Settings {
        catalogue: Catalogue::new(language),
        records: RecordKind::ALL.to_vec(),
        all: true,
        width: 400,
        alert_width: None,
        color: false,
        bidi: Bidi::Plain,
        live: false,
        aliases: Aliases::default(),
        raw: true,
        stuck_after: options.thresholds.stuck_after,
        workers: sipdiag::workers::Workers::default(),
    };
    let renderer = Renderer::new(format, settings, Vec::new());
    let (report, renderer) = run_packets(packets, facts, options, renderer);
    String::from_utf8(renderer.finish(&report).unwrap()).unwrap()
}

fn run_packets<O: Observer>(
    packets: &[FlowPacket],
    facts: &CaptureFacts,
    options: Options,
    observer: O,
) -> (Report, O) {
    let mut engine = Engine::new(options, observer);
    for (packet, number) in packets.iter().zip(1..) {
        engine.packet(&Packet {
            frame: FrameNumber(number),
            time: Timestamp::from_nanos(EPOCH + packet.time),
            link_type: LinkType::ETHERNET,
            interface: 0,
            original_len: packet.original_len,
            data: &packet.data,
        });
    }
    engine.finish(facts.clone())
}

/// What cannot be written so that nobody is named: handshakes, and over what came what was opened.
const NOT_IN_PACKETS: &[&str] = &[
    "tls-handshake-failed",
    "capture-encrypted-sip",
    "capture-no-sip",
    "wrong-transport",
];

#[test]
fn packets_that_were_redacted_are_whole_and_give_the_same_findings_and_names() {
    let folder = tempfile::tempdir().unwrap();
    let written = folder.path().join("r.pcapng");
    let mut complaints = String::new();
    for path in captures() {
        let name = path.display().to_string();
        let mut args = vec!["-w".into(), written.clone().into_os_string()];
        for (extension, option) in [("keys", "--keylog"), ("key", "--tls-key")] {
            let secrets = path.with_extension(extension);
            if secrets.exists() {
                args.extend([option.into(), secrets.into_os_string()]);
            }
        }
        let _ = std::fs::remove_file(&written);
        findings(&path, &args);
        let secrets: Vec<_> = args.iter().skip(2).cloned().collect();
        let before = findings(&written, &secrets);
        args.push("--redact".into());
        findings(&path, &args);
        let bytes = std::fs::read(&written).unwrap();
        if bytes.len() < 64 {
            continue;
        }
        let after = findings(&written, &[]);
        if before != after {
            let _ = writeln!(complaints, "{name}:\n  - {before:?}\n  + {after:?}");
        }
        let plain = observe(&path, Options::default(), Names::default()).1.0;
        let stands = observe(&path, redacting().0, Names::default()).1.0;
        let again = observe(&written, Options::default(), Names::default()).1.0;
        let [stands_set, again]: [BTreeSet<&String>; 2] =
            [stands.iter().collect(), again.iter().collect()];
        if stands_set != again {
            let differing: Vec<_> = stands_set.symmetric_difference(&again).take(6).collect();
            let _ = writeln!(
                complaints,
                "{name}: other names in the packets: {differing:?}"
            );
        }
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        for it in plain
            .iter()
            .filter(|it| is_telling(it) && !stands_set.contains(it))
        {
            if has_word(&text, it) {
                let _ = writeln!(complaints, "{name}: {it} in the packets");
            }
        }
        let mut source = open_files(std::slice::from_ref(&written), None).unwrap();
        let captured: BTreeSet<Ipv4Addr> = (plain
            .iter()
            .filter(|it| is_telling(it) && !stands_set.contains(it)))
        .filter_map(|it| it.parse().ok())
        .collect();
        while let Next::Packet(packet) = source.next().unwrap() {
            if packet.link_type == LinkType::RAW && packet.data[0] >> 4 == 4 {
                let ends = packet.data[12..20]
                    .chunks(4)
                    .map(|it| Ipv4Addr::new(it[0], it[1], it[2], it[3]));
                for it in ends.filter(|it| captured.contains(it)) {
                    let _ = writeln!(complaints, "{name}: {it} in a header");
                }
            }
            if packet.link_type == LinkType::RAW
                && packet.original_len as usize == packet.data.len()
                && !is_sound(packet.data)
            {
                let _ = writeln!(
                    complaints,
                    "{name}: packet {} has a wrong checksum or length",
                    packet.frame.0
                );
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

/// The findings by name, with how many packets each cites.
fn findings(path: &Path, args: &[std::ffi::OsString]) -> Vec<String> {
    let records = records(path, args);
    let mut all: Vec<String> = records
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|it| it["record"] == "finding")
        .map(|it| {
            format!(
                "{} {}",
                it["name"].as_str().unwrap(),
                it["frames"].as_array().map_or(0, Vec::len)
            )
        })
        .filter(|it| !NOT_IN_PACKETS.iter().any(|name| it.starts_with(name)))
        .collect();
    all.sort();
    all
}

fn records(path: &Path, args: &[std::ffi::OsString]) -> String {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("sipdiag"))
        .arg("read")
        .arg(path)
        .args(args)
        .args(["--format", "ndjson", "--no-config", "-q"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Whether the lengths and checksums of a packet that begins with an IP header are right.
fn is_sound(data: &[u8]) -> bool {
    let sum = |parts: &[&[u8]]| {
        let mut sum: u32 = 0;
        for part in parts {
            for pair in part.chunks(2) {
                sum += u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]));
            }
        }
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum == 0xffff
    };
    let (protocol, ends, rest, fragmented) = if data[0] >> 4 == 4 {
        let len = usize::from(u16::from_be_bytes([data[2], data[3]]));
        if len != data.len() || !sum(&[&data[..20]]) {
            return false;
        }
        let fragmented = u16::from_be_bytes([data[6], data[7]]) & 0x3fff != 0;
        (data[9], &data[12..20], &data[20..], fragmented)
    } else {
        let len = usize::from(u16::from_be_bytes([data[4], data[5]]));
        if len + 40 != data.len() {
            return false;
        }
        (data[6], &data[8..40], &data[40..], data[6] == 44)
    };
    if fragmented {
        return true;
    }
    let len = u32::try_from(rest.len()).unwrap().to_be_bytes();
    match protocol {
        17 if usize::from(u16::from_be_bytes([rest[4], rest[5]])) != rest.len() => false,
        1 => sum(&[rest]),
        _ => sum(&[rest, ends, &len, &[0, protocol]]),
    }
}

/// Whatever comes, cut anywhere: as many bytes, and read as what it was.
#[test]
fn what_stands_for_a_message_is_as_long_and_read_alike() {
    for path in below(&Path::new(FIXTURES).join("rfc4475"), "dat") {
        let bytes = std::fs::read(&path).unwrap();
        for len in (0..bytes.len()).step_by(11).chain([bytes.len()]) {
            let (part, redactor) = (&bytes[..len], Redactor::default());
            let hidden = redactor.message(part);
            assert_eq!(hidden.len(), part.len(), "{}", path.display());
            let carrier = Carrier {
                cut: len < bytes.len(),
                stream: false,
            };
            let read = [part, &hidden[..]].map(|it| Message::parse(it, carrier));
            // What is no code is a number of somebody.
            let code = |it: &Message| it.status().filter(|code| *code < 1000);
            let odd = read.map(|it| it.map(|it| (it.via_count(), it.is_cut(), code(&it))));
            assert_eq!(odd[0], odd[1], "{} of {len} bytes", path.display());
            assert_eq!(
                redactor.captured_message(&hidden).len(),
                part.len(),
                "{}",
                path.display()
            );
        }
    }
}

/// A name in a field that comes before the one that says whose it is.
#[test]
fn copies_of_a_message_stay_copies() {
    let text = b"INVITE sip:bob@example.com SIP/2.0\r\nX-Account: wonder 4711\r\nX-Place: pbx.example.net\r\n\
        From: <sip:wonder@example.com>;tag=a\r\nTo: <sip:4711@pbx.example.net>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n";
    let redactor = Redactor::default();
    assert_eq!(
        lossy(&redactor.message(text)),
        lossy(&redactor.message(text))
    );
}

#[derive(Default)]
struct Raw(Vec<Arc<Message>>);

impl Observer for Raw {
    fn message(&mut self, seen: &SeenMessage<'_>, _: Placement) {
        self.0.push(Arc::clone(seen.arrival.message));
    }
}

/// What a selection asks for, and what passwords are tested on.
#[test]
fn who_knows_the_run_finds_the_way_back() {
    for path in captures() {
        let messages = observe(&path, Options::default(), Raw::default()).1.0;
        let redactor = Redactor::default();
        for message in messages {
            let hidden = redactor.message(message.raw());
            let carrier = Carrier {
                cut: message.is_cut(),
                stream: false,
            };
            let back = Message::parse(&redactor.captured_message(&hidden), carrier).unwrap();
            for header in [
                HeaderName::From,
                HeaderName::To,
                HeaderName::CallId,
                HeaderName::Via,
                HeaderName::Contact,
                HeaderName::Authorization,
                HeaderName::ProxyAuthorization,
                HeaderName::WwwAuthenticate,
                HeaderName::Route,
                HeaderName::RecordRoute,
            ] {
                let values = |it: &Message| -> Vec<String> {
                    it.headers(header).map(|value| lossy(&value)).collect()
                };
                assert_eq!(values(&back), values(&message), "{}", path.display());
            }
        }
    }
}

#[test]
fn media_can_be_measured_and_not_heard() {
    let folder = tempfile::tempdir().unwrap();
    let [capture, written] = ["media.pcap", "out.pcapng"].map(|it| folder.path().join(it));
    let flow = Flow::parse("media", &support::media::calls());
    std::fs::write(&capture, flow.pcap()).unwrap();
    for redact in [false, true] {
        let mut args: Vec<std::ffi::OsString> = ["-w", written.to_str().unwrap(), "--with-media"]
            .map(Into::into)
            .to_vec();
        args.extend(redact.then(|| "--redact".into()));
        records(&capture, &args);
        let mut source = open_files(std::slice::from_ref(&written), None).unwrap();
        let (mut count, mut sound) = (0, 0);
        while let Next::Packet(packet) = source.next().unwrap() {
            count += 1;
            sound += usize::from(packet.link_type == LinkType::RAW && is_sound(packet.data));
        }
        assert_eq!(count, 16, "redact: {redact}");
        assert_eq!(sound, if redact { count } else { 0 });
        let bytes = std::fs::read(&written).unwrap();
        let is_heard = bytes.windows(8).any(|it| it == [SPEECH; 8]);
        assert_eq!(is_heard, !redact);
    }
}

#[test]
fn the_log_has_what_stands_for_what_was_captured() {
    let mut complaints = String::new();
    for path in captures() {
        let plain = observe(&path, Options::default(), Names::default()).1.0;
        let stands = observe(&path, redacting().0, Names::default()).1.0;
        let stands: BTreeSet<&String> = stands.iter().collect();
        let output = Command::new(assert_cmd::cargo::cargo_bin!("sipdiag"))
            .args(["read", "-vvv", "--redact", "--no-config"])
            .arg(&path)
            .output()
            .unwrap();
        assert_eq!(output.status.code().map(|it| it & !4), Some(0));
        let log = lossy(&output.stderr);
        assert!(log.contains(" SIP messages "), "{log}");
        let telling = plain
            .iter()
            .filter(|it| is_telling(it) && !stands.contains(it));
        for name in telling.filter(|it| has_word(&log, it)) {
            let _ = writeln!(complaints, "{}: {name}", path.display());
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn what_is_asked_for_is_what_was_captured() {
    let path = Path::new(FIXTURES).join("captures/118-b2bua-callee-down.pcap");
    let plain = observe(&path, Options::default(), Names::default()).1.0;
    let (address, call_id) = (&plain[0], &plain[2]);
    let user = &plain[3];
    for (option, value) in [
        ("--host", address),
        ("--call-id", call_id),
        ("--from", user),
    ] {
        let asked: Vec<std::ffi::OsString> = vec![option.into(), value.into()];
        let with: Vec<_> = asked.iter().cloned().chain(["--redact".into()]).collect();
        let (one, other) = (records(&path, &asked), records(&path, &with));
        let calls = |records: &str| records.matches("\"record\":\"call\"").count();
        assert!(calls(&one) > 0, "{option} {value}");
        assert_eq!(calls(&one), calls(&other), "{option} {value}");
        assert!(
            other.contains(&format!("\"criteria\":\"{option} …\"")),
            "{other}"
        );
        assert!(!has_word(&other, value), "{option} {value}");
        assert!(other.contains("\"redacted\":true") && !one.contains("\"redacted\""));
        assert!(other.contains("\"capture-1.pcap\"") && !other.contains("118-b2bua"));
    }
}
