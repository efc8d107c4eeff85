//! `sipdiag flow` as a user meets it: the screens in `tests/flow` are what the program draws, at two widths.
//! `UPDATE_SCREENS=1 cargo test --test flow` writes them anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use support::flow::Flow;
use support::program::run_with;
use unicode_width::UnicodeWidthStr;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The screens: name, columns, arguments.
const SCREENS: &[(&str, &str, &[&str])] = &[
    ("proxied-80", "80", &["002-call-ok-through-proxy.pcap"]),
    ("proxied-200", "200", &["002-call-ok-through-proxy.pcap"]),
    ("retransmitted-80", "80", &["011-invite-no-response.pcap"]),
    ("icmp-200", "200", &["012-icmp-port-unreachable.pcap"]),
    (
        "b2bua-named-80",
        "80",
        &["118-b2bua-callee-down.pcap", "--alias", "10.77.0.20=pbx"],
    ),
    ("tcp-80", "80", &["060-call-ok-tcp.pcap"]),
    ("raw-80", "80", &["004-register-bad-password.pcap", "--raw"]),
    (
        "mermaid",
        "80",
        &["017-486-busy.pcap", "--format", "mermaid"],
    ),
];

fn run(columns: &str, arguments: &[&str]) -> String {
    run_with(&[("COLUMNS", columns)], arguments)
        .with_status(0)
        .stdout
}

fn flow(columns: &str, arguments: &[&str]) -> String {
    run(columns, &[&["flow"], arguments].concat())
}

#[track_caller]
fn fits(screen: &str, columns: usize) {
    for line in screen.lines() {
        assert!(line.width() <= columns, "{}: {line}", line.width());
    }
}

/// A pcap file with nanoseconds and Ethernet, made of a case.
fn capture(folder: &tempfile::TempDir, case: &str) -> PathBuf {
    let bytes = Flow::parse("case", case).pcap();
    let path = folder.path().join("case.pcap");
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn the_screens_are_those_that_were_looked_at() {
    let folder = Path::new(ROOT).join("tests/flow");
    for (name, columns, arguments) in SCREENS {
        let screen = flow(columns, arguments);
        let path = folder.join(format!("{name}.txt"));
        if std::env::var_os("UPDATE_SCREENS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &screen).unwrap();
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(there, screen, "{name}: UPDATE_SCREENS=1 writes it anew");
        if *name != "mermaid" {
            fits(&screen, columns.parse().unwrap());
        }
    }
}

#[test]
fn legs_of_one_call_are_one_ladder_with_a_letter_each() {
    let folder = tempfile::tempdir().unwrap();
    let case = std::fs::read_to_string(Path::new(ROOT).join("tests/clean/b2bua.flow")).unwrap();
    let path = capture(&folder, &case);
    let path = path.to_str().unwrap();
    for selection in [&["--call-id", "2*"][..], &[]] {
        let screen = flow("80", &[&[path], selection].concat());
        fits(&screen, 80);
        assert!(screen.contains("  A Call-ID 1"), "{screen}");
        assert!(
            screen.contains("  B leg 2@example.com of the same call"),
            "{screen}"
        );
        assert_eq!(screen.matches("frame time").count(), 1, "{screen}");
        // The description is there although the call was held back until it was selected.
        assert!(screen.contains("INVITE (SDP)"), "{screen}");
    }
}

#[test]
fn many_hosts_share_a_lane_and_no_message_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut case = "alice = 192.0.2.10:5060\n".to_owned();
    for host in 20..40 {
        writeln!(case, "h{host} = 192.0.2.{host}:5060").unwrap();
    }
    for host in 20..40 {
        let at = f64::from(host - 20);
        writeln!(case, "+{at:.3} alice -> h{host}  INVITE b{host} call=1").unwrap();
        let then = at + 0.01;
        writeln!(case, "+{then:.3} h{host} -> alice  503 INVITE b{host}").unwrap();
    }
    let path = capture(&folder, &case);
    for columns in ["40", "80", "200"] {
        let screen = flow(columns, &[path.to_str().unwrap()]);
        fits(&screen, columns.parse().unwrap());
        assert!(screen.contains("more hosts"), "{screen}");
        assert_eq!(screen.matches(" INVITE ─").count(), 20, "{screen}");
    }
}

#[test]
fn hostile_bytes_do_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let case = "alice = 192.0.2.10:5060\nbob = 192.0.2.20:5060\n\
        +0.000 alice -> bob  INVITE a1 call=1\n    User-Agent: \u{1b}]0;owned\u{7}<script>\u{202e};#\n\
        \x20   Subject: \u{1b}[31mred\n\
        +0.010 bob -> alice  486 INVITE a1 reason=\u{1b}[2J<b>;end\n\
        +0.020 alice -> bob  ACK a1 call=1\n";
    let path = capture(&folder, case);
    let path = path.to_str().unwrap();
    for arguments in [
        &[path][..],
        &[path, "--raw"],
        &[path, "--format", "mermaid"],
    ] {
        let screen = flow("80", arguments);
        assert!(
            !screen.contains(['\u{1b}', '\u{7}', '\u{202e}']),
            "{screen}"
        );
    }
    let diagram = flow("80", &[path, "--format", "mermaid"]);
    assert!(!diagram.contains("<b>") && diagram.contains("#60;b#62;#59;end"));
}

