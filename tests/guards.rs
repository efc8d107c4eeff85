//! Guards (FINDINGS section 0): whose words claim an absence says under which guards, and keeps to them. Healthy calls with
//! parts missing are in `tests/clean.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use sipdiag::catalogue::{Catalogue, Language};
use sipdiag::rules::{Finding, Guard, Judge, RULES};
use sipdiag::severity::{Confidence, Severity};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use support::flow::{Flow, FlowPacket};
use support::run::run;

mod support;

/// How English says that something was not there, in the message of a finding.
const ABSENCE: &[&str] = &[
    "no ",
    "not ",
    "without",
    "never",
    "missing",
    "lacks",
    "unanswered",
    "nothing",
    "unheard",
    "lost",
];

/// Findings whose messages have such a word, and which all the same rest on what is in the packets.
const SEEN: &[(&str, &str)] = &[
    ("auth-challenged-ack-or-cancel", "a response that was seen"),
    ("auth-wrong-password-proven", "a digest that was seen"),
    ("bye-481", "a response that was seen"),
    (
        "call-dropped-at-fixed-time",
        "what other findings prove, never more than likely",
    ),
    ("cancel-481", "a response that was seen"),
    ("credentials-in-clear", "digests that were seen"),
    ("dscp-missing", "packets that were seen without the mark"),
    ("icmp-unreachable", "a report that was seen"),
    ("indialog-481", "a response that was seen"),
    ("media-port-unreachable", "a report that was seen"),
    ("no-answer", "a response or a CANCEL that was seen"),
    ("registrar-6xx", "a response that was seen"),
    (
        "reinvite-rejected",
        "a response that was seen, and two descriptions",
    ),
    ("stir-cert-436-437", "a response that was seen"),
    ("stir-invalid-438", "a response that was seen"),
];

