//! What stands around the answers: help, man pages, completions, the log, the pager.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "support/program.rs"]
mod support;

use std::path::Path;
use support::{Ran, captures, finish, program, run_with};

/// What CONTRACT.md has for read, live and flow, as it stands there. A line each, so that one more is one line more.
const OPTIONS: &[&str] = &[
    "-f, --filter",
    "--call-id",
    "--from",
    "--to",
    "--user",
    "--host",
    "--method",
    "--code",
    "--finding",
    "--severity",
    "--since",
    "--until",
    "--problems",
    "--all",
    "--format",
    "-o, --output",
    "--lang",
    "--records",
    "-w, --write",
    "--with-media",
    "--redact",
    "--keylog",
    "--tls-key",
    "--t1",
    "--stuck-after",
    "--config",
    "--alias",
    "--memory",
    "--threads",
    "--fail-on",
    "--color",
    "-q, --quiet",
    "-v, --verbose",
    "--no-progress",
];

/// Those that only `live` has.
const OF_LIVE: &[&str] = &["--duration", "--count", "--hep"];

const COMMANDS: &[&str] = &[
    "read",
    "live",
    "flow",
    "explain",
    "compare",
    "codes",
    "findings",
    "interfaces",
    "completions",
    "man",
];

const CALL: &str = "001-call-ok.pcap";

fn run(arguments: &[&str]) -> Ran {
    run_with(&[("COLUMNS", "80")], arguments)
}

fn commands() -> impl Iterator<Item = &'static str> {
    let known = sipdiag::cli::command();
    let names: Vec<_> = (known.get_subcommands())
        .filter(|it| !it.is_hide_set())
        .map(|it| it.get_name().to_owned())
        .collect();
    COMMANDS
        .iter()
        .copied()
        .filter(move |name| names.iter().any(|it| it == name))
}

mod help {
    use super::*;

    /// Lines of a screen.
    const SCREEN: usize = 40;
    /// Lines of a page that one scrolls once.
    const PAGE: usize = 90;

    #[test]
    fn the_short_one_fits_a_screen_and_leads_with_examples() {
        let of_program = run(&["-h"]).stdout;
        let of_commands = commands().map(|name| run(&[name, "-h"]).stdout);
        for help in of_commands.chain([of_program]) {
            let first = help.lines().next().unwrap();
            assert!(
                first.starts_with("  ") && first.contains("sipdiag"),
                "{help}"
            );
            let lines = help.lines().count();
            assert!(lines <= SCREEN, "{lines} lines:\n{help}");
            for line in help.lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }

    /// One line an option; where the name is long, two.
    #[test]
    fn the_one_of_all_options_is_a_page() {
        for name in commands() {
            let help = run(&[name, "--help"]).stdout;
            let lines = help.lines().count();
            assert!(lines <= PAGE, "{lines} lines:\n{help}");
            let more = run(&["help", name]).stdout;
            assert!(more.lines().count() > lines, "{more}");
        }
    }

    #[test]
    fn every_command_of_the_contract_is_there() {
        let live = cfg!(feature = "live");
        let hidden = if live { 0 } else { 2 };
        assert_eq!(commands().count(), COMMANDS.len() - hidden);
    }

    #[test]
    fn every_option_of_the_contract_is_there() {
        for command in ["read", "flow", "live"] {
            if command == "live" && !cfg!(feature = "live") {
                continue;
            }
            let help = run(&[command, "--help"]).stdout;
            let own = if command == "live" { OF_LIVE } else { &[] };
            for option in OPTIONS.iter().chain(own) {
                let needs_libpcap = *option == "-f, --filter" && !cfg!(feature = "live");
                let is_there = help.lines().any(|line| {
                    let line = line.trim_start();
                    let rest = line.strip_prefix(option);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '.']))
                });
                assert!(is_there || needs_libpcap, "{command}: {option}");
            }
        }
    }

    #[test]
    fn each_option_with_a_value_takes_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (report, packets, config, keys) = (
            path("report"),
            path("packets"),
            path("config"),
            path("keys"),
        );
        std::fs::write(&config, "").unwrap();
        std::fs::write(&keys, "").unwrap();
        let mut given = vec![
            ("--call-id", "*"),
            ("--from", "*"),
            ("--to", "*"),
            ("--user", "*"),
            ("--host", "*"),
            ("--method", "INVITE"),
            ("--code", "200"),
            ("--finding", "auth-*"),
            ("--severity", "info"),
            ("--since", "1s"),
            ("--until", "1h"),
            ("--format", "json"),
            ("-o", &report),
            ("--output", &report),
            ("--lang", "fr"),
            ("--records", "call,summary"),
            ("-w", &packets),
            ("--write", &packets),
            ("--keylog", &keys),
            ("--tls-key", "070-tls-rsa-key.key"),
            ("--t1", "500ms"),
            ("--stuck-after", "10s"),
            ("--config", &config),
            ("--alias", "192.0.2.1=sbc"),
            ("--memory", "64M"),
            ("--threads", "1"),
            ("--fail-on", "error"),
            ("--color", "never"),
        ];
        if cfg!(feature = "live") {
            given.extend([("-f", "udp"), ("--filter", "udp")]);
        }
        for (option, value) in given {
            for command in ["read", "flow"] {
                let ran = run(&[command, CALL, option, value]);
                assert_eq!(ran.status, Some(0), "{command} {option}: {}", ran.stderr);
            }
        }
        for switch in [
            "--problems",
            "--all",
            "-q",
            "--quiet",
            "-v",
            "--verbose",
            "--no-progress",
            "--no-pager",
        ] {
            let ran = run(&["read", CALL, switch]);
            assert_eq!(ran.status, Some(0), "{switch}: {}", ran.stderr);
        }
    }
}

