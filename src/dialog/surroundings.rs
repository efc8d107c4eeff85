//! What the rest of the capture says about a call.

use super::legs::Beginning;
use super::origins::{Origins, ReusedCallId};
use super::{Bindings, Markings, MediaErrors, Paths, Traits};
use crate::hash::{HashSet, KeyMap, Recent, fingerprint};
use crate::limits::{MAX_HOST_PAIRS, MAX_SUCCESSES, MAX_UNANSWERED};
use crate::sip::Message;
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use crate::transaction::{Sighting, Transaction};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

/// Responses without their requests that a capture may begin with: as many may be on their way between two hosts.
const MAX_UNDER_WAY: u64 = 5;

/// Which hosts were heard, and who succeeded lately: facts that cross Call-IDs.
#[derive(Debug, Default)]
pub struct Surroundings {
    heard: HashSet<(IpAddr, IpAddr)>,
    /// Those between which requests went that cannot be placed.
    cut_requests: HashSet<(IpAddr, IpAddr)>,
    /// The first halves of `heard`.
    senders: HashSet<IpAddr>,
    unseen_answers: BTreeMap<(IpAddr, IpAddr), Sighting>,
    unseen_requests: BTreeMap<(IpAddr, IpAddr), UnseenRequests>,
    unanswered: Unanswered,
    successes: LastTimes,
    credentials: LastTimes,
    /// 423s, by whom they were for.
    too_brief: LastTimes,
    /// Those to a request that was sent after another one was refused so.
    still_too_brief: LastTimes,
    quick_busies: BTreeMap<IpAddr, (u64, u64)>,
    origins: Origins,
    pairs_refused: u64,
    paths: Paths,
    traits: Traits,
    bindings: Bindings,
    media_errors: MediaErrors,
    markings: Markings,
}

/// Responses from one host to another whose requests the capture lacks.
#[derive(Clone, Copy, Debug)]
pub struct UnseenRequests {
    /// The first response.
    pub first: Sighting,
    /// How many transactions there are.
    pub count: u64,
    /// Calls among them that were set up while the capture went on.
    pub calls: u64,
    /// Whether something of the other host must have passed meanwhile (guard G-1WAY).
    pub proven: bool,
    /// Whether a response came so late that its request must have passed meanwhile.
    pub late: bool,
}

/// Requests that may begin a dialog and seem to have no answer, by Call-ID and From tag. The oldest are forgotten first.
#[derive(Debug, Default)]
struct Unanswered {
    requests: KeyMap<(IpAddr, IpAddr, Sighting)>,
    order: VecDeque<u64>,
}

/// When something last happened, by the fingerprint of whom it happened to. The oldest are forgotten first.
#[derive(Debug)]
pub(super) struct LastTimes(Recent<Timestamp>);

impl Default for LastTimes {
    fn default() -> Self {
        Self(Recent::of_most(MAX_SUCCESSES))
    }
}

impl LastTimes {
    pub(super) fn note(&mut self, key: u64, at: Timestamp) {
        match self.0.get_mut(key) {
            Some(known) => *known = at.max(*known),
            None => self.0.insert(key, at),
        }
    }

    fn is_known(&self, key: u64) -> bool {
        self.0.get(key).is_some()
    }

    fn is_before(&self, key: u64, moment: Timestamp) -> bool {
        self.0.get(key).is_some_and(|at| *at < moment)
    }

    pub(super) fn is_after(&self, key: u64, moment: Timestamp) -> bool {
        self.0.get(key).is_some_and(|at| *at > moment)
    }
}

impl Surroundings {
    /// Nothing yet.
    pub fn new(thresholds: &Thresholds) -> Self {
        Self {
            bindings: Bindings::new(thresholds),
            ..Self::default()
        }
    }

    /// Notes that a SIP message went from one host to another.
    pub fn heard_message(&mut self, src: IpAddr, dst: IpAddr) {
        if self.heard.len() < MAX_HOST_PAIRS {
            if self.heard.insert((src, dst)) {
                self.senders.insert(src);
            }
        } else if !self.heard.contains(&(src, dst)) {
            self.pairs_refused += 1;
        }
    }

    /// Whether any SIP message went from one host to another so far.
    pub fn was_heard(&self, src: IpAddr, dst: IpAddr) -> bool {
        self.heard.contains(&(src, dst))
    }

    /// Notes that so much of a request from one host to another is missing that nobody knows what it asks for.
    pub fn note_cut_request(&mut self, src: IpAddr, dst: IpAddr) {
        if self.cut_requests.len() < MAX_HOST_PAIRS {
            self.cut_requests.insert((src, dst));
        } else if !self.cut_requests.contains(&(src, dst)) {
            self.pairs_refused += 1;
        }
    }

