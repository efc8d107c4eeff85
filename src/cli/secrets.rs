//! The TLS secrets that the command line names.

use super::args::DiagnosisOptions;
use super::environment::Environment;
use super::errors;
use crate::reassembly::tls::{Keylog, KeylogOutcome, Secrets};
use anyhow::Context;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How often a key log is looked at for more.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Bytes read of a key log at a time.
const CHUNK: usize = 64 * 1024;

/// Key logs and keys of the command line.
pub(super) struct GivenSecrets {
    logs: Vec<Log>,
    keys: Vec<PathBuf>,
    /// Whether the key logs may grow while packets come.
    live: bool,
    looked: Instant,
}

/// A key log, which in `live` may not be there yet.
struct Log {
    path: PathBuf,
    file: Option<File>,
    read: u64,
    keylog: Keylog,
}

impl GivenSecrets {
    /// Opens the key logs. In `live` one that is not there yet is waited for.
    pub(super) fn open(options: &DiagnosisOptions, live: bool) -> anyhow::Result<Self> {
        let logs = options.keylog.iter().map(|path| Log::open(path, live));
        Ok(Self {
            logs: logs.collect::<anyhow::Result<_>>()?,
            keys: options.tls_key.clone(),
            live,
            looked: Instant::now(),
        })
    }

    /// Reads what is there, and says when a file is not what it should be.
    pub(super) fn load(
        &mut self,
        secrets: &mut Secrets,
        environment: &Environment,
    ) -> anyhow::Result<()> {
        for path in &self.keys {
            let pem = std::fs::read(path)
                .with_context(|| format!("cannot read the key {}", path.display()))?;
            secrets
                .add_rsa_key(&Zeroizing::new(pem))
                .with_context(|| format!("cannot use the key {}", path.display()))?;
        }
        for log in &mut self.logs {
            let mut outcome = log
                .more(secrets)
                .with_context(|| format!("cannot read the key log {}", log.path.display()))?;
            if !self.live {
                let last = log.keylog.finish(secrets);
                outcome.used += last.used;
                outcome.not_understood += last.not_understood;
            }
            if let Some(complaint) = complaint(&outcome, self.live) {
                errors::warn(environment, &format!("{}: {complaint}", log.path.display()));
            }
        }
        if self.logs.is_empty() || !self.live {
            secrets.complete();
        }
        Ok(())
    }

    /// Reads what was added to the key logs, now and then; whether there was anything.
    pub(super) fn grow(&mut self, secrets: &mut Secrets) -> bool {
        if !self.live || self.logs.is_empty() || self.looked.elapsed() < LOOK_EVERY {
            return false;
        }
        self.looked = Instant::now();
        let mut used = 0;
        for log in &mut self.logs {
            // A file that cannot be read at this moment may be there again the next time.
            used += log.more(secrets).map_or(0, |outcome| outcome.used);
        }
        used > 0
    }
}

/// What to say of a key log that does not help.
fn complaint(outcome: &KeylogOutcome, live: bool) -> Option<String> {
    match (outcome.used, outcome.not_understood) {
        (0, 0) if live => None,
        (0, 0) => Some("no TLS secrets in it".to_owned()),
        (0, wrong) => Some(format!(
            "no TLS secrets in it, and {wrong} lines that are no key log as SSLKEYLOGFILE writes it"
        )),
        (_, 0) => None,
        (used, wrong) => Some(format!(
            "{used} secrets, and {wrong} lines that are not understood"
        )),
    }
}

impl Log {
    fn open(path: &Path, live: bool) -> anyhow::Result<Self> {
        let file = match File::open(path) {
            Ok(file) => Some(file),
            Err(error) if live && error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot read the key log {}", path.display()));
            }
        };
        Ok(Self {
            path: path.to_owned(),
            file,
            read: 0,
            keylog: Keylog::new(),
        })
    }

    /// Reads from where the last time ended; from the beginning when the file was made anew.
    fn more(&mut self, secrets: &mut Secrets) -> io::Result<KeylogOutcome> {
        let mut outcome = KeylogOutcome::default();
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let Some(file) = &mut self.file else {
            return Ok(outcome);
        };
        let metadata = file.metadata()?;
        if metadata.is_file() && metadata.len() < self.read {
            file.seek(SeekFrom::Start(0))?;
            self.read = 0;
        }
        let mut chunk = Zeroizing::new(vec![0; CHUNK]);
        loop {
            let count = file.read(&mut chunk)?;
            let Some(text) = chunk.get(..count).filter(|text| !text.is_empty()) else {
                return Ok(outcome);
            };
            self.read += count as u64;
            let found = self.keylog.feed(text, secrets);
            outcome.used += found.used;
            outcome.not_understood += found.not_understood;
        }
    }
}
