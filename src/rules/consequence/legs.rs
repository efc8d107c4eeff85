//! One fault, one headline, across Call-IDs: what happened on a leg behind another one (guard G-B2BUA).

use super::passed_on::{link_echoes, link_passed_on};
use crate::dialog::legs::Legs;
use crate::hash::{HashMap, HashSet};
use crate::limits::MAX_TEXT;
use crate::rules::{CaptureView, Fact, Finding, FindingId, Guard, Judge, watched_since};
use crate::severity::{Confidence, Severity};
use crate::sip::value::{address_of_record, user_and_host};
use crate::time::Timestamp;
use crate::transaction::timers;
use std::cmp::Reverse;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Takes back what failed on a leg where the call came right on another one, or was refused on another one in another way:
/// legs that are known to be one call are one attempt (guard G-OUTCOME). The finding says which leg that was and how it is
/// known. All legs must have been judged.
pub(in crate::rules) fn settle_legs(view: &CaptureView<'_>, of_calls: &mut [Finding]) {
    let legs = view.legs;
    let mut taken_back: HashSet<FindingId> = HashSet::default();
    for finding in of_calls.iter_mut() {
        let may_come_right = !matches!(finding.rule.judge, Judge::Capture(_))
            && finding.rule.guards.contains(&Guard::Outcome);
        let Some(call_id) = finding.call_id.clone().filter(|_| may_come_right) else {
            continue;
        };
        let instead = legs.answered_instead(&call_id, finding.time).or_else(|| {
            let code = finding.status.filter(|_| sets_up(finding))?;
            legs.refused_instead(&call_id, code)
        });
        if let Some(instead) = instead {
            // Wrong credentials stay wrong, as they do within a Call-ID.
            let insisted = matches!(finding.rule.name, "auth-loop" | "auth-stale-loop");
            let at_most = if insisted {
                Severity::Warning
            } else {
                taken_back.insert(finding.id);
                Severity::Info
            };
            finding.severity = finding.severity.min(at_most);
            finding.severity_was = None;
            finding.came_right = true;
            tell_leg(finding, instead, legs);
        } else if sets_up(finding)
            && legs.is_undecided_before(&call_id)
            && watched_since(finding.time, view.now, view.gaps)
                < view.thresholds.t1 * timers::TIMEOUT_FACTOR
        {
            // The element before it may still go on to another one: it waits that long for a route (RFC 3261 §17.1.1.2, guard G-END).
            finding.confidence = finding.confidence.min(Confidence::Likely);
        }
    }
    for finding in of_calls {
        // What else is wrong is not explained by what did no harm.
        if finding.severity > Severity::Info
            && finding
                .consequence_of
                .is_some_and(|id| taken_back.contains(&id))
        {
            finding.consequence_of = None;
        }
    }
}

/// Whether a finding is about a request that was to set up a call.
pub(super) fn sets_up(finding: &Finding) -> bool {
    finding.get("method") == Some(&Fact::Text("INVITE".to_owned()))
}

/// Says which other leg a finding is told with, and how that is known.
pub(super) fn tell_leg(finding: &mut Finding, leg: &[u8], legs: &Legs) {
    if finding.get("leg").is_some() {
        return;
    }
    let text = String::from_utf8_lossy(leg)
        .chars()
        .take(MAX_TEXT)
        .collect();
    finding.facts.push(("leg", Fact::Text(text)));
    let link = (legs.link_of(leg)).or_else(|| legs.link_of(finding.call_id.as_deref()?));
    if let Some(link) = link {
        finding.facts.push(("linked_by", link.by.name().into()));
    }
}

