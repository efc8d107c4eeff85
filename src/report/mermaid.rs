//! `mermaid`: the ladders as one sequence diagram of Mermaid, which GitHub, GitLab and many wikis draw. What strangers wrote is
//! text there: every character that the language or HTML could take for something else is written by its number.

use super::Settings;
use super::flow::{Gathering, Shown, Whole, name};
use super::ladder::{Row, What};
use super::text::{clip, date, offset};
use crate::dialog::Call;
use crate::dialog::legs::Legs;
use crate::engine::Report;
use crate::hash::HashMap;
use crate::limits::MAX_DIAGRAM;
use crate::rules::Finding;
use crate::time::Timestamp;
use crate::transaction::Transaction;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Columns of a text above a call, of a name, and of a finding.
const NAME_WIDTH: usize = 60;
const FINDING_WIDTH: usize = 160;

/// The format at work.
#[derive(Debug)]
pub struct Mermaid<W> {
    settings: Settings,
    out: W,
    gathering: Gathering,
}

impl<W: Write> Mermaid<W> {
    pub(super) const fn new(settings: Settings, out: W) -> Self {
        Self {
            settings,
            out,
            gathering: Gathering::keeping(0),
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
        let start = report.first_time.unwrap_or(Timestamp::MIN);
        out.write_all(diagram(&settings, &shown, start).as_bytes())?;
        out.flush()?;
        Ok(out)
    }
}

/// The diagram. Lines beyond what is drawn are left out, and a note says how many calls that hits.
fn diagram(settings: &Settings, shown: &Shown<'_>, start: Timestamp) -> String {
    let mut participants: Vec<String> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::default();
    let mut body = String::new();
    let mut used = 0;
    let mut drawn = 0;
    for whole in &shown.calls {
        let lanes: Vec<_> = whole.ladder.lanes.iter().collect();
        let places: Vec<usize> = lanes
            .iter()
            .map(|lane| {
                let name = name(settings, lane);
                *known.entry(name.clone()).or_insert_with(|| {
                    participants.push(escape(&name));
                    participants.len() - 1
                })
            })
            .collect();
        let whole_used: usize = participants.iter().map(|it| it.len() + PARTICIPANT).sum();
        let mut written = vec![title(settings, whole, &places)];
        for row in &whole.ladder.rows {
            written.extend(row_lines(settings, whole, row, &places, start));
        }
        let mut whole_drawn = true;
        for line in written {
            if whole_used + used + line.len() + 1 > MAX_DIAGRAM {
                whole_drawn = false;
                break;
            }
            used += line.len() + 1;
            body.push_str(&line);
            body.push('\n');
        }
        if !whole_drawn {
            break;
        }
        drawn += 1;
    }
    let mut text = "sequenceDiagram\n".to_owned();
    for (index, name) in participants.iter().enumerate() {
        let _ = writeln!(text, "    participant h{index} as {name}");
    }
    text.push_str(&body);
    if drawn < shown.all && !participants.is_empty() {
        let values = [("shown", drawn.to_string()), ("all", shown.all.to_string())];
        let line = escape(&settings.filled("flow_shown", &values));
        let _ = writeln!(text, "    Note over h0: {line}");
    } else if participants.is_empty() {
        let line = escape(settings.word("flow_none"));
        let _ = writeln!(
            text,
            "    participant h0 as sipdiag\n    Note over h0: {line}"
        );
    }
    text
}

/// Columns of a note over two lanes, which do not make room for what is longer.
const NOTE_WIDTH: usize = 48;
/// Bytes around the name of a participant.
const PARTICIPANT: usize = 32;

fn title(settings: &Settings, whole: &Whole<'_>, places: &[usize]) -> String {
    let Some(first) = whole.legs.first() else {
        return String::new();
    };
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        escape(&clip(&text, NAME_WIDTH))
    };
    let method = escape(first.method.name());
    let (from, to) = (text(&first.from), text(&first.to));
    let line = format!("{method} {from} → {to}<br/>{}", date(first.start));
    let mut line = format!("    Note over {}: {line}", over(places));
    let id = settings.filled("call_id", &[("id", String::new())]);
    let _ = write!(line, "<br/>{} {}", escape(id.trim()), text(&first.call_id));
    line
}

/// All lanes of a call, as a note spans them.
fn over(places: &[usize]) -> String {
    let (least, most) = (places.iter().min(), places.iter().max());
    match (least, most) {
        (Some(least), Some(most)) if least < most => format!("h{least},h{most}"),
        (Some(least), _) => format!("h{least}"),
        _ => "h0".to_owned(),
    }
}

fn row_lines(
    settings: &Settings,
    whole: &Whole<'_>,
    row: &Row,
    places: &[usize],
    start: Timestamp,
) -> Vec<String> {
    let place = |lane: usize| places.get(lane).copied().unwrap_or_default();
    let (from, to) = (place(row.from), place(row.to));
    let arrow = match row.what {
        What::Request { .. } => "->>",
        What::Response { .. } => "-->>",
        What::Icmp { .. } => "--x",
    };
    let mut label = format!(
        "{} {}",
        offset(row.seen.time.since(start)),
        escape(&clip(&row.what.label(), NAME_WIDTH))
    );
    if row.repeats > 0 {
        let _ = write!(label, " ×{}", row.repeats + 1);
    }
    if let Some(media) = &row.media {
        let media = settings.aliases.in_text(media);
        let hold = if row.hold { "hold, " } else { "" };
        let _ = write!(label, "<br/>{hold}{}", escape(&clip(&media, NAME_WIDTH)));
    }
    let mut lines = vec![format!("    h{from}{arrow}h{to}: {label}")];
    let spanned = over(&[from, to]);
    for finding in row.findings.iter().filter_map(|id| whole.findings.get(id)) {
        let word = settings.word(finding.severity.name()).to_uppercase();
        let message = clip(&settings.message(finding), FINDING_WIDTH);
        let message: Vec<_> = textwrap::wrap(&message, NOTE_WIDTH)
            .iter()
            .map(|line| escape(line))
            .collect();
        let message = message.join("<br/>");
        let name = escape(&finding.name());
        lines.push(format!(
            "    Note over {spanned}: {} {name}<br/>{message}",
            escape(&word)
        ));
    }
    lines
}

/// Text that means itself: all but letters, digits and a few signs by number, as Mermaid's entities are written.
fn escape(text: &str) -> String {
    let text = super::text::sanitize(text);
    let mut safe = String::with_capacity(text.len() + text.len() / 8);
    for character in text.chars() {
        let plain = character.is_alphanumeric()
            || matches!(
                character,
                ' ' | '.' | ',' | '/' | '_' | '(' | ')' | '+' | '→' | '×' | '…' | '·'
            )
            || (!character.is_ascii() && !character.is_whitespace());
        if plain {
            safe.push(character);
        } else {
            let _ = write!(safe, "#{};", u32::from(character));
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_strangers_wrote_means_anything() {
        for (given, expected) in [
            ("180 Ringing", "180 Ringing"),
            ("a;b", "a#59;b"),
            ("#35;", "#35;35#59;"),
            ("<script>x</script>", "#60;script#62;x#60;/script#62;"),
            ("a\r\nend\n", "a#92;x0d#92;x0aend#92;x0a"),
            (
                "%%{init: {}}%%",
                "#37;#37;#123;init#58; #123;#125;#125;#37;#37;",
            ),
            ("\"x\" & `y`", "#34;x#34; #38; #96;y#96;"),
            ("Máy bận 忙", "Máy bận 忙"),
        ] {
            assert_eq!(escape(given), expected);
        }
    }
}
