//! What is wrong at this moment, for people: a line, which a terminal gets broken between words.

use super::Settings;
use super::paint::Paint;
use super::text::{Wrapped, clock};
use crate::rules::Finding;

impl Settings {
    /// What `live` says of a finding the moment it is known, with the end of its line.
    pub fn alert(&self, finding: &Finding) -> String {
        let time = format!("{} ", clock(finding.time));
        let severity = self.word(finding.severity.name());
        let text = format!("{severity} {} {}", finding.name(), self.message(finding));
        let line = match self.alert_width {
            Some(width) => Wrapped {
                width,
                indent: time.len(),
            }
            .paragraph(&time, &text),
            None => format!("{time}{text}\n"),
        };
        let painted = Paint(self.color).severity(finding.severity, severity);
        self.bidi.page(line.replacen(severity, &painted, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{CaptureFacts, Damage};
    use crate::catalogue::{Catalogue, Language};
    use crate::engine::{Engine, Options};
    use crate::report::{Aliases, Bidi, RecordKind};
    use crate::time::Timestamp;
    use crate::workers::Workers;
    use std::time::Duration;

    fn alert(language: Language, alert_width: Option<usize>, color: bool) -> String {
        let mut engine = Engine::new(Options::default(), ());
        engine.advance(Timestamp::from_nanos(1_500_000_000));
        let damage = Damage {
            input: "trace.pcap".to_owned(),
            packet: 12,
            offset: 3456,
            what: "the record is cut".to_owned(),
            gone_at: None,
        };
        let (report, ()) = engine.finish(CaptureFacts {
            damage: vec![damage],
            ..CaptureFacts::default()
        });
        let damaged = |it: &&Finding| it.rule.name == "capture-file-damaged";
        let settings = Settings {
            catalogue: Catalogue::new(language),
            records: RecordKind::DEFAULT.to_vec(),
            all: false,
            width: 40,
            alert_width,
            color,
            bidi: Bidi::Plain,
            live: true,
            aliases: Aliases::default(),
            raw: false,
            stuck_after: Duration::from_secs(10),
            workers: Workers::default(),
        };
        settings.alert(report.findings.iter().find(damaged).unwrap())
    }

    #[test]
    fn an_alert_is_one_line_where_no_terminal_breaks_it() {
        let line = "00:00:01.500 warning capture-file-damaged trace.pcap is damaged at packet 12, byte offset 3456: the record is \
                    cut\n";
        assert_eq!(alert(Language::English, None, false), line);
    }

    #[test]
    fn a_terminal_gets_it_broken_between_words_below_one_another() {
        let lines = "00:00:01.500 warning capture-file-damaged\n             trace.pcap is damaged at packet\n             \
                     12, byte offset 3456: the record\n             is cut\n";
        assert_eq!(alert(Language::English, Some(46), false), lines);
        let painted = alert(Language::English, Some(46), true);
        assert!(painted.starts_with("00:00:01.500 \u{1b}["), "{painted:?}");
        assert_eq!(anstream::adapter::strip_str(&painted).to_string(), lines);
        for language in Language::ALL {
            let lines = alert(language, Some(60), false);
            assert!(lines.lines().count() > 1, "{lines}");
            let widest = lines.lines().map(crate::report::text::columns_of).max();
            assert!(widest <= Some(60), "{lines}");
        }
    }
}
