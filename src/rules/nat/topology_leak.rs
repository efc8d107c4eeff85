//! `topology-leak`: a public element shows other networks addresses of its inside: in Via, Record-Route, Contact or Call-ID
//! (RFC 5853 §3.1).

use super::of_trait;
use crate::dialog::Trait;
use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "topology-leak",
    code: "SEC030",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("topology_leak.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    found.extend(of_trait(
        view,
        &RULE,
        Trait::Shows,
        |outside, inside, header| format!("{outside}: {header} {inside}"),
    ));
}