    /// Whether there was such a request so far.
    pub fn has_cut_requests(&self, src: IpAddr, dst: IpAddr) -> bool {
        self.cut_requests.contains(&(src, dst))
    }

    /// Whether a host sent any SIP message so far.
    pub fn speaks(&self, host: IpAddr) -> bool {
        self.senders.contains(&host)
    }

    /// The hosts to which any SIP message was sent so far.
    pub fn hearing(&self) -> HashSet<IpAddr> {
        self.heard.iter().map(|(_, dst)| *dst).collect()
    }

    /// Notes that a request from one host to another is known to have had an answer that the capture lacks.
    pub fn note_unseen_answer(&mut self, src: IpAddr, dst: IpAddr, request: Sighting) {
        if self.unseen_answers.len() < MAX_HOST_PAIRS {
            self.unseen_answers.entry((src, dst)).or_insert(request);
        } else if !self.unseen_answers.contains_key(&(src, dst)) {
            self.pairs_refused += 1;
        }
    }

    /// Notes a request that may begin a dialog, has no answer in the capture, and was not sent as often as one that has none.
    pub fn note_unanswered(&mut self, transaction: &Transaction) {
        let Some(request) = transaction.requests.first() else {
            return;
        };
        let tag = transaction.from.tag.as_deref();
        let key = fingerprint((&*transaction.call_id, tag));
        let flow = transaction.flow;
        let unanswered = &mut self.unanswered;
        let before = unanswered
            .requests
            .insert(key, (flow.src.ip(), flow.dst.ip(), request));
        if before.is_none() {
            unanswered.order.push_back(key);
            if unanswered.order.len() > MAX_UNANSWERED
                && let Some(oldest) = unanswered.order.pop_front()
            {
                unanswered.requests.remove(oldest);
            }
        }
    }

    /// Notes a request: one inside a dialog, of either side, proves that what began the dialog was answered, however long before
    /// that was judged (guard G-1WAY).
    pub fn note_request(&mut self, message: &Message) {
        if self.unanswered.requests.is_empty() {
            return;
        }
        let (Some(call_id), Some(to_tag)) = (message.call_id(), message.to_tag()) else {
            return;
        };
        for tag in [message.from_tag(), Some(to_tag)] {
            let key = fingerprint((&*call_id, tag));
            if let Some((src, dst, request)) = self.unanswered.requests.remove(key) {
                self.unanswered.order.retain(|it| *it != key);
                self.note_unseen_answer(src, dst, request);
            }
        }
    }

    /// Whether the capture has nothing of what the second host sent to the first, although a call that was judged before
    /// proves that there was something (guard G-1WAY).
    pub fn is_one_directional(&self, src: IpAddr, dst: IpAddr) -> bool {
        self.unseen_answers.contains_key(&(src, dst)) && !self.was_heard(dst, src)
    }

    /// The pairs of hosts of which the capture shows one direction only, with a request whose answer it lacks.
    pub fn one_directional(&self) -> impl Iterator<Item = (IpAddr, IpAddr, Sighting)> {
        self.unseen_answers
            .iter()
            .filter(|((src, dst), _)| !self.was_heard(*dst, *src))
            .map(|(&(src, dst), &request)| (src, dst, request))
    }

    /// Notes a response from one host to another whose request the capture lacks.
    pub fn note_unseen_request(&mut self, (src, dst): (IpAddr, IpAddr), passed: UnseenRequests) {
        let known = self.unseen_requests.len();
        match self.unseen_requests.entry((src, dst)) {
            Entry::Occupied(mut pair) => {
                let pair = pair.get_mut();
                pair.count += passed.count;
                pair.calls += passed.calls;
                pair.proven |= passed.proven;
                pair.late |= passed.late;
            }
            Entry::Vacant(pair) if known < MAX_HOST_PAIRS => {
                pair.insert(passed);
            }
            Entry::Vacant(_) => self.pairs_refused += 1,
        }
    }

    /// The pairs of hosts of which the capture shows responses only: where something proves that the other side was there, and
    /// where they are more than could have been on their way when the capture began. One alone may answer nothing.
    pub fn responses_only(&self) -> impl Iterator<Item = (IpAddr, IpAddr, UnseenRequests)> {
        self.unseen_requests
            .iter()
            .filter(|((src, dst), it)| {
                let passed = it.proven || it.count > MAX_UNDER_WAY || (it.late && it.count > 1);
                passed && !self.was_heard(*dst, *src)
            })
            .map(|(&(src, dst), &it)| (src, dst, it))
    }

    /// Notes that a request was answered with a 2xx at that moment.
    pub fn note_success(&mut self, transaction: &Transaction, at: Timestamp) {
        let key = transaction.client;
        self.successes.note(key, at);
    }

