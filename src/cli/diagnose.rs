//! What `read` and `live` share: packets through the engine into a report.

use super::args::DiagnosisOptions;
use super::config::Configuration;
use super::environment::Environment;
use super::errors;
use super::output::Output;
use super::passwords;
use super::secrets::GivenSecrets;
use crate::capture::{CaptureFacts, Next, Source};
use crate::engine::{Engine, Options};
use crate::report::{RecordKind, Renderer, Settings};
use crate::severity::Severity;

/// Runs a source to its end and reports. `live` says that findings are told while they happen.
pub(super) fn run(
    source: &mut dyn Source,
    options: &DiagnosisOptions,
    configuration: Configuration,
    environment: &Environment,
    live: bool,
) -> anyhow::Result<u8> {
    let output = Output::open(options.output.as_deref())?;
    let to_stdout = matches!(output, Output::Stdout(_));
    let settings = Settings {
        catalogue: environment.catalogue,
        records: records(options),
        all: options.all,
        width: environment.width,
        color: environment.color && to_stdout,
        live,
        stuck_after: configuration.thresholds.stuck_after,
    };
    let renderer = Renderer::new(options.format.into(), settings, output);
    let mut engine = Engine::new(
        Options {
            thresholds: configuration.thresholds,
            policy: configuration.policy,
            alerts: live,
            leg_headers: configuration.leg_headers,
        },
        renderer,
    );
    let mut secrets = GivenSecrets::open(options, live)?;
    secrets.load(engine.secrets_mut(), environment)?;
    passwords::load(&options.sip_password, engine.passwords_mut(), environment)?;
    loop {
        if secrets.grow(engine.secrets_mut()) {
            engine.retry_secrets();
        }
        match source.next()? {
            Next::Packet(packet) => {
                let time = packet.time;
                engine.packet(&packet);
                if live {
                    engine.advance(time);
                }
            }
            Next::Keylog(text) => {
                engine.secrets_mut().add_keylog(&text);
                engine.retry_secrets();
            }
            Next::Gap(from, until) => engine.gap(from, until),
            Next::Idle(now) => {
                if lost_packets(&source.facts()) {
                    engine.packets_were_lost();
                }
                engine.advance(now);
            }
            Next::End => break,
        }
        if engine.observer_mut().has_failed() {
            break;
        }
    }
    let facts = source.facts();
    for damage in &facts.damage {
        errors::warn(
            environment,
            &format!(
                "{} is damaged at packet {}, byte {}: {}",
                damage.input, damage.packet, damage.offset, damage.what
            ),
        );
    }
    let damaged = !facts.damage.is_empty();
    let (report, renderer) = engine.finish(facts);
    for name in &report.unused_passwords {
        errors::warn(
            environment,
            &format!(
                "--sip-password {name}: no request had credentials of this user for this realm"
            ),
        );
    }
    renderer.finish(&report)?.commit()?;
    let met = options
        .fail_on
        .map(Severity::from)
        .is_some_and(|limit| report.summary.worst >= Some(limit));
    Ok(match (damaged, met) {
        (true, _) => errors::DAMAGED,
        (false, true) => errors::FAIL_ON,
        (false, false) => 0,
    })
}

fn lost_packets(facts: &CaptureFacts) -> bool {
    facts.dropped_by_kernel.unwrap_or(0) + facts.dropped_by_interface.unwrap_or(0) > 0
}

fn records(options: &DiagnosisOptions) -> Vec<RecordKind> {
    if options.records.is_empty() {
        return RecordKind::DEFAULT.to_vec();
    }
    options
        .records
        .iter()
        .copied()
        .map(RecordKind::from)
        .collect()
}
