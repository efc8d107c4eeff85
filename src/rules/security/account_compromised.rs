//! `account-compromised`: passwords were guessed, and then one was accepted.

use super::register_bruteforce::guesses;
use super::{about, judge_each_host};
use crate::dialog::sources::Source;
use crate::rules::{Finding, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::thresholds::Thresholds;
use std::net::IpAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "account-compromised",
    code: "SEC043",
    severity: Severity::Error,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("account_compromised.toml"),
};

judge_each_host!();

pub(super) fn of_source(host: IpAddr, source: &Source, thresholds: &Thresholds) -> Vec<Finding> {
    let mut found = Vec::new();
    for (user, account) in source.accounts() {
        let Some((mut proof, confidence)) = guesses(source, account, thresholds) else {
            continue;
        };
        let begin = proof.iter().map(|seen| seen.time).min();
        let after = |at: &&crate::dialog::sources::Seen| Some(at.time) >= begin;
        let (Some(first), Some(accepted)) = (
            account.first_success,
            account.last_success.as_ref().filter(after),
        ) else {
            continue;
        };
        // Who was let in before may be the owner, behind the same address.
        let owner_here = Some(first.time) < begin;
        let accepted = if owner_here { *accepted } else { first };
        proof.insert(0, accepted);
        let mut finding = about(&RULE, host, source, &proof)
            .confidence(if owner_here {
                Confidence::Possible
            } else {
                confidence
            })
            .fact("user", user)
            .fact_if("dst", account.asked.map(|it| it.to_string()))
            .fact("tries", account.rejected);
        if let Some(begin) = begin {
            finding = finding.fact("after", accepted.time.since(begin));
        }
        found.push(finding);
    }
    found
}
