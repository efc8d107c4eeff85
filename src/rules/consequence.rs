//! One fault, one headline: which finding of a call is the cause of which other (FINDINGS section 11).

mod session;

use super::{CaptureView, Fact, Finding, FindingId, format};
use crate::capture::FrameNumber;
use crate::dialog::Call;
use crate::dialog::legs::Legs;
use crate::limits::MAX_TEXT;
use crate::severity::{Confidence, Severity};
use crate::sip::Method;
use crate::sip::value::address_of_record;
use crate::time::Timestamp;
use crate::transaction::{Transaction, TransactionId};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Links the findings of one call. They have their ids already.
pub(super) fn link(call: &Call, findings: &mut [Finding]) {
    // A flood under one Call-ID has no story to tell, and each pair would be compared.
    if findings.len() > MAX_LINKED {
        return;
    }
    for index in 0..findings.len() {
        let cause = findings
            .get(index)
            .and_then(|finding| cause(call, findings, finding))
            .map(|cause| cause.id);
        if let Some(finding) = findings.get_mut(index) {
            finding.consequence_of = cause;
        }
    }
}

/// Links findings of calls to what is found of the capture as a whole: a request whose fragments were lost has no answer
/// for that reason, and on a lossy path one is repeated after its answer. It is told by the packets, which are in both.
pub(super) fn link_to_capture(
    view: &CaptureView<'_>,
    of_capture: &[Finding],
    of_calls: &mut [Finding],
) {
    let attacks = by_host(of_capture);
    let frames_of = |name: &str| -> HashMap<FrameNumber, FindingId> {
        of_capture
            .iter()
            .filter(|cause| cause.rule.name == name && cause.severity > Severity::Info)
            .flat_map(|cause| cause.frames.iter().map(|frame| (*frame, cause.id)))
            .collect()
    };
    let fragments_lost = frames_of("udp-fragments-lost");
    let lossy = frames_of("retransmission-ratio-high");
    let malformed = frames_of("malformed-message");
    for finding in of_calls.iter_mut() {
        if finding.consequence_of.is_some() {
            continue;
        }
        let causes = match finding.rule.name {
            name if name.ends_with("-no-response") || name == "ack-not-effective" => {
                [Some(&fragments_lost), None]
            }
            "request-retransmitted-after-response" => [Some(&malformed), Some(&lossy)],
            _ => [None, None],
        };
        let by_packet = causes.into_iter().flatten().find_map(|causes| {
            let mut frames = finding.frames.iter();
            frames.find_map(|frame| causes.get(frame)).copied()
        });
        finding.consequence_of = by_packet.or_else(|| attack_behind(finding, &attacks));
    }
    link_to_defects(view, of_capture, of_calls);
}

/// Links what is followed over many Call-IDs, registrations and pings, to what is found of single calls, both ways.
pub(super) fn link_over_time(of_capture: &mut [Finding], of_calls: &mut [Finding]) {
    link_to_lapsed(of_capture, of_calls);
    session::link_drops(of_capture, of_calls);
    let watched = |finding: &Finding| {
        matches!(
            finding.rule.name,
            "registration-lapsed" | "options-no-response"
        )
    };
    if !of_capture.iter().any(watched) {
        return;
    }
    // Why a refresh failed is why the registration ran out; why a ping failed, why the peer counts as down.
    let causes = of_calls.iter().filter(|cause| {
        cause.severity >= Severity::Warning
            && (cause.rule.name == "icmp-unreachable"
                || cause.rule.name.starts_with("regist")
                || cause.rule.name.starts_with("auth-"))
    });
    let by_transaction: HashMap<TransactionId, FindingId> = causes
        .flat_map(|cause| cause.transactions.iter().map(|id| (*id, cause.id)))
        .collect();
    let flapping: HashMap<(String, String), FindingId> = of_capture
        .iter()
        .filter(|finding| finding.rule.name == "options-flapping")
        .filter_map(|finding| Some((route(finding)?, finding.id)))
        .collect();
    for finding in of_capture.iter_mut().filter(|it| watched(it)) {
        let pings = finding.rule.name == "options-no-response";
        // The first transaction of a registration is the one that was accepted.
        let mut failed = finding.transactions.iter().skip(usize::from(!pings));
        let mut cause = failed.find_map(|id| by_transaction.get(id)).copied();
        if cause.is_none() && pings && finding.severity < Severity::Error {
            cause = route(finding).and_then(|it| flapping.get(&it)).copied();
        }
        finding.consequence_of = finding.consequence_of.or(cause);
    }
}

