//! What belongs together among the findings about answered calls.

use super::Tie;
use crate::capture::FrameNumber;
use crate::rules::{Finding, FindingId};
use crate::severity::Severity;
use std::collections::HashMap;

/// Refusals in calls that `status` leaves to these findings: what is wrong with a message explains them all the same.
pub(super) const REFUSED: &[&str] = &[
    "bye-481",
    "hold-resume-failed",
    "indialog-481",
    "invite-overlap-500",
    "reinvite-rejected",
    "session-refresh-failed",
    "transfer-failed",
];

/// Effects and the findings that explain them, the most exact first.
pub(super) const EXPLAINED: &[(&str, &[&str], Tie)] = &[
    ("noninvite-no-response", TIMER, Tie::Transaction),
    ("invite-no-response", TIMER, Tie::Transaction),
    ("invite-stuck-trying", TIMER, Tie::Transaction),
    (
        "bye-no-response",
        &["session-timer-expired"],
        Tie::Transaction,
    ),
    ("bye-481", &["session-timer-expired"], Tie::Transaction),
    ("bye-481", &["indialog-481"], Tie::Call),
    (
        "session-refresh-failed",
        &["session-timer-expired"],
        Tie::Transaction,
    ),
    (
        "indialog-481",
        &["session-refresh-failed"],
        Tie::Transaction,
    ),
    ("transfer-failed", &["indialog-481"], Tie::Transaction),
    (
        "bye-right-after-answer",
        &["answered-despite-cancel", "multiple-2xx"],
        Tie::Call,
    ),
];

/// A refresh without an answer is told with the timer.
const TIMER: &[&str] = &["session-timer-expired", "session-refresh-failed"];

/// Why single calls were dropped.
const DROPS: &[&str] = &[
    "ack-missing-2xx",
    "ack-not-effective",
    "session-timer-expired",
    "session-refresh-failed",
];

/// Calls that all end after the same time have the cause that one of them shows; it is told by the BYE.
pub(super) fn link_drops(of_capture: &mut [Finding], of_calls: &[Finding]) {
    let pattern = |it: &Finding| it.rule.name == "call-dropped-at-fixed-time";
    if !of_capture.iter().any(pattern) {
        return;
    }
    let causes: HashMap<FrameNumber, FindingId> = of_calls
        .iter()
        .filter(|it| DROPS.contains(&it.rule.name) && it.severity >= Severity::Warning)
        .flat_map(|it| it.frames.iter().map(|frame| (*frame, it.id)))
        .collect();
    for finding in of_capture.iter_mut().filter(|it| pattern(it)) {
        let cause = finding.frames.iter().find_map(|frame| causes.get(frame));
        finding.consequence_of = finding.consequence_of.or(cause.copied());
    }
}
