//! A call: the transactions of one Call-ID that are judged together.

use super::dialog::Dialog;
use crate::sip::Method;
use crate::transaction::{Response, State, Transaction, timers};
use smallvec::SmallVec;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// The transactions of one Call-ID, in the order in which they began.
#[derive(Clone, Debug)]
pub struct Call {
    /// The Call-ID; empty for messages without one.
    pub call_id: Arc<[u8]>,
    /// The transactions.
    pub transactions: Vec<Transaction>,
}

impl Call {
    /// The INVITEs that begin a dialog, on every hop.
    pub fn initial_invites(&self) -> impl Iterator<Item = &Transaction> {
        self.of(&Method::Invite).filter(|it| !it.in_dialog())
    }

    /// The transactions of a method.
    pub fn of(&self, method: &Method) -> impl Iterator<Item = &Transaction> {
        self.transactions
            .iter()
            .filter(move |transaction| transaction.method == *method)
    }

    /// The other transactions of the same attempt: same method, same From tag, in or out of a dialog alike.
    pub fn attempt<'a>(&'a self, of: &'a Transaction) -> impl Iterator<Item = &'a Transaction> {
        self.of(&of.method).filter(move |other| {
            other.id != of.id
                && other.from.tag == of.from.tag
                && other.in_dialog() == of.in_dialog()
        })
    }

    /// The attempts that the same client made to the same server after `of`, on the same hop: retries with credentials or
    /// with other values.
    pub fn later_tries<'a>(&'a self, of: &'a Transaction) -> impl Iterator<Item = &'a Transaction> {
        self.attempt(of).filter(move |other| {
            other.id > of.id
                && other.flow.src.ip() == of.flow.src.ip()
                && other.flow.dst.ip() == of.flow.dst.ip()
        })
    }

    /// Whether a request was sent by the host that made it, or by the first that is seen: no other hop shows it with fewer
    /// Vias.
    pub fn is_first_hop(&self, transaction: &Transaction) -> bool {
        transaction.via_count < 2
            || !self.transactions.iter().any(|other| {
                other.cseq == transaction.cseq
                    && (1..transaction.via_count).contains(&other.via_count)
                    && other.method == transaction.method
                    && other.from.tag == transaction.from.tag
            })
    }

    /// Where a request comes from: who sent it on the first hop that is seen.
    pub fn origin(&self, transaction: &Transaction) -> SocketAddr {
        let first = self
            .transactions
            .iter()
            .filter(|other| {
                other.cseq == transaction.cseq
                    && other.via_count > 0
                    && other.method == transaction.method
                    && other.from.tag == transaction.from.tag
            })
            .min_by_key(|other| (other.via_count, other.id));
        first.unwrap_or(transaction).flow.src
    }

    /// Whether the attempt came to a 2xx after all: by a retry, another route or another fork (guard G-OUTCOME).
    pub fn succeeded_elsewhere(&self, transaction: &Transaction) -> bool {
        let ended = transaction.last;
        self.attempt(transaction).any(|other| {
            other.succeeded()
                && ((transaction.method == Method::Invite && !transaction.in_dialog())
                    || other.start() >= ended
                    || other.id > transaction.id)
        })
    }

    /// Whether a response to this request existed although the capture has none (guard G-1WAY): an ACK, an early CANCEL,
    /// a retry with credentials or a later request inside the dialog cannot be without one.
    pub fn response_is_implied(&self, transaction: &Transaction) -> bool {
        if !transaction.responses.is_empty() || transaction.requests.count() == 0 {
            return false;
        }
        let same_client = |other: &Transaction| other.flow.src.ip() == transaction.flow.src.ip();
        let answered = |other: &Transaction| same_client(other) && !other.responses.is_empty();
        // An ACK belongs to the INVITEs of its CSeq number, of which another target may have answered one.
        let acknowledged = transaction.acks.iter().any(|ack| ack.to_tag.is_some())
            && !self
                .attempt(transaction)
                .any(|other| answered(other) && other.cseq == transaction.cseq);
        let retries = || {
            self.attempt(transaction).filter(|other| {
                transaction.credentials.is_empty()
                    && other.id > transaction.id
                    && !other.credentials.is_empty()
            })
        };
        let challenged = retries()
            .any(|other| other.flow.dst.ip() == transaction.flow.dst.ip() && same_client(other));
        if acknowledged || challenged {
            return true;
        }
        // What else the client sends on may follow from the answer of any other target that it turned to.
        if self.attempt(transaction).any(answered) {
            return false;
        }
        // Two sends and a CANCEL are a user who hung up at once on a peer that answered; more are a peer that did not.
        let cancelled = transaction.cancelled.is_some() && transaction.requests.count() < 3;
        cancelled || retries().next().is_some() || self.dialog_is_implied(transaction)
    }

