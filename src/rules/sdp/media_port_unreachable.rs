//! `media-port-unreachable`: ICMP says that media of an answered call cannot be delivered where its SDP wants them
//! (RFC 3264 §5.1, RFC 1122 §4.1.3.3).

use super::clip;
use crate::capture::FrameNumber;
use crate::dialog::Dialog;
use crate::dialog::media_errors::{MediaError, Quoted};
use crate::dialog::negotiation::{Description, Outcome};
use crate::frame::IcmpKind;
use crate::hash::HashSet;
use crate::limits::MAX_FRAMES_SHOWN;
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::Method;
use crate::sip::sdp::Media;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "media-port-unreachable",
    code: "RTP001",
    severity: Severity::Error,
    guards: &[Guard::Outcome],
    judge: Judge::Call(judge),
    words: include_str!("media_port_unreachable.toml"),
};

/// FINDINGS section 6: who hangs up closes its ports, and a capture may show the BYE later.
const TEARDOWN: Duration = Duration::from_millis(500);
/// A B2BUA passes a BYE on, and media are sent on the leg behind it until then.
const PASSED_ON: Duration = Duration::from_secs(5);
/// A host that answers with ICMP at all does so once a second (RFC 1812 §4.3.2.8, RFC 4443 §2.4 let it limit the rate).
const NEXT_ERROR: Duration = Duration::from_secs(2);
/// Media begin at the answer: a port about which nobody complained for so long was open.
const OPEN_FOR: Duration = Duration::from_millis(1500);
/// As much where the capture does not show whether more was sent.
const QUIET: Duration = Duration::from_secs(5);
/// Descriptions looked at that want media at one address: the first and what holds and resumes change.
const LOOKED_AT: usize = 16;

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let errors = view.surroundings.media_errors();
    if errors.is_empty() {
        return;
    }
    let call = Known::of(view);
    let places = call.places();
    let relayed = call.hung_up_beside();
    let mut faults: BTreeMap<(SocketAddr, bool), Fault<'_, '_>> = BTreeMap::new();
    for (address, wanted) in &places {
        let stays: Vec<_> = wanted.iter().map(|it| (it, call.stay(it))).collect();
        let mut take = |error, latched| {
            if is_left_over(error, &relayed) {
                return None;
            }
            let (place, phase) = stays
                .iter()
                .filter_map(|(place, stay)| Some((*place, stay.phase(place, error, latched)?)))
                .max_by_key(|(_, phase)| *phase)?;
            let about = if latched { error.dst } else { place.rtp };
            let fault = (faults.entry((about, latched))).or_insert_with(|| Fault::new(place));
            fault.take(place, phase, error);
            Some(())
        };
        for error in errors.to(*address) {
            take(error, false);
        }
        // Who sends to where media come from sends from where it wants its own (RFC 4961).
        for error in errors.from(*address) {
            if error.quoted == Quoted::Rtp && !places.contains_key(&error.dst) {
                take(error, true);
            }
        }
    }
    for ((dst, latched), fault) in faults {
        found.extend(fault.tell(view, dst, latched));
    }
}

/// Whether an error is about what was still on its way when somebody hung up on another leg of the same call.
fn is_left_over(error: &MediaError, hung_up: &[Timestamp]) -> bool {
    let first = error.first.time;
    (hung_up.iter()).any(|bye| first >= bye.minus(TEARDOWN) && first.since(*bye) < PASSED_ON)
}

/// What a call says of its media.
struct Known<'v> {
    view: &'v CallView<'v>,
    dialogs: Vec<Dialog<'v>>,
    /// Messages with offers that were refused.
    refused: HashSet<FrameNumber>,
    /// Whether the capture has the beginning of the call.
    begins: bool,
}

/// An address at which a side wants a medium, or its RTCP.
struct Place<'v> {
    by: &'v Description<'v>,
    medium: &'v Media<'v>,
    rtp: SocketAddr,
    /// Whether it is the port for RTCP alone.
    of_rtcp: bool,
}

/// From when to when media belong to a place; the ends are `None` where there is no such time.
struct Stay {
    early: Option<(Timestamp, Timestamp)>,
    talks: Vec<Talk>,
}

