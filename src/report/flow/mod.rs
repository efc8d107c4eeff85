//! `flow`: the ladder of each call for a terminal. A lane a host, an arrow a message with its time and what it repeats, the
//! findings beside the message they point at, and with `--raw` the messages themselves. It fits the terminal's width.

mod canvas;
mod lanes;
mod rows;
mod shown;

pub(super) use lanes::name;
pub(super) use shown::{Gathering, Shown, Whole};

use super::Settings;
use super::paint::Paint;
use super::telling::Head;
use super::text::{Wrapped, call_id, clip, columns_of, date, held_parts, sanitize};
use crate::dialog::Call;
use crate::dialog::attempt::AttemptState;
use crate::dialog::legs::Legs;
use crate::engine::Report;
use crate::hash::HashSet;
use crate::limits::MAX_FLOW_TEXT;
use crate::rules::{Finding, FindingId};
use crate::time::Timestamp;
use crate::transaction::Transaction;
use anstyle::Style;
use lanes::Lanes;
use std::io::{self, Write};

/// Columns of a URI or a Call-ID above a ladder.
const NAME_WIDTH: usize = 60;
/// Findings told of those that belong to no message.
const TOLD_APART: usize = 12;

/// The format at work.
#[derive(Debug)]
pub struct Flow<W> {
    settings: Settings,
    out: W,
    gathering: Gathering,
}

impl<W: Write> Flow<W> {
    pub(super) fn new(settings: Settings, out: W) -> Self {
        let text = if settings.raw { MAX_FLOW_TEXT } else { 0 };
        Self {
            settings,
            out,
            gathering: Gathering::keeping(text),
        }
    }

    pub(super) fn transaction(&mut self, transaction: &Transaction, findings: &[&Finding]) {
        self.gathering.transaction(transaction, findings);
    }

    pub(super) fn call(&mut self, call: &Call, legs: &Legs) {
        self.gathering.call(call, legs);
    }

    pub(super) fn finish(self, report: &Report) -> io::Result<W> {
        let Self {
            settings,
            mut out,
            gathering,
        } = self;
        let shown = Shown::of(&settings, report, gathering);
        let drawing = Drawing {
            settings: &settings,
            paint: Paint(settings.color),
            start: report.first_time.unwrap_or(Timestamp::MIN),
        };
        let bidi = settings.bidi;
        let head = Head::of_ladders(&settings, report).page(&settings);
        out.write_all(bidi.page(head).as_bytes())?;
        let mut told = Told::default();
        for whole in &shown.calls {
            let mut page = String::new();
            drawing.call(whole, &mut told, &mut page);
            out.write_all(bidi.page(page).as_bytes())?;
        }
        let mut page = String::new();
        drawing.end(report, &shown, &mut told, &mut page);
        out.write_all(bidi.page(page).as_bytes())?;
        out.flush()?;
        Ok(out)
    }
}

/// The findings that were told in full.
type Told = HashSet<FindingId>;

/// What all parts of the page need.
#[derive(Clone, Copy, Debug)]
struct Drawing<'a> {
    settings: &'a Settings,
    paint: Paint,
    start: Timestamp,
}

