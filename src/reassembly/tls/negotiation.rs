//! What the two hellos and the key exchange settle, and the keys that follow from it and the secrets of the capture.

use super::cipher::Opener;
use super::facts::Unreadable;
use super::handshake::{ClientHello, ServerHello};
use super::keylog::Label;
use super::schedule::{MASTER, Secret, expand_label, prf, session_hash};
use super::secrets::{Secrets, SessionName};
use super::suite::{Hash, Suite, TlsVersion};
use super::wire;
use crate::limits::MAX_TLS_HANDSHAKE;

/// Bytes of an encrypted premaster secret: as many as the modulus of the largest keys in use has, 16,384 bits.
const MAX_ENCRYPTED: usize = 2048;

/// Why there are no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// A part of the handshake may still come.
    Handshake,
    /// More secrets would help.
    Secrets(Unreadable),
    /// Nothing would.
    Never(Unreadable),
}

/// Which keys protect a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Those of TLS 1.2 and older.
    KeyBlock,
    /// TLS 1.3, before the server has answered.
    Early,
    /// TLS 1.3, until Finished.
    Handshake,
    /// TLS 1.3, behind it.
    Application,
}

/// The keys of one direction.
pub(super) struct Protection {
    pub(super) stage: Stage,
    pub(super) opener: Opener,
    /// What the keys of TLS 1.3 come from.
    traffic: Option<Secret>,
    suite: Suite,
}

impl Protection {
    fn of_traffic_secret(stage: Stage, suite: Suite, secret: Secret) -> Option<Self> {
        Some(Self {
            stage,
            opener: Opener::of_traffic_secret(suite, secret.bytes())?,
            traffic: Some(secret),
            suite,
        })
    }

    /// The keys behind a key update (RFC 8446 §7.2); `None` in TLS 1.2 and older.
    pub(super) fn updated(&self) -> Option<Self> {
        let (hash, secret) = (self.suite.hash, self.traffic.as_ref()?);
        let next = expand_label(hash, secret.bytes(), b"traffic upd", hash.size())?;
        Self::of_traffic_secret(Stage::Application, self.suite, next)
    }
}

/// Whether the server takes data before the handshake is complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum EarlyData {
    #[default]
    NotOffered,
    /// Offered, and the answer not read.
    Offered,
    Accepted,
    Refused,
}

/// One handshake.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is seen or not seen by itself"
)]
pub(super) struct Negotiation {
    client_random: Option<[u8; 32]>,
    server: Option<ServerHello>,
    suite: Option<Suite>,
    /// The ticket by which the client wants to resume a session.
    offered_ticket: Option<SessionName>,
    /// The ticket that the server gave for the next time.
    given_ticket: Option<SessionName>,
    pub(super) early_data: EarlyData,
    /// Whether there was a HelloRetryRequest.
    pub(super) retried: bool,
    /// Whether a session is resumed (TLS 1.2 and older).
    pub(super) resumed: bool,
    /// Whether a part of the handshake is missing.
    pub(super) incomplete: bool,
    /// Whether the last message of the server's flight in a full handshake was seen.
    pub(super) server_done: bool,
    pub(super) key_exchange_seen: bool,
    encrypted_premaster: Option<Vec<u8>>,
    modulus: Option<Vec<u8>>,
    /// Messages up to ClientKeyExchange, where the master secret will be bound to them: those of the client's that come
    /// before the server's, the server's, the client's behind them.
    transcript: [Vec<u8>; 3],
    master: Option<Secret>,
    /// With which secrets the master secret was looked for in vain.
    tried: Option<((u64, u64), Lack)>,
}

impl Negotiation {
    pub(super) fn of(hello: &ClientHello, whole: &[u8]) -> Self {
        let mut transcript = <[Vec<u8>; 3]>::default();
        transcript[0].extend_from_slice(whole);
        Self {
            client_random: Some(hello.random),
            offered_ticket: SessionName::of_ticket(&hello.ticket),
            early_data: if hello.early_data {
                EarlyData::Offered
            } else {
                EarlyData::NotOffered
            },
            transcript,
            ..Self::default()
        }
    }

    /// Adds the ClientHello where the ServerHello came before it.
    pub(super) fn late_client_hello(&mut self, hello: &ClientHello, whole: &[u8]) {
        let of_client = Self::of(hello, whole);
        self.client_random = of_client.client_random;
        self.offered_ticket = of_client.offered_ticket;
        self.early_data = of_client.early_data;
        if self.is_bound() {
            let [first, ..] = &mut self.transcript;
            first.extend_from_slice(whole);
        }
    }

    pub(super) fn version(&self) -> Option<TlsVersion> {
        self.server.as_ref().map(|it| it.version)
    }

    /// Whether it is TLS 1.3, as a HelloRetryRequest says before the ServerHello.
    pub(super) fn is_tls13(&self) -> bool {
        self.retried || self.version() == Some(TlsVersion::TLS_1_3)
    }

