//! Addresses-of-record: whom a URI stands for, whatever else it says.

use super::user_and_host;
use crate::sip::find;
use smallvec::SmallVec;

/// Bytes to compare and not to keep; those of nearly all URIs need no memory of their own.
pub type Brief = SmallVec<[u8; 64]>;

/// The address-of-record a URI stands for: scheme, user and host without port, password, parameters and headers, the
/// host in lower case (RFC 3261 §10.3 step 5). Text for people and keys; bytes that are not UTF-8 become U+FFFD.
pub fn address_of_record(uri: &[u8]) -> String {
    let (scheme, user, host) = parts_of_record(uri);
    let plain = plain_record(scheme, user, host);
    if let Some(text) = plain.as_deref().and_then(|it| std::str::from_utf8(it).ok()) {
        return text.to_owned();
    }
    let mut text = String::with_capacity(uri.len());
    push_lower(&mut text, scheme);
    if !user.is_empty() {
        text.push_str(&String::from_utf8_lossy(user));
        text.push('@');
    }
    push_lower(&mut text, host);
    text
}

/// The same to compare and not to show.
pub fn brief_record(uri: &[u8]) -> Brief {
    let (scheme, user, host) = parts_of_record(uri);
    plain_record(scheme, user, host).unwrap_or_else(|| address_of_record(uri).into_bytes().into())
}

/// The scheme with its colon, the user without a password and the host without a port, as written.
fn parts_of_record(uri: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let scheme_len = find::byte(b':', uri).map_or(0, |colon| colon + 1);
    let scheme = uri.get(..scheme_len).unwrap_or_default();
    let (user, host) = user_and_host(uri);
    let user_len = find::byte(b':', user).unwrap_or(user.len());
    let user = user.get(..user_len).unwrap_or_default();
    let host_end = match host {
        [b'[', ..] => find::byte(b']', host).map_or(host.len(), |at| at + 1),
        _ => find::byte(b':', host).unwrap_or(host.len()),
    };
    (scheme, user, host.get(..host_end).unwrap_or_default())
}

/// An address-of-record of which scheme and host are ASCII; `None` for any other.
fn plain_record(scheme: &[u8], user: &[u8], host: &[u8]) -> Option<Brief> {
    if !scheme.is_ascii() || !host.is_ascii() {
        return None;
    }
    let mut text = Brief::with_capacity(scheme.len() + user.len() + 1 + host.len());
    text.extend_from_slice(scheme);
    text.make_ascii_lowercase();
    if !user.is_empty() {
        text.extend_from_slice(user);
        text.push(b'@');
    }
    let start = text.len();
    text.extend_from_slice(host);
    text.get_mut(start..)?.make_ascii_lowercase();
    Some(text)
}

fn push_lower(text: &mut String, bytes: &[u8]) {
    let start = text.len();
    let new = String::from_utf8_lossy(bytes);
    if new.is_ascii() {
        text.push_str(&new);
        if let Some(new) = text.get_mut(start..) {
            new.make_ascii_lowercase();
        }
    } else {
        text.push_str(&new.to_lowercase());
    }
}
