//! Judging what is over. Calls are judged in batches, by as many threads as there are: a batch is of so many calls whatever the
//! threads, and told in its order, so that the answer is always the same.

use super::report::FINDINGS_LIMIT;
use super::{Engine, Observer};
use crate::dialog::legs::Legs;
use crate::dialog::streams::Streams;
use crate::dialog::{Call, FoundDefect, Negotiation, SeenTrait, Surroundings, Waited};
use crate::fetch::fetch;
use crate::limits::{MAX_FINDINGS, MAX_NOTED};
use crate::redact::Redactor;
use crate::rules::{self, CallView, Finding, Silence};
use crate::severity::Severity;
use crate::sip::digest::Passwords;
use crate::sip::{Message, Method};
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use crate::transaction::Transaction;
use std::time::Duration;

/// A call that is over and was not judged yet.
#[derive(Debug)]
pub(super) struct Due {
    call: Call,
    /// The time of the last packet when it was over.
    now: Timestamp,
    /// The time of the last message before it was over.
    since: Timestamp,
}

/// Calls that were judged and told. They are made of what the thread that reads ahead asked memory for, and it costs that thread
/// least to give it back.
#[derive(Debug, Default)]
pub struct Remains(Vec<Due>);

/// What is to be said of a call, and what it says of others.
struct Judged<'a> {
    found: Vec<Finding>,
    traits: Vec<SeenTrait<'a>>,
    defects: Vec<FoundDefect<'a>>,
}

/// Calls that are judged at once: some milliseconds of work, and little memory.
const BATCH: usize = 128;
/// Calls that one thread judges together: of more the messages no longer fit into the first caches, of fewer the rules do not.
const PIECE: usize = 16;
/// How long a call waits for others at most, on the clock of the capture: what is judged later knows more, and what is known of
/// a call must not depend on how many others there are.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is known beside a call.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    surroundings: &'a Surroundings,
    legs: &'a Legs,
    streams: &'a Streams,
    lossy: bool,
    gaps: &'a [(Timestamp, Timestamp)],
    thresholds: &'a Thresholds,
    passwords: &'a Passwords,
    redactor: Option<&'a Redactor>,
}

impl Due {
    /// Has all that is kept of calls brought into the cache: what refers to something first, so that nobody waits for it.
    fn fetch(due: &[Self]) {
        let transactions = || due.iter().flat_map(|due| &due.call.transactions);
        let messages = || transactions().flat_map(Transaction::messages);
        for due in due {
            fetch(&*due.call.transactions);
        }
        transactions().for_each(Transaction::fetch);
        messages().for_each(fetch);
        messages().for_each(Message::fetch);
    }
}

impl<'a> Known<'a> {
    /// Judges some calls, each by itself.
    fn judge(self, due: &[Due]) -> Vec<Judged<'_>> {
        Due::fetch(due);
        let negotiations: Vec<_> = due.iter().map(|due| Negotiation::of(&due.call)).collect();
        let beside = due.iter().zip(&negotiations);
        let views: Vec<_> = beside
            .map(|(due, negotiation)| self.view(&due.call, negotiation, due.now))
            .collect();
        let found = rules::judge_calls(&views);
        let beside = due.iter().zip(found);
        beside
            .map(|(Due { call, .. }, found)| Judged {
                found,
                traits: SeenTrait::in_call(call),
                defects: FoundDefect::in_call(call, self.thresholds.t1),
            })
            .collect()
    }

    pub(super) const fn view(
        self,
        call: &'a Call,
        negotiation: &'a Negotiation<'a>,
        now: Timestamp,
    ) -> CallView<'a> {
        CallView {
            call,
            negotiation,
            surroundings: self.surroundings,
            legs: self.legs,
            streams: self.streams,
            now,
            lossy: self.lossy,
            gaps: self.gaps,
            thresholds: self.thresholds,
            passwords: self.passwords,
            redactor: self.redactor,
        }
    }
}

impl<O: Observer> Engine<O> {
    /// Takes what was closed, and judges the calls that are over by that.
    pub(super) fn settle(&mut self) {
        for transaction in self.table.take_closed() {
            let waited = self.waited(&transaction);
            self.keepalives.note(&transaction, waited);
            self.registrations.note(&transaction, waited);
            if self.alerted.remove(&transaction.id) {
                self.alerted_calls.insert(transaction.call_key);
            }
            self.lost.closed(&transaction, self.options.thresholds.t2);
            self.streams
                .closed(&transaction, self.options.thresholds.t1);
            self.surroundings.closed(&transaction);
            if let Some(call) = self.book.closed(transaction) {
                self.is_over(call);
            }
        }
        // Messages are what takes memory. First those of calls that wait to be judged, which count until they are.
        if self.table.is_crowded() {
            self.judge_due();
        }
        // Then those of calls that nobody ends.
        while self.table.is_crowded()
            && let Some(call) = self.book.take_idle()
        {
            self.is_over(call);
            self.judge_due();
        }
        let clock = self.released.unwrap_or(Timestamp::MIN);
        let oldest = self.due.first().map(|due| due.since);
        let waited = oldest.is_some_and(|since| clock.since(since) >= PATIENCE);
        self.settled = Some(clock);
        // An alert is waited for.
        if waited || self.options.alerts {
            self.judge_due();
        }
    }

