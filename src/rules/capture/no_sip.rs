//! `capture-no-sip`: nothing in the capture is SIP.

use crate::rules::transport::tcp_connect_failed;
use crate::rules::{CaptureView, Finding, Judge, Rule, tls};
use crate::severity::Severity;
use std::cmp::Reverse;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "capture-no-sip",
    code: "CAP001",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("no_sip.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    // Those say why.
    if view.counts.sip_messages > 0 || tls::says_why(view) || tcp_connect_failed::says_why(view) {
        return;
    }
    // What the filter of the command line refused may have been the SIP; it is still there to be read.
    let read: u64 = view.facts.inputs.iter().map(|input| input.packets).sum();
    let filter = view.facts.filter.as_ref();
    let refused = filter.filter(|_| read > view.counts.packets);
    let mut ports: Vec<_> = view.counts.ports.iter().collect();
    ports.sort_by_key(|&((transport, port), count)| (Reverse(*count), transport.name(), port));
    let ports: Vec<_> = ports
        .iter()
        .take(PORTS_SHOWN)
        .map(|((transport, port), count)| format!("{transport}/{port} {count}"))
        .collect();
    found.push(
        Finding::of_capture(&RULE, view.now)
            .variant(refused.map(|_| "filtered"))
            .fact("packets", view.counts.packets)
            .fact("ports", ports.join(", ")),
    );
}

/// Ports named: enough to see what was captured instead.
const PORTS_SHOWN: usize = 6;
