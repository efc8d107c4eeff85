//! Puts handshake messages together from records (RFC 8446 §4), and reads those that matter with `tls-parser`.

use super::certificate::text;
use super::suite::{CipherSuite, TlsVersion, is_grease};
use super::wire;
use crate::limits::{MAX_TLS_HANDSHAKE, MAX_TLS_NAMES};
use tls_parser::{
    TlsExtension, parse_tls_extension_alpn_content, parse_tls_extension_sni_content,
    parse_tls_handshake_client_hello, parse_tls_handshake_server_hello,
};

/// The types of messages (RFC 8446 §B.3, RFC 5246 §7.4, RFC 5077 §3.3) that are asked for here.
pub(super) mod kind {
    pub(crate) const CLIENT_HELLO: u8 = 1;
    pub(crate) const SERVER_HELLO: u8 = 2;
    pub(crate) const NEW_SESSION_TICKET: u8 = 4;
    pub(crate) const END_OF_EARLY_DATA: u8 = 5;
    pub(crate) const ENCRYPTED_EXTENSIONS: u8 = 8;
    pub(crate) const CERTIFICATE: u8 = 11;
    pub(crate) const CERTIFICATE_REQUEST: u8 = 13;
    pub(crate) const SERVER_HELLO_DONE: u8 = 14;
    pub(crate) const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub(crate) const FINISHED: u8 = 20;
    pub(crate) const KEY_UPDATE: u8 = 24;
}

/// Bytes before each message: type and length.
const HEAD: usize = 4;

/// A handshake message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) kind: u8,
    /// All of it, as hashed for the transcript.
    pub(super) whole: &'a [u8],
    /// What follows type and length.
    pub(super) body: &'a [u8],
}

/// Puts the messages of one direction together, however records divide them.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// The start of a message whose rest has not come.
    kept: Vec<u8>,
    spent: bool,
    /// Bytes still to come of a message that is too long to be kept.
    passing_over: usize,
}

impl Messages {
    /// Forgets what was begun.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// The next message, taken off the front of `data`; `None` when more bytes are needed, which are then kept.
    pub(super) fn next<'a, 'd: 'a>(&'a mut self, data: &mut &'d [u8]) -> Option<Message<'a>> {
        if self.spent {
            // Given back when it was large: most connections are idle most of the time.
            self.kept.clear();
            self.kept.shrink_to(4096);
            self.spent = false;
        }
        loop {
            let over = self.passing_over.min(data.len());
            wire::take(data, over)?;
            self.passing_over -= over;
            if self.passing_over > 0 {
                return None;
            }
            if self.kept.is_empty()
                && let Some(message) = whole(data)
            {
                *data = data.get(message.whole.len()..).unwrap_or_default();
                return Some(message);
            }
            if !self.fill(data, HEAD) {
                return None;
            }
            let size = HEAD + length(&self.kept);
            if size > MAX_TLS_HANDSHAKE {
                self.passing_over = size.saturating_sub(self.kept.len());
                self.kept.clear();
                continue;
            }
            if !self.fill(data, size) {
                return None;
            }
            self.spent = true;
            return whole(&self.kept);
        }
    }

    /// Moves bytes from `data` to what is kept until that holds `count`; whether it does.
    fn fill(&mut self, data: &mut &[u8], count: usize) -> bool {
        let lacking = count.saturating_sub(self.kept.len()).min(data.len());
        self.kept
            .extend_from_slice(wire::take(data, lacking).unwrap_or_default());
        self.kept.len() >= count
    }
}

fn length(head: &[u8]) -> usize {
    let mut length = head.get(1..HEAD).unwrap_or_default();
    wire::number(&mut length, 3).unwrap_or(0)
}

/// The message at the front of bytes, when it is there to its end and not too long.
fn whole(bytes: &[u8]) -> Option<Message<'_>> {
    let size = bytes.get(..HEAD).map(length)? + HEAD;
    let whole = bytes.get(..size).filter(|_| size <= MAX_TLS_HANDSHAKE)?;
    Some(Message {
        kind: *whole.first()?,
        whole,
        body: whole.get(HEAD..)?,
    })
}

