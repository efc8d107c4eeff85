//! `indialog-481`: a request inside a dialog finds no dialog (RFC 3261 §12.2.2): the peer has lost the call.

use super::{StrangeTag, crosses_bye, finding_of_refusal, has_lost_call, is_echo, refusal};
use crate::rules::{CallView, Finding, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::{HeaderName, Method};
use crate::transaction::Transaction;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "indialog-481",
    code: "DLG037",
    severity: Severity::Error,
    guards: &[],
    judge: Judge::CallWith(Has::REFUSAL, judge),
    words: include_str!("indialog_481.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for request in &view.call.transactions {
        // A notifier needs a subscription, which is a dialog, also where it sends without one (RFC 6665 §4.2.2).
        let of_interest = (request.in_dialog() || request.method == Method::Notify)
            && !matches!(
                request.method,
                Method::Bye | Method::Cancel | Method::Prack | Method::Ack
            )
            && (request.method != Method::Options || has_lost_call(view.call, request));
        let Some(response) = refusal(request).filter(|it| of_interest && it.code == 481) else {
            continue;
        };
        if is_echo(view.call, request) {
            continue;
        }
        let (severity, variant) = if crosses_bye(view.call, request, response) {
            (Severity::Info, Some("after-bye"))
        } else if matches!(request.method, Method::Notify | Method::Subscribe) {
            // RFC 6665 §4.1.3, §4.4.1: a subscription that is gone, which ends no call.
            let last = is_last_notify(request);
            let severity = if last {
                Severity::Info
            } else {
                Severity::Warning
            };
            (severity, Some("subscription"))
        } else {
            (Severity::Error, None)
        };
        let mut finding = finding_of_refusal(view.call, &RULE, request, response)
            .severity(severity)
            .variant(variant);
        if variant.is_none()
            && let Some(tag) = StrangeTag::of(view.call, request)
        {
            finding = tag.told(finding);
        }
        // What is sent again and again into a lost dialog is one finding.
        let method = finding.get("method").cloned();
        let known = found
            .iter_mut()
            .find(|other| other.severity == severity && other.get("method") == method.as_ref());
        match known {
            Some(other) => *other = other.clone().also(request),
            None => found.push(finding),
        }
    }
}

/// Whether the notifier ends the subscription with it anyway.
fn is_last_notify(request: &Transaction) -> bool {
    request
        .request()
        .and_then(|it| it.header(HeaderName::SubscriptionState))
        .is_some_and(|value| value.to_ascii_lowercase().starts_with(b"terminated"))
}
