//! What is wrong, worst first, with its proof, causes and next steps.

use super::{LABEL_WIDTH, OK, Screen};
use crate::capture::FrameNumber;
use crate::catalogue::fill;
use crate::engine::Report;
use crate::report::text::{Wrapped, clip, clock, sanitize};
use crate::rules::{Cluster, Fact, Finding};
use crate::severity::{Confidence, Severity};
use std::collections::HashMap;
use std::io::Write;
use unicode_width::UnicodeWidthStr;

/// Findings told in full; the others are one line each.
const TOLD_IN_FULL: usize = 8;
/// Tries with credentials that are shown value by value: two tell whether anything changes.
const TRIES_SHOWN: [&str; 2] = ["try_1", "try_2"];
/// Frames named in a line of proof.
const FRAMES_NAMED: usize = 12;
/// Hosts named of those that met the same fault.
const PEERS_NAMED: usize = 4;

impl<W: Write> Screen<W> {
    pub(super) fn findings(&self, report: &Report, page: &mut String) {
        let by_id: HashMap<_, _> = report.findings.iter().map(|it| (it.id, it)).collect();
        let groups: Vec<_> = report
            .clusters
            .iter()
            .filter_map(|cluster| {
                Some(Group {
                    first: by_id.get(&cluster.first)?,
                    last: by_id.get(&cluster.last)?,
                    cluster,
                })
            })
            .collect();
        let anything_wrong = groups
            .iter()
            .any(|group| group.first.severity > Severity::Info);
        // A call that ended busy or unanswered is the answer when nothing worse is there, and a note when there is.
        let (told, notes): (Vec<_>, Vec<_>) = groups.iter().partition(|group| {
            group.first.severity > Severity::Info || (!anything_wrong && group.first.is_outcome())
        });
        if told.is_empty() {
            let nothing_selected = report.selected.as_ref().is_some_and(|it| it.call_ids == 0);
            if report.summary.counts.sip_messages > 0 && !nothing_selected {
                // What the capture lacks, and what had not ended yet, may hide a fault.
                let quiet = notes
                    .iter()
                    .all(|group| !group.first.rule.code.starts_with("CAP") && !group.first.so_far);
                let word = if report.summary.transactions == 0 {
                    "nothing_whole"
                } else if self.remarkable == 0 && quiet {
                    "healthy"
                } else if self.remarkable == 0 {
                    "healthy_limited"
                } else {
                    "nothing_wrong"
                };
                let wrapped = Wrapped {
                    width: self.settings.width,
                    indent: 0,
                };
                for line in wrapped.paragraph("", self.word(word)).lines() {
                    page.push_str(&self.paint(OK, line));
                    page.push('\n');
                }
                page.push('\n');
            }
        } else {
            for (index, group) in told.iter().enumerate() {
                if index < TOLD_IN_FULL {
                    self.told(group, report, page);
                } else {
                    self.headline(group, page);
                }
            }
            if told.len() > TOLD_IN_FULL {
                page.push('\n');
            }
        }
        // Those at the head of the page are told already.
        let notes: Vec<_> = notes
            .into_iter()
            .filter(|group| !LIMITS.contains(&group.first.rule.name))
            .collect();
        if !notes.is_empty() {
            page.push_str(&self.heading(self.word("section_notes")));
            for group in notes {
                let line = format!(
                    "{}{}: {}",
                    group.first.name(),
                    self.times(group),
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

    /// ` (and 5 more)` behind the first of several.
    fn times(&self, group: &Group<'_>) -> String {
        if group.cluster.count < 2 {
            return String::new();
        }
        let others = (group.cluster.count - 1).to_string();
        format!(" ({})", self.filled("and_n_more", &[("n", others)]))
    }

    fn headline(&self, group: &Group<'_>, page: &mut String) {
        let finding = group.first;
        let label = self.word(finding.severity.name()).to_uppercase();
        let text = format!(
            "{}{}",
            sanitize(&self.settings.catalogue.message(finding)).trim_end(),
            self.times(group)
        );
        let indent = label.width() + 2;
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
        page.push_str(&self.paragraph(
            &self.label("label_meaning"),
            &sanitize(&catalogue.meaning(finding)),
        ));
        let proof = self.proof(group);
        if !proof.is_empty() {
            page.push_str(&self.paragraph(&self.label("label_proof"), &proof));
        }
        if group.cluster.count > 1 {
            page.push_str(&self.paragraph("", &self.spread(group)));
        }
        let who = who(finding);
        if !who.is_empty() {
            page.push_str(&self.paragraph("", &who));
        }
        let said = said(finding);
        if !said.is_empty() {
            page.push_str(&self.paragraph("", &said));
        }
        if let Some(Fact::Text(ports)) = finding.get("ports")
            && !ports.is_empty()
        {
            let line = self.filled("other_traffic", &[("ports", ports.clone())]);
            page.push_str(&self.paragraph("", &line));
        }
        for name in TRIES_SHOWN {
            if let Some(Fact::Text(text)) = finding.get(name) {
                page.push_str(&self.paragraph("", &clip(&sanitize(text), 400)));
            }
        }
        for line in self.tls(finding) {
            page.push_str(&self.paragraph("", &line));
        }
        let causes = catalogue.causes(finding);
        if !causes.is_empty() {
            page.push_str(&self.paragraph(
                &self.label("label_causes"),
                &sanitize(&causes.join(self.word("list_separator"))),
            ));
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
                .paragraph(&format!("{label:LABEL_WIDTH$}{number}"), &sanitize(step)),
            );
        }
        for consequence in consequences(report, finding) {
            let mut text = format!(
                "{}: {}",
                consequence.name(),
                sanitize(&catalogue.message(consequence)).trim_end()
            );
            if let (Some(Fact::Text(rule)), Some(call_id)) =
                (consequence.get("linked_by"), consequence.call_id.as_deref())
            {
                let id = clip(&sanitize(&String::from_utf8_lossy(call_id)), 48);
                let values = [("id", id), ("rule", rule.clone())];
                text.push_str(" · ");
                text.push_str(&self.filled("linked_leg", &values));
            }
            page.push_str(&self.paragraph(&self.label("label_because"), &text));
        }
        // A code that the catalogue cannot explain leads to the rule.
        let explained = match finding.status {
            Some(code) if catalogue.code(code).is_none() => finding.rule.name.into(),
            _ => match catalogue.alert_of(finding) {
                Some(alert) => alert.into(),
                None => finding.name(),
            },
        };
        let hint = fill(catalogue.word("explain_hint"), |_| {
            Some(explained.clone().into_owned())
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

    /// Over how long, for whom, and one more example.
    fn spread(&self, group: &Group<'_>) -> String {
        let cluster = group.cluster;
        let mut parts = vec![self.filled(
            "spread_times",
            &[
                ("n", cluster.count.to_string()),
                ("from", clock(cluster.from)),
                ("until", clock(cluster.until)),
            ],
        )];
        if let [_, _, ..] = cluster.peers.as_slice() {
            let mut peers: Vec<_> = cluster.peers.iter().take(PEERS_NAMED).cloned().collect();
            if cluster.more_peers || cluster.peers.len() > PEERS_NAMED {
                peers.push("…".to_owned());
            }
            parts.push(self.filled("spread_peers", &[("peers", peers.join(", "))]));
        }
        if let Some(call_id) = group.last.call_id.as_deref().filter(|id| !id.is_empty())
            && group.last.id != group.first.id
        {
            let id = clip(&sanitize(&String::from_utf8_lossy(call_id)), 48);
            parts.push(self.filled("spread_last", &[("id", id)]));
        }
        parts.join(" · ")
    }

    /// Which packets, when, whose call, and how sure.
    fn proof(&self, group: &Group<'_>) -> String {
        let finding = group.first;
        let mut parts = Vec::new();
        if !group.cluster.frames.is_empty() {
            let mut frames = ranges(&group.cluster.frames);
            if frames.len() > FRAMES_NAMED {
                frames.truncate(FRAMES_NAMED);
                frames.push("…".to_owned());
            }
            parts.push(self.filled("frames_list", &[("frames", frames.join(" "))]));
            parts.push(clock(finding.time));
        }
        if let Some(call_id) = finding.call_id.as_deref().filter(|id| !id.is_empty()) {
            let id = clip(&sanitize(&String::from_utf8_lossy(call_id)), 48);
            parts.push(self.filled("call_id", &[("id", id)]));
        }
        if finding.confidence != Confidence::Certain {
            let word = self.word(finding.confidence.name()).to_owned();
            parts.push(self.filled("confidence_is", &[("word", word)]));
        }
        parts.join(" · ")
    }
}

/// A cluster with its examples.
struct Group<'a> {
    first: &'a Finding,
    last: &'a Finding,
    cluster: &'a Cluster,
}

fn consequences<'a>(report: &'a Report, cause: &Finding) -> impl Iterator<Item = &'a Finding> {
    let id = cause.id;
    report
        .findings
        .iter()
        .filter(move |finding| finding.consequence_of == Some(id))
        .take(4)
}

/// Who asked whom, for what target.
fn who(finding: &Finding) -> String {
    let text = |name| match finding.get(name) {
        Some(Fact::Text(text)) => clip(&sanitize(text), 80),
        _ => String::new(),
    };
    let (from, to, target) = (text("from"), text("to"), text("request_uri"));
    if from.is_empty() && to.is_empty() {
        return String::new();
    }
    if target.is_empty() || target == to {
        format!("{from} → {to}")
    } else {
        format!("{from} → {to} · {target}")
    }
}

/// What limits the evidence; it stands at the head of the page.
pub(super) const LIMITS: &[&str] = &[
    "capture-one-directional",
    "capture-undecoded",
    "capture-starts-mid-call",
    "capture-duplicates",
    "capture-time-disorder",
];

/// What the peer itself said about a failure.
fn said(finding: &Finding) -> String {
    // Allow and Require stand in many responses; they explain these.
    let methods = matches!(finding.status, Some(405 | 501));
    let extension = finding.status == Some(421);
    let names = [
        ("warning", "Warning", true),
        ("reason_header", "Reason", true),
        ("retry_after", "Retry-After", true),
        ("allow", "Allow", methods),
        ("unsupported", "Unsupported", true),
        ("require", "Require", extension),
        ("min_se", "Min-SE", true),
        ("min_expires", "Min-Expires", true),
        ("contact", "Contact", true),
        ("record_route", "Record-Route", true),
        ("registrar_error", "P-Registrar-Error", true),
        ("hangup_cause", "X-Asterisk-HangupCause", true),
        ("ms_diagnostics", "ms-diagnostics", true),
        ("error_info", "Error-Info", true),
        ("call_info", "Call-Info", true),
        ("server", "Server", true),
    ];
    let parts: Vec<_> = names
        .iter()
        .filter(|(_, _, telling)| *telling)
        .filter_map(|(fact, header, _)| match finding.get(fact) {
            Some(Fact::Text(text)) if !text.is_empty() => {
                Some(format!("{header}: {}", clip(&sanitize(text), 100)))
            }
            _ => None,
        })
        .collect();
    parts.join(" · ")
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