/// Links across Call-IDs: where a leg behind failed, what the leg before it got is the consequence (guard G-B2BUA). The
/// finding says which leg that was and how it is known.
pub(in crate::rules) fn link_legs(findings: &mut [Finding], legs: &Legs) {
    link_transfers(findings);
    link_controllers(findings);
    link_passed_on(findings, legs);
    link_echoes(findings, legs);
    let call_ids: HashMap<FindingId, Arc<[u8]>> = findings
        .iter()
        .filter_map(|it| Some((it.id, it.call_id.clone()?)))
        .collect();
    // The findings that tell a leg's fate: those of its Call-ID that have no cause there. What a ping tells of a peer explains
    // what became of the leg, and not what became of the one before.
    let mut fates: HashMap<Arc<[u8]>, Vec<Fate>> = HashMap::default();
    for finding in findings.iter() {
        let Some(call_id) = finding.call_id.clone() else {
            continue;
        };
        let cause = finding.consequence_of.and_then(|id| call_ids.get(&id));
        let is_explained = finding.consequence_of.is_some()
            && (cause == Some(&call_id) || !finding.rule.name.ends_with("-no-response"));
        if is_explained || !tells_a_fate(finding) {
            continue;
        }
        let fate = Fate {
            id: finding.id,
            severity: finding.severity,
            time: finding.time,
            status: finding.status,
            until: finding.until,
            silent: finding.rule.name == "invite-no-response",
            of_user: finding.rule.name == "no-answer"
                || matches!(finding.status, Some(486 | 600 | 603)),
        };
        fates.entry(call_id).or_default().push(fate);
    }
    let mut given_up: HashSet<FindingId> = HashSet::default();
    for finding in findings.iter_mut() {
        let Some(call_id) = finding.call_id.as_deref() else {
            continue;
        };
        if finding.consequence_of.is_some() || !depends_on_others(finding) {
            continue;
        }
        let behind = legs.behind(call_id).iter().filter_map(|leg| {
            // What the leg got is the same, or else what was worst there.
            let same = |fate: &Fate| fate.status.is_some() && fate.status == finding.status;
            let fate = fates.get(leg)?.iter().min_by_key(|it| {
                let is_note = it.severity == Severity::Info && finding.severity > Severity::Info;
                (is_note, !same(it), Reverse(it.severity))
            })?;
            // A leg that the caller's giving up ended is itself the consequence, and what began later led to nothing.
            let in_time = (finding.time..=finding.until).contains(&fate.time);
            let own_fault = fate.status != Some(487) && in_time;
            // It took long because nobody answered there.
            let delays = fate.silent || finding.rule.name != "pdd-high";
            let as_bad = fate.severity >= finding.severity
                || fate.severity > Severity::Info
                || is_other_word(fate, finding);
            (own_fault && as_bad && delays).then_some((
                (same(fate), fate.severity, fate.time),
                fate.id,
                leg,
            ))
        });
        // Of several routes the one whose refusal was passed on decided, else the last one.
        if let Some(((_, severity, _), cause, leg)) = behind.max_by_key(|(rank, ..)| *rank) {
            finding.consequence_of = Some(cause);
            if severity == Severity::Info && finding.severity_was.is_none() {
                // It is no worse than what it follows from.
                finding.severity = severity;
            }
            if finding.status.is_some() && sets_up(finding) && finding.severity > Severity::Info {
                given_up.insert(cause);
            }
            tell_leg(finding, leg, legs);
        }
    }
    // Who refused the call waits for no answer any more.
    let waits = |it: &Finding| {
        it.so_far && matches!(it.rule.name, "invite-no-response" | "invite-stuck-trying")
    };
    for finding in findings.iter_mut().filter(|it| waits(it)) {
        if finding.severity_was.is_none() && given_up.contains(&finding.id) {
            finding.so_far = false;
            finding.severity = finding.rule.severity;
            finding.confidence = Confidence::Likely;
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
pub(super) fn user(uri: &str) -> Option<String> {
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
    until: Timestamp,
    /// Whether nobody answered.
    silent: bool,
    /// Whether somebody was busy, declined or did not pick up.
    of_user: bool,
}

/// Whether a B2BUA said at once with another code that the called party is busy, declines or does not answer.
fn is_other_word(fate: &Fate, finding: &Finding) -> bool {
    let may_stand_for_it = matches!(
        finding.status,
        Some(404 | 408 | 480 | 486 | 503 | 600 | 603)
    );
    let at_once = fate.until.distance(finding.until) <= GIVES_UP;
    fate.of_user && may_stand_for_it && sets_up(finding) && at_once
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
                | "auth-rejected-403"
                | "codec-mismatch"
                | "srtp-profile-mismatch"
                | "stir-unsigned-428"
                | "media-family-mismatch"
                | "no-answer"
                | "cancel-no-response"
                | "failed-after-next-hop-timeout"
                | "pdd-high"
        )
}
