//! Each rule has a case that raises it and a near miss that does not: `<stem>.flow` and `<stem>.near-miss.flow` beside
//! its words. What a case's header expects is all that may be found above info.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use sipdiag::catalogue::{Catalogue, Language};
use sipdiag::rules::{Fact, Finding, RULES, Rule};
use sipdiag::severity::Severity;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use support::flow::{Expectation, Flow};
use support::run::Outcome;

#[test]
fn every_rule_is_raised_by_its_flow() {
    let mut faults = Vec::new();
    for (rule, stem) in stems() {
        let path = stem.with_extension("flow");
        if !path.exists() {
            faults.push(format!("{}: no {}", rule.name, path.display()));
            continue;
        }
        let flow = Flow::read(&path);
        let outcome = flow.run();
        if !flow.expects.iter().any(|it| is_named(it.name(), rule)) {
            faults.push(format!("{}: does not expect {}", flow.name, rule.name));
        }
        faults.extend(differences(&flow, &outcome));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn no_rule_is_raised_by_its_near_miss() {
    let mut faults = Vec::new();
    for (rule, stem) in stems() {
        let path = stem.with_extension("near-miss.flow");
        if !path.exists() {
            faults.push(format!("{}: no {}", rule.name, path.display()));
            continue;
        }
        let flow = Flow::read(&path);
        let outcome = flow.run();
        if !flow.expects_not.iter().any(|it| is_named(it, rule)) {
            faults.push(format!("{}: does not exclude {}", flow.name, rule.name));
        }
        faults.extend(differences(&flow, &outcome));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Further cases of a rule: `<stem>.<what is special>.flow`.
#[test]
fn the_other_cases_of_a_rule_say_what_they_expect() {
    let stems = stems();
    let mut faults = Vec::new();
    for path in flows() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let stem = path.with_file_name(name.split('.').next().unwrap());
        let Some((rule, _)) = stems.iter().find(|(_, it)| *it == stem) else {
            faults.push(format!("{} belongs to no rule", path.display()));
            continue;
        };
        let flow = Flow::read(&path);
        let named = (flow.expects.iter().map(Expectation::name))
            .chain(flow.expects_not.iter().map(String::as_str))
            .any(|it| is_named(it, rule));
        if !named {
            faults.push(format!("{} says nothing of {}", flow.name, rule.name));
        }
        faults.extend(differences(&flow, &flow.run()));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// One fault on each hop that shows it is one finding.
#[test]
fn what_a_proxy_passes_on_is_told_once() {
    let mut faults = Vec::new();
    for path in flows() {
        if !path.to_string_lossy().contains("two-hops") {
            continue;
        }
        let flow = Flow::read(&path);
        let mut told = BTreeSet::new();
        for finding in &flow.run().report.findings {
            if finding.severity > Severity::Info && !told.insert(finding.name()) {
                faults.push(format!("{}: {} twice", flow.name, finding.name()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn messages_are_filled_in_every_language_and_findings_name_their_packets() {
    let mut faults = Vec::new();
    for path in flows() {
        let flow = Flow::read(&path);
        for finding in &flow.run().report.findings {
            for language in Language::ALL {
                let catalogue = Catalogue::new(language);
                let message = catalogue.message(finding);
                if message.is_empty() {
                    faults.push(format!("{}: {}: no message", flow.name, finding.name()));
                }
                // A list of nothing.
                if message.ends_with(": -") {
                    faults.push(format!("{}: {message}", flow.name));
                }
                let others = (catalogue.causes(finding).into_iter())
                    .chain(catalogue.advice(finding))
                    .chain([message.into(), catalogue.meaning(finding).into()]);
                for text in others.filter(|text| text.contains(['{', '}'])) {
                    faults.push(format!("{}: {}: {text}", flow.name, finding.name()));
                }
            }
            if finding.frames.is_empty() && !is_about_the_capture(finding) {
                faults.push(format!("{}: {}: no frames", flow.name, finding.name()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Findings that explain each other would all be told as consequences, and none as the fault.
#[test]
fn no_finding_explains_itself() {
    for path in flows() {
        let flow = Flow::read(&path);
        let report = flow.run().report;
        for finding in &report.findings {
            let cause = |it: &Finding| {
                let id = it.consequence_of?;
                report.findings.iter().find(|it| it.id == id)
            };
            let chain = std::iter::successors(Some(finding), |it| cause(it));
            let steps = chain.take(report.findings.len() + 1).count();
            assert!(
                steps <= report.findings.len(),
                "{}: {}",
                flow.name,
                finding.name()
            );
        }
    }
}

/// The first calls were judged before the others were seen; in the end all of them say the same.
#[test]
fn calls_that_are_busy_at_once_are_one_headline_with_their_count() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules/dialog");
    let report = Flow::read(&path.join("status.always-busy.flow"))
        .run()
        .report;
    let counts: Vec<_> = report.clusters.iter().map(|it| it.count).collect();
    assert_eq!(counts, [4]);
    for finding in &report.findings {
        assert_eq!(finding.variant, Some("always-busy"));
        assert_eq!(finding.get("calls"), Some(&Fact::Number(4)));
    }
    let report = Flow::read(&path.join("status.busy-at-once.flow"))
        .run()
        .report;
    let told = report.findings.iter().map(|it| it.variant);
    assert!(told.eq([Some("busy-at-once"); 3]));
}

/// Not the code alone: whose text it is says where to look.
/// Address and time of a sentence are those of one leg.
#[test]
fn times_are_those_of_the_leg_that_is_named() {
    let cases = [
        ("dialog/status.dead-route-before", "status-480", "after", 40),
        (
            "setup/pdd_high.dead-fork",
            "pdd-high",
            "dead_routes",
            32_051,
        ),
        ("setup/pdd_high.slow-fork", "pdd-high", "dead_routes", 201),
        ("setup/pdd_high.dead-leg", "pdd-high", "dead_routes", 8_000),
        (
            "setup/pdd_high.dead-routes",
            "pdd-high",
            "dead_routes",
            12_000,
        ),
    ];
    for (stem, name, fact, millis) in cases {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
        let report = Flow::read(&path.join(format!("{stem}.flow"))).run().report;
        let finding = report.findings.iter().find(|it| it.name() == name);
        let wanted = Fact::Time(std::time::Duration::from_millis(millis));
        assert_eq!(finding.unwrap().get(fact), Some(&wanted), "{stem}");
    }
}

#[test]
fn a_phrase_that_one_program_writes_is_explained_also_in_a_call() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/rules/session/reinvite_rejected.not-here.flow");
    let outcome = Flow::read(&path).run();
    let catalogue = Catalogue::new(Language::English);
    let told: Vec<_> = outcome
        .report
        .findings
        .iter()
        .filter_map(|finding| catalogue.fingerprint(finding))
        .map(|(facts, _)| facts.software.as_str())
        .collect();
    assert_eq!(told, ["Kamailio, OpenSIPS"]);
}

/// Every template of every language, also those that no case uses, asks only for facts that the rule gives.
#[test]
fn templates_ask_for_facts_that_the_rule_gives() {
    let mut given = std::collections::BTreeMap::<&str, BTreeSet<&str>>::new();
    for path in flows() {
        for finding in &Flow::read(&path).run().report.findings {
            let facts = given.entry(finding.rule.name).or_default();
            facts.extend(finding.facts.iter().map(|(name, _)| *name));
        }
    }
    let mut faults = Vec::new();
    for rule in RULES {
        for language in Language::ALL {
            let words = Catalogue::new(language).rule(rule);
            let of_variants = words.variants.values().map(|it| &it.message);
            for template in [Some(&words.message), words.message_so_far.as_ref()]
                .into_iter()
                .flatten()
                .chain(of_variants)
            {
                for name in placeholders(template) {
                    // The catalogue itself knows what a code is called.
                    let known = |it: &BTreeSet<_>| it.contains(name) || name == "title";
                    if !given.get(rule.name).is_some_and(known) {
                        faults.push(format!("{} {}: {{{name}}}", language.code(), rule.name));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn variants_have_words_and_a_case() {
    let mut raised = BTreeSet::new();
    for path in flows() {
        for finding in Flow::read(&path).run().report.findings {
            if let Some(variant) = finding.variant {
                let words = Catalogue::new(Language::English).rule(finding.rule);
                assert!(words.variants.contains_key(variant), "{variant}");
                raised.insert((finding.rule.name, variant.to_owned()));
            }
        }
    }
    let missing: Vec<_> = RULES
        .iter()
        .flat_map(|rule| {
            let words = Catalogue::new(Language::English).rule(rule);
            words.variants.keys().map(|it| (rule.name, it.clone()))
        })
        .filter(|it| !raised.contains(it))
        .map(|(_, variant)| variant)
        .collect();
    // What needs a key that does not fit, or bytes that a flow cannot have; `tests/tls.rs` has the reasons themselves. A
    // flow has no filter that refuses packets either: `tests/cli.rs` has one.
    let shown_elsewhere = [
        "filtered",
        "bytes-missing",
        "key-exchange-not-rsa",
        "key-of-another-certificate",
        "not-supported",
        "wrong-secrets",
    ];
    assert_eq!(missing, shown_elsewhere);
}

/// What a run found that its flow does not allow, or lacks.
fn differences(flow: &Flow, outcome: &Outcome) -> Vec<String> {
    let found = outcome.findings();
    let mut faults = Vec::new();
    for expected in &flow.expects {
        if !found.contains(expected) {
            faults.push(format!("{}: lacks    {expected}", flow.name));
        }
    }
    for (finding, worded) in outcome.report.findings.iter().zip(&found) {
        let excluded = flow.expects_not.iter().any(|it| *it == finding.name());
        let unstated = finding.severity > Severity::Info && !flow.expects.contains(worded);
        if excluded || unstated {
            let message = Catalogue::new(Language::English).message(finding);
            faults.push(format!("{}: has also {worded}: {message}", flow.name));
        }
    }
    let words: Vec<_> = outcome.report.findings.iter().map(words).collect();
    for wanted in &flow.says {
        if !words.iter().any(|it| it.contains(wanted)) {
            faults.push(format!("{}: nowhere says {wanted}: {words:?}", flow.name));
        }
    }
    if flow.expects.is_empty() && flow.expects_not.is_empty() {
        faults.push(format!("{}: expects nothing", flow.name));
    }
    faults
}

/// The message and the advice of a finding.
fn words(finding: &Finding) -> String {
    let catalogue = Catalogue::new(Language::English);
    let mut words = vec![catalogue.message(finding)];
    words.extend(catalogue.advice(finding).into_iter().map(Into::into));
    words.join(" ")
}

fn is_named(name: &str, rule: &Rule) -> bool {
    name == rule.name
        || (rule.name == "status"
            && name
                .strip_prefix("status-")
                .is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_digit())))
}

fn is_about_the_capture(finding: &Finding) -> bool {
    finding.rule.name.starts_with("capture-") && finding.call_id.is_none()
}

/// Each rule with its path but for the ending: that of the words it includes.
fn stems() -> Vec<(&'static Rule, PathBuf)> {
    let words: Vec<_> = files("toml")
        .into_iter()
        .map(|path| (std::fs::read_to_string(&path).unwrap(), path))
        .collect();
    RULES
        .iter()
        .map(|rule| {
            let (_, path) = words
                .iter()
                .find(|(text, _)| text == rule.words)
                .unwrap_or_else(|| panic!("where are the words of {}?", rule.name));
            (*rule, path.with_extension(""))
        })
        .collect()
}

fn flows() -> Vec<PathBuf> {
    files("flow")
}

fn files(extension: &str) -> Vec<PathBuf> {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
    let mut files = Vec::new();
    for family in std::fs::read_dir(rules).unwrap() {
        let family = family.unwrap().path();
        if family.is_dir() {
            files.extend(
                std::fs::read_dir(family)
                    .unwrap()
                    .map(|entry| entry.unwrap().path())
                    .filter(|path| path.extension().is_some_and(|it| it == extension)),
            );
        }
    }
    files.sort();
    files
}

fn placeholders(template: &str) -> Vec<&str> {
    template
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
        .collect()
}