#[test]
fn formats_and_choices_are_those_of_read() {
    let file = "017-486-busy.pcap";
    for format in ["json", "ndjson", "csv", "markdown", "html", "mermaid"] {
        let options = [file, "--format", format, "--method", "INVITE"];
        let read = run("80", &[&["read"], &options[..]].concat());
        assert_eq!(flow("80", &options), read, "{format}");
    }
    let none = flow("80", &[file, "--call-id", "nobody"]);
    assert!(none.contains("no call meets the selection"), "{none}");
    let colored = flow("80", &[file, "--color", "always"]);
    let plain = flow("80", &[file]);
    assert!(colored.contains("\u{1b}[") && !plain.contains('\u{1b}'));
}

#[test]
fn of_many_calls_the_worst_are_drawn_and_the_others_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut case = "alice = 192.0.2.10:5060\nbob = 192.0.2.20:5060\n".to_owned();
    for call in 0..20 {
        writeln!(case, "+{call}.0 alice -> bob  OPTIONS o{call} call=c{call}\n+{call}.1 bob -> alice  200 OPTIONS o{call}").unwrap();
        if call == 17 {
            case.push_str("+17.2 alice -> bob  INVITE a17 call=bad\n+17.3 bob -> alice  403 INVITE a17\n+17.4 alice -> bob  ACK a17 call=bad to=bob;b\n");
        }
    }
    let path = capture(&folder, &case);
    let path = path.to_str().unwrap();
    let screen = flow("80", &[path]);
    assert!(
        screen.contains("8 of 21 calls") && screen.contains("Call-ID bad"),
        "{screen}"
    );
    let all = flow("80", &[path, "--all"]);
    assert_eq!(all.matches("frame time").count(), 21, "{all}");
}

#[test]
fn names_of_hosts_are_for_people_only() {
    let file = "017-486-busy.pcap";
    let names = ["--alias", "10.77.0.10=phone", "--alias", "10.77.0.20=proxy"];
    for format in ["table", "markdown", "html"] {
        let text = run(
            "100",
            &[&["read", file, "--format", format], &names[..]].concat(),
        );
        assert!(text.contains("phone") || text.contains("proxy"), "{format}");
    }
    for format in ["json", "ndjson", "csv"] {
        let plain = run("100", &["read", file, "--format", format]);
        let with_names = run(
            "100",
            &[&["read", file, "--format", format], &names[..]].concat(),
        );
        assert_eq!(plain, with_names, "{format}");
    }
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("c.toml");
    std::fs::write(&config, "[aliases]\n\"10.77.0.10\" = \"desk\"\n").unwrap();
    let screen = flow("80", &[file, "--config", config.to_str().unwrap()]);
    assert!(screen.contains("desk"), "{screen}");
}
