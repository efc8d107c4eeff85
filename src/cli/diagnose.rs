//! What `read`, `live` and `flow` share: packets through the engine into a report.

use super::args::DiagnosisOptions;
use super::config::Configuration;
use super::environment::Environment;
use super::errors;
use super::extraction::Extraction;
use super::feed::{self, Pace};
use super::log::{self, Watch};
use super::output::{self, Output};
use super::passwords;
use super::progress::{self, Meter};
use super::secrets::GivenSecrets;
use super::told::Told;
use crate::capture::{CaptureFacts, Source};
use crate::engine::{Engine, Options, Report, Selected};
use crate::redact::Redactor;
use crate::report::{Bidi, Format, RecordKind, Renderer, Settings};
use crate::rules::Finding;
use crate::selection::{Chosen, Selecting, Selection};
use crate::severity::Severity;
use crate::text::sanitize;
use crate::workers::Workers;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

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
    let mut watch = Watch::start();
    log::opened(&source.facts());
    let format = match (options.format, look) {
        (Format::Table, Look::Ladders { .. }) => Format::Flow,
        (format, _) => format,
    };
    let redactor = configuration.redact.then(Redactor::default);
    let mut selection = selection(options, environment)?;
    selection.redactor.clone_from(&redactor);
    let output = output(options, &source.facts(), environment, live)?;
    let extraction = extraction(options, source, redactor.as_ref(), environment)?;
    let to_stdout = !matches!(output, Output::File { .. });
    // What is written while it is read has the screen for itself, and so has the log.
    let paged_early = matches!(output, Output::Paged(_))
        && matches!(format, Format::Json | Format::Ndjson | Format::Csv);
    let has_progress = progress::is_wanted(options) && !live && !paged_early;
    let records = records(options);
    let workers = Workers::new(feed::threads(options.threads));
    let settings = Settings {
        catalogue: environment.catalogue,
        records: records.clone(),
        all: options.all,
        width: environment.width,
        alert_width: environment.columns.filter(|_| to_stdout),
        color: environment.color && to_stdout,
        bidi: if to_stdout {
            environment.bidi
        } else {
            Bidi::Plain
        },
        // A file that nobody sees before its end is no place for what is wrong at this moment: it has the report.
        live: live && (to_stdout || format != Format::Table),
        aliases: match &redactor {
            Some(redactor) => configuration.aliases.hidden(redactor),
            None => configuration.aliases,
        },
        raw: matches!(look, Look::Ladders { raw: true }),
        stuck_after: configuration.thresholds.stuck_after,
        workers: workers.clone(),
    };
    let aloud = (live && !(to_stdout && matches!(format, Format::Table | Format::Ndjson)))
        .then(|| on_stderr(&settings, environment));
    let renderer = Renderer::new(format, settings, output);
    let meter = Meter::of(environment, has_progress);
    let told = Told {
        environment,
        selecting: Selecting::new(selection, renderer, records.contains(&RecordKind::Message))
            .with_texts(matches!(
                format,
                Format::Flow | Format::Mermaid | Format::Html
            )),
        extraction,
        answers: (meter.as_ref()).map(|meter| (meter.answers(), environment.catalogue)),
        aloud,
    };
    let mut engine = Engine::new(
        Options {
            thresholds: configuration.thresholds,
            policy: configuration.policy,
            alerts: live,
            leg_headers: configuration.leg_headers,
            memory: options.memory,
            redactor,
            workers: workers.clone(),
        },
        told,
    );
    let mut secrets = GivenSecrets::open(options, live)?;
    secrets.load(engine.secrets_mut(), environment)?;
    passwords::load(&options.sip_password, engine.passwords_mut(), environment)?;
    watch.over("preparing");
    feed::feed(source, &mut engine, &mut secrets, pace, &workers, meter)?;
    watch.over("reading and judging");
    let facts = source.facts();
    // Where people read the report, it tells such things itself.
    let is_told = to_stdout && format == Format::Table;
    if !is_told {
        tell_damage(&facts, environment);
    }
    if facts.ended_early {
        tell_early_end(&facts, environment);
    }
    let is_partial = facts.ended_early || !facts.damage.is_empty();
    if let Some(until) = facts.captured_until {
        engine.advance(until);
    }
    let finished = engine.finish(facts);
    watch.over("judging what was open");
    let is_told = is_told || to_stdout && format == Format::Flow;
    let say_nothing_selected = !is_told || options.fail_on.is_some();
    let path = options.output.as_deref();
    let worst = conclude(finished, environment, path, say_nothing_selected, watch)?;
    let met = options.fail_on.is_some_and(|limit| worst >= Some(limit));
    Ok(match (is_partial, met) {
        (true, _) => errors::DAMAGED,
        (false, true) => errors::FAIL_ON,
        (false, false) => 0,
    })
}

/// Where the report goes, which is no file that is read.
fn output(
    options: &DiagnosisOptions,
    capture: &CaptureFacts,
    environment: &Environment,
    live: bool,
) -> anyhow::Result<Output> {
    if let Some(path) = options.output.as_deref() {
        let secrets = options.keylog.iter().chain(&options.tls_key);
        let others = output::files(capture).chain(secrets.map(PathBuf::as_path));
        output::refuse_input(path, "-o", others)?;
    }
    // What happens now is not to wait behind a pager.
    let pager = environment.pager.as_ref().filter(|_| !live);
    Output::open(options.output.as_deref(), pager)
}

