//! How long a message to a host and what it brings about there are under way from the capture's point and back (guard
//! G-VANTAGE): what was sent before it could arrive proves nothing.

use super::Call;
use crate::transaction::{Response, Transaction};
use std::net::IpAddr;
use std::time::Duration;

impl Call {
    /// The shortest such time that the call shows; `None` when it shows none. First sends are counted from, as nobody can
    /// tell which of several was answered: it is rather too long than too short.
    pub fn round_trip(&self, host: IpAddr) -> Option<Duration> {
        let answered = self.to(host).filter_map(response_time);
        let reacted = (self.transactions.iter())
            .filter(|it| it.flow.src.ip() == host)
            .flat_map(|it| it.responses.iter().map(move |response| (it, response)))
            .filter_map(|(it, response)| self.reaction(it, response));
        answered.chain(reacted).min()
    }

    /// The same to the far end of a dialog, which is behind a host that answers for itself with 100.
    pub fn round_trip_in_dialog(&self, host: IpAddr) -> Option<Duration> {
        let requests = self.to(host).filter(|it| it.in_dialog());
        let finals = requests.filter(|it| it.final_response().is_some());
        finals.filter_map(response_time).min()
    }

    fn to(&self, host: IpAddr) -> impl Iterator<Item = &Transaction> {
        (self.transactions.iter()).filter(move |it| it.flow.dst.ip() == host)
    }

    /// From a response to what the client could send only when it had it: the ACK, or the credentials.
    fn reaction(&self, to: &Transaction, response: &Response) -> Option<Duration> {
        let from = response.time();
        let acknowledged = (to.acks.iter())
            .filter(|ack| response.is_final() && ack.to_tag == response.to_tag)
            .filter(|ack| ack.flow.src.ip() == to.flow.src.ip())
            .filter_map(|ack| Some(ack.sends.first()?.time));
        let answered = (matches!(response.code, 401 | 407))
            .then(|| self.later_tries(to))
            .into_iter()
            .flatten()
            .filter(|it| !it.credentials.is_empty())
            .map(Transaction::start);
        let next = acknowledged.chain(answered).filter(|it| *it > from).min()?;
        Some(next.since(from))
    }
}

fn response_time(request: &Transaction) -> Option<Duration> {
    let (sent, answered) = (request.requests.first()?, request.responses.first()?);
    (answered.time() > sent.time).then(|| answered.time().since(sent.time))
}
