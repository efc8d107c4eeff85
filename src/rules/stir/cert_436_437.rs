//! `stir-cert-436-437`: the certificate of a signature cannot be fetched, or is not trusted (RFC 8224 §6.2.2).

use super::{main_passport, refused};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "stir-cert-436-437",
    code: "SEC061",
    severity: Severity::Error,
    guards: &[Guard::Outcome],
    judge: Judge::CallWith(Has::REFUSAL.and(Has::IDENTITY), judge),
    words: include_str!("cert_436_437.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let Some((invite, request)) = refused(view, &[436, 437]) else {
        return;
    };
    let Some(passport) = main_passport(request) else {
        return;
    };
    let code = invite.final_code().unwrap_or_default();
    let url = passport.x5u.clone().or_else(|| passport.info.clone());
    let differ = passport.x5u.is_some() && passport.x5u != passport.info;
    let variant = match code {
        _ if differ => Some("differ"),
        437 => Some("untrusted"),
        _ => None,
    };
    found.push(
        Finding::of(&RULE, invite)
            .variant(variant)
            .fact("code", code)
            .fact("dst", invite.flow.dst.to_string())
            .fact("url", url.map_or_else(|| "?".to_owned(), String::from))
            .fact(
                "info",
                passport.info.map_or_else(|| "?".to_owned(), String::from),
            )
            .note_if(view.came_right(invite)),
    );
}
