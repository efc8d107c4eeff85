//! `table`: the answer for people. What was read, what is wrong with its proof, causes and next steps, the transactions,
//! the counts; the first screen holds the answer.

mod findings;
mod registrations;

use super::Settings;
use super::cells::{cell, empty_table, printed};
use super::paint::Paint;
use super::row::{COLUMNS, Row, Rows};
use super::telling::{Head, kpi};
use super::text::{Wrapped, first_sentence, offset, sanitize};
use crate::engine::{Report, Summary};
use crate::rules::Finding;
use crate::severity::Severity;
use crate::time::Timestamp;
use crate::transaction::Transaction;
use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, CellAlignment, ColumnConstraint, Table, Width};
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr;

/// The format at work.
#[derive(Debug)]
pub struct Screen<W> {
    settings: Settings,
    out: W,
    rows: Rows,
    failed: Option<io::Error>,
}

impl<W: Write> Screen<W> {
    pub(super) fn new(settings: Settings, out: W) -> Self {
        Self {
            settings,
            out,
            rows: Rows::default(),
            failed: None,
        }
    }

    pub(super) const fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    pub(super) fn transaction(&mut self, transaction: &Transaction, findings: &[&Finding]) {
        self.rows.transaction(&self.settings, transaction, findings);
    }

    /// Live: what is wrong now.
    pub(super) fn alert(&mut self, finding: &Finding) {
        if !self.settings.live || self.failed.is_some() {
            return;
        }
        let line = self.settings.alert(finding);
        let written = self
            .out
            .write_all(line.as_bytes())
            .and_then(|()| self.out.flush());
        self.failed = written.err();
    }

