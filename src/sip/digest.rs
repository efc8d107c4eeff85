//! Digest challenges and credentials (RFC 3261 §22, RFC 7616), as far as a diagnosis compares them. Responses are kept as
//! fingerprints only, so that nothing of a secret can be printed.

mod passwords;
mod proof;

use crate::hash::fingerprint;
pub use passwords::{PasswordError, Passwords};
pub use proof::Proof;

use super::find;
use super::value::{list, lossy};
use crate::limits::MAX_CHALLENGES;
use smallvec::SmallVec;
use std::borrow::Cow;

/// Which header field a challenge or an answer to one is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// WWW-Authenticate and Authorization: of a UAS or registrar (RFC 3261 §22.2).
    Server,
    /// Proxy-Authenticate and Proxy-Authorization (RFC 3261 §22.3).
    Proxy,
}

/// One challenge of a WWW-Authenticate or Proxy-Authenticate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Of which of the two.
    pub side: Side,
    /// `Digest`, `Bearer`, … as written.
    pub scheme: Box<str>,
    /// The protection domain; empty when it is missing.
    pub realm: Box<str>,
    /// Whether there is a realm, be it an empty one.
    pub has_realm: bool,
    /// The server's nonce; empty when it is missing.
    pub nonce: Box<str>,
    /// `MD5` where nothing is said (RFC 7616 §3.3).
    pub algorithm: Box<str>,
    /// The qualities of protection as listed; empty when there are none.
    pub qop: Box<str>,
    /// Whether the server says that only the nonce was too old (RFC 7616 §3.3).
    pub stale: bool,
}

impl Challenge {
    /// Whether its scheme is Digest, the one that SIP has (RFC 3261 §22.4).
    pub fn is_digest(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("Digest")
    }

    /// Whether a quality of protection is offered.
    pub fn offers_qop(&self, qop: &str) -> bool {
        self.qop
            .split(',')
            .any(|offered| offered.trim().eq_ignore_ascii_case(qop))
    }
}

/// The credentials of an Authorization or Proxy-Authorization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Of which of the two.
    pub side: Side,
    /// `Digest`, … as written.
    pub scheme: Box<str>,
    /// Who asks; empty when it is missing.
    pub username: Box<str>,
    /// The protection domain.
    pub realm: Box<str>,
    /// The nonce they answer.
    pub nonce: Box<str>,
    /// The digest-uri.
    pub uri: Box<str>,
    /// `MD5` where nothing is said.
    pub algorithm: Box<str>,
    /// The quality of protection that was used; empty when it is missing.
    pub qop: Box<str>,
    /// The nonce count as written; empty when it is missing.
    pub nc: Box<str>,
    /// The client's nonce; empty when it is missing.
    pub cnonce: Box<str>,
    /// A keyed fingerprint of the response: equal for equal responses within one run, and nothing else.
    pub response: u64,
    /// The first characters of the response, to compare tries by.
    pub response_start: Box<str>,
    /// The same of all that goes into the response but method and password (RFC 7616 §3.4.1): with equal inputs, another
    /// response is another password.
    pub inputs: u64,
}

impl Credentials {
    /// Whether both are one answer to one challenge, wherever they were seen.
    pub fn is_same(&self, other: &Self) -> bool {
        self.response == other.response && self.nonce == other.nonce
    }
}

/// Characters of a response that may be shown: enough to see that two tries differ, too few to test passwords with.
const RESPONSE_SHOWN: usize = 6;

/// The challenges in one header field. RFC 3261 §7.3.1 allows one in each, senders that came from HTTP write several.
pub fn challenges(value: &[u8], side: Side) -> Vec<Challenge> {
    schemes(value)
        .into_iter()
        .map(|params| Challenge {
            side,
            realm: params.text(b"realm"),
            has_realm: params.get(b"realm").is_some(),
            nonce: params.text(b"nonce"),
            algorithm: params.algorithm(),
            qop: params.text(b"qop"),
            stale: params.value(b"stale").eq_ignore_ascii_case(b"true"),
            scheme: lossy(params.scheme).into(),
        })
        .collect()
}

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

