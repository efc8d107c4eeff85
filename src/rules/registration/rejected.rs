//! `registration-rejected`: a REGISTER was refused for good (RFC 3261 §10.3).

use crate::rules::{CallView, Finding, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;
use crate::sip::value::address_of_record;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "registration-rejected",
    code: "REG001",
    severity: Severity::Error,
    judge: Judge::Call(judge),
    words: include_str!("rejected.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for register in view.call.of(&Method::Register) {
        let Some(response) = register.final_response() else {
            continue;
        };
        // Challenges, 423 and a 403 to credentials have findings of their own.
        let told_elsewhere = matches!(response.code, 401 | 407 | 423)
            || (response.code == 403 && !register.credentials.is_empty());
        if response.code < 400 || told_elsewhere {
            continue;
        }
        let came_right = view.came_right(register)
            || view.surroundings.succeeded_after(register, response.time());
        found.push(
            Finding::of(&RULE, register)
                .fact("aor", address_of_record(&register.to.uri))
                .fact("code", response.code)
                .fact("reason", &*response.reason)
                .fact("dst", register.flow.dst.to_string())
                .note_if(came_right),
        );
    }
}
