//! TLS connections between OpenSSL's own client and server are opened, and what they show is read (`fixtures/tls`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use sipdiag::capture::{FrameNumber, Sighting};
use sipdiag::reassembly::tls::{Keylog, Secrets, Tls, TlsFacts, Unreadable};
use sipdiag::reassembly::{Opened, Side};
use sipdiag::time::Timestamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A recorded connection.
#[derive(Clone, Default)]
struct Transcript {
    keylog: String,
    /// What was sent, in order: by whom, and the bytes.
    sent: Vec<(Side, Vec<u8>)>,
    /// What it says in clear.
    plain: BTreeMap<Side, Vec<u8>>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls")
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn transcript(name: &str) -> Transcript {
    let path = folder().join(name).with_extension("txt");
    let text =
        std::fs::read_to_string(&path).unwrap_or_else(|it| panic!("{}: {it}", path.display()));
    let mut found = Transcript::default();
    for line in text.lines() {
        match line.split_once(' ').unwrap() {
            ("#", _) => {}
            ("keylog", it) => found.keylog.extend([it, "\n"]),
            ("client", it) => found.sent.push((Side::Opener, hex(it))),
            ("server", it) => found.sent.push((Side::Acceptor, hex(it))),
            ("plain-client", it) => {
                found.plain.insert(Side::Opener, hex(it));
            }
            ("plain-server", it) => {
                found.plain.insert(Side::Acceptor, hex(it));
            }
            other => panic!("{other:?}"),
        }
    }
    found
}

fn names() -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|it| it.unwrap().path())
        .filter(|it| it.extension().is_some_and(|it| it == "txt"))
        .map(|it| it.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert!(names.len() > 40, "{names:?}");
    names
}

fn at(frame: usize) -> Sighting {
    Sighting {
        frame: FrameNumber(u64::try_from(frame).unwrap()),
        time: Timestamp::from_nanos(i64::try_from(frame).unwrap()),
    }
}

fn by_side(opened: &[Opened]) -> BTreeMap<Side, Vec<u8>> {
    let mut sides = BTreeMap::<_, Vec<u8>>::new();
    for it in opened {
        sides.entry(it.side).or_default().extend(&it.bytes);
    }
    sides
}

fn feed(tls: &mut Tls, sent: &[(Side, Vec<u8>)], secrets: &mut Secrets) -> Vec<Opened> {
    let mut out = Vec::new();
    for (number, (side, bytes)) in sent.iter().enumerate() {
        tls.bytes(*side, bytes, at(number + 1), secrets, &mut out);
    }
    out
}

fn with_keylog(text: &str) -> Secrets {
    let mut secrets = Secrets::new();
    secrets.add_keylog(text.as_bytes());
    secrets
}

fn with_key() -> Secrets {
    let mut secrets = Secrets::new();
    let pem = std::fs::read(folder().join("rsa.key")).unwrap();
    secrets.add_rsa_key(&pem).unwrap();
    secrets
}

fn open(name: &str) -> (BTreeMap<Side, Vec<u8>>, TlsFacts) {
    let it = transcript(name);
    let mut tls = Tls::new();
    let opened = feed(&mut tls, &it.sent, &mut with_keylog(&it.keylog));
    (by_side(&opened), tls.facts().clone())
}

fn opaque(name: &str) -> TlsFacts {
    let it = transcript(name);
    let mut tls = Tls::new();
    assert!(feed(&mut tls, &it.sent, &mut Secrets::new()).is_empty());
    tls.facts().clone()
}

/// The connections in which the client learns nothing it likes, so that nothing is said.
const REFUSED: [&str; 5] = [
    "tls12-no-shared-cipher",
    "tls12-unknown-ca",
    "tls13-no-client-certificate",
    "tls13-protocol-version",
    "tls13-unknown-ca",
];

