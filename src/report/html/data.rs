//! What the script of the page draws from: calls, ladders and messages as compact JSON, safe inside `<script>`.

use crate::engine::Report;
use crate::hash::{HashMap, HashSet};
use crate::limits::MAX_PAGE_FINDINGS;
use crate::report::calls::{self, LadderCall};
use crate::report::flow;
use crate::report::ladder::{Row, What, readable};
use crate::report::text::{call_id, clip, sanitize};
use crate::report::{Settings, VERSION_LINE};
use crate::rules::Finding;
use crate::severity::Severity;
use crate::time::Timestamp;
use crate::transaction::TransactionId;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Columns of a name in a cell.
const NAME_WIDTH: usize = 120;

/// The data of the page.
#[derive(Debug, Default)]
pub(super) struct Data {
    pub(super) json: String,
    /// Which call a transaction is in, by its place in the table.
    pub(super) call_of: HashMap<TransactionId, usize>,
    /// Messages that no ladder has.
    pub(super) rows_left_out: usize,
}

/// Texts that stand in many places, once each.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
    known: HashMap<String, usize>,
}

impl Texts {
    fn of(&mut self, text: &str) -> usize {
        let text = clip(&sanitize(text), NAME_WIDTH);
        if let Some(index) = self.known.get(&text) {
            return *index;
        }
        self.all.push(text.clone());
        self.known.insert(text, self.all.len() - 1);
        self.all.len() - 1
    }
}

/// The words that the script shows, by the names it knows them by.
const WORDS: [(&str, &str); 22] = [
    ("colon", "colon"),
    ("decimal", "decimal_sign"),
    ("shown", "page_shown"),
    ("page", "page_page"),
    ("ladder", "page_ladder"),
    ("message", "page_message"),
    ("notKept", "page_not_kept"),
    ("pick", "page_pick"),
    ("leftOut", "page_rows_left_out"),
    ("legs", "page_legs"),
    ("none", "page_none"),
    ("frame", "column_frame"),
    ("callId", "page_call_id"),
    ("completed", "page_state_completed"),
    ("answered", "page_state_answered"),
    ("cancelled", "page_state_cancelled"),
    ("failed", "page_state_failed"),
    ("no-response", "page_state_no_response"),
    ("pending", "page_state_pending"),
    ("error", "error"),
    ("warning", "warning"),
    ("info", "info"),
];

impl Data {
    pub(super) fn of(settings: &Settings, report: &Report, mut calls: Vec<LadderCall>) -> Self {
        let mut data = Self::default();
        for (index, call) in calls.iter().enumerate() {
            data.rows_left_out += call.ladder.left_out;
            for row in &call.ladder.rows {
                data.call_of.insert(row.transaction, index);
            }
        }
        let mut of_call: Vec<Vec<&Finding>> = vec![Vec::new(); calls.len()];
        for finding in report.findings.iter().take(MAX_PAGE_FINDINGS) {
            let call = finding
                .transactions
                .iter()
                .find_map(|it| data.call_of.get(it));
            if let Some(findings) = call.and_then(|call| of_call.get_mut(*call)) {
                findings.push(finding);
            }
        }
        let groups = groups(&calls);
        // Whole milliseconds are what a browser's clock knows.
        let start = report.first_time.map_or(0, Timestamp::as_nanos);
        let start = Timestamp::from_nanos(start - start.rem_euclid(1_000_000));
        let (mut texts, mut messages) = (Texts::default(), Vec::new());
        let mut list = Vec::with_capacity(calls.len());
        for ((call, findings), group) in calls.iter_mut().zip(of_call).zip(groups) {
            call.ladder.mark(findings.iter().copied());
            let mut writer = Writer {
                start,
                texts: &mut texts,
                messages: &mut messages,
            };
            list.push(writer.call(settings, call, &findings, group));
        }
        let words: Map<String, Value> = WORDS
            .iter()
            .map(|(name, key)| ((*name).to_owned(), settings.word(key).into()))
            .collect();
        let whole = json!({
            "by": VERSION_LINE,
            // Milliseconds since 1970, and the microseconds of calls and messages since then.
            "start": start.as_nanos() / 1_000_000,
            "words": words,
            "texts": texts.all,
            "messages": messages,
            "calls": list,
        });
        data.json = in_script(&whole.to_string());
        data
    }
}

/// JSON that no parser of HTML takes for the end of a script or for a comment.
fn in_script(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            _ => safe.push(character),
        }
    }
    safe
}

