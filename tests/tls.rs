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
    let text = std::fs::read_to_string(&path).unwrap_or_else(|it| panic!("{path:?}: {it}"));
    let mut found = Transcript::default();
    for line in text.lines() {
        match line.split_once(' ').unwrap() {
            ("#", _) => {}
            ("keylog", it) => found.keylog += &format!("{it}\n"),
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

#[test]
fn every_recorded_connection_is_opened_with_its_key_log() {
    for name in names() {
        let (opened, facts) = open(&name);
        assert_eq!(opened, transcript(&name).plain, "{name}: {facts:#?}");
        assert_eq!(facts.unreadable, None, "{name}: {facts:#?}");
        assert_eq!(facts.bad_records, 0, "{name}: {facts:#?}");
        assert_eq!((facts.gaps, facts.records_let_go), (0, 0), "{name}");
        let said_something = !transcript(&name).plain.is_empty();
        assert_eq!(facts.complete.is_some(), said_something || name == "tls13-unknown-ca", "{name}: {facts:#?}");
    }
}
