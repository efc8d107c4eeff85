//! The command line: the only room with stdout, stderr, the environment, the terminal, signals and the clock. Comes in:
//! arguments. Goes out: an exit status, and what the command writes. One file a subcommand.

mod ahead;
mod args;
mod complete;
mod config;
mod diagnose;
mod environment;
mod errors;
mod extraction;
mod feed;
mod help;
mod interfaces;
#[cfg(feature = "live")]
mod live;
mod log;
mod manual;
mod output;
mod pager;
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
mod values;

use args::{Arguments, Command};
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use diagnose::Look;
use environment::Environment;
use std::io::{self, Write};
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

/// What to say to those who listen on nothing.
fn with_listening(mut error: clap::Error) -> clap::Error {
    let is_of_interface = |names: &[String]| names.iter().any(|it| it.starts_with("<INTERFACE>"));
    if matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::Strings(names)) if is_of_interface(names))
    {
        let tips = [
            "'sipdiag interfaces' lists what there is, and 'any' is all of it",
            "'--hep udp://0.0.0.0:9060' listens for what HEP agents send",
        ];
        let tips = tips.map(StyledStr::from).to_vec();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    error
}

/// Prints help, or the version, with a pager where it is longer than the screen.
fn show_help(answer: &clap::Error) -> io::Result<()> {
    // Whoever asks for help gets it whatever else is on the command line: this is all that is looked at.
    let is_wanted = !std::env::args_os().any(|it| it == "--no-pager");
    let Some(pager) = environment::pager().filter(|_| is_wanted) else {
        return answer.print();
    };
    let text = answer.render();
    let text = match anstream::AutoStream::choice(&io::stdout()) {
        anstream::ColorChoice::Never => text.to_string(),
        _ => text.ansi().to_string(),
    };
    let mut out = pager::Paged::new(pager);
    out.write_all(text.as_bytes())?;
    out.finish()
}

/// Runs the program with the arguments of the process. The status is as CONTRACT.md has it: 0 it ran, 1 `--fail-on` was
/// met, 2 the command line is wrong, 3 the input cannot be used, 4 the input was damaged.
pub fn run() -> ExitCode {
    match complete::answer() {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(errors::WRONG_USE);
        }
    }
    let given: Vec<_> = std::env::args_os().collect();
    let parsed = help::answer(&given).map_or_else(|| Arguments::try_parse_from(&given), Err);
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers, everything else is a wrong command line.
            let status = if error.use_stderr() {
                errors::WRONG_USE
            } else {
                0
            };
            let error = help_with_file(&error).unwrap_or_else(|| with_listening(error));
            if error.use_stderr() {
                // Nobody reads stderr when it is closed.
                let _ = error.print();
            } else if let Err(reason) = show_help(&error) {
                return errors::unwritten(&reason);
            }
            return ExitCode::from(status);
        }
    };
    let environment = Environment::of(&arguments.display);
    let result = match &arguments.command {
        Command::Read(options) => read::run(options, &environment, Look::Report),
        Command::Flow(options) => {
            let look = Look::Ladders { raw: options.raw };
            read::run(&options.input, &environment, look)
        }
        #[cfg(feature = "live")]
        Command::Live(options) => live::run(options, &environment),
        Command::Interfaces => interfaces::run(&environment),
        Command::Explain(options) => pages::explain(options, &environment),
        Command::Compare(options) => pages::compare(options, &environment),
        Command::Codes(options) => pages::codes(options, &environment),
        Command::Findings(options) => pages::findings(options, &environment),
        Command::Completions(options) => shell::completions(options),
        Command::Man(options) => shell::man(options),
    };
    match result {
        Ok(status) => ExitCode::from(status),
        Err(error) => errors::report(&error, &environment),
    }
}
