//! `callid-reused`: two callers used the same Call-ID for different calls (RFC 3261 §8.1.1.4: it is unique over space and time).

use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::{Confidence, Severity};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "callid-reused",
    code: "DLG023",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("callid_reused.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    for reuse in view.surroundings.reused_call_ids() {
        let mut finding = Finding::of_capture(&RULE, reuse.again.time)
            .confidence(Confidence::Likely)
            .fact("call_id", super::text(&reuse.call_id))
            .fact("first", reuse.first_source.to_string())
            .fact("second", reuse.second_source.to_string())
            .fact("apart", reuse.again.time.since(reuse.first.time))
            .fact("count", reuse.count);
        finding.call_id = Some(reuse.call_id.clone());
        finding.frames = vec![reuse.first.frame, reuse.again.frame];
        found.push(finding);
    }
}
