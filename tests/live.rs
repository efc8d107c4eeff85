//! `sipdiag live` on a real interface: the loopback of a network namespace that each test makes for itself, so that nothing
//! else is heard and nothing else is disturbed. What `live` finds there, `read` must find in a recording of the same packets.
//!
//! Where this user may not make a namespace the tests say so on stderr and pass; as root under `CI=true` they must run.
#![cfg(all(feature = "live", target_os = "linux"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::UdpSocket;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

/// Set in the process that runs inside the namespace.
const INSIDE: &str = "SIPDIAG_TEST_INSIDE_NAMESPACE";

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A T1 that lets Timer B run out within seconds: 64 times 50 ms.
const T1: Duration = Duration::from_millis(50);

const RECORDS: &str = "capture,message,transaction,finding,summary";

/// Thresholds that fit a test, for `live` and `read` alike.
const THRESHOLDS: [&str; 4] = ["--t1", "50ms", "--stuck-after", "1s"];

#[test]
fn live_finds_what_read_finds_in_the_same_packets() {
    isolated("live_finds_what_read_finds_in_the_same_packets", || {
        let folder = tempfile::tempdir().unwrap();
        let recording = folder.path().join("recording.pcap");
        let recorder = Recorder::start("lo", &recording);
        let listener = Listener::start(&[&["lo"][..], &ndjson(), &THRESHOLDS].concat());
        let with_sipp = play();
        let (status, stdout) = listener.interrupt();
        recorder.stop();
        assert!(status.success(), "{status}");
        let live = Records::of(&stdout);
        let read = Records::of(&read(&recording, &THRESHOLDS));
        live.assert_same(&read);

        // And what was played is what was found.
        for (call, name) in [
            ("closed", "icmp-unreachable"),
            ("silent", "invite-no-response"),
            ("password", "auth-loop"),
            ("stuck", "invite-stuck-trying"),
        ] {
            let found: Vec<_> = live
                .all
                .iter()
                .filter(|it| it["record"] == "finding" && it.get("consequence_of").is_none())
                .filter(|it| it["call_id"] == format!("{call}@example.com"))
                .map(|it| it["name"].as_str().unwrap())
                .collect();
            assert_eq!(found, [name], "{call}");
        }
        if with_sipp {
            let calls: Vec<_> = live
                .transactions()
                .filter(|it| it["dst"] == "127.0.0.1:15060" && it["method"] == "INVITE")
                .map(|it| it["sequence"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(calls, ["180 200", "180 200"]);
        }
        // What is stuck is told while it is stuck.
        assert!(
            live.all.iter().any(|it| it["record"] == "alert"
                && it["name"] == "invite-stuck-trying"
                && it.get("id").is_none()),
            "no alert"
        );
    });
}

#[test]
fn live_on_any_finds_what_read_finds() {
    isolated("live_on_any_finds_what_read_finds", || {
        let folder = tempfile::tempdir().unwrap();
        let recording = folder.path().join("recording.pcap");
        let recorder = Recorder::start("any", &recording);
        let listener = Listener::start(&[&["any"][..], &ndjson()].concat());
        let (alice, bob) = (bind("[::1]:15081"), bind("[::1]:15080"));
        ping(&alice, &bob, "any-1");
        ping(&alice, &bob, "any-2");
        let (status, stdout) = listener.interrupt();
        recorder.stop();
        assert!(status.success(), "{status}");
        let live = Records::of(&stdout);
        live.assert_same(&Records::of(&read(&recording, &[])));
        assert_eq!(live.summary["transactions"], 2);
        assert_eq!(live.summary["retransmissions"], 0);
        assert_eq!(live.summary["sip_messages"], 4);
    });
}

#[test]
fn ctrl_c_prints_the_report_and_a_second_one_stops_at_once() {
    isolated(
        "ctrl_c_prints_the_report_and_a_second_one_stops_at_once",
        || {
            let (alice, bob) = (bind("127.0.0.1:15081"), bind("127.0.0.1:15080"));
            let listener = Listener::start(&["lo"]);
            ping(&alice, &bob, "report");
            let (status, stdout) = listener.interrupt();
            assert!(status.success(), "{status}");
            assert!(stdout.contains("SIP messages 2"), "{stdout}");
            assert!(stdout.contains("OPTIONS"), "{stdout}");

            // A reader that does not read: the first Ctrl-C cannot end what is stuck in a write.
            let mut child = sipdiag()
                .args(["live", "lo", "--format", "ndjson", "--records", "message"])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let _stderr = await_listening(&mut child);
            for number in 0..600 {
                ping(&alice, &bob, &format!("flood-{number}"));
            }
            // The kernel hands on what it holds within a tenth of a second; the pipe is full long before the end.
            sleep(Duration::from_secs(2));
            interrupt(&child);
            sleep(Duration::from_millis(500));
            assert!(child.try_wait().unwrap().is_none(), "the pipe was not full");
            interrupt(&child);
            let status = end(&mut child);
            assert_eq!(status.signal(), Some(2), "{status}");
        },
    );
}

#[test]
fn live_ends_after_a_time_or_a_number_of_packets() {
    isolated("live_ends_after_a_time_or_a_number_of_packets", || {
        let (alice, bob) = (bind("127.0.0.1:15081"), bind("127.0.0.1:15080"));
        let began = Instant::now();
        let timed = Listener::start(&["lo", "--duration", "1s"]);
        let (status, stdout) = timed.wait();
        assert!(status.success(), "{status}");
        assert!(began.elapsed() >= Duration::from_secs(1));
        assert!(!stdout.is_empty());

        let counted = Listener::start(&[&["lo", "--count", "2"][..], &ndjson()].concat());
        for number in 0..3 {
            ping(&alice, &bob, &format!("count-{number}"));
        }
        let (status, stdout) = counted.wait();
        assert!(status.success(), "{status}");
        assert_eq!(Records::of(&stdout).summary["packets"], 2);
    });
}

#[test]
fn a_filter_chooses_what_is_heard() {
    isolated("a_filter_chooses_what_is_heard", || {
        let (alice, bob) = (bind("127.0.0.1:15081"), bind("127.0.0.1:15080"));
        let carol = bind("127.0.0.1:15082");
        let arguments = [&["lo", "-f", "port 15081"][..], &ndjson()].concat();
        let listener = Listener::start(&arguments);
        ping(&carol, &bob, "not-heard");
        ping(&alice, &bob, "heard");
        let (status, stdout) = listener.interrupt();
        assert!(status.success(), "{status}");
        let records = Records::of(&stdout);
        assert_eq!(records.summary["sip_messages"], 2);
        assert_eq!(records.summary["packets"], 2);
        let heard: Vec<_> = records.transactions().map(|it| &it["call_id"]).collect();
        assert_eq!(heard, ["heard@example.com"]);

        let wrong = sipdiag()
            .args(["live", "lo", "-f", "port port"])
            .output()
            .unwrap();
        assert_eq!(wrong.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&wrong.stderr).contains('^'));
    });
}

#[test]
fn what_fails_is_told_on_stderr_where_stdout_has_no_line_for_it() {
    isolated(
        "what_fails_is_told_on_stderr_where_stdout_has_no_line_for_it",
        || {
            let folder = tempfile::tempdir().unwrap();
            let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
            let (html, text, lines) = (file("r.html"), file("r.txt"), file("r.ndjson"));
            let listen = |more: &[&str]| Listener::start(&[&["lo"], more].concat());
            let told_on_stderr = [
                listen(&["-o", &text]),
                listen(&["--format", "html", "-o", &html]),
                listen(&["--format", "ndjson", "-o", &lines]),
                listen(&["--format", "json"]),
                listen(&["--format", "csv"]),
                listen(&["--format", "markdown"]),
            ];
            let [table, ndjson] = [listen(&[]), listen(&["--format", "ndjson"])];
            let (alice, bob) = (bind("127.0.0.1:15081"), bind("127.0.0.1:15080"));
            send(
                &alice,
                "127.0.0.1:15080",
                &request("INVITE", "unknown", 1, ""),
            );
            send(
                &bob,
                "127.0.0.1:15081",
                &response("404 Not Found", "INVITE", "unknown", 1, ""),
            );
            // Twice the time in which another message might overtake these.
            sleep(Duration::from_secs(3));

            let alerts = |text: &str| {
                let is_alert = |it: &&str| it.get(12..).is_some_and(|it| it.starts_with(" error "));
                text.lines().filter(is_alert).count()
            };
            for listener in told_on_stderr {
                let (status, stdout, stderr) = listener.interrupt_with_stderr();
                assert!(status.success(), "{status}");
                assert_eq!(alerts(&stderr), 1, "{stderr}");
                assert!(stderr.contains("status-404"), "{stderr}");
                assert_eq!(alerts(&stdout), 0, "{stdout}");
            }
            // The report that nobody saw until now has no lines of then; records are for programs.
            let text = std::fs::read_to_string(text).unwrap();
            assert!(text.starts_with("lo: "), "{text}");
            assert_eq!(alerts(&text), 0, "{text}");
            let lines = std::fs::read_to_string(lines).unwrap();
            assert!(lines.contains("\"record\":\"alert\""), "{lines}");

            let (_, stdout, stderr) = table.interrupt_with_stderr();
            assert_eq!((alerts(&stdout), alerts(&stderr)), (1, 0), "{stdout}");
            let (_, stdout, stderr) = ndjson.interrupt_with_stderr();
            assert!(stdout.contains("\"record\":\"alert\""), "{stdout}");
            assert_eq!(stderr, "");
        },
    );
}

#[test]
fn an_interface_that_goes_away_is_told_at_once_and_is_no_damaged_file() {
    isolated(
        "an_interface_that_goes_away_is_told_at_once_and_is_no_damaged_file",
        || {
            let ip = |arguments: &str| {
                let status = Command::new("ip").args(arguments.split(' ')).status();
                assert!(status.unwrap().success(), "ip {arguments}");
            };
            ip("link add v0 type veth peer name v1");
            ip("link set v0 up");
            let mut both = Listener::start(&["v0", "lo"]);
            let alone = Listener::start(&["v0"]);
            let (alice, bob) = (bind("127.0.0.1:15081"), bind("127.0.0.1:15080"));
            ip("link del v0");
            let mut line = String::new();
            both.stderr.read_line(&mut line).unwrap();
            assert!(
                line.starts_with("warning: no more packets come from v0: "),
                "{line}"
            );
            // The other one is still listened on.
            ping(&alice, &bob, "other");
            let (status, stdout) = both.interrupt();
            assert_eq!(status.code(), Some(4), "{stdout}");
            assert!(stdout.contains("The capture on v0 broke off"), "{stdout}");
            assert!(stdout.contains("SIP messages 2"), "{stdout}");
            for word in ["damaged at", "checksum", "FTP", "frames are counted"] {
                assert!(!stdout.contains(word), "{word}: {stdout}");
            }
            // Where it was the only one, that is the end.
            let (status, stdout, stderr) = alone.wait_with_stderr();
            assert_eq!(status.code(), Some(4), "{stdout}");
            assert!(
                stderr.starts_with("warning: no more packets come from v0: "),
                "{stderr}"
            );
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
        },
    );
}

#[test]
fn an_interface_that_is_not_there_is_3_with_those_that_are() {
    isolated(
        "an_interface_that_is_not_there_is_3_with_those_that_are",
        || {
            let output = sipdiag().args(["live", "eth77"]).output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(3), "{stderr}");
            assert!(
                stderr.starts_with("error: cannot capture on eth77: "),
                "{stderr}"
            );
            let help = stderr
                .lines()
                .find(|line| line.starts_with("help: "))
                .unwrap();
            assert!(help.contains("lo") && help.contains("any"), "{help}");
            assert!(output.stdout.is_empty());
        },
    );
}

