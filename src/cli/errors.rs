//! Errors as messages that say what to do, and their exit status.

use super::environment::Environment;
use crate::capture::CaptureError;
use anstyle::AnsiColor;
use std::io::{self, Write};
use std::process::ExitCode;

/// `--fail-on` was met.
pub(super) const FAIL_ON: u8 = 1;
/// The command line is wrong.
pub(super) const WRONG_USE: u8 = 2;
/// The input or the interface cannot be used at all.
pub(super) const NO_INPUT: u8 = 3;
/// The input was damaged or cut, or not read to its end; what was read was reported.
pub(super) const DAMAGED: u8 = 4;

/// A word on the command line that means nothing.
#[derive(Debug, thiserror::Error)]
#[error("{headline}")]
pub(super) struct WrongUse {
    pub(super) headline: String,
    pub(super) help: Option<String>,
}

/// Prints an error and gives its status. A closed pipe is success.
pub(super) fn report(error: &anyhow::Error, environment: &Environment) -> ExitCode {
    let io = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<io::Error>());
    if io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    let (status, help) = match (
        error.downcast_ref::<CaptureError>(),
        error.downcast_ref::<WrongUse>(),
    ) {
        (Some(capture), _) if capture.is_wrong_use() => (WRONG_USE, capture.help()),
        (Some(capture), _) => (NO_INPUT, capture.help()),
        (_, Some(wrong)) => (WRONG_USE, wrong.help.clone()),
        _ => (NO_INPUT, None),
    };
    // What is opened or read, and a file that is written, says itself which it is.
    let is_bare = error.chain().nth(1).is_none();
    let text = match io.filter(|_| is_bare) {
        Some(error) => format!("cannot write to stdout: {error}"),
        None => format!("{error:#}"),
    };
    say(environment, "error", AnsiColor::Red, &text);
    if let Some(help) = help {
        say(environment, "help", AnsiColor::Cyan, &help);
    }
    ExitCode::from(status)
}

/// The same of an answer to a command line that has no settings, such as help.
pub(super) fn unwritten(error: &io::Error) -> ExitCode {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(io::stderr(), "error: cannot write to stdout: {error}");
    ExitCode::from(NO_INPUT)
}

/// A remark that is no error; silent with `--quiet`.
pub(super) fn warn(environment: &Environment, text: &str) {
    if !environment.quiet {
        say(environment, "warning", AnsiColor::Yellow, text);
    }
}

/// Something to know; silent with `--quiet`.
pub(super) fn note(environment: &Environment, text: &str) {
    if !environment.quiet {
        let _ = writeln!(io::stderr(), "{text}");
    }
}

fn say(environment: &Environment, label: &str, color: AnsiColor, text: &str) {
    let style = color.on_default().bold();
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let mut message = if environment.color_of_errors {
        format!("{style}{label}:{style:#} {first}\n")
    } else {
        format!("{label}: {first}\n")
    };
    for line in lines {
        message.push_str("  ");
        message.push_str(line);
        message.push('\n');
    }
    // Nobody reads stderr when it is closed; that is no reason to fail.
    let _ = io::stderr().write_all(message.as_bytes());
}
