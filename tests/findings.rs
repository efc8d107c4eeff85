//! `docs/findings.md` says what the rules and their words say. `UPDATE_DOCS=1 cargo test --test findings` writes it anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use sipdiag::catalogue::{Catalogue, FindingWords, Language, counted};
use sipdiag::rules::{Guard, RULES, Rule};
use std::fmt::Write;
use std::path::Path;

#[test]
fn the_page_is_made_from_the_rules_and_their_words() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/findings.md");
    let wanted = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = || {
        let lines = there.lines().zip(wanted.lines());
        lines.enumerate().find(|(_, (one, other))| one != other)
    };
    assert!(
        there == wanted,
        "differs at {:?}; write it anew: UPDATE_DOCS=1 cargo test --test findings",
        differs()
    );
}

#[test]
fn the_page_has_a_chapter_and_a_row_for_each_finding() {
    let page = page();
    for rule in RULES {
        let chapter = format!("\n## {}\n", title(rule));
        assert_eq!(page.matches(&chapter).count(), 1, "{}", rule.name);
        assert!(
            page.contains(&format!("(#{})", anchor(rule))),
            "{}",
            rule.name
        );
    }
    assert!(!page.contains("<b>"));
}

fn page() -> String {
    let catalogue = Catalogue::new(Language::English);
    let mut page = "# What sipdiag finds\n\n\
        Made from the rules and their words; `tests/findings.rs` compares. `sipdiag explain NAME` says the same in every \
        language, `sipdiag findings` is the list. In the order of judgement: of equally bad findings the first is the headline.\n\n\
        The severity is what a finding has by default. What came right after all is info, what is told only \"so far\" at most a warning, \
        what explains a worse finding is as bad as that one, unless it is only possible, \
        and [the configuration](configuration.md) can set another one. Words in *italics* stand for facts of the finding.\n\n\
        | code | name | severity | what happened |\n|---|---|---|---|\n"
        .to_owned();
    for rule in RULES {
        let message = sentence(&catalogue.rule(rule).message);
        let (title, anchor) = (title(rule), anchor(rule));
        let _ = writeln!(
            page,
            "| {} | [{title}](#{anchor}) | {} | {message} |",
            code(rule),
            rule.severity
        );
    }
    page.push_str(
        "\n## Guards\n\nA capture is not the network. These are the reasons for which it proves less than it seems to; each finding \
        names those under which it stands, and its JSON record has them in `guards`.\n",
    );
    for guard in Guard::ALL {
        let word = sentence_case(catalogue.word(guard.key()));
        let _ = write!(page, "\n### {}\n\n{}.\n", guard.name(), escaped(&word));
    }
    for rule in RULES {
        chapter(&mut page, rule, catalogue.rule(rule));
    }
    page
}

fn chapter(page: &mut String, rule: &Rule, words: &FindingWords) {
    let _ = write!(
        page,
        "\n## {}\n\n{}, {}: {}\n\n{}\n",
        title(rule),
        code(rule),
        rule.severity,
        sentence(&words.message),
        escaped(&words.meaning)
    );
    list(page, "Likely causes", "-", &words.causes);
    list(page, "What to do", "1.", &words.advice);
    if rule.name == "status" {
        page.push_str(
            "\nMeaning, causes and advice are those of the response code: `sipdiag explain 486`.\n",
        );
    }
    if !rule.guards.is_empty() {
        let linked = |guard: &Guard| format!("[{0}](#{1})", guard.name(), guard_anchor(*guard));
        let guards: Vec<_> = rule.guards.iter().map(linked).collect();
        let _ = write!(page, "\nStands under: {}.\n", guards.join(", "));
    }
    if !words.references.is_empty() {
        let _ = write!(page, "\nWritten in: {}.\n", words.references.join(", "));
    }
    if !words.variants.is_empty() {
        let heading = Catalogue::new(Language::English).word("heading_variants");
        let _ = write!(page, "\n### {heading}\n");
    }
    for variant in words.variants.values() {
        let _ = write!(page, "\n**{}**\n", sentence(&variant.message));
        if let Some(meaning) = &variant.meaning {
            let _ = write!(page, "\n{}\n", escaped(meaning));
        }
        list(
            page,
            "Likely causes",
            "-",
            variant.causes.as_deref().unwrap_or_default(),
        );
        list(
            page,
            "What to do",
            "1.",
            variant.advice.as_deref().unwrap_or_default(),
        );
    }
}

fn list(page: &mut String, heading: &str, mark: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let _ = write!(page, "\n{heading}:\n\n");
    for item in items {
        let _ = writeln!(page, "{mark} {}", escaped(item));
    }
}

/// `status` is a finding for each response code.
fn title(rule: &Rule) -> String {
    match rule.name {
        "status" => "status-NNN".to_owned(),
        name => name.to_owned(),
    }
}

fn code(rule: &Rule) -> String {
    match rule.name {
        "status" => format!("{}NNN", rule.code),
        _ => rule.code.to_owned(),
    }
}

fn guard_anchor(guard: Guard) -> String {
    guard.name().to_lowercase()
}

/// The sentence about a guard as one that stands alone.
fn sentence_case(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

fn anchor(rule: &Rule) -> String {
    title(rule).to_lowercase()
}

/// A message with its placeholders as words in italics: `{request_uri}` is *request uri*.
fn sentence(message: &str) -> String {
    let text = escaped(&counted(message, |_| false)).replace(['{', '}'], "*");
    let mut out = String::new();
    for (index, part) in text.split('*').enumerate() {
        match index % 2 {
            0 => out.push_str(part),
            _ => {
                let _ = write!(out, "*{}*", part.replace("\\_", " "));
            }
        }
    }
    out
}

/// Text that a Markdown renderer shows as it stands.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.trim().chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '|' | '_' | '*' | '`' | '[' | ']' => {
                out.push('\\');
                out.push(character);
            }
            '\n' => out.push(' '),
            _ => out.push(character),
        }
    }
    out
}