/// Who asks whom.
fn route(finding: &Finding) -> Option<(String, String)> {
    match (finding.get("src"), finding.get("dst")) {
        (Some(Fact::Text(src)), Some(Fact::Text(dst))) => Some((src.clone(), dst.clone())),
        _ => None,
    }
}

/// Nobody is found at an address-of-record whose registration ran out before; and that nobody is found proves that it did.
fn link_to_lapsed(of_capture: &mut [Finding], of_calls: &mut [Finding]) {
    let lapsed: HashMap<String, usize> = of_capture
        .iter()
        .enumerate()
        .filter(|(_, finding)| finding.rule.name == "registration-lapsed")
        .filter_map(|(at, finding)| match finding.get("aor") {
            Some(Fact::Text(aor)) => Some((aor.clone(), at)),
            _ => None,
        })
        .collect();
    if lapsed.is_empty() {
        return;
    }
    for finding in of_calls {
        if !matches!(finding.status, Some(404 | 408 | 410 | 480))
            || finding.consequence_of.is_some()
        {
            continue;
        }
        let wanted = ["request_uri", "to"].into_iter().find_map(|name| {
            let Some(Fact::Text(uri)) = finding.get(name) else {
                return None;
            };
            lapsed.get(&address_of_record(uri.as_bytes())).copied()
        });
        let Some(cause) = wanted.and_then(|at| of_capture.get_mut(at)) else {
            continue;
        };
        let back = match cause.get("gap") {
            Some(Fact::Time(gap)) => Some(cause.time + *gap),
            _ => None,
        };
        if finding.time > cause.time && back.is_none_or(|back| finding.time < back) {
            finding.consequence_of = Some(cause.id);
            if cause.confidence == Confidence::Likely {
                cause.confidence = Confidence::Certain;
            }
        }
    }
}

/// A message that departs from the format is refused or ignored for that reason.
fn link_to_defects(view: &CaptureView<'_>, of_capture: &[Finding], of_calls: &mut [Finding]) {
    let cause = format::causes(view, of_capture);
    for finding in of_calls {
        let name = finding.rule.name;
        let follows = matches!(
            name,
            "status" | "ack-missing-2xx" | "registration-rejected" | "routing-loop-483"
        ) || session::REFUSED.contains(&name)
            || name.ends_with("-no-response");
        if follows && finding.consequence_of.is_none() {
            finding.consequence_of = finding.transactions.iter().find_map(|id| cause(*id));
        }
    }
}
/// How authentication ended, and what of its details explains it, the surest first.
const OF_AUTHENTICATION: &[(&str, &[&str])] = &[
    (
        "auth-loop",
        &[
            "auth-wrong-password-proven",
            "auth-wrong-realm",
            "auth-stale-loop",
            "auth-algorithm-mismatch",
            "auth-nonce-reuse",
        ],
    ),
    (
        "auth-rejected-403",
        &["auth-wrong-password-proven", "auth-wrong-realm"],
    ),
    (
        "auth-no-credentials",
        &[
            "auth-malformed-challenge",
            "auth-wrong-realm",
            "auth-algorithm-mismatch",
        ],
    ),
    ("auth-nonce-reuse", &["auth-stale-loop"]),
];

/// The findings about attacks, what explains most first: of one host the later ones are consequences of the first.
const ATTACKS: [&str; 6] = [
    "account-compromised",
    "register-bruteforce",
    "toll-fraud",
    "extension-enumeration",
    "flood",
    "scanner",
];

