//! Right-to-left languages on media that reorder what they show: names, addresses and codes within a sentence are isolated
//! (UAX #9: U+2066 LRI, U+2067 RLI, U+2069 PDI), so that `486 Busy Here` is not shown as `Busy Here 486`, nor an address
//! torn apart. The order of the bytes stays the logical one, and what does no bidi shows nothing of it: the characters have
//! no width.

use crate::catalogue::Language;

const LTR_ISOLATE: char = '\u{2066}';
const RTL_ISOLATE: char = '\u{2067}';
const END_OF_ISOLATE: char = '\u{2069}';

/// How a page is marked for what shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bidi {
    /// Not at all: nothing reorders it, or a program reads it.
    #[default]
    Plain,
    /// With isolates.
    Isolated,
}

impl Bidi {
    /// What a language needs where stdout is a terminal or not.
    pub fn of(language: Language, terminal: bool) -> Self {
        if terminal && language.is_right_to_left() {
            Self::Isolated
        } else {
            Self::Plain
        }
    }

    /// The page as it is shown.
    pub(crate) fn page(self, page: String) -> String {
        match self {
            Self::Plain => page,
            Self::Isolated => isolated_page(&page),
        }
    }
}

/// A page for a terminal. What stands between two columns, or fills a line, is one isolate: a terminal that reorders lines
/// then keeps labels and columns of tables in their places.
fn isolated_page(page: &str) -> String {
    let mut isolated = String::with_capacity(page.len() + page.len() / 4);
    for piece in pieces(page) {
        if piece.contains(is_right_to_left) {
            isolated.push(RTL_ISOLATE);
            isolated.push_str(&isolated_runs(piece));
            isolated.push(END_OF_ISOLATE);
        } else {
            isolated.push_str(piece);
        }
    }
    isolated
}

/// A text of a right-to-left paragraph with each run of another script in an isolate of its own.
pub(super) fn isolated_runs(text: &str) -> String {
    if !text.contains(is_right_to_left) {
        return text.to_owned();
    }
    let mut isolated = String::with_capacity(text.len() + 16);
    let mut done = 0;
    for (from, until) in runs(text) {
        let (Some(before), Some(run)) = (text.get(done..from), text.get(from..until)) else {
            continue;
        };
        isolated.push_str(before);
        // A lone number keeps its order everywhere.
        let number = run.bytes().all(|it| it.is_ascii_digit() || it == b'.');
        if number {
            isolated.push_str(run);
        } else {
            isolated.push(LTR_ISOLATE);
            isolated.push_str(run);
            isolated.push(END_OF_ISOLATE);
        }
        done = until;
    }
    isolated.push_str(text.get(done..).unwrap_or_default());
    isolated
}

/// Cuts a page at the ends of lines, at two spaces and more, and around what colours a text.
fn pieces(page: &str) -> impl Iterator<Item = &str> {
    let mut rest = page;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = match gap(rest) {
            0 => next_gap(rest),
            gap => gap,
        };
        let (piece, behind) = rest.split_at_checked(end)?;
        rest = behind;
        Some(piece)
    })
}

/// How many bytes at the start are no text of a cell.
fn gap(text: &str) -> usize {
    if text.starts_with('\u{1b}') {
        return text.find('m').map_or(text.len(), |end| end + 1);
    }
    let spaces = text.len() - text.trim_start_matches(' ').len();
    if text.starts_with('\n') {
        1
    } else if spaces > 1 {
        spaces
    } else {
        0
    }
}

fn next_gap(text: &str) -> usize {
    [text.find('\n'), text.find("  "), text.find('\u{1b}')]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(text.len())
}

/// Where runs of Latin letters and digits begin and end, with the signs in them and at them.
fn runs(text: &str) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    // The run as far as it is sure, and where it ends.
    let mut open: Option<(usize, usize)> = None;
    // Where signs began that belong to a run that follows them without a space.
    let mut signs = None;
    for (at, character) in text.char_indices() {
        let behind = at + character.len_utf8();
        if character.is_alphanumeric() && !is_right_to_left(character) {
            let from = open.map_or(signs.unwrap_or(at), |(from, _)| from);
            open = Some((from, behind));
            continue;
        }
        let at_run = open.is_some_and(|(_, until)| until == at);
        if is_right_to_left(character) || ends_run(text.get(at..).unwrap_or_default()) {
            runs.extend(open.take());
            signs = None;
        } else if at_run && JOINED_BEHIND.contains(character) {
            open = open.map(|(from, _)| (from, behind));
        } else if at_run && text.get(at..).is_some_and(|it| it.starts_with("()")) {
            open = open.map(|(from, _)| (from, behind + 1));
        } else if JOINED_BEFORE.contains(character) {
            signs = signs.or(Some(at));
        } else {
            signs = None;
        }
    }
    runs.extend(open);
    runs.iter().map(|it| with_brackets(text, *it)).collect()
}

