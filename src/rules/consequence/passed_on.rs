//! One fault, one headline, where an SBC or a B2BUA sends a request on under another Call-ID and passes back what it got (guard
//! G-B2BUA).

use super::legs::{sets_up, tell_leg, user};
use super::table::REFUSED;
use crate::dialog::legs::Legs;
use crate::hash::HashMap;
use crate::rules::{Fact, Finding, FindingId};
use crate::severity::Severity;
use crate::time::Timestamp;
use std::cmp::Ordering;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// It passes on at once what it does not answer itself.
const WITHIN: Duration = Duration::from_secs(2);
/// Findings of one leg, and requests of one user within that time, that are looked at.
const LOOKED_AT: usize = 32;
/// Requests that are sent on outside of calls.
const OF_USERS: &[&str] = &["MESSAGE", "OPTIONS", "PUBLISH", "REGISTER", "SUBSCRIBE"];

/// A request that failed on one leg, and failed when it was sent on: on whichever side of a call, or for the same user outside of
/// one.
pub(super) fn link_passed_on(findings: &mut [Finding], legs: &Legs) {
    let mut of_leg: HashMap<Arc<[u8]>, Vec<Failed>> = HashMap::default();
    let mut of_user: HashMap<[String; 3], Vec<Failed>> = HashMap::default();
    for (at, finding) in findings.iter().enumerate() {
        let (Some(call_id), Some(failed)) = (&finding.call_id, Failed::of(at, finding)) else {
            continue;
        };
        if OF_USERS.contains(&&*failed.method) {
            let [from, to] = ["from", "to"].map(|name| match finding.get(name) {
                Some(Fact::Text(uri)) => user(uri).unwrap_or_else(|| uri.clone()),
                _ => String::new(),
            });
            let key = [failed.method.clone(), from, to];
            of_user.entry(key).or_default().push(failed.clone());
        }
        let own = of_leg.entry(Arc::clone(call_id)).or_default();
        if own.len() < LOOKED_AT {
            own.push(failed);
        }
    }
    let mut causes: Vec<Link> = Vec::new();
    for (call_id, own) in &of_leg {
        let before = legs.link_of(call_id).map(|link| &link.from);
        let beside: Vec<_> = before.into_iter().chain(legs.behind(call_id)).collect();
        for refused in own {
            let cause = beside.iter().find_map(|leg| {
                let cause = refused.passed_on(of_leg.get(*leg)?.iter())?;
                Some((refused.at, cause, Some(Arc::clone(leg))))
            });
            causes.extend(cause);
        }
    }
    for own in of_user.values_mut() {
        own.sort_by_key(|it| (it.time, it.id));
        for (at, refused) in own.iter().enumerate() {
            // What the host still waited for cannot have been passed back.
            let later = own.iter().skip(at + 1).take(LOOKED_AT);
            let cause = refused.passed_on(later.filter(|it| it.until <= refused.until));
            causes.extend(cause.map(|cause| (refused.at, cause, None)));
        }
    }
    for (at, cause, leg) in causes {
        if let Some(finding) = findings.get_mut(at)
            && finding.consequence_of.is_none()
        {
            finding.consequence_of = Some(cause);
            if let Some(leg) = leg {
                tell_leg(finding, &leg, legs);
            }
        }
    }
}

/// The place of a finding, its cause, and the Call-ID of the leg where that is, unless it is known by the user.
type Link = (usize, FindingId, Option<Arc<[u8]>>);

/// A request that failed, and who sent it.
#[derive(Clone)]
struct Failed {
    at: usize,
    id: FindingId,
    method: String,
    sender: IpAddr,
    /// `None` where nobody answered.
    refuser: Option<IpAddr>,
    time: Timestamp,
    until: Timestamp,
    code: Option<u64>,
    explained: bool,
}