    /// The suite, where its records can be opened.
    pub(super) fn suite(&self) -> Option<Suite> {
        self.suite
    }

    pub(super) fn answered(&mut self, hello: ServerHello, whole: &[u8]) {
        let suite = Suite::of(hello.suite);
        self.suite = suite;
        self.server = Some(hello);
        let is_bound = self.is_bound();
        if is_bound {
            let [_, servers, _] = &mut self.transcript;
            servers.extend_from_slice(whole);
        } else {
            self.transcript = <[Vec<u8>; 3]>::default();
        }
    }

    /// Whether the master secret depends on the messages of the handshake, and is to be found from the premaster secret.
    fn is_bound(&self) -> bool {
        self.suite.is_some_and(|it| it.rsa_key_exchange)
            && self
                .server
                .as_ref()
                .is_some_and(|it| it.extended_master_secret)
    }

    /// Notes a message behind the hellos that an extended master secret covers (RFC 7627 §3).
    pub(super) fn transcribe(&mut self, from_client: bool, whole: &[u8]) {
        if self.server.is_some() && !self.is_bound() || self.master.is_some() {
            return;
        }
        if self.transcript.iter().map(Vec::len).sum::<usize>() + whole.len() > MAX_TLS_HANDSHAKE {
            self.incomplete = true;
            self.transcript = <[Vec<u8>; 3]>::default();
            return;
        }
        let [_, servers, clients] = &mut self.transcript;
        if from_client && !self.key_exchange_seen {
            clients.extend_from_slice(whole);
        } else if !from_client && !self.server_done {
            servers.extend_from_slice(whole);
        }
    }

    /// Notes a ClientKeyExchange: with RSA, the premaster secret encrypted (RFC 5246 §7.4.7.1).
    pub(super) fn key_exchange(&mut self, body: &[u8]) {
        self.key_exchange_seen = true;
        // With the suite still unknown it may be one.
        if self.suite.is_none_or(|it| it.rsa_key_exchange) {
            let mut body = body;
            self.encrypted_premaster = wire::prefixed(&mut body, 2)
                .filter(|it| it.len() <= MAX_ENCRYPTED)
                .map(<[u8]>::to_vec);
        }
    }

    pub(super) fn set_modulus(&mut self, modulus: Option<Vec<u8>>) {
        self.modulus = modulus;
    }

    /// Notes the ticket that the server gave (RFC 5077 §3.3).
    pub(super) fn ticket(&mut self, ticket: &[u8], secrets: &mut Secrets) {
        self.given_ticket = SessionName::of_ticket(ticket);
        if let (Some(master), Some(name)) = (&self.master, self.given_ticket) {
            secrets.remember(name, master);
        }
    }

    /// The keys of a direction.
    ///
    /// # Errors
    /// [`Lack`] says what is missing.
    pub(super) fn keys(
        &mut self,
        stage: Stage,
        of_client: bool,
        secrets: &mut Secrets,
    ) -> Result<Protection, Lack> {
        if self.client_random.is_none() || self.server.is_none() {
            return Err(Lack::Handshake);
        }
        if stage == Stage::KeyBlock {
            self.find_master(secrets)?;
            return self
                .keys_of_block(of_client)
                .ok_or(Lack::Never(Unreadable::CipherNotSupported));
        }
        self.keys_of_traffic(stage, of_client, secrets)
    }

    fn keys_of_traffic(
        &self,
        stage: Stage,
        of_client: bool,
        secrets: &Secrets,
    ) -> Result<Protection, Lack> {
        let unsupported = Lack::Never(Unreadable::CipherNotSupported);
        let suite = self.suite.filter(|it| it.tls13).ok_or(unsupported)?;
        let random = self.client_random.ok_or(Lack::Handshake)?;
        let label = match (stage, of_client) {
            (Stage::Early | Stage::KeyBlock, _) => Label::EarlyTraffic,
            (Stage::Handshake, true) => Label::ClientHandshake,
            (Stage::Handshake, false) => Label::ServerHandshake,
            (Stage::Application, true) => Label::ClientTraffic,
            (Stage::Application, false) => Label::ServerTraffic,
        };
        let Some(secret) = secrets.get(&random, label) else {
            return Err(Lack::Secrets(Self::without_keylog(secrets)));
        };
        if secret.bytes().len() != suite.hash.size() {
            return Err(Lack::Secrets(Unreadable::BadRecord));
        }
        Protection::of_traffic_secret(stage, suite, secret.clone()).ok_or(unsupported)
    }

    fn without_keylog(secrets: &Secrets) -> Unreadable {
        if secrets.has_rsa_keys() && !secrets.has_keylog() {
            Unreadable::KeyExchangeNotRsa
        } else {
            Unreadable::NoSecrets
        }
    }

