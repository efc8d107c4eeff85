//! The secrets of a capture: what a key log or a private key gives, found again by what the connections show of
//! themselves. Bounded, wiped when dropped, never printed.

use super::keylog::{Keylog, KeylogOutcome, Label};
use super::schedule::{MASTER, Secret};
use crate::hash::HashMap;
use crate::limits::{MAX_TLS_KEYS, MAX_TLS_SECRETS, MAX_TLS_SESSIONS};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Encrypt, RsaPrivateKey};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::fmt;
use std::hash::Hash;
use thiserror::Error;
use zeroize::Zeroizing;

/// Why a private key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// There is no private key in it.
    #[error("no private key in PEM form (a block `PRIVATE KEY` or `RSA PRIVATE KEY`)")]
    NoKey,
    /// The key is encrypted with a passphrase.
    #[error("the private key is encrypted: take off the passphrase first, with `openssl pkey`")]
    Encrypted,
    /// The key is not for RSA, and no other lets records be opened.
    #[error(
        "the private key is not an RSA key: only RSA keys open connections, use a key log instead"
    )]
    NotRsa,
    /// The key is damaged.
    #[error("the private key is damaged")]
    Broken,
    /// There are [`MAX_TLS_KEYS`] already.
    #[error("too many private keys")]
    TooMany,
}

/// What is known of the secrets of all connections of a capture.
pub struct Secrets {
    by_random: Bounded<[u8; 32], [Option<Secret>; Label::COUNT]>,
    /// Premaster secrets by the first bytes of what they look like encrypted.
    premasters: Bounded<[u8; 8], Secret>,
    /// Master secrets by the name under which a session may be resumed.
    sessions: Bounded<SessionName, Secret>,
    keys: Vec<RsaPrivateKey>,
    generation: u64,
    learned: u64,
    complete: bool,
}

