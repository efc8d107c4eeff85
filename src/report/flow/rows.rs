//! The messages of a ladder, a line each and more where there is more to say.

use super::canvas::{Ink, Line};
use super::lanes::Lanes;
use super::shown::Whole;
use super::{Drawing, Letters, Told};
use crate::report::Settings;
use crate::report::ladder::{Ladder, Row, What, readable};
use crate::report::text::{clip, columns_of, offset, sanitize};
use crate::time::Timestamp;
use std::time::Duration;

/// Times between repeats that are named.
const INTERVALS: usize = 8;
/// Findings told below one message.
const FINDINGS: usize = 8;
/// Columns before a message that is shown in full.
const RAW_INDENT: usize = 4;

/// Columns that a heading may ask for where its numbers need less: the lanes want the room.
const HEADING: usize = 9;

/// The columns before the lanes: frame, time, time since the message before, leg.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    frame: usize,
    time: usize,
    gap: usize,
    leg: usize,
}

impl Numbers {
    pub(super) fn of(settings: &Settings, whole: &Whole<'_>, start: Timestamp, legs: bool) -> Self {
        let heading = |key| columns_of(settings.word(key)).min(HEADING);
        let rows = &whole.ladder.rows;
        let frame = rows.iter().map(|row| row.seen.frame.0.to_string().len());
        let time = rows
            .iter()
            .map(|row| offset(row.seen.time.since(start)).len());
        let gap = rows.windows(2).map(|pair| match pair {
            [before, row] => offset(row.seen.time.since(before.seen.time)).len() + 1,
            _ => 0,
        });
        Self {
            frame: (frame.max().unwrap_or(0))
                .max(5)
                .max(heading("column_frame")),
            time: (time.max().unwrap_or(0)).max(6).max(heading("column_time")),
            gap: (gap.max().unwrap_or(0)).max(6).max(heading("flow_gap")),
            leg: if legs { 2 } else { 0 },
        }
    }

    /// Columns of all, and two more before the first lane.
    pub(super) const fn width(self) -> usize {
        self.frame + 1 + self.time + 1 + self.gap + self.leg + 2
    }

    /// The headings.
    pub(super) fn titles(self, settings: &Settings, line: &mut Line) {
        let right = |end: usize, room: usize, key: &'static str| {
            let word = clip(settings.word(key), room);
            (end - columns_of(&word).min(end), word)
        };
        let mut end = self.frame;
        for (columns, key) in [
            (self.frame, "column_frame"),
            (self.time, "column_time"),
            (self.gap, "flow_gap"),
        ] {
            let (at, word) = right(end, columns, key);
            line.put(at, &word, Ink::Dim);
            end += 1 + if key == "column_frame" {
                self.time
            } else {
                self.gap
            };
        }
    }

    fn put(self, drawing: &Drawing<'_>, row: &Row, before: Option<&Row>, line: &mut Line) {
        let mut right = |end: usize, text: &str, ink: Ink| {
            line.put(end.saturating_sub(text.len()), text, ink);
        };
        let frame = row.seen.frame.0.to_string();
        right(self.frame, &frame, Ink::Dim);
        let time = offset(row.seen.time.since(drawing.start));
        right(self.frame + 1 + self.time, &time, Ink::Plain);
        if let Some(before) = before {
            let gap = row.seen.time.since(before.seen.time);
            // Whoever waits for long is what people look for.
            let ink = if gap >= LONG { Ink::Step } else { Ink::Dim };
            let end = self.frame + 1 + self.time + 1 + self.gap;
            right(end, &format!("+{}", offset(gap)), ink);
        }
    }
}

/// Gaps that stand out.
const LONG: Duration = Duration::from_secs(1);

