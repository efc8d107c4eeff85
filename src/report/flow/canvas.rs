//! A line of the screen that is written column by column: what comes later stands over what was there.

use crate::report::paint::Paint;
use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthChar;

/// How something looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ink {
    #[default]
    Plain,
    /// What frames the rest: lanes, numbers, descriptions.
    Dim,
    Request,
    /// 2xx.
    Success,
    /// 3xx, and challenges: the caller has to do something.
    Step,
    /// Other final responses, ICMP errors.
    Failure,
}

impl Ink {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Dim => Style::new().dimmed(),
            Self::Request => Style::new().bold(),
            Self::Success => AnsiColor::Cyan.on_default(),
            Self::Step => AnsiColor::Yellow.on_default(),
            Self::Failure => AnsiColor::Red.on_default().bold(),
        }
    }
}

/// A column; empty where a wide character before it goes on.
#[derive(Clone, Debug)]
struct Cell {
    text: String,
    ink: Ink,
}

/// The line.
#[derive(Clone, Debug, Default)]
pub(super) struct Line(Vec<Cell>);

impl Line {
    /// Writes a text from a column on.
    pub(super) fn put(&mut self, column: usize, text: &str, ink: Ink) {
        let mut at = column;
        for character in text.chars() {
            let columns = character.width().unwrap_or(0);
            if columns == 0 {
                if let Some(before) = at.checked_sub(1).and_then(|it| self.0.get_mut(it)) {
                    before.text.push(character);
                }
                continue;
            }
            for step in 0..columns {
                let text = if step == 0 {
                    character.to_string()
                } else {
                    String::new()
                };
                self.set(at + step, Cell { text, ink });
            }
            at += columns;
            // The second half of a wide character that is gone.
            if let Some(half) = self.0.get_mut(at).filter(|it| it.text.is_empty()) {
                half.text.push(' ');
            }
        }
    }

    fn set(&mut self, column: usize, cell: Cell) {
        if self.0.len() <= column {
            let space = Cell {
                text: " ".to_owned(),
                ink: Ink::Plain,
            };
            self.0.resize(column + 1, space);
        }
        let cuts = self.0.get(column).is_some_and(|it| it.text.is_empty());
        if cuts
            && !cell.text.is_empty()
            && let Some(first) = column.checked_sub(1).and_then(|it| self.0.get_mut(it))
        {
            " ".clone_into(&mut first.text);
        }
        if let Some(place) = self.0.get_mut(column) {
            *place = cell;
        }
    }

    /// Whether nothing is written from a column on, so many columns.
    pub(super) fn is_free(&self, column: usize, columns: usize) -> bool {
        let cells = self.0.iter().skip(column).take(columns);
        cells.into_iter().all(|it| it.text == " ")
    }

    /// The line for the terminal, with its end.
    pub(super) fn finish(&self, paint: Paint, page: &mut String) {
        let written = self.0.iter().rposition(|it| it.text != " ");
        let mut rest = self.0.get(..written.map_or(0, |it| it + 1));
        while let Some([first, ..]) = rest {
            let cells = rest.unwrap_or_default();
            let same = cells.iter().take_while(|it| it.ink == first.ink).count();
            let (run, behind) = cells.split_at(same);
            let text: String = run.iter().map(|it| it.text.as_str()).collect();
            page.push_str(&paint.with(first.ink.style(), &text));
            rest = Some(behind);
        }
        page.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &Line) -> String {
        let mut page = String::new();
        line.finish(Paint(false), &mut page);
        page
    }

    #[test]
    fn what_comes_later_stands_over_what_was_there() {
        let mut line = Line::default();
        line.put(3, "│", Ink::Dim);
        line.put(0, "日本語", Ink::Plain);
        assert_eq!(text(&line), "日本語\n");
        line.put(1, "x", Ink::Plain);
        assert_eq!(text(&line), " x本語\n");
        line.put(4, "y ", Ink::Plain);
        assert_eq!(text(&line), " x本y\n");
        assert!(line.is_free(5, 10) && !line.is_free(4, 2));
    }

    #[test]
    fn marks_stay_with_their_letters() {
        let mut line = Line::default();
        line.put(1, "e\u{301}a", Ink::Plain);
        line.put(0, "\u{301}b", Ink::Plain);
        assert_eq!(text(&line), "be\u{301}a\n");
    }
}