/// What a ClientHello says (RFC 8446 §4.1.2).
#[derive(Debug, Default)]
pub(super) struct ClientHello {
    pub(super) random: [u8; 32],
    pub(super) suites: usize,
    pub(super) versions: Vec<TlsVersion>,
    pub(super) server_name: Option<String>,
    pub(super) protocols: Vec<String>,
    pub(super) ticket: Vec<u8>,
    pub(super) early_data: bool,
    pub(super) encrypted: bool,
}

/// RFC 5746 §3.3 and RFC 7507 §2: numbers among the suites that are signals.
const SIGNALS: [u16; 2] = [0x00ff, 0x5600];

/// RFC 9849 §5: the extension `encrypted_client_hello`.
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// Reads a ClientHello; `None` when it is broken before its extensions.
pub(super) fn client_hello(body: &[u8]) -> Option<ClientHello> {
    let (_, read) = parse_tls_handshake_client_hello(body).ok()?;
    let mut hello = ClientHello {
        random: wire::array(read.random)?,
        suites: read
            .ciphers
            .iter()
            .filter(|it| !is_grease(it.0) && !SIGNALS.contains(&it.0))
            .count(),
        versions: vec![TlsVersion(read.version.0)],
        ..ClientHello::default()
    };
    for (kind, content) in wire::extensions(read.ext.unwrap_or_default()) {
        match kind {
            0 => hello.server_name = server_name(content),
            16 => hello.protocols = protocols(content),
            35 => hello.ticket = content.to_vec(),
            42 => hello.early_data = true,
            43 => {
                let list = content.get(1..).unwrap_or_default();
                let versions = list.as_chunks::<2>().0.iter().copied();
                hello.versions = versions
                    .map(u16::from_be_bytes)
                    .filter(|version| !is_grease(*version))
                    .map(TlsVersion)
                    .take(MAX_TLS_NAMES)
                    .collect();
            }
            ENCRYPTED_CLIENT_HELLO => hello.encrypted = true,
            _ => {}
        }
    }
    Some(hello)
}

fn server_name(content: &[u8]) -> Option<String> {
    match parse_tls_extension_sni_content(content).ok()?.1 {
        TlsExtension::SNI(names) => names
            .first()
            .map(|(_, name)| text(&String::from_utf8_lossy(name))),
        _ => None,
    }
}

fn protocols(content: &[u8]) -> Vec<String> {
    match parse_tls_extension_alpn_content(content) {
        Ok((_, TlsExtension::ALPN(names))) => names
            .iter()
            .take(MAX_TLS_NAMES)
            .map(|name| text(&String::from_utf8_lossy(name)))
            .collect(),
        _ => Vec::new(),
    }
}

/// What a ServerHello says (RFC 8446 §4.1.3).
#[derive(Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "extensions that are there or not"
)]
pub(super) struct ServerHello {
    pub(super) random: [u8; 32],
    pub(super) session_id: Vec<u8>,
    pub(super) version: TlsVersion,
    pub(super) suite: CipherSuite,
    pub(super) compressed: bool,
    pub(super) encrypt_then_mac: bool,
    pub(super) extended_master_secret: bool,
    pub(super) pre_shared_key: bool,
    pub(super) protocol: Option<String>,
    /// Whether it is a HelloRetryRequest, which differs in its random alone.
    pub(super) retry: bool,
}

/// The random of a HelloRetryRequest (RFC 8446 §4.1.3): SHA-256 of that name.
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// Reads a ServerHello; `None` when it is broken before its extensions.
pub(super) fn server_hello(body: &[u8]) -> Option<ServerHello> {
    let (_, read) = parse_tls_handshake_server_hello(body).ok()?;
    let random = wire::array(read.random)?;
    let mut hello = ServerHello {
        random,
        session_id: read.session_id.unwrap_or_default().to_vec(),
        version: TlsVersion(read.version.0),
        suite: CipherSuite(read.cipher.0),
        compressed: read.compression.0 != 0,
        encrypt_then_mac: false,
        extended_master_secret: false,
        pre_shared_key: false,
        protocol: None,
        retry: random == RETRY,
    };
    for (kind, content) in wire::extensions(read.ext.unwrap_or_default()) {
        match kind {
            16 => hello.protocol = protocols(content).into_iter().next(),
            // RFC 7366 §2; tls-parser 0.12 reads this one under the number of another.
            22 => hello.encrypt_then_mac = true,
            23 => hello.extended_master_secret = true,
            41 => hello.pre_shared_key = true,
            43 => {
                let version = wire::array(content).map(u16::from_be_bytes);
                hello.version = TlsVersion(version.unwrap_or(hello.version.0));
            }
            _ => {}
        }
    }
    Some(hello)
}

