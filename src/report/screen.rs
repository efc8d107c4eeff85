//! `table`: the answer for people. What was read, what is wrong with its proof, causes and next steps, the transactions,
//! the counts; the first screen holds the answer.

use super::Settings;
use super::context;
use super::text::{Wrapped, clip, sanitize};
use crate::capture::FrameNumber;
use crate::catalogue::{Catalogue, duration, fill};
use crate::engine::{Report, Summary};
use crate::limits::{MAX_FRAMES_SHOWN, MAX_ROWS, MAX_ROWS_UNASKED};
use crate::rules::{Finding, FindingId};
use crate::severity::{Confidence, Severity};
use crate::time::Timestamp;
use crate::transaction::Transaction;
use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, ContentArrangement, Table, presets};
use std::io::{self, Write};

/// A report with no more rows than this shows all of them.
const FITS_ON_A_SCREEN: usize = 20;
/// Findings told in full; the others are one line each.
const TOLD_IN_FULL: usize = 8;
/// Frames named in a line of proof.
const FRAMES_NAMED: usize = 12;

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

/// A transaction as the table shows it.
#[derive(Debug)]
struct Row {
    time: Timestamp,
    remarkable: bool,
    method: String,
    route: [String; 2],
    sequence: String,
    verdict: String,
    severity: Option<Severity>,
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

