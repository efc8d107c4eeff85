//! Groups transactions into calls: all that has one Call-ID, and what crosses Call-IDs (who answered whom, keep-alives,
//! successes, datagrams that did not come whole, TLS servers). Comes in: placed messages and finished transactions. Goes out: [`Call`]s that are ready to be judged, and
//! [`Surroundings`]. This room does not know findings.

mod backoffs;
mod book;
mod call;
#[expect(
    clippy::module_inception,
    reason = "a dialog is what RFC 3261 §12 calls one"
)]
mod dialog;
mod keepalive;
mod lost;
mod surroundings;
mod talk_times;
mod tls_servers;

pub use backoffs::{Backoff, Backoffs};
pub use book::Book;
pub use call::Call;
pub use dialog::Dialog;
pub use keepalive::{Keepalives, Peer, Ping, Run};
pub use lost::LostDatagrams;
pub use surroundings::Surroundings;
pub use talk_times::{Talk, TalkTimes};
pub use tls_servers::{Evidence, Failed, Failure, TlsServer, TlsServers, Unread};
