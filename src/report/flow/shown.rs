//! Which calls are drawn: all that were asked for, and where nothing was, those that show what is wrong.

use crate::dialog::Call;
use crate::dialog::legs::Legs;
use crate::engine::Report;
use crate::hash::{HashMap, HashSet};
use crate::limits::MAX_LADDER_ROWS;
use crate::report::Settings;
use crate::report::calls::{Calls, LadderCall, groups};
use crate::report::ladder::Ladder;
use crate::report::row;
use crate::rules::{Finding, FindingId};
use crate::severity::Severity;
use crate::transaction::Transaction;

/// Ladders drawn when nobody says which: some screens. A capture with no more calls shows all of them.
const UNASKED: usize = 8;

/// The calls while they come.
#[derive(Debug)]
pub(in crate::report) struct Gathering {
    calls: Calls,
    worst: Option<Severity>,
}

impl Gathering {
    /// None yet; of their messages at most so many bytes are kept, twice.
    pub(in crate::report) const fn keeping(text: usize) -> Self {
        Self {
            calls: Calls::keeping(text),
            worst: None,
        }
    }

    /// The engine tells the transactions of a call just before the call.
    pub(in crate::report) fn transaction(
        &mut self,
        transaction: &Transaction,
        findings: &[&Finding],
    ) {
        let severity = row::severity_of(transaction, findings);
        self.worst = self.worst.max(severity.filter(|it| *it > Severity::Info));
    }

    pub(in crate::report) fn call(&mut self, call: &Call, legs: &Legs) {
        self.calls.take(call, legs, self.worst.take());
    }
}

/// A call with all its legs.
#[derive(Debug)]
pub(in crate::report) struct Whole<'a> {
    /// What is known of its legs, in the order in which they began. Their ladders are in the one below.
    pub(in crate::report) legs: Vec<LadderCall>,
    pub(in crate::report) ladder: Ladder,
    /// The findings beside its messages, by their ids.
    pub(in crate::report) findings: HashMap<FindingId, &'a Finding>,
    /// The findings that point at no message that is drawn.
    pub(in crate::report) apart: Vec<&'a Finding>,
}

/// The calls that are drawn.
#[derive(Debug)]
pub(in crate::report) struct Shown<'a> {
    /// In order of time.
    pub(in crate::report) calls: Vec<Whole<'a>>,
    /// How many there are of which these were chosen.
    pub(in crate::report) all: usize,
    /// Findings that are about none of all these calls.
    pub(in crate::report) elsewhere: Vec<&'a Finding>,
}

impl<'a> Shown<'a> {
    pub(in crate::report) fn of(
        settings: &Settings,
        report: &'a Report,
        gathering: Gathering,
    ) -> Self {
        let left_out = gathering.calls.left_out;
        let calls = gathering.calls.finish();
        let group_of = groups(&calls);
        let mut wholes: Vec<Vec<LadderCall>> = Vec::new();
        for (call, group) in calls.into_iter().zip(group_of) {
            if wholes.len() <= group {
                wholes.resize_with(group + 1, Vec::new);
            }
            if let Some(whole) = wholes.get_mut(group) {
                whole.push(call);
            }
        }
        let about = About::of(report, &wholes);
        let count = wholes.len();
        let asked = settings.all || report.selected.is_some();
        let chosen = if asked || count <= UNASKED {
            (0..count).collect()
        } else {
            about.worst(report, &wholes)
        };
        let rows = if settings.all {
            usize::MAX
        } else {
            MAX_LADDER_ROWS
        };
        let chosen: HashSet<usize> = chosen;
        let drawn = wholes.into_iter().enumerate();
        let drawn = drawn.filter(|(group, _)| chosen.contains(group));
        let calls = drawn.map(|(group, legs)| Whole::of(legs, about.findings(group), rows));
        Self {
            calls: calls.collect(),
            all: count + left_out,
            elsewhere: about.elsewhere,
        }
    }
}