    pub(super) fn transaction(&mut self, transaction: &Transaction, _findings: &[FindingId]) {
        self.all += 1;
        let severity = severity_of(transaction);
        let remarkable = severity.is_some();
        self.remarkable += usize::from(remarkable);
        let wanted = self.settings.all || remarkable || self.all <= FITS_ON_A_SCREEN;
        let cap = if self.settings.all {
            MAX_ROWS
        } else {
            MAX_ROWS_UNASKED
        };
        if !wanted || self.rows.len() >= cap {
            return;
        }
        let catalogue = self.settings.catalogue;
        self.rows.push(Row {
            time: transaction.start(),
            remarkable,
            method: method(transaction),
            route: [
                transaction.flow.src.to_string(),
                transaction.flow.dst.to_string(),
            ],
            sequence: sequence(catalogue, transaction),
            verdict: context::verdict(catalogue, transaction),
            severity,
        });
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
        self.transactions(report, &mut page);
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
        let span = match (report.first_time, report.last_time) {
            (Some(first), Some(last)) => {
                format!("{} ({})", date(first), duration(last.since(first)))
            }
            _ => "0 s".to_owned(),
        };
        let line = self.filled(
            "read_line",
            &[
                ("packets", counts.packets.to_string()),
                ("messages", counts.sip_messages.to_string()),
                ("calls", report.summary.calls.to_string()),
                ("span", span),
            ],
        );
        let plain = Wrapped {
            width: self.settings.width,
            indent: 2,
        };
        page.push_str(
            &plain
                .paragraph("", &format!("{}: {line}", names.join(", ")))
                .trim_start()
                .to_owned(),
        );
        if let Some(filter) = &capture.filter {
            page.push_str(&plain.paragraph(
                "",
                &self.filled("filter_line", &[("filter", sanitize(filter))]),
            ));
        }
        for damage in &capture.damage {
            page.push_str(&plain.paragraph(
                "",
                &self.filled(
                    "damaged_line",
                    &[
                        ("file", sanitize(&damage.input)),
                        ("packet", damage.packet.to_string()),
                        ("offset", damage.offset.to_string()),
                        ("what", sanitize(&damage.what)),
                    ],
                ),
            ));
        }
        let dropped =
            capture.dropped_by_kernel.unwrap_or(0) + capture.dropped_by_interface.unwrap_or(0);
        if dropped > 0 {
            page.push_str(&plain.paragraph(
                "",
                &self.filled("dropped_line", &[("count", dropped.to_string())]),
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
        page.push('\n');
    }

    fn findings(&self, report: &Report, page: &mut String) {
        let groups = groups(&report.findings);
        let (wrong, notes): (Vec<_>, Vec<_>) = groups
            .iter()
            .partition(|group| group.severity() > Severity::Info);
        if wrong.is_empty() {
            if report.summary.counts.sip_messages > 0 {
                let word = if self.remarkable == 0 {
                    "healthy"
                } else {
                    "nothing_wrong"
                };
                page.push_str(&self.paint(OK, self.word(word)));
                page.push_str("\n\n");
            }
        } else {
            for (index, group) in wrong.iter().enumerate() {
                if index < TOLD_IN_FULL {
                    self.told(group, report, page);
                } else {
                    self.headline(group, page);
                }
            }
            if wrong.len() > TOLD_IN_FULL {
                page.push('\n');
            }
        }
        if !notes.is_empty() {
            page.push_str(&self.heading(self.word("section_notes")));
            for group in notes {
                let line = format!(
                    "{}{}: {}",
                    group.first.name(),
                    group.times(),
                    sanitize(&self.settings.catalogue.message(group.first)),
                );
                page.push_str(
                    &Wrapped {
                        width: self.settings.width,
                        indent: 4,
                    }
                    .paragraph("  - ", line.trim_end()),
                );
            }
            page.push('\n');
        }
    }

    fn headline(&self, group: &Group<'_>, page: &mut String) {
        let finding = group.first;
        let label = self.word(finding.severity.name()).to_uppercase();
        let text = format!(
            "{}{}",
            sanitize(&self.settings.catalogue.message(finding)).trim_end(),
            group.times()
        );
        let indent = unicode_width::UnicodeWidthStr::width(label.as_str()) + 2;
        let lines = Wrapped {
            width: self.settings.width,
            indent,
        }
        .paragraph(&label, &text);
        let painted = match lines.split_once(&label) {
            Some((_, rest)) => format!("{}{rest}", self.styled(finding.severity, &label)),
            None => lines,
        };
        page.push_str(&painted);
    }

    fn told(&self, group: &Group<'_>, report: &Report, page: &mut String) {
        let catalogue = self.settings.catalogue;
        let finding = group.first;
        self.headline(group, page);
        page.push_str(&self.paragraph(&self.label("label_meaning"), catalogue.meaning(finding)));
        page.push_str(&self.paragraph(&self.label("label_proof"), &self.proof(group)));
        let said = said(finding);
        if !said.is_empty() {
            page.push_str(&self.paragraph("", &said));
        }
        let causes = catalogue.causes(finding);
        if !causes.is_empty() {
            page.push_str(&self.paragraph(&self.label("label_causes"), &causes.join("; ")));
        }
        for (index, step) in catalogue.advice(finding).iter().enumerate() {
            let label = if index == 0 {
                self.label("label_advice")
            } else {
                String::new()
            };
            let number = format!("{}. ", index + 1);
            page.push_str(
                &Wrapped {
                    width: self.settings.width,
                    indent: LABEL_WIDTH + number.len(),
                }
                .paragraph(&format!("{label:LABEL_WIDTH$}{number}"), step),
            );
        }
        for consequence in consequences(report, finding) {
            let text = format!(
                "{}: {}",
                consequence.name(),
                sanitize(&catalogue.message(consequence)).trim_end()
            );
            page.push_str(&self.paragraph(&self.label("label_because"), &text));
        }
        let hint = fill(catalogue.word("explain_hint"), |_| {
            Some(finding.name().into_owned())
        });
        let references = catalogue.references(finding).join(", ");
        let see = if references.is_empty() {
            hint
        } else {
            format!("{references} · {hint}")
        };
        page.push_str(&self.paragraph(&self.label("label_reference"), &see));
        page.push('\n');
    }

    /// Which packets, when, whose call, and how sure.
    fn proof(&self, group: &Group<'_>) -> String {
        let finding = group.first;
        let mut parts = Vec::new();
        if !group.frames.is_empty() {
            let mut frames = ranges(&group.frames);
            if frames.len() > FRAMES_NAMED {
                frames.truncate(FRAMES_NAMED);
                frames.push("…".to_owned());
            }
            parts.push(self.filled("frames_list", &[("frames", frames.join(" "))]));
            parts.push(clock(finding.time));
        }
        if let Some(call_id) = finding.call_id.as_deref().filter(|id| !id.is_empty()) {
            let id = clip(&sanitize(&String::from_utf8_lossy(call_id)), 48);
            let mut part = self.filled("call_id", &[("id", id)]);
            if group.count > 1 {
                part.push(' ');
                part.push_str(&self.filled("and_n_more", &[("n", (group.count - 1).to_string())]));
            }
            parts.push(part);
        }
        if finding.confidence != Confidence::Certain {
            parts.push(self.word(finding.confidence.name()).to_owned());
        }
        parts.join(" · ")
    }

    fn transactions(&self, report: &Report, page: &mut String) {
        let fits = self.all <= FITS_ON_A_SCREEN;
        let mut rows: Vec<_> = self
            .rows
            .iter()
            .filter(|row| self.settings.all || fits || row.remarkable)
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
        page.push_str(&self.heading(&heading));
        let narrow = self.settings.width < NARROW;
        let mut table = self.table();
        table.set_header(
            [
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
                Cell::new(count).set_alignment(comfy_table::CellAlignment::Right),
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

/// Findings that say the same of the same peer.
struct Group<'a> {
    first: &'a Finding,
    count: usize,
    frames: Vec<FrameNumber>,
}

impl Group<'_> {
    const fn severity(&self) -> Severity {
        self.first.severity
    }

    fn times(&self) -> String {
        if self.count > 1 {
            format!(" (×{})", self.count)
        } else {
            String::new()
        }
    }
}

/// Groups findings in their order; consequences are told with their cause.
fn groups(findings: &[Finding]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut index = std::collections::HashMap::new();
    for finding in findings {
        let has_cause = finding.consequence_of.is_some_and(|cause| {
            findings
                .iter()
                .take(MAX_ROWS_UNASKED)
                .any(|other| other.id == cause)
        });
        if has_cause {
            continue;
        }
        let peer = ["dst", "src", "user", "realm", "aor"].map(|name| match finding.get(name) {
            Some(crate::rules::Fact::Text(text)) if finding.severity > Severity::Info => {
                Some(host(text).to_owned())
            }
            _ => None,
        });
        let key = (finding.name(), finding.severity, finding.so_far, peer);
        match index.get(&key) {
            Some(&at) => {
                if let Some(group) = groups.get_mut(at) {
                    group.count += 1;
                    if group.frames.len() < MAX_FRAMES_SHOWN {
                        group.frames.extend(&finding.frames);
                    }
                }
            }
            None => {
                index.insert(key, groups.len());
                groups.push(Group {
                    first: finding,
                    count: 1,
                    frames: finding.frames.clone(),
                });
            }
        }
    }
    groups
}

/// An address without its port: clients use another one for each call.
fn host(address: &str) -> &str {
    match address.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => address,
    }
}

fn consequences<'a>(report: &'a Report, cause: &Finding) -> impl Iterator<Item = &'a Finding> {
    let id = cause.id;
    report
        .findings
        .iter()
        .filter(move |finding| finding.consequence_of == Some(id))
        .take(4)
}

/// What the peer itself said about a failure.
fn said(finding: &Finding) -> String {
    let names = [
        ("warning", "Warning"),
        ("reason_header", "Reason"),
        ("retry_after", "Retry-After"),
        ("allow", "Allow"),
        ("unsupported", "Unsupported"),
        ("require", "Require"),
        ("min_se", "Min-SE"),
        ("min_expires", "Min-Expires"),
        ("contact", "Contact"),
        ("server", "Server"),
    ];
    let parts: Vec<_> = names
        .iter()
        .filter_map(|(fact, header)| match finding.get(fact) {
            Some(crate::rules::Fact::Text(text)) if !text.is_empty() => {
                Some(format!("{header}: {}", clip(&sanitize(text), 100)))
            }
            _ => None,
        })
        .collect();
    parts.join(" · ")
}

/// What makes a row worth showing: failed, stuck, unanswered, retransmitted.
fn severity_of(transaction: &Transaction) -> Option<Severity> {
    match transaction.final_code() {
        Some(401 | 407) if transaction.credentials.is_empty() => {}
        Some(486 | 487 | 600 | 300..400) => return Some(Severity::Warning),
        Some(400..) => return Some(Severity::Error),
        Some(_) => {}
        None => return Some(Severity::Error),
    }
    (transaction.retransmissions() > 0 || !transaction.icmp.is_empty()).then_some(Severity::Warning)
}

fn method(transaction: &Transaction) -> String {
    if transaction.in_dialog() && transaction.method == crate::sip::Method::Invite {
        format!("re-{}", transaction.method)
    } else {
        transaction.method.to_string()
    }
}

/// `100 → 180 → 200`, with repeats, and what is missing at the end.
fn sequence(catalogue: Catalogue, transaction: &Transaction) -> String {
    let mut steps: Vec<String> = Vec::new();
    let sends = transaction.requests.count();
    let mut codes: Vec<(u64, usize)> = Vec::new();
    for response in &transaction.responses {
        match codes.last_mut() {
            Some((code, count)) if *code == response.code => *count += response.sends.count(),
            _ => codes.push((response.code, response.sends.count())),
        }
    }
    for (code, count) in codes {
        steps.push(if count > 1 {
            format!("{code} ×{count}")
        } else {
            code.to_string()
        });
    }
    if transaction.responses.is_empty() {
        steps.push(catalogue.word("sequence_none").to_owned());
    } else if let Some(stuck) = transaction.alone_since_trying(transaction.closed) {
        steps.push(fill(catalogue.word("sequence_stuck"), |_| {
            Some(duration(stuck))
        }));
    } else if transaction.final_response().is_none() {
        steps.push(catalogue.word("sequence_open").to_owned());
    }
    let mut text = steps.join(" → ");
    if sends > 1 {
        let again = fill(catalogue.word("sent_again"), |_| Some(sends.to_string()));
        text = format!("{again}: {text}");
    }
    text
}

/// Frame numbers with runs drawn together: `3-6 9`.
fn ranges(frames: &[FrameNumber]) -> Vec<String> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for frame in frames {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == frame.0 => *last = frame.0,
            _ => runs.push((frame.0, frame.0)),
        }
    }
    runs.into_iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect()
}

/// `2026-11-21 05:30:00 UTC`.
fn date(time: Timestamp) -> String {
    let text = time.to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(clock)) => format!("{day} {clock} UTC"),
        _ => text,
    }
}

/// `05:30:00.123`.
fn clock(time: Timestamp) -> String {
    let text = time.to_string();
    text.get(11..23).unwrap_or(&text).to_owned()
}

/// Seconds since the start of the capture, as Wireshark's time column shows them.
fn offset(since: std::time::Duration) -> String {
    format!("{}.{:03}", since.as_secs(), since.subsec_millis())
}

/// The first sentence of a text: what fits behind a count.
fn first_sentence(text: &str) -> &str {
    text.find(". ")
        .and_then(|end| text.get(..=end))
        .unwrap_or(text)
}

/// A table without the spaces that fill its lines.
fn trimmed(table: &Table) -> String {
    let mut text: String = table
        .to_string()
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    if text.is_empty() {
        text.push('\n');
    }
    text
}
