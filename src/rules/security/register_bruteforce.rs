//! `register-bruteforce`: passwords are guessed: other responses to the same challenge (RFC 7616 §5.9).

use super::{about, is_attack_tool};
use crate::dialog::sources::{Account, Seen, Source, most_within};
use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::thresholds::Thresholds;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "register-bruteforce",
    code: "SEC042",
    severity: Severity::Error,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("register_bruteforce.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    let sources = view.sources.all();
    // Of each user, who tried and was never let in.
    let mut users: BTreeMap<&str, Vec<(IpAddr, &Source, &Account)>> = BTreeMap::new();
    for (host, source) in sources {
        let own = of_source(host, source, view.thresholds);
        if own.is_empty() {
            for (user, account) in source.accounts() {
                if account.rejected > 0 && account.first_success.is_none() {
                    users.entry(user).or_default().push((host, source, account));
                }
            }
        }
        found.extend(own);
    }
    found.extend(
        users
            .into_iter()
            .filter_map(|(user, tried)| distributed(user, &tried, view.thresholds)),
    );
}

/// Guesses of one host, the account with most of them.
pub(super) fn of_source(host: IpAddr, source: &Source, thresholds: &Thresholds) -> Vec<Finding> {
    let mut guessed: Vec<_> = source
        .accounts()
        .filter_map(|(user, account)| Some((user, account, guesses(source, account, thresholds)?)))
        .collect();
    guessed.sort_by_key(|(user, account, _)| (std::cmp::Reverse(account.rejected), *user));
    let accounts = guessed.len();
    guessed
        .into_iter()
        .take(1)
        .map(|(user, account, (proof, confidence))| {
            about(&RULE, host, source, &proof)
                .confidence(confidence)
                .fact("user", user)
                .fact_if("dst", account.asked.map(|it| it.to_string()))
                .fact("tries", account.rejected)
                .fact("accounts", accounts)
        })
        .collect()
}

/// The tries that prove guessing, and how well.
pub(super) fn guesses(
    source: &Source,
    account: &Account,
    thresholds: &Thresholds,
) -> Option<(Vec<Seen>, Confidence)> {
    let guesses = account.guesses(thresholds);
    if !guesses.is_empty() {
        let proof = guesses.iter().map(|it| it.seen).collect();
        return Some((proof, Confidence::Certain));
    }
    // With a new nonce for each try nothing tells another password from another response, but a tool for guessing does.
    let proof: Vec<Seen> = account.tries().iter().map(|it| it.seen).collect();
    let mut times: Vec<_> = proof.iter().map(|seen| seen.time).collect();
    let (most, _) = most_within(&mut times, thresholds.bruteforce_within);
    (is_attack_tool(source) && most as u64 >= thresholds.bruteforce_tries)
        .then_some((proof, Confidence::Likely))
}

/// Many hosts that try one user: more than one person has telephones.
fn distributed(
    user: &str,
    tried: &[(IpAddr, &Source, &Account)],
    thresholds: &Thresholds,
) -> Option<Finding> {
    let mut proof: Vec<Seen> = tried
        .iter()
        .flat_map(|(_, _, account)| account.tries())
        .map(|it| it.seen)
        .collect();
    proof.sort_unstable();
    let mut firsts: Vec<_> = tried
        .iter()
        .filter_map(|(_, _, account)| account.tries().first().map(|it| it.seen.time))
        .collect();
    let (hosts, _) = most_within(&mut firsts, thresholds.bruteforce_within);
    if (hosts as u64) < thresholds.bruteforce_hosts || user.is_empty() {
        return None;
    }
    let (host, source, account) = tried.first()?;
    let mut finding = about(&RULE, *host, source, &proof)
        .variant(Some("distributed"))
        .severity(Severity::Warning)
        .confidence(Confidence::Possible)
        .fact("user", user)
        .fact_if("dst", account.asked.as_ref().map(SocketAddr::to_string))
        .fact(
            "tries",
            tried.iter().map(|(_, _, it)| it.rejected).sum::<u64>(),
        )
        .fact("hosts", tried.len());
    // It explains the tries of all these hosts, not what one of them does.
    finding.source = None;
    Some(finding)
}
