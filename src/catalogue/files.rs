//! The data files, read when they are first asked for: a run reads those of its own language that it needs words from,
//! and no others. `tests/catalogue.rs` holds that all of them can be read and that every language has every key; a file
//! that could not be read would be an empty map.

use super::data::{
    AlertFacts, AlertWords, CauseFacts, CauseWords, CodeFacts, CodeWords, FindingWords,
    FingerprintFacts, FingerprintWords, MethodFacts, MethodWords, PairWords, TimerFacts,
    TimerWords, WarningFacts, WarningWords,
};
use crate::hash::HashMap;
use crate::rules::{RULES, Rule};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

/// Entries by key.
pub(super) type Map<T> = BTreeMap<String, T>;

/// A file that is read when it is first asked for.
type Lazy<T> = LazyLock<Map<T>>;

fn read<T: DeserializeOwned>(text: &str) -> Map<T> {
    toml::from_str(text).unwrap_or_default()
}

pub(super) struct Facts {
    codes: Lazy<CodeFacts>,
    warnings: Lazy<WarningFacts>,
    q850: Lazy<CauseFacts>,
    timers: Lazy<TimerFacts>,
    methods: Lazy<MethodFacts>,
    alerts: Lazy<AlertFacts>,
    fingerprints: Lazy<FingerprintFacts>,
}

pub(super) static FACTS: Facts = Facts {
    codes: LazyLock::new(|| read(include_str!("facts/codes.toml"))),
    warnings: LazyLock::new(|| read(include_str!("facts/warnings.toml"))),
    q850: LazyLock::new(|| read(include_str!("facts/q850.toml"))),
    timers: LazyLock::new(|| read(include_str!("facts/timers.toml"))),
    methods: LazyLock::new(|| read(include_str!("facts/methods.toml"))),
    alerts: LazyLock::new(|| read(include_str!("facts/alerts.toml"))),
    fingerprints: LazyLock::new(|| read(include_str!("facts/fingerprints.toml"))),
};

impl Facts {
    pub(super) fn codes(&self) -> &Map<CodeFacts> {
        &self.codes
    }
    pub(super) fn warnings(&self) -> &Map<WarningFacts> {
        &self.warnings
    }
    pub(super) fn q850(&self) -> &Map<CauseFacts> {
        &self.q850
    }
    pub(super) fn timers(&self) -> &Map<TimerFacts> {
        &self.timers
    }
    pub(super) fn methods(&self) -> &Map<MethodFacts> {
        &self.methods
    }
    pub(super) fn alerts(&self) -> &Map<AlertFacts> {
        &self.alerts
    }
    pub(super) fn fingerprints(&self) -> &Map<FingerprintFacts> {
        &self.fingerprints
    }
}

pub(super) struct Locale {
    ui: Lazy<String>,
    codes: Lazy<CodeWords>,
    pairs: Lazy<PairWords>,
    warnings: Lazy<WarningWords>,
    q850: Lazy<CauseWords>,
    timers: Lazy<TimerWords>,
    methods: Lazy<MethodWords>,
    alerts: Lazy<AlertWords>,
    fingerprints: Lazy<FingerprintWords>,
    findings: Findings,
}

