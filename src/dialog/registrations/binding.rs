//! A binding of a contact to an address-of-record over time (RFC 3261 §10.2.4, §10.3).

use super::event::{Event, Listing, Outcome};
use crate::capture::FrameNumber;
use crate::dialog::Waited;
use crate::limits::MAX_REGISTERS_KEPT;
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use crate::transaction::TransactionId;
use std::sync::Arc;
use std::time::Duration;

/// The same REGISTER on another hop comes within this time.
const HOPS: Duration = Duration::from_secs(5);

/// How a binding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Granted and not run out.
    Registered,
    /// Granted and run out.
    Expired,
    /// Removed by a REGISTER.
    Unregistered,
    /// Never granted, and refused.
    Rejected,
    /// The capture does not tell.
    Unknown,
}

impl State {
    /// The name in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Expired => "expired",
            Self::Unregistered => "unregistered",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }
}

/// A REGISTER with its packets.
#[derive(Clone, Debug)]
pub struct Proof {
    /// When it was decided.
    pub time: Timestamp,
    /// Its transaction.
    pub id: TransactionId,
    /// Its Call-ID.
    pub call_id: Arc<[u8]>,
    /// Its CSeq number.
    pub cseq: u64,
    /// Its packets.
    pub frames: Vec<FrameNumber>,
}

impl Proof {
    pub(super) fn of(event: &Event) -> Self {
        Self {
            time: event.time,
            id: event.id,
            call_id: event.call_id.clone(),
            cseq: event.cseq,
            frames: event.frames.clone(),
        }
    }

    /// Whether it is the same REGISTER, seen on another hop.
    pub(super) fn is_copy_of(&self, other: &Self) -> bool {
        self.call_id == other.call_id
            && self.cseq == other.cseq
            && self.time.distance(other.time) <= HOPS
    }
}

/// A binding that had run out when the client came back.
#[derive(Clone, Debug)]
pub struct Lapse {
    /// The last success before it.
    pub before: Proof,
    /// What was granted then, in seconds.
    pub granted: u64,
    /// When that was over.
    pub from: Timestamp,
    /// The next success.
    pub after: Proof,
}

/// Refreshes in much less time than was granted.
#[derive(Clone, Debug)]
pub struct Quick {
    /// How many in a row, at most.
    pub cycles: u32,
    /// The longest interval among them.
    pub interval: Duration,
    /// What was granted, in seconds.
    pub granted: u64,
    /// The successes.
    pub proofs: Vec<Proof>,
}

/// A lifetime that is short.
#[derive(Clone, Debug)]
pub struct Short {
    /// The first of them.
    pub proof: Proof,
    /// What was granted, in seconds.
    pub granted: u64,
    /// What was asked for.
    pub requested: Option<u64>,
}

/// A 2xx that does not list the contact it binds.
#[derive(Clone, Debug)]
pub struct Unlisted {
    /// The first of them.
    pub proof: Proof,
    /// How many.
    pub count: u64,
    /// What the list has instead.
    pub listing: Listing,
}

/// Tries since the last success that came to nothing.
#[derive(Clone, Debug, Default)]
pub struct Failures {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub proofs: Vec<Proof>,
    /// The code that the last one got; `None` when there was no answer.
    pub code: Option<u64>,
    /// Whether one of them may still have had, or get, an answer.
    pub open: bool,
}

/// A contact bound, or not, to an address-of-record at one registrar.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The contact as first written.
    pub contact: Box<str>,
    /// When it was first asked for.
    pub start: Timestamp,
    /// When it was last asked for, or listed.
    pub last: Timestamp,
    /// The first success.
    pub first: Option<Proof>,
    /// The last success.
    pub accepted: Option<Proof>,
    /// What was granted last, in seconds; `None` when nothing says so.
    pub granted: Option<u64>,
    /// When that is over.
    pub expires_at: Option<Timestamp>,
    /// Whether it was removed.
    pub removed: bool,
    /// What failed since.
    pub failures: Failures,
    /// Whether it was ever refused.
    pub refused: bool,
    /// How often it ran out before the client came back.
    pub lapses: u64,
    /// The longest of these.
    pub lapse: Option<Lapse>,
    /// See [`Quick`]; the longest row.
    pub quick: Option<Quick>,
    /// See [`Short`].
    pub short: Option<Short>,
    /// See [`Unlisted`].
    pub unlisted: Option<Unlisted>,
    row: Option<Quick>,
}

impl Binding {
    pub(super) const fn of(contact: Box<str>, time: Timestamp) -> Self {
        Self {
            contact,
            start: time,
            last: time,
            first: None,
            accepted: None,
            granted: None,
            expires_at: None,
            removed: false,
            failures: Failures {
                count: 0,
                proofs: Vec::new(),
                code: None,
                open: false,
            },
            refused: false,
            lapses: 0,
            lapse: None,
            quick: None,
            short: None,
            unlisted: None,
            row: None,
        }
    }