mod log {
    use super::*;

    #[test]
    fn one_v_says_what_was_read_two_each_call_three_each_message() {
        let lines = |level: &str| {
            let ran = run(&["read", CALL, "--no-config", level]);
            assert_eq!(ran.status, Some(0));
            ran.stderr
        };
        let info = lines("-v");
        for word in [
            "001-call-ok.pcap: pcap",
            "EN10MB",
            "SIP messages (udp",
            "time: ",
        ] {
            assert!(info.contains(word), "{word}: {info}");
        }
        assert!(!info.contains("judged:"), "{info}");
        let debug = lines("-vv");
        assert!(
            debug.contains("judged: ") && !debug.contains("frame 1 "),
            "{debug}"
        );
        let trace = lines("-vvv");
        assert!(
            trace.contains("INVITE sip:") && trace.contains("(new)"),
            "{trace}"
        );
    }

    #[test]
    fn the_answer_is_the_same() {
        let silent = run(&["read", CALL]);
        assert!(silent.stderr.is_empty());
        assert_eq!(silent.stdout, run(&["read", CALL, "-vvv"]).stdout);
    }

    #[test]
    fn it_excludes_silence() {
        for arguments in [&["read", CALL, "-v", "-q"], &["-q", "read", "-v", CALL]] {
            let ran = run(arguments);
            assert_eq!(ran.status, Some(2), "{arguments:?}");
            assert!(ran.stderr.contains("exclude each other"), "{}", ran.stderr);
        }
    }

    #[test]
    fn keys_are_told_as_found_or_not() {
        let (capture, keys) = ("072-tls-key-log.pcap", "072-tls-key-log.keys");
        let without = run(&["read", capture, "-vv"]).stderr;
        assert!(without.contains("not opened: no-secrets"), "{without}");
        let with = run(&["read", capture, "-vv", "--keylog", keys]).stderr;
        assert!(
            with.contains("keys found") && with.contains("TLS secrets"),
            "{with}"
        );
    }

    #[test]
    fn strangers_bytes_are_harmless() {
        for capture in ["001-call-ok.pcap", "172-file-cut.pcap"] {
            let ran = run(&["read", capture, "-vvv"]);
            let odd = |it: char| it.is_control() && it != '\n';
            assert!(!ran.stderr.contains(odd), "{}", ran.stderr);
        }
    }
}

mod pager {
    use super::*;

    /// What a terminal of ten rows shows; `None` where this machine has no `script` to make one.
    fn on_terminal(variables: &[(&str, &str)], arguments: &str) -> Option<(Option<i32>, String)> {
        let binary = env!("CARGO_BIN_EXE_sipdiag");
        let line = format!("stty rows 10 cols 80; {binary} {arguments}");
        let output = std::process::Command::new("script")
            .args(["-q", "-e", "-c", &line, "/dev/null"])
            .current_dir(captures())
            .env("TERM", "xterm")
            .env_remove("PAGER")
            .env_remove("SIPDIAG_PAGER")
            .envs(variables.iter().copied())
            .stdin(std::process::Stdio::null())
            .output()
            .ok()?;
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        Some((output.status.code(), shown))
    }

    const MARKS: (&str, &str) = ("SIPDIAG_PAGER", "echo BEGIN; cat; echo END");

    #[track_caller]
    fn is_paged(arguments: &str, wanted: bool) {
        let Some((status, shown)) = on_terminal(&[MARKS], arguments) else {
            return;
        };
        assert_eq!(status, Some(0), "{arguments}: {shown}");
        assert_eq!(shown.contains("BEGIN"), wanted, "{arguments}: {shown}");
        assert_eq!(shown.contains("END"), wanted, "{arguments}: {shown}");
    }