/// The same words as stderr shows them.
fn on_stderr(settings: &Settings, environment: &Environment) -> Settings {
    Settings {
        alert_width: environment.columns_of_errors,
        color: environment.color_of_errors,
        bidi: environment.bidi_of_errors,
        ..settings.clone()
    }
}

fn tell_damage(facts: &CaptureFacts, environment: &Environment) {
    // Of interfaces it was told when it happened.
    for damage in facts.damage.iter().filter(|it| it.gone_at.is_none()) {
        let input = Some(damage.input.as_str()).filter(|it| *it != "-");
        errors::warn(
            environment,
            &format!(
                "{} is damaged at packet {}, byte offset {}: {}",
                input.unwrap_or("stdin"),
                damage.packet,
                damage.offset,
                damage.what
            ),
        );
    }
}

/// Says what the report is about where somebody ended the reading of more.
fn tell_early_end(facts: &CaptureFacts, environment: &Environment) {
    let packets: u64 = facts.inputs.iter().map(|input| input.packets).sum();
    let text = format!(
        "Ctrl-C ended the reading after {packets} packets; what the input has behind them was not read"
    );
    errors::warn(environment, &text);
}

/// Writes what was found, and the packets where they are asked for; the worst that was told.
fn conclude(
    (mut report, told): (Report, Told<'_>),
    environment: &Environment,
    path: Option<&Path>,
    say_nothing_selected: bool,
    mut watch: Watch,
) -> anyhow::Result<Option<Severity>> {
    let (renderer, chosen) = told.selecting.finish(&mut report);
    log::read(&report);
    if let Some(selected) = report.selected.as_ref().filter(|_| say_nothing_selected) {
        nothing_selected(selected, &chosen, &report, environment);
    }
    for name in &report.unused_passwords {
        errors::warn(
            environment,
            &format!(
                "--sip-password {name}: no request had credentials of this user for this realm"
            ),
        );
    }
    // Whoever does not read the report to its end, or fills the disk with packets, gets the other one nevertheless.
    let extracted = told
        .extraction
        .map(|extraction| extraction.finish(&report, environment.catalogue, &chosen));
    let output = (renderer.finish(&report)).map_err(|error| output::naming(error, path));
    watch.over("writing");
    watch.tell();
    let shown = output.map(Output::commit);
    if let Some(extracted) = extracted {
        extracted?.announce(environment);
    }
    shown??;
    Ok(match &report.selected {
        Some(selected) => selected.worst,
        None => report.summary.worst,
    })
}

/// The calls that are asked for; what may be a slip is told.
fn selection(
    options: &DiagnosisOptions,
    environment: &Environment,
) -> Result<Selection, errors::WrongUse> {
    let selection = options.selection.selection()?;
    for method in selection.unknown_methods() {
        let text =
            format!("--method {method} is no method that sipdiag knows; looked for nevertheless");
        errors::warn(environment, &sanitize(&text));
    }
    Ok(selection)
}

/// The packets to hand on, where they are asked for.
fn extraction(
    options: &DiagnosisOptions,
    source: &dyn Source,
    redactor: Option<&Redactor>,
    environment: &Environment,
) -> anyhow::Result<Option<Extraction>> {
    let Some(path) = options.packets.write.as_deref() else {
        return Ok(None);
    };
    let report = options.output.as_deref();
    let extraction = Extraction::open(path, report, &source.facts(), redactor)?
        .with_media(options.packets.with_media);
    if is_no_pcapng(path) {
        let text = format!(
            "{} will be pcapng, not compressed, whatever its name says",
            path.display()
        );
        errors::warn(environment, &text);
    }
    Ok(Some(extraction))
}

/// Whether a name promises another kind of file than the packets are written as.
fn is_no_pcapng(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    let others = ["pcap", "cap", "gz", "zst"];
    extension.is_some_and(|it| others.iter().any(|other| it.eq_ignore_ascii_case(other)))
}

/// Says so when nothing was selected, and of what is asked for what nothing meets: it must not look as if all were well.
fn nothing_selected(
    selected: &Selected,
    chosen: &Chosen,
    report: &Report,
    environment: &Environment,
) {
    let tells = |it: &Finding| !it.rule.code.starts_with("CAP") || chosen.is_asked(it);
    if selected.call_ids > 0 || report.findings.iter().any(tells) {
        return;
    }
    let line = if selected.unmet.is_empty() {
        format!("no call meets all of: {}", selected.criteria)
    } else {
        format!("no call meets {}", selected.unmet)
    };
    let all = report.summary.call_ids;
    errors::warn(
        environment,
        &format!("{}; Call-IDs in the capture: {all}", sanitize(&line)),
    );
}

fn records(options: &DiagnosisOptions) -> Vec<RecordKind> {
    if options.records.is_empty() {
        return RecordKind::DEFAULT.to_vec();
    }
    options.records.clone()
}
