//! One TLS connection: takes the bytes of both directions, opens what can be opened, keeps back what may be later.

use super::cipher::Plain;
use super::direction::{Direction, Held, HeldRecord, State};
use super::facts::{PerSide, TlsFacts, Unreadable};
use super::negotiation::{EarlyData, Lack, Negotiation, Stage};
use super::record::{self, ContentType, Cut, Record};
use super::secrets::Secrets;
use super::suite::TlsVersion;
use crate::capture::Sighting;
use crate::limits::{MAX_TLS_FAILURES, MAX_TLS_HELD};
use crate::reassembly::{Opened, Side};
use std::fmt;
use std::mem;

/// A TLS connection, both directions of it.
#[derive(Default)]
pub struct Tls {
    pub(super) facts: TlsFacts,
    pub(super) directions: PerSide<Direction>,
    pub(super) negotiation: Negotiation,
    /// Whether something was learned that may let the other direction go on.
    pub(super) changed: bool,
    /// How many records and gaps have come.
    arrivals: u64,
    /// Where both ends have sent Finished, as opened.
    pub(super) complete_certainly: Option<Sighting>,
    /// The same as it looks from outside, while it is not opened.
    pub(super) complete_seemingly: Option<Sighting>,
    pub(super) suspected: Option<(Side, Sighting)>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the first bytes of a direction are the head of a TLS record; five are enough. The hello of SSL 2.0 is not.
    pub fn looks_like_tls(bytes: &[u8]) -> bool {
        record::looks_like_record(bytes)
    }

    /// Takes the next bytes of a direction, seen in the packet `at`, and adds to `out` what can be read now.
    pub fn bytes(
        &mut self,
        side: Side,
        data: &[u8],
        at: Sighting,
        secrets: &mut Secrets,
        out: &mut Vec<Opened>,
    ) {
        let mut data = data;
        let mut cutter = mem::take(&mut self.directions.of_mut(side).cutter);
        while let Some(cut) = cutter.next(&mut data) {
            match cut {
                Cut::Record(record) => self.arrived(side, &record, at, secrets, out),
                Cut::Lost => {
                    let direction = self.directions.of_mut(side);
                    if direction.begun {
                        direction.trouble = Some(Unreadable::BadRecord);
                    } else {
                        self.began_before(side);
                    }
                    self.missing(side);
                }
            }
            // RFC 8446 §5.1: what a record bears as its version says nothing before ServerHello.
            cutter.version = self.facts.version.map(|version| {
                let legacy = version.0.min(TlsVersion::TLS_1_2.0);
                legacy.to_be_bytes()
            });
        }
        self.directions.of_mut(side).cutter = cutter;
        self.refresh();
    }

    /// Notes that bytes of a direction are missing here. What comes next may begin anywhere in a record.
    pub fn gap(&mut self, side: Side) {
        self.directions.of_mut(side).cutter.gap();
        self.missing(side);
        self.refresh();
    }

    /// Tries again to open what was kept back, when `secrets` have grown.
    pub fn retry(&mut self, secrets: &mut Secrets, out: &mut Vec<Opened>) {
        self.drain(secrets, out);
        self.refresh();
    }

    /// Bytes of records that are kept back, in the hope of secrets or until the other direction has come as far.
    pub fn kept_back(&self) -> usize {
        self.directions.of(Side::Opener).held.bytes()
            + self.directions.of(Side::Acceptor).held.bytes()
    }

    /// Forgets the records that are kept back, and counts them: for a caller that has too many connections that wait.
    pub fn forget(&mut self) {
        for side in [Side::Opener, Side::Acceptor] {
            if !self.directions.of(side).held.is_empty() {
                let count = self.directions.of_mut(side).held.clear();
                self.facts.records_let_go += count;
                self.lose(side, count);
            }
        }
        self.refresh();
    }

    /// What is known by now.
    pub fn facts(&self) -> &TlsFacts {
        &self.facts
    }

    fn missing(&mut self, side: Side) {
        self.facts.gaps += 1;
        self.arrivals += 1;
        let direction = self.directions.of_mut(side);
        if direction.held.is_empty() {
            self.lose(side, 0);
        } else {
            direction.held.push(self.arrivals, Held::Gap);
            self.bound();
        }
    }

