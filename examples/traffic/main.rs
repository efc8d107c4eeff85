//! Writes the captures that the benchmarks read: the same bytes for the same arguments on every machine.
//!
//! ```text
//! cargo run --release --example traffic -- <KIND> <MESSAGES> <FILE>
//! ```
//!
//! | kind | what it holds |
//! |---|---|
//! | `udp` | SIP over UDP: calls with and without challenges, failures, cancels, registrations, pings |
//! | `media` | the same messages as a twentieth of the packets; the others are RTP |
//! | `tcp` | SIP over TCP, several messages in a segment and one over several |
//! | `lossy` | `udp`, of which every twentieth packet is lost, and what UDP sends again |
//! | `open` | calls that are all answered before the first ends: `MESSAGES` / 7 at once |
//! | `fragments` | `udp`, every message in two or three IP fragments |
//! | `one-call-id` | `udp` as a flood: all have the same Call-ID |
//! | `one-branch` | `udp` as a flood: all requests have the same branch |
//! | `one-source` | `udp` as a flood: all come from one address |
//! | `one-tag` | `udp` as a flood: all requests have the same From tag |
#![allow(missing_docs, clippy::print_stderr, clippy::cast_possible_truncation)]

mod capture;
mod scenario;
mod text;

use capture::Capture;
use std::process::ExitCode;

const SECOND: u64 = 1_000_000;
const MILLISECOND: u64 = 1_000;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let parsed = match arguments.as_slice() {
        [kind, messages, file] => Kind::of(kind).zip(messages.parse().ok()).zip(Some(file)),
        _ => None,
    };
    let Some(((kind, messages), file)) = parsed else {
        let kinds = Kind::ALL.map(|(name, _)| name).join("|");
        eprintln!("usage: traffic <{kinds}> <MESSAGES> <FILE>");
        return ExitCode::from(2);
    };
    match Capture::create(file, kind).and_then(|capture| capture.fill(messages)) {
        Ok(packets) => {
            eprintln!("{file}: {messages} messages, {packets} packets");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{file}: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Udp,
    Media,
    Tcp,
    Lossy,
    Open,
    Fragments,
    OneCallId,
    OneBranch,
    OneSource,
    OneTag,
}

impl Kind {
    const ALL: [(&str, Self); 10] = [
        ("udp", Self::Udp),
        ("media", Self::Media),
        ("tcp", Self::Tcp),
        ("lossy", Self::Lossy),
        ("open", Self::Open),
        ("fragments", Self::Fragments),
        ("one-call-id", Self::OneCallId),
        ("one-branch", Self::OneBranch),
        ("one-source", Self::OneSource),
        ("one-tag", Self::OneTag),
    ];

    fn of(name: &str) -> Option<Self> {
        let (_, kind) = Self::ALL.iter().find(|(known, _)| *known == name)?;
        Some(*kind)
    }
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % limit.max(1)
    }
}
