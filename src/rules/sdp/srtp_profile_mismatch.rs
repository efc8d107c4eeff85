//! `srtp-profile-mismatch`: one side wants encrypted media and the other does not, or not that way (RFC 3711, RFC 4568,
//! RFC 5763).

use super::refusal::{self, Reason};
use super::{clip, finding_of, pairs, tell};
use crate::dialog::negotiation::Exchange;
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::sdp::{Media, Sdp};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "srtp-profile-mismatch",
    code: "SDP002",
    severity: Severity::Error,
    guards: &[Guard::Loss, Guard::Snap, Guard::Outcome],
    judge: Judge::Call(judge),
    words: include_str!("srtp_profile_mismatch.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for refused in refusal::all(view).filter(|it| it.reason == Reason::Encryption) {
        let offer = &refused.exchange.offer.sdp;
        let asked = refusal::asks_for_encryption(offer);
        let variant = match (asked, refused.confidence) {
            (true, Confidence::Certain) => None,
            (true, _) => Some("unsaid"),
            (false, _) => Some("wanted"),
        };
        let finding = refusal::finding(view, &RULE, &refused)
            .variant(variant)
            .fact("profile", profile(offer));
        tell(
            found,
            finding,
            refused.exchange.transaction,
            &["code", "dst"],
        );
    }
    for exchange in view.negotiation.exchanges() {
        let Some(fault) = fault(exchange) else {
            continue;
        };
        let finding = finding_of(view, &RULE, exchange)
            .variant(Some(fault.variant))
            .confidence(if view.lossy {
                Confidence::Possible
            } else {
                fault.confidence
            })
            .fact("profile", fault.offered)
            .fact("answered", fault.answered)
            .note_if(super::came_right(view, exchange, |later| {
                later.answer().is_some() && self::fault(later).is_none()
            }));
        tell(
            found,
            finding,
            exchange.transaction,
            &["profile", "answered"],
        );
    }
}

struct Fault {
    variant: &'static str,
    confidence: Confidence,
    offered: String,
    answered: String,
}

fn fault(exchange: &Exchange<'_>) -> Option<Fault> {
    let offer = &exchange.offer.sdp;
    let answer = &exchange.answer()?.sdp;
    if offer.damaged || answer.damaged || offer.media.len() != answer.media.len() {
        return None;
    }
    let told = |variant, confidence, offered: String, answered: String| {
        Some(Fault {
            variant,
            confidence,
            offered,
            answered,
        })
    };
    let refused = pairs(offer, answer)
        .filter(|(one, _)| one.is("audio") && one.port != 0)
        .all(|(_, other)| other.port == 0);
    if refused && exchange.is_initial() && refusal::asks_for_encryption(offer) {
        let zero = "m=audio 0".to_owned();
        return told("refused-audio", Confidence::Likely, profile(offer), zero);
    }
    for (one, other) in pairs(offer, answer) {
        let speaks = |it: &Media<'_>| it.is_rtp() && it.port != 0;
        // RFC 5939 §3.5.2: the answer may take another profile than that of the m= line, and says so.
        if !speaks(one) || !speaks(other) || other.attribute("acfg").is_some() {
            continue;
        }
        if one.is_secure() != other.is_secure() {
            let names = (clip(one.profile), clip(other.profile));
            return told("profiles-differ", Confidence::Certain, names.0, names.1);
        }
        if !other.is_secure() {
            continue;
        }
        let (offered, answered) = (Keys::of(offer), Keys::of(answer));
        if answered.is_empty() {
            let profile = clip(other.profile);
            return told(
                "keys-missing",
                Confidence::Certain,
                profile.clone(),
                profile,
            );
        }
        if !offered.is_empty() && !offered.meets(&answered) {
            let names = (offered.names(), answered.names());
            return told("keys-differ", Confidence::Certain, names.0, names.1);
        }
    }
    None
}

/// Where keys come from, by the attributes that say so. With BUNDLE one medium speaks for all (RFC 9143), so the
/// whole description counts.
struct Keys(Vec<&'static str>);

const KEYS: &[&str] = &["crypto", "fingerprint", "key-mgmt", "zrtp-hash"];

impl Keys {
    fn of(sdp: &Sdp<'_>) -> Self {
        let has = |name: &&&str| {
            let of_media = sdp.media.iter().flat_map(|it| &it.attributes);
            let mut all = sdp.attributes.iter().chain(of_media);
            all.any(|(key, _)| key == *name)
        };
        Self(KEYS.iter().filter(has).copied().collect())
    }

    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn meets(&self, other: &Self) -> bool {
        self.0.iter().any(|it| other.0.contains(it))
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.0.iter().map(|it| format!("a={it}")).collect();
        names.join(", ")
    }
}

/// The profile of the first medium that is wanted.
fn profile(sdp: &Sdp<'_>) -> String {
    let mut wanted = sdp.media.iter().filter(|it| it.port != 0 && it.is_rtp());
    clip(wanted.next().map_or("", |it| it.profile))
}
