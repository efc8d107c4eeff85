//! Legs: which Call-IDs are one call that went through a B2BUA, and by which rule that is known (guard G-B2BUA).

mod beginning;

pub use beginning::Beginning;

use crate::fetch::{STEP, fetch};
use crate::flow::Flow;
use crate::hash::{HashMap, KeyMap, NumberMap};
use crate::limits::{MAX_LEG_CHILDREN, MAX_LEG_DEPTH, MAX_LEG_KEYS, MAX_LEG_LINKS};
use crate::time::Timestamp;
use beginning::Mark;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// How two legs were told to belong together, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkedBy {
    /// The same session identifier (RFC 7989).
    SessionId,
    /// The same IMS charging identity (RFC 7315 §5.6).
    ChargingVector,
    /// A header field that names the other leg's Call-ID, or the same identifier of a vendor.
    Header,
    /// One Call-ID is the other with a prefix or a suffix.
    CallId,
    /// The same SDP origin or the same media address.
    Sdp,
    /// The same users, on to the next hop within two seconds.
    Users,
}

impl LinkedBy {
    /// The name in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SessionId => "session-id",
            Self::ChargingVector => "charging-vector",
            Self::Header => "header",
            Self::CallId => "call-id",
            Self::Sdp => "sdp",
            Self::Users => "users",
        }
    }
}

/// From a leg to the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The Call-ID of the leg before it.
    pub from: Arc<[u8]>,
    /// How that is known.
    pub by: LinkedBy,
    /// When it began.
    pub began: Timestamp,
    /// How the INVITE of the leg before it arrived, where that had a signed caller number (RFC 8224).
    pub signed: Option<Flow>,
}

/// Header fields in which B2BUAs name the other leg's Call-ID, or an identifier of the call.
pub const CALL_ID_HEADERS: [&str; 8] = [
    "X-Call-ID",
    "X-CID",
    "X-CallID",
    "X-Original-Call-ID",
    "X-Orig-Call-ID",
    "X-Inbound-Call-ID",
    "X-Parent-Call-ID",
    "X-Correlation-ID",
];

/// How long after a leg the next one may begin: a B2BUA that looks things up, or tries other routes first.
const WINDOW: Duration = Duration::from_secs(30);
/// The same where only the users and the hosts tell.
const AT_ONCE: Duration = Duration::from_secs(2);
/// Identifiers shorter than this belong to too many calls.
const TELLING: usize = 8;
/// Places at which a Call-ID is tried as a longer form of another one.
const CUTS: usize = 8;

/// The legs that began lately, and the links among all.
#[derive(Debug, Default)]
pub struct Legs {
    known: KeyMap<Known>,
    /// The legs behind one that is known, which have the same value, in the order in which they began; most calls have none.
    chains: NumberMap<u64, Vec<Arc<Leg>>>,
    order: VecDeque<(Timestamp, u64)>,
    links: HashMap<Arc<[u8]>, Link>,
    linked: VecDeque<Arc<[u8]>>,
    children: HashMap<Arc<[u8]>, Vec<Arc<[u8]>>>,
    /// What became of those that are linked.
    fates: HashMap<Arc<[u8]>, Fate>,
    refused: u64,
}

/// What became of a leg, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
struct Fate {
    /// The first response that tells the caller something.
    progressed: Option<Timestamp>,
    /// The first 2xx to its INVITE.
    answered: Option<Timestamp>,
    /// The last final response to its INVITE that is no challenge.
    code: Option<u64>,
    /// The first BYE.
    hung_up: Option<Timestamp>,
}

/// A leg that is known by one of its values; it has several.
#[derive(Debug)]
struct Known {
    leg: Arc<Leg>,
    /// Another call has the same value, so that it tells nothing.
    shared: bool,
}

#[derive(Debug)]
struct Leg {
    call_id: Arc<[u8]>,
    flow: Flow,
    began: Timestamp,
    /// Whether it has an Identity.
    signed: bool,
}

impl Legs {
    /// Notes an initial INVITE that began a transaction, on whatever hop.
    pub fn invite(
        &mut self,
        beginning: &Beginning,
        call_id: &Arc<[u8]>,
        flow: Flow,
        time: Timestamp,
    ) {
        self.expire(time);
        let marks = &beginning.marks;
        if !self.links.contains_key(call_id) {
            let parent = marks
                .iter()
                .filter_map(|mark| Some((mark.by, self.parent(mark, call_id, flow, time)?)))
                .min_by_key(|(by, _)| *by);
            if let Some((by, leg)) = parent {
                let link = Link {
                    from: leg.call_id.clone(),
                    by,
                    began: time,
                    signed: leg.signed.then_some(leg.flow),
                };
                self.link(call_id, link);
            }
        }
        let leg = Arc::new(Leg {
            call_id: call_id.clone(),
            flow,
            began: time,
            signed: beginning.signed,
        });
        let mut last = None;
        for told in marks.iter().map(|mark| mark.told) {
            // Those that ask for several forms of a value tell one, one after the other.
            if last.replace(told) != Some(told) {
                self.remember(told, &leg);
            }
        }
    }