/// The same between answer and BYE.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Talk {
    until: Option<Timestamp>,
    from: Timestamp,
    /// Whether the side whose place it is hung up.
    by_owner: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Before the answer.
    Early,
    /// Between answer and BYE.
    Talk(Talk),
}

impl<'v> Known<'v> {
    fn of(view: &'v CallView<'v>) -> Self {
        let exchanges = view.negotiation.exchanges().iter();
        Self {
            view,
            dialogs: view.call.dialogs(),
            refused: exchanges
                .filter(|it| matches!(it.outcome, Outcome::Refused(_)))
                .map(|it| it.offer.seen.frame)
                .collect(),
            begins: view.call.initial_invites().next().is_some(),
        }
    }

    /// When somebody hung up on a leg that is not that of the media alone: under another Call-ID, or between the same two
    /// ends of a B2BUA under this one. A fork that was let go ends nothing.
    fn hung_up_beside(&self) -> Vec<Timestamp> {
        let forks = |of: &Dialog<'_>| {
            let same = |it: &&Dialog<'_>| it.caller_tag == of.caller_tag;
            self.dialogs.iter().filter(same).count() > 1
        };
        let here = (self.dialogs.iter())
            .filter(|it| !forks(it))
            .filter_map(|it| Some(it.bye()?.start()));
        let legs = self.view.legs;
        legs.hung_up_beside(&self.view.call.call_id)
            .chain(here)
            .collect()
    }

    fn places(&self) -> BTreeMap<SocketAddr, Vec<Place<'v>>> {
        let mut places: BTreeMap<SocketAddr, Vec<Place<'v>>> = BTreeMap::new();
        for by in self.view.negotiation.descriptions() {
            for (medium, rtp) in media(by) {
                for (address, of_rtcp) in [(Some(rtp), false), (rtcp(medium, rtp), true)] {
                    let Some(address) = address else {
                        continue;
                    };
                    let own = places.entry(address).or_default();
                    if own.len() < LOOKED_AT {
                        own.push(Place {
                            by,
                            medium,
                            rtp,
                            of_rtcp,
                        });
                    }
                }
            }
        }
        places
    }

    fn stay(&self, place: &Place<'_>) -> Stay {
        let by = place.by;
        let since = by.seen.time;
        let moved = self.moved(place).map(|it| it.minus(TEARDOWN));
        let own = self.dialogs.iter().filter(|it| belongs(by, it));
        let talks = own.filter_map(|dialog| {
            let began = match dialog.answered() {
                Some(answered) => answered.max(since),
                // The call began before the capture.
                None if !self.begins => since,
                None => return None,
            };
            let bye = dialog.bye();
            let hung_up = bye.map(|it| it.start().minus(TEARDOWN));
            let until = hung_up.into_iter().chain(moved).min();
            let by_owner = bye.is_some_and(|it| it.from.tag.as_deref() == Some(by.writer));
            Some(Talk {
                until,
                from: began,
                by_owner: by_owner && until == hung_up,
            })
        });
        let is_refused = by.transaction.in_dialog() && self.refused.contains(&by.seen.frame);
        Stay {
            talks: if is_refused {
                Vec::new()
            } else {
                talks.collect()
            },
            early: early_end(by).map(|end| (since, end)),
        }
    }

    /// When the same side first wanted its media elsewhere.
    fn moved(&self, place: &Place<'_>) -> Option<Timestamp> {
        let by = place.by;
        let later = self.view.negotiation.descriptions().filter(|it| {
            it.seen.time > by.seen.time
                && it.writer == by.writer
                && it.is_on_hop_of(by)
                && !self.refused.contains(&it.seen.frame)
        });
        let mut elsewhere = later.filter(|it| !media(it).any(|(_, rtp)| rtp == place.rtp));
        elsewhere.next().map(|it| it.seen.time)
    }
}

