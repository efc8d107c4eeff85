//! What the process stands in: terminal, locale, colours.

use super::args::{ColorWhen, Display};
use super::output::Output;
use super::pager::Pager;
use crate::catalogue::{Catalogue, Language};
use crate::report::Bidi;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;

/// Columns of what is no terminal: wide enough for one line a transaction, narrow enough for a mail.
const PIPE_WIDTH: usize = 120;

/// What commands need of their surroundings.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) catalogue: Catalogue,
    /// Columns of stdout.
    pub(super) width: usize,
    /// Columns of the terminal that stdout is, and of that which stderr is; `None` where it is none.
    pub(super) columns: Option<usize>,
    pub(super) columns_of_errors: Option<usize>,
    /// Whether stdout gets colours.
    pub(super) color: bool,
    /// How pages are marked for what stdout is.
    pub(super) bidi: Bidi,
    /// Whether stderr gets colours.
    pub(super) color_of_errors: bool,
    /// How stderr is marked for what it is.
    pub(super) bidi_of_errors: Bidi,
    /// What shows answers that are longer than the screen; `None` where stdout is none, or nobody wants it.
    pub(super) pager: Option<Pager>,
    /// Whether remarks are unwelcome.
    pub(super) quiet: bool,
}

impl Environment {
    pub(super) fn of(display: &Display) -> Self {
        let colored = |is_terminal: bool| match display.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => {
                is_terminal
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && !is_dumb()
            }
        };
        let language = display.lang.unwrap_or_else(language_of_locale);
        Self {
            catalogue: Catalogue::new(language),
            width: width(),
            columns: columns(&std::io::stdout()),
            columns_of_errors: columns(&std::io::stderr()),
            color: colored(std::io::stdout().is_terminal()),
            bidi: Bidi::of(language, std::io::stdout().is_terminal()),
            color_of_errors: colored(std::io::stderr().is_terminal()),
            bidi_of_errors: Bidi::of(language, std::io::stderr().is_terminal()),
            pager: pager().filter(|_| !display.no_pager),
            quiet: display.quiet,
        }
    }

    /// Writes a page to stdout, as a terminal needs it where it is one.
    pub(super) fn show(&self, page: String) -> anyhow::Result<u8> {
        let mut out = Output::open(None, self.pager.as_ref())?;
        out.write_all(self.bidi.page(page).as_bytes())?;
        out.commit()?;
        Ok(0)
    }
}

/// The first of LC_ALL, LC_MESSAGES and LANG that is set decides, as in POSIX.
pub(super) fn language_of_locale() -> Language {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty())
        .and_then(|locale| Language::of(&locale))
        .unwrap_or_default()
}

/// The pager of stdout.
pub(super) fn pager() -> Option<Pager> {
    let (columns, rows) =
        terminal_size::terminal_size_of(std::io::stdout()).filter(|_| !is_dumb())?;
    let variable = |name: &str| std::env::var(name).ok();
    Pager::of(variable, rows.0.into(), columns.0.into())
}

/// Whether the terminal can do nothing but print.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

fn width() -> usize {
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    let terminal = if std::io::stdout().is_terminal() {
        terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
    } else {
        columns
    };
    readable(terminal.unwrap_or(PIPE_WIDTH))
}

/// As wide as a terminal is; `None` of what is none.
fn columns(stream: &impl AsFd) -> Option<usize> {
    terminal_size::terminal_size_of(stream).map(|(width, _)| readable(width.0.into()))
}

/// A width in which words can be read.
fn readable(columns: usize) -> usize {
    columns.clamp(40, 240)
}
