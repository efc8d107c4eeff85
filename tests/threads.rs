//! Any number of threads gives the same answer, to the byte.
#![allow(clippy::unwrap_used, missing_docs)]

use assert_cmd::cargo::cargo_bin_cmd;
use etherparse::PacketBuilder;
use sipdiag::capture::{Next, Source, open_files};
use sipdiag::engine::{Engine, Options, Report};
use std::path::Path;

const EVERY_RECORD: &str = "capture,message,transaction,call,registration,finding,summary";

fn answer(file: &Path, threads: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let run = cargo_bin_cmd!("sipdiag")
        .args(["read", "--threads", threads, "--no-config", "--lang", "en"])
        .args(more)
        .arg(file)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (run.status.code(), text(run.stdout), text(run.stderr))
}

#[test]
fn one_thread_and_several_write_the_same() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        for more in [
            &["--format", "ndjson", "--records", EVERY_RECORD][..],
            &["--all", "--color", "always"],
            &["--all", "--redact"],
        ] {
            let one = answer(&file, "1", more);
            for threads in ["2", "3", "8"] {
                assert_eq!(one, answer(&file, threads, more), "{}", file.display());
            }
        }
        files += 1;
    }
    assert!(files > 20, "{files} captures");
}

#[test]
fn who_reads_ahead_may_leave_to_the_other_what_messages_tell() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures");
    let mut passing = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        // What is no capture has nothing to read.
        let Ok(mut source) = open_files(std::slice::from_ref(&file), None) else {
            continue;
        };
        let mut alone = Engine::new(Options::default(), ());
        let mut engine = Engine::new(Options::default(), ());
        let mut intake = engine.lend_intake().unwrap();
        for step in 0.. {
            match source.next().unwrap() {
                Next::Packet(packet) => {
                    intake.only_read(step % 3 > 0);
                    alone.packet(&packet);
                    let prepared = intake.packet(&packet);
                    match prepared.passing() {
                        Some(brief) if step % 2 > 0 => {
                            passing += 1;
                            engine.passing(&[brief]);
                        }
                        _ => engine.prepared(prepared),
                    }
                    while let Some(next) = intake.next_in_order() {
                        engine.in_order(next);
                    }
                }
                Next::End => break,
                _ => {}
            }
        }
        engine.take_intake(intake);
        let one = told(&alone.finish(source.facts()).0);
        let other = told(&engine.finish(source.facts()).0);
        assert_eq!(one, other, "{}", file.display());
    }
    assert!(passing > 10, "{passing} packets without SIP");
}

fn told(report: &Report) -> String {
    let findings = report.findings.iter();
    let findings: Vec<_> = findings
        .map(|it| (it.rule.name, it.time, &it.frames, &it.facts))
        .collect();
    let summary = &report.summary;
    let counts = (
        summary.counts.packets,
        summary.counts.sip_messages,
        summary.not_sip_packets,
        summary.transactions,
        &summary.responses,
    );
    format!("{findings:#?} {counts:?} {:?}", report.last_time)
}

#[test]
fn a_long_capture_of_streams_reads_the_same_and_is_extracted_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.pcap");
    std::fs::write(&file, streams_and_datagrams(2_000)).unwrap();
    let extracted = |threads: &str, more: &[&str]| {
        let into = folder.path().join("extract.pcapng");
        let mut all = vec!["-w", into.to_str().unwrap()];
        all.extend(more);
        let told = answer(&file, threads, &all);
        (told, std::fs::read(&into).unwrap())
    };
    for more in [
        &["--format", "ndjson", "--records", EVERY_RECORD][..],
        &["--all", "--redact"],
    ] {
        let (one, packets) = extracted("1", more);
        // Each message of the stream is in two segments.
        let messages = one.1.matches("\"record\":\"message\"").count();
        assert!(
            messages == 4_000 || more.contains(&"--redact"),
            "{messages}"
        );
        assert!(packets.len() > 100_000, "{}", packets.len());
        for threads in ["2", "8"] {
            let (several, again) = extracted(threads, more);
            assert!(one == several, "{threads} threads say something else");
            assert!(packets == again, "{threads} threads extract other packets");
        }
        assert!(one.1 == answer(&file, "2", more).1, "without an extract");
    }
}

/// So many requests in one stream, each cut in two, with a datagram behind each: several times what changes hands at once.
fn streams_and_datagrams(requests: u32) -> Vec<u8> {
    let mut pcap = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1_u32] {
        pcap.extend_from_slice(&word.to_le_bytes());
    }
    let mut micros = 0;
    let mut put = |packet: &[u8]| {
        micros += 700;
        let len = u32::try_from(packet.len()).unwrap();
        for word in [
            1_700_000_000 + micros / 1_000_000,
            micros % 1_000_000,
            len,
            len,
        ] {
            pcap.extend_from_slice(&word.to_le_bytes());
        }
        pcap.extend_from_slice(packet);
    };
    let ip = || {
        PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]).ipv4(
            [192, 0, 2, 1],
            [192, 0, 2, 2],
            64,
        )
    };
    let request = |number: u32, transport: &str| {
        format!(
            "OPTIONS sip:b@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/{transport} 192.0.2.1;branch=z9hG4bK{transport}{number}\r\n\
             From: <sip:a@192.0.2.1>;tag=1\r\nTo: <sip:b@192.0.2.2>\r\nCall-ID: {transport}{number}@192.0.2.1\r\n\
             CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
    };
    let mut sequence = 1;
    for number in 0..requests {
        let text = request(number, "TCP");
        let (head, tail) = text.split_at(text.len() / 2);
        for piece in [head, tail] {
            let mut packet = Vec::new();
            let segment = ip().tcp(40_000, 5060, sequence, 65_000).ack(1).psh();
            segment.write(&mut packet, piece.as_bytes()).unwrap();
            sequence += u32::try_from(piece.len()).unwrap();
            put(&packet);
        }
        let mut packet = Vec::new();
        let datagram = ip().udp(5060, 5060);
        let text = request(number, "UDP");
        datagram.write(&mut packet, text.as_bytes()).unwrap();
        put(&packet);
    }
    pcap
}
