//! `auth-cseq-not-incremented`: a retry with credentials has the CSeq number of the request that was challenged (RFC 3261
//! §22.2).

use super::{challenged, is_echo, same_hop};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "auth-cseq-not-incremented",
    code: "SEC012",
    severity: Severity::Warning,
    guards: &[Guard::Outcome],
    judge: Judge::CallWith(Has::CHALLENGE.and(Has::CREDENTIALS), judge),
    words: include_str!("cseq_not_incremented.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for retry in &view.call.transactions {
        if retry.credentials.is_empty() {
            continue;
        }
        // A retry is what answers the nonce of that challenge; forks of one request have one number as well.
        let before = view.call.attempt(retry).find(|earlier| {
            earlier.id < retry.id
                && earlier.cseq == retry.cseq
                && same_hop(earlier, retry)
                && challenged(earlier).is_some_and(|response| {
                    response.time() <= retry.start()
                        && response.challenges.iter().any(|challenge| {
                            let answers = |it: &crate::transaction::Transaction| {
                                it.credentials.iter().any(|used| {
                                    used.realm == challenge.realm && used.nonce == challenge.nonce
                                })
                            };
                            answers(retry) && !answers(earlier)
                        })
                })
        });
        let Some(before) = before else {
            continue;
        };
        // What is answered as a new request does no harm.
        let harmful = matches!(retry.final_code(), Some(400 | 401 | 407 | 482 | 500));
        let finding = Finding::of(&RULE, retry)
            .also(before)
            .fact("method", retry.method.name())
            .fact("cseq", retry.cseq)
            .fact("src", retry.flow.src.to_string())
            .fact("dst", retry.flow.dst.to_string())
            .fact_if("code", retry.final_code())
            .severity_at_most(if harmful {
                Severity::Warning
            } else {
                Severity::Info
            })
            .note_if(view.came_right(retry));
        if !is_echo(found, &finding, &["method", "src"]) {
            found.push(finding);
        }
    }
}
