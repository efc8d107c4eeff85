//! Text for terminals: what strangers wrote is made harmless, and lines are as wide as the screen.

pub(super) use crate::text::is_invisible;
pub use crate::text::sanitize;

use crate::time::Timestamp;
use std::borrow::Cow;
use std::time::Duration;
use textwrap::WordSeparator;
use textwrap::core::Word;
use unicode_width::UnicodeWidthChar;

/// The columns that a terminal gives a text: each character its own, lam and alef too, ligature or not.
pub(super) fn columns_of(text: &str) -> usize {
    text.chars().filter_map(UnicodeWidthChar::width).sum()
}

/// As many characters from the start as fit into `width` columns, with `…` where something was left out.
pub(super) fn clip(text: &str, width: usize) -> String {
    if columns_of(text) <= width {
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

/// Stands for a space at which no line ends.
const HARD_SPACE: char = '\u{a0}';

/// The text with hard spaces where French has spaces that belong to a sign: behind `«`, and before `»`, `:`, `;`, `!`, `?`
/// and `%`.
pub(super) fn held(text: &str) -> Cow<'_, str> {
    let belongs = |before: &str, behind: &str| {
        let mut behind = behind.chars();
        before.ends_with('«')
            || (behind.next().is_some_and(|it| "»:;!?%".contains(it))
                && behind.next().is_none_or(|it| !it.is_alphanumeric()))
    };
    harder(text, belongs)
}

/// The text with hard spaces everywhere but behind a comma: the parts of a list of counts stay whole.
pub(super) fn held_parts(text: &str) -> Cow<'_, str> {
    harder(text, |before, _| !before.ends_with([',', '，', '、']))
}

/// The text with a hard space wherever `belongs` says so of what stands before and behind a space.
fn harder(text: &str, belongs: impl Fn(&str, &str) -> bool) -> Cow<'_, str> {
    let mut hard: Option<String> = None;
    let mut done = 0;
    for (at, space) in text.match_indices(' ') {
        let (before, behind) = (text.get(..at), text.get(at + space.len()..));
        let both = before.zip(behind);
        if both.is_some_and(|(before, behind)| belongs(before, behind)) {
            let hard = hard.get_or_insert_default();
            hard.push_str(text.get(done..at).unwrap_or_default());
            hard.push(HARD_SPACE);
            done = at + space.len();
        }
    }
    match hard {
        Some(mut hard) => {
            hard.push_str(text.get(done..).unwrap_or_default());
            hard.into()
        }
        None => text.into(),
    }
}

/// What a terminal shows of a text with hard spaces: they have done their work, and who searches the answer types others.
pub(super) fn softened(text: &str) -> String {
    text.replace(HARD_SPACE, " ")
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
        let first = padded(label, self.indent);
        let rest = " ".repeat(self.indent);
        let options = textwrap::Options::new(self.width.max(20))
            .initial_indent(&first)
            .subsequent_indent(&rest)
            .word_separator(textwrap::WordSeparator::Custom(words))
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        let mut lines = softened(&textwrap::wrap(&held(text), options).join("\n"));
        lines.push('\n');
        lines
    }
}

/// Words as `textwrap` puts them into lines.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    match pieces(line) {
        Some(pieces) => Box::new(pieces.into_iter().map(Word::from)),
        None => WordSeparator::AsciiSpace.find_words(line),
    }
}

/// What a line of Chinese or Japanese, which have no spaces between words, may be cut into (UAX #14): each piece ends with
/// its spaces, and none begins with what must not begin a line. Names and addresses within are cut at spaces only, as they
/// are in other languages; there it is `None`.
pub(super) fn pieces(line: &str) -> Option<Vec<&str>> {
    let is_wide = |it: char| it.width() == Some(2);
    if !line.contains(is_wide) {
        return None;
    }
    let mut pieces = Vec::new();
    let mut start = 0;
    for (end, _) in unicode_linebreak::linebreaks(line) {
        let (before, behind) = line.split_at_checked(end)?;
        let breaks = before.ends_with(is_wide)
            || before.ends_with(' ')
            || behind.starts_with(is_wide)
            || behind.is_empty();
        if breaks {
            pieces.push(line.get(start..end)?);
            start = end;
        }
    }
    Some(pieces)
}

