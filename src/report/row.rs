//! A transaction as a row for people: what was answered, and what that says.

use super::{Settings, context};
use crate::capture::FrameNumber;
use crate::catalogue::fill;
use crate::dialog::is_failed_ping;
use crate::hash::{HashMap, HashSet, fingerprint};
use crate::limits::{MAX_ROWS, MAX_ROWS_UNASKED};
use crate::rules::Finding;
use crate::severity::Severity;
use crate::sip::Method;
use crate::time::Timestamp;
use crate::transaction::Transaction;
use smallvec::SmallVec;
use std::time::Duration;

/// A report with no more rows than this shows all of them.
const FITS_ON_A_SCREEN: usize = 20;

/// The rows that are worth showing, kept while transactions come. Where they do not fit on a screen, what happened to many alike
/// is one row.
#[derive(Debug, Default)]
pub(super) struct Rows {
    kept: Vec<Row>,
    /// The first row of each kind.
    kinds: HashMap<u64, usize>,
    all: usize,
    /// How many transactions somebody needs to look at.
    pub(super) remarkable: usize,
}

impl Rows {
    pub(super) fn transaction(
        &mut self,
        settings: &Settings,
        transaction: &Transaction,
        findings: &[&Finding],
    ) {
        self.all += 1;
        let remarkable = severity_of(transaction, findings).is_some();
        self.remarkable += usize::from(remarkable);
        let fits = self.all <= FITS_ON_A_SCREEN;
        let mut is_first = true;
        if remarkable && !settings.all {
            let kind = Self::kind(transaction, findings);
            let first = self.kinds.get(&kind).and_then(|at| self.kept.get_mut(*at));
            if let Some(first) = first {
                first.alike += 1;
                is_first = false;
            } else if self.kept.len() < MAX_ROWS_UNASKED {
                self.kinds.insert(kind, self.kept.len());
            }
        }
        let wanted = settings.all || fits || (remarkable && is_first);
        let cap = if settings.all {
            MAX_ROWS
        } else {
            MAX_ROWS_UNASKED
        };
        if wanted && self.kept.len() < cap {
            self.kept.push(Row {
                is_first,
                ..Row::of(settings, transaction, findings)
            });
        }
    }

    /// What happened between whom, as far as the columns show it, but for the client's port.
    fn kind(transaction: &Transaction, findings: &[&Finding]) -> u64 {
        let responses = transaction.responses.iter();
        let responses: SmallVec<[_; 8]> = responses.map(|it| (it.code, it.sends.count())).collect();
        let told = findings.iter();
        let told: SmallVec<[_; 8]> = told
            .map(|it| (it.rule.name, it.status, it.variant, it.so_far))
            .collect();
        fingerprint((
            (&transaction.method, transaction.in_dialog()),
            (transaction.flow.src.ip(), transaction.flow.dst),
            transaction.requests.count(),
            responses,
            told,
        ))
    }

    /// The rows to show, in order of time, each with how many more are like it.
    pub(super) fn chosen(&self, settings: &Settings) -> Vec<(&Row, usize)> {
        let each = settings.all || self.all <= FITS_ON_A_SCREEN;
        let mut rows: Vec<_> = self
            .kept
            .iter()
            .filter(|row| each || (row.severity.is_some() && row.is_first))
            .map(|row| (row, if each { 0 } else { row.alike }))
            .collect();
        rows.sort_by_key(|(row, _)| row.time);
        rows
    }

    /// What stands above these of them.
    pub(super) fn heading(&self, settings: &Settings, chosen: &[(&Row, usize)]) -> String {
        let heading = settings.word("section_transactions").to_owned();
        let shown: usize = chosen.iter().map(|(_, alike)| 1 + alike).sum();
        if shown >= self.all {
            return heading;
        }
        let key = if settings.all || shown < self.remarkable {
            "first_of"
        } else {
            "shown_of"
        };
        let values = [("shown", shown.to_string()), ("all", self.all.to_string())];
        format!("{heading}: {}", settings.filled(key, &values))
    }
}

/// The headings of the columns, in their order.
pub(super) const COLUMNS: [&str; 6] = [
    "column_frame",
    "column_time",
    "column_method",
    "column_route",
    "column_sequence",
    "column_advice",
];

/// A transaction as the table shows it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) time: Timestamp,
    /// The packet it begins with.
    pub(super) frame: Option<FrameNumber>,
    pub(super) method: String,
    pub(super) route: [String; 2],
    pub(super) sequence: String,
    verdict: String,
    /// How bad it is; `None` for one that nobody needs to look at.
    pub(super) severity: Option<Severity>,
    /// Whether no row before it is like it.
    is_first: bool,
    /// How many later ones are like it.
    alike: usize,
}

