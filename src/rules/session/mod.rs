//! Answered calls: what either side changes in them, how they are kept alive, handed on, and how they end.

pub(super) mod bye_481;
pub(super) mod bye_right_after_answer;
pub(super) mod call_dropped_at_fixed_time;
mod change;
pub(super) mod glare_491;
pub(super) mod hold_resume_failed;
pub(super) mod hold_state;
pub(super) mod indialog_481;
pub(super) mod invite_overlap_500;
mod look;
pub(super) mod reinvite_rejected;
pub(super) mod session_refresh_failed;
pub(super) mod session_timer_expired;
pub(super) mod short_call;
pub(super) mod transfer_failed;

use super::status::evidence;
use super::{CallView, Finding, Rule};
use crate::dialog::Call;
use crate::sip::Method;
use crate::transaction::{Response, Tag, Transaction};
use std::time::Duration;

/// Whether a finding of this family tells of a refusal, so that `status` need not.
pub(super) fn tells(view: &CallView<'_>, request: &Transaction, response: &Response) -> bool {
    if matches!(response.code, 401 | 407) {
        return false;
    }
    if request.method == Method::Refer || invite_overlap_500::overlaps(view.call, request).is_some()
    {
        return true;
    }
    if !request.in_dialog() {
        return request.method == Method::Notify && response.code == 481;
    }
    match request.method {
        // The sender took it back: that is no refusal.
        Method::Invite => response.code != 487 || request.cancelled.is_none(),
        Method::Update => {
            matches!(response.code, 481 | 491)
                || session_refresh_failed::failed(view, request).is_some()
        }
        Method::Options => response.code == 481 && has_lost_call(view.call, request),
        // Tells of the PRACK and not of the dialog as well (RFC 3262 §3).
        Method::Prack | Method::Cancel => false,
        _ => response.code == 481,
    }
}

/// Whether it is an OPTIONS inside the dialog of a call, by which servers find out that the call is still there; one outside of
/// calls is a ping, which any answer suits.
pub(super) fn asks_after_call(call: &Call, request: &Transaction) -> bool {
    let is_of_call = |it: &Transaction| !matches!(it.method, Method::Options | Method::Register);
    request.method == Method::Options
        && request.in_dialog()
        && call.transactions.iter().any(is_of_call)
}

/// Whether who answered such an OPTIONS with 481 has lost the call: there are some that answer so although they know it, as other
/// requests show.
fn has_lost_call(call: &Call, request: &Transaction) -> bool {
    let is_known = |it: &Transaction| {
        it.id > request.id
            && it.in_dialog()
            && it.flow.dst.ip() == request.flow.dst.ip()
            && it
                .final_response()
                .is_some_and(|it| !matches!(it.code, 408 | 481))
    };
    asks_after_call(call, request) && !call.transactions.iter().any(is_known)
}

/// Whether a BYE can have come within that time of an ACK: most calls last longer, and need no closer look.
fn may_hang_up_within(call: &Call, limit: Duration) -> bool {
    let first = call.of(&Method::Bye).map(Transaction::start).min();
    let acks = call.of(&Method::Invite).flat_map(|invite| &invite.acks);
    let last = acks.filter_map(|ack| Some(ack.sends.first()?.time)).max();
    let talk = first.zip(last).map(|(bye, ack)| bye.checked_since(ack));
    talk.is_some_and(|talk| talk.is_none_or(|it| it < limit))
}

/// Whether the side whose UPDATE was refused changed the call by a re-INVITE then, as it may with one that knows no UPDATE or has
/// to ask its user first (RFC 3311 §5.1, §5.2).
pub(super) fn is_done_by_invite(call: &Call, request: &Transaction) -> bool {
    let next = call
        .transactions
        .iter()
        .filter(|it| {
            matches!(it.method, Method::Invite | Method::Update)
                && it.start() >= request.last
                && it.from.tag == request.from.tag
                && it.to.tag == request.to.tag
        })
        .min_by_key(|it| (it.start(), it.id));
    request.method == Method::Update
        && request.in_dialog()
        && next.is_some_and(|it| it.method == Method::Invite && it.succeeded())
}

/// The final response that refused a request inside a dialog, challenges apart.
fn refusal(request: &Transaction) -> Option<&Response> {
    request
        .final_response()
        .filter(|it| it.code >= 300 && !matches!(it.code, 401 | 407))
}

/// Whether the request was seen before, on the hop that is nearer to its sender.
fn is_echo(call: &Call, request: &Transaction) -> bool {
    call.hops(request).any(|hop| hop.id < request.id)
}