/// The end of a sentence, or of one of several things in a line.
fn ends_run(text: &str) -> bool {
    text.starts_with(". ") || text.starts_with("; ") || text.starts_with('·')
}

const JOINED_BEFORE: &str = "+-/#@*_.~$&=<";
const JOINED_BEHIND: &str = "%+-/*_=>…";

/// The run with the brackets beside it that have their partner in it.
fn with_brackets(text: &str, (mut from, mut until): (usize, usize)) -> (usize, usize) {
    for (open, close) in [('(', ')'), ('[', ']'), ('«', '»'), ('"', '"')] {
        let run = text.get(from..until).unwrap_or_default();
        let count = |sign| run.matches(sign).count();
        let lacks_one = if open == close {
            count(open) % 2 == 1
        } else {
            count(open) != count(close)
        };
        if !lacks_one {
            continue;
        }
        let behind = text.get(until..).unwrap_or_default();
        let before = text.get(..from).unwrap_or_default();
        if behind.starts_with(close) && count(open) >= count(close) {
            until += close.len_utf8();
        } else if before.ends_with(open) && count(close) >= count(open) {
            from -= open.len_utf8();
        }
    }
    (from, until)
}

/// The blocks of the scripts that are written from right to left, with their punctuation.
const fn is_right_to_left(character: char) -> bool {
    matches!(
        character,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With brackets for the isolates, which nobody could see.
    fn seen(text: &str) -> String {
        text.replace(LTR_ISOLATE, "⟨")
            .replace(RTL_ISOLATE, "⟪")
            .replace(END_OF_ISOLATE, "⟩")
    }

    #[test]
    fn names_and_codes_in_a_sentence_are_isolated() {
        for (text, isolated) in [
            ("486 Busy Here", "486 Busy Here"),
            ("الرد 486 Busy Here نهائي", "الرد ⟨486 Busy Here⟩ نهائي"),
            ("بعد 5 محاولات", "بعد 5 محاولات"),
            ("إلى <sip:a@b>، ثم", "إلى ⟨<sip:a@b>⟩، ثم"),
            ("اضبط --all أو -w.", "اضبط ⟨--all⟩ أو ⟨-w⟩."),
            ("الرد (486 Busy) نهائي", "الرد (⟨486 Busy⟩) نهائي"),
            ("في realm «lab.test» هنا", "في ⟨realm «lab.test»⟩ هنا"),
            ("نداء Dial() هنا", "نداء ⟨Dial()⟩ هنا"),
            ("وفق RFC 3261. INVITE طلب", "وفق ⟨RFC 3261⟩. ⟨INVITE⟩ طلب"),
            ("إطار 3-6 · Call-ID a@b", "إطار ⟨3-6⟩ · ⟨Call-ID a@b⟩"),
        ] {
            assert_eq!(seen(&isolated_runs(text)), isolated);
        }
    }

    #[test]
    fn columns_labels_and_colours_of_a_page_stay_in_their_places() {
        let page = "\u{1b}[1mخطأ\u{1b}[0m  لا رد من 192.0.2.1:5060\n  1  INVITE  لا رد  طبيعي\n";
        assert_eq!(
            seen(&isolated_page(page)),
            "\u{1b}[1m⟪خطأ⟩\u{1b}[0m  ⟪لا رد من ⟨192.0.2.1:5060⟩⟩\n  1  INVITE  ⟪لا رد⟩  ⟪طبيعي⟩\n"
        );
        let latin = "1  INVITE  \u{1b}[0m";
        assert_eq!(isolated_page(latin), latin);
    }

    #[test]
    fn nothing_but_isolates_is_added() {
        let page = "  أ(b \"c  [d\u{1b}]  ... ه) <-- e\u{1b}";
        let without: String = isolated_page(page)
            .chars()
            .filter(|it| ![LTR_ISOLATE, RTL_ISOLATE, END_OF_ISOLATE].contains(it))
            .collect();
        assert_eq!(without, page);
    }
}
