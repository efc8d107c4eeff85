//! Why an INVITE with an offer was refused with 488, 606 or 415: what the refusal says, and what the offer asks for.

use super::{Media, Sdp};
use crate::dialog::negotiation::{Exchange, Outcome};
use crate::rules::{CallView, Finding, Rule};
use crate::severity::Confidence;
use crate::sip::HeaderName;
use crate::sip::body::MediaType;
use crate::sip::sdp::Content;
use crate::sip::value;
use crate::transaction::Response;

/// What it was refused for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Codecs,
    Encryption,
    Addresses,
}

/// A refused initial offer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal<'a> {
    pub(super) exchange: &'a Exchange<'a>,
    pub(super) response: &'a Response,
    pub(super) reason: Reason,
    pub(super) confidence: Confidence,
}

/// The refused initial offers of a call for which a reason can be told, the hop nearest to the caller first.
pub(super) fn all<'a>(view: &CallView<'a>) -> impl Iterator<Item = Refusal<'a>> {
    let mut all: Vec<_> = view.negotiation.exchanges().iter().filter_map(of).collect();
    all.sort_by_key(|it| {
        (
            it.exchange.transaction.via_count,
            it.exchange.transaction.id,
        )
    });
    all.into_iter()
}

/// Why an initial offer was refused; `None` when it was not, or not for its media.
pub(super) fn of<'a>(exchange: &'a Exchange<'a>) -> Option<Refusal<'a>> {
    let Outcome::Refused(response) = exchange.outcome else {
        return None;
    };
    let offer = &exchange.offer.sdp;
    let asked = exchange.is_initial() && !offer.media.is_empty() && !offer.damaged;
    if !asked || !matches!(response.code, 415 | 488 | 606) {
        return None;
    }
    let (reason, confidence) = reason(exchange, response)?;
    Some(Refusal {
        exchange,
        response,
        reason,
        confidence,
    })
}

fn reason(exchange: &Exchange<'_>, response: &Response) -> Option<(Reason, Confidence)> {
    use Confidence::{Certain, Likely};
    let offer = &exchange.offer.sdp;
    let said = Said::of(response);
    if said.has(ENCRYPTION_WORDS) {
        return Some((Reason::Encryption, Certain));
    }
    if said.has(CODEC_WORDS) || said.codes.iter().any(|it| matches!(it, 304 | 305)) {
        return Some((Reason::Codecs, Certain));
    }
    // RFC 3261 §20.43: network protocol, address format; the transport is RTP/AVP or RTP/SAVP.
    match said.codes.iter().find(|it| **it != MISCELLANEOUS) {
        Some(300 | 301) => return Some((Reason::Addresses, Certain)),
        Some(302) if is_rtp(offer) => return Some((Reason::Encryption, Likely)),
        // It says what it does not like, and that is something else.
        Some(_) => return None,
        None => {}
    }
    if let Some(Content::Description(able)) = response.message().map(Content::of)
        && let Some(reason) = disagreement(offer, &able)
    {
        return Some((reason, Certain));
    }
    if response.code == 415 {
        return accepts_sdp(exchange, response).then_some((Reason::Codecs, Likely));
    }
    Some(if asks_for_encryption(offer) {
        (Reason::Encryption, Likely)
    } else {
        (Reason::Codecs, Likely)
    })
}

const ENCRYPTION_WORDS: &[&str] = &[
    "srtp",
    "savp",
    "crypto",
    "encrypt",
    "dtls",
    "fingerprint",
    "media security",
    "secure media",
];
const CODEC_WORDS: &[&str] = &[
    "codec",
    "media format",
    "payload type",
    "rtpmap",
    "noanscodec",
    "incompatible media",
];

/// Warning 399 is text alone.
const MISCELLANEOUS: u64 = 399;

/// What a response says of its reasons, in Warning, Reason and the reason phrase.
struct Said {
    codes: Vec<u64>,
    text: String,
}

impl Said {
    fn of(response: &Response) -> Self {
        let mut said = Self {
            codes: Vec::new(),
            text: response.reason.to_ascii_lowercase(),
        };
        let warning = response.evidence("Warning").unwrap_or_default();
        for value in value::list(warning.as_bytes()) {
            let value = String::from_utf8_lossy(value);
            let mut words = value.splitn(3, ' ');
            said.codes
                .extend(words.next().and_then(|it| it.parse::<u64>().ok()));
            // The second word is a host, whose name says nothing.
            said.text.push('\n');
            said.text
                .push_str(&words.nth(1).unwrap_or_default().to_ascii_lowercase());
        }
        said.text.push('\n');
        said.text.push_str(
            &response
                .evidence("Reason")
                .unwrap_or_default()
                .to_ascii_lowercase(),
        );
        said
    }

