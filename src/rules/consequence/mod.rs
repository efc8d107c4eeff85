//! One fault, one headline: which finding is the cause of which other (FINDINGS section 11). Here those of one call; what
//! their names tell stands in [`table`], and what lies beyond the call in the other files.

mod attacks;
mod capture;
mod legs;
mod passed_on;
mod peers;
mod streams;
mod table;

pub(super) use attacks::link_attacks;
pub(super) use capture::{link_over_time, link_to_capture, note_hang_up};
pub(super) use legs::{link_legs, settle_legs};
pub(super) use peers::link as link_peers;
pub(super) use streams::{blame, link_streams};

use super::setup::pdd_high;
use super::{Fact, Finding, FindingId};
use crate::dialog::Call;
use crate::hash::{HashMap, HashSet};
use crate::severity::{Confidence, Severity};
use crate::sip::Method;
use crate::transaction::{Transaction, TransactionId};
use std::cmp::Reverse;
use std::net::IpAddr;
use std::time::Duration;
use table::{Tie, explanations};

/// How much the clocks of two capture points may differ.
const SKEW: Duration = Duration::from_secs(1);

/// Findings of one call among which causes are looked for.
const MAX_LINKED: usize = 32;

/// Links the findings of one call. They have their ids already.
pub(super) fn link(call: &Call, findings: &mut [Finding]) {
    // A flood under one Call-ID has no story to tell, and each pair would be compared.
    if findings.len() > MAX_LINKED {
        return;
    }
    // A note explains nothing, and nothing explains itself.
    let mut severe = findings.iter().filter(|it| is_cause(it)).map(|it| it.id);
    let first = severe.next();
    let several = severe.next().is_some();
    for index in 0..findings.len() {
        let cause = findings
            .get(index)
            .filter(|finding| several || first.is_some_and(|it| it != finding.id))
            .and_then(|finding| cause(call, findings, finding))
            .map(|cause| cause.id);
        if let Some(finding) = findings.get_mut(index) {
            finding.consequence_of = cause;
        }
    }
}

/// Findings between a cause and the last of its consequences.
const LONGEST_CHAIN: usize = 8;

/// Brings findings that are linked into a state that can be told: without circles, and causes as bad as what they led to.
pub(super) fn settle<'a>(findings: impl Iterator<Item = &'a mut Finding>) {
    let mut all: Vec<_> = findings.collect();
    open_circles(&mut all);
    let severe: HashSet<FindingId> = (all.iter())
        .filter(|it| is_cause(it))
        .map(|it| it.id)
        .collect();
    for finding in &mut all {
        // What a BYE says of its reason is a note beside what made it.
        let is_told = finding
            .consequence_of
            .is_some_and(|id| severe.contains(&id));
        if is_told && says_why(finding) && finding.severity_was.is_none() {
            finding.severity = Severity::Info;
        }
    }
    raise(&mut all);
}

/// Takes its cause from one finding of each circle, the first in the order of judgement of the worst: findings that explain each
/// other would all be told as consequences, and none as the fault.
fn open_circles(all: &mut [&mut Finding]) {
    let mut causes: HashMap<FindingId, FindingId> = (all.iter())
        .filter_map(|it| Some((it.id, it.consequence_of?)))
        .collect();
    if causes.is_empty() {
        return;
    }
    // Those that lead to no circle are not looked at twice.
    let mut open: HashSet<FindingId> = HashSet::default();
    let linked: Vec<FindingId> = all.iter().map(|it| it.id).collect();
    for start in linked {
        let mut path = Vec::new();
        let mut next = Some(start);
        while let Some(id) = next.filter(|id| open.insert(*id)) {
            path.push(id);
            next = causes.get(&id).copied();
        }
        let again = next.and_then(|id| path.iter().position(|it| *it == id));
        let Some(circle) = again.and_then(|at| path.get(at..)) else {
            continue;
        };
        let first = (all.iter_mut())
            .filter(|it| circle.contains(&it.id))
            .min_by_key(|it| (Reverse(it.severity), it.id));
        if let Some(first) = first {
            first.consequence_of = None;
            causes.remove(&first.id);
        }
    }
}

/// Makes what explains other findings as bad as the worst of them, and no surer than that it is: its consequences are told in its
/// place. What is only possible raises nothing, nor does anything raise a note, what is told "so far" or what a user judged; and that
/// an attack is refused makes it no worse.
fn raise(all: &mut [&mut Finding]) {
    let causes: HashMap<FindingId, FindingId> = all
        .iter()
        .filter_map(|it| Some((it.id, it.consequence_of?)))
        .collect();
    if causes.is_empty() {
        return;
    }
    let mut worst: HashMap<FindingId, (Severity, Confidence)> = HashMap::default();
    for finding in all.iter().filter(|it| it.confidence > Confidence::Possible) {
        let own = (finding.severity, finding.confidence);
        let chain = std::iter::successors(finding.consequence_of, |id| causes.get(id).copied());
        for cause in chain.take(LONGEST_CHAIN) {
            let known = worst.entry(cause).or_insert(own);
            *known = own.max(*known);
        }
    }
    for finding in all {
        let fixed = finding.severity == Severity::Info
            || finding.so_far
            || attacks::is_attack(finding)
            || finding.severity_was.is_some();
        if let Some(&(severity, confidence)) = worst.get(&finding.id)
            && severity > finding.severity
            && !fixed
        {
            finding.severity = severity;
            finding.confidence = finding.confidence.min(confidence);
        }
    }
}

