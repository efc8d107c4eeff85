//! `ack-malformed`: an ACK that does not fit the INVITE it is meant for: another CSeq number, tag or branch (RFC 3261
//! §17.1.1.3, §13.2.2.4).

use super::{crossing, nearest_first, sent_after, text};
use crate::limits::MAX_FRAMES_SHOWN;
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::transaction::{Ack, Response, Transaction};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "ack-malformed",
    code: "DLG006",
    severity: Severity::Error,
    guards: &[Guard::End, Guard::Loss, Guard::Snap, Guard::Hop],
    judge: Judge::Call(judge),
    words: include_str!("ack_malformed.toml"),
};

/// What is wrong with an ACK.
struct Misfit {
    /// The field's name as the RFC has it.
    field: &'static str,
    seen: String,
    expected: String,
    /// Whether it may fit a final response that was not captured.
    fits_another: bool,
    variant: Option<&'static str>,
}

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let mut told: Vec<(Finding, &Transaction)> = Vec::new();
    // It is the caller's fault, and its proxies pass it on: told of the hop nearest to it.
    for invite in nearest_first(view.call) {
        let Some(response) = invite.final_response() else {
            continue;
        };
        let bad = (invite.stray_acks.iter())
            .chain(&invite.acks)
            .find_map(|ack| Some((ack, misfit(invite, response, ack)?)));
        let Some((ack, misfit)) = bad else {
            continue;
        };
        let Some(sent) = ack.sends.first() else {
            continue;
        };
        let same =
            |other: &Transaction| other.cseq == invite.cseq && other.from.tag == invite.from.tag;
        if let Some((finding, _)) = told.iter_mut().find(|(_, other)| same(other)) {
            *finding = finding.clone().also(invite);
            continue;
        }
        let repeats = sent_after(&response.sends, sent.time + crossing(view.call, invite));
        let mut finding = Finding::of(&RULE, invite)
            .variant(misfit.variant)
            .fact("src", ack.flow.src.to_string())
            .fact("field", misfit.field)
            .fact("seen", misfit.seen)
            .fact("expected", misfit.expected)
            .fact("code", response.code)
            .fact("repeats", repeats);
        finding
            .frames
            .extend(ack.sends.iter().map(|seen| seen.frame));
        finding.frames.sort_unstable();
        finding.frames.dedup();
        finding.frames.truncate(MAX_FRAMES_SHOWN);
        let finding = match repeats {
            // The answering side bears with it.
            0 if view.watched_since(sent.time) >= BORNE => finding.note_if(true),
            0 => finding
                .severity(Severity::Warning)
                .confidence(Confidence::Likely),
            // Another final response, which is not in the capture, may have had that tag (guard G-LOSS).
            _ if misfit.fits_another => finding.confidence(Confidence::Likely),
            _ => finding.seen(),
        };
        told.push((finding, invite));
    }
    found.extend(told.into_iter().map(|(finding, _)| finding));
}

/// A side that refuses an ACK repeats its response within this time.
const BORNE: Duration = Duration::from_secs(2);

fn misfit(invite: &Transaction, response: &Response, ack: &Ack) -> Option<Misfit> {
    // One that came before may answer what was not captured, on this branch of a fork or another.
    let answers_it = (ack.sends.first()).is_some_and(|seen| seen.time >= response.time());
    let message = ack.message().filter(|it| answers_it && !it.is_cut())?;
    let (cseq, _) = message.cseq()?;
    let branch = message.branch();
    let of_invite = branch.is_some() && branch.as_deref() == invite.branch.as_deref();
    let wrong = |field, seen: String, expected: String| {
        Some(Misfit {
            field,
            seen,
            expected,
            fits_another: false,
            variant: None,
        })
    };
    if cseq != invite.cseq {
        return wrong("CSeq", cseq.to_string(), invite.cseq.to_string());
    }
    let (own, from) = (invite.from.tag.as_deref(), message.from_tag());
    if own.is_some() && from != own {
        let shown = |tag: Option<&[u8]>| tag.map_or_else(|| "-".to_owned(), text);
        return wrong("From tag", shown(from), shown(own));
    }
    let answers = |tag: &[u8]| {
        let mut finals = invite.responses.iter().filter(|it| it.is_final());
        finals.any(|it| it.to_tag.as_deref() == Some(tag))
    };
    let tag = message.to_tag();
    let expected = response.to_tag.as_deref();
    if let Some(expected) = expected
        && !tag.is_some_and(answers)
    {
        return Some(Misfit {
            field: "To tag",
            fits_another: tag.is_some(),
            seen: tag.map_or_else(|| "-".to_owned(), text),
            expected: text(expected),
            variant: None,
        });
    }
    if !response.is_success() && !of_invite {
        let shown = |branch: Option<&[u8]>| branch.map_or_else(|| "-".to_owned(), text);
        return wrong(
            "Via branch",
            shown(branch.as_deref()),
            shown(invite.branch.as_deref()),
        );
    }
    // An ACK to a 2xx is a transaction of its own; old stacks give it the branch of the INVITE.
    (response.is_success() && of_invite && invite.responses.iter().all(|it| it.code < 300)).then(
        || Misfit {
            field: "Via branch",
            seen: branch.as_deref().map_or_else(String::new, text),
            expected: "-".to_owned(),
            fits_another: false,
            variant: Some("branch-of-the-invite"),
        },
    )
}
