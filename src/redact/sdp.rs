//! Session descriptions (RFC 8866): what media there are and how they are coded stays; who, where and with what keys does not.

use super::Walk;
use super::message::line_end;
use super::pieces::{is_one_of, part, position, split, trimmed};
use std::ops::Range;

/// Attributes that say nothing but how.
const PLAIN: &[&[u8]] = &[
    b"rtpmap",
    b"fmtp",
    b"ptime",
    b"maxptime",
    b"minptime",
    b"sendrecv",
    b"sendonly",
    b"recvonly",
    b"inactive",
    b"mid",
    b"group",
    b"rtcp-mux",
    b"rtcp-mux-only",
    b"rtcp-rsize",
    b"rtcp-fb",
    b"extmap",
    b"extmap-allow-mixed",
    b"setup",
    b"connection",
    b"ice-lite",
    b"ice-options",
    b"end-of-candidates",
    b"framerate",
    b"framesize",
    b"content",
    b"orient",
    b"quality",
    b"silenceSupp",
    b"ecan",
    b"T38FaxVersion",
    b"T38MaxBitRate",
    b"T38FaxRateManagement",
    b"T38FaxMaxBuffer",
    b"T38FaxMaxDatagram",
    b"T38FaxUdpEC",
    b"T38FaxFillBitRemoval",
    b"T38FaxTranscodingMMR",
    b"T38FaxTranscodingJBIG",
    b"T38VendorInfo",
    b"X-nat",
    b"nortpproxy",
    b"curr",
    b"des",
    b"conf",
    b"rtcp-xr",
    b"bundle-only",
    b"sctp-port",
    b"max-message-size",
    b"sctpmap",
    b"ssrc-group",
    b"direction",
    b"maxprate",
    b"imageattr",
    b"rid",
    b"simulcast",
    b"pcfg",
    b"acap",
    b"tcap",
    b"acfg",
    b"csup",
    b"creq",
    b"accept-types",
    b"floorctrl",
    b"gpmd",
    b"vsel",
    b"dsel",
    b"fsel",
    b"sqn",
    b"cdsc",
    b"cpar",
    b"pmft",
    b"3ge2ae",
    b"record",
    b"recordpref",
    b"charset",
    b"lang",
    b"sdplang",
];

