//! `extension-enumeration`: one host asks for one user after the other (RFC 3261 §22.1, §26.3.2.4).

use super::{about, is_attack_tool, is_relay, judge_each_host, some};
use crate::dialog::sources::{Name, Seen, Source, most_within};
use crate::rules::{Finding, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::thresholds::Thresholds;
use std::collections::BTreeMap;
use std::net::IpAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "extension-enumeration",
    code: "SEC041",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("extension_enumeration.toml"),
};

judge_each_host!();

pub(super) fn of_source(host: IpAddr, source: &Source, thresholds: &Thresholds) -> Option<Finding> {
    let known_tool = is_attack_tool(source);
    // Behind a NAT each telephone has its own port, and behind a proxy its own Via.
    if !known_tool && (source.port().is_none() || is_relay(source)) {
        return None;
    }
    let mut servers: BTreeMap<IpAddr, Vec<(&str, &Name)>> = BTreeMap::new();
    // A telephone that is at home on a server, or may watch others there, has keys for users that are gone.
    let is_key = |server: &IpAddr, name: &Name| {
        let at_home = source.subscribed.contains(server) || source.servers.contains(server);
        name.watched && at_home && !known_tool
    };
    for (server, user, name) in source.names() {
        if name.with_password || is_key(&server, name) {
            continue;
        }
        servers.entry(server).or_default().push((user, name));
    }
    let (server, mut names) = servers
        .into_iter()
        .max_by_key(|(server, names)| (names.len(), std::cmp::Reverse(*server)))?;
    names.sort_by_key(|(_, name)| name.seen);
    let proven = names.iter().filter(|(_, name)| known_tool || !name.early);
    let mut times: Vec<_> = proven.map(|(_, name)| name.seen.time).collect();
    let (most, _) = most_within(&mut times, thresholds.enumerated_within);
    // Who is let in most of the time has users, not guesses.
    let users_of_its_own = source.good > source.refused / 2 && !known_tool;
    if (most as u64) < thresholds.enumerated_users || users_of_its_own {
        return None;
    }
    let (existing, missing): (Vec<_>, Vec<_>) = names
        .iter()
        .filter(|(_, name)| matches!(name.code, 401 | 404 | 407 | 604))
        .partition(|(_, name)| matches!(name.code, 401 | 407));
    let leaks = !existing.is_empty() && !missing.is_empty();
    let mut codes: BTreeMap<u64, usize> = BTreeMap::new();
    for (_, name) in &names {
        *codes.entry(name.code).or_default() += 1;
    }
    let codes: Vec<_> = codes
        .iter()
        .map(|(code, count)| format!("{count}× {code}"))
        .collect();
    let proof: Vec<Seen> = names.iter().map(|(_, name)| name.seen).collect();
    let finding = about(&RULE, host, source, &proof)
        .variant(leaks.then_some("leak"))
        .confidence(if known_tool {
            Confidence::Certain
        } else {
            Confidence::Likely
        })
        .fact("dst", server.to_string())
        .fact("users", names.len())
        .fact("codes", codes.join(", "))
        .fact("names", some(names.iter().map(|(user, _)| *user)))
        .fact_if(
            "existing",
            leaks.then(|| some(existing.iter().map(|(user, _)| *user))),
        );
    Some(finding)
}
