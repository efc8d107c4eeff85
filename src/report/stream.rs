//! `ndjson`: one JSON object a line. Transactions and messages are written as soon as they are known; findings too in
//! `live`, and from files at the end, worst first.

use super::record::{self, FindingRecord};
use super::{RecordKind, Settings, call};
use crate::dialog::Call;
use crate::dialog::legs::Legs;
use crate::engine::{Report, SeenMessage};
use crate::rules::Finding;
use crate::transaction::{Placement, Transaction};
use serde::Serialize;
use std::io::{self, Write};

/// The format at work.
#[derive(Debug)]
pub struct Stream<W> {
    settings: Settings,
    out: W,
    failed: Option<io::Error>,
}

impl<W: Write> Stream<W> {
    pub(super) const fn new(settings: Settings, out: W) -> Self {
        Self {
            settings,
            out,
            failed: None,
        }
    }

    pub(super) const fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    pub(super) fn message(&mut self, message: &SeenMessage<'_>, placement: Placement) {
        if self.wants(RecordKind::Message) {
            self.write(&record::message(message, placement));
        }
    }

    pub(super) fn transaction(&mut self, transaction: &Transaction, findings: &[&Finding]) {
        if self.wants(RecordKind::Transaction) {
            self.write(&record::transaction(
                self.settings.catalogue,
                transaction,
                findings,
            ));
        }
    }

    pub(super) fn call(&mut self, judged: &Call, legs: &Legs) {
        if self.wants(RecordKind::Call)
            && let Some(record) = call::record(judged, legs)
        {
            self.write(&record);
        }
    }

    pub(super) fn finding(&mut self, finding: &Finding) {
        if self.settings.live && self.wants(RecordKind::Finding) {
            self.write(&FindingRecord::of(self.settings.catalogue, finding));
        }
    }

    /// What is wrong at this moment is a record of its own name, so that nobody counts it as a finding.
    pub(super) fn alert(&mut self, finding: &Finding) {
        if self.settings.live && self.wants(RecordKind::Finding) {
            self.write(&FindingRecord::of_alert(self.settings.catalogue, finding));
        }
    }

    pub(super) fn finish(mut self, report: &Report) -> io::Result<W> {
        if !self.settings.live && self.wants(RecordKind::Finding) {
            for finding in &report.findings {
                self.write(&FindingRecord::of(self.settings.catalogue, finding));
            }
        }
        if self.wants(RecordKind::Registration) {
            for registration in &report.registrations {
                self.write(&record::registration(registration));
            }
        }
        if self.wants(RecordKind::Capture) {
            self.write(&record::capture(report));
        }
        if self.wants(RecordKind::Summary) {
            self.write(&record::summary(report));
        }
        match self.failed {
            Some(error) => Err(error),
            None => {
                self.out.flush()?;
                Ok(self.out)
            }
        }
    }

    fn wants(&self, kind: RecordKind) -> bool {
        self.settings.records.contains(&kind)
    }

    fn write(&mut self, record: &impl Serialize) {
        if self.failed.is_some() {
            return;
        }
        let written = serde_json::to_writer(&mut self.out, record)
            .map_err(io::Error::from)
            .and_then(|()| self.out.write_all(b"\n"))
            .and_then(|()| {
                if self.settings.live {
                    self.out.flush()
                } else {
                    Ok(())
                }
            });
        self.failed = written.err();
    }
}
