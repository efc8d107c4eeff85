//! Opens WebSocket connections: the handshake and the frames (RFC 6455, RFC 7118).
