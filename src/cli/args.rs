//! The arguments.

use super::complete;
use super::selection::SelectionOptions;
use super::thresholds::ThresholdOptions;
#[cfg(feature = "live")]
use super::values::packets;
use super::values::{
    class, finding, format, header_name, language, languages, record, severity, size, threads,
};
#[cfg(feature = "live")]
use crate::capture::hep::{HepAddress, Network};
use crate::report::{Alias, Format, RecordKind};
use crate::rules::Named;
use crate::severity::Severity;
#[cfg(feature = "live")]
use crate::thresholds::duration;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::engine::ArgValueCompleter;
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
    disable_help_flag = true,
    disable_version_flag = true,
    subcommand_required = true,
    arg_required_else_help = true,
    args_override_self = true
)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) display: Display,
    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = "Output", display_order = 905)]
    version: Option<bool>,
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
        add = ArgValueCompleter::new(complete::languages),
        help_heading = "Output",
        display_order = 900,
        help = format!("Language: {}", languages()),
        long_help = format!("Language of the words: {} [default: from LC_ALL, LC_MESSAGES, LANG]", languages())
    )]
    pub(super) lang: Option<crate::catalogue::Language>,
    /// When to use colours; NO_COLOR is honoured
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        ignore_case = true,
        help_heading = "Output",
        display_order = 901,
        hide_short_help = true
    )]
    pub(super) color: ColorWhen,
    /// No pager where the answer is longer than the screen
    ///
    /// The pager is $SIPDIAG_PAGER, else $PAGER, else less; `cat` or nothing in them means none.
    #[arg(
        long,
        global = true,
        help_heading = "Output",
        display_order = 902,
        hide_short_help = true
    )]
    pub(super) no_pager: bool,
    /// No remarks on stderr, only errors
    #[arg(
        short,
        long,
        global = true,
        help_heading = "Output",
        display_order = 903
    )]
    pub(super) quiet: bool,
    #[arg(
        short,
        long,
        global = true,
        action = ArgAction::Help,
        help = "This help; --help has more options",
        long_help = "Help: -h has what is needed most, --help a line for each option, sipdiag help COMMAND all there is to say",
        help_heading = "Output",
        display_order = 904
    )]
    help: Option<bool>,
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
    /// Diagnose captures; several are merged by time; - is stdin
    ///
    /// Ctrl-C ends the input, and the report of what was read comes; of a pipe what it still brings within two seconds is read too. A
    /// second Ctrl-C ends sipdiag.
    #[command(
        before_help = "  sipdiag read trace.pcap\n  sipdiag read trace.pcap --from 'alice*' --code 4xx -w calls.pcapng\n  sipdiag read --format html -o report.html a.pcapng.gz b.pcap.zst"
    )]
    Read(FileOptions),
    /// Diagnose interfaces or HEP agents until Ctrl-C or --duration
    #[cfg(feature = "live")]
    #[command(
        before_help = "  sipdiag live eth0\n  sipdiag live any -f 'port 5060' --duration 5m\n  sipdiag live eth0 --problems -w problems.pcapng\n  sipdiag live --hep udp://0.0.0.0:9060 --hep-allow 192.0.2.0/24"
    )]
    Live(LiveOptions),
    /// Draw the ladders of the worst calls, or of those selected
    ///
    /// Ctrl-C ends the input, as in `sipdiag read`, and the ladders of what was read come.
    #[command(
        before_help = "  sipdiag flow trace.pcap\n  sipdiag flow trace.pcap --from 'alice*' --raw\n  sipdiag flow trace.pcap --alias 192.0.2.1=sbc --format mermaid"
    )]
    Flow(FlowOptions),
    /// Explain a code, cause, timer, method, TLS alert or finding
    #[command(
        before_help = "  sipdiag explain 401\n  sipdiag explain W304 Q17 timer-b INVITE auth-loop"
    )]
    Explain(ExplainOptions),
    /// Two codes side by side, and the test that tells them apart
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
    #[command(before_help = "  sipdiag interfaces")]
    Interfaces,
    /// Write a completion script for a shell
    #[command(
        before_help = "  source <(sipdiag completions bash)\n  sipdiag completions fish > ~/.config/fish/completions/sipdiag.fish"
    )]
    Completions(CompletionsOptions),
    /// Write the man pages: one, or all into a folder
    #[command(
        before_help = "  sipdiag man read | man -l -\n  sipdiag man --dir ~/.local/share/man/man1"
    )]
    Man(ManOptions),
}

/// What `read` is given, and `flow` too.
#[derive(Debug, Args)]
pub(super) struct FileOptions {
    /// Captures: pcap, pcapng or snoop, also gzip or zstd; - is stdin
    #[arg(
        required = true,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        hide_short_help = true
    )]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) diagnosis: DiagnosisOptions,
}

#[derive(Debug, Args)]
pub(super) struct FlowOptions {
    #[command(flatten)]
    pub(super) input: FileOptions,
    /// The messages themselves too, without secrets
    ///
    /// But for a 100 Trying, which goes from hop to hop and whose text is never kept.
    #[arg(long, help_heading = "Output")]
    pub(super) raw: bool,
}

