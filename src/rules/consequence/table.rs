//! Which finding of a call explains which other one, where it takes no more than their names and what they share.

use crate::rules::Finding;

/// What two findings must share for one to be the cause of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tie {
    /// A transaction.
    Transaction,
    /// The Call-ID.
    Call,
}

/// What is explained.
enum Effect {
    /// Findings of one of these names.
    Of(&'static [&'static str]),
    /// All that say that no response came.
    NoResponse,
    /// Refusals with one of these codes.
    Codes(&'static [u64]),
    /// Refusals with any code.
    Refusal,
}

impl Effect {
    fn is(&self, finding: &Finding) -> bool {
        let name = finding.rule.name;
        match self {
            Self::Of(names) => names.contains(&name),
            Self::NoResponse => name.ends_with("-no-response"),
            Self::Codes(codes) => finding.status.is_some_and(|code| codes.contains(&code)),
            Self::Refusal => finding.status.is_some(),
        }
    }
}

/// An effect, the findings that explain it, the most exact first, and what they must share.
struct Explanation(Effect, &'static [&'static str], Tie);

/// Refusals that `status` leaves to findings of their own: what is wrong with a message explains them all the same.
pub(super) const REFUSED: &[&str] = &[
    "bye-481",
    "hold-resume-failed",
    "indialog-481",
    "invite-overlap-500",
    "reinvite-rejected",
    "session-refresh-failed",
    "transfer-failed",
];

/// What makes answers go astray.
const ASTRAY: &[&str] = &[
    "response-to-wrong-place",
    "rport-missing",
    "response-from-other-address",
];

/// A refresh without an answer is told with the timer.
const TIMER: &[&str] = &["session-timer-expired", "session-refresh-failed"];

/// The names of the causes of a finding, the most exact first, with what they must share.
pub(super) fn explanations(
    finding: &Finding,
) -> impl Iterator<Item = (&'static [&'static str], Tie)> {
    let rows = EXPLAINED.iter().filter(|row| row.0.is(finding));
    rows.map(|row| (row.1, row.2))
}

