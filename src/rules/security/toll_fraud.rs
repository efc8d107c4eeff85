//! `toll-fraud`: the way out to costly numbers is looked for, or was found.

use super::{about, judge_each_host, some};
use crate::dialog::sources::{Seen, Source};
use crate::rules::{Finding, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::thresholds::Thresholds;
use std::collections::BTreeSet;
use std::net::IpAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "toll-fraud",
    code: "SEC044",
    severity: Severity::Error,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("toll_fraud.toml"),
};

judge_each_host!();

pub(super) fn of_source(host: IpAddr, source: &Source, thresholds: &Thresholds) -> Option<Finding> {
    let probes = source.probes(thresholds);
    let (calls, variant) = if probes.is_empty() {
        (source.burst(thresholds), Some("burst"))
    } else {
        (probes, None)
    };
    if calls.is_empty() {
        return None;
    }
    let answered = calls.iter().filter(|it| it.answered).count();
    let proof: Vec<Seen> = calls.iter().map(|it| it.seen).collect();
    let dialled: BTreeSet<&str> = calls.iter().map(|it| it.number.text()).collect();
    let callers: BTreeSet<&str> = calls.iter().map(|it| &*it.caller).collect();
    let prefixes: BTreeSet<&str> = calls.iter().map(|it| it.prefix()).collect();
    let lines: BTreeSet<&str> = calls.iter().map(|it| it.line()).collect();
    let line = match calls.first() {
        Some(first) if lines.len() > 1 && calls.iter().all(|it| it.range() == first.range()) => {
            format!("{}…", first.range())
        }
        first => first.map_or("", |it| it.line()).to_owned(),
    };
    let finding = about(&RULE, host, source, &proof)
        .variant(variant)
        .confidence(Confidence::Likely)
        .fact("calls", calls.len())
        .fact("ways", prefixes.len())
        .fact("answered", answered)
        .fact("line", line)
        .fact("numbers", some(dialled))
        .fact("callers", some(callers));
    // Nothing was lost as long as nothing was answered.
    Some(if answered == 0 {
        finding.severity(Severity::Warning)
    } else {
        finding
    })
}
