//! `cancel-481`: a CANCEL for which the next hop knows no INVITE (RFC 3261 §9.2).

use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::Method;
use crate::transaction::Transaction;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "cancel-481",
    code: "DLG008",
    severity: Severity::Warning,
    guards: &[Guard::Hop],
    judge: Judge::CallWith(Has::CANCEL.and(Has::REFUSAL), judge),
    words: include_str!("cancel_481.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for cancel in view.call.of(&Method::Cancel) {
        let Some(response) = cancel.final_response().filter(|it| it.code == 481) else {
            continue;
        };
        // The one that it fits, else the one that it must be for.
        let invite = view
            .call
            .of(&Method::Invite)
            .filter(|invite| {
                invite.cseq == cancel.cseq && invite.flow.src.ip() == cancel.flow.src.ip()
            })
            // A response with the branch of the CANCEL is no INVITE that was sent.
            .min_by_key(|invite| {
                let fits = invite.branch == cancel.branch && invite.flow == cancel.flow;
                (invite.requests.count() == 0, !fits)
            });
        // A final response that crosses the CANCEL ends the INVITE: then there is nothing left to cancel.
        let crossed = invite.is_some_and(|invite| {
            let mut finals = invite.responses.iter().filter(|it| it.is_final());
            finals.any(|it| it.time() <= response.time())
        });
        let differs = invite.and_then(|invite| differences(cancel, invite));
        let mut finding = Finding::of(&RULE, cancel)
            .variant(differs.as_ref().map(|_| "differs"))
            .fact("src", response.flow.src.to_string())
            .fact_if("differs", differs)
            .note_if(crossed)
            .confidence(if invite.is_some() {
                Confidence::Certain
            } else {
                Confidence::Possible
            });
        if let Some(invite) = invite {
            finding = finding.also(invite);
        }
        let known = found
            .iter_mut()
            .find(|it| it.rule.name == RULE.name && it.severity == finding.severity);
        match known {
            Some(known) => *known = known.clone().also(cancel),
            None => found.push(finding),
        }
    }
}

/// What RFC 3261 §9.1 asks to be the same and is not, by the names of the fields; `None` where all is.
fn differences(cancel: &Transaction, invite: &Transaction) -> Option<String> {
    let differing: Vec<&str> = [
        ("Via branch", cancel.branch != invite.branch),
        ("Request-URI", cancel.request_uri != invite.request_uri),
        ("From tag", cancel.from.tag != invite.from.tag),
        ("To", cancel.to != invite.to),
        ("destination", cancel.flow.dst != invite.flow.dst),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect();
    (!differing.is_empty()).then(|| differing.join(", "))
}