impl Walk<'_> {
    /// A description in its place.
    pub(super) fn sdp(&mut self, body: &mut [u8]) {
        let mut from = 0;
        while from < body.len() {
            let end = line_end(body, from);
            let line = trimmed(part(body, from..end));
            self.sdp_line(line);
            from = end;
        }
    }

    fn sdp_line(&mut self, line: &mut [u8]) {
        let Some((&mut kind, rest)) = line.split_first_mut() else {
            return;
        };
        let [b'=', value @ ..] = rest else {
            self.words(line);
            return;
        };
        match kind {
            b'v' | b't' | b'r' | b'z' | b'b' | b'm' => self.addresses_among(value),
            b'o' => self.origin(value),
            b'c' => self.connection(value),
            b's' if value.trim_ascii() == b"-" || value.is_empty() => {}
            b'a' => self.attribute(value),
            b'k' => {
                let colon = (position(value, b":") + 1).min(value.len());
                let end = value.len();
                self.opaque(part(value, colon..end));
            }
            b'u' => self.uri(value),
            _ => self.words(value),
        }
    }

    /// Words of a protocol, with the addresses among them.
    fn addresses_among(&mut self, value: &mut [u8]) {
        if value.is_ascii() && !value.contains(&b'@') {
            for range in blanks(value) {
                self.literal(part(value, range));
            }
        } else {
            self.words(value);
        }
    }

    /// `alice 2890844526 2890844527 IN IP4 192.0.2.1`: the version stays, because it counts.
    fn origin(&mut self, value: &mut [u8]) {
        for (index, range) in blanks(value).into_iter().enumerate() {
            let word = part(value, range);
            match index {
                0 if word == b"-" => {}
                0 => self.user(word),
                1 => self.opaque(word),
                2 if word.iter().all(u8::is_ascii_digit) => {}
                3 | 4 if word.len() <= 3 => {}
                5 => self.host(word),
                _ => self.words(word),
            }
        }
    }

    /// `IN IP4 192.0.2.1/127`.
    fn connection(&mut self, value: &mut [u8]) {
        for (index, range) in blanks(value).into_iter().enumerate() {
            let word = part(value, range);
            match index {
                0 | 1 if word.len() <= 3 => {}
                _ => {
                    let end = position(word, b"/");
                    self.host(part(word, 0..end));
                }
            }
        }
    }

    fn attribute(&mut self, value: &mut [u8]) {
        let colon = position(value, b":");
        let (name, rest) = value.split_at_mut(colon);
        let end = rest.len();
        let rest = part(rest, 1..end);
        if is_one_of(name, PLAIN) {
            self.addresses_among(rest);
            return;
        }
        let plain: &[usize] = match name.to_ascii_lowercase().as_slice() {
            b"candidate" | b"remote-candidates" | b"rtcp" | b"alt" => {
                self.candidate(name.eq_ignore_ascii_case(b"candidate"), rest);
                return;
            }
            b"crypto" => {
                self.crypto(rest);
                return;
            }
            b"ssrc" => {
                self.source(rest);
                return;
            }
            b"path" | b"setup-path" => &[],
            b"fingerprint" | b"label" | b"ptt" | b"annexb" => &[0],
            _ => {
                let is_name = name.len() <= 40
                    && name
                        .iter()
                        .all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.'));
                if !is_name {
                    self.words(name);
                }
                &[]
            }
        };
        for (index, range) in blanks(rest).into_iter().enumerate() {
            if !plain.contains(&index) {
                self.words(part(rest, range));
            }
        }
    }

    /// `1 1 UDP 2130706431 192.0.2.1 5000 typ host`.
    fn candidate(&mut self, has_foundation: bool, rest: &mut [u8]) {
        let words: Vec<Range<usize>> = blanks(rest);
        for (index, range) in words.into_iter().enumerate() {
            let word = part(rest, range);
            let is_number = word.iter().all(u8::is_ascii_digit);
            let is_word = word
                .iter()
                .all(|it| it.is_ascii_alphabetic() || *it == b'-')
                && word.len() <= 16;
            match index {
                0 if has_foundation => self.opaque(word),
                // The address, or the name that hides it (mDNS).
                4 if has_foundation => self.host(word),
                _ if self.literal(word)
                    || is_number
                    || is_word
                    || is_one_of(word, &[b"IP4", b"IP6"]) => {}
                _ => self.words(word),
            }
        }
    }

    /// `1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^20|1:4` (RFC 4568 §9.1).
    fn crypto(&mut self, rest: &mut [u8]) {
        for (index, range) in blanks(rest).into_iter().enumerate().skip(2) {
            let word = part(rest, range);
            if index > 2 && !word.contains(&b':') {
                continue;
            }
            for range in split(word, |byte| byte == b';') {
                let key = part(word, range);
                let colon = (position(key, b":") + 1).min(key.len());
                let bar = position(key, b"|").max(colon);
                self.opaque(part(key, colon..bar));
            }
        }
    }

    /// `1234 cname:alice@example.com` (RFC 5576 §4.1).
    fn source(&mut self, rest: &mut [u8]) {
        let blank = position(rest, b" ");
        let end = rest.len();
        let behind = part(rest, blank..end);
        let colon = (position(behind, b":") + 1).min(behind.len());
        let end = behind.len();
        self.words(part(behind, colon..end));
    }
}

fn blanks(text: &[u8]) -> Vec<Range<usize>> {
    split(text, |byte| byte.is_ascii_whitespace())
}
