//! From secrets to keys: the PRF of TLS 1.0 to 1.2 (RFC 2246 §5, RFC 5246 §5) and HKDF-Expand-Label of TLS 1.3
//! (RFC 8446 §7.1).

use super::suite::{Hash, TlsVersion};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384};
use std::fmt;
use zeroize::Zeroizing;

/// Bytes that nobody may see: wiped when they go, never printed.
#[derive(Clone)]
pub(super) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(super) fn zeros(count: usize) -> Self {
        Self::new(vec![0; count])
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl From<Zeroizing<Vec<u8>>> for Secret {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The length of every master secret and of the premaster secret of RSA (RFC 5246 §8.1).
pub(super) const MASTER: usize = 48;

/// HMAC (RFC 2104) over parts in their order.
pub(super) fn hmac(hash: Hash, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    match hash {
        Hash::Md5 => hmac_with::<Hmac<Md5>>(key, parts),
        Hash::Sha1 => hmac_with::<Hmac<Sha1>>(key, parts),
        Hash::Sha256 => hmac_with::<Hmac<Sha256>>(key, parts),
        Hash::Sha384 => hmac_with::<Hmac<Sha384>>(key, parts),
    }
}

fn hmac_with<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // HMAC takes keys of every length; the empty result of an impossible refusal equals no MAC.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else {
        return Vec::new();
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// P_hash (RFC 5246 §5), combined with what is there by exclusive or.
fn p_hash(hash: Hash, secret: &[u8], seed: &[&[u8]], into: &mut [u8]) {
    let mut a = Zeroizing::new(hmac(hash, secret, seed));
    for chunk in into.chunks_mut(hash.size()) {
        let mut parts = vec![a.as_slice()];
        parts.extend_from_slice(seed);
        let block = Zeroizing::new(hmac(hash, secret, &parts));
        for (byte, with) in chunk.iter_mut().zip(block.iter()) {
            *byte ^= with;
        }
        a = Zeroizing::new(hmac(hash, secret, &[&a]));
    }
}

/// The pseudorandom function of TLS 1.2 and older. `hash` is the suite's, which versions before 1.2 do not ask.
pub(super) fn prf(
    version: TlsVersion,
    hash: Hash,
    secret: &[u8],
    label: &[u8],
    seed: &[&[u8]],
    size: usize,
) -> Secret {
    let mut out = Secret::zeros(size);
    let mut parts = vec![label];
    parts.extend_from_slice(seed);
    if version >= TlsVersion::TLS_1_2 {
        p_hash(hash, secret, &parts, out.bytes_mut());
    } else {
        // RFC 2246 §5: one half of the secret each; with an odd length they share the byte in the middle.
        let half = secret.len().div_ceil(2);
        let first = secret.get(..half).unwrap_or_default();
        let second = secret.get(secret.len() - half..).unwrap_or_default();
        p_hash(Hash::Md5, first, &parts, out.bytes_mut());
        p_hash(Hash::Sha1, second, &parts, out.bytes_mut());
    }
    out
}

/// The hash over the handshake so far that an extended master secret is bound to (RFC 7627 §3).
pub(super) fn session_hash(version: TlsVersion, hash: Hash, messages: &[&[u8]]) -> Vec<u8> {
    if version >= TlsVersion::TLS_1_2 {
        digest(hash, messages)
    } else {
        let mut both = digest(Hash::Md5, messages);
        both.extend(digest(Hash::Sha1, messages));
        both
    }
}

fn digest(hash: Hash, parts: &[&[u8]]) -> Vec<u8> {
    fn with<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
        let mut digest = D::new();
        for part in parts {
            digest.update(part);
        }
        digest.finalize().to_vec()
    }
    match hash {
        Hash::Md5 => with::<Md5>(parts),
        Hash::Sha1 => with::<Sha1>(parts),
        Hash::Sha256 => with::<Sha256>(parts),
        Hash::Sha384 => with::<Sha384>(parts),
    }
}

/// HKDF-Expand-Label with an empty context (RFC 8446 §7.1); `None` when the secret is too short for the hash.
pub(super) fn expand_label(hash: Hash, secret: &[u8], label: &[u8], size: usize) -> Option<Secret> {
    let mut info = u16::try_from(size).ok()?.to_be_bytes().to_vec();
    info.push(u8::try_from(b"tls13 ".len() + label.len()).ok()?);
    info.extend_from_slice(b"tls13 ");
    info.extend_from_slice(label);
    info.push(0);
    let mut out = Secret::zeros(size);
    match hash {
        Hash::Sha256 => {
            let hkdf = Hkdf::<Sha256>::from_prk(secret).ok()?;
            hkdf.expand(&info, out.bytes_mut()).ok()?;
        }
        Hash::Sha384 => {
            let hkdf = Hkdf::<Sha384>::from_prk(secret).ok()?;
            hkdf.expand(&info, out.bytes_mut()).ok()?;
        }
        Hash::Md5 | Hash::Sha1 => return None,
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<_> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
        digits
            .chunks(2)
            .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
            .collect()
    }

    #[test]
    fn labels_expand_as_in_the_trace_of_rfc_8448() {
        // RFC 8448 §3: the server's handshake traffic secret and what it gives.
        let secret = hex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
        let key = expand_label(Hash::Sha256, &secret, b"key", 16).unwrap();
        assert_eq!(key.bytes(), hex("3fce516009c21727d0f2e4e86ee403bc"));
        let iv = expand_label(Hash::Sha256, &secret, b"iv", 12).unwrap();
        assert_eq!(iv.bytes(), hex("5d313eb2671276ee13000b30"));
    }

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", Secret::new(vec![0x41; 48])), "Secret");
    }

    #[test]
    fn a_secret_that_is_too_short_for_the_hash_expands_to_nothing() {
        assert!(expand_label(Hash::Sha384, &[1; 32], b"key", 32).is_none());
    }
}
