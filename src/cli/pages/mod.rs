//! `sipdiag explain`, `compare`, `codes` and `findings`: pages of the catalogue.

mod compare;
mod explain;
mod lists;

pub(super) use compare::compare;
pub(super) use explain::explain;
pub(super) use lists::{codes, findings};

use super::environment::Environment;
use crate::catalogue::{Catalogue, CodeFacts, CodeWords, Registration, counted, fill};
use crate::report::Wrapped;
use anstyle::Style;
use std::fmt::Write as _;

/// A page being written.
struct Page<'a> {
    environment: &'a Environment,
    catalogue: Catalogue,
    text: String,
}

impl<'a> Page<'a> {
    const fn new(environment: &'a Environment) -> Self {
        Self {
            environment,
            catalogue: environment.catalogue,
            text: String::new(),
        }
    }

    fn title(&mut self, title: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.heading_line(title);
    }

    fn heading_line(&mut self, text: &str) {
        let style = Style::new().bold();
        if self.environment.color {
            let _ = writeln!(self.text, "{style}{text}{style:#}");
        } else {
            self.text.push_str(text);
            self.text.push('\n');
        }
    }

    fn line(&mut self, text: &str) {
        self.wrapped("", text, 2);
    }

    fn section(&mut self, heading: &'static str, text: &str) {
        if !text.is_empty() {
            self.text.push('\n');
            self.heading_line(self.catalogue.word(heading));
            self.line(text);
        }
    }

    fn list(&mut self, heading: &'static str, items: &[String], numbered: bool) {
        if items.is_empty() {
            return;
        }
        self.text.push('\n');
        self.heading_line(self.catalogue.word(heading));
        self.items("  ", items, numbered);
    }

    fn items(&mut self, margin: &str, items: &[String], numbered: bool) {
        for (index, item) in items.iter().enumerate() {
            let label = if numbered {
                format!("{margin}{}. ", index + 1)
            } else {
                format!("{margin}- ")
            };
            let indent = label.len();
            self.wrapped(&label, item, indent);
        }
    }

    fn wrapped(&mut self, label: &str, text: &str, indent: usize) {
        let wrapped = Wrapped {
            // Long lines are hard to read, however wide the screen is.
            width: self.environment.width.min(100),
            indent,
        };
        self.text.push_str(&wrapped.paragraph(label, text));
    }

    fn filled(&self, key: &'static str, values: &[(&str, &str)]) -> String {
        fill(self.catalogue.word(key), |name| {
            values
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    fn print(self) -> anyhow::Result<u8> {
        self.environment.show(self.text)
    }

    fn code(&mut self, name: &str, facts: Option<&CodeFacts>, words: &CodeWords) {
        let title = match facts {
            Some(facts) => format!("{name} {}", facts.phrase),
            None => name.to_owned(),
        };
        self.title(&title);
        let mut traits = Vec::new();
        if let Some(class) = self.class_name(name) {
            let digit = name.get(..1).unwrap_or_default();
            traits.push(self.filled(
                "words_class",
                &[("class", &format!("{digit}xx")), ("name", class)],
            ));
        }
        match facts {
            Some(facts) => {
                if facts.registration != Registration::Local {
                    traits.push(self.finality(facts).to_owned());
                }
                traits.push(
                    self.catalogue
                        .word(match facts.registration {
                            Registration::Iana => "registered",
                            Registration::Unregistered => "unregistered",
                            Registration::Obsolete => "obsolete",
                            Registration::Profile => "profile",
                            Registration::Local => "local",
                        })
                        .to_owned(),
                );
            }
            None if name.bytes().all(|byte| byte.is_ascii_digit()) => {
                let class = name.get(..1).unwrap_or_default();
                traits.push(self.filled("unknown_code", &[("class", class)]));
            }
            None => {}
        }
        if !traits.is_empty() {
            self.line(&traits.join(self.catalogue.word("list_separator")));
        }
        self.section("heading_description", &words.meaning);
        self.section("heading_when", &words.when);
        self.list("heading_causes", &words.causes, false);
        self.list("heading_fix", &words.fix, true);
        self.section("heading_next", &words.next_step);
        self.section("heading_severity", &words.severity);
        let Some(facts) = facts else {
            return;
        };
        self.section("heading_sent_by", &self.roles(facts));
        self.section(
            "heading_evidence",
            &facts.evidence.join(self.catalogue.word("comma")),
        );
        let confused: Vec<_> = facts
            .confused_with
            .iter()
            .map(|other| {
                let phrase = self
                    .catalogue
                    .code_named(other)
                    .and_then(|code| code.facts)
                    .map_or("", |facts| &facts.phrase);
                format!("{other} {phrase}").trim_end().to_owned()
            })
            .collect();
        self.section(
            "heading_confused",
            &confused.join(self.catalogue.word("comma")),
        );
        let mut references: Vec<String> = facts.rfc.iter().cloned().collect();
        if let Some(cause) = facts.q850 {
            references.push(self.filled("mapping_q850", &[("cause", &cause.to_string())]));
        }
        self.section(
            "heading_reference",
            &references.join(self.catalogue.word("list_separator")),
        );
    }

    fn finality(&self, facts: &CodeFacts) -> &'static str {
        self.catalogue.word(if facts.is_final {
            "kind_final"
        } else {
            "kind_provisional"
        })
    }

    fn roles(&self, facts: &CodeFacts) -> String {
        let words: Vec<_> = facts
            .sent_by
            .iter()
            .map(|role| self.catalogue.word(role.key()))
            .collect();
        words.join(self.catalogue.word("comma"))
    }

    fn class_name(&self, code: &str) -> Option<&'static str> {
        Some(self.catalogue.word(match code.as_bytes().first()? {
            b'1' => "class_1xx",
            b'2' => "class_2xx",
            b'3' => "class_3xx",
            b'4' => "class_4xx",
            b'5' => "class_5xx",
            b'6' => "class_6xx",
            _ => return None,
        }))
    }
}

/// A message with its blanks marked as manuals do: `<dst>`.
fn placeholders(message: &str) -> String {
    let whole = counted(message, |_| false);
    fill(&whole, |name| Some(format!("<{name}>")))
}
