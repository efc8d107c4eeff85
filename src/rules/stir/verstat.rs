//! `stir-verstat`: what a network says of the caller's number in From or P-Asserted-Identity (ATIS-1000074; 3GPP TS 24.229
//! §7.2A.20).

use super::{is_signed, whole};
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::{HeaderName, Message};
use crate::transaction::Transaction;
use memchr::memchr_iter;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "stir-verstat",
    code: "SEC064",
    severity: Severity::Info,
    guards: &[Guard::Snap],
    judge: Judge::Call(judge),
    words: include_str!("verstat.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    // A look at the bytes is cheap, and nearly no value has it.
    let says = |invite: &Transaction| whole(invite).is_some_and(may_say);
    if !view.call.initial_invites().any(says) {
        return;
    }
    let mut invites: Vec<_> = view.call.initial_invites().collect();
    invites.sort_by_key(|invite| (invite.via_count, invite.id));
    let told: Vec<_> = invites
        .iter()
        .filter_map(|invite| Some((*invite, verstat(whole(invite)?)?)))
        .collect();
    // The try with credentials says who is speaking.
    let told = told
        .iter()
        .find(|(invite, _)| !invite.credentials.is_empty())
        .or_else(|| told.first());
    let Some((invite, verstat)) = told else {
        return;
    };
    let signed = invites.iter().any(|it| whole(it).is_some_and(is_signed));
    let passed = verstat.eq_ignore_ascii_case("TN-Validation-Passed");
    // Only a network that verified may say so. A client that has to prove who it is with a password is no such network.
    let by_client = passed && !signed && !invite.credentials.is_empty();
    let variant = if by_client {
        Some("by-client")
    } else {
        (passed && !signed).then_some("unsigned")
    };
    let mut finding = Finding::of(&RULE, invite)
        .variant(variant)
        .fact("verstat", verstat.as_str())
        .fact("src", invite.flow.src.to_string())
        .fact("dst", invite.flow.dst.to_string());
    if by_client {
        finding = finding
            .severity(Severity::Warning)
            .confidence(Confidence::Likely);
    }
    found.push(finding);
}

/// Whether there is such a parameter as [`verstat`] looks for.
fn may_say(request: &Message) -> bool {
    let has = |value: &[u8]| {
        memchr_iter(b';', value).any(|at| {
            let name = value.get(at..at + b";verstat=".len());
            name.is_some_and(|it| it.eq_ignore_ascii_case(b";verstat="))
        })
    };
    let asserted = || {
        request
            .headers(HeaderName::PAssertedIdentity)
            .any(|it| has(&it))
    };
    request.headers(HeaderName::From).any(|it| has(&it)) || asserted()
}

/// The value of a `verstat` parameter in P-Asserted-Identity or From; `None` without one.
fn verstat(request: &Message) -> Option<String> {
    [HeaderName::PAssertedIdentity, HeaderName::From]
        .into_iter()
        .flat_map(|header| request.headers(header))
        .find_map(|value| {
            let value = String::from_utf8_lossy(&value);
            let at = value.to_ascii_lowercase().find(";verstat=")?;
            let rest = value.get(at + ";verstat=".len()..)?;
            let end = rest
                .find(|it: char| !it.is_ascii_alphanumeric() && it != '-')
                .unwrap_or(rest.len().min(64));
            rest.get(..end.min(64)).map(str::to_owned)
        })
}