/// Whether a finding tells of a hop that nobody answers from.
fn is_dead_hop(finding: &Finding) -> bool {
    matches!(finding.rule.name, "icmp-unreachable" | "invite-no-response")
}

/// Whether the first finding says that the address of the second is a private one.
fn says_address_is_private(finding: &Finding, of: &Finding) -> bool {
    finding.rule.name == "sdp-private-address" && finding.get("address") == of.get("address")
}

/// Whether a finding is what a BYE says of its reason.
fn says_why(finding: &Finding) -> bool {
    matches!(finding.rule.name, "reason-q850" | "reason-sip")
        && finding.get("place") == Some(&Fact::from("BYE"))
}

/// What makes a program send a BYE.
const ENDS_CALLS: &[&str] = &[
    "session-timer-expired",
    "session-refresh-failed",
    "ack-missing-2xx",
    "ack-not-effective",
    "icmp-unreachable",
    "media-port-unreachable",
    "indialog-481",
    "reinvite-rejected",
    "noninvite-no-response",
];

/// Whether a finding is why a BYE was sent: it lasted until then, or nearly so.
fn made_bye(it: &Finding, bye: &Finding) -> bool {
    let is_timer = it.rule.name == "session-timer-expired";
    let before = it.time < bye.time || (is_timer && it.time == bye.time);
    ENDS_CALLS.contains(&it.rule.name) && before && bye.time.since(it.until) <= ENDS_WITHIN
}

/// How long after it the BYE comes at the latest: a transaction times out in that time, and a little more (RFC 3261 §17.1.1.2).
const ENDS_WITHIN: Duration = Duration::from_secs(35);

/// Whether a finding is bad enough to be the cause of another one.
fn is_cause(finding: &Finding) -> bool {
    finding.severity >= Severity::Warning
}

