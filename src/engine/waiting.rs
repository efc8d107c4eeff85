//! Messages on their way into time order.

use super::{Mirror, Options};
use crate::capture::FrameNumber;
use crate::dialog::Defects;
use crate::dialog::legs::Beginning;
use crate::dialog::streams::SipPorts;
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

/// A message or an ICMP error on its way into time order.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) time: Timestamp,
    pub(super) frame: FrameNumber,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Sip(Box<Sip>),
    Icmp(Box<Icmp>),
}

#[derive(Debug)]
pub(super) struct Sip {
    pub(super) message: Arc<Message>,
    pub(super) keys: Keys,
    pub(super) draft: Draft,
    /// What it says when it is an INVITE that begins a call.
    pub(super) beginning: Option<Box<Beginning>>,
    /// Whether it can have a defect.
    pub(super) odd: bool,
    /// Whether it says where connections are to go.
    pub(super) names_ports: bool,
    pub(super) flow: Flow,
    pub(super) identification: Option<u16>,
    pub(super) sequence: Option<u32>,
    pub(super) envelope: Envelope,
    pub(super) mirror: Option<Mirror>,
}

impl Sip {
    /// A message that went that way, with all that it tells by itself; `sequence` is that of TCP.
    pub(super) fn of(
        message: Message,
        flow: Flow,
        sequence: Option<u32>,
        envelope: Envelope,
        asked: &Asked,
    ) -> Self {
        let keys = Keys::of(&message, flow, sequence);
        let draft = Draft::of(&message, keys, flow);
        let began = draft.request();
        let beginning = began.and_then(|it| Beginning::of(&message, it, &asked.leg_headers));
        Self {
            keys,
            beginning: beginning.map(Box::new),
            odd: Defects::may_be_in(&message, flow, &asked.thresholds),
            names_ports: SipPorts::are_named_by(&message),
            draft,
            message: Arc::new(message),
            flow,
            identification: None,
            sequence,
            envelope,
            mirror: None,
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
pub(super) struct Queue(VecDeque<Waiting>);

impl Queue {
    /// Takes something; nearly always it goes to the end.
    pub(super) fn push(&mut self, waiting: Waiting) {
        let at = match self.0.back() {
            Some(last) if last.time > waiting.time => {
                self.0.partition_point(|other| other.time <= waiting.time)
            }
            _ => self.0.len(),
        };
        self.0.insert(at, waiting);
    }

    /// The oldest, once nothing can overtake it any more; with `all`, in any case.
    pub(super) fn pop(&mut self, now: Timestamp, all: bool) -> Option<Waiting> {
        let due = self.0.front()?.time <= now.minus(REORDER_WINDOW);
        (all || due || self.0.len() > MAX_HELD_BACK)
            .then(|| self.0.pop_front())
            .flatten()
    }
}
