//! `register-423`: the registrar wants a longer lifetime (RFC 3261 §10.2.8, §10.3 step 7).

use crate::rules::{CallView, Finding, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;
use crate::sip::value::address_of_record;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "register-423",
    code: "REG002",
    severity: Severity::Error,
    judge: Judge::Call(judge),
    words: include_str!("register_423.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for register in view.call.of(&Method::Register) {
        let Some(response) = register.final_response().filter(|it| it.code == 423) else {
            continue;
        };
        let came_right = view.came_right(register)
            || view.surroundings.succeeded_after(register, response.time());
        let requested = register
            .expires
            .map_or_else(|| "?".to_owned(), |it| it.to_string());
        found.push(
            Finding::of(&RULE, register)
                .fact("aor", address_of_record(&register.to.uri))
                .fact("requested", requested)
                .fact("minimum", response.evidence("Min-Expires").unwrap_or("?"))
                .fact("dst", register.flow.dst.to_string())
                .note_if(came_right),
        );
    }
}