/// Runs a test in a network namespace of its own, where its loopback is up: the test program again, for this one test.
fn isolated(name: &str, test: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        test();
        return;
    }
    // In a user namespace of his own anybody is root, where the system allows it.
    let flags = if is_root() { "-n" } else { "-rn" };
    let enter = |command: &[&str]| {
        let mut unshare = Command::new("unshare");
        unshare
            .args([
                flags,
                "--",
                "sh",
                "-c",
                "ip link set lo up && exec \"$0\" \"$@\"",
            ])
            .args(command)
            .stdin(Stdio::null());
        unshare
    };
    match enter(&["true"]).output() {
        Ok(output) if output.status.success() => {}
        tried => {
            let why = match tried {
                Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
                Err(error) => error.to_string(),
            };
            let must = is_root() && std::env::var("CI").is_ok_and(|it| it == "true");
            assert!(!must, "cannot make a network namespace: {why}");
            // Not by `eprintln!`: that is shown of failing tests only.
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED {name}: cannot make a network namespace: {why}"
            );
            return;
        }
    }
    let this = std::env::current_exe().unwrap();
    let output = enter(&[this.to_str().unwrap(), "--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "inside the namespace:\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

fn sipdiag() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sipdiag"));
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command
}

fn ndjson() -> [&'static str; 4] {
    ["--format", "ndjson", "--records", RECORDS]
}

fn read(recording: &Path, more: &[&str]) -> String {
    let output = sipdiag()
        .arg("read")
        .arg(recording)
        .args(ndjson())
        .args(more)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// `sipdiag live` at work, its output being read.
struct Listener {
    child: Child,
    stdout: JoinHandle<String>,
    stderr: BufReader<ChildStderr>,
}

impl Listener {
    /// Starts it and waits until it listens.
    fn start(arguments: &[&str]) -> Self {
        let mut child = sipdiag()
            .arg("live")
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let stdout = std::thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).unwrap();
            text
        });
        let stderr = await_listening(&mut child);
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// Presses Ctrl-C once everything sent so far has come through, and waits for the end.
    fn interrupt(self) -> (ExitStatus, String) {
        sleep(Duration::from_secs(1));
        interrupt(&self.child);
        self.wait()
    }

    fn wait(self) -> (ExitStatus, String) {
        let (status, stdout, _) = self.wait_with_stderr();
        (status, stdout)
    }

    /// The same with what stderr says behind the line that it listens.
    fn interrupt_with_stderr(self) -> (ExitStatus, String, String) {
        interrupt(&self.child);
        self.wait_with_stderr()
    }

    fn wait_with_stderr(mut self) -> (ExitStatus, String, String) {
        let status = end(&mut self.child);
        let mut stderr = String::new();
        self.stderr.read_to_string(&mut stderr).unwrap();
        (status, self.stdout.join().unwrap(), stderr)
    }
}

