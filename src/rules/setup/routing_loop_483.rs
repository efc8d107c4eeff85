//! `routing-loop-483`: a request goes round between hosts until its Max-Forwards is used up (RFC 3261 §16.3 item 3, §21.4.21).

use super::passes::{Passes, max_forwards, passes};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::Method;
use crate::thresholds::Thresholds;
use crate::transaction::{Response, Transaction};
use std::net::SocketAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "routing-loop-483",
    code: "DLG022",
    severity: Severity::Error,
    guards: &[Guard::Outcome],
    judge: Judge::CallWith(Has::RELAY_OR_REFUSAL, judge),
    words: include_str!("routing_loop_483.toml"),
};

/// Hosts named.
const HOSTS_SHOWN: usize = 6;

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let around = passes(view.call)
        .into_iter()
        .filter_map(|it| Some((it.at, circle(&it, view.thresholds)?)))
        .max_by_key(|(_, circle)| circle.len());
    if let Some((at, circle)) = around {
        found.extend(seen(view, at, &circle));
        return;
    }
    // The nearest hop first: how the request began is what counts.
    let mut refused: Vec<_> = view
        .call
        .transactions
        .iter()
        .filter_map(|it| Some((it, too_many_hops(it)?)))
        .collect();
    refused.sort_by_key(|(it, _)| (it.via_count, it.id));
    let Some((first, response)) = refused.first() else {
        return;
    };
    // Who refused stands behind those who pass it on.
    let blamed = refused.last().map_or(*response, |(_, deepest)| *deepest);
    let began_with = max_forwards(first);
    let few = began_with.is_some_and(|count| count <= view.thresholds.few_hops);
    let mut finding = Finding::of(&RULE, first)
        .variant(Some(if few { "few-hops" } else { "code-alone" }))
        .confidence(if few {
            Confidence::Possible
        } else {
            Confidence::Likely
        })
        .fact("method", first.method.name())
        .fact("src", blamed.flow.src.to_string())
        .fact_if("max_forwards", began_with)
        .note_if(view.came_right(first));
    for (other, _) in refused.iter().skip(1) {
        finding = finding.also(other);
    }
    found.push(finding);
}

/// The arrivals of a request that came back to one address unchanged, with fewer hops left each time.
pub(super) fn circle<'a>(
    passes: &Passes<'a>,
    thresholds: &Thresholds,
) -> Option<Vec<&'a Transaction>> {
    let circle = passes.circle();
    let (first, last) = (circle.first()?, circle.last()?);
    let arrivals = circle.len() as u64;
    let falls = max_forwards(first)? > max_forwards(last)?;
    // A spiral changes the Request-URI on its way (RFC 3261 §16.3 item 4).
    let unchanged = first.request_uri == last.request_uri || arrivals > thresholds.loop_passes;
    (arrivals >= thresholds.loop_passes && falls && unchanged).then_some(circle)
}

fn seen(view: &CallView<'_>, at: SocketAddr, circle: &[&Transaction]) -> Option<Finding> {
    let (first, last) = (circle.first()?, circle.last()?);
    let mut hosts: Vec<SocketAddr> = Vec::new();
    let mut hops: Vec<&Transaction> = view
        .call
        .of(&first.method)
        .filter(|it| it.cseq == first.cseq && it.from.tag == first.from.tag)
        .collect();
    hops.sort_by_key(|it| (it.via_count, it.id));
    for hop in hops.iter().filter(|it| it.via_count >= first.via_count) {
        if !hosts.contains(&hop.flow.dst) {
            hosts.push(hop.flow.dst);
        }
    }
    let names: Vec<String> = hosts
        .iter()
        .take(HOSTS_SHOWN)
        .map(ToString::to_string)
        .collect();
    let mut finding = Finding::of(&RULE, first)
        .fact("method", first.method.name())
        .fact("src", at.to_string())
        .fact("passes", circle.len())
        .fact("hosts", names.join(" → "))
        .fact("first_max_forwards", max_forwards(first)?)
        .fact("last_max_forwards", max_forwards(last)?)
        .fact("request_uri", super::text(&first.request_uri))
        .note_if(view.came_right(first));
    for hop in hops {
        finding = finding.also(hop);
    }
    Some(finding)
}

/// A 483 to a request whose way somebody wants to know; OPTIONS with few hops are a way to find routes.
fn too_many_hops(transaction: &Transaction) -> Option<&Response> {
    transaction.final_response().filter(|it| {
        it.code == 483
            && !matches!(
                transaction.method,
                Method::Options | Method::Register | Method::Cancel | Method::Ack
            )
    })
}
