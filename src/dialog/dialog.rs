//! A dialog: what one caller and one callee did with each other inside a call (RFC 3261 §12).

use super::Call;
use crate::limits::MAX_CALL_DIALOGS;
use crate::sip::Method;
use crate::time::Timestamp;
use crate::transaction::{Response, Transaction};
use smallvec::{SmallVec, smallvec};
use std::time::Duration;

/// A dialog of a call: a confirmed one, or one of which only later requests are seen, because it is early or because it
/// began before the capture.
#[derive(Clone, Debug)]
pub struct Dialog<'a> {
    /// The From tag of the INVITE; where its 2xx was not seen, the From tag of the first request inside the dialog.
    pub caller_tag: &'a [u8],
    /// The other side's tag.
    pub callee_tag: &'a [u8],
    /// The INVITE that was answered with a 2xx with that tag, on each hop, the one nearest to the caller first. Empty when
    /// no such 2xx was seen.
    pub invites: SmallVec<[&'a Transaction; 4]>,
    /// The transactions inside the dialog, of both sides and on every hop, in the order in which they began.
    pub requests: SmallVec<[&'a Transaction; 4]>,
}

impl<'a> Dialog<'a> {
    /// The 2xx as the hop nearest to the caller shows it; `None` when it was not seen.
    pub fn answer(&self) -> Option<&'a Response> {
        self.invites
            .iter()
            .find_map(|invite| self.answer_on(invite))
    }

    /// The 2xx of this dialog on one of its hops.
    pub fn answer_on(&self, invite: &'a Transaction) -> Option<&'a Response> {
        invite
            .responses
            .iter()
            .find(|it| it.is_success() && it.to_tag.as_deref() == Some(self.callee_tag))
    }

    /// When the first 2xx was seen; `None` when it was not seen.
    pub fn answered(&self) -> Option<Timestamp> {
        let answers = self.invites.iter().filter_map(|it| self.answer_on(it));
        answers.map(Response::time).min()
    }

    /// When the first ACK to the 2xx was seen on any hop.
    pub fn acknowledged(&self) -> Option<Timestamp> {
        let acks = self.invites.iter().flat_map(|invite| &invite.acks);
        acks.filter(|ack| ack.to_tag.as_deref() == Some(self.callee_tag))
            .filter_map(|ack| ack.sends.first())
            .map(|seen| seen.time)
            .min()
    }

    /// The first BYE, by whichever side.
    pub fn bye(&self) -> Option<&'a Transaction> {
        self.requests
            .iter()
            .filter(|it| it.method == Method::Bye)
            .min_by_key(|bye| bye.start())
            .copied()
    }

    /// From the 2xx to the first BYE; `None` when one of them was not seen, or the times do not tell: the clock was set back
    /// between them, or they were captured in another order.
    pub fn talk_time(&self) -> Option<Duration> {
        self.bye()?.start().checked_since(self.answered()?)
    }

    /// The same from the ACK.
    pub fn talk_after_ack(&self) -> Option<Duration> {
        self.bye()?.start().checked_since(self.acknowledged()?)
    }

    /// Whether a transaction inside this dialog was begun by the side that sent the INVITE.
    pub fn is_by_caller(&self, request: &Transaction) -> bool {
        request.from.tag.as_deref() == Some(self.caller_tag)
    }
}

impl Call {
    /// The confirmed dialogs in the order of their answers, then those of which only later requests are seen.
    pub fn dialogs(&self) -> Vec<Dialog<'_>> {
        let mut dialogs: Vec<Dialog<'_>> = Vec::new();
        let mut invites: SmallVec<[&Transaction; 8]> = self.initial_invites().collect();
        invites.sort_by_key(|invite| (invite.via_count, invite.id));
        for invite in invites {
            let Some(caller) = invite.from.tag.as_deref() else {
                continue;
            };
            for answer in invite.responses.iter().filter(|it| it.is_success()) {
                let Some(remote) = answer.to_tag.as_deref() else {
                    continue;
                };
                let room = dialogs.len() < MAX_CALL_DIALOGS;
                let known = dialogs
                    .iter_mut()
                    .find(|it| it.caller_tag == caller && it.callee_tag == remote);
                match known {
                    Some(dialog) if dialog.invites.iter().any(|it| it.id == invite.id) => {}
                    Some(dialog) => dialog.invites.push(invite),
                    None if !room => {}
                    None => dialogs.push(Dialog {
                        caller_tag: caller,
                        callee_tag: remote,
                        invites: smallvec![invite],
                        requests: SmallVec::new(),
                    }),
                }
            }
        }
        dialogs.sort_by_key(Dialog::answered);
        for request in self.transactions.iter().filter(|it| it.in_dialog()) {
            let (Some(sender), Some(target)) =
                (request.from.tag.as_deref(), request.to.tag.as_deref())
            else {
                continue;
            };
            let room = dialogs.len() < MAX_CALL_DIALOGS;
            let known = dialogs.iter_mut().find(|it| {
                (it.caller_tag == sender && it.callee_tag == target)
                    || (it.caller_tag == target && it.callee_tag == sender)
            });
            match known {
                Some(dialog) => dialog.requests.push(request),
                None if !room => {}
                None => dialogs.push(Dialog {
                    caller_tag: sender,
                    callee_tag: target,
                    invites: SmallVec::new(),
                    requests: smallvec![request],
                }),
            }
        }
        dialogs
    }
}
