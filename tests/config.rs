//! The configuration as a user meets it: the file and where it is looked for, the options that go before it, what is silenced
//! and judged otherwise, and the words of errors. `UPDATE_DOCS=1 cargo test --test config` writes `docs/configuration.md` anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "support/program.rs"]
mod support;

use serde_json::Value;
use sipdiag::thresholds::Thresholds;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use support::{Ran, finish, program};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const BUSY: &str = "017-486-busy.pcap";
const REJECTED: &str = "004-register-bad-password.pcap";

/// A folder with a configuration in it, and the program that finds it there or is told of it.
struct Home(tempfile::TempDir);

impl Home {
    fn with(text: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        std::fs::write(home.file(), text).unwrap();
        home
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("c.toml")
    }

    /// Puts the file where it is found without being named.
    fn own(self, folder: &str) -> Self {
        let place = self.0.path().join(folder).join("sipdiag");
        std::fs::create_dir_all(&place).unwrap();
        std::fs::rename(self.file(), place.join("config.toml")).unwrap();
        self
    }

    fn run(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let mut command = program();
        command.args(arguments);
        for (name, folder) in variables {
            command.env(name, self.0.path().join(folder));
        }
        finish(command)
    }

    /// Reads a capture with the file named, as ndjson.
    fn read(&self, capture: &str, more: &[&str]) -> Vec<Value> {
        let file = self.file();
        let config = ["--config", file.to_str().unwrap()];
        let head = ["read", "--format", "ndjson", capture];
        let ran = self.run(&[], &[&head[..], &config, more].concat());
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        ran.objects()
    }

    /// What the program says against the file.
    fn complaint(text: &str) -> String {
        let home = Self::with(text);
        let ran = home.run(
            &[],
            &["read", BUSY, "--config", home.file().to_str().unwrap()],
        );
        assert_eq!(ran.status, Some(2), "{text}");
        assert!(ran.stdout.is_empty());
        ran.stderr.replace(home.file().to_str().unwrap(), "FILE")
    }
}

fn of_kind<'a>(records: &'a [Value], kind: &str) -> Vec<&'a Value> {
    records.iter().filter(|it| it["record"] == kind).collect()
}

fn names(records: &[Value]) -> Vec<&str> {
    let findings = of_kind(records, "finding").into_iter();
    findings.map(|it| it["name"].as_str().unwrap()).collect()
}