impl Drawing<'_> {
    pub(super) fn rows(
        &self,
        whole: &Whole<'_>,
        numbers: &Numbers,
        lanes: &Lanes,
        letters: Option<&Letters<'_>>,
        told: &mut Told,
        page: &mut String,
    ) {
        let mut before = None;
        for row in &whole.ladder.rows {
            let mut line = lanes.line();
            numbers.put(self, row, before, &mut line);
            if let Some(letter) = letters.and_then(|it| it.of(&row.call_id)) {
                let column = lanes.ends().0.saturating_sub(3);
                line.put(column, &letter.to_string(), Ink::Plain);
            }
            let details = self.arrow(&whole.ladder, row, lanes, &mut line);
            let below = self.details(row, lanes, &details, &mut line);
            line.finish(self.paint, page);
            for line in below {
                line.finish(self.paint, page);
            }
            if self.settings.raw {
                self.raw(row, page);
            }
            for id in row.findings.iter().take(FINDINGS) {
                if let Some(finding) = whole.findings.get(id) {
                    self.finding(finding, lanes.ends().0, told, page);
                }
            }
            if row.findings.len() > FINDINGS {
                let more = (row.findings.len() - FINDINGS).to_string();
                let line = self.settings.filled("and_n_more", &[("n", more)]);
                let indent = lanes.ends().0 + 2;
                page.push_str(&self.wrapped("", &line, indent));
            }
            before = Some(row);
        }
    }

    /// Draws the arrow with what fits into it. Returns what does not.
    fn arrow(&self, ladder: &Ladder, row: &Row, lanes: &Lanes, line: &mut Line) -> Vec<String> {
        let (from, to) = (lanes.column(row.from), lanes.column(row.to));
        let ink = ink(&row.what);
        let full = sanitize(&row.what.label());
        let media = match (&row.media, row.hold) {
            (None, _) => "",
            (Some(_), false) => " (SDP)",
            (Some(_), true) => " (SDP hold)",
        };
        let (count, times) = repeats(row);
        let mut details = Vec::new();
        if lanes.is_shared(row.from) || lanes.is_shared(row.to) {
            let host = |lane: usize| ladder.lanes.get(lane);
            if let (Some(from), Some(to)) = (host(row.from), host(row.to)) {
                let name = |lane| super::name(self.settings, lane);
                details.push(format!("{} → {}", name(from), name(to)));
            }
        }
        let variants = [
            (format!("{full}{media}{times}"), 0),
            (format!("{full}{media}{count}"), 1),
            (format!("{full}{count}"), 1),
        ];
        let room = if from == to {
            lanes.width.saturating_sub(from + 4)
        } else {
            // The lane, a dash and a space on both sides, and the head.
            from.abs_diff(to).saturating_sub(5)
        };
        let fitting = variants.into_iter().find(|it| columns_of(&it.0) <= room);
        let (label, short) = fitting.unwrap_or_else(|| {
            let code = short(&row.what);
            details.push(full.clone());
            let label = clip(&format!("{code}{count}"), room);
            (label, 1)
        });
        if short > 0 && !times.is_empty() {
            details.push(times.trim_start().to_owned());
        }
        if from == to {
            line.put(from + 1, "↺", ink);
            line.put(from + 3, &label, ink);
            return details;
        }
        let (left, right) = (from.min(to), from.max(to));
        for column in left + 1..right {
            line.put(column, "─", ink);
        }
        if from < to {
            line.put(right - 1, ">", ink);
        } else {
            line.put(left + 1, "<", ink);
        }
        let columns = columns_of(&label) + 2;
        let inner = right - left - 1;
        let head = usize::from(from > to);
        // Between the head and the other lane, in the middle.
        let at = left + 1 + head + inner.saturating_sub(1 + columns) / 2;
        line.put(at, &format!(" {label} "), ink);
        details
    }

    /// What stands beside the arrow where there is room, or below it: the description, and what did not fit into it.
    fn details(&self, row: &Row, lanes: &Lanes, details: &[String], line: &mut Line) -> Vec<Line> {
        let mut parts = details.to_vec();
        if let Some(media) = &row.media {
            parts.push(sanitize(&self.settings.aliases.in_text(media)));
        }
        if parts.is_empty() {
            return Vec::new();
        }
        let text = parts.join(" · ");
        let (first, last) = lanes.ends();
        let beside = if row.from == row.to {
            lanes.width
        } else {
            last + 2
        };
        if beside + columns_of(&text) <= lanes.width {
            line.put(beside, &text, Ink::Dim);
            return Vec::new();
        }
        let left = lanes.column(row.from).min(lanes.column(row.to)) + 2;
        let start = left.min(lanes.width.saturating_sub(columns_of(&text)));
        let start = start.max(first + 2);
        let room = lanes.width.saturating_sub(start).max(10);
        let options = textwrap::Options::new(room)
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        let wrapped = textwrap::wrap(&text, options);
        let below = wrapped.iter().map(|text| {
            let mut line = lanes.line();
            line.put(start, text, Ink::Dim);
            line
        });
        below.collect()
    }

    /// The message itself.
    fn raw(&self, row: &Row, page: &mut String) {
        let room = self.settings.width.saturating_sub(RAW_INDENT).max(20);
        let text = match (&row.text, &row.what) {
            (Some(raw), _) => readable(raw),
            (None, What::Icmp { .. }) => return,
            (None, _) => self.settings.word("page_not_kept").to_owned(),
        };
        for (index, written) in text.lines().enumerate() {
            let ink = if index == 0 { Ink::Plain } else { Ink::Dim };
            // Lines are cut anywhere: what is copied from here is whole when it is joined again.
            let mut rest = written;
            loop {
                let (now, behind) = split_at_width(rest, room);
                let mut line = Line::default();
                line.put(RAW_INDENT, now, ink);
                line.finish(self.paint, page);
                rest = behind;
                if rest.is_empty() {
                    break;
                }
            }
        }
    }
}

