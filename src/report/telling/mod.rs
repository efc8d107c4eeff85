//! What a report says of its findings, in words and without layout: which are told and which are notes, their proof, what
//! follows from them, where to read on. The formats for people lay it out, each for its medium. All texts are sanitised.

mod head;
mod kpi;
mod tls;

pub(super) use head::Head;
pub(super) use kpi::kpi;

use super::Settings;
use super::text::{call_id, clip, moment, sanitize};
use crate::capture::FrameNumber;
use crate::catalogue::fill;
use crate::engine::Report;
use crate::hash::{HashMap, HashSet};
use crate::rules::{Cluster, Fact, Finding, FindingId};
use crate::severity::{Confidence, Severity};

/// Tries with credentials that are shown value by value: two tell whether anything changes.
const TRIES_SHOWN: [&str; 2] = ["try_1", "try_2"];
/// Frames named in a line of proof.
const FRAMES_NAMED: usize = 12;
/// Hosts named of those that met the same fault.
const PEERS_NAMED: usize = 4;
/// Consequences told with their cause.
const CONSEQUENCES_TOLD: usize = 4;

/// A cluster with its examples.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group<'a> {
    pub(super) first: &'a Finding,
    last: &'a Finding,
    pub(super) cluster: &'a Cluster,
    /// Whether the capture is of more than one day, so that a time alone does not tell when.
    of_days: bool,
}

/// The clusters as they are told.
#[derive(Debug)]
pub(super) struct Groups<'a> {
    /// What is wrong, worst first; when nothing is, how it ended.
    pub(super) told: Vec<Group<'a>>,
    /// What else was noticed.
    notes: Vec<Group<'a>>,
}

impl<'a> Groups<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let of_days = report.spans_days();
        let by_id: HashMap<_, _> = report.findings.iter().map(|it| (it.id, it)).collect();
        let groups: Vec<_> = report
            .clusters
            .iter()
            .filter_map(|cluster| {
                Some(Group {
                    first: by_id.get(&cluster.first)?,
                    last: by_id.get(&cluster.last)?,
                    cluster,
                    of_days,
                })
            })
            .collect();
        let anything_wrong = groups
            .iter()
            .any(|group| group.first.severity > Severity::Info);
        // A call that ended busy or unanswered is the answer when nothing worse is there, and a note when there is.
        let (told, notes) = groups.into_iter().partition(|group| {
            group.first.severity > Severity::Info || (!anything_wrong && group.first.is_outcome())
        });
        Self { told, notes }
    }

    /// The notes, but for those at the head of the page.
    pub(super) fn notes(&self) -> impl Iterator<Item = &Group<'a>> {
        self.notes
            .iter()
            .filter(|group| !LIMITS.contains(&group.first.rule.name))
    }

    /// The sentence for a report that tells nothing wrong, `remarkable` transactions apart; `None` where there is something.
    pub(super) fn all_clear(&self, report: &Report, remarkable: usize) -> Option<&'static str> {
        let nothing_selected = report.selected.as_ref().is_some_and(|it| it.call_ids == 0);
        if !self.told.is_empty() || report.summary.counts.sip_messages == 0 || nothing_selected {
            return None;
        }
        // What the capture lacks, and what had not ended yet, may hide a fault.
        let quiet = self
            .notes
            .iter()
            .all(|group| !group.first.rule.code.starts_with("CAP") && !group.first.so_far);
        Some(if report.summary.transactions == 0 {
            "nothing_whole"
        } else if remarkable > 0 {
            "nothing_wrong"
        } else if quiet {
            "healthy"
        } else {
            "healthy_limited"
        })
    }
}