/// What the server adds once it can encrypt (RFC 8446 §4.3.1): the protocol it chose and whether it takes early data.
pub(super) fn encrypted_extensions(mut body: &[u8]) -> (Option<String>, bool) {
    let mut protocol = None;
    let mut early_data = false;
    for (kind, content) in wire::extensions(wire::prefixed(&mut body, 2).unwrap_or_default()) {
        match kind {
            16 => protocol = protocols(content).into_iter().next(),
            42 => early_data = true,
            _ => {}
        }
    }
    (protocol, early_data)
}

/// The first certificate of a Certificate message, and how many it holds; `None` for the first when it holds none.
pub(super) fn certificates(mut body: &[u8], version: TlsVersion) -> Option<(Option<&[u8]>, usize)> {
    // RFC 8446 §4.4.2 has a context before the list and extensions behind each certificate, RFC 5246 §7.4.2 has not.
    let tls13 = version >= TlsVersion::TLS_1_3;
    if tls13 {
        wire::prefixed(&mut body, 1)?;
    }
    let mut list = wire::prefixed(&mut body, 3)?;
    let mut first = None;
    let mut count = 0;
    while let Some(certificate) = wire::prefixed(&mut list, 3) {
        first = first.or(Some(certificate));
        count += 1;
        if tls13 {
            wire::prefixed(&mut list, 2)?;
        }
    }
    Some((first, count))
}

/// The ticket of a NewSessionTicket of TLS 1.2 (RFC 5077 §3.3).
pub(super) fn ticket(mut body: &[u8]) -> Option<&[u8]> {
    wire::take(&mut body, 4)?;
    wire::prefixed(&mut body, 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(messages: &mut Messages, pieces: &[&[u8]]) -> Vec<(u8, Vec<u8>)> {
        let mut found = Vec::new();
        for piece in pieces {
            let mut data = *piece;
            while let Some(message) = messages.next(&mut data) {
                assert_eq!(message.whole.len(), message.body.len() + HEAD);
                found.push((message.kind, message.body.to_vec()));
            }
            assert!(data.is_empty());
        }
        found
    }

    #[test]
    fn messages_are_put_together_from_any_pieces() {
        let bytes = b"\x0e\0\0\0\x0b\0\0\x02hi\x14\0\0\x01!";
        let expected = [(14, Vec::new()), (11, b"hi".to_vec()), (20, b"!".to_vec())];
        for at in 0..bytes.len() {
            let (first, second) = bytes.split_at(at);
            assert_eq!(all(&mut Messages::default(), &[first, second]), expected);
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_passed_over_and_not_kept() {
        let mut messages = Messages::default();
        let size = MAX_TLS_HANDSHAKE + 1;
        let head = [11, 2, 0, u8::try_from(size % 256).unwrap()];
        assert!(all(&mut messages, &[&head]).is_empty());
        let rest = vec![0; size];
        for chunk in rest.chunks(1000) {
            assert!(all(&mut messages, &[chunk]).is_empty());
            assert!(messages.kept.len() <= 1);
        }
        messages.reset();
        assert_eq!(all(&mut messages, &[b"\x0e\0\0\0"]), [(14, Vec::new())]);
    }

    proptest! {
        #[test]
        fn the_rest_of_a_long_message_is_counted_exactly(extra in 0_usize..5, split in 0_usize..40) {
            let size = MAX_TLS_HANDSHAKE - 2 + extra;
            let mut bytes = vec![11];
            bytes.extend_from_slice(&u32::try_from(size).unwrap().to_be_bytes()[1..]);
            bytes.resize(HEAD + size, 7);
            bytes.extend_from_slice(b"\x0e\0\0\0");
            let (first, second) = bytes.split_at(bytes.len() - split);
            let found = all(&mut Messages::default(), &[first, second]);
            let kept = HEAD + size <= MAX_TLS_HANDSHAKE;
            prop_assert_eq!(found.len(), 1 + usize::from(kept));
            prop_assert_eq!(found.last().unwrap().0, 14);
        }
    }
}