/// The credentials in one header field; `None` when there is no scheme.
pub fn credentials(value: &[u8], side: Side) -> Option<Credentials> {
    let params = schemes(value).into_iter().next()?;
    let response = params.value(b"response");
    let response = lossy(&response);
    let inputs = INPUTS.map(|name| params.value(name));
    Some(Credentials {
        side,
        username: params.text(b"username"),
        realm: params.text(b"realm"),
        nonce: params.text(b"nonce"),
        uri: params.text(b"uri"),
        algorithm: params.algorithm(),
        qop: params.text(b"qop"),
        nc: params.text(b"nc"),
        cnonce: params.text(b"cnonce"),
        response: fingerprint(&response),
        response_start: response.chars().take(RESPONSE_SHOWN).collect(),
        scheme: lossy(params.scheme).into(),
        inputs: fingerprint(inputs),
    })
}

/// A scheme with its parameters.
struct Params<'a> {
    scheme: &'a [u8],
    /// Name and value as written; most challenges and credentials have no more than there is room for.
    pairs: SmallVec<[(&'a [u8], &'a [u8]); 10]>,
}

impl<'a> Params<'a> {
    /// The value of the first parameter of that name as written; `None` when there is none.
    fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.pairs
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    /// The same unquoted; empty when it is not there.
    fn value(&self, name: &[u8]) -> Cow<'a, [u8]> {
        self.get(name).map(unquote).unwrap_or_default()
    }

    /// The same as text.
    fn text(&self, name: &[u8]) -> Box<str> {
        lossy(&self.value(name)).into()
    }

    fn algorithm(&self) -> Box<str> {
        let algorithm = self.text(b"algorithm");
        if algorithm.is_empty() {
            "MD5".into()
        } else {
            algorithm
        }
    }
}

/// Parameters read of one scheme: more than any has, and each is compared with each name.
const MAX_PARAMS: usize = 32;

/// Schemes that may stand in a list without any parameter.
const BARE_SCHEMES: &[&str] = &[
    "Digest",
    "Basic",
    "Bearer",
    "NTLM",
    "Negotiate",
    "Kerberos",
    "TLS-DSK",
];

fn schemes(value: &[u8]) -> SmallVec<[Params<'_>; 1]> {
    let mut found: SmallVec<[Params<'_>; 1]> = SmallVec::new();
    for item in list(value) {
        let begun = scheme_of(item, found.is_empty());
        let pair = match begun {
            Some((_, rest)) => rest,
            None => item,
        };
        if let Some((scheme, _)) = begun {
            if found.len() >= MAX_CHALLENGES {
                break;
            }
            found.push(Params {
                scheme,
                pairs: SmallVec::new(),
            });
        }
        if let (Some(current), Some(equals)) = (found.last_mut(), find::byte(b'=', pair))
            && current.pairs.len() < MAX_PARAMS
            && let (Some(key), Some(value)) = (pair.get(..equals), pair.get(equals + 1..))
        {
            current.pairs.push((key.trim_ascii(), value.trim_ascii()));
        }
    }
    found
}

/// The scheme that an item of the list begins, with what stands behind it: `Digest realm="x"` does, `qop = auth` does not.
fn scheme_of(item: &[u8], first: bool) -> Option<(&[u8], &[u8])> {
    let end = item
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(item.len());
    let (word, rest) = item.split_at_checked(end)?;
    let rest = rest.trim_ascii();
    let is_scheme = if rest.is_empty() {
        let bare = BARE_SCHEMES
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name.as_bytes()));
        bare || (first && !word.contains(&b'='))
    } else {
        !word.contains(&b'=') && !rest.starts_with(b"=")
    };
    (!word.is_empty() && is_scheme).then_some((word, rest))
}

