//! Pieces of texts, and what they look like.

use std::ops::Range;

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
pub(super) fn is_short_code(user: &[u8]) -> bool {
    user.len() <= 4
        && matches!(user.first(), Some(b'*' | b'#'))
        && user
            .iter()
            .all(|it| it.is_ascii_digit() || matches!(it, b'*' | b'#'))
}

/// Whether a value of a parameter that says how is no more than that.
pub(super) fn is_harmless(value: &[u8]) -> bool {
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

/// Whether it stands between words, in a text as in a list of values.
pub(super) fn is_divider(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b",;\"<>()={}'|".contains(&byte)
}

/// Whether a word begins with a scheme that names somebody.
pub(super) fn is_uri(word: &[u8]) -> bool {
    const SCHEMES: &[&[u8]] = &[
        b"sip", b"sips", b"tel", b"http", b"https", b"mailto", b"urn", b"pres", b"im", b"ws",
        b"wss",
    ];
    let colon = word.iter().position(|it| *it == b':');
    let scheme = colon.and_then(|at| word.get(..at)).unwrap_or_default();
    is_one_of(scheme, SCHEMES)
}

/// Whether a word is in a list, in any case.
pub(super) fn is_one_of(word: &[u8], list: &[&[u8]]) -> bool {
    list.iter().any(|it| it.eq_ignore_ascii_case(word))
}

pub(super) fn inside_of(value: &[u8]) -> &[u8] {
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
    // Most values have neither.
    if memchr::memchr2(b'"', b'<', text).is_none() {
        return split(text, |byte| separators.contains(&byte));
    }
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
