//! `-v`: what the program does and why, on stderr, for those who wonder. Once: what is read and what was given up. Twice: each
//! call and each connection. Thrice: each message. Strangers' texts are made harmless first.

use super::args::DiagnosisOptions;
use super::environment::Environment;
use super::errors::WrongUse;
use crate::capture::CaptureFacts;
use crate::dialog::Call;
use crate::engine::{Report, SeenMessage};
use crate::rules::Finding;
use crate::sip::StartLine;
use crate::text::sanitize;
use crate::transaction::Placement;
use std::io;
use std::time::{Duration, Instant};
use tracing::level_filters::LevelFilter;
use tracing::{Level, debug, enabled, info, trace};
use tracing_subscriber::fmt::time::uptime;

/// Begins to log as much as was asked for.
///
/// # Errors
/// When silence was asked for as well.
pub(super) fn begin(options: &DiagnosisOptions, environment: &Environment) -> Result<(), WrongUse> {
    let level = match options.verbose {
        0 => return Ok(()),
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    if environment.quiet {
        return Err(WrongUse {
            headline: "-v and -q exclude each other".to_owned(),
            help: Some("-q says nothing but errors, -v says why".to_owned()),
        });
    }
    // A second one in the same process would be a test's; the first one stays.
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(environment.color_of_errors)
        .with_timer(uptime())
        .with_target(false)
        .try_init();
    info!("sipdiag {}", env!("CARGO_PKG_VERSION"));
    Ok(())
}

/// How long each part of the work took.
#[derive(Debug)]
pub(super) struct Watch {
    began: Instant,
    parts: Vec<(&'static str, Duration)>,
}

impl Watch {
    pub(super) fn start() -> Self {
        Self {
            began: Instant::now(),
            parts: Vec::new(),
        }
    }

    /// The part of that name is over.
    pub(super) fn over(&mut self, part: &'static str) {
        let before: Duration = self.parts.iter().map(|(_, time)| *time).sum();
        self.parts
            .push((part, self.began.elapsed().saturating_sub(before)));
    }

    /// Tells all of them.
    pub(super) fn tell(&self) {
        let parts: Vec<_> = (self.parts.iter())
            .map(|(part, time)| format!("{part} {:.1} ms", time.as_secs_f64() * 1000.0))
            .collect();
        info!("time: {}", parts.join(", "));
    }
}

/// What is going to be read.
pub(super) fn opened(capture: &CaptureFacts) {
    for input in &capture.inputs {
        info!("{}: {}", sanitize(&input.name), input.format);
    }
    match &capture.filter {
        Some(filter) => info!("filter: {}", sanitize(filter)),
        None => debug!("no filter"),
    }
}

/// A call that was judged.
pub(super) fn judged(call: &Call, findings: &[Finding]) {
    if !enabled!(Level::DEBUG) {
        return;
    }
    let names: Vec<_> = findings.iter().map(Finding::name).collect();
    debug!(
        "call {} judged: {} transactions; {}",
        wire(&call.call_id),
        call.transactions.len(),
        if names.is_empty() {
            "no findings".to_owned()
        } else {
            names.join(", ")
        },
    );
}

/// A message in its place.
pub(super) fn message(seen: &SeenMessage<'_>, placement: Placement) {
    if !enabled!(Level::TRACE) {
        return;
    }
    let arrival = &seen.arrival;
    let line = match arrival.message.start_line() {
        StartLine::Request { method, uri } => format!("{} {}", sanitize(method.name()), wire(uri)),
        StartLine::Response { status, reason } => format!("{status} {}", wire(reason)),
    };
    trace!(
        "frame {} {} → {} {}: {line} ({})",
        arrival.frame,
        arrival.flow.src,
        arrival.flow.dst,
        arrival.flow.transport,
        placement.kind.name(),
    );
}

/// What was read, and what was given up.
pub(super) fn read(report: &Report) {
    for input in &report.capture.inputs {
        let links: Vec<_> = (input.link_types.iter())
            .map(|link| {
                link.name()
                    .map_or_else(|| link.0.to_string(), str::to_owned)
            })
            .collect();
        info!(
            "{}: {} packets, {} bytes, link types {}",
            sanitize(&input.name),
            input.packets,
            input.bytes,
            if links.is_empty() {
                "none".to_owned()
            } else {
                links.join(", ")
            },
        );
    }
    let summary = &report.summary;
    let by_transport: Vec<_> = (summary.transports.iter())
        .map(|(transport, count)| format!("{transport} {count}"))
        .collect();
    info!(
        "{} SIP messages ({}), {} transactions, {} Call-IDs, {} findings",
        summary.counts.sip_messages,
        by_transport.join(", "),
        summary.transactions,
        summary.call_ids,
        summary.findings.values().sum::<u64>(),
    );
    for (reason, count) in &summary.counts.undecoded {
        info!("not decoded: {count} of {}", sanitize(reason));
    }
    if summary.counts.later_fragments > 0 {
        info!(
            "{} fragments behind the first of their datagrams",
            summary.counts.later_fragments
        );
    }
    if let Some(selected) = &report.selected {
        info!(
            "selected: {} Call-IDs by {}",
            selected.call_ids,
            sanitize(&selected.criteria)
        );
    }
    for (store, count) in &summary.limits_hit {
        info!("limit of {store} reached: {count} given up");
    }
    for (finding, count) in &summary.policy.silenced {
        info!("silenced: {count} of {finding}");
    }
}

/// Bytes of a message.
fn wire(bytes: &[u8]) -> String {
    sanitize(&String::from_utf8_lossy(bytes))
}
