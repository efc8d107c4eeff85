//! Healthy flows raise nothing above info, and no cut of one proves an error.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use sipdiag::catalogue::{Catalogue, Language};
use sipdiag::rules::Finding;
use sipdiag::severity::{Confidence, Severity};
use std::collections::BTreeSet;
use std::path::Path;
use support::flow::{Flow, FlowPacket};
use support::run::run;

#[test]
fn clean_calls_raise_nothing_above_info() {
    let faults: Vec<_> = flows()
        .iter()
        .flat_map(|flow| {
            let outcome = flow.run();
            (outcome.report.findings.into_iter())
                .filter(|finding| finding.severity > Severity::Info)
                .map(|finding| format!("{}: {}", flow.name, words(&finding)))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn no_beginning_of_a_clean_call_is_certainly_an_error() {
    check(|packets| {
        (0..packets.len())
            .map(|len| (format!("first {len}"), packets[..len].to_vec()))
            .collect()
    });
}

#[test]
fn no_end_of_a_clean_call_is_certainly_an_error() {
    check(|packets| {
        (1..packets.len())
            .map(|from| {
                (
                    format!("without the first {from}"),
                    packets[from..].to_vec(),
                )
            })
            .collect()
    });
}

#[test]
fn one_direction_of_a_clean_call_is_not_certainly_an_error() {
    check(|packets| {
        let pairs: BTreeSet<_> = packets.iter().filter_map(|packet| packet.ends).collect();
        pairs
            .iter()
            .map(|pair| {
                let rest = packets.iter().filter(|packet| packet.ends != Some(*pair));
                (
                    format!("without {} -> {}", pair.0, pair.1),
                    rest.cloned().collect(),
                )
            })
            .collect()
    });
}

#[test]
fn a_clean_call_without_one_host_is_not_certainly_an_error() {
    check(|packets| {
        let hosts: BTreeSet<_> = packets
            .iter()
            .filter_map(|packet| packet.ends)
            .flat_map(|(src, dst)| [src, dst])
            .collect();
        hosts
            .iter()
            .map(|host| {
                let rest = packets.iter().filter(|packet| {
                    packet
                        .ends
                        .is_none_or(|(src, dst)| src != *host && dst != *host)
                });
                (format!("without {host}"), rest.cloned().collect())
            })
            .collect()
    });
}

#[test]
fn a_clean_call_with_every_nth_packet_lost_is_not_certainly_an_error() {
    check(|packets| {
        let mut cuts = Vec::new();
        for step in 1..=packets.len() {
            for offset in 0..step {
                let rest = (packets.iter().enumerate())
                    .filter(|(index, _)| index % step != offset)
                    .map(|(_, packet)| packet.clone());
                cuts.push((format!("without {offset} of {step}"), rest.collect()));
            }
        }
        cuts
    });
}

#[test]
fn a_clean_call_captured_twice_raises_nothing_above_info() {
    for flow in flows() {
        let without_copies = signature(&flow.packets, &flow);
        let mut cuts = Vec::new();
        for later in [0, 200_000, 60_000_000] {
            let twice = |packet: &FlowPacket| {
                let mut copy = packet.clone();
                copy.time += later;
                [packet.clone(), copy]
            };
            let all: Vec<_> = flow.packets.iter().flat_map(twice).collect();
            cuts.push((format!("all twice, {later} ns later"), all));
            for index in 0..flow.packets.len() {
                let mut one = flow.packets.clone();
                let [_, copy] = twice(&one[index]);
                one.insert(index + 1, copy);
                cuts.push((format!("line {} twice", flow.packets[index].line), one));
            }
        }
        for (what, mut packets) in cuts {
            packets.sort_by_key(|packet| packet.time);
            let found = signature(&packets, &flow);
            assert_eq!(found, without_copies, "{}: {what}", flow.name);
        }
    }
}

/// Cuts every clean flow and asks that no cut is certainly an error.
fn check(cuts: impl Fn(&[FlowPacket]) -> Vec<(String, Vec<FlowPacket>)>) {
    let mut faults = Vec::new();
    for flow in flows() {
        for (what, packets) in cuts(&flow.packets) {
            for finding in run(&packets, &flow.facts).report.findings {
                if finding.severity == Severity::Error && finding.confidence == Confidence::Certain
                {
                    faults.push(format!("{}: {what}: {}", flow.name, words(&finding)));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn signature(packets: &[FlowPacket], flow: &Flow) -> Vec<String> {
    let outcome = run(packets, &flow.facts);
    let mut found: Vec<_> = (outcome.findings().iter().map(ToString::to_string))
        .filter(|it| !it.starts_with("capture-duplicates"))
        .collect();
    found.sort();
    found
}

fn words(finding: &Finding) -> String {
    format!(
        "{} {} {}: {}",
        finding.name(),
        finding.severity,
        finding.confidence.name(),
        Catalogue::new(Language::English).message(finding)
    )
}

fn flows() -> Vec<Flow> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clean");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| Flow::read(path)).collect()
}
