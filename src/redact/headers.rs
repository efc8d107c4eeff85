//! Header fields: which of them say who, and which only how. What is not in the list is taken for a secret.

use super::Walk;
use super::pieces::{inside, is_one_of, part, position, split, split_outside, trimmed};
use crate::hash::HashMap;
use std::sync::LazyLock;

/// What the value of a header field is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Numbers and words of a protocol.
    Plain,
    /// A text for people.
    Text,
    /// Names with URIs, and their parameters.
    Addresses,
    Via,
    Credentials,
    /// A Call-ID, and parameters.
    CallIds,
    Warning,
    Identity,
    ContentType,
    /// Something else.
    Unknown,
}

/// Names in lower case, the compact ones too.
const KINDS: &[(Kind, &[&str])] = &[
    (
        Kind::Plain,
        &[
            "cseq",
            "max-forwards",
            "content-length",
            "l",
            "content-encoding",
            "e",
            "content-disposition",
            "content-language",
            "allow",
            "supported",
            "k",
            "require",
            "proxy-require",
            "unsupported",
            "expires",
            "min-expires",
            "session-expires",
            "x",
            "min-se",
            "rseq",
            "rack",
            "event",
            "o",
            "allow-events",
            "u",
            "subscription-state",
            "date",
            "timestamp",
            "accept",
            "accept-encoding",
            "accept-language",
            "request-disposition",
            "d",
            "mime-version",
            "privacy",
            "priority",
            "p-early-media",
            "answer-mode",
            "priv-answer-mode",
            "recv-info",
            "info-package",
            "sip-etag-expires",
            "flow-timer",
            "refer-sub",
            "x-asterisk-hangupcausecode",
            "p-answer-state",
            "suppress-if-match-expires",
            "max-breadth",
            "feature-caps",
            "p-dcs-redirect-count",
            "resource-priority",
            "accept-resource-priority",
            "session",
            "p-preferred-service",
            "p-asserted-service",
            "attestation-info",
        ],
    ),
    (
        Kind::Text,
        &[
            "user-agent",
            "server",
            "reason",
            "retry-after",
            "x-asterisk-hangupcause",
            "error-info-text",
            "x-fs-support",
        ],
    ),
    (
        Kind::Addresses,
        &[
            "from",
            "f",
            "to",
            "t",
            "contact",
            "m",
            "route",
            "record-route",
            "refer-to",
            "r",
            "referred-by",
            "b",
            "reply-to",
            "path",
            "service-route",
            "p-asserted-identity",
            "p-preferred-identity",
            "p-associated-uri",
            "p-called-party-id",
            "diversion",
            "history-info",
            "remote-party-id",
            "call-info",
            "error-info",
            "alert-info",
            "geolocation",
            "p-profile-key",
            "p-served-user",
            "p-user-database",
            "p-refused-uri-list",
            "identity-info",
            "n",
            "hi-targeted-to-uri",
            "permission-missing",
            "trigger-consent",
            "accept-contact",
            "a",
            "reject-contact",
            "j",
            "p-charging-function-addresses",
        ],
    ),
    (Kind::Via, &["via", "v"]),
    (
        Kind::Credentials,
        &[
            "www-authenticate",
            "proxy-authenticate",
            "authorization",
            "proxy-authorization",
            "authentication-info",
            "proxy-authentication-info",
        ],
    ),
    (
        Kind::CallIds,
        &[
            "call-id",
            "i",
            "replaces",
            "target-dialog",
            "join",
            "in-reply-to",
            "session-id",
            "same-session",
        ],
    ),
    (Kind::Warning, &["warning"]),
    (Kind::Identity, &["identity", "y"]),
    (Kind::ContentType, &["content-type", "c"]),
];

impl Kind {
    /// The kind of a field, by its name.
    pub(super) fn of(name: &[u8]) -> Self {
        static BY_NAME: LazyLock<HashMap<&[u8], Kind>> = LazyLock::new(|| {
            let all = KINDS
                .iter()
                .flat_map(|(kind, names)| names.iter().map(|it| (it.as_bytes(), *kind)));
            all.collect()
        });
        let lower = name.trim_ascii().to_ascii_lowercase();
        match BY_NAME.get(&*lower) {
            Some(kind) => *kind,
            None if ["call-id", "callid", "cid", "uuid", "-id"]
                .iter()
                .any(|it| lower.ends_with(it.as_bytes())) =>
            {
                Self::CallIds
            }
            None => Self::Unknown,
        }
    }
}

