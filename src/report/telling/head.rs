//! The head of a report: what was read, and what limits it as evidence.

use super::{LIMITS, others};
use crate::capture::InputFacts;
use crate::capture::hep::HepFacts;
use crate::engine::{FINDINGS_LIMIT, Report, Summary};
use crate::limits::MAX_FINDINGS;
use crate::report::Settings;
use crate::report::text::{Wrapped, date, held_parts, sanitize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// More files than this are named by the first and the last.
const FILES_NAMED: usize = 4;

/// The head of a report, sanitised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::report) struct Head {
    /// What was read: the files.
    pub(in crate::report) files: String,
    /// The same without their folders, which are the business of whoever has the files.
    pub(in crate::report) names: String,
    /// How much was in it: packets, messages, calls, time.
    pub(in crate::report) amount: String,
    /// What is good to know about the numbers: how frames are counted, what was filtered.
    pub(in crate::report) counting: Vec<String>,
    /// What limits the evidence.
    pub(in crate::report) limits: Vec<String>,
    /// What did not come through, and what the user chose to see otherwise.
    pub(in crate::report) remarks: Vec<String>,
}

impl Head {
    /// The head of a page that ends with counts.
    pub(in crate::report) fn of(settings: &Settings, report: &Report) -> Self {
        Self::with(settings, report, "selected_line")
    }

    /// The head of a page of ladders.
    pub(in crate::report) fn of_ladders(settings: &Settings, report: &Report) -> Self {
        Self::with(settings, report, "flow_selected")
    }

    /// The amount for media that break lines: a number stays with what it counts, and a date with its time. Right to left, a
    /// hard space would be part of what stands beside it.
    pub(in crate::report) fn amount_in_parts(&self, settings: &Settings) -> Cow<'_, str> {
        if settings.catalogue.language().is_right_to_left() {
            Cow::Borrowed(&self.amount)
        } else {
            held_parts(&self.amount)
        }
    }

    /// The head as lines for a terminal, with an empty one behind: what limits the evidence stands before what rests on it.
    pub(in crate::report) fn page(&self, settings: &Settings) -> String {
        let wrapped = |label, text: &str, indent| {
            let width = settings.width;
            Wrapped { width, indent }.paragraph(label, text)
        };
        let amount = self.amount_in_parts(settings);
        let line = format!("{}{}{amount}", self.files, settings.word("colon"));
        let mut page = wrapped("", &line, 2).trim_start().to_owned();
        for line in &self.counting {
            page.push_str(&wrapped("", line, 2));
        }
        for line in &self.limits {
            page.push_str(&wrapped("  ! ", line, 4));
        }
        for line in &self.remarks {
            page.push_str(&wrapped("", line, 2));
        }
        page.push('\n');
        page
    }

    fn with(settings: &Settings, report: &Report, selected: &'static str) -> Self {
        let capture = &report.capture;
        let counts = &report.summary.counts;
        let span = match (report.first_time, report.last_time) {
            (Some(first), Some(last)) => {
                let time = settings.catalogue.duration(last.since(first));
                format!("{} ({time})", date(first))
            }
            _ => "0 s".to_owned(),
        };
        let amount = settings.filled(
            "read_line",
            &[
                ("packets", counts.packets.to_string()),
                ("messages", messages(settings, &report.summary)),
                ("calls", report.summary.calls.to_string()),
                ("span", span),
            ],
        );
        let mut counting = Vec::new();
        // Of what is heard live nobody looks a frame up in a file.
        let is_file = |it: &InputFacts| !matches!(&*it.format, "interface" | "hep");
        if capture.inputs.len() > 1 && capture.inputs.iter().any(is_file) {
            counting.push(settings.word("frames_over_all").to_owned());
        }
        if let Some(filter) = &capture.filter {
            let all: u64 = capture.inputs.iter().map(|input| input.packets).sum();
            let values = [
                ("filter", sanitize(filter)),
                ("passed", counts.packets.to_string()),
                ("all", all.to_string()),
            ];
            counting.push(settings.filled("filter_line", &values));
        }
        let limit = |name: &&str| {
            let mut same = report.findings.iter().filter(|it| it.rule.name == *name);
            let message = settings.message(same.next()?);
            let times = others(settings, "and_n_more", same.count() as u64);
            Some(format!("{name}{times}{}{message}", settings.word("colon")))
        };
        Self {
            files: files(settings, report, with_folder),
            names: files(settings, report, without_folder),
            amount,
            counting,
            limits: LIMITS.iter().filter_map(limit).collect(),
            remarks: [losses(settings, report), wishes(settings, report, selected)].concat(),
        }
    }
}

/// What records and command lines call it.
const STDIN: &str = "-";

fn with_folder(name: &str) -> &str {
    if name == STDIN { "stdin" } else { name }
}

