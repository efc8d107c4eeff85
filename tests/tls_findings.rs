//! What is found of recorded connections (`fixtures/tls`) when they are those of a SIP server: the refused ones failed, all
//! others cannot be read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use sipdiag::capture::{CaptureFacts, FrameNumber, LinkType, Packet};
use sipdiag::engine::{Engine, Options};
use sipdiag::rules::{Fact, Finding};
use sipdiag::time::Timestamp;
use std::path::Path;
use support::packet::{Endpoints, Segment, packet};

/// The connections in which one end refuses the other, with who does and how.
const REFUSED: [(&str, &str, &str); 4] = [
    ("tls12-no-shared-cipher", "server", "handshake_failure"),
    ("tls12-unknown-ca", "client", "unknown_ca"),
    ("tls13-protocol-version", "server", "protocol_version"),
    // OpenSSL sends it in clear when it has not changed its keys yet.
    ("tls13-unknown-ca", "client", "unknown_ca"),
];

/// To the port of SIP, with the end of TCP behind it.
fn findings(name: &str, with_keylog: bool) -> Vec<Finding> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/tls")
        .join(name);
    let text = std::fs::read_to_string(path.with_extension("txt")).unwrap();
    let [client, server] = ["192.0.2.10:40000", "192.0.2.20:5061"].map(|it| it.parse().unwrap());
    let mut engine = Engine::new(Options::default(), ());
    let mut sequences = [1000, 5000];
    let mut number = 0;
    let mut packets = Vec::new();
    let mut send = |of_server: bool, bytes: &[u8], syn: bool, fin: bool| {
        let (src, dst) = if of_server {
            (server, client)
        } else {
            (client, server)
        };
        let ends = Endpoints {
            src,
            dst,
            tcp: true,
        };
        let segment = Segment {
            sequence: sequences[usize::from(of_server)],
            acknowledges: (!syn || of_server).then_some(sequences[usize::from(!of_server)]),
            syn,
            fin,
            rst: false,
        };
        sequences[usize::from(of_server)] +=
            u32::try_from(bytes.len()).unwrap() + u32::from(syn || fin);
        let data = packet(ends, 0, segment, bytes);
        number += 1;
        packets.push((number, data));
    };
    send(false, &[], true, false);
    send(true, &[], true, false);
    for line in text.lines() {
        let (word, hex) = line.split_once(' ').unwrap();
        if word == "keylog" && with_keylog {
            engine.secrets_mut().add_keylog(hex.as_bytes());
        }
        if let "client" | "server" = word {
            let digits: Vec<_> = hex.chars().map(|it| it.to_digit(16).unwrap()).collect();
            let bytes = digits
                .chunks(2)
                .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap());
            let bytes: Vec<_> = bytes.collect();
            for piece in bytes.chunks(1400) {
                send(word == "server", piece, false, false);
            }
        }
    }
    send(false, &[], false, true);
    send(true, &[], false, true);
    for (number, data) in packets {
        engine.packet(&Packet {
            frame: FrameNumber(number),
            time: Timestamp::from_parts(i64::try_from(number).unwrap(), 0),
            link_type: LinkType::ETHERNET,
            interface: 0,
            original_len: u32::try_from(data.len()).unwrap(),
            data: &data,
        });
    }
    let mut found = engine.finish(CaptureFacts::default()).0.findings;
    // What was said inside is as short as can be.
    found.retain(|it| !it.rule.code.starts_with("MSG"));
    found
}

#[test]
fn refused_connections_failed_and_all_others_are_encrypted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls");
    let mut seen = 0;
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "txt") {
            continue;
        }
        seen += 1;
        let name = path.file_stem().unwrap().to_str().unwrap();
        let found = findings(name, false);
        let names: Vec<_> = found.iter().map(|it| it.rule.name).collect();
        let Some((_, by, how)) = REFUSED.iter().find(|(it, ..)| *it == name) else {
            assert_eq!(names, ["capture-encrypted-sip"], "{name}");
            continue;
        };
        assert_eq!(names, ["tls-handshake-failed"], "{name}");
        let finding = &found[0];
        assert_eq!(finding.get("refused_by"), Some(&Fact::from(*by)), "{name}");
        let told = finding.variant == Some(how) || finding.get("alert") == Some(&Fact::from(*how));
        assert!(told, "{name}: {finding:?}");
    }
    assert!(seen > 40);
}

/// In TLS 1.3 the client is ready before the server has seen its certificate, and what the server says to that is encrypted.
#[test]
fn with_a_key_log_the_refusal_of_a_client_without_certificate_is_read() {
    let found = findings("tls13-no-client-certificate", true);
    let [finding] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(finding.variant, Some("client-certificate-missing"));
    let alert = Fact::from("certificate_required");
    assert_eq!(finding.get("alert"), Some(&alert));
    assert_eq!(finding.get("refused_by"), Some(&Fact::from("server")));
    // The same connection with its certificate.
    let found = findings("tls13-client-certificate", true);
    assert!(
        found.iter().all(|it| it.rule.name == "capture-no-sip"),
        "{found:?}"
    );
}
