//! `ack-missing-2xx`: a 2xx to INVITE is sent again and again because no ACK reaches its sender (RFC 3261 §13.3.1.4, on any
//! transport; §13.2.2.4 for the ACK).

use super::{is_caller_unheard, is_repeated_to_the_end, unacknowledged};
use crate::dialog::Call;
use crate::rules::reachability::is_stray;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::Method;
use crate::transaction::{Response, Tag, Transaction, timers};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "ack-missing-2xx",
    code: "DLG001",
    severity: Severity::Error,
    guards: &[Guard::End, Guard::OneWay, Guard::Loss],
    judge: Judge::CallWith(Has::ANSWER, judge),
    words: include_str!("ack_missing_2xx.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    // The hop nearest to the callee first: the others repeat what it says.
    let mut invites: Vec<_> = view.call.of(&Method::Invite).collect();
    invites.sort_by_key(|invite| (std::cmp::Reverse(invite.via_count), invite.id));
    let mut told: Vec<(Finding, Option<Tag>)> = Vec::new();
    for invite in invites {
        for response in invite.responses.iter().filter(|it| it.is_success()) {
            if acknowledged(invite, response) || !is_missed(view, invite, response) {
                continue;
            }
            let known = told.iter_mut().find(|(_, tag)| *tag == response.to_tag);
            match known {
                Some((finding, _)) => *finding = finding.clone().also(invite),
                None => {
                    let mut finding = unacknowledged(view, &RULE, invite, response);
                    if stopped_early(view, response) {
                        finding = finding
                            .severity(Severity::Info)
                            .confidence(Confidence::Likely)
                            .variant(Some("acknowledged-unseen"));
                    }
                    if !invite.stray_acks.is_empty() {
                        finding = finding.variant(Some("unfitting"));
                    }
                    if let Some(asked) = unmatched(view.call, invite) {
                        finding = finding.variant(Some("other-branch")).also(asked);
                    }
                    told.push((finding, response.to_tag.clone()));
                }
            }
        }
    }
    found.extend(told.into_iter().map(|(finding, _)| finding));
}

/// The INVITE that the caller goes on repeating, where the responses to it have another branch in their Via.
fn unmatched<'a>(call: &'a Call, answers: &Transaction) -> Option<&'a Transaction> {
    let mut invites = call.of(&Method::Invite);
    invites.find(|asked| asked.responses.is_empty() && is_stray(answers, asked))
}

/// Each fork needs an ACK of its own.
fn acknowledged(invite: &Transaction, response: &Response) -> bool {
    invite
        .acks
        .iter()
        .any(|ack| ack.to_tag.is_none() || ack.to_tag == response.to_tag)
}

/// Either the 2xx was repeated twice or more, or the answering side hung up when its wait for the ACK was over.
fn is_missed(view: &CallView<'_>, invite: &Transaction, response: &Response) -> bool {
    if is_caller_unheard(view, invite) {
        return is_repeated_to_the_end(view, response);
    }
    let is_unseen = invite.requests.count() == 0;
    // As many within one moment are no ladder.
    if response.sends.count() >= 3 && response.sends.span() >= SHORTEST_LADDER {
        return true;
    }
    // Over UDP who has no ACK sends it again, before anything else (RFC 3261 §13.3.1.4); over TCP many do not.
    let once = response.sends.repeats() == 0 && !response.flow.transport.is_reliable();
    if is_unseen || once {
        return false;
    }
    let timeout = timers::timeout(invite, view.thresholds.t1);
    view.call.of(&Method::Bye).any(|bye| {
        let after = bye.start().since(response.time());
        bye.from.tag == response.to_tag
            && after + TOLERANCE >= timeout
            && after <= timeout + TOLERANCE
    })
}

/// Whether a 2xx was soon not sent again although its dialog went on: then its sender had the ACK (RFC 3261 §13.3.1.4), and
/// the capture lacks it. Who never gets it hangs up after 64*T1.
fn stopped_early(view: &CallView<'_>, response: &Response) -> bool {
    let tag = &response.to_tag;
    let Some(last) = response.sends.last() else {
        return false;
    };
    let next = view.call.transactions.iter().find(|next| {
        next.start() > response.time()
            && (next.from.tag == *tag || next.to.tag == *tag)
            && (next.method == Method::Bye || (next.in_dialog() && next.succeeded()))
    });
    let Some(next) = next else {
        return false;
    };
    let t1 = timers::estimate_t1(&response.sends).unwrap_or(view.thresholds.t1);
    let lasted = next.start().since(response.time());
    let hung_up =
        next.method == Method::Bye && lasted.abs_diff(t1 * timers::TIMEOUT_FACTOR) <= TOLERANCE;
    response.sends.count() <= timers::FEW_SENDS
        && next.start().since(last.time) > view.thresholds.t2 * 2
        && !hung_up
}

/// Three sends at the shortest T1 that anybody configures.
const SHORTEST_LADDER: Duration = Duration::from_millis(100);

/// How far from 64*T1 the BYE of a side that got no ACK may be.
const TOLERANCE: Duration = Duration::from_secs(3);
