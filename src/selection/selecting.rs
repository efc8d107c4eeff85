//! Stands between the engine and an observer, and hands on only what belongs to the selected calls.

use super::held::{Held, HeldMessage, Judged, Store};
use super::{FrameSet, Met, Selection, Window};
use crate::capture::FrameNumber;
use crate::dialog::Call;
use crate::dialog::legs::Legs;
use crate::engine::{Observer, Report, SeenMessage, Selected};
use crate::hash::{HashMap, HashSet, fingerprint};
use crate::limits::{MAX_REGISTRATIONS, MAX_SELECTION_BYTES, MAX_SELECTION_STATES};
use crate::rules::{self, Finding, FindingId, Tallies};
use crate::sip::Method;
use crate::sip::value::address_of_record;
use crate::time::Timestamp;
use crate::transaction::{Placement, Transaction};
use std::net::IpAddr;

/// A Call-ID in little space: a fingerprint with a key of this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey(pub u64);

/// Which calls were selected, when all is over.
#[derive(Debug)]
pub struct Chosen {
    all: bool,
    states: HashMap<u64, Met>,
    parents: HashMap<u64, u64>,
    /// Findings that meet by themselves all that is asked for.
    alone: HashSet<FindingId>,
}

impl Chosen {
    /// Whether a finding that is of no call was asked for, and not only told because all rests on it.
    pub fn is_asked(&self, finding: &Finding) -> bool {
        self.all || self.alone.contains(&finding.id)
    }

    /// Whether a call is among them.
    pub fn contains(&self, call: CallKey) -> bool {
        self.all
            || self
                .states
                .get(&root_of(&self.parents, call.0))
                .is_some_and(|state| state.has(SELECTED))
    }
}

/// The observer that selects. With nothing asked for it hands on everything at once.
///
/// A call is its Call-ID with the legs that are linked to it: what a person would call the call. Until it is known whether
/// it is selected, what is told of it is held back within [`MAX_SELECTION_BYTES`].
#[derive(Debug)]
pub struct Selecting<O> {
    inner: O,
    selection: Selection,
    wanted: Met,
    window: Option<Window>,
    /// The time of the latest message.
    latest: Timestamp,
    /// What each call met, by the key of its group.
    states: HashMap<u64, Met>,
    /// For a Call-ID that is a leg, another of its group, on the way to the one that stands for all.
    parents: HashMap<u64, u64>,
    /// How many Call-IDs a group has, where it is more than one.
    sizes: HashMap<u64, u64>,
    held: Store,
    keeps_messages: bool,
    keeps_texts: bool,
    /// The packets of the selected calls, as far as transactions name them.
    frames: FrameSet,
    /// Who registered in selected calls.
    accounts: HashSet<String>,
    told: HashSet<FindingId>,
    /// Findings of no call that meet by themselves all that is asked for.
    alone: HashSet<FindingId>,
    /// What findings meet that are of no call.
    met_alone: Met,
    selected: Selected,
    refused: u64,
}

const SELECTED: Met = Met(1 << 14);
/// Something that was held back of it had to go.
const SHORTENED: Met = Met(1 << 15);

impl<O: Observer> Selecting<O> {
    /// Hands on to `inner` what `selection` asks for. `keeps_messages` says that `inner` takes messages, so that those of a call
    /// are held until it is known whether it is selected.
    pub fn new(selection: Selection, inner: O, keeps_messages: bool) -> Self {
        Self::with_room(selection, inner, keeps_messages, MAX_SELECTION_BYTES)
    }

    pub(super) fn with_room(
        selection: Selection,
        inner: O,
        keeps_messages: bool,
        room: usize,
    ) -> Self {
        Self {
            inner,
            wanted: selection.wanted(),
            window: None,
            latest: Timestamp::MIN,
            states: HashMap::default(),
            parents: HashMap::default(),
            sizes: HashMap::default(),
            held: Store::new(room),
            keeps_messages,
            keeps_texts: false,
            frames: FrameSet::default(),
            accounts: HashSet::default(),
            told: HashSet::default(),
            alone: HashSet::default(),
            met_alone: Met::default(),
            selected: Selected {
                criteria: selection.to_string(),
                ..Selected::default()
            },
            selection,
            refused: 0,
        }
    }

    /// Says whether the observer shows the messages of a call that it is handed.
    #[must_use]
    pub const fn with_texts(mut self, keeps: bool) -> Self {
        self.keeps_texts = keeps;
        self
    }

    /// Says when the capture began, before its first packet is taken: what times of day and times since the start mean.
    pub fn begin(&mut self, start: Timestamp) {
        if self.window.is_none() {
            self.window = Some(self.selection.window(start));
        }
    }

