//! Where reports and packets go: whole or not at all, through links, into devices, and whatever signal comes between.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than any machine needs.
const PATIENCE: Duration = Duration::from_mins(1);

fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/captures")
        .join(name)
}

fn sipdiag(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sipdiag"));
    command.env_clear().current_dir(folder);
    command
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Runs with a status and returns what was said on stderr.
fn said(mut command: Command, status: i32) -> String {
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    stderr
}

const UNDER_WAY: [&str; 6] = ["read", "-", "-o", "report.txt", "-w", "calls.pcapng"];

/// Waits until it has begun to write, and waits itself for the rest of its input.
fn under_way(mut command: Command, folder: &Path) -> Child {
    let mut child = command
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let bytes = fs::read(capture("001-call-ok.pcap")).unwrap();
    child.stdin.as_mut().unwrap().write_all(&bytes).unwrap();
    let began = Instant::now();
    while names(folder).len() < 2 {
        assert!(began.elapsed() < PATIENCE, "it does not begin");
        std::thread::yield_now();
    }
    child
}

fn kill(child: &Child, signal: &str) {
    let kill = format!("kill -{signal} {}", child.id());
    let status = Command::new("sh").args(["-c", &kill]).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_signal_ends_it_as_it_ends_every_program_and_nothing_is_left() {
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let folder = tempfile::tempdir().unwrap();
        // Whoever runs the tests behind nohup has taken HUP away from them too.
        let mut command = Command::new("/usr/bin/env");
        command
            .args([
                "--default-signal=HUP,INT,TERM",
                env!("CARGO_BIN_EXE_sipdiag"),
            ])
            .args(UNDER_WAY)
            .env_clear()
            .current_dir(folder.path());
        let mut child = under_way(command, folder.path());
        // Waiting closes it, and the end of the input would end the program too.
        let input = child.stdin.take();
        kill(&child, name);
        let status = if name == "INT" {
            // The first one ends the input only, and two at once may be taken for one.
            loop {
                if let Some(status) = child.try_wait().unwrap() {
                    break status;
                }
                std::thread::sleep(Duration::from_millis(20));
                kill(&child, name);
            }
        } else {
            child.wait().unwrap()
        };
        drop(input);
        assert_eq!(status.signal(), Some(number), "{status}");
        assert_eq!(names(folder.path()), [""; 0]);
    }
}

#[test]
fn ctrl_c_ends_the_input_and_the_report_comes() {
    for (format, threads) in [
        ("table", "1"),
        ("json", "2"),
        ("ndjson", "1"),
        ("html", "2"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = sipdiag(folder.path());
        command.args(UNDER_WAY);
        command.args(["--format", format, "--threads", threads]);
        let mut child = under_way(command, folder.path());
        // As a tcpdump before it in the pipeline, which ends by the same Ctrl-C.
        kill(&child, "INT");
        drop(child.stdin.take());
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{format}");
        assert_eq!(names(folder.path()), ["calls.pcapng", "report.txt"]);
        let at = |name: &str| folder.path().join(name);
        let report = fs::read_to_string(at("report.txt")).unwrap();
        let expected = match format {
            "table" => "stdin: packets 13",
            "html" => "</html>",
            _ => "\"packets\":13",
        };
        let report = report.replace("\": ", "\":");
        assert!(report.contains(expected), "{report}");
        assert!(fs::metadata(at("calls.pcapng")).unwrap().len() > 2000);
    }
}

#[test]
fn a_pipe_that_stays_silent_is_not_waited_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = sipdiag(folder.path());
    command.args(UNDER_WAY);
    let mut child = under_way(command, folder.path());
    let input = child.stdin.take();
    kill(&child, "INT");
    let began = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(began.elapsed() < PATIENCE);
    drop(input);
    let report = fs::read_to_string(folder.path().join("report.txt")).unwrap();
    assert!(report.contains("stdin: packets 13"), "{report}");
}

/// A capture that has the packets of another one many times.
fn long(folder: &Path) -> PathBuf {
    let bytes = fs::read(capture("001-call-ok.pcap")).unwrap();
    let (head, packets) = bytes.split_at(24);
    let path = folder.join("long.pcap");
    fs::write(&path, [head, &packets.repeat(3000)].concat()).unwrap();
    path
}

#[test]
fn ctrl_c_ends_files_where_they_are_and_says_so() {
    for threads in ["1", "2"] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = sipdiag(folder.path());
        command.arg("read").arg(long(folder.path()));
        // It has not begun with this one yet, and does not count the packet of it that it has looked at.
        command.arg(capture("118-b2bua-callee-down.pcap"));
        command.args(["--format", "ndjson", "--records", "message,summary"]);
        command.args(["--threads", threads]);
        let pipes = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        // Nobody reads on: it is stuck in a write before long, far from its end.
        kill(&child, "INT");
        std::thread::sleep(Duration::from_millis(300));
        let mut last = String::new();
        let mut messages = 1;
        for line in stdout.lines() {
            last = line.unwrap();
            messages += 1;
        }
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{said}");
        let summary: serde_json::Value = serde_json::from_str(&last).unwrap();
        let packets = summary["packets"].as_u64().unwrap();
        assert!((100..39_000).contains(&packets), "{packets}");
        assert_eq!(summary["sip_messages"], messages - 1);
        let told = format!(
            "warning: Ctrl-C ended the reading after {packets} packets; what the input has behind them was not read\n"
        );
        assert_eq!(said, told);
    }
}