fn await_listening(child: &mut Child) -> BufReader<ChildStderr> {
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.starts_with("listening on "), "{line}");
    stderr
}

fn interrupt(child: &Child) {
    let kill = format!("kill -INT {}", child.id());
    assert!(
        Command::new("sh")
            .args(["-c", &kill])
            .status()
            .unwrap()
            .success()
    );
}

/// Waits for the end of a process, not for ever.
fn end(child: &mut Child) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it did not end");
        }
        sleep(Duration::from_millis(20));
    }
}

/// Writes what an interface shows to a file.
struct Recorder {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Recorder {
    fn start(interface: &str, path: &Path) -> Self {
        let capture = pcap::Capture::from_device(interface)
            .unwrap()
            .snaplen(262_144)
            .promisc(false)
            .immediate_mode(true)
            .open()
            .unwrap();
        let mut capture = capture.setnonblock().unwrap();
        let mut file = capture.savefile(path).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            loop {
                match capture.next_packet() {
                    Ok(packet) => file.write(&packet),
                    Err(pcap::Error::TimeoutExpired) if told.load(Ordering::Relaxed) => break,
                    Err(pcap::Error::TimeoutExpired) => sleep(Duration::from_millis(2)),
                    Err(error) => panic!("{error}"),
                }
            }
            file.flush().unwrap();
        });
        Self { stop, thread }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

/// What `--format ndjson` said.
struct Records {
    all: Vec<Value>,
    summary: Value,
}

impl Records {
    fn of(text: &str) -> Self {
        let all: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let mut summaries = all.iter().filter(|it| it["record"] == "summary");
        let summary = summaries.next().unwrap().clone();
        assert!(summaries.next().is_none());
        Self { all, summary }
    }

