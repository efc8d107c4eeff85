//! `response-to-wrong-place`: a response over UDP that goes neither to where its request came from nor to where the Via asks
//! (RFC 3261 §18.2.2, RFC 3581 §4).

use super::delivery::{Arrived, Asked, arrived, is_end_of_other_hop};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::value::Via;
use crate::transaction::{Response, Transaction};
use std::net::SocketAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "response-to-wrong-place",
    code: "NET023",
    severity: Severity::Error,
    guards: &[Guard::End, Guard::Loss, Guard::Snap, Guard::Outcome],
    judge: Judge::CallWith(Has::ASTRAY, judge),
    words: include_str!("response_to_wrong_place.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in &view.call.transactions {
        let Some(asked) = Asked::of(transaction) else {
            continue;
        };
        let astray = transaction
            .responses
            .iter()
            .find(|response| is_astray(view, transaction, response, &asked));
        let Some(response) = astray else {
            continue;
        };
        let src = transaction.flow.src;
        let mut finding = Finding::of(&RULE, transaction)
            .confidence(view.confidence())
            .fact("method", transaction.method.name())
            .fact("src", src.to_string())
            .fact("sent_by", asked.sent_by)
            .fact("code", response.code)
            .fact("server", response.flow.src.to_string())
            .fact("dst", response.flow.dst.to_string())
            .fact("sends", transaction.requests.count())
            .fact("rport", if asked.rport { "yes" } else { "no" })
            .note_if(view.came_right(transaction));
        match arrived(view, transaction, response) {
            Arrived::No => {}
            Arrived::Yes => finding = finding.severity(Severity::Info),
            Arrived::Unknown => {
                finding = finding
                    .severity_at_most(Severity::Warning)
                    .confidence(Confidence::Possible);
                finding.so_far = true;
            }
        }
        let known = found.iter_mut().find(|other| {
            other.rule.name == RULE.name
                && other.get("src") == finding.get("src")
                && other.get("dst") == finding.get("dst")
                && other.severity == finding.severity
        });
        match known {
            Some(other) => *other = other.clone().also(transaction),
            None => found.push(finding),
        }
    }
}

fn is_astray(
    view: &CallView<'_>,
    transaction: &Transaction,
    response: &Response,
    asked: &Asked,
) -> bool {
    let src = transaction.flow.src;
    let went = response.flow.dst;
    // RFC 3261 §18.2.2: the address as received with the port of the sent-by; a server may always answer to the source.
    let by_via = !asked.rport && went == SocketAddr::new(src.ip(), asked.port);
    if went == src || by_via || asked.maddr || is_end_of_other_hop(view, transaction, went) {
        return false;
    }
    // A server that says where it saw the request come from, and answers there, did right: between it and this capture an
    // address was changed.
    let as_seen = response.message().and_then(|message| {
        let value = message.top_via()?;
        let via = Via::of(&value)?;
        let port = if asked.rport {
            via.rport()?
        } else {
            asked.port
        };
        Some(SocketAddr::new(via.received()?, port))
    });
    as_seen != Some(went)
}
