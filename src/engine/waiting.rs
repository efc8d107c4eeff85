//! Messages on their way into time order.

use super::{Engine, Mirror, Observer, Options};
use crate::capture::Sighting;
use crate::dialog::Defects;
use crate::dialog::legs::Beginning;
use crate::dialog::streams::SipPorts;
use crate::fetch::{STEP, fetch};
use crate::flow::Flow;
use crate::frame::{Envelope, IcmpError, IcmpKind, Quote};
use crate::limits::MAX_HELD_BACK;
use crate::sip::Message;
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use crate::transaction::{Draft, Keys};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How far a packet may be older than those before it and still be judged in its place: more than the disorder that
/// several queues of one interface make, less than anybody waits for in `live`.
pub(super) const REORDER_WINDOW: Duration = Duration::from_secs(1);

/// A message, and how it came.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) message: Arc<Message>,
    pub(super) flow: Flow,
    pub(super) envelope: Envelope,
    /// The IP identification of the datagram that it came in.
    pub(super) identification: Option<u16>,
    /// The sequence number of TCP.
    pub(super) sequence: Option<u32>,
    pub(super) mirror: Option<Mirror>,
}

/// A message or an ICMP error that is, or will be, the next in the order of time.
#[derive(Debug)]
pub struct InOrder {
    pub(super) at: Sighting,
    pub(super) what: Ready,
}

impl InOrder {
    /// What its message is found by; `None` when that is not known, or there is none.
    #[inline]
    fn keys(&self) -> Option<&Keys> {
        match &self.what {
            Ready::Sip(sip) => Some(&sip.keys),
            Ready::Heard(_) | Ready::Icmp(_) => None,
        }
    }

    /// What its message says when it begins a call.
    #[inline]
    fn beginning(&self) -> Option<&Beginning> {
        match &self.what {
            Ready::Sip(sip) => sip.beginning.as_deref(),
            Ready::Heard(_) | Ready::Icmp(_) => None,
        }
    }

    /// Has its parts brought into the cache.
    #[inline]
    fn fetch_parts(&self) {
        match &self.what {
            Ready::Sip(sip) => {
                fetch(&*sip.heard.message);
                sip.draft.fetch();
                sip.beginning.as_deref().into_iter().for_each(fetch);
            }
            Ready::Heard(heard) => fetch(&*heard.message),
            Ready::Icmp(_) => {}
        }
    }
}

impl<O: Observer> Engine<O> {
    /// Has what is needed for what comes soon brought into the cache: `ahead` says what comes that many later. Each step finds
    /// what the one before has brought, and says where the next is.
    #[inline]
    pub fn fetch_ahead<'a>(&self, ahead: impl Fn(usize) -> Option<&'a InOrder>) {
        if let Some(later) = ahead(4 * STEP) {
            fetch(later);
        }
        if let Some(later) = ahead(3 * STEP) {
            later.fetch_parts();
            if let Some(keys) = later.keys() {
                self.duplicates.fetch(keys);
                self.table.fetch(keys);
                self.book.fetch(keys);
                self.flows.fetch(keys.way());
            }
        }
        if let Some(sooner) = ahead(2 * STEP) {
            if let Some(keys) = sooner.keys() {
                self.table.fetch_slots(keys);
            }
            if let Some(beginning) = sooner.beginning() {
                self.legs.fetch(beginning);
            }
        }
        if let Some(soonest) = ahead(STEP) {
            if let Some(keys) = soonest.keys() {
                self.table.fetch_transactions(keys);
            }
            if let Some(beginning) = soonest.beginning() {
                self.legs.fetch_legs(beginning);
            }
        }
    }
}

#[derive(Debug)]
pub(super) enum Ready {
    Sip(Sip),
    /// A message of which nobody has found out yet what it tells.
    Heard(Heard),
    Icmp(Box<Icmp>),
}

/// A message with all that it tells by itself.
#[derive(Debug)]
pub(super) struct Sip {
    pub(super) heard: Heard,
    pub(super) keys: Keys,
    pub(super) draft: Draft,
    /// What it says when it is an INVITE that begins a call.
    pub(super) beginning: Option<Box<Beginning>>,
    /// Whether it can have a defect.
    pub(super) odd: bool,
    /// Whether it says where connections are to go.
    pub(super) names_ports: bool,
}

impl Sip {
    /// That of a message.
    pub(super) fn of(heard: Heard, asked: &Asked) -> Self {
        let (message, flow) = (&*heard.message, heard.flow);
        let keys = Keys::of(message, flow, heard.sequence);
        let draft = Draft::of(message, keys, flow);
        let began = draft.request();
        let beginning = began.and_then(|it| Beginning::of(message, it, &asked.leg_headers));
        Self {
            keys,
            beginning: beginning.map(Box::new),
            odd: Defects::may_be_in(message, flow, &asked.thresholds),
            names_ports: SipPorts::are_named_by(message),
            draft,
            heard,
        }
    }
}

/// What every message is asked for beside what it says of itself.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    leg_headers: Arc<[String]>,
    thresholds: Thresholds,
}

impl Asked {
    pub(super) fn of(options: &Options) -> Self {
        Self {
            leg_headers: options.leg_headers.as_slice().into(),
            thresholds: options.thresholds,
        }
    }
}

/// An ICMP error with its quote.
#[derive(Debug)]
pub(super) struct Icmp {
    reporter: IpAddr,
    to: IpAddr,
    kind: IcmpKind,
    flow: Flow,
    payload: Box<[u8]>,
}

impl Icmp {
    /// `None` when the error quotes nothing that could be SIP.
    pub(super) fn of(error: &IcmpError<'_>) -> Option<Self> {
        error.quote.map(|quote| Self {
            reporter: error.reporter,
            to: error.to,
            kind: error.kind,
            flow: quote.flow,
            payload: quote.payload.into(),
        })
    }

    /// With something else in the place of what it quotes.
    pub(super) fn with_payload(self, replace: impl FnOnce(&[u8]) -> Vec<u8>) -> Self {
        Self {
            payload: replace(&self.payload).into(),
            ..self
        }
    }

    pub(super) fn error(&self) -> IcmpError<'_> {
        IcmpError {
            reporter: self.reporter,
            to: self.to,
            kind: self.kind,
            quote: Some(Quote {
                flow: self.flow,
                payload: &self.payload,
            }),
        }
    }
}

/// What was taken and not handed on yet, in time order.
#[derive(Debug, Default)]
pub(super) struct Queue(VecDeque<InOrder>);

impl Queue {
    /// Takes something; nearly always it goes to the end.
    pub(super) fn push(&mut self, at: Sighting, what: Ready) {
        let place = match self.0.back() {
            Some(last) if last.at.time > at.time => {
                self.0.partition_point(|other| other.at.time <= at.time)
            }
            _ => self.0.len(),
        };
        self.0.insert(place, InOrder { at, what });
    }

    /// The oldest, once nothing can overtake it any more; with `all`, in any case.
    #[inline]
    pub(super) fn pop(&mut self, now: Timestamp, all: bool) -> Option<InOrder> {
        let due = self.0.front()?.at.time <= now.minus(REORDER_WINDOW);
        (all || due || self.0.len() > MAX_HELD_BACK)
            .then(|| self.0.pop_front())
            .flatten()
    }

    /// What is that many behind the oldest.
    #[inline]
    pub(super) fn get(&self, behind: usize) -> Option<&InOrder> {
        self.0.get(behind)
    }
}
