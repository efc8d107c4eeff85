//! Opens TLS connections whose secrets are known, and says of all others what their handshake shows.
//!
//! ```text
//! bytes ─► record ─► connection ─► direction ─► cipher ─► Opened           keylog ─► secrets ◄─ PEM
//!                        │  ▲          (keys, sequence numbers)                        │
//!                        ▼  │ messages                                                 ▼
//!                     outside   handshake ─► dialogue ─► negotiation ◄─ schedule ◄─ suite
//!             (what lengths tell)            (facts)      (which keys)
//! ```
//!
//! A record that cannot be opened yet is kept back, within bounds: secrets may come later, and so may the other direction.
//! What does not authenticate is never given out. The ciphers are RustCrypto's, certificates are read by `x509-parser`,
//! hellos and the registry of cipher suites come from `tls-parser`.

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
