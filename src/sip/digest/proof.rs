//! Computes digests anew from a password that the user gave (RFC 7616 §3.4, RFC 8760 §2.3): the same response proves that
//! the client has this password, another one that it has not.

use super::{Credentials, Params, Passwords, Side, credentials, inside, schemes, unquote};
use crate::sip::{HeaderName, Message, Method};
use md5::Md5;
use sha2::digest::Digest;
use sha2::{Sha256, Sha512, Sha512_256};
use zeroize::Zeroizing;

/// What a password says of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The client computed its response with this password.
    Same,
    /// With this password and a blank before or behind it.
    Blank,
    /// With something else.
    Different,
}

/// How a digest is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Algorithm {
    hash: Hash,
    session: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Md5,
    Sha256,
    Sha512Cut,
    Sha512,
}

impl Algorithm {
    /// The algorithm of that name, in any case; `None` for one that RFC 7616 does not have, such as `AKAv1-MD5`.
    fn of(name: &str) -> Option<Self> {
        let suffix = "-sess";
        let at = name.len().saturating_sub(suffix.len());
        let (base, session) = match name.split_at_checked(at) {
            Some((base, end)) if end.eq_ignore_ascii_case(suffix) => (base, true),
            _ => (name, false),
        };
        let hash = [
            ("MD5", Hash::Md5),
            ("SHA-256", Hash::Sha256),
            ("SHA-512-256", Hash::Sha512Cut),
        ]
        .into_iter()
        .find(|(known, _)| base.eq_ignore_ascii_case(known))?
        .1;
        Some(Self { hash, session })
    }
}

impl Hash {
    /// What it is computed with. The example of RFC 7616 §3.9.2 was made with the first half of SHA-512, and some do as it
    /// does.
    const fn kinds(self) -> &'static [Self] {
        match self {
            Self::Md5 => &[Self::Md5],
            Self::Sha256 => &[Self::Sha256],
            Self::Sha512Cut | Self::Sha512 => &[Self::Sha512Cut, Self::Sha512],
        }
    }

    /// The digest in hexadecimal, of parts that colons join. Wiped like a password: the first of a digest is as good as one.
    fn of(self, parts: &[&[u8]]) -> Zeroizing<String> {
        let bytes = match self {
            Self::Md5 => joined::<Md5>(parts),
            Self::Sha256 => joined::<Sha256>(parts),
            Self::Sha512Cut => joined::<Sha512_256>(parts),
            Self::Sha512 => joined::<Sha512>(parts),
        };
        let wanted = match self {
            Self::Md5 => 16,
            _ => 32,
        };
        let mut text = Zeroizing::new(String::with_capacity(2 * wanted));
        for byte in bytes.iter().take(wanted) {
            for digit in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(digit.into(), 16));
            }
        }
        text
    }
}

fn joined<D: Digest>(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut digest = D::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            digest.update(b":");
        }
        digest.update(part);
    }
    Zeroizing::new(digest.finalize().to_vec())
}

impl Passwords {
    /// What the passwords say of each credentials in a request. Those are left out of which no password was given, or of
    /// which the capture lacks something that the digest was made of.
    pub fn proofs(&self, request: &Message) -> Vec<(Credentials, Proof)> {
        // A field that is cut may lack any part (guard G-SNAP).
        if self.is_empty() || request.is_cut() {
            return Vec::new();
        }
        [
            (HeaderName::Authorization, Side::Server),
            (HeaderName::ProxyAuthorization, Side::Proxy),
        ]
        .into_iter()
        .flat_map(|(header, side)| {
            request.headers(header).filter_map(move |value| {
                let proof = self.proof(request, schemes(&value).first()?)?;
                Some((credentials(&value, side)?, proof))
            })
        })
        .collect()
    }

    fn proof(&self, request: &Message, params: &Params<'_>) -> Option<Proof> {
        let given = |name| params.get(name).map(unquote).unwrap_or_default();
        let as_written = |name| params.get(name).map(inside).unwrap_or_default();
        let (user, realm) = (given(b"username"), given(b"realm"));
        let password = self.get(&user, &realm)?;
        let algorithm = Algorithm::of(&params.algorithm())?;
        let response = params.text(b"response");
        if response.is_empty() || as_written(b"nonce").is_empty() {
            return None;
        }
        // The quotes are not part of the input (RFC 7616 §3.4); whether a backslash before a quoted byte is, senders
        // do not agree.
        let mut names = vec![(&*user, &*realm)];
        let written = (as_written(b"username"), as_written(b"realm"));
        if !names.contains(&written) {
            names.push(written);
        }
        let matches = |password: &[u8]| {
            algorithm.hash.kinds().iter().any(|hash| {
                names.iter().any(|(user, realm)| {
                    let secret = hash.of(&[user, realm, password]);
                    expected(request, params, *hash, algorithm.session, &secret)
                        .eq_ignore_ascii_case(&response)
                })
            })
        };
        if matches(password) {
            return Some(Proof::Same);
        }
        let with_blanks = [
            Zeroizing::new([password, b" "].concat()),
            Zeroizing::new([b" ", password].concat()),
            Zeroizing::new(password.trim_ascii().to_vec()),
        ];
        if with_blanks
            .iter()
            .any(|other| **other != *password && matches(other))
        {
            return Some(Proof::Blank);
        }
        // RFC 7616 §3.4.2: a session keeps the key of its first request, whose cnonce may have been another one.
        let first_of_session = as_written(b"nc").ends_with(b"00000001");
        (!algorithm.session || first_of_session).then_some(Proof::Different)
    }
}

