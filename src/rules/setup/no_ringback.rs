//! `no-ringback`: the call was answered after a while without any 18x, so that the caller heard nothing (RFC 3960 §3).

use super::nearest_first;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::transaction::Transaction;
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "no-ringback",
    code: "DLG016",
    severity: Severity::Warning,
    guards: &[Guard::OneWay, Guard::Loss],
    judge: Judge::CallWith(Has::ANSWER, judge),
    words: include_str!("no_ringback.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let mut invites = nearest_first(view.call)
        .into_iter()
        .filter(|invite| !invite.in_dialog());
    let longer_than = view.thresholds.silent_ringing;
    let silent = invites.find_map(|invite| Some((invite, silence(invite, longer_than)?)));
    let Some((invite, silence)) = silent else {
        return;
    };
    // It rang somewhere: the provisional was lost on its way, or not captured.
    let rang = view.call.initial_invites().any(has_rung);
    if rang || view.is_one_directional(invite) {
        return;
    }
    let mut finding = Finding::of(&RULE, invite)
        .confidence(if view.lossy {
            Confidence::Possible
        } else {
            Confidence::Likely
        })
        .fact("dst", invite.flow.dst.to_string())
        .fact("silence", silence);
    for hop in view
        .call
        .attempt(invite)
        .filter(|it| it.cseq == invite.cseq)
    {
        finding = finding.also(hop);
    }
    found.push(finding);
}

fn has_rung(invite: &Transaction) -> bool {
    invite
        .responses
        .iter()
        .any(|it| (101..200).contains(&it.code))
}

/// How long the answer took: from the first response, or from the last send that it answers, so that lost datagrams do
/// not count.
fn silence(invite: &Transaction, longer_than: Duration) -> Option<Duration> {
    let answer = invite.final_response().filter(|it| it.is_success())?;
    let sent = invite
        .requests
        .iter()
        .take_while(|seen| seen.time <= answer.time())
        .last()?;
    let first = invite.responses.first()?.time();
    let since = if first < answer.time() {
        first
    } else {
        sent.time
    };
    let silence = answer.time().since(since);
    (silence > longer_than).then_some(silence)
}
