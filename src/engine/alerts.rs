//! What is wrong at this moment, told while it lasts: for `live`.

use super::{Engine, Observer};
use crate::dialog::Call;
use crate::rules;
use crate::severity::Severity;
use crate::transaction::TransactionId;
use std::time::Duration;

/// After this a transaction that raised no alert will not raise one: Timer C and more.
const WATCHED_FOR: Duration = Duration::from_mins(4);

impl<O: Observer> Engine<O> {
    /// Tells what is stuck while it is stuck. Each transaction is told once.
    pub(super) fn watch(&mut self) {
        let Some(now) = self.now else {
            return;
        };
        let due = now.minus(self.options.thresholds.stuck_after);
        let mut again = Vec::new();
        while let Some(&(began, id)) = self.watched.front() {
            if began > due {
                break;
            }
            self.watched.pop_front();
            let Some(transaction) = self.table.get(id) else {
                continue;
            };
            if transaction.final_response().is_some() || self.alerted.contains(&id) {
                continue;
            }
            self.alert(id);
            if self.alerted.contains(&id) {
                continue;
            }
            if now.since(began) < WATCHED_FOR {
                again.push((began, id));
            }
        }
        for entry in again.into_iter().rev() {
            self.watched.push_front(entry);
        }
    }

    /// Tells the worst that can be said of an open transaction at this moment, once.
    pub(super) fn alert(&mut self, id: TransactionId) {
        let Some(transaction) = self.table.get(id) else {
            return;
        };
        let call = Call {
            call_id: transaction.call_id.clone(),
            starts_mid_dialog: false,
            transactions: vec![transaction.clone()],
        };
        let mut scratch = self.last_finding;
        let found = rules::judge_call(&self.view(&call), &mut scratch);
        let worst = found
            .iter()
            .filter(|finding| finding.severity > Severity::Info)
            .max_by_key(|finding| finding.severity);
        if let Some(finding) = worst
            && self.alerted.insert(id)
        {
            self.observer.alert(finding);
        }
    }
}
