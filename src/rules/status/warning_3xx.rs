//! `warning-3xx`: a response says with a Warning code what it objects to (RFC 3261 §20.43).

use super::said;
use crate::limits::{MAX_NOTES, MAX_TEXT};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::{HeaderName, Message};
use crate::transaction::{Response, Transaction};
use std::net::SocketAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "warning-3xx",
    code: "DLG045",
    severity: Severity::Warning,
    guards: &[Guard::Outcome],
    judge: Judge::CallWith(Has::WARNING, judge),
    words: include_str!("warning_3xx.toml"),
};

/// RFC 3261 §20.43: text for people, of which no program may make anything.
const MISCELLANEOUS: u64 = 399;

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for said in said(view.call) {
        let Some(response) = said.response else {
            continue;
        };
        for (code, text) in warnings(said.message) {
            let known = found
                .iter_mut()
                .find(|it| it.get("warning_code") == Some(&code.into()));
            if let Some(finding) = known {
                *finding = finding.clone().also(said.transaction);
                continue;
            }
            let refused = response.code >= 300 && !view.came_right(said.transaction);
            let severity = if refused && code != MISCELLANEOUS {
                Severity::Warning
            } else {
                Severity::Info
            };
            found.push(
                Finding::of(&RULE, said.transaction)
                    .severity(severity)
                    .fact("warning_code", code)
                    .fact("text", text)
                    .fact(
                        "src",
                        giver(view, said.transaction, response, code).to_string(),
                    )
                    .fact("place", said.place()),
            );
        }
    }
}

/// Who gave a Warning: of the hops that it passed the last one, as proxies add some of their own.
fn giver(
    view: &CallView<'_>,
    transaction: &Transaction,
    response: &Response,
    code: u64,
) -> SocketAddr {
    let same = |it: &&Transaction| {
        it.cseq == transaction.cseq
            && it.from.tag == transaction.from.tag
            && it.final_code() == Some(response.code)
    };
    let hops = view.call.of(&transaction.method).filter(same);
    let gave = hops.filter_map(|hop| {
        let last = hop.final_response()?;
        let mut given = warnings(last.message()?).into_iter();
        let gave = given.any(|(other, _)| other == code);
        gave.then_some((hop.via_count, last.flow.src))
    });
    let last = gave.max_by_key(|(via_count, _)| *via_count);
    last.map_or(response.flow.src, |(_, src)| src)
}

/// Code and text of each warning-value: `304 host "text"`.
fn warnings(message: &Message) -> Vec<(u64, String)> {
    message
        .headers(HeaderName::Warning)
        .flat_map(|value| {
            crate::sip::value::list(&value)
                .filter_map(|item| {
                    let item = String::from_utf8_lossy(item);
                    let (code, rest) = item.split_once(' ')?;
                    let (_, text) = rest.trim_start().split_once(' ').unwrap_or(("", rest));
                    let text = text.trim().trim_matches('"').chars().take(MAX_TEXT);
                    let code = code.parse().ok().filter(|code| (300..400).contains(code))?;
                    Some((code, text.collect()))
                })
                .collect::<Vec<_>>()
        })
        .take(MAX_NOTES)
        .collect()
}
