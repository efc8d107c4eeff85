//! What HEP listeners counted beside the packets.

/// What came to HEP listeners and is not among the packets, or not as it was meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HepFacts {
    /// Datagrams and connections from addresses that are not allowed to send.
    pub refused: u64,
    /// Datagrams that are no HEP packet, and connections that were closed for sending something else.
    pub not_hep: u64,
    /// Connections that were closed because their TLS failed: an agent that does not trust the certificate, or no TLS.
    pub tls_failed: u64,
    /// Connections that were closed at once because too many were open.
    pub too_many: u64,
    /// Connections that were closed because they were silent or left a packet unfinished.
    pub silent: u64,
    /// Packets whose own time is so far from the clock here that their arrival counts instead.
    pub astray: u64,
}

impl HepFacts {
    /// The counts that are not zero, with their stable names.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("refused", self.refused),
            ("not-hep", self.not_hep),
            ("tls-failed", self.tls_failed),
            ("too-many-connections", self.too_many),
            ("silent-connections", self.silent),
            ("clock-astray", self.astray),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
    }
}
