//! The shapes of the entries in the data files.

use serde::Deserialize;
use std::collections::BTreeMap;

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
    /// What it leaves as causes; nothing where the code's own stand.
    #[serde(default)]
    pub causes: Vec<String>,
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
