//! Texts for people: reason phrases, warnings, names of software. They say what is wrong, so they stay, but for the addresses,
//! names and numbers in them.

use super::Walk;
use super::pieces::{is_divider, is_domain, is_number, is_uri, part, split};
use crate::hash::HashSet;
use std::sync::LazyLock;

/// Words of reason phrases and warnings, which may be names of users as well.
const SAID: &str = " accept accepted account alerting allowed already anonymous answer answered asterisk auth authentication authorized \
    bad bandwidth barred busy call caller called calls cancel cancelled cause channel client closed codec codecs completed \
    conference connect connection contact created declined default denied destination device dialog does domain elsewhere endpoint error \
    event everywhere exceeded exist extension failed failure forbidden found from gateway gone group has here hold identity \
    in incompatible incomplete info internal interval invalid invite is large leg limit long loop max media message method \
    missing moved multiple name network no normal not number of ok on operator out overload password peer permanently phone port protocol proxy \
    queue rate reached recording register registration rejected remote request requests required response ringing route \
    server service session sip sipp small soon supported system temporarily test the timed timeout to too transaction transfer \
    trunk trying type unallocated unassigned unauthorized unavailable unknown unreachable unsupported uri user version via voicemail \
    was with wrong ";

impl Walk<'_> {
    /// A text in its place.
    pub(super) fn text(&mut self, text: &mut [u8]) {
        let is_break = |byte: u8| is_divider(byte) || matches!(byte, b'!' | b'?');
        for range in split(text, is_break) {
            let word = part(text, range);
            let closes = word
                .iter()
                .rev()
                .take_while(|it| matches!(it, b'.' | b':'))
                .count();
            let end = word.len() - closes;
            self.said(part(word, 0..end));
        }
    }

    fn said(&mut self, word: &mut [u8]) {
        if word.is_empty() {
            return;
        }
        let is_mapped_address =
            crate::address::literal_with_port(word).is_some() || word.starts_with(b"[");
        if is_mapped_address {
            self.host_and_port(word);
            return;
        }
        if is_uri(word) {
            self.uri(word);
        } else if word.contains(&b'@') {
            self.user(word);
        } else if word.contains(&b'/') {
            for range in split(word, |byte| byte == b'/') {
                self.said(part(word, range));
            }
        } else if is_hardware(word) || looks_secret(word) {
            self.opaque(word);
        } else if is_number(word)
            && word.iter().filter(|it| it.is_ascii_digit()).count() >= 5
            && !is_version(word)
        {
            self.number(word);
        } else if is_domain(word) {
            self.host(word);
        } else if word.len() >= 3 && !is_said(word) {
            self.known(word);
        }
    }

    /// A word that is a name as far as is known.
    fn known(&mut self, word: &mut [u8]) {
        let lower = word.to_ascii_lowercase();
        let way = self.way;
        let is_user = self.state.users.knows(word, way) || self.state.users.knows(&lower, way);
        if is_user {
            self.user(word);
        } else if word.len() >= 4
            && word.iter().all(u8::is_ascii_digit)
            && self.state.numbers.knows(word, way)
        {
            self.number(word);
        } else if word.len() >= 4
            && (self.state.hosts.knows(word, way) || self.state.hosts.knows(&lower, way))
        {
            self.host(word);
        }
    }
}

/// Whether a word is one that reason phrases are made of.
fn is_said(word: &[u8]) -> bool {
    static WORDS: LazyLock<HashSet<&[u8]>> =
        LazyLock::new(|| SAID.split(' ').map(str::as_bytes).collect());
    WORDS.contains(&*word.to_ascii_lowercase())
}

/// Whether a word is a hardware address: twelve hexadecimal digits, with or without what divides them.
fn is_hardware(word: &[u8]) -> bool {
    let digits = word.iter().filter(|it| it.is_ascii_hexdigit()).count();
    let decimal = word.iter().filter(|it| it.is_ascii_digit()).count();
    digits == 12
        && decimal >= 2
        && word
            .iter()
            .all(|it| it.is_ascii_hexdigit() || matches!(it, b':' | b'-' | b'.'))
}

/// Whether a word is a long one of letters and digits mixed: a serial number, a key, an id.
fn looks_secret(word: &[u8]) -> bool {
    let hex = word.iter().filter(|it| it.is_ascii_hexdigit()).count();
    let decimal = word.iter().filter(|it| it.is_ascii_digit()).count();
    word.len() >= 8
        && decimal >= 3
        && (hex == word.len() && decimal < hex || word.len() >= 20 && decimal >= 6)
}

/// Whether it is a version: numbers with dots between them.
fn is_version(word: &[u8]) -> bool {
    word.contains(&b'.')
        && word
            .iter()
            .all(|it| it.is_ascii_digit() || matches!(it, b'.' | b'-'))
}
