//! The arguments.

use super::selection::SelectionOptions;
use super::thresholds::ThresholdOptions;
#[cfg(feature = "live")]
use crate::capture::hep::{HepAddress, Network};
use crate::report::{Alias, Format, RecordKind};
use crate::rules::Named;
use crate::severity::Severity;
#[cfg(feature = "live")]
use crate::thresholds::duration;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::num::NonZero;
use std::path::PathBuf;
#[cfg(feature = "live")]
use std::time::Duration;

/// What everybody learns first, as far as this build can do it.
const EXAMPLES: &str = if cfg!(feature = "live") {
    "  sipdiag read trace.pcap        diagnose a capture\n  sipdiag live eth0              diagnose an interface\n  sipdiag flow trace.pcap        draw its calls"
} else {
    "  sipdiag read trace.pcap        diagnose a capture\n  sipdiag flow trace.pcap        draw its calls"
};

/// Reads SIP from captures and interfaces and says what happened, why, and what to do.
#[derive(Debug, Parser)]
#[command(
    name = "sipdiag",
    version,
    about,
    max_term_width = 100,
    before_help = EXAMPLES,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) display: Display,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Args)]
pub(super) struct Display {
    #[arg(
        long,
        global = true,
        value_name = "CODE",
        value_parser = language,
        help_heading = "Output",
        help = format!("Language of the words: {} [default: from LC_ALL, LC_MESSAGES, LANG]", languages())
    )]
    pub(super) lang: Option<crate::catalogue::Language>,
    /// When to use colours
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    pub(super) color: ColorWhen,
    /// No remarks on stderr, only errors
    #[arg(short, long, global = true, help_heading = "Output")]
    pub(super) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorWhen {
    Auto,
    Always,
    Never,
}

#[allow(clippy::large_enum_variant, reason = "there is one in a run")]
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Diagnose captures; several files are one capture, merged by time; - is stdin
    #[command(
        before_help = "  sipdiag read trace.pcap\n  sipdiag read trace.pcap --from 'alice*' --code 4xx -w calls.pcapng\n  sipdiag read --format ndjson a.pcapng.gz b.pcap.zst | jq 'select(.record==\"finding\")'"
    )]
    Read(ReadOptions),
    /// Diagnose interfaces, or what HEP agents send, until Ctrl-C, --duration or --count
    #[cfg(feature = "live")]
    #[command(
        before_help = "  sipdiag live eth0\n  sipdiag live any -f 'port 5060' --duration 5m\n  sipdiag live eth0 --problems -w problems.pcapng\n  sipdiag live --hep udp://0.0.0.0:9060 --hep-allow 192.0.2.0/24"
    )]
    Live(LiveOptions),
    /// Draw the ladders of calls, each finding beside its message: the worst calls, or those selected
    #[command(
        before_help = "  sipdiag flow trace.pcap\n  sipdiag flow trace.pcap --from 'alice*' --raw | less -R\n  sipdiag flow trace.pcap --call-id 'a1b2*' --alias 192.0.2.1=sbc --format mermaid"
    )]
    Flow(FlowOptions),
    /// Explain a response code, Warning code, Q.850 cause, timer, method or finding
    #[command(
        before_help = "  sipdiag explain 401\n  sipdiag explain W304 Q17 timer-b INVITE auth-loop"
    )]
    Explain(ExplainOptions),
    /// Two codes side by side: differences, when each is sent, the test that tells them apart
    #[command(before_help = "  sipdiag compare 401 407\n  sipdiag compare 480 408")]
    Compare(CompareOptions),
    /// The catalogue of response codes as a list
    #[command(before_help = "  sipdiag codes --class 4xx\n  sipdiag codes --search busy")]
    Codes(CodesOptions),
    /// Every finding that sipdiag can raise
    #[command(before_help = "  sipdiag findings\n  sipdiag findings --search auth")]
    Findings(FindingsOptions),
    /// What `live` can listen on, and whether this user may
    #[cfg_attr(not(feature = "live"), command(hide = true))]
    Interfaces,
    /// Write a completion script for a shell
    #[command(before_help = "  sipdiag completions bash > /etc/bash_completion.d/sipdiag")]
    Completions(CompletionsOptions),
    /// Write the man page
    Man,
}

#[derive(Debug, Args)]
pub(super) struct ReadOptions {
    /// Captures: pcap or pcapng, also gzip or zstd; - is stdin
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Threads: with 1, everything in one; more than 2 do not help [default: as many as help]
    #[arg(long, value_name = "N", help_heading = "Resources")]
    pub(super) threads: Option<NonZero<usize>>,
    #[command(flatten)]
    pub(super) diagnosis: DiagnosisOptions,
}

