//! Registrations over time: which contact each address-of-record has at which registrar, until when, and how it got there.
//! It is fed with REGISTERs as they close, which is nearly the order in which they were answered.

mod binding;
mod device;
mod event;

pub use binding::{Binding, Failures, Lapse, Proof, Quick, Short, State, Unlisted, tolerance};
pub use device::Turns;
pub use event::Listing;

use super::{Call, Waited};
use crate::limits::{MAX_BINDINGS_OF_ONE, MAX_DEVICES_OF_ONE, MAX_REGISTRATIONS};
use crate::sip::Method;
use crate::sip::value::address_of_record;
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use crate::transaction::Transaction;
use device::Device;
use event::{Event, Outcome};
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Events of one account that wait to be brought into order: a REGISTER that nobody answers closes later than those
/// that were sent after it.
const WAITING: usize = 8;
/// Registrars of one address-of-record among which a newer binding is looked for.
const REGISTRARS_COMPARED: usize = 16;

/// An address-of-record at one registrar.
#[derive(Clone, Debug, Default)]
struct Account {
    waiting: Vec<Event>,
    /// In the order of their keys; mostly one.
    bindings: Vec<(Box<str>, Binding)>,
    devices: Vec<Device>,
    /// Devices that take each other's place.
    evictions: Turns,
    /// Whether it ever had a contact.
    accepted: bool,
}

/// Who registers where.
type Key = (Arc<str>, SocketAddr);

/// All registrations of a capture.
#[derive(Debug)]
pub struct Registrations {
    thresholds: Thresholds,
    accounts: BTreeMap<Key, Account>,
    /// Where contacts are that one INVITE found together.
    together: BTreeSet<Box<str>>,
    /// Accounts that never had a contact.
    barren: usize,
    bindings: usize,
    refused: u64,
}

/// A binding with whose and where it is.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The address-of-record.
    pub aor: &'a str,
    /// The registrar, or the proxy on the way to it.
    pub registrar: SocketAddr,
    /// The binding.
    pub binding: &'a Binding,
}

/// A registration as it stands.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The address-of-record.
    pub aor: String,
    /// The contact.
    pub contact: String,
    /// The registrar.
    pub registrar: SocketAddr,
    /// What was granted last, in seconds; `None` when nothing says so.
    pub granted: Option<u64>,
    /// How it stands.
    pub state: State,
    /// When it was first asked for.
    pub start: Timestamp,
    /// When it was last asked for.
    pub last: Timestamp,
    /// Whether another contact has taken its place.
    pub replaced: bool,
}

impl Registrations {
    /// No registrations yet, to be measured with these.
    pub const fn new(thresholds: &Thresholds) -> Self {
        Self {
            thresholds: *thresholds,
            accounts: BTreeMap::new(),
            together: BTreeSet::new(),
            barren: 0,
            bindings: 0,
            refused: 0,
        }
    }

    /// Notes a finished REGISTER, with how long one without a final response was watched. Others are not looked at.
    pub fn note(&mut self, transaction: &Transaction, waited: Waited) {
        if transaction.method != Method::Register {
            return;
        }
        let mut events = event::events(transaction, waited);
        if events.is_empty() {
            return;
        }
        let key = (
            address_of_record(&transaction.to.uri).into(),
            transaction.flow.dst,
        );
        let accepts = |it: &Event| matches!(it.outcome, Outcome::Accepted { .. });
        let succeeds = events.iter().any(accepts);
        if !self.accounts.contains_key(&key) {
            // What only answers requests that the capture lacks is nobody's registration.
            let asked = events
                .iter()
                .any(|it| !matches!(it.outcome, Outcome::Listed { .. } | Outcome::Unread));
            // Who guesses names must not fill the places of those who have one.
            let full = self.accounts.len() >= MAX_REGISTRATIONS
                || (!succeeds && self.barren >= MAX_REGISTRATIONS / 2);
            if !asked || full {
                self.refused += u64::from(full);
                return;
            }
            self.barren += 1;
        }
        let account = self.accounts.entry(key).or_default();
        if succeeds && !account.accepted {
            account.accepted = true;
            self.barren = self.barren.saturating_sub(1);
        }
        // One REGISTER may bind one contact and remove another: the account is not without one in between.
        events.sort_by_key(|it| !accepts(it));
        account.waiting.append(&mut events);
        if account.waiting.len() > WAITING {
            let (refused, added) = account.fold(
                WAITING / 2,
                MAX_REGISTRATIONS - self.bindings,
                &self.thresholds,
            );
            self.refused += refused;
            self.bindings += added;
        }
    }