    /// Whom it hands on to.
    pub const fn inner_mut(&mut self) -> &mut O {
        &mut self.inner
    }

    /// Whether everything is handed on.
    pub fn takes_all(&self) -> bool {
        self.wanted == Met::default()
    }

    /// The key of a Call-ID; an empty one stands for messages without any.
    pub fn key(&self, call_id: &[u8]) -> CallKey {
        CallKey(fingerprint(call_id))
    }

    /// Whether a call is selected, as far as is known now.
    pub fn is_selected(&self, call: CallKey) -> bool {
        self.takes_all() || self.state(self.root(call.0)).has(SELECTED)
    }

    /// Whether something that is wrong at this moment is handed on, as far as is known of its call.
    pub fn takes_alert(&self, finding: &Finding) -> bool {
        let window = self.window.unwrap_or_default();
        let alone = self.selection.of_finding_alone(finding, window);
        let of_call = finding.call_id.as_ref();
        let of_call = of_call.map(|it| self.state(self.root(self.key(it).0)));
        alone.with(of_call.unwrap_or_default()).has(self.wanted)
    }

    /// Leaves in the report what was selected and says so in it. Returns the observer, and which calls they were.
    pub fn finish(self, report: &mut Report) -> (O, Chosen) {
        let met = self
            .states
            .values()
            .copied()
            .fold(self.met_alone, Met::with);
        let unmet = self.selection.words(self.wanted.without(met));
        let chosen = Chosen {
            all: self.takes_all(),
            states: self.states,
            parents: self.parents,
            alone: self.alone,
        };
        if chosen.all {
            return (self.inner, chosen);
        }
        report.findings.retain(|it| self.told.contains(&it.id));
        report.clusters = rules::clusters(&report.findings, &Tallies::default());
        let accounts = &self.accounts;
        report.registrations.retain(|it| accounts.contains(&it.aor));
        if self.refused > 0 {
            let limits = &mut report.summary.limits_hit;
            limits.insert("selection", self.refused);
        }
        report.selected = Some(Selected {
            unmet,
            ..self.selected
        });
        (self.inner, chosen)
    }

    /// The key that stands for the whole group of a call.
    fn root(&self, call: u64) -> u64 {
        root_of(&self.parents, call)
    }

    fn state(&self, root: u64) -> Met {
        self.states.get(&root).copied().unwrap_or_default()
    }

    fn size(&self, root: u64) -> u64 {
        self.sizes.get(&root).copied().unwrap_or(1)
    }

    /// Notes what a group met; whether that makes it selected now.
    fn note(&mut self, root: u64, met: Met) -> bool {
        let before = self.state(root);
        let mut now = before.with(met);
        let selects = now.has(self.wanted) && !before.has(SELECTED);
        if selects {
            now = now.with(SELECTED);
        }
        if now == before {
            return false;
        }
        if self.states.len() >= MAX_SELECTION_STATES && !self.states.contains_key(&root) {
            self.refused += 1;
            return false;
        }
        self.states.insert(root, now);
        if selects {
            self.selected.call_ids += self.size(root);
            self.selected.without_beginning += u64::from(now.has(SHORTENED));
        }
        selects
    }

    /// Two Call-IDs are legs of one call.
    fn join(&mut self, one: u64, other: u64) {
        let (one, other) = (self.root(one), self.root(other));
        if one == other {
            return;
        }
        let (size, other_size) = (self.size(one), self.size(other));
        // The smaller one goes under the larger one, so that ways stay short.
        let (root, leaf) = if size >= other_size {
            (one, other)
        } else {
            (other, one)
        };
        let leaf_size = size.min(other_size);
        let root_size = size.max(other_size);
        let leaf_state = self.states.remove(&leaf).unwrap_or_default();
        let root_state = self.state(root);
        self.sizes.remove(&leaf);
        self.sizes.insert(root, size + other_size);
        self.parents.insert(leaf, root);
        self.held.join(root, leaf);
        let newly = match (root_state.has(SELECTED), leaf_state.has(SELECTED)) {
            (false, false) => {
                self.note(root, leaf_state);
                return;
            }
            (true, false) => leaf_size,
            (false, true) => root_size,
            (true, true) => 0,
        };
        self.selected.call_ids += newly;
        self.states.insert(root, root_state.with(leaf_state));
    }

    /// Hands on what was held back of a group that is selected.
    fn flush(&mut self, root: u64, legs: Option<&Legs>) {
        let Held {
            messages, judged, ..
        } = self.held.take(root);
        for held in &messages {
            self.inner.message(&held.seen(), held.placement);
        }
        for one in judged {
            match legs {
                Some(legs) => self.hand_on(&one, legs),
                // Those that judge come with what is known of legs, and will.
                None => self.hold(root, one),
            }
        }
    }

