//! Which INVITE an ACK belongs to, and which one it was meant for when it fits none.

use super::super::notes::{acknowledges, note_ack};
use super::super::{Arrival, Kind, Transaction, TransactionId};
use super::Table;
use crate::flow::Flow;
use crate::sip::Method;

impl Table {
    /// RFC 3261 §17.1.1.3: an ACK to 300–699 has the INVITE's branch; §13.2.2.4: one to a 2xx has its own, and belongs to
    /// every hop on which that INVITE was answered.
    pub(super) fn ack(&mut self, arrival: &Arrival<'_>, key: u64) -> (Kind, Option<TransactionId>) {
        let by_branch = self
            .by_key
            .get(key)
            .and_then(|ids| self.best_leg(ids, arrival.flow, false))
            // What a response to an ACK began has this key too.
            .filter(|id| (self.get(*id)).is_some_and(|it| it.method == Method::Invite));
        let to_tag = arrival.message.to_tag();
        let ids: Vec<TransactionId> = match by_branch {
            Some(id) => vec![id],
            None => {
                let cseq = arrival.message.cseq().map_or(0, |(number, _)| number);
                self.answered_invites(arrival.keys.call, cseq, to_tag, arrival.flow)
            }
        };
        if ids.is_empty() {
            return (self.stray_ack(arrival, to_tag), None);
        }
        let branch = arrival.keys.branch;
        let clock = self.clock(arrival);
        let mut kind = Kind::New;
        for id in &ids {
            if let Some(open) = self.open.get_mut(*id) {
                open.touch(arrival, clock);
                let acks = &mut open.transaction.acks;
                if note_ack(acks, arrival, to_tag, branch, &mut self.budget) {
                    kind = Kind::Retransmission;
                }
            }
        }
        (kind, self.best_leg(&ids, arrival.flow, false))
    }

    /// The hops on which the INVITE of an ACK was answered with that To tag; where the capture has no such answer, those
    /// that had a provisional one only, then those without any: the ACK proves the answer.
    pub(super) fn answered_invites(
        &self,
        call: u64,
        cseq: u64,
        to_tag: Option<&[u8]>,
        flow: Flow,
    ) -> Vec<TransactionId> {
        let matching = |matches: &dyn Fn(&Transaction) -> bool| {
            self.invites_of(call, &|it| it.cseq == cseq && matches(it))
        };
        // On its own hop an ACK proves the answer, even when that is read after it.
        let is_here = |it: &Transaction| {
            it.flow.src.ip() == flow.src.ip()
                && it.flow.dst.ip() == flow.dst.ip()
                && it.final_response().is_none()
        };
        let mut found = matching(&|it| acknowledges(it, to_tag));
        if !found.is_empty() {
            found.extend(matching(&is_here));
        }
        if found.is_empty() {
            found = matching(&|it| !it.responses.is_empty() && it.final_response().is_none());
        }
        if found.is_empty() {
            found = matching(&|it| it.responses.is_empty());
        }
        found
    }

    /// Notes an ACK that fits no INVITE at the one that it must be for: of its Call-ID and From tag, on its hop, and not
    /// acknowledged yet.
    fn stray_ack(&mut self, arrival: &Arrival<'_>, to_tag: Option<&[u8]>) -> Kind {
        let from_tag = arrival.message.from_tag();
        let waiting = self.invites_of(arrival.keys.call, &|it| {
            let same_src = it.flow.src.ip() == arrival.flow.src.ip();
            let same_dst = it.flow.dst.ip() == arrival.flow.dst.ip();
            // To another host than the INVITE goes the ACK to a 2xx, and the one of another branch of a fork.
            let same_fork = to_tag.is_some()
                && (it.responses.iter()).any(|answer| answer.to_tag.as_deref() == to_tag);
            it.acks.is_empty()
                && it.from.tag.as_deref() == from_tag
                && same_src
                && (same_dst || same_fork)
        });
        let branch = arrival.keys.branch;
        let clock = self.clock(arrival);
        let open = self
            .best_leg(&waiting, arrival.flow, false)
            .and_then(|id| self.open.get_mut(id));
        let Some(open) = open else {
            return Kind::New;
        };
        open.touch(arrival, clock);
        let strays = &mut open.transaction.stray_acks;
        if note_ack(strays, arrival, to_tag, branch, &mut self.budget) {
            Kind::Retransmission
        } else {
            Kind::New
        }
    }

    /// The open INVITEs of a Call-ID that match.
    fn invites_of(&self, call: u64, matches: &dyn Fn(&Transaction) -> bool) -> Vec<TransactionId> {
        self.invites
            .get(call)
            .into_iter()
            .flatten()
            .copied()
            .filter(|id| self.get(*id).is_some_and(matches))
            .collect()
    }
}
