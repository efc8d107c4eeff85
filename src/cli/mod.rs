//! The command line: the only room with stdout, stderr, the environment, the terminal, signals and the clock. Comes in:
//! arguments. Goes out: an exit status, and what the command writes. One file a subcommand.

mod ahead;
mod args;
mod config;
mod diagnose;
mod environment;
mod errors;
mod extraction;
mod feed;
mod flow;
mod interfaces;
#[cfg(feature = "live")]
mod live;
mod output;
mod pages;
mod passwords;
mod progress;
mod read;
mod secrets;
mod selection;
mod shell;
mod signals;
mod thresholds;
mod told;

use args::{Arguments, Command};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use environment::Environment;
use std::path::Path;
use std::process::ExitCode;

/// The definition of the command line, for completions, the man page and tests.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// What to say to those who give a file where a command belongs.
fn help_with_file(error: &clap::Error) -> Option<clap::Error> {
    let ContextValue::String(given) = error.get(ContextKind::InvalidSubcommand)? else {
        return None;
    };
    Path::new(given).exists().then(|| {
        let text = format!("a command comes first; to diagnose this file: sipdiag read {given}\n");
        clap::Error::raw(ErrorKind::InvalidSubcommand, text)
    })
}

/// Runs the program with the arguments of the process. The status is as CONTRACT.md has it: 0 it ran, 1 `--fail-on` was
/// met, 2 the command line is wrong, 3 the input cannot be used, 4 the input was damaged.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers, everything else is a wrong command line.
            let status = if error.use_stderr() {
                errors::WRONG_USE
            } else {
                0
            };
            let _ = help_with_file(&error).unwrap_or(error).print();
            return ExitCode::from(status);
        }
    };
    let environment = Environment::of(&arguments.display);
    let result = match &arguments.command {
        Command::Read(options) => read::run(options, &environment),
        Command::Flow(options) => flow::run(options, &environment),
        #[cfg(feature = "live")]
        Command::Live(options) => live::run(options, &environment),
        Command::Interfaces => interfaces::run(&environment),
        Command::Explain(options) => pages::explain(options, &environment),
        Command::Compare(options) => pages::compare(options, &environment),
        Command::Codes(options) => pages::codes(options, &environment),
        Command::Findings(options) => pages::findings(options, &environment),
        Command::Completions(options) => shell::completions(options),
        Command::Man => shell::man(),
    };
    match result {
        Ok(status) => ExitCode::from(status),
        Err(error) => errors::report(&error, &environment),
    }
}
