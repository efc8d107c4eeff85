//! A selection at work, from packets to what the observer behind it is told.

use super::*;
use crate::capture::{CaptureFacts, FrameNumber, LinkType, Packet};
use crate::dialog::Call;
use crate::dialog::legs::Legs;
use crate::engine::{Engine, Observer, Options, Report, Selected};
use crate::transaction::Placement;
use etherparse::PacketBuilder;
use std::time::Duration;

/// What came through, a line each.
#[derive(Default)]
struct Log(Vec<String>);

impl Observer for Log {
    fn message(&mut self, message: &SeenMessage<'_>, _: Placement) {
        self.0.push(format!("message {}", message.arrival.frame));
    }

    fn transaction(&mut self, transaction: &Transaction, _: &[&Finding]) {
        let call_id = String::from_utf8_lossy(&transaction.call_id);
        let method = transaction.method.name();
        self.0.push(format!("transaction {call_id} {method}"));
    }

    fn call(&mut self, call: &Call, _: &Legs) {
        let call_id = String::from_utf8_lossy(&call.call_id);
        self.0.push(format!("call {call_id}"));
    }

    fn finding(&mut self, finding: &Finding) {
        self.0.push(format!("finding {}", finding.name()));
    }
}

impl Log {
    /// The rest of the lines of one kind.
    fn of(&self, kind: &str) -> Vec<&str> {
        let lines = self.0.iter();
        lines
            .filter_map(|line| line.strip_prefix(kind).map(str::trim))
            .collect()
    }
}

/// 2026-01-01T10:00:00Z.
const START: i64 = 1_767_261_600_000_000_000;

/// A packet after so many milliseconds, from one host to another, such as `10` for 192.0.2.10.
struct Sent(u64, u8, u8, String);

fn at(millis: u64, src: u8, dst: u8, text: &str) -> Sent {
    Sent(millis, src, dst, text.replace('\n', "\r\n") + "\r\n\r\n")
}

fn request(method: &str, call: &str, from: &str, to: &str, more: &str) -> String {
    // The ACK to a refusal is part of the INVITE's transaction.
    let branch = if method == "ACK" { "INVITE" } else { method };
    let cseq = if method == "BYE" { 2 } else { 1 };
    format!(
        "{method} sip:{} SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK{call}{branch}\nFrom: <sip:{from}>;tag={from}\nTo: <sip:{to}\nCall-ID: {call}\nCSeq: {cseq} {method}\nMax-Forwards: 70{more}\nContent-Length: 0",
        to.split('>').next().unwrap()
    )
}

fn response(code: u64, method: &str, call: &str, from: &str, to: &str) -> String {
    format!(
        "SIP/2.0 {code} Text\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK{call}{method}\nFrom: <sip:{from}>;tag={from}\nTo: <sip:{to}>;tag=t{code}\nCall-ID: {call}\nCSeq: 1 {method}\nContent-Length: 0"
    )
}

/// Alice finds Bob busy, then Carol registers at .30, then Dave asks and hears nothing of it.
fn traffic() -> Vec<Sent> {
    let (alice, bob) = ("alice@example.com", "bob@example.net");
    let carol = "carol@example.org";
    vec![
        at(
            0,
            10,
            20,
            &request("INVITE", "busy", alice, &format!("{bob}>"), ""),
        ),
        at(50, 20, 10, &response(486, "INVITE", "busy", alice, bob)),
        at(
            60,
            10,
            20,
            &request("ACK", "busy", alice, &format!("{bob}>;tag=t486"), ""),
        ),
        at(
            90_000,
            30,
            20,
            &request("REGISTER", "reg", carol, &format!("{carol}>"), ""),
        ),
        at(
            90_050,
            20,
            30,
            &response(200, "REGISTER", "reg", carol, carol),
        ),
        at(
            200_000,
            10,
            40,
            &request("OPTIONS", "ping", "dave@example.com", "x@192.0.2.40>", ""),
        ),
        at(
            200_010,
            40,
            10,
            &response(200, "OPTIONS", "ping", "dave@example.com", "x@192.0.2.40"),
        ),
    ]
}

