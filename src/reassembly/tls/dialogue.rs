//! What each handshake message changes: the facts, the keys that are waited for, the transcript.

use super::certificate;
use super::connection::Tls;
use super::direction::State;
use super::handshake::{self, ClientHello, Message, ServerHello, kind};
use super::negotiation::{EarlyData, Negotiation, Stage};
use super::secrets::Secrets;
use super::suite::TlsVersion;
use crate::capture::Sighting;
use crate::reassembly::Side;
use std::mem;

impl Tls {
    /// Takes what a record of the handshake carries. `opened` says that it was protected.
    pub(super) fn messages(
        &mut self,
        side: Side,
        content: &[u8],
        at: Sighting,
        opened: bool,
        secrets: &mut Secrets,
    ) {
        let mut content = content;
        let mut messages = mem::take(&mut self.directions.of_mut(side).messages);
        while let Some(message) = messages.next(&mut content) {
            self.message(side, &message, at, opened, secrets);
        }
        self.directions.of_mut(side).messages = messages;
    }

    fn message(
        &mut self,
        side: Side,
        message: &Message<'_>,
        at: Sighting,
        opened: bool,
        secrets: &mut Secrets,
    ) {
        let tls13 = self.negotiation.is_tls13();
        let hello = matches!(message.kind, kind::CLIENT_HELLO | kind::SERVER_HELLO);
        let direction = self.directions.of(side);
        if !hello && !opened && !direction.hello && message.kind != 0 {
            self.began_before(side);
        }
        if !hello {
            let from_client = self.facts.client == Some(side);
            // RFC 5246 §7.4.1.1: HelloRequest is not part of the handshake.
            if !tls13 && message.kind != 0 {
                self.negotiation.transcribe(from_client, message.whole);
            }
        }
        match message.kind {
            kind::CLIENT_HELLO if !(opened && tls13) => self.client_hello(side, message, at),
            kind::SERVER_HELLO if !(opened && tls13) => self.server_hello(side, message, at),
            kind::CERTIFICATE => self.certificate(side, message.body),
            kind::CERTIFICATE_REQUEST => self.facts.client_certificate_requested = true,
            kind::SERVER_HELLO_DONE => {
                self.negotiation.server_done = true;
                self.changed = true;
            }
            kind::CLIENT_KEY_EXCHANGE => {
                self.negotiation.key_exchange(message.body);
                self.changed = true;
            }
            kind::NEW_SESSION_TICKET if !tls13 => {
                if let Some(ticket) = handshake::ticket(message.body) {
                    self.negotiation.ticket(ticket, secrets);
                }
            }
            kind::ENCRYPTED_EXTENSIONS if opened && tls13 => {
                let (protocol, early_data) = handshake::encrypted_extensions(message.body);
                self.facts.protocol = protocol;
                if self.negotiation.early_data == EarlyData::Offered {
                    self.negotiation.early_data = if early_data {
                        EarlyData::Accepted
                    } else {
                        EarlyData::Refused
                    };
                    self.changed = true;
                }
            }
            kind::END_OF_EARLY_DATA if opened && tls13 => {
                self.directions.of_mut(side).wait_for(Stage::Handshake);
            }
            kind::FINISHED if opened => self.finished(side, at),
            kind::KEY_UPDATE if opened && tls13 => self.key_update(side),
            _ => {}
        }
    }

    fn client_hello(&mut self, side: Side, message: &Message<'_>, at: Sighting) {
        let Some(hello) = handshake::client_hello(message.body) else {
            return;
        };
        self.facts.client.get_or_insert(side);
        if self.facts.client != Some(side) {
            return;
        }
        self.directions.of_mut(side).hello = true;
        self.changed = true;
        let again = self
            .facts
            .client_hello
            .replace(self.facts.client_hello.unwrap_or(at));
        if again.is_none() {
            self.first_client_hello(&hello);
        }
        // The one behind a HelloRetryRequest goes on with the same handshake (RFC 8446 §4.1.2); one behind a handshake
        // begins another (RFC 5246 §7.4.1.2).
        if again.is_some() && self.negotiation.retried {
            return;
        }
        // Where the server's hello came first, out of order or behind missing bytes, it belongs to this one.
        if again.is_none() && self.negotiation.version().is_some() {
            self.negotiation.late_client_hello(&hello, message.whole);
            if hello.early_data && self.negotiation.is_tls13() {
                self.directions.of_mut(side).wait_for(Stage::Early);
            }
        } else {
            self.negotiation = Negotiation::of(&hello, message.whole);
        }
    }

