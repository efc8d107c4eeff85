//! Pure functions from finished facts to findings. Comes in: a [`Call`] or what is known of the whole capture, with what
//! can be proven at that moment. Goes out: [`Finding`]s, a code and facts each and never prose. One file a finding; the
//! list is [`RULES`].

mod auth;
mod capture;
mod cluster;
mod consequence;
mod dialog;
mod finding;
mod format;
mod fragments;
mod guard;
mod has;
mod nat;
mod policy;
mod reachability;
mod registration;
mod sdp;
mod security;
mod session;
mod setup;
mod status;
mod stir;

mod tls;
mod transport;

pub use cluster::{Cluster, Tallies};
pub use finding::{Fact, Finding, FindingId};
pub use guard::{Guard, Silence, watched_since};
pub use has::Has;
pub use policy::{Applied, Named, Policy, UnknownFinding};

use crate::capture::CaptureFacts;
use crate::dialog::legs::Legs;
use crate::dialog::sources::Source;
use crate::dialog::streams::Streams;
use crate::dialog::{
    Backoffs, Call, Defects, Keepalives, Negotiation, Registrations, Sources, Surroundings,
    TalkTimes, TlsServers,
};
use crate::flow::Transport;
use crate::hash::HashMap;
use crate::reassembly::Connection;
use crate::reassembly::fragments::LostDatagram;
use crate::redact::Redactor;
use crate::severity::Severity;
use crate::sip::digest::Passwords;
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::LazyLock;
use std::time::Duration;

/// A finding that sipdiag can raise.
#[derive(Debug)]
pub struct Rule {
    /// Its id in scripts; it never changes.
    pub name: &'static str,
    /// Its short code; never used twice. For `status` the prefix that the status code follows.
    pub code: &'static str,
    /// How bad it is unless a guard or an outcome says otherwise.
    pub severity: Severity,
    /// Under which guards its findings stand; none where they rest only on what was seen.
    pub guards: &'static [Guard],
    /// What it looks at.
    pub judge: Judge,
    /// The words in English: message, meaning, causes, advice, references.
    pub words: &'static str,
}

