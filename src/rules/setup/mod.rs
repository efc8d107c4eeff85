//! How a call is set up: ringing, reliable provisionals, ACK and CANCEL, forks, loops, redirections, and the way that the
//! requests of the new dialog take.

pub(super) mod ack_malformed;
pub(super) mod ack_misrouted;
pub(super) mod ack_not_effective;
pub(super) mod answered_despite_cancel;
pub(super) mod callid_reused;
pub(super) mod cancel_481;
pub(super) mod cancel_before_provisional;
pub(super) mod cancel_without_487;
pub(super) mod early_media_missing_sdp;
pub(super) mod failed_after_next_hop_timeout;
pub(super) mod forked_dialogs;
pub(super) mod merged_request_482;
pub(super) mod multiple_2xx;
pub(super) mod no_ringback;
mod passes;
pub(super) mod pdd_high;
pub(super) mod prack_missing;
pub(super) mod prack_not_effective;
pub(super) mod prack_rejected;
pub(super) mod record_route_bypassed;
pub(super) mod redirect_loop;
pub(super) mod redirect_not_followed;
mod redirection;
pub(super) mod ringing_never_ends;
mod route;
pub(super) mod routing_loop_483;
pub(super) mod rseq_missing;
pub(super) mod slow_first_response;
pub(super) mod spiral;

use crate::dialog::Call;
use crate::sip::value::list;
use crate::sip::{HeaderName, Message, Method};
use crate::time::Timestamp;
use crate::transaction::{Sends, Transaction};
use smallvec::SmallVec;
use std::time::Duration;

/// The shortest time in which two messages may cross on a hop: what looks like a repeat after the answer was on its way
/// before it.
const CROSSING_AT_LEAST: Duration = Duration::from_millis(50);
/// The longest: a satellite hop and a busy server.
const CROSSING_AT_MOST: Duration = Duration::from_secs(2);

/// As many as nearly all calls have without asking for memory.
type Invites<'a> = SmallVec<[&'a Transaction; 8]>;

/// The INVITEs of a call, the hop nearest to the callee first: what happens there is repeated on the others.
fn deepest_first(call: &Call) -> Invites<'_> {
    let mut invites: Invites<'_> = call.of(&Method::Invite).collect();
    invites.sort_by_key(|invite| (std::cmp::Reverse(invite.via_count), invite.id));
    invites
}

/// The same, the hop nearest to the caller first: what the caller noticed.
fn nearest_first(call: &Call) -> Invites<'_> {
    let mut invites: Invites<'_> = call.of(&Method::Invite).collect();
    invites.sort_by_key(|invite| (invite.via_count, invite.id));
    invites
}

/// How long a message and its answer are under way on the hop of an INVITE and to the end of its dialog, as the call shows.
fn crossing(call: &Call, invite: &Transaction) -> Duration {
    let host = invite.flow.dst.ip();
    let shown = call.round_trip(host).max(call.round_trip_in_dialog(host));
    shown.map_or(CROSSING_AT_LEAST, |round_trip| {
        // No two are under way equally long.
        (round_trip + round_trip / 4).clamp(CROSSING_AT_LEAST, CROSSING_AT_MOST)
    })
}

/// How often a message was sent after a moment.
fn sent_after(sends: &Sends, moment: Timestamp) -> usize {
    sends.iter().filter(|seen| seen.time > moment).count()
}

/// Whether a comma-separated header field of a message has that option tag (RFC 3261 §19.2).
fn has_option(message: &Message, header: HeaderName, tag: &[u8]) -> bool {
    message
        .headers(header)
        .any(|value| list(&value).any(|option| option.eq_ignore_ascii_case(tag)))
}

/// Whether a message carries a session description; `None` when the capture does not have all of it (guard G-SNAP).
fn has_session(message: &Message) -> Option<bool> {
    (!message.is_cut()).then(|| !message.body().is_empty())
}

/// Text from the wire for a fact.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
