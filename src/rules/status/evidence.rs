//! What a response says beside its code, as facts of a finding.

use crate::limits::MAX_TEXT;
use crate::rules::Finding;
use crate::sip::Message;
use crate::transaction::Response;

/// Header fields that every transaction keeps, and the facts they become.
const KEPT: &[(&str, &str)] = &[
    ("Warning", "warning"),
    ("Reason", "reason_header"),
    ("Retry-After", "retry_after"),
    ("Allow", "allow"),
    ("Unsupported", "unsupported"),
    ("Require", "require"),
    ("Min-SE", "min_se"),
    ("Min-Expires", "min_expires"),
    ("Contact", "contact"),
    ("Server", "server"),
    ("User-Agent", "server"),
];

/// Fields with which some servers say more, and the facts they become.
const PRIVATE: &[(&str, &str)] = &[
    ("P-Registrar-Error", "registrar_error"),
    ("X-Asterisk-HangupCause", "hangup_cause"),
    ("ms-diagnostics", "ms_diagnostics"),
    ("ms-diagnostics-public", "ms_diagnostics"),
    ("Error-Info", "error_info"),
];

/// The finding with what the response shows of its reasons.
pub(in crate::rules) fn shown(mut finding: Finding, response: &Response) -> Finding {
    for (name, fact) in KEPT {
        // The Contact of a redirection is where to go; that of a refusal says nothing.
        let telling = *name != "Contact" || (300..400).contains(&response.code);
        let new = finding.get(fact).is_none();
        if let Some(value) = response.evidence(name).filter(|_| telling && new) {
            finding = finding.fact(fact, value);
        }
    }
    let Some(message) = response.message() else {
        return finding;
    };
    // Nearly no response has one of them.
    let is_private = |(name, _): (&[u8], _)| {
        let mut all = PRIVATE.iter();
        all.any(|(it, _)| name.eq_ignore_ascii_case(it.as_bytes()))
    };
    let private = if message.fields().any(is_private) {
        PRIVATE
    } else {
        &[]
    };
    for (name, fact) in private {
        if let Some(value) = field(message, name).filter(|_| finding.get(fact).is_none()) {
            finding = finding.fact(fact, value);
        }
    }
    // RFC 8688 §3: who to ask is in Call-Info.
    if matches!(response.code, 607 | 608)
        && let Some(value) = field(message, "Call-Info")
    {
        finding = finding.fact("call_info", value);
    }
    finding
}

/// The first field of a name that the SIP room does not know, for people.
pub(super) fn field(message: &Message, name: &str) -> Option<String> {
    let (_, value) = message
        .fields()
        .find(|(it, _)| it.eq_ignore_ascii_case(name.as_bytes()))?;
    let text = String::from_utf8_lossy(&value);
    if text.len() <= MAX_TEXT {
        return Some(text.into_owned());
    }
    Some(text.chars().take(MAX_TEXT).collect())
}
