//! `sipdiag read`: diagnose files.

use super::args::ReadOptions;
use super::config::Configuration;
use super::diagnose;
use super::environment::Environment;
use super::feed::Pace;
use crate::capture::{CaptureError, Filter, open_files};

pub(super) fn run(options: &ReadOptions, environment: &Environment) -> anyhow::Result<u8> {
    let configuration = Configuration::load(&options.diagnosis)?;
    let mut source = open_files(&options.files, filter(options)?)?;
    diagnose::run(
        &mut source,
        &options.diagnosis,
        configuration,
        environment,
        Pace::of_files(options.threads),
    )
}

/// The filter that was asked for; an empty one lets everything pass, as in tcpdump.
#[cfg(feature = "live")]
fn filter(options: &ReadOptions) -> Result<Option<Filter>, CaptureError> {
    options
        .diagnosis
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
const fn filter(_options: &ReadOptions) -> Result<Option<Filter>, CaptureError> {
    Ok(None)
}
