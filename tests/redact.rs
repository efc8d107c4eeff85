//! `--redact`: what is judged is what was captured, and nothing of it is shown.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use sipdiag::capture::{Next, Source, open_files};
use sipdiag::engine::{Engine, Options, Report};
use sipdiag::redact::Redactor;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use support::flow::Flow;

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
        compare(&path, &diagnose(&path, Options::default()), &diagnose(&path, redacting().0), &mut complaints);
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
                let frames: Vec<u64> = it.frames.iter().map(|it| it.0).collect();
                format!("{} {:?} {} {} {frames:?}", it.name(), it.variant, it.severity, it.confidence.name())
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
    let mut source = open_files(&[path.to_owned()], None).unwrap();
    let mut engine = Engine::new(options, ());
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
            Next::End => break,
        }
    }
    engine.finish(source.facts()).0
}

fn flows() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    below(&root.join("src"), "flow").into_iter().chain(below(&root.join("tests"), "flow")).collect()
}

fn captures() -> Vec<PathBuf> {
    let folder = Path::new(FIXTURES).join("captures");
    ["pcap", "pcapng", "gz"].into_iter().flat_map(|it| below(&folder, it)).collect()
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
    assert!(!found.is_empty(), "no {extension} below {}", folder.display());
    found
}