/// Before and after an attack was seen at work, its tool does other things.
const AROUND: Duration = Duration::from_mins(1);

fn attack_rank(finding: &Finding) -> Option<usize> {
    ATTACKS.iter().position(|name| *name == finding.rule.name)
}

/// Links what one host does: how fast it does it, and with which tool, is no second attack; nor are its silent targets.
pub(super) fn link_attacks(found: &mut [Finding]) {
    let mut first: HashMap<IpAddr, (usize, FindingId)> = HashMap::new();
    for finding in found.iter() {
        if let (Some(rank), Some(source)) = (attack_rank(finding), finding.source) {
            let known = first.entry(source.ip()).or_insert((rank, finding.id));
            *known = (rank, finding.id).min(*known);
        }
    }
    for finding in found {
        let host = match finding.get("src") {
            _ if finding.source.is_some() => finding.source.map(|it| it.ip()),
            Some(Fact::Text(host))
                if matches!(
                    finding.rule.name,
                    "options-no-response" | "call-dropped-at-fixed-time"
                ) =>
            {
                host.parse().ok()
            }
            _ => None,
        };
        let cause = host.and_then(|host| first.get(&host));
        let follows = matches!(
            finding.rule.name,
            "flood" | "scanner" | "options-no-response" | "call-dropped-at-fixed-time"
        );
        if let Some((_, cause)) = cause.filter(|(_, id)| follows && *id != finding.id) {
            finding.consequence_of = Some(*cause);
        }
    }
}

/// The attacks of each host, what explains most first.
fn by_host(of_capture: &[Finding]) -> HashMap<IpAddr, Vec<(usize, &Finding)>> {
    let mut hosts: HashMap<IpAddr, Vec<(usize, &Finding)>> = HashMap::new();
    for finding in of_capture {
        if let (Some(rank), Some(source)) = (attack_rank(finding), finding.source)
            && finding.severity > Severity::Info
        {
            hosts.entry(source.ip()).or_default().push((rank, finding));
        }
    }
    for attacks in hosts.values_mut() {
        attacks.sort_by_key(|(rank, attack)| (*rank, attack.id));
    }
    hosts
}

/// The attack that a finding of a call belongs to: by the same host and port at that time. Of toll fraud only the calls
/// themselves: they may come from a switch with many honest users.
fn attack_behind(
    finding: &Finding,
    attacks: &HashMap<IpAddr, Vec<(usize, &Finding)>>,
) -> Option<FindingId> {
    let source = finding.source?;
    let of_media = ["RTP", "SDP"]
        .iter()
        .any(|it| finding.rule.code.starts_with(it));
    let noted = finding.severity == Severity::Info && !finding.so_far;
    if noted || of_media {
        return None;
    }
    let belongs = |attack: &&(usize, &Finding)| {
        let attack = attack.1;
        if attack.rule.name == "toll-fraud" {
            return shares_transaction(attack, finding);
        }
        let lasted = match attack.get("duration") {
            Some(Fact::Time(lasted)) => *lasted,
            _ => Duration::ZERO,
        };
        let port = attack.source.map_or(0, |it| it.port());
        (port == 0 || port == source.port())
            && attack.time.since(finding.time) <= AROUND
            && finding.time.since(attack.time) <= lasted + AROUND
    };
    attacks
        .get(&source.ip())?
        .iter()
        .find(belongs)
        .map(|(_, attack)| attack.id)
}

/// Findings of one call among which causes are looked for.
const MAX_LINKED: usize = 32;

/// What two findings must share for one to be the cause of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tie {
    /// A transaction.
    Transaction,
    /// The Call-ID.
    Call,
}

