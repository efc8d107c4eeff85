//! The program as a user and a script meet it: exit statuses, streams, formats, languages, and every page.
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
use sipdiag::catalogue::{Catalogue, Language};
use sipdiag::rules::RULES;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use support::{Ran, captures, finish, program, run, run_with};
use unicode_width::UnicodeWidthStr;

/// The records of `--format ndjson`.
const RECORDS: [&str; 5] = ["capture", "message", "transaction", "finding", "summary"];

const OK: &str = "001-call-ok.pcap";
const REJECTED: &str = "004-register-bad-password.pcap";
const CUT: &str = "172-file-cut.pcap";

mod passwords {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A file with a password, that everybody may read or nobody else.
    fn file(folder: &tempfile::TempDir, text: &str, mode: u32) -> String {
        let path = folder.path().join("password");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        format!("alice@lab.test=@{}", path.display())
    }

    fn findings(ran: &Ran) -> Vec<(String, bool)> {
        ran.objects()
            .iter()
            .filter(|it| it["record"] == "finding" && it["severity"] != "info")
            .map(|it| {
                let name = it["name"].as_str().unwrap().to_owned();
                (name, it.get("consequence_of").is_some())
            })
            .collect()
    }

    #[test]
    fn one_on_the_command_line_is_refused_and_not_repeated() {
        for value in ["alice@lab.test=hunter2", "hunter2", "=hunter2"] {
            let ran = run(&["read", REJECTED, "--sip-password", value]).with_status(2);
            assert!(ran.stdout.is_empty() && !ran.stderr.contains("hunter2"));
            assert!(ran.stderr.contains("=@FILE"), "{}", ran.stderr);
        }
    }

    #[test]
    fn one_from_a_file_proves_that_the_client_has_another() {
        let folder = tempfile::tempdir().unwrap();
        let given = file(&folder, "secret-alice\n", 0o600);
        let ran = run(&[
            "read",
            REJECTED,
            "--format",
            "ndjson",
            "--sip-password",
            &given,
        ]);
        let expected = [
            ("auth-wrong-password-proven".to_owned(), false),
            ("auth-loop".to_owned(), true),
        ];
        let ran = ran.with_status(0);
        assert_eq!(findings(&ran), expected);
        assert!(ran.stderr.is_empty(), "{}", ran.stderr);
        assert!(!ran.stdout.contains("secret-alice"));
    }

    #[test]
    fn one_that_fits_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let given = file(&folder, "wrong\r\nsecret-alice", 0o600);
        let ran = run(&["read", REJECTED, "--sip-password", &given]).with_status(0);
        assert!(
            ran.stdout
                .contains("although the client uses the password you gave"),
            "{}",
            ran.stdout
        );
    }

    #[test]
    fn files_and_names_of_no_use_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let given = file(&folder, "secret-alice\n", 0o604);
        let other = given.replace("alice@", "bob@");
        let ran = run(&["read", REJECTED, "--sip-password", &other]).with_status(0);
        assert!(ran.stderr.contains("everybody can read"), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("bob@lab.test: no request"),
            "{}",
            ran.stderr
        );
        let twice = [
            "read",
            REJECTED,
            "--sip-password",
            &given,
            "--sip-password",
            &given,
        ];
        run(&twice).with_status(2);
        run(&[
            "read",
            REJECTED,
            "--sip-password",
            &given.replace("@lab.test", ""),
        ])
        .with_status(2);
        run(&["read", REJECTED, "--sip-password", &format!("{given}.none")]).with_status(3);
        let empty = file(&folder, "\nsecret-alice", 0o600);
        run(&["read", REJECTED, "--sip-password", &empty]).with_status(2);
    }
}

mod statuses {
    use super::*;

    #[test]
    fn it_ran_is_0_whatever_it_found() {
        assert!(run(&["read", OK]).with_status(0).stderr.is_empty());
        let ran = run(&["read", REJECTED]).with_status(0);
        assert!(ran.stdout.contains("ERROR"));
        assert!(ran.stderr.is_empty());
    }

    #[test]
    fn fail_on_is_1_from_that_severity_on() {
        run(&["read", REJECTED, "--fail-on", "error"]).with_status(1);
        run(&["read", REJECTED, "--fail-on", "info"]).with_status(1);
        run(&["read", OK, "--fail-on", "warning"]).with_status(0);
        run(&["read", REJECTED, "--fail-on", "ERROR"]).with_status(1);
        run(&["read", REJECTED, "--fail-on", "Warn"]).with_status(1);
        // A busy callee is no error.
        run(&["read", "017-486-busy.pcap", "--fail-on", "error"]).with_status(0);
        run(&["read", "017-486-busy.pcap", "--fail-on", "info"]).with_status(1);
    }

