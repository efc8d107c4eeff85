//! `sipdiag codes` and `sipdiag findings`.

use super::placeholders;
use crate::cli::args::{CodesOptions, FindingsOptions};
use crate::cli::environment::Environment;
use crate::cli::errors::WrongUse;
use crate::report::{cell, empty_table, printed};
use crate::rules::RULES;
use comfy_table::Table;

/// `sipdiag codes`.
pub(in crate::cli) fn codes(
    options: &CodesOptions,
    environment: &Environment,
) -> anyhow::Result<u8> {
    let catalogue = environment.catalogue;
    let wanted = options.search.as_deref().map(str::to_lowercase);
    let mut table = empty_table(environment.width);
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
            table.add_row([name, &facts.phrase, &words.short].map(cell));
        }
    }
    print_list(environment, &table, options.search.as_deref())
}

/// `sipdiag findings`.
pub(in crate::cli) fn findings(
    options: &FindingsOptions,
    environment: &Environment,
) -> anyhow::Result<u8> {
    let catalogue = environment.catalogue;
    let wanted = options.search.as_deref().map(str::to_lowercase);
    let mut table = empty_table(environment.width);
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
            table.add_row(
                [
                    code,
                    name,
                    catalogue.word(rule.severity.name()).to_owned(),
                    placeholders(&words.message),
                ]
                .map(cell),
            );
        }
    }
    print_list(environment, &table, options.search.as_deref())
}

fn matches(text: &str, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| text.to_lowercase().contains(wanted))
}

fn print_list(
    environment: &Environment,
    table: &Table,
    search: Option<&str>,
) -> anyhow::Result<u8> {
    if table.is_empty() {
        return Err(WrongUse {
            headline: format!("nothing matches \"{}\"", search.unwrap_or_default()),
            help: None,
        }
        .into());
    }
    environment.show(printed(table))
}