    /// Whether a later request inside the dialog proves that a request which may begin one had an answer with a To tag (RFC 3261
    /// §12.1, RFC 6665 §4.1.2.4, RFC 3515): one of the same client, or of the peer where the client did not have to repeat its own.
    fn dialog_is_implied(&self, transaction: &Transaction) -> bool {
        let heeded = transaction.flow.transport.is_reliable()
            || transaction.requests.count() < timers::UNANSWERED_SENDS;
        Self::may_begin_a_dialog(transaction)
            && self.transactions.iter().any(|other| {
                let own = other.flow.src.ip() == transaction.flow.src.ip()
                    && other.from.tag == transaction.from.tag;
                let of_peer = heeded && other.to.tag == transaction.from.tag;
                other.in_dialog() && other.id > transaction.id && (own || of_peer)
            })
    }

    fn may_begin_a_dialog(transaction: &Transaction) -> bool {
        !transaction.in_dialog()
            && matches!(
                transaction.method,
                Method::Invite | Method::Subscribe | Method::Refer
            )
    }

    /// Whether what begins a dialog has no answer here, and was sent too seldom to be sure that it had none.
    pub fn may_be_answered_unseen(&self, transaction: &Transaction) -> bool {
        Self::may_begin_a_dialog(transaction)
            && transaction.responses.is_empty()
            && !transaction.flow.transport.is_reliable()
            && (1..timers::UNANSWERED_SENDS).contains(&transaction.requests.count())
            && !self.response_is_implied(transaction)
    }

    /// Whether the client of a transaction of which the capture has responses only must have sent something while they were
    /// captured (guard G-1WAY): the INVITE that a 100 answers at once (RFC 3261 §17.2.1), the ACK without which a final response
    /// comes again (§13.3.1.4, §17.2.1), or a request that follows the answer, as the next try does a challenge (§22.2).
    pub fn client_is_implied(&self, transaction: &Transaction) -> bool {
        if transaction.requests.count() > 0 {
            return false;
        }
        let tried_again = self.attempt(transaction).any(|before| {
            before.flow == transaction.flow
                && before.cseq < transaction.cseq
                && matches!(before.final_code(), Some(401 | 407))
                && before.last <= transaction.start()
        });
        if tried_again || transaction.method != Method::Invite {
            return tried_again;
        }
        let asked = transaction
            .responses
            .first()
            .is_some_and(|it| it.code == 100);
        let mut finals = transaction.responses.iter().filter(|it| it.is_final());
        asked
            || finals.any(|response| {
                self.is_acknowledged_unseen(transaction, response)
                    || self.of(&Method::Bye).any(|bye| {
                        bye.flow == transaction.flow
                            && bye.requests.count() == 0
                            && bye.start() > response.time()
                    })
            })
    }

    /// Whether a final response to an INVITE was not sent again although that is what happens without an ACK.
    fn is_acknowledged_unseen(&self, invite: &Transaction, response: &Response) -> bool {
        let repeats = response.is_success() || !response.flow.transport.is_reliable();
        let last = response.sends.last().map_or(response.time(), |it| it.time);
        let hung_up = |bye: &Transaction| {
            bye.start() > response.time() && bye.start().since(last) < NEXT_AT_MOST
        };
        repeats
            && invite.acks.is_empty()
            && invite.closed.since(last) >= NEXT_AT_MOST
            && response.sends.span() < GIVES_UP
            && !self.of(&Method::Bye).any(hung_up)
    }