    /// Takes what happened next. False for another hop's copy of what it knows, and for what is older.
    pub(super) fn apply(&mut self, event: &Event, thresholds: &Thresholds) -> bool {
        if self
            .accepted
            .as_ref()
            .is_some_and(|it| it.time > event.time)
        {
            return false;
        }
        if event.leaves {
            self.row = None;
        }
        match &event.outcome {
            Outcome::Accepted {
                requested,
                granted,
                listing,
            } => {
                let proof = Proof::of(event);
                if self
                    .accepted
                    .as_ref()
                    .is_some_and(|it| it.is_copy_of(&proof))
                {
                    return false;
                }
                self.compare(&proof, thresholds);
                self.note_short(&proof, *requested, *granted, thresholds.registration_short);
                self.note_listing(&proof, listing);
                self.first.get_or_insert_with(|| proof.clone());
                self.expires_at = granted.map(|it| proof.time + Duration::from_secs(it));
                self.granted = *granted;
                self.accepted = Some(proof);
                self.removed = false;
                self.failures = Failures::default();
            }
            Outcome::Listed { left } => {
                let until = event.time + Duration::from_secs(*left);
                if self.expires_at.is_some_and(|it| it < until) {
                    self.expires_at = Some(until);
                }
            }
            Outcome::Unread => self.expires_at = None,
            Outcome::Removed => {
                self.removed = true;
                self.row = None;
                self.failures = Failures::default();
            }
            Outcome::Rejected(code) => {
                self.refused = true;
                self.failures.push(event, Some(*code));
            }
            Outcome::AskedAgain => {}
            Outcome::Unanswered(waited) => {
                if *waited == Waited::TooShort {
                    self.failures.open = true;
                } else {
                    self.failures.push(event, None);
                }
            }
        }
        self.last = self.last.max(event.time);
        true
    }

    /// What the time since the last success says.
    fn compare(&mut self, proof: &Proof, thresholds: &Thresholds) {
        let row = self.row.take();
        let (Some(before), Some(granted), false) = (&self.accepted, self.granted, self.removed)
        else {
            return;
        };
        let interval = proof.time.since(before.time);
        if let Some(from) = self.expires_at
            && from + tolerance(granted) < proof.time
        {
            self.lapses += 1;
            let longest =
                (self.lapse.as_ref()).map_or(Duration::ZERO, |it| it.after.time.since(it.from));
            if proof.time.since(from) > longest {
                self.lapse = Some(Lapse {
                    before: before.clone(),
                    granted,
                    from,
                    after: proof.clone(),
                });
            }
        }
        let early = Duration::from_secs(granted.saturating_mul(thresholds.registration_refresh));
        if interval * 100 >= early {
            return;
        }
        let mut row = row.unwrap_or_else(|| Quick {
            cycles: 0,
            interval: Duration::ZERO,
            granted,
            proofs: vec![before.clone()],
        });
        row.cycles += 1;
        row.interval = row.interval.max(interval);
        if row.proofs.len() < MAX_REGISTERS_KEPT {
            row.proofs.push(proof.clone());
        }
        if u64::from(row.cycles) >= thresholds.registration_refreshes
            && self.quick.as_ref().is_none_or(|it| it.cycles < row.cycles)
        {
            self.quick = Some(row.clone());
        }
        self.row = Some(row);
    }

    fn note_short(
        &mut self,
        proof: &Proof,
        requested: Option<u64>,
        granted: Option<u64>,
        short: Duration,
    ) {
        let Some(granted) = granted else { return };
        let shortened = requested.is_some_and(|it| granted < it / 4);
        if self.short.is_none() && (Duration::from_secs(granted) < short || shortened) {
            self.short = Some(Short {
                proof: proof.clone(),
                granted,
                requested,
            });
        }
    }

    fn note_listing(&mut self, proof: &Proof, listing: &Listing) {
        if matches!(listing, Listing::Own | Listing::Unknown) {
            return;
        }
        let unlisted = self.unlisted.get_or_insert_with(|| Unlisted {
            proof: proof.clone(),
            count: 0,
            listing: listing.clone(),
        });
        unlisted.count += 1;
    }

    /// How it stands at a moment until which the capture saw everything since `watched` ago.
    pub(super) fn state(&self, now: Timestamp, watched: impl Fn(Timestamp) -> Duration) -> State {
        let Some(accepted) = &self.accepted else {
            return if self.refused {
                State::Rejected
            } else if self.removed {
                State::Unregistered
            } else {
                State::Unknown
            };
        };
        if self.removed {
            return State::Unregistered;
        }
        match self.expires_at {
            Some(until) if until > now => State::Registered,
            Some(until) if watched(accepted.time) >= until.since(accepted.time) => State::Expired,
            Some(_) => State::Unknown,
            None => State::Registered,
        }
    }
}

impl Failures {
    fn push(&mut self, event: &Event, code: Option<u64>) {
        self.count += 1;
        self.code = code;
        if self.proofs.len() < MAX_REGISTERS_KEPT {
            self.proofs.push(Proof::of(event));
        }
    }
}

/// How much later than the granted lifetime a refresh may come before the binding counts as run out: what a client's clock
/// and a retransmission take, more than a registrar waits.
pub fn tolerance(granted: u64) -> Duration {
    Duration::from_secs((granted / 10).clamp(1, 5))
}
