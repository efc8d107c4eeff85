//! `t38-reinvite-rejected`: a change of an answered call to fax over IP was refused (ITU-T T.38 Annex D, RFC 6913).

use super::{finding_of, pairs, tell};
use crate::dialog::negotiation::{Exchange, Outcome};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::sdp::Media;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "t38-reinvite-rejected",
    code: "SDP009",
    severity: Severity::Warning,
    guards: &[Guard::Loss, Guard::Snap, Guard::Outcome],
    judge: Judge::CallWith(Has::CHANGE, judge),
    words: include_str!("t38_reinvite_rejected.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for refusal in view.negotiation.exchanges().iter().filter_map(refusal) {
        let exchange = refusal.exchange;
        let by_speech = super::came_right(view, exchange, |later| {
            let answer = later.answer();
            answer.is_some_and(|it| it.sdp.wanted("audio").next().is_some())
        });
        let later_taken = super::came_right(view, exchange, takes_fax);
        let response = exchange.transaction.final_response();
        let finding = finding_of(view, &RULE, exchange)
            .confidence(view.confidence())
            .variant(refusal.code.is_none().then_some("port-zero"))
            .fact_if("code", refusal.code)
            .fact_if(
                "reason",
                response
                    .filter(|_| refusal.code.is_some())
                    .map(|it| &*it.reason),
            )
            .fact_if("warning", response.and_then(|it| it.evidence("Warning")))
            .fact("fallback", u64::from(by_speech))
            .note_if(later_taken);
        tell(found, finding, exchange.transaction, &["code", "method"]);
    }
}

/// A refused change to fax.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal<'a> {
    pub(super) exchange: &'a Exchange<'a>,
    /// `None` where the answer has the port 0.
    pub(super) code: Option<u64>,
}

/// Whether and how a change to fax was refused.
pub(super) fn refusal<'a>(exchange: &'a Exchange<'a>) -> Option<Refusal<'a>> {
    let offer = &exchange.offer.sdp;
    let asks = exchange.transaction.in_dialog() && !offer.damaged;
    if !asks || !offer.media.iter().any(is_wanted) {
        return None;
    }
    let code = match &exchange.outcome {
        Outcome::Refused(response) if is_of_media(response.code) => Some(response.code),
        Outcome::Answered(answer) => {
            let mut fax = pairs(offer, &answer.sdp).filter(|(one, _)| is_wanted(one));
            let whole = !answer.sdp.damaged && answer.sdp.media.len() == offer.media.len();
            let refused = whole && fax.all(|(_, it)| it.port == 0);
            refused.then_some(None)?
        }
        _ => return None,
    };
    Some(Refusal { exchange, code })
}

fn is_wanted(medium: &Media<'_>) -> bool {
    medium.is_t38() && medium.port != 0
}

fn takes_fax(exchange: &Exchange<'_>) -> bool {
    exchange.offer.sdp.media.iter().any(is_wanted)
        && exchange
            .answer()
            .is_some_and(|it| it.sdp.media.iter().any(is_wanted))
}

/// Whether a refusal is one of the media, and not of the credentials, the dialog, the moment or the session timer.
const fn is_of_media(code: u64) -> bool {
    matches!(code, 400..=499 | 501 | 603 | 606)
        && !matches!(code, 401 | 407 | 408 | 422 | 481 | 487 | 491)
}
