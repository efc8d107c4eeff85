//! The data files, read when they are first asked for. `tests/catalogue.rs` holds that all of them can be read and that
//! every language has every key; a file that could not be read would be an empty map.

use crate::rules::{RULES, Rule};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Entries by key.
pub(super) type Map<T> = BTreeMap<String, T>;

/// Who knows a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// In the IANA registry.
    Iana,
    /// In use, but not registered.
    Unregistered,
    /// In RFC 2543, gone since RFC 3261.
    Obsolete,
    /// A defined way to use another code.
    Profile,
    /// Never on the wire: what a program shows of its own.
    Local,
}

/// Who sends a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Whoever took the request on this hop.
    Hop,
    /// The called side.
    Uas,
    /// A proxy.
    Proxy,
    /// A gateway to another network.
    Gateway,
    /// The registrar.
    Registrar,
    /// A redirect server.
    Redirect,
    /// The notifier of a subscription.
    Notifier,
    /// The event state compositor of a PUBLISH.
    Publisher,
    /// The verification service of STIR.
    Verifier,
    /// A machine of a carrier.
    Carrier,
    /// Any server.
    Any,
    /// Nobody on the wire.
    Local,
}

impl Role {
    /// The key of its word.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Hop => "role_hop",
            Self::Uas => "role_uas",
            Self::Proxy => "role_proxy",
            Self::Gateway => "role_gateway",
            Self::Registrar => "role_registrar",
            Self::Redirect => "role_redirect",
            Self::Notifier => "role_notifier",
            Self::Publisher => "role_publisher",
            Self::Verifier => "role_verifier",
            Self::Carrier => "role_carrier",
            Self::Any => "role_any",
            Self::Local => "role_local",
        }
    }
}

/// What no language changes about a response code.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeFacts {
    /// The reason phrase.
    pub phrase: String,
    /// Who knows it.
    pub registration: Registration,
    /// Where it is defined.
    pub rfc: Option<String>,
    /// Whether it ends the transaction.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Who sends it, likeliest first: keys of the words `role_…`.
    pub sent_by: Vec<Role>,
    /// The methods it answers; empty for any.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Header fields of the response that carry the evidence.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// Codes it is confused with.
    #[serde(default)]
    pub confused_with: Vec<String>,
    /// The Q.850 cause that RFC 3398 maps it to.
    pub q850: Option<u8>,
}

/// The words about a response code.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeWords {
    /// Advice for a table row.
    pub short: String,
    /// What it says.
    pub meaning: String,
    /// When one sees it.
    pub when: String,
    /// Likely causes, likeliest first.
    pub causes: Vec<String>,
    /// What to do.
    pub fix: Vec<String>,
    /// What the caller should do next.
    pub next_step: String,
    /// When it is normal and when a fault.
    pub severity: String,
}

/// What tells two codes apart.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairWords {
    /// Key differences.
    pub differences: Vec<String>,
    /// When the smaller code is the right one.
    pub when_a: String,
    /// When the larger one is.
    pub when_b: String,
    /// The test that a capture can answer.
    pub test: String,
    /// Sections to read.
    pub read_on: Vec<String>,
}

/// What no language changes about a Warning code.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarningFacts {
    /// The text of the registry.
    pub text: String,
    /// Where it is defined.
    pub rfc: String,
}

/// The words about a Warning code.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarningWords {
    /// Its name.
    pub title: String,
    /// What it says.
    pub meaning: String,
    /// What to compare.
    pub evidence: String,
    /// What to do.
    pub fix: Vec<String>,
}

/// What no language changes about a Q.850 cause.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CauseFacts {
    /// Its English name.
    pub name: String,
    /// The three bits of its class.
    pub class: String,
    /// The SIP code that RFC 3398 maps it to.
    pub sip: Option<u16>,
}

/// The words about a Q.850 cause.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CauseWords {
    /// Its name.
    pub title: String,
    /// What the network says with it.
    pub meaning: String,
    /// What to do.
    pub fix: Vec<String>,
}

/// What no language changes about a timer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimerFacts {
    /// Its short name.
    pub name: String,
    /// Where it is defined.
    pub rfc: String,
    /// Its value.
    pub default: String,
    /// What it applies to.
    pub scope: String,
}

/// The words about a timer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimerWords {
    /// Its name with what it does.
    pub title: String,
    /// What it means.
    pub meaning: String,
    /// What it looks like in a capture.
    pub signature: String,
    /// Where it is set.
    pub settings: String,
}

/// What no language changes about a method.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodFacts {
    /// Where it is defined.
    pub rfc: String,
}

/// The words about a method.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodWords {
    /// What it is for.
    pub purpose: String,
    /// What answers it.
    pub answers: String,
    /// What to look at when it fails.
    pub watch: String,
}