    pub(super) fn finish(mut self, report: &Report) -> io::Result<W> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut page = String::new();
        page.push_str(&Head::of(&self.settings, report).page(&self.settings));
        self.findings(report, &mut page);
        self.registrations(report, &mut page);
        self.transactions(report, &mut page);
        self.kpi(report, &mut page);
        self.counts(&report.summary, &mut page);
        self.out
            .write_all(self.settings.bidi.page(page).as_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn word(&self, key: &'static str) -> &'static str {
        self.settings.catalogue.word(key)
    }

    fn wrapped(&self, label: &str, text: &str, indent: usize) -> String {
        Wrapped {
            width: self.settings.width,
            indent,
        }
        .paragraph(label, text)
    }

    fn paragraph(&self, label: &str, text: &str) -> String {
        Wrapped {
            width: self.settings.width,
            indent: LABEL_WIDTH,
        }
        .paragraph(label, text)
    }

    fn transactions(&self, report: &Report, page: &mut String) {
        let rows = self.rows.chosen(&self.settings);
        if rows.is_empty() {
            return;
        }
        let heading = self.rows.heading(&self.settings, &rows);
        page.push_str(&self.heading(self.wrapped("", &heading, 2).trim_start().trim_end()));
        if self.settings.width < STACKED {
            self.stacked(&rows, report, page);
            return;
        }
        let narrow = self.settings.width < NARROW;
        let mut table = self.table();
        table.set_header(COLUMNS.map(|key| cell(self.word(key))));
        let start = report.first_time.unwrap_or(Timestamp::MIN);
        let arrow = if narrow { " →\n" } else { " → " };
        let routes = rows.iter().flat_map(|(row, _)| &row.route);
        let longest = routes.map(|it| it.width()).max().unwrap_or(0);
        // An arrow on a line of its own points nowhere; an IPv6 address would leave nothing to the other columns.
        if narrow
            && let Some(longest) = u16::try_from(longest).ok().filter(|it| *it <= LONGEST_HOST)
            && let Some(column) = table.column_mut(ROUTE)
        {
            let width = longest + BESIDE_HOST;
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
        }
        for (row, alike) in rows {
            let [from, to] = &row.route;
            let sequence = cell(&row.sequence);
            let sequence = match row.severity.filter(|_| self.settings.color) {
                Some(Severity::Error) => sequence.fg(comfy_table::Color::Red),
                Some(Severity::Warning) => sequence.fg(comfy_table::Color::Yellow),
                _ => sequence,
            };
            table.add_row([
                Cell::new(
                    row.frame
                        .map_or_else(String::new, |frame| frame.to_string()),
                )
                .set_alignment(CellAlignment::Right),
                Cell::new(offset(row.time.since(start))),
                Cell::new(sanitize(&row.method)),
                Cell::new(format!("{from}{arrow}{to}")),
                sequence,
                cell(row.verdict(&self.settings, alike)),
            ]);
        }
        page.push_str(&printed(&table));
        page.push('\n');
    }

    /// The same where columns would have no room for words: what a row says stands below where it begins.
    fn stacked(&self, rows: &[(&Row, usize)], report: &Report, page: &mut String) {
        let start = report.first_time.unwrap_or(Timestamp::MIN);
        for (row, alike) in rows {
            let frame = (row.frame).map(|it| format!("{} {it}  ", self.word("column_frame")));
            let frame = frame.unwrap_or_default();
            let time = offset(row.time.since(start));
            let first = format!("{frame}{time} s  {}", sanitize(&row.method));
            page.push_str(&self.wrapped("", &first, 2));
            let [from, to] = &row.route;
            page.push_str(&self.wrapped("", &format!("{from} → {to}"), 4));
            let sequence = self.wrapped("", &row.sequence, 4);
            match row.severity.filter(|it| *it > Severity::Info) {
                Some(severity) => {
                    page.push_str(&self.styled(severity, sequence.trim_end()));
                    page.push('\n');
                }
                None => page.push_str(&sequence),
            }
            page.push_str(&self.wrapped("", &row.verdict(&self.settings, *alike), 4));
        }
        page.push('\n');
    }

    fn kpi(&self, report: &Report, page: &mut String) {
        let lines = kpi(&self.settings, &report.summary.kpi);
        if lines.is_empty() {
            return;
        }
        page.push_str(&self.heading(self.word("section_kpi")));
        for line in lines {
            page.push_str(&self.wrapped("  ", &line, 2));
        }
        page.push('\n');
    }

    fn counts(&self, summary: &Summary, page: &mut String) {
        if summary.counts.sip_messages == 0 {
            return;
        }
        let requests: Vec<_> = summary
            .requests
            .iter()
            .map(|(method, count)| format!("{} {count}", sanitize(method)))
            .collect();
        if !requests.is_empty() {
            page.push_str(&self.heading(self.word("section_requests")));
            page.push_str(
                &Wrapped {
                    width: self.settings.width,
                    indent: 2,
                }
                .paragraph("", &requests.join(self.word("comma"))),
            );
            page.push('\n');
        }
        if summary.responses.is_empty() {
            return;
        }
        page.push_str(&self.heading(self.word("section_responses")));
        let catalogue = self.settings.catalogue;
        let mut table = self.table();
        for (code, count) in &summary.responses {
            let entry = catalogue.code(*code);
            let phrase = entry
                .and_then(|entry| entry.facts)
                .map_or("", |facts| &facts.phrase);
            let meaning = entry.map_or("", |entry| &entry.words.meaning);
            table.add_row([
                Cell::new(code),
                Cell::new(count).set_alignment(CellAlignment::Right),
                Cell::new(phrase),
                cell(first_sentence(meaning)),
            ]);
        }
        page.push_str(&printed(&table));
    }

    fn table(&self) -> Table {
        let mut table = empty_table(self.settings.width);
        if self.settings.color {
            table.enforce_styling();
        }
        table
    }

    fn label(&self, key: &'static str) -> String {
        format!("  {}", self.word(key))
    }

    fn heading(&self, text: &str) -> String {
        format!("{}\n", self.paint(Style::new().bold(), text))
    }

    fn styled(&self, severity: Severity, text: &str) -> String {
        Paint(self.settings.color).severity(severity, text)
    }

    fn paint(&self, style: Style, text: &str) -> String {
        Paint(self.settings.color).with(style, text)
    }
}

const OK: Style = AnsiColor::Green.on_default().bold();
/// Columns of the labels before causes, advice and the rest: as wide as the longest in any language.
const LABEL_WIDTH: usize = 15;
/// Below this the columns would be narrower than their words.
const STACKED: usize = 70;
/// Below this the two addresses of a row stand one under the other.
const NARROW: usize = 110;
/// Which of the columns says from where to where.
const ROUTE: usize = 3;
/// Columns of an IPv4 address with a port.
const LONGEST_HOST: u16 = 21;
/// What stands beside one: the arrow, and the space around a cell.
const BESIDE_HOST: u16 = 4;
