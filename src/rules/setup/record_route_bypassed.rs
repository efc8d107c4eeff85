//! `record-route-bypassed`: a proxy asked to stay in the dialog, and requests go straight to the other side (RFC 3261
//! §16.6 step 4, §12.2.1.1).

use super::route::routed;
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "record-route-bypassed",
    code: "DLG026",
    severity: Severity::Warning,
    guards: &[Guard::Snap],
    judge: Judge::Call(judge),
    words: include_str!("record_route_bypassed.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let mut told: Vec<(Finding, Option<Box<[u8]>>)> = Vec::new();
    for (request, routes) in routed(view.call, view.thresholds.t1) {
        let Some(first) = routes
            .routes
            .first()
            .filter(|_| routes.is_bypassed(&request))
        else {
            continue;
        };
        let side = request.message.from_tag();
        if let Some((finding, _)) = told.iter_mut().find(|(_, tag)| *tag == side) {
            *finding = finding.clone().also(request.transaction);
            continue;
        }
        told.push((
            Finding::of(&RULE, request.transaction)
                .fact("method", request.method)
                .fact("src", request.flow.src.to_string())
                .fact("dst", request.flow.dst.to_string())
                .fact("proxy", first.name()),
            side,
        ));
    }
    found.extend(told.into_iter().map(|(finding, _)| finding));
}