    /// Has the places brought into the cache where an INVITE is looked up.
    pub fn fetch(&self, beginning: &Beginning) {
        for mark in &beginning.marks {
            self.known.fetch(mark.asked);
            if mark.told != mark.asked {
                self.known.fetch(mark.told);
            }
        }
    }

    /// Does the same of the legs that stand there, once they are in it.
    pub fn fetch_legs(&self, beginning: &Beginning) {
        let known = beginning
            .marks
            .iter()
            .map(|mark| self.known.get(mark.asked));
        known.flatten().for_each(|known| fetch(&*known.leg));
    }

    /// The link to the leg before; `None` when there is none.
    pub fn link_of(&self, call_id: &[u8]) -> Option<&Link> {
        self.links.get(call_id)
    }

    /// The legs behind a leg, in the order in which they began.
    pub fn behind(&self, call_id: &[u8]) -> &[Arc<[u8]>] {
        self.children.get(call_id).map_or(&[], Vec::as_slice)
    }

    /// Notes a BYE.
    pub fn bye(&mut self, call_id: &Arc<[u8]>, time: Timestamp) {
        if let Some(fate) = self.fate_mut(call_id) {
            fate.hung_up.get_or_insert(time);
        }
    }

    /// Notes a response to an INVITE outside a dialog, on whatever hop.
    pub fn response(&mut self, call_id: &Arc<[u8]>, code: u64, time: Timestamp) {
        // 100 comes from the next hop, and a challenge is answered with another INVITE.
        if matches!(code, 100 | 401 | 407) {
            return;
        }
        let Some(fate) = self.fate_mut(call_id) else {
            return;
        };
        if matches!(code, 101..300 | 486 | 600 | 603) {
            fate.progressed.get_or_insert(time);
        }
        if (200..300).contains(&code) {
            fate.answered.get_or_insert(time);
        }
        if code >= 200 {
            fate.code = Some(code);
        }
    }

    /// Whether the leg before this one, which was not answered, may still get another answer; `false` where there is none before.
    pub fn is_undecided_before(&self, call_id: &[u8]) -> bool {
        let before = self.link_of(call_id).map(|link| &link.from);
        self.fate(call_id).answered.is_none()
            && before.is_some_and(|before| self.fate(before).code.is_none())
    }

    /// The leg that was answered after `began` in the place of this one or of the one that it belongs to, which were not (guard
    /// G-OUTCOME): the element before them went on to it, or tried it at the same time.
    pub fn answered_instead(&self, call_id: &[u8], began: Timestamp) -> Option<&Arc<[u8]>> {
        let mut leg = call_id;
        for _ in 0..MAX_LEG_DEPTH {
            if self.fate(leg).answered.is_some() {
                break;
            }
            let before = &self.link_of(leg)?.from;
            let beside = self.behind(before).iter().find(|other| {
                let answered = self.fate(other).answered;
                ***other != *leg && answered.is_some_and(|at| at > began)
            });
            if beside.is_some() {
                return beside;
            }
            leg = before;
        }
        None
    }

    /// The leg whose refusal was passed on to the leg before this one, which was refused with another code.
    pub fn refused_instead(&self, call_id: &[u8], code: u64) -> Option<&Arc<[u8]>> {
        let before = &self.link_of(call_id)?.from;
        let passed_on = self.fate(before).code?;
        let mut beside = self.behind(before).iter();
        beside.find(|other| {
            passed_on >= 300
                && passed_on != code
                && ***other != *call_id
                && self.fate(other).code == Some(passed_on)
        })
    }

    /// When each leg behind a leg began, and when it first told its caller something, in the order in which they began.
    pub fn tried_behind(
        &self,
        call_id: &[u8],
    ) -> impl Iterator<Item = (Timestamp, Option<Timestamp>)> {
        let legs = self.behind(call_id).iter();
        legs.filter_map(|leg| Some((self.link_of(leg)?.began, self.fate(leg).progressed)))
    }

    fn fate(&self, call_id: &[u8]) -> Fate {
        self.fates.get(call_id).copied().unwrap_or_default()
    }

