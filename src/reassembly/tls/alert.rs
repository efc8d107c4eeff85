//! Alerts by number: the registry "TLS Alerts" of IANA, with RFC 8446 §6 and those of older versions.

/// How bad an alert is (RFC 5246 §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertLevel {
    /// The connection may go on.
    Warning,
    /// The connection ends.
    Fatal,
    /// A number that no RFC gives a meaning.
    Unknown(u8),
}

impl AlertLevel {
    pub(super) const fn of(byte: u8) -> Self {
        match byte {
            1 => Self::Warning,
            2 => Self::Fatal,
            other => Self::Unknown(other),
        }
    }

    /// The name in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Fatal => "fatal",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// The alert of a normal end (RFC 8446 §6.1).
pub const CLOSE_NOTIFY: u8 = 0;

/// The alert of an end that a user asked for (RFC 8446 §6.1).
pub const USER_CANCELED: u8 = 90;

const NAMES: &[(u8, &str)] = &[
    (CLOSE_NOTIFY, "close_notify"),
    (10, "unexpected_message"),
    (20, "bad_record_mac"),
    (21, "decryption_failed"),
    (22, "record_overflow"),
    (30, "decompression_failure"),
    (40, "handshake_failure"),
    (41, "no_certificate"),
    (42, "bad_certificate"),
    (43, "unsupported_certificate"),
    (44, "certificate_revoked"),
    (45, "certificate_expired"),
    (46, "certificate_unknown"),
    (47, "illegal_parameter"),
    (48, "unknown_ca"),
    (49, "access_denied"),
    (50, "decode_error"),
    (51, "decrypt_error"),
    (52, "too_many_cids_requested"),
    (60, "export_restriction"),
    (70, "protocol_version"),
    (71, "insufficient_security"),
    (80, "internal_error"),
    (86, "inappropriate_fallback"),
    (USER_CANCELED, "user_canceled"),
    (100, "no_renegotiation"),
    (109, "missing_extension"),
    (110, "unsupported_extension"),
    (111, "certificate_unobtainable"),
    (112, "unrecognized_name"),
    (113, "bad_certificate_status_response"),
    (114, "bad_certificate_hash_value"),
    (115, "unknown_psk_identity"),
    (116, "certificate_required"),
    (117, "general_error"),
    (120, "no_application_protocol"),
    (121, "ech_required"),
];

/// The name of an alert; `None` when its number is not registered.
pub fn alert_name(code: u8) -> Option<&'static str> {
    let at = NAMES.binary_search_by_key(&code, |(number, _)| *number);
    at.ok().and_then(|at| NAMES.get(at)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_have_their_names() {
        assert!(NAMES.is_sorted());
        assert_eq!(alert_name(48), Some("unknown_ca"));
        assert_eq!(alert_name(121), Some("ech_required"));
        assert_eq!(alert_name(0), Some("close_notify"));
        assert_eq!(alert_name(1), None);
    }
}