    #[test]
    fn a_wrong_command_line_is_2_and_says_so() {
        for wrong in [
            &["frobnicate"][..],
            &[],
            &["read"],
            &["read", OK, "--format", "yaml"],
            &["read", OK, "--fail-on", "never"],
            &["read", OK, "--t1", "0s"],
            &["read", OK, "--records", "call-ids"],
            &["read", OK, "--lang", "xx"],
            &["explain", "nonsense"],
            &["compare", "401", "40x"],
            &["compare", "401"],
            &["codes", "--class", "7xx"],
            &["codes", "--search", "nobody says this"],
            &["completions", "nosh"],
        ] {
            let ran = run(wrong).with_status(2);
            assert!(ran.stdout.is_empty(), "{wrong:?}: {}", ran.stdout);
            assert!(!ran.stderr.is_empty(), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_known_is_explained_although_another_word_is_not() {
        let ran = run(&["explain", "401", "4zz", "404"]).with_status(2);
        assert!(ran.stdout.contains("401 Unauthorized") && ran.stdout.contains("404 Not Found"));
        assert!(ran.stderr.contains("\"4zz\""));
    }

    #[test]
    fn time_between_two_files_is_not_time_without_an_answer() {
        // The first capture ends 5 s after its unanswered INVITE, the second begins an hour and a half later.
        let files = ["162-folded-headers.pcap", "180-stuck-at-100.pcap"];
        let ran = run(&["read", files[0], files[1], "--format", "ndjson"]).with_status(0);
        let silent = ran
            .stdout
            .lines()
            .find(|line| line.contains("\"name\":\"invite-no-response\""))
            .expect("the finding");
        assert!(silent.contains("\"severity\":\"warning\""), "{silent}");
        assert!(silent.contains("\"confidence\":\"possible\""), "{silent}");
    }

    #[test]
    fn an_input_that_cannot_be_used_is_3_and_says_why() {
        let text = run(&["read", "../README.md"]).with_status(3);
        assert!(text.stdout.is_empty());
        assert!(text.stderr.starts_with("error: ../README.md is no pcap"));
        assert!(text.stderr.contains("it looks like text: \"# Fixtures\""));
        assert!(text.stderr.contains("help: "));
        let missing = run(&["read", "nothing.pcap"]).with_status(3);
        assert_eq!(
            missing.stderr,
            "error: cannot read nothing.pcap: no such file\n"
        );
        let folder = run(&["read", "."]).with_status(3);
        assert!(folder.stderr.contains("it is a directory"));
        // One bad file of several: nothing is read.
        let several = run(&["read", OK, "nothing.pcap"]).with_status(3);
        assert!(several.stdout.is_empty());
    }

    #[test]
    fn damage_is_4_and_names_packet_and_offset() {
        let ran = run(&["read", CUT]).with_status(4);
        assert!(ran.stdout.contains("packets 12, SIP messages 6"));
        // Once, and where the report is read.
        assert_eq!(ran.stdout.matches("byte offset 3049").count(), 1);
        assert_eq!(ran.stderr, "");
        let ran = run(&["read", CUT, "--format", "ndjson"]).with_status(4);
        assert!(ran.stderr.starts_with("warning: 172-file-cut.pcap"));
        assert!(ran.stderr.contains("packet 13"), "{}", ran.stderr);
        assert!(ran.stderr.contains("byte offset 3049"), "{}", ran.stderr);
        let summary = ran
            .objects()
            .into_iter()
            .find(|it| it["record"] == "summary")
            .unwrap();
        assert_eq!(summary["sip_messages"], 6);
        // Damage weighs more than a threshold.
        run(&["read", CUT, "--fail-on", "info"]).with_status(4);
    }

    #[test]
    fn quiet_is_silent_but_for_errors() {
        let ran = run(&["read", "-q", CUT, "--format", "ndjson"]).with_status(4);
        assert!(ran.stderr.is_empty());
        assert!(
            !run(&["read", "-q", "nothing.pcap"])
                .with_status(3)
                .stderr
                .is_empty()
        );
    }

    #[test]
    fn help_and_version_are_answers() {
        for asked in [
            &["--help"][..],
            &["-h"],
            &["help"],
            &["read", "--help"],
            &["explain", "-h"],
        ] {
            let ran = run(asked).with_status(0);
            assert!(ran.stdout.contains("Usage: sipdiag"), "{asked:?}");
        }
        let version = run(&["--version"]).with_status(0).stdout;
        assert_eq!(version, format!("sipdiag {}\n", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn a_closed_pipe_is_success() {
        for format in ["ndjson", "json", "table", "csv", "markdown", "html"] {
            let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_sipdiag"))
                .args([
                    "read",
                    "--all",
                    "--records",
                    "message,transaction",
                    "--format",
                    format,
                ])
                // More than a pipe holds, so that the writer does meet the closed end.
                .args(std::iter::repeat_n("002-call-ok-through-proxy.pcap", 60))
                .current_dir(captures())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut first = [0; 1];
            child.stdout.take().unwrap().read_exact(&mut first).unwrap();
            let output = child.wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{format}: {stderr}");
            assert!(stderr.is_empty(), "{format}: {stderr}");
        }
    }
}

mod input {
    use super::*;

    #[test]
    fn minus_is_stdin() {
        let bytes = std::fs::read(captures().join(OK)).unwrap();
        let mut command = program();
        command
            .args(["read", "-", "--format", "ndjson"])
            .write_stdin(bytes);
        let ran = finish(command).with_status(0);
        let capture = of(&ran, "capture");
        assert_eq!(capture["files"][0]["name"], "-");
        assert_eq!(of(&ran, "summary")["sip_messages"], 7);
        // Compressed too: what a stream is is told by its bytes.
        let bytes = std::fs::read(captures().join("176-call-ok-gzip.pcap.gz")).unwrap();
        let mut command = program();
        command
            .args(["read", "-", "--format", "ndjson"])
            .write_stdin(bytes);
        let ran = finish(command).with_status(0);
        assert_eq!(of(&ran, "summary")["sip_messages"], 7);
    }

    #[test]
    fn nothing_on_stdin_is_no_capture() {
        let mut command = program();
        command.args(["read", "-"]).write_stdin("");
        assert!(finish(command).with_status(3).stderr.contains("empty"));
    }

    #[test]
    fn several_files_are_one_capture_merged_by_time() {
        let ran = run(&[
            "read",
            REJECTED,
            OK,
            "--format",
            "ndjson",
            "--records",
            "capture,message,summary",
        ])
        .with_status(0);
        assert_eq!(of(&ran, "capture")["files"].as_array().unwrap().len(), 2);
        let summary = of(&ran, "summary");
        assert_eq!(summary["sip_messages"], 11);
        assert_eq!(summary["packets"], 21);
        assert_eq!(summary["call_ids"], 2);
        let messages: Vec<_> = ran
            .objects()
            .into_iter()
            .filter(|it| it["record"] == "message")
            .map(|it| {
                (
                    it["time"].as_str().unwrap().to_owned(),
                    it["frame"].as_u64(),
                )
            })
            .collect();
        assert_eq!(messages.len(), 11);
        assert!(messages.is_sorted());
    }

    #[cfg(feature = "live")]
    #[test]
    fn a_filter_works_on_files() {
        let ran = run(&[
            "read",
            OK,
            "-f",
            "src host 10.77.0.10",
            "--format",
            "ndjson",
        ]);
        let ran = ran.with_status(0);
        let summary = of(&ran, "summary");
        assert_eq!(
            summary["requests"],
            serde_json::json!({"ACK": 1, "BYE": 1, "INVITE": 1})
        );
        assert_eq!(summary["responses"], serde_json::json!({}));
        assert_eq!(of(&ran, "capture")["filter"], "src host 10.77.0.10");
        let none = run(&["read", OK, "-f", "host 192.0.2.99", "--format", "ndjson"]);
        assert_eq!(of(&none.with_status(0), "summary")["sip_messages"], 0);
    }

    #[cfg(feature = "live")]
    #[test]
    fn who_listens_on_nothing_is_told_what_there_is() {
        let ran = run(&["live"]).with_status(2);
        for word in ["<INTERFACE>", "'sipdiag interfaces'", "--hep udp://"] {
            assert!(ran.stderr.contains(word), "{}", ran.stderr);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn help_that_cannot_be_written_is_3() {
        for given in [&["--help"][..], &["--version"], &["help", "read"]] {
            let full = std::fs::File::options().write(true).open("/dev/full");
            let ran = std::process::Command::new(env!("CARGO_BIN_EXE_sipdiag"))
                .args(given)
                .stdout(full.unwrap())
                .output()
                .unwrap();
            assert_eq!(ran.status.code(), Some(3), "{given:?}");
            let stderr = String::from_utf8(ran.stderr).unwrap();
            assert!(
                stderr.starts_with("error: cannot write to stdout: "),
                "{stderr}"
            );
        }
    }

    #[cfg(feature = "live")]
    #[test]
    fn a_filter_does_not_move_the_start_and_the_end_of_the_capture() {
        // Packets of others stand before and behind those of the call.
        let filter = ["-f", "udp port 5060"];
        let whole = run(&["read", OK, "--format", "ndjson"]).with_status(0);
        let whole = of(&whole, "capture");
        for more in [&[][..], &["--redact"]] {
            let read = |threads: &str, asked: &[&str]| {
                let given = ["read", OK, "--threads", threads];
                run(&[&given[..], &filter, more, asked].concat()).with_status(0)
            };
            for asked in [
                &["--format", "ndjson"][..],
                &["--format", "json", "--since", "1200ms", "--until", "90s"],
                &["--all"],
            ] {
                let one = read("1", asked);
                assert_eq!(one.stdout, read("4", asked).stdout, "{asked:?}");
            }
            let filtered = of(&read("4", &["--format", "ndjson"]), "capture");
            for time in ["first_time", "last_time"] {
                assert!(filtered[time].is_string());
                assert_eq!(filtered[time], whole[time], "{time}");
            }
            // The INVITE is its seventh packet, 1.546 s behind the first.
            let table = read("2", &["--all", "--since", "1200ms"]).stdout;
            assert!(table.contains("1.546"), "{table}");
            let table = read("2", &["--all", "--until", "1200ms"]);
            assert!(
                table.stderr.contains("no call meets") || table.stdout.contains("no call meets")
            );
        }
    }

    #[cfg(feature = "live")]
    #[test]
    fn a_wrong_filter_is_2_with_a_caret() {
        let ran = run(&["read", OK, "-f", "udp port foo5060"]).with_status(2);
        assert!(ran.stdout.is_empty());
        let lines: Vec<_> = ran.stderr.lines().collect();
        let at = lines
            .iter()
            .position(|it| it.contains("^^^"))
            .unwrap_or_else(|| panic!("no caret: {}", ran.stderr));
        let column = lines[at].find('^').unwrap();
        assert_eq!(lines[at - 1].get(column..), Some("foo5060"));
    }
}

mod output {
    use super::*;

    #[cfg(feature = "live")]
    #[test]
    fn a_filter_that_refuses_the_sip_is_what_an_empty_answer_names() {
        let ran = run(&["read", "091-call-ok-vlan.pcap", "-f", "port 5060"]);
        assert!(ran.stdout.contains("No SIP message passed the filter"));
    }

    #[test]
    fn every_line_of_ndjson_is_a_known_record_and_one_is_the_summary() {
        let all = RECORDS.join(",");
        for entry in captures().read_dir().unwrap() {
            let path = entry.unwrap().path();
            let is_secret = path
                .extension()
                .is_some_and(|it| it == "key" || it == "keys");
            if !path.is_file() || is_secret {
                continue;
            }
            let name = path.file_name().unwrap().to_str().unwrap();
            let ran = run(&["read", name, "--format", "ndjson", "--records", &all]);
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            let objects = ran.objects();
            for object in &objects {
                let record = object["record"].as_str().unwrap();
                assert!(RECORDS.contains(&record), "{name}: {record}");
                *counts.entry(record.to_owned()).or_default() += 1;
                no_empty_text(name, object);
            }
            assert_eq!(counts["summary"], 1, "{name}");
            assert_eq!(counts["capture"], 1, "{name}");
            let summary = of(&ran, "summary");
            let messages = counts.get("message").copied().unwrap_or(0);
            assert_eq!(summary["sip_messages"], messages, "{name}");
            let findings: u64 = summary["findings"]
                .as_object()
                .unwrap()
                .values()
                .map(|it| it.as_u64().unwrap())
                .sum();
            let told = counts.get("finding").copied().unwrap_or(0);
            assert_eq!(told, findings, "{name}");
            ids_point_to_something(name, &objects);
        }
    }

    /// Absent is absent, never `""` (CONTRACT.md).
    fn no_empty_text(name: &str, value: &Value) {
        match value {
            Value::String(text) => assert!(!text.is_empty(), "{name}: an empty text"),
            Value::Null => panic!("{name}: null"),
            Value::Array(items) => items.iter().for_each(|it| no_empty_text(name, it)),
            Value::Object(fields) => fields
                .iter()
                // A transaction without a response has an empty sequence.
                .filter(|(field, _)| *field != "sequence")
                .for_each(|(_, it)| no_empty_text(name, it)),
            _ => {}
        }
    }

    fn ids_point_to_something(name: &str, objects: &[Value]) {
        let ids = |record: &str| -> Vec<u64> {
            objects
                .iter()
                .filter(|it| it["record"] == record)
                .map(|it| it["id"].as_u64().unwrap())
                .collect()
        };
        let (findings, transactions) = (ids("finding"), ids("transaction"));
        let check = |value: &Value, known: &[u64]| {
            for id in value.as_array().into_iter().flatten() {
                assert!(known.contains(&id.as_u64().unwrap()), "{name}: {value}");
            }
        };
        for object in objects {
            check(&object["finding_ids"], &findings);
            check(&object["transactions"], &transactions);
            if let Some(cause) = object["consequence_of"].as_u64() {
                assert!(findings.contains(&cause), "{name}: {cause}");
            }
        }
    }

    #[test]
    fn json_is_one_document_with_the_same_records() {
        for name in [OK, REJECTED, "118-b2bua-callee-down.pcap"] {
            let document = run(&["read", name, "--format", "json"]).with_status(0);
            let document: Value = serde_json::from_str(&document.stdout).unwrap();
            assert_eq!(document["schema_version"], 1);
            let lines = run(&["read", name, "--format", "ndjson"]).with_status(0);
            let mut by_record: BTreeMap<String, Vec<Value>> = BTreeMap::new();
            for object in lines.objects() {
                let record = object["record"].as_str().unwrap().to_owned();
                by_record.entry(record).or_default().push(object);
            }
            for (record, objects) in by_record {
                assert_eq!(document[&record], Value::Array(objects), "{name}: {record}");
            }
        }
    }

    #[test]
    fn records_can_be_chosen() {
        let ran = run(&["read", OK, "--format", "ndjson", "--records", "summary"]);
        let objects = ran.with_status(0).objects();
        assert_eq!(objects.len(), 1);
        assert_eq!(objects[0]["record"], "summary");
    }

    #[test]
    fn a_file_is_written_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let name = path.to_str().unwrap();
        let ran = run(&["read", OK, "--format", "json", "-o", name]).with_status(0);
        assert!(ran.stdout.is_empty());
        let written = std::fs::read_to_string(&path).unwrap();
        serde_json::from_str::<Value>(&written).unwrap();
        // An error leaves the old file as it was, and nothing beside it.
        run(&["read", "nothing.pcap", "-o", name]).with_status(3);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
        // No colours in a file.
        run(&["read", REJECTED, "--color", "always", "-o", name]).with_status(0);
        let table = std::fs::read_to_string(&path).unwrap();
        assert!(table.contains("ERROR") && !table.contains('\x1b'));
        let nowhere = folder.path().join("nothing/report.json");
        let ran = run(&["read", OK, "-o", nowhere.to_str().unwrap()]).with_status(3);
        let expected = format!(
            "error: cannot write to {}: there is no such folder\n",
            nowhere.display()
        );
        assert_eq!(ran.stderr, expected);
        // `-` is stdout, a device is written as it is.
        assert!(
            !run(&["read", OK, "-o", "-"])
                .with_status(0)
                .stdout
                .is_empty()
        );
        run(&["read", OK, "-o", "/dev/null"]).with_status(0);
    }

    #[test]
    fn the_language_is_chosen_by_option_and_locale() {
        let english = run(&["read", REJECTED]).with_status(0).stdout;
        let french = run(&["read", REJECTED, "--lang", "fr"])
            .with_status(0)
            .stdout;
        let vietnamese = run(&["read", REJECTED, "--lang", "vi"])
            .with_status(0)
            .stdout;
        assert_ne!(english, french);
        assert_ne!(french, vietnamese);
        let in_locale = |variables: &[(&str, &str)]| {
            run_with(variables, &["read", REJECTED])
                .with_status(0)
                .stdout
        };
        assert_eq!(in_locale(&[("LC_ALL", "fr_CA.UTF-8")]), french);
        assert_eq!(in_locale(&[("LC_MESSAGES", "vi_VN.UTF-8")]), vietnamese);
        assert_eq!(in_locale(&[("LANG", "vi_VN")]), vietnamese);
        for (locale, code) in [
            ("es_MX.UTF-8", "es"),
            ("de_AT.UTF-8", "de"),
            ("pt_BR.UTF-8", "pt"),
            ("zh_CN.UTF-8", "zh"),
            ("ja_JP.UTF-8", "ja"),
            ("ar_EG.UTF-8", "ar"),
        ] {
            let chosen = run(&["read", REJECTED, "--lang", code]).with_status(0);
            assert_ne!(chosen.stdout, english, "{code}");
            assert_eq!(in_locale(&[("LANG", locale)]), chosen.stdout);
        }
        assert_eq!(in_locale(&[("LANG", "nl_NL.UTF-8")]), english);
        // Who reads traditional Chinese is not given simplified.
        assert_eq!(in_locale(&[("LANG", "zh_TW.UTF-8")]), english);
        // LC_ALL before LC_MESSAGES before LANG; an empty one is not set (POSIX).
        assert_eq!(in_locale(&[("LC_ALL", "C"), ("LANG", "fr_FR")]), english);
        assert_eq!(in_locale(&[("LC_ALL", ""), ("LANG", "fr_FR")]), french);
        let option = run_with(&[("LC_ALL", "vi_VN")], &["read", REJECTED, "--lang", "fr"]);
        assert_eq!(option.with_status(0).stdout, french);
        // Machine output differs in its words only.
        let facts = |language: &str| {
            let ran = run(&["read", REJECTED, "--format", "ndjson", "--lang", language]);
            let mut objects = ran.with_status(0).objects();
            for object in &mut objects {
                for words in ["summary", "causes", "advice", "responses"] {
                    object.as_object_mut().unwrap().remove(words);
                }
            }
            objects
        };
        let english = facts("en");
        for language in Language::ALL {
            assert_eq!(facts(language.code()), english);
            // Isolates are for terminals only.
            let isolates = |it: char| ('\u{2066}'..='\u{2069}').contains(&it);
            for format in ["table", "json", "csv"] {
                let arguments = ["read", REJECTED, "--format", format, "--lang"];
                let ran = run(&[&arguments[..], &[language.code()]].concat());
                assert!(!ran.with_status(0).stdout.contains(isolates));
            }
        }
    }

    #[test]
    fn colours_only_where_they_are_wanted() {
        let escapes = |text: &str| text.contains('\x1b');
        assert!(!escapes(&run(&["read", REJECTED]).stdout));
        assert!(escapes(
            &run(&["read", REJECTED, "--color", "always"]).stdout
        ));
        assert!(!escapes(
            &run(&["read", REJECTED, "--color", "never"]).stdout
        ));
        let no_color = run_with(&[("NO_COLOR", "1")], &["read", REJECTED]);
        assert!(!escapes(&no_color.stdout));
        let json = run(&["read", REJECTED, "--color", "always", "--format", "ndjson"]);
        assert!(!escapes(&json.stdout));
        assert!(escapes(
            &run(&["read", "nothing.pcap", "--color", "always"]).stderr
        ));
        assert!(!escapes(&run(&["read", "nothing.pcap"]).stderr));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for columns in ["40", "60", "80", "120"] {
            let limit: usize = columns.parse().unwrap();
            for name in [REJECTED, CUT, "116-gateway-failover-timeout.pcap"] {
                for language in Language::ALL {
                    let arguments = ["read", "--all", name, "--lang", language.code()];
                    for line in run_with(&[("COLUMNS", columns)], &arguments).stdout.lines() {
                        assert!(line.width() <= limit, "{columns}: {line}");
                    }
                }
            }
        }
    }

    #[test]
    fn where_columns_have_no_room_their_words_stand_below_each_other() {
        let ran = run_with(
            &[("COLUMNS", "40")],
            &["read", "118-b2bua-callee-down.pcap"],
        );
        let expected = "\
Transactions
  frame 9  1.408 s  INVITE
    10.77.0.10:5060 → 10.77.0.20:5060
    100 → (5 s) 487
    Normal: the caller cancelled
  frame 13  1.417 s  INVITE
    10.77.0.20:5060 → 10.77.0.30:5060
    sent 4×: no response
    ICMP: port unreachable, reported by
    10.77.0.30
";
        assert!(ran.stdout.contains(expected), "{}", ran.stdout);
    }

    #[test]
    fn what_is_said_twice_is_said_once() {
        // As where a shell's alias has an option already.
        let once = run(&["read", OK, "--all", "--redact", "--format", "json"]);
        let twice = ["--all", "--all", "--redact", "--redact", "-q", "-q"];
        let twice = [
            &["read", OK, "--format", "csv", "--format", "JSON"][..],
            &twice,
        ]
        .concat();
        assert_eq!(run(&twice).with_status(0).stdout, once.stdout);
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        for format in ["table", "json", "ndjson", "csv", "markdown", "html"] {
            let name = "116-gateway-failover-timeout.pcap";
            let once = || {
                run(&["read", name, "--format", format])
                    .with_status(0)
                    .stdout
            };
            assert_eq!(once(), once());
        }
    }
}

#[cfg(unix)]
#[test]
fn many_files_are_opened_where_the_system_allows_it() {
    let read = |limit: &str| {
        let script = format!(
            "ulimit {limit} 64; exec {} read --format ndjson --records summary $(yes {OK} | head -n 100)",
            env!("CARGO_BIN_EXE_sipdiag"),
        );
        let mut command = assert_cmd::Command::new("sh");
        command
            .args(["-c", &script])
            .current_dir(support::captures());
        support::finish(command)
    };
    let ran = read("-Sn").with_status(0);
    assert_eq!(ran.objects()[0]["packets"], 1300);
    let told = format!("error: cannot read {OK}: Too many open files (os error 24)\nhelp: ");
    let ran = read("-n").with_status(3);
    assert!(ran.stderr.starts_with(&told), "{}", ran.stderr);
}

mod pages {
    use super::*;

    #[test]
    fn everything_in_the_catalogue_is_explained_in_every_language() {
        let mut names: Vec<String> = Catalogue::new(Language::English)
            .codes()
            .map(|(name, _, _)| name.to_owned())
            .collect();
        names.extend((1..=6).map(|class| format!("{class}xx")));
        names.extend(keys("facts/warnings").map(|key| format!("W{key}")));
        names.extend(keys("facts/q850").map(|key| format!("Q{key}")));
        names.extend(keys("facts/timers"));
        names.extend(keys("facts/methods"));
        for rule in RULES {
            names.push(rule.name.to_owned());
            names.push(rule.code.to_owned());
        }
        assert!(names.len() > 300);
        for language in Language::ALL {
            let mut arguments = vec!["--lang", language.code(), "explain"];
            arguments.extend(names.iter().map(String::as_str));
            let ran = run(&arguments).with_status(0);
            assert!(ran.stderr.is_empty());
            // A page at least for each, none of them only a title; no placeholder of ours is left.
            let pages = ran.stdout.split("\n\n").count();
            assert!(pages > 2 * names.len(), "{pages} paragraphs");
            for left in ["{code}", "{class}", "{value}", "{a}", "{b}", "{cause}"] {
                assert!(!ran.stdout.contains(left), "{left}");
            }
        }
    }

    #[test]
    fn a_finding_is_explained_with_its_variants() {
        for language in Language::ALL {
            let catalogue = Catalogue::new(language);
            let arguments = [
                "--lang",
                language.code(),
                "explain",
                "bye-right-after-answer",
            ];
            let page = run(&arguments).with_status(0).stdout;
            // Lines of Chinese and Japanese break where there is no space.
            let joined = |text: &str| text.split_whitespace().collect::<String>();
            let page = joined(&page);
            let heading = joined(catalogue.word("heading_variants"));
            assert!(page.contains(&heading), "{page}");
            let rule = RULES.iter().find(|it| it.name == arguments[3]).unwrap();
            let variants = &catalogue.rule(rule).variants;
            assert!(variants.len() > 3);
            for variant in variants.values() {
                let marked = variant.message.replace('{', "<").replace('}', ">");
                let steps = variant.advice.iter().flatten();
                for text in steps.chain([&marked]).chain(&variant.meaning) {
                    assert!(page.contains(&joined(text)), "{text}");
                }
            }
        }
    }

    #[test]
    fn a_word_finds_the_findings_that_have_it_and_a_slip_what_was_meant() {
        let icmp = run(&["explain", "icmp"]).with_status(0).stdout;
        assert!(icmp.contains("icmp-unreachable"), "{icmp}");
        let several = run(&["explain", "register"]).with_status(0).stdout;
        assert!(several.contains("REGISTER"), "{several}");
        let slip = run(&["explain", "auth-lop"]).with_status(2).stderr;
        assert!(slip.contains("did you mean auth-loop?"), "{slip}");
        run(&["explain", "xq"]).with_status(2);
    }

    #[test]
    fn a_part_of_a_word_is_not_what_is_meant_where_a_word_is() {
        // Not "199 Early Dialog Terminated", nor "300 Multiple Choices".
        let nat = run(&["explain", "nat"]).with_status(0).stdout;
        assert!(nat.contains("contact-private-nat"), "{nat}");
        assert!(!nat.contains("199"), "{nat}");
        run(&["explain", "ice"]).with_status(2);
        for (asked, title) in [("term", "199 "), ("unavail", "480 "), ("quired", "402 ")] {
            let page = run(&["explain", asked]).with_status(0).stdout;
            assert!(page.starts_with(title), "{asked}: {page}");
        }
    }

    #[test]
    fn what_is_meant_is_understood_in_many_spellings() {
        for (asked, title) in [
            ("busy here", "486 Busy Here"),
            ("486 Busy Here", "486 Busy Here"),
            ("486 In a meeting", "486 Busy Here"),
            ("SIP/2.0 487 Request Terminated", "487 Request Terminated"),
            ("Busy Here", "486 Busy Here"),
            ("status-486", "486 Busy Here"),
            ("DLG486", "486 Busy Here"),
            ("4XX", "4xx"),
            ("w304", "W304"),
            ("Q17", "Q.850 17"),
            ("q850-17", "Q.850 17"),
            ("TIMER-B", "Timer B"),
            ("timer b", "Timer B"),
            ("invite", "INVITE"),
            ("Auth-Loop", "auth-loop"),
        ] {
            let page = run(&["explain", asked]).with_status(0).stdout;
            assert!(page.starts_with(title), "{asked}: {page}");
        }
        // A code that nobody registered is explained by its class.
        let unknown = run(&["explain", "498"]).with_status(0).stdout;
        assert!(unknown.contains("4xx"), "{unknown}");
    }

    #[test]
    fn pairs_are_compared_in_every_language_and_order() {
        let mut pairs: Vec<(String, String)> = keys("locales/en/pairs")
            .map(|key| {
                let (a, b) = key.split_once('-').unwrap();
                (a.to_owned(), b.to_owned())
            })
            .collect();
        assert!(pairs.len() > 50);
        let codes: Vec<_> = keys("facts/codes").collect();
        // Any two codes, evenly spread over all pairs there are.
        let count = codes.len() * codes.len();
        pairs.extend((0..200).map(|index| {
            let at = index * count / 200 + index;
            let (a, b) = (at / codes.len() % codes.len(), at % codes.len());
            (codes[a].clone(), codes[b].clone())
        }));
        let halves: Vec<_> = pairs.chunks(pairs.len().div_ceil(2)).collect();
        std::thread::scope(|scope| {
            for half in halves {
                scope.spawn(move || {
                    for (index, (a, b)) in half.iter().enumerate() {
                        let language = Language::ALL[index % Language::ALL.len()].code();
                        let ran = run(&["compare", a, b, "--lang", language]).with_status(0);
                        assert!(ran.stdout.contains(a.as_str()), "{a} {b}");
                        assert!(ran.stdout.contains(b.as_str()), "{a} {b}");
                        if index % 5 == 0 {
                            let back = run(&["compare", b, a, "--lang", language]);
                            assert_eq!(back.with_status(0).stdout, ran.stdout, "{a} {b}");
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn lists_have_every_entry_and_can_be_searched() {
        let codes = run(&["codes"]).with_status(0).stdout;
        for key in keys("facts/codes") {
            let listed = codes
                .lines()
                .any(|line| line.trim_start().starts_with(&format!("{key} ")));
            assert!(listed, "{key}");
        }
        let class = run(&["codes", "--class", "6xx"]).with_status(0).stdout;
        assert!(class.contains("603") && !class.contains("404 "));
        let busy = run(&["codes", "--search", "BUSY"]).with_status(0).stdout;
        assert!(busy.contains("486") && !busy.contains(" 402 "));
        let findings = run(&["findings"]).with_status(0).stdout;
        for rule in RULES {
            assert!(findings.contains(rule.code), "{}", rule.code);
        }
        let auth = run(&["findings", "--search", "credentials"])
            .with_status(0)
            .stdout;
        assert!(auth.contains("auth-loop") && !auth.contains("capture-no-sip"));
    }

    #[cfg(feature = "live")]
    #[test]
    fn interfaces_are_listed_with_what_this_user_may() {
        let ran = run(&["interfaces"]).with_status(0);
        assert!(ran.stdout.contains("listen"), "{}", ran.stdout);
        let ran = run(&["live", "no-such-interface"]).with_status(3);
        assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
        assert!(ran.stdout.is_empty());
    }

    #[cfg(not(feature = "live"))]
    #[test]
    fn a_reader_says_that_it_cannot_listen() {
        run(&["interfaces"]).with_status(2);
        run(&["live", "lo"]).with_status(2);
    }
}

/// The record of that name.
#[track_caller]
fn of(ran: &Ran, record: &str) -> Value {
    ran.objects()
        .into_iter()
        .find(|it| it["record"] == record)
        .unwrap_or_else(|| panic!("no {record} in {}", ran.stdout))
}

/// The keys of a data file of the catalogue.
fn keys(file: &str) -> impl Iterator<Item = String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalogue");
    let text = std::fs::read_to_string(folder.join(format!("{file}.toml"))).unwrap();
    let table: toml::Table = toml::from_str(&text).unwrap();
    table.into_iter().map(|(key, _)| key)
}

#[test]
fn a_file_without_a_command_gets_the_command_to_type() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/captures/001-call-ok.pcap"
    );
    let ran = run(&[file]);
    assert_eq!(ran.status, Some(2));
    assert!(
        ran.stderr.contains(&format!("sipdiag read {file}")),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_call_that_never_rang_has_no_post_dial_delay() {
    for (capture, measured) in [
        ("181-stuck-then-cancelled.pcap", None),
        ("015-404-not-found.pcap", None),
        ("046-ring-then-cancel.pcap", Some(1)),
    ] {
        let summary = ["--format", "ndjson", "--records", "summary"];
        let ran = run(&[&["read", "--no-config", capture], &summary[..]].concat());
        let delay = &of(&ran, "summary")["kpi"]["pdd_ms"];
        assert_eq!(delay["count"].as_u64(), measured, "{capture}");
    }
}
