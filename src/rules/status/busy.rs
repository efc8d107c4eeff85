//! Busy without ringing, faster than a telephone is asked: a setting of one telephone, or a host that is never anything else.

use super::explain::Explained;
use crate::dialog::{Call, Surroundings};
use crate::rules::{CallView, Fact, Finding};
use crate::thresholds::Thresholds;
use crate::transaction::{Response, Transaction};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// One call was busy at once.
const AT_ONCE: &str = "busy-at-once";
/// So was every other call to the same host.
const ALWAYS: &str = "always-busy";

/// What can be said when the call is judged; `None` when somebody may have been asked.
pub(super) fn told(
    view: &CallView<'_>,
    transaction: &Transaction,
    response: &Response,
    after: Duration,
) -> Option<Explained> {
    if !Call::is_quick_busy(transaction) {
        return None;
    }
    let calls = always(view.surroundings, view.thresholds, response.flow.src.ip());
    let explained = match calls {
        Some(calls) => Explained::new(ALWAYS).fact("calls", calls),
        None => Explained::new(AT_ONCE),
    };
    Some(explained.fact("after", after))
}

/// Says of all calls to a host the same, once the capture is over: the first ones were judged before the others were seen.
pub(in crate::rules) fn settle(
    findings: &mut [Finding],
    surroundings: &Surroundings,
    thresholds: &Thresholds,
) {
    let busy = findings
        .iter_mut()
        .filter(|finding| matches!(finding.variant, Some(AT_ONCE | ALWAYS)));
    for finding in busy {
        let host = match finding.get("dst") {
            Some(Fact::Text(address)) => address.parse().ok().map(|it: SocketAddr| it.ip()),
            _ => None,
        };
        let calls = host.and_then(|host| always(surroundings, thresholds, host));
        finding.variant = Some(if calls.is_some() { ALWAYS } else { AT_ONCE });
        finding.facts.retain(|(name, _)| *name != "calls");
        if let Some(calls) = calls {
            finding.facts.push(("calls", calls.into()));
        }
    }
}

/// How many INVITEs a host has decided, when it was busy at once for every one of several.
fn always(surroundings: &Surroundings, thresholds: &Thresholds, host: IpAddr) -> Option<u64> {
    surroundings
        .always_busy(host)
        .filter(|calls| *calls >= thresholds.several_calls)
}