    fn has(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.text.contains(word))
    }
}

/// What keeps an offer from what the other side says that it can do (RFC 3261 §21.4.26); `None` when nothing does.
fn disagreement(offer: &Sdp<'_>, able: &Sdp<'_>) -> Option<Reason> {
    let (wanted, can) = (audio(offer), audio(able));
    if wanted.is_empty() || can.is_empty() {
        return None;
    }
    let secure = |media: &[&Media<'_>], secure| media.iter().any(|it| it.is_secure() == secure);
    let is_common = |it| secure(&wanted, it) && secure(&can, it);
    if !is_common(true) && !is_common(false) {
        return Some(Reason::Encryption);
    }
    let has_common = wanted
        .iter()
        .any(|one| can.iter().any(|other| in_common(one, other)));
    (!has_common).then_some(Reason::Codecs)
}

/// Whether two lines have an encoding of the medium itself in common.
pub(super) fn in_common(one: &Media<'_>, other: &Media<'_>) -> bool {
    let theirs = other.codecs();
    let ours = one.codecs();
    let mut media = ours.iter().filter(|it| it.is_medium());
    media.any(|codec| theirs.iter().any(|it| it.is_same(codec)))
}

/// What a capability description leaves out of the ports is 0 (RFC 3264 §9): they do not count there.
fn audio<'s, 'a>(sdp: &'s Sdp<'a>) -> Vec<&'s Media<'a>> {
    sdp.media
        .iter()
        .filter(|it| it.is("audio") && it.is_rtp())
        .collect()
}

fn is_rtp(sdp: &Sdp<'_>) -> bool {
    sdp.media.iter().any(Media::is_rtp)
}

/// Whether all speech that it offers is encrypted, so that who cannot do that has nothing to choose.
pub(super) fn asks_for_encryption(offer: &Sdp<'_>) -> bool {
    let mut wanted = offer.wanted("audio").peekable();
    wanted.peek().is_some() && wanted.all(Media::is_secure)
}

/// RFC 3261 §21.4.13: a 415 lists the types that it takes. Where the type of this body is among them, it means the media.
fn accepts_sdp(exchange: &Exchange<'_>, response: &Response) -> bool {
    let is_sdp = |value: &[u8]| MediaType::of(value).is("application", "sdp");
    let sent = exchange.offer.message.header(HeaderName::ContentType);
    let message = response.message();
    let accepted = message.is_some_and(|it| {
        it.headers(HeaderName::Accept)
            .any(|value| value::list(&value).any(is_sdp))
    });
    accepted && sent.is_some_and(|it| is_sdp(&it))
}

/// The finding about a refusal: on all hops that it passed, by whom it was made.
pub(super) fn finding(view: &CallView<'_>, rule: &'static Rule, refusal: &Refusal<'_>) -> Finding {
    let (exchange, response) = (refusal.exchange, refusal.response);
    let hops = || {
        view.call.attempt(exchange.transaction).filter(|it| {
            it.final_code() == Some(response.code) && it.cseq == exchange.transaction.cseq
        })
    };
    let deepest = view
        .call
        .behind(exchange.transaction, response)
        .map_or(response, |(_, made)| made);
    let mut finding = super::finding_of(view, rule, exchange)
        .confidence(if view.lossy {
            Confidence::Possible
        } else {
            refusal.confidence
        })
        .fact("code", response.code)
        .fact("reason", &*response.reason);
    for (name, fact) in [
        ("Warning", "warning"),
        ("Reason", "reason_header"),
        ("Server", "server"),
    ] {
        finding = finding.fact_if(fact, deepest.evidence(name));
    }
    if let Some(Content::Description(able)) = deepest.message().map(Content::of) {
        finding = finding.fact("supported", capabilities(&able));
    }
    for hop in hops() {
        finding = finding.also(hop);
    }
    finding.note_if(view.came_right(exchange.transaction))
}

/// As [`super::formats`], also of lines with port 0.
fn capabilities(able: &Sdp<'_>) -> String {
    let mut able = able.clone();
    for medium in &mut able.media {
        medium.port = medium.port.max(1);
    }
    super::formats(&able)
}
