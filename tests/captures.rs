//! Every capture in `fixtures/` gives the counts and findings that `fixtures/expected.tsv` demands, and no false alarm.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use sipdiag::capture::{Next, Source, open_files};
use sipdiag::engine::{Engine, Options, Report};
use sipdiag::rules::Finding;
use sipdiag::severity::Severity;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

/// A row of `expected.tsv`.
struct Expected {
    capture: String,
    sip_messages: String,
    requests: String,
    responses: String,
    call_ids: String,
    must: Vec<String>,
    may: Vec<String>,
    otherwise: Severity,
    headline: Option<String>,
}

#[test]
fn every_capture_gives_what_is_expected_of_it() {
    let mut complaints = String::new();
    for expected in expected() {
        let report = diagnose(&Path::new(FOLDER).join("captures").join(&expected.capture));
        for complaint in judge(&expected, &report) {
            let _ = writeln!(complaints, "{}: {complaint}", expected.capture);
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn every_capture_is_expected_and_has_an_origin() {
    let expected: BTreeSet<_> = expected().into_iter().map(|row| row.capture).collect();
    let readme = std::fs::read_to_string(format!("{FOLDER}/README.md")).unwrap();
    let mut there = BTreeSet::new();
    for (folder, prefix) in [("captures", ""), ("captures/wire", "wire/")] {
        for entry in Path::new(FOLDER).join(folder).read_dir().unwrap() {
            let entry = entry.unwrap();
            let path = entry.path();
            let is_secret = path
                .extension()
                .is_some_and(|it| it == "key" || it == "keys");
            if path.is_file() && !is_secret {
                there.insert(format!("{prefix}{}", entry.file_name().to_str().unwrap()));
            }
        }
    }
    assert_eq!(there, expected);
    for name in &there {
        assert!(
            readme.contains(&format!("| `{name}`")),
            "fixtures/README.md lacks {name}"
        );
    }
}

#[test]
fn wire_captures_are_one_healthy_call_of_seven_messages() {
    for expected in expected() {
        if expected.capture.starts_with("wire/") {
            assert_eq!(expected.sip_messages, "7", "{}", expected.capture);
            assert_eq!(expected.otherwise, Severity::Info, "{}", expected.capture);
            assert!(expected.must.is_empty(), "{}", expected.capture);
        }
    }
}

#[test]
fn only_the_cut_file_is_damaged() {
    for expected in expected() {
        let report = diagnose(&Path::new(FOLDER).join("captures").join(&expected.capture));
        let damaged = !report.capture.damage.is_empty();
        assert_eq!(
            damaged,
            expected.capture == "172-file-cut.pcap",
            "{}",
            expected.capture
        );
    }
}

fn expected() -> Vec<Expected> {
    let text = std::fs::read_to_string(format!("{FOLDER}/expected.tsv")).unwrap();
    let mut rows = text.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<_> = rows.next().unwrap().split('\t').collect();
    let list = |cell: &str| -> Vec<String> {
        cell.split(',')
            .filter(|it| *it != "-")
            .map(str::to_owned)
            .collect()
    };
    rows.map(|row| {
        let cells: Vec<_> = row.split('\t').collect();
        assert_eq!(cells.len(), names.len(), "{row}");
        let cell = |name: &str| cells[names.iter().position(|it| *it == name).unwrap()];
        Expected {
            capture: cell("capture").to_owned(),
            sip_messages: cell("sip_messages").to_owned(),
            requests: cell("requests").to_owned(),
            responses: cell("responses").to_owned(),
            call_ids: cell("call_ids").to_owned(),
            must: list(cell("must")),
            may: list(cell("may")),
            otherwise: severity(cell("max_severity_otherwise")),
            headline: Some(cell("headline").to_owned()).filter(|it| it != "-"),
        }
    })
    .collect()
}

fn severity(name: &str) -> Severity {
    Severity::ALL
        .into_iter()
        .find(|it| it.name() == name)
        .unwrap_or_else(|| panic!("no severity is called {name}"))
}

fn diagnose(path: &Path) -> Report {
    let mut source = open_files(&[PathBuf::from(path)], None)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut engine = Engine::new(Options::default(), ());
    // The secrets of a capture lie beside it.
    if let Ok(keylog) = std::fs::read(path.with_extension("keys")) {
        engine.secrets_mut().add_keylog(&keylog);
    }
    if let Ok(key) = std::fs::read(path.with_extension("key")) {
        engine.secrets_mut().add_rsa_key(&key).unwrap();
    }
    loop {
        match source.next().unwrap() {
            Next::Packet(packet) => engine.packet(&packet),
            Next::Keylog(text) => {
                engine.secrets_mut().add_keylog(&text);
            }
            Next::Refused(time) => engine.pass_over(time),
            Next::Gap(from, until) => engine.gap(from, until),
            Next::Idle(now) => engine.advance(now),
            Next::End => break,
        }
    }
    let facts = source.facts();
    engine.finish(facts).0
}

/// What is not as expected.
fn judge(expected: &Expected, report: &Report) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut compare = |what: &str, wanted: &str, got: &str| {
        if !wanted.split('|').any(|it| it == got) {
            complaints.push(format!("{what} is {got}, not {wanted}"));
        }
    };
    let summary = &report.summary;
    compare(
        "sip_messages",
        &expected.sip_messages,
        &summary.counts.sip_messages.to_string(),
    );
    compare("requests", &expected.requests, &counts(&summary.requests));
    compare(
        "responses",
        &expected.responses,
        &counts(&summary.responses),
    );
    compare(
        "call_ids",
        &expected.call_ids,
        &summary.call_ids.to_string(),
    );
    let findings = &report.findings;
    let raised = |names: &str| names.split('|').any(|name| has(findings, name));
    for names in expected.must.iter().filter(|names| !raised(names)) {
        complaints.push(format!("{names} was not raised"));
    }
    for finding in findings {
        let name = finding.name();
        let limit = allowed(expected, &name);
        if limit.is_some_and(|limit| finding.severity > limit) {
            complaints.push(format!(
                "false alarm: {name} as {}",
                finding.severity.name()
            ));
        }
    }
    if let Some(wanted) = &expected.headline {
        let causes = || findings.iter().filter(|it| it.consequence_of.is_none());
        let worst = causes().map(|it| it.severity).max();
        let first = causes().find(|it| Some(it.severity) == worst);
        let first = first.map(|it| it.name().into_owned()).unwrap_or_default();
        if !wanted.split('|').any(|it| it == first) {
            complaints.push(format!("the headline is \"{first}\", not {wanted}"));
        }
    }
    complaints
}

/// How bad a finding may be; `None` for any.
fn allowed(expected: &Expected, name: &str) -> Option<Severity> {
    for group in expected.must.iter().chain(&expected.may) {
        for one in group.split('|') {
            match one.split_once('@') {
                Some((it, limit)) if it == name => return Some(severity(limit)),
                None if one == name => return None,
                _ => {}
            }
        }
    }
    Some(expected.otherwise)
}

fn has(findings: &[Finding], name: &str) -> bool {
    findings.iter().any(|finding| finding.name() == name)
}

/// `ACK:1,INVITE:2`, and `-` for nothing.
fn counts<K: ToString>(counts: &std::collections::BTreeMap<K, u64>) -> String {
    let text: Vec<_> = counts
        .iter()
        .map(|(name, count)| format!("{}:{count}", name.to_string()))
        .collect();
    if text.is_empty() {
        "-".to_owned()
    } else {
        text.join(",")
    }
}