impl Drawing<'_> {
    fn wrapped(&self, label: &str, text: &str, indent: usize) -> String {
        let width = self.settings.width;
        Wrapped { width, indent }.paragraph(label, text)
    }

    fn call(&self, whole: &Whole<'_>, told: &mut Told, page: &mut String) {
        self.title(whole, page);
        let letters = letters(whole);
        let numbers = rows::Numbers::of(self.settings, whole, self.start, letters.is_some());
        let lanes = Lanes::of(&whole.ladder, numbers.width(), self.settings.width);
        self.shared(whole, &lanes, page);
        let mut header = lanes.header(self.settings, &whole.ladder);
        let mut titles = lanes.line();
        numbers.titles(self.settings, &mut titles);
        header.push(titles);
        for line in header {
            line.finish(self.paint, page);
        }
        self.rows(whole, &numbers, &lanes, letters.as_ref(), told, page);
        if whole.ladder.left_out > 0 {
            let values = [("n", whole.ladder.left_out.to_string())];
            let line = self.settings.filled("page_rows_left_out", &values);
            page.push_str(&self.wrapped("  … ", &line, 4));
        }
        for finding in whole.apart.iter().take(TOLD_APART) {
            self.finding(finding, 2, told, page);
        }
        self.and_more(whole.apart.len(), page);
        page.push('\n');
    }

    /// Who wanted what from whom, what became of it, and the Call-IDs.
    fn title(&self, whole: &Whole<'_>, page: &mut String) {
        let Some(first) = whole.legs.first() else {
            return;
        };
        let settings = self.settings;
        let party = |uri: &[u8]| clip(&sanitize(&String::from_utf8_lossy(uri)), NAME_WIDTH);
        let mut end = vec![settings.word(state(first.state)).to_owned()];
        end.extend(first.code.map(|code| code.to_string()));
        end.push(held_parts(&date(first.start)).into_owned());
        let heading = format!(
            "{} {} → {} · {}",
            sanitize(first.method.name()),
            party(&first.from),
            party(&first.to),
            end.join(" · ")
        );
        for line in self.wrapped("", &heading, 2).trim_start().lines() {
            page.push_str(&self.paint.with(Style::new().bold(), line));
            page.push('\n');
        }
        let letters = letters(whole);
        let mut told: Vec<&[u8]> = Vec::new();
        for leg in &whole.legs {
            if told.contains(&&*leg.call_id) || told.len() >= LETTERS.len() {
                continue;
            }
            told.push(&leg.call_id);
            let id = call_id(&leg.call_id);
            let line = match &leg.before {
                Some(link) => {
                    let rule = link.by.name().to_owned();
                    settings.filled("linked_leg", &[("id", id), ("rule", rule)])
                }
                None => settings.filled("call_id", &[("id", id)]),
            };
            let letter = letters.as_ref().and_then(|it| it.of(&leg.call_id));
            let label = letter.map_or_else(|| "  ".to_owned(), |it| format!("  {it} "));
            page.push_str(&self.wrapped(&label, &line, columns_of(&label)));
        }
    }

    /// The hosts that share a lane.
    fn shared(&self, whole: &Whole<'_>, lanes: &Lanes, page: &mut String) {
        if lanes.together.is_empty() {
            return;
        }
        let hosts = lanes.together.iter();
        let hosts = hosts.filter_map(|it| whole.ladder.lanes.get(*it));
        let mut names: Vec<_> = hosts
            .take(TOLD_APART)
            .map(|lane| name(self.settings, lane))
            .collect();
        if lanes.together.len() > names.len() {
            names.push("…".to_owned());
        }
        let count = lanes.together.len().to_string();
        let lane = self.settings.filled("flow_more_hosts", &[("n", count)]);
        let values = [("lane", lane), ("hosts", names.join(", "))];
        let shared = self.settings.filled("flow_shared_lane", &values);
        page.push_str(&self.wrapped("  ", &shared, 2));
    }

    /// A finding in a few lines, indented; when it was told with another call already, its name.
    fn finding(&self, finding: &Finding, indent: usize, told: &mut Told, page: &mut String) {
        let word = self.settings.word(finding.severity.name()).to_uppercase();
        let name = finding.name();
        let text = if told.insert(finding.id) {
            let colon = self.settings.word("colon");
            format!("{word} {name}{colon}{}", self.settings.message(finding))
        } else {
            format!("{word} {name}")
        };
        let label = format!("{}└ ", " ".repeat(indent));
        let lines = self.wrapped(&label, &text, indent + 2);
        let mark = format!("└ {word} {name}");
        match lines.split_once(&mark) {
            Some((before, after)) => {
                page.push_str(before);
                page.push_str(&self.paint.severity(finding.severity, &mark));
                page.push_str(after);
            }
            None => page.push_str(&lines),
        }
    }

    fn and_more(&self, all: usize, page: &mut String) {
        if all > TOLD_APART {
            let more = (all - TOLD_APART).to_string();
            let line = self.settings.filled("and_n_more", &[("n", more)]);
            page.push_str(&self.wrapped("  … ", &line, 4));
        }
    }

    /// What is not drawn: findings that are about no call, and calls that nobody asked for.
    fn end(&self, report: &Report, shown: &Shown<'_>, told: &mut Told, page: &mut String) {
        let settings = self.settings;
        let limits = Head::of_ladders(settings, report).limits;
        let told_above = |finding: &&&Finding| {
            let start = format!("{}: ", finding.rule.name);
            !limits.iter().any(|it| it.starts_with(&start))
        };
        let elsewhere: Vec<_> = shown.elsewhere.iter().filter(told_above).collect();
        if !elsewhere.is_empty() {
            let heading = settings.word("flow_elsewhere");
            page.push_str(&self.paint.with(Style::new().bold(), heading));
            page.push('\n');
            for finding in elsewhere.iter().take(TOLD_APART) {
                self.finding(finding, 0, told, page);
            }
            self.and_more(elsewhere.len(), page);
            page.push('\n');
        }
        let nothing_selected = report.selected.as_ref().is_some_and(|it| it.call_ids == 0);
        if shown.calls.is_empty() && !nothing_selected {
            page.push_str(&self.wrapped("", settings.word("flow_none"), 0));
        }
        if shown.all > shown.calls.len() {
            let values = [
                ("shown", shown.calls.len().to_string()),
                ("all", shown.all.to_string()),
            ];
            page.push_str(&self.wrapped("", &settings.filled("flow_shown", &values), 0));
        }
    }
}

/// The letters of the legs of a call, where it has several.
#[derive(Debug)]
struct Letters<'a>(Vec<&'a [u8]>);

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

impl Letters<'_> {
    fn of(&self, call_id: &[u8]) -> Option<char> {
        let index = self.0.iter().position(|it| *it == call_id)?;
        LETTERS.chars().nth(index)
    }
}

fn letters<'a>(whole: &'a Whole<'_>) -> Option<Letters<'a>> {
    let mut ids: Vec<&[u8]> = Vec::new();
    for leg in &whole.legs {
        if ids.len() < LETTERS.len() && !ids.contains(&&*leg.call_id) {
            ids.push(&leg.call_id);
        }
    }
    (ids.len() > 1).then_some(Letters(ids))
}

/// The word for how a call stands.
const fn state(state: AttemptState) -> &'static str {
    match state {
        AttemptState::Completed => "page_state_completed",
        AttemptState::Answered => "page_state_answered",
        AttemptState::Cancelled => "page_state_cancelled",
        AttemptState::Failed => "page_state_failed",
        AttemptState::NoResponse => "page_state_no_response",
        AttemptState::Pending => "page_state_pending",
    }
}