    #[test]
    fn what_is_longer_than_the_screen_is_paged() {
        for long in [
            "read 004-register-bad-password.pcap",
            "flow 001-call-ok.pcap",
            "read --format ndjson 001-call-ok.pcap",
            "explain 401",
            "compare 401 407",
            "findings",
            "codes",
            "read --help",
        ] {
            is_paged(long, true);
        }
    }

    #[test]
    fn what_fits_or_goes_elsewhere_is_not() {
        for short in [
            "codes --search 'Busy Everywhere'",
            "--version",
            "--no-pager read 004-register-bad-password.pcap",
            "read --help --no-pager",
            "read 004-register-bad-password.pcap -o /dev/null",
            "read 004-register-bad-password.pcap | cat",
            "completions bash",
        ] {
            is_paged(short, false);
        }
    }

    #[test]
    fn colours_go_through_and_a_missing_pager_is_none() {
        let read = "read 004-register-bad-password.pcap";
        let Some((_, shown)) = on_terminal(&[MARKS], read) else {
            return;
        };
        assert!(shown.contains("\u{1b}["), "{shown}");
        for none in ["", "cat", "/nowhere/pager"] {
            let (status, shown) = on_terminal(&[("PAGER", none)], read).unwrap();
            assert_eq!(status, Some(0), "{shown}");
            assert!(shown.contains("RFC 3261 §22.1"), "{none}: {shown}");
        }
        let (status, shown) = on_terminal(&[("PAGER", "nowhere | cat; exit 127")], read).unwrap();
        assert_eq!(status, Some(3), "{shown}");
        assert!(shown.contains("cannot be run"), "{shown}");
    }

    /// A pager that stayed would read from a terminal that is the shell's again.
    #[test]
    fn a_signal_that_ends_the_program_ends_it_too() {
        let pager = "trap 'echo LEFT; exit 0' TERM; kill -TERM $PPID; cat > /dev/null; while :; do sleep 0.05; done";
        let read = "read 004-register-bad-password.pcap";
        let Some((status, shown)) = on_terminal(&[("SIPDIAG_PAGER", pager)], read) else {
            return;
        };
        assert_eq!(status, Some(128 + 15), "{shown}");
        assert!(shown.contains("LEFT"), "{shown}");
    }

    #[test]
    fn one_that_is_left_early_is_success() {
        for (pager, arguments) in [
            ("head -n 1", "findings"),
            ("true", "findings"),
            (
                "true",
                "read --format ndjson --records message 001-call-ok.pcap",
            ),
        ] {
            let Some((status, shown)) = on_terminal(&[("PAGER", pager)], arguments) else {
                return;
            };
            assert_eq!(status, Some(0), "{pager}: {shown}");
        }
    }
}

mod manual {
    use super::*;

    #[test]
    fn each_command_has_a_page_with_all_sections() {
        for command in commands() {
            let page = run(&["man", command]).stdout;
            assert!(page.contains(&format!(".TH sipdiag-{command} 1")), "{page}");
            for section in [
                "NAME",
                "SYNOPSIS",
                "EXAMPLES",
                "DESCRIPTION",
                "EXIT STATUS",
                "ENVIRONMENT",
                "SEE ALSO",
            ] {
                let heading = [format!(".SH {section}\n"), format!(".SH \"{section}\"\n")];
                assert!(
                    heading.iter().any(|it| page.contains(it)),
                    "{command}: {section}"
                );
            }
        }
        assert!(run(&["man", "read"]).stdout.contains(".SH FILES"));
        assert!(run(&["man"]).stdout.contains(".BR sipdiag\\-read (1)"));
        assert_eq!(run(&["man", "nothing"]).status, Some(2));
    }

    #[test]
    fn all_go_into_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("share/man/man1");
        let target = target.to_str().unwrap();
        assert_eq!(run(&["man", "--dir", target]).status, Some(0));
        let mut written: Vec<_> = std::fs::read_dir(target)
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect();
        written.sort();
        let mut wanted: Vec<_> = commands().map(|it| format!("sipdiag-{it}.1")).collect();
        wanted.push("sipdiag.1".to_owned());
        wanted.sort();
        assert_eq!(written, wanted);
    }

    #[test]
    fn groff_has_nothing_to_say_against_them() {
        let has_groff = std::process::Command::new("groff")
            .arg("--version")
            .output();
        if has_groff.is_err() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().to_str().unwrap();
        assert_eq!(run(&["man", "--dir", target]).status, Some(0));
        for file in std::fs::read_dir(target).unwrap() {
            let path = file.unwrap().path();
            let checked = std::process::Command::new("groff")
                .args(["-man", "-Kutf8", "-Tutf8", "-ww", "-z"])
                .arg(&path)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&checked.stderr).into_owned();
            assert!(
                checked.status.success() && said.is_empty(),
                "{}: {said}",
                path.display()
            );
        }
    }
}

