//! `sipdiag explain`, `compare`, `codes` and `findings`: pages of the catalogue.

use super::args::{CodesOptions, CompareOptions, ExplainOptions, FindingsOptions};
use super::environment::Environment;
use super::errors::WrongUse;
use super::output::Output;
use crate::catalogue::{Catalogue, CodeFacts, CodeWords, Registration, fill};
use crate::report::Wrapped;
use crate::rules::{self, RULES};
use anstyle::Style;
use comfy_table::{ContentArrangement, Table, presets};
use std::fmt::Write as _;
use std::io::Write;

/// A page being written.
struct Page<'a> {
    environment: &'a Environment,
    catalogue: Catalogue,
    text: String,
}

impl<'a> Page<'a> {
    const fn new(environment: &'a Environment) -> Self {
        Self {
            environment,
            catalogue: environment.catalogue,
            text: String::new(),
        }
    }

    fn title(&mut self, title: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.heading_line(title);
    }

    fn heading_line(&mut self, text: &str) {
        let style = Style::new().bold();
        if self.environment.color {
            let _ = writeln!(self.text, "{style}{text}{style:#}");
        } else {
            self.text.push_str(text);
            self.text.push('\n');
        }
    }

    fn line(&mut self, text: &str) {
        self.wrapped("", text, 2);
    }

    fn section(&mut self, heading: &'static str, text: &str) {
        if !text.is_empty() {
            self.text.push('\n');
            self.heading_line(self.catalogue.word(heading));
            self.line(text);
        }
    }

    fn list(&mut self, heading: &'static str, items: &[String], numbered: bool) {
        if items.is_empty() {
            return;
        }
        self.text.push('\n');
        self.heading_line(self.catalogue.word(heading));
        for (index, item) in items.iter().enumerate() {
            let label = if numbered {
                format!("  {}. ", index + 1)
            } else {
                "  - ".to_owned()
            };
            let indent = label.len();
            self.wrapped(&label, item, indent);
        }
    }

    fn wrapped(&mut self, label: &str, text: &str, indent: usize) {
        let wrapped = Wrapped {
            // Long lines are hard to read, however wide the screen is.
            width: self.environment.width.min(100),
            indent,
        };
        self.text.push_str(&wrapped.paragraph(label, text));
    }