const WITH_RSA: [&str; 7] = [
    "tls10-rsa-no-ems",
    "tls11-rsa-aes128-sha",
    "tls12-rsa",
    "tls12-rsa-no-ems",
    "tls12-rsa-cbc-sha256",
    "tls12-resumed-id-1",
    "tls12-resumed-ticket-1",
];

#[test]
fn every_recorded_connection_is_opened_with_its_key_log() {
    for name in names() {
        let (opened, facts) = open(&name);
        assert_eq!(opened, transcript(&name).plain, "{name}: {facts:#?}");
        assert_eq!(facts.unreadable, None, "{name}: {facts:#?}");
        let lost = (facts.bad_records, facts.gaps, facts.records_let_go);
        assert_eq!(lost, (0, 0, 0), "{name}: {facts:#?}");
        assert_eq!(opened.is_empty(), REFUSED.contains(&&*name), "{name}");
        // In TLS 1.3 the client has done its part before the server says that it wants a certificate.
        let complete = !opened.is_empty() || name == "tls13-no-client-certificate";
        assert_eq!(facts.complete.is_some(), complete, "{name}: {facts:#?}");
        assert_eq!(facts.suspected_alert, None, "{name}");
    }
}

#[test]
fn connections_with_rsa_key_exchange_are_opened_with_the_key_of_the_server() {
    for name in WITH_RSA {
        let it = transcript(name);
        let mut tls = Tls::new();
        let opened = feed(&mut tls, &it.sent, &mut with_key());
        assert_eq!(by_side(&opened), it.plain, "{name}: {:#?}", tls.facts());
        assert_eq!(tls.facts().unreadable, None, "{name}");
    }
}

#[test]
fn a_resumed_session_is_opened_with_the_key_when_its_first_connection_was() {
    for name in ["tls12-resumed-id", "tls12-resumed-ticket"] {
        let (first, second) = (
            transcript(&format!("{name}-1")),
            transcript(&format!("{name}-2")),
        );
        let mut secrets = with_key();
        feed(&mut Tls::new(), &first.sent, &mut secrets);
        let mut tls = Tls::new();
        let opened = feed(&mut tls, &second.sent, &mut secrets);
        assert_eq!(by_side(&opened), second.plain, "{name}: {:#?}", tls.facts());
        assert!(tls.facts().resumed);
        assert_eq!(tls.facts().certificate, None);

        let mut alone = Tls::new();
        assert!(feed(&mut alone, &second.sent, &mut with_key()).is_empty());
        assert_eq!(alone.facts().unreadable, Some(Unreadable::NoSecrets));
        assert!(alone.facts().resumed);
    }
}

#[test]
fn a_key_that_cannot_help_is_told_from_one_that_is_missing() {
    let reason = |name: &str, secrets: &mut Secrets| {
        let mut tls = Tls::new();
        assert!(feed(&mut tls, &transcript(name).sent, secrets).is_empty());
        tls.facts().unreadable
    };
    let mut other = Secrets::new();
    let pem = std::fs::read(folder().join("other-rsa.key")).unwrap();
    other.add_rsa_key(&pem).unwrap();
    assert_eq!(
        reason("tls12-rsa", &mut other),
        Some(Unreadable::KeyOfAnotherCertificate)
    );
    for name in ["tls12-aes128-gcm", "tls13-aes128-gcm"] {
        let found = reason(name, &mut with_key());
        assert_eq!(found, Some(Unreadable::KeyExchangeNotRsa), "{name}");
    }
    for name in ["tls12-rsa", "tls12-aes128-gcm", "tls13-aes128-gcm"] {
        let found = reason(name, &mut Secrets::new());
        assert_eq!(found, Some(Unreadable::NoSecrets), "{name}");
    }
}

