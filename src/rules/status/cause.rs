//! A refusal whose Q.850 cause says something else than its code (RFC 3326, RFC 6432): gateways and B2BUAs map codes, the cause
//! is what the network behind them said (RFC 3398 §7.2.4.1).

use super::explain::Explained;
use super::reasons;
use crate::transaction::Response;

/// The cause where it says something else than the code.
pub(super) const DIFFERS: &str = "cause-differs";

/// What the cause of a refusal says where its code says something else; `None` when they agree, or there is no cause.
pub(in crate::rules) fn differing(response: &Response) -> Option<u64> {
    // Codes that stand for anything. The others name a reason of their own.
    if !matches!(response.code, 480 | 500 | 502 | 503 | 504 | 603) {
        return None;
    }
    let causes = reasons(response.message()?, "q.850");
    let mut causes = causes.into_iter().map(|it| it.cause);
    causes.find(|cause| codes(*cause).is_some_and(|fit| !fit.contains(&response.code)))
}

pub(super) fn told(response: &Response) -> Option<Explained> {
    Some(Explained::new(DIFFERS).fact("cause", differing(response)?))
}

/// Whether it says that somebody was busy or did not answer: that is how telephones work, whatever the code.
pub(in crate::rules) fn is_ordinary(response: &Response) -> bool {
    matches!(differing(response), Some(BUSY | NO_ANSWER))
}

const BUSY: u64 = 17;
const NO_ANSWER: u64 = 19;

/// The codes of those above that go with a cause about the called side (RFC 3398 §7.2.4.1); `None` for causes that go with
/// any: of the network, of resources, of interworking.
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
