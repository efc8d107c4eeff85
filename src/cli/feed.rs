//! Hands the engine all that a source has, in one thread or in several.

use super::ahead::{self, Batched, Step};
use super::progress::Meter;
use super::secrets::GivenSecrets;
use super::told::Told;
use crate::capture::{CaptureError, CaptureFacts, Next, Source};
use crate::engine::Engine;
use crate::workers::Workers;
use std::num::NonZero;
use std::thread;

/// How a source is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// An interface: findings are told while they happen.
    Live,
    /// Files, as fast as they can be read.
    Files,
}

/// As many threads as help where nobody chose: of files one reads ahead, one follows, all judge.
pub(super) fn threads(chosen: Option<NonZero<usize>>) -> NonZero<usize> {
    let there = || thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    chosen.unwrap_or_else(there)
}

/// Hands the engine all that a source has.
///
/// # Errors
/// When the source fails.
pub(super) fn feed(
    source: &mut dyn Source,
    engine: &mut Engine<Told<'_>>,
    secrets: &mut GivenSecrets,
    pace: Pace,
    workers: &Workers,
    mut meter: Option<Meter>,
) -> Result<(), CaptureError> {
    let mut look = |source: &dyn Source| {
        if let Some(meter) = &mut meter {
            meter.look(source);
        }
    };
    // An interface is never ahead of who follows it.
    if pace == Pace::Live || !workers.are_several() {
        for step in 1.. {
            let goes_on = follow(source, engine, secrets, pace == Pace::Live)?;
            if pace == Pace::Live {
                for gone in source.take_gone() {
                    engine.observer_mut().gone(&gone);
                }
            }
            if !goes_on {
                break;
            }
            if step % STEPS_BETWEEN_LOOKS == 0 {
                look(source);
            }
        }
        return Ok(());
    }
    let whole = engine.observer_mut().extraction.is_some();
    let mut intake = engine.lend_intake();
    let judge = |batches: &mut dyn Iterator<Item = Batched>| {
        let mut goes_on = true;
        for mut batch in batches {
            // Memory goes back to the thread that took it.
            engine.collect_remains(batch.has_messages());
            goes_on = batch.each(|step| take(engine, step));
            batch.take_back(engine.take_remains());
            if !goes_on {
                break;
            }
        }
        engine.collect_remains(false);
        goes_on
    };
    let all = ahead::run(source, whole, intake.as_mut(), judge, &mut look, workers)?;
    // Where no more is wanted it knows of packets that nobody has taken.
    if let Some(intake) = intake.filter(|_| all) {
        engine.take_intake(intake);
    }
    Ok(())
}

/// The clock is asked that seldom.
const STEPS_BETWEEN_LOOKS: u64 = 512;

/// Takes what the source has next; whether more is wanted.
fn follow(
    source: &mut dyn Source,
    engine: &mut Engine<Told<'_>>,
    secrets: &mut GivenSecrets,
    live: bool,
) -> Result<bool, CaptureError> {
    if secrets.grow(engine.secrets_mut()) {
        engine.retry_secrets();
    }
    Ok(match source.next()? {
        Next::Packet(packet) => {
            let goes_on = take(engine, Step::Packet(packet));
            if live {
                engine.advance(packet.time);
            }
            goes_on
        }
        Next::Keylog(text) => take(engine, Step::Keylog(text, None)),
        Next::Refused(time) => take(engine, Step::Refused(time)),
        Next::Gap(from, until) => take(engine, Step::Gap(from, until)),
        Next::Idle(now) => {
            if lost_packets(&source.facts()) {
                engine.packets_were_lost();
            }
            engine.advance(now);
            true
        }
        Next::End => false,
    })
}

/// Hands something to the engine and to those who want to see it; whether more is wanted.
fn take(engine: &mut Engine<Told<'_>>, step: Step<'_>) -> bool {
    match step {
        Step::Packet(packet) => {
            let told = engine.observer_mut();
            told.packet(&packet);
            engine.packet(&packet);
        }
        Step::Prepared(packet, prepared) => {
            let told = engine.observer_mut();
            match packet {
                Some(packet) => told.packet(&packet),
                None => told.selecting.begin(prepared.time()),
            }
            engine.prepared(prepared);
        }
        Step::Passing(packets) => {
            if let Some(first) = packets.first() {
                engine.observer_mut().selecting.begin(first.time());
            }
            engine.passing(packets);
        }
        Step::InOrder(next, later) => {
            engine.fetch_ahead(|behind| later.get(behind));
            engine.in_order(next);
        }
        Step::Keylog(text, events) => {
            if let Some(extraction) = &mut engine.observer_mut().extraction {
                extraction.keylog(&text);
            }
            match events {
                Some(events) => engine.events(events),
                None => engine.keylog(&text),
            }
        }
        Step::Gap(from, until) => engine.gap(from, until),
        Step::Refused(time) => {
            engine.observer_mut().selecting.begin(time);
            engine.pass_over(time);
        }
        Step::PassedOver(refused) => {
            engine.observer_mut().selecting.begin(refused.begin());
            engine.passed_over(refused);
        }
    }
    !engine.observer_mut().is_of_no_use()
}

fn lost_packets(facts: &CaptureFacts) -> bool {
    facts.dropped_by_kernel.unwrap_or(0) + facts.dropped_by_interface.unwrap_or(0) > 0
}
