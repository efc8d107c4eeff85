//! The charts of the page as rectangles and words: the template writes them as SVG.

use super::counts::{BARS, ByClass, CLASSES, Counts, DELAYS, REPEATS};
use crate::report::Settings;
use crate::report::text::moment;
use crate::time::Timestamp;
use std::cmp::Reverse;
use std::time::Duration;

/// The width of a chart in its own units: as wide as a telephone, so that its words can be read there.
pub(super) const WIDTH: u64 = 380;
/// Its height.
const HEIGHT: u64 = 190;
/// Room for the words below and beside the bars.
const BELOW: u64 = 22;
const BESIDE: u64 = 34;
const ABOVE: u64 = 8;
/// Peers shown, the busiest first.
const PEERS_SHOWN: usize = 12;
/// The height of a peer's bar with its words.
const PEER_HEIGHT: u64 = 34;
/// Codes named of a peer.
const CODES_NAMED: usize = 4;

/// A chart.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) title: &'static str,
    /// What it says, for those who do not see it.
    pub(super) summary: String,
    pub(super) height: u64,
    pub(super) bars: Vec<Bar>,
    pub(super) words: Vec<Word>,
    /// Classes that it shows, for the legend: `c1` and `1xx`.
    pub(super) legend: Vec<(String, String)>,
}

/// A rectangle, with what it says when it is pointed at.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) height: u64,
    /// `c1` to `c6` for a class, `c0` for others.
    pub(super) class: String,
    pub(super) title: String,
}

/// A text.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) anchor: &'static str,
    pub(super) text: String,
}

