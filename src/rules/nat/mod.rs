//! NAT and what it breaks: answers that do not find back, addresses that only their own network knows, bindings that were
//! forgotten; and what else a path does to SIP.

pub(super) mod contact_private_nat;
pub(super) mod credentials_in_clear;
mod delivery;
pub(super) mod dscp_missing;
pub(super) mod nat_keepalive_missing;
pub(super) mod request_retransmitted_after_response;
pub(super) mod response_from_other_address;
pub(super) mod response_to_wrong_place;
pub(super) mod retransmission_ratio_high;
pub(super) mod rport_missing;
pub(super) mod sip_alg_suspected;
pub(super) mod topology_leak;
pub(super) mod via_received_mismatch;

use crate::dialog::Trait;
use crate::limits::MAX_FRAMES_SHOWN;
use crate::rules::{CaptureView, Finding, Rule};
use crate::sip::value;
use crate::sip::{HeaderName, Message};
use std::net::{IpAddr, SocketAddr};

/// RFC 3261 §18.1.1: what is meant where no port stands, over UDP and TCP.
const SIP_PORT: u16 = 5060;

/// Pairs of addresses that one finding spells out: what fits into a few lines.
const SPELLED_OUT: usize = 8;

/// One finding for all pairs of addresses of which the same is seen: a registrar's phones are thousands.
fn of_trait(
    view: &CaptureView<'_>,
    rule: &'static Rule,
    what: Trait,
    spell: impl Fn(IpAddr, IpAddr, &str) -> String,
) -> Option<Finding> {
    let mut pairs: Vec<_> = view.surroundings.traits().of(what).collect();
    pairs.sort_by_key(|(one, other, instance)| (instance.time, *one, *other));
    let (one, other, first) = *pairs.first()?;
    let spelled: Vec<String> = pairs
        .iter()
        .take(SPELLED_OUT)
        .map(|(one, other, instance)| spell(*one, *other, &instance.detail))
        .collect();
    let mut finding = Finding::of_capture(rule, first.time)
        .fact("first", spell(one, other, &first.detail))
        .fact("pairs", pairs.len())
        .fact("examples", spelled.join(", "))
        .fact(
            "count",
            pairs
                .iter()
                .map(|(_, _, instance)| instance.count)
                .sum::<u64>(),
        );
    finding.transactions = pairs
        .iter()
        .take(MAX_FRAMES_SHOWN)
        .map(|(_, _, instance)| instance.transaction)
        .collect();
    finding.transactions.sort_unstable();
    finding.transactions.dedup();
    finding.frames = pairs
        .iter()
        .flat_map(|(_, _, instance)| instance.frames())
        .take(MAX_FRAMES_SHOWN)
        .collect();
    finding.frames.sort_unstable();
    finding.frames.dedup();
    Some(finding)
}

/// Address and port of the first Contact of a message; `None` without one, and for a name.
fn contact(message: &Message) -> Option<(IpAddr, Option<u16>)> {
    value::uri_endpoint(&message.uri(HeaderName::Contact)?)
}

/// Address and port as people write them; the address alone where no port is known.
fn endpoint(address: IpAddr, port: Option<u16>) -> String {
    match port {
        Some(port) => SocketAddr::new(address, port).to_string(),
        None => address.to_string(),
    }
}
