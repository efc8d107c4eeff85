//! Who: users, hosts, addresses, numbers, Call-IDs.

use super::Walk;
use super::addresses;
use super::names::{Names, put};
use super::pieces::{is_number, is_one_of, is_short_code, part, split};
use super::secret::Way;
use crate::address;
use crate::limits::MAX_REDACTED_NAMES;
use std::net::IpAddr;

/// Users that name nobody.
pub(super) const NOBODY: &[&[u8]] = &[
    b"anonymous",
    b"unknown",
    b"unavailable",
    b"restricted",
    b"private",
];

/// Labels of host names that name nobody; of domains only those that no owner has.
const NOWHERE: &[&[u8]] = &[
    b"anonymous",
    b"invalid",
    b"localhost",
    b"localdomain",
    b"local",
    b"lan",
    b"com",
    b"net",
    b"org",
    b"arpa",
    b"asterisk",
    b"in-addr",
    b"ip6",
];

/// Numbers of three digits that are the same for everybody: emergency calls.
pub(super) const EMERGENCY: &[&[u8]] = &[
    b"000", b"110", b"111", b"112", b"113", b"114", b"115", b"116", b"117", b"118", b"119", b"911",
    b"999",
];

impl Walk<'_> {
    /// A host name or an address, with or without brackets.
    pub(super) fn host(&mut self, host: &mut [u8]) {
        let blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'[' | b']' | b'"');
        let from = host.iter().take_while(|it| blank(it)).count();
        let behind = host.iter().rev().take_while(|it| blank(it)).count();
        let end = host.len().saturating_sub(behind).max(from);
        let host = part(host, from..end);
        if self.literal(host) {
            return;
        }
        for range in split(host, |byte| matches!(byte, b'.' | b' ' | b':' | b'_')) {
            self.label(part(host, range));
        }
    }

    /// Replaces an address in its place; whether it is one.
    pub(super) fn literal(&mut self, text: &mut [u8]) -> bool {
        let end = text.iter().position(|it| *it == b'%').unwrap_or(text.len());
        let (address, zone) = text.split_at_mut(end);
        // Most words are none, and parsing them costs more than to see it.
        if memchr::memchr2(b'.', b':', address).is_none() {
            return false;
        }
        let Ok(word) = std::str::from_utf8(address) else {
            return false;
        };
        let Some(known) =
            address::literal(word).filter(|_| word.trim() == word && !word.starts_with('['))
        else {
            return false;
        };
        let other = self.address(known);
        addresses::write(address, other);
        self.opaque(zone);
        true
    }

    fn address(&mut self, address: IpAddr) -> IpAddr {
        match self.way {
            Way::Hide => self.state.addresses.hide(address, Some(&self.cipher)),
            Way::Show => self.state.addresses.show(address),
        }
    }

    fn label(&mut self, label: &mut [u8]) {
        if label.is_empty() || is_one_of(label, NOWHERE) {
            return;
        }
        if label.iter().all(u8::is_ascii_digit) {
            self.number(label);
            return;
        }
        self.state.hosts.replace(label, &self.cipher, self.way);
    }

    /// A host with a port behind it.
    pub(super) fn host_and_port(&mut self, text: &mut [u8]) {
        let end = text.len();
        let text = part(text, 0..end);
        let bracket = text.iter().rposition(|it| *it == b']');
        let colons = memchr::memchr_iter(b':', text).count();
        let at = match bracket {
            Some(bracket) => bracket + 1,
            // More than one colon is an address that lacks its brackets.
            None if colons > 1 => text.len(),
            None => text.iter().position(|it| *it == b':').unwrap_or(text.len()),
        };
        let Some((host, port)) = text.split_at_mut_checked(at) else {
            return;
        };
        self.host(host);
        let is_port = port
            .iter()
            .all(|it| it.is_ascii_digit() || it.is_ascii_whitespace() || *it == b':');
        if !is_port || port.len() > 12 {
            self.words(port);
        }
    }

    /// The user part of a URI: a telephone number, an extension or a name.
    pub(super) fn user(&mut self, user: &mut [u8]) {
        if let Some(at) = user.iter().position(|it| *it == b'@') {
            let (user, host) = user.split_at_mut(at);
            self.user(user);
            self.host(part(host, 1..host.len()));
            return;
        }
        if user.is_empty() || is_one_of(user, NOBODY) || is_short_code(user) || self.literal(user) {
            return;
        }
        if user.contains(&b'%') && self.escaped_user(user) {
            return;
        }
        if is_number(user) {
            self.number(user);
            return;
        }
        self.state.users.replace(user, &self.cipher, self.way);
    }

    /// A user with escapes (RFC 3261 §19.1.2): with what stands for it without them, escaped in the same places. Whether it is one.
    fn escaped_user(&mut self, user: &mut [u8]) -> bool {
        let mut plain = Vec::with_capacity(user.len());
        let mut places = Vec::with_capacity(user.len());
        let mut at = 0;
        while let Some(byte) = user.get(at) {
            let digits = user
                .get(at + 1..at + 3)
                .and_then(|it| std::str::from_utf8(it).ok());
            let code = digits.and_then(|it| u8::from_str_radix(it, 16).ok());
            match (*byte, code) {
                (b'%', Some(code)) => {
                    plain.push(code);
                    places.push((at, true));
                    at += 3;
                }
                (b'%', None) => return false,
                (byte, _) => {
                    plain.push(byte);
                    places.push((at, false));
                    at += 1;
                }
            }
        }
        if plain.contains(&b'%') {
            return false;
        }
        self.user(&mut plain);
        for ((at, is_escaped), byte) in places.into_iter().zip(plain) {
            if is_escaped {
                put(part(user, at..at + 3), format!("%{byte:02X}").as_bytes());
            } else {
                put(part(user, at..at + 1), &[byte]);
            }
        }
        true
    }

    /// A telephone number: what stands before its last eight digits stays, as does what stands between the digits.
    pub(super) fn number(&mut self, number: &mut [u8]) {
        let places: Vec<usize> = (0..)
            .zip(&*number)
            .filter(|(_, it)| it.is_ascii_digit())
            .map(|(at, _)| at)
            .collect();
        let mut digits: Vec<u8> = number.iter().copied().filter(u8::is_ascii_digit).collect();
        self.digits(&mut digits);
        for (at, digit) in places.into_iter().zip(digits) {
            if let Some(place) = number.get_mut(at) {
                *place = digit;
            }
        }
    }

    fn digits(&mut self, digits: &mut [u8]) {
        const TAIL: usize = 8;
        const LINE: usize = 3;
        if digits.len() < 3 || EMERGENCY.contains(&&*digits) {
            return;
        }
        let Self { state, cipher, way } = self;
        if digits.len() < TAIL {
            state.numbers.replace(digits, cipher, *way);
            return;
        }
        let head = digits.len() - TAIL;
        let (area, line) = part(digits, head..head + TAIL).split_at_mut(TAIL - LINE);
        let mut captured = area.to_vec();
        state.numbers.replace(area, cipher, *way);
        if *way == Way::Show {
            captured = area.to_vec();
        }
        if state.lines.len() >= MAX_REDACTED_NAMES && !state.lines.contains_key(&*captured) {
            cipher.word(line, *way);
            return;
        }
        let lines = state
            .lines
            .entry(captured.into())
            .or_insert_with(Names::of_digits);
        lines.replace(line, cipher, *way);
    }

    /// A word that nobody chose to be read.
    pub(super) fn opaque(&mut self, word: &mut [u8]) {
        if self.encoded(word) {
            return;
        }
        match self.way {
            Way::Hide => self.state.recent.hide(word, &self.cipher),
            Way::Show => self.cipher.word(word, Way::Show),
        }
    }

    /// Text in hexadecimal digits, as scanners have it in their tags: what it says is replaced; whether it is such text.
    fn encoded(&mut self, word: &mut [u8]) -> bool {
        let mut inner = Vec::with_capacity(word.len() / 2);
        for pair in word.as_chunks::<2>().0 {
            let Some(byte) = std::str::from_utf8(pair)
                .ok()
                .and_then(|it| u8::from_str_radix(it, 16).ok())
            else {
                return false;
            };
            if !byte.is_ascii_graphic() && byte != 1 {
                return false;
            }
            inner.push(byte);
        }
        if word.len() < 12
            || !word.len().is_multiple_of(2)
            || word.iter().any(u8::is_ascii_uppercase)
        {
            return false;
        }
        for piece in inner.split_mut(|byte| *byte == 1) {
            self.cipher.word(piece, self.way);
        }
        for (pair, byte) in word.as_chunks_mut::<2>().0.iter_mut().zip(inner) {
            put(pair, format!("{byte:02x}").as_bytes());
        }
        true
    }

    /// A Call-ID: what stands behind an `@` is a host.
    pub(super) fn call_id(&mut self, call_id: &mut [u8]) {
        let at = call_id
            .iter()
            .position(|it| *it == b'@')
            .unwrap_or(call_id.len());
        let (word, host) = call_id.split_at_mut(at);
        if !self.literal(word) {
            self.opaque(word);
        }
        self.host_and_port(part(host, 1..host.len()));
    }
}
