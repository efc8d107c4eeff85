//! Text for terminals: what strangers wrote is made harmless, and lines are as wide as the screen.

pub use crate::text::sanitize;

use crate::time::Timestamp;
use std::time::Duration;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// As many characters from the start as fit into `width` columns, with `…` where something was left out.
pub(super) fn clip(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut clipped = String::new();
    let mut used = 0;
    for character in text.chars() {
        let columns = character.width().unwrap_or(0);
        if used + columns + 1 > width {
            break;
        }
        used += columns;
        clipped.push(character);
    }
    clipped.push('…');
    clipped
}

/// Paragraphs of one width with a hanging label: the shape of everything that is not a table.
#[derive(Clone, Copy, Debug)]
pub struct Wrapped {
    /// Columns in all.
    pub width: usize,
    /// Columns before the text.
    pub indent: usize,
}

impl Wrapped {
    /// The text in lines, the first one behind `label`, the others indented as far.
    pub fn paragraph(self, label: &str, text: &str) -> String {
        let pad = self.indent.saturating_sub(label.width());
        let first = format!("{label}{}", " ".repeat(pad));
        let rest = " ".repeat(self.indent);
        let options = textwrap::Options::new(self.width.max(20))
            .initial_indent(&first)
            .subsequent_indent(&rest)
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        let mut lines = textwrap::wrap(text, options).join("\n");
        lines.push('\n');
        lines
    }
}

/// `2026-11-21 05:30:00 UTC`.
pub(super) fn date(time: Timestamp) -> String {
    let text = time.to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(clock)) => format!("{day} {clock} UTC"),
        _ => text,
    }
}

/// `05:30:00.123`.
pub(super) fn clock(time: Timestamp) -> String {
    let text = time.to_string();
    text.get(11..23).unwrap_or(&text).to_owned()
}

/// Seconds since the start of the capture, as Wireshark's time column shows them.
pub(super) fn offset(since: Duration) -> String {
    format!("{}.{:03}", since.as_secs(), since.subsec_millis())
}

/// The first sentence of a text: what fits behind a count.
pub(super) fn first_sentence(text: &str) -> &str {
    text.find(". ")
        .and_then(|end| text.get(..=end))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_and_not_done() {
        assert_eq!(
            sanitize("a\x1b[31mb\u{202e}c\u{200b}\r\n"),
            "a\\x1b[31mbc\\x0d\\x0a"
        );
        assert_eq!(sanitize("Đường dây bận ✓"), "Đường dây bận ✓");
    }

    #[test]
    fn clipped_text_is_never_wider_than_asked() {
        assert_eq!(clip("abcdef", 4), "abc…");
        assert_eq!(clip("日本語", 5), "日本…");
        assert_eq!(clip("abc", 3), "abc");
    }
}
