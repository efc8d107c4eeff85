//! `markdown`: a report for a ticket, as GitHub and its like render it: the headlines first, each with its proof, causes and
//! next steps; then the transactions that matter and the counts. What strangers wrote is text there and nothing else: no
//! link, no image, no mention of a person, no markup.

use super::row::{COLUMNS, Rows};
use super::telling::{Group, Groups, Head, kpi};
use super::text::{first_sentence, offset, sanitize};
use super::{Settings, VERSION_LINE};
use crate::engine::{Report, Summary};
use crate::rules::Finding;
use crate::time::Timestamp;
use crate::transaction::Transaction;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Findings told in full; the others are one line each. A comment on a ticket may have 65,536 characters.
const TOLD_IN_FULL: usize = 8;

/// The format at work.
#[derive(Debug)]
pub struct Markdown<W> {
    settings: Settings,
    out: W,
    rows: Rows,
}

impl<W: Write> Markdown<W> {
    pub(super) fn new(settings: Settings, out: W) -> Self {
        Self {
            settings,
            out,
            rows: Rows::default(),
        }
    }

    pub(super) fn transaction(&mut self, transaction: &Transaction, findings: &[&Finding]) {
        self.rows.transaction(&self.settings, transaction, findings);
    }

    pub(super) fn finish(mut self, report: &Report) -> io::Result<W> {
        let page = self.page(report);
        self.out.write_all(page.as_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn page(&self, report: &Report) -> String {
        let mut page = String::new();
        let head = Head::of(&self.settings, report);
        block(&mut page, &format!("# {}", escape(&head.names)));
        let lines = [vec![head.amount], head.counting, head.remarks].concat();
        let lines: Vec<_> = lines.iter().map(|line| escape(line)).collect();
        block(&mut page, &lines.join("  \n"));
        list(&mut page, "> - ", &head.limits);
        let groups = Groups::of(report);
        for (index, group) in groups.told.iter().enumerate() {
            if index < TOLD_IN_FULL {
                self.told(group, report, &mut page);
            } else {
                let line = self.headline(group);
                block(&mut page, &format!("- {line}"));
            }
        }
        if let Some(word) = groups.all_clear(report, self.rows.remarkable) {
            block(&mut page, &format!("**{}**", escape(self.word(word))));
        }
        let notes: Vec<_> = groups.notes().map(|it| it.note(&self.settings)).collect();
        if !notes.is_empty() {
            self.heading("section_notes", &mut page);
            list(&mut page, "- ", &notes);
        }
        self.transactions(report, &mut page);
        let figures = kpi(&self.settings, &report.summary.kpi);
        if !figures.is_empty() {
            self.heading("section_kpi", &mut page);
            list(&mut page, "- ", &figures);
        }
        self.counts(&report.summary, &mut page);
        let _ = writeln!(page, "*{VERSION_LINE}*");
        page
    }

    fn word(&self, key: &'static str) -> &'static str {
        self.settings.word(key)
    }

    fn heading(&self, key: &'static str, page: &mut String) {
        block(page, &format!("## {}", escape(self.word(key))));
    }

    fn headline(&self, group: &Group<'_>) -> String {
        let severity = self.word(group.first.severity.name()).to_uppercase();
        format!("**{severity}** {}", escape(&group.message(&self.settings)))
    }

    fn told(&self, group: &Group<'_>, report: &Report, page: &mut String) {
        let settings = &self.settings;
        block(page, &format!("## {}", self.headline(group)));
        let labelled = |page: &mut String, key, text: &str| {
            block(
                page,
                &format!("**{}** {}", label(self.word(key)), escape(text)),
            );
        };
        labelled(page, "label_meaning", &group.meaning(settings));
        let (packets, lines) = group.proof(settings);
        labelled(page, "label_proof", &packets);
        list(page, "- ", &lines);
        for (key, marker, items) in [
            ("label_causes", "- ", group.causes(settings)),
            ("label_advice", "1. ", group.advice(settings)),
            ("label_because", "- ", group.consequences(settings, report)),
        ] {
            if !items.is_empty() {
                labelled(page, key, "");
                list(page, marker, &items);
            }
        }
        labelled(page, "label_reference", &group.reference(settings));
    }

    fn transactions(&self, report: &Report, page: &mut String) {
        let rows = self.rows.chosen(&self.settings);
        if rows.is_empty() {
            return;
        }
        let heading = self.rows.heading(&self.settings, &rows);
        block(page, &format!("## {}", escape(&heading)));
        row(page, &COLUMNS.map(|key| escape(self.word(key))));
        page.push_str("|---:|---:|---|---|---|---|\n");
        let start = report.first_time.unwrap_or(Timestamp::MIN);
        for (it, alike) in rows {
            let [from, to] = &it.route;
            let frame = it.frame.map_or_else(String::new, |it| it.to_string());
            let cells = [
                frame,
                offset(it.time.since(start)),
                escape(&it.method),
                format!("{} → {}", escape(from), escape(to)),
                escape(&it.sequence),
                escape(&it.verdict(&self.settings, alike)),
            ];
            row(page, &cells);
        }
        page.push('\n');
    }

    fn counts(&self, summary: &Summary, page: &mut String) {
        if !summary.requests.is_empty() {
            self.heading("section_requests", page);
            let requests = summary.requests.iter();
            let requests: Vec<_> = requests
                .map(|(method, count)| format!("{} {count}", escape(method)))
                .collect();
            block(page, &requests.join(self.word("comma")));
        }
        if summary.responses.is_empty() {
            return;
        }
        self.heading("section_responses", page);
        row(
            page,
            &[
                "column_code",
                "column_count",
                "column_name",
                "column_meaning",
            ]
            .map(|key| escape(self.word(key))),
        );
        page.push_str("|---:|---:|---|---|\n");
        for (code, count) in &summary.responses {
            let entry = self.settings.catalogue.code(*code);
            let phrase = entry.and_then(|it| it.facts).map_or("", |it| &it.phrase);
            let meaning = entry.map_or("", |it| first_sentence(&it.words.meaning));
            let cells = [
                code.to_string(),
                count.to_string(),
                escape(phrase),
                escape(meaning),
            ];
            row(page, &cells);
        }
        page.push('\n');
    }
}

/// A paragraph, a heading: what an empty line follows.
fn block(page: &mut String, text: &str) {
    page.push_str(text.trim_end());
    page.push_str("\n\n");
}

/// A list; with `1.` for a marker, a numbered one.
fn list(page: &mut String, marker: &str, items: &[String]) {
    for (index, item) in items.iter().enumerate() {
        let number = (index + 1).to_string();
        let _ = writeln!(page, "{}{}", marker.replace('1', &number), escape(item));
    }
    if !items.is_empty() {
        page.push('\n');
    }
}

fn row<const N: usize>(page: &mut String, cells: &[String; N]) {
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

/// A label of the screen, which is in lower case there, as the beginning of a line.
fn label(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).collect()
}

/// Text that means itself: what Markdown (CommonMark with GitHub's additions) or GitHub after it would read as something
/// else is escaped.
fn escape(text: &str) -> String {
    let text = sanitize(text);
    let mut safe = String::with_capacity(text.len() + text.len() / 8);
    let mut before = None;
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let behind = rest.as_str();
        // Only where a line begins do these mean a list, a heading or a rule.
        let begins_block = safe.is_empty() && matches!(character, '-' | '+' | '=');
        let ends_number = matches!(character, '.' | ')')
            && !behind.starts_with(|it: char| !it.is_whitespace())
            && !safe.is_empty()
            && safe.len() < 10
            && safe.bytes().all(|byte| byte.is_ascii_digit());
        if begins_block || ends_number || MARKUP.contains(character) {
            safe.push('\\');
        }
        safe.push(character);
        let in_word = before.is_some_and(char::is_alphanumeric);
        let joins = match character {
            // Mentions, and numbers of other tickets.
            '@' => !in_word,
            '#' => behind.starts_with(|it: char| it.is_ascii_digit()),
            // Addresses that would become links.
            ':' => behind.starts_with("//"),
            'w' | 'W' => !in_word && is_www(behind),
            _ => false,
        };
        if joins {
            safe.push_str("<!-- -->");
        }
        before = Some(character);
    }
    safe
}

/// Whether what follows a `w` makes it the beginning of `www.`.
fn is_www(behind: &str) -> bool {
    behind
        .get(..3)
        .is_some_and(|it| it.eq_ignore_ascii_case("ww."))
}

/// Characters that mean something anywhere in a line.
const MARKUP: &str = "\\`*_[]<>|~#&$!";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_wrote_is_text() {
        for (given, expected) in [
            ("a|b", "a\\|b"),
            (
                "<img src=x onerror=alert(1)>",
                "\\<img src=x onerror=alert(1)\\>",
            ),
            ("![x](http://e)", "\\!\\[x\\](http:<!-- -->//e)"),
            ("*a* _b_ `c` ~d~", "\\*a\\* \\_b\\_ \\`c\\` \\~d\\~"),
            ("# a", "\\# a"),
            ("- a", "\\- a"),
            ("12. a", "12\\. a"),
            ("12.5 s", "12.5 s"),
            ("see #12", "see \\#<!-- -->12"),
            ("@team look", "@<!-- -->team look"),
            ("sip:alice@example.com", "sip:alice@example.com"),
            ("www.example.com", "w<!-- -->ww.example.com"),
            ("&lt;", "\\&lt;"),
            ("a\r\n\r\n# b", "a\\\\x0d\\\\x0a\\\\x0d\\\\x0a\\# b"),
        ] {
            assert_eq!(escape(given), expected);
        }
    }
}