    fn hand_on(&mut self, judged: &Judged, legs: &Legs) {
        let Judged { call, findings } = judged;
        self.take_note(call);
        self.inner.judged(call, findings, legs);
        for transaction in &call.transactions {
            let own: Vec<_> = findings
                .iter()
                .filter(|finding| finding.transactions.contains(&transaction.id))
                .collect();
            self.inner.transaction(transaction, &own);
        }
        self.inner.call(call, legs);
        for finding in findings {
            self.inner.finding(finding);
        }
    }

    /// Notes what a selected call is known by at the end.
    fn take_note(&mut self, call: &Call) {
        for transaction in &call.transactions {
            for frame in transaction.frames() {
                self.frames.insert(frame);
            }
            if transaction.method == Method::Register && self.accounts.len() < MAX_REGISTRATIONS {
                self.accounts.insert(address_of_record(&transaction.to.uri));
            }
        }
    }

    fn hold(&mut self, root: u64, judged: Judged) {
        let gone = self.held.judged(root, judged);
        self.shorten(&gone);
    }

    fn shorten(&mut self, gone: &[u64]) {
        for root in gone {
            self.note(*root, SHORTENED);
        }
    }

    /// Gives the calls that findings about more than one call cite what these findings meet, and of what is said of an attacker all
    /// of its calls, as only some are cited for proof.
    fn select_cited(&mut self, findings: &[Finding]) {
        let mut cited: HashMap<FrameNumber, Met> = HashMap::default();
        let mut attackers: HashMap<IpAddr, Met> = HashMap::default();
        for finding in findings {
            let met = self.selection.of_finding(finding);
            let is_asked = self.wanted.without(met) != self.wanted;
            if !is_asked || is_of_call(finding) || is_of_capture(finding) {
                continue;
            }
            if let Some(call_id) = &finding.call_id {
                let root = self.root(self.key(call_id).0);
                self.note(root, met);
            }
            for frame in &finding.frames {
                let entry = cited.entry(*frame).or_default();
                *entry = entry.with(met);
            }
            if let (true, Some(source)) = (finding.rule.code.starts_with("SEC"), finding.source) {
                let entry = attackers.entry(source.ip()).or_default();
                *entry = entry.with(met);
            }
        }
        if cited.is_empty() && attackers.is_empty() {
            return;
        }
        let of_transaction = |transaction: &Transaction| {
            let frames = transaction.frames();
            let cited = frames.iter().filter_map(|frame| cited.get(frame));
            let by = attackers.get(&transaction.flow.src.ip());
            cited.chain(by).copied().fold(Met::default(), Met::with)
        };
        let met: Vec<(u64, Met)> = self
            .held
            .all_judged()
            .map(|(root, judged)| {
                let transactions = judged.iter().flat_map(|it| &it.call.transactions);
                let met = transactions.map(of_transaction);
                (root, met.fold(Met::default(), Met::with))
            })
            .collect();
        for (root, met) in met {
            self.note(root, met);
        }
    }

    /// Hands on what waits of selected calls, in the order in which they began.
    fn flush_all(&mut self, legs: &Legs) {
        let mut due: Vec<_> = self
            .held
            .all_judged()
            .filter(|(root, _)| self.state(*root).has(SELECTED))
            .map(|(root, judged)| {
                let first = judged.first().and_then(|it| it.call.transactions.first());
                (first.map(|it| it.id), root)
            })
            .collect();
        due.sort_unstable();
        for (_, root) in due {
            self.flush(root, Some(legs));
        }
    }

    /// The findings to tell: those of selected calls, those that cite their packets or meet by themselves all that is asked,
    /// those about the capture, and what caused any of these.
    fn choose(&mut self, findings: &[Finding]) {
        let window = self.window.unwrap_or_default();
        let mut met_alone = Met::default();
        let mut asked = HashSet::default();
        let mut todo: Vec<&Finding> = findings
            .iter()
            .filter(|finding| match &finding.call_id {
                Some(call_id) => self.is_selected(self.key(call_id)),
                None => {
                    let alone = self.selection.of_finding_alone(finding, window);
                    met_alone = met_alone.with(alone);
                    if alone.has(self.wanted) {
                        asked.insert(finding.id);
                    }
                    is_of_capture(finding)
                        || alone.has(self.wanted)
                        || finding.frames.iter().any(|it| self.frames.contains(*it))
                }
            })
            .collect();
        let by_id: HashMap<FindingId, &Finding> = findings.iter().map(|it| (it.id, it)).collect();
        while let Some(finding) = todo.pop() {
            if self.told.insert(finding.id) {
                let cause = finding.consequence_of.and_then(|id| by_id.get(&id));
                todo.extend(cause.copied());
            }
        }
        self.met_alone = met_alone;
        self.alone = asked;
    }
}

