//! `transfer-failed`: a REFER was refused, or what it asked for failed (RFC 3515 §2.4).

use super::{finding_of, finding_of_refusal, is_echo, is_same_dialog, refusal};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::value::NameAddr;
use crate::sip::{HeaderName, Message, Method};
use crate::transaction::{Response, Transaction};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "transfer-failed",
    code: "DLG040",
    severity: Severity::Error,
    guards: &[
        Guard::End,
        Guard::OneWay,
        Guard::Loss,
        Guard::Snap,
        Guard::Outcome,
    ],
    judge: Judge::CallWith(Has::REFER, judge),
    words: include_str!("transfer_failed.toml"),
};

/// The first NOTIFY comes at once (RFC 3515 §2.4.4); so long its transaction may last.
const PATIENCE: Duration = Duration::from_secs(32);

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for refer in view.call.of(&Method::Refer) {
        if is_echo(view.call, refer) {
            continue;
        }
        let finding = if let Some(response) = refusal(refer) {
            finding_of_refusal(view.call, &RULE, refer, response).seen()
        } else if let Some(accepted) = refer.final_response().filter(|it| it.is_success()) {
            let Some(finding) = after_acceptance(view, refer, accepted) else {
                continue;
            };
            finding
        } else {
            continue;
        };
        found.push(
            finding
                .fact_if("refer_to", target(refer))
                .fact("referred", view.call.destination(refer).ip().to_string())
                .note_if(succeeded_later(view, refer)),
        );
    }
}

/// What became of an accepted transfer: the NOTIFYs say so.
fn after_acceptance(
    view: &CallView<'_>,
    refer: &Transaction,
    accepted: &Response,
) -> Option<Finding> {
    let reports: Vec<_> = reports(view, refer, accepted).collect();
    let results = || reports.iter().filter_map(|it| Some((*it, progress(it)?)));
    if results().any(|(_, (code, _))| (200..300).contains(&code)) {
        return None;
    }
    if let Some((notify, (code, reason))) = results().find(|(_, (code, _))| *code >= 300) {
        return Some(
            finding_of(view.call, &RULE, refer)
                .also(notify)
                .fact("result", code)
                .fact("result_reason", reason)
                .variant(Some("target-failed"))
                .seen(),
        );
    }
    // RFC 4488 §4: both may agree that there will be no NOTIFY.
    let without_reports = [refer.request(), accepted.message()]
        .into_iter()
        .flatten()
        .any(|it| other_field(it, b"Refer-Sub").is_some_and(|it| it.starts_with(b"false")));
    let over = view
        .call
        .of(&Method::Bye)
        .any(|bye| is_same_dialog(bye, refer) && bye.start() < accepted.time() + PATIENCE);
    let known = refer.request().is_some_and(|it| !it.is_cut()) && accepted.message().is_some();
    let silent = reports.is_empty()
        && known
        && !without_reports
        && !over
        && !view.is_one_directional(refer)
        && view.watched_since(accepted.time()) >= PATIENCE;
    silent.then(|| {
        finding_of(view.call, &RULE, refer)
            .fact("code", accepted.code)
            .fact("waited", PATIENCE)
            .confidence(view.confidence().min(Confidence::Likely))
            .variant(Some("not-reported"))
    })
}

/// The NOTIFYs about it, by whoever accepted it.
fn reports<'a>(
    view: &CallView<'a>,
    refer: &'a Transaction,
    accepted: &'a Response,
) -> impl Iterator<Item = &'a Transaction> {
    // What comes behind another REFER is about that one.
    let next = view
        .call
        .attempt(refer)
        .filter(|other| other.cseq != refer.cseq)
        .map(Transaction::start)
        .filter(|time| *time > refer.start())
        .min();
    view.call.of(&Method::Notify).filter(move |notify| {
        let from_acceptor = notify.from.tag == accepted.to_tag || notify.from.tag == refer.to.tag;
        from_acceptor
            && notify.to.tag == refer.from.tag
            // It may overtake the answer to the REFER.
            && notify.start() > refer.start()
            && next.is_none_or(|next| notify.start() < next)
            && notify.request().is_none_or(is_about_refer)
    })
}

/// Several REFERs in a dialog are told apart by an id, which few stacks send (RFC 3515 §2.4.6).
fn is_about_refer(notify: &Message) -> bool {
    notify
        .header(HeaderName::Event)
        .is_none_or(|event| event.to_ascii_lowercase().starts_with(b"refer"))
}

/// The status line that a NOTIFY carries (RFC 3420).
fn progress(notify: &Transaction) -> Option<(u64, String)> {
    let body = notify.request()?.body().trim_ascii_start();
    let line = body.split(|&byte| byte == b'\n').next()?.trim_ascii();
    let rest = line.strip_prefix(b"SIP/2.0 ")?;
    let text = String::from_utf8_lossy(rest);
    let (code, reason) = text.split_once(' ').unwrap_or((&text, ""));
    let reason = reason.chars().take(crate::limits::MAX_TEXT).collect();
    Some((code.parse().ok()?, reason))
}

/// Whom the call was to be handed to, without what the URI carries beside.
fn target(refer: &Transaction) -> Option<String> {
    let value = refer.request()?.header(HeaderName::ReferTo)?;
    let uri = NameAddr::of(&value).uri;
    let bare = uri.split(|&byte| byte == b'?').next().unwrap_or(uri);
    let text = String::from_utf8_lossy(bare);
    Some(text.chars().take(crate::limits::MAX_TEXT).collect())
}

/// Whether a later try of the same side went well (guard G-OUTCOME).
fn succeeded_later(view: &CallView<'_>, refer: &Transaction) -> bool {
    view.call.attempt(refer).any(|other| {
        other.start() > refer.start()
            && other.cseq != refer.cseq
            && other.final_response().is_some_and(|accepted| {
                accepted.is_success()
                    && reports(view, other, accepted)
                        .filter_map(progress)
                        .any(|(code, _)| (200..300).contains(&code))
            })
    })
}

fn other_field(message: &Message, name: &[u8]) -> Option<Vec<u8>> {
    let (_, value) = message
        .fields()
        .find(|(it, _)| it.eq_ignore_ascii_case(name))?;
    Some(value.to_ascii_lowercase())
}
