//! `record-route-bypassed`: a proxy asked to stay in the dialog, and requests go straight to the other side (RFC 3261
//! §16.6 step 4, §12.2.1.1).

use super::deepest_first;
use super::route::{lacks_route, nearest_proxy, routed};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::HeaderName;
use crate::transaction::Response;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "record-route-bypassed",
    code: "DLG026",
    severity: Severity::Warning,
    guards: &[Guard::Snap],
    judge: Judge::CallWith(Has::RECORD_ROUTE, judge),
    words: include_str!("record_route_bypassed.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let mut told: Vec<(Finding, Option<&[u8]>)> = Vec::new();
    let requests = if lacks_route(view.call) {
        routed(view.call, view.thresholds.t1)
    } else {
        Vec::new()
    };
    for (request, routes) in requests {
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
    // Who leaves it out may do without the proxies in its own requests as well.
    match not_copied(view) {
        Some(cause) if told.is_empty() || cause.severity > Severity::Info => found.push(cause),
        _ => found.extend(told.into_iter().map(|(finding, _)| finding)),
    }
}

/// The 2xx comes without the Record-Route that its INVITE had (RFC 3261 §12.1.1), so that the caller cannot know of the
/// proxies.
fn not_copied(view: &CallView<'_>) -> Option<Finding> {
    let mut told: Option<(Finding, &Response)> = None;
    for invite in deepest_first(view.call)
        .into_iter()
        .filter(|it| !it.in_dialog())
    {
        for response in invite.responses.iter().filter(|it| it.is_success()) {
            if let Some((finding, first)) = &mut told {
                if first.to_tag == response.to_tag {
                    *finding = finding.clone().also(invite);
                }
                continue;
            }
            let Some((asked, answer)) = invite.request().zip(response.message()) else {
                continue;
            };
            let is_left_out =
                !answer.has(HeaderName::RecordRoute) && !asked.is_cut() && !answer.is_cut();
            let Some(proxy) = is_left_out.then(|| nearest_proxy(asked)).flatten() else {
                continue;
            };
            // An ACK that went to the proxy all the same went astray for another reason.
            let past = invite
                .acks
                .iter()
                .all(|ack| ack.flow.dst.ip() != invite.flow.src.ip());
            let is_lost = past && response.sends.repeats() >= INSISTED;
            let finding = Finding::of(&RULE, invite)
                .variant(Some("not-copied"))
                .severity(if is_lost {
                    Severity::Warning
                } else {
                    Severity::Info
                })
                .fact("code", response.code)
                .fact("src", response.flow.src.to_string())
                .fact("proxy", proxy);
            told = Some((finding, response));
        }
    }
    told.map(|(finding, _)| finding)
}

/// Repeats of a 2xx that nobody acknowledges: one may cross with the ACK.
const INSISTED: usize = 2;
