//! What `read`, `live` and `flow` share: packets through the engine into a report.

use super::args::DiagnosisOptions;
use super::config::Configuration;
use super::environment::Environment;
use super::errors;
use super::extraction::Extraction;
use super::output::Output;
use super::passwords;
use super::secrets::GivenSecrets;
use crate::capture::{CaptureFacts, Next, Source};
use crate::dialog::Call;
use crate::dialog::legs::Legs;
use crate::engine::{Engine, Observer, Options, SeenMessage};
use crate::report::{Format, RecordKind, Renderer, Settings};
use crate::rules::Finding;
use crate::selection::Selecting;
use crate::severity::Severity;
use crate::transaction::{Placement, Transaction};

/// Who is told what the engine finds.
struct Told {
    selecting: Selecting<Renderer<Output>>,
    extraction: Option<Extraction>,
}

impl Observer for Told {
    fn message(&mut self, message: &SeenMessage<'_>, placement: Placement) {
        if let Some(extraction) = &mut self.extraction {
            let call_id = message.arrival.message.call_id().unwrap_or_default();
            extraction.message(message, self.selecting.key(&call_id));
        }
        self.selecting.message(message, placement);
    }

    fn judged(&mut self, call: &Call, findings: &[Finding], legs: &Legs) {
        if let Some(extraction) = &mut self.extraction {
            extraction.judged(call, self.selecting.key(&call.call_id));
        }
        self.selecting.judged(call, findings, legs);
    }

    fn transaction(&mut self, transaction: &Transaction, findings: &[&Finding]) {
        self.selecting.transaction(transaction, findings);
    }

    fn call(&mut self, call: &Call, legs: &Legs) {
        self.selecting.call(call, legs);
    }

    fn finding(&mut self, finding: &Finding) {
        self.selecting.finding(finding);
    }

    fn over(&mut self, findings: &[Finding], legs: &Legs) {
        self.selecting.over(findings, legs);
    }

    fn alert(&mut self, finding: &Finding) {
        self.selecting.alert(finding);
    }
}

/// How the table of people looks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Look {
    /// The report; `live` says that findings are told while they happen.
    Report { live: bool },
    /// The ladder of each call, with `raw` its messages too.
    Ladders { raw: bool },
}

/// Runs a source to its end and reports.
pub(super) fn run(
    source: &mut dyn Source,
    options: &DiagnosisOptions,
    configuration: Configuration,
    environment: &Environment,
    look: Look,
) -> anyhow::Result<u8> {
    let live = matches!(look, Look::Report { live: true });
    let format = match (Format::from(options.format), look) {
        (Format::Table, Look::Ladders { .. }) => Format::Flow,
        (format, _) => format,
    };
    let selection = options.selection.selection()?;
    let output = Output::open(options.output.as_deref())?;
    let report_path = options.output.as_deref();
    let extraction = options
        .write
        .as_deref()
        .map(|path| Extraction::open(path, report_path, &source.facts()))
        .transpose()?;
    let to_stdout = matches!(output, Output::Stdout(_));
    let records = records(options);
    let settings = Settings {
        catalogue: environment.catalogue,
        records: records.clone(),
        all: options.all,
        width: environment.width,
        color: environment.color && to_stdout,
        live,
        aliases: configuration.aliases,
        raw: matches!(look, Look::Ladders { raw: true }),
        stuck_after: configuration.thresholds.stuck_after,
    };
    let renderer = Renderer::new(format, settings, output);
    let told = Told {
        selecting: Selecting::new(selection, renderer, records.contains(&RecordKind::Message))
            .with_texts(matches!(
                format,
                Format::Flow | Format::Mermaid | Format::Html
            )),
        extraction,
    };
    let mut engine = Engine::new(
        Options {
            thresholds: configuration.thresholds,
            policy: configuration.policy,
            alerts: live,
            leg_headers: configuration.leg_headers,
        },
        told,
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
                let told = engine.observer_mut();
                told.selecting.begin(time);
                if let Some(extraction) = &mut told.extraction {
                    extraction.packet(&packet);
                }
                engine.packet(&packet);
                if live {
                    engine.advance(time);
                }
            }
            Next::Keylog(text) => {
                if let Some(extraction) = &mut engine.observer_mut().extraction {
                    extraction.keylog(&text);
                }
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
        if engine.observer_mut().selecting.inner_mut().has_failed() {
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
    if let Some(until) = facts.captured_until {
        engine.advance(until);
    }
    let (mut report, told) = engine.finish(facts);
    let Told {
        selecting,
        extraction,
    } = told;
    let (renderer, chosen) = selecting.finish(&mut report);
    for name in &report.unused_passwords {
        errors::warn(
            environment,
            &format!(
                "--sip-password {name}: no request had credentials of this user for this realm"
            ),
        );
    }
    renderer.finish(&report)?.commit()?;
    if let Some(extraction) = extraction {
        extraction.finish(&report, environment, |call| chosen.contains(call))?;
    }
    let worst = match &report.selected {
        Some(selected) => selected.worst,
        None => report.summary.worst,
    };
    let met = options
        .fail_on
        .map(Severity::from)
        .is_some_and(|limit| worst >= Some(limit));
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
