//! Tables for a terminal: without lines, as wide as it, and with cells that break where their language does.

use super::text::{held, pieces, softened};
use comfy_table::{Cell, ContentArrangement, Table, presets};

/// Stands in a cell wherever its line may break, has no width, and is taken out again. Strangers' texts have none:
/// `sanitize` shows them otherwise.
const BREAK: char = '\u{200b}';
/// Stands behind each lam: lam and alef would else count as one column, and terminals give them one each. Taken out again,
/// too.
const UNJOINED: char = '\u{200c}';

/// A table of so many columns of characters.
pub fn empty_table(width: usize) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .force_no_tty()
        .set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table
}

/// A cell that breaks at its spaces, and in Chinese and Japanese between characters.
pub fn cell(text: impl AsRef<str>) -> Cell {
    let text = &*held(text.as_ref());
    match pieces(text) {
        Some(pieces) => Cell::new(pieces.join(&BREAK.to_string())).set_delimiter(BREAK),
        None => Cell::new(text.replace('ل', &format!("ل{UNJOINED}"))),
    }
}

/// The lines of a table, without the spaces that fill them.
pub fn printed(table: &Table) -> String {
    let mut text = String::new();
    for line in softened(&table.to_string()).lines() {
        text.push_str(line.replace([BREAK, UNJOINED], "").trim_end());
        text.push('\n');
    }
    if text.is_empty() {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn lam_and_alef_are_two_columns() {
        let mut shown = empty_table(40);
        shown.add_row([cell("لا"), cell("x")]);
        shown.add_row([cell("ab"), cell("x")]);
        assert_eq!(printed(&shown), " لا  x\n ab  x\n");
    }

    #[test]
    fn wide_characters_stay_in_their_column() {
        let mut shown = empty_table(30);
        shown.add_row([
            cell("486"),
            cell("着信側は話中です。しばらくしてから再発信してください。"),
            cell("被叫忙，请稍后再拨。"),
        ]);
        let shown = printed(&shown);
        assert!(shown.lines().count() > 1);
        for line in shown.lines() {
            assert!(line.width() <= 30, "{line}");
            assert!(!line.contains(BREAK));
            // No line of a cell begins with what ends a sentence.
            assert!(!line.contains(" 。") && !line.contains(" ，"), "{shown}");
        }
    }
}
