//! Connections that SIP travels on, and what goes wrong on them.

pub(super) mod tcp_stream_desync;
pub(super) mod tls_handshake_failed;
