//! How long a request without a final response was watched: what is followed over Call-IDs needs no more than that.

/// How long a request without a final response was watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// Not long enough to say anything.
    TooShort,
    /// Long enough to be told, not to be certain.
    SoFar,
    /// As long as the protocol waits.
    Long,
}
