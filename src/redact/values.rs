//! The parts that values are made of: users, hosts, numbers, URIs, parameters, and words of which nothing is known.

use super::Walk;
use super::addresses;
use super::names::{Names, put};
use super::secret::Way;
use crate::address;
use crate::limits::MAX_REDACTED_NAMES;
use std::net::IpAddr;
use std::ops::Range;

/// Users that name nobody.
const NOBODY: &[&[u8]] = &[
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

/// Parameters whose values say how, not who: they stay.
const PLAIN: &[&[u8]] = &[
    b"transport",
    b"lr",
    b"ttl",
    b"user",
    b"method",
    b"cause",
    b"ob",
    b"rport",
    b"expires",
    b"q",
    b"reg-id",
    b"index",
    b"reason",
    b"counter",
    b"limit",
    b"privacy",
    b"screen",
    b"party",
    b"refresher",
    b"purpose",
    b"early-only",
    b"isub-encoding",
    b"comp",
    b"sigcomp-id",
    b"keep",
    b"alias",
    b"cpc",
    b"npdi",
    b"verstat",
    b"noa",
    b"encoding",
    b"content",
    b"oli",
    b"events",
    b"methods",
    b"audio",
    b"video",
    b"application",
    b"data",
    b"control",
    b"text",
    b"automata",
    b"duplex",
    b"mobility",
    b"actor",
    b"schemes",
    b"language",
    b"priority",
    b"isfocus",
    b"alg",
    b"ppt",
    b"algorithm",
    b"qop",
    b"stale",
    b"nc",
    b"cn",
    b"np",
    b"rc",
    b"mp",
    b"stat",
    b"handling",
    b"charset",
    b"intercept",
    b"redirects",
    b"retry-after",
    b"duration",
    b"version",
    b"type",
    b"access",
    b"require",
    b"explicit",
    b"pub-gruu-flag",
    b"hidden",
    b"yop",
    b"auts-flag",
    b"proxy",
    b"stay",
    b"nat",
    b"cause-code",
    b"load-balance",
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
            match is_escaped {
                true => put(part(user, at..at + 3), format!("%{byte:02X}").as_bytes()),
                false => put(part(user, at..at + 1), &[byte]),
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
        if !self.encoded(word) {
            self.cipher.word(word, self.way);
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
        let text: String = inner.iter().map(|byte| format!("{byte:02x}")).collect();
        put(word, text.as_bytes());
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

    /// A URI of any scheme, without angle brackets.
    pub(super) fn uri(&mut self, uri: &mut [u8]) {
        let Some(colon) = uri.iter().position(|it| *it == b':') else {
            self.words(uri);
            return;
        };
        let (scheme, rest) = uri.split_at_mut(colon);
        let rest = part(rest, 1..rest.len());
        match scheme.trim_ascii().to_ascii_lowercase().as_slice() {
            b"sip" | b"sips" | b"pres" | b"im" | b"mailto" | b"xmpp" | b"h323" => {
                self.address_spec(rest)
            }
            b"tel" | b"fax" | b"callto" => {
                let end = position(rest, b";?");
                let (number, params) = rest.split_at_mut(end);
                self.user(number);
                self.params(params);
            }
            b"urn" => {
                let is_service = rest
                    .get(..8)
                    .is_some_and(|it| it.eq_ignore_ascii_case(b"service:"));
                if !is_service {
                    let at = rest
                        .iter()
                        .position(|it| *it == b':')
                        .map_or(0, |it| it + 1);
                    let end = rest.len();
                    self.opaque(part(rest, at..end));
                }
            }
            b"http" | b"https" | b"ws" | b"wss" | b"msrp" | b"msrps" | b"ftp" | b"ldap" => {
                let from = rest.iter().take_while(|it| **it == b'/').count();
                let end = rest
                    .iter()
                    .skip(from)
                    .position(|it| matches!(it, b'/' | b'?' | b'#' | b';'))
                    .map_or(rest.len(), |it| from + it);
                let all = rest.len();
                let host = part(rest, from..end);
                let at = host
                    .iter()
                    .position(|it| *it == b'@')
                    .map_or(0, |it| it + 1);
                let (user, host) = host.split_at_mut(at);
                self.words(user);
                self.host_and_port(host);
                self.words(part(rest, end..all));
            }
            _ => {
                if scheme.len() > 12 || !scheme.iter().all(u8::is_ascii_alphabetic) {
                    self.words(scheme);
                }
                self.words(rest);
            }
        }
    }

    /// `user@host:port;params?headers`.
    fn address_spec(&mut self, rest: &mut [u8]) {
        // A `?` or `;` may be part of the user (RFC 3261 §25.1), and an `@` of nothing behind the host.
        let end = match memchr::memchr(b'@', rest) {
            Some(at) => at + 1 + position(rest.get(at + 1..).unwrap_or_default(), b";?"),
            None => position(rest, b";?"),
        };
        let (address, behind) = rest.split_at_mut(end);
        let at = memchr::memchr(b'@', address).map_or(0, |at| at + 1);
        let (user, host) = address.split_at_mut(at);
        if at > 0 {
            let user = part(user, 0..at - 1);
            let end = position(user, b";:");
            let (name, behind) = user.split_at_mut(end);
            self.user(name);
            match behind.first() {
                Some(b':') => self.opaque(part(behind, 1..behind.len())),
                _ => self.params(behind),
            }
        }
        self.host_and_port(host);
        let question = memchr::memchr(b'?', behind).unwrap_or(behind.len());
        let (params, headers) = behind.split_at_mut(question);
        self.params(params);
        self.escaped(headers);
    }

    /// The header fields of a URI (RFC 3261 §19.1.1): their names stay, and the escapes between their words.
    fn escaped(&mut self, headers: &mut [u8]) {
        for range in split(headers, |byte| matches!(byte, b'?' | b'&')) {
            let header = part(headers, range);
            let at = header
                .iter()
                .position(|it| *it == b'=')
                .map_or(0, |it| it + 1);
            let end = header.len();
            let is_plain = header.get(..at).is_some_and(|it| {
                it.eq_ignore_ascii_case(b"reason=")
                    || it.eq_ignore_ascii_case(b"privacy=")
                    || it.eq_ignore_ascii_case(b"method=")
            });
            if is_plain {
                continue;
            }
            let value = part(header, at..end);
            let mut from = 0;
            let mut is_host = false;
            while from < value.len() {
                let rest = value.get(from..).unwrap_or_default();
                let len = rest.iter().position(|it| *it == b'%').unwrap_or(rest.len());
                let escape = rest
                    .get(len..len + 3)
                    .unwrap_or_default()
                    .to_ascii_lowercase();
                let word = part(value, from..from + len);
                if is_host {
                    self.host(word);
                } else if !is_one_of(
                    word,
                    &[b"to-tag", b"from-tag", b"early-only", b"sip", b"sips"],
                ) {
                    self.opaque(word);
                }
                is_host = escape == b"%40";
                from += len + 3;
            }
        }
    }

    /// The same in a field of which nothing is known: a value stays when it is a short number or says nothing of anybody.
    pub(super) fn unknown_param(&mut self, param: &mut [u8]) {
        let equal = position(param, b"=");
        let value = inside_of(param.get(equal + 1..).unwrap_or_default());
        let name = param.get(..equal).unwrap_or_default().trim_ascii();
        let is_short = value.len() <= 4 && value.iter().all(u8::is_ascii_digit);
        if is_short || is_one_of(value, COMMON) {
            return;
        }
        if is_one_of(name, PLAIN) {
            let end = param.len();
            self.words(part(param, (equal + 1).min(end)..end));
        } else {
            self.param(param);
        }
    }

    /// Parameters, each with a `;` before it.
    pub(super) fn params(&mut self, params: &mut [u8]) {
        for range in split_outside(params, b";") {
            self.param(part(params, range));
        }
    }

    /// `name=value`, or a name alone.
    pub(super) fn param(&mut self, param: &mut [u8]) {
        let Some(equal) = param.iter().position(|it| *it == b'=') else {
            let trimmed = param.trim_ascii();
            if !is_one_of(trimmed, PLAIN) && !trimmed.starts_with(b"+") {
                self.words(param);
            }
            return;
        };
        let (name, value) = param.split_at_mut(equal);
        let value = part(value, 1..value.len());
        let name = name.trim_ascii().to_ascii_lowercase();
        let is_user =
            name == b"user" && !is_one_of(value.trim_ascii(), &[b"phone", b"ip", b"dialstring"]);
        if is_one_of(&name, PLAIN) && is_harmless(value) && !is_user {
            return;
        }
        let value = trimmed(value);
        match &*name {
            b"branch" => {
                let cookie = b"z9hG4bK";
                let has = value
                    .get(..cookie.len())
                    .is_some_and(|it| it.eq_ignore_ascii_case(cookie));
                let from = if has { cookie.len() } else { 0 };
                let end = value.len();
                self.call_id(part(value, from..end));
            }
            b"maddr" | b"received" | b"phone-context" | b"trunk-context" | b"domain" | b"realm"
            | b"orig-ioi" | b"term-ioi" | b"icid-generated-at" | b"ltg" => {
                if address::literal_with_port(value).is_some() {
                    self.host_and_port(value);
                } else if is_number(value) {
                    self.number(value);
                } else if value
                    .get(..4)
                    .is_some_and(|it| it.eq_ignore_ascii_case(b"sip:"))
                    || value.starts_with(b"\"sip:")
                {
                    self.words(value);
                } else {
                    self.host_and_port(value);
                }
            }
            b"text" | b"reason-text" => self.text(value),
            b"info" | b"uri" | b"url" => self.uri_inside(value),
            b"rn" | b"cic" | b"isub" | b"ext" | b"postd" | b"tgrp" | b"otg" | b"username"
            | b"user-name" | b"x-user" => self.user_in_quotes(value),
            b"tag" | b"to-tag" | b"from-tag" | b"icid-value" | b"remote" | b"nonce" | b"cnonce"
            | b"response" | b"opaque" | b"gr" | b"nextnonce" | b"rspauth" => {
                self.call_id(inside(value))
            }
            _ => self.words(value),
        }
    }

    /// A URI in quotation marks or angle brackets.
    fn uri_inside(&mut self, value: &mut [u8]) {
        let blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'<' | b'>' | b'"');
        let from = value.iter().take_while(|it| blank(it)).count();
        let behind = value.iter().rev().take_while(|it| blank(it)).count();
        let end = value.len().saturating_sub(behind).max(from);
        self.uri(part(value, from..end));
    }

    fn user_in_quotes(&mut self, value: &mut [u8]) {
        self.user(inside(value));
    }

    /// Text of which nothing is known: addresses and URIs as such, and every other word as a secret; what divides them stays.
    pub(super) fn words(&mut self, text: &mut [u8]) {
        for range in split(text, |byte| {
            byte.is_ascii_whitespace()
                || matches!(
                    byte,
                    b',' | b';'
                        | b'"'
                        | b'<'
                        | b'>'
                        | b'='
                        | b'('
                        | b')'
                        | b'{'
                        | b'}'
                        | b'\''
                        | b'|'
                )
        }) {
            let word = part(text, range);
            if word.len() < 2 && !word.is_ascii() || word.is_empty() {
                self.opaque(word);
                continue;
            }
            let scheme = word
                .iter()
                .position(|it| *it == b':')
                .and_then(|at| word.get(..at))
                .unwrap_or_default();
            if is_one_of(
                scheme,
                &[
                    b"sip", b"sips", b"tel", b"http", b"https", b"mailto", b"urn", b"pres", b"im",
                    b"ws", b"wss",
                ],
            ) {
                self.uri(word);
            } else {
                self.word(word);
            }
        }
    }

    /// One word of which nothing is known.
    fn word(&mut self, word: &mut [u8]) {
        if self.literal(word) || is_one_of(word, NOBODY) || is_one_of(word, COMMON) {
            return;
        }
        if address::literal_with_port(word).is_some() {
            self.host_and_port(word);
            return;
        }
        if let Some(at) = word.iter().position(|it| *it == b'@') {
            let (user, host) = word.split_at_mut(at);
            self.known_user_or_opaque(user);
            self.host_and_port(part(host, 1..host.len()));
            return;
        }
        if is_number(word) {
            self.number(word);
            return;
        }
        self.known_user_or_opaque(word);
    }

    fn known_user_or_opaque(&mut self, word: &mut [u8]) {
        if is_number(word) {
            self.number(word);
        } else if self.state.users.knows(word, self.way) {
            self.user(word);
        } else if word.contains(&b'.') && is_domain(word) {
            self.host(word);
        } else {
            self.opaque(word);
        }
    }

    /// Host names and addresses in a list or a distinguished name.
    pub(super) fn hosts(&mut self, text: &mut [u8]) {
        for range in split(text, |byte| {
            byte.is_ascii_whitespace() || matches!(byte, b',' | b'"' | b'<' | b'>' | b'+')
        }) {
            let word = part(text, range);
            let from = word
                .iter()
                .position(|it| *it == b'=')
                .filter(|at| *at <= 20)
                .map_or(0, |at| at + 1);
            let end = word.len();
            let word = part(word, from..end);
            match word.iter().position(|it| *it == b'@') {
                Some(_) => self.user(word),
                None => self.host(word),
            }
        }
    }
}

/// Words that say nothing of anybody.
const COMMON: &[&[u8]] = &[
    b"yes", b"no", b"true", b"false", b"on", b"off", b"none", b"null", b"udp", b"tcp", b"tls",
    b"ws", b"wss", b"sctp", b"sip", b"SIP/2.0",
];

/// Whether a name is of telephone digits: an optional sign, digits, and what people put between them.
pub(super) fn is_number(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"+").unwrap_or(word);
    let digits = word.iter().filter(|it| it.is_ascii_digit()).count();
    digits > 0
        && digits * 2 > word.len()
        && word.first() != Some(&b'-')
        && word.iter().all(|it| {
            it.is_ascii_digit() || matches!(it, b'-' | b'.' | b'(' | b')' | b'*' | b'#' | b'+')
        })
}

/// Whether it is a code of a feature, such as `*97`: those are the same for everybody.
fn is_short_code(user: &[u8]) -> bool {
    user.len() <= 4
        && matches!(user.first(), Some(b'*' | b'#'))
        && user
            .iter()
            .all(|it| it.is_ascii_digit() || matches!(it, b'*' | b'#'))
}

/// Whether a value of a parameter that says how is no more than that.
fn is_harmless(value: &[u8]) -> bool {
    value.len() <= 64
        && value.iter().filter(|it| it.is_ascii_digit()).count() <= 10
        && value.iter().all(|it| {
            it.is_ascii_alphanumeric()
                || matches!(
                    it,
                    b'.' | b'-' | b'_' | b'"' | b',' | b' ' | b'/' | b'\r' | b'\n' | b'\t'
                )
        })
        && !is_domain(inside_of(value))
}

/// Whether a word looks like a name in the DNS: labels, of which the last is of letters.
pub(super) fn is_domain(word: &[u8]) -> bool {
    let mut labels = word.rsplit(|byte| *byte == b'.');
    let last = labels.next().unwrap_or_default();
    let is_label = |label: &[u8]| {
        !label.is_empty()
            && label
                .iter()
                .all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_'))
    };
    let mut count = 0;
    let rest = labels.inspect(|_| count += 1).all(is_label);
    rest && count > 0 && last.len() >= 2 && last.iter().all(u8::is_ascii_alphabetic)
}

/// Whether a word is in a list, in any case.
pub(super) fn is_one_of(word: &[u8], list: &[&[u8]]) -> bool {
    list.iter().any(|it| it.eq_ignore_ascii_case(word))
}

fn inside_of(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    value
        .strip_prefix(b"\"")
        .and_then(|it| it.strip_suffix(b"\""))
        .unwrap_or(value)
}

/// A value without its quotation marks.
pub(super) fn inside(value: &mut [u8]) -> &mut [u8] {
    let end = value.len();
    if end >= 2 && value.first() == Some(&b'"') && value.last() == Some(&b'"') {
        return part(value, 1..end - 1);
    }
    value
}

/// A value without the white space around it.
pub(super) fn trimmed(value: &mut [u8]) -> &mut [u8] {
    let from = value
        .iter()
        .take_while(|it| it.is_ascii_whitespace())
        .count();
    let behind = value
        .iter()
        .rev()
        .take_while(|it| it.is_ascii_whitespace())
        .count();
    let end = value.len().saturating_sub(behind).max(from);
    part(value, from..end)
}

/// A part of a text; nothing where there is none.
pub(super) fn part(text: &mut [u8], range: Range<usize>) -> &mut [u8] {
    text.get_mut(range).unwrap_or_default()
}

/// Where the first of some bytes is, or the end.
pub(super) fn position(text: &[u8], any: &[u8]) -> usize {
    text.iter()
        .position(|it| any.contains(it))
        .unwrap_or(text.len())
}

/// The pieces between separators, without the empty ones.
pub(super) fn split(text: &[u8], is_separator: impl Fn(u8) -> bool) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for (at, byte) in text.iter().enumerate() {
        if is_separator(*byte) {
            if at > from {
                pieces.push(from..at);
            }
            from = at + 1;
        }
    }
    if text.len() > from {
        pieces.push(from..text.len());
    }
    pieces
}

/// The same where what is in quotation marks or angle brackets is not looked into.
pub(super) fn split_outside(text: &[u8], separators: &[u8]) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    let (mut quoted, mut angled, mut escaped) = (false, false, false);
    for (at, byte) in text.iter().enumerate() {
        if escaped {
            escaped = false;
            continue;
        }
        match byte {
            b'\\' if quoted => escaped = true,
            b'"' if !angled => quoted = !quoted,
            b'<' if !quoted => angled = true,
            b'>' if !quoted => angled = false,
            _ if !quoted && !angled && separators.contains(byte) => {
                if at > from {
                    pieces.push(from..at);
                }
                from = at + 1;
            }
            _ => {}
        }
    }
    if text.len() > from {
        pieces.push(from..text.len());
    }
    pieces
}