impl Failed {
    fn of(at: usize, finding: &Finding) -> Option<Self> {
        let name = finding.rule.name;
        let of_register = matches!(name, "registration-rejected" | "register-no-response");
        let says_no = REFUSED.contains(&name)
            || matches!(
                name,
                "registration-rejected" | "auth-loop" | "auth-rejected-403"
            )
            || (finding.status.is_some() && !sets_up(finding));
        if finding.severity == Severity::Info || !(says_no || name.ends_with("-no-response")) {
            return None;
        }
        let method = match finding.get("method") {
            _ if of_register => "REGISTER".to_owned(),
            // A re-INVITE that nobody answers is told as an INVITE.
            Some(Fact::Text(method)) => method.trim_start_matches("re-").to_owned(),
            _ => return None,
        };
        let refuser: Option<SocketAddr> = match finding.get("dst") {
            Some(Fact::Text(dst)) if says_no => dst.parse().ok(),
            _ => None,
        };
        Some(Self {
            at,
            id: finding.id,
            method,
            sender: finding.source?.ip(),
            refuser: refuser.map(|it| it.ip()),
            time: finding.time,
            until: finding.until,
            code: match finding.get("code") {
                Some(Fact::Number(code)) => Some(*code),
                _ => None,
            },
            explained: finding.consequence_of.is_some(),
        })
    }

    /// Which of these is the same request, sent on by the host that refused this one.
    fn passed_on<'a>(&self, others: impl Iterator<Item = &'a Self>) -> Option<FindingId> {
        let sent_on = |other: &&Self| {
            self.refuser == Some(other.sender)
                && self.method == other.method
                && other.time >= self.time
                && other.time.since(self.time) <= WITHIN
        };
        // Of several targets the one whose refusal came back decided, else the last one.
        let rank = |it: &&Self| {
            let came_back = it.code.is_some() && it.code == self.code;
            (came_back, !it.explained, it.time)
        };
        let found = others.filter(sent_on);
        found.max_by_key(rank).map(|it| it.id)
    }
}

/// What a B2BUA passes on as it is, so that it is told of both legs: where it came from is the cause. An answer comes from where the
/// request went later.
const ECHOED: &[&str] = &[
    "answer-invalid",
    "early-media-missing-sdp",
    "glare-491",
    "hold-resume-failed",
    "no-ringback",
    "offer-answer-missing",
    "pdd-high",
    "reason-q850",
    "reason-sip",
    "ringing-never-ends",
    "session-timer-expired",
    "t38-reinvite-rejected",
    "transfer-failed",
];

/// A BYE comes from where it was sent first.
const ENDED: &[&str] = &["reason-q850", "reason-sip", "session-timer-expired"];

/// A finding's name, the cause that it gives, its time, how bad it is, and itself.
type Told = (&'static str, Option<Fact>, Timestamp, Severity, FindingId);

/// The same on two legs of one call.
pub(super) fn link_echoes(findings: &mut [Finding], legs: &Legs) {
    let mut told: HashMap<Arc<[u8]>, Vec<Told>> = HashMap::default();
    for finding in findings.iter() {
        if let Some(call_id) = &finding.call_id
            && ECHOED.contains(&finding.rule.name)
        {
            let own: &mut Vec<Told> = told.entry(Arc::clone(call_id)).or_default();
            if own.len() < LOOKED_AT {
                own.push((
                    finding.rule.name,
                    finding.get("cause").cloned(),
                    finding.time,
                    finding.severity,
                    finding.id,
                ));
            }
        }
    }
    for finding in findings {
        let Some(call_id) = finding.call_id.as_deref() else {
            continue;
        };
        if finding.consequence_of.is_some() || !ECHOED.contains(&finding.rule.name) {
            continue;
        }
        let before = legs.link_of(call_id).map(|link| (&link.from, false));
        let behind = legs.behind(call_id).iter().map(|leg| (leg, true));
        let source = before.into_iter().chain(behind).find_map(|(leg, behind)| {
            let (.., id) = told.get(leg)?.iter().find(|it| {
                let (name, cause, time, severity, _) = it;
                let ended = ENDED.contains(name)
                    && finding.get("place").is_none_or(|it| *it == "BYE".into());
                let is_source = match time.cmp(&finding.time) {
                    Ordering::Less => ended,
                    Ordering::Equal => behind,
                    Ordering::Greater => !ended,
                };
                *name == finding.rule.name
                    && cause.as_ref() == finding.get("cause")
                    && is_source
                    && *severity >= finding.severity
                    && time.distance(finding.time) <= WITHIN
            })?;
            Some((*id, Arc::clone(leg)))
        });
        if let Some((id, leg)) = source {
            finding.consequence_of = Some(id);
            tell_leg(finding, &leg, legs);
        }
    }
}
