//! Offers and answers of a call, on each hop and in each dialog (RFC 3264, RFC 6337): INVITE with 2xx, or 2xx with ACK, the
//! same with reliable provisional responses and PRACK, and UPDATE. What was not captured, or cannot be read, is open: only
//! what the messages show is called missing.

use super::Call;
use crate::flow::Flow;
use crate::limits::MAX_CALL_DESCRIPTIONS;
use crate::sip::sdp::{Content, Sdp};
use crate::sip::{HeaderName, Message, Method};
use crate::time::Timestamp;
use crate::transaction::{Ack, Response, Sighting, Transaction};
use std::net::SocketAddr;
use std::rc::Rc;

/// A session description with the message that carried it.
#[derive(Debug)]
pub struct Description<'a> {
    /// What it says; of descriptions that are the same, byte by byte, it is read once.
    pub sdp: Rc<Sdp<'a>>,
    /// Who carried it to whom on this hop.
    pub flow: Flow,
    /// When the message was first seen.
    pub seen: Sighting,
    /// The tag of the side that wrote it; empty where it has none.
    pub writer: &'a [u8],
    /// The message.
    pub message: &'a Message,
    /// The transaction.
    pub transaction: &'a Transaction,
}

impl Description<'_> {
    /// The body, from which the description was read.
    pub fn body(&self) -> &[u8] {
        self.message.body()
    }

    /// Whether both were carried between the same two hosts, whichever way.
    pub fn is_on_hop_of(&self, other: &Self) -> bool {
        let ends = |it: &Self| {
            let (one, two) = (it.flow.src.ip(), it.flow.dst.ip());
            (one.min(two), one.max(two))
        };
        ends(self) == ends(other)
    }
}

/// What became of an offer.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// It was answered in a message that is delivered reliably.
    Answered(Rc<Description<'a>>),
    /// Only a provisional response without RSeq has a description, which is no answer but announces one (RFC 3261 §13.2.1).
    Announced {
        /// That description.
        by: Rc<Description<'a>>,
        /// Whether the 2xx came, and without one.
        then_missing: bool,
    },
    /// The request with the offer was refused.
    Refused(&'a Response),
    /// The message that had to bring the answer came without one.
    Missing {
        /// Who sent that message to whom.
        flow: Flow,
        /// When.
        seen: Sighting,
    },
    /// The capture does not show it.
    Open,
}

/// An offer with what became of it, on one hop and in one dialog.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// The transaction that carried the offer, in its request or in a response.
    pub transaction: &'a Transaction,
    /// The tag of the side to which the request went, as the outcome has it.
    pub to_tag: &'a [u8],
    /// The offer.
    pub offer: Rc<Description<'a>>,
    /// What became of it.
    pub outcome: Outcome<'a>,
}

impl Outcome<'_> {
    /// Who sent, on this hop, what it rests on; `None` when the capture does not show that.
    pub fn sender(&self) -> Option<SocketAddr> {
        Some(match self {
            Self::Answered(by) | Self::Announced { by, .. } => by.flow.src,
            Self::Refused(response) => response.flow.src,
            Self::Missing { flow, .. } => flow.src,
            Self::Open => return None,
        })
    }
}

impl<'a> Exchange<'a> {
    /// The answer; `None` when there is none that binds.
    pub fn answer(&self) -> Option<&Description<'a>> {
        match &self.outcome {
            Outcome::Answered(answer) => Some(answer),
            _ => None,
        }
    }

    /// The first offer that is made in a dialog.
    pub fn is_initial(&self) -> bool {
        self.transaction.method == Method::Invite && !self.transaction.in_dialog()
    }

    /// Whether the offer is in a response, so that the side that sent the request has to answer (RFC 3261 §13.2.1).
    pub fn is_late(&self) -> bool {
        self.offer.message.status().is_some()
    }

    /// When the offer was made.
    pub fn time(&self) -> Timestamp {
        self.offer.seen.time
    }

    /// Whether both belong to one dialog, on the same hop.
    pub fn is_in_dialog_of(&self, other: &Self) -> bool {
        let tags = |it: &Self| {
            let from = it.transaction.from.tag.as_deref().unwrap_or_default();
            let to = it.to_tag;
            if from < to { (from, to) } else { (to, from) }
        };
        self.offer.is_on_hop_of(&other.offer) && tags(self) == tags(other)
    }
}

/// Descriptions among which one in the same words is looked for.
const LAST: usize = 4;

/// All offers and answers of a call.
#[derive(Debug, Default)]
pub struct Negotiation<'a> {
    descriptions: Vec<Rc<Description<'a>>>,
    exchanges: Vec<Exchange<'a>>,
}

impl<'a> Negotiation<'a> {
    /// Reads those of a call.
    pub fn of(call: &'a Call) -> Self {
        let mut it = Self::default();
        for transaction in &call.transactions {
            match transaction.method {
                Method::Invite => it.invite(call, transaction),
                Method::Update => it.update(transaction),
                _ => {}
            }
        }
        it.descriptions
            .sort_by_key(|found| (found.seen.time, found.seen.frame));
        it.exchanges
            .sort_by_key(|found| (found.offer.seen.time, found.offer.seen.frame));
        it
    }

