//! What two session descriptions of one side say of a change (RFC 3264 §8): which medium counts, whether it is on hold, and
//! what is different.

use crate::sip::sdp::{Direction, Media, Sdp};

/// Sound comes first, whatever else is offered.
fn main_medium<'s, 'a>(sdp: &'s Sdp<'a>) -> Option<&'s Media<'a>> {
    let mut used = sdp.media.iter().filter(|it| it.port != 0);
    let first = used.clone().next();
    used.find(|it| it.kind == "audio").or(first)
}

/// Which way the main medium flows, as this side sees it; `None` when none is in use.
pub(super) fn direction(sdp: &Sdp<'_>) -> Option<Direction> {
    main_medium(sdp).map(|it| sdp.direction_of(it))
}

/// Whether this side puts the other one on hold (RFC 3264 §8.4), by direction or by the address of RFC 2543.
pub(super) fn holds(sdp: &Sdp<'_>) -> bool {
    direction(sdp).is_some_and(|it| matches!(it, Direction::SendOnly | Direction::Inactive))
        || holds_by_address(sdp)
}

/// Whether it holds with the address 0.0.0.0.
pub(super) fn holds_by_address(sdp: &Sdp<'_>) -> bool {
    main_medium(sdp)
        .and_then(|it| sdp.connection_of(it))
        .is_some_and(|it| it.is_unspecified())
}

/// Whether it asks for fax by T.38.
pub(super) fn is_fax(sdp: &Sdp<'_>) -> bool {
    sdp.wanted("image").next().is_some()
}

/// Whether every medium is refused (RFC 3264 §6).
pub(super) fn refuses_all(sdp: &Sdp<'_>) -> bool {
    !sdp.media.is_empty() && main_medium(sdp).is_none()
}

/// Whether the media go somewhere else than before.
pub(super) fn moved(before: &Sdp<'_>, now: &Sdp<'_>) -> bool {
    place(before) != place(now)
}

/// Where the main medium is wanted.
fn place<'a>(sdp: &Sdp<'a>) -> Option<(Option<&'a str>, u16)> {
    let medium = main_medium(sdp)?;
    Some((sdp.connection_of(medium).map(|it| it.address), medium.port))
}

/// Whether media, profiles or formats are others than before.
pub(super) fn recoded(before: &Sdp<'_>, now: &Sdp<'_>) -> bool {
    before.media.len() != now.media.len()
        || before.media.iter().zip(&now.media).any(|(old, new)| {
            new.kind != old.kind
                || new.profile != old.profile
                || new.formats != old.formats
                || (new.port != 0) != (old.port != 0)
        })
}
