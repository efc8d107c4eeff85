//! Digest challenges and credentials (RFC 3261 §22, RFC 7616), as far as a diagnosis compares them. Responses are kept as
//! fingerprints only, so that nothing of a secret can be printed.

use super::value::list;
use memchr::memchr;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// One challenge of a WWW-Authenticate or Proxy-Authenticate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// `Digest`, `Bearer`, … as written.
    pub scheme: Box<str>,
    /// The protection domain; empty when it is missing.
    pub realm: Box<str>,
    /// The server's nonce; empty when it is missing.
    pub nonce: Box<str>,
    /// `MD5` where nothing is said (RFC 7616 §3.3).
    pub algorithm: Box<str>,
    /// Whether the server says that only the nonce was too old (RFC 7616 §3.3).
    pub stale: bool,
}

/// The credentials of an Authorization or Proxy-Authorization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// `Digest`, … as written.
    pub scheme: Box<str>,
    /// Who asks; empty when it is missing.
    pub username: Box<str>,
    /// The protection domain.
    pub realm: Box<str>,
    /// The nonce they answer.
    pub nonce: Box<str>,
    /// `MD5` where nothing is said.
    pub algorithm: Box<str>,
    /// A keyed fingerprint of the response: equal for equal responses within one run, and nothing else.
    pub response: u64,
    /// The same of all that goes into the response but method and password (RFC 7616 §3.4.1): with equal inputs, another
    /// response is another password.
    pub inputs: u64,
}

static FINGERPRINT: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What goes into the response beside method and password.
const INPUTS: [&[u8]; 8] = [
    b"username",
    b"realm",
    b"nonce",
    b"uri",
    b"algorithm",
    b"qop",
    b"cnonce",
    b"nc",
];

/// The challenge in one header field; `None` when there is no scheme.
pub fn challenge(value: &[u8]) -> Option<Challenge> {
    let (scheme, params) = scheme(value)?;
    Some(Challenge {
        scheme,
        realm: text(params, b"realm"),
        nonce: text(params, b"nonce"),
        algorithm: algorithm(params),
        stale: text(params, b"stale").eq_ignore_ascii_case("true"),
    })
}

/// The credentials in one header field; `None` when there is no scheme.
pub fn credentials(value: &[u8]) -> Option<Credentials> {
    let (scheme, params) = scheme(value)?;
    Some(Credentials {
        scheme,
        username: text(params, b"username"),
        realm: text(params, b"realm"),
        nonce: text(params, b"nonce"),
        algorithm: algorithm(params),
        response: FINGERPRINT.hash_one(text(params, b"response")),
        inputs: FINGERPRINT.hash_one(INPUTS.map(|name| text(params, name))),
    })
}

fn scheme(value: &[u8]) -> Option<(Box<str>, &[u8])> {
    let value = value.trim_ascii();
    let end = value
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(value.len());
    let (scheme, params) = value.split_at_checked(end)?;
    (!scheme.is_empty()).then(|| (String::from_utf8_lossy(scheme).into(), params))
}

fn algorithm(params: &[u8]) -> Box<str> {
    let algorithm = text(params, b"algorithm");
    if algorithm.is_empty() {
        "MD5".into()
    } else {
        algorithm
    }
}

/// A parameter by name in any case, unquoted; empty when it is not there.
fn text(params: &[u8], name: &[u8]) -> Box<str> {
    list(params)
        .find_map(|item| {
            let equals = memchr(b'=', item)?;
            let (key, value) = (item.get(..equals)?, item.get(equals + 1..)?);
            key.trim_ascii()
                .eq_ignore_ascii_case(name)
                .then(|| unquote(value.trim_ascii()))
        })
        .unwrap_or_default()
}

fn unquote(value: &[u8]) -> Box<str> {
    let Some(inner) = value
        .strip_prefix(b"\"")
        .map(|rest| rest.strip_suffix(b"\"").unwrap_or(rest))
    else {
        return String::from_utf8_lossy(value).into();
    };
    let mut text = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => text.extend(bytes.next()),
            _ => text.push(byte),
        }
    }
    String::from_utf8_lossy(&text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_with_commas_inside_quotes() {
        let it = challenge(br#"Digest realm="a, \"b\"", nonce="n1",qop="auth,auth-int", stale=TRUE, algorithm=SHA-256"#)
            .expect("a challenge");
        assert_eq!(
            (&*it.realm, &*it.nonce, &*it.algorithm, it.stale),
            ("a, \"b\"", "n1", "SHA-256", true)
        );
    }

    #[test]
    fn credentials_keep_only_a_fingerprint_of_the_response() {
        let one =
            credentials(br#"Digest username="u",realm="r",nonce="n",uri="sip:h",response="00ff""#)
                .expect("credentials");
        let two =
            credentials(br#"Digest username="u",realm="r",nonce="n",uri="sip:h",response="00fe""#)
                .expect("credentials");
        assert_eq!(&*one.username, "u");
        assert_eq!(&*one.algorithm, "MD5");
        assert_ne!(one.response, two.response);
        assert_eq!(one.inputs, two.inputs);
        assert!(!format!("{one:?}").contains("00ff"));
    }
}
