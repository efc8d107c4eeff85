//! The lines of NSS's key log format, which SSLKEYLOGFILE names and RFC 9850 describes.

use super::schedule::{MASTER, Secret};
use super::secrets::Secrets;
use crate::limits::MAX_KEYLOG_LINE;
use memchr::memchr;
use zeroize::{Zeroize, Zeroizing};

/// Which secret of a connection a line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// The master secret of TLS 1.2 and older.
    Master,
    /// What protects early data (RFC 8446 §7.1).
    EarlyTraffic,
    /// What protects the client's handshake.
    ClientHandshake,
    /// What protects the server's handshake.
    ServerHandshake,
    /// What protects the client's application data until the first key update.
    ClientTraffic,
    /// What protects the server's application data until the first key update.
    ServerTraffic,
}

impl Label {
    pub(super) const COUNT: usize = 6;

    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

/// The labels that give a secret of a connection, by its client random.
const LABELS: &[(&[u8], Label)] = &[
    (b"CLIENT_RANDOM", Label::Master),
    (b"CLIENT_EARLY_TRAFFIC_SECRET", Label::EarlyTraffic),
    (b"CLIENT_HANDSHAKE_TRAFFIC_SECRET", Label::ClientHandshake),
    (b"SERVER_HANDSHAKE_TRAFFIC_SECRET", Label::ServerHandshake),
    (b"CLIENT_TRAFFIC_SECRET_0", Label::ClientTraffic),
    (b"SERVER_TRAFFIC_SECRET_0", Label::ServerTraffic),
];

/// The labels that are well known and protect no records.
const IDLE: &[&[u8]] = &[
    b"EXPORTER_SECRET",
    b"EARLY_EXPORTER_SECRET",
    b"EARLY_EXPORTER_MASTER_SECRET",
    b"ECH_SECRET",
    b"ECH_CONFIG",
];

/// What became of the lines of a key log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeylogOutcome {
    /// Lines that gave a secret.
    pub used: u64,
    /// Comments, empty lines, and secrets that protect no records.
    pub ignored: u64,
    /// Lines that are none of these.
    pub not_understood: u64,
}

/// Reads a key log that is still growing: keeps the start of a line until its end has come.
#[derive(Default)]
pub struct Keylog {
    started: Zeroizing<Vec<u8>>,
    /// Whether the line is already too long, and the rest of it is to be passed over.
    overlong: bool,
}

impl Keylog {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what was added to the file since the last call, and puts the secrets of whole lines into `secrets`.
    pub fn feed(&mut self, mut text: &[u8], secrets: &mut Secrets) -> KeylogOutcome {
        let mut outcome = KeylogOutcome::default();
        while let Some(end) = memchr(b'\n', text) {
            let (line, rest) = text.split_at(end);
            text = rest.get(1..).unwrap_or_default();
            if self.started.is_empty() && !self.overlong {
                read(line, secrets, &mut outcome);
            } else {
                self.keep(line);
                self.end(secrets, &mut outcome);
            }
        }
        self.keep(text);
        outcome
    }

    /// Reads a last line that has no end.
    pub fn finish(&mut self, secrets: &mut Secrets) -> KeylogOutcome {
        let mut outcome = KeylogOutcome::default();
        if !self.started.is_empty() || self.overlong {
            self.end(secrets, &mut outcome);
        }
        outcome
    }

    fn keep(&mut self, text: &[u8]) {
        if self.started.capacity() == 0 && !text.is_empty() {
            // Once and for all: bytes that a growing vector leaves behind would not be wiped.
            self.started.reserve_exact(MAX_KEYLOG_LINE);
        }
        if self.started.len() + text.len() > MAX_KEYLOG_LINE {
            self.overlong = true;
        }
        if self.overlong {
            self.started.zeroize();
        } else {
            self.started.extend_from_slice(text);
        }
    }

    fn end(&mut self, secrets: &mut Secrets, outcome: &mut KeylogOutcome) {
        if self.overlong {
            outcome.not_understood += 1;
        } else {
            read(&self.started, secrets, outcome);
        }
        self.started.zeroize();
        self.overlong = false;
    }
}

