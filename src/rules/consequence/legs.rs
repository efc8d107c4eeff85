//! One fault, one headline, across Call-IDs: what happened on a leg behind another one (guard G-B2BUA).

use crate::dialog::legs::Legs;
use crate::limits::MAX_TEXT;
use crate::rules::{Fact, Finding, FindingId};
use crate::severity::Severity;
use crate::time::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// Links across Call-IDs: where a leg behind failed, what the leg before it got is the consequence (guard G-B2BUA). The
/// finding says which leg that was and how it is known.
pub(in crate::rules) fn link_legs(findings: &mut [Finding], legs: &Legs) {
    // The finding that tells a leg's fate: the worst of its Call-ID that has no cause there.
    let mut fates: HashMap<Arc<[u8]>, Fate> = HashMap::new();
    for finding in findings.iter() {
        let Some(call_id) = finding.call_id.clone() else {
            continue;
        };
        if finding.consequence_of.is_some() || !tells_a_fate(finding) {
            continue;
        }
        let fate = Fate {
            id: finding.id,
            severity: finding.severity,
            time: finding.time,
            status: finding.status,
        };
        let entry = fates.entry(call_id).or_insert(fate);
        if fate.severity > entry.severity {
            *entry = fate;
        }
    }
    for finding in findings {
        let Some(call_id) = finding.call_id.as_deref() else {
            continue;
        };
        if finding.consequence_of.is_some() || !depends_on_others(finding) {
            continue;
        }
        let behind = legs.behind(call_id).iter().filter_map(|leg| {
            let fate = fates.get(leg)?;
            // A leg that the caller's giving up ended is itself the consequence.
            let own_fault = fate.status != Some(487) && fate.time >= finding.time;
            let as_bad = fate.severity >= finding.severity || fate.severity > Severity::Info;
            (own_fault && as_bad).then_some((fate, leg))
        });
        // Of several routes the last one decided.
        if let Some((fate, leg)) = behind.max_by_key(|(fate, _)| (fate.severity, fate.time)) {
            finding.consequence_of = Some(fate.id);
            let text = String::from_utf8_lossy(leg)
                .chars()
                .take(MAX_TEXT)
                .collect();
            finding.facts.push(("leg", Fact::Text(text)));
            if let Some(link) = legs.link_of(leg) {
                finding.facts.push(("linked_by", link.by.name().into()));
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Fate {
    id: FindingId,
    severity: Severity,
    time: Timestamp,
    status: Option<u64>,
}

/// Whether a finding says how a leg ended, and not only what was odd about it.
fn tells_a_fate(finding: &Finding) -> bool {
    !finding.came_right
        && (finding.severity > Severity::Info
            || finding.status.is_some()
            || finding.rule.name == "no-answer")
}

/// Whether a finding is about an element that waits for another one, or passes on what it got.
fn depends_on_others(finding: &Finding) -> bool {
    finding.status.is_some()
        || matches!(
            finding.rule.name,
            "invite-stuck-trying"
                | "codec-mismatch"
                | "srtp-profile-mismatch"
                | "stir-unsigned-428"
                | "media-family-mismatch"
                | "no-answer"
                | "cancel-no-response"
                | "failed-after-next-hop-timeout"
        )
}
