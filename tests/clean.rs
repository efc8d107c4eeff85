//! Healthy calls raise nothing above info, and no part of one proves an error: flows of `tests/clean`, captures of
//! `fixtures`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use sipdiag::capture::{CaptureFacts, LinkType, Next, Source, open_files};
use sipdiag::catalogue::{Catalogue, Language};
use sipdiag::rules::{Finding, Guard};
use sipdiag::severity::{Confidence, Severity};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
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
        // Captures are longer than flows, and every n-th packet of them is most.
        let most = if packets.len() > FLOW {
            3
        } else {
            packets.len()
        };
        for step in 1..=most {
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
fn a_clean_call_without_one_packet_is_not_certainly_an_error() {
    check(|packets| {
        (0..packets.len())
            .map(|at| {
                (
                    format!("without packet {}", at + 1),
                    without(packets, at, 1),
                )
            })
            .collect()
    });
}

/// Guard G-LOSS: the kernel says that it dropped packets, so whatever is missing may be among them.
#[test]
fn what_a_capture_with_known_loss_lacks_is_possible_at_most() {
    let mut faults = Vec::new();
    for case in cases() {
        let mut facts = case.facts.clone();
        facts.dropped_by_kernel = Some(1);
        for lost in [1, 3] {
            for at in 0..case.packets.len() {
                let what = format!("{}: without {lost} from {}", case.name, at + 1);
                let packets = without(&case.packets, at, lost);
                for finding in run(&packets, &facts).report.findings {
                    let of_absence = finding.guards().any(Guard::is_of_absence);
                    let too_sure = of_absence && finding.confidence > Confidence::Possible;
                    let is_error = finding.severity == Severity::Error
                        && finding.confidence == Confidence::Certain;
                    if (finding.severity > Severity::Info && too_sure) || is_error {
                        faults.push(format!("{what}: {}", words(&finding)));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Guard G-SNAP: of a message that was cut, nothing is missing.
#[test]
fn a_clean_call_cut_by_the_snap_length_proves_nothing_above_info() {
    let mut faults = Vec::new();
    for case in cases() {
        let longest = case
            .packets
            .iter()
            .map(|it| it.data.len())
            .max()
            .unwrap_or(0);
        for len in (60..longest).step_by(40) {
            let cut = |packet: &FlowPacket| {
                let mut packet = packet.clone();
                packet.data.truncate(len);
                packet
            };
            let packets: Vec<_> = case.packets.iter().map(cut).collect();
            for finding in run(&packets, &case.facts).report.findings {
                // A response that is cut before its CSeq is one that was not captured.
                let proven =
                    finding.severity > Severity::Info && finding.confidence > Confidence::Possible;
                if proven && finding.name() != "capture-truncated" {
                    faults.push(format!("{}: cut to {len}: {}", case.name, words(&finding)));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
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

/// As on `any`, a mirrored port or with two agents: a copy of each packet, at once or a little later, in order or behind all
/// others.
#[test]
fn a_clean_call_with_each_packet_twice_is_not_certainly_an_error() {
    check(|packets| {
        let copies = |later: i64| {
            packets.iter().map(move |packet| FlowPacket {
                time: packet.time + later,
                ..packet.clone()
            })
        };
        let mut cuts = Vec::new();
        for later in [0, 9_000, 200_000, 20_000_000, 700_000_000] {
            let mut twice: Vec<_> = packets.iter().cloned().chain(copies(later)).collect();
            twice.sort_by_key(|packet| packet.time);
            cuts.push((format!("each twice, {later} ns later"), twice));
        }
        let behind = packets.iter().cloned().chain(copies(0)).collect();
        cuts.push(("once more behind the end".to_owned(), behind));
        cuts
    });
}

/// Cuts every clean call and asks that no cut is certainly an error.
fn check(cuts: impl Fn(&[FlowPacket]) -> Vec<(String, Vec<FlowPacket>)>) {
    let mut faults = Vec::new();
    for case in cases() {
        for (what, packets) in cuts(&case.packets) {
            for finding in run(&packets, &case.facts).report.findings {
                if finding.severity == Severity::Error && finding.confidence == Confidence::Certain
                {
                    faults.push(format!("{}: {what}: {}", case.name, words(&finding)));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn without(packets: &[FlowPacket], at: usize, lost: usize) -> Vec<FlowPacket> {
    let kept = |(index, _): &(usize, &FlowPacket)| *index < at || *index >= at + lost;
    let rest = packets.iter().enumerate().filter(kept);
    rest.map(|(_, packet)| packet.clone()).collect()
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

/// A healthy call, or several.
struct Case {
    name: String,
    packets: Vec<FlowPacket>,
    facts: CaptureFacts,
}

/// No flow here has more packets.
const FLOW: usize = 60;

fn cases() -> Vec<Case> {
    let of_flows = flows().into_iter().map(|flow| Case {
        name: flow.name,
        packets: flow.packets,
        facts: flow.facts,
    });
    of_flows.chain(captures()).collect()
}

/// The captures of `fixtures` in which nothing is above info, as far as they are of Ethernet: the others are the same calls
/// in other link layers. What TLS hides no cut can show.
fn captures() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let rows = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let mut rows = rows.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<_> = rows.next().unwrap().split('\t').collect();
    let cell = |row: &str, name: &str| {
        let at = names.iter().position(|it| *it == name).unwrap();
        row.split('\t').nth(at).unwrap().to_owned()
    };
    rows.filter(|row| {
        cell(row, "must") == "-"
            && cell(row, "max_severity_otherwise") == "info"
            && cell(row, "requests") != "-"
            && cell(row, "may")
                .split(',')
                .all(|it| it == "-" || it.ends_with("@info"))
    })
    .map(|row| cell(row, "capture"))
    .filter(|name| !name.starts_with("wire/") && !name.contains("-tls-"))
    .filter_map(|name| {
        let path = folder.join("captures").join(&name);
        Some(Case {
            name,
            packets: packets(&path)?,
            facts: CaptureFacts::default(),
        })
    })
    .collect()
}

/// The packets of a capture; `None` when one is not of Ethernet.
fn packets(path: &Path) -> Option<Vec<FlowPacket>> {
    let mut source = open_files(&[PathBuf::from(path)], None).unwrap();
    let mut packets = Vec::new();
    let mut first = None;
    loop {
        let packet = match source.next().unwrap() {
            Next::Packet(packet) => packet,
            Next::End => break,
            _ => continue,
        };
        if packet.link_type != LinkType::ETHERNET {
            return None;
        }
        let time = packet.time.as_nanos();
        packets.push(FlowPacket {
            time: time - *first.get_or_insert(time),
            data: packet.data.to_vec(),
            original_len: packet.original_len,
            ends: ends(packet.data),
            line: packets.len() + 1,
        });
    }
    Some(packets)
}

/// Source and destination of IPv4 in Ethernet.
fn ends(data: &[u8]) -> Option<(IpAddr, IpAddr)> {
    let header = data.get(14..34).filter(|_| data[12..14] == [8, 0])?;
    let address = |at: usize| {
        IpAddr::from(Ipv4Addr::from(
            <[u8; 4]>::try_from(&header[at..at + 4]).unwrap(),
        ))
    };
    Some((address(12), address(16)))
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