#[test]
fn a_wrong_secret_gives_bad_records_and_no_text() {
    for name in names() {
        let it = transcript(&name);
        let wrong: String = it
            .keylog
            .lines()
            .map(|line| {
                let (front, last) = line.split_at(line.len() - 1);
                [front, if last == "0" { "1" } else { "0" }, "\n"].concat()
            })
            .collect();
        let mut tls = Tls::new();
        let opened = feed(&mut tls, &it.sent, &mut with_keylog(&wrong));
        assert!(opened.is_empty(), "{name}");
        if !it.plain.is_empty() {
            let found = tls.facts().unreadable;
            assert_eq!(
                found,
                Some(Unreadable::BadRecord),
                "{name}: {:#?}",
                tls.facts()
            );
        }
    }
}

#[test]
fn secrets_that_come_late_open_what_was_kept_back_in_the_order_of_the_capture() {
    for name in names() {
        let it = transcript(&name);
        let mut early = Tls::new();
        let expected = feed(&mut early, &it.sent, &mut with_keylog(&it.keylog));
        let mut late = Tls::new();
        let mut secrets = Secrets::new();
        assert!(feed(&mut late, &it.sent, &mut secrets).is_empty());
        // The key log grows while the capture waits, at the worst places.
        let mut keylog = Keylog::new();
        let mut out = Vec::new();
        for piece in it.keylog.as_bytes().chunks(40) {
            let before = secrets.generation();
            keylog.feed(piece, &mut secrets);
            if secrets.generation() > before {
                late.retry(&mut secrets, &mut out);
            }
        }
        let sides = by_side(&out);
        assert_eq!(sides, it.plain, "{name}: {:#?}", late.facts());
        assert_eq!(late.facts().unreadable, None, "{name}");
        let mut again = Tls::new();
        feed(&mut again, &it.sent, &mut Secrets::new());
        let mut out = Vec::new();
        again.retry(&mut with_keylog(&it.keylog), &mut out);
        assert_eq!(out, expected, "{name}: all at once, in order");
    }
}

#[test]
fn nothing_is_kept_back_when_no_secrets_will_come() {
    let it = transcript("tls12-aes128-gcm");
    let mut secrets = Secrets::new();
    secrets.complete();
    let mut tls = Tls::new();
    feed(&mut tls, &it.sent, &mut secrets);
    assert_eq!(tls.facts().unreadable, Some(Unreadable::NoSecrets));
    secrets.add_keylog(it.keylog.as_bytes());
    let mut out = Vec::new();
    tls.retry(&mut secrets, &mut out);
    assert!(out.is_empty());
}

#[test]
fn any_split_of_the_stream_gives_the_same() {
    for name in names() {
        let it = transcript(&name);
        let run = |pieces: usize| {
            let mut tls = Tls::new();
            let mut secrets = with_keylog(&it.keylog);
            let mut out = Vec::new();
            for (number, (side, bytes)) in it.sent.iter().enumerate() {
                for piece in bytes.chunks(pieces) {
                    tls.bytes(*side, piece, at(number), &mut secrets, &mut out);
                }
            }
            (out, tls.facts().clone())
        };
        let whole = run(usize::MAX);
        for size in [1, 2, 3, 5, 7, 64, 1000] {
            assert_eq!(run(size), whole, "{name} in pieces of {size}");
        }
    }
}

#[test]
fn it_does_not_matter_which_direction_the_capture_brings_first() {
    for name in names() {
        let it = transcript(&name);
        // Which of two handshakes a message belongs to is known by the order alone.
        if name == "tls12-renegotiation" {
            continue;
        }
        for first in [Side::Opener, Side::Acceptor] {
            let mut sent = it.sent.clone();
            sent.sort_by_key(|(side, _)| *side != first);
            let mut tls = Tls::new();
            let opened = feed(&mut tls, &sent, &mut with_keylog(&it.keylog));
            assert_eq!(by_side(&opened), it.plain, "{name}: {:#?}", tls.facts());
            assert_eq!(tls.facts().unreadable, None, "{name}");
        }
    }
    for name in WITH_RSA {
        let it = transcript(name);
        let mut sent = it.sent.clone();
        sent.sort_by_key(|(side, _)| *side);
        let mut tls = Tls::new();
        let opened = feed(&mut tls, &sent, &mut with_key());
        assert_eq!(by_side(&opened), it.plain, "{name}: {:#?}", tls.facts());
    }
}

