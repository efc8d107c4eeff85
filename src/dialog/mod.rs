//! Groups transactions into calls: all that has one Call-ID, and what crosses Call-IDs (who answered whom, keep-alives,
//! registrations, successes, datagrams that did not come whole, TLS servers, faults of connections, who sends much, NATs,
//! lossy paths). Comes in: placed messages and finished transactions. Goes out: [`Call`]s that are ready to be judged, and
//! [`Surroundings`]. This room does not know findings.

pub mod attempt;
mod backoffs;
mod bindings;
mod book;
mod call;
mod defects;
#[expect(
    clippy::module_inception,
    reason = "a dialog is what RFC 3261 §12 calls one"
)]
mod dialog;
mod hops;
mod keepalive;
pub mod kpi;
pub mod legs;
mod lost;
mod markings;
pub mod media_errors;
pub mod negotiation;
mod origins;
mod paths;
mod registrations;
mod round_trip;
pub mod sources;
pub mod streams;
mod surroundings;
mod talk_times;
mod tls_servers;
mod traits;
mod waited;

pub use backoffs::{Backoff, Backoffs};
pub use bindings::{Asked, Bindings, Wake};
pub use book::Book;
pub use call::Call;
pub use defects::{Defect, DefectGroup, Defects, Detail, Found as FoundDefect, Outcomes};
pub use dialog::Dialog;
pub use keepalive::{Keepalives, Peer, Ping, Run, Stretch, is_failed_ping};
pub use lost::LostDatagrams;
pub use markings::{Loss, Markings, Unmarked};
pub use media_errors::MediaErrors;
pub use negotiation::Negotiation;
pub use origins::ReusedCallId;
pub use paths::{Path, Paths};
pub use registrations::{
    Binding, Entry, Failures, Lapse, Listing, Proof, Quick, Registration, Registrations, Short,
    State as RegistrationState, Turns, Unlisted, tolerance,
};
pub use sources::Sources;
pub use surroundings::{Surroundings, UnseenRequests};
pub use talk_times::{Talk, TalkTimes};
pub use tls_servers::{Evidence, Failed, Failure, TlsServer, TlsServers, Unread};
pub use traits::{Instance, Seen as SeenTrait, Trait, Traits};
pub use waited::Waited;
