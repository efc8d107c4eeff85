//! What several tests need: cases as text, packets from them, and a run of the engine over packets.
#![allow(dead_code, reason = "each test binary uses a part")]

pub(crate) mod flow;
pub(crate) mod media;
pub(crate) mod message;
pub(crate) mod packet;
pub(crate) mod program;
pub(crate) mod run;
pub(crate) mod tls;