    fn transactions(&self) -> impl Iterator<Item = &Value> {
        self.all.iter().filter(|it| it["record"] == "transaction")
    }

    /// Everything but clocks and the order in which things became known.
    fn assert_same(&self, other: &Self) {
        let lost = &self.summary["dropped"]["kernel"];
        assert!(lost.is_null() || *lost == 0, "the kernel dropped packets");
        let without_drops = |summary: &Value| {
            let mut summary = summary.clone();
            summary.as_object_mut().unwrap().remove("dropped");
            // Files have microseconds, live capture nanoseconds.
            if let Some(kpi) = summary["kpi"].as_object_mut() {
                kpi.retain(|name, _| !name.ends_with("_ms"));
            }
            summary
        };
        assert_eq!(without_drops(&self.summary), without_drops(&other.summary));
        for record in ["message", "transaction", "finding"] {
            let (ours, theirs) = (self.essence(record), other.essence(record));
            for (live, read) in ours.iter().zip(&theirs) {
                assert_eq!(live, read, "live left, read right");
            }
            assert_eq!(ours.len(), theirs.len(), "{record}");
        }
    }

    /// The records of a kind without ids and times, in the order of their frames.
    fn essence(&self, record: &str) -> Vec<BTreeMap<String, String>> {
        let mut found: Vec<_> = self
            .all
            .iter()
            .filter(|it| it["record"] == record)
            .map(essence)
            .collect();
        found.sort();
        found
    }
}

fn essence(record: &Value) -> BTreeMap<String, String> {
    let kept = [
        "frame",
        "frames",
        "request_frames",
        "ack_frames",
        "call_id",
        "cseq",
        "src",
        "dst",
        "transport",
        "encapsulation",
        "method",
        "status",
        "kind",
        "oddities",
        "sequence",
        "state",
        "final",
        "request_retransmissions",
        "code",
        "name",
        "severity",
        "confidence",
    ];
    let mut essence: BTreeMap<_, _> = kept
        .into_iter()
        .filter_map(|field| Some((field.to_owned(), record.get(field)?.to_string())))
        .collect();
    let related = ["finding_ids", "transactions"];
    for field in related {
        let count = record[field].as_array().map(Vec::len);
        essence.insert(field.to_owned(), format!("{count:?}"));
    }
    let caused = record.get("consequence_of").is_some();
    essence.insert("consequence".to_owned(), caused.to_string());
    let responses = record["responses"].as_array().into_iter().flatten();
    let frames: Vec<_> = responses.map(|it| (&it["frame"], &it["repeats"])).collect();
    essence.insert("responses".to_owned(), format!("{frames:?}"));
    essence
}

/// Calls that work and calls that fail, within four seconds. Whether sipp was there to make the working ones.
fn play() -> bool {
    let sipp = std::thread::spawn(sipp_calls);
    let began = Instant::now();
    let alice = bind("127.0.0.1:15071");
    let bob = bind("127.0.0.1:15070");

    // Nobody listens there: the kernel reports it by ICMP.
    for _ in 0..2 {
        send(
            &alice,
            "127.0.0.1:15079",
            &request("INVITE", "closed", 1, ""),
        );
    }
    // The password is wrong.
    for (cseq, credentials) in [
        (1, ""),
        (
            2,
            "Authorization: Digest username=\"alice\", realm=\"example.com\", nonce=\"abc\", uri=\"sip:example.com\", \
             response=\"00000000000000000000000000000000\"\r\n",
        ),
    ] {
        send(
            &alice,
            "127.0.0.1:15070",
            &request("REGISTER", "password", cseq, credentials),
        );
        let challenge = "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"abc\"\r\n";
        send(
            &bob,
            "127.0.0.1:15071",
            &response("401 Unauthorized", "REGISTER", "password", cseq, challenge),
        );
    }
    // Taken and never answered.
    send(
        &alice,
        "127.0.0.1:15070",
        &request("INVITE", "stuck", 1, ""),
    );
    send(
        &bob,
        "127.0.0.1:15071",
        &response("100 Trying", "INVITE", "stuck", 1, ""),
    );
    // Never answered at all: Timer A doubles until Timer B, at 0, 1, 3, 7, 15, 31 and 63 times T1.
    let silent = Instant::now();
    for doubling in 0..7 {
        let due = T1 * (2_u32.pow(doubling) - 1);
        sleep(due.saturating_sub(silent.elapsed()));
        send(
            &alice,
            "127.0.0.1:15070",
            &request("INVITE", "silent", 1, ""),
        );
    }
    sleep((T1 * 66).saturating_sub(silent.elapsed()));
    let with_sipp = sipp.join().unwrap();
    // The last packet says that the capture ran on.
    ping(&alice, &bob, "last");
    assert!(began.elapsed() < PATIENCE);
    with_sipp
}

/// Two calls between real user agents; false where sipp is not installed.
fn sipp_calls() -> bool {
    let sipp = |arguments: &[&str]| {
        Command::new("sipp")
            .args(arguments)
            .args(["-i", "127.0.0.1", "-m", "2", "-nostdin", "-timeout", "20"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    };
    let Ok(mut uas) = sipp(&["-sn", "uas", "-p", "15060"]) else {
        return false;
    };
    sleep(Duration::from_millis(500));
    let mut uac = sipp(&["-sn", "uac", "-p", "15061", "-d", "100", "127.0.0.1:15060"]).unwrap();
    assert!(end(&mut uac).success(), "sipp could not call");
    assert!(end(&mut uas).success(), "sipp could not answer");
    true
}

fn bind(address: &str) -> UdpSocket {
    UdpSocket::bind(address).unwrap()
}

fn send(from: &UdpSocket, to: &str, message: &str) {
    // An earlier ICMP error may be told here; the datagram is sent the second time then.
    let _ = from
        .send_to(message.as_bytes(), to)
        .or_else(|_| from.send_to(message.as_bytes(), to))
        .unwrap();
}

/// An OPTIONS with its 200.
fn ping(alice: &UdpSocket, bob: &UdpSocket, call_id: &str) {
    let (here, there) = (alice.local_addr().unwrap(), bob.local_addr().unwrap());
    send(
        alice,
        &there.to_string(),
        &request("OPTIONS", call_id, 1, ""),
    );
    send(
        bob,
        &here.to_string(),
        &response("200 OK", "OPTIONS", call_id, 1, ""),
    );
}

fn request(method: &str, call_id: &str, cseq: u32, more: &str) -> String {
    format!(
        "{method} sip:bob@example.com SIP/2.0\r\n{}Max-Forwards: 70\r\nContact: <sip:alice@127.0.0.1:15071>\r\n{more}\
         Content-Length: 0\r\n\r\n",
        common(method, call_id, cseq, "")
    )
}

fn response(status: &str, method: &str, call_id: &str, cseq: u32, more: &str) -> String {
    let tag = if status.starts_with("100") {
        ""
    } else {
        ";tag=b"
    };
    format!(
        "SIP/2.0 {status}\r\n{}{more}Content-Length: 0\r\n\r\n",
        common(method, call_id, cseq, tag)
    )
}

fn common(method: &str, call_id: &str, cseq: u32, to_tag: &str) -> String {
    format!(
        "Via: SIP/2.0/UDP 127.0.0.1:15071;branch=z9hG4bK-{call_id}-{cseq}\r\nFrom: <sip:alice@example.com>;tag=a\r\n\
         To: <sip:bob@example.com>{to_tag}\r\nCall-ID: {call_id}@example.com\r\nCSeq: {cseq} {method}\r\n"
    )
}
