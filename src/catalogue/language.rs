//! The languages there are, and how one is chosen.

use super::data::{LOCALES, Locale};

/// A language that the catalogue is complete in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Language {
    /// English: also where no other fits.
    #[default]
    English,
    /// French.
    French,
    /// Vietnamese.
    Vietnamese,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::English, Self::French, Self::Vietnamese];

    /// The ISO 639-1 code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::Vietnamese => "vi",
        }
    }

    /// The language of a locale or tag such as `fr_CA.UTF-8`, `vi` or `en-GB`; `None` when there is none.
    pub fn of(locale: &str) -> Option<Self> {
        let language = locale
            .split(['_', '-', '.', '@'])
            .next()
            .unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|it| it.code().eq_ignore_ascii_case(language))
    }

    pub(super) fn locale(self) -> &'static Locale {
        let [english, french, vietnamese] = &LOCALES;
        match self {
            Self::English => english,
            Self::French => french,
            Self::Vietnamese => vietnamese,
        }
    }
}
