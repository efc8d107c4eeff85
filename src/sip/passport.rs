//! The signed tokens of an Identity header field (RFC 8224 §4, RFC 8225), as far as they can be read without a key.

use super::value::split;
use super::{HeaderName, Message};
use serde_json::Value;

/// A PASSporT with the parameters behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passport {
    /// Whether it has its header and claims with it; the compact form leaves them out (RFC 8225 §7).
    pub is_full: bool,
    /// Whether what it has with it could be read.
    pub is_readable: bool,
    /// The algorithm of the signature.
    pub alg: Option<Box<str>>,
    /// The extension, such as `shaken` (RFC 8588).
    pub ppt: Option<Box<str>>,
    /// Where the certificate is, as the token says.
    pub x5u: Option<Box<str>>,
    /// Where the certificate is, as the parameter `info` says.
    pub info: Option<Box<str>>,
    /// When it was signed, in seconds since 1970.
    pub iat: Option<i64>,
    /// The caller: a number or a URI.
    pub orig: Option<Box<str>>,
    /// Whom it was signed for: numbers and URIs.
    pub dest: Vec<Box<str>>,
    /// How well the signer knows the caller: `A`, `B` or `C` (RFC 8588 §4).
    pub attest: Option<Box<str>>,
    /// What the signer calls the origin.
    pub origid: Option<Box<str>>,
}

/// The tokens of a request, in the order of its Identity header fields. What RFC 4474 put there is none.
pub fn passports(message: &Message) -> Vec<Passport> {
    message
        .headers(HeaderName::Identity)
        .take(MOST)
        .filter_map(|value| passport(&value))
        .collect()
}

/// Tokens looked at of one request: a call that was diverted has one for each diversion (RFC 8946).
const MOST: usize = 8;

fn passport(value: &[u8]) -> Option<Passport> {
    let mut parts = split(value, b';');
    let token = parts.next()?;
    let mut passport = Passport {
        is_readable: true,
        ..Passport::default()
    };
    for part in parts {
        let Some((name, value)) = pair(part) else {
            continue;
        };
        let value = text(value.trim_ascii_start().trim_ascii());
        match name.to_ascii_lowercase().as_slice() {
            b"info" => passport.info = Some(value.trim_matches(['<', '>']).into()),
            b"alg" => passport.alg = Some(value.trim_matches('"').into()),
            b"ppt" => passport.ppt = Some(value.trim_matches('"').into()),
            _ => {}
        }
    }
    let mut pieces = token.split(|byte| *byte == b'.');
    let (header, claims, _signature) = (pieces.next()?, pieces.next()?, pieces.next()?);
    passport.is_full = !header.is_empty() || !claims.is_empty();
    if passport.is_full {
        let (header, claims) = (json(header), json(claims));
        passport.is_readable = header.is_some() && claims.is_some();
        passport.fill(&header.unwrap_or_default(), &claims.unwrap_or_default());
    }
    Some(passport)
}

impl Passport {
    fn fill(&mut self, header: &Value, claims: &Value) {
        let of = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(Box::from);
        // The token's own header is what was signed.
        self.alg = of(header, "alg").or(self.alg.take());
        self.ppt = of(header, "ppt").or(self.ppt.take());
        self.x5u = of(header, "x5u");
        self.iat = claims.get("iat").and_then(|it| {
            it.as_i64()
                .or_else(|| it.as_str().and_then(|text| text.parse().ok()))
        });
        self.attest = of(claims, "attest");
        self.origid = of(claims, "origid");
        self.orig = identities(claims.get("orig")).into_iter().next();
        self.dest = identities(claims.get("dest"));
    }
}

/// The numbers and URIs of an `orig` or `dest` (RFC 8225 §5.2.1).
fn identities(claim: Option<&Value>) -> Vec<Box<str>> {
    let mut all = Vec::new();
    for kind in ["tn", "uri"] {
        match claim.and_then(|claim| claim.get(kind)) {
            Some(Value::String(one)) => all.push(one.as_str().into()),
            Some(Value::Array(many)) => {
                all.extend(
                    many.iter()
                        .filter_map(Value::as_str)
                        .take(MOST)
                        .map(Box::from),
                );
            }
            _ => {}
        }
    }
    all
}

fn pair(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = part.iter().position(|byte| *byte == b'=')?;
    Some((part.get(..at)?.trim_ascii(), part.get(at + 1..)?))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a part of the token says; `None` when it is not the JSON that it should be.
fn json(part: &[u8]) -> Option<Value> {
    serde_json::from_slice(&base64url(part)?)
        .ok()
        .filter(Value::is_object)
}

/// RFC 4648 §5, with or without padding; the letters of the other alphabet are understood too.
fn base64url(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut held, mut bits) = (0_u32, 0);
    for letter in text.iter().take_while(|letter| **letter != b'=') {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        held = (held << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Carrier;

    fn of(identity: &str) -> Vec<Passport> {
        let text = format!("INVITE sip:b@example.com SIP/2.0\r\nIdentity: {identity}\r\n\r\n");
        let message = Message::parse(text.as_bytes(), Carrier::default()).expect("a message");
        passports(&message)
    }

    #[test]
    fn a_full_token_is_read() {
        let found = of(
            "eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbGUuY29tL2EucGVtIn0.eyJhdHRlc3QiOiJBIiwiZGVzdCI6eyJ0biI6WyIxMjAyNTU1MDEwMCJdfSwiaWF0IjoxNzY3MjI1NjAwLCJvcmlnIjp7InRuIjoiMTIwMjU1NTAxOTkifSwib3JpZ2lkIjoieCJ9.c2ln;info=<https://cert.example.com/a.pem>;alg=ES256;ppt=\"shaken\"",
        );
        let [it] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert!(it.is_full && it.is_readable);
        assert_eq!(it.x5u, it.info);
        assert_eq!(it.attest.as_deref(), Some("A"));
        assert_eq!(
            (it.iat, it.orig.as_deref()),
            (Some(1_767_225_600), Some("12025550199"))
        );
        assert_eq!(it.dest, [Box::from("12025550100")]);
    }

    #[test]
    fn the_compact_form_has_only_parameters() {
        let found = of("..c2ln;info=<https://cert.example.com/a.pem>;alg=ES256;ppt=shaken");
        let [it] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert!(!it.is_full && it.is_readable);
        assert_eq!(it.ppt.as_deref(), Some("shaken"));
    }

    #[test]
    fn what_is_no_token_is_told_from_a_broken_one() {
        assert_eq!(
            of(
                "\"ZYNBbHC00VMZr2kZt6VmCvPonWJMGvQTBDqghoWeLxJfzB2a1pxAr3VgrB0SsSAaifsRdiOPoQZYOy2wrVghuhcsMbHWUSFxI6p6q5TOQXHMmz6uEo3svJsSH49thyGnFVcnyaZ++yRlBYYQTLqWzJ+KVhPKbfU/pryhVn9Yc6U=\""
            ),
            []
        );
        assert!(
            !of("bm9uc2Vuc2U.e30.c2ln;info=<https://cert.example.com/a.pem>")
                .iter()
                .any(|it| it.is_readable)
        );
        assert!(!of("a%b.c.d").iter().any(|it| it.is_readable));
    }
}
