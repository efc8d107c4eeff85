//! Options of `read` whose effect no other test shows: what each changes in the answer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use serde_json::Value;
use std::fmt::Write;
use std::path::PathBuf;
use support::flow::Flow;
use support::program::run;

/// A case as a capture in a folder of its own.
fn capture(case: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.pcap");
    std::fs::write(&path, Flow::parse("case", case).pcap()).unwrap();
    (folder, path)
}

fn read(arguments: &[&str]) -> String {
    let head = ["read", "--no-config"];
    run(&[&head, arguments].concat()).with_status(0).stdout
}

fn records(arguments: &[&str], kind: &str) -> Vec<Value> {
    let format = ["--format", "ndjson", "--records", kind];
    let lines = read(&[&format, arguments].concat());
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn the_key_of_a_server_opens_its_connections() {
    let messages = |more: &[&str]| {
        let all = records(&[&["070-tls-rsa-key.pcap"], more].concat(), "summary");
        all[0]["sip_messages"].as_u64().unwrap()
    };
    assert_eq!(messages(&[]), 0);
    assert!(messages(&["--tls-key", "070-tls-rsa-key.key"]) > 0);
}

#[test]
fn every_transaction_is_in_the_table_when_asked_for() {
    let mut case = String::from("alice = 192.0.2.10:5060\nbob = 192.0.2.20:5060\n");
    for number in 0..30 {
        writeln!(
            case,
            "+{number}.0 alice -> bob  OPTIONS o{number} call=c{number}"
        )
        .unwrap();
        writeln!(case, "+{number}.1 bob -> alice  200 OPTIONS o{number}").unwrap();
    }
    let (_folder, path) = capture(&case);
    let path = path.to_str().unwrap();
    let rows = |text: &str| text.matches("OPTIONS  192.0.2.10:5060").count();
    assert!(rows(&read(&[path])) < 30);
    assert_eq!(rows(&read(&[path, "--all"])), 30);
}

/// A B2BUA with a header field of its own: the legs have neither users nor descriptions in common.
const LEGS: &str = "
phone = 192.0.2.10:5060
pbx = 192.0.2.20:5060
trunk = 198.51.100.30:5060

+0.00 phone -> pbx  INVITE a1 call=one
+0.01 pbx -> phone  100 INVITE a1
+0.10 pbx -> trunk  INVITE p1 call=two from=pilot;z to=group uri=sip:group@198.51.100.30
    X-Our-Leg: one@example.com
+0.20 trunk -> pbx  486 INVITE p1
+0.21 pbx -> trunk  ACK p1 call=two from=pilot;z to=group;b uri=sip:group@198.51.100.30
+0.22 pbx -> phone  486 INVITE a1
+0.23 phone -> pbx  ACK a1 to=bob;b
";

#[test]
fn legs_are_joined_by_the_header_field_that_is_named() {
    let (_folder, path) = capture(LEGS);
    let path = path.to_str().unwrap();
    let joined = |more: &[&str]| {
        let calls = records(&[&[path], more].concat(), "call");
        assert_eq!(calls.len(), 2);
        calls.iter().filter(|it| it.get("legs").is_some()).count()
    };
    assert_eq!(joined(&[]), 0);
    assert_eq!(joined(&["--leg-header", "X-Our-Leg"]), 2);
    // As it stands in a message.
    assert_eq!(joined(&["--leg-header", "x-our-leg:"]), 2);
}

#[test]
fn thresholds_on_the_command_line_change_what_is_said() {
    let found = |more: &[&str]| {
        let all = records(&[&["180-stuck-at-100.pcap"], more].concat(), "finding");
        all.iter().any(|it| it["name"] == "invite-stuck-trying")
    };
    assert!(found(&[]));
    assert!(!found(&["--stuck-after", "10m"]));
}

/// Each call is kept until it is judged; with little room the silent ones are judged while others go on.
#[test]
fn memory_bounds_what_is_kept_of_calls_under_way() {
    let mut case = String::from("alice = 192.0.2.10:5060\nbob = 192.0.2.20:5060\n");
    let filler = "x".repeat(1200);
    for number in 0..1500 {
        let at = format!("{}.{:03}", number / 100, number % 100 * 10);
        writeln!(case, "+{at} alice -> bob  INVITE i{number} call=c{number}").unwrap();
        writeln!(case, "    X-Filler: {filler}").unwrap();
    }
    let (_folder, path) = capture(&case);
    let path = path.to_str().unwrap();
    let judged_early = |memory: &str| {
        let all = records(&[path, "--memory", memory], "summary");
        assert_eq!(all[0]["transactions"], 1500);
        all[0]["limits_hit"]
            .as_object()
            .map_or(0, serde_json::Map::len)
    };
    assert_eq!(judged_early("512M"), 0);
    assert!(judged_early("1M") > 0);
}