impl Default for Secrets {
    fn default() -> Self {
        Self {
            by_random: Bounded::new(MAX_TLS_SECRETS),
            premasters: Bounded::new(MAX_TLS_SECRETS),
            sessions: Bounded::new(MAX_TLS_SESSIONS),
            keys: Vec::new(),
            generation: 0,
            learned: 0,
            complete: false,
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets")
            .field("connections", &self.by_random.len())
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

impl Secrets {
    /// No secrets yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a whole key log. For one that grows use [`Keylog`].
    pub fn add_keylog(&mut self, text: &[u8]) -> KeylogOutcome {
        let mut keylog = Keylog::new();
        let mut outcome = keylog.feed(text, self);
        let last = keylog.finish(self);
        outcome.used += last.used;
        outcome.ignored += last.ignored;
        outcome.not_understood += last.not_understood;
        outcome
    }

    /// Takes the RSA keys of a PEM file (PKCS#1 or PKCS#8), whatever else is in it.
    ///
    /// # Errors
    /// [`KeyError`] says why there is none that can be used.
    pub fn add_rsa_key(&mut self, pem: &[u8]) -> Result<(), KeyError> {
        let text = std::str::from_utf8(pem).map_err(|_| KeyError::NoKey)?;
        let mut found = Err(KeyError::NoKey);
        for (label, body) in blocks(text) {
            match key_of(label, body) {
                None => {}
                Some(Err(error)) => found = found.or(Err(error)),
                Some(Ok(key)) => {
                    if self.keys.len() >= MAX_TLS_KEYS {
                        return Err(KeyError::TooMany);
                    }
                    self.keys.push(key);
                    self.generation += 1;
                    found = Ok(());
                }
            }
        }
        found
    }

    /// Grows with every secret that is added: when it has, [`super::Tls::retry`] may open what was kept back.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_random.len() == 0 && self.premasters.len() == 0 && self.keys.is_empty()
    }

    /// Says that no more will be added: connections then keep back no records in the hope of secrets to come.
    pub fn complete(&mut self) {
        self.complete = true;
    }

    /// Secrets that gave way to newer ones.
    pub fn let_go(&self) -> u64 {
        self.by_random.let_go + self.premasters.let_go
    }

    pub(super) const fn may_grow(&self) -> bool {
        !self.complete
    }

    /// Grows with every session that is remembered.
    pub(super) const fn learned(&self) -> u64 {
        self.learned
    }

    pub(super) fn add(&mut self, random: [u8; 32], label: Label, secret: Secret) {
        let secrets = self.by_random.entry(random);
        if let Some(slot) = secrets.get_mut(label.index()) {
            *slot = Some(secret);
        }
        self.generation += 1;
    }

    pub(super) fn add_premaster(&mut self, encrypted: [u8; 8], secret: Secret) {
        *self.premasters.entry(encrypted) = secret;
        self.generation += 1;
    }

    pub(super) fn get(&self, random: &[u8; 32], label: Label) -> Option<&Secret> {
        self.by_random.get(random)?.get(label.index())?.as_ref()
    }

    pub(super) fn has_rsa_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Whether there is a key log's secret of any connection.
    pub(super) fn has_keylog(&self) -> bool {
        self.by_random.len() + self.premasters.len() > 0
    }

    /// Whether one of the keys belongs to the certificate with this modulus.
    pub(super) fn has_key_of(&self, modulus: &[u8]) -> bool {
        self.keys.iter().any(|key| key.n().to_bytes_be() == modulus)
    }

    /// The premaster secret that is in an encrypted one (RFC 5246 §7.4.7.1). `modulus` is that of the server's certificate
    /// where it was seen.
    pub(super) fn premaster(&self, encrypted: &[u8], modulus: Option<&[u8]>) -> Option<Secret> {
        if let Some(secret) = encrypted
            .first_chunk()
            .and_then(|front| self.premasters.get(front))
        {
            return Some(secret.clone());
        }
        self.keys
            .iter()
            .filter(|key| modulus.is_none_or(|modulus| key.n().to_bytes_be() == modulus))
            .filter(|key| key.size() == encrypted.len())
            .find_map(|key| {
                let secret = Secret::new(key.decrypt(Pkcs1v15Encrypt, encrypted).ok()?);
                (secret.bytes().len() == MASTER).then_some(secret)
            })
    }

    /// Remembers the master secret of a session that may be resumed, where no key log will tell it.
    pub(super) fn remember(&mut self, name: SessionName, master: &Secret) {
        if self.has_rsa_keys() || self.premasters.len() > 0 {
            *self.sessions.entry(name) = master.clone();
            self.learned += 1;
        }
    }

    pub(super) fn session(&self, name: &SessionName) -> Option<&Secret> {
        self.sessions.get(name)
    }
}

/// What a client names a session by that it wants to resume: a digest, so that all have one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SessionName([u8; 32]);

impl SessionName {
    /// By the identifier that the server gave it (RFC 5246 §7.4.1.3); `None` when it is empty.
    pub(super) fn of_id(id: &[u8]) -> Option<Self> {
        (!id.is_empty()).then(|| Self(Sha256::digest([b"i", id].concat()).into()))
    }

    /// By a ticket (RFC 5077 §3.2); `None` when it is empty.
    pub(super) fn of_ticket(ticket: &[u8]) -> Option<Self> {
        (!ticket.is_empty()).then(|| Self(Sha256::digest([b"t", ticket].concat()).into()))
    }
}

/// A table in which the oldest entry gives way when it is full. Values are boxed: a table that grows must leave no secrets
/// behind.
struct Bounded<K, V> {
    entries: HashMap<K, Box<V>>,
    order: VecDeque<K>,
    most: usize,
    let_go: u64,
}

impl<K: Copy + Eq + Hash, V: Vacant> Bounded<K, V> {
    fn new(most: usize) -> Self {
        Self {
            entries: HashMap::default(),
            order: VecDeque::new(),
            most,
            let_go: 0,
        }
    }

    fn len(&self) -> usize {
        self.entries.len()
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|it| &**it)
    }

    fn entry(&mut self, key: K) -> &mut V {
        if !self.entries.contains_key(&key) {
            if self.entries.len() >= self.most
                && let Some(oldest) = self.order.pop_front()
            {
                self.entries.remove(&oldest);
                self.let_go += 1;
            }
            self.order.push_back(key);
        }
        self.entries
            .entry(key)
            .or_insert_with(|| Box::new(V::vacant()))
    }
}

/// What stands in a new entry.
trait Vacant {
    fn vacant() -> Self;
}

impl Vacant for Secret {
    fn vacant() -> Self {
        Self::new(Vec::new())
    }
}

impl Vacant for [Option<Secret>; Label::COUNT] {
    fn vacant() -> Self {
        [const { None }; Label::COUNT]
    }
}

/// The blocks of a PEM file (RFC 7468 §2): label and what stands between its lines.
fn blocks(mut text: &str) -> impl Iterator<Item = (&str, &str)> {
    std::iter::from_fn(move || {
        let (_, behind) = text.split_once("-----BEGIN ")?;
        let (label, behind) = behind.split_once("-----")?;
        let (body, rest) = behind.split_once("-----END ")?;
        text = rest;
        Some((label, body))
    })
}

/// The key of a block; `None` when it is a block of something else.
fn key_of(label: &str, body: &str) -> Option<Result<RsaPrivateKey, KeyError>> {
    let read = match label {
        "ENCRYPTED PRIVATE KEY" => return Some(Err(KeyError::Encrypted)),
        "EC PRIVATE KEY" | "DSA PRIVATE KEY" => return Some(Err(KeyError::NotRsa)),
        // RFC 1421 §4.6.1.1, as OpenSSL still writes it.
        "RSA PRIVATE KEY" if body.contains("ENCRYPTED") => return Some(Err(KeyError::Encrypted)),
        "RSA PRIVATE KEY" => {
            RsaPrivateKey::from_pkcs1_pem(&wrapped(label, body)).map_err(|_| KeyError::Broken)
        }
        "PRIVATE KEY" => {
            RsaPrivateKey::from_pkcs8_pem(&wrapped(label, body)).map_err(|error| match error {
                rsa::pkcs8::Error::PublicKey(rsa::pkcs8::spki::Error::OidUnknown { .. }) => {
                    KeyError::NotRsa
                }
                _ => KeyError::Broken,
            })
        }
        _ => return None,
    };
    Some(read)
}

/// The block in the form that is read strictly: lines of 64 characters and no blanks.
fn wrapped(label: &str, body: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(body.len() * 2 + 128));
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    for (at, digit) in body.chars().filter(|it| !it.is_whitespace()).enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(digit);
    }
    text.push_str("\n-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PKCS8: &str = include_str!("../../../fixtures/tls/rsa.key");
    const PKCS1: &str = include_str!("../../../fixtures/tls/rsa-pkcs1.key");
    const ECDSA: &str = include_str!("../../../fixtures/tls/ecdsa.key");

    fn add(pem: &str) -> Result<Secrets, KeyError> {
        let mut secrets = Secrets::new();
        secrets.add_rsa_key(pem.as_bytes()).map(|()| secrets)
    }

    #[test]
    fn rsa_keys_are_read_in_both_forms_and_whatever_is_around_them() {
        let around = format!("Bag Attributes\n{ECDSA}\r\n {PKCS8}more");
        let wide = PKCS1.replace('\n', "").replace("KEY-----", "KEY-----\n");
        let wide = wide.replace("-----END", "\n-----END");
        for pem in [PKCS8, PKCS1, &PKCS8.replace('\n', "\r\n"), &around, &wide] {
            let secrets = add(pem).expect(pem);
            assert!(secrets.has_rsa_keys() && !secrets.is_empty());
            assert_eq!(secrets.generation(), 1);
        }
    }

    #[test]
    fn what_is_no_key_of_use_says_why() {
        let reason = |pem: &str| add(pem).expect_err(pem);
        assert_eq!(reason(ECDSA), KeyError::NotRsa);
        assert_eq!(reason(""), KeyError::NoKey);
        assert_eq!(
            reason("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"),
            KeyError::NoKey
        );
        let encrypted = PKCS8.replace("PRIVATE", "ENCRYPTED PRIVATE");
        assert_eq!(reason(&encrypted), KeyError::Encrypted);
        let old = PKCS1.replacen(
            "-----\n",
            "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n",
            1,
        );
        assert_eq!(reason(&old), KeyError::Encrypted);
        let (first, _) = PKCS8.split_at(PKCS8.len() / 2);
        assert_eq!(reason(first), KeyError::NoKey);
        assert_eq!(reason(&PKCS8.replacen("MII", "MIJ", 1)), KeyError::Broken);
    }

    #[test]
    fn the_oldest_secrets_give_way_and_are_counted() {
        let mut few = Bounded::<u8, Secret>::new(2);
        for key in [1, 2, 1, 3] {
            *few.entry(key) = Secret::zeros(1);
        }
        assert!(few.get(&1).is_none() && few.get(&2).is_some() && few.get(&3).is_some());
        assert_eq!((few.len(), few.order.len(), few.let_go), (2, 2, 1));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let mut secrets = add(PKCS8).unwrap();
        let line = format!("CLIENT_RANDOM {} {}", "0a".repeat(32), "ab".repeat(48));
        secrets.add_keylog(line.as_bytes());
        let shown = format!("{secrets:?}");
        assert_eq!(shown, "Secrets { connections: 1, keys: 1, .. }");
    }
}
