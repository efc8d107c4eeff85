//! `json`: one document with the records in arrays named after them.

use super::record::{self, FindingRecord};
use super::{RecordKind, Settings, call};
use crate::dialog::Call;
use crate::dialog::legs::Legs;
use crate::engine::{Report, SeenMessage};
use crate::rules::Finding;
use crate::transaction::{Placement, Transaction};
use serde_json::{Map, Value};
use std::io::{self, Write};

/// The format at work. It holds every record until the end: for large captures `ndjson` does not.
#[derive(Debug)]
pub struct Document<W> {
    settings: Settings,
    out: W,
    messages: Vec<Value>,
    transactions: Vec<Value>,
    calls: Vec<Value>,
}

impl<W: Write> Document<W> {
    pub(super) const fn new(settings: Settings, out: W) -> Self {
        Self {
            settings,
            out,
            messages: Vec::new(),
            transactions: Vec::new(),
            calls: Vec::new(),
        }
    }

    pub(super) fn message(&mut self, message: &SeenMessage<'_>, placement: Placement) {
        if self.settings.records.contains(&RecordKind::Message) {
            self.messages.push(record::message(message, placement));
        }
    }

    pub(super) fn transaction(&mut self, transaction: &Transaction, findings: &[&Finding]) {
        if self.settings.records.contains(&RecordKind::Transaction) {
            self.transactions.push(record::transaction(
                self.settings.catalogue,
                transaction,
                findings,
            ));
        }
    }

    pub(super) fn call(&mut self, judged: &Call, legs: &Legs) {
        if self.settings.records.contains(&RecordKind::Call) {
            self.calls.extend(call::record(judged, legs));
        }
    }

    pub(super) fn finish(mut self, report: &Report) -> io::Result<W> {
        let mut document = Map::new();
        document.insert("schema_version".into(), 1.into());
        for kind in RecordKind::ALL {
            if !self.settings.records.contains(&kind) {
                continue;
            }
            let records = match kind {
                RecordKind::Capture => vec![record::capture(report)],
                RecordKind::Message => std::mem::take(&mut self.messages),
                RecordKind::Transaction => std::mem::take(&mut self.transactions),
                RecordKind::Call => std::mem::take(&mut self.calls),
                RecordKind::Registration => report
                    .registrations
                    .iter()
                    .map(record::registration)
                    .collect(),
                RecordKind::Finding => report
                    .findings
                    .iter()
                    .map(|finding| FindingRecord::of(self.settings.catalogue, finding))
                    .map(serde_json::to_value)
                    .collect::<Result<_, _>>()?,
                RecordKind::Summary => vec![record::summary(report)],
            };
            document.insert(kind.name().into(), records.into());
        }
        serde_json::to_writer_pretty(&mut self.out, &document)?;
        self.out.write_all(b"\n")?;
        self.out.flush()?;
        Ok(self.out)
    }
}