/// Looks at one Call-ID and tells what it finds.
type JudgeCall = fn(&CallView<'_>, &mut Vec<Finding>);

/// What a rule looks at.
#[derive(Clone, Copy, Debug)]
pub enum Judge {
    /// One Call-ID.
    Call(JudgeCall),
    /// One Call-ID that has all of this; of others it has nothing to say.
    CallWith(Has, JudgeCall),
    /// The capture as a whole, at its end.
    Capture(fn(&CaptureView<'_>, &mut Vec<Finding>)),
}

/// Every finding, in the order of judgement of FINDINGS section 11: of equally bad ones the first is the headline.
pub const RULES: &[&Rule] = &[
    &capture::no_sip::RULE,
    &capture::encrypted_sip::RULE,
    &capture::file_damaged::RULE,
    &capture::dropped_packets::RULE,
    &capture::truncated::RULE,
    &capture::filter_lost_fragments::RULE,
    &capture::one_directional::RULE,
    &capture::time_disorder::RULE,
    &capture::duplicates::RULE,
    &security::account_compromised::RULE,
    &security::register_bruteforce::RULE,
    &security::toll_fraud::RULE,
    &security::extension_enumeration::RULE,
    &security::flood::RULE,
    &security::scanner::RULE,
    &security::digest_leak::RULE,
    &reachability::icmp_unreachable::RULE,
    &reachability::udp_fragments_lost::RULE,
    &transport::tcp_connect_failed::RULE,
    &transport::plain_sip_on_tls_port::RULE,
    &transport::tls_on_plain_port::RULE,
    &transport::tls_handshake_failed::RULE,
    &transport::tcp_stream_desync::RULE,
    &transport::tcp_reset::RULE,
    &nat::sip_alg_suspected::RULE,
    &nat::contact_private_nat::RULE,
    &nat::response_to_wrong_place::RULE,
    &nat::rport_missing::RULE,
    &nat::response_from_other_address::RULE,
    &nat::nat_keepalive_missing::RULE,
    &nat::retransmission_ratio_high::RULE,
    &format::missing_mandatory_header::RULE,
    &format::content_length_mismatch::RULE,
    &format::cseq_mismatch::RULE,
    &format::contact_missing::RULE,
    &reachability::invite_no_response::RULE,
    &reachability::register_no_response::RULE,
    &format::malformed_message::RULE,
    &reachability::invite_stuck_trying::RULE,
    &reachability::cancel_no_response::RULE,
    &auth::malformed_challenge::RULE,
    &auth::challenged_ack_or_cancel::RULE,
    &auth::wrong_password_proven::RULE,
    &auth::wrong_realm::RULE,
    &auth::stale_loop::RULE,
    &auth::algorithm_mismatch::RULE,
    &auth::nonce_reuse::RULE,
    &auth::cseq_not_incremented::RULE,
    &setup::failed_after_next_hop_timeout::RULE,
    &setup::routing_loop_483::RULE,
    &setup::merged_request_482::RULE,
    &setup::redirect_loop::RULE,
    &setup::redirect_not_followed::RULE,
    &auth::auth_loop::RULE,
    &auth::rejected_403::RULE,
    &auth::no_credentials::RULE,
    &registration::register_423::RULE,
    &registration::registrar_6xx::RULE,
    &registration::rejected::RULE,
    &registration::lapsed::RULE,
    &registration::contact_absent::RULE,
    &registration::flapping::RULE,
    &registration::too_frequent::RULE,
    &registration::short_expiry::RULE,
    &stir::identity_lost::RULE,
    &stir::unsigned_428::RULE,
    &stir::cert_436_437::RULE,
    &stir::invalid_438::RULE,
    &stir::stale_date_403::RULE,
    &sdp::srtp_profile_mismatch::RULE,
    &sdp::codec_mismatch::RULE,
    &sdp::offer_answer_missing::RULE,
    &sdp::media_family_mismatch::RULE,
    &setup::record_route_bypassed::RULE,
    &setup::ack_misrouted::RULE,
    &setup::ack_malformed::RULE,
    &setup::ack_not_effective::RULE,
    &dialog::ack_missing_2xx::RULE,
    &dialog::ack_missing_non2xx::RULE,
    &setup::prack_missing::RULE,
    &setup::prack_not_effective::RULE,
    &setup::prack_rejected::RULE,
    &setup::rseq_missing::RULE,
    &setup::cancel_481::RULE,
    &setup::cancel_without_487::RULE,
    &session::indialog_481::RULE,
    &session::session_timer_expired::RULE,
    &session::session_refresh_failed::RULE,
    &session::hold_resume_failed::RULE,
    &session::transfer_failed::RULE,
    &sdp::t38_reinvite_rejected::RULE,
    &session::reinvite_rejected::RULE,
    &session::invite_overlap_500::RULE,
    &session::glare_491::RULE,
    &session::bye_481::RULE,
    &dialog::status::RULE,
    &sdp::answer_invalid::RULE,
    &sdp::private_address::RULE,
    &sdp::media_port_unreachable::RULE,
    &sdp::dtmf_not_negotiated::RULE,
    &status::warning_3xx::RULE,
    &status::retry_after_ignored::RULE,
    &session::call_dropped_at_fixed_time::RULE,
    &dialog::no_answer::RULE,
    &setup::ringing_never_ends::RULE,
    &setup::answered_despite_cancel::RULE,
    &setup::multiple_2xx::RULE,
    &setup::slow_first_response::RULE,
    &setup::no_ringback::RULE,
    &setup::early_media_missing_sdp::RULE,
    &setup::pdd_high::RULE,
    &setup::callid_reused::RULE,
    &session::bye_right_after_answer::RULE,
    &reachability::noninvite_no_response::RULE,
    &reachability::bye_no_response::RULE,
    &reachability::options_flapping::RULE,
    &reachability::options_no_response::RULE,
    &nat::request_retransmitted_after_response::RULE,
    &format::wrong_transport::RULE,
    &format::large_udp::RULE,
    &format::branch_cookie_missing::RULE,
    &format::missing_max_forwards::RULE,
    &format::max_forwards_low::RULE,
    &format::uri_params_outside_brackets::RULE,
    &format::orphan_response::RULE,
    &capture::starts_mid_call::RULE,
    &capture::ends_mid_call::RULE,
    &status::reason_q850::RULE,
    &status::reason_sip::RULE,
    &session::short_call::RULE,
    &session::hold_state::RULE,
    &auth::stale_nonce::RULE,
    &stir::verstat::RULE,
    &stir::attestation::RULE,
    &setup::cancel_before_provisional::RULE,
    &setup::forked_dialogs::RULE,
    &setup::spiral::RULE,
    &auth::challenge_normal::RULE,
    &registration::unregistered::RULE,
    &transport::keepalive_crlf::RULE,
    &sdp::version_not_incremented::RULE,
    &nat::via_received_mismatch::RULE,
    &nat::topology_leak::RULE,
    &nat::credentials_in_clear::RULE,
    &nat::dscp_missing::RULE,
    &capture::undecoded::RULE,
];

/// The rule with that name or code, in any case; `None` when there is none. Any `status-NNN` is the rule `status`.
pub fn find(name_or_code: &str) -> Option<&'static Rule> {
    Named::parse(name_or_code).ok().map(|named| named.rule())
}

/// A call with what can be proven of it at the moment of judgement.
#[derive(Clone, Copy, Debug)]
pub struct CallView<'a> {
    /// The call.
    pub call: &'a Call,
    /// Its offers and answers.
    pub negotiation: &'a Negotiation<'a>,
    /// What other calls and hosts say.
    pub surroundings: &'a Surroundings,
    /// Which Call-IDs are legs of one call.
    pub legs: &'a Legs,
    /// What went wrong with connections.
    pub streams: &'a Streams,
    /// The time of the last packet of any kind (guard G-END).
    pub now: Timestamp,
    /// Whether the capture is known to lack packets (guard G-LOSS).
    pub lossy: bool,
    /// Between these moments nothing was captured.
    pub gaps: &'a [(Timestamp, Timestamp)],
    /// See [`Thresholds`].
    pub thresholds: &'a Thresholds,
    /// Passwords that the user gave to test digests with.
    pub passwords: &'a Passwords,
    /// What stands for the names in the capture.
    pub redactor: Option<&'a Redactor>,
}

/// The whole capture at its end.
#[derive(Clone, Copy, Debug)]
pub struct CaptureView<'a> {
    /// What was read.
    pub facts: &'a CaptureFacts,
    /// What was counted.
    pub counts: &'a Counts,
    /// Which hosts were heard.
    pub surroundings: &'a Surroundings,
    /// What each host asked for and did not get.
    pub sources: &'a Sources,
    /// OPTIONS pings.
    pub keepalives: &'a Keepalives,
    /// How long calls lasted.
    pub talk_times: &'a TalkTimes,
    /// Servers that asked for silence.
    pub backoffs: &'a Backoffs,
    /// Registrations over time.
    pub registrations: &'a Registrations,
    /// Datagrams with SIP of which fragments are missing.
    pub lost_datagrams: &'a [LostDatagram],
    /// Messages that depart from the format.
    pub defects: &'a Defects,
    /// Connections on which something went wrong.
    pub connections: &'a [Connection],
    /// TLS servers that may speak SIP.
    pub tls_servers: &'a TlsServers,
    /// What went wrong with connections as such.
    pub streams: &'a Streams,
    /// Which Call-IDs are legs of one call.
    pub legs: &'a Legs,
    /// The time of the last packet.
    pub now: Timestamp,
    /// Between these moments nothing was captured.
    pub gaps: &'a [(Timestamp, Timestamp)],
    /// Whether the capture is known to lack packets (guard G-LOSS).
    pub lossy: bool,
    /// See [`Thresholds`].
    pub thresholds: &'a Thresholds,
}