    /// Notes that a request with credentials was sent at that moment.
    pub fn note_credentials(&mut self, transaction: &Transaction, at: Timestamp) {
        let key = transaction.client;
        self.credentials.note(key, at);
    }

    /// Whether a request of the same method between the same addresses-of-record, for the same event package where it names one,
    /// succeeded after that moment, under whatever Call-ID.
    pub fn succeeded_after(&self, transaction: &Transaction, moment: Timestamp) -> bool {
        self.successes.is_after(transaction.client, moment)
    }

    /// Whether such a request had credentials after that moment: the challenge was answered under another Call-ID.
    pub fn authenticated_after(&self, transaction: &Transaction, moment: Timestamp) -> bool {
        self.credentials.is_after(transaction.client, moment)
    }

    /// Notes that the lifetime which a request asked for was refused as too brief at that moment (423).
    pub fn note_too_brief(&mut self, transaction: &Transaction, at: Timestamp) {
        let client = transaction.client;
        let sent = transaction.start();
        if self.too_brief.is_before(client, sent) {
            self.still_too_brief.note(client, at);
        }
        self.too_brief.note(client, at);
    }

    /// Whether the client of such a request asked for too little again after it had been told, under whatever Call-ID.
    pub fn is_still_too_brief(&self, transaction: &Transaction) -> bool {
        let client = transaction.client;
        self.still_too_brief.is_known(client)
    }

    /// Notes how a host decided a new INVITE: `quick_busy` says that it was busy before a telephone could ring.
    pub fn note_decision(&mut self, host: IpAddr, quick_busy: bool) {
        if self.quick_busies.len() >= MAX_HOST_PAIRS && !self.quick_busies.contains_key(&host) {
            self.pairs_refused += 1;
            return;
        }
        let (busy, all) = self.quick_busies.entry(host).or_default();
        *busy += u64::from(quick_busy);
        *all += 1;
    }

    /// How many INVITEs a host has answered with quick busies only; `None` when it ever decided otherwise.
    pub fn always_busy(&self, host: IpAddr) -> Option<u64> {
        let (busy, all) = self.quick_busies.get(&host)?;
        (busy == all).then_some(*all)
    }

    /// Notes a finished transaction.
    pub fn closed(&mut self, transaction: &Transaction) {
        self.paths.closed(transaction);
        self.bindings.closed(transaction);
    }

    /// How well requests get through, by host pair.
    pub const fn paths(&self) -> &Paths {
        &self.paths
    }

    /// What messages show of NATs, secrets and inside addresses.
    pub const fn traits(&self) -> &Traits {
        &self.traits
    }

    /// The same, to note it.
    pub const fn traits_mut(&mut self) -> &mut Traits {
        &mut self.traits
    }

    /// Clients that registered from behind a NAT.
    pub const fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// The same, to note what passes.
    pub const fn bindings_mut(&mut self) -> &mut Bindings {
        &mut self.bindings
    }

    /// ICMP errors about datagrams that are no SIP.
    pub const fn media_errors(&self) -> &MediaErrors {
        &self.media_errors
    }

    /// The same, to note them.
    pub const fn media_errors_mut(&mut self) -> &mut MediaErrors {
        &mut self.media_errors
    }

    /// How packets are marked.
    pub const fn markings(&self) -> &Markings {
        &self.markings
    }

    /// The same, to note them.
    pub const fn markings_mut(&mut self) -> &mut Markings {
        &mut self.markings
    }

    /// Notes an INVITE outside a dialog: what it began, and to where.
    pub fn note_invite(&mut self, invite: &Transaction, beginning: &Beginning) {
        self.origins.note(invite, beginning.target);
    }

    /// Whether an INVITE of that caller went to that URI after that moment, under whatever Call-ID.
    pub fn invited_after(&self, from: &[u8], target: &[u8], moment: Timestamp) -> bool {
        self.origins.invited_after(from, target, moment)
    }

    /// Whether the INVITE that a response answers was seen, however long ago.
    pub fn knows_invite(&self, answer: &Transaction) -> bool {
        self.origins.knows(answer)
    }

    /// The Call-IDs that several callers used for calls far apart; the first 64 of them.
    pub fn reused_call_ids(&self) -> &[ReusedCallId] {
        self.origins.reused()
    }

    /// How much could not be remembered for want of room, by the name of the store.
    pub const fn refused(&self) -> [(&'static str, u64); 5] {
        [
            ("host-pairs", self.pairs_refused + self.paths.refused()),
            ("icmp-errors", self.media_errors.forgotten()),
            ("markings", self.markings.refused()),
            ("nat-bindings", self.bindings.refused()),
            ("traits", self.traits.refused()),
        ]
    }
}
