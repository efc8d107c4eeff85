//! `merged-request-482`: a request reached a server on two ways, or came back to it, and was refused (RFC 3261 §8.2.2.2,
//! §16.3 item 4).

use super::passes::passes;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::Method;
use crate::transaction::{Response, Transaction};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "merged-request-482",
    code: "DLG020",
    severity: Severity::Warning,
    guards: &[Guard::Outcome],
    judge: Judge::CallWith(Has::REFUSAL, judge),
    words: include_str!("merged_request_482.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let mut refused: Vec<_> = view
        .call
        .transactions
        .iter()
        .filter_map(|it| Some((it, refusal(it)?)))
        .collect();
    // The hop where it was refused first.
    refused.sort_by_key(|(it, _)| (std::cmp::Reverse(it.via_count), it.id));
    let Some((deepest, response)) = refused.first() else {
        return;
    };
    let twice = passes(view.call)
        .into_iter()
        .find(|it| it.arrivals.iter().any(|arrival| arrival.id == deepest.id));
    // What the caller got decides how bad it is: another branch may have gone on.
    let nearest = view
        .call
        .of(&deepest.method)
        .filter(|it| it.cseq == deepest.cseq && it.from.tag == deepest.from.tag)
        .min_by_key(|it| (it.via_count, it.id));
    let failed = nearest.is_none_or(|it| it.final_code() == Some(482));
    let mut finding = Finding::of(&RULE, deepest)
        .variant(twice.is_none().then_some("code-alone"))
        .severity(if failed {
            Severity::Error
        } else {
            Severity::Warning
        })
        .confidence(if twice.is_none() {
            Confidence::Possible
        } else {
            Confidence::Certain
        })
        .fact("method", deepest.method.name())
        .fact("src", response.flow.src.to_string())
        .fact("arrivals", twice.as_ref().map_or(1, |it| it.arrivals.len()))
        .fact("request_uri", super::text(&deepest.request_uri))
        .note_if(view.came_right(deepest));
    let others = refused.iter().skip(1).map(|(it, _)| *it);
    for other in others.chain(twice.into_iter().flat_map(|it| it.arrivals)) {
        finding = finding.also(other);
    }
    found.push(finding);
}

fn refusal(transaction: &Transaction) -> Option<&Response> {
    transaction.final_response().filter(|it| {
        it.code == 482
            && !matches!(
                transaction.method,
                Method::Options | Method::Register | Method::Cancel | Method::Ack
            )
    })
}
