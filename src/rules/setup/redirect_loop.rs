//! `redirect-loop`: redirections that lead back to a target that was tried already, or that do not end (RFC 3261 §8.1.3.4:
//! a URI is tried once).

use super::nearest_first;
use super::redirection::{is_same_destination, names, redirection, targets};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::transaction::{Response, Transaction};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "redirect-loop",
    code: "DLG025",
    severity: Severity::Error,
    guards: &[Guard::Outcome],
    judge: Judge::CallWith(Has::REDIRECTION, judge),
    words: include_str!("redirect_loop.toml"),
};

/// Redirections whose targets are compared with all that was tried: a flood of them is told by its number.
const LOOKED_AT: usize = 16;

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let redirected: Vec<_> = nearest_first(view.call)
        .into_iter()
        .filter_map(|it| Some((it, redirection(it)?)))
        .collect();
    // A proxy passes a redirection on; those that one client got are what it had to follow.
    let Some(client) = redirected.first().map(|(it, _)| it.flow.src.ip()) else {
        return;
    };
    let own: Vec<_> = redirected
        .iter()
        .filter(|(it, _)| it.flow.src.ip() == client)
        .collect();
    let back = own
        .iter()
        .take(LOOKED_AT)
        .find(|(invite, response)| points_back(view, invite, response));
    let last = own
        .last()
        .filter(|_| own.len() as u64 >= view.thresholds.redirections);
    let Some((invite, response)) = back.or(last) else {
        return;
    };
    let mut finding = Finding::of(&RULE, invite)
        .fact("code", response.code)
        .fact("src", response.flow.src.to_string())
        .fact("contact", names(&targets(response)))
        .fact("count", own.len())
        .note_if(view.came_right(invite));
    for (other, _) in &own {
        finding = finding.also(other);
    }
    found.push(finding);
}

/// Whether every target of a redirection had been tried when it came.
pub(super) fn points_back(view: &CallView<'_>, invite: &Transaction, response: &Response) -> bool {
    let targets = targets(response);
    let tried = |target: &[u8]| {
        view.call.initial_invites().any(|other| {
            other.from.tag == invite.from.tag
                && other.start() <= response.time()
                && is_same_destination(&other.request_uri, target)
        })
    };
    redirection(invite).is_some()
        && !targets.is_empty()
        && targets.iter().all(|target| tried(target))
}