    /// All descriptions in requests, provisional and successful responses, in the order of capture.
    pub fn descriptions(&self) -> impl Iterator<Item = &Description<'a>> {
        self.descriptions.iter().map(|it| &**it)
    }

    /// The offers in the order of capture.
    pub fn exchanges(&self) -> &[Exchange<'a>] {
        &self.exchanges
    }

    fn read(
        &mut self,
        transaction: &'a Transaction,
        message: Option<&'a Message>,
        flow: Flow,
        seen: Option<Sighting>,
        writer: Option<&'a [u8]>,
    ) -> Found<'a> {
        let (Some(message), Some(seen)) = (message, seen) else {
            return Found::Unknown;
        };
        if self.descriptions.len() >= MAX_CALL_DESCRIPTIONS {
            return Found::Unknown;
        }
        let sdp = match self.known(message) {
            Some(sdp) => sdp,
            None => match Content::of(message) {
                Content::Nothing => return Found::Nothing(flow, seen),
                Content::Unreadable => return Found::Unknown,
                Content::Description(sdp) => Rc::new(sdp),
            },
        };
        let found = Rc::new(Description {
            sdp,
            flow,
            seen,
            writer: writer.unwrap_or_default(),
            message,
            transaction,
        });
        self.descriptions.push(Rc::clone(&found));
        Found::Description(found)
    }

    /// What a message says when one of the last did in the same words: a request that is challenged, goes through a proxy or
    /// rings before it is answered says the same again.
    fn known(&self, message: &Message) -> Option<Rc<Sdp<'a>>> {
        let body = message.body();
        if body.is_empty() || message.is_cut() || !Content::is_measured(message) {
            return None;
        }
        let is_same = |it: &&Rc<Description<'a>>| {
            let same = |header| it.message.header(header) == message.header(header);
            it.body() == body && same(HeaderName::ContentType) && same(HeaderName::ContentEncoding)
        };
        let mut last = self.descriptions.iter().rev().take(LAST);
        last.find(is_same).map(|it| Rc::clone(&it.sdp))
    }

    fn request(&mut self, of: &'a Transaction) -> Found<'a> {
        let tag = of.from.tag.as_deref();
        self.read(of, of.request(), of.flow, of.requests.first(), tag)
    }

    fn response(&mut self, of: &'a Transaction, response: &'a Response) -> Found<'a> {
        let (seen, tag) = (response.sends.first(), response.to_tag.as_deref());
        self.read(of, response.message(), response.flow, seen, tag)
    }

    fn ack(&mut self, of: &'a Transaction, ack: &'a Ack) -> Found<'a> {
        let (seen, tag) = (ack.sends.first(), of.from.tag.as_deref());
        self.read(of, ack.message(), ack.flow, seen, tag)
    }

    /// RFC 3311 §5.1: the offer is in the UPDATE, the answer in its 2xx.
    fn update(&mut self, update: &'a Transaction) {
        let Found::Description(offer) = self.request(update) else {
            return;
        };
        let outcome = match update.final_response() {
            None => Outcome::Open,
            Some(response) if !response.is_success() => Outcome::Refused(response),
            Some(response) => self.response(update, response).into_outcome(),
        };
        self.exchanges.push(Exchange {
            transaction: update,
            to_tag: update.to.tag.as_deref().unwrap_or_default(),
            offer,
            outcome,
        });
    }

    fn invite(&mut self, call: &'a Call, invite: &'a Transaction) {
        let request = self.request(invite);
        let mut forks: Vec<Fork<'a>> = Vec::new();
        for response in &invite.responses {
            if !(101..300).contains(&response.code) {
                continue;
            }
            let content = self.response(invite, response);
            let tag = response.to_tag.as_deref().unwrap_or_default();
            match forks.iter_mut().find(|it| it.tag == tag) {
                Some(fork) => fork.responses.push((response, content)),
                None => forks.push(Fork {
                    tag,
                    responses: vec![(response, content)],
                }),
            }
        }
        match request {
            Found::Unknown => {}
            Found::Description(offer) => self.early_offer(invite, &offer, &forks),
            Found::Nothing(..) => self.late_offers(call, invite, &forks),
        }
    }

    /// The offer is in the INVITE.
    fn early_offer(
        &mut self,
        invite: &'a Transaction,
        offer: &Rc<Description<'a>>,
        forks: &[Fork<'a>],
    ) {
        let mut add = |to_tag, outcome| {
            self.exchanges.push(Exchange {
                transaction: invite,
                to_tag,
                offer: Rc::clone(offer),
                outcome,
            });
        };
        for fork in forks {
            let elsewhere = forks
                .iter()
                .any(|other| other.tag != fork.tag && !other.says_nothing());
            add(fork.tag, fork.outcome(elsewhere));
        }
        let last = invite.final_response();
        if let Some(response) = last.filter(|it| !it.is_success()) {
            let tag = response.to_tag.as_deref().unwrap_or_default();
            add(tag, Outcome::Refused(response));
        } else if forks.is_empty() {
            add(&[], Outcome::Open);
        }
    }

    /// The INVITE has none: the first reliable response makes the offer, and PRACK or ACK bring the answer.
    fn late_offers(&mut self, call: &'a Call, invite: &'a Transaction, forks: &[Fork<'a>]) {
        for fork in forks {
            let Some((response, content)) = fork.first_reliable() else {
                continue;
            };
            let Found::Description(offer) = content else {
                continue;
            };
            let outcome = if response.is_success() {
                self.answer_in_ack(invite, fork.tag)
            } else {
                self.answer_in_prack(call, invite, response)
            };
            self.exchanges.push(Exchange {
                transaction: invite,
                to_tag: fork.tag,
                offer: Rc::clone(offer),
                outcome,
            });
        }
    }

    fn answer_in_ack(&mut self, invite: &'a Transaction, tag: &[u8]) -> Outcome<'a> {
        let mut outcome = Outcome::Open;
        for ack in &invite.acks {
            if ack.to_tag.as_deref() != Some(tag) || ack.flow.src.ip() != invite.flow.src.ip() {
                continue;
            }
            match self.ack(invite, ack) {
                Found::Description(answer) => return Outcome::Answered(answer),
                Found::Unknown => return Outcome::Open,
                Found::Nothing(flow, seen) => {
                    if matches!(outcome, Outcome::Open) {
                        outcome = Outcome::Missing { flow, seen };
                    }
                }
            }
        }
        outcome
    }

    /// RFC 3262 §5. The PRACK names the response that it acknowledges.
    fn answer_in_prack(
        &mut self,
        call: &'a Call,
        invite: &'a Transaction,
        response: &'a Response,
    ) -> Outcome<'a> {
        let Some(rseq) = response.rseq else {
            return Outcome::Open;
        };
        let acknowledges = |prack: &&Transaction| {
            prack.to.tag == response.to_tag
                && prack.flow.src.ip() == invite.flow.src.ip()
                && prack.flow.dst.ip() == invite.flow.dst.ip()
                && prack.request().and_then(acknowledged) == Some((rseq, invite.cseq))
        };
        let prack = call.of(&Method::Prack).find(acknowledges);
        prack.map_or(Outcome::Open, |prack| self.request(prack).into_outcome())
    }
}

/// RFC 3262 §7.2: the RSeq and the CSeq number of the response that a PRACK acknowledges.
fn acknowledged(prack: &Message) -> Option<(u64, u64)> {
    let rack = prack.header(HeaderName::RAck)?;
    let mut numbers = std::str::from_utf8(&rack)
        .ok()?
        .split_ascii_whitespace()
        .map_while(|it| it.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// What one message has.
#[derive(Debug)]
enum Found<'a> {
    Nothing(Flow, Sighting),
    Description(Rc<Description<'a>>),
    Unknown,
}

impl<'a> Found<'a> {
    /// As the answer that this message had to bring.
    fn into_outcome(self) -> Outcome<'a> {
        match self {
            Self::Nothing(flow, seen) => Outcome::Missing { flow, seen },
            Self::Description(answer) => Outcome::Answered(answer),
            Self::Unknown => Outcome::Open,
        }
    }
}

/// The responses of one UAS to an INVITE, 100 and refusals apart.
#[derive(Debug)]
struct Fork<'a> {
    tag: &'a [u8],
    responses: Vec<(&'a Response, Found<'a>)>,
}

impl<'a> Fork<'a> {
    /// The first response that is delivered reliably and does not lack a description for sure.
    fn first_reliable(&self) -> Option<&(&'a Response, Found<'a>)> {
        self.responses.iter().find(|(response, content)| {
            (response.is_success() || response.rseq.is_some())
                && !matches!(content, Found::Nothing(..))
        })
    }

    fn says_nothing(&self) -> bool {
        let mut all = self.responses.iter();
        all.all(|(_, content)| matches!(content, Found::Nothing(..)))
    }

    /// What became of an offer in the INVITE. A description that another fork sent may be the answer as well where somebody
    /// changes tags on the way.
    fn outcome(&self, elsewhere: bool) -> Outcome<'a> {
        match self.first_reliable() {
            Some((_, Found::Description(answer))) => {
                return Outcome::Answered(Rc::clone(answer));
            }
            Some(_) => return Outcome::Open,
            None => {}
        }
        let succeeded = self
            .responses
            .iter()
            .find_map(|(it, content)| match content {
                Found::Nothing(flow, seen) if it.is_success() => Some((*flow, *seen)),
                _ => None,
            });
        let mut unknown = false;
        for (_, content) in &self.responses {
            match content {
                Found::Description(by) => {
                    return Outcome::Announced {
                        by: Rc::clone(by),
                        then_missing: succeeded.is_some(),
                    };
                }
                Found::Unknown => unknown = true,
                Found::Nothing(..) => {}
            }
        }
        match succeeded {
            Some((flow, seen)) if !unknown && !elsewhere => Outcome::Missing { flow, seen },
            _ => Outcome::Open,
        }
    }
}