    fn fate_mut(&mut self, call_id: &Arc<[u8]>) -> Option<&mut Fate> {
        let is_leg = self.links.contains_key(call_id) || self.children.contains_key(call_id);
        let room = self.fates.len() < 2 * MAX_LEG_LINKS || self.fates.contains_key(call_id);
        (is_leg && room).then(|| self.fates.entry(Arc::clone(call_id)).or_default())
    }

    /// When the legs before and behind a leg were hung up, as far as they were.
    pub fn hung_up_beside(&self, call_id: &[u8]) -> impl Iterator<Item = Timestamp> {
        let before = self.link_of(call_id).map(|link| &link.from);
        let beside = before.into_iter().chain(self.behind(call_id));
        beside.filter_map(|leg| self.fate(leg).hung_up)
    }

    /// How many legs and identifiers could not be remembered.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    fn parent(
        &self,
        mark: &Mark,
        call_id: &Arc<[u8]>,
        flow: Flow,
        time: Timestamp,
    ) -> Option<&Leg> {
        let Known { leg: first, shared } = self.known.get(mark.asked)?;
        let behind = self.chains.get(&mark.asked).map_or(&[][..], Vec::as_slice);
        let fits = |leg: &&Arc<Leg>| {
            let age = time.since(leg.began);
            leg.call_id != *call_id
                && !shared
                // The same client with a new Call-ID tries again; it is no leg of its own.
                && leg.flow.src.ip() != flow.src.ip()
                && leg.began <= time
                && (mark.by != LinkedBy::Users || age <= AT_ONCE || self.hunts(&leg.call_id))
                && self.link_of(&leg.call_id).is_none_or(|link| link.from != *call_id)
        };
        // What is the same on all legs of a chain does not tell which one is the last; where it went does.
        let leads_here = |leg: &&Arc<Leg>| leg.flow.dst.ip() == flow.src.ip() && fits(leg);
        let leg = (behind.iter().rev().find(leads_here)).or_else(|| Some(first).filter(fits))?;
        Some(leg)
    }

    /// Whether a leg that has no answer yet was carried on before: when one route fails the next one is tried, however long
    /// that took.
    fn hunts(&self, call_id: &[u8]) -> bool {
        !self.behind(call_id).is_empty() && self.fate(call_id).code.is_none()
    }

    fn link(&mut self, call_id: &Arc<[u8]>, link: Link) {
        if self.links.len() >= MAX_LEG_LINKS
            && let Some(oldest) = self.linked.pop_front()
            && let Some(gone) = self.links.remove(&oldest)
        {
            self.children.remove(&gone.from);
            self.fates.remove(&gone.from);
            self.fates.remove(&oldest);
            self.refused += 1;
        }
        let children = self.children.entry(link.from.clone()).or_default();
        if children.len() >= MAX_LEG_CHILDREN {
            self.refused += 1;
            return;
        }
        children.push(call_id.clone());
        self.linked.push_back(call_id.clone());
        self.links.insert(call_id.clone(), link);
    }

    fn remember(&mut self, key: u64, leg: &Arc<Leg>) {
        if let Some(known) = self.known.get_mut(key) {
            if known.leg.call_id == leg.call_id {
                return;
            }
            let behind = self.chains.get(&key).map_or(&[][..], Vec::as_slice);
            let is_chained = self.links.get(&leg.call_id).is_some_and(|link| {
                let mut chain = [&known.leg].into_iter().chain(behind);
                chain.any(|it| it.call_id == link.from)
            });
            if is_chained {
                let is_there = behind.iter().any(|it| it.call_id == leg.call_id);
                if !is_there && behind.len() < MAX_LEG_CHILDREN {
                    self.chains.entry(key).or_default().push(Arc::clone(leg));
                }
                return;
            }
            // Of calls that follow each other the last one counts; of those at the same time, none.
            known.shared = leg.began.since(known.leg.began) <= AT_ONCE;
            known.leg = Arc::clone(leg);
            self.chains.remove(&key);
            self.order.push_back((leg.began, key));
            return;
        }
        if self.known.len() >= MAX_LEG_KEYS {
            self.refused += 1;
            return;
        }
        let known = Known {
            leg: Arc::clone(leg),
            shared: false,
        };
        self.known.insert(key, known);
        self.order.push_back((leg.began, key));
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some(&(began, key)) = self.order.front() {
            if now.since(began) <= WINDOW {
                break;
            }
            self.order.pop_front();
            if let Some((_, later)) = self.order.get(STEP) {
                self.known.fetch(*later);
            }
            if self.known.get(key).is_some_and(|it| it.leg.began == began) {
                self.known.remove(key);
                self.chains.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests;
