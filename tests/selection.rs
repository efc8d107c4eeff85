//! Choosing calls on the command line, and writing their packets: what is shown is whole, and what is written says the same
//! when it is read again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use assert_cmd::Command;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use support::flow::Flow;

/// Two calls that fail and a registration that does not.
const MIXED: &str = "
alice = 192.0.2.10:5060
carol = 192.0.2.30:5060
bob = 192.0.2.20:5060

+0.000 alice -> bob  INVITE a1 call=busy
+0.010 bob -> alice  100 INVITE a1
+0.050 bob -> alice  486 INVITE a1 tag=x
+0.060 alice -> bob  ACK a1 call=busy to=bob;x
+60.00 carol -> bob  INVITE c1 call=lost from=carol;c
+60.50 +61.5 +63.5 +67.5 +75.5 +91.5 again
+120.0 carol -> bob  REGISTER r1 call=reg from=carol;r to=carol
+120.1 bob -> carol  200 REGISTER r1
    Contact: <sip:carol@192.0.2.30>;expires=3600
+200 packet
";

/// One connection with two calls, of which messages lie over several segments; and one of a caller alone.
const STREAMS: &str = "
alice = 192.0.2.10:5061
bob = 192.0.2.20:5060
carol = 192.0.2.30:5062

+0.000 alice -> bob  tcp syn
+0.001 bob -> alice  tcp syn
+0.010 alice -> bob  tcp INVITE a1 call=busy
+0.020 bob -> alice  tcp 486 INVITE a1 tag=x
+0.030 alice -> bob  tcp ACK a1 call=busy to=bob;x
+1.000 alice -> bob  tcp OPTIONS o1 call=ping
+1.010 bob -> alice  tcp 200 OPTIONS o1
+2.000 alice -> bob  tcp INVITE a2 call=gone
+2.010 bob -> alice  tcp 404 INVITE a2 tag=y
+2.020 alice -> bob  tcp ACK a2 call=gone to=bob;y
+3.000 carol -> bob  tcp syn
+3.001 bob -> carol  tcp syn
+3.010 carol -> bob  tcp OPTIONS o2 call=own from=carol;c
+3.020 bob -> carol  tcp 200 OPTIONS o2
";

