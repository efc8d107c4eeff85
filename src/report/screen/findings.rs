//! What is wrong, worst first, with its proof, causes and next steps.

use super::{LABEL_WIDTH, OK, Screen};
use crate::capture::FrameNumber;
use crate::catalogue::fill;
use crate::engine::Report;
use crate::limits::MAX_FRAMES_SHOWN;
use crate::report::text::{Wrapped, clip, clock, sanitize};
use crate::rules::{Fact, Finding};
use crate::severity::{Confidence, Severity};
use std::collections::{HashMap, HashSet};
use std::io::Write;
use unicode_width::UnicodeWidthStr;

/// Findings told in full; the others are one line each.
const TOLD_IN_FULL: usize = 8;
/// Frames named in a line of proof.
const FRAMES_NAMED: usize = 12;

impl<W: Write> Screen<W> {
    pub(super) fn findings(&self, report: &Report, page: &mut String) {
        let groups = groups(&report.findings);
        let anything_wrong = groups
            .iter()
            .any(|group| group.first.severity > Severity::Info);
        // A call that ended busy or unanswered is the answer when nothing worse is there, and a note when there is.
        let (told, notes): (Vec<_>, Vec<_>) = groups.iter().partition(|group| {
            group.first.severity > Severity::Info || (!anything_wrong && group.first.is_outcome())
        });
        if told.is_empty() {
            if report.summary.counts.sip_messages > 0 {
                let quiet = notes
                    .iter()
                    .all(|group| group.first.rule.name == "auth-challenge-normal");
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
        if group.count < 2 {
            return String::new();
        }
        let others = (group.count - 1).to_string();
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
            let text = format!(
                "{}: {}",
                consequence.name(),
                sanitize(&catalogue.message(consequence)).trim_end()
            );
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

    /// Which packets, when, whose call, and how sure.
    fn proof(&self, group: &Group<'_>) -> String {
        let finding = group.first;
        let mut parts = Vec::new();
        if !group.frames.is_empty() {
            // Calls that ran side by side share the stretch.
            let mut frames = group.frames.clone();
            frames.sort_unstable();
            frames.dedup();
            let mut frames = ranges(&frames);
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
            let word = self.word(finding.confidence.name()).to_owned();
            parts.push(self.filled("confidence_is", &[("word", word)]));
        }
        parts.join(" · ")
    }
}

/// Findings that say the same of the same peer.
struct Group<'a> {
    first: &'a Finding,
    count: usize,
    frames: Vec<FrameNumber>,
}

/// Groups findings in their order; consequences are told with their cause.
fn groups(findings: &[Finding]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut index: HashMap<_, usize> = HashMap::new();
    let kept: HashSet<_> = findings.iter().map(|finding| finding.id).collect();
    for finding in findings {
        let has_cause = finding
            .consequence_of
            .is_some_and(|cause| kept.contains(&cause));
        if has_cause {
            continue;
        }
        let peer = ["dst", "src", "realm"].map(|name| match finding.get(name) {
            Some(Fact::Text(text)) if finding.severity > Severity::Info => {
                Some(host(text).to_owned())
            }
            _ => None,
        });
        let told = (finding.name(), finding.variant);
        let key = (told, finding.severity, finding.so_far, peer);
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