/// Whether a description is one of a dialog's: a caller's first offer is one of all forks'.
fn belongs(by: &Description<'_>, dialog: &Dialog<'_>) -> bool {
    let is_side = |tag: &[u8]| tag == dialog.caller_tag || tag == dialog.callee_tag;
    let (from, to) = (&by.transaction.from.tag, &by.transaction.to.tag);
    let in_dialog = by.transaction.in_dialog();
    is_side(by.writer)
        && from.as_deref().is_some_and(is_side)
        && (!in_dialog || to.as_deref().is_some_and(is_side))
}

/// Until when a caller is open for ringback and announcements, as it has to be from its offer on (RFC 3264 §5.1); `None` for
/// all other descriptions.
fn early_end(by: &Description<'_>) -> Option<Timestamp> {
    let invite = by.transaction;
    let is_first_offer = by.message.status().is_none()
        && by.message.method() == Some(Method::Invite)
        && !invite.in_dialog();
    if !is_first_offer {
        return None;
    }
    let ended = invite.final_response().map(|it| {
        if it.is_success() {
            it.time()
        } else {
            it.time().minus(TEARDOWN)
        }
    });
    let given_up = invite.cancelled.map(|it| it.time.minus(TEARDOWN));
    ended.into_iter().chain(given_up).min()
}

impl Stay {
    fn phase(&self, place: &Place<'_>, error: &MediaError, latched: bool) -> Option<Phase> {
        let (first, last) = (error.first.time, error.last.time);
        // An ICE agent tries addresses, and what is too short to tell may be one of its tries.
        if place.by.sdp.uses_ice(place.medium) && error.quoted == Quoted::Unknown {
            return None;
        }
        // Who does not want media, as on hold, need not take them.
        if !latched && !place.by.sdp.direction_of(place.medium).receives() {
            return None;
        }
        let talk = self.talks.iter().find(|it| {
            let ends_before = it.until.is_none_or(|until| last < until);
            last >= it.from
                && it.until.is_none_or(|until| first < until)
                && (first >= it.from || ends_before)
        });
        if let Some(talk) = talk {
            return Some(Phase::Talk(*talk));
        }
        let (from, until) = self.early?;
        (error.quoted == Quoted::Rtp
            && !place.of_rtcp
            && !latched
            && first >= from
            && first < until)
            .then_some(Phase::Early)
    }
}

/// What is wrong at one address.
struct Fault<'v, 'e> {
    place: &'e Place<'v>,
    phase: Phase,
    /// Whether any of the datagrams was RTP, and not only RTCP.
    of_rtp: bool,
    errors: Vec<&'e MediaError>,
}

impl<'v, 'e> Fault<'v, 'e> {
    const fn new(place: &'e Place<'v>) -> Self {
        Self {
            place,
            phase: Phase::Early,
            of_rtp: false,
            errors: Vec::new(),
        }
    }

    /// Of RTP and RTCP the former counts, of talk and what was before it also.
    fn take(&mut self, place: &'e Place<'v>, phase: Phase, error: &'e MediaError) {
        let muxed = place.by.sdp.has(place.medium, "rtcp-mux");
        let of_rtcp =
            place.of_rtcp || (error.quoted == Quoted::Rtcp && !muxed && place.medium.is_rtp());
        let rank = |of_rtp: bool, phase: Phase| (of_rtp, phase != Phase::Early);
        let (had, has) = (rank(self.of_rtp, self.phase), rank(!of_rtcp, phase));
        if has < had {
            return;
        }
        if has > had || self.errors.is_empty() {
            self.errors.clear();
            self.of_rtp = !of_rtcp;
            self.place = place;
        }
        self.phase = phase;
        self.errors.push(error);
    }

