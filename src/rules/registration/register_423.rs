//! `register-423`: the registrar wants a longer lifetime (RFC 3261 §10.2.8, §10.3 step 7).

use super::of_register;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule, Silence};
use crate::severity::Severity;
use crate::sip::Method;
use crate::transaction::{Transaction, timers};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "register-423",
    code: "REG002",
    severity: Severity::Error,
    guards: &[Guard::End, Guard::Loss, Guard::Snap, Guard::Outcome],
    judge: Judge::CallWith(Has::REGISTER.and(Has::REFUSAL), judge),
    words: include_str!("register_423.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for register in view.call.of(&Method::Register) {
        let Some(response) = register.final_response().filter(|it| it.code == 423) else {
            continue;
        };
        // A proxy passes it on: the same REGISTER on the hop before.
        let passed_on = |hop: &Transaction| hop.final_code() == Some(423);
        if (view.call.hops(register)).any(|hop| hop.id < register.id && passed_on(hop)) {
            continue;
        }
        let minimum = response.evidence("Min-Expires");
        let came_right = view.came_right(register)
            || view.surroundings.succeeded_after(register, response.time());
        // The client asks again for what the registrar wants; what becomes of that, its own answer says.
        let wanted = minimum.and_then(|it| it.trim().parse::<u64>().ok());
        let retried = wanted.is_some_and(|wanted| {
            // A cut request hides what it asks for (guard G-SNAP).
            let enough =
                |it: &Transaction| it.cut || it.expires.is_some_and(|asked| asked >= wanted);
            view.call.later_tries(register).any(enough)
        });
        let whole = response.message().is_some_and(|it| !it.is_cut());
        let variant = match (wanted, register.expires) {
            (None, _) if whole => Some("no-minimum"),
            (Some(_), Some(3600..)) => Some("long-enough"),
            _ => None,
        };
        let requested = register
            .expires
            .map_or_else(|| "?".to_owned(), |it| it.to_string());
        // Guard G-END: a client takes its time for the next try. One that asked for as little again will not do better.
        let repeated = view.surroundings.is_still_too_brief(register);
        let elapsed = view.watched_since(response.time());
        let silence = if repeated || elapsed >= timers::timeout(register, view.thresholds.t1) {
            Silence::Proven
        } else {
            Silence::SoFar
        };
        let severity = if !repeated && elapsed < view.thresholds.credentials_within {
            Severity::Info
        } else {
            Severity::Error
        };
        let finding = of_register(view, &RULE, register);
        let hops = view.call.hops(register).filter(|it| passed_on(it));
        found.push(
            hops.fold(finding, Finding::also)
                .variant(variant)
                .fact("requested", requested)
                .fact("minimum", minimum.unwrap_or("?"))
                .fact_if("server", response.evidence("Server"))
                .silence(silence, view.lossy)
                .severity_at_most(severity)
                .note_if(came_right || retried),
        );
    }
}