    /// Notes what a call that is over says of others, and judges it with the next batch.
    pub(super) fn is_over(&mut self, mut call: Call) {
        call.mark_implied_answers();
        self.talk_times.note(&call);
        self.registrations.note_forks(&call);
        for (host, quick_busy) in call.decisions() {
            self.surroundings.note_decision(host, quick_busy);
        }
        self.counts.unfinished += u64::from(call.is_open_attempt());
        self.streams.call(&call, &self.surroundings);
        self.note_unseen(&call);
        let now = self.now();
        let since = self.settled.unwrap_or(now);
        self.due.push(Due { call, now, since });
        if self.due.len() >= BATCH {
            self.judge_due();
        }
    }

    /// Judges the calls that wait for it.
    pub(super) fn judge_due(&mut self) {
        if self.due.is_empty() {
            return;
        }
        let mut due = std::mem::take(&mut self.due);
        let workers = self.options.workers.clone();
        let known = self.known();
        let pieces: Vec<&[Due]> = due.chunks(PIECE).collect();
        let judged = workers.map(&pieces, 1, |piece| known.judge(piece));
        for (Due { call, .. }, judged) in due.iter().zip(judged.into_iter().flatten()) {
            self.tell_judged(call, judged);
        }
        for due in &due {
            self.table.let_go(&due.call.transactions);
        }
        match &mut self.remains {
            Some(remains) => remains.0.append(&mut due),
            None => due.clear(),
        }
        // Its memory is used again.
        self.due = due;
    }

    /// Tells what was found about a call, and keeps it.
    fn tell_judged(&mut self, call: &Call, judged: Judged<'_>) {
        let mut found = judged.found;
        rules::renumber(&mut found, &mut self.last_finding);
        self.options
            .policy
            .apply(&mut found, &mut [], &mut self.summary.policy);
        self.streams.judged(call);
        let began = self.first_time.unwrap_or(Timestamp::MIN);
        self.surroundings.traits_mut().note(&judged.traits);
        self.defects
            .call(call, judged.defects, &self.surroundings, began);
        self.observer.judged(call, &found, &self.legs);
        for transaction in &call.transactions {
            let own: Vec<_> = found
                .iter()
                .filter(|finding| finding.transactions.contains(&transaction.id))
                .collect();
            self.observer.transaction(transaction, &own);
        }
        let is_leg = self.legs.link_of(&call.call_id).is_some();
        self.kpi.note(call, is_leg);
        self.observer.call(call, &self.legs);
        if self.options.alerts {
            self.alert_judged(call, &found);
        }
        for finding in found {
            self.keep(finding, MAX_FINDINGS);
        }
        // What a B2BUA sends on is not its own.
        if !is_leg {
            self.sources.note(call, &self.surroundings);
        }
        if self.options.alerts {
            self.alert_hosts(call);
        }
    }

    pub(super) const fn known(&self) -> Known<'_> {
        Known {
            surroundings: &self.surroundings,
            legs: &self.legs,
            streams: &self.streams,
            lossy: self.lossy,
            gaps: self.gaps.as_slice(),
            thresholds: &self.options.thresholds,
            passwords: &self.passwords,
            redactor: self.options.redactor.as_ref(),
        }
    }

    /// The time of the last packet.
    pub(super) fn now(&self) -> Timestamp {
        self.now.unwrap_or(Timestamp::MIN)
    }

    /// How long one of the requests that are followed over Call-IDs was without its final response.
    fn waited(&self, transaction: &Transaction) -> Waited {
        if !matches!(transaction.method, Method::Options | Method::Register)
            || transaction.final_response().is_some()
        {
            return Waited::TooShort;
        }
        let call = Call {
            call_id: transaction.call_id.clone(),
            transactions: vec![transaction.clone()],
        };
        let negotiation = Negotiation::default();
        match (self.known())
            .view(&call, &negotiation, self.now())
            .silence(transaction)
        {
            None => Waited::TooShort,
            Some(Silence::SoFar) => Waited::SoFar,
            Some(Silence::Proven | Silence::Stopped | Silence::Unrepeated) => Waited::Long,
        }
    }

    /// Keeps a finding for the report while there are fewer than `room`.
    pub(super) fn keep(&mut self, mut finding: Finding, room: usize) {
        let name = finding.name();
        match self.summary.findings.get_mut(&*name) {
            Some(count) => *count += 1,
            None => drop(self.summary.findings.insert(name.into_owned(), 1)),
        }
        self.summary.worst = self.summary.worst.max(Some(finding.severity));
        self.observer.finding(&finding);
        let is_note = finding.severity == Severity::Info;
        if self.findings.len() < room && !(is_note && self.notes >= MAX_NOTED) {
            self.notes += usize::from(is_note);
            finding.shrink();
            self.findings.push(finding);
        } else {
            *self.summary.limits_hit.entry(FINDINGS_LIMIT).or_default() += 1;
            self.beyond.note(&finding);
        }
    }
}
