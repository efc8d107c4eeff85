//! Who began what: the INVITEs that began calls, by Call-ID and by target, over all calls.

use super::surroundings::LastTimes;
use crate::hash::{Recent, fingerprint};
use crate::limits::{MAX_NOTES, MAX_SUCCESSES};
use crate::sip::Method;
use crate::sip::value::brief_record;
use crate::time::Timestamp;
use crate::transaction::{Sighting, Transaction};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Two callers that used one Call-ID.
#[derive(Clone, Debug)]
pub struct ReusedCallId {
    /// The Call-ID.
    pub call_id: Arc<[u8]>,
    /// The first INVITE with it.
    pub first: Sighting,
    /// Who sent that one.
    pub first_source: IpAddr,
    /// The first INVITE of another caller.
    pub again: Sighting,
    /// Who sent that one.
    pub second_source: IpAddr,
    /// How many INVITEs of other callers there were.
    pub count: u64,
}

/// The INVITEs that began calls.
#[derive(Debug)]
pub(super) struct Origins {
    /// By [`Transaction::call_key`].
    first: Recent<Origin>,
    reused: Vec<ReusedCallId>,
    targets: LastTimes,
}

impl Default for Origins {
    fn default() -> Self {
        Self {
            first: Recent::of_most(MAX_SUCCESSES),
            reused: Vec::new(),
            targets: LastTimes::default(),
        }
    }
}

/// The first INVITE of a Call-ID.
#[derive(Debug)]
struct Origin {
    from_tag: u64,
    source: IpAddr,
    seen: Sighting,
}

/// What comes sooner may be the same attempt through another element.
const APART: Duration = Duration::from_mins(1);

impl Origins {
    /// Notes an INVITE outside a dialog.
    pub(super) fn note(&mut self, invite: &Transaction, target: u64) {
        let Some(seen) = invite.requests.last() else {
            return;
        };
        self.targets.note(target, seen.time);
        if invite.call_id.is_empty() {
            return;
        }
        let key = invite.call_key;
        let from_tag = fingerprint(&invite.from.tag);
        let source = invite.flow.src.ip();
        let Some(origin) = self.first.get(key) else {
            let origin = Origin {
                from_tag,
                source,
                seen,
            };
            self.first.insert(key, origin);
            return;
        };
        let is_other = origin.from_tag != from_tag
            && origin.source != source
            && seen.time.since(origin.seen.time) > APART;
        if !is_other {
            return;
        }
        let known = self
            .reused
            .iter_mut()
            .find(|it| it.call_id == invite.call_id);
        if let Some(known) = known {
            known.count += 1;
        } else if self.reused.len() < MAX_NOTES {
            self.reused.push(ReusedCallId {
                call_id: invite.call_id.clone(),
                first: origin.seen,
                first_source: origin.source,
                again: seen,
                second_source: source,
                count: 1,
            });
        }
    }

    /// Whether the INVITE that a response answers was seen, however long ago.
    pub(super) fn knows(&self, answer: &Transaction) -> bool {
        let key = answer.call_key;
        let from_tag = fingerprint(&answer.from.tag);
        answer.method == Method::Invite
            && !answer.call_id.is_empty()
            && (self.first.get(key))
                .is_some_and(|it| it.from_tag == from_tag && it.seen.time < answer.start())
    }

    pub(super) fn reused(&self) -> &[ReusedCallId] {
        &self.reused
    }

    /// Whether an INVITE of that caller went to that URI after that moment, under whatever Call-ID.
    pub(super) fn invited_after(&self, from: &[u8], target: &[u8], moment: Timestamp) -> bool {
        self.targets.is_after(self::target(from, target), moment)
    }
}

/// A fingerprint of who calls whom.
pub(super) fn target(from: &[u8], target: &[u8]) -> u64 {
    fingerprint((brief_record(from), brief_record(target)))
}
