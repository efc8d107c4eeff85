//! Puts user messages together from SCTP DATA chunks (RFC 9260).