    /// The hello of this direction is not in the capture.
    pub(super) fn began_before(&mut self, side: Side) {
        let direction = self.directions.of_mut(side);
        direction
            .fault
            .get_or_insert(Unreadable::BeganBeforeCapture);
        direction.trouble = direction.trouble.or(direction.fault);
        self.changed = true;
    }

    fn lose(&mut self, side: Side, count: u64) {
        let direction = self.directions.of_mut(side);
        direction.begun = true;
        direction.lose(count);
        if matches!(direction.state, State::Clear) {
            direction.fault.get_or_insert(Unreadable::BytesMissing);
            self.negotiation.incomplete = true;
            self.changed = true;
        }
    }

    /// A record has come: opens it, or keeps it behind those that wait.
    fn arrived(
        &mut self,
        side: Side,
        record: &Record<'_>,
        at: Sighting,
        secrets: &mut Secrets,
        out: &mut Vec<Opened>,
    ) {
        self.arrivals += 1;
        let mut observed = false;
        let waits = !self.directions.of(side).held.is_empty()
            || !self.step(side, record, at, &mut observed, secrets, out);
        if waits {
            let held = Held::Record(HeldRecord {
                kind: record.kind,
                header: record.header,
                content: record.content.to_vec(),
                at,
                observed,
            });
            let order = self.arrivals;
            self.directions.of_mut(side).held.push(order, held);
            self.bound();
        }
        if waits || self.changed {
            self.drain(secrets, out);
        }
        self.observe_held();
    }

    /// Lets the oldest go of what waits, when it is too much.
    fn bound(&mut self) {
        while self.kept_back() > MAX_TLS_HELD {
            let Some((_, side)) = self.earliest([false; 2]) else {
                return;
            };
            let popped = self.directions.of_mut(side).held.pop();
            if let Some((_, Held::Record(_))) = popped {
                self.facts.records_let_go += 1;
                self.lose(side, 1);
            } else {
                self.lose(side, 0);
            }
        }
    }

    /// Which direction has the earliest of what waits, of those that are not blocked.
    fn earliest(&self, blocked: [bool; 2]) -> Option<(u64, Side)> {
        [Side::Opener, Side::Acceptor]
            .into_iter()
            .zip(blocked)
            .filter(|(_, blocked)| !blocked)
            .filter_map(|(side, _)| Some((self.directions.of(side).held.first()?, side)))
            .min()
    }

    /// Opens what waits, in the order in which it came, as far as that can be done now.
    fn drain(&mut self, secrets: &mut Secrets, out: &mut Vec<Opened>) {
        self.changed = false;
        let mut blocked = [false; 2];
        while let Some((_, side)) = self.earliest(blocked) {
            match self.directions.of_mut(side).held.pop() {
                Some((_, Held::Gap)) => self.lose(side, 0),
                Some((order, Held::Record(mut held))) => {
                    let mut observed = held.observed;
                    let done =
                        self.step(side, &held.record(), held.at, &mut observed, secrets, out);
                    if !done {
                        held.observed = observed;
                        let queue = &mut self.directions.of_mut(side).held;
                        queue.push_front(order, Held::Record(held));
                        if let Some(blocked) = blocked.get_mut(usize::from(side != Side::Opener)) {
                            *blocked = true;
                        }
                    }
                }
                None => {}
            }
            if mem::take(&mut self.changed) {
                blocked = [false; 2];
            }
        }
    }