#[test]
fn a_capture_that_begins_later_says_so() {
    for name in names() {
        let it = transcript(&name);
        if it.plain.is_empty() {
            continue;
        }
        // From the server's answer on.
        let mut tls = Tls::new();
        let opened = feed(&mut tls, &it.sent[1..], &mut with_keylog(&it.keylog));
        // The ClientHello behind a HelloRetryRequest has the same random.
        if name != "tls13-hello-retry" {
            assert!(opened.is_empty());
            let found = tls.facts().unreadable;
            assert_eq!(found, Some(Unreadable::BeganBeforeCapture), "{name}");
        }
        // From the packet with the client's text on, and from the middle of a record.
        for cut in [0, 7] {
            let mut sent = it.sent[it.sent.len() - 3..].to_vec();
            sent[0].1.drain(..cut);
            let mut tls = Tls::new();
            let opened = feed(&mut tls, &sent, &mut with_keylog(&it.keylog));
            assert!(opened.is_empty());
            let found = tls.facts().unreadable;
            assert_eq!(
                found,
                Some(Unreadable::BeganBeforeCapture),
                "{name}: {:#?}",
                tls.facts()
            );
            assert_eq!(tls.facts().complete, None);
        }
    }
}

/// Whether all that was opened was really said.
fn assert_true(opened: &[Opened], it: &Transcript, what: &str) {
    for Opened { side, bytes, .. } in opened {
        let said = it.plain.get(side).map_or(&[][..], |it| it);
        assert!(
            said.windows(bytes.len()).any(|part| part == bytes),
            "{what}: {bytes:?}"
        );
    }
}

#[test]
fn behind_missing_bytes_reading_goes_on_or_says_why_not() {
    for name in names() {
        let it = transcript(&name);
        for missing in 0..it.sent.len() {
            for late in [false, true] {
                let mut tls = Tls::new();
                let mut secrets = with_keylog(if late { "" } else { &it.keylog });
                let mut out = Vec::new();
                for (number, (side, bytes)) in it.sent.iter().enumerate() {
                    if number == missing {
                        // The last bytes are there: what follows begins in the middle of a record.
                        tls.gap(*side);
                        let rest = &bytes[bytes.len().saturating_sub(9)..];
                        tls.bytes(*side, rest, at(number), &mut secrets, &mut out);
                    } else {
                        tls.bytes(*side, bytes, at(number), &mut secrets, &mut out);
                    }
                }
                secrets.add_keylog(it.keylog.as_bytes());
                tls.retry(&mut secrets, &mut out);
                assert_true(&out, &it, &name);
                let facts = tls.facts();
                assert_eq!(facts.gaps, 1);
                let said: usize = it.plain.values().map(Vec::len).sum();
                let opened: usize = out.iter().map(|it| it.bytes.len()).sum();
                // A gap behind the hellos costs what it holds and no more; in TLS 1.0 the record behind it too, which goes on
                // from the last block of the one that is missing. What two handshakes share is too much to ask for.
                let hellos = if name == "tls13-hello-retry" { 4 } else { 2 };
                if missing >= hellos
                    && said > 0
                    && !name.starts_with("tls10")
                    && name != "tls12-renegotiation"
                {
                    assert!(opened > 0, "{name} without {missing}: {facts:#?}");
                    let cost = it.plain[&it.sent[missing].0].len();
                    assert!(
                        said - opened <= cost,
                        "{name} without {missing}: {facts:#?}"
                    );
                }
                if opened == 0 && said > 0 {
                    assert!(
                        facts.unreadable.is_some(),
                        "{name} without {missing}: {facts:#?}"
                    );
                }
            }
        }
    }
}

