//! A message in its place: counted, in its transaction, and noted by all who keep something of it.

use super::waiting::Sip;
use super::{Engine, Observer, SeenMessage};
use crate::capture::Sighting;
use crate::frame::IcmpError;
use crate::hash::KeyMap;
use crate::limits::MAX_HOST_PAIRS;
use crate::sip::Method;
use crate::time::Timestamp;
use crate::transaction::{Arrival, Keys, Kind, Placement, Seen, TransactionId};
use std::cmp::Reverse;

impl<O: Observer> Engine<O> {
    pub(super) fn icmp(&mut self, seen: Sighting, error: &IcmpError<'_>) {
        let quoted = self.table.icmp(seen, error);
        self.lost.icmp(seen, error, quoted.is_some());
        match quoted {
            None => self.surroundings.media_errors_mut().icmp(seen, error),
            Some(id) if self.options.alerts => self.alert(id),
            Some(_) => {}
        }
    }

    pub(super) fn place(&mut self, at: Sighting, mut sip: Sip) {
        let draft = std::mem::take(&mut sip.draft);
        let sip = &sip;
        let heard = &sip.heard;
        let (message, flow) = (&heard.message, heard.flow);
        let Sighting { frame, time } = at;
        let seen = SeenMessage {
            arrival: Arrival {
                frame,
                time,
                flow,
                message,
                keys: sip.keys,
                identification: heard.identification,
                sequence: heard.sequence,
                mirrored: heard.mirror.is_some(),
            },
            encapsulation: heard.envelope.encapsulation,
            direction: heard.envelope.direction,
            mirror: heard.mirror.as_ref(),
        };
        let looked_up = self.duplicates.look_up(&seen.arrival);
        self.note_marking(&seen.arrival, heard, matches!(looked_up, Seen::Again(_)));
        let key = match looked_up {
            Seen::First(key) => key,
            Seen::BothWays => {
                self.summary.mirrored_too += 1;
                return;
            }
            Seen::Again(transaction) => {
                self.count(&seen.arrival);
                self.counts.duplicates += 1;
                let placement = Placement {
                    kind: Kind::Duplicate,
                    ladder: None,
                    transaction,
                };
                self.observer.message(&seen, placement);
                return;
            }
        };
        self.count(&seen.arrival);
        if self.is_new_flow(sip.keys) {
            self.surroundings
                .heard_message(flow.src.ip(), flow.dst.ip());
            self.streams.ports.heard(flow);
        }
        let before = self.table.begun();
        let placement = self.table.place(&seen.arrival, draft);
        let began = self.table.begun() > before;
        if placement.kind == Kind::New {
            if sip.names_ports {
                self.streams.ports.named_by(message);
            }
            if message.status().is_none() {
                self.surroundings.note_request(message);
            }
        }
        if message.is_cut() && !sip.keys.tell_transaction() && message.method().is_some() {
            let (src, dst) = (flow.src.ip(), flow.dst.ip());
            self.surroundings.note_cut_request(src, dst);
        }
        self.duplicates.belongs(key, placement.transaction);
        if sip.odd {
            self.defects.look(&seen.arrival, placement);
        }
        let late = !began
            && placement.kind == Kind::New
            && message.method().is_some_and(|method| method != Method::Ack);
        self.book.message(message, sip.keys, began, late);
        self.surroundings
            .bindings_mut()
            .message(&seen.arrival, placement.transaction.filter(|_| began));
        self.summary.retransmissions += u64::from(placement.kind == Kind::Retransmission);
        if placement.kind == Kind::New {
            self.backoffs.message(message, flow, at);
        }
        if let Some(id) = placement.transaction {
            self.note(id, sip, time);
            if placement.kind == Kind::New {
                self.note_leg(id, sip, time);
            }
            if began && self.options.alerts {
                self.watched
                    .push(Reverse((time + self.options.thresholds.stuck_after, id, 0)));
            }
        }
        self.observer.message(&seen, placement);
    }

    /// Whether nothing was heard on a flow lately: who spoke to whom need not be noted for each message.
    fn is_new_flow(&mut self, keys: Keys) -> bool {
        if self.flows.len() >= MAX_HOST_PAIRS {
            self.flows = KeyMap::default();
        }
        self.flows.insert(keys.way(), ()).is_none()
    }

    /// Keeps what other Call-IDs may need to know, and tells at once what has failed.
    fn note(&mut self, id: TransactionId, sip: &Sip, time: Timestamp) {
        let message = &sip.heard.message;
        let Some(transaction) = self.table.get(id) else {
            return;
        };
        if let Some(beginning) = &sip.beginning {
            self.surroundings.note_invite(transaction, beginning);
        }
        // Captured behind its answer: only now is it known what succeeded.
        if message.status().is_none()
            && message.method() != Some(Method::Ack)
            && let Some(answer) = transaction.final_response().filter(|it| it.is_success())
        {
            self.surroundings.note_success(transaction, answer.time());
        }
        match message.status() {
            Some(200..300) => self.surroundings.note_success(transaction, time),
            Some(423) => self.surroundings.note_too_brief(transaction, time),
            // Codes that clients answer with another try are told when the call is over.
            Some(code) if self.options.alerts && code >= 403 && !RETRIED.contains(&code) => {
                self.alert(id);
            }
            // An ACK answers no challenge.
            None if message.method() != Some(Method::Ack)
                && !transaction.credentials.is_empty() =>
            {
                for used in &transaction.credentials {
                    let (user, realm) = (used.username.as_bytes(), used.realm.as_bytes());
                    let given = match &self.options.redactor {
                        None => self.passwords.find(user, realm),
                        Some(redactor) => {
                            let user = redactor.captured_user(user);
                            self.passwords.find(&user, &redactor.captured_host(realm))
                        }
                    };
                    self.passwords_met.extend(given);
                }
                self.surroundings.note_credentials(transaction, time);
            }
            _ => {}
        }
    }

    /// An INVITE outside a dialog may be the next leg of another call (guard G-B2BUA), which is answered on one of them and ends
    /// with a BYE on any.
    fn note_leg(&mut self, id: TransactionId, sip: &Sip, time: Timestamp) {
        let message = &sip.heard.message;
        let Some(transaction) = self.table.get(id) else {
            return;
        };
        let call_id = &transaction.call_id;
        let sets_up = transaction.method == Method::Invite && !transaction.in_dialog();
        if let Some(beginning) = &sip.beginning
            && !call_id.is_empty()
        {
            let flow = transaction.flow;
            self.legs.invite(beginning, call_id, flow, time);
        }
        match (message.method(), message.status()) {
            (Some(Method::Bye), _) => self.legs.bye(call_id, time),
            (None, Some(code)) if sets_up => self.legs.response(call_id, code, time),
            _ => {}
        }
    }
}

/// Codes after which a healthy client tries again, or which a healthy call has.
const RETRIED: [u64; 9] = [407, 422, 423, 481, 486, 487, 491, 503, 600];
