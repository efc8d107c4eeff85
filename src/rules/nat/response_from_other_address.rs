//! `response-from-other-address`: a response over UDP that does not come from where the request went: NATs and firewalls let
//! only that address in (RFC 3581 §4, RFC 4787 §5).

use super::delivery::{Arrived, arrived, is_end_of_other_hop};
use crate::flow::Transport;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::transaction::{Response, Transaction};
use std::net::IpAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "response-from-other-address",
    code: "NET024",
    severity: Severity::Warning,
    guards: &[Guard::End, Guard::Loss, Guard::Outcome],
    judge: Judge::CallWith(Has::FOREIGN, judge),
    words: include_str!("response_from_other_address.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in &view.call.transactions {
        let flow = transaction.flow;
        if flow.transport != Transport::Udp
            || transaction.requests.count() == 0
            || is_group(flow.dst.ip())
        {
            continue;
        }
        let Some(response) = transaction
            .responses
            .iter()
            .find(|response| is_foreign(view, transaction, response))
        else {
            continue;
        };
        let mut finding = Finding::of(&RULE, transaction)
            .confidence(view.confidence())
            .fact("method", transaction.method.name())
            .fact("src", flow.src.to_string())
            .fact("dst", flow.dst.to_string())
            .fact("code", response.code)
            .fact("answered_from", response.flow.src.to_string())
            .note_if(view.came_right(transaction));
        match arrived(view, transaction, response) {
            Arrived::No => {}
            Arrived::Yes => finding = finding.severity(Severity::Info),
            Arrived::Unknown => {
                finding = finding
                    .severity(Severity::Info)
                    .confidence(Confidence::Possible);
                finding.so_far = true;
            }
        }
        let known = found.iter_mut().find(|other| {
            other.rule.name == RULE.name
                && other.get("dst") == finding.get("dst")
                && other.get("answered_from") == finding.get("answered_from")
                && other.severity == finding.severity
        });
        match known {
            Some(other) => *other = other.clone().also(transaction),
            None => found.push(finding),
        }
    }
}

/// Where both ends differ, the response belongs to another capture point, and one that is an end of another hop of the
/// same request went through a load balancer or a NAT that is captured on both sides.
fn is_foreign(view: &CallView<'_>, transaction: &Transaction, response: &Response) -> bool {
    let flow = transaction.flow;
    response.flow.src != flow.dst
        && response.flow.dst.ip() == flow.src.ip()
        && !is_end_of_other_hop(view, transaction, response.flow.src)
}

/// A request to a group is answered by its members.
fn is_group(address: IpAddr) -> bool {
    address.is_multicast() || matches!(address, IpAddr::V4(address) if address.is_broadcast())
}
