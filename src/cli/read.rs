//! `sipdiag read` and `sipdiag flow`: diagnose files, draw their calls.

use super::args::{DiagnosisOptions, FileOptions};
use super::config::Configuration;
use super::diagnose::{self, Look};
use super::environment::Environment;
use super::feed::Pace;
use super::log;
use super::signals;
use crate::capture::{CaptureError, Ending, Filter, open_files_until};
use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::Arc;

pub(super) fn run(
    options: &FileOptions,
    environment: &Environment,
    look: Look,
) -> anyhow::Result<u8> {
    let ending = Arc::new(Ending::default());
    let asked = Arc::clone(&ending);
    // The first Ctrl-C ends the input, so that the report is printed; the second ends the program.
    signals::listen(move |signal| signal == signals::CTRL_C && asked.ask())
        .context("cannot listen for signals")?;
    log::begin(&options.diagnosis, environment)?;
    let configuration = Configuration::load(&options.diagnosis)?;
    let filter = filter(&options.diagnosis)?;
    allow_open_files();
    let mut source = open_files_until(&options.files, filter, ending)?;
    diagnose::run(
        &mut source,
        &options.diagnosis,
        configuration,
        environment,
        look,
        Pace::Files,
    )
}

/// As many files may be open at once as the system allows: a week of `tcpdump -G 600` is more than it does unasked.
fn allow_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // Where it is refused, the file that cannot be opened says so.
    let _ = setrlimit(Resource::Nofile, most);
}

/// The filter that was asked for; an empty one lets everything pass, as in tcpdump.
#[cfg(feature = "live")]
pub(super) fn filter(options: &DiagnosisOptions) -> Result<Option<Filter>, CaptureError> {
    options
        .filter
        .as_deref()
        .filter(|filter| !filter.trim().is_empty())
        .map(Filter::new)
        .transpose()
}

/// Without libpcap there are no filters, and no option that asks for one.
#[cfg(not(feature = "live"))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same shape with and without libpcap"
)]
pub(super) const fn filter(_options: &DiagnosisOptions) -> Result<Option<Filter>, CaptureError> {
    Ok(None)
}
