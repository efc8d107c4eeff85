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

/// A URI as far as it says where to go: user, host with the default port, and parameters.
pub(super) fn destination(uri: &[u8]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let (user, host) = user_and_host(uri);
    let host_at = uri.len() - behind_host(uri, host);
    let rest = uri.get(host_at..).unwrap_or_default();
    let host = host.strip_suffix(b":5060").unwrap_or(host);
    (
        user.to_vec(),
        host.to_ascii_lowercase(),
        rest.to_ascii_lowercase(),
    )
}

/// How many bytes follow the host.
fn behind_host(uri: &[u8], host: &[u8]) -> usize {
    let user_end = uri.iter().rposition(|&byte| byte == b'@');
    let start = user_end
        .or_else(|| uri.iter().position(|&byte| byte == b':'))
        .map_or(0, |at| at + 1);
    uri.len().saturating_sub(start + host.len())
}
