//! `digest-leak`: a caller challenges the called side when it hangs up, to get a response that a password can be guessed
//! from (RFC 3261 §22.1; RFC 7616 §5.8).

use super::is_internal;
use crate::dialog::sources::Leak;
use crate::limits::MAX_FRAMES_SHOWN;
use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::Method;
use std::net::SocketAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "digest-leak",
    code: "SEC046",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("digest_leak.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    for leak in view.sources.leaks() {
        let (victim, caller) = (leak.flow.src.ip(), leak.flow.dst.ip());
        let victim_is = view.sources.get(victim);
        // Its own registrar or switch may challenge it at any time.
        let belongs_there = victim_is
            .is_some_and(|it| it.servers.contains(&caller) || it.answering.contains(&caller));
        let at_home_elsewhere = victim_is.is_some_and(|it| !it.servers.is_empty());
        // Where nothing tells whom the called side belongs to, its own switch may have called: few of them challenge a BYE.
        let suspect = leak.method == Method::Bye && !is_internal(caller);
        if belongs_there || !leak.direct || !(at_home_elsewhere || suspect) {
            continue;
        }
        let sure = at_home_elsewhere && leak.method == Method::Bye;
        found.push(told(
            leak,
            if sure {
                Confidence::Likely
            } else {
                Confidence::Possible
            },
        ));
    }
}

fn told(leak: &Leak, confidence: Confidence) -> Finding {
    let mut finding = Finding::of_capture(&RULE, leak.time)
        .variant(leak.answered.then_some("answered"))
        .confidence(confidence)
        .fact("src", leak.flow.dst.to_string())
        .fact("dst", leak.flow.src.to_string())
        .fact("method", leak.method.name())
        .fact("code", leak.code);
    finding.call_id = Some(leak.call_id.clone());
    finding.source = Some(SocketAddr::new(leak.flow.dst.ip(), leak.flow.dst.port()));
    finding.transactions.clone_from(&leak.transactions);
    finding.frames.clone_from(&leak.frames);
    finding.frames.sort_unstable();
    finding.frames.truncate(MAX_FRAMES_SHOWN);
    finding
}