impl Group<'_> {
    /// What happened, in a sentence.
    pub(super) fn message(&self, settings: &Settings) -> String {
        let message = settings.message(self.first);
        format!("{message}{}", others(settings, "and_n_alike", self.more()))
    }

    /// The same behind its name: a note.
    pub(super) fn note(&self, settings: &Settings) -> String {
        let message = settings.message(self.first);
        let times = others(settings, "and_n_more", self.more());
        let colon = settings.word("colon");
        format!("{}{times}{colon}{message}", self.first.name())
    }

    /// How many there are beside the first.
    fn more(&self) -> u64 {
        self.cluster.count.saturating_sub(1)
    }

    pub(super) fn meaning(&self, settings: &Settings) -> String {
        sanitize(
            &settings
                .aliases
                .in_text(&settings.catalogue.meaning(self.first)),
        )
    }

    /// The proof, a line each: first packets, time and call, which may be empty; then how often, who, what the peer said.
    pub(super) fn proof(&self, settings: &Settings) -> (String, Vec<String>) {
        let finding = self.first;
        let mut lines = Vec::new();
        if self.cluster.count > 1 {
            lines.push(self.spread(settings));
        }
        lines.push(who(finding));
        lines.push(said(finding));
        if let Some(Fact::Text(ports)) = finding.get("ports")
            && !ports.is_empty()
        {
            lines.push(settings.filled("other_traffic", &[("ports", ports.clone())]));
        }
        for name in TRIES_SHOWN {
            if let Some(Fact::Text(text)) = finding.get(name) {
                lines.push(clip(&sanitize(text), 400));
            }
        }
        lines.extend(settings.tls_lines(finding));
        lines.retain(|line| !line.is_empty());
        (self.packets(settings), lines)
    }

    pub(super) fn causes(&self, settings: &Settings) -> Vec<String> {
        let causes = settings.catalogue.causes(self.first);
        causes
            .iter()
            .map(|it| sanitize(&settings.aliases.in_text(it)))
            .collect()
    }

    pub(super) fn advice(&self, settings: &Settings) -> Vec<String> {
        let advice = settings.catalogue.advice(self.first);
        advice
            .iter()
            .map(|it| sanitize(&settings.aliases.in_text(it)))
            .collect()
    }

    /// What followed from it and from that in turn, a line for each kind with the first of it and how many more there are.
    pub(super) fn consequences(&self, settings: &Settings, report: &Report) -> Vec<String> {
        let mut kinds: Vec<(&Finding, u64)> = Vec::new();
        for finding in followed(self.first.id, &report.findings) {
            let alike = |first: &Finding| {
                first.rule.name == finding.rule.name
                    && first.status == finding.status
                    && first.variant == finding.variant
            };
            if let Some((_, more)) = kinds.iter_mut().find(|(first, _)| alike(first)) {
                *more += 1;
            } else if kinds.len() < CONSEQUENCES_TOLD {
                kinds.push((finding, 0));
            }
        }
        kinds
            .into_iter()
            .map(|(first, more)| consequence(settings, first, more))
            .collect()
    }

    /// Where it is written, and where more is.
    pub(super) fn reference(&self, settings: &Settings) -> String {
        let catalogue = settings.catalogue;
        let finding = self.first;
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
        let references = catalogue.references(finding).join(settings.word("comma"));
        if references.is_empty() {
            hint
        } else {
            format!("{references} · {hint}")
        }
    }

    /// Over how long, for whom, and one more example.
    fn spread(&self, settings: &Settings) -> String {
        let cluster = self.cluster;
        let mut parts = vec![settings.filled(
            "spread_times",
            &[
                ("n", cluster.count.to_string()),
                ("from", moment(cluster.from, self.of_days)),
                ("until", moment(cluster.until, self.of_days)),
            ],
        )];
        if let [_, _, ..] = cluster.peers.as_slice() {
            let mut peers: Vec<_> = cluster
                .peers
                .iter()
                .take(PEERS_NAMED)
                .map(|it| settings.aliases.in_text(it))
                .collect();
            if cluster.more_peers || cluster.peers.len() > PEERS_NAMED {
                peers.push("…".to_owned());
            }
            parts.push(settings.filled(
                "spread_peers",
                &[("peers", peers.join(settings.word("comma")))],
            ));
        }
        if let Some(call_id) = self.last.call_id.as_deref().filter(|id| !id.is_empty())
            && self.last.id != self.first.id
            && self.last.time == cluster.until
        {
            let id = self::call_id(call_id);
            parts.push(settings.filled("spread_last", &[("id", id)]));
        }
        parts.join(" · ")
    }

    /// Which packets, when, whose call, and how sure.
    fn packets(&self, settings: &Settings) -> String {
        let finding = self.first;
        let mut parts = Vec::new();
        if !self.cluster.frames.is_empty() {
            let mut frames = ranges(&self.cluster.frames);
            if frames.len() > FRAMES_NAMED {
                frames.truncate(FRAMES_NAMED);
                frames.push("…".to_owned());
            }
            parts.push(settings.filled("frames_list", &[("frames", frames.join(" "))]));
            parts.push(moment(finding.time, self.of_days));
        }
        if let Some(call_id) = finding.call_id.as_deref().filter(|id| !id.is_empty()) {
            let id = self::call_id(call_id);
            parts.push(settings.filled("call_id", &[("id", id)]));
        }
        if finding.confidence != Confidence::Certain {
            let word = settings.word(finding.confidence.name()).to_owned();
            parts.push(settings.filled("confidence_is", &[("word", word)]));
        }
        parts.join(" · ")
    }
}

/// ` (and 5 more)` in the words of `key`; nothing when there are no others.
fn others(settings: &Settings, key: &'static str, count: u64) -> String {
    if count == 0 {
        return String::new();
    }
    let values = [("n", count.to_string())];
    format!(" ({})", settings.filled(key, &values))
}

/// What followed from a finding, then what followed from that, and so on; each once, were it in a circle.
fn followed(cause: FindingId, all: &[Finding]) -> Vec<&Finding> {
    let mut found: Vec<&Finding> = Vec::new();
    let mut seen = HashSet::from_iter([cause]);
    let mut causes = seen.clone();
    while !causes.is_empty() {
        let is_next = |it: &&Finding| {
            let is_caused = it.consequence_of.is_some_and(|id| causes.contains(&id));
            is_caused && !seen.contains(&it.id)
        };
        let next: Vec<_> = all.iter().filter(is_next).collect();
        causes = next.iter().map(|it| it.id).collect();
        seen.extend(&causes);
        found.extend(next);
    }
    found
}

/// What followed from another finding, and how many more times.
fn consequence(settings: &Settings, finding: &Finding, more: u64) -> String {
    let message = settings.message(finding);
    let times = others(settings, "and_n_more", more);
    let colon = settings.word("colon");
    let mut text = format!("{}{times}{colon}{message}", finding.name());
    if let (Some(Fact::Text(rule)), Some(call_id)) =
        (finding.get("linked_by"), finding.call_id.as_deref())
    {
        let id = self::call_id(call_id);
        let values = [("id", id), ("rule", rule.clone())];
        text.push_str(" · ");
        text.push_str(&settings.filled("linked_leg", &values));
    }
    text
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
const LIMITS: &[&str] = &[
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
