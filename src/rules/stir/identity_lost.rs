//! `stir-identity-lost`: a signature arrives at a hop and does not leave it (RFC 8224 §4).

use super::{is_signed, whole};
use crate::dialog::legs::LinkedBy;
use crate::limits::MAX_TEXT;
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::{HeaderName, Message};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "stir-identity-lost",
    code: "SEC066",
    severity: Severity::Warning,
    guards: &[Guard::Snap, Guard::Legs],
    judge: Judge::Call(judge),
    words: include_str!("identity_lost.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for arrived in view.call.initial_invites() {
        if !whole(arrived).is_some_and(is_signed) {
            continue;
        }
        let left = view.call.initial_invites().find(|left| {
            left.via_count > arrived.via_count
                && left.id > arrived.id
                && left.from.tag == arrived.from.tag
                && left.flow.src.ip() == arrived.flow.dst.ip()
                // Whoever verified the signature may keep it, and says so instead.
                && whole(left).is_some_and(|it| !is_signed(it) && !is_verified(it))
        });
        let Some(left) = left else {
            continue;
        };
        let finding = Finding::of(&RULE, left)
            .also(arrived)
            .fact("host", left.flow.src.ip().to_string())
            .fact("src", arrived.flow.src.to_string())
            .fact("dst", left.flow.dst.to_string());
        // The last hop of a call that went through may have verified it without saying so.
        found.push(if left.succeeded() {
            finding.confidence(Confidence::Possible)
        } else {
            finding
        });
        return;
    }
    found.extend(lost_between_legs(view));
}

/// The same at a B2BUA, whose legs have Call-IDs of their own (guard G-B2BUA). The signature ends where a network ends, so
/// it is a note unless somebody behind it misses the signature.
fn lost_between_legs(view: &CallView<'_>) -> Option<Finding> {
    let link = view.legs.link_of(&view.call.call_id)?;
    let arrived = link.signed.filter(|_| link.by < LinkedBy::Users)?;
    let left = view.call.initial_invites().find(|left| {
        left.flow.src.ip() == arrived.dst.ip()
            && whole(left).is_some_and(|it| !is_signed(it) && !is_verified(it))
    })?;
    let leg = String::from_utf8_lossy(&link.from);
    let leg: String = leg.chars().take(MAX_TEXT).collect();
    let finding = Finding::of(&RULE, left)
        .fact("host", left.flow.src.ip().to_string())
        .fact("src", arrived.src.to_string())
        .fact("dst", left.flow.dst.to_string())
        .fact("leg", leg)
        .fact("linked_by", link.by.name());
    Some(if left.final_code() == Some(428) {
        finding
    } else {
        finding
            .severity(Severity::Info)
            .confidence(Confidence::Possible)
    })
}

fn is_verified(request: &Message) -> bool {
    [HeaderName::PAssertedIdentity, HeaderName::From]
        .into_iter()
        .flat_map(|header| request.headers(header))
        .any(|value| {
            value
                .to_ascii_lowercase()
                .windows(8)
                .any(|it| it == b"verstat=")
        })
}
