//! `sipdiag live`: diagnose interfaces.

use super::args;
use super::diagnose;
use super::environment::Environment;
use super::errors;
use crate::capture::{LiveOptions, open_live};
use crate::catalogue::fill;
use anyhow::Context;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What shells report for a program that Ctrl-C ended: 128 and SIGINT.
const INTERRUPTED: i32 = 130;

pub(super) fn run(options: &args::LiveOptions, environment: &Environment) -> anyhow::Result<u8> {
    let stop = Arc::new(AtomicBool::new(false));
    stop_on_signal(Arc::clone(&stop))?;
    let live = LiveOptions {
        interfaces: options.interfaces.clone(),
        snaplen: options.snaplen,
        buffer_size: options.buffer * 1024 * 1024,
        promiscuous: !options.no_promiscuous,
        immediate: options.immediate,
        filter: options.diagnosis.filter.clone(),
        duration: options.duration,
        count: options.count,
    };
    let mut source = open_live(&live, stop)?;
    errors::note(
        environment,
        &fill(environment.catalogue.word("listening_line"), |_| {
            Some(options.interfaces.join(", "))
        }),
    );
    diagnose::run(&mut source, &options.diagnosis, environment, true)
}

/// The first signal ends the capture, so that the report is printed; the second ends the program.
fn stop_on_signal(stop: Arc<AtomicBool>) -> anyhow::Result<()> {
    ctrlc::set_handler(move || {
        if stop.swap(true, Ordering::SeqCst) {
            #[expect(
                clippy::exit,
                reason = "a second Ctrl-C means now, whatever is going on"
            )]
            std::process::exit(INTERRUPTED);
        }
    })
    .context("cannot listen for Ctrl-C")
}
