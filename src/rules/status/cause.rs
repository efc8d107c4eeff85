//! A refusal whose Q.850 cause says something else than its code (RFC 3326, RFC 6432): gateways and B2BUAs map codes, the cause
//! is what the network behind them said (RFC 3398 §7.2.4.1).

use super::explain::Explained;
use super::{Reason, evidence, reasons};
use crate::transaction::Response;

/// The cause where it says something else than the code.
pub(super) const DIFFERS: &str = "cause-differs";

/// What the cause of a refusal says where its code says something else; `None` when they agree, or there is no cause.
pub(in crate::rules) fn differing(response: &Response) -> Option<u64> {
    let of_anything = matches!(response.code, 480 | 500 | 502 | 503 | 504 | 603);
    let of_callee = matches!(
        response.code,
        403 | 404 | 408 | 410 | 480 | 484 | 486 | 600 | 603 | 604
    );
    if !of_anything && !of_callee {
        return None;
    }
    of(response).into_iter().find(|cause| match codes(*cause) {
        Some(fit) => of_anything && !fit.contains(&response.code),
        None => of_callee && is_of_network(*cause),
    })
}

/// The Q.850 causes of a response; of one that is not kept, the one of its first Reason.
pub(in crate::rules) fn of(response: &Response) -> Vec<u64> {
    let reasons = match response.message() {
        Some(message) => {
            let reasons = reasons(message, "q.850");
            if reasons.is_empty() {
                return evidence::field(message, OF_ASTERISK)
                    .and_then(|it| it.trim().parse().ok())
                    .into_iter()
                    .collect();
            }
            reasons
        }
        None => {
            let noted = response.evidence("Reason");
            let noted = noted.and_then(|it| Reason::of(it.as_bytes()));
            noted
                .filter(|it| it.protocol == "q.850")
                .into_iter()
                .collect()
        }
    };
    reasons.into_iter().map(|it| it.cause).collect()
}

/// Where chan_sip says it.
const OF_ASTERISK: &str = "X-Asterisk-HangupCauseCode";

pub(super) fn told(response: &Response) -> Option<Explained> {
    Some(Explained::new(DIFFERS).fact("cause", differing(response)?))
}

/// Whether it says that somebody was busy or did not answer: that is how telephones work, whatever the code.
pub(in crate::rules) fn is_ordinary(response: &Response) -> bool {
    matches!(differing(response), Some(BUSY | NO_ANSWER))
}

const BUSY: u64 = 17;
/// No answer from user, who was alerted.
pub(in crate::rules) const NO_ANSWER: u64 = 19;

/// Whether the network is out of order, or has no circuit or no room: true of nobody who is called (RFC 3398 §7.2.4.1 makes
/// 503 of it).
const fn is_of_network(cause: u64) -> bool {
    matches!(cause, 34 | 38 | 41 | 42 | 44 | 47)
}

/// Whether it says in a BYE that nobody hung up: the network is out of order, or a timer ran out (ITU-T Q.850 §2.2.5).
pub(super) const fn ends_calls(cause: u64) -> bool {
    is_of_network(cause) || cause == TIMER_EXPIRED
}

/// Recovery on timer expiry: a session timer, or one for media.
const TIMER_EXPIRED: u64 = 102;

/// The codes that stand for anything and go with a cause about the called side (RFC 3398 §7.2.4.1); `None` for causes that
/// go with any: of the network, of resources, of interworking.
const fn codes(cause: u64) -> Option<&'static [u64]> {
    match cause {
        // The number is not known, not complete or another one now, or there is no way to it; or it is busy.
        1..=3 | BUSY | 22 | 28 => Some(&[]),
        NO_ANSWER => Some(&[480]),
        20 => Some(&[480, 603]),
        21 => Some(&[603]),
        _ => None,
    }
}