    /// Does what can be done with a record; whether that was all, or it has to wait.
    fn step(
        &mut self,
        side: Side,
        record: &Record<'_>,
        at: Sighting,
        observed: &mut bool,
        secrets: &mut Secrets,
        out: &mut Vec<Opened>,
    ) -> bool {
        let begun = mem::replace(&mut self.directions.of_mut(side).begun, true);
        // Only its two bytes, and so in clear: each protection makes it longer.
        if let (ContentType::Alert, &[level, code]) = (record.kind, record.content) {
            self.facts.alert(side, level, code, at);
            return true;
        }
        if !begun && record.kind != ContentType::Handshake {
            self.began_before(side);
        }
        let is_clear = matches!(self.directions.of(side).state, State::Clear);
        let tls13 = self.negotiation.is_tls13();
        match record.kind {
            ContentType::Handshake if tls13 || is_clear => {
                self.messages(side, record.content, at, false, secrets);
                return true;
            }
            // RFC 8446 §D.4: sent for middleboxes only.
            ContentType::ChangeCipherSpec if tls13 => return true,
            _ => {}
        }
        if is_clear {
            let other = self.directions.of(side.other());
            let direction = self.directions.of(side);
            let cannot = if direction.hello {
                other.fault.filter(|_| !other.hello)
            } else {
                direction.fault.or(other.fault)
            };
            match (self.facts.version, cannot) {
                (None, None) => {
                    self.directions.of_mut(side).trouble = Some(Unreadable::BytesMissing);
                    return false;
                }
                (None, Some(reason)) => self.shut(side, reason),
                (Some(_), _) if tls13 => {
                    self.directions.of_mut(side).wait_for(Stage::Handshake);
                }
                (Some(_), _) => {
                    self.changes_cipher(side);
                    let direction = self.directions.of_mut(side);
                    if record.kind == ContentType::ChangeCipherSpec {
                        direction.count_from_here();
                        return true;
                    }
                    // The change itself is among the missing bytes, or there never was one.
                    if !direction.is_unsure() {
                        let reason = direction.fault.unwrap_or(Unreadable::BadRecord);
                        self.shut(side, reason);
                    }
                }
            }
        }
        if !mem::replace(observed, true) {
            self.observe(side, record.kind, record.content.len(), at);
        }
        self.protected(side, record, at, secrets, out)
    }

    /// TLS 1.2 and older: what follows in this direction is protected with the keys just agreed upon.
    pub(super) fn changes_cipher(&mut self, side: Side) {
        let from_client = self.facts.client == Some(side);
        let direction = self.directions.of_mut(side);
        let unsure = direction.is_unsure();
        direction.changed_cipher = true;
        direction.wait_for(Stage::KeyBlock);
        // RFC 5246 §7.3: only a resumed session comes without a key exchange.
        let negotiation = &mut self.negotiation;
        let full = if from_client {
            negotiation.key_exchange_seen
        } else {
            negotiation.server_done
        };
        if !full && !unsure && !negotiation.incomplete {
            negotiation.resumed = true;
            self.facts.resumed = true;
            self.changed = true;
        }
    }

    pub(super) fn shut(&mut self, side: Side, reason: Unreadable) {
        let direction = self.directions.of_mut(side);
        direction.state = State::Shut;
        direction.trouble = Some(reason);
        self.changed = true;
    }

    /// Opens a record that is protected; whether that was all, or it has to wait for keys.
    fn protected(
        &mut self,
        side: Side,
        record: &Record<'_>,
        at: Sighting,
        secrets: &mut Secrets,
        out: &mut Vec<Opened>,
    ) -> bool {
        if let State::Waiting(stage) = self.directions.of(side).state
            && !self.find_keys(side, stage, secrets)
        {
            return false;
        }
        if matches!(self.directions.of(side).state, State::Shut | State::Clear) {
            return true;
        }
        let direction = self.directions.of_mut(side);
        let mut plain = direction.open(record);
        if plain.is_none() {
            plain = self.open_otherwise(side, record, secrets);
        }
        self.directions.of_mut(side).passed(record);
        match plain {
            Some(plain) => self.deliver(side, plain, at, secrets, out),
            None if self.is_early_data(side) => {
                self.directions.of_mut(side).passed_over += 1;
            }
            None => {
                let direction = self.directions.of_mut(side);
                self.facts.bad_records += 1;
                let reason = if direction.is_unsure() {
                    Unreadable::BytesMissing
                } else {
                    Unreadable::BadRecord
                };
                direction.failed();
                direction.trouble = Some(reason);
                if direction.failures >= MAX_TLS_FAILURES {
                    self.shut(side, reason);
                }
            }
        }
        true
    }

    /// Whether a record that did not open may be early data whose secret is not known: the server passes over what it does
    /// not take in the same way (RFC 8446 §4.2.10).
    fn is_early_data(&self, side: Side) -> bool {
        let direction = self.directions.of(side);
        self.facts.client == Some(side)
            && self.negotiation.early_data != EarlyData::NotOffered
            && direction.is_first()
            && !direction.opened_handshake
            && direction.passed_over < MAX_TLS_FAILURES
    }

