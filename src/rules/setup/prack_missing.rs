//! `prack-missing`: a reliable provisional is sent again and again because no PRACK comes (RFC 3262 §3, on any transport).

use super::deepest_first;
use crate::dialog::Call;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::{HeaderName, Method};
use crate::transaction::{Response, Transaction, timers};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "prack-missing",
    code: "DLG011",
    severity: Severity::Error,
    guards: &[Guard::End, Guard::OneWay, Guard::Loss, Guard::Snap],
    judge: Judge::CallWith(Has::RELIABLE, judge),
    words: include_str!("prack_missing.toml"),
};

/// How far from 64*T1 the refusal of a side that got no PRACK may be.
const TOLERANCE: Duration = Duration::from_secs(3);

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let pracks = Pracks::of(view.call);
    let mut told: Vec<(Finding, Option<u64>)> = Vec::new();
    for invite in deepest_first(view.call) {
        // Where the caller's side is not captured, its PRACK is not either (guard G-1WAY).
        if invite.requests.count() == 0 {
            continue;
        }
        for response in reliable(invite) {
            let is_missed = response.sends.count() >= 3 || is_given_up(view, invite, response);
            if !is_missed || !pracks.for_response(invite, response).is_empty() {
                continue;
            }
            if let Some((finding, _)) = told.iter_mut().find(|(_, rseq)| *rseq == response.rseq) {
                *finding = finding.clone().also(invite);
                continue;
            }
            let final_code = invite.final_code();
            let over = invite.final_response().is_some();
            told.push((
                Finding::of(&RULE, invite)
                    .confidence(view.confidence_of_repeats(response, over))
                    .fact("code", response.code)
                    .fact("src", response.flow.src.to_string())
                    .fact("rseq", response.rseq.unwrap_or_default())
                    .fact("sends", response.sends.count())
                    .fact("span", response.sends.span())
                    .fact("rack", pracks.first_rack().unwrap_or("-"))
                    .fact_if("final", final_code),
                response.rseq,
            ));
        }
    }
    found.extend(told.into_iter().map(|(finding, _)| finding));
}

/// The provisionals of an INVITE that ask for a PRACK.
pub(super) fn reliable(invite: &Transaction) -> impl Iterator<Item = &Response> {
    invite
        .responses
        .iter()
        .filter(|it| (101..200).contains(&it.code) && it.rseq.is_some())
}

/// The PRACKs of a call with their RAck.
pub(super) struct Pracks<'a>(Vec<(&'a Transaction, Option<String>)>);

impl<'a> Pracks<'a> {
    pub(super) fn of(call: &'a Call) -> Self {
        let pracks = call.of(&Method::Prack);
        Self(pracks.map(|prack| (prack, rack(prack))).collect())
    }

    /// Those for a reliable provisional, on every hop: by RAck (RFC 3262 §7.2). One whose RAck the capture does not show may
    /// be any.
    pub(super) fn for_response(
        &self,
        invite: &Transaction,
        response: &Response,
    ) -> Vec<&'a Transaction> {
        let wanted = response
            .rseq
            .map(|rseq| format!("{rseq} {} INVITE", invite.cseq));
        let fits = |prack: &Transaction, seen: Option<&String>| {
            prack.to.tag == response.to_tag
                && prack.from.tag == invite.from.tag
                && seen.is_none_or(|seen| {
                    wanted
                        .as_ref()
                        .is_some_and(|wanted| seen.eq_ignore_ascii_case(wanted))
                })
        };
        self.0
            .iter()
            .filter(|(prack, seen)| fits(prack, seen.as_ref()))
            .map(|(prack, _)| *prack)
            .collect()
    }

    fn first_rack(&self) -> Option<&str> {
        self.0.iter().find_map(|(_, rack)| rack.as_deref())
    }
}

/// RAck with single spaces; `None` when the capture does not show it.
pub(super) fn rack(prack: &Transaction) -> Option<String> {
    let message = prack.request().filter(|it| !it.is_cut())?;
    let value = message.text(HeaderName::RAck)?;
    let parts: Vec<_> = value.split_ascii_whitespace().take(3).collect();
    Some(parts.join(" "))
}

/// RFC 3262 §3: without a PRACK the request is refused with a 5xx after 64*T1.
fn is_given_up(view: &CallView<'_>, invite: &Transaction, response: &Response) -> bool {
    let timeout = timers::timeout(invite, view.thresholds.t1);
    invite.final_response().is_some_and(|last| {
        let after = last.time().since(response.time());
        (500..600).contains(&last.code)
            && after + TOLERANCE >= timeout
            && after <= timeout + TOLERANCE
    })
}
