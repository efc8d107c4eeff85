//! `icmp-unreachable`: ICMP says that a SIP datagram could not be delivered (RFC 3261 §18.4).

use crate::frame::IcmpKind;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::transaction::{Transaction, timers};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "icmp-unreachable",
    code: "NET001",
    severity: Severity::Error,
    guards: &[Guard::Outcome],
    judge: Judge::CallWith(Has::ICMP, judge),
    words: include_str!("icmp_unreachable.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in &view.call.transactions {
        // Time exceeded speaks of loops, and of lost fragments (`udp-fragments-lost`), not of a target that cannot be reached.
        let notes = || {
            transaction.icmp.iter().filter(|note| {
                !matches!(
                    note.kind,
                    IcmpKind::TimeExceeded | IcmpKind::ReassemblyTimeExceeded
                )
            })
        };
        let Some(first) = notes().next() else {
            continue;
        };
        // A peer that closes its port after the call, or a path that asked for smaller packets and got them, broke nothing.
        let harmless = if first.of_ack {
            // Without its ACK the answered call ends after 64*T1 (RFC 3261 §13.3.1.4).
            false
        } else if first.of_response {
            // Who acknowledged it has it, and what was repeated came behind.
            transaction.succeeded() || !transaction.acks.is_empty()
        } else {
            transaction.final_response().is_some()
        };
        let severity = match () {
            () if harmless => Severity::Info,
            () if first.of_response => Severity::Warning,
            () => Severity::Error,
        };
        found.push(
            Finding::of(&RULE, transaction)
                .severity(severity)
                .confidence(if first.of_ack || !may_be_answered(view, transaction) {
                    Confidence::Certain
                } else {
                    Confidence::Likely
                })
                .fact("reporter", first.reporter.to_string())
                .fact("kind", first.kind.name())
                .fact("dst", first.target.to_string())
                .fact("count", notes().count())
                .fact("method", transaction.method.name())
                .note_if(view.came_right(transaction)),
        );
    }
}

/// Whether a request may be answered after all behind the end of the capture: few sends met an error, and the sender goes
/// on, as many do in spite of RFC 3261 §18.4.
fn may_be_answered(view: &CallView<'_>, transaction: &Transaction) -> bool {
    let Some(last) = transaction.requests.last() else {
        return false;
    };
    let (sends, errors) = (transaction.requests.count(), transaction.icmp.len());
    // The gap doubles, so that the next one is T1 longer than the ladder is; what is slow in between takes its time too.
    let next = transaction.requests.span() + view.thresholds.t1 * 2;
    transaction.final_response().is_none()
        && !transaction.flow.transport.is_reliable()
        && !timers::ladder_complete(transaction, view.thresholds)
        && (sends < timers::UNANSWERED_SENDS || errors < sends)
        && view.watched_since(last.time) < next
}