    fn find_master(&mut self, secrets: &mut Secrets) -> Result<(), Lack> {
        // Private keys are not tried anew for what other connections told: that helps none but a resumed session.
        let state = (
            secrets.generation(),
            if self.resumed { secrets.learned() } else { 0 },
        );
        if let Some((tried, lack)) = self.tried
            && tried == state
        {
            return Err(lack);
        }
        if self.master.is_none() {
            match self.master(secrets) {
                Ok(master) => self.master = Some(master),
                Err(lack) => {
                    if lack != Lack::Handshake {
                        self.tried = Some((state, lack));
                    }
                    return Err(lack);
                }
            }
            self.transcript = <[Vec<u8>; 3]>::default();
            let id = self
                .server
                .as_ref()
                .and_then(|it| SessionName::of_id(&it.session_id));
            if let Some(master) = &self.master {
                for name in [id, self.given_ticket].into_iter().flatten() {
                    secrets.remember(name, master);
                }
            }
        }
        Ok(())
    }

    /// The master secret of TLS 1.2 and older (RFC 5246 §8.1, RFC 7627 §4).
    fn master(&self, secrets: &Secrets) -> Result<Secret, Lack> {
        let (Some(random), Some(server)) = (self.client_random, &self.server) else {
            return Err(Lack::Handshake);
        };
        let version = server.version;
        if !(TlsVersion::TLS_1_0..=TlsVersion::TLS_1_2).contains(&version) {
            return Err(Lack::Never(Unreadable::VersionNotSupported));
        }
        let suite = self.suite.filter(|it| !it.tls13 && !server.compressed);
        let suite = suite.ok_or(Lack::Never(Unreadable::CipherNotSupported))?;
        if let Some(master) = secrets.get(&random, Label::Master) {
            return Ok(master.clone());
        }
        if self.resumed {
            let id = SessionName::of_id(&server.session_id);
            return [self.offered_ticket, id]
                .iter()
                .flatten()
                .find_map(|name| secrets.session(name))
                .cloned()
                .ok_or(Lack::Secrets(Unreadable::NoSecrets));
        }
        if !suite.rsa_key_exchange {
            return Err(Lack::Secrets(Self::without_keylog(secrets)));
        }
        let bound = self.is_bound();
        let Some(encrypted) = &self.encrypted_premaster else {
            return Err(self.or_missing());
        };
        if bound && (!self.server_done || self.incomplete) {
            return Err(self.or_missing());
        }
        let modulus = self.modulus.as_deref();
        let Some(premaster) = secrets.premaster(encrypted, modulus) else {
            return Err(Lack::Secrets(if !secrets.has_rsa_keys() {
                Unreadable::NoSecrets
            } else if modulus.is_some_and(|it| secrets.has_key_of(it)) {
                Unreadable::BadRecord
            } else {
                Unreadable::KeyOfAnotherCertificate
            }));
        };
        let premaster = premaster.bytes();
        Ok(if bound {
            let messages = self.transcript.each_ref().map(Vec::as_slice);
            let hash = session_hash(version, suite.hash, &messages);
            let label = b"extended master secret";
            prf(version, suite.hash, premaster, label, &[&hash], MASTER)
        } else {
            let seed: [&[u8]; 2] = [&random, &server.random];
            prf(
                version,
                suite.hash,
                premaster,
                b"master secret",
                &seed,
                MASTER,
            )
        })
    }

    /// What lacks where the private key is not enough: a key log would be.
    fn or_missing(&self) -> Lack {
        if self.incomplete {
            Lack::Secrets(Unreadable::BytesMissing)
        } else {
            Lack::Handshake
        }
    }

    /// One direction's part of the key block (RFC 5246 §6.3).
    fn keys_of_block(&self, of_client: bool) -> Option<Protection> {
        let (server, suite) = (self.server.as_ref()?, self.suite?);
        let version = server.version;
        let sizes = [
            suite.mac.map_or(0, Hash::size),
            suite.cipher.key_size(),
            suite.cipher.fixed_iv_size(version),
        ];
        let seed: [&[u8]; 2] = [&server.random, self.client_random.as_ref()?];
        let master = self.master.as_ref()?.bytes();
        let total = sizes.iter().sum::<usize>() * 2;
        let block = prf(version, suite.hash, master, b"key expansion", &seed, total);
        let mut rest = block.bytes();
        // MAC keys, keys, vectors: of each the client's and then the server's.
        let mut parts = sizes.map(|size| {
            let clients = wire::take(&mut rest, size).unwrap_or_default();
            let servers = wire::take(&mut rest, size).unwrap_or_default();
            if of_client { clients } else { servers }
        });
        let [mac, key, iv] = &mut parts;
        Some(Protection {
            stage: Stage::KeyBlock,
            opener: Opener::of_key_block(suite, version, server.encrypt_then_mac, mac, key, iv)?,
            traffic: None,
            suite,
        })
    }
}
