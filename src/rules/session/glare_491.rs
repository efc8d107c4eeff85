//! `glare-491`: both sides wanted to change the call at once, and each refused the other's request (RFC 3261 §14.2).

use super::{finding_of_refusal, is_echo, is_same_dialog, refusal};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::Method;
use crate::time::Timestamp;
use crate::transaction::{Response, Transaction};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "glare-491",
    code: "DLG034",
    severity: Severity::Warning,
    guards: &[Guard::End, Guard::Loss, Guard::Outcome],
    judge: Judge::CallWith(Has::CHANGE.and(Has::REFUSAL), judge),
    words: include_str!("glare_491.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    // One finding a call: the glare that nobody solved, or else the first one.
    let mut told: Option<Finding> = None;
    for request in &view.call.transactions {
        let changes = matches!(request.method, Method::Invite | Method::Update);
        let Some(response) =
            refusal(request).filter(|it| changes && request.in_dialog() && it.code == 491)
        else {
            continue;
        };
        if is_echo(view.call, request) {
            continue;
        }
        let finding = glare(view, request, response);
        told = Some(match told {
            None => finding,
            Some(other) if other.severity < finding.severity => also_of(finding, &other),
            Some(other) => also_of(other, &finding),
        });
    }
    found.extend(told);
}

fn glare(view: &CallView<'_>, request: &Transaction, response: &Response) -> Finding {
    let finding = finding_of_refusal(view.call, &RULE, request, response);
    let later = |it: &&Transaction| {
        it.start() > response.time()
            && matches!(it.method, Method::Invite | Method::Update)
            && it.in_dialog()
            && is_same_dialog(it, request)
    };
    let solved = view
        .call
        .transactions
        .iter()
        .filter(later)
        .any(Transaction::succeeded);
    let retry = view
        .call
        .transactions
        .iter()
        .filter(later)
        .find(|it| it.method == request.method && it.from.tag == request.from.tag);
    let crossing = view.call.transactions.iter().any(|other| {
        other.method == request.method
            && other.from.tag == request.to.tag
            && other.start() <= response.time()
            && ended(other).is_none_or(|end| end >= request.start())
    });
    let finding = finding.fact("crossing", u64::from(crossing));
    let Some(retry) = retry else {
        let legal = legal(view, request).map_or(LATEST, |(_, latest)| latest);
        let hung_up = view
            .call
            .of(&Method::Bye)
            .any(|bye| is_same_dialog(bye, request) && bye.start() < response.time() + legal);
        let waited = view.watched_since(response.time());
        let mut finding = finding.note_if(solved);
        if !solved && hung_up {
            finding = finding.severity(Severity::Info);
        } else if !solved && waited < legal {
            // Nothing is late yet.
            finding.severity = Severity::Info;
            finding.so_far = true;
            finding.confidence = Confidence::Possible;
        }
        return finding;
    };
    let delay = retry.start().since(response.time());
    let mut finding = finding.also(retry).fact("delay", delay).note_if(solved);
    finding.variant = Some("retried");
    if let Some((earliest, latest)) = legal(view, request) {
        let legal = delay + TOLERANCE >= earliest && delay <= latest + TOLERANCE;
        finding = finding.fact("earliest", earliest).fact("latest", latest);
        if !legal {
            finding.variant = Some("retried-at-wrong-time");
        }
    }
    finding
}

/// When the side that was refused may try again: who chose the Call-ID waits longer (RFC 3261 §14.1). `None` where the
/// INVITE that shows who did was not seen.
fn legal(view: &CallView<'_>, request: &Transaction) -> Option<(Duration, Duration)> {
    let mut initial = view.call.initial_invites();
    let first =
        initial.find(|it| it.from.tag == request.from.tag || it.from.tag == request.to.tag)?;
    Some(if first.from.tag == request.from.tag {
        (Duration::from_millis(2100), LATEST)
    } else {
        (Duration::ZERO, Duration::from_secs(2))
    })
}

fn ended(transaction: &Transaction) -> Option<Timestamp> {
    transaction.final_response().map(Response::time)
}

fn also_of(finding: Finding, other: &Finding) -> Finding {
    let mut finding = finding.with_proof_of(other);
    finding.time = finding.time.min(other.time);
    finding
}

/// The longest wait that RFC 3261 §14.1 allows.
const LATEST: Duration = Duration::from_secs(4);
/// The way of the response to its client, and the steps of 10 ms that the RFC asks for.
const TOLERANCE: Duration = Duration::from_millis(200);
