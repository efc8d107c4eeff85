//! Who lost the rest of a datagram: the network or the capture.
//!
//! A fragment that is not the first has no ports, so a capture filter on ports refuses it (FINDINGS section 7). What then
//! looks like loss is told from loss by what the hosts do. The capture lacks what was there
//! when the receiver reacted to a message of which no copy was whole here, and, as nothing can be said then, when the capture
//! has no later fragment of any datagram at all and its filter is known to refuse them. The network lost it when the
//! receiver says so by ICMP, when other pieces of the datagram or a whole copy of the message came by, and when the message
//! was sent again and again and nobody reacted. What tells neither is left to whether the capture has later fragments of
//! other datagrams.

use super::CaptureView;
use crate::reassembly::fragments::{Fate, LostDatagram};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Source and destination.
pub(super) type Hosts = (IpAddr, IpAddr);

/// The lost datagrams by who lost them.
#[derive(Debug, Default)]
pub(super) struct Losses<'a> {
    /// Lost on the way, by pair of hosts.
    pub(super) by_network: BTreeMap<Hosts, Vec<&'a LostDatagram>>,
    /// Not captured.
    pub(super) by_capture: Vec<(Hosts, &'a LostDatagram)>,
}

/// Tells losses of the network from those of the capture.
pub(super) fn losses<'a>(view: &CaptureView<'a>) -> Losses<'a> {
    let lost = || {
        let sip = view.lost_datagrams.iter().filter(|it| it.is_sip());
        // At the end of the capture only a reaction shows that the rest was sent.
        let sip = sip.filter(|it| it.had_time || it.fate == Fate::Received);
        sip.filter_map(|it| Some(((it.flow?.src.ip(), it.flow?.dst.ip()), it)))
    };
    let reported: BTreeSet<Hosts> = lost()
        .filter(|(_, it)| it.reported.is_some())
        .map(|(hosts, _)| hosts)
        .collect();
    // One message that was received although its rest is not here shows what the capture is worth.
    let blind = view.counts.later_fragments == 0
        && (refuses_later_fragments(view) || lost().any(|(_, it)| it.fate == Fate::Received));
    let mut losses = Losses::default();
    for (hosts, it) in lost() {
        let came_by = it.pieces > 1 || it.fate == Fate::Repaired;
        let by_network = if it.reported.is_some() {
            true
        } else if it.fate == Fate::Received {
            false
        } else if came_by || reported.contains(&hosts) {
            true
        } else {
            !blind && (it.fate == Fate::Unreceived || view.counts.later_fragments > 0)
        };
        if by_network {
            losses.by_network.entry(hosts).or_default().push(it);
        } else {
            losses.by_capture.push((hosts, it));
        }
    }
    losses
}

/// Whether the filter asks for ports and not, beside them, for fragments.
pub(super) fn refuses_later_fragments(view: &CaptureView<'_>) -> bool {
    view.facts.filter.as_deref().is_some_and(asks_for_ports)
}

/// Words between `not` and the `port` that it denies.
const QUALIFIERS: &[&str] = &["udp", "tcp", "sctp", "src", "dst", "and", "or"];

fn asks_for_ports(filter: &str) -> bool {
    let filter = filter.to_lowercase();
    let dense: String = filter.split_whitespace().collect();
    // `ip[6:2] & 0x1fff != 0` and its kind look at the fragment offset.
    if dense.contains("ip[6") || dense.contains("ip[7") || dense.contains("ip6[6]=44") {
        return false;
    }
    let spaced = filter.replace('!', " not ");
    let words: Vec<_> = spaced
        .split(|it: char| !it.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    words.iter().enumerate().any(|(at, word)| {
        let before = words.get(..at).unwrap_or_default();
        let denied = before.iter().rev().find(|it| !QUALIFIERS.contains(it)) == Some(&"not");
        matches!(*word, "port" | "portrange") && !denied
    })
}

/// Gaps of a datagram that are written out.
const GAPS_SHOWN: usize = 4;

/// The gaps of a datagram as a reader writes them, such as `1480-2959`; `?` where it was whole here.
pub(super) fn gaps(lost: &LostDatagram) -> String {
    let gaps: Vec<_> = lost
        .missing
        .iter()
        .take(GAPS_SHOWN)
        .map(|(from, behind)| match behind {
            Some(behind) => format!("{from}-{}", behind.saturating_sub(1)),
            None => format!("{from}-"),
        })
        .collect();
    if gaps.is_empty() {
        "?".to_owned()
    } else {
        gaps.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::asks_for_ports;

    #[test]
    fn filters_that_refuse_fragments_without_ports_are_known() {
        for filter in [
            "port 5060",
            "udp port 5060 or tcp port 5060",
            "host 192.0.2.1 and (udp portrange 5060-5070)",
            "not port 22 and port 5060",
            "udp and dst port 5060",
        ] {
            assert!(asks_for_ports(filter), "{filter}");
        }
        for filter in [
            "",
            "udp",
            "host 192.0.2.1",
            "not port 22",
            "! tcp port 22",
            "!(tcp port 22)",
            "not tcp dst port 22",
            "udp port 5060 or (ip[6:2] & 0x1fff != 0)",
            "port 5060 or ip[6:2] & 0x3fff != 0",
            "host report.example.com",
        ] {
            assert!(!asks_for_ports(filter), "{filter}");
        }
    }
}
