//! `invite-overlap-500`: a client did not wait for the end of its own INVITE, or its requests came out of order (RFC 3261
//! §14.2, §12.2.2).

use super::{finding_of_refusal, is_echo, refusal};
use crate::dialog::Call;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;
use crate::transaction::{Response, Transaction};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "invite-overlap-500",
    code: "DLG035",
    severity: Severity::Warning,
    guards: &[Guard::Outcome],
    judge: Judge::CallWith(Has::REFUSAL, judge),
    words: include_str!("invite_overlap_500.toml"),
};

/// What the server objects to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Overlap<'a> {
    /// An INVITE that had no final response yet.
    Pending(&'a Transaction),
    /// A request of that side with a higher CSeq number.
    Behind(&'a Transaction),
}

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for request in &view.call.transactions {
        let Some(response) = refusal(request) else {
            continue;
        };
        if is_echo(view.call, request) {
            continue;
        }
        let Some(overlap) = overlaps(view.call, request) else {
            continue;
        };
        let (other, variant) = match overlap {
            Overlap::Pending(other) => (other, None),
            Overlap::Behind(other) => (other, Some("out-of-order")),
        };
        found.push(
            finding_of_refusal(view.call, &RULE, request, response)
                .also(other)
                .fact("cseq", request.cseq)
                .fact("other_cseq", other.cseq)
                .variant(variant)
                .note_if(view.came_right(request)),
        );
    }
}

/// The request that stands against this one, when a 500 says so.
pub(super) fn overlaps<'a>(call: &'a Call, request: &'a Transaction) -> Option<Overlap<'a>> {
    let response = refusal(request).filter(|it| it.code == 500)?;
    // The same side, on the same hop, in the same dialog.
    let before = || {
        call.transactions.iter().filter(|other| {
            other.id != request.id
                && other.start() < request.start()
                && other.from.tag == request.from.tag
                && (other.to.tag == request.to.tag || !other.in_dialog())
                && other.flow.src.ip() == request.flow.src.ip()
                && other.flow.dst.ip() == request.flow.dst.ip()
                && other.via_count == request.via_count
        })
    };
    let pending = before().find(|other| {
        request.method == Method::Invite
            && other.method == Method::Invite
            && other.cseq < request.cseq
            // Its answer came, but was not captured (guard G-1WAY).
            && !call.response_is_implied(other)
            && other
                .final_response()
                .map(Response::time)
                .is_none_or(|end| end > response.time())
    });
    let behind = || {
        before().find(|other| {
            request.in_dialog()
                && other.cseq > request.cseq
                && !matches!(request.method, Method::Ack | Method::Cancel)
        })
    };
    pending
        .map(Overlap::Pending)
        .or_else(|| behind().map(Overlap::Behind))
}
