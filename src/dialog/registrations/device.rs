//! A device that registers, as far as the capture tells devices apart: what it did again and again (flapping).

use super::event::{Contact, Event};
use crate::capture::FrameNumber;
use crate::limits::{MAX_CONTACTS, MAX_REGISTERS_KEPT};
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use crate::transaction::TransactionId;
use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

/// Who registers one address-of-record at one registrar.
#[derive(Clone, Debug)]
pub(super) struct Device {
    instance: Option<Box<[u8]>>,
    call_id: Arc<[u8]>,
    source: IpAddr,
    /// Host and port of its contact.
    place: Box<str>,
    /// Contacts it has bound.
    live: Vec<Box<str>>,
    /// Until when the last of them is.
    until: Option<Timestamp>,
    /// Whether it was bound and is not any more.
    down: bool,
    /// Whether its credentials were challenged again, which takes nothing away and may only be a nonce that has grown old.
    challenged: bool,
    places: Vec<Box<str>>,
    /// Which of the devices of its account took its place at the registrar.
    evicted_by: Option<usize>,
    cycles: Turns,
    moves: Turns,
}

/// Notes whose place the device at `here` took with a success. True when it takes back the place of the one that had taken
/// its own.
pub(super) fn evict(devices: &mut [Device], here: usize, event: &Event) -> bool {
    let own = devices.get(here).map(|it| it.place.clone());
    // A registrar that rewrites contacts does not say whose are there.
    if own.is_none_or(|own| !event.beside.contains(&own)) {
        return false;
    }
    let before = devices.get_mut(here).and_then(|it| it.evicted_by.take());
    let mut back = false;
    for (at, other) in devices.iter_mut().enumerate() {
        if at != here && other.is_evicted_by(event) {
            other.evicted_by = Some(here);
            back |= before == Some(at);
        }
    }
    back
}

/// Something that happened again and again in a short time.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    recent: VecDeque<Timestamp>,
    /// How often.
    pub count: u64,
    /// When the first of those that came in quick succession was; `None` as long as they did not.
    pub since: Option<Timestamp>,
    /// The last one.
    pub last: Option<Timestamp>,
    /// The transactions behind it.
    pub transactions: Vec<TransactionId>,
    /// Their packets.
    pub frames: Vec<FrameNumber>,
}

impl Turns {
    pub(super) fn push(&mut self, event: &Event, thresholds: &Thresholds) {
        let turns = usize::try_from(thresholds.registration_turns).unwrap_or(usize::MAX);
        self.count += 1;
        self.last = Some(event.time);
        self.recent.push_back(event.time);
        if self.recent.len() > turns {
            self.recent.pop_front();
        }
        self.note(event);
        if let Some(&first) = self.recent.front()
            && self.recent.len() == turns
            && event.time.since(first) <= thresholds.registration_turns_within
        {
            self.since.get_or_insert(first);
        }
    }

    /// Keeps the packets of a step.
    fn note(&mut self, event: &Event) {
        if self.transactions.len() < MAX_REGISTERS_KEPT && !self.transactions.contains(&event.id) {
            self.transactions.push(event.id);
            self.frames.extend(&event.frames);
        }
    }
}

impl Device {
    pub(super) fn of(event: &Event, contact: &Contact) -> Self {
        Self {
            instance: event.instance.clone(),
            call_id: event.call_id.clone(),
            source: event.source,
            place: contact.place.clone(),
            live: Vec::new(),
            until: None,
            down: false,
            challenged: false,
            places: Vec::new(),
            evicted_by: None,
            cycles: Turns::default(),
            moves: Turns::default(),
        }
    }

    /// Whether an event is this device's: the same instance, the same Call-ID (RFC 3261 §10.2.4 asks a client to keep it),
    /// or the same address, as long as the registrar does not list both.
    pub(super) fn likeness(&self, event: &Event) -> u8 {
        match (&self.instance, &event.instance) {
            (Some(own), Some(other)) => 3 * u8::from(own == other),
            _ if self.call_id == event.call_id => 2,
            (None, None) => {
                let another = event
                    .contact
                    .as_ref()
                    .is_some_and(|it| it.place != self.place && event.beside.contains(&self.place));
                u8::from(self.source == event.source && !another)
            }
            _ => 0,
        }
    }

    pub(super) fn accepted(
        &mut self,
        event: &Event,
        contact: &Contact,
        until: Option<Timestamp>,
        thresholds: &Thresholds,
    ) {
        let ran_out = !self.live.is_empty() && self.until.is_some_and(|it| it < event.time);
        if self.down || ran_out {
            self.cycles.push(event, thresholds);
            self.live.clear();
        }
        self.down = false;
        self.challenged = false;
        self.moved(event, contact, thresholds);
        if !self.live.contains(&contact.key) && self.live.len() < MAX_CONTACTS {
            self.live.push(contact.key.clone());
        }
        self.until = until;
        self.call_id = event.call_id.clone();
        self.source = event.source;
    }

    pub(super) fn removed(&mut self, event: &Event) {
        match &event.contact {
            Some(contact) => self.live.retain(|it| *it != contact.key),
            None => self.live.clear(),
        }
        self.goes_down(event, self.live.is_empty());
    }

    pub(super) fn rejected(&mut self, event: &Event, code: u64) {
        let challenges = matches!(code, 401 | 407);
        if self.challenged || !challenges {
            self.goes_down(event, true);
        }
        self.challenged = challenges;
    }

    fn goes_down(&mut self, event: &Event, down: bool) {
        // Only what was up can go down: `until` is there from the first success on.
        if down && !self.down && !self.places.is_empty() {
            self.down = true;
            self.cycles.note(event);
        }
    }

    /// Host and port of its contact change with every success.
    fn moved(&mut self, event: &Event, contact: &Contact, thresholds: &Thresholds) {
        let known = self.places.contains(&contact.place);
        if contact.place == self.place {
            self.moves.recent.clear();
        } else if known && self.call_id != event.call_id {
            // A contact that comes back under its own Call-ID is another device behind the same address.
            self.moves = Turns::default();
        } else if event.removes.contains(&self.place) {
            // It says itself that the one before is no more.
            self.moves.recent.clear();
        } else if !self.places.is_empty() {
            self.moves.push(event, thresholds);
        }
        if !known && self.places.len() < MAX_CONTACTS {
            self.places.push(contact.place.clone());
        }
        self.place = contact.place.clone();
    }

    /// Whether the registrar lists the contacts that are bound, and this one, which has time left, is not among them.
    fn is_evicted_by(&self, event: &Event) -> bool {
        !self.down
            && self.until.is_some_and(|it| it > event.time)
            && !event.beside.is_empty()
            && !event.beside.contains(&self.place)
            && !event.removes.contains(&self.place)
    }

    /// Whether its contact is at one of these places.
    pub(super) fn is_at_one_of(&self, places: &BTreeSet<Box<str>>) -> bool {
        places.contains(&self.place)
    }

    /// Registered, and soon not any more, again and again.
    pub(super) fn cycles(&self) -> Option<&Turns> {
        self.cycles.since.map(|_| &self.cycles)
    }

    /// Registered with another address each time.
    pub(super) fn moves(&self) -> Option<&Turns> {
        self.moves.since.map(|_| &self.moves)
    }
}
