//! `rport-missing`: a client sends from another port than its Via names and does not ask for symmetric responses, so the
//! answers go to a port that its NAT has not opened (RFC 3261 §18.2.2, RFC 3581).

use super::delivery::{Arrived, Asked, arrived};
use super::endpoint;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "rport-missing",
    code: "NET022",
    severity: Severity::Warning,
    guards: &[Guard::Loss, Guard::Snap],
    judge: Judge::CallWith(Has::ASTRAY, judge),
    words: include_str!("rport_missing.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in &view.call.transactions {
        let Some(asked) = Asked::of(transaction) else {
            continue;
        };
        let src = transaction.flow.src;
        if asked.rport || asked.maddr || asked.port == src.port() {
            continue;
        }
        // The answer of a server that asks for no permission finds its way.
        let response = transaction
            .responses
            .iter()
            .find(|it| it.flow.dst != src && it.flow.dst.port() == asked.port);
        let Some(response) = response else {
            continue;
        };
        // An address that a NAT changed proves the NAT; without it the client may listen on the port it names.
        let translated = asked
            .address
            .is_some_and(|address| address != src.ip().to_canonical());
        let (severity, variant) = match arrived(view, transaction, response) {
            Arrived::No => (Severity::Warning, None),
            _ if !translated => continue,
            Arrived::Yes | Arrived::Unknown => (Severity::Info, Some("harmless")),
        };
        let finding = Finding::of(&RULE, transaction)
            .severity(severity)
            .variant(variant)
            .confidence(if translated {
                view.confidence()
            } else {
                Confidence::Likely.min(view.confidence())
            })
            .fact("method", transaction.method.name())
            .fact("src", src.to_string())
            .fact("sent_by", asked.sent_by)
            .fact("code", response.code)
            .fact("server", transaction.flow.dst.to_string())
            .fact(
                "dst",
                endpoint(response.flow.dst.ip(), Some(response.flow.dst.port())),
            )
            .fact("sends", transaction.requests.count());
        // The tries of one client are one fault.
        let known = found.iter_mut().find(|other| {
            other.rule.name == RULE.name
                && other.get("src") == finding.get("src")
                && other.severity == finding.severity
        });
        match known {
            Some(other) => *other = other.clone().also(transaction),
            None => found.push(finding),
        }
    }
}
