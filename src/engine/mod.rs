//! Runs the rooms in order: one pipeline for files and interfaces, for every format and any number of threads. Comes in:
//! packets and time. Goes out: records to an [`Observer`] as soon as they are known, and a [`Report`] at the end. No
//! I/O, no clock.

mod alerts;
mod clock;
mod counting;
mod intake;
mod journal;
mod judging;
mod lacking;
mod observer;
mod placing;
mod prepared;
mod redacting;
mod report;
mod taking;
mod waiting;

use crate::hash::{HashSet, KeyMap, KeySet};
pub use intake::Intake;
pub use judging::Remains;
pub use observer::{Mirror, Observer, Options, SeenMessage};
pub use prepared::{Events, Passing, Prepared, Refused};
pub use report::{FINDINGS_LIMIT, Report, Selected, Summary};
pub use waiting::InOrder;

use crate::capture::{CaptureFacts, Packet};
use crate::dialog::kpi::Kpi;
use crate::dialog::legs::Legs;
use crate::dialog::streams::Streams;
use crate::dialog::{
    Backoffs, Book, Defects, Keepalives, LostDatagrams, Registrations, Sources, Surroundings,
    TalkTimes, TlsServers,
};
use crate::limits::{MAX_CAPTURE_FINDINGS, MAX_FINDINGS, MAX_GAPS, MAX_KEPT_BYTES};
use crate::reassembly::tls::Secrets;
use crate::rules::{self, CaptureView, Counts, Finding, Tallies};
use crate::sip::digest::Passwords;
use crate::time::Timestamp;
use crate::transaction::{Duplicates, Table, TransactionId};
use judging::Due;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::net::IpAddr;
use taking::Notable;
use waiting::Asked;

/// The pipeline.
#[derive(Debug)]
pub struct Engine<O> {
    observer: O,
    options: Options,
    asked: Asked,
    intake: Intake,
    notable: Notable,
    lost: LostDatagrams,
    defects: Defects,
    tls_servers: TlsServers,
    streams: Streams,
    released: Option<Timestamp>,
    /// The time of the last message before which calls were judged.
    settled: Option<Timestamp>,
    duplicates: Duplicates,
    /// Those on which messages were heard.
    flows: KeyMap<()>,
    table: Table,
    book: Book,
    due: Vec<Due>,
    /// What is left of those that were judged, where somebody else lets go of it.
    remains: Option<Remains>,
    surroundings: Surroundings,
    keepalives: Keepalives,
    talk_times: TalkTimes,
    backoffs: Backoffs,
    sources: Sources,
    legs: Legs,
    kpi: Kpi,
    registrations: Registrations,
    counts: Counts,
    summary: Summary,
    findings: Vec<Finding>,
    beyond: Tallies,
    notes: usize,
    last_finding: u64,
    first_time: Option<Timestamp>,
    now: Option<Timestamp>,
    lossy: bool,
    /// Requests that the capture must have lost.
    lost_requests: u64,
    gaps: Vec<(Timestamp, Timestamp)>,
    watched: BinaryHeap<Reverse<(Timestamp, TransactionId, usize)>>,
    alerted: KeySet<TransactionId>,
    /// Calls of which something was told before they are over.
    alerted_calls: KeySet<u64>,
    passwords: Passwords,
    /// Those that a request had credentials for.
    passwords_met: BTreeSet<usize>,
    /// Hosts of which was told that they attack, and how.
    alerted_hosts: HashSet<(IpAddr, &'static str)>,
}

impl<O: Observer> Engine<O> {
    /// A pipeline that tells `observer` what it finds.
    pub fn new(options: Options, observer: O) -> Self {
        let thresholds = options.thresholds;
        let memory = options.memory.unwrap_or(MAX_KEPT_BYTES);
        let table = Table::new(&thresholds).with_memory(memory);
        let book = Book::default().with_packer(table.packer(), &options.workers);
        let asked = Asked::of(&options);
        Self {
            observer,
            legs: Legs::default(),
            intake: Intake::new(asked.clone(), options.redactor.clone()),
            notable: Notable::default(),
            asked,
            kpi: Kpi::default(),
            options,
            lost: LostDatagrams::default(),
            defects: Defects::new(&thresholds),
            tls_servers: TlsServers::new(&thresholds),
            streams: Streams::default(),
            released: None,
            settled: None,
            duplicates: Duplicates::default(),
            flows: KeyMap::default(),
            book,
            table,
            due: Vec::new(),
            remains: None,
            surroundings: Surroundings::new(&thresholds),
            keepalives: Keepalives::default(),
            talk_times: TalkTimes::default(),
            backoffs: Backoffs::default(),
            registrations: Registrations::new(&thresholds),
            sources: Sources::new(&thresholds),
            counts: Counts::default(),
            summary: Summary::default(),
            findings: Vec::new(),
            beyond: Tallies::default(),
            notes: 0,
            last_finding: 0,
            first_time: None,
            now: None,
            lossy: false,
            lost_requests: 0,
            gaps: Vec::new(),
            watched: BinaryHeap::new(),
            alerted: KeySet::default(),
            alerted_calls: KeySet::default(),
            passwords: Passwords::default(),
            passwords_met: BTreeSet::new(),
            alerted_hosts: HashSet::default(),
        }
    }

