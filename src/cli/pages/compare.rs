//! `sipdiag compare`.

use super::Page;
use crate::catalogue::{CodeFacts, Registration};
use crate::cli::args::CompareOptions;
use crate::cli::environment::Environment;
use crate::cli::errors::WrongUse;

/// `sipdiag compare`.
pub(in crate::cli) fn compare(
    options: &CompareOptions,
    environment: &Environment,
) -> anyhow::Result<u8> {
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
    // Codes that only a program shows are in no class.
    if page.class_name(a).is_some() && page.class_name(b).is_some() {
        differences.push(page.filled(
            key,
            &[
                ("a", a),
                ("b", b),
                ("class_a", &class_a),
                ("class_b", &class_b),
            ],
        ));
    }
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
    page.section(
        "heading_read_on",
        &read_on.join(page.catalogue.word("list_separator")),
    );
    page.print()
}

/// What the facts say differently: finality, methods, evidence.
fn fact_differences(
    page: &Page<'_>,
    (a, facts_a): (&str, &CodeFacts),
    (b, facts_b): (&str, &CodeFacts),
) -> Vec<String> {
    let mut differences = Vec::new();
    let on_the_wire = |facts: &CodeFacts| facts.registration != Registration::Local;
    if facts_a.is_final != facts_b.is_final && on_the_wire(facts_a) && on_the_wire(facts_b) {
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
            items.join(page.catalogue.word("comma"))
        }
    };
    if facts_a.sent_by != facts_b.sent_by {
        differences.push(page.filled(
            "compare_sent_by",
            &[
                ("a", a),
                ("b", b),
                ("roles_a", &page.roles(facts_a)),
                ("roles_b", &page.roles(facts_b)),
            ],
        ));
    }
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
