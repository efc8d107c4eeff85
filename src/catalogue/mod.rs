//! Every word about a code or a finding, by language, and the facts about codes that are the same in all of them. Comes
//! in: a number or a name. Goes out: text. This room knows no packets. All of it is data: `facts/` for what no language
//! changes, `locales/xx/` for the words, the English words of a finding beside its rule.

mod counted;
mod data;
mod files;
mod fingerprint;
mod language;

pub use counted::counted;
pub use data::{
    AlertFacts, AlertWords, CauseFacts, CauseWords, CodeFacts, CodeWords, FindingWords,
    FingerprintFacts, FingerprintWords, MethodFacts, MethodWords, PairWords, Registration, Role,
    TimerFacts, TimerWords, VariantWords, WarningFacts, WarningWords,
};
pub use files::Language;

use crate::rules::{Fact, Finding, Rule};
use files::{FACTS, Locale, Map};
use memchr::memchr;
use std::borrow::Cow;
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

    /// The names of all methods.
    pub fn methods(self) -> impl Iterator<Item = &'static str> {
        FACTS.methods().keys().map(String::as_str)
    }

    /// Warning codes as `W304`, Q.850 causes as `Q17`, timers and TLS alerts, each with its title or what it means.
    pub fn subjects(self) -> impl Iterator<Item = (String, &'static str)> {
        let locale = self.locale();
        let warnings = (FACTS.warnings().keys())
            .filter_map(|code| Some((format!("W{code}"), &*locale.warnings().get(code)?.title)));
        let causes = (FACTS.q850().keys())
            .filter_map(|cause| Some((format!("Q{cause}"), &*locale.q850().get(cause)?.title)));
        let timers = (FACTS.timers().keys())
            .filter_map(|key| Some((key.clone(), &*locale.timers().get(key)?.title)));
        let alerts = (FACTS.alerts().keys())
            .filter_map(|name| Some((name.clone(), &*locale.alerts().get(name)?.meaning)));
        warnings.chain(causes).chain(timers).chain(alerts)
    }

    /// The words of a rule.
    pub fn rule(self, rule: &Rule) -> &'static FindingWords {
        self.locale().finding(rule)
    }

    /// A stretch of time as [`duration`] writes it, with the decimal sign of the language.
    pub fn duration(self, time: Duration) -> String {
        let text = duration(time);
        match self.word("decimal_sign") {
            "." => text,
            sign => text.replace('.', sign),
        }
    }

    /// What happened, in one sentence with the facts in it.
    pub fn message(self, finding: &Finding) -> String {
        let words = self.rule(finding.rule);
        let so_far = words.message_so_far.as_deref().filter(|_| finding.so_far);
        let variant = finding.variant.and_then(|it| words.variants.get(it));
        let template = match (variant, finding.status) {
            (Some(variant), _) => &variant.message,
            (None, Some(300..400)) => self.word("status_redirected"),
            // Busy, or cancelled: an end, and no failure.
            (None, Some(486 | 487 | 600)) => self.word("status_ended"),
            (None, _) => so_far.unwrap_or(&words.message),
        };
        let once = |name: &str| match finding.get(name) {
            Some(Fact::Number(1) | Fact::Time(Duration::ZERO)) => true,
            // Said by the title that stands before it.
            Some(Fact::Text(text)) if name == "text" => {
                text.is_empty() || text.eq_ignore_ascii_case(self.title(finding))
            }
            _ => false,
        };
        let mut filled = self.filled(&counted(template, once), finding);
        // What a peer did not say leaves no brackets behind.
        while filled.ends_with(" ()") {
            filled.truncate(filled.len() - " ()".len());
        }
        filled
    }

    /// What the finding proves: of a status code, what the code says.
    pub fn meaning(self, finding: &Finding) -> String {
        let own = self.variant(finding).and_then(|it| it.meaning.as_ref());
        let coded = self.coded(finding);
        let meaning = match coded.filter(|it| it.stands(own.is_some())) {
            Some(coded) => coded.meaning,
            None => match (own, self.status_words(finding)) {
                (Some(own), _) => own,
                (None, Some(words)) => &words.meaning,
                (None, None) if is_closed_port(finding) => self.word("icmp_closed_port"),
                (None, None) => &self.rule(finding.rule).meaning,
            },
        };
        self.filled(meaning, finding)
    }

    /// Likely causes, likeliest first.
    pub fn causes(self, finding: &Finding) -> Vec<Cow<'static, str>> {
        self.causes_and_advice(finding).0
    }

    /// What to do now.
    pub fn advice(self, finding: &Finding) -> Vec<Cow<'static, str>> {
        self.causes_and_advice(finding).1
    }

    /// [`Self::causes`] and [`Self::advice`]: both stand in one place.
    pub fn causes_and_advice(self, finding: &Finding) -> (Filled, Filled) {
        let words = self.rule(finding.rule);
        let variant = finding.variant.and_then(|it| words.variants.get(it));
        let of_status = self.status_words(finding);
        let coded = self.coded(finding);
        let of_code = |own: Option<&_>, part: fn(Coded) -> Option<&'static [String]>| {
            coded.filter(|it| it.stands(own.is_some())).and_then(part)
        };
        let own = variant.and_then(|it| it.causes.as_ref());
        let causes = match (of_code(own, |it| it.causes), own, of_status) {
            (Some(causes), ..) => causes,
            (_, Some(own), _) => own,
            (_, None, Some(of_status)) => &of_status.causes,
            (_, None, None) => &words.causes,
        };
        let own = variant.and_then(|it| it.advice.as_ref());
        let advice = match (of_code(own, |it| it.fix), own, of_status) {
            (Some(fix), ..) => fix,
            (_, Some(own), _) => own,
            (_, None, Some(of_status)) => &of_status.fix,
            (_, None, None) => &words.advice,
        };
        let closed = is_closed_port(finding);
        // The first cause is the one of a closed port, and the last step is for packets that are too big.
        let known = if closed { 1 } else { causes.len() };
        let of_use = advice.len() - usize::from(closed && !advice.is_empty());
        (
            self.all_filled(causes.iter().take(known), finding),
            self.all_filled(advice.iter().take(of_use), finding),
        )
    }

    fn filled(self, template: &str, finding: &Finding) -> String {
        fill(template, |name| {
            let Some(fact) = finding.get(name) else {
                return (name == "title").then(|| Cow::Borrowed(self.title(finding)));
            };
            Some(match fact {
                Fact::Text(text) => Cow::Borrowed(text),
                Fact::Number(number) => number.to_string().into(),
                Fact::Time(time) => self.duration(*time).into(),
            })
        })
    }

    fn all_filled(
        self,
        templates: impl Iterator<Item = &'static String>,
        finding: &Finding,
    ) -> Filled {
        let filled = |template: &'static String| {
            if memchr(b'{', template.as_bytes()).is_some() {
                self.filled(template, finding).into()
            } else {
                template.as_str().into()
            }
        };
        templates.map(filled).collect()
    }

    /// What a code that a finding is about is called.
    fn title(self, finding: &Finding) -> &'static str {
        let number = |name| match finding.get(name) {
            Some(Fact::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        match finding.rule.name {
            "warning-3xx" => self
                .warning(&number("warning_code"))
                .map_or("", |(_, words)| words.title.as_str()),
            name if is_of_cause(name, finding) => self
                .cause(&number("cause"))
                .map_or("", |(_, words)| words.title.as_str()),
            _ => self
                .code_named(&number("cause"))
                .and_then(|code| code.facts)
                .map_or("", |facts| facts.phrase.as_str()),
        }
    }

    /// The words of a code that says more than the finding's own: a TLS alert, a Warning, a cause, or a text that only one
    /// program sends.
    fn coded(self, finding: &Finding) -> Option<Coded> {
        let number = |name| match finding.get(name) {
            Some(Fact::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        match finding.rule.name {
            "warning-3xx" => {
                let (_, words) = self.warning(&number("warning_code")?)?;
                Some(Coded::new(&words.meaning, &words.fix))
            }
            name if is_of_cause(name, finding) => {
                let (_, words) = self.cause(&number("cause")?)?;
                Some(Coded::new(&words.meaning, &words.fix))
            }
            _ => {
                if let Some(words) = self.alert_words(finding) {
                    return Some(Coded {
                        meaning: &words.meaning,
                        causes: Some(&words.causes),
                        fix: Some(&words.fix),
                        is_hint: false,
                    });
                }
                let (found, words) = self.fingerprint(finding)?;
                Some(Coded {
                    meaning: &words.meaning,
                    causes: (!words.causes.is_empty()).then_some(words.causes.as_slice()),
                    fix: (!words.fix.is_empty()).then_some(words.fix.as_slice()),
                    is_hint: !found.is_exact(),
                })
            }
        }
    }

    /// Whose text a refusal carries, when only one program is known to send it.
    pub fn fingerprint(
        self,
        finding: &Finding,
    ) -> Option<(&'static FingerprintFacts, &'static FingerprintWords)> {
        let (key, facts) = fingerprint::of(FACTS.fingerprints(), finding)?;
        Some((facts, self.locale().fingerprints().get(key)?))
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

/// Sentences with the facts of a finding in them.
pub type Filled = Vec<Cow<'static, str>>;

/// Words that take the place of a finding's own; what is `None` stays as it is.
#[derive(Clone, Copy)]
struct Coded {
    meaning: &'static str,
    causes: Option<&'static [String]>,
    fix: Option<&'static [String]>,
    /// Whether it gives way to what the packets prove more exactly.
    is_hint: bool,
}

impl Coded {
    const fn new(meaning: &'static str, fix: &'static [String]) -> Self {
        Self {
            meaning,
            causes: None,
            fix: Some(fix),
            is_hint: false,
        }
    }

    /// Whether it says more than the words of a variant, where there are such.
    const fn stands(&self, variant: bool) -> bool {
        !(self.is_hint && variant)
    }
}

/// Whether a finding tells a cause of Q.850, on its own or in place of a code that says something else.
fn is_of_cause(rule: &str, finding: &Finding) -> bool {
    rule == "reason-q850" || (rule == "status" && finding.variant == Some("cause-differs"))
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
pub fn fill<'v, V: Into<Cow<'v, str>>>(
    template: &str,
    value: impl Fn(&str) -> Option<V>,
) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = split_at_byte(rest, b'{') {
        text.push_str(before);
        match split_at_byte(after, b'}') {
            Some((name, behind)) => {
                match value(name) {
                    Some(value) => text.push_str(&value.into()),
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

/// What stands before and behind the first such byte of ASCII; `None` when it is not there.
fn split_at_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = memchr(byte, text.as_bytes())?;
    Some((text.get(..at)?, text.get(at + 1..)?))
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
            match tenths % 10 {
                0 => format!("{} s", tenths / 10),
                rest => format!("{}.{rest} s", tenths / 10),
            }
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
