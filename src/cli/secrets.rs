//! The TLS secrets that the command line names.

use super::args::DiagnosisOptions;
use super::environment::Environment;
use super::errors::{self, WrongUse};
use crate::reassembly::tls::{Keylog, KeylogOutcome, Secrets};
use anyhow::Context;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tracing::info;
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
            info!("{}: an RSA key", path.display());
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
            info!("{}: {} TLS secrets", log.path.display(), outcome.used);
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
        // Reading a pipe waits for its writer, and packets would wait as well.
        if live && std::fs::metadata(path).is_ok_and(|it| !it.is_file()) {
            return Err(WrongUse {
                headline: format!("the key log {} is no file", path.display()),
                help: Some(
                    "live reads a key log while it grows: let it be written to a file".to_owned(),
                ),
            }
            .into());
        }
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

    /// Whether another file has its name now, or it was not there yet.
    fn is_replaced(&self) -> bool {
        let Some(file) = &self.file else {
            return true;
        };
        match (file.metadata(), std::fs::metadata(&self.path)) {
            (Ok(opened), Ok(named)) => {
                (opened.dev(), opened.ino()) != (named.dev(), named.ino()) && named.is_file()
            }
            _ => false,
        }
    }

    /// Reads from where the last time ended; from the beginning when the file was made anew.
    fn more(&mut self, secrets: &mut Secrets) -> io::Result<KeylogOutcome> {
        let mut outcome = KeylogOutcome::default();
        if self.is_replaced() {
            self.file = File::open(&self.path).ok();
            self.read = 0;
            self.keylog = Keylog::new();
        }
        let Some(file) = &mut self.file else {
            return Ok(outcome);
        };
        let metadata = file.metadata()?;
        if metadata.is_file() && metadata.len() < self.read {
            file.seek(SeekFrom::Start(0))?;
            self.read = 0;
            self.keylog = Keylog::new();
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn line(byte: u8) -> String {
        format!("CLIENT_RANDOM {} {}\n", hex(byte, 32), hex(byte, 48))
    }

    fn hex(byte: u8, len: usize) -> String {
        format!("{byte:02x}").repeat(len)
    }

    #[test]
    fn a_key_log_is_followed_when_it_comes_late_grows_is_cut_and_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.txt");
        let mut secrets = Secrets::new();
        let mut log = Log::open(&path, true).unwrap();
        let mut used = |log: &mut Log| log.more(&mut secrets).unwrap().used;
        assert_eq!(used(&mut log), 0, "not there yet");
        let (first, second) = (line(1), line(2));
        std::fs::write(&path, &first[..100]).unwrap();
        assert_eq!(used(&mut log), 0, "half a line");
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(&first.as_bytes()[100..]).unwrap();
        file.write_all(second.as_bytes()).unwrap();
        assert_eq!(used(&mut log), 2);
        std::fs::write(&path, line(3)).unwrap();
        assert_eq!(used(&mut log), 1, "cut and written anew");
        let other = folder.path().join("other.txt");
        std::fs::write(&other, line(4) + &line(5) + &line(6)).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(used(&mut log), 3, "another file has its name");
    }

    #[test]
    fn a_key_log_that_is_no_file_is_refused_where_it_must_grow() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Log::open(folder.path(), true).is_err());
        assert!(Log::open(&folder.path().join("none"), false).is_err());
    }
}
