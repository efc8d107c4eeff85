//! Which program sent a refusal: reason phrases and header fields that only one of them writes.

use super::data::FingerprintFacts;
use super::files::Map;
use crate::rules::{Fact, Finding};
use memchr::memmem;
use std::cell::OnceCell;

impl FingerprintFacts {
    /// Whether it stands on a text of its own, and not only on who sent it.
    pub const fn is_exact(&self) -> bool {
        !self.phrases.is_empty() || !self.contains.is_empty()
    }

    fn fits(&self, refusal: &Refusal<'_>) -> bool {
        if !self.codes.is_empty() && !refusal.code.is_some_and(|it| self.codes.contains(&it)) {
            return false;
        }
        let begins = |it: &String| {
            let start = refusal.phrase.get(..it.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(it.as_bytes()))
        };
        let ends = |it: &String| {
            let rest = refusal.phrase.len().checked_sub(it.len());
            let end = rest.and_then(|rest| refusal.phrase.get(rest..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(it.as_bytes()))
        };
        let has_value = |name: &str| {
            let value = text(refusal.finding, name);
            let has_one = || {
                let value = value.to_lowercase();
                self.contains.iter().any(|it| value.contains(it))
            };
            !value.is_empty() && (self.contains.is_empty() || has_one())
        };
        let is_of = |server: &String| {
            let own = || text(refusal.finding, "server").to_lowercase();
            let own = refusal.server.get_or_init(own);
            memmem::find(own.as_bytes(), server.as_bytes()).is_some()
        };
        (self.phrases.is_empty() || self.phrases.iter().any(begins))
            && (self.ends.is_empty() || self.ends.iter().any(ends))
            && self.fact.as_deref().is_none_or(has_value)
            && self.server.as_ref().is_none_or(is_of)
    }
}

/// What a finding says of a refusal.
struct Refusal<'a> {
    finding: &'a Finding,
    code: Option<u64>,
    phrase: &'a [u8],
    /// The Server in small letters, once somebody has asked for it.
    server: OnceCell<String>,
}

impl<'a> Refusal<'a> {
    fn of(finding: &'a Finding) -> Self {
        let code = match (finding.status, finding.get("code")) {
            (Some(code), _) => Some(code),
            (None, Some(Fact::Number(code))) => Some(*code),
            _ => None,
        };
        Self {
            finding,
            code,
            phrase: text(finding, "reason").trim().as_bytes(),
            server: OnceCell::new(),
        }
    }
}

/// A fact that is a text; empty when there is none.
fn text<'a>(finding: &'a Finding, name: &str) -> &'a str {
    match finding.get(name) {
        Some(Fact::Text(text)) => text,
        _ => "",
    }
}

/// The one that fits a refusal, an exact one first.
pub(super) fn of<'a>(
    all: &'a Map<FingerprintFacts>,
    finding: &Finding,
) -> Option<(&'a str, &'a FingerprintFacts)> {
    let general = matches!(finding.rule.name, "status" | "registration-rejected");
    if !general && !IN_CALLS.contains(&finding.rule.name) {
        return None;
    }
    let refusal = Refusal::of(finding);
    let mut fitting: Vec<_> = all
        .iter()
        .filter(|(_, it)| (general || !it.phrases.is_empty()) && it.fits(&refusal))
        .collect();
    fitting.sort_by_key(|(_, it)| (!it.is_exact(), it.fact.is_none(), it.server.is_none()));
    fitting.first().map(|(key, facts)| (key.as_str(), *facts))
}

/// Refusals inside calls and of credentials, which say what was refused: only a phrase that one program writes says more.
const IN_CALLS: &[&str] = &[
    "auth-rejected-403",
    "hold-resume-failed",
    "reinvite-rejected",
    "session-refresh-failed",
    "transfer-failed",
];
