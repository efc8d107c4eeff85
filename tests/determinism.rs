//! The same packets in another order of arrival give the same findings: equal times say nothing about order, and packets
//! of several queues arrive displaced by less than a second.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use sipdiag::catalogue::{Catalogue, Language};
use std::path::{Path, PathBuf};
use support::flow::{Flow, FlowPacket};
use support::run::run;

const SECOND: i64 = 1_000_000_000;

#[test]
fn two_runs_find_the_same() {
    for flow in flows() {
        assert_eq!(
            found(&flow, &flow.packets),
            found(&flow, &flow.packets),
            "{}",
            flow.name
        );
    }
}

/// The message of a later packet may be read first: it waits until its time has come.
#[test]
fn packets_displaced_by_less_than_a_second_are_judged_in_their_order() {
    for flow in of_messages() {
        let expected = found(&flow, &flow.packets);
        for reach in [SECOND / 100, SECOND / 2, SECOND - 1] {
            for at in 0..flow.packets.len() {
                let packets = displaced(&flow.packets, at, reach);
                let line = flow.packets[at].line;
                let what = format!("{}: line {line} displaced by {reach} ns", flow.name);
                assert_eq!(found(&flow, &packets), expected, "{what}");
            }
        }
    }
}

/// Whole seconds reversed, each packet still less than a second late.
#[test]
fn reversed_stretches_of_a_second_are_judged_in_their_order() {
    for flow in of_messages() {
        let mut packets = flow.packets.clone();
        for stretch in packets.chunk_by_mut(|one, other| one.time / SECOND == other.time / SECOND) {
            // Equal times have no order that could be restored.
            stretch.reverse();
            stretch
                .chunk_by_mut(|one, other| one.time == other.time)
                .for_each(<[_]>::reverse);
        }
        assert_eq!(
            found(&flow, &packets),
            found(&flow, &flow.packets),
            "{}",
            flow.name
        );
    }
}

/// Two flows at once on different hosts, at the very same times: whichever comes first, each has its own findings.
#[test]
fn equal_times_of_different_calls_have_no_order() {
    // Two calls with one Session-ID are legs of one; messages on connections keep their Call-ID in the copy.
    let mut flows = in_order();
    flows.retain(|flow| {
        let text = text(flow);
        !text.contains("Session-ID") && !text.contains(" tcp ")
    });
    for flow in &flows {
        let moved = Flow::parse(&flow.name, &on_other_hosts(flow));
        let together = |first: &Flow, second: &Flow| {
            let mut packets = [first.packets.clone(), second.packets.clone()].concat();
            packets.sort_by_key(|packet| packet.time);
            found(flow, &packets)
        };
        assert_eq!(
            together(flow, &moved),
            together(&moved, flow),
            "{}",
            flow.name
        );
    }
}

