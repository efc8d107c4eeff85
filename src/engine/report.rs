//! What the engine hands over at the end.

use crate::capture::CaptureFacts;
use crate::dialog::Registration;
use crate::dialog::kpi::Kpi;
use crate::rules::{Applied, Cluster, Counts, Finding};
use crate::severity::Severity;
use crate::sip::digest::Passwords;
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// All that was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What was read.
    pub capture: CaptureFacts,
    /// The time of the earliest packet, whether a filter let it pass or not; `None` without packets.
    pub first_time: Option<Timestamp>,
    /// The time of the latest packet, of them all too; live, of the clock when nothing came for a while.
    pub last_time: Option<Timestamp>,
    /// The findings, worst first.
    pub findings: Vec<Finding>,
    /// The findings that say the same of the same peer, in their order; consequences are with their causes.
    pub clusters: Vec<Cluster>,
    /// The registrations as they stood at the end, by address-of-record.
    pub registrations: Vec<Registration>,
    /// What was measured with.
    pub thresholds: Thresholds,
    /// What was counted.
    pub summary: Summary,
    /// What was selected; `None` when nothing was asked for, so that all of it is told.
    pub selected: Option<Selected>,
    /// Whether other names, numbers and addresses stand for those that were captured.
    pub redacted: bool,
    /// `USER@REALM` of the passwords that no request had credentials for.
    pub unused_passwords: Vec<String>,
}

impl Report {
    /// Whether its packets are of more than one day in UTC, so that a time of day alone does not say when something was.
    pub fn spans_days(&self) -> bool {
        self.first_time.map(Timestamp::day) != self.last_time.map(Timestamp::day)
    }
}

/// What was selected. The findings and registrations of the report are those that were; what is in [`Summary`] counts the whole
/// capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// What was asked for, as on the command line.
    pub criteria: String,
    /// Different Call-IDs that were selected.
    pub call_ids: u64,
    /// The worst severity of the findings that were selected.
    pub worst: Option<Severity>,
    /// What no call meets of what was asked for, as on the command line; empty when each is met by some.
    pub unmet: String,
    /// Call-IDs that were selected too late to be told from their beginning, because too much was held back.
    pub without_beginning: u64,
}

/// The name under which findings beyond the limit stand in [`Summary::limits_hit`].
pub const FINDINGS_LIMIT: &str = "findings";

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Packets, SIP messages, copies, what was not decoded.
    pub counts: Counts,
    /// Requests by method, copies and retransmissions too.
    pub requests: BTreeMap<String, u64>,
    /// Responses by code, copies and retransmissions too.
    pub responses: BTreeMap<u64, u64>,
    /// Messages by what carried them, as [`crate::flow::Transport::name`] calls it; copies and retransmissions too.
    pub transports: BTreeMap<&'static str, u64>,
    /// Different Call-IDs.
    pub call_ids: u64,
    /// Transactions, an ACK not being one.
    pub transactions: u64,
    /// Call-IDs that began with an INVITE.
    pub calls: u64,
    /// Messages sent again.
    pub retransmissions: u64,
    /// Messages that came both on the wire and through a mirror; they are counted once, and once more here.
    pub mirrored_too: u64,
    /// Packets that were decoded and hold no SIP.
    pub not_sip_packets: u64,
    /// Findings by name, consequences and notes too, but not those that were silenced.
    pub findings: BTreeMap<String, u64>,
    /// What was silenced, and judged otherwise, because the user asked for it.
    pub policy: Applied,
    /// Key performance indicators.
    pub kpi: Kpi,
    /// The worst severity of all findings.
    pub worst: Option<Severity>,
    /// Caps that were reached, with how much they cost.
    pub limits_hit: BTreeMap<&'static str, u64>,
}

/// The names of the passwords that are not among those that were met.
pub(super) fn unused(passwords: &Passwords, met: &BTreeSet<usize>) -> Vec<String> {
    let names = (0..).zip(passwords.names());
    names
        .filter(|(index, _)| !met.contains(index))
        .map(|(_, name)| name.to_owned())
        .collect()
}