#[test]
fn records_that_were_changed_on_their_way_are_not_given_out() {
    for name in names() {
        let it = transcript(&name);
        for number in 2..it.sent.len() {
            let size = it.sent[number].1.len();
            for at_byte in [5, size / 2, size - 1].map(|it| it.min(size - 1)) {
                let mut sent = it.sent.clone();
                sent[number].1[at_byte] ^= 0x10;
                let mut tls = Tls::new();
                let opened = feed(&mut tls, &sent, &mut with_keylog(&it.keylog));
                assert_true(&opened, &it, &name);
            }
        }
    }
}

#[test]
fn what_tls_1_2_shows_needs_no_secrets() {
    let facts = opaque("tls12-rsa");
    assert_eq!(facts.version.unwrap().to_string(), "TLS 1.2");
    assert_eq!(
        facts.cipher_suite.unwrap().name(),
        Some("TLS_RSA_WITH_AES_128_GCM_SHA256")
    );
    assert_eq!(facts.server_name.as_deref(), Some("sip.example.com"));
    assert_eq!(
        (facts.client, facts.offered_suites),
        (Some(Side::Opener), 1)
    );
    let certificate = facts.certificate.unwrap();
    assert_eq!(certificate.subject, "O=Example, CN=rsa.example.com");
    assert_eq!(certificate.issuer, certificate.subject);
    assert!(certificate.self_signed);
    assert_eq!(certificate.chain_length, 1);
    assert_eq!(
        certificate.subject_alternative_names,
        ["rsa.example.com", "192.0.2.1", "sip:rsa.example.com"]
    );
    let days = certificate
        .not_after
        .since(certificate.not_before)
        .as_secs()
        / 86_400;
    assert_eq!(days, 3650);
    assert_eq!(facts.complete, Some(at(4)));
    assert_eq!(*facts.application_records.of(Side::Opener), 1);
    assert_eq!(*facts.application_records.of(Side::Acceptor), 1);
    assert_eq!(*facts.unread_alerts.of(Side::Opener), 1, "close_notify");
    assert_eq!(facts.unreadable, Some(Unreadable::NoSecrets));
    assert!(!facts.resumed && !facts.client_certificate_requested);
    assert!(opaque("tls12-resumed-id-2").resumed);
    assert!(opaque("tls12-resumed-ticket-2").resumed);
    let facts = opaque("tls12-client-certificate");
    assert!(facts.client_certificate_requested);
    assert_eq!(facts.client_certificate_presented, Some(true));
    assert!(facts.client_certificate.unwrap().subject.contains("client"));
}

#[test]
fn what_tls_1_3_shows_without_secrets_is_little_and_with_them_all() {
    let facts = opaque("tls13-aes128-gcm");
    assert_eq!(facts.version.unwrap().to_string(), "TLS 1.3");
    assert_eq!(facts.offered_versions.len(), 1);
    assert_eq!(facts.offered_protocols, ["sip/2"]);
    assert_eq!((facts.certificate, facts.protocol), (None, None));
    assert_eq!(facts.complete, Some(at(3)));
    assert_eq!(facts.suspected_alert, None);
    assert!(*facts.application_records.of(Side::Opener) >= 1);

    let (_, facts) = open("tls13-aes128-gcm");
    assert_eq!(facts.complete, Some(at(3)));
    assert_eq!(facts.protocol.as_deref(), Some("sip/2"));
    assert!(facts.certificate.unwrap().subject.contains("ecdsa"));
    assert_eq!(*facts.application_records.of(Side::Opener), 1);
    assert_eq!(*facts.application_records.of(Side::Acceptor), 1);
    assert!(
        facts
            .alerts
            .iter()
            .all(|it| it.name == Some("close_notify"))
    );

    let (_, facts) = open("tls13-resumed-2");
    assert!(facts.resumed);
    assert!(open("tls13-hello-retry").1.hello_retry.is_some());
    let (_, facts) = open("tls13-client-certificate");
    assert!(facts.client_certificate_requested);
    assert!(facts.client_certificate.unwrap().subject.contains("client"));
}