fn root_of(parents: &HashMap<u64, u64>, call: u64) -> u64 {
    let mut root = call;
    while let Some(parent) = parents.get(&root) {
        root = *parent;
    }
    root
}

/// Whether a finding was judged with its call, and told with it.
fn is_of_call(finding: &Finding) -> bool {
    finding.call_id.is_some() && finding.rule.judge.is_of_call()
}

/// Whether a finding is about the capture itself, which all that is told rests on.
fn is_of_capture(finding: &Finding) -> bool {
    finding.rule.code.starts_with("CAP")
}

impl<O: Observer> Observer for Selecting<O> {
    fn message(&mut self, message: &SeenMessage<'_>, placement: Placement) {
        if self.takes_all() {
            return self.inner.message(message, placement);
        }
        self.latest = self.latest.max(message.arrival.time);
        let call_id = message.arrival.message.call_id().unwrap_or_default();
        let root = self.root(self.key(&call_id).0);
        let before = self.state(root);
        if !before.has(SELECTED) {
            let window = self.window.unwrap_or_default();
            let open = self.wanted.without(before);
            let met = self.selection.of_message(message, window, open);
            if self.note(root, met) {
                self.flush(root, None);
            } else {
                if self.keeps_messages {
                    let held = HeldMessage::of(message, placement);
                    let gone = self.held.message(root, held);
                    self.shorten(&gone);
                }
                return;
            }
        }
        self.inner.message(message, placement);
    }

    fn judged(&mut self, call: &Call, findings: &[Finding], legs: &Legs) {
        if self.takes_all() {
            return self.inner.judged(call, findings, legs);
        }
        let key = self.key(&call.call_id).0;
        let before = legs.link_of(&call.call_id).map(|link| &link.from);
        for leg in before.into_iter().chain(legs.behind(&call.call_id)) {
            let leg = self.key(leg).0;
            self.join(key, leg);
        }
        let root = self.root(key);
        let of_findings = findings.iter().map(|it| self.selection.of_finding(it));
        let mut met = of_findings.fold(
            self.selection.of_transactions(&call.transactions),
            Met::with,
        );
        let window = self.window.unwrap_or_default();
        if self.wanted.has(Met::SINCE) && window.met_at(self.latest).has(Met::SINCE) {
            met.set(Met::SINCE, call.goes_on());
        }
        self.note(root, met);
        if self.state(root).has(SELECTED) {
            self.flush(root, Some(legs));
            self.take_note(call);
            self.inner.judged(call, findings, legs);
        } else {
            self.hold(root, Judged::of(call, findings, self.keeps_texts));
        }
    }

    fn transaction(&mut self, transaction: &Transaction, findings: &[&Finding]) {
        if self.is_selected(self.key(&transaction.call_id)) {
            self.inner.transaction(transaction, findings);
        }
    }

    fn call(&mut self, call: &Call, legs: &Legs) {
        if self.is_selected(self.key(&call.call_id)) {
            self.inner.call(call, legs);
        }
    }

    fn finding(&mut self, finding: &Finding) {
        // What is found of more than one call is told when all calls are known.
        let of_call = finding.call_id.as_ref().filter(|_| is_of_call(finding));
        let is_due = of_call.is_some_and(|it| self.is_selected(self.key(it)));
        if is_due || self.takes_all() {
            self.inner.finding(finding);
        }
    }

    fn over(&mut self, findings: &[Finding], legs: &Legs) {
        if self.takes_all() {
            return self.inner.over(findings, legs);
        }
        self.select_cited(findings);
        self.flush_all(legs);
        self.choose(findings);
        let told: Vec<Finding> = findings
            .iter()
            .filter(|it| self.told.contains(&it.id))
            .cloned()
            .collect();
        self.selected.worst = told.iter().map(|it| it.severity).max();
        for finding in &told {
            let of_call = finding.call_id.as_ref().filter(|_| is_of_call(finding));
            let of_selected_call = of_call.is_some_and(|it| self.is_selected(self.key(it)));
            if !of_selected_call {
                self.inner.finding(finding);
            }
        }
        self.inner.over(&told, legs);
    }

    fn alert(&mut self, finding: &Finding) {
        if self.takes_alert(finding) {
            self.inner.alert(finding);
        }
    }
}
