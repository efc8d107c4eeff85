//! Who is told what the engine finds: the selection with the format behind it, and the extract where one is written.

use super::environment::Environment;
use super::errors;
use super::extraction::Extraction;
use super::log;
use super::output::Output;
use super::progress::Answers;
use crate::capture::{Damage, Packet};
use crate::catalogue::Catalogue;
use crate::dialog::Call;
use crate::dialog::legs::Legs;
use crate::engine::{Observer, SeenMessage};
use crate::report::{Renderer, Settings};
use crate::rules::Finding;
use crate::selection::Selecting;
use crate::text::sanitize;
use crate::transaction::{Placement, Transaction};

/// All of them.
pub(super) struct Told<'a> {
    pub(super) environment: &'a Environment,
    pub(super) selecting: Selecting<Renderer<Output>>,
    pub(super) extraction: Option<Extraction>,
    /// Who waits for the first answers, and in which words.
    pub(super) answers: Option<(Answers, Catalogue)>,
    /// How stderr is told what is wrong at this moment; `None` where stdout is.
    pub(super) aloud: Option<Settings>,
}

impl Told<'_> {
    /// Hands on a packet before the engine takes it.
    pub(super) fn packet(&mut self, packet: &Packet<'_>) {
        self.selecting.begin(packet.time);
        if let Some(extraction) = &mut self.extraction {
            extraction.packet(packet);
        }
    }

    /// Says at once that an interface went away: what is not heard from then on nobody would miss where others go on.
    pub(super) fn gone(&self, damage: &Damage) {
        let text = format!(
            "no more packets come from {}: {}",
            damage.input, damage.what
        );
        errors::warn(self.environment, &sanitize(&text));
    }

    /// Whether going on is of no use: the report cannot be written any more, and nothing else is to be.
    pub(super) const fn is_of_no_use(&mut self) -> bool {
        self.extraction.is_none() && self.selecting.inner_mut().has_failed()
    }
}

impl Observer for Told<'_> {
    fn message(&mut self, message: &SeenMessage<'_>, placement: Placement) {
        log::message(message, placement);
        if let Some(extraction) = &mut self.extraction {
            let call_id = message.arrival.message.call_id().unwrap_or_default();
            extraction.message(message, self.selecting.key(&call_id));
        }
        self.selecting.message(message, placement);
    }

    fn judged(&mut self, call: &Call, findings: &[Finding], legs: &Legs) {
        log::judged(call, findings);
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
        if let Some((answers, catalogue)) = &self.answers
            && self.selecting.takes_all()
        {
            answers.note(*catalogue, finding);
        }
        self.selecting.finding(finding);
    }

    fn over(&mut self, findings: &[Finding], legs: &Legs) {
        self.selecting.over(findings, legs);
    }

    fn alert(&mut self, finding: &Finding) {
        if let Some(settings) = &self.aloud
            && self.selecting.takes_alert(finding)
        {
            errors::note(self.environment, settings.alert(finding).trim_end());
        }
        self.selecting.alert(finding);
    }
}