/// The response that belongs to H(username:realm:password).
fn expected(
    request: &Message,
    params: &Params<'_>,
    hash: Hash,
    session: bool,
    secret: &str,
) -> Zeroizing<String> {
    let part = |name| params.get(name).map(inside).unwrap_or_default();
    let (nonce, cnonce, qop, nc) = (part(b"nonce"), part(b"cnonce"), part(b"qop"), part(b"nc"));
    let first = if session {
        hash.of(&[secret.as_bytes(), nonce, cnonce])
    } else {
        Zeroizing::new(secret.to_owned())
    };
    let method = request.method();
    let method = method.as_ref().map_or("", Method::name).as_bytes();
    let second = if qop.eq_ignore_ascii_case(b"auth-int") {
        let body = hash.of(&[request.body()]);
        hash.of(&[method, part(b"uri"), body.as_bytes()])
    } else {
        hash.of(&[method, part(b"uri")])
    };
    let (first, second) = (first.as_bytes(), second.as_bytes());
    if qop.is_empty() {
        // As RFC 2069 had it, for peers that know no qop (RFC 3261 §22.4).
        hash.of(&[first, nonce, second])
    } else {
        hash.of(&[first, nonce, nc, cnonce, qop, second])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Carrier;

    /// Responses to nonce `n1` of user `alice`, realm `example.com`, password `secret`, for a REGISTER of `sip:example.com`
    /// with the body `v=0`; nc 1, cnonce `c1`. Computed with Python's hashlib.
    const KNOWN: &[(&str, &str, &str)] = &[
        ("MD5", "", "bce9c34312ea6cab40c3511fe8197611"),
        ("MD5", "auth", "f29cdf4782d52f655bba7d45d8530f6c"),
        ("MD5", "auth-int", "6ea833ce14dbfe3651829d791a724517"),
        ("MD5-sess", "", "c095589b7b0acd318f80c478afa8da93"),
        ("MD5-sess", "auth", "c47c5328dcfc34d32bdaead29c299721"),
        ("MD5-sess", "auth-int", "7f8115f7970547d68cbf68b3dfbe65d2"),
        (
            "SHA-256",
            "",
            "a0d41c5272fcbe841095122a450a47f79cb95f7fd843fd27668249ec4227ad73",
        ),
        (
            "SHA-256",
            "auth",
            "e630b2eb200c10dc39caebb88f19b142ed5ddf1c40908327de6fe622ed11c73d",
        ),
        (
            "SHA-256",
            "auth-int",
            "4dab172a10890464078ddb8859a977417f153f6f74bcafcce69b4dac13f3862a",
        ),
        (
            "SHA-256-sess",
            "",
            "193441be8a92897a0204ca9931335db422a0026a05cbc9c30404e2e91d235e24",
        ),
        (
            "SHA-256-sess",
            "auth",
            "95883bd15e76cc2cf9c800ba2f2525b61a48ebfd5ff0f9d5acae8806debcd0bd",
        ),
        (
            "SHA-256-sess",
            "auth-int",
            "2ae6d78de13fdb3f47aea73def7eadc8abbadc9caf929353ba58c8d286b65f3c",
        ),
        (
            "SHA-512-256",
            "",
            "b210ece97e69cd52c133f5cf47278b96eb6e0f40e575cc05e0257993d0cc09a2",
        ),
        (
            "SHA-512-256",
            "auth",
            "acb710d94cc8d95e40bd00fb1883d67eb1b72179743adf4da61ed71bb438a05c",
        ),
        (
            "SHA-512-256",
            "auth-int",
            "147f5a7a22152fb1529aaf2ebbbdee477f46088360ee983903a4dbaf24a267d5",
        ),
        (
            "SHA-512-256-sess",
            "",
            "c7fdfef89f3296806871838cda62bcae7d0846d0896a69d1720e2e74a39dcd2a",
        ),
        (
            "SHA-512-256-sess",
            "auth",
            "aeeb41f74dc23ed2c410e8efbc7959f9262323d22db53556af10b2887c571f90",
        ),
        (
            "SHA-512-256-sess",
            "auth-int",
            "5392274430dba48b46a001135cb54ca78e8f4bdd3385c979c332475e06818e9f",
        ),
    ];

    fn request(fields: &str) -> Message {
        let text = format!(
            "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n{fields}Content-Length: 5\r\n\r\nv=0\r\n"
        );
        Message::parse(text.as_bytes(), Carrier::default()).expect("a request")
    }

    fn authorization(algorithm: &str, qop: &str, response: &str) -> Message {
        let qop = match qop {
            "" => String::new(),
            qop => format!(", qop={qop}, nc=00000001"),
        };
        request(&format!(
            "Authorization: Digest username=\"alice\", realm=\"example.com\", nonce=\"n1\", uri=\"sip:example.com\", \
             algorithm={algorithm}, cnonce=\"c1\", response=\"{response}\"{qop}\r\n"
        ))
    }

    fn proof(password: &str, request: &Message) -> Option<Proof> {
        let mut passwords = Passwords::default();
        passwords
            .add("alice@example.com", password.as_bytes())
            .expect("a password");
        let proofs = passwords.proofs(request);
        proofs.first().map(|(_, proof)| *proof)
    }

    #[test]
    fn the_response_of_every_algorithm_and_quality_is_computed() {
        for (algorithm, qop, response) in KNOWN {
            for written in [response.to_ascii_uppercase(), (*response).to_owned()] {
                let message = authorization(algorithm, qop, &written);
                assert_eq!(
                    proof("secret", &message),
                    Some(Proof::Same),
                    "{algorithm} {qop}"
                );
            }
            let message = authorization(algorithm, qop, response);
            let other = proof("Secret", &message);
            // Without nc nobody knows whether it is the first request of its session.
            let expected =
                (!algorithm.ends_with("-sess") || !qop.is_empty()).then_some(Proof::Different);
            assert_eq!(other, expected, "{algorithm} {qop}");
        }
    }

    #[test]
    fn a_blank_more_or_less_is_told() {
        let (algorithm, qop, response) = KNOWN[1];
        let message = authorization(algorithm, qop, response);
        assert_eq!(proof("secret ", &message), Some(Proof::Blank));
        let spaced = Hash::Md5.of(&[b"alice", b"example.com", b"secret "]);
        let params = "Digest nonce=n1, uri=\"sip:example.com\", qop=auth, nc=00000001, cnonce=c1";
        let params = schemes(params.as_bytes());
        let response = expected(&message, &params[0], Hash::Md5, false, &spaced);
        let message = authorization(algorithm, qop, &response);
        assert_eq!(proof("secret", &message), Some(Proof::Blank));
    }

    #[test]
    fn rfc_7616_has_an_example_with_half_of_sha_512() {
        let half = Hash::Sha512.of(&["J\u{e4}s\u{f8}n Doe".as_bytes(), b"api@example.org"]);
        assert_eq!(
            *half,
            "488869477bf257147b804c45308cd62ac4e25eb717b12b298c79e62dcea254ec"
        );
    }

    #[test]
    fn what_cannot_be_computed_proves_nothing() {
        let response = KNOWN[0].2;
        assert_eq!(proof("x", &authorization("AKAv1-MD5", "", response)), None);
        assert_eq!(proof("x", &authorization("MD5", "", "")), None);
        let of_other = request(
            "Authorization: Digest username=\"bob\", realm=\"example.com\", nonce=n1, response=00\r\n",
        );
        assert_eq!(proof("x", &of_other), None);
        assert_eq!(proof("x", &request("")), None);
        let whole = authorization("MD5", "", response);
        let cut = Message::parse(
            whole.raw(),
            Carrier {
                cut: true,
                ..Carrier::default()
            },
        )
        .expect("a request");
        assert_eq!(proof("x", &cut), None);
    }

    #[test]
    fn names_of_algorithms_are_read_in_any_case() {
        assert_eq!(Algorithm::of("md5"), Algorithm::of("MD5"));
        assert_ne!(Algorithm::of("md5-SESS"), Algorithm::of("MD5"));
        assert!(Algorithm::of("sha-512-256-sess").is_some());
        for unknown in [
            "",
            "-sess",
            "SHA-1",
            "MD5\u{e9}-sess-",
            "\u{e9}\u{e9}\u{e9}",
        ] {
            assert_eq!(Algorithm::of(unknown), None, "{unknown}");
        }
    }
}
