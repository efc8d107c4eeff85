//! What is wrong, worst first, with its proof, causes and next steps.

use super::{LABEL_WIDTH, OK, Screen};
use crate::engine::Report;
use crate::report::telling::{Group, Groups};
use crate::report::text::{Wrapped, columns_of, padded};
use std::io::Write;

/// Findings told in full; the others are one line each.
const TOLD_IN_FULL: usize = 8;

impl<W: Write> Screen<W> {
    pub(super) fn findings(&self, report: &Report, page: &mut String) {
        let groups = Groups::of(report);
        for (index, group) in groups.told.iter().enumerate() {
            if index < TOLD_IN_FULL {
                self.told(group, report, page);
            } else {
                self.headline(group, page);
            }
        }
        if groups.told.len() > TOLD_IN_FULL {
            page.push('\n');
        }
        if let Some(word) = groups.all_clear(report, self.rows.remarkable) {
            for line in self.wrapped("", self.word(word), 0).lines() {
                page.push_str(&self.paint(OK, line));
                page.push('\n');
            }
            page.push('\n');
        }
        let notes: Vec<_> = groups.notes().collect();
        if !notes.is_empty() {
            page.push_str(&self.heading(self.word("section_notes")));
            for group in notes {
                page.push_str(&self.wrapped("  - ", &group.note(&self.settings), 4));
            }
            page.push('\n');
        }
    }

    fn headline(&self, group: &Group<'_>, page: &mut String) {
        let finding = group.first;
        let label = self.word(finding.severity.name()).to_uppercase();
        let indent = columns_of(&label) + 2;
        let lines = self.wrapped(&label, &group.message(&self.settings), indent);
        let painted = match lines.split_once(&label) {
            Some((_, rest)) => format!("{}{rest}", self.styled(finding.severity, &label)),
            None => lines,
        };
        page.push_str(&painted);
    }

    fn told(&self, group: &Group<'_>, report: &Report, page: &mut String) {
        let settings = &self.settings;
        self.headline(group, page);
        page.push_str(&self.paragraph(&self.label("label_meaning"), &group.meaning(settings)));
        let (packets, lines) = group.proof(settings);
        if !packets.is_empty() {
            page.push_str(&self.paragraph(&self.label("label_proof"), &packets));
        }
        for line in lines {
            page.push_str(&self.paragraph("", &line));
        }
        let causes = group.causes(settings);
        if !causes.is_empty() {
            let causes = causes.join(self.word("list_separator"));
            page.push_str(&self.paragraph(&self.label("label_causes"), &causes));
        }
        for (index, step) in group.advice(settings).iter().enumerate() {
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
                .paragraph(&format!("{}{number}", padded(&label, LABEL_WIDTH)), step),
            );
        }
        for consequence in group.consequences(settings, report) {
            page.push_str(&self.paragraph(&self.label("label_because"), &consequence));
        }
        page.push_str(&self.paragraph(&self.label("label_reference"), &group.reference(settings)));
        page.push('\n');
    }
}
