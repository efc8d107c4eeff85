//! What is wrong at this moment, told while it lasts: for `live`.

use super::{Engine, Observer};
use crate::dialog::{Call, Negotiation};
use crate::limits::MAX_SOURCES;
use crate::rules::{self, Applied, Finding};
use crate::severity::Severity;
use crate::time::Timestamp;
use crate::transaction::TransactionId;
use std::cmp::Reverse;
use std::time::Duration;

/// When to look again after the first look: for the ladders, for Timers B and F, and for Timer C.
const LOOK_AGAIN: [Duration; 4] = [
    Duration::from_secs(10),
    Duration::from_secs(15),
    Duration::from_mins(1),
    Duration::from_secs(100),
];

impl<O: Observer> Engine<O> {
    /// Tells what is stuck while it is stuck. Each transaction is told once, and looked at a few times.
    pub(super) fn watch(&mut self, now: Timestamp) {
        while let Some(&Reverse((due, id, looks))) = self.watched.peek() {
            if due > now {
                break;
            }
            self.watched.pop();
            let Some(transaction) = self.table.get(id) else {
                continue;
            };
            if transaction.final_response().is_some() || self.alerted.contains(&id) {
                continue;
            }
            self.alert(id);
            if let Some(pause) = LOOK_AGAIN.get(looks)
                && !self.alerted.contains(&id)
            {
                self.watched.push(Reverse((due + *pause, id, looks + 1)));
            }
        }
    }

    /// Tells when a host that sent something in a call begins to look like an attacker, once a host and kind of attack.
    pub(super) fn alert_hosts(&mut self, call: &Call) {
        let mut hosts: Vec<_> = call
            .transactions
            .iter()
            .map(|transaction| transaction.flow.src.ip())
            .collect();
        hosts.sort_unstable();
        hosts.dedup();
        for host in hosts {
            let Some(source) = self.sources.get(host) else {
                continue;
            };
            let mut found = rules::judge_source(host, source, &self.options.thresholds);
            // What is told while it lasts is counted when it is over.
            self.options
                .policy
                .apply(&mut found, &mut [], &mut Applied::default());
            for finding in found {
                if finding.severity > Severity::Info
                    && self.alerted_hosts.len() < MAX_SOURCES
                    && self.alerted_hosts.insert((host, finding.rule.name))
                {
                    self.observer.alert(&finding);
                }
            }
        }
    }

    /// Tells the worst that was found about a call that is over, where nothing was told of it while it lasted: what was refused in
    /// a way that clients answer with another try has failed only now.
    pub(super) fn alert_judged(&mut self, call: &Call, found: &[Finding]) {
        let key = call.transactions.first().map(|it| it.call_key);
        let told = key.is_some_and(|it| self.alerted_calls.remove(&it));
        // One line is enough for all legs of a call.
        if told || self.legs.link_of(&call.call_id).is_some() {
            return;
        }
        let mut errors = found.iter().filter(|it| it.severity == Severity::Error);
        if let Some(finding) = errors.find(|it| it.consequence_of.is_none()) {
            self.observer.alert(finding);
        }
    }

    /// Tells the worst that can be said of an open transaction at this moment, once.
    pub(super) fn alert(&mut self, id: TransactionId) {
        let Some(transaction) = self.table.get(id) else {
            return;
        };
        let call = Call {
            call_id: transaction.call_id.clone(),
            transactions: vec![transaction.clone()],
        };
        let negotiation = Negotiation::of(&call);
        let mut found = rules::judge_call(&self.known().view(&call, &negotiation, self.now()));
        self.options
            .policy
            .apply(&mut found, &mut [], &mut Applied::default());
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
