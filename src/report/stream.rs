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

/// Findings that are written by one thread at once.
const PIECE: usize = 64;
/// Findings whose lines are held in memory.
const ROUND: usize = 64 * PIECE;

/// The format at work.
#[derive(Debug)]
pub struct Stream<W> {
    settings: Settings,
    out: W,
    failed: Option<io::Error>,
    /// The line that is being written, so that its small parts need not go all the way out one by one.
    line: Vec<u8>,
}

impl<W: Write> Stream<W> {
    pub(super) const fn new(settings: Settings, out: W) -> Self {
        Self {
            settings,
            out,
            failed: None,
            line: Vec::new(),
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
            self.write_findings(&report.findings);
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

    /// Several at a time by all who are there, as much as memory should hold at once.
    fn write_findings(&mut self, findings: &[Finding]) {
        for round in findings.chunks(ROUND) {
            if self.failed.is_some() {
                return;
            }
            let catalogue = self.settings.catalogue;
            let pieces: Vec<_> = round.chunks(PIECE).collect();
            let written = self.settings.workers.map(&pieces, 1, |piece| {
                let mut lines = Vec::new();
                for finding in *piece {
                    serde_json::to_writer(&mut lines, &FindingRecord::of(catalogue, finding))?;
                    lines.push(b'\n');
                }
                Ok(lines)
            });
            self.failed = written
                .into_iter()
                .try_for_each(|lines: io::Result<Vec<u8>>| self.out.write_all(&lines?))
                .err();
        }
    }

    fn wants(&self, kind: RecordKind) -> bool {
        self.settings.records.contains(&kind)
    }

    fn write(&mut self, record: &impl Serialize) {
        if self.failed.is_some() {
            return;
        }
        self.line.clear();
        let written = serde_json::to_writer(&mut self.line, record)
            .map_err(io::Error::from)
            .and_then(|()| {
                self.line.push(b'\n');
                self.out.write_all(&self.line)
            })
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
