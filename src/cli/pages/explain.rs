//! `sipdiag explain`.

use super::{Page, placeholders};
use crate::catalogue::{Catalogue, FindingWords, Language, TimerFacts, TimerWords};
use crate::cli::args::ExplainOptions;
use crate::cli::environment::Environment;
use crate::cli::errors::WrongUse;
use crate::rules::{self, RULES, Rule};
use crate::sip::Method;
use crate::text::{Place, nearest, place_of};

/// `sipdiag explain`.
pub(in crate::cli) fn explain(
    options: &ExplainOptions,
    environment: &Environment,
) -> anyhow::Result<u8> {
    let mut page = Page::new(environment);
    let unknown: Vec<_> = options
        .what
        .iter()
        .filter(|what| !explain_one(&mut page, what.trim()))
        .collect();
    let status = page.print()?;
    // What is known is told all the same.
    match unknown.first() {
        Some(what) => Err(self::unknown(what).into()),
        None => Ok(status),
    }
}

fn unknown(what: &str) -> WrongUse {
    let methods = Method::REGISTERED.iter().map(Method::name);
    let names = RULES.iter().map(|rule| rule.name).chain(methods);
    let near = nearest(what.trim(), names).map(|name| format!("did you mean {name}? Else "));
    WrongUse {
        headline: format!("nothing is known of \"{what}\""),
        help: Some(
            near.unwrap_or_default()
                + "a response code (401, 4xx, \"busy here\"), a Warning code (W304), a Q.850 cause (Q17), a timer (timer-b), a \
             method (INVITE), a TLS alert (unknown_ca) or a finding (auth-loop, TXN003); the lists: sipdiag codes, sipdiag findings",
        ),
    }
}

