//! Opens TLS connections whose secrets are known, and says of all others what their handshake shows.
