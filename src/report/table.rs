//! `csv`: the records as rows of one table (RFC 4180), for spreadsheets and scripts. The first column is `record`; the
//! others are the fields of the records that were asked for, in a fixed order, each name once: a kind leaves those of the
//! others empty. What is inside an object has its name behind the object's, as in `outcome_code`; lists stand in one cell.

use super::record::{self, FindingRecord};
use super::text::{is_invisible, sanitize};
use super::{RecordKind, Settings, call};
use crate::dialog::Call;
use crate::dialog::legs::Legs;
use crate::engine::{Report, SeenMessage};
use crate::rules::Finding;
use crate::transaction::{Placement, Transaction};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{self, Write};

/// The fields of each kind of record, in the order of their columns. A dot goes into an object.
const FIELDS: [(RecordKind, &[&str]); 7] = [
    (
        RecordKind::Capture,
        &[
            "schema_version",
            "files",
            "first_time",
            "last_time",
            "filter",
            "hep",
        ],
    ),
    (
        RecordKind::Message,
        &[
            "frame",
            "time",
            "src",
            "dst",
            "transport",
            "encapsulation",
            "direction",
            "capture_node",
            "correlation_id",
            "call_id",
            "cseq.number",
            "cseq.method",
            "method",
            "request_uri",
            "status",
            "reason",
            "from",
            "to",
            "from_tag",
            "to_tag",
            "kind",
            "ladder",
            "transaction",
            "oddities",
        ],
    ),
    (
        RecordKind::Transaction,
        &[
            "id",
            "call_id",
            "method",
            "cseq",
            "branch",
            "src",
            "dst",
            "transport",
            "start",
            "end",
            "state",
            "sequence",
            "final",
            "request_frames",
            "request_retransmissions",
            "t1_est_ms",
            "ack_frames",
            "responses",
            "finding_ids",
        ],
    ),
    (
        RecordKind::Call,
        &[
            "call_id",
            "from",
            "to",
            "start",
            "ringing_ms",
            "answer_ms",
            "duration_ms",
            "state",
            "outcome.code",
            "outcome.by",
            "attempts",
            "dialogs",
            "transactions",
            "legs",
        ],
    ),
    (
        RecordKind::Registration,
        &[
            "aor",
            "contact",
            "registrar",
            "granted_expires_s",
            "state",
            "start",
            "last",
        ],
    ),
    (
        RecordKind::Finding,
        &[
            "id",
            "code",
            "name",
            "severity",
            "severity_was",
            "confidence",
            "time",
            "summary",
            "call_id",
            "transactions",
            "frames",
            "facts",
            "guards",
            "consequence_of",
            "causes",
            "advice",
            "references",
        ],
    ),
    (
        RecordKind::Summary,
        &[
            "packets",
            "sip_messages",
            "transports",
            "requests",
            "responses",
            "call_ids",
            "transactions",
            "calls",
            "retransmissions",
            "duplicates",
            "mirrored_too",
            "not_sip_packets",
            "undecoded",
            "findings",
            "dropped",
            "damage",
            "redacted",
            "silenced",
            "severity_changed",
            "thresholds",
            "kpi",
            "limits_hit",
        ],
    ),
];

/// The format at work.
#[derive(Debug)]
pub struct Rows<W: Write> {
    settings: Settings,
    out: csv::Writer<W>,
    /// The fields of all kinds that were asked for, each once.
    columns: Vec<&'static str>,
    begun: bool,
    failed: Option<io::Error>,
}

impl<W: Write> Rows<W> {
    pub(super) fn new(settings: Settings, out: W) -> Self {
        let mut columns = vec!["record"];
        let wanted = FIELDS
            .iter()
            .filter(|(kind, _)| settings.records.contains(kind));
        for name in wanted.flat_map(|(_, names)| *names) {
            if !columns.contains(name) {
                columns.push(name);
            }
        }
        Self {
            settings,
            // RFC 4180 §2: lines end with CRLF.
            out: csv::WriterBuilder::new()
                .terminator(csv::Terminator::CRLF)
                .from_writer(out),
            columns,
            begun: false,
            failed: None,
        }
    }

    pub(super) const fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    pub(super) fn message(&mut self, message: &SeenMessage<'_>, placement: Placement) {
        if self.wants(RecordKind::Message) {
            self.row(&record::message(message, placement));
        }
    }

    pub(super) fn transaction(&mut self, transaction: &Transaction, findings: &[&Finding]) {
        if self.wants(RecordKind::Transaction) {
            let catalogue = self.settings.catalogue;
            self.row(&record::transaction(catalogue, transaction, findings));
        }
    }

    pub(super) fn call(&mut self, judged: &Call, legs: &Legs) {
        if self.wants(RecordKind::Call)
            && let Some(record) = call::record(judged, legs)
        {
            self.row(&record);
        }
    }

    pub(super) fn finding(&mut self, finding: &Finding) {
        if self.settings.live && self.wants(RecordKind::Finding) {
            self.finding_row(finding);
        }
    }

