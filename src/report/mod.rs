//! Writes what the engine finds out, in one format, escaped for its medium. Comes in: records while they are found, and
//! the [`Report`] at the end. Goes out: bytes. This room does not know where they go. One file a format.

mod alert;
mod aliases;
mod call;
mod calls;
mod cells;
mod context;
mod direction;
mod document;
mod flow;
mod html;
pub mod ladder;
mod markdown;
mod mermaid;
mod paint;
mod record;
mod row;
mod screen;
mod stream;
mod table;
mod telling;
mod text;

pub use aliases::{Alias, Aliases};
pub use cells::{cell, empty_table, printed};
pub use direction::Bidi;
pub use text::{Wrapped, sanitize};

use crate::catalogue::{Catalogue, fill};
use crate::dialog::Call;
use crate::dialog::legs::Legs;
use crate::engine::{Observer, Report, SeenMessage};
use crate::rules::Finding;
use crate::transaction::{Placement, Transaction};
use crate::workers::Workers;
use std::io::{self, Write};
use std::time::Duration;

/// The formats there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line, as soon as it is known.
    Ndjson,
    /// The records as rows of a table.
    Csv,
    /// For tickets.
    Markdown,
    /// One file with all of it for a browser.
    Html,
    /// The ladder of each call on a terminal.
    Flow,
    /// The ladders as a sequence diagram.
    Mermaid,
}

impl Format {
    /// Those that are asked for by name: a ladder is what `flow` makes of a table.
    pub const ASKED: [Self; 7] = [
        Self::Table,
        Self::Json,
        Self::Ndjson,
        Self::Csv,
        Self::Markdown,
        Self::Html,
        Self::Mermaid,
    ];

    /// The name in `--format`, or of the command.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Flow => "flow",
            Self::Mermaid => "mermaid",
        }
    }
}

/// The kinds of records in machine formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordKind {
    /// What was read.
    Capture,
    /// A SIP message.
    Message,
    /// A transaction.
    Transaction,
    /// A call.
    Call,
    /// A registration.
    Registration,
    /// A finding.
    Finding,
    /// What was counted.
    Summary,
}

impl RecordKind {
    /// All of them, in the order of a document.
    pub const ALL: [Self; 7] = [
        Self::Capture,
        Self::Message,
        Self::Transaction,
        Self::Call,
        Self::Registration,
        Self::Finding,
        Self::Summary,
    ];

    /// Those written when nothing else is asked for: all but messages.
    pub const DEFAULT: [Self; 6] = [
        Self::Capture,
        Self::Transaction,
        Self::Call,
        Self::Registration,
        Self::Finding,
        Self::Summary,
    ];

    /// The name in `record` and in `--records`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Message => "message",
            Self::Transaction => "transaction",
            Self::Call => "call",
            Self::Registration => "registration",
            Self::Finding => "finding",
            Self::Summary => "summary",
        }
    }
}

/// Who wrote a report.
const VERSION_LINE: &str = concat!("sipdiag ", env!("CARGO_PKG_VERSION"));

/// How to write.
#[expect(
    clippy::struct_excessive_bools,
    reason = "wishes of a user, each independent of the others"
)]
#[derive(Clone, Debug)]
pub struct Settings {
    /// The words.
    pub catalogue: Catalogue,
    /// Which records machine formats write.
    pub records: Vec<RecordKind>,
    /// Whether the table shows every transaction.
    pub all: bool,
    /// Columns of the terminal, or as many as a pipe should get.
    pub width: usize,
    /// Columns that an alert is to fit into; `None` where it is one line, as there is no terminal that breaks it.
    pub alert_width: Option<usize>,
    /// Whether colours are wanted.
    pub color: bool,
    /// How the table is marked for the terminal that shows it.
    pub bidi: Bidi,
    /// Whether findings are written the moment they are known, as `live` does, and not sorted at the end.
    pub live: bool,
    /// The names that the user gave to hosts.
    pub aliases: Aliases,
    /// Whether ladders show the messages themselves.
    pub raw: bool,
    /// A 100 Trying that stood alone for less than this is shown as open, not as stuck.
    pub stuck_after: Duration,
    /// Who writes long lists.
    pub workers: Workers,
}