/// `trace.pcap` of `/home/alice/trace.pcap`; what is no path stays as it is.
fn without_folder(name: &str) -> &str {
    if name == STDIN {
        return "stdin";
    }
    if name.contains("://") {
        return name;
    }
    let last = name.rsplit(['/', '\\']).next();
    last.filter(|it| !it.is_empty()).unwrap_or(name)
}

fn files(settings: &Settings, report: &Report, shown: fn(&str) -> &str) -> String {
    let inputs = &report.capture.inputs;
    let names: Vec<_> = inputs
        .iter()
        .map(|input| sanitize(shown(&input.name)))
        .collect();
    match names.as_slice() {
        [first, _, .., last] if names.len() > FILES_NAMED => settings.filled(
            "many_files",
            &[
                ("n", names.len().to_string()),
                ("first", first.clone()),
                ("last", last.clone()),
            ],
        ),
        _ => names.join(settings.word("comma")),
    }
}

/// What did not come through: dropped, not HEP, beyond a limit.
fn losses(settings: &Settings, report: &Report) -> Vec<String> {
    let capture = &report.capture;
    let mut lines = Vec::new();
    let dropped =
        capture.dropped_by_kernel.unwrap_or(0) + capture.dropped_by_interface.unwrap_or(0);
    if dropped > 0 {
        lines.push(settings.filled("dropped_line", &[("count", dropped.to_string())]));
    }
    let apart: Vec<_> = capture
        .hep
        .iter()
        .flat_map(HepFacts::counts)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    if !apart.is_empty() {
        lines.push(settings.filled(
            "hep_line",
            &[("counts", apart.join(settings.word("comma")))],
        ));
    }
    let limits = &report.summary.limits_hit;
    // Who selects may miss one that was selected, so that there it is a limit like the others.
    let counted = limits
        .get(FINDINGS_LIMIT)
        .filter(|_| report.selected.is_none());
    if let Some(count) = counted {
        lines.push(settings.filled(
            "limit_findings",
            &[
                ("count", count.to_string()),
                ("room", MAX_FINDINGS.to_string()),
            ],
        ));
    }
    let limits: Vec<_> = limits
        .iter()
        .filter(|(name, _)| counted.is_none() || **name != FINDINGS_LIMIT)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    if !limits.is_empty() {
        lines.push(settings.filled(
            "limits_line",
            &[("limits", limits.join(settings.word("comma")))],
        ));
    }
    lines
}

/// What the user chose to see otherwise than by default: nothing is gone without a word.
fn wishes(settings: &Settings, report: &Report, line: &'static str) -> Vec<String> {
    let mut lines = Vec::new();
    if report.redacted {
        lines.push(settings.word("redacted_line").to_owned());
    }
    if let Some(selected) = &report.selected {
        let key = if selected.call_ids == 0 {
            "selected_none"
        } else {
            line
        };
        let values = [
            ("selected", selected.call_ids.to_string()),
            ("all", report.summary.call_ids.to_string()),
            ("criteria", sanitize(&selected.criteria)),
            ("cut", selected.without_beginning.to_string()),
        ];
        lines.push(settings.filled(key, &values));
        if selected.call_ids == 0
            && !selected.unmet.is_empty()
            && selected.unmet != selected.criteria
        {
            let unmet = sanitize(&selected.unmet);
            lines.push(settings.filled("selected_unmet", &[("criteria", unmet)]));
        }
        if selected.without_beginning > 0 {
            lines.push(settings.filled("selected_cut", &values));
        }
    }
    let counted = |counts: &BTreeMap<String, u64>| {
        let counts = counts.iter().map(|(name, count)| format!("{name} {count}"));
        counts.collect::<Vec<_>>().join(settings.word("comma"))
    };
    let policy = &report.summary.policy;
    let thresholds = report.thresholds.changed();
    let thresholds: Vec<_> = thresholds
        .map(|(row, value)| format!("{} {value}", row.key))
        .collect();
    let changes = [
        ("silenced_line", "findings", counted(&policy.silenced)),
        ("changed_line", "findings", counted(&policy.changed)),
        (
            "thresholds_line",
            "thresholds",
            thresholds.join(settings.word("comma")),
        ),
    ]
    .into_iter()
    .filter(|(_, _, text)| !text.is_empty())
    .map(|(key, name, text)| settings.filled(key, &[(name, text)]));
    lines.extend(changes);
    lines
}

/// How many messages there are, and over what when it was not UDP alone.
fn messages(settings: &Settings, summary: &Summary) -> String {
    let count = summary.counts.sip_messages;
    if summary.transports.keys().all(|carrier| *carrier == "udp") {
        return count.to_string();
    }
    let carriers: Vec<_> = summary
        .transports
        .iter()
        .map(|(carrier, count)| format!("{carrier} {count}"))
        .collect();
    format!("{count} ({})", carriers.join(settings.word("comma")))
}
