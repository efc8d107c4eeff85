//! What a connection shows from outside, by the types and lengths of its records, while it is not opened.

use super::connection::Tls;
use super::direction::State;
use super::negotiation::EarlyData;
use super::record::ContentType;
use crate::capture::Sighting;
use crate::reassembly::Side;

/// Bytes of an alert: level and description (RFC 8446 §6).
const ALERT: usize = 2;

impl Tls {
    /// Looks at the records that wait, in their order, each once.
    pub(super) fn observe_held(&mut self) {
        for side in [Side::Opener, Side::Acceptor] {
            if !matches!(self.directions.of(side).state, State::Clear) {
                while let Some(held) = self.directions.of_mut(side).held.unobserved() {
                    let (kind, length, at) = (held.kind, held.content.len(), held.at);
                    self.observe(side, kind, length, at);
                }
            }
        }
    }

    /// What a protected record shows of itself without being opened.
    pub(super) fn observe(&mut self, side: Side, kind: ContentType, length: usize, at: Sighting) {
        if self.negotiation.is_tls13() {
            if kind == ContentType::ApplicationData {
                self.observe_tls13(side, length, at);
            }
            return;
        }
        let other_finished = self.directions.of(side.other()).finished_seemingly;
        let direction = self.directions.of_mut(side);
        match kind {
            ContentType::ApplicationData => direction.application_seemingly += 1,
            ContentType::Alert => *self.facts.unread_alerts.of_mut(side) += 1,
            ContentType::Handshake if direction.changed_cipher => {
                direction.finished_seemingly = true;
                if other_finished {
                    self.complete_seemingly.get_or_insert(at);
                }
            }
            _ => {}
        }
    }

    /// In TLS 1.3 all protected records look the same; only their lengths tell something.
    fn observe_tls13(&mut self, side: Side, length: usize, at: Sighting) {
        let from_client = self.facts.client == Some(side);
        let servers = self.directions.of(side.other()).protected;
        let direction = self.directions.of_mut(side);
        direction.protected += 1;
        if self.complete_seemingly.is_some() {
            direction.application_seemingly += 1;
            return;
        }
        let Some(suite) = self.negotiation.suite() else {
            return;
        };
        // RFC 8446 §5.2: behind the content come its type and the tag. An alert has two bytes, Finished has a head of four
        // and a hash; no other message that an end may begin with is as short as an alert.
        let added = 1 + suite.cipher.tag_size().unwrap_or(0);
        let early = self.negotiation.early_data != EarlyData::NotOffered && from_client;
        if direction.protected == 1 && length == ALERT + added && !early {
            self.suspected.get_or_insert((side, at));
        } else if from_client
            && servers > 0
            && length >= 4 + suite.hash.size() + added
            && self.suspected.is_none()
        {
            self.complete_seemingly = Some(at);
        }
    }

    /// Brings into the facts what both directions add up to.
    pub(super) fn refresh(&mut self) {
        let tls13 = self.negotiation.is_tls13();
        for side in [Side::Opener, Side::Acceptor] {
            let direction = self.directions.of(side);
            let count = if tls13 && direction.opened {
                *self.facts.opened_records.of(side)
            } else {
                direction.application_seemingly
            };
            *self.facts.application_records.of_mut(side) = count;
        }
        let client = self.facts.client.unwrap_or(Side::Opener);
        let (clients, servers) = (
            self.directions.of(client),
            self.directions.of(client.other()),
        );
        self.facts.unreadable = clients.trouble.or(servers.trouble);
        let exact = if tls13 {
            clients.opened_handshake
        } else {
            clients.opened && servers.opened
        };
        let seemingly = self.complete_seemingly.filter(|_| !exact);
        self.facts.complete = self.complete_certainly.or(seemingly);
        self.facts.suspected_alert = self
            .suspected
            .filter(|(side, _)| !self.directions.of(*side).opened);
    }
}
