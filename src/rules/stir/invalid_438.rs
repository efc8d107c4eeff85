//! `stir-invalid-438`: a signature does not hold, with what can be seen of the reason without the key (RFC 8224 §6.2, RFC
//! 8588 §4).

use super::{age, differ, digits, is_stale, main_passport, number_of, refused};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::passport::Passport;
use crate::sip::{HeaderName, Message};
use crate::transaction::Transaction;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "stir-invalid-438",
    code: "SEC062",
    severity: Severity::Error,
    guards: &[Guard::Outcome],
    judge: Judge::CallWith(Has::REFUSAL.and(Has::IDENTITY), judge),
    words: include_str!("invalid_438.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let Some((invite, request)) = refused(view, &[438]) else {
        return;
    };
    let Some(passport) = main_passport(request) else {
        return;
    };
    let caller = callers(request);
    let targets = targets(invite);
    let signed_at = age(&passport, invite.start());
    let variant = fault(&passport, &caller, &targets).or_else(|| {
        let stale = signed_at.is_some_and(|age| is_stale(age, view.thresholds));
        stale.then_some("age")
    });
    let shown = |text: &Option<Box<str>>| text.as_deref().unwrap_or("?").to_owned();
    found.push(
        Finding::of(&RULE, invite)
            .variant(variant)
            // What is seen may still not be what the verifier looked at.
            .confidence(if variant.is_some() {
                Confidence::Likely
            } else {
                Confidence::Certain
            })
            .fact("dst", invite.flow.dst.to_string())
            .fact("alg", shown(&passport.alg))
            .fact("ppt", shown(&passport.ppt))
            .fact("x5u", shown(&passport.x5u))
            .fact("info", shown(&passport.info))
            .fact("orig", shown(&passport.orig))
            .fact("dest", passport.dest.join(", "))
            .fact("caller", caller.join(", "))
            .fact("called", targets.join(", "))
            .fact(
                "age",
                signed_at.map_or_else(|| "?".to_owned(), |age| age.to_string()),
            )
            .note_if(view.came_right(invite)),
    );
}

/// What is wrong with the token, beside its age, as far as it can be read; `None` when nothing is.
fn fault(passport: &Passport, caller: &[String], targets: &[String]) -> Option<&'static str> {
    let other = |text: &Option<Box<str>>, wanted: &str| {
        text.as_deref()
            .is_some_and(|it| !it.eq_ignore_ascii_case(wanted))
    };
    if !passport.is_readable {
        return Some("unreadable");
    }
    if other(&passport.alg, "ES256") {
        return Some("alg");
    }
    if other(&passport.ppt, "shaken") {
        return Some("ppt");
    }
    if passport.x5u.is_some() && passport.info.is_some() && passport.x5u != passport.info {
        return Some("x5u");
    }
    let orig = passport.orig.as_deref().and_then(digits);
    if let Some(orig) = orig
        && !caller.is_empty()
        && caller.iter().all(|it| differ(it, &orig))
    {
        return Some("orig");
    }
    let dest: Vec<_> = passport.dest.iter().filter_map(|it| digits(it)).collect();
    let meets = |signed: &String| targets.iter().any(|it| !differ(it, signed));
    if !dest.is_empty() && !targets.is_empty() && !dest.iter().any(meets) {
        return Some("dest");
    }
    None
}

/// The numbers that the request gives for its caller: of P-Asserted-Identity and From (RFC 8224 §4.1).
fn callers(request: &Message) -> Vec<String> {
    [HeaderName::PAssertedIdentity, HeaderName::From]
        .into_iter()
        .filter_map(|header| number_of(&request.uri(header)?))
        .collect()
}

/// The numbers that it gives for the called side: of To and Request-URI.
fn targets(invite: &Transaction) -> Vec<String> {
    [&invite.to.uri, &invite.request_uri]
        .into_iter()
        .filter_map(|uri| number_of(uri))
        .collect()
}
