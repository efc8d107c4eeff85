//! One fault, one headline: which finding of a call is the cause of which other (FINDINGS section 11).

use super::{Fact, Finding, FindingId};
use crate::capture::FrameNumber;
use crate::dialog::Call;
use crate::dialog::legs::Legs;
use crate::limits::MAX_TEXT;
use crate::severity::Severity;
use crate::sip::Method;
use crate::time::Timestamp;
use crate::transaction::{Transaction, TransactionId};
use std::collections::HashMap;
use std::sync::Arc;

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
/// for that reason. It is told by the packets, which are in both.
pub(super) fn link_to_capture(of_capture: &[Finding], of_calls: &mut [Finding]) {
    let causes = of_capture
        .iter()
        .filter(|cause| cause.rule.name == "udp-fragments-lost" && cause.severity > Severity::Info);
    let by_frame: HashMap<FrameNumber, FindingId> = causes
        .flat_map(|cause| cause.frames.iter().map(|frame| (*frame, cause.id)))
        .collect();
    for finding in of_calls {
        let rests_on_loss =
            finding.rule.name.ends_with("-no-response") || finding.rule.name == "ack-not-effective";
        if rests_on_loss && finding.consequence_of.is_none() {
            let cause = finding.frames.iter().find_map(|frame| by_frame.get(frame));
            finding.consequence_of = cause.copied();
        }
    }
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
    // ICMP says why nobody answers.
    if name.ends_with("-no-response") {
        let said = others().find(|other| {
            other.rule.name == "icmp-unreachable" && shares_transaction(other, finding)
        });
        if said.is_some() {
            return said;
        }
    }
    // What went wrong with a message on its way explains what its absence led to.
    let explained = EXPLAINED.iter().filter(|(effect, ..)| {
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