/// The first row that has a cause decides.
const EXPLAINED: &[Explanation] = &[
    // What is wrong with credentials or a challenge explains that they did not do.
    Explanation(
        Effect::Of(&["auth-loop"]),
        &[
            "auth-wrong-password-proven",
            "auth-wrong-realm",
            "auth-stale-loop",
            "auth-algorithm-mismatch",
            "auth-nonce-reuse",
        ],
        Tie::Transaction,
    ),
    Explanation(
        Effect::Of(&["auth-rejected-403"]),
        &["auth-wrong-password-proven", "auth-wrong-realm"],
        Tie::Transaction,
    ),
    Explanation(
        Effect::Of(&["auth-no-credentials"]),
        &[
            "auth-malformed-challenge",
            "auth-wrong-realm",
            "auth-algorithm-mismatch",
        ],
        Tie::Transaction,
    ),
    Explanation(
        Effect::Of(&["auth-nonce-reuse"]),
        &["auth-stale-loop"],
        Tie::Transaction,
    ),
    Explanation(
        Effect::Of(&["merged-request-482"]),
        &["auth-cseq-not-incremented"],
        Tie::Call,
    ),
    // What offer and answer say explains what becomes of the call.
    Explanation(
        Effect::Of(&["bye-right-after-answer"]),
        &[
            "srtp-profile-mismatch",
            "codec-mismatch",
            "offer-answer-missing",
            "answer-invalid",
        ],
        Tie::Call,
    ),
    // A host that is gone, or has forgotten the call, takes no media either.
    Explanation(
        Effect::Of(&["media-port-unreachable"]),
        &["icmp-unreachable", "indialog-481", "session-timer-expired"],
        Tie::Call,
    ),
    Explanation(
        Effect::Of(&["bye-right-after-answer", "short-call"]),
        &["media-port-unreachable"],
        Tie::Call,
    ),
    Explanation(
        Effect::Of(&["reinvite-rejected"]),
        &["t38-reinvite-rejected"],
        Tie::Transaction,
    ),
    // What makes answers or requests go astray explains what is missing then.
    Explanation(
        Effect::Of(&[
            "ack-missing-2xx",
            "ack-not-effective",
            "bye-no-response",
            "noninvite-no-response",
            "invite-no-response",
            "icmp-unreachable",
        ]),
        &["contact-private-nat"],
        Tie::Transaction,
    ),
    Explanation(
        Effect::Of(&[
            "request-retransmitted-after-response",
            "icmp-unreachable",
            "ack-missing-2xx",
            "ack-missing-non2xx",
        ]),
        ASTRAY,
        Tie::Transaction,
    ),
    Explanation(Effect::NoResponse, &["icmp-unreachable"], Tie::Transaction),
    Explanation(
        Effect::Of(&["pdd-high"]),
        &["no-ringback", "slow-first-response"],
        Tie::Transaction,
    ),
    // The verification service says why.
    Explanation(
        Effect::Codes(&[403, 428, 436, 437, 438]),
        &[
            "stir-identity-lost",
            "stir-unsigned-428",
            "stir-cert-436-437",
            "stir-invalid-438",
            "stir-stale-date-403",
        ],
        Tie::Transaction,
    ),
    Explanation(
        Effect::Of(&["stir-unsigned-428"]),
        &["stir-identity-lost"],
        Tie::Call,
    ),
    // What went wrong with a message on its way explains what its absence led to.
    Explanation(
        Effect::Of(&["ack-missing-2xx", "ack-missing-non2xx"]),
        &["ack-malformed"],
        Tie::Transaction,
    ),
    Explanation(
        Effect::Of(&["invite-no-response"]),
        &["ack-missing-2xx"],
        Tie::Transaction,
    ),
    Explanation(
        Effect::Of(&["ack-missing-2xx"]),
        &["record-route-bypassed", "answered-despite-cancel"],
        Tie::Transaction,
    ),
    // Who is outside of the dialog, or does not know the way on, answers so.
    Explanation(
        Effect::Codes(&[404, 408, 416, 481, 482, 483, 604]),
        &["record-route-bypassed", "ack-misrouted"],
        Tie::Transaction,
    ),
    Explanation(
        Effect::Of(&["bye-481", "indialog-481"]),
        &["record-route-bypassed", "ack-misrouted"],
        Tie::Transaction,
    ),
    // Past the proxy a Contact is for nobody but the proxy (RFC 3261 §12.2.1.1).
    Explanation(
        Effect::Of(&["ack-misrouted", "contact-private-nat"]),
        &["record-route-bypassed"],
        Tie::Transaction,
    ),
    Explanation(
        Effect::Of(&["ack-not-effective"]),
        &[
            "icmp-unreachable",
            "record-route-bypassed",
            "ack-misrouted",
            "ack-malformed",
        ],
        Tie::Transaction,
    ),
    Explanation(
        Effect::Of(&["bye-no-response"]),
        &[
            "record-route-bypassed",
            "ack-misrouted",
            "ack-not-effective",
        ],
        Tie::Call,
    ),
    // Who refuses a PRACK has seen it, and waits for another one.
    Explanation(
        Effect::Of(&["prack-missing", "prack-not-effective"]),
        &["prack-rejected"],
        Tie::Transaction,
    ),
    Explanation(
        Effect::Of(&["noninvite-no-response"]),
        &["prack-not-effective"],
        Tie::Transaction,
    ),
    Explanation(
        Effect::Refusal,
        &[
            "prack-rejected",
            "prack-missing",
            "prack-not-effective",
            "routing-loop-483",
            "merged-request-482",
            "redirect-loop",
        ],
        Tie::Transaction,
    ),
    Explanation(
        Effect::Of(&["cancel-without-487"]),
        &["invite-stuck-trying", "cancel-no-response"],
        Tie::Transaction,
    ),
    // A 6xx is why the registration was refused; a wrong `Contact: *`, why nothing was removed.
    Explanation(
        Effect::Of(&["registration-rejected"]),
        &["registrar-6xx"],
        Tie::Transaction,
    ),
    Explanation(
        Effect::Of(&["unregistered"]),
        &["registration-rejected"],
        Tie::Transaction,
    ),
    // Answered calls.
    Explanation(
        Effect::Of(&[
            "noninvite-no-response",
            "invite-no-response",
            "invite-stuck-trying",
        ]),
        TIMER,
        Tie::Transaction,
    ),
    Explanation(
        Effect::Of(&[
            "bye-no-response",
            "bye-481",
            "request-retransmitted-after-response",
            "session-refresh-failed",
        ]),
        &["session-timer-expired"],
        Tie::Transaction,
    ),
    // An ACK with tags of its own, and its sender knows another dialog than the peer.
    Explanation(
        Effect::Of(&["bye-481"]),
        &["indialog-481", "ack-malformed"],
        Tie::Call,
    ),
    Explanation(
        Effect::Of(&["indialog-481"]),
        &["session-refresh-failed"],
        Tie::Transaction,
    ),
    Explanation(
        Effect::Of(&["transfer-failed"]),
        &["indialog-481"],
        Tie::Transaction,
    ),
    Explanation(
        Effect::Of(&["bye-right-after-answer"]),
        &["answered-despite-cancel", "cancel-481", "multiple-2xx"],
        Tie::Call,
    ),
];
