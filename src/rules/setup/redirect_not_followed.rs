//! `redirect-not-followed`: a 3xx named other targets, and nobody tried one (RFC 3261 §8.1.3.4).

use super::nearest_first;
use super::redirect_loop;
use super::redirection::{is_followed, names, redirection, targets};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::transaction::{Response, Transaction};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "redirect-not-followed",
    code: "DLG024",
    severity: Severity::Warning,
    guards: &[
        Guard::End,
        Guard::OneWay,
        Guard::Loss,
        Guard::Snap,
        Guard::Outcome,
    ],
    judge: Judge::CallWith(Has::REDIRECTION, judge),
    words: include_str!("redirect_not_followed.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for invite in nearest_first(view.call) {
        let Some(response) = redirection(invite).filter(|it| is_unfollowed(view, invite, it))
        else {
            continue;
        };
        // Of a client that was never heard nothing can be missed (guard G-1WAY).
        if !view.surroundings.speaks(response.flow.dst.ip()) {
            continue;
        }
        if let Some(known) = found.first_mut() {
            *known = known.clone().also(invite);
            continue;
        }
        let so_far = view.watched_since(response.time()) < view.thresholds.redirect_within;
        let mut finding = Finding::of(&RULE, invite)
            .confidence(if so_far || view.lossy {
                Confidence::Possible
            } else {
                Confidence::Likely
            })
            .fact("code", response.code)
            .fact("src", response.flow.src.to_string())
            .fact("dst", response.flow.dst.to_string())
            .fact("contact", names(&targets(response)));
        finding.so_far = so_far;
        found.push(finding);
    }
}

/// Whether somebody tried what a redirection named, under this Call-ID or another: what came of that is the outcome.
pub(in crate::rules) fn is_pursued(
    view: &CallView<'_>,
    invite: &Transaction,
    response: &Response,
) -> bool {
    redirection(invite).is_some()
        && !redirect_loop::points_back(view, invite, response)
        && (is_followed(view.call, invite, response)
            || targets(response).iter().any(|target| {
                view.surroundings
                    .invited_after(&invite.from.uri, target, response.time())
            }))
}

/// Whether a redirection named targets and nobody tried one, under this Call-ID or another.
pub(in crate::rules) fn is_unfollowed(
    view: &CallView<'_>,
    invite: &Transaction,
    response: &Response,
) -> bool {
    // In a flood of redirections all but the last are followed, and nothing more is looked at.
    if redirection(invite).is_none() || is_followed(view.call, invite, response) {
        return false;
    }
    let targets = targets(response);
    !targets.is_empty()
        && !redirect_loop::points_back(view, invite, response)
        && !view.came_right(invite)
        && !view.surroundings.succeeded_after(invite, response.time())
        && !targets.iter().any(|target| {
            view.surroundings
                .invited_after(&invite.from.uri, target, response.time())
        })
}
