//! `registrar-6xx`: a 6xx answers REGISTER, which RFC 3261 §10.3 forbids.

use super::of_register;
use crate::hash::HashSet;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "registrar-6xx",
    code: "REG009",
    severity: Severity::Warning,
    guards: &[Guard::Outcome],
    judge: Judge::CallWith(Has::REGISTER.and(Has::REFUSAL), judge),
    words: include_str!("registrar_6xx.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let mut told = HashSet::default();
    for register in view.call.of(&Method::Register) {
        let Some(response) = register.final_response().filter(|it| it.code >= 600) else {
            continue;
        };
        // On the next hop it is the same REGISTER.
        if !told.insert((register.cseq, response.code)) {
            continue;
        }
        let came_right = view.came_right(register)
            || view.surroundings.succeeded_after(register, response.time());
        found.push(
            of_register(view, &RULE, register)
                .fact("code", response.code)
                .fact("reason", &*response.reason)
                .fact_if("server", response.evidence("Server"))
                .note_if(came_right),
        );
    }
}
