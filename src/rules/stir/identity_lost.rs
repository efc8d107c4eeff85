//! `stir-identity-lost`: a signature arrives at a hop and does not leave it (RFC 8224 §4).

use super::{is_signed, whole};
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
