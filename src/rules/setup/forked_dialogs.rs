//! `forked-dialogs`: one INVITE reached several targets, each with a dialog of its own (RFC 3261 §12.1, §16.7).

use super::nearest_first;
use crate::dialog::Call;
use crate::rules::{CallView, Finding, Has, Judge, Rule};
use crate::severity::Severity;
use crate::transaction::{Response, Transaction};
use std::collections::BTreeSet;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "forked-dialogs",
    code: "DLG018",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::CallWith(Has::FORKS, judge),
    words: include_str!("forked_dialogs.toml"),
};

/// Branches named.
const SHOWN: usize = 8;

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let invites: Vec<_> = nearest_first(view.call)
        .into_iter()
        .filter(|it| !it.in_dialog())
        .collect();
    let parallel = invites.iter().find_map(|first| {
        let branches = branches(view.call, first);
        (branches.len() > 1).then_some(branches)
    });
    let by_tags = invites
        .iter()
        .map(|invite| (invite, tags(invite)))
        .find(|(_, tags)| tags.len() > 1);
    let (mut finding, count, rows) = match (parallel, by_tags) {
        (Some(branches), _) => {
            let rows = branches
                .iter()
                .map(|it| format!("{} {}", it.flow.dst, codes(&it.sequence())));
            let rows = rows.take(SHOWN).collect::<Vec<_>>().join("; ");
            let Some((first, others)) = branches.split_first() else {
                return;
            };
            let mut finding = Finding::of(&RULE, first);
            for other in others {
                finding = finding.also(other);
            }
            (finding, branches.len(), rows)
        }
        (None, Some((invite, tags))) => {
            let rows = tags.iter().map(|tag| {
                let of_fork = invite
                    .responses
                    .iter()
                    .filter(|it| it.to_tag.as_deref() == Some(*tag));
                let codes: Vec<_> = of_fork.map(|it| it.code).collect();
                format!("{} {}", super::text(tag), self::codes(&codes))
            });
            let rows = rows.take(SHOWN).collect::<Vec<_>>().join("; ");
            (Finding::of(&RULE, invite), tags.len(), rows)
        }
        (None, None) => return,
    };
    finding = finding.fact("branches", count).fact("rows", rows);
    found.push(finding);
}

/// The To tags of the dialogs that responses to an INVITE form.
fn tags(invite: &Transaction) -> BTreeSet<&[u8]> {
    invite
        .responses
        .iter()
        .filter(|it| it.code > 100 && it.code < 300)
        .filter_map(|it| it.to_tag.as_deref())
        .collect()
}

/// The INVITEs that one host sent on in parallel with this one, itself included: on the same hop, before it was over.
fn branches<'a>(call: &'a Call, first: &'a Transaction) -> Vec<&'a Transaction> {
    let over = first.final_response().map(Response::time);
    let others = call.initial_invites().filter(|it| {
        it.id > first.id
            && it.flow.src == first.flow.src
            && it.via_count == first.via_count
            && it.cseq == first.cseq
            && it.from.tag == first.from.tag
            && it.branch != first.branch
            && (it.flow.dst != first.flow.dst || it.request_uri != first.request_uri)
            && over.is_none_or(|over| it.start() < over)
            // A target that never answered, or could not be reached, was given up for the next one.
            && !(first.responses.is_empty()
                && (first.requests.repeats() > 0 || !first.icmp.is_empty()))
    });
    std::iter::once(first).chain(others).collect()
}

fn codes(codes: &[u64]) -> String {
    let codes: Vec<_> = codes.iter().map(u64::to_string).collect();
    if codes.is_empty() {
        "-".to_owned()
    } else {
        codes.join(" ")
    }
}
