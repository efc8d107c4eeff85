//! How bad a finding is, and how sure.

use std::fmt;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Info,
    /// Something is wrong or will be.
    Warning,
    /// A call, a registration or the capture failed because of it.
    Error,
}

impl Severity {
    /// All of them, mildest first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Error];

    /// The severity that somebody means: its name in any case, or what logs call a warning; `None` for another word.
    pub fn named(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case(WARN) {
            return Some(Self::Warning);
        }
        let mut all = Self::ALL.into_iter();
        all.find(|it| it.name().eq_ignore_ascii_case(text))
    }

    /// The name in options and machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The other name of a warning, where one is read.
pub const WARN: &str = "warn";

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How sure a finding is, judged by what the capture can prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// The capture allows it, but a guard (loss, an early end, one direction) stands against certainty.
    Possible,
    /// Other readings exist but are rare.
    Likely,
    /// The packets prove it.
    Certain,
}

impl Confidence {
    /// The name in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}
