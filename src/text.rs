//! Texts as strangers and users write them: made harmless for whoever reads them, and compared with known names.

use std::fmt::Write as _;

/// Text from the wire without what a terminal would obey or a reader could not see: control characters become `\xNN`, what
/// is invisible or turns the text around becomes `\u{NNNN}`.
pub fn sanitize(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            let _ = write!(clean, "\\x{:02x}", u32::from(character));
        } else if is_invisible(character) {
            let _ = write!(clean, "\\u{{{:x}}}", u32::from(character));
        } else {
            clean.push(character);
        }
    }
    clean
}

/// Whether nobody sees a character although it may change what is seen: the format characters and fillers of Unicode, tag
/// letters, other ends of lines. Those that choose between looks of a sign (U+FE0F) are none of them.
pub const fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// How well a word stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Somewhere inside another word.
    Inside,
    /// At the beginning of a word.
    Beginning,
    /// As a word, or as some.
    Word,
}

/// How well `wanted` stands in `text`, at the best place it has there; `None` where it does not. Upper and lower case differ.
pub fn place_of(text: &str, wanted: &str) -> Option<Place> {
    // Chinese and Japanese have no spaces: each character may begin a word.
    let is_letter = |it: char| it.is_alphanumeric() && it < '\u{2e80}';
    let is_inside = |it: Option<char>| it.is_some_and(is_letter);
    let places = text.match_indices(wanted).map(|(at, found)| {
        let (before, behind) = (text.get(..at), text.get(at + found.len()..));
        if is_inside(before.and_then(|it| it.chars().next_back())) {
            Place::Inside
        } else if is_inside(behind.and_then(|it| it.chars().next())) {
            Place::Beginning
        } else {
            Place::Word
        }
    });
    places.max()
}

/// The known name that comes nearest to what was written; `None` when none comes near: at most one letter in three differs.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody types more, and the comparison is quadratic.
    let written: Vec<char> = written.chars().take(LONGEST).collect();
    known
        .into_iter()
        .map(|name| (distance(&written, &name.chars().collect::<Vec<_>>()), name))
        .filter(|(distance, _)| distance * 3 <= written.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

const LONGEST: usize = 64;

/// How many letters were left out, added, changed or swapped with the next one.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    let mut previous = None;
    for (index, &a) in one.iter().enumerate() {
        let mut next = vec![index + 1];
        let mut left = None;
        for (column, &b) in other.iter().enumerate() {
            let at = |cells: &[usize], column: usize| {
                cells.get(column).copied().unwrap_or(usize::MAX / 2)
            };
            let mut cost = (at(&row, column) + usize::from(a != b))
                .min(at(&row, column + 1) + 1)
                .min(at(&next, column) + 1);
            if previous == Some(b) && left == Some(a) && column > 0 {
                cost = cost.min(at(&before, column - 1) + 1);
            }
            next.push(cost);
            left = Some(b);
        }
        before = std::mem::replace(&mut row, next);
        previous = Some(a);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stands_best_as_a_word() {
        for (text, wanted, place) in [
            ("early dialog terminated", "nat", Some(Place::Inside)),
            ("contact-private-nat", "nat", Some(Place::Word)),
            ("a nation with a nat", "nat", Some(Place::Word)),
            ("request terminated", "term", Some(Place::Beginning)),
            ("busy everywhere", "busy every", Some(Place::Beginning)),
            ("被叫忙，请稍后", "忙", Some(Place::Word)),
            ("ok", "nat", None),
        ] {
            assert_eq!(place_of(text, wanted), place, "{wanted}");
        }
    }

    #[test]
    fn letters_left_out_added_changed_and_swapped_count_one_each() {
        let of = |one: &str, other: &str| {
            distance(
                &one.chars().collect::<Vec<_>>(),
                &other.chars().collect::<Vec<_>>(),
            )
        };
        assert_eq!(of("loop", "loop"), 0);
        assert_eq!(of("lop", "loop"), 1);
        assert_eq!(of("looop", "loop"), 1);
        assert_eq!(of("liop", "loop"), 1);
        assert_eq!(of("lopo", "loop"), 1);
        assert_eq!(of("", "loop"), 4);
        assert_eq!(of("kitten", "sitting"), 3);
    }

    #[test]
    fn what_nobody_sees_is_shown() {
        assert_eq!(
            sanitize("B\u{202e}usy\u{2028}\u{e0041}\x1b\u{200d}"),
            "B\\u{202e}usy\\u{2028}\\u{e0041}\\x1b\\u{200d}"
        );
        assert_eq!(sanitize("❤\u{fe0f} لا é"), "❤\u{fe0f} لا é");
    }

    #[test]
    fn what_is_far_from_all_is_nearest_to_none() {
        let known = ["auth-loop", "no-answer", "status"];
        assert_eq!(nearest("auth_loop", known), Some("auth-loop"));
        assert_eq!(nearest("noanswer", known), Some("no-answer"));
        assert_eq!(nearest("xyz", known), None);
        assert_eq!(nearest("", known), None);
    }
}
