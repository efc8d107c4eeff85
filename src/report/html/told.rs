//! A sentence on the page, whose lines break at spaces only: a browser would break dates, settings and options at their
//! hyphens too, and on a phone `--sip-` and `password` are two things.

use crate::report::direction::isolated_runs;
use crate::report::text::held;
use askama::filters::{Escaper, Html, HtmlSafe};
use std::fmt::{self, Display, Formatter};

/// Longer words may break where they can: they would be wider than a phone.
const LONGEST_WHOLE: usize = 28;

/// A sentence as HTML, escaped.
#[derive(Debug)]
pub(super) struct Told(String);

impl HtmlSafe for Told {}

impl Told {
    /// The sentence; in a right-to-left page what it names is isolated, because the page reorders it.
    pub(super) fn of(text: &str, right_to_left: bool) -> Self {
        let text = held(text);
        let text = if right_to_left {
            isolated_runs(&text)
        } else {
            text.into_owned()
        };
        let mut told = String::with_capacity(text.len() + 32);
        for piece in text.split_inclusive(char::is_whitespace) {
            let word = piece.trim_end();
            let space = piece.get(word.len()..).unwrap_or_default();
            if is_whole(word) {
                told.push_str("<span class=\"whole\">");
                escape(word, &mut told);
                told.push_str("</span>");
            } else {
                escape(word, &mut told);
            }
            told.push_str(space);
        }
        Self(told)
    }
}

impl Display for Told {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a word has a hyphen and is no wider than a phone.
fn is_whole(word: &str) -> bool {
    word.len() > 1 && word.contains('-') && word.chars().count() <= LONGEST_WHOLE
}

/// As the templates escape all else.
fn escape(text: &str, into: &mut String) {
    // Nothing fails that writes into a string.
    let _ = Html.write_escaped_str(into, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_words_with_hyphens_are_kept_whole() {
        let of = |text| Told::of(text, false).to_string();
        assert_eq!(
            of("set --sip-password on 2026-11-21 - or not"),
            "set <span class=\"whole\">--sip-password</span> on <span class=\"whole\">2026-11-21</span> - or not"
        );
        let long = "a-word-that-no-phone-has-room-for";
        assert_eq!(of(long), long);
    }

    #[test]
    fn what_strangers_wrote_is_text() {
        let told = Told::of("<b>\"a-b\"&'c'</b> <i-j>", false).to_string();
        assert!(!told.contains("<b>") && !told.contains("<i"), "{told}");
        assert!(
            told.contains("&#60;b&#62;&#34;a-b&#34;&#38;&#39;c&#39;"),
            "{told}"
        );
    }
}
