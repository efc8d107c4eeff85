//! The three lengths of help: `-h` has what people use, `--help` all options on one screen, and `sipdiag help COMMAND` and the man
//! pages say what each does and have every threshold.

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command, Error};
use std::ffi::OsString;

/// The thresholds that are asked for by name most: the others are many.
const THRESHOLDS: [&str; 2] = ["t1", "stuck-after"];

/// The answer to `--help`; `None` where it was not asked for, or the command line is wrong before it.
pub(super) fn answer(arguments: &[OsString]) -> Option<Error> {
    let mut options = arguments.iter().take_while(|it| *it != "--");
    if !options.any(|it| it == "--help") {
        return None;
    }
    let error = on_one_screen(super::command())
        .try_get_matches_from(arguments)
        .err()?;
    (error.kind() == ErrorKind::DisplayHelp).then_some(error)
}

fn on_one_screen(command: Command) -> Command {
    command
        .mut_args(|arg| line(arg, "help"))
        .mut_subcommands(|command| {
            let more = format!("help {}", command.get_name());
            command.mut_args(|arg| line(arg, &more))
        })
}

/// A line for an option. `more` is the command that says more of it.
fn line(arg: Arg, more: &str) -> Arg {
    let is_threshold = arg.get_help_heading() == Some(super::thresholds::HEADING);
    if arg.get_id() == "help" {
        return arg
            .action(ArgAction::HelpShort)
            .help(format!("This help; more: sipdiag {more}"));
    }
    let is_hidden = is_threshold && !THRESHOLDS.iter().any(|it| arg.get_id().as_str() == *it);
    let takes_value = arg.get_action().takes_values();
    arg.hide_short_help(is_hidden)
        .hide_possible_values(takes_value)
        .hide_default_value(takes_value)
}
