//! `html`: one file that opens from a mail attachment, without a network: headlines, charts, the table of calls with their
//! ladders and messages, counts. The page is made by a template that escapes all it is given; what its script draws comes as
//! JSON, and the script makes elements and texts of it, never markup. Its Content-Security-Policy lets only this script and
//! this style run, by their hashes.

mod charts;
mod counts;
mod data;
mod told;

use super::calls::Calls;
use super::row::{self, Rows};
use super::telling::{Group, Groups, Head, kpi};
use super::text::{first_sentence, sanitize};
use super::{Settings, VERSION_LINE};
use crate::dialog::Call;
use crate::dialog::legs::Legs;
use crate::engine::{Report, SeenMessage};
use crate::limits::{MAX_LADDER_ROWS, MAX_PAGE_CALLS, MAX_PAGE_TEXT};
use crate::rules::Finding;
use crate::severity::Severity;
use crate::transaction::{Placement, Transaction};
use askama::Template;
use base64ct::{Base64, Encoding};
use charts::Chart;
use counts::Counts;
use data::Data;
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use told::Told;

/// Findings told in full, and those told in a line each; the others are counted.
const TOLD_IN_FULL: usize = 30;
const TOLD: usize = 300;
/// Findings that are open when the page opens: the others are their headlines until somebody asks.
const OPEN: usize = 5;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The format at work.
#[derive(Debug)]
pub struct Html<W> {
    settings: Settings,
    out: W,
    rows: Rows,
    counts: Counts,
    calls: Calls,
    /// The worst of the transactions of the call that is being told.
    worst: Option<Severity>,
}

impl<W: Write> Html<W> {
    pub(super) fn new(settings: Settings, out: W) -> Self {
        Self {
            settings,
            out,
            rows: Rows::default(),
            counts: Counts::default(),
            calls: Calls::keeping(MAX_PAGE_TEXT),
            worst: None,
        }
    }

    pub(super) fn message(&mut self, message: &SeenMessage<'_>, placement: Placement) {
        self.counts.message(message, placement);
    }

    pub(super) fn transaction(&mut self, transaction: &Transaction, findings: &[&Finding]) {
        self.rows.transaction(&self.settings, transaction, findings);
        self.counts.transaction(transaction);
        let severity = row::severity_of(transaction, findings);
        self.worst = self.worst.max(severity.filter(|it| *it > Severity::Info));
    }

    /// The engine tells the transactions of a call just before the call.
    pub(super) fn call(&mut self, call: &Call, legs: &Legs) {
        self.counts.call(call);
        self.calls.take(call, legs, self.worst.take());
    }

    pub(super) fn finish(mut self, report: &Report) -> io::Result<W> {
        let settings = &self.settings;
        let left_out = self.calls.left_out;
        let data = Data::of(settings, report, self.calls.finish());
        let groups = Groups::of(report);
        let clear = groups.all_clear(report, self.rows.remarkable);
        let page = Page {
            settings,
            head: Head::of(settings, report),
            clear: clear.map(|key| settings.word(key)),
            headlines: headlines(settings, report, &groups, &data),
            more: groups
                .told
                .len()
                .checked_sub(TOLD)
                .filter(|more| *more > 0)
                .map(|more| settings.filled("and_n_more", &[("n", more.to_string())])),
            notes: groups.notes().map(|it| it.note(settings)).collect(),
            charts: charts::all(settings, &self.counts),
            figures: kpi(settings, &report.summary.kpi),
            requests: requests(report),
            responses: responses(settings, report),
            left_out: left_out_lines(settings, left_out, data.rows_left_out),
            policy: policy(),
            data: &data.json,
        };
        page.write_into(&mut self.out)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// What the template is filled with. All texts are sanitised; the template escapes them.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    settings: &'a Settings,
    head: Head,
    clear: Option<&'static str>,
    headlines: Vec<Headline>,
    /// How many headlines there are beyond those.
    more: Option<String>,
    notes: Vec<String>,
    charts: Vec<Chart>,
    figures: Vec<String>,
    requests: Vec<(String, u64)>,
    responses: Vec<CodeRow>,
    left_out: Vec<String>,
    policy: String,
    data: &'a str,
}

impl Page<'_> {
    fn word(&self, key: &'static str) -> &'static str {
        self.settings.word(key)
    }

    /// A sentence with what it names.
    fn told(&self, text: impl AsRef<str>) -> Told {
        let right_to_left = self.settings.catalogue.language().is_right_to_left();
        Told::of(text.as_ref(), right_to_left)
    }

    fn language(&self) -> &'static str {
        self.settings.catalogue.language().code()
    }

