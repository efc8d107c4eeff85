//! Opens TLS connections whose secrets are known, and says of all others what their handshake shows.

mod alert;
mod certificate;
mod cipher;
mod connection;
mod dialogue;
mod direction;
mod facts;
mod handshake;
mod keylog;
mod negotiation;
mod outside;
mod record;
mod schedule;
mod secrets;
mod suite;
mod wire;
pub use alert::{AlertLevel, CLOSE_NOTIFY, USER_CANCELED, alert_name};
pub use certificate::CertificateFacts;
pub use connection::Tls;
pub use facts::{AlertFact, PerSide, TlsFacts, Unreadable};
pub use keylog::{Keylog, KeylogOutcome};
pub use secrets::{KeyError, Secrets};
pub use suite::{CipherSuite, TlsVersion};
