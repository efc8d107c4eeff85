//! What can keep a capture from being opened or read, and what to do about it.

use super::LinkType;
use std::io;

/// Why a capture could not be opened or read.
///
/// `Display` is the headline: what failed and where. [`CaptureError::help`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// There is nothing at this path.
    #[error("cannot read {name}: no such file")]
    NotFound {
        /// The path as given.
        name: String,
    },
    /// The system does not let this user read the file.
    #[error("cannot read {name}: permission denied")]
    FileNotPermitted {
        /// The path as given.
        name: String,
    },
    /// A directory was given where a file is needed.
    #[error("cannot read {name}: it is a directory")]
    Directory {
        /// The path as given.
        name: String,
    },
    /// The system refused to open or read the file.
    #[error("cannot read {name}: {error}")]
    Open {
        /// The path as given.
        name: String,
        /// What the system said, which the message says too.
        error: io::Error,
    },
    /// No path was given.
    #[error("no capture file was given")]
    NoFiles,
    /// Stdin was given more than once.
    #[error("stdin (-) was given more than once")]
    StdinTwice,
    /// The file has no bytes.
    #[error("{name} is empty")]
    Empty {
        /// The path as given.
        name: String,
    },
    /// The compressed file cannot be decompressed from its first byte on.
    #[error("cannot read {name}: {what}")]
    BrokenCompression {
        /// The path as given.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// The file is no capture.
    #[error("{name} is no pcap or pcapng capture: it looks like {looks_like}")]
    NotACapture {
        /// The path as given.
        name: String,
        /// What its first bytes look like.
        looks_like: String,
        /// What to do with a file like that.
        help: Option<String>,
    },
    /// The file begins like a capture and is cut or broken before its first packet.
    #[error("cannot read {name}: {what}")]
    BrokenHeader {
        /// The path as given.
        name: String,
        /// What is wrong with its header.
        what: String,
    },
    /// The filter is no valid BPF expression.
    #[error("the filter is wrong: {message}")]
    Filter {
        /// What libpcap says about it.
        message: String,
        /// Where it is wrong, as lines with a caret, and what could be meant.
        help: Option<String>,
    },
    /// The filter is valid, but not on packets of this link type.
    #[error(
        "the filter \"{filter}\" cannot be used on packets of link type {link_type}: {message}"
    )]
    FilterLinkType {
        /// The filter as given.
        filter: String,
        /// The link type of the packets.
        link_type: LinkType,
        /// What libpcap says about it.
        message: String,
    },
    /// This build has no libpcap.
    #[error("cannot {what}: this build of sipdiag has no libpcap")]
    NoLibpcap {
        /// What needs libpcap.
        what: &'static str,
    },
    /// No interface was given.
    #[error("no interface to listen on was given")]
    NoInterfaces {
        /// The names of the interfaces there are.
        known: Vec<String>,
    },
    /// There is no interface of this name.
    #[error("cannot capture on {name}: there is no such interface")]
    NoSuchInterface {
        /// The name as given.
        name: String,
        /// The names of the interfaces there are.
        known: Vec<String>,
    },
    /// This user may not capture.
    #[error("cannot capture on {name}: permission denied")]
    CaptureNotPermitted {
        /// The interface's name.
        name: String,
    },
    /// The interface is down.
    #[error("cannot capture on {name}: the interface is down")]
    InterfaceDown {
        /// The interface's name.
        name: String,
    },
    /// The system refused to capture on the interface.
    #[error("cannot capture on {name}: {message}")]
    Listen {
        /// The interface's name.
        name: String,
        /// What libpcap or the system said.
        message: String,
    },
    /// The system refused an address to listen on for HEP.
    #[error("cannot listen on {name}: {reason}")]
    Bind {
        /// The address as given.
        name: String,
        /// What the system said.
        reason: io::Error,
    },
    /// TLS needs a certificate, and none was given.
    #[error("cannot listen on {name}: TLS needs a certificate and its key")]
    NoCertificate {
        /// The address as given.
        name: String,
    },
    /// The certificate or its key cannot be used.
    #[error("cannot use the certificate or key {name}: {what}")]
    Certificate {
        /// The file's path.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// The interfaces could not be listed.
    #[error("cannot list the interfaces: {message}")]
    ListInterfaces {
        /// What libpcap said.
        message: String,
    },
}