fn cause<'a>(call: &Call, all: &'a [Finding], finding: &Finding) -> Option<&'a Finding> {
    let name = finding.rule.name;
    let others = || {
        all.iter()
            .filter(|other| other.id != finding.id && is_cause(other))
    };
    // The time went by waiting for a hop that is dead.
    if name == "pdd-high" && pdd_high::is_of_dead_routes(finding) {
        let dead = others().find(|it| is_dead_hop(it) && shares_transaction(it, finding));
        if dead.is_some() {
            return dead;
        }
    }
    if says_why(finding) {
        return others().find(|it| made_bye(it, finding));
    }
    // What a refusal says of its reasons is told with the refusal.
    if name == "warning-3xx" {
        return others().find(|it| it.rule.name != name && shares_transaction(it, finding));
    }
    // An address that cannot be reached was told to be one.
    if name == "media-port-unreachable" {
        let told = others().find(|it| says_address_is_private(it, finding));
        if told.is_some() {
            return told;
        }
    }
    // Who goes on with its INVITE has not seen the answer: it cannot acknowledge it, and closes its ports when it gives up.
    if matches!(
        name,
        "ack-missing-2xx" | "ack-missing-non2xx" | "media-port-unreachable"
    ) {
        let told = others().find(|it| {
            it.rule.name == "request-retransmitted-after-response"
                && it.severity == Severity::Error
                && shares_transaction(it, finding)
        });
        if told.is_some() {
            return told;
        }
    }
    for (causes, tie) in explanations(finding) {
        let said = others()
            .filter(|other| causes.contains(&other.rule.name))
            .filter(|other| tie == Tie::Call || shares_transaction(other, finding))
            // Who refused because the hop behind was silent did not make it so.
            .filter(|other| !(waited_for_next_hop(other) && lies_behind(call, finding, other)))
            .min_by_key(|other| causes.iter().position(|it| *it == other.rule.name));
        if said.is_some() {
            return said;
        }
    }
    // The hop behind is silent, or said no: waiting for it, giving up and every answer that passes it on are its
    // consequences. An answer that came from behind as it is was made by the last of its hops.
    let waits = matches!(
        name,
        "invite-stuck-trying"
            | "cancel-no-response"
            | "cancel-without-487"
            | "failed-after-next-hop-timeout"
    ) || waited_for_next_hop(finding)
        || finding.status.is_some();
    if waits {
        let deeper = others().find(|other| {
            (matches!(
                other.rule.name,
                "icmp-unreachable"
                    | "invite-no-response"
                    | "noninvite-no-response"
                    | "bye-no-response"
                    | "register-no-response"
                    | "invite-stuck-trying"
                    | "codec-mismatch"
                    | "srtp-profile-mismatch"
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
    if name == "bye-no-response" {
        let dead = others().find(|it| {
            matches!(it.rule.name, "invite-no-response" | "noninvite-no-response")
                && share_a_dead_peer(call, it, finding)
        });
        if dead.is_some() {
            return dead;
        }
    }
    // The caller gave up on a call that was stuck.
    if finding.status == Some(487) || name == "cancel-no-response" {
        return others().find(|other| other.rule.name == "invite-stuck-trying");
    }
    None
}

/// The requests of a finding, without those that only got the answer that one behind them got.
fn decided<'a>(call: &'a Call, finding: &Finding) -> Vec<&'a Transaction> {
    let own = (finding.transactions.iter())
        .filter_map(|id| call.transactions.iter().find(|it| it.id == *id));
    let answered =
        |it: &&Transaction| finding.status.is_some() && it.final_code() == finding.status;
    let last = own.clone().filter(answered).map(|it| it.via_count).max();
    own.filter(|it| !answered(it) || Some(it.via_count) == last)
        .collect()
}

/// Whether a registration, or a change of an answered call, was refused by somebody who had no answer from further on (RFC 3261
/// §16.8, §21.5.5).
fn waited_for_next_hop(finding: &Finding) -> bool {
    let code = match finding.get("code") {
        Some(Fact::Number(code)) => *code,
        _ => return false,
    };
    let name = finding.rule.name;
    let is_refused = table::REFUSED.contains(&name) || name == "registration-rejected";
    is_refused && matches!(code, 408 | 480 | 500 | 503 | 504)
}

/// Whether requests of a dialog that nobody answered went to one host in both findings.
fn share_a_dead_peer(call: &Call, one: &Finding, other: &Finding) -> bool {
    let silent = |finding: &Finding| -> Vec<IpAddr> {
        let of_finding = |it: &&Transaction| finding.transactions.contains(&it.id);
        let unanswered = |it: &&Transaction| it.in_dialog() && it.responses.is_empty();
        call.transactions
            .iter()
            .filter(of_finding)
            .filter(unanswered)
            .map(|it| it.flow.dst.ip())
            .collect()
    };
    let peers = silent(one);
    silent(other).iter().any(|peer| peers.contains(peer))
}

fn shares_transaction(one: &Finding, other: &Finding) -> bool {
    one.transactions
        .iter()
        .any(|id| other.transactions.contains(id))
}

/// Whether the first finding is about a request that left the host to which the second one's had come: the same one, or
/// another one that went the same way. A CANCEL goes the way of its INVITE, and what belongs to a dialog that of the dialog.
fn lies_behind(call: &Call, behind: &Finding, before: &Finding) -> bool {
    let came = decided(call, before);
    let find = |id: &TransactionId| call.transactions.iter().find(|it| it.id == *id);
    let mut went = behind.transactions.iter().filter_map(find);
    let gave_up = (before.status).is_none_or(|code| matches!(code, 408 | 480 | 500 | 503 | 504));
    let within_dialog = behind.status.is_none() && gave_up;
    went.any(|next| {
        came.iter().any(|hop| {
            let same_way = next.method == Method::Invite
                || next.method == hop.method
                || (next.in_dialog() && hop.in_dialog() && within_dialog);
            same_way
                && hop.flow.dst.ip() == next.flow.src.ip()
                // That of an earlier try led to what that one got.
                && (next.method != hop.method || hop.start() <= next.start() + SKEW)
                && (call.of(&next.method)).any(|it| it.flow == hop.flow && it.id < next.id)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RULES;
    use crate::time::Timestamp;

    /// Findings with their numbers, severities and causes.
    fn findings(links: &[(u64, Severity, Option<u64>)]) -> Vec<Finding> {
        let one = |&(id, severity, cause): &(u64, Severity, Option<u64>)| {
            let rule = RULES.first()?;
            let mut finding = Finding::of_capture(rule, Timestamp::MIN).severity(severity);
            finding.id = FindingId(id);
            finding.consequence_of = cause.map(FindingId);
            Some(finding)
        };
        links.iter().filter_map(one).collect()
    }

    fn causes(links: &[(u64, Severity, Option<u64>)]) -> Vec<Option<u64>> {
        let mut all = findings(links);
        settle(all.iter_mut());
        let causes = all.iter().map(|it| it.consequence_of.map(|it| it.0));
        causes.collect()
    }

    #[test]
    fn of_a_circle_the_first_of_the_worst_is_told() {
        let (warning, error) = (Severity::Warning, Severity::Error);
        let circle = [
            (1, warning, Some(3)),
            (2, error, Some(1)),
            (3, error, Some(2)),
            (4, error, Some(2)),
        ];
        assert_eq!(causes(&circle), [Some(3), None, Some(2), Some(2)]);
        assert_eq!(causes(&[(1, error, Some(1))]), [None]);
    }

    #[test]
    fn every_circle_is_opened_and_a_chain_stays_as_it_is() {
        let error = Severity::Error;
        let links = [
            (1, error, Some(2)),
            (2, error, Some(1)),
            (5, error, Some(6)),
            (6, error, Some(5)),
            (7, error, Some(8)),
            (8, error, Some(9)),
            (9, error, None),
        ];
        let opened = [None, Some(1), None, Some(5), Some(8), Some(9), None];
        assert_eq!(causes(&links), opened);
    }
}