/// What no language changes about a TLS alert.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertFacts {
    /// Its number.
    pub number: u8,
    /// Where it is defined.
    pub rfc: String,
}

/// The words about a TLS alert that ends a handshake.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertWords {
    /// What its sender says with it.
    pub meaning: String,
    /// Likely causes, likeliest first.
    pub causes: Vec<String>,
    /// What to do.
    pub fix: Vec<String>,
}

/// What no language changes about a text that only one program sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FingerprintFacts {
    /// The program.
    pub software: String,
    /// The status codes; empty for any.
    #[serde(default)]
    pub codes: Vec<u64>,
    /// What the reason phrase begins with, in any case.
    #[serde(default)]
    pub phrases: Vec<String>,
    /// What it ends with.
    #[serde(default)]
    pub ends: Vec<String>,
    /// A fact of the finding, and what it contains; nothing for any value.
    #[serde(default)]
    pub fact: Option<String>,
    /// See [`Self::fact`].
    #[serde(default)]
    pub contains: Vec<String>,
    /// What the Server or User-Agent contains, in small letters.
    #[serde(default)]
    pub server: Option<String>,
}

/// The words about a text that only one program sends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FingerprintWords {
    /// Whose message it is, and what it says.
    pub meaning: String,
    /// What to set or look at there; nothing where the code's own advice stands.
    #[serde(default)]
    pub fix: Vec<String>,
}

/// What a finding says when the packets prove more than its rule does; what is absent is as in the finding.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantWords {
    /// What happened.
    pub message: String,
    /// What it proves.
    pub meaning: Option<String>,
    /// Likely causes, likeliest first.
    pub causes: Option<Vec<String>>,
    /// What to do.
    pub advice: Option<Vec<String>>,
}

/// The words of a finding.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingWords {
    /// What happened, with placeholders for facts.
    pub message: String,
    /// The same while it is not proven yet.
    pub message_so_far: Option<String>,
    /// What it proves.
    pub meaning: String,
    /// Likely causes, likeliest first.
    #[serde(default)]
    pub causes: Vec<String>,
    /// What to do.
    #[serde(default)]
    pub advice: Vec<String>,
    /// Where it is written; in English only.
    #[serde(default)]
    pub references: Vec<String>,
    /// What it says instead when more is proven, by the names that the rule gives.
    #[serde(default)]
    pub variants: BTreeMap<String, VariantWords>,
}

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
    findings: Lazy<FindingWords>,
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
        self.findings.get(rule.name).unwrap_or(&NOTHING)
    }
}

/// The files of one language, but for the findings.
macro_rules! locale {
    ($folder:literal, $findings:expr) => {
        Locale {
            ui: LazyLock::new(|| read(include_str!(concat!("locales/", $folder, "/ui.toml")))),
            codes: LazyLock::new(|| {
                read(include_str!(concat!("locales/", $folder, "/codes.toml")))
            }),
            pairs: LazyLock::new(|| {
                read(include_str!(concat!("locales/", $folder, "/pairs.toml")))
            }),
            warnings: LazyLock::new(|| {
                read(include_str!(concat!("locales/", $folder, "/warnings.toml")))
            }),
            q850: LazyLock::new(|| read(include_str!(concat!("locales/", $folder, "/q850.toml")))),
            timers: LazyLock::new(|| {
                read(include_str!(concat!("locales/", $folder, "/timers.toml")))
            }),
            methods: LazyLock::new(|| {
                read(include_str!(concat!("locales/", $folder, "/methods.toml")))
            }),
            alerts: LazyLock::new(|| {
                read(include_str!(concat!("locales/", $folder, "/alerts.toml")))
            }),
            fingerprints: LazyLock::new(|| {
                read(include_str!(concat!(
                    "locales/",
                    $folder,
                    "/fingerprints.toml"
                )))
            }),
            findings: LazyLock::new($findings),
        }
    };
}

/// The words of the findings in one language: a file for each family of rules.
macro_rules! findings {
    ($folder:literal) => {
        findings!(
            $folder, "auth", "capture", "dialog", "format", "nat", "reachability", "registration", "security", "session", "setup", "status", "stir",
            "transport"
        )
    };
    ($folder:literal, $($family:literal),+) => {{
        let mut words = Map::new();
        $(words.append(&mut read(include_str!(concat!(
            "locales/", $folder, "/findings/", $family, ".toml"
        ))));)+
        words
    }};
}

/// In the order of [`super::Language::ALL`].
pub(super) static LOCALES: [Locale; 3] = [
    locale!("en", english_findings),
    locale!("fr", || findings!("fr")),
    locale!("vi", || findings!("vi")),
];

/// The English words of a finding stand beside its rule.
fn english_findings() -> Map<FindingWords> {
    RULES
        .iter()
        .filter_map(|rule| Some((rule.name.to_owned(), toml::from_str(rule.words).ok()?)))
        .collect()
}
