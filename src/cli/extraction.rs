//! `--write`: the packets of the selected calls go to a file, whole or not at all.

use super::environment::Environment;
use super::errors::{self, WrongUse};
use super::output::{self, Output};
use crate::capture::{CaptureFacts, Packet};
use crate::catalogue::{Catalogue, fill};
use crate::dialog::Call;
use crate::engine::{Report, SeenMessage};
use crate::extract::{Extract, Written};
use crate::redact::Redactor;
use crate::selection::{CallKey, Chosen};
use anyhow::Context;
use std::fs::File;
use std::path::{Path, PathBuf};

/// An extract in the making.
#[derive(Debug)]
pub(super) struct Extraction {
    extract: Extract<File>,
    output: Output,
    path: PathBuf,
}

impl Extraction {
    /// Opens the file, before any work is done, and where packets wait until it is known which are wanted.
    pub(super) fn open(
        path: &Path,
        report: Option<&Path>,
        capture: &CaptureFacts,
        redactor: Option<&Redactor>,
    ) -> anyhow::Result<Self> {
        let to_stdout = path.as_os_str() == "-";
        if to_stdout && report.is_none_or(|report| report.as_os_str() == "-") {
            return Err(WrongUse {
                headline: "packets and report cannot both go to stdout".to_owned(),
                help: Some("give the report a file: -w - -o report.txt".to_owned()),
            }
            .into());
        }
        output::refuse_input(path, "-w", output::files(capture).chain(report))?;
        let output = Output::open(Some(path), None)?;
        // Where the extract itself has room, what it is made of may have: /tmp is memory on many systems.
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let waiting = || match folder {
            _ if to_stdout => tempfile::tempfile(),
            folder => tempfile::tempfile_in(folder.unwrap_or_else(|| Path::new("."))),
        };
        let open = || {
            let extract = Extract::new(waiting()?, waiting()?);
            Ok::<_, std::io::Error>(match redactor {
                Some(redactor) => extract.redacted(redactor.clone(), waiting()?),
                None => extract,
            })
        };
        Ok(Self {
            extract: open().with_context(|| format!("cannot write to {}", path.display()))?,
            output,
            path: path.to_owned(),
        })
    }

    /// Says whether the media of the calls are wanted too.
    pub(super) fn with_media(self, wanted: bool) -> Self {
        Self {
            extract: self.extract.with_media(wanted),
            ..self
        }
    }

    pub(super) fn packet(&mut self, packet: &Packet<'_>) {
        self.extract.packet(packet);
    }

    pub(super) fn keylog(&mut self, text: &[u8]) {
        self.extract.keylog(text);
    }

    pub(super) fn message(&mut self, seen: &SeenMessage<'_>, call: CallKey) {
        self.extract.message(seen, call);
    }

    pub(super) fn judged(&mut self, call: &Call, key: CallKey) {
        self.extract.judged(call, key);
    }

    /// Writes the file.
    pub(super) fn finish(
        self,
        report: &Report,
        catalogue: Catalogue,
        wanted: &Chosen,
    ) -> anyhow::Result<Extracted> {
        let name = self.path.display().to_string();
        let (output, written) = self
            .extract
            .finish(report, catalogue, wanted, self.output)
            .with_context(|| format!("cannot write to {name}"))?;
        output.commit()?;
        Ok(Extracted { name, written })
    }
}

/// An extract that was written.
#[derive(Debug)]
pub(super) struct Extracted {
    name: String,
    written: Written,
}

impl Extracted {
    /// Says how much is in it.
    pub(super) fn announce(&self, environment: &Environment) {
        let Self { name, written } = self;
        if written.left_out > 0 {
            errors::warn(
                environment,
                &format!(
                    "{name} lacks what came last: there was no room for {} packets that may belong to it",
                    written.left_out
                ),
            );
        }
        if written.media_forgotten > 0 {
            errors::warn(
                environment,
                &format!(
                    "{name} lacks media: there was no room to remember {} of the addresses that calls named",
                    written.media_forgotten
                ),
            );
        }
        if written.withheld > 0 {
            let line = fill(environment.catalogue.word("withheld_line"), |placeholder| {
                Some(match placeholder {
                    "file" => name.clone(),
                    _ => written.withheld.to_string(),
                })
            });
            errors::note(environment, &line);
        }
        let line = fill(environment.catalogue.word("written_line"), |placeholder| {
            Some(match placeholder {
                "file" => name.clone(),
                "packets" => written.packets.to_string(),
                _ => written.commented.to_string(),
            })
        });
        errors::note(environment, &line);
    }
}
