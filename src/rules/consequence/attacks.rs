//! One fault, one headline, of attacks: all that one host does at that time belongs to the first of them.

use super::shares_transaction;
use crate::hash::HashMap;
use crate::rules::{Fact, Finding, FindingId};
use crate::severity::Severity;
use std::net::IpAddr;
use std::time::Duration;

/// The findings about attacks, what explains most first: of one host the later ones are consequences of the first.
const ATTACKS: [&str; 6] = [
    "account-compromised",
    "register-bruteforce",
    "toll-fraud",
    "extension-enumeration",
    "flood",
    "scanner",
];

/// Before and after an attack was seen at work, its tool does other things.
const AROUND: Duration = Duration::from_mins(1);

fn attack_rank(finding: &Finding) -> Option<usize> {
    ATTACKS.iter().position(|name| *name == finding.rule.name)
}

/// Whether a finding is about an attack.
pub(super) fn is_attack(finding: &Finding) -> bool {
    attack_rank(finding).is_some()
}

/// Links what one host does: how fast it does it, and with which tool, is no second attack; nor are its silent targets.
pub(in crate::rules) fn link_attacks(found: &mut [Finding]) {
    let mut first: HashMap<IpAddr, (usize, FindingId)> = HashMap::default();
    for finding in found.iter() {
        if let (Some(rank), Some(source)) = (attack_rank(finding), finding.source) {
            let known = first.entry(source.ip()).or_insert((rank, finding.id));
            *known = (rank, finding.id).min(*known);
        }
    }
    for finding in found {
        let host = match finding.get("src") {
            _ if finding.source.is_some() => finding.source.map(|it| it.ip()),
            Some(Fact::Text(host))
                if matches!(
                    finding.rule.name,
                    "options-no-response" | "call-dropped-at-fixed-time"
                ) =>
            {
                host.parse().ok()
            }
            _ => None,
        };
        let cause = host.and_then(|host| first.get(&host));
        let follows = matches!(
            finding.rule.name,
            "flood" | "scanner" | "options-no-response" | "call-dropped-at-fixed-time"
        );
        if let Some((_, cause)) = cause.filter(|(_, id)| follows && *id != finding.id) {
            finding.consequence_of = Some(*cause);
        }
    }
}

/// The attacks of each host, what explains most first.
pub(super) fn by_host(of_capture: &[Finding]) -> HashMap<IpAddr, Vec<(usize, &Finding)>> {
    let mut hosts: HashMap<IpAddr, Vec<(usize, &Finding)>> = HashMap::default();
    for finding in of_capture {
        if let (Some(rank), Some(source)) = (attack_rank(finding), finding.source)
            && finding.severity > Severity::Info
        {
            hosts.entry(source.ip()).or_default().push((rank, finding));
        }
    }
    for attacks in hosts.values_mut() {
        attacks.sort_by_key(|(rank, attack)| (*rank, attack.id));
    }
    hosts
}

/// The attack that a finding of a call belongs to: by the same host and port at that time. Of toll fraud only the calls
/// themselves: they may come from a switch with many honest users.
pub(super) fn attack_behind(
    finding: &Finding,
    attacks: &HashMap<IpAddr, Vec<(usize, &Finding)>>,
) -> Option<FindingId> {
    let source = finding.source?;
    let of_media = ["RTP", "SDP"]
        .iter()
        .any(|it| finding.rule.code.starts_with(it));
    let noted = finding.severity == Severity::Info && !finding.so_far;
    if noted || of_media {
        return None;
    }
    let belongs = |attack: &&(usize, &Finding)| {
        let attack = attack.1;
        if attack.rule.name == "toll-fraud" {
            return shares_transaction(attack, finding);
        }
        let lasted = match attack.get("duration") {
            Some(Fact::Time(lasted)) => *lasted,
            _ => Duration::ZERO,
        };
        let port = attack.source.map_or(0, |it| it.port());
        (port == 0 || port == source.port())
            && attack.time.since(finding.time) <= AROUND
            && finding.time.since(attack.time) <= lasted + AROUND
    };
    attacks
        .get(&source.ip())?
        .iter()
        .find(belongs)
        .map(|(_, attack)| attack.id)
}
