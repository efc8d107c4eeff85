//! Where a report goes: stdout, or a file that is written whole or not at all.

use super::errors::WrongUse;
use super::pager::{Paged, Pager};
use super::signals;
use crate::capture::CaptureFacts;
use anyhow::{Context, anyhow};
use std::fs;
use std::io::{self, BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A place to write to.
#[derive(Debug)]
pub(super) enum Output {
    Stdout(BufWriter<Stdout>),
    /// The terminal, with a pager where the screen is too small.
    Paged(Box<Paged>),
    File {
        out: BufWriter<Waiting>,
        /// As it was asked for.
        path: PathBuf,
    },
}

impl Output {
    /// Opens it, before any work is done. `pager` is that of the terminal where there is one and it is wanted.
    pub(super) fn open(path: Option<&Path>, pager: Option<&Pager>) -> anyhow::Result<Self> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            if let Some(pager) = pager {
                return Ok(Self::Paged(Box::new(Paged::new(pager.clone()))));
            }
            return Ok(Self::Stdout(BufWriter::with_capacity(
                64 * 1024,
                io::stdout(),
            )));
        };
        Ok(Self::File {
            out: BufWriter::new(waiting(path).map_err(|reason| cannot_write(path, &reason))?),
            path: path.to_owned(),
        })
    }

    /// Makes what was written visible.
    pub(super) fn commit(self) -> anyhow::Result<()> {
        match self {
            Self::Stdout(mut out) => out.flush()?,
            Self::Paged(out) => out.finish()?,
            Self::File { out, path } => {
                let file = out.into_inner().map_err(io::IntoInnerError::into_error);
                file.and_then(|file| place(file, &path))
                    .with_context(|| format!("cannot write to {}", path.display()))?;
            }
        }
        Ok(())
    }
}

/// A file that is written instead of the one that is asked for, until it is finished. What goes wrong does not name it: that
/// is nobody's business.
#[derive(Debug)]
pub(super) struct Waiting(NamedTempFile);

impl Write for Waiting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.as_file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_file().flush()
    }
}

fn waiting(path: &Path) -> Result<Waiting, String> {
    let existing = fs::metadata(path).ok();
    let is_new = existing.is_none();
    if existing.as_ref().is_some_and(fs::Metadata::is_dir) {
        return Err("it is a folder".to_owned());
    }
    let folder = if existing.is_some_and(|it| !it.is_file()) {
        // A device or a pipe is written in the end: nothing can be put into its place.
        std::env::temp_dir()
    } else {
        let place = behind_links(path);
        let folder = place.parent().filter(|it| !it.as_os_str().is_empty());
        folder.unwrap_or_else(|| Path::new(".")).to_owned()
    };
    let file = signals::temporary_in(&folder, is_new);
    file.map(Waiting).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if folder.is_dir() => "no file can be made there".to_owned(),
        io::ErrorKind::NotFound => "there is no such folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        other => other.to_string(),
    })
}

/// Says which file it is that cannot be written, of an error that does not; stdout is told from it by having no name.
pub(super) fn naming(error: io::Error, path: Option<&Path>) -> anyhow::Error {
    match path.filter(|path| path.as_os_str() != "-") {
        Some(path) => anyhow!(error).context(format!("cannot write to {}", path.display())),
        None => error.into(),
    }
}

fn cannot_write(path: &Path, reason: &str) -> anyhow::Error {
    anyhow!("cannot write to {}: {reason}", path.display())
}

/// What a path leads to, whether it is there or not: a link stays, and what it names is written, as with `>`.
fn behind_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(to) = fs::read_link(&path) else {
            break;
        };
        path = path.parent().map_or_else(|| to.clone(), |it| it.join(&to));
    }
    path
}

/// Links behind one another: as many as Linux follows.
const MAX_LINKS: usize = 40;

/// The files that a capture comes from.
pub(super) fn files(capture: &CaptureFacts) -> impl Iterator<Item = &Path> {
    let files = capture.inputs.iter().filter(|it| it.format != "interface");
    files.map(|it| Path::new(&it.name))
}

/// Refuses to write over something that is read, or written already.
pub(super) fn refuse_input<'a>(
    path: &Path,
    option: &str,
    mut others: impl Iterator<Item = &'a Path>,
) -> anyhow::Result<()> {
    if others.any(|other| is_same(path, other)) {
        return Err(WrongUse {
            headline: format!("{} is read or written already", path.display()),
            help: Some(format!("give {option} a file of its own")),
        }
        .into());
    }
    Ok(())
}

/// Whether two paths are one file.
fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other && one.is_file(),
        _ => one == other && one.as_os_str() != "-",
    }
}

/// Puts the finished file in its place, with the permissions of the one that was there.
fn place(Waiting(file): Waiting, path: &Path) -> io::Result<()> {
    let existing = fs::metadata(path).ok();
    if existing.as_ref().is_some_and(|it| !it.is_file()) {
        let mut from = file.reopen()?;
        let mut to = fs::OpenOptions::new().write(true).open(path)?;
        io::copy(&mut from, &mut to)?;
        return Ok(());
    }
    let file = file.persist(behind_links(path))?;
    if let Some(existing) = existing {
        file.set_permissions(existing.permissions())?;
    }
    Ok(())
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::Paged(out) => out.write(bytes),
            Self::File { out, .. } => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::Paged(out) => out.flush(),
            Self::File { out, .. } => out.flush(),
        }
    }
}