/// The words of the findings.
enum Findings {
    /// One by one, as each rule has its own.
    Each(LazyLock<HashMap<&'static str, OnceLock<FindingWords>>>),
    /// Those of many rules in one file.
    Together(Lazy<FindingWords>),
}

impl Findings {
    fn of(&self, rule: &Rule) -> Option<&FindingWords> {
        match self {
            Self::Each(all) => {
                let words = || toml::from_str(rule.words).unwrap_or_default();
                all.get(rule.name).map(|it| it.get_or_init(words))
            }
            Self::Together(all) => all.get(rule.name),
        }
    }
}

impl Locale {
    pub(super) fn ui(&self) -> &Map<String> {
        &self.ui
    }
    pub(super) fn codes(&self) -> &Map<CodeWords> {
        &self.codes
    }
    pub(super) fn pairs(&self) -> &Map<PairWords> {
        &self.pairs
    }
    pub(super) fn warnings(&self) -> &Map<WarningWords> {
        &self.warnings
    }
    pub(super) fn q850(&self) -> &Map<CauseWords> {
        &self.q850
    }
    pub(super) fn timers(&self) -> &Map<TimerWords> {
        &self.timers
    }
    pub(super) fn methods(&self) -> &Map<MethodWords> {
        &self.methods
    }
    pub(super) fn alerts(&self) -> &Map<AlertWords> {
        &self.alerts
    }
    pub(super) fn fingerprints(&self) -> &Map<FingerprintWords> {
        &self.fingerprints
    }
    pub(super) fn finding(&self, rule: &Rule) -> &FindingWords {
        static NOTHING: FindingWords = FindingWords {
            message: String::new(),
            message_so_far: None,
            meaning: String::new(),
            causes: Vec::new(),
            advice: Vec::new(),
            references: Vec::new(),
            variants: BTreeMap::new(),
        };
        self.findings.of(rule).unwrap_or(&NOTHING)
    }
}

/// The files of one language.
macro_rules! locale {
    ($folder:tt) => {
        Locale {
            ui: locale!($folder, "ui"),
            codes: locale!($folder, "codes"),
            pairs: locale!($folder, "pairs"),
            warnings: locale!($folder, "warnings"),
            q850: locale!($folder, "q850"),
            timers: locale!($folder, "timers"),
            methods: locale!($folder, "methods"),
            alerts: locale!($folder, "alerts"),
            fingerprints: locale!($folder, "fingerprints"),
            findings: findings!($folder),
        }
    };
    ($folder:tt, $file:literal) => {
        LazyLock::new(|| {
            read(include_str!(concat!(
                "locales/", $folder, "/", $file, ".toml"
            )))
        })
    };
}

/// What reads the words of the findings in one language: a file for each family of rules. The English ones stand beside
/// the rules.
macro_rules! findings {
    ("en") => {
        Findings::Each(LazyLock::new(|| {
            RULES.iter().map(|rule| (rule.name, OnceLock::new())).collect()
        }))
    };
    ($folder:tt) => {
        findings!(
            $folder, "auth", "capture", "dialog", "format", "nat", "reachability", "registration", "sdp", "security", "session", "setup", "status", "stir",
            "transport"
        )
    };
    ($folder:tt, $($family:literal),+) => {
        Findings::Together(LazyLock::new(|| {
            let mut words = Map::new();
            $(words.append(&mut read(include_str!(concat!(
                "locales/", $folder, "/findings/", $family, ".toml"
            ))));)+
            words
        }))
    };
}

/// The languages, each with its ISO 639-1 code, which is its folder too: a line here and the folder are all it takes.
macro_rules! languages {
    ($($(#[$of_variant:meta])* $language:ident $code:tt,)+) => {
        /// A language that the catalogue is complete in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
        pub enum Language {
            $($(#[$of_variant])* $language,)+
        }

        impl Language {
            /// All of them.
            pub const ALL: [Self; [$($code),+].len()] = [$(Self::$language),+];

            /// The ISO 639-1 code.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$language => $code,)+
                }
            }

            pub(super) fn locale(self) -> &'static Locale {
                match self {
                    $(Self::$language => {
                        static WORDS: Locale = locale!($code);
                        &WORDS
                    })+
                }
            }
        }
    };
}

languages! {
    /// English: also where no other fits.
    #[default]
    English "en",
    /// French.
    French "fr",
    /// Vietnamese.
    Vietnamese "vi",
    /// Spanish.
    Spanish "es",
    /// German.
    German "de",
    /// Portuguese.
    Portuguese "pt",
    /// Chinese, in simplified characters.
    Chinese "zh",
    /// Japanese.
    Japanese "ja",
    /// Arabic.
    Arabic "ar",
}
