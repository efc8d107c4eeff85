//! One fault, one headline, across Call-IDs: what happened on a leg behind another one (guard G-B2BUA).

use crate::dialog::legs::Legs;
use crate::hash::HashMap;
use crate::limits::MAX_TEXT;
use crate::rules::{Fact, Finding, FindingId};
use crate::severity::Severity;
use crate::sip::value::{address_of_record, user_and_host};
use crate::time::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Links across Call-IDs: where a leg behind failed, what the leg before it got is the consequence (guard G-B2BUA). The
/// finding says which leg that was and how it is known.
pub(in crate::rules) fn link_legs(findings: &mut [Finding], legs: &Legs) {
    link_transfers(findings);
    link_controllers(findings);
    // The finding that tells a leg's fate: the worst of its Call-ID that has no cause there.
    let mut fates: HashMap<Arc<[u8]>, Fate> = HashMap::default();
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

/// The call that a REFER asked for has a Call-ID of its own: its refusal is what the transfer failed of (RFC 3515 §2.4).
fn link_transfers(findings: &mut [Finding]) {
    let text = |finding: &Finding, name| match finding.get(name) {
        Some(Fact::Text(text)) => Some(text.clone()),
        _ => None,
    };
    // Whom it was to be handed to, by whom it was to be called, and what it got. Of several the last one counts.
    let mut transfers: HashMap<(String, String, u64), (FindingId, Timestamp)> = HashMap::default();
    for finding in findings
        .iter()
        .filter(|it| it.rule.name == "transfer-failed")
    {
        if let (Some(target), Some(referred), Some(Fact::Number(code))) = (
            text(finding, "refer_to"),
            text(finding, "referred"),
            finding.get("result"),
        ) {
            let target = user(&target).unwrap_or(target);
            transfers.insert((target, referred, *code), (finding.id, finding.time));
        }
    }
    if transfers.is_empty() {
        return;
    }
    for finding in findings {
        let (Some(code), Some(source)) = (finding.status, finding.source) else {
            continue;
        };
        let targets = ["request_uri", "to"].map(|name| user(&text(finding, name)?));
        let transfer = targets.into_iter().flatten().find_map(|target| {
            let key = (target, source.ip().to_string(), code);
            let (id, asked) = transfers.get(&key)?;
            let waited = finding.time.since(*asked);
            (finding.time >= *asked && waited <= AFTER_REFER).then_some(*id)
        });
        if finding.consequence_of.is_none() {
            finding.consequence_of = transfer;
        }
    }
}

/// Who connects two parties calls the one without an offer and then the other one, and hangs up on the first as soon as the other
/// cannot be reached (RFC 3725 §6).
fn link_controllers(findings: &mut [Finding]) {
    let given_up = |it: &Finding| {
        it.rule.name == "bye-right-after-answer"
            && it.get("late_offer") == Some(&Fact::Number(1))
            && matches!(it.variant, None | Some("late-offer"))
            && it.consequence_of.is_none()
    };
    if !findings.iter().any(given_up) {
        return;
    }
    let aor = |finding: &Finding, name| match finding.get(name) {
        Some(Fact::Text(uri)) => Some(address_of_record(uri.as_bytes())),
        _ => None,
    };
    // It calls both by its own name, or each by the name of the other.
    let parties = |finding: &Finding| {
        let host = finding.source?.ip();
        Some((host, aor(finding, "from")?, aor(finding, "to")?))
    };
    let mut refused: HashMap<(IpAddr, String, Option<String>), Vec<Refusal>> = HashMap::default();
    let invite = Fact::from("INVITE");
    for finding in findings.iter() {
        if finding.status.is_some()
            && finding.get("method") == Some(&invite)
            && let Some((host, from, to)) = parties(finding)
        {
            let refusal = (
                finding.until,
                finding.id,
                finding.severity,
                finding.call_id.clone(),
            );
            let own = refused.entry((host, from.clone(), None)).or_default();
            own.push(refusal.clone());
            refused
                .entry((host, from, Some(to)))
                .or_default()
                .push(refusal);
        }
    }
    for refusals in refused.values_mut() {
        refusals.sort_by_key(|it| (it.0, it.1));
    }
    for finding in findings.iter_mut().filter(|it| given_up(it)) {
        let Some((host, from, to)) = parties(finding) else {
            continue;
        };
        let last = |key| {
            let refusals: &Vec<Refusal> = refused.get(&key)?;
            let before = refusals.get(..refusals.partition_point(|it| it.0 <= finding.time))?;
            before.last()
        };
        let cause = [(host, from.clone(), None), (host, to, Some(from))];
        let cause = cause
            .into_iter()
            .filter_map(last)
            .max_by_key(|it| (it.0, it.1));
        let cause = cause.filter(|(until, _, _, call_id)| {
            *call_id != finding.call_id && finding.time.since(*until) <= GIVES_UP
        });
        if let Some(&(_, id, severity, _)) = cause {
            finding.consequence_of = Some(id);
            // It is no worse than what it follows from.
            if finding.severity_was.is_none() {
                finding.severity = finding.severity.min(severity);
            }
        }
    }
}

/// When a call was refused, the finding that says so, and its Call-ID.
type Refusal = (Timestamp, FindingId, Severity, Option<Arc<[u8]>>);

/// How long after a refusal a program that calls two parties hangs up on the other one.
const GIVES_UP: Duration = Duration::from_secs(2);

/// Whom a URI names: who is referred may dial another domain for the same user.
fn user(uri: &str) -> Option<String> {
    let (user, _) = user_and_host(uri.as_bytes());
    (!user.is_empty()).then(|| String::from_utf8_lossy(user).into_owned())
}

/// How long after a REFER the call that it asks for may begin.
const AFTER_REFER: Duration = Duration::from_secs(32);

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
