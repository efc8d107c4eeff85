//! A request that comes through one host again: a loop, a spiral, or two branches of a fork that meet (RFC 3261 §16.3 item 4,
//! §8.2.2.2).

use crate::dialog::Call;
use crate::sip::value::{Via, list};
use crate::sip::{HeaderName, Method};
use crate::transaction::Transaction;
use std::net::SocketAddr;

/// The arrivals of one request at one address, each with another branch.
pub(super) struct Passes<'a> {
    pub(super) at: SocketAddr,
    /// With fewer Vias first.
    pub(super) arrivals: Vec<&'a Transaction>,
}

/// Transactions that nearly all calls have at most: of so few all pairs are looked at.
const FEW: usize = 8;

/// The requests that came to one address more than once.
pub(super) fn passes(call: &Call) -> Vec<Passes<'_>> {
    let mut found: Vec<Passes<'_>> = Vec::new();
    let requests = call.transactions.iter().filter(|it| {
        it.requests.count() > 0
            && !matches!(it.method, Method::Cancel | Method::Ack | Method::Options)
    });
    // Nearly always each is another one.
    let again = |at: usize, request: &Transaction| {
        let mut before = requests.clone().take(at);
        before.any(|it| it.flow.dst == request.flow.dst && is_same(it, request))
    };
    let few = call.transactions.len() <= FEW;
    if few && !(requests.clone().enumerate()).any(|(at, request)| again(at, request)) {
        return found;
    }
    for request in requests {
        let known = found.iter_mut().find(|it| {
            it.at == request.flow.dst
                && it.arrivals.first().is_some_and(|one| is_same(one, request))
        });
        match known {
            Some(passes) => {
                // The same hop captured at two places.
                if passes.arrivals.iter().all(|it| it.branch != request.branch) {
                    passes.arrivals.push(request);
                }
            }
            None => found.push(Passes {
                at: request.flow.dst,
                arrivals: vec![request],
            }),
        }
    }
    found.retain(|it| it.arrivals.len() > 1);
    for passes in &mut found {
        passes.arrivals.sort_by_key(|it| (it.via_count, it.id));
    }
    found
}

/// Whether two transactions carry the same request: proxies change neither Call-ID, From tag nor CSeq.
fn is_same(one: &Transaction, other: &Transaction) -> bool {
    one.method == other.method
        && one.cseq == other.cseq
        && one.from.tag == other.from.tag
        && one.to.tag == other.to.tag
}

impl<'a> Passes<'a> {
    /// The arrivals that came back: each has the branch of the one before among its Vias.
    pub(super) fn circle(&self) -> Vec<&'a Transaction> {
        let mut circle: Vec<&Transaction> = Vec::new();
        for arrival in &self.arrivals {
            if circle.last().is_none_or(|before| passed(arrival, before)) {
                circle.push(arrival);
            }
        }
        circle
    }
}

/// Whether a request has come through an earlier hop, as its Vias say.
fn passed(request: &Transaction, before: &Transaction) -> bool {
    let Some(branch) = before.branch.as_deref() else {
        return false;
    };
    request.via_count > before.via_count
        && request.request().is_some_and(|message| {
            message.headers(HeaderName::Via).any(|value| {
                list(&value).any(|via| Via::of(via).and_then(|it| it.branch()) == Some(branch))
            })
        })
}

/// Max-Forwards of a request; `None` when the capture does not show it.
pub(super) fn max_forwards(request: &Transaction) -> Option<u64> {
    request.request()?.number(HeaderName::MaxForwards)
}