mod completions {
    use super::*;

    /// What the shell is offered for the last of these words.
    fn offered(words: &[&str]) -> Vec<String> {
        let mut command = program();
        command
            .env("SIPDIAG_COMPLETE", "fish")
            .arg("--")
            .arg("sipdiag")
            .args(words);
        let ran = finish(command);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        let word = |line: &str| line.split('\t').next().unwrap().to_owned();
        ran.stdout.lines().map(word).collect()
    }

    #[track_caller]
    fn offers(words: &[&str], wanted: &[&str]) {
        let offered = offered(words);
        for word in wanted {
            assert!(offered.iter().any(|it| it == word), "{word} in {offered:?}");
        }
    }

    #[test]
    fn the_script_of_each_shell_asks_the_program() {
        for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
            let script = run(&["completions", shell]);
            assert_eq!(script.status, Some(0));
            assert!(script.stdout.contains("SIPDIAG_COMPLETE"), "{shell}");
        }
    }

    #[test]
    fn commands_options_and_fixed_values_are_offered() {
        offers(&[""], &["read", "flow", "explain", "man"]);
        offers(&["read", "--for"], &["--format"]);
        offers(&["read", "--format", "m"], &["markdown", "mermaid"]);
        offers(&["read", "--lang", ""], &["en", "ar"]);
        offers(&["read", "--records", "call,su"], &["call,summary"]);
        offers(&["man", ""], &["read", "completions"]);
        offers(&["codes", "--class", ""], &["4xx"]);
        offers(&["completions", ""], &["bash", "zsh"]);
    }

    #[test]
    fn findings_and_codes_are_offered() {
        offers(&["read", "x.pcap", "--finding", "auth-l"], &["auth-loop"]);
        offers(
            &["read", "--silence", "auth-loop,status-48"],
            &["auth-loop,status-486"],
        );
        offers(&["explain", "40"], &["401", "407"]);
        offers(&["explain", "auth-l"], &["auth-loop"]);
        offers(&["explain", "w30"], &["W304"]);
        offers(&["explain", "timer-"], &["timer-b"]);
        offers(&["explain", "txn00"], &["TXN003"]);
        offers(&["explain", "unknown_"], &["unknown_ca"]);
        offers(&["explain", "INV"], &["INVITE"]);
        offers(&["compare", "401", "40"], &["407"]);
        offers(&["read", "--code", "4"], &["4xx", "486"]);
        offers(&["read", "--method", "REG"], &["REGISTER"]);
    }

    #[test]
    fn files_are_offered() {
        offers(&["read", "001-"], &[CALL]);
        offers(&["read", CALL, "-o", "001-"], &[CALL]);
    }

    #[cfg(all(feature = "live", target_os = "linux"))]
    #[test]
    fn interfaces_are_offered() {
        offers(&["live", ""], &["lo", "any"]);
    }

    #[test]
    fn bash_takes_the_script() {
        if std::process::Command::new("bash")
            .arg("-c")
            .arg("true")
            .output()
            .is_err()
        {
            return;
        }
        let script = run(&["completions", "bash"]).stdout;
        let binary = Path::new(env!("CARGO_BIN_EXE_sipdiag"));
        let folder = binary.parent().unwrap();
        let asked = format!(
            "{script}\nCOMP_WORDS=(sipdiag explain auth-lo); COMP_CWORD=2; COMP_TYPE=9\n\
             _clap_complete_sipdiag sipdiag auth-lo explain; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let output = std::process::Command::new("bash")
            .args(["--norc", "-c", &asked])
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
            .output()
            .unwrap();
        let offered = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            offered.lines().any(|it| it == "auth-loop"),
            "{offered}{said}"
        );
    }
}

mod package {
    use super::*;

    fn file(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("packaging/debian")
            .join(name)
    }

    #[test]
    fn it_has_the_version_of_the_program() {
        let changelog = std::fs::read_to_string(file("changelog")).unwrap();
        let head = format!("sipdiag ({}-", env!("CARGO_PKG_VERSION"));
        assert!(changelog.starts_with(&head), "{changelog}");
    }

    #[test]
    fn nobody_may_listen_unless_asked_for() {
        let templates = std::fs::read_to_string(file("scripts/templates")).unwrap();
        assert!(templates.contains("\nDefault: false\n"), "{templates}");
    }

    #[test]
    fn its_scripts_are_shell() {
        for script in ["config", "postinst", "postrm"] {
            let checked = std::process::Command::new("sh")
                .arg("-n")
                .arg(file("scripts").join(script))
                .output()
                .unwrap();
            assert!(checked.status.success(), "{script}");
        }
    }
}
