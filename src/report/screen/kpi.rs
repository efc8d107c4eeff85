//! How many calls came about, and how fast: where there are enough of them to say so.

use super::Screen;
use crate::dialog::kpi::{Kpi, Spread};
use std::io::Write;

/// With fewer attempts a ratio says less than the transactions do.
const ENOUGH: u64 = 5;
/// Places of measurement that are named.
const PLACES_NAMED: usize = 3;

impl<W: Write> Screen<W> {
    pub(super) fn kpi(&self, kpi: &Kpi, page: &mut String) {
        if kpi.attempts < ENOUGH {
            return;
        }
        page.push_str(&self.heading(self.word("section_kpi")));
        let counts = [
            ("attempts", kpi.attempts.to_string()),
            ("answered", kpi.answered.to_string()),
        ];
        let mut parts = vec![self.filled("kpi_calls", &counts)];
        for (name, ratio) in [
            ("ASR", kpi.answer_seizure_ratio()),
            ("NER", kpi.network_effectiveness_ratio()),
        ] {
            parts.extend(ratio.map(|ratio| format!("{name} {ratio:.0} %")));
        }
        if let Some(average) = kpi.talk_time.average() {
            let average = self.settings.catalogue.duration(average);
            parts.push(format!("ACD {average}"));
        }
        parts.extend(self.spread_of("PDD", &kpi.post_dial_delay));
        page.push_str(&self.wrapped("  ", &parts.join(" · "), 2));
        let mut places: Vec<_> = kpi
            .measured_at()
            .into_iter()
            .take(PLACES_NAMED + 1)
            .map(|(src, dst, count)| format!("{src} → {dst} ({count})"))
            .collect();
        if places.len() > PLACES_NAMED {
            places.truncate(PLACES_NAMED);
            places.push("…".to_owned());
        }
        let places = self.filled("kpi_places", &[("places", places.join(", "))]);
        page.push_str(&self.wrapped("  ", &places, 2));
        page.push('\n');
    }

    fn spread_of(&self, name: &str, spread: &Spread) -> Option<String> {
        let duration = |percent| {
            let time = spread.percentile(percent)?;
            Some(self.settings.catalogue.duration(time))
        };
        let values = [
            ("name", name.to_owned()),
            ("median", duration(50)?),
            ("most", duration(95)?),
        ];
        Some(self.filled("kpi_percentile", &values))
    }
}