/// As many characters as fit, at least one, and the others.
fn split_at_width(text: &str, room: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += unicode_width::UnicodeWidthChar::width(character).unwrap_or(0);
        if used > room && at > 0 {
            return text.split_at(at);
        }
    }
    (text, "")
}

/// How often a message was sent, and with the times between: ` ×5`, ` ×5, 0.5 1 2 4 s`.
fn repeats(row: &Row) -> (String, String) {
    if row.repeats == 0 {
        return (String::new(), String::new());
    }
    let count = format!(" ×{}", row.repeats + 1);
    let intervals = row.intervals();
    let mut times: Vec<_> = intervals
        .iter()
        .take(INTERVALS)
        .map(|it| seconds(*it))
        .collect();
    if times.is_empty() {
        return (count.clone(), count);
    }
    if intervals.len() > INTERVALS || row.repeats > intervals.len() {
        times.push("…".to_owned());
    }
    let times = format!("{count}, {} s", times.join(" "));
    (count, times)
}

/// Seconds with as many digits as tell something: `0.5`, `1`, `32`, `0.02`.
fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let text = if seconds < 0.095 {
        format!("{seconds:.3}")
    } else {
        format!("{seconds:.1}")
    };
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() { "0" } else { text }.to_owned()
}

/// The shortest that still says what it is.
fn short(what: &What) -> String {
    match what {
        What::Response { code, .. } => code.to_string(),
        What::Icmp { .. } => "ICMP".to_owned(),
        What::Request { .. } => sanitize(&what.label()),
    }
}

const fn ink(what: &What) -> Ink {
    match what {
        What::Request { .. } => Ink::Request,
        What::Response { code, .. } => match code {
            ..200 => Ink::Plain,
            200..300 => Ink::Success,
            300..=399 | 401 | 407 | 422 | 423 | 491 | 494 => Ink::Step,
            _ => Ink::Failure,
        },
        What::Icmp { .. } => Ink::Failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_the_digits_that_tell() {
        for (millis, expected) in [
            (0, "0"),
            (20, "0.02"),
            (500, "0.5"),
            (501, "0.5"),
            (996, "1"),
            (4004, "4"),
            (32_000, "32"),
        ] {
            assert_eq!(seconds(Duration::from_millis(millis)), expected);
        }
    }

    #[test]
    fn long_lines_are_cut_and_nothing_is_lost() {
        assert_eq!(split_at_width("abcdef", 4), ("abcd", "ef"));
        assert_eq!(split_at_width("日本語", 3), ("日", "本語"));
        assert_eq!(split_at_width("日本語", 1), ("日", "本語"));
        assert_eq!(split_at_width("", 4), ("", ""));
    }
}