/// Text that fills a number of columns: what is narrower gets spaces behind it.
pub(super) fn padded(text: &str, columns: usize) -> String {
    format!(
        "{text}{}",
        " ".repeat(columns.saturating_sub(columns_of(text)))
    )
}

/// `2026-11-21 05:30:00 UTC`.
pub(super) fn date(time: Timestamp) -> String {
    let text = time.to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(clock)) => format!("{day} {clock} UTC"),
        _ => text,
    }
}

/// Characters of a Call-ID: as good as all have fewer, and what is cut cannot be looked for.
const CALL_ID_WIDTH: usize = 128;

/// A Call-ID as it can be given to `--call-id`.
pub(super) fn call_id(bytes: &[u8]) -> String {
    clip(&sanitize(&String::from_utf8_lossy(bytes)), CALL_ID_WIDTH)
}

/// `05:30:00.123`, behind its date where those that are told are of several days.
pub(super) fn moment(time: Timestamp, of_days: bool) -> String {
    let text = time.to_string();
    let date = text.get(..10).filter(|_| of_days);
    date.map_or_else(|| clock(time), |date| format!("{date} {}", clock(time)))
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
    let ends = [
        text.find(". ").map(|at| at + 1),
        text.find('。').map(|at| at + '。'.len_utf8()),
    ];
    let end = ends.into_iter().flatten().min();
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_and_not_done() {
        assert_eq!(
            sanitize("a\x1b[31mb\u{202e}c\u{200b}\r\n"),
            "a\\x1b[31mb\\u{202e}c\\u{200b}\\x0d\\x0a"
        );
        assert_eq!(sanitize("Đường dây bận ✓"), "Đường dây bận ✓");
    }

    #[test]
    fn the_first_sentence_ends_as_its_language_does() {
        assert_eq!(first_sentence("See 2.5 s. Then B."), "See 2.5 s.");
        assert_eq!(first_sentence("先看。RFC 3261. 再看"), "先看。");
        assert_eq!(first_sentence("One"), "One");
    }

    #[test]
    fn lines_break_where_the_language_lets_them() {
        let wrapped = Wrapped {
            width: 20,
            indent: 4,
        };
        let lines = wrapped.paragraph(
            "",
            "認証情報が誤っている（ユーザー名、realm）か、sip:alice@example.com",
        );
        for line in lines.lines() {
            assert!(columns_of(line) <= 20, "{line}");
            assert!(!line.trim_start().starts_with(['、', '）', 'ー']), "{line}");
        }
        assert!(lines.lines().count() >= 5, "{lines}");
        // Hyphens and slashes are no places for it, in any language.
        assert_eq!(pieces("auth-loop a/b"), None);
        assert_eq!(
            pieces("见 auth-loop a/b。是"),
            Some(vec!["见 ", "auth-loop ", "a/b。", "是"])
        );
    }

    #[test]
    fn signs_stay_with_their_words() {
        let wrapped = |width, text| Wrapped { width, indent: 0 }.paragraph("", text);
        assert_eq!(
            wrapped(24, "le realm pour tous est « lab.test » : une fois"),
            "le realm pour tous est\n« lab.test » : une fois\n"
        );
        // What only begins with such a sign is a word.
        assert_eq!(held("sans ;rport"), "sans ;rport");
        assert_eq!(held_parts("calls 1, 4 s"), "calls\u{a0}1, 4\u{a0}s");
    }

    #[test]
    fn clipped_text_is_never_wider_than_asked() {
        assert_eq!(clip("abcdef", 4), "abc…");
        assert_eq!(clip("日本語", 5), "日本…");
        assert_eq!(clip("abc", 3), "abc");
        assert_eq!(clip("لالا", 4), "لالا");
        assert_eq!(clip("لالا", 3), "لا…");
    }
}