    /// Whether an INVITE that has 100 at most was answered nevertheless (guard G-1WAY): an ACK proves a final response, a
    /// request in the dialog one with a To tag, and the next INVITE of the same side that the one before is over (RFC
    /// 3261 §14.1).
    pub fn progress_is_implied(&self, invite: &Transaction) -> bool {
        if Self::first_progress(invite).is_some() {
            return false;
        }
        let elsewhere = self.attempt(invite).any(|other| {
            other.flow.src.ip() == invite.flow.src.ip() && Self::first_progress(other).is_some()
        });
        let follows = |other: &Transaction| {
            let same_side = other.from.tag == invite.from.tag;
            other.in_dialog()
                && other.id > invite.id
                && if invite.in_dialog() {
                    same_side && other.method == Method::Invite
                } else {
                    same_side || other.to.tag == invite.from.tag
                }
        };
        invite.acks.iter().any(|ack| ack.to_tag.is_some())
            || (!elsewhere && self.transactions.iter().any(follows))
    }

    /// The first response above 100 to a transaction, whatever it says.
    pub fn first_progress(transaction: &Transaction) -> Option<&Response> {
        transaction
            .responses
            .iter()
            .find(|response| response.code > 100)
    }

    /// Whether the INVITE was answered although the capture lacks the answer: an ACK with a To tag, or a later request
    /// inside the dialog by either side, cannot be without one (RFC 3261 §12.1, §13.2.2.4).
    pub fn answer_is_implied(&self, invite: &Transaction) -> bool {
        let in_dialog = |other: &Transaction| {
            other.in_dialog()
                && other.id > invite.id
                && (other.from.tag == invite.from.tag || other.to.tag == invite.from.tag)
                && !matches!(other.method, Method::Prack | Method::Update)
        };
        let elsewhere = self.attempt(invite).any(|other| {
            other.flow.src.ip() == invite.flow.src.ip() && other.final_response().is_some()
        });
        invite.final_response().is_none()
            && !invite.in_dialog()
            && (invite.acks.iter().any(|ack| ack.to_tag.is_some())
                || (!elsewhere && self.transactions.iter().any(in_dialog)))
    }

    /// Who decided each INVITE that begins a dialog, challenges apart, and whether it was busy before a telephone could ring.
    pub fn decisions(&self) -> impl Iterator<Item = (IpAddr, bool)> {
        self.initial_invites().filter_map(|invite| {
            let response = invite
                .final_response()
                .filter(|it| !matches!(it.code, 401 | 407))?;
            Some((response.flow.src.ip(), Self::is_quick_busy(invite)))
        })
    }

    /// Whether an INVITE was answered with 486 faster than a telephone is asked, and without ringing.
    pub fn is_quick_busy(invite: &Transaction) -> bool {
        let busy = invite.final_response().filter(|it| it.code == 486);
        busy.is_some_and(|it| it.time().since(invite.start()) < QUICK)
            && Self::first_progress(invite).is_some_and(|it| it.code == 486)
            && invite.requests.count() > 0
    }

    /// Marks the transactions whose answer the call proves and the capture lacks.
    pub fn mark_implied_answers(&mut self) {
        let implied: SmallVec<[bool; 16]> = self
            .transactions
            .iter()
            .map(|it| {
                self.response_is_implied(it)
                    || (it.method == Method::Invite && self.answer_is_implied(it))
            })
            .collect();
        for (transaction, implied) in self.transactions.iter_mut().zip(implied) {
            transaction.answer_implied = implied;
        }
    }

    /// Whether an INVITE was still waiting for its final response when it was last watched, and no other try had one.
    pub fn is_open_attempt(&self) -> bool {
        self.of(&Method::Invite).any(|invite| {
            invite.state == State::PendingAtEnd
                && !self.answer_is_implied(invite)
                && self
                    .attempt(invite)
                    .all(|other| other.final_response().is_none())
        })
    }

    /// Whether it was still under way when it was last watched: nothing was answered yet, or nobody has hung up.
    pub fn goes_on(&self) -> bool {
        let lasts = |it: &Dialog<'_>| it.answer().is_some() && it.bye().is_none();
        self.is_open_attempt() || self.dialogs().iter().any(lasts)
    }
}

/// T2 of RFC 3261 §17.1.2.2 twice, and with it half of 64*T1: what is not sent again in that time is not sent again.
const NEXT_AT_MOST: Duration = Duration::from_secs(8);
const GIVES_UP: Duration = Duration::from_secs(16);

/// FINDINGS section 5: a limit answers that fast.
const QUICK: Duration = Duration::from_millis(200);
