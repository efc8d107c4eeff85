//! `table`: the answer for people. What was read, what is wrong with its proof, causes and next steps, the transactions,
//! the counts; the first screen holds the answer.

mod findings;
mod kpi;
mod registrations;
mod row;
mod tls;

use super::Settings;
use super::text::{Wrapped, clock, date, first_sentence, offset, sanitize};
use crate::capture::hep::HepFacts;
use crate::catalogue::fill;
use crate::engine::{Report, Summary};
use crate::limits::{MAX_ROWS, MAX_ROWS_UNASKED};
use crate::rules::Finding;
use crate::severity::Severity;
use crate::time::Timestamp;
use crate::transaction::Transaction;
use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use findings::LIMITS;
use row::Row;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// A report with no more rows than this shows all of them.
const FITS_ON_A_SCREEN: usize = 20;
/// More files than this are named by the first and the last.
const FILES_NAMED: usize = 4;

/// The format at work.
#[derive(Debug)]
pub struct Screen<W> {
    settings: Settings,
    out: W,
    rows: Vec<Row>,
    all: usize,
    remarkable: usize,
    failed: Option<io::Error>,
}

impl<W: Write> Screen<W> {
    pub(super) const fn new(settings: Settings, out: W) -> Self {
        Self {
            settings,
            out,
            rows: Vec::new(),
            all: 0,
            remarkable: 0,
            failed: None,
        }
    }

    pub(super) const fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    pub(super) fn transaction(&mut self, transaction: &Transaction, findings: &[&Finding]) {
        self.all += 1;
        let remarkable = row::severity_of(transaction, findings).is_some();
        self.remarkable += usize::from(remarkable);
        let wanted = self.settings.all || remarkable || self.all <= FITS_ON_A_SCREEN;
        let cap = if self.settings.all {
            MAX_ROWS
        } else {
            MAX_ROWS_UNASKED
        };
        if wanted && self.rows.len() < cap {
            self.rows
                .push(Row::of(&self.settings, transaction, findings));
        }
    }

