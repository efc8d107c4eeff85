//! Who is told what the engine finds: the selection with the format behind it, and the extract where one is written.

use super::extraction::Extraction;
use super::output::Output;
use crate::dialog::Call;
use crate::dialog::legs::Legs;
use crate::engine::{Observer, SeenMessage};
use crate::report::Renderer;
use crate::rules::Finding;
use crate::selection::Selecting;
use crate::transaction::{Placement, Transaction};

/// All of them.
pub(super) struct Told {
    pub(super) selecting: Selecting<Renderer<Output>>,
    pub(super) extraction: Option<Extraction>,
}

impl Told {
    /// Whether going on is of no use: the report cannot be written any more, and nothing else is to be.
    pub(super) const fn is_of_no_use(&mut self) -> bool {
        self.extraction.is_none() && self.selecting.inner_mut().has_failed()
    }
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
