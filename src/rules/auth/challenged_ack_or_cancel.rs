//! `auth-challenged-ack-or-cancel`: a server asks for credentials where nobody can send any (RFC 3261 §22.1).

use super::is_echo;
use crate::rules::{CallView, Finding, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;
use crate::transaction::{Response, Transaction};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "auth-challenged-ack-or-cancel",
    code: "SEC013",
    severity: Severity::Error,
    guards: &[],
    judge: Judge::Call(judge),
    words: include_str!("challenged_ack_or_cancel.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in &view.call.transactions {
        let Some((method, response)) = challenge(transaction) else {
            continue;
        };
        let is_cancel = method == Method::Cancel;
        // The call may have ended all the same.
        let harmless = is_cancel
            && view.call.of(&Method::Invite).any(|invite| {
                invite.cseq == transaction.cseq
                    && invite.flow == transaction.flow
                    && invite.final_code() == Some(487)
            });
        let mut finding = Finding::of(&RULE, transaction)
            .variant((!is_cancel).then_some("ack"))
            .fact("method", method.name())
            .fact("code", response.code)
            .fact("reason", super::short(&response.reason))
            .fact("dst", response.flow.src.to_string())
            .fact("src", response.flow.dst.to_string())
            .fact_if("server", response.evidence("Server"))
            .note_if(harmless);
        if !is_cancel {
            // What else is in its transaction depends on what came first: the answer, or an ACK of its branch.
            finding.frames = response.sends.iter().map(|seen| seen.frame).collect();
        }
        if !is_echo(found, &finding, &["method", "code"]) {
            found.push(finding);
        }
    }
}

fn challenge(transaction: &Transaction) -> Option<(Method, &Response)> {
    if transaction.method == Method::Cancel {
        return super::challenged(transaction).map(|response| (Method::Cancel, response));
    }
    // A response that names the ACK in its CSeq, be it of an INVITE's branch or of one alone.
    let to_ack = |response: &&Response| {
        response
            .message()
            .and_then(crate::sip::Message::cseq)
            .is_some_and(|(_, method)| method == Method::Ack)
    };
    let response = transaction.responses.iter().find(to_ack)?;
    Some((Method::Ack, response))
}