    fn first_client_hello(&mut self, hello: &ClientHello) {
        let facts = &mut self.facts;
        facts.offered_versions.clone_from(&hello.versions);
        facts.offered_suites = hello.suites;
        facts.server_name.clone_from(&hello.server_name);
        facts.offered_protocols.clone_from(&hello.protocols);
        facts.encrypted_client_hello = hello.encrypted;
        facts.early_data = hello.early_data;
    }

    fn server_hello(&mut self, side: Side, message: &Message<'_>, at: Sighting) {
        let Some(hello) = handshake::server_hello(message.body) else {
            return;
        };
        self.facts.client.get_or_insert(side.other());
        if self.facts.client == Some(side) {
            return;
        }
        self.changed = true;
        if hello.retry {
            self.facts.hello_retry.get_or_insert(at);
            self.negotiation.retried = true;
            // RFC 8446 §4.1.2: early data does not outlive it.
            if self.negotiation.early_data != EarlyData::NotOffered {
                self.negotiation.early_data = EarlyData::Refused;
            }
            return;
        }
        self.directions.of_mut(side).hello = true;
        let facts = &mut self.facts;
        if facts.server_hello.is_none() {
            facts.server_hello = Some(at);
            facts.version = Some(hello.version);
            facts.cipher_suite = Some(hello.suite);
            facts.protocol.clone_from(&hello.protocol);
        }
        self.answered(hello, message.whole);
    }

    fn answered(&mut self, hello: ServerHello, whole: &[u8]) {
        let tls13 = hello.version == TlsVersion::TLS_1_3;
        if tls13 {
            self.facts.resumed = hello.pre_shared_key;
        }
        self.negotiation.answered(hello, whole);
        if !tls13 {
            return;
        }
        for side in [Side::Opener, Side::Acceptor] {
            let offered = self.facts.client == Some(side)
                && self.negotiation.early_data != EarlyData::NotOffered;
            let direction = self.directions.of_mut(side);
            if matches!(direction.state, State::Clear) {
                direction.wait_for(if offered {
                    Stage::Early
                } else {
                    Stage::Handshake
                });
            }
        }
    }

    fn certificate(&mut self, side: Side, body: &[u8]) {
        // Before the hellos are known it is TLS 1.2: that of TLS 1.3 is encrypted.
        let version = self.negotiation.version().unwrap_or(TlsVersion::TLS_1_2);
        let Some((first, count)) = handshake::certificates(body, version) else {
            return;
        };
        let read = first.and_then(|it| certificate::read(it, count));
        let (facts, modulus) = read.map_or((None, None), |(facts, modulus)| (Some(facts), modulus));
        if self.facts.client == Some(side) {
            self.facts.client_certificate_presented = Some(first.is_some());
            self.facts.client_certificate = facts;
        } else {
            self.facts.certificate = facts;
            self.negotiation.set_modulus(modulus);
        }
    }

    fn finished(&mut self, side: Side, at: Sighting) {
        let tls13 = self.negotiation.is_tls13();
        let direction = self.directions.of_mut(side);
        direction.finished = true;
        if tls13 && matches!(&direction.state, State::Open(it) if it.stage == Stage::Handshake) {
            direction.wait_for(Stage::Application);
        }
        if self.directions.of(side.other()).finished {
            self.complete_certainly.get_or_insert(at);
        }
    }

    fn key_update(&mut self, side: Side) {
        let direction = self.directions.of_mut(side);
        if let State::Open(protection) = &direction.state
            && protection.stage == Stage::Application
            && let Some(updated) = protection.updated()
        {
            direction.wait_for(Stage::Application);
            direction.protect(updated);
        }
    }
}