#[test]
fn what_is_silenced_is_counted_and_nowhere_else() {
    for silence in [
        "silence = ['status-486']",
        "silence = ['DLG486']",
        "silence = ['Status']",
    ] {
        let home = Home::with(silence);
        let records = home.read(BUSY, &[]);
        assert!(!names(&records).contains(&"status-486"), "{silence}");
        let summary = of_kind(&records, "summary")[0];
        assert_eq!(summary["silenced"]["status-486"], 1, "{silence}");
        assert!(summary["findings"]["status-486"].is_null());
        let ids: Vec<_> = of_kind(&records, "finding")
            .iter()
            .map(|it| it["id"].clone())
            .collect();
        for transaction in of_kind(&records, "transaction") {
            for id in transaction["finding_ids"].as_array().unwrap() {
                assert!(ids.contains(id), "{silence}: a transaction names {id}");
            }
        }
        let ran = home.run(
            &[],
            &["read", BUSY, "--config", home.file().to_str().unwrap()],
        );
        assert!(
            ran.stdout.contains("silenced on request: status-486 1"),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn the_option_adds_to_what_the_file_silences() {
    let home = Home::with("silence = ['auth-loop']");
    let records = home.read(REJECTED, &["--silence", "registration-rejected,status-401"]);
    let summary = of_kind(&records, "summary")[0];
    assert_eq!(summary["silenced"]["auth-loop"], 1);
    assert!(!names(&records).contains(&"auth-loop"));
    let records = Home::with("").read(REJECTED, &["--silence", "auth-loop"]);
    assert!(!names(&records).contains(&"auth-loop"));
}

#[test]
fn the_exit_status_follows_the_policy() {
    let fail = |text: &str| {
        let home = Home::with(text);
        let file = home.file();
        let arguments = [
            "read",
            REJECTED,
            "--fail-on",
            "error",
            "--config",
            file.to_str().unwrap(),
        ];
        home.run(&[], &arguments).status
    };
    assert_eq!(fail(""), Some(1));
    assert_eq!(
        fail("silence = ['auth-loop', 'registration-rejected']"),
        Some(0)
    );
    assert_eq!(
        fail("[severity]\nauth-loop = 'info'\nregistration-rejected = 'info'"),
        Some(0)
    );
    let home = Home::with("[severity]\nstatus-486 = 'error'");
    let file = home.file();
    let arguments = [
        "read",
        BUSY,
        "--fail-on",
        "error",
        "--config",
        file.to_str().unwrap(),
    ];
    assert_eq!(home.run(&[], &arguments).status, Some(1));
}

#[test]
fn a_changed_severity_says_what_it_was() {
    let home = Home::with("[severity]\nstatus = 'warning'\nstatus-486 = 'error'");
    let records = home.read(BUSY, &[]);
    let findings = of_kind(&records, "finding");
    let busy = findings
        .iter()
        .find(|it| it["name"] == "status-486")
        .unwrap();
    assert_eq!(busy["severity"], "error");
    assert_eq!(busy["severity_was"], "info");
    assert_eq!(
        of_kind(&records, "summary")[0]["severity_changed"]["status-486"],
        1
    );
    let ran = home.run(
        &[],
        &["read", BUSY, "--config", home.file().to_str().unwrap()],
    );
    assert!(
        ran.stdout
            .contains("severity set by the configuration: status-486 1")
    );
    let plain = Home::with("").read(BUSY, &[]);
    assert!(
        of_kind(&plain, "finding")
            .iter()
            .all(|it| it["severity_was"].is_null())
    );
    assert!(of_kind(&plain, "summary")[0]["severity_changed"].is_null());
}

#[test]
fn options_go_before_the_file() {
    let home = Home::with(
        "[thresholds]\nt1 = '250ms'\nstuck-after = 7\noptions-flaps = 5\nregistration-refresh = '50%'",
    );
    let records = home.read(BUSY, &["--stuck-after", "3s"]);
    let set = &of_kind(&records, "summary")[0]["thresholds"];
    assert_eq!(set["t1_ms"], 250.0);
    assert_eq!(set["stuck_after_ms"], 3000.0);
    assert_eq!(set["options_flaps"], 5);
    assert_eq!(set["registration_refresh_percent"], 50);
    let file = home.file();
    let ran = home.run(
        &[],
        &[
            "read",
            BUSY,
            "--config",
            file.to_str().unwrap(),
            "--t1",
            "500ms",
        ],
    );
    let line = "not the defaults: stuck-after 7s, options-flaps 5, registration-refresh 50%";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
}

#[test]
fn a_threshold_changes_what_is_found() {
    let records =
        Home::with("[thresholds]\nlong-ringing = '1s'").read("046-ring-then-cancel.pcap", &[]);
    let findings = of_kind(&records, "finding");
    let unanswered = findings
        .iter()
        .find(|it| it["name"] == "no-answer")
        .unwrap();
    assert_eq!(unanswered["severity"], "warning");
}

#[test]
fn the_own_file_is_found_by_the_rules_of_xdg() {
    let text = "silence = ['status-486']";
    let silenced = |ran: &Ran| ran.stdout.contains("silenced on request");
    let home = Home::with(text).own("xdg");
    assert!(silenced(
        &home.run(&[("XDG_CONFIG_HOME", "xdg")], &["read", BUSY])
    ));
    assert!(!silenced(&home.run(&[("HOME", "xdg")], &["read", BUSY])));
    assert!(!silenced(&home.run(
        &[("XDG_CONFIG_HOME", "xdg")],
        &["read", BUSY, "--no-config"]
    )));
    assert!(!silenced(&home.run(&[], &["read", BUSY])));
    let home = Home::with(text).own(".config");
    assert!(silenced(&home.run(&[("HOME", "")], &["read", BUSY])));
    // One that is named is read instead.
    let other = Home::with("");
    let file = other.file();
    let arguments = ["read", BUSY, "--config", file.to_str().unwrap()];
    assert!(!silenced(&home.run(&[("HOME", "")], &arguments)));
}

#[test]
fn a_file_that_is_named_must_be_there_and_the_own_one_readable() {
    let home = Home::with("");
    let ran = home.run(&[], &["read", BUSY, "--config", "/nowhere/c.toml"]);
    assert_eq!(ran.status, Some(2));
    assert!(
        ran.stderr
            .contains("cannot read the configuration /nowhere/c.toml"),
        "{}",
        ran.stderr
    );
    // A folder where the file should be.
    std::fs::create_dir_all(home.0.path().join("sipdiag/config.toml")).unwrap();
    let ran = home.run(&[("XDG_CONFIG_HOME", "")], &["read", BUSY]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.stderr.contains("--no-config"), "{}", ran.stderr);
    let ran = home.run(&[], &["read", BUSY, "--config", "c.toml", "--no-config"]);
    assert_eq!(ran.status, Some(2));
}

#[test]
fn errors_say_where_what_and_what_may_have_been_meant() {
    for (text, expected) in [
        (
            "\nsilence = ['auth-lop']",
            "error: FILE:2:12: there is no finding \"auth-lop\"\nhelp: did you mean \"auth-loop\"?\n",
        ),
        (
            "[severity]\nregister_no_response = 'info'",
            "error: FILE:2:1: there is no finding \"register_no_response\"\nhelp: did you mean \"register-no-response\"?\n",
        ),
        (
            "[severity]\nstatus-200 = 'info'",
            "error: FILE:2:1: there is no finding \"status-200\"\nhelp: status-NNN has a response code from 300 to 699\n",
        ),
        (
            "[severity]\nauth-loop = 'eror'",
            "error: FILE:2:13: there is no severity \"eror\"\nhelp: did you mean \"error\"?\n",
        ),
        (
            "[severity]\nauth-loop = 3",
            "error: FILE:2:13: here stands a number, and not a text in quotation marks\n",
        ),
        (
            "[severity]\nstatus-486 = 'info'\nDLG486 = 'error'",
            "error: FILE:3:1: the severity of status-486 is given twice\n",
        ),
        (
            "# é\n[thresholds]\nstuck_after = '3s'",
            "error: FILE:3:1: there is no threshold \"stuck_after\"\nhelp: did you mean \"stuck-after\"?\n",
        ),
        (
            "[thresholds]\nt1 = 'soon'",
            "error: FILE:2:6: \"soon\" is no t1: a duration is a number with ms, s, m, h or d, such as 500ms, 10s or 1h30m\n",
        ),
        (
            "[thresholds]\nregistration-turns = 0",
            "error: FILE:2:22: \"0\" is no registration-turns: a whole number from 1 to 100\n",
        ),
        (
            "thresholds = 3",
            "error: FILE:1:14: here stands a number, and not a table\n",
        ),
        (
            "silence = 'auth-loop'",
            "error: FILE:1:11: here stands a text, and not a list of texts, such as [\"auth-loop\"]\n",
        ),
        (
            "leg-headers = ['X-Leg', 'X Leg']",
            "error: FILE:1:25: that is no name of a header field, such as X-Our-Call-ID\n",
        ),
        (
            "silenced = []",
            "error: FILE:1:1: there is no key \"silenced\"\nhelp: did you mean \"silence\"?\n",
        ),
        (
            "x = 1",
            "error: FILE:1:1: there is no key \"x\"\nhelp: there are thresholds, severity, silence, leg-headers, aliases, redact\n",
        ),
    ] {
        assert_eq!(Home::complaint(text), expected, "{text}");
    }
    let syntax = Home::complaint("a = 1\nb = ");
    assert!(syntax.starts_with("error: FILE:2:"), "{syntax}");
}

#[test]
fn an_unknown_name_on_the_command_line_is_told_as_well() {
    let home = Home::with("");
    let ran = home.run(&[], &["read", BUSY, "--silence", "auth-lop"]);
    assert_eq!(ran.status, Some(2));
    assert!(
        ran.stderr.contains("did you mean \"auth-loop\"?"),
        "{}",
        ran.stderr
    );
}

#[test]
fn each_threshold_is_an_option_that_help_and_the_man_page_name() {
    let home = Home::with("");
    let help = home.run(&[], &["help", "read"]).stdout;
    let man = home.run(&[], &["man", "read"]).stdout.replace("\\-", "-");
    for row in Thresholds::ALL {
        let option = format!("--{}", row.key);
        assert!(help.contains(&option) && man.contains(&option), "{option}");
        let value = row.of(&Thresholds::default()).to_string();
        let ran = home.run(&[], &["read", BUSY, &option, &value]);
        assert_eq!(ran.status, Some(0), "{option} {value}: {}", ran.stderr);
        let ran = home.run(&[], &["read", BUSY, &option, "nonsense"]);
        assert_eq!(ran.status, Some(2), "{option}");
    }
    let short = home.run(&[], &["read", "-h"]).stdout;
    assert!(!short.contains("--stuck-after"), "too many for a screen");
}

#[test]
fn the_page_is_made_from_the_table() {
    let path = Path::new(ROOT).join("docs/configuration.md");
    let wanted = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        there, wanted,
        "write it anew: UPDATE_DOCS=1 cargo test --test config"
    );
}

#[test]
fn the_example_of_the_page_is_a_configuration() {
    let home = Home::with(EXAMPLE);
    let records = home.read(BUSY, &[]);
    let summary = of_kind(&records, "summary")[0];
    assert_eq!(summary["thresholds"]["stuck_after_ms"], 20_000.0);
    assert_eq!(summary["severity_changed"]["status-486"], 1);
}

const EXAMPLE: &str = r#"silence = ["capture-duplicates", "registration-short-expiry"]
leg-headers = ["X-Our-Call-ID"]
redact = true

[severity]
status-486 = "warning"
options-no-response = "error"

[thresholds]
stuck-after = "20s"
options-down-after = 5

[aliases]
"192.0.2.1" = "sbc"
"192.0.2.7:5080" = "pbx"
"#;

fn page() -> String {
    let mut page = format!(
        "# Configuration\n\n\
        Made from the table in the code; `tests/config.rs` compares.\n\n\
        `sipdiag read`, `sipdiag live` and `sipdiag flow` read `$XDG_CONFIG_HOME/sipdiag/config.toml`, or `~/.config/sipdiag/config.toml` where that \
        variable is not set; `--config FILE` names another file, `--no-config` reads none. A threshold on the command line goes before the \
        file's; `--silence` and `--leg-header` add to the file's lists. What cannot be read, or names something that does not exist, is an error \
        with line and column, and exit status 2.\n\n\
        ```toml\n{EXAMPLE}```\n\n\
        - **silence**: findings that are not told, by name or code (`sipdiag findings` lists both; `status-486` or `DLG486` is one response \
        code, `status` all of them). They do not count for `--fail-on`. How many there were is told: on the screen, and as \
        `silenced` in the summary record. What a silenced finding explained stands for itself.\n\
        - **severity**: `info`, `warning` or `error` for findings by name or code. The guards still hold: what came right after all stays a \
        note, and what is told only \"so far\" is at most a warning. The screen and `severity_changed` of the summary record count them; \
        a finding's `severity_was` is what its rule gave it.\n\
        - **leg-headers**: header fields in which a B2BUA names the other leg's Call-ID.\n\
        - **aliases**: names for hosts, or for one port of a host, shown to people in the place of the address: in the table, in ladders, Markdown \
        and HTML. JSON, CSV, SIP URIs and messages keep the addresses. `--alias ADDR=NAME` adds to them.\n\
        - **redact**: `true` replaces what names people, hosts and calls in everything that is written, as `--redact` does \
        ([redaction.md](redaction.md)).\n\
        - **thresholds**: see below. Those that are not at their defaults are told on the screen and in `thresholds` of the summary record.\n\n\
        ## Thresholds\n\n\
        Each is a key of `[thresholds]` and, with `--` before it, an option. Times are written `500ms`, `10s`, `3m`, `1h30m` or `2d`; a bare number is seconds.\n\n\
        | key | default | what it is | why that default |\n|---|---|---|---|\n"
    );
    for row in Thresholds::ALL {
        let default = row.of(&Thresholds::default());
        let reason = row.reason.trim();
        let _ = writeln!(
            page,
            "| `{}` | {default} | {} | {reason} |",
            row.key, row.help
        );
    }
    page
}
