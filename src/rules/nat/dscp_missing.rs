//! `dscp-missing`: SIP is marked for the network at one place and not at the next, or not where the speech of the same host
//! is (RFC 2474, RFC 4594 §4).

use super::SPELLED_OUT;
use crate::dialog::{Loss, Unmarked};
use crate::limits::MAX_FRAMES_SHOWN;
use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;
use std::net::IpAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "dscp-missing",
    code: "NET027",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("dscp_missing.toml"),
};

/// One finding for all pairs of hosts of which the same is seen: a proxy's phones are thousands.
fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    let losses = view.surroundings.markings().losses();
    for (what, variant) in [
        (Unmarked::PassedOn, None),
        (Unmarked::OnTheWay, Some("on-the-way")),
        (Unmarked::BesideRtp, Some("beside-rtp")),
    ] {
        let mut own: Vec<_> = losses.iter().filter(|it| it.0 == what).collect();
        own.sort_by_key(|(_, one, other, loss)| (loss.time, *one, *other));
        let Some((_, one, other, first)) = own.first() else {
            continue;
        };
        let examples = own.iter().take(SPELLED_OUT);
        let examples: Vec<_> = examples
            .map(|(_, one, other, loss)| spell(*one, *other, loss))
            .collect();
        let mut finding = Finding::of_capture(&RULE, first.time)
            .variant(variant)
            .fact("first", spell(*one, *other, first))
            .fact("pairs", own.len())
            .fact("examples", examples.join(", "))
            .fact("count", own.iter().map(|it| it.3.count).sum::<u64>());
        let frames = own.iter().flat_map(|it| &it.3.frames);
        finding.frames = frames.take(MAX_FRAMES_SHOWN).copied().collect();
        finding.frames.sort_unstable();
        finding.frames.dedup();
        found.push(finding);
    }
}

fn spell(one: IpAddr, other: IpAddr, loss: &Loss) -> String {
    let (before, after) = (name(loss.before), name(loss.after));
    format!("{one} → {other} ({before}, {after})")
}

/// What a DSCP is called (RFC 2474 §4.2.2, RFC 2597 §6, RFC 3246, RFC 5865).
fn name(dscp: u8) -> String {
    let (class, rest) = (dscp >> 3, dscp & 7);
    match (dscp, class, rest) {
        (46, ..) => "EF".to_owned(),
        (44, ..) => "VOICE-ADMIT".to_owned(),
        (_, 1.., 0) => format!("CS{class}"),
        (_, 1..=4, 2 | 4 | 6) => format!("AF{class}{}", rest / 2),
        _ => format!("DSCP {dscp}"),
    }
}
