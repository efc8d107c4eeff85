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
use memchr::memrchr;
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

/// An address and the port that may stand beside it.
type Place = (IpAddr, Option<u16>);

/// Address and port of the first Contact of a request with this sent-by in its topmost Via, which is at this place: nearly every
/// client writes the same into both, and it need not be read twice. `None` without a Contact, and for a name.
fn contact_beside(message: &Message, sent_by: &[u8], place: Option<Place>) -> Option<Place> {
    let uri = message.uri(HeaderName::Contact)?;
    let is_same = || {
        let host = uri.get(memrchr(b'@', &uri)? + 1..)?;
        let ends = matches!(host.get(sent_by.len()), None | Some(b';'));
        (ends && uri.starts_with(b"sip:") && host.starts_with(sent_by)).then_some(())
    };
    match place {
        // Of such a place every byte counts as it does in a URI.
        Some((IpAddr::V4(_), _)) if is_same().is_some() => place,
        _ => value::uri_endpoint(&uri),
    }
}

/// Address and port as people write them; the address alone where no port is known.
fn endpoint(address: IpAddr, port: Option<u16>) -> String {
    match port {
        Some(port) => SocketAddr::new(address, port).to_string(),
        None => address.to_string(),
    }
}