impl CaptureError {
    /// Whether the command line is at fault, and not the input.
    pub const fn is_wrong_use(&self) -> bool {
        matches!(
            self,
            Self::Filter { .. } | Self::FilterLinkType { .. } | Self::NoCertificate { .. }
        )
    }

    /// What to do about it, in one or more lines; `None` when the headline says all there is.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::FileNotPermitted { name } => {
                Some(format!("give your user the right to read it, or run with sudo; ls -l {name} shows who may"))
            }
            Self::Directory { name } => Some(format!("name the files in it: {}/*.pcap", name.trim_end_matches('/'))),
            Self::Open { error, .. } if error.raw_os_error() == Some(TOO_MANY_OPEN_FILES) => Some(
                "allow more open files with ulimit -n 4096, or merge them first: mergecap -w all.pcapng FILES".to_owned(),
            ),
            Self::NoFiles => Some("name one or more pcap or pcapng files, or - for stdin".to_owned()),
            Self::StdinTwice => Some("give - once".to_owned()),
            Self::Empty { .. } => Some("look at what wrote it: the capture stopped before its header was written".to_owned()),
            Self::NotACapture { help, .. } | Self::Filter { help, .. } => help.clone(),
            Self::BrokenHeader { .. } | Self::BrokenCompression { .. } => {
                Some("copy the file again, and compare its length with that of the original".to_owned())
            }
            Self::FilterLinkType { .. } => {
                Some("leave out of the filter what needs another link layer (ether, vlan, inbound …)".to_owned())
            }
            Self::NoLibpcap { .. } => Some("build it with: cargo build --release --features live".to_owned()),
            Self::NoInterfaces { known } | Self::NoSuchInterface { known, .. } if !known.is_empty() => {
                Some(format!("the interfaces are {}", known.join(", ")))
            }
            Self::CaptureNotPermitted { .. } => Some(
                "run it with sudo, or once: sudo setcap cap_net_raw+ep \"$(command -v sipdiag)\"".to_owned(),
            ),
            Self::InterfaceDown { name } => Some(format!("bring it up with: sudo ip link set {name} up")),
            Self::Bind { reason, .. } => bind_help(reason.kind()),
            Self::NoCertificate { .. } => {
                Some("name their PEM files: --hep-cert CHAIN.pem --hep-key KEY.pem".to_owned())
            }
            Self::Certificate { .. } => Some(
                "give PEM files: the certificate first, then those of its issuers; the key without a passphrase, and of this \
                 certificate"
                    .to_owned(),
            ),
            Self::NotFound { .. }
            | Self::Open { .. }
            | Self::NoInterfaces { .. }
            | Self::NoSuchInterface { .. }
            | Self::Listen { .. }
            | Self::ListInterfaces { .. } => None,
        }
    }

    /// The error for a file that the system did not open or read.
    pub(super) fn from_io(name: &str, error: io::Error) -> Self {
        let name = name.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound { name },
            io::ErrorKind::PermissionDenied => Self::FileNotPermitted { name },
            io::ErrorKind::IsADirectory => Self::Directory { name },
            _ => Self::Open { name, error },
        }
    }
}

fn bind_help(error: io::ErrorKind) -> Option<String> {
    let help = match error {
        io::ErrorKind::AddrInUse => {
            "another program listens there: ss -lntup shows which; or choose another port"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address: ip address shows those it has; 0.0.0.0 or [::] is all of them"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 are root's: choose another, such as 9060"
        }
        _ => return None,
    };
    Some(help.to_owned())
}

/// `EMFILE` on Linux, macOS and the BSDs.
const TOO_MANY_OPEN_FILES: i32 = 24;