/// What the engine counts over a whole capture, as far as findings need it.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Packets of any kind.
    pub packets: u64,
    /// SIP messages, copies too.
    pub sip_messages: u64,
    /// Copies of packets.
    pub duplicates: u64,
    /// Places where streams with SIP lack bytes that their receiver has.
    pub stream_holes: u64,
    /// Packets that were not decoded, by reason.
    pub undecoded: BTreeMap<String, u64>,
    /// What the packets without SIP were, by transport and port, as long as there was no SIP.
    pub ports: HashMap<(Transport, u16), u64>,
    /// Fragments that are not the first of their datagram, of SIP or not.
    pub later_fragments: u64,
    /// Packets that have no ports and are no fragments, such as ARP and ICMP.
    pub without_ports: u64,
    /// SIP messages that the snap length cut.
    pub cut_messages: u64,
    /// The most bytes captured of a cut packet.
    pub snap_length: u64,
    /// Packets older than one before them by more than a millisecond.
    pub disordered: u64,
    /// The largest step back.
    pub largest_step_back: Duration,
    /// Calls and transactions open at the end.
    pub unfinished: u64,
    /// Call-IDs whose first message belongs to an earlier dialog.
    pub mid_dialog: u64,
}

impl Judge {
    /// Whether it judges one Call-ID, and not the capture as a whole.
    pub const fn is_of_call(self) -> bool {
        match self {
            Self::Call(_) | Self::CallWith(..) => true,
            Self::Capture(_) => false,
        }
    }
}

/// What the rules for one Call-ID need and do, in the order of [`RULES`]: side by side, for all of them are looked at for each
/// call.
static OF_CALLS: LazyLock<Vec<(Has, JudgeCall)>> = LazyLock::new(|| {
    let of_call = |rule: &&Rule| match rule.judge {
        Judge::Call(judge) => Some((Has::default(), judge)),
        Judge::CallWith(needed, judge) => Some((needed, judge)),
        Judge::Capture(_) => None,
    };
    RULES.iter().filter_map(of_call).collect()
});

/// Judges a call: its findings in the order of [`RULES`], with ids of their own (see [`renumber`]) and with their causes
/// linked.
pub fn judge_call(view: &CallView<'_>) -> Vec<Finding> {
    judge_calls(std::slice::from_ref(view))
        .pop()
        .unwrap_or_default()
}