    /// Notes which contacts one INVITE was forked to and found: they are bound at the same time, whatever the registrar lists
    /// (RFC 3261 §16.5).
    pub fn note_forks(&mut self, call: &Call) {
        if self.accounts.is_empty() {
            return;
        }
        let reached = |it: &&Transaction| {
            let mut codes = it.responses.iter().map(|response| response.code);
            codes.any(|code| (180..300).contains(&code))
        };
        let invites = call.initial_invites().filter(reached);
        let invites: SmallVec<[_; 8]> = invites.take(MAX_DEVICES_OF_ONE).collect();
        for invite in &invites {
            let forked = invites.iter().any(|other| {
                other.flow.dst != invite.flow.dst
                    && other.flow.src.ip() == invite.flow.src.ip()
                    && other.via_count == invite.via_count
                    && other.cseq == invite.cseq
                    && other.from.tag == invite.from.tag
            });
            if forked && self.together.len() < MAX_REGISTRATIONS {
                self.together.insert(event::place_of(invite.flow.dst));
            }
        }
    }

    /// Takes in what waits to be brought into order. Nothing may be noted afterwards.
    pub fn settle(&mut self) {
        for account in self.accounts.values_mut() {
            let (refused, added) =
                account.fold(0, MAX_REGISTRATIONS - self.bindings, &self.thresholds);
            self.refused += refused;
            self.bindings += added;
        }
    }

    /// The bindings of all accounts, in order.
    pub fn bindings(&self) -> impl Iterator<Item = Entry<'_>> {
        self.accounts
            .iter()
            .flat_map(|((aor, registrar), account)| {
                account.bindings.iter().map(|(_, binding)| Entry {
                    aor,
                    registrar: *registrar,
                    binding,
                })
            })
    }

    /// Accounts with a device that registers and vanishes again and again: whose, where, and when.
    pub fn cycles(&self) -> impl Iterator<Item = (&str, SocketAddr, &Turns)> {
        self.accounts
            .iter()
            .flat_map(|((aor, registrar), account)| {
                (account.devices.iter()).filter_map(|it| Some((&**aor, *registrar, it.cycles()?)))
            })
    }

    /// Accounts with a device that has another address each time.
    pub fn moves(&self) -> impl Iterator<Item = (&str, SocketAddr, &Turns)> {
        self.accounts
            .iter()
            .flat_map(|((aor, registrar), account)| {
                (account.devices.iter()).filter_map(|it| Some((&**aor, *registrar, it.moves()?)))
            })
    }

    /// Accounts whose devices take each other's place again and again.
    pub fn evictions(&self) -> impl Iterator<Item = (&str, SocketAddr, &Turns)> {
        self.accounts
            .iter()
            .filter(|(_, account)| account.evictions.since.is_some())
            .filter(|(_, account)| {
                let bound = |it: &&Device| it.is_at_one_of(&self.together);
                account.devices.iter().filter(bound).count() < 2
            })
            .map(|((aor, registrar), account)| (&**aor, *registrar, &account.evictions))
    }

    /// When another contact of the same address-of-record was first bound after the last success of this one, wherever:
    /// the client went on with another address.
    pub fn successor(&self, entry: &Entry<'_>) -> Option<Timestamp> {
        let accepted = entry.binding.accepted.as_ref()?;
        let from: Key = (entry.aor.into(), LOWEST);
        self.accounts
            .range(from..)
            .take(REGISTRARS_COMPARED)
            .take_while(|((aor, _), _)| **aor == *entry.aor)
            .flat_map(|(_, account)| &account.bindings)
            .filter_map(|(_, other)| other.first.as_ref())
            .filter(|first| first.time > accepted.time && !first.is_copy_of(accepted))
            .map(|first| first.time)
            .min()
    }

    /// How all of them stand at the end. `watched` tells for how long after a moment the capture went on without a gap.
    pub fn all(
        &self,
        now: Timestamp,
        watched: impl Fn(Timestamp) -> Duration,
    ) -> Vec<Registration> {
        self.bindings()
            .map(|entry| Registration {
                aor: entry.aor.to_owned(),
                contact: entry.binding.contact.to_string(),
                registrar: entry.registrar,
                granted: entry.binding.granted,
                state: entry.binding.state(now, &watched),
                start: entry.binding.start,
                last: entry.binding.last,
                replaced: self.successor(&entry).is_some(),
            })
            .collect()
    }

    /// How many REGISTERs and contacts were not noted because too many are known.
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}