impl Settings {
    fn word(&self, key: &'static str) -> &'static str {
        self.catalogue.word(key)
    }

    /// What a finding says happened, with the names of the hosts.
    fn message(&self, finding: &Finding) -> String {
        let message = self.aliases.in_text(&self.catalogue.message(finding));
        sanitize(message.trim_end())
    }

    /// A sentence of the interface with its values; a name without one stays as it is.
    fn filled(&self, key: &'static str, values: &[(&str, String)]) -> String {
        fill(self.word(key), |name| {
            let known = values.iter().find(|(key, _)| *key == name);
            known.map(|(_, value)| value.clone())
        })
    }
}

/// A format at work.
#[derive(Debug)]
pub enum Renderer<W: Write> {
    /// See [`Format::Table`].
    Table(Box<screen::Screen<W>>),
    /// See [`Format::Json`].
    Json(Box<document::Document<W>>),
    /// See [`Format::Ndjson`].
    Ndjson(Box<stream::Stream<W>>),
    /// See [`Format::Csv`].
    Csv(Box<table::Rows<W>>),
    /// See [`Format::Markdown`].
    Markdown(Box<markdown::Markdown<W>>),
    /// See [`Format::Html`].
    Html(Box<html::Html<W>>),
    /// See [`Format::Flow`].
    Flow(Box<flow::Flow<W>>),
    /// See [`Format::Mermaid`].
    Mermaid(Box<mermaid::Mermaid<W>>),
}

impl<W: Write> Renderer<W> {
    /// Begins to write in a format.
    pub fn new(format: Format, settings: Settings, out: W) -> Self {
        match format {
            Format::Table => Self::Table(Box::new(screen::Screen::new(settings, out))),
            Format::Json => Self::Json(Box::new(document::Document::new(settings, out))),
            Format::Ndjson => Self::Ndjson(Box::new(stream::Stream::new(settings, out))),
            Format::Csv => Self::Csv(Box::new(table::Rows::new(settings, out))),
            Format::Markdown => Self::Markdown(Box::new(markdown::Markdown::new(settings, out))),
            Format::Html => Self::Html(Box::new(html::Html::new(settings, out))),
            Format::Flow => Self::Flow(Box::new(flow::Flow::new(settings, out))),
            Format::Mermaid => Self::Mermaid(Box::new(mermaid::Mermaid::new(settings, out))),
        }
    }

    /// Writes the rest, and returns where it went.
    ///
    /// # Errors
    /// The first error that writing met, now or before.
    pub fn finish(self, report: &Report) -> io::Result<W> {
        match self {
            Self::Table(screen) => screen.finish(report),
            Self::Json(document) => document.finish(report),
            Self::Ndjson(stream) => stream.finish(report),
            Self::Csv(rows) => rows.finish(report),
            Self::Markdown(markdown) => markdown.finish(report),
            Self::Html(html) => html.finish(report),
            Self::Flow(flow) => flow.finish(report),
            Self::Mermaid(mermaid) => mermaid.finish(report),
        }
    }

    /// Whether writing met an error already, so that going on is of no use: a closed pipe.
    pub const fn has_failed(&self) -> bool {
        match self {
            Self::Table(screen) => screen.has_failed(),
            Self::Json(_)
            | Self::Markdown(_)
            | Self::Html(_)
            | Self::Flow(_)
            | Self::Mermaid(_) => false,
            Self::Ndjson(stream) => stream.has_failed(),
            Self::Csv(rows) => rows.has_failed(),
        }
    }
}

impl<W: Write> Observer for Renderer<W> {
    fn message(&mut self, message: &SeenMessage<'_>, placement: Placement) {
        match self {
            Self::Table(_) | Self::Markdown(_) | Self::Flow(_) | Self::Mermaid(_) => {}
            Self::Json(document) => document.message(message, placement),
            Self::Ndjson(stream) => stream.message(message, placement),
            Self::Csv(rows) => rows.message(message, placement),
            Self::Html(html) => html.message(message, placement),
        }
    }

    fn transaction(&mut self, transaction: &Transaction, findings: &[&Finding]) {
        match self {
            Self::Table(screen) => screen.transaction(transaction, findings),
            Self::Json(document) => document.transaction(transaction, findings),
            Self::Ndjson(stream) => stream.transaction(transaction, findings),
            Self::Csv(rows) => rows.transaction(transaction, findings),
            Self::Markdown(markdown) => markdown.transaction(transaction, findings),
            Self::Html(html) => html.transaction(transaction, findings),
            Self::Flow(flow) => flow.transaction(transaction, findings),
            Self::Mermaid(mermaid) => mermaid.transaction(transaction, findings),
        }
    }

    fn call(&mut self, call: &Call, legs: &Legs) {
        match self {
            Self::Table(_) | Self::Markdown(_) => {}
            Self::Json(document) => document.call(call, legs),
            Self::Ndjson(stream) => stream.call(call, legs),
            Self::Csv(rows) => rows.call(call, legs),
            Self::Html(html) => html.call(call, legs),
            Self::Flow(flow) => flow.call(call, legs),
            Self::Mermaid(mermaid) => mermaid.call(call, legs),
        }
    }

    fn finding(&mut self, finding: &Finding) {
        match self {
            Self::Table(_)
            | Self::Json(_)
            | Self::Markdown(_)
            | Self::Html(_)
            | Self::Flow(_)
            | Self::Mermaid(_) => {}
            Self::Ndjson(stream) => stream.finding(finding),
            Self::Csv(rows) => rows.finding(finding),
        }
    }

    fn alert(&mut self, finding: &Finding) {
        match self {
            Self::Table(screen) => screen.alert(finding),
            Self::Json(_)
            | Self::Csv(_)
            | Self::Markdown(_)
            | Self::Html(_)
            | Self::Flow(_)
            | Self::Mermaid(_) => {}
            Self::Ndjson(stream) => stream.alert(finding),
        }
    }
}