fn run(selection: Selection, room: usize, packets: &[Sent]) -> (Vec<String>, Report) {
    let selecting = Selecting::with_room(selection, Log::default(), true, room);
    let mut engine = Engine::new(Options::default(), selecting);
    for (Sent(millis, src, dst, text), frame) in packets.iter().zip(1..) {
        let mut data = Vec::new();
        PacketBuilder::ethernet2([2; 6], [2; 6])
            .ipv4([192, 0, 2, *src], [192, 0, 2, *dst], 64)
            .udp(5060, 5060)
            .write(&mut data, text.as_bytes())
            .unwrap();
        let time = Timestamp::from_nanos(START) + Duration::from_millis(*millis);
        engine.observer_mut().begin(time);
        engine.packet(&Packet {
            frame: FrameNumber(frame),
            time,
            link_type: LinkType::ETHERNET,
            interface: 0,
            original_len: u32::try_from(data.len()).unwrap(),
            data: &data,
        });
    }
    let (mut report, selecting) = engine.finish(CaptureFacts::default());
    let (log, _) = selecting.finish(&mut report);
    (log.0, report)
}

fn glob(text: &str) -> Vec<Glob> {
    vec![text.parse().unwrap()]
}

/// The Call-IDs whose transactions came through.
fn selected(selection: Selection) -> Vec<String> {
    let (log, report) = run(selection, 1 << 20, &traffic());
    let mut calls: Vec<_> = Log(log)
        .of("transaction")
        .iter()
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    calls.dedup();
    let count = report.selected.map(|it| it.call_ids);
    assert!(count.is_none_or(|count| count == calls.len() as u64));
    calls
}

#[test]
fn each_criterion_selects_whole_calls() {
    let all = Selection::default;
    for (selection, expected) in [
        (all(), &["busy", "reg", "ping"][..]),
        (
            Selection {
                call_ids: glob("b*"),
                ..all()
            },
            &["busy"],
        ),
        (
            Selection {
                from: glob("alice"),
                ..all()
            },
            &["busy"],
        ),
        (
            Selection {
                from: glob("*@example.com"),
                ..all()
            },
            &["busy", "ping"],
        ),
        (
            Selection {
                from: glob("sip:carol@example.org"),
                ..all()
            },
            &["reg"],
        ),
        (
            Selection {
                from: glob("bob"),
                ..all()
            },
            &[],
        ),
        (
            Selection {
                to: glob("bob@*"),
                ..all()
            },
            &["busy"],
        ),
        (
            Selection {
                users: glob("?ave"),
                ..all()
            },
            &["ping"],
        ),
        (
            Selection {
                hosts: vec!["192.0.2.30".parse().unwrap()],
                ..all()
            },
            &["reg"],
        ),
        (
            Selection {
                hosts: vec!["*.net".parse().unwrap()],
                ..all()
            },
            &["busy"],
        ),
        (
            Selection {
                methods: glob("options"),
                ..all()
            },
            &["ping"],
        ),
        (
            Selection {
                codes: vec!["4xx".parse().unwrap()],
                ..all()
            },
            &["busy"],
        ),
    ] {
        let asked = selection.to_string();
        assert_eq!(selected(selection), expected, "{asked}");
    }
}

#[test]
fn findings_and_times_select_whole_calls_too() {
    let all = Selection::default;
    for (selection, expected) in [
        (
            Selection {
                findings: vec!["status-486".parse().unwrap()],
                ..all()
            },
            &["busy"][..],
        ),
        (
            Selection {
                severities: vec![Severity::Info],
                ..all()
            },
            &["busy"],
        ),
        (
            Selection {
                problems: true,
                ..all()
            },
            &[],
        ),
        (
            Selection {
                since: Some("1m".parse().unwrap()),
                ..all()
            },
            &["reg", "ping"],
        ),
        (
            Selection {
                until: Some("10:02".parse().unwrap()),
                ..all()
            },
            &["busy", "reg"],
        ),
    ] {
        let asked = selection.to_string();
        assert_eq!(selected(selection), expected, "{asked}");
    }
}

#[test]
fn different_criteria_must_all_be_met_and_one_of_each() {
    let both = Selection {
        from: [glob("alice"), glob("carol")].concat(),
        methods: glob("REGISTER"),
        ..Selection::default()
    };
    assert_eq!(
        both.to_string(),
        "--from alice --from carol --method REGISTER"
    );
    assert_eq!(selected(both), ["reg"]);
}

#[test]
fn a_call_comes_from_its_first_message_and_in_order() {
    let busy = Selection {
        findings: vec!["status-486".parse().unwrap()],
        ..Selection::default()
    };
    let (log, report) = run(busy, 1 << 20, &traffic());
    let expected = [
        "message 1",
        "message 2",
        "message 3",
        "transaction busy INVITE",
        "call busy",
        "finding status-486",
    ];
    assert_eq!(log[..6], expected);
    assert_eq!(report.selected.unwrap().worst, Some(Severity::Info));
    assert!(report.findings.iter().any(|it| it.name() == "status-486"));
}

