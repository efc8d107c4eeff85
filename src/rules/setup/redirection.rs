//! Redirections: where a 3xx points to (RFC 3261 §8.1.3.4, §21.3).

use crate::dialog::Call;
use crate::sip::value::{NameAddr, list, user_and_host};
use crate::sip::{HeaderName, Message};
use crate::transaction::{Response, Transaction};

/// Contacts of one 3xx that are looked at: more than anybody tries.
const TARGETS: usize = 16;

/// The final 3xx of an INVITE; 380 describes a service and names no target to try.
pub(super) fn redirection(invite: &Transaction) -> Option<&Response> {
    invite
        .final_response()
        .filter(|it| (300..400).contains(&it.code) && it.code != 380 && !invite.in_dialog())
}

/// The SIP URIs to which a 3xx points; empty when the capture does not show them.
pub(super) fn targets(response: &Response) -> Vec<Box<[u8]>> {
    let Some(message) = response.message().filter(|it| !it.is_cut()) else {
        return Vec::new();
    };
    contacts(message)
}

fn contacts(message: &Message) -> Vec<Box<[u8]>> {
    let mut found: Vec<Box<[u8]>> = Vec::new();
    for value in message.headers(HeaderName::Contact) {
        found.extend(list(&value).map(|item| NameAddr::of(item).uri.into()));
    }
    found.truncate(TARGETS);
    found
}

/// The URIs for people.
pub(super) fn names(targets: &[Box<[u8]>]) -> String {
    let names: Vec<_> = targets.iter().map(|uri| super::text(uri)).collect();
    names.join(", ").chars().take(256).collect()
}

/// Whether an INVITE of the call went to that URI, or another INVITE of any side followed the redirection.
pub(super) fn is_followed(call: &Call, invite: &Transaction, response: &Response) -> bool {
    call.initial_invites()
        .any(|other| other.id != invite.id && other.start() >= response.time())
}

/// Whether two URIs lead to the same place: user, host with the default port, and parameters.
pub(super) fn is_same_destination(one: &[u8], other: &[u8]) -> bool {
    let (one_user, one_host, one_rest) = destination(one);
    let (other_user, other_host, other_rest) = destination(other);
    one_user == other_user
        && one_host.eq_ignore_ascii_case(other_host)
        && one_rest.eq_ignore_ascii_case(other_rest)
}

/// User, host without the default port, and what follows it.
fn destination(uri: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (user, host) = user_and_host(uri);
    let rest = uri
        .iter()
        .rposition(|&byte| byte == b'@')
        .or_else(|| uri.iter().position(|&byte| byte == b':'))
        .and_then(|at| uri.get(at + 1 + host.len()..))
        .unwrap_or_default();
    (user, host.strip_suffix(b":5060").unwrap_or(host), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_port_and_the_case_of_the_host_mean_nothing() {
        let same = |one: &[u8], other: &[u8]| is_same_destination(one, other);
        assert!(same(b"sip:bob@Example.com:5060", b"sip:bob@example.com"));
        assert!(same(b"sip:example.com;lr", b"sip:EXAMPLE.com:5060;LR"));
        assert!(!same(b"sip:bob@example.com", b"sip:carol@example.com"));
        assert!(!same(
            b"sip:bob@example.com",
            b"sip:bob@example.com;transport=tcp"
        ));
    }
}
