//! `spiral`: a request came through one host twice on its way (RFC 3261 §16.3 item 4: legal when it changed in between).

use super::passes::passes;
use super::routing_loop_483;
use crate::rules::{CallView, Finding, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "spiral",
    code: "DLG021",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::CallWith(Has::RELAY, judge),
    words: include_str!("spiral.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for passes in passes(view.call) {
        let circle = passes.circle();
        let [first, .., last] = circle.as_slice() else {
            continue;
        };
        let is_initial = first.method == Method::Invite && !first.in_dialog();
        // Unchanged it is a loop, which who notices it refuses with 482 or 483 (RFC 3261 §6).
        let changed = first.request_uri != last.request_uri;
        if !is_initial || !changed || routing_loop_483::circle(&passes, view.thresholds).is_some() {
            continue;
        }
        found.push(
            Finding::of(&RULE, first)
                .also(last)
                .fact("at", passes.at.to_string())
                .fact("passes", circle.len())
                .fact("first_uri", super::text(&first.request_uri))
                .fact("last_uri", super::text(&last.request_uri)),
        );
        return;
    }
}