    /// Live: what is stuck now, one line.
    pub(super) fn alert(&mut self, finding: &Finding) {
        if !self.settings.live || self.failed.is_some() {
            return;
        }
        let line = format!(
            "{} {} {} {}\n",
            clock(finding.time),
            self.styled(finding.severity, self.word(finding.severity.name())),
            finding.name(),
            sanitize(&self.settings.catalogue.message(finding)),
        );
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
        self.head(report, &mut page);
        self.findings(report, &mut page);
        self.registrations(report, &mut page);
        self.transactions(report, &mut page);
        self.kpi(&report.summary.kpi, &mut page);
        self.counts(&report.summary, &mut page);
        self.out.write_all(page.as_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn word(&self, key: &'static str) -> &'static str {
        self.settings.catalogue.word(key)
    }

    fn filled(&self, key: &'static str, values: &[(&str, String)]) -> String {
        fill(self.word(key), |name| {
            values
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.clone())
        })
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

    /// What was read, and what limits it as evidence.
    fn head(&self, report: &Report, page: &mut String) {
        let capture = &report.capture;
        let counts = &report.summary.counts;
        let names: Vec<_> = capture
            .inputs
            .iter()
            .map(|input| sanitize(&input.name))
            .collect();
        let names = match names.as_slice() {
            [first, _, .., last] if names.len() > FILES_NAMED => self.filled(
                "many_files",
                &[
                    ("n", names.len().to_string()),
                    ("first", first.clone()),
                    ("last", last.clone()),
                ],
            ),
            _ => names.join(", "),
        };
        let span = match (report.first_time, report.last_time) {
            (Some(first), Some(last)) => {
                format!(
                    "{} ({})",
                    date(first),
                    self.settings.catalogue.duration(last.since(first))
                )
            }
            _ => "0 s".to_owned(),
        };
        let line = self.filled(
            "read_line",
            &[
                ("packets", counts.packets.to_string()),
                ("messages", messages(&report.summary)),
                ("calls", report.summary.calls.to_string()),
                ("span", span),
            ],
        );
        let plain = Wrapped {
            width: self.settings.width,
            indent: 2,
        };
        page.push_str(
            plain
                .paragraph("", &format!("{names}: {line}"))
                .trim_start(),
        );
        if capture.inputs.len() > 1 {
            page.push_str(&self.wrapped("", self.word("frames_over_all"), 2));
        }
        if let Some(filter) = &capture.filter {
            let all: u64 = capture.inputs.iter().map(|input| input.packets).sum();
            let values = [
                ("filter", sanitize(filter)),
                ("passed", counts.packets.to_string()),
                ("all", all.to_string()),
            ];
            page.push_str(&self.wrapped("", &self.filled("filter_line", &values), 2));
        }
        // What limits the evidence stands before what rests on it.
        for name in LIMITS {
            let limit = report
                .findings
                .iter()
                .find(|finding| finding.rule.name == *name);
            if let Some(finding) = limit {
                let text = format!(
                    "{name}: {}",
                    sanitize(&self.settings.catalogue.message(finding))
                );
                page.push_str(&self.wrapped("  ! ", &text, 4));
            }
        }
        self.losses(report, &plain, page);
        self.wishes(report, &plain, page);
        page.push('\n');
    }

    /// What did not come through: dropped, not HEP, beyond a limit.
    fn losses(&self, report: &Report, plain: &Wrapped, page: &mut String) {
        let capture = &report.capture;
        let dropped =
            capture.dropped_by_kernel.unwrap_or(0) + capture.dropped_by_interface.unwrap_or(0);
        if dropped > 0 {
            page.push_str(&plain.paragraph(
                "",
                &self.filled("dropped_line", &[("count", dropped.to_string())]),
            ));
        }
        let apart: Vec<_> = capture
            .hep
            .iter()
            .flat_map(HepFacts::counts)
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        if !apart.is_empty() {
            page.push_str(&plain.paragraph(
                "",
                &self.filled("hep_line", &[("counts", apart.join(", "))]),
            ));
        }
        if !report.summary.limits_hit.is_empty() {
            let limits: Vec<_> = report
                .summary
                .limits_hit
                .iter()
                .map(|(name, count)| format!("{name} {count}"))
                .collect();
            page.push_str(&plain.paragraph(
                "",
                &self.filled("limits_line", &[("limits", limits.join(", "))]),
            ));
        }
    }

    /// What the user chose to see otherwise than by default: nothing is gone without a word.
    fn wishes(&self, report: &Report, plain: &Wrapped, page: &mut String) {
        if let Some(selected) = &report.selected {
            let key = if selected.call_ids == 0 {
                "selected_none"
            } else {
                "selected_line"
            };
            let values = [
                ("selected", selected.call_ids.to_string()),
                ("all", report.summary.call_ids.to_string()),
                ("criteria", sanitize(&selected.criteria)),
                ("cut", selected.without_beginning.to_string()),
            ];
            page.push_str(&plain.paragraph("", &self.filled(key, &values)));
            if selected.without_beginning > 0 {
                page.push_str(&plain.paragraph("", &self.filled("selected_cut", &values)));
            }
        }
        let counted = |counts: &BTreeMap<String, u64>| {
            let counts = counts.iter().map(|(name, count)| format!("{name} {count}"));
            counts.collect::<Vec<_>>().join(", ")
        };
        let policy = &report.summary.policy;
        let thresholds = report.thresholds.changed();
        let thresholds: Vec<_> = thresholds
            .map(|(row, value)| format!("{} {value}", row.key))
            .collect();
        for (key, name, text) in [
            ("silenced_line", "findings", counted(&policy.silenced)),
            ("changed_line", "findings", counted(&policy.changed)),
            ("thresholds_line", "thresholds", thresholds.join(", ")),
        ] {
            if !text.is_empty() {
                page.push_str(&plain.paragraph("", &self.filled(key, &[(name, text)])));
            }
        }
    }

    fn transactions(&self, report: &Report, page: &mut String) {
        let fits = self.all <= FITS_ON_A_SCREEN;
        let mut rows: Vec<_> = self
            .rows
            .iter()
            .filter(|row| self.settings.all || fits || row.severity.is_some())
            .collect();
        rows.sort_by_key(|row| row.time);
        if rows.is_empty() {
            return;
        }
        let mut heading = self.word("section_transactions").to_owned();
        if rows.len() < self.all {
            let key = if self.settings.all || rows.len() < self.remarkable {
                "first_of"
            } else {
                "shown_of"
            };
            heading.push_str(": ");
            heading.push_str(&self.filled(
                key,
                &[
                    ("shown", rows.len().to_string()),
                    ("all", self.all.to_string()),
                ],
            ));
        }
        page.push_str(&self.heading(self.wrapped("", &heading, 2).trim_start().trim_end()));
        let narrow = self.settings.width < NARROW;
        let mut table = self.table();
        table.set_header(
            [
                "column_frame",
                "column_time",
                "column_method",
                "column_route",
                "column_sequence",
                "column_advice",
            ]
            .map(|key| self.word(key)),
        );
        let start = report.first_time.unwrap_or(Timestamp::MIN);
        for row in rows {
            let arrow = if narrow { " →\n" } else { " → " };
            let [from, to] = &row.route;
            let sequence = Cell::new(&row.sequence);
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
                Cell::new(&row.verdict),
            ]);
        }
        page.push_str(&trimmed(&table));
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
                .paragraph("", &requests.join(", ")),
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
                Cell::new(first_sentence(meaning)),
            ]);
        }
        page.push_str(&trimmed(&table));
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(self.settings.width).unwrap_or(u16::MAX));
        if self.settings.color {
            table.enforce_styling();
        } else {
            table.force_no_tty();
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
        let color = match severity {
            Severity::Error => AnsiColor::Red,
            Severity::Warning => AnsiColor::Yellow,
            Severity::Info => AnsiColor::Cyan,
        };
        self.paint(color.on_default().bold(), text)
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.settings.color {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

const OK: Style = AnsiColor::Green.on_default().bold();
/// Columns of the labels before causes, advice and the rest: as wide as the longest in any language.
const LABEL_WIDTH: usize = 15;
/// Below this the two addresses of a row stand one under the other.
const NARROW: usize = 110;

/// A table without the spaces that fill its lines.
fn trimmed(table: &Table) -> String {
    let mut text = String::new();
    for line in table.to_string().lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if text.is_empty() {
        text.push('\n');
    }
    text
}

/// How many messages there are, and over what when it was not UDP alone.
fn messages(summary: &Summary) -> String {
    let count = summary.counts.sip_messages;
    if summary.transports.keys().all(|carrier| *carrier == "udp") {
        return count.to_string();
    }
    let carriers: Vec<_> = summary
        .transports
        .iter()
        .map(|(carrier, count)| format!("{carrier} {count}"))
        .collect();
    format!("{count} ({})", carriers.join(", "))
}
