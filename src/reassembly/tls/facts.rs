//! What is known of a TLS connection, opened or not.

use super::alert::{AlertLevel, alert_name};
use super::certificate::CertificateFacts;
use super::suite::{CipherSuite, TlsVersion};
use crate::capture::Sighting;
use crate::limits::MAX_TLS_ALERTS;
use crate::reassembly::Side;

/// One value for each end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerSide<T> {
    opener: T,
    acceptor: T,
}

impl<T> PerSide<T> {
    /// The one of an end.
    pub const fn of(&self, side: Side) -> &T {
        match side {
            Side::Opener => &self.opener,
            Side::Acceptor => &self.acceptor,
        }
    }

    pub(super) const fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Opener => &mut self.opener,
            Side::Acceptor => &mut self.acceptor,
        }
    }
}

/// An alert that could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertFact {
    /// Who sent it.
    pub side: Side,
    /// How bad it is. TLS 1.3 ends at every alert but `close_notify` and `user_canceled`, whatever is said here.
    pub level: AlertLevel,
    /// Its number.
    pub code: u8,
    /// Its name; `None` when the number is not registered.
    pub name: Option<&'static str>,
    /// The packet that completed it.
    pub at: Sighting,
}

/// Why bytes of a connection cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unreadable {
    /// No secret was given for this connection.
    NoSecrets,
    /// The handshake is not in the capture.
    BeganBeforeCapture,
    /// The capture lacks bytes without which the rest cannot be opened.
    BytesMissing,
    /// An RSA key was given, but the keys were agreed upon without it (Diffie-Hellman): only a key log helps.
    KeyExchangeNotRsa,
    /// An RSA key was given, but it belongs to another certificate than the server's.
    KeyOfAnotherCertificate,
    /// The cipher suite, or compression, is one that sipdiag cannot undo.
    CipherNotSupported,
    /// The version is SSL 3.0 or one that does not exist.
    VersionNotSupported,
    /// Records do not authenticate with the secrets given, or are no records.
    BadRecord,
}

impl Unreadable {
    /// The name in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoSecrets => "no-secrets",
            Self::BeganBeforeCapture => "began-before-capture",
            Self::BytesMissing => "bytes-missing",
            Self::KeyExchangeNotRsa => "key-exchange-not-rsa",
            Self::KeyOfAnotherCertificate => "key-of-another-certificate",
            Self::CipherNotSupported => "cipher-not-supported",
            Self::VersionNotSupported => "version-not-supported",
            Self::BadRecord => "bad-record",
        }
    }
}

/// What a connection shows. What is not known is `None`, empty or zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct TlsFacts {
    /// Which end is the TLS client.
    pub client: Option<Side>,
    /// The version agreed upon.
    pub version: Option<TlsVersion>,
    /// The versions that the client offers, as it lists them; before TLS 1.3 only the highest.
    pub offered_versions: Vec<TlsVersion>,
    /// The cipher suite agreed upon.
    pub cipher_suite: Option<CipherSuite>,
    /// How many cipher suites the client offers, without the numbers that mean nothing (GREASE, signals).
    pub offered_suites: usize,
    /// The host name that the client asks for (RFC 6066 §3). With an encrypted ClientHello only that of the front.
    pub server_name: Option<String>,
    /// Whether the client sent an encrypted ClientHello (RFC 9849) or something that looks like one.
    pub encrypted_client_hello: bool,
    /// The application protocols that the client offers (RFC 7301).
    pub offered_protocols: Vec<String>,
    /// The application protocol that the server chose; in TLS 1.3 only when opened.
    pub protocol: Option<String>,
    /// The certificate of the server; in TLS 1.3 only when opened, and none when a session is resumed.
    pub certificate: Option<CertificateFacts>,
    /// Whether the server asked for the client's certificate; in TLS 1.3 known only when opened.
    pub client_certificate_requested: bool,
    /// What the client answered: `Some(false)` when it has none to present.
    pub client_certificate_presented: Option<bool>,
    /// The certificate of the client.
    pub client_certificate: Option<CertificateFacts>,
    /// The alerts that could be read: those in clear and those opened.
    pub alerts: Vec<AlertFact>,
    /// Alerts beyond those kept.
    pub alerts_not_kept: u64,
    /// Encrypted alerts that could not be read (TLS 1.2 and older, where they are known by their type).
    pub unread_alerts: PerSide<u64>,
    /// In TLS 1.3 and not opened: the first protected record of this end is of the length of an alert, and nothing else
    /// that it may begin with is as short. The handshake failed, for a reason that only the secrets would show.
    pub suspected_alert: Option<(Side, Sighting)>,
    /// The first ClientHello.
    pub client_hello: Option<Sighting>,
    /// The ServerHello that settled version and suite.
    pub server_hello: Option<Sighting>,
    /// The HelloRetryRequest (RFC 8446 §4.1.4).
    pub hello_retry: Option<Sighting>,
    /// The packet with which the handshake was complete: both ends have sent Finished, or, where that is encrypted, what in
    /// its place can be nothing else. In TLS 1.3 the server may still refuse the client's certificate.
    pub complete: Option<Sighting>,
    /// Whether a session was resumed, so that no certificates were shown.
    pub resumed: bool,
    /// Whether the client offers to send data before the handshake is complete (RFC 8446 §2.3).
    pub early_data: bool,
    /// Records of application data. In TLS 1.3 and not opened: records behind the completed handshake, of which the
    /// server's first may be session tickets, and a last one of either end the alert that closes.
    pub application_records: PerSide<u64>,
    /// Records of application data that were opened.
    pub opened_records: PerSide<u64>,
    /// Bytes of application data that were opened.
    pub opened_bytes: PerSide<u64>,
    /// Records that did not authenticate.
    pub bad_records: u64,
    /// Records kept back for secrets to come and then given up, because too many bytes waited.
    pub records_let_go: u64,
    /// Places where bytes are missing or no record begins where one should.
    pub gaps: u64,
    /// Why an end cannot be read, where that is so.
    pub unreadable: Option<Unreadable>,
}

impl TlsFacts {
    pub(super) fn alert(&mut self, side: Side, level: u8, code: u8, at: Sighting) {
        if self.alerts.len() >= MAX_TLS_ALERTS {
            self.alerts_not_kept += 1;
            return;
        }
        self.alerts.push(AlertFact {
            side,
            level: AlertLevel::of(level),
            code,
            name: alert_name(code),
            at,
        });
    }
}
