//! `rseq-missing`: a provisional asks for a PRACK and has no RSeq, so that nobody can acknowledge it (RFC 3262 §3, §7.1).

use super::{deepest_first, has_option};
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::Severity;
use crate::sip::HeaderName;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "rseq-missing",
    code: "DLG014",
    severity: Severity::Warning,
    guards: &[Guard::Snap],
    judge: Judge::Call(judge),
    words: include_str!("rseq_missing.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for invite in deepest_first(view.call) {
        let faulty = invite.responses.iter().find(|response| {
            (101..200).contains(&response.code)
                && response.message().is_some_and(|message| {
                    !message.is_cut()
                        && has_option(message, HeaderName::Require, b"100rel")
                        && message.header(HeaderName::RSeq).is_none()
                })
        });
        let Some(response) = faulty else {
            continue;
        };
        match found.first_mut() {
            Some(known) => *known = known.clone().also(invite),
            None => found.push(
                Finding::of(&RULE, invite)
                    .fact("code", response.code)
                    .fact("src", response.flow.src.to_string())
                    .fact("server", response.evidence("Server").unwrap_or("-")),
            ),
        }
    }
}