#[test]
fn a_handshake_that_fails_shows_its_alert_or_that_there_is_one() {
    let alert = |facts: &TlsFacts| facts.alerts.first().map(|it| (it.side, it.name.unwrap()));
    let facts = opaque("tls12-unknown-ca");
    assert_eq!(alert(&facts), Some((Side::Opener, "unknown_ca")));
    assert_eq!((facts.complete, facts.unreadable), (None, None));
    let facts = opaque("tls12-no-shared-cipher");
    assert_eq!(alert(&facts), Some((Side::Acceptor, "handshake_failure")));
    let facts = opaque("tls13-protocol-version");
    assert_eq!(alert(&facts), Some((Side::Acceptor, "protocol_version")));
    assert_eq!(facts.version, None);

    // OpenSSL's client has no keys for sending yet and sends it in clear.
    let facts = opaque("tls13-unknown-ca");
    assert_eq!(alert(&facts), Some((Side::Opener, "unknown_ca")));
    assert_eq!((facts.suspected_alert, facts.complete), (None, None));
    let (_, facts) = open("tls13-no-client-certificate");
    assert_eq!(
        alert(&facts),
        Some((Side::Acceptor, "certificate_required"))
    );
    assert_eq!(facts.client_certificate_presented, Some(false));
}

#[test]
fn an_alert_of_a_client_that_encrypts_it_is_suspected_by_its_length() {
    let run = |first: usize| {
        let mut sent = transcript("tls13-unknown-ca").sent;
        let size = u8::try_from(first).unwrap();
        sent.truncate(2);
        let record = [&[20, 3, 3, 0, 1, 1, 23, 3, 3, 0, size], &vec![7; first][..]].concat();
        sent.push((Side::Opener, record));
        let mut tls = Tls::new();
        feed(&mut tls, &sent, &mut Secrets::new());
        let facts = tls.facts();
        (facts.suspected_alert, facts.complete)
    };
    // Two bytes, the type, a tag of 16.
    assert_eq!(run(19), (Some((Side::Opener, at(3))), None));
    // Finished: a head of four bytes and a hash of 32 in place of the two.
    assert_eq!(run(53), (None, Some(at(3))));
    assert_eq!(run(30), (None, None), "nothing that an end begins with");
}

#[test]
fn with_the_secrets_of_the_text_alone_the_handshake_goes_by_unread() {
    for name in names() {
        let it = transcript(&name);
        if !name.starts_with("tls13") || it.plain.is_empty() || name.contains("early") {
            continue;
        }
        let keylog: String = it
            .keylog
            .lines()
            .filter(|line| line.contains("_TRAFFIC_SECRET_0"))
            .flat_map(|line| [line, "\n"])
            .collect();
        let mut tls = Tls::new();
        let opened = feed(&mut tls, &it.sent, &mut with_keylog(&keylog));
        assert_eq!(by_side(&opened), it.plain, "{name}: {:#?}", tls.facts());
        assert!(tls.facts().complete.is_some());
    }
}

/// What is kept of a connection must not depend on what it sends.
#[test]
fn floods_are_bounded_and_counted() {
    let hellos = &transcript("tls12-aes128-gcm").sent[..3];
    let mut secrets = Secrets::new();
    let mut tls = Tls::new();
    feed(&mut tls, hellos, &mut secrets);
    let mut out = Vec::new();
    let record = [&[23, 3, 3, 0x40, 0][..], &[7; 0x4000]].concat();
    for _ in 0..100 {
        tls.bytes(Side::Opener, &record, at(9), &mut secrets, &mut out);
    }
    // With the client's Finished.
    let held = 101 - tls.facts().records_let_go;
    assert_eq!(held, 7, "of 16 KiB in 128 KiB");
    assert_eq!(*tls.facts().application_records.of(Side::Opener), 100);
    for _ in 0..100_000 {
        let empty = [23, 3, 3, 0, 0];
        tls.bytes(Side::Opener, &empty, at(9), &mut secrets, &mut out);
        tls.gap(Side::Acceptor);
    }
    assert!(tls.facts().records_let_go > 90_000);

    let mut tls = Tls::new();
    let alert = [21, 3, 3, 0, 2, 2, 40];
    for _ in 0..10_000 {
        tls.bytes(Side::Opener, &alert, at(9), &mut secrets, &mut out);
    }
    assert_eq!(tls.facts().alerts.len(), 16);
    assert_eq!(tls.facts().alerts_not_kept, 10_000 - 16);
    assert!(out.is_empty());
}

