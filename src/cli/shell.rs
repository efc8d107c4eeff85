//! `sipdiag completions` and `sipdiag man`: from the definition of the command line itself.

use super::args::{CompletionsOptions, ManOptions};
use super::complete::ASKED_BY;
use super::errors::WrongUse;
use super::manual;
use super::output::{self, Output};
use anyhow::Context;
use clap_complete::env::Shells;
use std::io::Write;
use std::path::Path;

/// `sipdiag completions`: a script that asks the program what may follow.
pub(super) fn completions(options: &CompletionsOptions) -> anyhow::Result<u8> {
    let name = options.shell.to_string();
    let shells = Shells::builtins();
    let shell = shells.completer(&name).ok_or_else(|| WrongUse {
        headline: format!("no completions for {name}"),
        help: None,
    })?;
    let mut script = Vec::new();
    shell.write_registration(ASKED_BY, "sipdiag", "sipdiag", "sipdiag", &mut script)?;
    write(&script)
}

/// `sipdiag man`: one page to stdout, or all into a folder.
pub(super) fn man(options: &ManOptions) -> anyhow::Result<u8> {
    if let Some(folder) = &options.dir {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot write to {}", folder.display()))?;
        for (name, page) in manual::pages()? {
            put(folder, &format!("{name}.1"), &page)?;
        }
        return Ok(0);
    }
    let name = match options.command.as_deref() {
        None => "sipdiag".to_owned(),
        Some(command) => format!("sipdiag-{}", command.trim_start_matches("sipdiag-")),
    };
    let page = (manual::pages()?.into_iter()).find(|(page, _)| *page == name);
    let (_, page) = page.ok_or_else(|| WrongUse {
        headline: format!(
            "there is no command \"{}\"",
            name.trim_start_matches("sipdiag-")
        ),
        help: Some("sipdiag --help lists them".to_owned()),
    })?;
    write(&page)
}

fn put(folder: &Path, name: &str, page: &[u8]) -> anyhow::Result<()> {
    let path = folder.join(name);
    let mut out = Output::open(Some(&path), None)?;
    (out.write_all(page)).map_err(|error| output::naming(error, Some(&path)))?;
    out.commit()
}

fn write(bytes: &[u8]) -> anyhow::Result<u8> {
    let mut out = Output::open(None, None)?;
    out.write_all(bytes).context("cannot write")?;
    out.commit()?;
    Ok(0)
}