/// All charts that have something to show.
pub(super) fn all(settings: &Settings, counts: &Counts) -> Vec<Chart> {
    let delays: Vec<_> = DELAYS
        .iter()
        .map(|end| format!("≤{}", seconds(settings, *end)))
        .chain(
            DELAYS
                .last()
                .map(|end| format!(">{}", seconds(settings, *end))),
        )
        .zip(counts.delays)
        .collect();
    let repeats: Vec<_> = (1..REPEATS)
        .map(|count| count.to_string())
        .chain([format!("{REPEATS}+")])
        .zip(counts.repeats)
        .collect();
    [
        over_time(settings, counts),
        histogram(settings.word("page_chart_delay"), &delays),
        histogram(settings.word("page_chart_repeats"), &repeats),
        peers(settings, counts),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `0.25`, `4`.
fn seconds(settings: &Settings, time: Duration) -> String {
    let seconds = time.as_secs_f64().to_string();
    seconds.replace('.', settings.word("decimal_sign"))
}

fn class_name(class: usize) -> String {
    format!("{}xx", class + 1)
}

fn legend(classes: &ByClass) -> Vec<(String, String)> {
    let some = (0..).zip(classes).filter(|(_, count)| **count > 0);
    some.map(|(class, _)| (format!("c{}", class + 1), class_name(class)))
        .collect()
}

/// `2xx 12, 4xx 3`.
fn told(classes: &ByClass) -> String {
    let some = (0..).zip(classes).filter(|(_, count)| **count > 0);
    let parts: Vec<_> = some
        .map(|(class, count)| format!("{} {count}", class_name(class)))
        .collect();
    parts.join(", ")
}

fn sum(all: impl Iterator<Item = ByClass>) -> ByClass {
    let mut sums = [0; CLASSES];
    for classes in all {
        for (sum, count) in sums.iter_mut().zip(classes) {
            *sum += count;
        }
    }
    sums
}

fn over_time(settings: &Settings, counts: &Counts) -> Option<Chart> {
    let start = counts.start?;
    let used = counts
        .over_time
        .iter()
        .rposition(|bar| bar.iter().any(|count| *count > 0))?
        + 1;
    let used = used.clamp(BARS / 4, BARS);
    let highest: u64 = counts.over_time.iter().map(|bar| bar.iter().sum()).max()?;
    let plot = HEIGHT - BELOW - ABOVE;
    let width = (WIDTH - BESIDE) / used as u64;
    let end = step_at(start, counts.step, used as u64);
    let of_days = start.day() != end.day();
    let mut bars = Vec::new();
    for (index, classes) in (0..).zip(counts.over_time.iter().take(used)) {
        let from = moment(step_at(start, counts.step, index), of_days);
        let title = format!("{from}: {}", told(classes));
        let mut y = HEIGHT - BELOW;
        for (class, count) in (1..).zip(classes).filter(|(_, count)| **count > 0) {
            let height = scaled(*count, highest, plot);
            y = y.saturating_sub(height);
            bars.push(Bar {
                x: BESIDE + index * width,
                y,
                width: width.saturating_sub(1).max(1),
                height,
                class: format!("c{class}"),
                title: title.clone(),
            });
        }
    }
    let total = sum(counts.over_time.iter().copied());
    let [from, until] = [start, end].map(|it| moment(it, of_days));
    let mut words = axis(highest);
    words.push(Word {
        x: BESIDE,
        y: HEIGHT - 6,
        anchor: "start",
        text: from.clone(),
    });
    words.push(Word {
        x: WIDTH,
        y: HEIGHT - 6,
        anchor: "end",
        text: until.clone(),
    });
    Some(Chart {
        title: settings.word("page_chart_responses"),
        summary: format!("{from} – {until}: {}", told(&total)),
        height: HEIGHT,
        bars,
        words,
        legend: legend(&total),
    })
}

fn step_at(start: Timestamp, step: Duration, index: u64) -> Timestamp {
    start + step.saturating_mul(u32::try_from(index).unwrap_or(u32::MAX))
}

/// A part of a length, rounded up so that what is there can be seen.
fn scaled(count: u64, highest: u64, length: u64) -> u64 {
    (count.saturating_mul(length)).div_ceil(highest.max(1))
}

/// The highest value and zero beside the bars.
fn axis(highest: u64) -> Vec<Word> {
    [(ABOVE + 8, highest), (HEIGHT - BELOW, 0)]
        .map(|(y, value)| Word {
            x: BESIDE - 5,
            y,
            anchor: "end",
            text: value.to_string(),
        })
        .into()
}

fn histogram(title: &'static str, values: &[(String, u64)]) -> Option<Chart> {
    let highest = values.iter().map(|(_, count)| *count).max()?;
    if highest == 0 {
        return None;
    }
    let plot = HEIGHT - BELOW - ABOVE;
    let width = (WIDTH - BESIDE) / values.len() as u64;
    let mut bars = Vec::new();
    let mut words = axis(highest);
    for (index, (name, count)) in (0..).zip(values) {
        let height = scaled(*count, highest, plot);
        let x = BESIDE + index * width;
        words.push(Word {
            x: x + width / 2,
            y: HEIGHT - 6,
            anchor: "middle",
            text: name.clone(),
        });
        if *count > 0 {
            bars.push(Bar {
                x,
                y: HEIGHT - BELOW - height,
                width: width.saturating_sub(3),
                height,
                class: "c0".to_owned(),
                title: format!("{name}: {count}"),
            });
        }
    }
    let told = values.iter().filter(|(_, count)| *count > 0);
    let told: Vec<_> = told
        .map(|(name, count)| format!("{name}: {count}"))
        .collect();
    Some(Chart {
        title,
        summary: told.join(", "),
        height: HEIGHT,
        bars,
        words,
        legend: Vec::new(),
    })
}

fn peers(settings: &Settings, counts: &Counts) -> Option<Chart> {
    let mut peers: Vec<_> = counts
        .peers
        .iter()
        .map(|(peer, it)| (peer, it, it.classes.iter().sum::<u64>()))
        .collect();
    peers.sort_by_key(|(peer, _, count)| (Reverse(*count), **peer));
    let highest = peers.first()?.2;
    let more: u64 = peers.iter().skip(PEERS_SHOWN).map(|it| it.2).sum::<u64>() + counts.of_others;
    let (mut bars, mut words, mut told_peers) = (Vec::new(), Vec::new(), Vec::new());
    let mut y = 0;
    for (peer, it, count) in peers.iter().take(PEERS_SHOWN) {
        let peer = settings.aliases.in_text(&peer.to_string());
        let colon = settings.word("colon");
        let mut codes: Vec<_> = it.codes.iter().collect();
        codes.sort_by_key(|(code, count)| (Reverse(**count), **code));
        let mut named: Vec<_> = codes
            .iter()
            .take(CODES_NAMED)
            .map(|(code, count)| format!("{code} ×{count}"))
            .collect();
        if codes.len() > CODES_NAMED {
            named.push("…".to_owned());
        }
        let line = format!("{peer}{colon}{}", named.join(settings.word("comma")));
        words.push(Word {
            x: 0,
            y: y + 13,
            anchor: "start",
            text: line.clone(),
        });
        let mut x = 0;
        for (class, part) in (1..).zip(it.classes).filter(|(_, part)| *part > 0) {
            let width = scaled(part, highest, WIDTH - CLASSES as u64);
            bars.push(Bar {
                x,
                y: y + 18,
                width,
                height: 9,
                class: format!("c{class}"),
                title: format!("{peer}{colon}{} ({count})", told(&it.classes)),
            });
            x += width;
        }
        told_peers.push(line);
        y += PEER_HEIGHT;
    }
    if more > 0 {
        words.push(Word {
            x: 0,
            y: y + 13,
            anchor: "start",
            text: settings.filled("and_n_more", &[("n", more.to_string())]),
        });
        y += PEER_HEIGHT / 2;
    }
    Some(Chart {
        title: settings.word("page_chart_peers"),
        summary: told_peers.join("; "),
        height: y.max(1),
        bars,
        words,
        legend: legend(&sum(peers.iter().map(|it| it.1.classes))),
    })
}
