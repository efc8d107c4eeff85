//! Messages: start line, header fields, body. Whatever of a message there is: the end of one that was cut, and lines that are
//! nothing known, are taken for secrets.

use super::Walk;
use super::headers::Kind;
use super::pieces::{part, trimmed};

impl Walk<'_> {
    /// A message in its place.
    pub(super) fn message(&mut self, bytes: &mut [u8]) {
        let from = bytes
            .iter()
            .take_while(|it| it.is_ascii_whitespace() || **it == 0)
            .count();
        let all = bytes.len();
        let bytes = part(bytes, from..all);
        let first = line_end(bytes, 0);
        self.start_line(part(bytes, 0..first));
        let all = bytes.len();
        self.fields_and_body(part(bytes, first..all));
    }

    /// Header fields with the body behind them: what begins behind a start line, and each part of a multipart body.
    pub(super) fn fields_and_body(&mut self, bytes: &mut [u8]) {
        let mut content_type = Vec::new();
        let mut from = 0;
        while from < bytes.len() {
            let mut end = line_end(bytes, from);
            if bytes.get(from..end).is_some_and(is_empty_line) {
                let all = bytes.len();
                self.body(&content_type, part(bytes, end..all));
                return;
            }
            // RFC 3261 §7.3.1: a line that begins with white space goes on with the one before.
            while bytes.get(end).is_some_and(|it| matches!(it, b' ' | b'\t')) {
                end = line_end(bytes, end);
            }
            if let Some(found) = self.field(part(bytes, from..end)) {
                content_type = found;
            }
            from = end;
        }
    }

    /// One field; the Content-Type as it was captured, when it is that.
    fn field(&mut self, field: &mut [u8]) -> Option<Vec<u8>> {
        let Some(colon) = field.iter().position(|it| *it == b':') else {
            self.words(field);
            return None;
        };
        let (name, value) = field.split_at_mut(colon);
        // White space before the colon is none of the name (RFC 3261 §7.3.1).
        let bare = name.trim_ascii_end();
        let is_name = bare.iter().all(|it| {
            it.is_ascii_alphanumeric()
                || matches!(
                    it,
                    b'-' | b'_' | b'.' | b'!' | b'%' | b'*' | b'+' | b'`' | b'\'' | b'~'
                )
        });
        if !is_name || bare.len() > 48 {
            self.words(name);
        }
        let kind = Kind::of(name);
        let all = value.len();
        let value = trimmed(part(value, 1..all));
        let content_type = (kind == Kind::ContentType).then(|| value.to_vec());
        self.value(kind, value);
        content_type
    }

    fn start_line(&mut self, line: &mut [u8]) {
        let line = trimmed(line);
        let first = line
            .iter()
            .position(u8::is_ascii_whitespace)
            .unwrap_or(line.len());
        let (word, rest) = line.split_at_mut(first);
        if word
            .get(..4)
            .is_some_and(|it| it.eq_ignore_ascii_case(b"SIP/"))
        {
            let (code, reason) = rest.split_at_mut(status_len(rest));
            hide_long(code);
            self.text(reason);
            return;
        }
        if word.len() > 24
            || !word.iter().all(|it| {
                it.is_ascii_alphanumeric()
                    || matches!(
                        it,
                        b'-' | b'_' | b'.' | b'!' | b'%' | b'*' | b'+' | b'`' | b'\'' | b'~'
                    )
            })
        {
            self.words(word);
        }
        let rest = trimmed(rest);
        // The version is what follows the last blank (RFC 3261 §7.1).
        let end = rest
            .iter()
            .rposition(u8::is_ascii_whitespace)
            .unwrap_or(rest.len());
        let (uri, version) = rest.split_at_mut(end);
        self.uri(inside_angles(trimmed(uri)));
        let version = trimmed(version);
        let is_version = version
            .get(..4)
            .is_some_and(|it| it.eq_ignore_ascii_case(b"SIP/"));
        let numbers = version.get(4..).unwrap_or_default();
        let is_number = |it: &u8| it.is_ascii_digit() || *it == b'.';
        let all = version.len();
        if !is_version || all > VERSION && !numbers.iter().all(is_number) {
            self.words(version);
            return;
        }
        // More digits are still a version to the parser, and may be anybody's number.
        for digit in part(version, VERSION.min(all)..all) {
            if digit.is_ascii_digit() {
                *digit = b'0';
            }
        }
    }
}

/// Bytes of a version that tell nothing.
const VERSION: usize = 12;

fn inside_angles(uri: &mut [u8]) -> &mut [u8] {
    let end = uri.len();
    if uri.first() == Some(&b'<') && uri.last() == Some(&b'>') {
        return part(uri, 1..end - 1);
    }
    uri
}

/// Whether a line with its end has nothing in it: one of white space goes on with the line before.
fn is_empty_line(line: &[u8]) -> bool {
    matches!(line, b"\r\n" | b"\n" | b"\r")
}

/// Where the line ends that begins somewhere, behind its line end.
pub(super) fn line_end(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(text.len(), |at| from + at + 1)
}

/// How long the status code behind a version is, with the blanks before it, whatever stands behind it.
fn status_len(behind: &[u8]) -> usize {
    let blanks = behind.iter().take_while(|it| **it == b' ').count();
    let code = behind.get(blanks..).unwrap_or_default();
    blanks + code.iter().take_while(|it| it.is_ascii_digit()).count()
}

/// Hides a status code with its blanks where it has more digits than a code: it is a number of somebody, and stays too long.
fn hide_long(code: &mut [u8]) {
    let digits = trimmed(code);
    let zeros = digits.iter().take_while(|it| **it == b'0').count();
    if digits.len() - zeros > 3 {
        digits.fill(b'9');
    }
}
