//! Every word about a code or a finding, by language, and the facts about codes that are the same in all of them. Comes
//! in: a number or a name. Goes out: text. This room knows no packets. All of it is data: `facts/` for what no language
//! changes, `locales/xx/` for the words, the English words of a finding beside its rule.

mod data;
mod language;

pub use data::{
    AlertFacts, AlertWords, CauseFacts, CauseWords, CodeFacts, CodeWords, FindingWords,
    MethodFacts, MethodWords, PairWords, Registration, Role, TimerFacts, TimerWords, VariantWords,
    WarningFacts, WarningWords,
};
pub use language::Language;

use crate::rules::{Fact, Finding, Rule};
use data::{FACTS, Locale, Map};
use std::time::Duration;

/// The catalogue in one language.
#[derive(Clone, Copy, Debug)]
pub struct Catalogue {
    language: Language,
}

/// What the catalogue says of a code.
#[derive(Clone, Copy, Debug)]
pub struct Code<'a> {
    /// The facts; `None` for a code that nobody registered or is known to use.
    pub facts: Option<&'a CodeFacts>,
    /// The words: its own, or for an unknown code those of its class (RFC 3261 §8.1.3.2).
    pub words: &'a CodeWords,
}

impl Catalogue {
    /// The catalogue in a language.
    pub const fn new(language: Language) -> Self {
        Self { language }
    }

    /// Its language.
    pub const fn language(self) -> Language {
        self.language
    }

    fn locale(self) -> &'static Locale {
        self.language.locale()
    }

    /// A word or sentence of the interface by its key; the key itself when it is missing.
    pub fn word(self, key: &'static str) -> &'static str {
        self.locale().ui().get(key).map_or(key, String::as_str)
    }

    /// A response code, known or not; `None` outside 100 to 699 unless the catalogue names it.
    pub fn code(self, number: u64) -> Option<Code<'static>> {
        self.code_named(&number.to_string())
    }

    /// The same by its name, which may be `603+`, `900-904` or a class such as `4xx`.
    pub fn code_named(self, name: &str) -> Option<Code<'static>> {
        let codes = self.locale().codes();
        let class = || match name.as_bytes() {
            [digit @ b'1'..=b'6', b'0'..=b'9', b'0'..=b'9'] => {
                codes.get(&format!("{}xx", char::from(*digit)))
            }
            _ => None,
        };
        let words = codes.get(name).or_else(class)?;
        Some(Code {
            facts: FACTS.codes().get(name),
            words,
        })
    }

    /// The codes of the catalogue with their facts and words, in order.
    pub fn codes(
        self,
    ) -> impl Iterator<Item = (&'static str, &'static CodeFacts, &'static CodeWords)> {
        let words = self.locale().codes();
        FACTS
            .codes()
            .iter()
            .filter_map(move |(name, facts)| Some((name.as_str(), facts, words.get(name)?)))
    }

    /// What tells two codes apart, when the catalogue has a page for the pair; the smaller one comes first.
    pub fn pair(self, smaller: &str, larger: &str) -> Option<&'static PairWords> {
        self.locale().pairs().get(&format!("{smaller}-{larger}"))
    }

    /// A Warning code.
    pub fn warning(self, code: &str) -> Option<(&'static WarningFacts, &'static WarningWords)> {
        both(FACTS.warnings(), self.locale().warnings(), code)
    }

    /// A Q.850 cause.
    pub fn cause(self, cause: &str) -> Option<(&'static CauseFacts, &'static CauseWords)> {
        both(FACTS.q850(), self.locale().q850(), cause)
    }

    /// A timer by its key, such as `timer-b` or `t1`.
    pub fn timer(self, key: &str) -> Option<(&'static TimerFacts, &'static TimerWords)> {
        both(FACTS.timers(), self.locale().timers(), key)
    }

    /// The keys of all timers.
    pub fn timers(self) -> impl Iterator<Item = &'static str> {
        FACTS.timers().keys().map(String::as_str)
    }

    /// A method by its name.
    pub fn method(self, name: &str) -> Option<(&'static MethodFacts, &'static MethodWords)> {
        both(FACTS.methods(), self.locale().methods(), name)
    }

    /// A TLS alert by its name, such as `unknown_ca`.
    pub fn alert(self, name: &str) -> Option<(&'static AlertFacts, &'static AlertWords)> {
        both(FACTS.alerts(), self.locale().alerts(), name)
    }

    /// The words of a rule.
    pub fn rule(self, rule: &Rule) -> &'static FindingWords {
        self.locale().finding(rule)
    }

    /// A stretch of time as [`duration`] writes it, with the decimal sign of the language.
    pub fn duration(self, time: Duration) -> String {
        duration(time).replace('.', self.word("decimal_sign"))
    }

    /// What happened, in one sentence with the facts in it.
    pub fn message(self, finding: &Finding) -> String {
        let words = self.rule(finding.rule);
        let so_far = words.message_so_far.as_deref().filter(|_| finding.so_far);
        let template = match self.variant(finding) {
            Some(variant) => &variant.message,
            None => so_far.unwrap_or(&words.message),
        };
        let template = match finding.status {
            Some(300..400) => self.word("status_redirected"),
            // Busy, or cancelled: an end, and no failure.
            Some(486 | 487 | 600) => self.word("status_ended"),
            _ => template,
        };
        fill(template, |name| {
            finding.get(name).map(|fact| match fact {
                Fact::Text(text) => text.clone(),
                Fact::Number(number) => number.to_string(),
                Fact::Time(time) => self.duration(*time),
            })
        })
    }

    /// What the finding proves: of a status code, what the code says.
    pub fn meaning(self, finding: &Finding) -> &'static str {
        let own = self.variant(finding).and_then(|it| it.meaning.as_ref());
        let of_alert = self.alert_words(finding).map(|it| &it.meaning);
        if let Some(meaning) = own.or(of_alert) {
            return meaning;
        }
        match self.status_words(finding) {
            Some(words) => &words.meaning,
            None if is_closed_port(finding) => self.word("icmp_closed_port"),
            None => &self.rule(finding.rule).meaning,
        }
    }

    /// Likely causes, likeliest first.
    pub fn causes(self, finding: &Finding) -> &'static [String] {
        let own = self.variant(finding).and_then(|it| it.causes.as_ref());
        let of_alert = self.alert_words(finding).map(|it| &it.causes);
        if let Some(causes) = own.or(of_alert) {
            return causes;
        }
        match self.status_words(finding) {
            Some(words) => &words.causes,
            None => {
                let causes = &self.rule(finding.rule).causes;
                // The first cause is the one of a closed port.
                let known = if is_closed_port(finding) {
                    1
                } else {
                    causes.len()
                };
                causes.get(..known).unwrap_or(causes)
            }
        }
    }

    /// What to do now.
    pub fn advice(self, finding: &Finding) -> &'static [String] {
        let own = self.variant(finding).and_then(|it| it.advice.as_ref());
        let of_alert = self.alert_words(finding).map(|it| &it.fix);
        if let Some(advice) = own.or(of_alert) {
            return advice;
        }
        match self.status_words(finding) {
            Some(words) => &words.fix,
            None => {
                let advice = &self.rule(finding.rule).advice;
                // The last step is for packets that are too big.
                let of_use = advice.len() - usize::from(is_closed_port(finding));
                advice.get(..of_use).unwrap_or(advice)
            }
        }
    }

    /// Where it is written.
    pub fn references(self, finding: &Finding) -> Vec<&'static str> {
        if let Some(rfc) = finding
            .status
            .and_then(|code| self.code(code))
            .and_then(|code| code.facts)
            .and_then(|facts| facts.rfc.as_deref())
        {
            return vec![rfc];
        }
        // References are the same in every language; English has them.
        let words = Self::new(Language::English).rule(finding.rule);
        words.references.iter().map(String::as_str).collect()
    }

    fn variant(self, finding: &Finding) -> Option<&'static VariantWords> {
        self.rule(finding.rule).variants.get(finding.variant?)
    }

    /// The TLS alert that says most about a finding, by its name: nothing more is proven.
    pub fn alert_of(self, finding: &Finding) -> Option<&str> {
        match finding.get("alert") {
            Some(Fact::Text(name)) if finding.variant.is_none() => {
                self.alert(name).map(|_| name.as_str())
            }
            _ => None,
        }
    }

    fn alert_words(self, finding: &Finding) -> Option<&'static AlertWords> {
        Some(self.alert(self.alert_of(finding)?)?.1)
    }

    fn status_words(self, finding: &Finding) -> Option<&'static CodeWords> {
        Some(self.code(finding.status?)?.words)
    }
}