#[cfg(feature = "live")]
#[derive(Debug, Args)]
pub(super) struct LiveOptions {
    /// Interfaces to listen on, or `any`
    #[arg(
        required_unless_present = "hep",
        value_name = "INTERFACE",
        add = ArgValueCompleter::new(complete::interfaces),
        hide_short_help = true
    )]
    pub(super) interfaces: Vec<String>,
    /// Listen for HEP: udp://, tcp:// or tls://HOST:PORT
    ///
    /// It is what Homer's agents send (heplify, Kamailio, FreeSWITCH, rtpengine); repeatable.
    #[arg(long, value_name = "URL", help_heading = "Listening")]
    pub(super) hep: Vec<HepAddress>,
    /// Only these may send HEP: an IP address or network such as 192.0.2.0/24; repeatable [default: everybody]
    #[arg(
        long,
        value_name = "NET",
        requires = "hep",
        help_heading = "Listening",
        hide_short_help = true
    )]
    pub(super) hep_allow: Vec<Network>,
    /// Certificate chain for tls://, a PEM file
    #[arg(long, value_name = "PEM", requires_all = ["hep", "hep_key"], value_hint = ValueHint::FilePath, help_heading = "Listening", hide_short_help = true)]
    pub(super) hep_cert: Option<PathBuf>,
    /// Private key of that certificate, a PEM file
    #[arg(long, value_name = "PEM", requires_all = ["hep", "hep_cert"], value_hint = ValueHint::FilePath, help_heading = "Listening", hide_short_help = true)]
    pub(super) hep_key: Option<PathBuf>,
    /// End after this time, such as 30s, 5m or 1h
    #[arg(long, value_name = "DUR", value_parser = duration, allow_hyphen_values = true, help_heading = "Listening")]
    pub(super) duration: Option<Duration>,
    /// End after this many packets
    #[arg(
        long,
        value_name = "N",
        value_parser = packets,
        allow_hyphen_values = true,
        help_heading = "Listening",
        hide_short_help = true
    )]
    pub(super) count: Option<u64>,
    /// Bytes to capture of each packet
    #[arg(long, value_name = "BYTES", default_value_t = 262_144, value_parser = clap::value_parser!(i32).range(64..=262_144), help_heading = "Listening", hide_short_help = true)]
    pub(super) snaplen: i32,
    /// Kernel buffer in MiB for each interface
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(i32).range(1..=1024), help_heading = "Listening", hide_short_help = true)]
    pub(super) buffer: i32,
    /// Do not put the interfaces into promiscuous mode
    #[arg(long, help_heading = "Listening", hide_short_help = true)]
    pub(super) no_promiscuous: bool,
    /// Hand on each packet at once; loses packets on busy links
    #[arg(long, help_heading = "Listening", hide_short_help = true)]
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
    /// TLS secrets as SSLKEYLOGFILE has them
    ///
    /// The file may still grow, and may come later than the packets, while `live` runs. Repeatable.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub(super) keylog: Vec<PathBuf>,
    /// RSA key of a TLS server
    ///
    /// Its private key opens connections with RSA key exchange, which is none of TLS 1.3.
    #[arg(
        long,
        value_name = "PEM",
        value_hint = ValueHint::FilePath,
        help_heading = "Input",
        hide_short_help = true
    )]
    pub(super) tls_key: Vec<PathBuf>,
    /// Whether a client has the password in FILE
    ///
    /// Digest responses of USER in REALM are computed anew with the first line of FILE; repeatable. The password itself is refused: everybody could read it in the list
    /// of processes.
    #[arg(
        long,
        value_name = "USER@REALM=@FILE",
        help_heading = "Input",
        hide_short_help = true
    )]
    pub(super) sip_password: Vec<String>,
    /// table, json, ndjson, csv, markdown, html or mermaid
    ///
    /// json and ndjson have the records of docs/schema.json, csv the same as rows; markdown is for tickets, html one file that
    /// opens anywhere, mermaid a diagram of the calls [default: table]
    #[arg(
        long,
        value_name = "FORMAT",
        value_parser = format(),
        ignore_case = true,
        default_value = Format::Table.name(),
        hide_default_value = true,
        hide_possible_values = true,
        help_heading = "Output"
    )]
    pub(super) format: Format,
    /// Write to a file, whole or not at all
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub(super) output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) packets: PacketOptions,
    /// All transactions; with flow, all calls
    #[arg(long, help_heading = "Output")]
    pub(super) all: bool,
    /// Records of json, ndjson, csv; default all but message
    ///
    /// In csv the column `record` tells them apart.
    #[arg(
        long,
        value_name = "LIST",
        value_parser = record(),
        ignore_case = true,
        value_delimiter = ',',
        help_heading = "Output",
        hide_short_help = true
    )]
    pub(super) records: Vec<RecordKind>,
    /// A name for a host, shown in the place of its address
    ///
    /// Only people see it: machine formats keep the address. Repeatable; [aliases] in the configuration does the same.
    #[arg(
        long,
        value_name = "ADDR=NAME",
        help_heading = "Output",
        hide_short_help = true
    )]
    pub(super) alias: Vec<Alias>,
    /// Replace numbers, names, addresses, Call-IDs and keys
    ///
    /// In all that is written, in packets (-w) too, always by the same: what can be handed on to others. docs/redaction.md says what
    /// stays.
    #[arg(long, help_heading = "Output")]
    pub(super) redact: bool,
    /// Exit 1 from this on: info, warning or error
    ///
    /// That is, when a finding of this severity or worse was raised; with a selection, about what was selected.
    #[arg(
        long,
        value_name = "SEVERITY",
        value_parser = severity(),
        ignore_case = true,
        hide_possible_values = true,
        help_heading = "Output"
    )]
    pub(super) fail_on: Option<Severity>,
    /// No progress on stderr, as where it is no terminal
    #[arg(long, help_heading = "Output", hide_short_help = true)]
    pub(super) no_progress: bool,
    /// Say why on stderr; -vv says more, -vvv everything
    ///
    /// Once: files, formats, filter, secrets, what was given up, time. Twice: each call that was judged, each connection. Thrice: each
    /// message.
    #[arg(
        short,
        long,
        action = ArgAction::Count,
        help_heading = "Output",
        display_order = 903
    )]
    pub(super) verbose: u8,
    #[command(flatten)]
    pub(super) selection: SelectionOptions,
    /// Header field with the other leg's Call-ID
    ///
    /// A B2BUA names it there; X-Call-ID, X-CID and the like are known.
    #[arg(
        long,
        value_name = "NAME",
        value_parser = header_name,
        help_heading = "Findings",
        hide_short_help = true
    )]
    pub(super) leg_header: Vec<String>,
    /// Say nothing of these: status-486
    ///
    /// Findings by name or code; how many there were is told.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = finding, add = ArgValueCompleter::new(complete::findings), help_heading = "Findings", hide_short_help = true)]
    pub(super) silence: Vec<Named>,
    /// Thresholds, severities, what is silenced, names
    ///
    /// Default: ~/.config/sipdiag/config.toml, where there is one.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "no_config",
        value_hint = ValueHint::FilePath,
        help_heading = "Findings",
        hide_short_help = true
    )]
    pub(super) config: Option<PathBuf>,
    /// Read no configuration file
    #[arg(long, help_heading = "Findings", hide_short_help = true)]
    pub(super) no_config: bool,
    #[command(flatten)]
    pub(super) thresholds: ThresholdOptions,
    /// For messages of calls under way: 256M, 2G; default 512M
    ///
    /// Beyond it, the calls that are silent longest are judged before their end, and counted.
    #[arg(long, value_name = "SIZE", value_parser = size, allow_hyphen_values = true, help_heading = "Resources", hide_short_help = true)]
    pub(super) memory: Option<usize>,
    /// Threads; default as many as help
    ///
    /// With 1 everything is done in one. The answer is the same with any number. `live` listens with one, and judges and writes
    /// with all.
    #[arg(
        long,
        value_name = "N",
        value_parser = threads,
        allow_hyphen_values = true,
        help_heading = "Resources",
        hide_short_help = true
    )]
    pub(super) threads: Option<NonZero<usize>>,
}