/// A finding about a request inside a dialog, on all hops that show it, with who answered it, or to whom it was sent.
fn finding_of(call: &Call, rule: &'static Rule, request: &Transaction) -> Finding {
    let mut finding = Finding::of(rule, request)
        .fact("method", method_name(request))
        .fact("src", request.flow.src.to_string())
        .fact("dst", call.answered_by(request).to_string());
    for hop in call.hops(request) {
        finding = finding.also(hop);
    }
    finding
}

/// The same about a refusal, with what the response says of it and who made it: the hop farthest from the sender.
fn finding_of_refusal(
    call: &Call,
    rule: &'static Rule,
    request: &Transaction,
    response: &Response,
) -> Finding {
    let deepest = call
        .behind(request, response)
        .map_or(response, |(_, made)| made);
    let mut finding = Finding::of(rule, request)
        .fact("method", method_name(request))
        .fact("src", request.flow.src.to_string())
        .fact("dst", deepest.flow.src.to_string())
        .fact("code", response.code)
        .fact("reason", &*response.reason);
    for hop in call.hops(request) {
        finding = finding.also(hop);
    }
    evidence::shown(finding, deepest)
}

/// The tag of a request that is not that of the dialog between its two hosts, and that nobody else of the call has.
struct StrangeTag<'a> {
    /// The field's name as the RFC has it.
    field: &'static str,
    seen: &'a [u8],
    expected: &'a [u8],
}

impl<'a> StrangeTag<'a> {
    /// That of a request; `None` where both fit, where both do not, and where the capture does not show how the dialog began.
    fn of(call: &'a Call, request: &'a Transaction) -> Option<Self> {
        let from = request.from.tag.as_deref()?;
        let to = request.to.tag.as_deref()?;
        let (src, dst) = (request.flow.src.ip(), request.flow.dst.ip());
        let strange = |field, seen: &'a [u8], expected: &'a [u8]| Self {
            field,
            seen,
            expected,
        };
        let found = call.dialogs().into_iter().find_map(|dialog| {
            let by_caller = dialog.invites.iter().find_map(|invite| {
                let ends = (invite.flow.src.ip(), invite.flow.dst.ip());
                let by_callee = (ends.1, ends.0) == (src, dst);
                (ends == (src, dst) || by_callee).then_some(!by_callee)
            })?;
            let (own, other) = if by_caller {
                (dialog.caller_tag, dialog.callee_tag)
            } else {
                (dialog.callee_tag, dialog.caller_tag)
            };
            match (from == own, to == other) {
                (true, false) => Some(strange("To tag", to, other)),
                (false, true) => Some(strange("From tag", from, own)),
                _ => None,
            }
        })?;
        // Another branch of a fork, or another dialog of the call, may have it.
        let has = |tag: &Option<Tag>| tag.as_deref() == Some(found.seen);
        let elsewhere = call.transactions.iter().any(|it| {
            it.id != request.id
                && (has(&it.from.tag)
                    || (it.responses.iter())
                        .any(|response| response.code != 481 && has(&response.to_tag)))
        });
        (!elsewhere).then_some(found)
    }

    /// Adds to a finding that its request has that tag.
    fn told(self, finding: Finding) -> Finding {
        let text = |tag| String::from_utf8_lossy(tag).into_owned();
        finding
            .variant(Some("differs"))
            .fact("field", self.field)
            .fact("seen", text(self.seen))
            .fact("expected", text(self.expected))
    }
}

/// As people say it.
fn method_name(request: &Transaction) -> &str {
    if request.method == Method::Invite && request.in_dialog() {
        "re-INVITE"
    } else {
        request.method.name()
    }
}

/// Whether two requests belong to one dialog, by whichever side.
fn is_same_dialog(one: &Transaction, other: &Transaction) -> bool {
    (one.from.tag == other.from.tag && one.to.tag == other.to.tag)
        || (one.from.tag == other.to.tag && one.to.tag == other.from.tag)
}

/// Whether the dialog was being ended by a BYE when this response came: then what it says is a normal race. With 481 and 487 a
/// side says so that has sent or got a BYE meanwhile (RFC 5407 §3.2.2; RFC 3261 §15.1.2); whatever else it says, where the other
/// side had hung up before the request came.
pub(super) fn crosses_bye(call: &Call, request: &Transaction, response: &Response) -> bool {
    call.of(&Method::Bye).any(|bye| {
        let own = bye.from.tag == request.from.tag;
        bye.id != request.id
            && is_same_dialog(bye, request)
            && (!own || bye.cseq != request.cseq)
            && if matches!(response.code, 481 | 487) {
                bye.start() <= response.time()
            } else {
                !own && bye.start() < request.start()
            }
    })
}