    fn filled(&self, key: &'static str, values: &[(&str, &str)]) -> String {
        fill(self.catalogue.word(key), |name| {
            values
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    fn print(self) -> anyhow::Result<u8> {
        let mut out = Output::open(None)?;
        out.write_all(self.text.as_bytes())?;
        out.commit()?;
        Ok(0)
    }

    fn code(&mut self, name: &str, facts: Option<&CodeFacts>, words: &CodeWords) {
        let title = match facts {
            Some(facts) => format!("{name} {}", facts.phrase),
            None => name.to_owned(),
        };
        self.title(&title);
        let mut traits = Vec::new();
        if let Some(class) = self.class_name(name) {
            let digit = name.get(..1).unwrap_or_default();
            traits.push(self.filled(
                "words_class",
                &[("class", &format!("{digit}xx")), ("name", class)],
            ));
        }
        match facts {
            Some(facts) => {
                if facts.registration != Registration::Local {
                    traits.push(self.finality(facts).to_owned());
                }
                traits.push(
                    self.catalogue
                        .word(match facts.registration {
                            Registration::Iana => "registered",
                            Registration::Unregistered => "unregistered",
                            Registration::Obsolete => "obsolete",
                            Registration::Profile => "profile",
                            Registration::Local => "local",
                        })
                        .to_owned(),
                );
            }
            None if name.bytes().all(|byte| byte.is_ascii_digit()) => {
                let class = name.get(..1).unwrap_or_default();
                traits.push(self.filled("unknown_code", &[("class", class)]));
            }
            None => {}
        }
        if !traits.is_empty() {
            self.line(&traits.join("; "));
        }
        self.section("heading_description", &words.meaning);
        self.section("heading_when", &words.when);
        self.list("heading_causes", &words.causes, false);
        self.list("heading_fix", &words.fix, true);
        self.section("heading_next", &words.next_step);
        self.section("heading_severity", &words.severity);
        let Some(facts) = facts else {
            return;
        };
        self.section("heading_evidence", &facts.evidence.join(", "));
        let confused: Vec<_> = facts
            .confused_with
            .iter()
            .map(|other| {
                let phrase = self
                    .catalogue
                    .code_named(other)
                    .and_then(|code| code.facts)
                    .map_or("", |facts| &facts.phrase);
                format!("{other} {phrase}").trim_end().to_owned()
            })
            .collect();
        self.section("heading_confused", &confused.join(", "));
        let mut references: Vec<String> = facts.rfc.iter().cloned().collect();
        if let Some(cause) = facts.q850 {
            references.push(self.filled("mapping_q850", &[("cause", &cause.to_string())]));
        }
        self.section("heading_reference", &references.join("; "));
    }

    fn finality(&self, facts: &CodeFacts) -> &'static str {
        self.catalogue.word(if facts.is_final {
            "kind_final"
        } else {
            "kind_provisional"
        })
    }

    fn class_name(&self, code: &str) -> Option<&'static str> {
        Some(self.catalogue.word(match code.as_bytes().first()? {
            b'1' => "class_1xx",
            b'2' => "class_2xx",
            b'3' => "class_3xx",
            b'4' => "class_4xx",
            b'5' => "class_5xx",
            b'6' => "class_6xx",
            _ => return None,
        }))
    }
}

/// `sipdiag explain`.
pub(super) fn explain(options: &ExplainOptions, environment: &Environment) -> anyhow::Result<u8> {
    let mut page = Page::new(environment);
    for what in &options.what {
        if !explain_one(&mut page, what.trim()) {
            return Err(unknown(what).into());
        }
    }
    page.print()
}

fn unknown(what: &str) -> WrongUse {
    WrongUse {
        headline: format!("nothing is known of \"{what}\""),
        help: Some(
            "a response code (401, 4xx, \"busy here\"), a Warning code (W304), a Q.850 cause (Q17), a timer (timer-b), a \
             method (INVITE) or a finding (auth-loop, TXN003); the lists: sipdiag codes, sipdiag findings"
                .to_owned(),
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
    finding(page, &lower) || phrase(page, &lower)
}

/// `timer-b`, `timer b`, `b-timer` are not all names: the first two are, and `t1`.
fn timer(
    catalogue: Catalogue,
    name: &str,
) -> Option<(
    &'static crate::catalogue::TimerFacts,
    &'static crate::catalogue::TimerWords,
)> {
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
    page.section("heading_meaning", &words.meaning);
    page.list("heading_causes", &words.causes, false);
    page.list("heading_fix", &words.advice, true);
    let english = Catalogue::new(crate::catalogue::Language::English).rule(rule);
    page.section("heading_reference", &english.references.join(", "));
    true
}

/// A message with its blanks marked as manuals do: `<dst>`.
fn placeholders(message: &str) -> String {
    fill(message, |name| Some(format!("<{name}>")))
}

/// A reason phrase, or a part of one that only one code has.
fn phrase(page: &mut Page<'_>, wanted: &str) -> bool {
    let matching = |exact: bool| -> Vec<_> {
        page.catalogue
            .codes()
            .filter(|(_, facts, _)| {
                let phrase = facts.phrase.to_lowercase();
                phrase == wanted || (!exact && phrase.contains(wanted))
            })
            .collect()
    };
    let found = match matching(true) {
        exact if !exact.is_empty() => exact,
        _ if wanted.chars().count() < 3 => Vec::new(),
        _ => matching(false),
    };
    for (name, facts, words) in &found {
        page.code(name, Some(facts), words);
    }
    !found.is_empty()
}

/// `sipdiag compare`.
pub(super) fn compare(options: &CompareOptions, environment: &Environment) -> anyhow::Result<u8> {
    let mut names = [options.one.to_lowercase(), options.other.to_lowercase()];
    // Pages of pairs have the smaller number first, and 603 before 603+.
    names.sort_by_key(|name| {
        let digits: String = name.chars().take_while(char::is_ascii_digit).collect();
        (digits.parse::<u32>().unwrap_or(u32::MAX), name.clone())
    });
    let [a, b] = &names;
    let mut page = Page::new(environment);
    let catalogue = page.catalogue;
    let find = |name: &str| {
        let code = catalogue.code_named(name)?;
        Some((code.facts, code.words))
    };
    let (Some((facts_a, words_a)), Some((facts_b, words_b))) = (find(a), find(b)) else {
        let missing = if find(a).is_none() { a } else { b };
        return Err(WrongUse {
            headline: format!("\"{missing}\" is no response code"),
            help: Some("sipdiag codes lists them".to_owned()),
        }
        .into());
    };
    if a == b {
        page.code(a, facts_a, words_a);
        return page.print();
    }
    let titled = |name: &str, facts: Option<&CodeFacts>| match facts {
        Some(facts) => format!("{name} {}", facts.phrase),
        None => name.to_owned(),
    };
    page.title(&format!("{} · {}", titled(a, facts_a), titled(b, facts_b)));
    let pair = catalogue.pair(a, b);
    let mut differences = Vec::new();
    let class = |name: &str| {
        let digit = name.get(..1).unwrap_or_default();
        format!("{digit}xx {}", page.class_name(name).unwrap_or_default())
    };
    let (class_a, class_b) = (class(a), class(b));
    let key = if class_a == class_b {
        "compare_same_class"
    } else {
        "compare_class"
    };
    differences.push(page.filled(
        key,
        &[
            ("a", a),
            ("b", b),
            ("class_a", &class_a),
            ("class_b", &class_b),
        ],
    ));
    if let (Some(facts_a), Some(facts_b)) = (facts_a, facts_b) {
        differences.extend(fact_differences(&page, (a, facts_a), (b, facts_b)));
    }
    match pair {
        Some(pair) => differences.extend(pair.differences.iter().cloned()),
        None => differences.extend([(a, words_a), (b, words_b)].map(|(code, words)| {
            page.filled(
                "compare_means",
                &[("code", code), ("meaning", &words.meaning)],
            )
        })),
    }
    differences.extend([(a, words_a), (b, words_b)].map(|(code, words)| {
        page.filled(
            "compare_next",
            &[("code", code), ("next", &words.next_step)],
        )
    }));
    page.list("heading_differences", &differences, true);
    let (when_a, when_b) = match pair {
        Some(pair) => (&pair.when_a, &pair.when_b),
        None => (&words_a.when, &words_b.when),
    };
    let whens = [(a, when_a), (b, when_b)]
        .map(|(code, when)| page.filled("compare_when", &[("code", code), ("when", when)]));
    page.list("heading_which", &whens, false);
    if let Some(pair) = pair {
        page.section("heading_test", &pair.test);
    }
    let read_on: Vec<_> = match pair {
        Some(pair) => pair.read_on.clone(),
        None => [facts_a, facts_b]
            .into_iter()
            .flatten()
            .filter_map(|facts| facts.rfc.clone())
            .collect(),
    };
    let mut read_on = read_on;
    read_on.push(format!("sipdiag explain {a} {b}"));
    page.section("heading_read_on", &read_on.join("; "));
    page.print()
}

/// What the facts say differently: finality, methods, evidence.
fn fact_differences(
    page: &Page<'_>,
    (a, facts_a): (&str, &CodeFacts),
    (b, facts_b): (&str, &CodeFacts),
) -> Vec<String> {
    let mut differences = Vec::new();
    if facts_a.is_final != facts_b.is_final {
        differences.push(page.filled(
            "compare_final",
            &[
                ("a", a),
                ("b", b),
                ("final_a", page.finality(facts_a)),
                ("final_b", page.finality(facts_b)),
            ],
        ));
    }
    let list = |items: &[String], none: &'static str| {
        if items.is_empty() {
            page.catalogue.word(none).to_owned()
        } else {
            items.join(", ")
        }
    };
    if facts_a.methods != facts_b.methods {
        differences.push(page.filled(
            "compare_methods",
            &[
                ("a", a),
                ("b", b),
                ("methods_a", &list(&facts_a.methods, "any_method")),
                ("methods_b", &list(&facts_b.methods, "any_method")),
            ],
        ));
    }
    if facts_a.evidence != facts_b.evidence {
        differences.push(page.filled(
            "compare_evidence",
            &[
                ("a", a),
                ("b", b),
                ("evidence_a", &list(&facts_a.evidence, "nothing_special")),
                ("evidence_b", &list(&facts_b.evidence, "nothing_special")),
            ],
        ));
    }
    differences
}

/// `sipdiag codes`.
pub(super) fn codes(options: &CodesOptions, environment: &Environment) -> anyhow::Result<u8> {
    let catalogue = environment.catalogue;
    let wanted = options.search.as_deref().map(str::to_lowercase);
    let mut table = list(environment);
    table.set_header(
        ["column_code", "column_name", "column_meaning"].map(|key| catalogue.word(key)),
    );
    let class = options.class.map(|class| char::from(b'0' + class));
    for (name, facts, words) in catalogue.codes() {
        let in_class = class.is_none_or(|class| name.starts_with(class));
        let text = format!(
            "{name} {} {} {} {} {}",
            facts.phrase,
            words.meaning,
            words.when,
            words.short,
            words.causes.join(" ")
        );
        if in_class && matches(&text, wanted.as_deref()) {
            table.add_row([name, &facts.phrase, &words.short]);
        }
    }
    print_list(&table, options.search.as_deref())
}

/// `sipdiag findings`.
pub(super) fn findings(options: &FindingsOptions, environment: &Environment) -> anyhow::Result<u8> {
    let catalogue = environment.catalogue;
    let wanted = options.search.as_deref().map(str::to_lowercase);
    let mut table = list(environment);
    table.set_header(
        [
            "column_code",
            "column_name",
            "column_severity",
            "column_meaning",
        ]
        .map(|key| catalogue.word(key)),
    );
    let mut rules = RULES.to_vec();
    rules.sort_by_key(|rule| rule.code);
    for rule in rules {
        let words = catalogue.rule(rule);
        let (code, name) = if rule.name == "status" {
            ("DLG300…699".to_owned(), "status-300…699".to_owned())
        } else {
            (rule.code.to_owned(), rule.name.to_owned())
        };
        let text = format!("{code} {name} {} {}", words.message, words.meaning);
        if matches(&text, wanted.as_deref()) {
            table.add_row([
                code,
                name,
                catalogue.word(rule.severity.name()).to_owned(),
                placeholders(&words.message),
            ]);
        }
    }
    print_list(&table, options.search.as_deref())
}

fn matches(text: &str, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| text.to_lowercase().contains(wanted))
}

fn list(environment: &Environment) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .force_no_tty()
        .set_width(u16::try_from(environment.width).unwrap_or(u16::MAX));
    table
}

fn print_list(table: &Table, search: Option<&str>) -> anyhow::Result<u8> {
    if table.is_empty() {
        return Err(WrongUse {
            headline: format!("nothing matches \"{}\"", search.unwrap_or_default()),
            help: None,
        }
        .into());
    }
    let mut out = Output::open(None)?;
    for line in table.to_string().lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    out.commit()?;
    Ok(0)
}
