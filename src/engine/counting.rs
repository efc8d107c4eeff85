//! What is only counted.

use super::{Engine, Observer};
use crate::flow::Flow;
use crate::frame::Undecoded;
use crate::limits::MAX_UNDECODED_REASONS;
use crate::redact::Redactor;
use crate::transaction::Arrival;

/// Different status codes that no RFC allows, counted one by one.
const MAX_STATUS_KINDS: usize = 1000;

impl<O: Observer> Engine<O> {
    pub(super) fn undecoded(&mut self, undecoded: Undecoded) {
        self.undecoded_times(undecoded, 1);
    }

    pub(super) fn undecoded_times(&mut self, undecoded: Undecoded, times: u64) {
        if times == 0 {
            return;
        }
        let undecoded = undecoded.0;
        // A piece of a datagram may be a piece of an answer (guard G-LOSS).
        self.lossy |= undecoded == "ip-fragment";
        let reasons = &mut self.counts.undecoded;
        if let Some(count) = reasons.get_mut(&*undecoded) {
            *count += times;
        } else if reasons.len() < MAX_UNDECODED_REASONS {
            reasons.insert(undecoded.into_owned(), times);
        } else {
            *reasons.entry("other".to_owned()).or_default() += times;
        }
    }

    pub(super) fn count(&mut self, arrival: &Arrival<'_>) {
        self.counts.sip_messages += 1;
        let carrier = arrival.flow.transport.name();
        *self.summary.transports.entry(carrier).or_default() += 1;
        let message = arrival.message;
        match (message.method(), message.status()) {
            (Some(method), _) => {
                let requests = &mut self.summary.requests;
                if let Some(count) = requests.get_mut(method.name()) {
                    *count += 1;
                } else if method.is_registered() || requests.len() < MAX_UNDECODED_REASONS {
                    requests.insert(method.name().to_owned(), 1);
                } else {
                    *requests.entry("other".to_owned()).or_default() += 1;
                }
            }
            (None, Some(status)) => {
                let responses = &mut self.summary.responses;
                let known = (100..700).contains(&status) || responses.len() < MAX_STATUS_KINDS;
                *responses.entry(if known { status } else { 0 }).or_default() += 1;
            }
            (None, None) => {}
        }
    }

    /// What the packets without SIP are, for a capture that turns out to have none.
    pub(super) fn note_ports(&mut self, flow: Flow) {
        if self.counts.sip_messages > 0 {
            return;
        }
        // The lower port is the service's, mostly.
        let port = flow.src.port().min(flow.dst.port());
        *self.counts.ports.entry((flow.transport, port)).or_default() += 1;
    }

    /// What had no room any more, by the name of the store, and how often.
    pub(super) fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> + use<O> {
        let stores = [
            ("open-transactions", self.table.given_up()),
            ("ringing-unseen", self.table.not_waited_for()),
            ("recent-messages", self.duplicates.forgotten_early()),
            ("kept-messages", self.table.not_kept()),
            ("call-ids", self.book.refused()),
            ("calls-under-way", self.book.judged_early()),
            ("legs", self.table.refused()),
            ("lost-datagrams", self.lost.refused()),
            ("defects", self.defects.refused()),
            ("tls-servers", self.tls_servers.refused()),
            ("talk-times", self.talk_times.refused()),
            ("backoffs", self.backoffs.refused()),
            ("sources", self.sources.refused()),
            ("legs-of-calls", self.legs.refused()),
            (
                "redacted",
                self.options.redactor.as_ref().map_or(0, Redactor::not_kept),
            ),
            ("registrations", self.registrations.refused()),
            (
                "connections",
                self.intake.connections_given_up() + self.notable.refused,
            ),
        ];
        (stores.into_iter().chain(self.surroundings.refused()))
            .chain(self.intake.given_up())
            .chain(self.streams.refused())
            .filter(|(_, count)| *count > 0)
    }
}
