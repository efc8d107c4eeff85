//! The thresholds as options: one for each row of the table.

use crate::thresholds::{Kind, Threshold, Thresholds, Value};
use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches};

/// What stands above them.
pub(super) const HEADING: &str = "Thresholds";

/// The thresholds that the command line sets.
#[derive(Debug, Default)]
pub(super) struct ThresholdOptions(pub(super) Vec<(&'static Threshold, Value)>);

impl Args for ThresholdOptions {
    fn augment_args(command: Command) -> Command {
        let defaults = Thresholds::default();
        Thresholds::ALL.iter().fold(command, |command, row| {
            let value_name = match row.kind {
                Kind::Time => "DUR",
                Kind::Count => "N",
                Kind::Percent => "PERCENT",
            };
            let mut default = row.of(&defaults).to_string();
            if row.kind == Kind::Percent {
                default = default.trim_end_matches('%').to_owned();
            }
            command.arg(
                Arg::new(row.key)
                    .long(row.key)
                    .value_name(value_name)
                    .help(format!("{} [default: {default}]", row.help))
                    .help_heading(HEADING)
                    // What may stand there instead, the table says better.
                    .allow_hyphen_values(true)
                    // There are many: `help` and the man page have them.
                    .hide_short_help(true)
                    .value_parser(|text: &str| row.parse(text)),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ThresholdOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = |row: &'static Threshold| Some((row, *matches.get_one::<Value>(row.key)?));
        Ok(Self(Thresholds::ALL.iter().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