/// The packets that are handed on.
#[derive(Debug, Args)]
pub(super) struct PacketOptions {
    /// The packets of the selected calls as pcapng
    ///
    /// Each packet that a finding is about has it as its comment, which Wireshark shows.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub(super) write: Option<PathBuf>,
    /// With -w, the RTP and RTCP of these calls too
    ///
    /// What goes from and to the addresses that their session descriptions name. With --redact its headers and reports stay, and
    /// nothing that is heard.
    #[arg(
        long,
        requires = "write",
        help_heading = "Output",
        hide_short_help = true
    )]
    pub(super) with_media: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExplainOptions {
    /// 401, 4xx, "busy here", W304, Q17, timer-b, INVITE, auth-loop, TXN003
    #[arg(required = true, value_name = "WHAT", add = ArgValueCompleter::new(complete::subjects))]
    pub(super) what: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct CompareOptions {
    /// One code
    #[arg(value_name = "CODE", add = ArgValueCompleter::new(complete::codes))]
    pub(super) one: String,
    /// The other
    #[arg(value_name = "CODE", add = ArgValueCompleter::new(complete::codes))]
    pub(super) other: String,
}

#[derive(Debug, Args)]
pub(super) struct CodesOptions {
    /// Only one class, such as 4xx
    #[arg(long, value_name = "CLASS", value_parser = class, add = ArgValueCompleter::new(complete::classes))]
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
pub(super) struct ManOptions {
    /// The command of the page [default: the program itself]
    #[arg(value_name = "COMMAND", add = ArgValueCompleter::new(complete::commands))]
    pub(super) command: Option<String>,
    /// Write every page into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command", value_hint = ValueHint::DirPath)]
    pub(super) dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsOptions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(super) shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_definition_is_sound() {
        super::super::command().debug_assert();
    }
}
