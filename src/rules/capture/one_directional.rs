//! `capture-one-directional`: answers existed that the capture does not have (guard G-1WAY), or requests did; told once a pair of
//! hosts.

use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "capture-one-directional",
    code: "CAP008",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("one_directional.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    for (src, dst, request) in view.surroundings.one_directional() {
        let mut finding = Finding::of_capture(&RULE, request.time)
            .fact("src", src.to_string())
            .fact("dst", dst.to_string());
        finding.frames = vec![request.frame];
        found.push(finding);
    }
    for (src, dst, unseen) in view.surroundings.responses_only() {
        let mut finding = Finding::of_capture(&RULE, unseen.first.time)
            .variant(Some("responses-only"))
            .fact("src", src.to_string())
            .fact("dst", dst.to_string())
            .fact("count", unseen.count);
        finding.frames = vec![unseen.first.frame];
        found.push(finding);
    }
}
