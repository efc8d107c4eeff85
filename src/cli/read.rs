//! `sipdiag read`: diagnose files.

use super::args::ReadOptions;
use super::diagnose;
use super::environment::Environment;
use crate::capture::{Filter, open_files};

pub(super) fn run(options: &ReadOptions, environment: &Environment) -> anyhow::Result<u8> {
    let filter = options
        .diagnosis
        .filter
        .as_deref()
        // An empty filter lets everything pass, as in tcpdump.
        .filter(|filter| !filter.trim().is_empty())
        .map(Filter::new)
        .transpose()?;
    let mut source = open_files(&options.files, filter)?;
    diagnose::run(&mut source, &options.diagnosis, environment, false)
}