#[test]
fn what_is_met_later_brings_what_was_judged_before() {
    let ping = |millis, code| {
        let call = "same";
        let text = request("OPTIONS", call, "a@example.com", "b@example.com>", "");
        let text = text.replace("z9hG4bK", &format!("z9hG4bK{millis}"));
        let answer = response(code, "OPTIONS", call, "a@example.com", "b@example.com");
        let answer = answer.replace("z9hG4bK", &format!("z9hG4bK{millis}"));
        [at(millis, 10, 20, &text), at(millis + 5, 20, 10, &answer)]
    };
    let packets: Vec<_> = [ping(0, 200), ping(100_000, 200), ping(200_000, 503)]
        .into_iter()
        .flatten()
        .collect();
    let refused = || Selection {
        codes: vec!["503".parse().unwrap()],
        ..Selection::default()
    };
    let (log, _) = run(refused(), 1 << 20, &packets);
    let log = Log(log);
    assert_eq!(log.of("message"), ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(log.of("transaction").len(), 3);
    // With room for little, what came first is gone, and that is said.
    let (log, report) = run(refused(), 4000, &packets);
    let log = Log(log);
    assert!(log.of("message").len() < 6 && log.of("message").contains(&"6"));
    assert_eq!(report.selected.unwrap().without_beginning, 1);
}

#[test]
fn who_calls_is_told_by_what_begins_a_dialog() {
    let bob = "bob@example.net";
    let alice = "alice@example.com";
    let mut packets = traffic();
    packets.truncate(2);
    let bye = request("BYE", "busy", bob, &format!("{alice}>;tag={alice}"), "");
    packets.push(at(70, 20, 10, &bye));
    let by = |who: &str| Selection {
        from: glob(who),
        ..Selection::default()
    };
    let count = |selection, packets: &[Sent]| {
        let (_, report) = run(selection, 1 << 20, packets);
        report.selected.unwrap().call_ids
    };
    assert_eq!(count(by("alice"), &packets), 1);
    assert_eq!(count(by("bob"), &packets), 0);
    // Where that was not captured, either may be.
    assert_eq!(count(by("bob"), &packets[2..]), 1);
}

#[test]
fn the_legs_of_a_call_are_selected_together() {
    let (alice, bob) = ("alice@example.com", "bob@example.net");
    let to = format!("{bob}>");
    let packets = [
        at(0, 10, 20, &request("INVITE", "leg-before", alice, &to, "")),
        at(
            20,
            20,
            40,
            &request(
                "INVITE",
                "leg-behind",
                "b2bua@example.org",
                &to,
                "\nX-Call-ID: leg-before",
            ),
        ),
        at(
            40,
            40,
            20,
            &response(404, "INVITE", "leg-behind", "b2bua@example.org", bob),
        ),
        at(
            60,
            20,
            10,
            &response(480, "INVITE", "leg-before", alice, bob),
        ),
        at(80, 10, 20, &request("INVITE", "other", alice, &to, "")),
        at(90, 20, 10, &response(486, "INVITE", "other", alice, bob)),
    ];
    let codes = |text: &str| vec![text.parse().unwrap()];
    for selection in [
        Selection {
            codes: codes("404"),
            ..Selection::default()
        },
        Selection {
            codes: codes("404"),
            from: glob("alice"),
            ..Selection::default()
        },
        Selection {
            call_ids: glob("leg-before"),
            ..Selection::default()
        },
    ] {
        let asked = selection.to_string();
        let (log, report) = run(selection, 1 << 20, &packets);
        let log = Log(log);
        let mut calls = log.of("call");
        calls.sort_unstable();
        assert_eq!(calls, ["leg-before", "leg-behind"], "{asked}");
        assert_eq!(report.selected.unwrap().call_ids, 2);
    }
}

#[test]
fn with_nothing_asked_for_nothing_is_said_of_it() {
    let (log, report) = run(Selection::default(), 1 << 20, &traffic());
    assert_eq!(report.selected, None);
    assert_eq!(Log(log).of("message").len(), 7);
    let nobody = Selection {
        from: glob("nobody"),
        ..Selection::default()
    };
    let (log, report) = run(nobody, 1 << 20, &traffic());
    assert!(Log(log).of("message").is_empty());
    let expected = Selected {
        criteria: "--from nobody".into(),
        ..Selected::default()
    };
    let selected = report.selected.unwrap();
    assert_eq!(
        (selected.criteria, selected.unmet, selected.call_ids),
        (expected.criteria.clone(), expected.criteria, 0)
    );
}
