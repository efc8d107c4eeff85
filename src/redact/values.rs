//! What values are made of beside those who are named: URIs, parameters, and words of which nothing is known.

use super::Walk;
use super::pieces::{
    inside, inside_of, is_divider, is_domain, is_harmless, is_number, is_one_of, is_uri, part,
    position, split, split_outside, trimmed,
};
use super::who::NOBODY;
use crate::address;
use crate::hash::HashSet;
use std::sync::LazyLock;

/// The names of [`PLAIN`], which is looked into for each parameter of each message.
static PLAIN_NAMES: LazyLock<HashSet<&[u8]>> = LazyLock::new(|| PLAIN.iter().copied().collect());

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
                self.address_spec(rest);
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
        if is_plain(name) {
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
            let name = param.trim_ascii();
            if !is_plain(name) && !name.starts_with(b"+") {
                self.words(param);
            }
            return;
        };
        let (name, value) = param.split_at_mut(equal);
        let value = part(value, 1..value.len());
        let name = name.trim_ascii().to_ascii_lowercase();
        let is_user =
            name == b"user" && !is_one_of(value.trim_ascii(), &[b"phone", b"ip", b"dialstring"]);
        if PLAIN_NAMES.contains(&*name) && is_harmless(value) && !is_user {
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
                self.call_id(inside(value));
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
        for range in split(text, is_divider) {
            let word = part(text, range);
            if word.len() < 2 && !word.is_ascii() || word.is_empty() {
                self.opaque(word);
                continue;
            }
            if is_uri(word) {
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

/// Whether the value of a parameter of that name says how, not who.
fn is_plain(name: &[u8]) -> bool {
    PLAIN_NAMES.contains(&*name.to_ascii_lowercase())
}

/// Words that say nothing of anybody.
const COMMON: &[&[u8]] = &[
    b"yes", b"no", b"true", b"false", b"on", b"off", b"none", b"null", b"udp", b"tcp", b"tls",
    b"ws", b"wss", b"sctp", b"sip", b"SIP/2.0",
];