    /// Whom the engine tells.
    pub const fn observer_mut(&mut self) -> &mut O {
        &mut self.observer
    }

    /// What opens packets, for a thread that reads ahead and hands on what they hold to [`Self::prepared`] and
    /// [`Self::in_order`]; `None` where names are replaced, as what stands for them is found in the order in which they come.
    pub fn lend_intake(&mut self) -> Option<Intake> {
        let none = || Intake::new(self.asked.clone(), None);
        (self.options.redactor.is_none()).then(|| std::mem::replace(&mut self.intake, none()))
    }

    /// Takes it back, with what waits in it.
    pub fn take_intake(&mut self, intake: Intake) {
        self.intake = intake;
    }

    /// Whether [`Self::take_remains`] will be called now and then: the caller lets go of the calls that were judged.
    pub fn collect_remains(&mut self, collect: bool) {
        self.remains = collect.then(Remains::default);
    }

    /// What is left of the calls that were judged since the last time; nothing unless [`Self::collect_remains`] was asked for.
    pub fn take_remains(&mut self) -> Remains {
        self.remains
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Says that the capture is known to lack packets, from now on (guard G-LOSS).
    pub const fn packets_were_lost(&mut self) {
        self.lossy = true;
    }

    /// Takes a packet.
    pub fn packet(&mut self, packet: &Packet<'_>) {
        let prepared = self.intake.packet(packet);
        self.prepared(prepared);
        self.release();
    }

    /// Takes the time of a packet that a filter refused: the capture went on.
    pub fn pass_over(&mut self, time: Timestamp) {
        let refused = self.intake.refused(time);
        self.passed_over(refused);
        self.release();
    }

    /// The TLS secrets: what is added to them opens what follows, and with [`Self::retry_secrets`] what waits.
    pub const fn secrets_mut(&mut self) -> &mut Secrets {
        self.intake.secrets_mut()
    }

    /// Opens what waited for secrets that are known now.
    pub fn retry_secrets(&mut self) {
        let events = self.intake.retry();
        self.events(events);
    }

    /// Takes a key log that the capture holds.
    pub fn keylog(&mut self, text: &[u8]) {
        let events = self.intake.keylog(text);
        self.events(events);
    }

    /// The passwords that digests are tested with.
    pub const fn passwords_mut(&mut self) -> &mut Passwords {
        &mut self.passwords
    }

    /// Says that nothing was captured between two moments: what was not seen then was not looked for (guard G-END).
    pub fn gap(&mut self, from: Timestamp, until: Timestamp) {
        if self.gaps.len() < MAX_GAPS {
            self.gaps.push((from, until));
        }
    }

    /// Says that time has passed: the wall clock on an idle interface.
    pub fn advance(&mut self, now: Timestamp) {
        let given_up = self.intake.advance(now);
        self.now = self.now.max(Some(now));
        self.events(given_up);
        self.release();
        // Messages younger than the window may still wait for their turn.
        let settled = now.minus(waiting::REORDER_WINDOW);
        self.table.advance(settled);
        self.settle();
        self.watch(settled);
    }

    /// Ends the capture: everything open is judged, and the report is made.
    pub fn finish(mut self, capture: CaptureFacts) -> (Report, O) {
        // The report tells it all.
        self.options.alerts = false;
        let capture = self.hidden_capture(capture);
        self.lossy |= capture.dropped_by_kernel.unwrap_or(0) > 0
            || capture.dropped_by_interface.unwrap_or(0) > 0;
        let unfinished = self.intake.finish();
        self.now = self.now.max(self.intake.now());
        self.events(unfinished);
        self.release();
        let end = self.now.unwrap_or(Timestamp::MIN);
        self.table.finish(end);
        self.settle();
        for key in self.book.finish() {
            if let Some(call) = self.book.take(key) {
                self.is_over(call);
            }
        }
        self.judge_due();
        debug_assert_eq!(self.table.kept(), 0, "all that was kept was let go");
        self.lossy |= self.has_lost_requests();
        self.keepalives.settle();
        self.registrations.settle();
        self.counts.unfinished += self.book.open_dialogs();
        self.counts.mid_dialog = self.book.mid_dialog();
        self.counts.later_fragments = self.intake.later_fragments();
        let view = CaptureView {
            facts: &capture,
            counts: &self.counts,
            surroundings: &self.surroundings,
            keepalives: &self.keepalives,
            talk_times: &self.talk_times,
            backoffs: &self.backoffs,
            registrations: &self.registrations,
            gaps: &self.gaps,
            sources: &self.sources,
            lost_datagrams: self.lost.all(),
            defects: &self.defects,
            connections: &self.notable.connections,
            tls_servers: &self.tls_servers,
            streams: &self.streams,
            legs: &self.legs,
            now: end,
            lossy: self.lossy,
            thresholds: &self.options.thresholds,
        };
        let mut found = rules::judge_capture(&view, &mut self.findings, &mut self.last_finding);
        self.options
            .policy
            .apply(&mut found, &mut self.findings, &mut self.summary.policy);
        for finding in found {
            // The findings of one attack must not keep out the one that explains them.
            self.keep(finding, MAX_FINDINGS + MAX_CAPTURE_FINDINGS);
        }
        rules::link_legs(&mut self.findings, &self.legs);
        if !self.summary.limits_hit.contains_key(FINDINGS_LIMIT) {
            // What came later may have taken back the worst.
            self.summary.worst = self.findings.iter().map(|it| it.severity).max();
        }
        let refused = self.refused();
        let mut summary = self.summary;
        summary.kpi = self.kpi;
        summary.counts = self.counts;
        summary.call_ids = self.book.call_ids();
        summary.calls = self.book.calls();
        summary.transactions = self.table.begun();
        summary.limits_hit.extend(refused);
        if self.lossy {
            // What was judged before the loss was known may rest on it (guard G-LOSS).
            self.findings.iter_mut().for_each(Finding::lower_absence);
        }
        rules::sort(&mut self.findings);
        self.observer.over(&self.findings, &self.legs);
        journal::tls_servers(&self.tls_servers);
        let report = Report {
            capture,
            thresholds: self.options.thresholds,
            first_time: self.first_time,
            last_time: self.now,
            clusters: rules::clusters(&self.findings, &self.beyond),
            findings: self.findings,
            registrations: self
                .registrations
                .all(end, |moment| rules::watched_since(moment, end, &self.gaps)),
            summary,
            selected: None,
            redacted: self.options.redactor.is_some(),
            unused_passwords: report::unused(&self.passwords, &self.passwords_met),
        };
        (report, self.observer)
    }

    /// Takes what nothing can overtake any more.
    fn release(&mut self) {
        while let Some(next) = self.intake.next_in_order() {
            self.fetch_ahead(|behind| self.intake.ahead(behind));
            self.in_order(next);
        }
    }
}