/// Judges calls, each by itself: what is found of each, in their order. Rule by rule, because what a hundred rules do is more than
/// a processor has at hand, and what one does is not.
pub fn judge_calls(views: &[CallView<'_>]) -> Vec<Vec<Finding>> {
    let mut all: Vec<(Has, &CallView<'_>, Vec<Finding>)> = views
        .iter()
        .map(|view| (Has::of(view.call), view, Vec::new()))
        .collect();
    let some = (all.iter()).fold(Has::default(), |some, (has, ..)| some.and(*has));
    let mut own = Vec::new();
    for &(needed, judge) in OF_CALLS.iter().filter(|(needed, _)| some.all(*needed)) {
        for (has, view, found) in &mut all {
            if !has.all(needed) {
                continue;
            }
            // A rule looks only at what it found itself: echoes of the same fault on other hops.
            judge(view, &mut own);
            if !own.is_empty() {
                found.append(&mut own);
            }
        }
    }
    let related = all.into_iter().map(|(_, view, mut found)| {
        relate(view, &mut found);
        found
    });
    related.collect()
}

/// Brings the findings of a call together: their numbers, how sure they are, whence they come and what explains them.
fn relate(view: &CallView<'_>, found: &mut [Finding]) {
    if found.is_empty() {
        return;
    }
    number(found, &mut 0);
    for finding in &mut *found {
        if view.lossy {
            finding.lower_absence();
        }
        let first = finding.transactions.first();
        let first = first.and_then(|id| view.call.transactions.iter().find(|it| it.id == *id));
        finding.source = first.map(|it| view.call.origin(it));
    }
    consequence::link(view.call, found);
    consequence::blame(view, found);
    consequence::note_hang_up(view.call, found);
    // Without a link there is nothing to bring into order.
    if found.iter().any(|it| it.consequence_of.is_some()) {
        consequence::settle(found.iter_mut());
    }
}

/// Judges the capture as a whole. Among the findings of calls, `of_calls`, it links those that it explains.
pub fn judge_capture(
    view: &CaptureView<'_>,
    of_calls: &mut [Finding],
    last_id: &mut u64,
) -> Vec<Finding> {
    status::busy::settle(of_calls, view.surroundings, view.thresholds);
    consequence::settle_legs(view, of_calls);
    let mut found = Vec::new();
    for rule in RULES {
        if let Judge::Capture(judge) = rule.judge {
            judge(view, &mut found);
        }
    }
    number(&mut found, last_id);
    consequence::link_attacks(&mut found);
    consequence::link_over_time(&mut found, of_calls);
    consequence::link_streams(&mut found, of_calls);
    consequence::link_to_capture(view, &found, of_calls);
    consequence::link_peers(&mut found, of_calls);
    consequence::settle(found.iter_mut().chain(of_calls));
    found
}

/// What can be said at this moment of a host that may be an attacker: for `live`.
pub fn judge_source(host: IpAddr, source: &Source, thresholds: &Thresholds) -> Vec<Finding> {
    security::of_source(host, source, thresholds)
}

/// Links what failed on one leg of a call to what failed on the legs behind it, over all calls (guard G-B2BUA).
pub fn link_legs(findings: &mut [Finding], legs: &Legs) {
    consequence::link_legs(findings, legs);
    consequence::settle(findings.iter_mut());
}

/// The findings, which are sorted, drawn together with those that are counted only: see [`Cluster`].
pub fn clusters(findings: &[Finding], beyond: &Tallies) -> Vec<Cluster> {
    cluster::of(findings, beyond)
}

/// Gives the findings of a call their ids among those of all: from `last_id` on.
pub fn renumber(found: &mut [Finding], last_id: &mut u64) {
    let before = *last_id;
    for finding in found {
        finding.id.0 += before;
        if let Some(cause) = &mut finding.consequence_of {
            cause.0 += before;
        }
        *last_id = finding.id.0;
    }
}

fn number(found: &mut [Finding], last_id: &mut u64) {
    for finding in found {
        *last_id += 1;
        finding.id = FindingId(*last_id);
    }
}

/// Sorts findings for a reader: worst first, consequences behind causes, then by the order of judgement (damage of
/// a file behind what its packets show) and by time.
pub fn sort(findings: &mut [Finding]) {
    let ranks = RULES
        .iter()
        .enumerate()
        .map(|(rank, rule)| (rule.name, rank));
    let ranks: HashMap<&str, usize> = ranks.rev().collect();
    findings.sort_by_cached_key(|finding| {
        let rank = ranks.get(finding.rule.name).copied();
        let rank = rank.unwrap_or(RULES.len());
        (
            std::cmp::Reverse(finding.severity),
            finding.consequence_of.is_some(),
            // A call that could be read has a fault of its own, wherever the file ends.
            finding.rule.name == "capture-file-damaged",
            rank,
            finding.time,
            finding.id,
        )
    });
}