    fn tell(self, view: &CallView<'_>, dst: SocketAddr, latched: bool) -> Option<Finding> {
        let (first, last) = (self.errors.first()?, self.errors.last()?);
        let sent = view.surroundings.media_errors().last_sent(last.dst);
        let talk = match self.phase {
            Phase::Talk(talk) => Some(talk),
            Phase::Early => None,
        };
        let ended = talk.and_then(|it| it.until).unwrap_or(view.now);
        let (began, ceased) = (first.first.time, last.last.time);
        // What went there later met no error.
        let passed = sent.is_some_and(|it| it >= ceased + NEXT_ERROR);
        let may_have_passed =
            sent.is_none() && ceased.since(began) < NEXT_ERROR && ended >= ceased + QUIET;
        let on_the_way = last.kind != IcmpKind::PortUnreachable || last.reporter != last.dst.ip();
        let early = talk.is_none();
        let open = talk.is_some_and(|it| it.until.is_none());
        let received = |for_long| talk.is_some_and(|it| began.since(it.from) > for_long);
        let ends_soon = ended.since(began) < PASSED_ON;
        let by_owner = talk.is_some_and(|it| it.by_owner);
        let variant = match () {
            () if !self.of_rtp => Some("rtcp"),
            () if early => Some("early"),
            () if passed => Some("passed"),
            () if latched => Some("latched"),
            () if on_the_way => Some("on-the-way"),
            () => None,
        };
        let (severity, confidence) = match () {
            () if !self.of_rtp => (Severity::Info, Confidence::Certain),
            // Who closes a port that was open and then hangs up has hung up: the BYE came late, over TCP or by its repeats.
            () if by_owner && !open && ends_soon && received(OPEN_FOR) => {
                (Severity::Info, Confidence::Possible)
            }
            () if early || may_have_passed => (Severity::Warning, Confidence::Possible),
            // The capture may lack the BYE, and then these are what is left over from the call (guard G-LOSS).
            () if view.lossy && open => (Severity::Error, Confidence::Possible),
            () if open => (Severity::Error, Confidence::Likely),
            // Media had been received, and soon afterwards the call ended: the BYE that is seen may not be the first one.
            () if ends_soon && received(NEXT_ERROR) => (Severity::Error, Confidence::Likely),
            () if latched || !self.errors.iter().any(|it| it.quoted == Quoted::Rtp) => {
                (Severity::Error, Confidence::Likely)
            }
            () => (Severity::Error, Confidence::Certain),
        };
        let sides = self.errors.iter().flat_map(|it| [it.first, it.last]);
        let mut frames: Vec<_> = sides.map(|it| it.frame).collect();
        frames.push(self.place.by.seen.frame);
        frames.sort_unstable();
        frames.dedup();
        frames.truncate(MAX_FRAMES_SHOWN);
        let mut finding = Finding::of(&RULE, self.place.by.transaction)
            .severity(severity)
            .confidence(confidence)
            .variant(variant)
            .fact("reporter", last.reporter.to_string())
            .fact("kind", last.kind.name())
            .fact("src", last.src.to_string())
            .fact("dst", if self.of_rtp { dst } else { last.dst }.to_string())
            .fact("address", last.dst.ip().to_string())
            .fact("media", clip(self.place.medium.kind))
            .fact("count", self.errors.iter().map(|it| it.count).sum::<u64>())
            .fact("lasted", ceased.since(began))
            .note_if(self.of_rtp && !early && passed);
        finding.frames = frames;
        finding.time = began;
        Some(finding)
    }
}

/// The media over UDP that a description wants, each with its address.
fn media<'s>(by: &'s Description<'_>) -> impl Iterator<Item = (&'s Media<'s>, SocketAddr)> {
    let sdp = &by.sdp;
    sdp.media
        .iter()
        .filter(|it| it.port != 0 && !it.profile.to_ascii_uppercase().starts_with("TCP"))
        .filter(|it| it.is_rtp() || it.is_t38())
        .filter_map(|it| {
            let address = sdp.connection_of(it)?.ip()?;
            let is_one = !address.is_unspecified() && !address.is_multicast();
            is_one.then(|| (it, SocketAddr::new(address, it.port)))
        })
}

/// Where the RTCP of a medium is wanted: the next port, or that of `a=rtcp` (RFC 3605).
fn rtcp(medium: &Media<'_>, rtp: SocketAddr) -> Option<SocketAddr> {
    if !medium.is_rtp() {
        return None;
    }
    let mut words = (medium.attribute("rtcp").unwrap_or_default()).split_ascii_whitespace();
    let Some(port) = words.next().and_then(|it| it.parse().ok()) else {
        return Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?));
    };
    let address = words.nth(2).and_then(|it| it.parse().ok());
    let address = SocketAddr::new(address.unwrap_or(rtp.ip()), port);
    (address != rtp).then_some(address)
}
