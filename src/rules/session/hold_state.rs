//! `hold-state`: who put whom on hold, and for how long (RFC 3264 §8.4).

use super::change::{Change, Purpose, changes};
use super::finding_of;
use super::look;
use crate::dialog::Dialog;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::sdp::Direction;
use crate::time::Timestamp;
use crate::transaction::{Response, Transaction};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "hold-state",
    code: "DLG041",
    severity: Severity::Info,
    guards: &[Guard::Loss],
    judge: Judge::CallWith(Has::CHANGE, judge),
    words: include_str!("hold_state.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for dialog in view.call.dialogs() {
        let changes = changes(&dialog);
        let mut holds = changes
            .iter()
            .filter(|it| began(it, Purpose::Hold).is_some());
        let Some(first) = holds.next() else {
            continue;
        };
        let Some(since) = began(first, Purpose::Hold) else {
            continue;
        };
        let until = changes
            .iter()
            .filter(|it| it.by_caller == first.by_caller)
            .filter_map(|it| began(it, Purpose::Resume))
            .find(|time| *time > since);
        let held = until.unwrap_or_else(|| end(&dialog, view)).since(since);
        let offer = first.offer.as_ref();
        let by_address = offer.is_some_and(look::holds_by_address);
        let direction = offer.and_then(look::direction).map_or("", Direction::name);
        let variant = if by_address {
            Some("by-address")
        } else if until.is_none() {
            Some("not-resumed")
        } else {
            None
        };
        let mut finding = finding_of(view.call, &RULE, first.request)
            .fact("held", held)
            .fact("holds", 1 + holds.clone().count())
            .fact("direction", direction)
            .variant(variant);
        if until.is_some() {
            finding = finding.seen();
        }
        for other in holds {
            finding = finding.also(other.request);
        }
        found.push(finding);
    }
}

/// When a change for this purpose was accepted.
fn began(change: &Change<'_>, purpose: Purpose) -> Option<Timestamp> {
    let accepted = change.request.final_response().filter(|it| it.is_success());
    accepted
        .filter(|_| change.purpose == purpose)
        .map(Response::time)
}

/// When the dialog was over, or as long as it was watched.
fn end(dialog: &Dialog<'_>, view: &CallView<'_>) -> Timestamp {
    dialog.bye().map_or(view.now, Transaction::start)
}