/// Before all others in the order of addresses.
const LOWEST: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

impl Account {
    /// Takes in the oldest events, all but `keep`. Returns how many found no place, and how many bindings are new.
    fn fold(&mut self, keep: usize, room: usize, thresholds: &Thresholds) -> (u64, usize) {
        self.waiting.sort_by_key(|event| event.time);
        let rest = (self.waiting).split_off(self.waiting.len().saturating_sub(keep));
        let (mut refused, mut added) = (0, 0);
        for event in std::mem::replace(&mut self.waiting, rest) {
            let before = self.bindings.len();
            let full = before >= MAX_BINDINGS_OF_ONE || added >= room;
            refused += u64::from(!self.apply(&event, full, thresholds));
            added += self.bindings.len() - before;
        }
        (refused, added)
    }

    /// False when there is no room for a contact.
    fn apply(&mut self, event: &Event, full: bool, thresholds: &Thresholds) -> bool {
        let Some(contact) = &event.contact else {
            for (_, binding) in &mut self.bindings {
                binding.apply(event, thresholds);
            }
            if event.outcome == Outcome::Removed {
                for device in &mut self.devices {
                    device.removed(event);
                }
            }
            return true;
        };
        let found = (self.bindings).binary_search_by(|(key, _)| key.cmp(&contact.key));
        let at = match found {
            Ok(at) => at,
            Err(_) if matches!(event.outcome, Outcome::Listed { .. }) => return true,
            Err(_) if full => return false,
            Err(at) => {
                let binding = Binding::of(contact.uri.clone(), event.time);
                self.bindings.reserve_exact(1);
                self.bindings.insert(at, (contact.key.clone(), binding));
                at
            }
        };
        let Some((_, binding)) = self.bindings.get_mut(at) else {
            return false;
        };
        if !binding.apply(event, thresholds) {
            return true;
        }
        let until = binding.expires_at;
        let room = self.devices.len() < MAX_DEVICES_OF_ONE;
        let known = (self.devices.iter().enumerate())
            .map(|(at, it)| (it.likeness(event), at))
            .filter(|(likeness, _)| *likeness > 0)
            .max_by_key(|(likeness, _)| *likeness)
            .map(|(_, at)| at);
        let accepted = matches!(event.outcome, Outcome::Accepted { .. });
        let at = known.unwrap_or(self.devices.len());
        if known.is_none() && accepted && room {
            self.devices.reserve_exact(1);
            self.devices.push(Device::of(event, contact));
        }
        let Some(device) = self.devices.get_mut(at) else {
            return true;
        };
        match &event.outcome {
            Outcome::Accepted { .. } => {
                device.accepted(event, contact, until, thresholds);
                if device::evict(&mut self.devices, at, event) {
                    self.evictions.push(event, thresholds);
                }
            }
            Outcome::Removed => device.removed(event),
            Outcome::Rejected(code) => device.rejected(event, *code),
            _ => {}
        }
        true
    }
}
