//! The TLS secrets that a capture holds: what opens the connections of an extract goes with them, and nothing else does. What the
//! user gave beside the capture (`--keylog`) stays with the user.

use crate::frame::Segment;
use crate::hash::HashMap;
use crate::limits::MAX_TLS_SECRETS;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// What the client chose at random for a connection (RFC 8446 §4.1.2): key logs name connections by it.
type ClientRandom = [u8; 32];

/// Secrets, and the connections that they may open.
#[derive(Default)]
pub(super) struct Secrets {
    /// Whole lines of key logs.
    lines: BTreeMap<ClientRandom, Zeroizing<Vec<u8>>>,
    connections: HashMap<u64, Vec<ClientRandom>>,
}

/// Handshakes of one connection: it may be resumed or renegotiated.
const MAX_HANDSHAKES: usize = 8;

impl Secrets {
    /// Takes a key log.
    pub(super) fn keylog(&mut self, text: &[u8]) {
        for line in text.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii();
            let random = line.split(u8::is_ascii_whitespace).nth(1).and_then(random);
            let Some(random) = random else {
                continue;
            };
            let known = self.lines.contains_key(&random);
            if !known && self.lines.len() >= MAX_TLS_SECRETS {
                continue;
            }
            let lines = self.lines.entry(random).or_default();
            // A vector that grows leaves bytes behind that nobody wipes.
            let mut all = Zeroizing::new(Vec::with_capacity(lines.len() + line.len() + 1));
            all.extend_from_slice(lines);
            all.extend_from_slice(line);
            all.push(b'\n');
            *lines = all;
        }
    }

    /// Takes a segment: one that begins with a ClientHello says what the connection is called in key logs.
    pub(super) fn segment(&mut self, connection: u64, segment: &Segment<'_>) {
        // A handshake record (RFC 8446 §5.1), a ClientHello in it (§4): type, length, version, and then the random.
        let &[0x16, 3, _, _, _, 1, _, _, _, 3, _, ref rest @ ..] = segment.payload else {
            return;
        };
        let Some(random) = rest.first_chunk::<32>() else {
            return;
        };
        if self.connections.len() < MAX_TLS_SECRETS {
            let randoms = self.connections.entry(connection).or_default();
            if randoms.len() < MAX_HANDSHAKES && !randoms.contains(random) {
                randoms.push(*random);
            }
        }
    }

    /// The key log for some of the connections.
    pub(super) fn of(&self, is_wanted: impl Fn(u64) -> bool) -> Zeroizing<Vec<u8>> {
        let connections = self.connections.iter().filter(|(id, _)| is_wanted(**id));
        let mut wanted: Vec<_> = connections
            .flat_map(|(_, randoms)| randoms)
            .filter_map(|random| self.lines.get_key_value(random))
            .collect();
        wanted.sort_unstable_by_key(|(random, _)| **random);
        wanted.dedup_by_key(|(random, _)| **random);
        let len = wanted.iter().map(|(_, lines)| lines.len()).sum();
        let mut all = Zeroizing::new(Vec::with_capacity(len));
        for (_, lines) in wanted {
            all.extend_from_slice(lines);
        }
        all
    }
}

/// Secrets are never printed.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

fn random(hex: &[u8]) -> Option<ClientRandom> {
    let hex = std::str::from_utf8(hex).ok().filter(|it| it.len() == 64)?;
    let mut random = [0; 32];
    for (index, byte) in random.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(random)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Flow, Transport};
    use crate::frame::TcpFlags;

    #[test]
    fn only_the_secrets_of_wanted_connections_are_handed_on() {
        let mut secrets = Secrets::default();
        let line = |byte: &str| format!("CLIENT_RANDOM {} 00ff\n", byte.repeat(32));
        let log = format!("# a log\n{}{}RSA 0011 22\n", line("aa"), line("bb"));
        secrets.keylog(log.as_bytes());
        for (id, byte) in [(1, 0xaa), (2, 0xbb), (3, 0xcc), (4, 0xaa)] {
            let head = [0x16, 3, 1, 0, 99, 1, 0, 0, 90, 3, 3];
            let payload = [&head[..], &[byte; 32], &[0; 20]].concat();
            secrets.segment(
                id,
                &Segment {
                    flow: Flow {
                        src: "192.0.2.1:40000".parse().unwrap(),
                        dst: "192.0.2.2:5061".parse().unwrap(),
                        transport: Transport::Tcp,
                    },
                    identification: None,
                    ttl: 64,
                    sequence: 1,
                    acknowledgment: 1,
                    flags: TcpFlags::default(),
                    payload: &payload,
                    missing: 0,
                },
            );
        }
        assert_eq!(*secrets.of(|id| id != 2), line("aa").into_bytes());
        assert_eq!(
            *secrets.of(|_| true),
            (line("aa") + &line("bb")).into_bytes()
        );
        assert!(secrets.of(|id| id == 3).is_empty());
        assert!(!format!("{secrets:?}").contains("170"));
    }
}
