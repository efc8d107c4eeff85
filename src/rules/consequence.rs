//! One fault, one headline: which finding of a call is the cause of which other (FINDINGS section 11).

use super::{Finding, FindingId};
use crate::capture::FrameNumber;
use crate::dialog::Call;
use crate::severity::Severity;
use crate::sip::Method;
use crate::transaction::{Transaction, TransactionId};
use std::collections::HashMap;

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
        if finding.rule.name.ends_with("-no-response") && finding.consequence_of.is_none() {
            let cause = finding.frames.iter().find_map(|frame| by_frame.get(frame));
            finding.consequence_of = cause.copied();
        }
    }
}

/// Findings of one call among which causes are looked for.
const MAX_LINKED: usize = 32;

/// Findings and their causes, when both are about one transaction.
const FOLLOW_ON_ONE: &[(&str, &[&str])] = &[
    (
        "noninvite-no-response",
        &["session-timer-expired", "session-refresh-failed"],
    ),
    (
        "invite-no-response",
        &["session-timer-expired", "session-refresh-failed"],
    ),
    (
        "invite-stuck-trying",
        &["session-timer-expired", "session-refresh-failed"],
    ),
    ("bye-no-response", &["session-timer-expired"]),
    ("bye-481", &["session-timer-expired"]),
    (
        "session-refresh-failed",
        &["indialog-481", "session-timer-expired"],
    ),
];

/// Findings and their causes, when both are about one call.
const FOLLOW_IN_CALL: &[(&str, &[&str])] = &[
    ("bye-481", &["indialog-481"]),
    (
        "bye-right-after-answer",
        &["answered-despite-cancel", "multiple-2xx"],
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
    let listed = |table: &[(&str, &[&str])], cause: &Finding| {
        table
            .iter()
            .any(|(what, causes)| *what == name && causes.contains(&cause.rule.name))
    };
    let followed = others().find(|other| {
        listed(FOLLOW_ON_ONE, other) && shares_transaction(other, finding)
            || listed(FOLLOW_IN_CALL, other)
    });
    if followed.is_some() {
        return followed;
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
    // The hop behind is silent, or said no: waiting for it, giving up and every answer that passes it on are its
    // consequences. An answer that came from behind as it is has its hop behind in its own finding.
    let waits = matches!(name, "invite-stuck-trying" | "cancel-no-response")
        || finding
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