impl Walk<'_> {
    /// The value of a header field, folded or not.
    pub(super) fn value(&mut self, kind: Kind, value: &mut [u8]) {
        match kind {
            Kind::Plain => {
                for range in split_outside(value, b",") {
                    let item = part(value, range);
                    let end = position(item, b";");
                    let (word, params) = item.split_at_mut(end);
                    self.plain(word);
                    self.params(params);
                }
            }
            Kind::Text => self.text(value),
            Kind::Addresses => {
                for range in split_outside(value, b",") {
                    self.name_and_address(part(value, range));
                }
            }
            Kind::Via => {
                for range in split_outside(value, b",") {
                    self.via(part(value, range));
                }
            }
            Kind::Credentials => self.credentials(value),
            Kind::CallIds => {
                for range in split_outside(value, b",") {
                    let item = part(value, range);
                    let end = position(item, b";");
                    let (call_id, params) = item.split_at_mut(end);
                    let call_id = trimmed(call_id);
                    if is_one_of(call_id, &[b"none"]) {
                        continue;
                    }
                    for range in split(call_id, |byte| byte.is_ascii_whitespace() || byte == b'"') {
                        self.call_id(part(call_id, range));
                    }
                    self.params(params);
                }
            }
            Kind::Warning => {
                for range in split_outside(value, b",") {
                    self.warning(part(value, range));
                }
            }
            Kind::Identity => self.identity(value),
            Kind::ContentType => {
                let end = position(value, b";");
                let (kind, params) = value.split_at_mut(end);
                self.plain(kind);
                self.params(params);
            }
            Kind::Unknown => self.unknown(value),
        }
    }

    /// Words of a protocol stay, unless there is something among them that is none.
    fn plain(&mut self, value: &mut [u8]) {
        let is_odd = |word: &[u8]| {
            word.contains(&b'@')
                || word.contains(&b':') && crate::address::literal_with_port(word).is_some()
                || crate::address::literal_with_port(word).is_some()
        };
        let words = split(value, |byte| {
            byte.is_ascii_whitespace() || matches!(byte, b',' | b';' | b'=' | b'"')
        });
        if !value.is_ascii()
            || words
                .into_iter()
                .any(|range| value.get(range).is_some_and(is_odd))
        {
            self.words(value);
        }
    }

    /// `"Alice" <sip:alice@example.com>;tag=1`, or the URI without brackets, with its parameters those of the field.
    fn name_and_address(&mut self, item: &mut [u8]) {
        if item.trim_ascii() == b"*" {
            return;
        }
        // A quotation mark that nothing closes hides the address from nobody.
        let open = outside_quotes(item, b'<').or_else(|| item.iter().position(|it| *it == b'<'));
        let Some(open) = open else {
            let item = trimmed(item);
            if item.first() == Some(&b'"') {
                // A name without an address.
                self.display(item);
                return;
            }
            let end = position(item, b";");
            let (uri, params) = item.split_at_mut(end);
            self.uri(uri);
            self.params(params);
            return;
        };
        let (name, rest) = item.split_at_mut(open);
        self.display(name);
        let close = rest.iter().position(|it| *it == b'>').unwrap_or(rest.len());
        let (uri, params) = rest.split_at_mut(close);
        self.uri(part(uri, 1..close));
        let behind = params.len();
        self.params(part(params, 1..behind));
    }

    /// The name that is shown of somebody.
    fn display(&mut self, name: &mut [u8]) {
        let divides = |byte: u8| {
            byte.is_ascii()
                && !byte.is_ascii_alphanumeric()
                && !matches!(byte, b'+' | b'.' | b'-' | b'_' | b'@' | b':')
        };
        for range in split(name, divides) {
            let word = part(name, range);
            let is_uri = word.get(..4).is_some_and(|it| {
                it.eq_ignore_ascii_case(b"sip:") || it.eq_ignore_ascii_case(b"tel:")
            });
            if is_uri {
                self.uri(word);
            } else {
                self.user(word);
            }
        }
    }

    /// `SIP/2.0/UDP host:port;branch=…`.
    fn via(&mut self, via: &mut [u8]) {
        let end = position(via, b";");
        let (head, params) = via.split_at_mut(end);
        // Protocol, version and transport, with white space between them or not (RFC 3261 §25.1).
        let slash = head
            .iter()
            .enumerate()
            .filter(|(_, it)| **it == b'/')
            .map(|(at, _)| at)
            .nth(1);
        match slash {
            Some(slash) => {
                let is_blank = |it: &u8| it.is_ascii_whitespace();
                let rest = head.get(slash + 1..).unwrap_or_default();
                let blank = rest.iter().take_while(|it| is_blank(it)).count();
                let transport = rest
                    .iter()
                    .skip(blank)
                    .take_while(|it| !is_blank(it))
                    .count();
                let from = slash + 1 + blank + transport;
                if transport > 8 {
                    self.words(part(head, slash + 1..end));
                } else {
                    self.host_and_port(trimmed(part(head, from..end)));
                }
            }
            None => self.words(head),
        }
        self.params(params);
    }

    fn credentials(&mut self, value: &mut [u8]) {
        let scheme = value
            .trim_ascii_start()
            .split(u8::is_ascii_whitespace)
            .next()
            .unwrap_or_default();
        let is_digest = scheme.eq_ignore_ascii_case(b"digest") || scheme.contains(&b'=');
        if !is_digest {
            // Of other schemes all is secret (RFC 7617, RFC 8898).
            let from = value
                .iter()
                .position(|it| !it.is_ascii_whitespace())
                .unwrap_or(0)
                + scheme.len();
            let end = value.len();
            self.words(part(value, from..end));
            return;
        }
        for range in split_outside(value, b",") {
            let item = trimmed(part(value, range));
            let equal = position(item, b"=");
            let blank = item
                .get(..equal)
                .and_then(|it| it.iter().rposition(u8::is_ascii_whitespace));
            let from = match blank {
                Some(blank)
                    if item
                        .get(..equal)
                        .is_some_and(|it| it.trim_ascii_end().len() > blank) =>
                {
                    blank + 1
                }
                _ => 0,
            };
            let end = item.len();
            self.credential(part(item, from..end));
        }
    }

    fn credential(&mut self, param: &mut [u8]) {
        let equal = position(param, b"=");
        let (name, value) = param.split_at_mut(equal);
        let name = name.trim_ascii().to_ascii_lowercase();
        let behind = value.len();
        let value = trimmed(part(value, 1..behind));
        match &*name {
            b"username" => self.user(inside(value)),
            b"realm" => self.host(inside(value)),
            b"uri" => self.uri(inside(value)),
            b"domain" => self.words(inside(value)),
            _ => self.param(param),
        }
    }

    /// `399 host "text"`.
    fn warning(&mut self, item: &mut [u8]) {
        let quote = position(item, b"\"");
        let (head, text) = item.split_at_mut(quote);
        let words = split(head, |byte| byte.is_ascii_whitespace());
        for range in words.into_iter().skip(1) {
            self.host_and_port(part(head, range));
        }
        self.text(text);
    }

    fn unknown(&mut self, value: &mut [u8]) {
        for range in split_outside(value, b",;") {
            let item = part(value, range);
            if outside_quotes(item, b'<').is_some() {
                self.name_and_address(item);
                continue;
            }
            let equal = position(item, b"=");
            let name = item.get(..equal).unwrap_or_default().trim_ascii();
            let is_name = !name.is_empty()
                && name.len() <= 32
                && name
                    .iter()
                    .all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.'));
            if equal < item.len() && is_name {
                self.unknown_param(item);
            } else {
                self.words(item);
            }
        }
    }
}

/// Where a byte is outside of quotation marks.
fn outside_quotes(text: &[u8], wanted: u8) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if *byte == wanted && !quoted => return Some(at),
            _ => {}
        }
    }
    None
}