    /// Which way the language is written.
    fn direction(&self) -> &'static str {
        if self.settings.catalogue.language().is_right_to_left() {
            "rtl"
        } else {
            "ltr"
        }
    }
}

/// A finding as the page tells it.
struct Headline {
    severity: &'static str,
    severity_word: &'static str,
    message: String,
    /// Whether it is told in full.
    full: bool,
    meaning: String,
    packets: String,
    lines: Vec<String>,
    causes: Vec<String>,
    advice: Vec<String>,
    consequences: Vec<String>,
    reference: String,
    /// The place of its call in the table.
    call: Option<usize>,
}

struct CodeRow {
    code: u64,
    count: u64,
    phrase: &'static str,
    meaning: &'static str,
}

fn headlines(
    settings: &Settings,
    report: &Report,
    groups: &Groups<'_>,
    data: &Data,
) -> Vec<Headline> {
    let told = groups.told.iter().take(TOLD).enumerate();
    told.map(|(index, group)| headline(settings, report, group, data, index < TOLD_IN_FULL))
        .collect()
}

fn headline(
    settings: &Settings,
    report: &Report,
    group: &Group<'_>,
    data: &Data,
    full: bool,
) -> Headline {
    let (packets, lines) = group.proof(settings);
    let severity = group.first.severity.name();
    let mut transactions = group.first.transactions.iter();
    Headline {
        severity,
        severity_word: settings.word(severity),
        message: group.message(settings),
        full,
        meaning: group.meaning(settings),
        packets,
        lines,
        causes: group.causes(settings),
        advice: group.advice(settings),
        consequences: group.consequences(settings, report),
        reference: group.reference(settings),
        call: transactions.find_map(|it| data.call_of.get(it)).copied(),
    }
}

fn requests(report: &Report) -> Vec<(String, u64)> {
    let requests = report.summary.requests.iter();
    requests
        .map(|(method, count)| (sanitize(method), *count))
        .collect()
}

fn responses(settings: &Settings, report: &Report) -> Vec<CodeRow> {
    let responses = report.summary.responses.iter();
    responses
        .map(|(code, count)| {
            let entry = settings.catalogue.code(*code);
            CodeRow {
                code: *code,
                count: *count,
                phrase: entry.and_then(|it| it.facts).map_or("", |it| &it.phrase),
                meaning: entry.map_or("", |it| first_sentence(&it.words.meaning)),
            }
        })
        .collect()
}

/// What the page does not have although the capture does.
fn left_out_lines(settings: &Settings, calls: usize, rows: usize) -> Vec<String> {
    let number = |count: usize| count.to_string();
    let mut lines = Vec::new();
    if calls > 0 {
        let values = [("n", number(calls)), ("most", number(MAX_PAGE_CALLS))];
        lines.push(settings.filled("page_calls_left_out", &values));
    }
    if rows > 0 {
        let values = [("n", number(rows)), ("most", number(MAX_LADDER_ROWS))];
        lines.push(settings.filled("page_messages_left_out", &values));
    }
    lines
}

/// Only what this file brings may run, and nothing may be loaded or sent.
fn policy() -> String {
    let hash = |text: &str| Base64::encode_string(&Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}