#[test]
fn after_records_were_let_go_the_rest_opens_when_the_secrets_come() {
    for name in [
        "tls12-aes128-gcm",
        "tls12-aes128-sha",
        "tls13-aes128-gcm",
        "tls12-chacha20",
    ] {
        let it = transcript(name);
        let hellos = if name.starts_with("tls13") { 3 } else { 4 };
        let mut secrets = Secrets::new();
        let mut tls = Tls::new();
        let mut out = Vec::new();
        feed(&mut tls, &it.sent[..hellos], &mut secrets);
        // Other records than the client's would be refused; what counts is that the oldest, the handshake, go.
        let junk = [&[23, 3, 3, 0, 100][..], &[7; 100]].concat().repeat(1500);
        tls.bytes(Side::Acceptor, &junk, at(9), &mut secrets, &mut out);
        for (side, bytes) in &it.sent[hellos..] {
            tls.bytes(*side, bytes, at(10), &mut secrets, &mut out);
        }
        assert!(tls.facts().records_let_go > 0);
        secrets.add_keylog(it.keylog.as_bytes());
        tls.retry(&mut secrets, &mut out);
        assert_eq!(
            by_side(&out).get(&Side::Opener),
            it.plain.get(&Side::Opener),
            "{name}: {:#?}",
            tls.facts()
        );
    }
}

#[test]
fn what_is_no_tls_is_passed_over() {
    let mut tls = Tls::new();
    let mut out = Vec::new();
    let mut secrets = Secrets::new();
    let text = b"REGISTER sip:example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n";
    for _ in 0..1000 {
        tls.bytes(Side::Opener, text, at(1), &mut secrets, &mut out);
    }
    assert!(!Tls::looks_like_tls(text));
    assert_eq!((tls.facts().gaps, tls.facts().client), (1, None));
    assert!(out.is_empty());
}

#[test]
fn of_one_direction_alone_nothing_can_be_opened() {
    for name in ["tls12-aes128-gcm", "tls12-rsa", "tls13-aes128-gcm"] {
        let it = transcript(name);
        for seen in [Side::Opener, Side::Acceptor] {
            let sent: Vec<_> = it.sent.iter().filter(|it| it.0 == seen).cloned().collect();
            let mut tls = Tls::new();
            let opened = feed(&mut tls, &sent, &mut with_keylog(&it.keylog));
            assert!(opened.is_empty());
            let facts = tls.facts();
            assert_eq!(facts.unreadable, Some(Unreadable::BytesMissing), "{name}");
            assert_eq!(facts.complete, None, "{name}");
        }
    }
}

#[test]
fn what_is_kept_back_can_be_forgotten() {
    let it = transcript("tls13-key-update");
    let mut secrets = Secrets::new();
    let mut tls = Tls::new();
    let (first, last) = it.sent.split_at(it.sent.len() - 5);
    feed(&mut tls, first, &mut secrets);
    assert!(tls.kept_back() > 0);
    tls.forget();
    assert_eq!(tls.kept_back(), 0);
    assert!(tls.facts().records_let_go > 0);
    secrets.add_keylog(it.keylog.as_bytes());
    let opened = feed(&mut tls, last, &mut secrets);
    assert!(!opened.is_empty(), "{:#?}", tls.facts());
    assert_true(&opened, &it, "after forgetting");
}