/// A folder with captures in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A pcap file with nanoseconds and Ethernet, made of a case.
    fn capture(&self, name: &str, case: &str) -> PathBuf {
        let bytes = Flow::parse(name, case).pcap();
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

struct Ran {
    status: Option<i32>,
    stdout: Vec<u8>,
    stderr: String,
}

fn run(arguments: &[&str], files: &[&Path], stdin: &[u8]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sipdiag"));
    let output = command
        .env_clear()
        .arg("read")
        .args(arguments)
        .args(files)
        .write_stdin(stdin)
        .output()
        .unwrap();
    Ran {
        status: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The records, by their kinds.
struct Records(BTreeMap<String, Vec<Value>>);

impl Records {
    #[track_caller]
    fn read(arguments: &[&str], files: &[&Path]) -> Self {
        let ran = run(&[&["--format", "ndjson"], arguments].concat(), files, b"");
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        let mut records: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for line in String::from_utf8(ran.stdout).unwrap().lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            let kind = record["record"].as_str().unwrap().to_owned();
            records.entry(kind).or_default().push(record);
        }
        Self(records)
    }

    fn of(&self, kind: &str) -> &[Value] {
        self.0.get(kind).map_or(&[], Vec::as_slice)
    }

    /// The first words of the Call-IDs of records of a kind.
    fn calls(&self, kind: &str) -> BTreeSet<&str> {
        self.of(kind)
            .iter()
            .filter_map(|it| it["call_id"].as_str()?.split('@').next())
            .collect()
    }

    /// The findings about calls and peers, as far as they are the same in an extract: frames are counted anew.
    fn findings(&self) -> BTreeSet<String> {
        self.of("finding")
            .iter()
            .filter(|it| !it["code"].as_str().unwrap().starts_with("CAP"))
            .map(|it| {
                let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
                let keys = [
                    "name",
                    "severity",
                    "confidence",
                    "call_id",
                    "time",
                    "summary",
                ];
                keys.map(text).join(" | ")
            })
            .collect()
    }

    fn summary(&self) -> &Value {
        &self.of("summary")[0]
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/captures")
        .join(name)
}

#[test]
fn every_option_selects_and_the_summary_says_how_many() {
    let place = Place::new();
    let capture = place.capture("mixed.pcap", MIXED);
    for (arguments, expected) in [
        (&["--call-id", "lo*"][..], &["lost"][..]),
        (&["--from", "alice"], &["busy"]),
        (
            &["--from", "alice", "--from", "carol"],
            &["busy", "lost", "reg"],
        ),
        (&["--to", "carol@*"], &["reg"]),
        (&["--user", "carol"], &["lost", "reg"]),
        (&["--host", "192.0.2.30"], &["lost", "reg"]),
        (&["--host", "192.0.2.10:5060"], &["busy"]),
        (&["--host", "192.0.2.0/28"], &["busy"]),
        (&["--method", "register"], &["reg"]),
        (&["--code", "4xx"], &["busy"]),
        (&["--code", "200,486"], &["busy", "reg"]),
        (&["--finding", "invite-no-*"], &["lost"]),
        (&["--finding", "DLG486"], &["busy"]),
        (&["--severity", "error"], &["lost"]),
        (&["--problems"], &["lost"]),
        (&["--since", "100s"], &["reg"]),
        (&["--since", "10:01", "--until", "10:01:30"], &["lost"]),
        (&["--until", "2026-01-01T10:00:30Z"], &["busy"]),
        (&["--user", "carol", "--method", "INVITE"], &["lost"]),
        (&["--from", "nobody"], &[]),
        (&["--from", "alice,carol"], &["busy", "lost", "reg"]),
        (
            &["--host", "192.0.2.30,192.0.2.10"],
            &["busy", "lost", "reg"],
        ),
        (&["--to", "\"C\" <sip:carol@example.com>;tag=1"], &["reg"]),
        (&["--user", "sip:carol@example.com"], &["lost", "reg"]),
        (&["--code", "48?"], &["busy"]),
        (&["--since", "0s"], &["busy", "lost", "reg"]),
        (&["--until", "2026-01-01"], &["busy", "lost", "reg"]),
        (&["--since", "2026-01-02"], &[]),
    ] {
        let records = Records::read(arguments, &[&capture]);
        let expected: BTreeSet<_> = expected.iter().copied().collect();
        assert_eq!(records.calls("transaction"), expected, "{arguments:?}");
        assert!(records.calls("finding").is_subset(&expected));
        assert!(records.calls("call").is_subset(&expected));
        let registered = usize::from(expected.contains("reg"));
        assert_eq!(
            records.of("registration").len(),
            registered,
            "{arguments:?}"
        );
        let summary = records.summary();
        assert_eq!(summary["selected"]["call_ids"], expected.len());
        // The counts are those of the whole capture.
        assert_eq!(summary["call_ids"], 3);
        assert_eq!(summary["sip_messages"], 13);
    }
    let all = Records::read(&[], &[&capture]);
    assert!(all.summary().get("selected").is_none());
}

#[test]
fn a_call_that_goes_on_is_under_way_at_any_time_after_its_first_message() {
    let place = Place::new();
    let case = "
alice = 192.0.2.10:5060
bob = 192.0.2.20:5060

+0.000 alice -> bob  INVITE a1 call=lasts
+0.010 bob -> alice  200 INVITE a1 tag=x
+0.020 alice -> bob  ACK a2 call=lasts to=bob;x
+1.000 alice -> bob  INVITE b1 call=ended from=alice;b
+1.010 bob -> alice  200 INVITE b1 tag=y
+1.020 alice -> bob  ACK b2 call=ended from=alice;b to=bob;y
+9.000 alice -> bob  BYE b3 call=ended from=alice;b to=bob;y
+9.010 bob -> alice  200 BYE b3
+100.0 alice -> bob  INVITE c1 call=rings from=alice;c
+100.1 bob -> alice  180 INVITE c1 tag=z
+120.0 alice -> bob  OPTIONS o1 call=ping
+120.1 bob -> alice  200 OPTIONS o1
";
    let capture = place.capture("goes-on.pcap", case);
    for (arguments, expected) in [
        (&["--since", "60s"][..], &["lasts", "ping", "rings"][..]),
        (&["--since", "110s"], &["lasts", "ping", "rings"]),
        (&["--since", "60s", "--until", "90s"], &["lasts"]),
        // Nobody knows what went on behind the end of the capture.
        (&["--since", "5m"], &[]),
    ] {
        let records = Records::read(arguments, &[&capture]);
        let expected: BTreeSet<_> = expected.iter().copied().collect();
        assert_eq!(records.calls("transaction"), expected, "{arguments:?}");
    }
}

#[test]
fn a_proof_tells_the_day_where_there_are_several_and_the_whole_call_id() {
    let place = Place::new();
    let id = "1f2e3d4c-5b6a7988-97a6b5c4-d3e2f100-0123456789abcdef";
    let case = format!(
        "
alice = 192.0.2.10:5060
bob = 192.0.2.20:5060

+0.000 alice -> bob  INVITE a1 call={id}
+0.010 bob -> alice  404 INVITE a1 tag=x
+0.020 alice -> bob  ACK a1 call={id} to=bob;x
"
    );
    let proof = |name: &str, more: &str| {
        let capture = place.capture(name, &format!("{case}{more}"));
        let whole = format!("{id}@example.com");
        let ran = run(&["--call-id", &whole], &[&capture], b"");
        let screen = String::from_utf8(ran.stdout).unwrap();
        let screen = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(screen.contains(&format!("Call-ID {whole} ")), "{screen}");
        screen.contains("frames 1-3 · 2026-01-01 10:00:00.000")
    };
    assert!(!proof("one-day.pcap", "+600 packet\n"));
    assert!(proof("two-days.pcap", "+60000 packet\n"));
}

#[test]
fn messages_come_from_the_first_of_each_selected_call() {
    let place = Place::new();
    let capture = place.capture("mixed.pcap", MIXED);
    let arguments = ["--records", "message", "--finding", "status-486"];
    let records = Records::read(&arguments, &[&capture]);
    let frames: Vec<_> = records
        .of("message")
        .iter()
        .map(|it| &it["frame"])
        .collect();
    assert_eq!(frames, [1, 2, 3, 4]);
}

#[test]
fn the_screen_says_what_was_selected_of_how_many() {
    let place = Place::new();
    let capture = place.capture("mixed.pcap", MIXED);
    let screen = |arguments: &[&str]| {
        let ran = run(arguments, &[&capture], b"");
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        String::from_utf8(ran.stdout).unwrap().replace("\n  ", " ")
    };
    let busy = screen(&["--from", "alice"]);
    assert!(busy.contains("Call-IDs 1 of 3 (--from alice)"), "{busy}");
    assert!(!busy.contains("192.0.2.30"), "{busy}");
    let none = screen(&["--from", "nobody\u{202e}"]);
    assert!(
        none.contains("no call meets the selection (--from nobody\\u{202e})"),
        "{none}"
    );
    assert!(
        !none.contains("wrong") && !none.contains("192.0.2.10"),
        "{none}"
    );
}

#[test]
fn nothing_selected_is_told_with_what_excludes_everything() {
    let place = Place::new();
    let capture = place.capture("mixed.pcap", MIXED);
    for (arguments, expected) in [
        (&["--call-id", "nope"][..], "no call meets --call-id nope"),
        // Call-IDs differ by case.
        (&["--call-id", "BUSY"], "no call meets --call-id BUSY"),
        (
            &["--from", "alice", "--host", "192.0.2.99"],
            "no call meets --host 192.0.2.99",
        ),
        (
            &["--from", "alice", "--method", "REGISTER"],
            "no call meets all of: --from alice --method REGISTER",
        ),
    ] {
        let expected = format!("warning: {expected}; Call-IDs in the capture: 3\n");
        for more in [["--format", "json"], ["--fail-on", "error"]] {
            let ran = run(&[arguments, &more].concat(), &[&capture], b"");
            assert_eq!(ran.status, Some(0), "{arguments:?}");
            assert_eq!(ran.stderr, expected, "{arguments:?}");
        }
        // The screen says it itself.
        let ran = run(arguments, &[&capture], b"");
        assert_eq!(ran.stderr, "", "{arguments:?}");
    }
    let two = ["--from", "alice", "--host", "192.0.2.99"];
    let shown = String::from_utf8(run(&two, &[&capture], b"").stdout).unwrap();
    assert!(shown.contains("met by none: --host 192.0.2.99"), "{shown}");
}

#[test]
fn methods_that_nobody_knows_are_looked_for_with_a_remark() {
    let ran = run(
        &["--method", "INVITE,BOGUS"],
        &[&fixture("017-486-busy.pcap")],
        b"",
    );
    assert_eq!(ran.status, Some(0));
    assert_eq!(
        ran.stderr,
        "warning: --method BOGUS is no method that sipdiag knows; looked for nevertheless\n"
    );
}

#[test]
fn an_end_before_the_beginning_is_a_wrong_command_line() {
    for (since, until) in [
        ("10:00", "09:00"),
        ("3s", "1s"),
        ("2026-11-22", "2026-11-21"),
    ] {
        let arguments = ["--since", since, "--until", until];
        let ran = run(&arguments, &[&fixture("017-486-busy.pcap")], b"");
        assert_eq!(ran.status, Some(2), "{arguments:?}");
        let expected = format!("error: --until {until} is before --since {since}\n");
        assert!(ran.stderr.starts_with(&expected), "{}", ran.stderr);
    }
}

#[test]
fn fail_on_looks_at_what_was_selected() {
    let place = Place::new();
    let capture = place.capture("mixed.pcap", MIXED);
    for (from, status) in [("carol", 1), ("alice", 0)] {
        let arguments = ["--fail-on", "error", "--from", from];
        assert_eq!(run(&arguments, &[&capture], b"").status, Some(status));
    }
}

#[test]
fn wrong_patterns_say_what_to_write() {
    for (arguments, expected) in [
        (["--code", "9xx"], "4xx"),
        (["--finding", "auth-lop"], "auth-loop"),
        (["--host", "192.0.2.0/40"], "192.0.2.0/24"),
        (["--since", "yesterday"], "2026-11-21T14:05:00Z"),
        (["--severity", "bad"], "warning"),
        (["--call-id", ""], "empty pattern"),
        (["--user", ""], "empty pattern"),
        (["--user", "alice,,bob"], "empty pattern"),
        (["--host", "192.0.2.030"], "write 192.0.2.30"),
        (["--from", "<sip:alice@example.com"], "no > behind"),
        (["--threads", "0"], "from 1 to 256"),
        (["--threads", "-1"], "from 1 to 256"),
        (["--threads", "10000"], "from 1 to 256"),
        (["--t1", "-5s"], "--t1"),
        (
            ["--host", "192.0.2.1:99999"],
            "a port is a number up to 65535",
        ),
        (["--few-hops", "-1"], "a whole number"),
        (["--memory", "1.x"], "1.5G"),
    ] {
        let ran = run(&arguments, &[&fixture("017-486-busy.pcap")], b"");
        assert_eq!(ran.status, Some(2), "{arguments:?}");
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
}

#[test]
fn what_is_written_gives_the_same_findings_when_it_is_read() {
    let place = Place::new();
    let mixed = place.capture("mixed.pcap", MIXED);
    let streams = place.capture("streams.pcap", STREAMS);
    let keys = fixture("072-tls-key-log.keys");
    let keys = ["--keylog", keys.to_str().unwrap()];
    for (name, keys) in [
        (mixed.to_str().unwrap(), &[][..]),
        (streams.to_str().unwrap(), &[]),
        ("012-icmp-port-unreachable.pcap", &[]),
        ("060-call-ok-tcp.pcap", &[]),
        ("061-tcp-pipelined.pcap", &[]),
        ("062-tcp-dribble.pcap", &[]),
        ("068-tcp-mid-stream.pcap", &[]),
        ("070-tls-rsa-key.pcap", &[]),
        ("072-tls-key-log.pcap", &keys),
        ("072-tls-key-log.pcap", &[]),
        ("073-tls-opaque.pcap", &[]),
        ("074-tls-unknown-ca.pcap", &[]),
        ("080-ws-register-call.pcap", &[]),
        ("087-call-ok-fragmented-invite.pcap", &[]),
        ("089-fragments-lost.pcap", &[]),
        ("102-call-ok-through-vxlan.pcap", &[]),
        ("103-call-ok-sll2.pcap", &[]),
        ("105-duplicates-on-any.pcap", &[]),
        ("118-b2bua-callee-down.pcap", &[]),
        ("122-hep3.pcap", &[]),
        ("152-invite-407-no-credentials.pcap", &[]),
        ("174-pcapng-two-interfaces.pcapng", &[]),
        ("175-packets-out-of-order.pcap", &[]),
        ("180-stuck-at-100.pcap", &[]),
    ] {
        let capture = fixture(name);
        let out = place.path("out.pcapng");
        let write = ["-w", out.to_str().unwrap()];
        let records = Records::read(&[&write, keys].concat(), &[&capture]);
        let again = Records::read(keys, &[&out]);
        assert_eq!(again.findings(), records.findings(), "{name}");
        for key in ["sip_messages", "requests", "responses", "transactions"] {
            assert_eq!(
                again.summary()[key],
                records.summary()[key],
                "{key} of {name}"
            );
        }
        // And what was extracted is extracted again as it is.
        let twice = place.path("twice.pcapng");
        let write = ["-w", twice.to_str().unwrap()];
        Records::read(&[&write, keys].concat(), &[&out]);
        let (out, twice) = (std::fs::read(&out).unwrap(), std::fs::read(&twice).unwrap());
        assert_eq!(out.len(), twice.len(), "{name}");
    }
}

#[test]
fn one_call_of_many_on_a_connection_is_written_alone() {
    let place = Place::new();
    let capture = place.capture("streams.pcap", STREAMS);
    for (call, packets) in [
        ("busy", 3),
        ("gone", 3),
        // The connection is its own, from the first SYN on.
        ("own", 4),
    ] {
        let out = place.path("out.pcapng");
        let call_id = format!("{call}*");
        let arguments = ["-w", out.to_str().unwrap(), "--call-id", &call_id];
        let records = Records::read(&arguments, &[&capture]);
        let again = Records::read(&[], &[&out]);
        assert_eq!(again.calls("transaction"), BTreeSet::from([call]));
        let names = |records: &Records| -> Vec<String> {
            let names = records.of("finding").iter();
            let names = names.filter(|it| it["call_id"].is_string());
            names.map(|it| it["name"].to_string()).collect()
        };
        assert_eq!(names(&again), names(&records));
        assert_eq!(again.summary()["packets"], packets, "{call}");
    }
}

#[test]
fn secrets_that_the_capture_holds_go_with_the_connections_that_they_open() {
    let place = Place::new();
    let out = place.path("out.pcapng");
    let capture = fixture("072-tls-key-log.pcap");
    let keys_path = fixture("072-tls-key-log.keys");
    let keys = std::fs::read(&keys_path).unwrap();
    let write = ["-w", out.to_str().unwrap()];
    let given = ["--keylog", keys_path.to_str().unwrap()];
    let records = Records::read(&[write, given].concat(), &[&capture]);
    assert!(records.summary()["sip_messages"].as_u64() > Some(0));
    // What the user gave beside the capture stays with the user.
    assert_eq!(Records::read(&[], &[&out]).summary()["sip_messages"], 0);

    // A Decryption Secrets Block with a TLS key log, behind the section header.
    let mut other = b"CLIENT_RANDOM ".to_vec();
    other.extend([b'a'; 64]);
    other.extend(b" 00\n");
    let text = [keys, other.clone()].concat();
    let padded = text.len().next_multiple_of(4);
    let total = u32::try_from(padded + 20).unwrap().to_le_bytes();
    let mut block = [10_u32.to_le_bytes(), total, 0x544c_534b_u32.to_le_bytes()].concat();
    block.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
    block.extend(&text);
    block.resize(padded + 16, 0);
    block.extend(total);
    let extract = std::fs::read(&out).unwrap();
    let header = u32::from_le_bytes(extract[4..8].try_into().unwrap()) as usize;
    let with_secrets = place.path("secrets.pcapng");
    let bytes = [&extract[..header], &block, &extract[header..]].concat();
    std::fs::write(&with_secrets, bytes).unwrap();
    let records = Records::read(&write, &[&with_secrets]);
    assert!(records.summary()["sip_messages"].as_u64() > Some(0));
    let again = Records::read(&[], &[&out]);
    assert_eq!(again.findings(), records.findings());
    assert_eq!(
        again.summary()["sip_messages"],
        records.summary()["sip_messages"]
    );
    let bytes = std::fs::read(&out).unwrap();
    assert!(!bytes.windows(other.len()).any(|it| it == other));
}

#[test]
fn media_go_with_the_calls_whose_descriptions_name_them() {
    let place = Place::new();
    let capture = place.capture("media.pcap", &support::media::calls());
    let out = place.path("out.pcapng");
    let write = ["-w", out.to_str().unwrap()];
    for (arguments, packets) in [
        (&["--call-id", "talk*"][..], 5),
        (&["--call-id", "talk*", "--with-media"], 10),
        (&["--call-id", "other*", "--with-media"], 6),
        (&["--with-media"], 16),
    ] {
        Records::read(&[&write, arguments].concat(), &[&capture]);
        let again = Records::read(&[], &[&out]);
        assert_eq!(again.summary()["packets"], packets, "{arguments:?}");
    }
    let alone = run(&["--with-media"], &[&capture], b"");
    assert_eq!(alone.status, Some(2));
    assert!(alone.stderr.contains("--write <FILE>"), "{}", alone.stderr);
}

#[test]
fn connections_that_cannot_be_read_are_written_where_they_are_asked_for() {
    let place = Place::new();
    let capture = fixture("073-tls-opaque.pcap");
    let out = place.path("out.pcapng");
    let write = ["-w", out.to_str().unwrap()];
    let said = |records: &Records| -> BTreeSet<String> {
        let findings = records.of("finding").iter();
        findings.map(|it| it["summary"].to_string()).collect()
    };
    let all = Records::read(&write, &[&capture]);
    assert_eq!(all.of("finding")[0]["name"], "capture-encrypted-sip");
    let server = all.of("finding")[0]["facts"]["dst"].as_str().unwrap();
    for (arguments, is_written) in [
        (&[][..], true),
        (&["--finding", "capture-encrypted-sip"], true),
        (&["--host", server], true),
        (&["--host", "192.0.2.99"], false),
        (&["--from", "alice"], false),
    ] {
        Records::read(&[&write, arguments].concat(), &[&capture]);
        let again = Records::read(&[], &[&out]);
        let packets = again.summary()["packets"].as_u64().unwrap();
        assert_eq!(packets > 0, is_written, "{arguments:?}");
        if is_written {
            assert_eq!(said(&again), said(&all), "{arguments:?}");
        }
    }
}

#[test]
fn a_name_that_promises_another_kind_of_file_gets_a_remark() {
    let place = Place::new();
    for (name, is_told) in [
        ("out.pcap", true),
        ("out.pcapng.gz", true),
        ("out.pcapng", false),
    ] {
        let out = place.path(name);
        let write = ["-w", out.to_str().unwrap(), "--format", "json"];
        let ran = run(&write, &[&fixture("017-486-busy.pcap")], b"");
        let told = ran.stderr.matches("will be pcapng, not compressed").count();
        assert_eq!(told, usize::from(is_told), "{}", ran.stderr);
    }
}

#[test]
fn extracts_come_from_stdin_and_from_several_files_in_their_order() {
    let place = Place::new();
    let mixed = place.capture("mixed.pcap", MIXED);
    let nanoseconds = fixture("170-call-ok-nanoseconds.pcap");
    let cooked = fixture("103-call-ok-sll2.pcap");
    let out = place.path("out.pcapng");
    let write = ["-w", out.to_str().unwrap()];
    let bytes = std::fs::read(&mixed).unwrap();
    let ran = run(&write, &[Path::new("-")], &bytes);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("out.pcapng: 13"), "{}", ran.stderr);
    let of_stdin = Records::read(&[], &[&out]);
    assert_eq!(
        of_stdin.findings(),
        Records::read(&[], &[&mixed]).findings()
    );

    let files = [nanoseconds.as_path(), &cooked];
    let whole = Records::read(
        &[&write[..], &["--records", "message,summary"]].concat(),
        &files,
    );
    let again = Records::read(&["--records", "message,capture"], &[&out]);
    let times = |records: &Records| -> Vec<Value> {
        let messages = records.of("message").iter();
        messages.map(|it| it["time"].clone()).collect()
    };
    assert_eq!(times(&again), times(&whole));
    let types = &again.of("capture")[0]["files"][0]["link_types"];
    assert_eq!(types.as_array().unwrap().len(), 2, "{types}");
}

#[test]
fn packets_go_to_stdout_when_the_report_goes_elsewhere() {
    let place = Place::new();
    let capture = place.capture("mixed.pcap", MIXED);
    let report = place.path("report.txt");
    let arguments = ["-w", "-", "-o", report.to_str().unwrap(), "--problems"];
    let ran = run(&arguments, &[&capture], b"");
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.starts_with(b"\x0a\x0d\x0d\x0a"));
    assert!(std::fs::read_to_string(report).unwrap().contains("INVITE"));
    let ran = run(&["-w", "-"], &[&capture], b"");
    assert_eq!(ran.status, Some(2));
    assert!(ran.stderr.contains("-o"), "{}", ran.stderr);
}

#[test]
fn nothing_is_overwritten_that_is_read_and_nothing_is_written_in_part() {
    let place = Place::new();
    let capture = place.capture("mixed.pcap", MIXED);
    let before = std::fs::read(&capture).unwrap();
    let ran = run(&["-w", capture.to_str().unwrap()], &[&capture], b"");
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
    assert_eq!(std::fs::read(&capture).unwrap(), before);
    let out = place.path("out.pcapng");
    std::fs::write(&out, "what was there").unwrap();
    let arguments = ["-w", out.to_str().unwrap()];
    let ran = run(&arguments, &[&place.path("missing.pcap")], b"");
    assert_eq!(ran.status, Some(3));
    assert_eq!(std::fs::read(&out).unwrap(), b"what was there");
    let nowhere = place.path("no/folder/out.pcapng");
    let ran = run(&["-w", nowhere.to_str().unwrap()], &[&capture], b"");
    assert_eq!(ran.status, Some(3));
    assert!(
        ran.stderr.contains("there is no such folder"),
        "{}",
        ran.stderr
    );
    let names = std::fs::read_dir(place.0.path()).unwrap();
    let names: BTreeSet<_> = names.map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn wireshark_shows_the_findings_beside_the_packets() {
    let place = Place::new();
    let capture = place.capture("mixed.pcap", MIXED);
    let out = place.path("out.pcapng");
    let records = Records::read(&["-w", out.to_str().unwrap()], &[&capture]);
    let bytes = std::fs::read(&out).unwrap();
    let has = |text: &str| bytes.windows(text.len()).any(|it| it == text.as_bytes());
    for finding in records.of("finding") {
        let (name, severity) = (&finding["name"], &finding["severity"]);
        let name = name.as_str().unwrap();
        if !finding["frames"].as_array().is_none_or(Vec::is_empty) && !name.starts_with("capture-")
        {
            let comment = format!("{name} ({}): ", severity.as_str().unwrap());
            assert!(has(&comment), "{comment}");
        }
    }
    let shown = std::process::Command::new("tshark")
        .args(["-r", out.to_str().unwrap()])
        .args(["-T", "fields", "-e", "frame.number", "-e", "frame.comment"])
        .output();
    // Where Wireshark is not installed, the bytes above have to do.
    let Ok(shown) = shown else {
        return;
    };
    assert!(shown.status.success());
    let shown = String::from_utf8(shown.stdout).unwrap();
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines.len(), 13, "{shown}");
    assert!(lines[0].contains("status-486 (info): "), "{shown}");
    assert!(lines[4].contains("invite-no-response (error): "), "{shown}");
}

#[test]
fn a_report_never_takes_the_place_of_what_it_is_about() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("me.pcap");
    let original = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/captures/017-486-busy.pcap"
    );
    std::fs::copy(original, &capture).unwrap();
    let link = folder.path().join("link.pcap");
    std::os::unix::fs::symlink(&capture, &link).unwrap();
    let before = std::fs::read(&capture).unwrap();
    for (input, output) in [(&capture, &capture), (&link, &capture), (&capture, &link)] {
        let run = assert_cmd::Command::new(env!("CARGO_BIN_EXE_sipdiag"))
            .arg("read")
            .arg(input)
            .arg("-o")
            .arg(output)
            .output()
            .unwrap();
        assert_eq!(run.status.code(), Some(2));
        assert_eq!(std::fs::read(&capture).unwrap(), before);
    }
}
