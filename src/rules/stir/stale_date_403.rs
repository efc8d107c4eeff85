//! `stir-stale-date-403`: a signature is too old, or from the future (RFC 8224 §6.2.2).

use super::{age, is_stale, main_passport, refused};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "stir-stale-date-403",
    code: "SEC063",
    severity: Severity::Error,
    guards: &[Guard::Outcome],
    judge: Judge::CallWith(Has::REFUSAL.and(Has::IDENTITY), judge),
    words: include_str!("stale_date_403.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let Some((invite, request)) = refused(view, &[403]) else {
        return;
    };
    let reason = invite.final_response().map_or("", |it| &it.reason);
    let Some(passport) = main_passport(request) else {
        return;
    };
    if !reason.to_ascii_lowercase().contains("stale date") {
        return;
    }
    let age = age(&passport, invite.start());
    let variant = match age {
        Some(age) if age < 0 && is_stale(age, view.thresholds) => Some("future"),
        Some(age) if !is_stale(age, view.thresholds) => Some("fresh"),
        _ => None,
    };
    found.push(
        Finding::of(&RULE, invite)
            .variant(variant)
            .fact("dst", invite.flow.dst.to_string())
            .fact("reason", reason)
            .fact(
                "age",
                age.map_or_else(|| "?".to_owned(), |age| age.abs().to_string()),
            )
            .note_if(view.came_right(invite)),
    );
}
