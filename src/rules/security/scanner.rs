//! `scanner`: a host that looks for SIP servers, or that names itself after a tool that does.

use super::{about, is_attack_tool, is_internal, judge_each_host};
use crate::dialog::sources::{Seen, Source};
use crate::rules::{Finding, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::thresholds::Thresholds;
use std::net::IpAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "scanner",
    code: "SEC040",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("scanner.toml"),
};

judge_each_host!();

pub(super) fn of_source(host: IpAddr, source: &Source, thresholds: &Thresholds) -> Option<Finding> {
    let swept: Vec<Seen> = source.swept.values().copied().collect();
    // A switch that asks its telephones whether they are there has most of them answer, and repeats what is not answered.
    if swept.len() as u64 > thresholds.scanned_hosts && swept.len() > source.answering.len() {
        let finding = about(&RULE, host, source, &swept)
            .variant(Some("sweep"))
            .confidence(Confidence::Likely)
            .fact("hosts", swept.len())
            .fact("answering", source.answering.len())
            .fact("method", source.kind().name());
        return Some(finding);
    }
    let (_, (first, honest)) = source.tools.iter().min_by_key(|(_, (_, honest))| honest)?;
    // Softphones and monitoring use these too, where they are let in.
    if *honest && (is_internal(host) || source.vain() <= source.good) {
        return None;
    }
    let finding = about(
        &RULE,
        host,
        source,
        std::iter::once(first).chain(&source.proof),
    )
    .fact("requests", source.vain() + source.good + source.open)
    .fact("refused", source.refused);
    Some(if is_attack_tool(source) {
        finding
    } else {
        finding.confidence(Confidence::Likely)
    })
}
