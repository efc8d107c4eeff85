//! What re-INVITEs and UPDATEs of a dialog were for: each side's description is compared with its one before.

use super::look;
use crate::dialog::Dialog;
use crate::hash::HashSet;
use crate::sip::sdp::Sdp;
use crate::sip::{HeaderName, Message, Method};
use crate::transaction::{Response, Transaction};

/// What a re-INVITE or UPDATE asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To put the other side on hold.
    Hold,
    /// To take it back.
    Resume,
    /// To go on with fax by T.38.
    Fax,
    /// To send the media elsewhere.
    Move,
    /// Other codecs or media.
    Recode,
    /// Nothing new: the session timer is started again (RFC 4028 §7.4).
    Refresh,
    /// No description, or the capture lacks what it is compared with.
    Unknown,
}

impl Purpose {
    /// The variant of words that names it.
    pub(super) const fn variant(self) -> Option<&'static str> {
        match self {
            Self::Hold => Some("hold"),
            Self::Fax => Some("t38"),
            Self::Move => Some("address"),
            Self::Recode => Some("codec"),
            Self::Refresh => Some("refresh"),
            // A finding of its own, or nothing to name.
            Self::Resume | Self::Unknown => None,
        }
    }

    fn of(offer: Option<&Sdp<'_>>, before: Option<&Sdp<'_>>) -> Self {
        let Some(offer) = offer else {
            return Self::Unknown;
        };
        let was = |test: fn(&Sdp<'_>) -> bool| before.is_some_and(test);
        if look::is_fax(offer) && !was(look::is_fax) {
            return Self::Fax;
        }
        if look::holds(offer) && !was(look::holds) {
            return Self::Hold;
        }
        let Some(before) = before else {
            return Self::Unknown;
        };
        if look::holds(before) && !look::holds(offer) {
            Self::Resume
        } else if look::recoded(before, offer) {
            Self::Recode
        } else if look::moved(before, offer) {
            Self::Move
        } else {
            Self::Refresh
        }
    }
}

/// A re-INVITE or UPDATE, on the hop nearest to its sender.
#[derive(Clone, Debug)]
pub(super) struct Change<'a> {
    pub(super) request: &'a Transaction,
    pub(super) by_caller: bool,
    pub(super) purpose: Purpose,
    pub(super) offer: Option<Sdp<'a>>,
    /// The description in its 2xx.
    pub(super) answer: Option<Sdp<'a>>,
    /// Whether the other side had put this one on hold before.
    pub(super) held_by_other: bool,
}

/// All of them in their order.
pub(super) fn changes<'a>(dialog: &Dialog<'a>) -> Vec<Change<'a>> {
    let first = dialog.invites.first().copied();
    // The last description of the callee and of the caller.
    let mut last = [
        dialog
            .answer()
            .and_then(Response::message)
            .and_then(Sdp::of),
        first.and_then(offered),
    ];
    let mut seen = HashSet::default();
    let mut all = Vec::new();
    for &request in &dialog.requests {
        let is_update = request.method == Method::Update;
        if !is_update && request.method != Method::Invite {
            continue;
        }
        let by_caller = dialog.is_by_caller(request);
        if !seen.insert((by_caller, request.cseq, is_update)) {
            continue;
        }
        let offer = offered(request);
        let [answering, calling] = &last;
        let (own, other) = if by_caller {
            (calling, answering)
        } else {
            (answering, calling)
        };
        let mut purpose = Purpose::of(offer.as_ref(), own.as_ref());
        let empty = request
            .request()
            .is_some_and(|it| !it.is_cut() && it.body().is_empty());
        if is_update && empty {
            purpose = Purpose::Refresh;
        }
        let held_by_other = other.as_ref().is_some_and(look::holds);
        let answer = success(request)
            .and_then(Response::message)
            .and_then(Sdp::of);
        if success(request).is_some() {
            let (mine, theirs) = (usize::from(by_caller), usize::from(!by_caller));
            for (side, sdp) in [(mine, &offer), (theirs, &answer)] {
                if let (Some(slot), Some(sdp)) = (last.get_mut(side), sdp) {
                    *slot = Some(sdp.clone());
                }
            }
        }
        all.push(Change {
            request,
            by_caller,
            purpose,
            offer,
            answer,
            held_by_other,
        });
    }
    all
}

/// The description of the side that sends the request: in it, or in the ACK where the 2xx had the offer.
fn offered(request: &Transaction) -> Option<Sdp<'_>> {
    let in_ack = || request.acks.iter().find_map(|ack| ack.message());
    let of_request = request.request().and_then(Sdp::of);
    of_request.or_else(|| in_ack().and_then(Sdp::of))
}

fn success(request: &Transaction) -> Option<&Response> {
    request.final_response().filter(|it| it.is_success())
}

/// What a Session-Expires says (RFC 4028 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SessionExpires {
    /// The session interval in seconds.
    pub(super) seconds: u64,
    /// Whether the side that sent the request refreshes; `None` when it does not say.
    pub(super) by_requester: Option<bool>,
}

impl SessionExpires {
    /// `None` when the message has none.
    pub(super) fn of(message: &Message) -> Option<Self> {
        let seconds = message.number(HeaderName::SessionExpires)?;
        let value = message.header(HeaderName::SessionExpires)?;
        let says = |name: &[u8]| {
            value
                .to_ascii_lowercase()
                .split(|&byte| byte == b';')
                .any(|param| {
                    let param: Vec<u8> = param.iter().copied().filter(|it| *it != b' ').collect();
                    param.strip_prefix(b"refresher=") == Some(name)
                })
        };
        let by_requester = if says(b"uac") {
            Some(true)
        } else if says(b"uas") {
            Some(false)
        } else {
            None
        };
        Some(Self {
            seconds,
            by_requester,
        })
    }
}
