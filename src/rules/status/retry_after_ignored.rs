//! `retry-after-ignored`: new requests went to a server that had asked for silence (RFC 3261 §21.5.4).

use crate::limits::MAX_FRAMES_SHOWN;
use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "retry-after-ignored",
    code: "DLG046",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("retry_after_ignored.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    for (client, server, backoff) in view.backoffs.all() {
        let Some(first) = backoff.sent.first() else {
            continue;
        };
        let mut finding = Finding::of_capture(&RULE, backoff.asked.time)
            .fact("src", client.to_string())
            .fact("dst", server.to_string())
            .fact("retry_after", backoff.retry_after)
            .fact("requests", backoff.count)
            .fact("first_after", first.time.since(backoff.asked.time));
        finding.frames = std::iter::once(backoff.asked.frame)
            .chain(backoff.sent.iter().map(|seen| seen.frame))
            .take(MAX_FRAMES_SHOWN)
            .collect();
        found.push(finding);
    }
}