fn explain_one(page: &mut Page<'_>, what: &str) -> bool {
    let catalogue = page.catalogue;
    let lower = what.to_lowercase();
    if let Some(code) = catalogue.code_named(&lower) {
        page.code(&lower, code.facts, code.words);
        return true;
    }
    let numbered = |letter: &str| {
        lower
            .strip_prefix(letter)
            .map(|rest| rest.trim_start_matches(['.', '-', ' ']))
            .filter(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if let Some((number, (facts, words))) =
        numbered("w").and_then(|number| Some((number, catalogue.warning(number)?)))
    {
        page.title(&format!("W{number} {}", words.title));
        if words.title != facts.text {
            page.line(&facts.text);
        }
        page.section("heading_description", &words.meaning);
        page.section("heading_compare_evidence", &words.evidence);
        page.list("heading_fix", &words.fix, true);
        page.section("heading_reference", &facts.rfc);
        return true;
    }
    if let Some((number, (facts, words))) = numbered("q850")
        .or_else(|| numbered("q"))
        .and_then(|number| Some((number, catalogue.cause(number)?)))
    {
        page.title(&format!("Q.850 {number} {}", words.title));
        if words.title != facts.name {
            page.line(&facts.name);
        }
        page.section("heading_description", &words.meaning);
        page.list("heading_fix", &words.fix, true);
        if let Some(sip) = facts.sip {
            let text = page.filled("mapping_sip", &[("code", &sip.to_string())]);
            page.section("heading_reference", &text);
        }
        return true;
    }
    if let Some((facts, words)) = timer(catalogue, &lower) {
        page.title(&words.title);
        let value = page.filled(
            "default_value",
            &[("value", &facts.default), ("scope", &facts.scope)],
        );
        page.line(&value);
        page.section("heading_description", &words.meaning);
        page.section("heading_signature", &words.signature);
        page.section("heading_settings", &words.settings);
        page.section("heading_reference", &facts.rfc);
        return true;
    }
    if let Some((facts, words)) = catalogue.method(&what.to_uppercase()) {
        page.title(&what.to_uppercase());
        page.section("heading_purpose", &words.purpose);
        page.section("heading_answers", &words.answers);
        page.section("heading_watch", &words.watch);
        page.section("heading_reference", &facts.rfc);
        return true;
    }
    alert(page, &lower)
        || finding(page, &lower)
        || status_line(page, &lower)
        || phrase(page, &lower, None)
        || PARTS.iter().any(|(least, letters)| {
            lower.chars().count() >= *letters
                && (phrase(page, &lower, Some(*least)) || search(page, &lower, *least))
        })
}

/// Where a part of a name or a text may stand, best first, and the letters it needs: a few stand inside many words by chance.
const PARTS: [(Place, usize); 2] = [(Place::Beginning, 3), (Place::Inside, 5)];

/// A response as it stands in a message, a log or a ladder: `486 Busy Here`, `SIP/2.0 486 Busy`.
fn status_line(page: &mut Page<'_>, line: &str) -> bool {
    let line = line.strip_prefix("sip/2.0").map_or(line, str::trim_start);
    let (code, _) = line.split_once(' ').unwrap_or((line, ""));
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let Some(found) = page.catalogue.code_named(code) else {
        return false;
    };
    page.code(code, found.facts, found.words);
    true
}

/// The findings that have a word in their names, or else in what they say, at such a place at least: the page of one, a list
/// of several.
fn search(page: &mut Page<'_>, wanted: &str, least: Place) -> bool {
    let catalogue = page.catalogue;
    let named = |rule: &&&Rule| place_of(rule.name, wanted) >= Some(least);
    let mut found: Vec<_> = RULES.iter().filter(named).collect();
    if found.is_empty() {
        found = best(RULES.iter(), wanted, least, |rule| {
            catalogue.rule(rule).message.to_lowercase()
        });
    }
    if let [one] = found.as_slice() {
        return finding(page, one.name);
    }
    let items: Vec<_> = found
        .iter()
        .map(|rule| {
            let severity = catalogue.word(rule.severity.name());
            let message = placeholders(&catalogue.rule(rule).message);
            format!("{} ({}, {severity}): {message}", rule.name, rule.code)
        })
        .collect();
    page.items("", &items, false);
    !items.is_empty()
}

/// A TLS alert: `unknown_ca`, `unknown ca`.
fn alert(page: &mut Page<'_>, name: &str) -> bool {
    let name = name.replace([' ', '-'], "_");
    let Some((facts, words)) = page.catalogue.alert(&name) else {
        return false;
    };
    page.title(&format!("{name} (TLS {})", facts.number));
    page.section("heading_meaning", &words.meaning);
    page.list("heading_causes", &words.causes, false);
    page.list("heading_fix", &words.fix, true);
    page.section("heading_reference", &facts.rfc);
    true
}

/// `timer-b`, `timer b`, `b-timer` are not all names: the first two are, and `t1`.
fn timer(catalogue: Catalogue, name: &str) -> Option<(&'static TimerFacts, &'static TimerWords)> {
    let key = name.replace([' ', '_'], "-");
    catalogue.timer(&key)
}

fn finding(page: &mut Page<'_>, name: &str) -> bool {
    // `status-486` and DLG486 are the page of the code, with the finding's own name above it.
    let status = name
        .strip_prefix("status-")
        .or_else(|| name.strip_prefix("dlg"))
        .filter(|code| code.len() == 3 && !code.starts_with('0'));
    if let Some(code) = status.and_then(|code| Some((code, page.catalogue.code_named(code)?))) {
        page.code(code.0, code.1.facts, code.1.words);
        return true;
    }
    let Some(rule) = rules::find(name) else {
        return false;
    };
    let words = page.catalogue.rule(rule);
    page.title(&format!(
        "{} ({}, {})",
        rule.name,
        rule.code,
        page.catalogue.word(rule.severity.name())
    ));
    page.line(&placeholders(&words.message));
    page.section("heading_meaning", &placeholders(&words.meaning));
    page.list("heading_causes", &marked(&words.causes), false);
    page.list("heading_fix", &marked(&words.advice), true);
    let guards: Vec<_> = (rule.guards.iter())
        .map(|guard| format!("{}: {}", guard.name(), page.catalogue.word(guard.key())))
        .collect();
    page.list("heading_guards", &guards, false);
    variants(page, words);
    let english = Catalogue::new(Language::English).rule(rule);
    page.section(
        "heading_reference",
        &english.references.join(page.catalogue.word("comma")),
    );
    true
}

/// What a finding says instead when the capture shows more, each with what it says in other words than the base.
fn variants(page: &mut Page<'_>, words: &FindingWords) {
    if words.variants.is_empty() {
        return;
    }
    page.text.push('\n');
    page.heading_line(page.catalogue.word("heading_variants"));
    for (index, variant) in words.variants.values().enumerate() {
        if index > 0 {
            page.text.push('\n');
        }
        page.wrapped("  ", &placeholders(&variant.message), 2);
        if let Some(meaning) = &variant.meaning {
            page.wrapped("    ", &placeholders(meaning), 4);
        }
        for (heading, items, numbered) in [
            ("heading_causes", &variant.causes, false),
            ("heading_fix", &variant.advice, true),
        ] {
            if let Some(items) = items {
                let heading =
                    page.filled("list_heading", &[("name", page.catalogue.word(heading))]);
                page.wrapped("    ", &heading, 4);
                page.items("      ", &marked(items), numbered);
            }
        }
    }
}

fn marked(items: &[String]) -> Vec<String> {
    items.iter().map(|it| placeholders(it)).collect()
}

/// Those in whose text a word has the best place, of all that have such a one at least.
fn best<T>(
    all: impl Iterator<Item = T>,
    wanted: &str,
    least: Place,
    text: impl Fn(&T) -> String,
) -> Vec<T> {
    let places = all.filter_map(|it| Some((place_of(&text(&it), wanted)?, it)));
    let places: Vec<_> = places.filter(|(place, _)| *place >= least).collect();
    let best = places.iter().map(|(place, _)| *place).max();
    let best = places.into_iter().filter(|(it, _)| Some(*it) == best);
    best.map(|(_, it)| it).collect()
}

/// A reason phrase: the whole of it, or such as have a word at such a place at least.
fn phrase(page: &mut Page<'_>, wanted: &str, least: Option<Place>) -> bool {
    let codes = page.catalogue.codes();
    let found = match least {
        Some(least) => best(codes, wanted, least, |(_, facts, _)| {
            facts.phrase.to_lowercase()
        }),
        None => (codes.filter(|(_, facts, _)| facts.phrase.to_lowercase() == wanted)).collect(),
    };
    for (name, facts, words) in &found {
        page.code(name, Some(facts), words);
    }
    !found.is_empty()
}