#[test]
fn whoever_claims_an_absence_says_under_which_guards() {
    let catalogue = Catalogue::new(Language::English);
    let mut faults = Vec::new();
    for rule in RULES {
        let words = catalogue.rule(rule);
        let all = std::iter::once(&words.message)
            .chain(&words.message_so_far)
            .chain(words.variants.values().map(|it| &it.message));
        let claim = all.into_iter().find(|message| {
            let message = format!("{message} ").to_lowercase();
            ABSENCE.iter().any(|word| message.contains(word))
        });
        let Some(claim) = claim else { continue };
        let about_the_capture = rule.name.starts_with("capture-");
        let seen = SEEN.iter().any(|(name, _)| *name == rule.name);
        let guarded = (rule.guards.iter()).any(|it| it.is_of_absence() || *it == Guard::Snap);
        if !guarded && !about_the_capture && !seen {
            faults.push(format!("{}: {claim}", rule.name));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    for (name, _) in SEEN {
        let rule = RULES.iter().find(|rule| rule.name == *name);
        let guards = rule.unwrap_or_else(|| panic!("{name}")).guards;
        assert!(!guards.iter().any(|it| it.is_of_absence()), "{name}");
    }
}

#[test]
fn a_rule_names_its_guards_once_and_in_their_order() {
    for rule in RULES {
        let mut sorted = rule.guards.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted, rule.guards, "{}", rule.name);
    }
}

#[test]
fn every_guard_has_words_in_every_language() {
    for language in Language::ALL {
        let catalogue = Catalogue::new(language);
        for guard in Guard::ALL {
            assert_ne!(
                catalogue.word(guard.key()),
                guard.key(),
                "{}",
                language.code()
            );
        }
    }
}

/// Guard G-END: what a beginning of a capture proves of an absence, the whole capture does not take back.
#[test]
fn no_beginning_is_certain_of_an_absence_that_the_rest_takes_back() {
    let mut faults = Vec::new();
    for flow in flows() {
        let whole = of(&flow, &flow.packets, |it| it.severity > Severity::Info);
        let above_info: BTreeSet<_> = whole.into_iter().map(|(name, _)| name).collect();
        // Long cases are one thing many times.
        for len in (1..flow.packets.len()).step_by(flow.packets.len() / 24 + 1) {
            for (name, words) in certain_absences(&flow, &flow.packets[..len]) {
                if !above_info.contains(&name) {
                    faults.push(format!("{}: first {len}: {words}", flow.name));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Guard G-END: where the capture ends with the last packet that proves an absence, it is certain only when the protocol's
/// whole wait lies before.
#[test]
fn an_absence_at_the_end_of_the_capture_is_certain_only_after_the_whole_wait() {
    let mut faults = Vec::new();
    for flow in flows() {
        for finding in run(&flow.packets, &flow.facts).report.findings {
            // Connections have waits of their own.
            let counts = is_of_time(&finding)
                && !finding.transactions.is_empty()
                && !OVER_BEFORE.iter().any(|(name, _)| *name == finding.name());
            let Some(last) = finding.frames.iter().max().filter(|_| counts) else {
                continue;
            };
            let packets = &flow.packets[..usize::try_from(last.0).unwrap()];
            for other in run(packets, &flow.facts).report.findings {
                if other.name() != finding.name() || !is_certain(&other) || !is_of_time(&other) {
                    continue;
                }
                let first = other.frames.iter().min().unwrap();
                let first = packets[usize::try_from(first.0).unwrap() - 1].time;
                if packets.last().unwrap().time - first < WAIT {
                    faults.push(format!("{}: {}", flow.name, words(&other)));
                }
            }
        }
    }
    faults.dedup();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// What can prove an absence before that.
const OVER_BEFORE: &[(&str, &str)] = &[
    ("options-no-response", "the pings behind it"),
    ("prack-missing", "the end of the INVITE"),
    ("prack-not-effective", "the end of the INVITE"),
    ("register-423", "the next try, which asks for as little"),
    ("response-to-wrong-place", "repeats of the request"),
];

/// The complete ladder, which ends half a second before 64*T1.
const WAIT: i64 = 31_500_000_000;

/// Guard G-LOSS.
#[test]
fn an_absence_in_a_capture_with_known_loss_is_possible_at_most() {
    let mut faults = Vec::new();
    for flow in flows() {
        let mut facts = flow.facts.clone();
        facts.dropped_by_kernel = Some(1);
        for finding in run(&flow.packets, &facts).report.findings {
            let of_call = !matches!(finding.rule.judge, Judge::Capture(_));
            let of_loss = finding.guards().any(|it| it == Guard::Loss);
            if of_call && of_loss && finding.confidence > Confidence::Possible {
                faults.push(format!("{}: {}", flow.name, words(&finding)));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Guard G-SNAP: what is behind the cut is not missing. Where it hides why something was refused, the refusal is told as such.
#[test]
fn a_cut_of_all_messages_proves_no_absence_that_whole_messages_do_not() {
    let mut faults = Vec::new();
    for flow in flows() {
        let whole = certain_lacks(&flow, &flow.packets);
        let longest = flow
            .packets
            .iter()
            .map(|it| it.data.len())
            .max()
            .unwrap_or(0);
        for len in (60..longest).step_by(100) {
            let cut = |packet: &FlowPacket| {
                let mut packet = packet.clone();
                packet.data.truncate(len);
                packet
            };
            let packets: Vec<_> = flow.packets.iter().map(cut).collect();
            for (name, words) in certain_lacks(&flow, &packets) {
                let refusal = name.starts_with("status-")
                    || matches!(&*name, "registration-rejected" | "reinvite-rejected");
                if !whole.iter().any(|(other, _)| *other == name) && !refusal {
                    faults.push(format!("{}: cut to {len}: {words}", flow.name));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn certain_lacks(flow: &Flow, packets: &[FlowPacket]) -> BTreeSet<(String, String)> {
    let under_guard = |it: &Finding| {
        let mut guards = it.guards();
        guards.any(|guard| guard.is_of_absence() || guard == Guard::Snap)
    };
    of(flow, packets, |it| is_certain(it) && under_guard(it))
}

fn certain_absences(flow: &Flow, packets: &[FlowPacket]) -> BTreeSet<(String, String)> {
    of(flow, packets, |it| is_certain(it) && is_of_time(it))
}

/// Names and words of findings.
fn of(
    flow: &Flow,
    packets: &[FlowPacket],
    which: impl Fn(&Finding) -> bool,
) -> BTreeSet<(String, String)> {
    let findings = run(packets, &flow.facts).report.findings;
    findings
        .iter()
        .filter(|it| which(it))
        .map(|it| (it.name().into_owned(), words(it)))
        .collect()
}

fn is_certain(finding: &Finding) -> bool {
    finding.severity == Severity::Error && finding.confidence == Confidence::Certain
}

/// Whether it claims an absence that takes time to prove.
fn is_of_time(finding: &Finding) -> bool {
    finding.guards().any(|it| it == Guard::End)
}

fn words(finding: &Finding) -> String {
    format!(
        "{} {} {}: {}",
        finding.name(),
        finding.severity,
        finding.confidence.name(),
        Catalogue::new(Language::English).message(finding)
    )
}

/// The cases of all rules.
fn flows() -> Vec<Flow> {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
    let inside = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let families = inside(&rules).into_iter().filter(|path| path.is_dir());
    let mut paths: Vec<_> = families
        .flat_map(|family| inside(&family))
        .filter(|path| path.extension().is_some_and(|it| it == "flow"))
        .collect();
    paths.sort();
    paths.iter().map(|path| Flow::read(path)).collect()
}
