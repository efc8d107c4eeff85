//! `registration-lapsed`: what was granted ran out, and no refresh was accepted in time (RFC 3261 §10.2.4).

use super::{Told, of_binding, with_proofs};
use crate::dialog::{Entry, tolerance};
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule, watched_since};
use crate::severity::{Confidence, Severity};
use crate::time::Timestamp;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "registration-lapsed",
    code: "REG006",
    severity: Severity::Error,
    guards: &[Guard::End, Guard::Loss],
    judge: Judge::Capture(judge),
    words: include_str!("lapsed.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    let mut told = Told::default();
    for entry in view.registrations.bindings() {
        let lapse = lapsed(view, &entry).or_else(|| returned(view, &entry));
        let Some(mut finding) = lapse else { continue };
        let proof = entry.binding.accepted.as_ref();
        if proof.is_some_and(|it| !told.is_new(&entry, it)) {
            continue;
        }
        // A refresh on a way that was not captured cannot be told from none.
        finding.confidence = if view.lossy {
            Confidence::Possible
        } else {
            Confidence::Likely
        };
        found.push(finding);
    }
}

/// It ran out, and the client was not back by the end of the capture.
fn lapsed(view: &CaptureView<'_>, entry: &Entry<'_>) -> Option<Finding> {
    let binding = entry.binding;
    let accepted = binding.accepted.as_ref().filter(|_| !binding.removed)?;
    let (granted, from) = (binding.granted?, binding.expires_at?);
    let patience = tolerance(granted);
    let end = from + patience;
    // Guard G-END, and a try that may still be answered.
    let watched = view.now > end && watched(view, accepted.time, end);
    if !watched || binding.failures.open {
        return None;
    }
    let finding = with_proofs(of_binding(&RULE, entry, accepted), &binding.failures.proofs)
        .fact("granted", granted)
        .fact("expired", from.to_string());
    let mut finding = match view.registrations.successor(entry) {
        // The client goes on with another contact; the old one runs out as it should.
        Some(later) if later <= end => return None,
        Some(later) => finding
            .variant(Some("returned"))
            .severity(Severity::Warning)
            .fact("gap", later.since(from))
            .fact("lapses", 1_u64),
        None => {
            let variant = match (binding.failures.count, binding.failures.code) {
                (0, _) => None,
                (_, None) => Some("unanswered"),
                (_, Some(_)) => Some("refused"),
            };
            finding
                .variant(variant)
                .fact("unseen", view.now.since(accepted.time))
                .fact("overdue", view.now.since(from))
                .fact("tries", binding.failures.count)
                .fact_if("last_code", binding.failures.code)
        }
    };
    finding.time = from;
    Some(finding)
}

/// It ran out, and the client came back later.
fn returned(view: &CaptureView<'_>, entry: &Entry<'_>) -> Option<Finding> {
    let lapse = entry.binding.lapse.as_ref()?;
    if !watched(view, lapse.before.time, lapse.after.time) {
        return None;
    }
    // Once is a device that was off; again and again, one that does not keep to what it was granted.
    let severity = if entry.binding.lapses > 1 {
        Severity::Error
    } else {
        Severity::Warning
    };
    let mut finding = with_proofs(of_binding(&RULE, entry, &lapse.before), [&lapse.after])
        .variant(Some("returned"))
        .severity(severity)
        .fact("granted", lapse.granted)
        .fact("expired", lapse.from.to_string())
        .fact("gap", lapse.after.time.since(lapse.from))
        .fact("lapses", entry.binding.lapses);
    finding.time = lapse.from;
    Some(finding)
}

/// Whether the capture has no gap between two moments.
fn watched(view: &CaptureView<'_>, from: Timestamp, until: Timestamp) -> bool {
    watched_since(from, until, view.gaps) >= until.since(from)
}
