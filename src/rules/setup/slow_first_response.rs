//! `slow-first-response`: the first response to an INVITE takes so long that the INVITE is sent again (RFC 3261 §17.2.1: 100
//! within 200 ms).

use super::deepest_first;
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::transaction::{Transaction, timers};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "slow-first-response",
    code: "TXN015",
    severity: Severity::Warning,
    guards: &[Guard::Loss, Guard::Vantage],
    judge: Judge::Call(judge),
    words: include_str!("slow_first_response.toml"),
};

/// What comes this soon after a retransmission may be the answer to that one, the first having been lost.
const PROMPT: Duration = Duration::from_millis(200);

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for invite in deepest_first(view.call) {
        let Some(slow) = slow(view, invite) else {
            continue;
        };
        let (severity, confidence) = if slow.is_proven {
            (Severity::Warning, view.confidence())
        } else {
            (Severity::Info, Confidence::Possible)
        };
        let same = |it: &&mut Finding| it.rule.name == RULE.name && it.severity == severity;
        if let Some(known) = found.iter_mut().find(same) {
            *known = known.clone().also(invite);
            continue;
        }
        found.push(
            Finding::of(&RULE, invite)
                .severity(severity)
                .confidence(confidence)
                .fact("dst", invite.flow.dst.to_string())
                .fact("delay", slow.delay)
                .fact("code", slow.code)
                .fact("sends", slow.sends),
        );
    }
}

struct Slow {
    delay: Duration,
    code: u64,
    /// How often the INVITE was sent until then.
    sends: usize,
    /// Whether the delay cannot be a lost datagram.
    is_proven: bool,
}

fn slow(view: &CallView<'_>, invite: &Transaction) -> Option<Slow> {
    let (sent, first) = invite.requests.first().zip(invite.responses.first())?;
    let delay = first.time().since(sent.time);
    let before = || {
        invite
            .requests
            .iter()
            .take_while(|seen| seen.time <= first.time())
    };
    let sends = before().count();
    let last = before().last()?;
    if invite.flow.transport.is_reliable() {
        return (delay > view.thresholds.slow_response).then_some(Slow {
            delay,
            code: first.code,
            sends,
            is_proven: true,
        });
    }
    if sends < 2 {
        return None;
    }
    let t1 = timers::estimate_t1(&invite.requests).unwrap_or(view.thresholds.t1);
    (delay > t1).then(|| Slow {
        delay,
        code: first.code,
        sends,
        is_proven: first.time().since(last.time) > PROMPT,
    })
}
