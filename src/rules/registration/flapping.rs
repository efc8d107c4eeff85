//! `registration-flapping`: an address-of-record that registers and vanishes again and again, or whose Contact changes
//! each time (RFC 3261 §10.2.4).

use crate::dialog::Turns;
use crate::hash::HashSet;
use crate::limits::MAX_FRAMES_SHOWN;
use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::{Confidence, Severity};
use std::net::SocketAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "registration-flapping",
    code: "REG004",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("flapping.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    let cycles = view.registrations.cycles().map(|it| (it, None));
    let moves = view
        .registrations
        .moves()
        .map(|it| (it, Some("contact-changes")));
    let evictions = view
        .registrations
        .evictions()
        .map(|it| (it, Some("evicted")));
    // On every hop and at every registrar it is the same story.
    let mut told = HashSet::default();
    for ((aor, registrar, turns), variant) in cycles.chain(moves).chain(evictions) {
        if told.insert((aor, variant)) {
            found.extend(flapping(aor, registrar, turns, variant));
        }
    }
}

fn flapping(
    aor: &str,
    registrar: SocketAddr,
    turns: &Turns,
    variant: Option<&'static str>,
) -> Option<Finding> {
    let (since, last) = turns.since.zip(turns.last)?;
    let mut finding = Finding::of_capture(&RULE, since)
        .variant(variant)
        .fact("aor", aor)
        .fact("dst", registrar.to_string())
        .fact("cycles", turns.count)
        .fact("span", last.since(since));
    if variant == Some("evicted") {
        // Some registrars list the contact that asks and no other.
        finding = finding.confidence(Confidence::Likely);
    }
    finding.transactions.clone_from(&turns.transactions);
    finding.frames.clone_from(&turns.frames);
    finding.frames.sort_unstable();
    finding.frames.dedup();
    finding.frames.truncate(MAX_FRAMES_SHOWN);
    Some(finding)
}
