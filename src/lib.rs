//! Reads SIP from captures and interfaces and says what happened, why, and what to do.
//!
//! ```text
//!                  main.rs            three lines
//!                     │
//!                    cli              the only room with stdout, stderr, environment, terminal, signals, clock
//!         ┌───────────┼──────────────────────────────┐
//!         ▼           ▼                              ▼
//!      capture ──► engine ──► selection ──► Report ─► report ──► bytes      one file a format
//!      file·live·hep  │                        └────► extract ─► packets    of the selected calls
//!                     ▼ wires the rooms below         ▲ words       redact: what stands for names, at the way in
//!   packet bytes    frame ─► reassembly ─► sip ─► transaction ─► dialog ─► rules     catalogue
//!   + time          link,    SIP framing   lexer   RFC 3261       calls,   one file   words and codes
//!                   IP, UDP                typed   §17 timers     peers    a finding  as data, a folder
//!                   TCP ICMP                                                          a language
//!   ───────────── foundations: address · fetch · flow · hash · limits · severity · text · thresholds · time · workers ──
//! ```
//!
//! Import arrows point left and down only; `tests/architecture.rs` reads the `use` lines and fails on any other.
//!
//! | room | contract in one sentence |
//! |---|---|
//! | [`capture`] | Yields packets from files, stdin, interfaces and HEP agents, with drop counts and damage; gives up privileges once open. |
//! | [`frame`] | Peels one packet to a UDP datagram, a TCP segment or an ICMP error with its quote, or says why it stopped. |
//! | [`reassembly`] | Cuts SIP messages out of datagrams and segments. |
//! | [`sip`] | Cuts and types one message: start line, header fields (long and compact), body, oddities. |
//! | [`redact`] | Says what stands for a name, a number, an address or a message, as long as it, and the way back. |
//! | [`transaction`] | Says what a message is found by (`Keys`) and what it gives (`Draft`), matches messages into transactions, tells new from retransmitted from captured-twice, says how each ended; keeps its messages until they are judged, packed where their call lasts. |
//! | [`dialog`] | Groups transactions into calls, attempts and dialogs with their offers and answers, and keeps what crosses Call-IDs: legs, hosts heard, keep-alives, registrations, connections, NATs, who sends much, defects of format. |
//! | [`rules`] | Pure functions from finished facts to findings, a folder a family: a code and facts, never prose; then which finding explains which other, and what the user's policy makes of it. |
//! | [`catalogue`] | Every word about a code or a finding, by language. |
//! | [`engine`] | `packet`, `advance(now)`, `finish`: runs the rooms in order; its `Intake` opens packets, puts together what several hold, finds out what a message tells by itself and brings all of it into the order of time, knowing no calls, so that a thread that reads ahead can have it; no I/O, no clock. |
//! | [`selection`] | Says which calls were asked for, and hands on to an observer only what belongs to them, from their first message. |
//! | [`extract`] | Writes the packets of the selected calls as pcapng, with what was found about each beside it. |
//! | [`report`] | Writes a report, or streams its records, in one format, escaped for its medium. |
//! | [`cli`] | Turns arguments into a source, an engine and a renderer, and errors into messages that say what to do. |
//!
//! What comes next has its place: RTP goes into a room `media` beside `dialog`; a finding is one file in `rules`, a format
//! one in `report`.

pub mod address;
pub mod capture;
pub mod catalogue;
pub mod cli;
pub mod dialog;
pub mod engine;
pub mod extract;
pub mod fetch;
pub mod flow;
pub mod frame;
pub mod hash;
pub mod limits;
pub mod reassembly;
pub mod redact;
pub mod report;
pub mod rules;
pub mod selection;
pub mod severity;
pub mod sip;
pub mod text;
pub mod thresholds;
pub mod time;
pub mod transaction;
pub mod workers;