/// The bytes between the quotes as they stand there.
fn inside(value: &[u8]) -> &[u8] {
    match value.strip_prefix(b"\"") {
        Some(rest) => rest.strip_suffix(b"\"").unwrap_or(rest),
        None => value,
    }
}

/// The text that is meant: a backslash inside quotes makes the next byte an ordinary one (RFC 3261 §25.1).
fn unquote(value: &[u8]) -> Cow<'_, [u8]> {
    let inner = inside(value);
    if !value.starts_with(b"\"") || find::byte(b'\\', inner).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut text = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => text.extend(bytes.next()),
            _ => text.push(byte),
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_with_commas_inside_quotes() {
        let all = challenges(
            br#"Digest realm="a, \"b\"", nonce="n1",qop="auth,auth-int", stale=TRUE, algorithm=SHA-256"#,
            Side::Server,
        );
        let [it] = all.as_slice() else {
            panic!("{all:?}");
        };
        assert_eq!(
            (&*it.realm, &*it.nonce, &*it.algorithm, it.stale),
            ("a, \"b\"", "n1", "SHA-256", true)
        );
        assert!(it.has_realm && it.is_digest() && it.offers_qop("AUTH-INT"));
        assert!(!it.offers_qop(""));
    }

    #[test]
    fn several_challenges_of_one_field_are_told_apart() {
        let all = challenges(
            br#"Digest realm="a", qop = "auth", nonce="n1", algorithm=SHA-256, Basic realm="b", NTLM, dIgest nonce=n2,realm=c, qop=auth,auth-int, stale=true"#,
            Side::Proxy,
        );
        let seen: Vec<_> = all
            .iter()
            .map(|it| (&*it.scheme, &*it.realm, &*it.nonce, &*it.qop, it.stale))
            .collect();
        assert_eq!(
            seen,
            [
                ("Digest", "a", "n1", "auth", false),
                ("Basic", "b", "", "", false),
                ("NTLM", "", "", "", false),
                ("dIgest", "c", "n2", "auth", true),
            ]
        );
        assert!(!all[2].has_realm);
    }

    #[test]
    fn what_is_no_challenge_is_not_made_one() {
        let schemes = |value: &[u8]| -> Vec<String> {
            challenges(value, Side::Server)
                .into_iter()
                .map(|it| it.scheme.into())
                .collect()
        };
        assert!(schemes(b"").is_empty());
        assert!(schemes(b" , ,").is_empty());
        assert!(schemes(b"realm=\"a\", nonce=\"b\"").is_empty());
        assert_eq!(schemes(b"Bearer"), ["Bearer"]);
        assert_eq!(schemes(b"NTLM, Kerberos"), ["NTLM", "Kerberos"]);
        assert_eq!(schemes(b"Digest realm=\"a b\", x y=1"), ["Digest", "x"]);
        let many = "Basic a=b,".repeat(1000);
        assert_eq!(schemes(many.as_bytes()).len(), MAX_CHALLENGES);
    }

    #[test]
    fn credentials_keep_only_a_fingerprint_of_the_response() {
        let read = |response: &str| {
            let value = format!(
                r#"Digest username="u",realm="r",nonce="n",uri="sip:h",response="{response}",cnonce="c",qop=auth,nc=00000001"#
            );
            credentials(value.as_bytes(), Side::Server).expect("credentials")
        };
        let (one, two) = (read("0123456789abcdef00ff"), read("0123456789abcdef00fe"));
        assert_eq!((&*one.username, &*one.uri), ("u", "sip:h"));
        assert_eq!(
            (&*one.nc, &*one.cnonce, &*one.qop),
            ("00000001", "c", "auth")
        );
        assert_eq!(&*one.algorithm, "MD5");
        assert_ne!(one.response, two.response);
        assert_eq!(&*one.response_start, "012345");
        assert!(!format!("{one:?}").contains("0123456"));
        assert_eq!(one.inputs, two.inputs);
        assert!(!format!("{one:?}").contains("00ff"));
    }
}
