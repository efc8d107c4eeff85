//! Attacks that take too many packets for a file, and what only looks like one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use sipdiag::capture::{FrameNumber, LinkType, Packet};
use sipdiag::engine::{Engine, Observer, Options};
use sipdiag::rules::Finding;
use sipdiag::time::Timestamp;
use std::fmt::Write;
use support::flow::Flow;
use support::run::Outcome;

const HOSTS: &str =
    "evil = 203.0.113.66:5060\nserver = 192.0.2.20:5060\nbystander = 192.0.2.30:5060\n";

/// Runs a case whose lines need no order of time.
fn run(lines: &str) -> Outcome {
    let mut flow = Flow::parse("generated", &format!("{HOSTS}{lines}"));
    flow.packets.sort_by_key(|packet| packet.time);
    flow.run()
}

fn named(outcome: &Outcome, name: &str) -> Vec<String> {
    outcome
        .findings()
        .iter()
        .filter(|it| it.name() == name)
        .map(ToString::to_string)
        .collect()
}

fn register(index: u32, millis: f64) -> String {
    let at = millis / 1000.0;
    format!(
        "+{at:.4} evil -> server  REGISTER f{index} call=f{index} from=alice;f{index} to=alice\n"
    )
}

fn answer(index: u32, millis: f64, code: u32) -> String {
    let at = millis / 1000.0;
    format!("+{at:.4} server -> evil  {code} REGISTER f{index}\n")
}

#[test]
fn more_than_five_hundred_refused_requests_a_second_are_an_error() {
    let mut lines = String::new();
    for index in 0..600 {
        let at = f64::from(index) * 0.7;
        lines += &register(index, at);
        lines += &answer(index, at + 3.0, 403);
    }
    let outcome = run(&format!("{lines}+90 packet\n"));
    assert_eq!(named(&outcome, "flood"), ["flood error certain"]);
    let linked = named(&outcome, "registration-rejected");
    assert_eq!(linked.len(), 600);
    assert!(
        linked.iter().all(|it| it.ends_with("consequence-of flood")),
        "{linked:?}"
    );
}

#[test]
fn a_flood_that_a_server_leaves_half_unanswered_is_counted_whole() {
    let mut lines = String::new();
    for index in 0..160 {
        let at = f64::from(index) * 6.0;
        lines += &register(index, at);
        if index % 2 == 0 {
            lines += &answer(index, at + 3.0, 500);
        }
    }
    let outcome = run(&format!("{lines}+90 packet\n"));
    assert_eq!(named(&outcome, "flood"), ["flood warning certain"]);
}

#[test]
fn an_outage_of_a_trunk_with_many_calls_is_no_flood() {
    let mut lines = String::new();
    for index in 0..80 {
        let begin = f64::from(index) * 0.012;
        for wait in [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5] {
            let at = begin + wait;
            writeln!(
                lines,
                "+{at:.3} bystander -> server  INVITE i{index} call=i{index} from=c{index};t to=+1202555{index:04}"
            )
            .unwrap();
        }
    }
    let outcome = run(&format!("{lines}+120 packet\n"));
    assert_eq!(named(&outcome, "flood"), [""; 0]);
    assert_eq!(named(&outcome, "scanner"), [""; 0]);
    assert_eq!(named(&outcome, "invite-no-response").len(), 80);
}

#[test]
fn telephones_that_register_again_after_an_outage_are_no_flood_each() {
    let mut lines = String::new();
    for index in 0..120 {
        writeln!(lines, "p{index} = 198.51.100.{}:5060", index + 1).unwrap();
    }
    for index in 0..120 {
        let at = f64::from(index) * 0.005;
        writeln!(
            lines,
            "+{at:.4} p{index} -> server  REGISTER r{index} call=r{index} from=u{index};t to=u{index}"
        )
        .unwrap();
        writeln!(
            lines,
            "+{:.4} server -> p{index}  503 REGISTER r{index}",
            at + 0.002
        )
        .unwrap();
    }
    let outcome = run(&format!("{lines}+90 packet\n"));
    for name in ["flood", "extension-enumeration", "scanner"] {
        assert_eq!(named(&outcome, name), [""; 0]);
    }
}

#[test]
fn a_proxy_is_not_blamed_for_what_it_passes_on() {
    let mut lines = String::new();
    for index in 0..20 {
        let at = f64::from(index) * 0.05;
        let it = format!("call=e{index} from={index};t to={}", 100 + index);
        writeln!(lines, "+{at:.3} evil -> server  REGISTER e{index} {it}").unwrap();
        writeln!(
            lines,
            "+{:.3} server -> bystander  REGISTER p{index}/e{index} {it}",
            at + 0.001
        )
        .unwrap();
        writeln!(
            lines,
            "+{:.3} bystander -> server  404 REGISTER p{index}/e{index}",
            at + 0.002
        )
        .unwrap();
        writeln!(
            lines,
            "+{:.3} server -> evil  404 REGISTER e{index}",
            at + 0.003
        )
        .unwrap();
    }
    let outcome = run(&format!("{lines}+90 packet\n"));
    assert_eq!(
        named(&outcome, "extension-enumeration"),
        ["extension-enumeration warning likely"]
    );
    let blamed = outcome
        .report
        .findings
        .iter()
        .find(|it| it.name() == "extension-enumeration");
    assert_eq!(blamed.unwrap().get("src"), Some(&"203.0.113.66".into()));
}

/// Names of what was told while it lasted.
#[derive(Debug, Default)]
struct Alerts(Vec<String>);

impl Observer for Alerts {
    fn alert(&mut self, finding: &Finding) {
        self.0.push(finding.name().into_owned());
    }
}

#[test]
fn live_tells_once_that_an_attack_has_begun() {
    let mut lines = HOSTS.to_owned();
    for index in 0..90 {
        let at = f64::from(index) * 8.0;
        lines += &register(index, at);
        lines += &answer(index, at + 3.0, 401);
    }
    let options = Options {
        alerts: true,
        ..Options::default()
    };
    let mut engine = Engine::new(options, Alerts::default());
    for (packet, number) in Flow::parse("generated", &lines).packets.iter().zip(1..) {
        engine.packet(&Packet {
            frame: FrameNumber(number),
            time: Timestamp::from_nanos(packet.time),
            link_type: LinkType::ETHERNET,
            interface: 0,
            original_len: packet.original_len,
            data: &packet.data,
        });
    }
    engine.advance(Timestamp::from_parts(60, 0));
    let told = &engine.observer_mut().0;
    assert_eq!(told.iter().filter(|name| *name == "flood").count(), 1);
}