fn read(line: &[u8], secrets: &mut Secrets, outcome: &mut KeylogOutcome) {
    let line = line.trim_ascii();
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let label = words.next().unwrap_or_default();
    if line.is_empty() || label.starts_with(b"#") || IDLE.contains(&label) {
        outcome.ignored += 1;
        return;
    }
    let used = (|| {
        let (key, value) = (unhex(words.next()?)?, unhex(words.next()?)?);
        if words.next().is_some() {
            return None;
        }
        if label == b"RSA" {
            let key = <[u8; 8]>::try_from(key.as_slice()).ok()?;
            return (value.len() == MASTER)
                .then(|| secrets.add_premaster(key, Secret::from(value)));
        }
        let (_, label) = LABELS.iter().find(|(name, _)| *name == label)?;
        let random = <[u8; 32]>::try_from(key.as_slice()).ok()?;
        let fits = match label {
            Label::Master => value.len() == MASTER,
            // As long as the hash of the suite: SHA-256 or SHA-384.
            _ => matches!(value.len(), 32 | 48),
        };
        fits.then(|| secrets.add(random, *label, Secret::from(value)))
    })();
    match used {
        Some(()) => outcome.used += 1,
        None => outcome.not_understood += 1,
    }
}

fn unhex(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (pairs, []) = text.as_chunks::<2>() else {
        return None;
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(pairs.len()));
    for &[high, low] in pairs {
        let digit = |byte| char::from(byte).to_digit(16);
        bytes.push(u8::try_from(digit(high)? << 4 | digit(low)?).ok()?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(label: &str, key: usize, value: usize) -> String {
        format!("{label} {} {}", "0a".repeat(key), "Bc".repeat(value))
    }

    #[test]
    fn each_label_with_its_length_is_used_and_nothing_else() {
        let mut secrets = Secrets::default();
        let text = [
            line("CLIENT_RANDOM", 32, 48),
            line("RSA", 8, 48) + "\r",
            line("CLIENT_TRAFFIC_SECRET_0", 32, 32),
            line("SERVER_HANDSHAKE_TRAFFIC_SECRET", 32, 48),
            "# a comment".into(),
            String::new(),
            line("EXPORTER_SECRET", 32, 32),
            line("CLIENT_RANDOM", 32, 47),
            line("CLIENT_RANDOM", 31, 48),
            line("CLIENT_TRAFFIC_SECRET_0", 32, 40),
            line("CLIENT_RANDOM", 32, 48) + " more",
            line("SOMETHING", 32, 48),
            "CLIENT_RANDOM xy zz".into(),
            "CLIENT_RANDOM".into(),
        ];
        let outcome = secrets.add_keylog(text.join("\n").as_bytes());
        let expected = KeylogOutcome {
            used: 4,
            ignored: 3,
            not_understood: 7,
        };
        assert_eq!(outcome, expected);
        assert_eq!(
            secrets.get(&[10; 32], Label::Master).unwrap().bytes(),
            [0xbc; 48]
        );
        assert!(secrets.get(&[10; 32], Label::ServerTraffic).is_none());
        assert!(secrets.get(&[11; 32], Label::Master).is_none());
    }

    #[test]
    fn a_file_that_grows_is_read_whatever_the_pieces() {
        let text = format!(
            "{}\r\n{}\n\n{}",
            line("CLIENT_RANDOM", 32, 48),
            line("SERVER_TRAFFIC_SECRET_0", 32, 32),
            line("CLIENT_TRAFFIC_SECRET_0", 32, 32)
        );
        for at in 0..=text.len() {
            let mut secrets = Secrets::default();
            let mut keylog = Keylog::new();
            let (first, second) = text.as_bytes().split_at(at);
            let mut used = keylog.feed(first, &mut secrets).used;
            used += keylog.feed(second, &mut secrets).used;
            assert_eq!(used, 2, "the last line may go on");
            assert_eq!(keylog.finish(&mut secrets).used, 1);
        }
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let mut secrets = Secrets::default();
        let mut keylog = Keylog::new();
        for _ in 0..100 {
            keylog.feed(&[b'A'; 1000], &mut secrets);
            assert!(keylog.started.capacity() <= MAX_KEYLOG_LINE);
        }
        let rest = format!("A\n{}\n", line("CLIENT_RANDOM", 32, 48));
        let outcome = keylog.feed(rest.as_bytes(), &mut secrets);
        assert_eq!((outcome.used, outcome.not_understood), (1, 1));
    }
}
