//! Groups transactions into calls: all that has one Call-ID, and what crosses Call-IDs (who answered whom, keep-alives,
//! successes, datagrams that did not come whole). Comes in: placed messages and finished transactions. Goes out: [`Call`]s that are ready to be judged, and
//! [`Surroundings`]. This room does not know findings.

mod book;
mod call;
mod keepalive;
mod lost;
mod surroundings;

pub use book::Book;
pub use call::Call;
pub use keepalive::{Keepalives, Peer, Ping, Run};
pub use lost::LostDatagrams;
pub use surroundings::Surroundings;
