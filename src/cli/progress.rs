//! How far the reading is, and what was found so far: on stderr, only on a terminal, and only when it takes longer than a
//! moment.

use super::args::DiagnosisOptions;
use super::environment::Environment;
use crate::capture::Source;
use crate::catalogue::{Catalogue, fill};
use crate::rules::Finding;
use crate::severity::Severity;
use crate::text::sanitize;
use indicatif::{HumanBytes, ProgressBar, ProgressState, ProgressStyle};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Nobody needs to be told of what is over by then.
const MOMENT: Duration = Duration::from_secs(1);
/// Whoever waits that long gets the first answers.
const ANSWERS_AFTER: Duration = Duration::from_secs(2);
/// How often the eye wants news.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Kinds of findings that are told before the report; the report has all of them.
const MOST_ANSWERS: usize = 8;

/// The first findings of each kind, on their way from the engine to the terminal.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    told: BTreeSet<String>,
    lines: Vec<String>,
}

impl Answers {
    /// Notes a finding; what follows from another one is left to the report.
    pub(super) fn note(&self, catalogue: Catalogue, finding: &Finding) {
        if finding.severity == Severity::Info || finding.consequence_of.is_some() {
            return;
        }
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.told.len() < MOST_ANSWERS && waiting.told.insert(finding.name().into_owned()) {
            let severity = catalogue.word(finding.severity.name()).to_uppercase();
            let message = sanitize(&catalogue.message(finding));
            waiting
                .lines
                .push(fill(catalogue.word("so_far_line"), |name| match name {
                    "severity" => Some(severity.clone()),
                    "message" => Some(message.clone()),
                    _ => None,
                }));
        }
    }

    fn take(&self) -> Vec<String> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut waiting.lines)
    }
}

/// Whether somebody who gave these options wants to see it; the lines of `-v` have the place for themselves.
pub(super) const fn is_wanted(options: &DiagnosisOptions) -> bool {
    !options.no_progress && options.verbose == 0
}

/// The display of one reading.
#[derive(Debug)]
pub(super) struct Meter {
    began: Instant,
    looked: Instant,
    bar: Option<ProgressBar>,
    answers: Answers,
}

impl Meter {
    /// One that shows how a source gets on; `None` where nobody would see it, or wants to.
    pub(super) fn of(environment: &Environment, wanted: bool) -> Option<Self> {
        let seen = wanted && !environment.quiet && std::io::stderr().is_terminal();
        seen.then(|| Self::since(Instant::now()))
    }

    fn since(began: Instant) -> Self {
        Self {
            began,
            looked: began,
            bar: None,
            answers: Answers::default(),
        }
    }

    /// Where to note what was found.
    pub(super) fn answers(&self) -> Answers {
        self.answers.clone()
    }

    /// Shows how things stand, now and then.
    pub(super) fn look(&mut self, source: &dyn Source) {
        if self.looked.elapsed() < LOOK_EVERY {
            return;
        }
        self.looked = Instant::now();
        let waited = self.began.elapsed();
        let Some(progress) = source.progress().filter(|_| waited > MOMENT) else {
            return;
        };
        let bar = self.bar.get_or_insert_with(|| match progress.total {
            Some(total) => ProgressBar::new(total)
                .with_style(style(
                    "{bar:24} {percent:>3} %  {bytes}/{total_bytes}  {rate}  ETA {left}",
                ))
                .with_elapsed(waited),
            None => ProgressBar::no_length()
                .with_style(style("{spinner} {bytes}  {rate}  {elapsed}"))
                .with_elapsed(waited),
        });
        bar.set_position(progress.read);
        if waited > ANSWERS_AFTER {
            for line in self.answers.take() {
                bar.println(line);
            }
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
            let rate = per_second(state.pos(), state.elapsed());
            let _ = write!(out, "{}/s", HumanBytes(rate));
        })
        .with_key("left", |state: &ProgressState, out: &mut dyn Write| {
            let left = left(state.pos(), state.len(), state.elapsed());
            let _ = match left {
                Some(left) => write!(out, "{} s", left.as_secs()),
                None => write!(out, "?"),
            };
        })
}

/// Bytes a second since the beginning: the bar comes late, and what was read before it did is no burst.
fn per_second(read: u64, waited: Duration) -> u64 {
    let millis = waited.as_millis().max(1);
    u64::try_from(u128::from(read) * 1000 / millis).unwrap_or(u64::MAX)
}

/// The time that the rest takes at that rate; `None` where nobody knows how much there is, or how fast it goes.
fn left(read: u64, total: Option<u64>, waited: Duration) -> Option<Duration> {
    let rest = total?.saturating_sub(read);
    let rate = per_second(read, waited);
    (rate > 0).then(|| Duration::from_secs(rest.div_ceil(rate)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::capture::{CaptureError, CaptureFacts, Next, Progress};
    use crate::cli::args::{Arguments, Command};
    use clap::Parser;

    /// A file of which a part was read.
    struct Half;

    impl Source for Half {
        fn next(&mut self) -> Result<Next<'_>, CaptureError> {
            Ok(Next::End)
        }

        fn facts(&self) -> CaptureFacts {
            CaptureFacts::default()
        }

        fn progress(&self) -> Option<Progress> {
            Some(Progress {
                read: 50,
                total: Some(100),
            })
        }
    }

    #[test]
    fn the_rest_takes_as_long_as_what_was_read_did() {
        let waited = Duration::from_secs(3);
        assert_eq!(per_second(300, waited), 100);
        assert_eq!(left(300, Some(1000), waited), Some(Duration::from_secs(7)));
        assert_eq!(left(300, Some(200), waited), Some(Duration::ZERO));
        assert_eq!(left(0, Some(1000), waited), None);
        assert_eq!(left(300, None, waited), None);
    }

    #[test]
    fn no_progress_is_none_and_neither_is_a_log() {
        let wanted = |more: &[&str]| {
            let given = [&["sipdiag", "read", "a.pcap"], more].concat();
            match Arguments::try_parse_from(given).unwrap().command {
                Command::Read(files) => is_wanted(&files.diagnosis),
                other => panic!("{other:?}"),
            }
        };
        assert!(wanted(&[]));
        assert!(!wanted(&["--no-progress"]));
        assert!(!wanted(&["-v"]));
    }

    #[test]
    fn it_is_shown_once_a_moment_has_passed() {
        let shown_after = |waited: Duration| {
            let mut meter = Meter::since(Instant::now().checked_sub(waited).unwrap());
            meter.look(&Half);
            meter.bar.as_ref().map(ProgressBar::position)
        };
        assert_eq!(shown_after(Duration::ZERO), None);
        assert_eq!(shown_after(LOOK_EVERY * 2), None);
        assert_eq!(shown_after(MOMENT * 2), Some(50));
    }
}
