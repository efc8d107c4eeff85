//! `nat-keepalive-missing`: a client behind a NAT is silent for longer than NATs remember it, and what is sent to it then gets
//! no answer until it speaks itself (RFC 5626 §4.4, RFC 4787 §4.3).

use crate::dialog::{Asked, Wake};
use crate::limits::MAX_FRAMES_SHOWN;
use crate::rules::{CaptureView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::transaction::{Sighting, TransactionId};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "nat-keepalive-missing",
    code: "NET026",
    severity: Severity::Warning,
    guards: &[Guard::OneWay, Guard::Loss],
    judge: Judge::Capture(judge),
    words: include_str!("nat_keepalive_missing.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    for (id, wake) in view.surroundings.bindings().wakes() {
        let (Some(asked), Some(spoke)) = (&wake.asked, wake.spoke) else {
            continue;
        };
        let deaf = spoke.time.since(asked.time);
        // It may have spoken in a gap of the capture (guard G-LOSS).
        let was_blind = (view.gaps.iter())
            .any(|(from, to)| *from < spoke.time && asked.time.since(*to) < wake.idle);
        if deaf < DEAF || asked.sends < SENDS || was_blind {
            continue;
        }
        let confidence = if view.lossy || deaf > SOON {
            Confidence::Possible
        } else {
            Confidence::Likely
        };
        found.push(told(id, wake, asked, spoke).confidence(confidence));
    }
}

fn told(id: TransactionId, wake: &Wake, asked: &Asked, spoke: Sighting) -> Finding {
    let mut finding = Finding::of_capture(&RULE, asked.time)
        .fact("to", String::from_utf8_lossy(&asked.to).into_owned())
        .fact("method", asked.method.name())
        .fact("src", asked.flow.src.to_string())
        .fact("dst", asked.flow.dst.to_string())
        .fact("idle", wake.idle)
        .fact("deaf", spoke.time.since(asked.time))
        .fact("sends", asked.sends)
        .fact_if("moved", wake.moved.map(|to| to.to_string()))
        .variant(wake.moved.map(|_| "moved"));
    finding.call_id = Some(asked.call_id.clone());
    finding.transactions = std::iter::once(id)
        .chain(wake.more.iter().copied())
        .collect();
    finding.frames.clone_from(&asked.frames);
    finding.frames.truncate(MAX_FRAMES_SHOWN - 1);
    finding.frames.push(spoke.frame);
    finding.frames.sort_unstable();
    finding.frames.dedup();
    finding
}

/// For less, the way is only long.
const DEAF: Duration = Duration::from_secs(1);
/// One lost packet is no NAT.
const SENDS: usize = 2;
/// Who comes back later than this may as well have been switched off.
const SOON: Duration = Duration::from_mins(5);