/// Whether an ICMP error came from the target itself: the host is up, and nothing listens on the port.
fn is_closed_port(finding: &Finding) -> bool {
    let text = |name| match finding.get(name) {
        Some(Fact::Text(text)) => text.as_str(),
        _ => "",
    };
    finding.rule.name == "icmp-unreachable"
        && text("kind") == "port unreachable"
        && text("dst")
            .rsplit_once(':')
            .is_some_and(|(host, _)| host.trim_matches(['[', ']']) == text("reporter"))
}

/// Both halves of an entry.
fn both<F, W>(
    facts: &'static Map<F>,
    words: &'static Map<W>,
    key: &str,
) -> Option<(&'static F, &'static W)> {
    Some((facts.get(key)?, words.get(key)?))
}

/// Fills `{name}` with what `value` gives; a name that it does not know stays as it is.
pub fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        match after.split_once('}') {
            Some((name, behind)) => {
                match value(name) {
                    Some(value) => text.push_str(&value),
                    None => {
                        text.push('{');
                        text.push_str(name);
                        text.push('}');
                    }
                }
                rest = behind;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

/// A stretch of time for people: `12 ms`, `31.5 s`, `3 min 20 s`, `2 h 5 min`. The same in every language.
pub fn duration(time: Duration) -> String {
    let millis = time.as_millis();
    let seconds = time.as_secs();
    match seconds {
        0 if millis < 1 => format!("{} µs", time.as_micros()),
        0 => format!("{millis} ms"),
        1..120 => {
            let tenths = (millis + 50) / 100;
            format!("{}.{} s", tenths / 10, tenths % 10).replace(".0 s", " s")
        }
        120..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        // Thirty days: nobody thinks of that in hours.
        2_592_000.. => format!("{} d", seconds / 86_400),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        let of = |millis| duration(Duration::from_millis(millis));
        assert_eq!(of(0), "0 µs");
        assert_eq!(of(12), "12 ms");
        assert_eq!(of(31_500), "31.5 s");
        assert_eq!(of(32_000), "32 s");
        assert_eq!(of(200_000), "3 min 20 s");
        assert_eq!(of(7_500_000), "2 h 5 min");
        assert_eq!(of(40 * 86_400_000), "40 d");
    }

    #[test]
    fn templates_are_filled_and_unknown_names_stay() {
        let value = |name: &str| (name == "a").then(|| "1".to_owned());
        assert_eq!(fill("{a} {b} {a", value), "1 {b} {a");
    }
}