/// Effects and the findings that explain them, the most exact first.
const EXPLAINED: &[(&str, &[&str], Tie)] = &[
    (
        "merged-request-482",
        &["auth-cseq-not-incremented"],
        Tie::Call,
    ),
    ("ack-missing-2xx", &["ack-malformed"], Tie::Transaction),
    ("ack-missing-non2xx", &["ack-malformed"], Tie::Transaction),
    (
        "ack-misrouted",
        &["record-route-bypassed"],
        Tie::Transaction,
    ),
    (
        "ack-not-effective",
        &[
            "icmp-unreachable",
            "record-route-bypassed",
            "ack-misrouted",
            "ack-malformed",
        ],
        Tie::Transaction,
    ),
    (
        "bye-no-response",
        &[
            "record-route-bypassed",
            "ack-misrouted",
            "ack-not-effective",
        ],
        Tie::Call,
    ),
    (
        "noninvite-no-response",
        &["prack-not-effective"],
        Tie::Transaction,
    ),
    (
        "status",
        &[
            "prack-missing",
            "prack-not-effective",
            "routing-loop-483",
            "merged-request-482",
            "redirect-loop",
        ],
        Tie::Transaction,
    ),
    (
        "cancel-without-487",
        &["invite-stuck-trying", "cancel-no-response"],
        Tie::Transaction,
    ),
    (
        "pdd-high",
        &["no-ringback", "slow-first-response"],
        Tie::Transaction,
    ),
];

fn cause<'a>(call: &Call, all: &'a [Finding], finding: &Finding) -> Option<&'a Finding> {
    let name = finding.rule.name;
    let others = || {
        all.iter()
            .filter(|other| other.id != finding.id && other.severity >= Severity::Warning)
    };
    // What is wrong with credentials or a challenge explains that they did not do.
    if let Some((_, reasons)) = OF_AUTHENTICATION.iter().find(|(it, _)| *it == name) {
        let said = others()
            .filter(|other| shares_transaction(other, finding))
            .filter(|other| reasons.contains(&other.rule.name))
            .min_by_key(|other| reasons.iter().position(|it| *it == other.rule.name));
        if said.is_some() {
            return said;
        }
    }
    // What makes answers or requests go astray explains what is missing then.
    let misled = others()
        .find(|other| leads_astray(other.rule.name, name) && shares_transaction(other, finding));
    if misled.is_some() {
        return misled;
    }
    // ICMP says why nobody answers.
    if name.ends_with("-no-response") {
        let said = others().find(|other| {
            other.rule.name == "icmp-unreachable" && shares_transaction(other, finding)
        });
        if said.is_some() {
            return said;
        }
    }
    // What a refusal says of its reasons is told with the refusal.
    if name == "warning-3xx" {
        let refusal = others()
            .filter(|other| other.rule.name != "warning-3xx")
            .find(|other| shares_transaction(other, finding));
        if refusal.is_some() {
            return refusal;
        }
    }
    // The verification service says why.
    if matches!(finding.status, Some(403 | 428 | 436..=438)) {
        let said = others().find(|other| {
            other.rule.name.starts_with("stir-") && shares_transaction(other, finding)
        });
        if said.is_some() {
            return said;
        }
    }
    // What went wrong with a message on its way explains what its absence led to.
    let explained = EXPLAINED
        .iter()
        .chain(session::EXPLAINED)
        .filter(|(effect, ..)| {
            *effect == name || (*effect == "status" && finding.status.is_some())
        });
    for (_, causes, tie) in explained {
        let said = others().find(|other| {
            causes.contains(&other.rule.name)
                && (*tie == Tie::Call || shares_transaction(other, finding))
        });
        if said.is_some() {
            return said;
        }
    }
    // The signature that is asked for was lost on the way.
    if name == "stir-unsigned-428" {
        return others().find(|other| other.rule.name == "stir-identity-lost");
    }
    // The hop behind is silent, or said no: waiting for it, giving up and every answer that passes it on are its
    // consequences. An answer that came from behind as it is has its hop behind in its own finding.
    let waits = matches!(
        name,
        "invite-stuck-trying"
            | "cancel-no-response"
            | "cancel-without-487"
            | "failed-after-next-hop-timeout"
    ) || finding
        .status
        .is_some_and(|code| !comes_from_behind(call, finding, code));
    if waits {
        let deeper = others().find(|other| {
            (matches!(
                other.rule.name,
                "icmp-unreachable" | "invite-no-response" | "invite-stuck-trying"
            ) || (other.status.is_some() && name == "status"))
                && lies_behind(call, other, finding)
        });
        if deeper.is_some() {
            return deeper;
        }
    }
    // A 6xx is why the registration was refused; a wrong `Contact: *`, why nothing was removed.
    if matches!(name, "registration-rejected" | "unregistered") {
        let because = if name == "unregistered" {
            "registration-rejected"
        } else {
            "registrar-6xx"
        };
        return others()
            .find(|other| other.rule.name == because && shares_transaction(other, finding));
    }
    // The refuser waited for its next hop, which the capture does not show.
    if finding.status.is_some() {
        let waited = others().find(|other| {
            other.rule.name == "failed-after-next-hop-timeout"
                && other.severity >= finding.severity
                && shares_transaction(other, finding)
        });
        if waited.is_some() {
            return waited;
        }
    }
    // The caller gave up on a call that was stuck.
    if finding.status == Some(487) || name == "cancel-no-response" {
        return others().find(|other| other.rule.name == "invite-stuck-trying");
    }
    None
}