impl Row {
    pub(super) fn of(
        settings: &Settings,
        transaction: &Transaction,
        findings: &[&Finding],
    ) -> Self {
        Self {
            time: transaction.start(),
            frame: transaction.frames().first().copied(),
            method: method(transaction),
            route: [
                settings.aliases.address(transaction.flow.src),
                settings.aliases.address(transaction.flow.dst),
            ],
            sequence: sequence(settings, transaction),
            verdict: context::verdict(settings, transaction, findings),
            severity: severity_of(transaction, findings),
            is_first: true,
            alike: 0,
        }
    }

    /// What it says, and how many more say it.
    pub(super) fn verdict(&self, settings: &Settings, alike: usize) -> String {
        if alike == 0 {
            return self.verdict.clone();
        }
        let values = [("n", alike.to_string())];
        let more = settings.filled("and_n_more", &values);
        format!("{} ({more})", self.verdict)
    }
}

/// What makes a row worth showing: failed, stuck, unanswered, retransmitted.
pub(super) fn severity_of(transaction: &Transaction, findings: &[&Finding]) -> Option<Severity> {
    let worst = findings
        .iter()
        .map(|finding| finding.severity)
        .max()
        .filter(|worst| *worst > Severity::Info);
    // A ping that is answered at all has found its peer alive, but for these (RFC 3261 §11.2).
    let alive = transaction.method == Method::Options
        && !transaction.final_code().is_some_and(is_failed_ping);
    let own = match transaction.final_code() {
        // A challenge is a step; whether it went wrong, the findings say.
        Some(401 | 407) => None,
        Some(300..=699) if alive => None,
        Some(486 | 487 | 600 | 300..=399) => Some(Severity::Warning),
        None if transaction.answer_implied => Some(Severity::Info),
        Some(400..) | None => Some(Severity::Error),
        Some(_) => None,
    };
    let again = transaction.retransmissions() > 0 || !transaction.icmp.is_empty();
    worst.or(own).or_else(|| again.then_some(Severity::Warning))
}

fn method(transaction: &Transaction) -> String {
    if transaction.in_dialog() && transaction.method == Method::Invite {
        format!("re-{}", transaction.method)
    } else {
        transaction.method.to_string()
    }
}

/// `100 → 180 → (12 s) 200`, with repeats, forks, waits, and what is missing at the end.
fn sequence(settings: &Settings, transaction: &Transaction) -> String {
    let catalogue = settings.catalogue;
    let word = |key, value: String| fill(catalogue.word(key), |_| Some(value.clone()));
    let mut steps: Vec<String> = Vec::new();
    let mut before = transaction.start();
    let mut rest = transaction.responses.iter().peekable();
    while let Some(first) = rest.next() {
        let mut tags = HashSet::from_iter([&first.to_tag]);
        let mut count = first.sends.count();
        while let Some(same) = rest.next_if(|it| it.code == first.code) {
            tags.insert(&same.to_tag);
            count += same.sends.count();
        }
        let mut step = first.code.to_string();
        let waited = first.time().since(before);
        if waited >= WAIT_SHOWN {
            step = format!("({}) {step}", catalogue.duration(waited));
        }
        // RFC 3261 §16.7: of refusals one is passed on; another one with a tag of its own is the same hop's.
        if tags.len() > 1 && first.code < 300 {
            step = format!("{step} ({})", word("forks", tags.len().to_string()));
        } else if count > 1 {
            step = format!("{step} ×{count}");
        }
        before = first.time();
        steps.push(step);
    }
    let stuck = transaction
        .alone_since_trying(transaction.closed)
        .filter(|time| *time >= settings.stuck_after && !transaction.answer_implied);
    if let Some(time) = stuck {
        steps.push(word("sequence_stuck", catalogue.duration(time)));
    } else if transaction.final_response().is_none() {
        let key = if transaction.answer_implied {
            "sequence_unseen"
        } else if transaction.responses.is_empty() {
            "sequence_none"
        } else {
            "sequence_open"
        };
        steps.push(catalogue.word(key).to_owned());
    }
    let text = steps.join(" → ");
    match transaction.requests.count() {
        0 | 1 => text,
        sends => format!(
            "{}{}{text}",
            word("sent_again", sends.to_string()),
            catalogue.word("colon")
        ),
    }
}

/// Waits between responses that are worth a word: longer than the network and the ladders of a healthy call take.
const WAIT_SHOWN: Duration = Duration::from_secs(3);