#[test]
fn a_new_file_has_the_permissions_that_the_umask_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let mode = |name: &str| {
        let metadata = fs::metadata(folder.path().join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    let read = |umask: &str| {
        let capture = capture("001-call-ok.pcap");
        let script = format!(
            "umask {umask}; exec {} read -q {} -o report -w packets",
            env!("CARGO_BIN_EXE_sipdiag"),
            capture.display(),
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir(folder.path());
        said_nothing(&mut command);
    };
    for (umask, expected) in [("077", 0o600), ("002", 0o664), ("022", 0o644)] {
        read(umask);
        assert_eq!((mode("report"), mode("packets")), (expected, expected));
        for name in names(folder.path()) {
            fs::remove_file(folder.path().join(name)).unwrap();
        }
    }
    // What is there stays as it is.
    fs::write(folder.path().join("report"), "").unwrap();
    fs::set_permissions(
        folder.path().join("report"),
        fs::Permissions::from_mode(0o640),
    )
    .unwrap();
    read("077");
    assert_eq!((mode("report"), mode("packets")), (0o640, 0o600));
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_was_taken_away_stays_away() {
    let folder = tempfile::tempdir().unwrap();
    // What nohup does.
    let program = env!("CARGO_BIN_EXE_sipdiag");
    let script = format!("trap '' HUP; exec {program} {}", UNDER_WAY.join(" "));
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(folder.path());
    let mut child = under_way(command, folder.path());
    kill(&child, "HUP");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert_eq!(names(folder.path()), ["calls.pcapng", "report.txt"]);
}

#[test]
fn a_file_that_must_not_grow_is_an_error_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "ulimit -f 1; exec {} read {} --format json -o report.json",
        env!("CARGO_BIN_EXE_sipdiag"),
        capture("001-call-ok.pcap").display(),
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(folder.path());
    let said = said(command, 3);
    let told = "error: cannot write to report.json: File too large (os error 27)\n";
    assert_eq!(said, told);
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_link_stays_and_what_it_names_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("far")).unwrap();
    fs::write(at("far/report.txt"), "old").unwrap();
    for (link, to) in [("there", "far/report.txt"), ("not-yet", "far/new.txt")] {
        std::os::unix::fs::symlink(to, at(link)).unwrap();
        let mut command = sipdiag(folder.path());
        command.arg("read").arg(capture("001-call-ok.pcap"));
        said_nothing(command.args(["-o", link]));
        assert!(at(link).is_symlink(), "{link}");
        assert!(fs::read_to_string(at(to)).unwrap().contains("001-call-ok"));
    }
    assert_eq!(names(&at("far")), ["new.txt", "report.txt"]);
}

#[track_caller]
fn said_nothing(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_stdout_is_told_as_that() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["explain", "401"][..], &["read", "--format", "ndjson"]] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sipdiag"));
        command.current_dir(folder.path()).args(arguments);
        if arguments.contains(&"read") {
            command.arg(capture("001-call-ok.pcap"));
        }
        command.stdout(fs::File::create("/dev/full").unwrap());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        let told = "error: cannot write to stdout: No space left on device (os error 28)\n";
        assert_eq!(String::from_utf8_lossy(&output.stderr), told);
    }
}

#[test]
fn an_error_names_its_file_once_and_the_right_reason() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("there")).unwrap();
    for (option, file, reason) in [
        ("-o", "there", "it is a folder"),
        ("-w", "there", "it is a folder"),
        ("-o", "nowhere/x.txt", "there is no such folder"),
        ("-w", "nowhere/x.pcapng", "there is no such folder"),
        #[cfg(target_os = "linux")]
        ("-o", "/proc/x.html", "no file can be made there"),
        #[cfg(target_os = "linux")]
        ("-o", "/dev/full", "No space left on device (os error 28)"),
        #[cfg(target_os = "linux")]
        ("-w", "/dev/full", "No space left on device (os error 28)"),
    ] {
        let mut command = sipdiag(folder.path());
        command.arg("read").arg(capture("001-call-ok.pcap"));
        command.args([option, file]);
        let expected = format!("error: cannot write to {file}: {reason}\n");
        assert_eq!(said(command, 3), expected);
    }
    assert_eq!(names(folder.path()), ["there"]);
}
