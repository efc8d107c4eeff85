//! Guards: the reasons for which a capture proves less than it seems to (FINDINGS section 0). Each rule says in
//! [`super::Rule::guards`] under which of them its findings stand; the words about them are in the catalogue.

/// A reason for which what one sees, or does not see, is not what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guard {
    /// Absence needs time: nothing is missing before the capture went on for as long as the protocol waits.
    End,
    /// Where only one direction between two hosts was captured, nothing is missing from the other one.
    OneWay,
    /// Once packets are known to be lost by the capture, what is missing may be among them.
    Loss,
    /// Of a message that was cut, nothing is missing.
    Snap,
    /// Over TCP and its like nothing is sent again, so that repeats and their absence say nothing.
    Tcp,
    /// A call that began before the capture has had a setup that nobody can judge.
    Start,
    /// A later success of the same attempt makes a note of a failure.
    Outcome,
    /// What one hop owes the next is judged on that hop alone.
    Hop,
    /// Legs with different Call-IDs are one call only where something links them.
    Legs,
    /// Times are those of the capture point.
    Vantage,
    /// The same packet captured twice is no retransmission.
    Duplicate,
}

impl Guard {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 11] = [
        Self::End,
        Self::OneWay,
        Self::Loss,
        Self::Snap,
        Self::Tcp,
        Self::Start,
        Self::Outcome,
        Self::Hop,
        Self::Legs,
        Self::Vantage,
        Self::Duplicate,
    ];

    /// The name in FINDINGS and in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::End => "G-END",
            Self::OneWay => "G-1WAY",
            Self::Loss => "G-LOSS",
            Self::Snap => "G-SNAP",
            Self::Tcp => "G-TCP",
            Self::Start => "G-START",
            Self::Outcome => "G-OUTCOME",
            Self::Hop => "G-HOP",
            Self::Legs => "G-B2BUA",
            Self::Vantage => "G-VANTAGE",
            Self::Duplicate => "G-DUP",
        }
    }

    /// The key of the sentence about it in the words of the interface.
    pub const fn key(self) -> &'static str {
        match self {
            Self::End => "guard_end",
            Self::OneWay => "guard_one_way",
            Self::Loss => "guard_loss",
            Self::Snap => "guard_snap",
            Self::Tcp => "guard_tcp",
            Self::Start => "guard_start",
            Self::Outcome => "guard_outcome",
            Self::Hop => "guard_hop",
            Self::Legs => "guard_legs",
            Self::Vantage => "guard_vantage",
            Self::Duplicate => "guard_duplicate",
        }
    }

    /// Whether it stands against saying that something was not there.
    pub const fn is_of_absence(self) -> bool {
        matches!(self, Self::End | Self::OneWay | Self::Loss)
    }
}
