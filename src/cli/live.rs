//! `sipdiag live`: diagnose interfaces and what HEP agents send.

use super::args;
use super::config::Configuration;
use super::diagnose::{self, Look};
use super::environment::Environment;
use super::errors::{self, WrongUse};
use super::feed::Pace;
use super::log;
use super::signals;
use crate::capture::hep::HepOptions;
use crate::capture::{LiveOptions, Source, open_live};
use crate::catalogue::fill;
use anyhow::Context;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) fn run(options: &args::LiveOptions, environment: &Environment) -> anyhow::Result<u8> {
    if options.diagnosis.filter.is_some() && !options.hep.is_empty() {
        return Err(WrongUse {
            headline: "a filter (-f) does not apply to HEP".to_owned(),
            help: Some(
                "choose at the agent what it sends, and with --hep-allow who may send; or run the interfaces alone"
                    .to_owned(),
            ),
        }
        .into());
    }
    log::begin(&options.diagnosis, environment)?;
    let configuration = Configuration::load(&options.diagnosis)?;
    let stop = Arc::new(AtomicBool::new(false));
    // The first signal ends the capture, so that the report is printed; the second ends the program.
    let stopped = Arc::clone(&stop);
    signals::listen(move |_| !stopped.swap(true, Ordering::SeqCst))
        .context("cannot listen for Ctrl-C")?;
    let live = LiveOptions {
        interfaces: options.interfaces.clone(),
        hep: HepOptions {
            listen: options.hep.clone(),
            allow: options.hep_allow.clone(),
            certificate: options.hep_cert.clone().zip(options.hep_key.clone()),
        },
        snaplen: options.snaplen,
        buffer_size: options.buffer * 1024 * 1024,
        promiscuous: !options.no_promiscuous,
        immediate: options.immediate,
        filter: options.diagnosis.filter.clone(),
        duration: options.duration,
        count: options.count,
    };
    let mut source = open_live(&live, stop)?;
    // The names as they are now: where port 0 was asked for, the one that the system chose.
    let inputs = source.facts().inputs;
    let names: Vec<_> = inputs.into_iter().map(|input| input.name).collect();
    errors::note(
        environment,
        &fill(environment.catalogue.word("listening_line"), |_| {
            Some(names.join(environment.catalogue.word("comma")))
        }),
    );
    diagnose::run(
        &mut source,
        &options.diagnosis,
        configuration,
        environment,
        Look::Report,
        Pace::Live,
    )
}