/// For each call that has other legs in the page the number of their group.
fn groups(calls: &[LadderCall]) -> Vec<Option<usize>> {
    let groups = calls::groups(calls);
    // A Call-ID that is used again is no leg of itself.
    let mut legs: HashMap<usize, HashSet<&Arc<[u8]>>> = HashMap::default();
    for (call, group) in calls.iter().zip(&groups) {
        legs.entry(*group).or_default().insert(&call.call_id);
    }
    let many = |group: &usize| legs.get(group).is_some_and(|it| it.len() > 1);
    groups
        .into_iter()
        .map(|group| Some(group).filter(many))
        .collect()
}

struct Writer<'a> {
    start: Timestamp,
    texts: &'a mut Texts,
    messages: &'a mut Vec<String>,
}

impl Writer<'_> {
    fn micros(&self, time: Timestamp) -> u64 {
        u64::try_from(time.since(self.start).as_micros()).unwrap_or(u64::MAX)
    }

    fn call(
        &mut self,
        settings: &Settings,
        call: &LadderCall,
        findings: &[&Finding],
        group: Option<usize>,
    ) -> Value {
        // What the findings say weighs more than how one of the transactions ended.
        let worst = findings.iter().map(|it| it.severity).max();
        let severity = worst.or(call.severity).filter(|it| *it > Severity::Info);
        let lanes: Vec<Value> = call
            .ladder
            .lanes
            .iter()
            .map(|lane| {
                let name = flow::name(settings, lane);
                let agent = lane.agent.as_deref().map(|it| self.texts.of(it));
                json!([self.texts.of(&name), agent])
            })
            .collect();
        let rows: Vec<Value> = call
            .ladder
            .rows
            .iter()
            .map(|row| self.row(row, findings))
            .collect();
        let findings: Vec<Value> = findings
            .iter()
            .map(|it| {
                let message = settings.message(it);
                json!([it.severity.name(), self.texts.of(&it.name()), message])
            })
            .collect();
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| {
            let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            if !empty {
                object.insert(name.to_owned(), value);
            }
        };
        put("t", self.micros(call.start).into());
        put("m", self.texts.of(call.method.name()).into());
        put(
            "f",
            self.texts.of(&String::from_utf8_lossy(&call.from)).into(),
        );
        put(
            "o",
            self.texts.of(&String::from_utf8_lossy(&call.to)).into(),
        );
        put("s", call.state.name().into());
        put("c", call.code.into());
        put("p", call.delay.map(millis).into());
        put("d", call.duration.map(millis).into());
        put("v", severity.map(Severity::name).into());
        put("i", call_id(&call.call_id).into());
        put("g", group.into());
        put("n", findings.into());
        put("l", lanes.into());
        put("r", rows.into());
        if call.ladder.left_out > 0 {
            put("x", call.ladder.left_out.into());
        }
        object.into()
    }

    /// Microseconds, frame, lanes, label, kind, repeats, intervals, media, message, findings; zeros and nulls at the end
    /// are left out.
    fn row(&mut self, row: &Row, findings: &[&Finding]) -> Value {
        let kind = match row.what {
            What::Request { .. } => 0,
            What::Response { code, .. } => code / 100,
            What::Icmp { .. } => 7,
        };
        let intervals: Vec<_> = row.intervals().into_iter().take(12).map(millis).collect();
        let text = row.text.as_deref().map(|raw| {
            self.messages.push(readable(raw));
            self.messages.len() - 1
        });
        let marks: Vec<usize> = row
            .findings
            .iter()
            .filter_map(|id| findings.iter().position(|it| it.id == *id))
            .collect();
        let mut cells = vec![
            self.micros(row.seen.time).into(),
            row.seen.frame.0.into(),
            row.from.into(),
            row.to.into(),
            self.texts.of(&row.what.label()).into(),
            kind.into(),
            row.repeats.into(),
            if intervals.is_empty() {
                Value::Null
            } else {
                intervals.into()
            },
            row.media.as_deref().map(|it| self.texts.of(it)).into(),
            text.into(),
            if marks.is_empty() {
                Value::Null
            } else {
                marks.into()
            },
        ];
        // Behind the repeats a zero is a place in a list.
        while cells
            .last()
            .is_some_and(|it| it.is_null() || (cells.len() <= 7 && *it == 0))
        {
            cells.pop();
        }
        cells.into()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from((time.as_micros() + 500) / 1000).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_data_ends_the_script() {
        let hostile = json!([
            "</script><script>alert(1)</script>",
            "<!--",
            "]]>",
            "&lt;",
            "\u{2028}"
        ]);
        let safe = in_script(&hostile.to_string());
        assert!(!safe.contains(['<', '>', '&', '\u{2028}']), "{safe}");
        let back: Value = serde_json::from_str(&safe).unwrap();
        assert_eq!(back, hostile);
    }
}
