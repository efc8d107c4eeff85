//! `ack-misrouted`: an ACK to a 2xx, a BYE or another request of a dialog that is not built from its remote target and its
//! route set (RFC 3261 §12.2.1.1).

use super::route::{Outcome, is_by_the_book, routed};
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "ack-misrouted",
    code: "DLG005",
    severity: Severity::Warning,
    guards: &[Guard::Snap, Guard::Outcome],
    judge: Judge::Call(judge),
    words: include_str!("ack_misrouted.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    if is_by_the_book(view.call) {
        return;
    }
    // Each side of a dialog is told once, of its first request; the others show what it led to.
    let mut told: Vec<(Finding, Option<&[u8]>)> = Vec::new();
    for (request, routes) in routed(view.call, view.thresholds.t1) {
        let Some(wrong) = routes.deviation(&request) else {
            continue;
        };
        let severity = match request.outcome {
            Outcome::Worked => Severity::Info,
            Outcome::Failed | Outcome::Unknown => Severity::Warning,
        };
        let confidence = match request.outcome {
            Outcome::Failed | Outcome::Worked => Confidence::Certain,
            Outcome::Unknown => Confidence::Likely,
        };
        let side = request.message.from_tag();
        if let Some((finding, _)) = told.iter_mut().find(|(_, tag)| *tag == side) {
            if severity > finding.severity {
                finding.severity = severity;
                finding.confidence = confidence;
                finding.came_right = false;
            }
            *finding = finding.clone().also(request.transaction);
            continue;
        }
        told.push((
            Finding::of(&RULE, request.transaction)
                .fact("method", request.method)
                .fact("src", request.flow.src.to_string())
                .fact("dst", request.flow.dst.to_string())
                .fact("field", wrong.field)
                .fact("seen", wrong.seen)
                .fact("expected", wrong.expected)
                .note_if(severity == Severity::Info)
                .confidence(confidence),
            side,
        ));
    }
    found.extend(told.into_iter().map(|(finding, _)| finding));
}