#[derive(Debug, Args)]
pub(super) struct FlowOptions {
    /// Captures: pcap or pcapng, also gzip or zstd; - is stdin
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// The messages themselves below their arrows, without secrets
    #[arg(long, help_heading = "Output")]
    pub(super) raw: bool,
    /// Threads: with 1, everything in one; more than 2 do not help [default: as many as help]
    #[arg(long, value_name = "N", help_heading = "Resources")]
    pub(super) threads: Option<NonZero<usize>>,
    #[command(flatten)]
    pub(super) diagnosis: DiagnosisOptions,
}

#[cfg(feature = "live")]
#[derive(Debug, Args)]
pub(super) struct LiveOptions {
    /// Interfaces to listen on, or `any`
    #[arg(required_unless_present = "hep", value_name = "INTERFACE")]
    pub(super) interfaces: Vec<String>,
    /// Listen for HEP, what Homer's agents send: udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT; repeatable
    #[arg(long, value_name = "URL", help_heading = "HEP")]
    pub(super) hep: Vec<HepAddress>,
    /// Only these may send HEP: an IP address or network such as 192.0.2.0/24; repeatable [default: everybody]
    #[arg(long, value_name = "NET", requires = "hep", help_heading = "HEP")]
    pub(super) hep_allow: Vec<Network>,
    /// Certificate chain for tls://, a PEM file
    #[arg(long, value_name = "PEM", requires_all = ["hep", "hep_key"], help_heading = "HEP")]
    pub(super) hep_cert: Option<PathBuf>,
    /// Private key of that certificate, a PEM file
    #[arg(long, value_name = "PEM", requires_all = ["hep", "hep_cert"], help_heading = "HEP")]
    pub(super) hep_key: Option<PathBuf>,
    /// End after this time, such as 30s, 5m or 1h
    #[arg(long, value_name = "DUR", value_parser = duration, help_heading = "Listening")]
    pub(super) duration: Option<Duration>,
    /// End after this many packets
    #[arg(long, value_name = "N", help_heading = "Listening")]
    pub(super) count: Option<u64>,
    /// Bytes to capture of each packet
    #[arg(long, value_name = "BYTES", default_value_t = 262_144, value_parser = clap::value_parser!(i32).range(64..=262_144), help_heading = "Listening")]
    pub(super) snaplen: i32,
    /// Kernel buffer in MiB for each interface
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(i32).range(1..=1024), help_heading = "Listening")]
    pub(super) buffer: i32,
    /// Do not put the interfaces into promiscuous mode
    #[arg(long, help_heading = "Listening")]
    pub(super) no_promiscuous: bool,
    /// Hand on each packet at once; loses packets on busy links
    #[arg(long, help_heading = "Listening")]
    pub(super) immediate: bool,
    #[command(flatten)]
    pub(super) diagnosis: DiagnosisOptions,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "wishes of a user, each independent of the others"
)]
#[derive(Debug, Args)]
pub(super) struct DiagnosisOptions {
    /// Capture filter in tcpdump's language, for files too
    #[cfg(feature = "live")]
    #[arg(short, long, value_name = "BPF", help_heading = "Input")]
    pub(super) filter: Option<String>,
    /// Memory for the messages of calls under way, such as 256M or 2G; beyond it, the calls that are silent longest are
    /// judged before their end, and counted [default: 512M]
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Resources")]
    pub(super) memory: Option<usize>,
    /// Every transaction in the table; with flow, every call
    #[arg(long, help_heading = "Output")]
    pub(super) all: bool,
    /// How to write
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "table",
        help_heading = "Output"
    )]
    pub(super) format: FormatName,
    /// No progress on stderr; there is none where it is no terminal
    #[arg(long, help_heading = "Output")]
    pub(super) no_progress: bool,
    /// Write to a file, whole or not at all
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(super) output: Option<PathBuf>,
    /// Write the packets of the selected calls as pcapng, the findings beside them as comments
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(super) write: Option<PathBuf>,
    /// Records that json, ndjson and csv write [default: all but message]; in csv the column `record` tells them apart
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        help_heading = "Output"
    )]
    pub(super) records: Vec<RecordName>,
    /// A name for a host, shown to people in the place of its address; repeatable
    #[arg(long, value_name = "ADDR=NAME", help_heading = "Output")]
    pub(super) alias: Vec<Alias>,
    /// Replace numbers, names, addresses, Call-IDs and keys in all that is written, in packets (-w) too: what can be handed
    /// on to others
    #[arg(long, help_heading = "Output")]
    pub(super) redact: bool,
    /// TLS secrets as SSLKEYLOGFILE has them; live may add to the file
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub(super) keylog: Vec<PathBuf>,
    /// Private RSA key of a TLS server, for connections with RSA key exchange
    #[arg(long, value_name = "PEM", help_heading = "Input")]
    pub(super) tls_key: Vec<PathBuf>,
    /// Test digest responses of USER in REALM with the password on the first line of FILE: proves whether the client has
    /// this password; repeatable. The password itself is refused: everybody could read it in the list of processes
    #[arg(long, value_name = "USER@REALM=@FILE", help_heading = "Input")]
    pub(super) sip_password: Vec<String>,
    /// Header field in which a B2BUA names the other leg's Call-ID, beside X-Call-ID, X-CID and the like
    #[arg(long, value_name = "NAME", help_heading = "Findings")]
    pub(super) leg_header: Vec<String>,
    /// Say nothing of these findings, by name or code, such as status-486; how many there were is told
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = finding, help_heading = "Findings")]
    pub(super) silence: Vec<Named>,
    /// Thresholds, severities and silenced findings [default: ~/.config/sipdiag/config.toml, where there is one]
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "no_config",
        help_heading = "Findings"
    )]
    pub(super) config: Option<PathBuf>,
    /// Read no configuration file
    #[arg(long, help_heading = "Findings")]
    pub(super) no_config: bool,
    /// Exit 1 when a finding of this severity or worse was raised
    #[arg(long, value_name = "SEVERITY", help_heading = "Findings")]
    pub(super) fail_on: Option<SeverityName>,
    #[command(flatten)]
    pub(super) selection: SelectionOptions,
    #[command(flatten)]
    pub(super) thresholds: ThresholdOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatName {
    Table,
    Json,
    Ndjson,
    Csv,
    Markdown,
    Html,
    Mermaid,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Table => Self::Table,
            FormatName::Json => Self::Json,
            FormatName::Ndjson => Self::Ndjson,
            FormatName::Csv => Self::Csv,
            FormatName::Markdown => Self::Markdown,
            FormatName::Html => Self::Html,
            FormatName::Mermaid => Self::Mermaid,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RecordName {
    Capture,
    Message,
    Transaction,
    Call,
    Registration,
    Finding,
    Summary,
}

impl From<RecordName> for RecordKind {
    fn from(name: RecordName) -> Self {
        match name {
            RecordName::Capture => Self::Capture,
            RecordName::Message => Self::Message,
            RecordName::Transaction => Self::Transaction,
            RecordName::Call => Self::Call,
            RecordName::Registration => Self::Registration,
            RecordName::Finding => Self::Finding,
            RecordName::Summary => Self::Summary,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SeverityName {
    Info,
    Warning,
    Error,
}

impl From<SeverityName> for Severity {
    fn from(name: SeverityName) -> Self {
        match name {
            SeverityName::Info => Self::Info,
            SeverityName::Warning => Self::Warning,
            SeverityName::Error => Self::Error,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct ExplainOptions {
    /// 401, 4xx, "busy here", W304, Q17, timer-b, INVITE, auth-loop, TXN003
    #[arg(required = true, value_name = "WHAT")]
    pub(super) what: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct CompareOptions {
    /// One code
    #[arg(value_name = "CODE")]
    pub(super) one: String,
    /// The other
    #[arg(value_name = "CODE")]
    pub(super) other: String,
}

#[derive(Debug, Args)]
pub(super) struct CodesOptions {
    /// Only one class, such as 4xx
    #[arg(long, value_name = "CLASS", value_parser = class)]
    pub(super) class: Option<u8>,
    /// Only those with this word in their text
    #[arg(long, value_name = "WORD")]
    pub(super) search: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct FindingsOptions {
    /// Only those with this word in their text
    #[arg(long, value_name = "WORD")]
    pub(super) search: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsOptions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(super) shell: clap_complete::Shell,
}

fn language(text: &str) -> Result<crate::catalogue::Language, String> {
    crate::catalogue::Language::of(text).ok_or_else(|| format!("there are {}", languages()))
}

/// The codes of all languages.
fn languages() -> String {
    let known: Vec<_> = crate::catalogue::Language::ALL
        .iter()
        .map(|it| it.code())
        .collect();
    known.join(", ")
}

/// `512M`, `2G`, `64k`, or bytes; at least a megabyte.
fn size(text: &str) -> Result<usize, String> {
    let unit = text
        .find(|it: char| !it.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return Err("sizes are written as 256M or 2G".to_owned()),
    };
    let number: usize =
        (number.parse()).map_err(|_| "sizes are written as 256M or 2G".to_owned())?;
    match number.checked_mul(1 << shift) {
        Some(bytes) if bytes >= 1 << 20 => Ok(bytes),
        Some(_) => Err("it is less than a megabyte, in which no call fits".to_owned()),
        None => Err("no machine has that much".to_owned()),
    }
}

/// `4xx` or `4`.
fn class(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [digit @ b'1'..=b'6'] | [digit @ b'1'..=b'6', b'x' | b'X', b'x' | b'X'] => Ok(digit - b'0'),
        _ => Err("a class is 1xx, 2xx, 3xx, 4xx, 5xx or 6xx".to_owned()),
    }
}

/// A name or code, or what may have been meant.
fn finding(text: &str) -> Result<Named, String> {
    Named::parse(text).map_err(|error| format!("{error}; {}", error.help()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_definition_is_sound() {
        super::super::command().debug_assert();
    }
}
