//! `prack-not-effective`: a PRACK was captured, and the provisional that it acknowledges goes on being sent (RFC 3262 §3, §4).

use super::prack_missing::{Pracks, reliable};
use super::{crossing, deepest_first, sent_after};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::transaction::Response;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "prack-not-effective",
    code: "DLG012",
    severity: Severity::Error,
    guards: &[Guard::End],
    judge: Judge::CallWith(Has::RELIABLE, judge),
    words: include_str!("prack_not_effective.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let pracks = Pracks::of(view.call);
    let mut told: Vec<(Finding, &Response)> = Vec::new();
    for invite in deepest_first(view.call) {
        for response in reliable(invite) {
            let sent = pracks.for_response(invite, response);
            let first = sent
                .iter()
                .filter(|prack| prack.requests.count() > 0 && prack.request().is_some())
                .min_by_key(|prack| prack.start());
            let Some(prack) = first else {
                continue;
            };
            let repeats = sent_after(&response.sends, prack.start() + crossing(view.call, invite));
            if (repeats as u64) < view.thresholds.repeats_after_ack {
                continue;
            }
            let same =
                |other: &Response| other.rseq == response.rseq && other.to_tag == response.to_tag;
            if let Some((finding, _)) = told.iter_mut().find(|(_, other)| same(other)) {
                *finding = finding.clone().also(invite);
                continue;
            }
            let answer = prack.final_code();
            let over = invite.final_response().is_some();
            let mut finding = Finding::of(&RULE, invite)
                .confidence(view.confidence_of_repeats(response, over))
                .severity(if invite.succeeded() {
                    Severity::Warning
                } else {
                    Severity::Error
                })
                .fact("code", response.code)
                .fact("src", response.flow.src.to_string())
                .fact("rseq", response.rseq.unwrap_or_default())
                .fact("repeats", repeats)
                .fact("prack_dst", prack.flow.dst.to_string())
                .fact("prack_uri", super::text(&prack.request_uri))
                .fact(
                    "prack_answer",
                    answer.map_or_else(|| "-".to_owned(), |code| code.to_string()),
                )
                .fact("contact", response.evidence("Contact").unwrap_or_default());
            for prack in &sent {
                finding = finding.also(prack);
            }
            told.push((finding, response));
        }
    }
    found.extend(told.into_iter().map(|(finding, _)| finding));
}