    /// Takes keys into use; whether there is a decision, for good or ill.
    fn find_keys(&mut self, side: Side, stage: Stage, secrets: &mut Secrets) -> bool {
        let of_client = self.facts.client == Some(side);
        let mut stage = stage;
        if stage == Stage::Early {
            // Whether the server takes it decides whether it is to be given out: a client says again what was refused.
            let other = self.directions.of(side.other());
            let may_be_read = match &other.state {
                State::Waiting(_) => other.trouble.is_none() || secrets.may_grow(),
                State::Open(it) => it.stage == Stage::Handshake,
                State::Clear | State::Shut => false,
            };
            if self.negotiation.early_data == EarlyData::Offered && may_be_read {
                return false;
            }
            if self.negotiation.early_data == EarlyData::Refused {
                stage = Stage::Handshake;
            }
        }
        let mut found = self.negotiation.keys(stage, of_client, secrets);
        if stage == Stage::Early && found.is_err() {
            stage = Stage::Handshake;
            found = self.negotiation.keys(stage, of_client, secrets);
        }
        if stage == Stage::Handshake
            && let Err(Lack::Secrets(_)) = found
            && let Ok(later) = self
                .negotiation
                .keys(Stage::Application, of_client, secrets)
        {
            // The records of the handshake then go by unread.
            self.directions.of_mut(side).lose(0);
            found = Ok(later);
        }
        let hellos = [side, side.other()].map(|side| {
            let direction = self.directions.of(side);
            direction.fault.filter(|_| !direction.hello)
        });
        let direction = self.directions.of_mut(side);
        match found {
            Ok(keys) => {
                direction.protect(keys);
                true
            }
            Err(Lack::Handshake) => match hellos.into_iter().flatten().next() {
                Some(reason) => {
                    self.shut(side, reason);
                    true
                }
                None => {
                    direction.trouble = Some(Unreadable::BytesMissing);
                    false
                }
            },
            Err(Lack::Secrets(reason)) => {
                let before = direction.trouble.replace(reason);
                self.changed |= before != Some(reason);
                let waits = secrets.may_grow();
                if !waits {
                    self.shut(side, reason);
                }
                !waits
            }
            Err(Lack::Never(reason)) => {
                self.shut(side, reason);
                true
            }
        }
    }

    /// Tries the keys that may be in use instead: those of the next stage where records are missing or early data ends.
    fn open_otherwise(
        &mut self,
        side: Side,
        record: &Record<'_>,
        secrets: &mut Secrets,
    ) -> Option<Plain> {
        let of_client = self.facts.client == Some(side);
        let direction = self.directions.of_mut(side);
        let State::Open(protection) = &direction.state else {
            return None;
        };
        let next = match protection.stage {
            Stage::Early => Stage::Handshake,
            Stage::Handshake if direction.is_unsure() => Stage::Application,
            Stage::Application if direction.is_unsure() => {
                let updated = protection.updated()?;
                return direction.open_with(record, updated);
            }
            _ => return None,
        };
        let keys = self.negotiation.keys(next, of_client, secrets).ok()?;
        self.directions.of_mut(side).open_with(record, keys)
    }

    /// Hands on what was in a record.
    fn deliver(
        &mut self,
        side: Side,
        plain: Plain,
        at: Sighting,
        secrets: &mut Secrets,
        out: &mut Vec<Opened>,
    ) {
        match plain.kind {
            ContentType::ApplicationData => {
                *self.facts.opened_records.of_mut(side) += 1;
                if !plain.content.is_empty() {
                    let count = u64::try_from(plain.content.len()).unwrap_or(0);
                    *self.facts.opened_bytes.of_mut(side) += count;
                    out.push(Opened {
                        side,
                        at,
                        bytes: plain.content,
                    });
                }
            }
            ContentType::Handshake => self.messages(side, &plain.content, at, true, secrets),
            ContentType::Alert => {
                let unread = self.facts.unread_alerts.of_mut(side);
                *unread = unread.saturating_sub(1);
                if let &[level, code] = plain.content.as_slice() {
                    self.facts.alert(side, level, code, at);
                }
            }
            // A renegotiation (RFC 5246 §7.4.1.1).
            ContentType::ChangeCipherSpec if !self.negotiation.is_tls13() => {
                self.changes_cipher(side);
                self.directions.of_mut(side).count_from_here();
            }
            ContentType::ChangeCipherSpec | ContentType::Heartbeat => {}
        }
    }
}
