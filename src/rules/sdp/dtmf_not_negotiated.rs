//! `dtmf-not-negotiated`: digits have no way: not both sides know telephone events, and INFO is refused (RFC 4733 §2.5.1,
//! RFC 6086).

use super::{finding_of_offer, tell};
use crate::dialog::negotiation::{Description, Exchange};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::body::MediaType;
use crate::sip::sdp::Codec;
use crate::sip::{HeaderName, Message, Method};
use crate::transaction::{Response, Transaction};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "dtmf-not-negotiated",
    code: "SDP008",
    severity: Severity::Warning,
    guards: &[Guard::Loss, Guard::Snap],
    judge: Judge::CallWith(Has::INFO.and(Has::REFUSAL), judge),
    words: include_str!("dtmf_not_negotiated.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let infos = view.call.of(&Method::Info);
    for (info, refused, exchange, lacking) in infos.filter_map(|it| lost_digits(view, it)) {
        let refuser = view.call.answered_by(info);
        let finding = finding_of_offer(view, &RULE, exchange)
            .confidence(view.confidence())
            .variant(lacking.is_none().then_some("neither"))
            .fact("code", refused.code)
            .fact("dst", refuser.to_string())
            .fact("lacking", lacking.unwrap_or_default())
            .also(info);
        tell(found, finding, info, &["code"]);
    }
}

/// Whether this family tells of the refused INFO.
pub(super) fn tells(view: &CallView<'_>, request: &Transaction) -> bool {
    request.method == Method::Info && lost_digits(view, request).is_some()
}

/// A refused INFO with digits, its refusal, the offer and answer that hold, and which side lacks telephone events; `None` in
/// the last place when both do.
fn lost_digits<'a>(
    view: &CallView<'a>,
    info: &'a Transaction,
) -> Option<(
    &'a Transaction,
    &'a Response,
    &'a Exchange<'a>,
    Option<String>,
)> {
    let refusal = info.final_response()?;
    let refused = matches!(refusal.code, 405 | 406 | 415 | 469 | 488 | 501 | 606);
    if !refused || !info.request().is_some_and(has_digits) {
        return None;
    }
    let ends = (info.from.tag.as_deref(), info.to.tag.as_deref());
    let in_dialog = |it: &&Exchange<'_>| {
        let (from, to) = (it.transaction.from.tag.as_deref(), Some(it.to_tag));
        (from, to) == ends || (to, from) == ends
    };
    let agreed = view.negotiation.exchanges().iter().rev();
    let (exchange, answer) = agreed
        .filter(in_dialog)
        .filter(|it| it.time() < info.start())
        .find_map(|it| Some((it, it.answer()?)))?;
    let lacking = match (knows_events(&exchange.offer)?, knows_events(answer)?) {
        (true, true) => return None,
        (true, false) => view.negotiation.answerer(exchange),
        (false, true) => Some(view.negotiation.offerer(exchange)),
        (false, false) => None,
    };
    let lacking = lacking.map(|it| it.to_string());
    Some((info, refusal, exchange, lacking))
}

/// Whether the speech that is wanted goes with telephone events; `None` where none is wanted.
fn knows_events(description: &Description<'_>) -> Option<bool> {
    let mut audio = description.sdp.wanted("audio").peekable();
    audio.peek()?;
    Some(audio.any(|it| it.codecs().iter().any(Codec::is_dtmf)))
}

/// What vendors put digits into.
const TYPES: &[(&str, &str)] = &[
    ("application", "dtmf-relay"),
    ("application", "dtmf"),
    ("audio", "telephone-event"),
    ("application", "vnd.nortelnetworks.digits"),
];

fn has_digits(info: &Message) -> bool {
    let content_type = info.header(HeaderName::ContentType).unwrap_or_default();
    let media_type = MediaType::of(&content_type);
    TYPES
        .iter()
        .any(|(kind, subtype)| media_type.is(kind, subtype))
}
