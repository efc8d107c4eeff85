//! `capture-duplicates`: more than one percent of the SIP messages are copies of captured packets (guard G-DUP).

use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "capture-duplicates",
    code: "CAP007",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("duplicates.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    let (copies, all) = (view.counts.duplicates, view.counts.sip_messages);
    if copies * 100 > all {
        found.push(
            Finding::of_capture(&RULE, view.now)
                .fact("count", copies)
                .fact("percent", copies * 100 / all.max(1)),
        );
    }
}