    pub(super) fn finish(mut self, report: &Report) -> io::Result<W> {
        self.begin();
        if !self.settings.live && self.wants(RecordKind::Finding) {
            for finding in &report.findings {
                self.finding_row(finding);
            }
        }
        if self.wants(RecordKind::Registration) {
            for registration in &report.registrations {
                self.row(&record::registration(registration));
            }
        }
        if self.wants(RecordKind::Capture) {
            self.row(&record::capture(report));
        }
        if self.wants(RecordKind::Summary) {
            self.row(&record::summary(report));
        }
        match self.failed {
            Some(error) => Err(error),
            None => {
                let mut out = self
                    .out
                    .into_inner()
                    .map_err(csv::IntoInnerError::into_error)?;
                out.flush()?;
                Ok(out)
            }
        }
    }

    fn wants(&self, kind: RecordKind) -> bool {
        self.settings.records.contains(&kind)
    }

    /// Writes the names of the columns, once: a table without rows has them too.
    fn begin(&mut self) {
        if self.begun || self.failed.is_some() {
            return;
        }
        self.begun = true;
        let names = self.columns.iter().map(|name| name.replace('.', "_"));
        let written = self.out.write_record(names);
        self.failed = written.err().map(of_writing);
    }

    fn finding_row(&mut self, finding: &Finding) {
        match serde_json::to_value(FindingRecord::of(self.settings.catalogue, finding)) {
            Ok(record) => self.row(&record),
            Err(error) => self.failed = self.failed.take().or_else(|| Some(error.into())),
        }
    }

    fn row(&mut self, record: &Value) {
        self.begin();
        if self.failed.is_some() {
            return;
        }
        let cells = self.columns.iter().map(|name| {
            let mut value = Some(record);
            for step in name.split('.') {
                value = value.and_then(|it| it.get(step));
            }
            value.map_or_else(String::new, cell)
        });
        let written = self.out.write_record(cells).map_err(of_writing);
        let written = written.and_then(|()| {
            if self.settings.live {
                self.out.flush()
            } else {
                Ok(())
            }
        });
        self.failed = written.err();
    }
}

/// The error below one of the crate's, whose kind tells a closed pipe.
fn of_writing(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Between the members of a list of texts.
const SEPARATOR: &str = " | ";

/// A value as one line: numbers and texts as they are, lists joined, what has a structure of its own as JSON. Control and
/// invisible characters are shown, so that a row is a line; in JSON by its own escapes.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => harmless(text),
        Value::Array(list) if list.iter().all(Value::is_number) => {
            let numbers: Vec<_> = list.iter().map(Value::to_string).collect();
            numbers.join(" ")
        }
        Value::Array(list) if list.iter().all(Value::is_string) => {
            let texts: Vec<_> = list.iter().filter_map(Value::as_str).collect();
            harmless(&texts.join(SEPARATOR))
        }
        Value::Object(map) if map.is_empty() => String::new(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        // It begins with a bracket, which is no formula.
        Value::Array(_) | Value::Object(_) => escaped(&value.to_string()),
    }
}

/// JSON without invisible characters: they stand in its strings only, which have escapes for them (RFC 8259 §7).
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if is_invisible(character) || character.is_control() {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(character);
        }
    }
    text
}

/// A text that no spreadsheet takes for a formula: an apostrophe stands before one that could begin one.
fn harmless(text: &str) -> String {
    let text = sanitize(text);
    let is_formula = |it: char| matches!(it, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    if text.trim_start().starts_with(is_formula) {
        format!("'{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_could_begin_a_formula_is_text() {
        for (given, expected) in [
            ("=1+1", "'=1+1"),
            (" +4912", "' +4912"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1", "'＝1"),
            (
                "<sip:a@192.0.2.1>;+sip.instance",
                "<sip:a@192.0.2.1>;+sip.instance",
            ),
            ("\u{202e}a", "\\u{202e}a"),
            ("sip:+49@example.com", "sip:+49@example.com"),
            ("a\r\n=1", "a\\x0d\\x0a=1"),
        ] {
            assert_eq!(harmless(given), expected);
        }
        // Numbers of ours stay numbers.
        assert_eq!(cell(&json!(-1.5)), "-1.5");
    }

    #[test]
    fn lists_stand_in_one_cell_and_structures_are_json() {
        assert_eq!(cell(&json!([1, 2])), "1 2");
        assert_eq!(cell(&json!(["a", "b"])), "a | b");
        assert_eq!(cell(&json!([{"a": 1}])), "[{\"a\":1}]");
        let strange = json!([{"reason": "=1+1\u{202e}\u{e0041}\u{7f}"}]);
        assert!(cell(&strange).is_ascii() && !cell(&strange).contains('\''));
        let back: Value = serde_json::from_str(&cell(&strange)).unwrap();
        assert_eq!(back, strange);
        assert_eq!(cell(&json!({})), "");
        assert_eq!(cell(&json!([])), "");
    }

    #[test]
    fn every_kind_has_its_fields() {
        let kinds: Vec<_> = FIELDS.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, RecordKind::ALL);
    }
}
