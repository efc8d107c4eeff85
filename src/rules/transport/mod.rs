//! Connections that SIP travels on, and what goes wrong on them.

pub(super) mod keepalive_crlf;
pub(super) mod plain_sip_on_tls_port;
pub(super) mod tcp_connect_failed;
pub(super) mod tcp_reset;
pub(super) mod tcp_stream_desync;
pub(super) mod tls_handshake_failed;
pub(super) mod tls_on_plain_port;
