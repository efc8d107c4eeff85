//! What `read`, `live` and `flow` share: packets through the engine into a report.

use super::args::DiagnosisOptions;
use super::config::Configuration;
use super::environment::Environment;
use super::errors;
use super::extraction::Extraction;
use super::feed::{Pace, feed};
use super::output::{self, Output};
use super::passwords;
use super::progress::Meter;
use super::secrets::GivenSecrets;
use super::told::Told;
use crate::capture::Source;
use crate::engine::{Engine, Options, Report};
use crate::redact::Redactor;
use crate::report::{Bidi, Format, RecordKind, Renderer, Settings};
use crate::selection::Selecting;
use crate::severity::Severity;
use std::path::PathBuf;

/// How the table of people looks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Look {
    /// The report.
    Report,
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
    pace: Pace,
) -> anyhow::Result<u8> {
    let live = pace == Pace::Live;
    let format = match (Format::from(options.format), look) {
        (Format::Table, Look::Ladders { .. }) => Format::Flow,
        (format, _) => format,
    };
    let redactor = configuration.redact.then(Redactor::default);
    let mut selection = options.selection.selection()?;
    selection.redactor.clone_from(&redactor);
    if let Some(path) = options.output.as_deref() {
        let capture = source.facts();
        let secrets = options.keylog.iter().chain(&options.tls_key);
        let others = output::files(&capture).chain(secrets.map(PathBuf::as_path));
        output::refuse_input(path, "-o", others)?;
    }
    let output = Output::open(options.output.as_deref())?;
    let report_path = options.output.as_deref();
    let extraction = options
        .write
        .as_deref()
        .map(|path| Extraction::open(path, report_path, &source.facts(), redactor.as_ref()))
        .transpose()?;
    let to_stdout = matches!(output, Output::Stdout(_));
    let records = records(options);
    let settings = Settings {
        catalogue: environment.catalogue,
        records: records.clone(),
        all: options.all,
        width: environment.width,
        color: environment.color && to_stdout,
        bidi: if to_stdout {
            environment.bidi
        } else {
            Bidi::Plain
        },
        live,
        aliases: match &redactor {
            Some(redactor) => configuration.aliases.hidden(redactor),
            None => configuration.aliases,
        },
        raw: matches!(look, Look::Ladders { raw: true }),
        stuck_after: configuration.thresholds.stuck_after,
    };
    let renderer = Renderer::new(format, settings, output);
    let meter = Meter::of(environment, !live && !options.no_progress);
    let told = Told {
        selecting: Selecting::new(selection, renderer, records.contains(&RecordKind::Message))
            .with_texts(matches!(
                format,
                Format::Flow | Format::Mermaid | Format::Html
            )),
        extraction,
        answers: (meter.as_ref()).map(|meter| (meter.answers(), environment.catalogue)),
    };
    let mut engine = Engine::new(
        Options {
            thresholds: configuration.thresholds,
            policy: configuration.policy,
            alerts: live,
            leg_headers: configuration.leg_headers,
            memory: options.memory,
            redactor,
        },
        told,
    );
    let mut secrets = GivenSecrets::open(options, live)?;
    secrets.load(engine.secrets_mut(), environment)?;
    passwords::load(&options.sip_password, engine.passwords_mut(), environment)?;
    feed(source, &mut engine, &mut secrets, pace, meter)?;
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
    let worst = conclude(engine.finish(facts), environment)?;
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

/// Writes what was found, and the packets where they are asked for; the worst that was told.
fn conclude(
    (mut report, told): (Report, Told),
    environment: &Environment,
) -> anyhow::Result<Option<Severity>> {
    let (renderer, chosen) = told.selecting.finish(&mut report);
    for name in &report.unused_passwords {
        errors::warn(
            environment,
            &format!(
                "--sip-password {name}: no request had credentials of this user for this realm"
            ),
        );
    }
    // Whoever does not read the report to its end, or fills the disk with packets, gets the other one nevertheless.
    let extracted = told.extraction.map(|extraction| {
        extraction.finish(&report, environment.catalogue, |call| chosen.contains(call))
    });
    let shown = renderer.finish(&report).map(Output::commit);
    if let Some(extracted) = extracted {
        extracted?.announce(environment);
    }
    shown??;
    Ok(match &report.selected {
        Some(selected) => selected.worst,
        None => report.summary.worst,
    })
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
