//! `icmp-unreachable`: ICMP says that a SIP datagram could not be delivered (RFC 3261 §18.4).

use crate::frame::IcmpKind;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;

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
            transaction.succeeded()
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
                .fact("reporter", first.reporter.to_string())
                .fact("kind", first.kind.name())
                .fact("dst", first.target.to_string())
                .fact("count", notes().count())
                .fact("method", transaction.method.name())
                .note_if(view.came_right(transaction)),
        );
    }
}
