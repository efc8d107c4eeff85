//! How many calls came about, and how fast: where there are enough of them to say so.

use crate::dialog::kpi::{Kpi, Spread};
use crate::report::Settings;

/// With fewer attempts a ratio says less than the transactions do.
const ENOUGH: u64 = 5;
/// Places of measurement that are named.
const PLACES_NAMED: usize = 3;

/// The figures, and where they were measured; nothing where there are too few calls.
pub(in crate::report) fn kpi(settings: &Settings, kpi: &Kpi) -> Vec<String> {
    if kpi.attempts < ENOUGH {
        return Vec::new();
    }
    let counts = [
        ("attempts", kpi.attempts.to_string()),
        ("answered", kpi.answered.to_string()),
    ];
    let mut parts = vec![settings.filled("kpi_calls", &counts)];
    for (name, ratio) in [
        ("ASR", kpi.answer_seizure_ratio()),
        ("NER", kpi.network_effectiveness_ratio()),
    ] {
        parts.extend(ratio.map(|ratio| format!("{name} {ratio:.0} %")));
    }
    if let Some(average) = kpi.talk_time.average() {
        let average = settings.catalogue.duration(average);
        parts.push(format!("ACD {average}"));
    }
    parts.extend(spread(settings, "PDD", &kpi.post_dial_delay));
    let mut places: Vec<_> = kpi
        .measured_at()
        .into_iter()
        .take(PLACES_NAMED + 1)
        .map(|(src, dst, count)| {
            settings
                .aliases
                .in_text(&format!("{src} → {dst} ({count})"))
        })
        .collect();
    if places.len() > PLACES_NAMED {
        places.truncate(PLACES_NAMED);
        places.push("…".to_owned());
    }
    let places = settings.filled(
        "kpi_places",
        &[("places", places.join(settings.word("comma")))],
    );
    vec![parts.join(" · "), places]
}

fn spread(settings: &Settings, name: &str, spread: &Spread) -> Option<String> {
    let duration = |percent| {
        let time = spread.percentile(percent)?;
        Some(settings.catalogue.duration(time))
    };
    let values = [
        ("name", name.to_owned()),
        ("median", duration(50)?),
        ("most", duration(95)?),
    ];
    Some(settings.filled("kpi_percentile", &values))
}
