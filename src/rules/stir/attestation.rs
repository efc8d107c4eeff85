//! `stir-attestation`: what the signer says of its caller (RFC 8588 §4), and whether such calls are turned down.

use super::{main_passport, whole};
use crate::rules::{CallView, Finding, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "stir-attestation",
    code: "SEC065",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::CallWith(Has::IDENTITY, judge),
    words: include_str!("attestation.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let mut invites: Vec<_> = view.call.initial_invites().collect();
    invites.sort_by_key(|invite| (invite.via_count, invite.id));
    let told = invites.iter().find_map(|invite| {
        let passport = main_passport(whole(invite)?)?;
        Some((*invite, passport.attest.clone()?, passport))
    });
    let Some((invite, attest, passport)) = told else {
        return;
    };
    // RFC 8197, RFC 8688: unwanted, rejected by analytics.
    let turned_down = matches!(invite.final_code(), Some(603 | 607 | 608)) && &*attest != "A";
    let mut finding = Finding::of(&RULE, invite)
        .variant(turned_down.then_some("turned-down"))
        .fact("attest", &*attest)
        .fact("origid", passport.origid.as_deref().unwrap_or("?"))
        .fact("orig", passport.orig.as_deref().unwrap_or("?"))
        .fact_if("code", invite.final_code());
    if turned_down {
        finding = finding.confidence(Confidence::Possible);
    }
    found.push(finding);
}