/// Whether a fault of addresses, by the name of its finding, is the cause of another finding about the same transaction.
fn leads_astray(cause: &str, effect: &str) -> bool {
    match cause {
        "contact-private-nat" => matches!(
            effect,
            "ack-missing-2xx"
                | "ack-not-effective"
                | "bye-no-response"
                | "noninvite-no-response"
                | "invite-no-response"
                | "icmp-unreachable"
        ),
        "response-to-wrong-place" | "rport-missing" | "response-from-other-address" => matches!(
            effect,
            "request-retransmitted-after-response"
                | "icmp-unreachable"
                | "ack-missing-2xx"
                | "ack-missing-non2xx"
        ),
        "nat-keepalive-missing" => effect.ends_with("-no-response") || effect == "pdd-high",
        _ => false,
    }
}

/// Whether a hop behind the first one of a finding got the same answer, so that it was only passed on.
fn comes_from_behind(call: &Call, finding: &Finding, code: u64) -> bool {
    let hops = call
        .transactions
        .iter()
        .filter(|hop| finding.transactions.contains(&hop.id) && hop.final_code() == Some(code));
    let counts: Vec<usize> = hops.map(|hop| hop.via_count).collect();
    counts.iter().min() != counts.iter().max()
}

fn shares_transaction(one: &Finding, other: &Finding) -> bool {
    one.transactions
        .iter()
        .any(|id| other.transactions.contains(id))
}

/// Whether the first finding is about an INVITE that left the host to which the second one's INVITE had come.
fn lies_behind(call: &Call, behind: &Finding, before: &Finding) -> bool {
    let find = |id: &TransactionId| call.transactions.iter().find(|it| it.id == *id);
    let arrived: Vec<&Transaction> = before
        .transactions
        .iter()
        .filter_map(find)
        .flat_map(|it| {
            // A CANCEL went the way of its INVITE.
            call.of(&Method::Invite)
                .filter(|invite| invite.flow == it.flow)
        })
        .collect();
    behind
        .transactions
        .iter()
        .filter_map(find)
        .filter(|it| it.method == Method::Invite)
        .any(|next| {
            arrived
                .iter()
                .any(|invite| invite.id < next.id && invite.flow.dst.ip() == next.flow.src.ip())
        })
}

/// Links across Call-IDs: where a leg behind failed, what the leg before it got is the consequence (guard G-B2BUA). The
/// finding says which leg that was and how it is known.
pub(super) fn link_legs(findings: &mut [Finding], legs: &Legs) {
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
                | "no-answer"
                | "cancel-no-response"
                | "failed-after-next-hop-timeout"
        )
}
