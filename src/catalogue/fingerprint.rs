//! Which program sent a refusal: reason phrases and header fields that only one of them writes.

use super::data::FingerprintFacts;
use super::files::Map;
use crate::rules::{Fact, Finding};

impl FingerprintFacts {
    /// Whether it stands on a text of its own, and not only on who sent it.
    pub const fn is_exact(&self) -> bool {
        !self.phrases.is_empty() || !self.contains.is_empty()
    }

    fn fits(&self, finding: &Finding) -> bool {
        let text = |name: &str| match finding.get(name) {
            Some(Fact::Text(text)) => text.to_lowercase(),
            _ => String::new(),
        };
        if !self.is_of_code(finding) {
            return false;
        }
        let phrase = text("reason");
        let phrase = phrase.trim();
        let value = self.fact.as_deref().map(text);
        let begins = |it: &String| phrase.starts_with(&it.to_lowercase());
        let ends = |it: &String| phrase.ends_with(&it.to_lowercase());
        (self.phrases.is_empty() || self.phrases.iter().any(begins))
            && (self.ends.is_empty() || self.ends.iter().any(ends))
            && value.is_none_or(|value| {
                !value.is_empty()
                    && (self.contains.is_empty()
                        || self.contains.iter().any(|it| value.contains(it)))
            })
            && self
                .server
                .as_ref()
                .is_none_or(|it| text("server").contains(it.as_str()))
    }

    fn is_of_code(&self, finding: &Finding) -> bool {
        let code = match (finding.status, finding.get("code")) {
            (Some(code), _) => Some(code),
            (None, Some(Fact::Number(code))) => Some(*code),
            _ => None,
        };
        self.codes.is_empty() || code.is_some_and(|it| self.codes.contains(&it))
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
    let mut fitting: Vec<_> = all
        .iter()
        .filter(|(_, it)| (general || !it.phrases.is_empty()) && it.fits(finding))
        .collect();
    fitting.sort_by_key(|(_, it)| (!it.is_exact(), it.fact.is_none(), it.server.is_none()));
    fitting.first().map(|(key, facts)| (key.as_str(), *facts))
}

/// Refusals inside calls, which say what was refused: only a phrase that one program writes says more.
const IN_CALLS: &[&str] = &[
    "hold-resume-failed",
    "reinvite-rejected",
    "session-refresh-failed",
    "transfer-failed",
];