impl<'a> Whole<'a> {
    fn of(mut legs: Vec<LadderCall>, findings: &[&'a Finding], rows: usize) -> Self {
        let ladders = legs.iter_mut().map(|leg| std::mem::take(&mut leg.ladder));
        let mut ladder = Ladder::joined(ladders.collect()).limited(rows);
        ladder.mark(findings.iter().copied());
        let placed = ladder.rows.iter().flat_map(|row| &row.findings);
        let placed: HashSet<FindingId> = placed.copied().collect();
        let apart = findings.iter().filter(|it| !placed.contains(&it.id));
        Self {
            apart: apart.copied().collect(),
            findings: findings.iter().map(|it| (it.id, *it)).collect(),
            ladder,
            legs,
        }
    }
}

/// Which findings are about which calls.
#[derive(Debug)]
struct About<'a> {
    of_group: Vec<Vec<&'a Finding>>,
    elsewhere: Vec<&'a Finding>,
}

impl<'a> About<'a> {
    fn of(report: &'a Report, wholes: &[Vec<LadderCall>]) -> Self {
        let mut of_transaction = HashMap::default();
        let mut of_frame = HashMap::default();
        for (group, legs) in wholes.iter().enumerate() {
            for row in legs.iter().flat_map(|leg| &leg.ladder.rows) {
                of_transaction.insert(row.transaction, group);
                of_frame.insert(row.seen.frame, group);
            }
        }
        let mut about = Self {
            of_group: vec![Vec::new(); wholes.len()],
            elsewhere: Vec::new(),
        };
        for finding in &report.findings {
            let transactions = finding.transactions.iter();
            let mut groups: Vec<usize> = transactions
                .filter_map(|it| of_transaction.get(it))
                .copied()
                .collect();
            if groups.is_empty() {
                let frames = finding.frames.iter();
                groups.extend(frames.filter_map(|it| of_frame.get(it)));
            }
            groups.sort_unstable();
            groups.dedup();
            if groups.is_empty() {
                about.elsewhere.push(finding);
            }
            for group in groups {
                if let Some(findings) = about.of_group.get_mut(group) {
                    findings.push(finding);
                }
            }
        }
        about
    }

    fn findings(&self, group: usize) -> &[&'a Finding] {
        self.of_group.get(group).map_or(&[], Vec::as_slice)
    }

    /// The calls that show what is wrong: one for each headline, then what else is wrong, then the others.
    fn worst(&self, report: &Report, wholes: &[Vec<LadderCall>]) -> HashSet<usize> {
        let mut group_of: HashMap<FindingId, usize> = HashMap::default();
        for (group, findings) in self.of_group.iter().enumerate() {
            for finding in findings {
                group_of.entry(finding.id).or_insert(group);
            }
        }
        let headlines = report.clusters.iter().map(|cluster| cluster.first);
        let headlines = headlines.filter_map(|it| group_of.get(&it).copied());
        let mut chosen: HashSet<usize> = HashSet::default();
        for group in headlines {
            if chosen.len() < UNASKED && self.severity(wholes, group).is_some() {
                chosen.insert(group);
            }
        }
        for wanted in [Some(Severity::Error), Some(Severity::Warning), None] {
            for group in 0..wholes.len() {
                if chosen.len() >= UNASKED {
                    return chosen;
                }
                if self.severity(wholes, group) == wanted {
                    chosen.insert(group);
                }
            }
        }
        chosen
    }

    /// How bad a call is, notes apart.
    fn severity(&self, wholes: &[Vec<LadderCall>], group: usize) -> Option<Severity> {
        let found = self.findings(group).iter().map(|it| it.severity);
        let found = found.filter(|it| *it > Severity::Info).max();
        let own = wholes.get(group).into_iter().flatten();
        found.max(own.filter_map(|leg| leg.severity).max())
    }
}
