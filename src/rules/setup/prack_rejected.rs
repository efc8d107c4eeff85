//! `prack-rejected`: a PRACK was refused (RFC 3262 §3: 481 when it matches no reliable provisional).

use super::prack_missing::{rack, reliable};
use super::sent_after;
use crate::dialog::Call;
use crate::rules::{CallView, Finding, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::Method;
use crate::transaction::{Response, Transaction};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "prack-rejected",
    code: "DLG013",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::CallWith(Has::PRACK.and(Has::REFUSAL), judge),
    words: include_str!("prack_rejected.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let mut pracks: Vec<_> = view.call.of(&Method::Prack).collect();
    // Who refused stands behind those who pass it on.
    pracks.sort_by_key(|prack| (std::cmp::Reverse(prack.via_count), prack.id));
    for prack in pracks {
        let Some(refusal) = refusal(prack) else {
            continue;
        };
        // Once the INVITE has its final response, a PRACK on its way comes too late.
        let crossed = view.call.initial_invites().any(|invite| {
            invite.from.tag == prack.from.tag
                && invite
                    .final_response()
                    .is_some_and(|last| last.time() <= refusal.time())
        });
        let rack = rack(prack);
        let wanted = rack.as_deref().and_then(|it| wanted(view.call, prack, it));
        // The caller mended it, and the provisional counts as acknowledged.
        let mended = (view.call.of(&Method::Prack)).any(|other| {
            other.from.tag == prack.from.tag && other.start() > refusal.time() && other.succeeded()
        });
        let mut finding = Finding::of(&RULE, prack)
            .variant(wanted.is_some().then_some("rack-differs"))
            .fact("code", refusal.code)
            .fact("reason", &*refusal.reason)
            .fact("src", refusal.flow.src.to_string())
            .fact(
                "rack",
                rack.map_or_else(|| "-".to_owned(), |rack| rack.chars().take(64).collect()),
            )
            .fact_if("wanted", wanted)
            .fact("caller", prack.flow.src.to_string())
            .note_if(crossed || mended);
        if mended {
            add(found, finding, prack);
            continue;
        }
        // The provisional that goes on coming goes on because of it.
        for invite in insisted_on(view, prack, refusal) {
            finding = finding.also(invite).severity(if invite.succeeded() {
                Severity::Warning
            } else {
                Severity::Error
            });
        }
        // It is the cause of the failure of the call, and as bad.
        for (invite, waited) in given_up(view, prack, refusal) {
            finding = finding.also(invite).severity(Severity::Error);
            if !waited {
                finding = finding.confidence(Confidence::Likely);
            }
        }
        add(found, finding, prack);
    }
}

fn add(found: &mut Vec<Finding>, finding: Finding, prack: &Transaction) {
    // The proxies pass it on.
    let known = found
        .iter_mut()
        .find(|other| other.get("code") == finding.get("code"));
    match known {
        Some(known) => *known = known.clone().also(prack),
        None => found.push(finding),
    }
}

/// What the RAck of a PRACK had to be: that of the latest reliable provisional on its hop, when it fits none of them (RFC 3262
/// §7.2).
fn wanted(call: &Call, prack: &Transaction, rack: &str) -> Option<String> {
    let on_its_hop = |it: &&Transaction| {
        it.from.tag == prack.from.tag && it.flow.src.ip() == prack.flow.src.ip()
    };
    let mut expected: Vec<_> = (call.of(&Method::Invite).filter(on_its_hop))
        .flat_map(|invite| reliable(invite).map(move |it| (invite.cseq, it)))
        .filter(|(_, it)| it.to_tag == prack.to.tag && it.time() <= prack.start())
        .filter_map(|(cseq, it)| Some((it.time(), format!("{} {cseq} INVITE", it.rseq?))))
        .collect();
    if expected.iter().any(|(_, it)| it.eq_ignore_ascii_case(rack)) {
        return None;
    }
    expected.sort();
    expected.pop().map(|(_, it)| it)
}

/// The INVITEs of which a reliable provisional goes on being sent after the refusal.
fn insisted_on<'a>(
    view: &CallView<'a>,
    prack: &'a Transaction,
    refusal: &'a Response,
) -> impl Iterator<Item = &'a Transaction> {
    let goes_on = move |invite: &&Transaction| {
        reliable(invite).any(|it| {
            it.to_tag == prack.to.tag && sent_after(&it.sends, refusal.time()) >= INSISTED
        })
    };
    view.call
        .initial_invites()
        .filter(move |it| it.from.tag == prack.from.tag)
        .filter(goes_on)
}

/// Repeats of a provisional behind the refusal: one may cross with it.
const INSISTED: usize = 2;

/// The INVITEs that the called side refused with a 5xx because no PRACK was accepted, with whether it waited for one as long
/// as it should, 64*T1 (RFC 3262 §3); who did not must be the one that refused the PRACK, and have accepted none.
fn given_up<'a>(
    view: &CallView<'a>,
    prack: &'a Transaction,
    refusal: &'a Response,
) -> impl Iterator<Item = (&'a Transaction, bool)> {
    // Some count from the first provisional, some a little less than RFC 3261's timer.
    let least = view.thresholds.t1 * 60;
    let of_dialog = move |it: &&'a Transaction| it.from.tag == prack.from.tag;
    // The refusal may have come with another branch, and then stands alone.
    let invites = move || view.call.initial_invites().filter(of_dialog);
    let accepted = (view.call.of(&Method::Prack))
        .filter(of_dialog)
        .any(Transaction::succeeded);
    let told = invites()
        .filter_map(Call::first_progress)
        .filter(|it| it.code < 200)
        .map(Response::time)
        .min();
    invites().filter_map(move |invite| {
        let failed = invite
            .final_response()
            .filter(|it| (500..600).contains(&it.code) && it.time() > refusal.time())?;
        let waited = failed.time().since(told?) >= least;
        let same_host = failed.flow.src.ip() == refusal.flow.src.ip();
        (waited || (same_host && !accepted)).then_some((invite, waited))
    })
}

/// The final response with which a PRACK failed; a challenge is none.
pub(in crate::rules) fn refusal(prack: &Transaction) -> Option<&Response> {
    prack
        .final_response()
        .filter(|it| it.code >= 400 && !matches!(it.code, 401 | 407))
}
