//! `unregistered`: a client removed its binding (RFC 3261 §10.2.2).

use super::{of_register, star_is_wrong};
use crate::hash::HashSet;
use crate::rules::{CallView, Finding, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::value::{NameAddr, list};
use crate::sip::{HeaderName, Method};
use crate::transaction::Transaction;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "unregistered",
    code: "REG007",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::CallWith(Has::REGISTER, judge),
    words: include_str!("unregistered.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let mut told = HashSet::default();
    for register in view.call.of(&Method::Register) {
        let Some(response) = register.final_response() else {
            continue;
        };
        let removed =
            response.is_success() && register.expires == Some(0) && !binds_another(register);
        let refused = response.code == 400 && star_is_wrong(register);
        // On the next hop it is the same REGISTER.
        if (removed || refused) && told.insert((register.cseq, response.code)) {
            found.push(
                of_register(view, &RULE, register)
                    .variant(refused.then_some("star-refused"))
                    .fact("code", response.code),
            );
        }
    }
}

/// Whether a REGISTER that removes a contact binds another one: its client moves, and stays reachable.
fn binds_another(register: &Transaction) -> bool {
    let Some(request) = register.request().filter(|it| !it.is_cut()) else {
        return false;
    };
    let default = request.number(HeaderName::Expires);
    request.headers(HeaderName::Contact).any(|value| {
        list(&value).any(|contact| {
            let own = NameAddr::of(contact).param(b"expires");
            let own = own.and_then(|it| std::str::from_utf8(it).ok()?.parse().ok());
            own.or(default).is_some_and(|seconds: u64| seconds > 0)
        })
    })
}
