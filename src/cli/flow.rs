//! `sipdiag flow`: draw the calls of files.

use super::args::FlowOptions;
use super::config::Configuration;
use super::diagnose::{self, Look};
use super::environment::Environment;
use super::feed::Pace;
use super::log;
use super::read;
use super::signals;
use crate::capture::open_files;
use anyhow::Context;

pub(super) fn run(options: &FlowOptions, environment: &Environment) -> anyhow::Result<u8> {
    signals::listen(None).context("cannot listen for signals")?;
    log::begin(&options.diagnosis, environment)?;
    let configuration = Configuration::load(&options.diagnosis)?;
    let mut source = open_files(&options.files, read::filter(&options.diagnosis)?)?;
    diagnose::run(
        &mut source,
        &options.diagnosis,
        configuration,
        environment,
        Look::Ladders { raw: options.raw },
        Pace::of_files(options.threads),
    )
}