/// A message and the answer to it within one tick of a coarse clock, written in either order.
#[test]
fn equal_times_of_a_message_and_its_answer_have_no_order() {
    let mut faults = Vec::new();
    // An answer with a branch of its own does not tell what it answers.
    let answers_itself = |flow: &Flow| flow.name.contains("other-branch");
    for flow in in_order().into_iter().filter(|it| !answers_itself(it)) {
        for at in 1..flow.packets.len() {
            let [one, other] = [&flow.packets[at - 1], &flow.packets[at]];
            let responds = |packet: &FlowPacket| {
                String::from_utf8_lossy(&packet.data).contains("SIP/2.0 ")
                    && !String::from_utf8_lossy(&packet.data).contains(" SIP/2.0\r\n")
            };
            let answers = responds(one) != responds(other)
                && one.ends.is_some()
                && one.ends == other.ends.map(|(a, b)| (b, a));
            if !answers || other.time - one.time > SECOND / 10 {
                continue;
            }
            let mut packets = flow.packets.clone();
            packets[at].time = packets[at - 1].time;
            let expected = found(&flow, &packets);
            packets.swap(at - 1, at);
            let swapped = found(&flow, &packets);
            if swapped != expected {
                let line = other.line;
                faults.push(format!("{}:{line}: {expected:#?} {swapped:#?}", flow.name));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// The packet moved behind all that come up to `reach` after it.
fn displaced(packets: &[FlowPacket], at: usize, reach: i64) -> Vec<FlowPacket> {
    let mut packets = packets.to_vec();
    let packet = packets.remove(at);
    let behind = packets[at..]
        .iter()
        .take_while(|other| other.time - packet.time <= reach && other.time > packet.time)
        .count();
    packets.insert(at + behind, packet);
    packets
}

/// What a run finds, in no order, without what speaks of the order of packets.
fn found(flow: &Flow, packets: &[FlowPacket]) -> Vec<String> {
    let outcome = run(packets, &flow.facts);
    let catalogue = Catalogue::new(Language::English);
    let mut found: Vec<_> = outcome
        .report
        .findings
        .iter()
        .zip(outcome.findings())
        .filter(|(finding, _)| finding.rule.name != "capture-time-disorder")
        .map(|(finding, worded)| {
            let call = finding.call_id.as_deref().map(String::from_utf8_lossy);
            let mut frames: Vec<_> = (finding.frames.iter())
                .map(|frame| {
                    let packet = &packets[usize::try_from(frame.0).unwrap() - 1];
                    (packet.line, packet.time)
                })
                .collect();
            frames.sort_unstable();
            let message = catalogue.message(finding);
            format!("{worded} of {call:?}: {message} {frames:?}")
        })
        .collect();
    found.sort();
    found
}

/// The text of a flow with other addresses and Call-IDs.
fn on_other_hosts(flow: &Flow) -> String {
    text(flow)
        .replace("192.0.2.", "203.0.113.")
        .replace("198.51.100.", "203.0.113.1")
        .replace("2001:db8::", "2001:db8:1::")
        .replace("# expects", "# as")
        .replace("Call-ID: 7", "Call-ID: other-7")
        .replace("Session-ID: f81d", "Session-ID: 018d")
        .lines()
        .map(|line| {
            // Behind the names of its ends, one of which may be `tls`.
            let what = line
                .split_once("-> ")
                .and_then(|(_, rest)| rest.split_once(' '));
            let is_message = line.starts_with('+')
                && what.is_some_and(|(_, what)| {
                    let what = format!(" {what} ");
                    !SEGMENTS.iter().any(|it| what.contains(it))
                });
            match (is_message, line.contains(" call=")) {
                (false, _) => format!("{line}\n"),
                (true, true) => line.replace(" call=", " call=other-") + "\n",
                (true, false) => format!("{line} call=other\n"),
            }
        })
        .collect()
}

fn text(flow: &Flow) -> String {
    std::fs::read_to_string(&flow.name).unwrap()
}

/// The flows whose packets stand in the order of their times.
fn in_order() -> Vec<Flow> {
    flows()
        .into_iter()
        .filter(|flow| flow.packets.is_sorted_by_key(|packet| packet.time))
        .collect()
}

/// Those of them without the handshakes of TCP and TLS: only messages are brought back into the order of their times.
fn of_messages() -> Vec<Flow> {
    let mut flows = in_order();
    flows.retain(|flow| {
        let text = text(flow);
        !SEGMENTS.iter().any(|it| text.contains(it))
    });
    flows
}

/// Words of segments that are no messages.
const SEGMENTS: [&str; 6] = [
    " tls ",
    " tcp syn",
    " tcp fin",
    " tcp rst",
    " line-ends ",
    " rtp\n",
];

fn flows() -> Vec<Flow> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect(&root.join("tests/clean"), &mut paths);
    collect(&root.join("src/rules"), &mut paths);
    paths.sort();
    paths.iter().map(|path| Flow::read(path)).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|it| it == "flow") {
            paths.push(path);
        }
    }
}
