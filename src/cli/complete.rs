//! What the shell may put in the place of a word that is being typed: interfaces, findings, codes, languages, commands. The
//! script of the shell (`sipdiag completions`) calls the program for it, so that it always knows what this one knows.

use super::environment::language_of_locale;
use crate::catalogue::{Catalogue, Language, fill};
use crate::rules::RULES;
use clap::{Arg, Command};
use clap_complete::CompleteEnv;
use clap_complete::engine::CompletionCandidate;
use std::ffi::{OsStr, OsString};
use std::fmt::Display;

/// Set by the scripts, to the name of the shell that asks.
pub(super) const ASKED_BY: &str = "SIPDIAG_COMPLETE";

/// Answers the shell when it is one that asks; whether it was.
///
/// # Errors
/// When the question is none.
pub(super) fn answer() -> Result<bool, clap::Error> {
    // Every run comes past here: the definition of the command line is made only when it is needed.
    if std::env::var_os(ASKED_BY).is_none() {
        return Ok(false);
    }
    let folder = std::env::current_dir().ok();
    CompleteEnv::with_factory(definition)
        .var(ASKED_BY)
        .try_complete(std::env::args_os(), folder.as_deref())
}

/// The command line as the shell is to see it: where nothing is typed yet, names of interfaces and findings are not to drown
/// in a hundred options.
fn definition() -> Command {
    let program = super::command();
    if !is_blank(&std::env::args_os().collect::<Vec<_>>()) {
        return program;
    }
    let hidden = |argument: Arg| {
        let is_option = !argument.is_positional();
        argument.hide(is_option)
    };
    (program.mut_args(hidden)).mut_subcommands(|command| command.mut_args(hidden))
}

/// Whether nothing is typed yet of the word that the shell asks about: the last one where it does not say which.
fn is_blank(arguments: &[OsString]) -> bool {
    let index = std::env::var("_CLAP_COMPLETE_INDEX").ok();
    let words: Vec<_> = (arguments.iter())
        .skip_while(|it| *it != "--")
        .skip(1)
        .collect();
    let word = match index.and_then(|index| index.parse::<usize>().ok()) {
        Some(index) => words.get(index),
        None => words.last(),
    };
    word.is_none_or(|word| word.is_empty())
}

fn catalogue() -> Catalogue {
    Catalogue::new(language_of_locale())
}

/// Those that go on where `written` ends, in any case.
fn going_on<N, H>(
    written: &OsStr,
    all: impl IntoIterator<Item = (N, H)>,
) -> Vec<CompletionCandidate>
where
    N: AsRef<str>,
    H: Display,
{
    let Some(written) = written.to_str() else {
        return Vec::new();
    };
    all.into_iter()
        .filter(|(name, _)| {
            let start = name.as_ref().get(..written.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(written))
        })
        .map(|(name, help)| {
            let help = help.to_string();
            let help = (!help.is_empty()).then(|| help.into());
            CompletionCandidate::new(name.as_ref()).help(help)
        })
        .collect()
}

/// The languages.
pub(super) fn languages(written: &OsStr) -> Vec<CompletionCandidate> {
    going_on(written, Language::ALL.iter().map(|it| (it.code(), "")))
}

/// The interfaces, with their addresses.
#[cfg(feature = "live")]
pub(super) fn interfaces(written: &OsStr) -> Vec<CompletionCandidate> {
    let all = crate::capture::interfaces().unwrap_or_default();
    let comma = catalogue().word("comma");
    going_on(
        written,
        all.into_iter().map(|it| {
            let addresses: Vec<_> = it.addresses.iter().map(ToString::to_string).collect();
            (it.name, addresses.join(comma))
        }),
    )
}

/// The commands.
pub(super) fn commands(written: &OsStr) -> Vec<CompletionCandidate> {
    let program = super::command();
    let about = |it: &Command| it.get_about().map(ToString::to_string).unwrap_or_default();
    let all = (program.get_subcommands()).map(|it| (it.get_name().to_owned(), about(it)));
    going_on(written, all)
}

/// The response codes of the catalogue.
pub(super) fn codes(written: &OsStr) -> Vec<CompletionCandidate> {
    going_on(
        written,
        (catalogue().codes()).map(|(name, facts, _)| (name, &facts.phrase)),
    )
}

/// The classes of response codes.
pub(super) fn classes(written: &OsStr) -> Vec<CompletionCandidate> {
    going_on(written, class_names().map(|name| (name, "")))
}

/// Response codes and their classes.
pub(super) fn code_patterns(written: &OsStr) -> Vec<CompletionCandidate> {
    let mut all = classes(written);
    all.extend(codes(written));
    all
}

/// The methods.
pub(super) fn methods(written: &OsStr) -> Vec<CompletionCandidate> {
    going_on(written, catalogue().methods().map(|name| (name, "")))
}

/// The findings by name; by code where a code is being typed.
pub(super) fn findings(written: &OsStr) -> Vec<CompletionCandidate> {
    let catalogue = catalogue();
    // `status` is the family of the response codes, which have names of their own.
    let rules = || RULES.iter().filter(|rule| rule.name != "status");
    let meaning = |rule| {
        fill(&catalogue.rule(rule).message, |name| {
            Some(format!("<{name}>"))
        })
    };
    let mut all = going_on(written, rules().map(|rule| (rule.name, meaning(rule))));
    let statuses = (catalogue.codes())
        .filter(|(name, ..)| is_failure(name))
        .map(|(name, facts, _)| (format!("status-{name}"), &facts.phrase));
    all.extend(going_on(written, statuses));
    if !written.is_empty() {
        let codes = rules().map(|rule| (rule.code, meaning(rule)));
        all.extend(going_on(written, codes));
    }
    all
}

/// All that `explain` knows.
pub(super) fn subjects(written: &OsStr) -> Vec<CompletionCandidate> {
    let mut all = code_patterns(written);
    all.extend(going_on(written, catalogue().subjects()));
    all.extend(methods(written));
    all.extend(findings(written));
    all
}

fn class_names() -> impl Iterator<Item = String> {
    (1..=6).map(|digit| format!("{digit}xx"))
}

/// Whether it is a code of its own from 300 on, for which there is a finding.
fn is_failure(code: &str) -> bool {
    let number: Option<u16> = code.parse().ok();
    number.is_some_and(|number| (300..700).contains(&number))
}
