//! `tcp-reset-with-open-transactions`: a connection ended while a request on it had no final response (RFC 3261 §18.4; RFC
//! 5626), told once a server and way to end.

use super::plain_sip_on_tls_port;
use crate::dialog::streams::Break;
use crate::rules::finding::StreamFault;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::Method;
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "tcp-reset-with-open-transactions",
    code: "NET006",
    severity: Severity::Warning,
    guards: &[Guard::OneWay, Guard::Loss],
    judge: Judge::Capture(judge),
    words: include_str!("tcp_reset.toml"),
};

/// A program that ends sends its last REGISTER or BYE and does not wait for what comes back.
const DOES_NOT_WAIT: Duration = Duration::from_secs(2);

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    for broken in view.streams.broken.all() {
        // That is why.
        if !plain_sip_on_tls_port::tells(view, broken.first.flow.dst) {
            found.push(finding(view, broken));
        }
    }
}

fn finding(view: &CaptureView<'_>, broken: &Break) -> Finding {
    let ending = &broken.first;
    let waited = ending.at.time.since(broken.request.time);
    let client = ending.flow.src.ip();
    let idle = ending
        .pause
        .filter(|it| broken.after_pause && it.len >= view.thresholds.idle_connection);
    let goodbye = broken.own && broken.method != Method::Invite && waited <= DOES_NOT_WAIT;
    let other = if ending.closer() == ending.flow.src {
        ending.flow.dst
    } else {
        ending.flow.src
    };
    let variant = if broken.own {
        Some("by-sender")
    } else {
        idle.map(|_| "idle")
    };
    let mut finding = Finding::of_capture(&RULE, ending.at.time)
        .variant(variant)
        .severity_at_most(if goodbye {
            Severity::Info
        } else {
            Severity::Warning
        })
        .confidence(if broken.lossy || view.lossy {
            Confidence::Possible
        } else {
            Confidence::Certain
        })
        .fact("src", client.to_string())
        .fact("dst", ending.flow.dst.to_string())
        .fact("closer", ending.closer().to_string())
        .fact("other", other.to_string())
        .fact("ended_with", if ending.reset { "RST" } else { "FIN" })
        .fact("transport", ending.flow.transport.name().to_uppercase())
        .fact("requests", broken.requests)
        .fact("recovered", broken.recovered)
        .fact("connections", broken.connections)
        .fact("clients", broken.clients.len())
        .fact("method", broken.method.name())
        .fact("waited", waited)
        .fact("age", ending.at.time.since(ending.first.time))
        .fact_if("idle", idle.map(|it| it.len))
        .note_if(broken.recovered == broken.requests);
    finding.call_id.clone_from(&broken.call_id);
    finding.frames.clone_from(&broken.frames);
    finding.frames.sort_unstable();
    finding.frames.dedup();
    finding.stream = Some(StreamFault::Broken(ending.flow.dst));
    finding
}
