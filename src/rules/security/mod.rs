//! Attacks, by the host that they come from: names tried, passwords tried, calls that cost, floods.

pub(super) mod account_compromised;
pub(super) mod digest_leak;
pub(super) mod extension_enumeration;
pub(super) mod flood;
pub(super) mod register_bruteforce;
pub(super) mod scanner;
pub(super) mod toll_fraud;

use super::{Finding, Rule};
use crate::dialog::sources::{Seen, Source};
use crate::limits::MAX_FRAMES_SHOWN;
use crate::thresholds::Thresholds;
use std::net::{IpAddr, SocketAddr};

/// All that can be said of one host.
pub(super) fn of_source(host: IpAddr, source: &Source, thresholds: &Thresholds) -> Vec<Finding> {
    let mut found = account_compromised::of_source(host, source, thresholds);
    found.extend(register_bruteforce::of_source(host, source, thresholds));
    found.extend(toll_fraud::of_source(host, source, thresholds));
    found.extend(extension_enumeration::of_source(host, source, thresholds));
    found.extend(flood::of_source(host, source, thresholds));
    found.extend(scanner::of_source(host, source, thresholds));
    found
}

/// A finding about a host, with the requests that prove it.
fn about<'a>(
    rule: &'static Rule,
    host: IpAddr,
    source: &Source,
    proof: impl IntoIterator<Item = &'a Seen>,
) -> Finding {
    let proof: Vec<Seen> = proof.into_iter().copied().collect();
    let times = || proof.iter().map(|seen| seen.time);
    let spans = source
        .span()
        .into_iter()
        .flat_map(|(first, last)| [first, last]);
    let begin = times().min().or_else(|| source.span().map(|it| it.0));
    let end = times().chain(spans).max();
    let mut finding = Finding::of_capture(rule, begin.unwrap_or(crate::time::Timestamp::MIN));
    if let (Some(begin), Some(end)) = (begin, end) {
        finding = finding.fact("duration", end.since(begin));
    }
    finding.source = Some(SocketAddr::new(host, source.port().unwrap_or(0)));
    finding.transactions = proof
        .iter()
        .map(|seen| seen.id)
        .take(MAX_FRAMES_SHOWN)
        .collect();
    finding.frames = proof
        .iter()
        .flat_map(|seen| [Some(seen.frame), seen.answer])
        .flatten()
        .collect();
    finding.frames.sort_unstable();
    finding.frames.dedup();
    finding.frames.truncate(MAX_FRAMES_SHOWN);
    let tool = source.tools.keys().next();
    finding
        .fact("src", host.to_string())
        .fact_if("tool", tool.copied())
}

/// Whether the host named itself after a tool that only attackers and auditors use.
fn is_attack_tool(source: &Source) -> bool {
    source.tools.values().any(|(_, honest)| !honest)
}

/// Whether most of what came to nothing was only passed on by this host, for clients that it does not show.
const fn is_relay(source: &Source) -> bool {
    source.relayed * 2 > source.vain()
}

/// Whether an address is one of networks that their owners run themselves.
const fn is_internal(host: IpAddr) -> bool {
    match host {
        // RFC 1918, RFC 6598, loopback, RFC 3927.
        IpAddr::V4(it) => {
            let [first, second, ..] = it.octets();
            it.is_private()
                || it.is_loopback()
                || it.is_link_local()
                || (first == 100 && second & 0xc0 == 64)
        }
        IpAddr::V6(it) => it.is_loopback() || it.is_unique_local() || it.is_unicast_link_local(),
    }
}

/// The first few of a list, with `…` where there are more.
fn some<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 10;
    let mut names = names.into_iter();
    let shown: Vec<_> = names.by_ref().take(SHOWN).collect();
    let rest = if names.next().is_some() { ", …" } else { "" };
    format!("{}{rest}", shown.join(", "))
}

/// Declares the capture-wide `judge` of a rule that looks at one host at a time.
macro_rules! judge_each_host {
    () => {
        fn judge(view: &crate::rules::CaptureView<'_>, found: &mut Vec<crate::rules::Finding>) {
            for (host, source) in view.sources.all() {
                found.extend(of_source(host, source, view.thresholds));
            }
        }
    };
}
use judge_each_host;
