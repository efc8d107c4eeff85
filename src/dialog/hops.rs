//! Who said what a hop shows: a proxy passes on what an end, or the registrar, made (FINDINGS section 0 `leg`, guard G-HOP).
//! What another hop shows in the same words was made there; where no other hop is seen, the sender is all that is known.

use super::Call;
use super::negotiation::{Exchange, Negotiation, Outcome};
use crate::sip::Message;
use crate::sip::digest::Credentials;
use crate::transaction::{Response, Transaction, TransactionId};
use std::cmp::Reverse;
use std::net::SocketAddr;

impl Call {
    /// The same request on other hops, and on other branches where it was forked.
    pub fn hops<'a>(&'a self, of: &'a Transaction) -> impl Iterator<Item = &'a Transaction> {
        self.of(&of.method)
            .filter(move |other| other.id != of.id && is_same_request(other, of))
    }

    /// Where a response comes from: of the hops behind this one that show the same the last, with the response there. `None`
    /// where none does: whoever sent it made it.
    pub fn behind<'a>(
        &'a self,
        hop: &'a Transaction,
        response: &'a Response,
    ) -> Option<(&'a Transaction, &'a Response)> {
        self.hops(hop)
            .filter(|other| hop.via_count > 0 && other.via_count > hop.via_count)
            // What a proxy changed in the request, the answer to it is not about.
            .filter(|other| match response.code {
                ..300 => body_of(other) == body_of(hop),
                401 | 407 => has_credentials_of(other, hop, response),
                _ => true,
            })
            .filter_map(|other| {
                let same = other.responses.iter().find(|it| is_same(it, response))?;
                Some((other, same))
            })
            .max_by_key(|(other, made)| {
                let of_one = made.to_tag == response.to_tag;
                (of_one, other.via_count, Reverse(other.id))
            })
    }

    /// Who made the final response to a request: the host behind the last proxy that is seen to pass it on, or the one to which
    /// the request went.
    pub fn answered_by(&self, request: &Transaction) -> SocketAddr {
        request
            .final_response()
            .and_then(|response| self.behind(request, response))
            .map_or(request.flow.dst, |(_, made)| made.flow.src)
    }

    /// Where a request goes: to whom it was sent on the last hop that is seen.
    pub fn destination(&self, request: &Transaction) -> SocketAddr {
        self.hops(request)
            .filter(|other| request.via_count > 0 && other.via_count > request.via_count)
            .max_by_key(|other| (other.via_count, Reverse(other.id)))
            .unwrap_or(request)
            .flow
            .dst
    }
}

impl<'a> Negotiation<'a> {
    /// Who made an offer.
    pub fn offerer(&self, exchange: &Exchange<'a>) -> SocketAddr {
        self.hops(exchange)
            .filter(|it| it.to_tag == exchange.to_tag && it.offer.body() == exchange.offer.body())
            .max_by_key(|it| depth(it, exchange.is_late()))
            .unwrap_or(exchange)
            .offer
            .flow
            .src
    }

    /// Who answered it, refused it, or sent the message without an answer; `None` when the capture does not show that.
    pub fn answerer(&self, exchange: &Exchange<'a>) -> Option<SocketAddr> {
        self.hops(exchange)
            .filter(|it| is_same_outcome(it, exchange))
            .max_by_key(|it| (it.to_tag == exchange.to_tag, depth(it, !exchange.is_late())))
            .unwrap_or(exchange)
            .outcome
            .sender()
    }

    /// The exchanges of one request on all hops, this one included.
    fn hops<'s>(&'s self, of: &'s Exchange<'a>) -> impl Iterator<Item = &'s Exchange<'a>> {
        self.exchanges().iter().filter(move |it| {
            it.is_late() == of.is_late() && is_same_request(it.transaction, of.transaction)
        })
    }
}

/// How near a hop is to the server, or to the client, of the request; of equals the first.
fn depth(exchange: &Exchange<'_>, to_server: bool) -> (isize, Reverse<TransactionId>) {
    let hop = exchange.transaction;
    let vias = isize::try_from(hop.via_count).unwrap_or(isize::MAX);
    (if to_server { vias } else { -vias }, Reverse(hop.id))
}

fn is_same_request(one: &Transaction, other: &Transaction) -> bool {
    one.cseq == other.cseq
        && one.method == other.method
        && one.from.tag == other.from.tag
        && one.to.tag == other.to.tag
}

/// Whether two hops show one response: the same challenges, the same refusal, in whatever words it is passed on, or what the
/// same UAS said.
fn is_same(one: &Response, other: &Response) -> bool {
    if one.code != other.code || one.challenges.len() != other.challenges.len() {
        return false;
    }
    let mut nonces = one.challenges.iter().map(|it| &it.nonce).peekable();
    if nonces.peek().is_some_and(|it| !it.is_empty()) {
        return nonces.all(|nonce| other.challenges.iter().any(|it| it.nonce == *nonce));
    }
    let bodies = one.message().zip(other.message());
    one.code >= 300
        || (one.to_tag == other.to_tag
            && bodies.is_none_or(|(one, other)| one.body() == other.body()))
}

fn body_of(request: &Transaction) -> Option<&[u8]> {
    request.request().map(Message::body)
}

/// Whether the credentials that a challenge is about went on to another hop: a proxy takes out those that are for itself.
fn has_credentials_of(other: &Transaction, hop: &Transaction, challenge: &Response) -> bool {
    let is_about = |own: &&Credentials| challenge.challenges.iter().any(|it| it.realm == own.realm);
    let mut about = hop.credentials.iter().filter(is_about).peekable();
    about.peek().is_none() || about.any(|own| other.credentials.iter().any(|it| it.is_same(own)))
}

fn is_same_outcome(one: &Exchange<'_>, other: &Exchange<'_>) -> bool {
    let of_one = one.to_tag == other.to_tag;
    match (&one.outcome, &other.outcome) {
        (Outcome::Refused(one), Outcome::Refused(other)) => is_same(one, other),
        // Who was offered something else answered something else.
        (Outcome::Answered(answer), Outcome::Answered(same)) => {
            of_one && answer.body() == same.body() && one.offer.body() == other.offer.body()
        }
        (
            Outcome::Announced { by, then_missing },
            Outcome::Announced {
                by: other,
                then_missing: missing,
            },
        ) => of_one && then_missing == missing && by.body() == other.body(),
        (Outcome::Missing { .. }, Outcome::Missing { .. }) => of_one,
        _ => false,
    }
}
