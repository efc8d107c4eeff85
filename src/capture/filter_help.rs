//! Where a BPF filter is wrong. libpcap says no more than "syntax error", so its compiler is asked about the beginning of
//! the filter, word by word: the first word after which nothing that follows could make it compile is the wrong one.

use crate::limits::FILTER_WORDS;
use std::ops::Range;

/// What can follow a beginning that is right, one for each kind of place.
const CONTINUATIONS: &[&str] = &[
    "",
    " udp",
    " 1",
    " 127.0.0.1",
    " port 1",
    " host 127.0.0.1",
    " net 10.0.0.0/8",
    " 10.0.0.0/8",
    " 1-2",
    " = 1",
    " 1 = 1",
    " 0:1] = 1",
    " 1] = 1",
    "] = 1",
    " ::1",
    " 01:02:03:04:05:06",
    " host 01:02:03:04:05:06",
    " proto 1",
    " mgt",
    " beacon",
];

/// Lines that show where `text` is wrong and what could be meant; `None` when that cannot be told.
///
/// `compile` is the judge; `message` is what it said about all of `text`.
pub(super) fn help(
    text: &str,
    message: &str,
    compile: &dyn Fn(&str) -> Result<(), String>,
) -> Option<String> {
    let words = words(text);
    if words.len() > FILTER_WORDS || text.chars().any(char::is_control) {
        return None;
    }
    let wrong = quoted(text, message)
        .or_else(|| {
            words
                .iter()
                .find(|word| !can_go_on(text, word.end, compile))
                .cloned()
        })
        .unwrap_or(text.trim_end().len()..text.trim_end().len());
    let mut lines = format!(
        "it goes wrong here:\n    {text}\n    {}",
        caret(text, &wrong)
    );
    if let Some(meant) = meant(text, &wrong, compile) {
        lines.push_str("\ndid you mean: ");
        lines.push_str(&meant);
    }
    Some(lines)
}

/// The words of a filter; parentheses and `!` are words of their own.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    for (index, character) in text.char_indices() {
        let alone = matches!(character, '(' | ')' | '!')
            && !text.get(index..).is_some_and(|rest| rest.starts_with("!="));
        if alone || character.is_whitespace() {
            words.extend(start.take().map(|start| start..index));
            if alone {
                words.push(index..index + 1);
            }
        } else if start.is_none() {
            start = Some(index);
        }
    }
    words.extend(start.map(|start| start..text.len()));
    words
}

/// The word that libpcap names in its message, as in `unknown host 'example'`.
fn quoted(text: &str, message: &str) -> Option<Range<usize>> {
    let name = message
        .split(['\'', '"'])
        .nth(1)
        .filter(|name| !name.is_empty())?;
    let start = text.find(name)?;
    Some(start..start + name.len())
}

fn can_go_on(text: &str, end: usize, compile: &dyn Fn(&str) -> Result<(), String>) -> bool {
    let beginning = text.get(..end).unwrap_or(text);
    let open = beginning.matches('(').count();
    let closing = ")".repeat(open.saturating_sub(beginning.matches(')').count()));
    CONTINUATIONS
        .iter()
        .any(|continuation| compile(&format!("{beginning}{continuation}{closing}")).is_ok())
}

fn caret(text: &str, wrong: &Range<usize>) -> String {
    let before = text.get(..wrong.start).unwrap_or_default().chars().count();
    match text.get(wrong.clone()).unwrap_or_default().chars().count() {
        0 => format!("{}^ something is missing here", " ".repeat(before)),
        length => format!("{}{}", " ".repeat(before), "^".repeat(length)),
    }
}

/// What could be meant: the first of some usual repairs that compiles.
fn meant(
    text: &str,
    wrong: &Range<usize>,
    compile: &dyn Fn(&str) -> Result<(), String>,
) -> Option<String> {
    let before = text.get(..wrong.start)?;
    let word = text.get(wrong.clone())?;
    let after = text.get(wrong.end..)?;
    let replaced = |new: &str| format!("{before}{new}{after}");
    let mut repairs = vec![from_display_filter(text)];
    if word.is_empty() {
        repairs.push(format!("{before})"));
    } else {
        repairs.push(replaced(&word.replace(['=', ':'], " ")));
        if let Some((address, port)) = word.rsplit_once(':') {
            repairs.push(replaced(&format!("{address} and port {port}")));
            repairs.push(replaced(&format!("host {address} and port {port}")));
        }
        repairs.push(replaced(&format!("port {word}")));
        repairs.push(replaced(&format!("and {word}")));
        repairs.push(replaced("").trim().to_owned());
        repairs.extend(
            KEYWORDS
                .iter()
                .filter(|keyword| is_near(word, keyword))
                .map(|keyword| replaced(keyword)),
        );
    }
    repairs
        .into_iter()
        .find(|repair| repair != text && !repair.trim().is_empty() && compile(repair).is_ok())
}

/// Fields of Wireshark's display filters and what capture filters say.
const FIELDS: &[(&str, &str)] = &[
    ("ip.addr", "host"),
    ("ipv6.addr", "host"),
    ("ip.src", "src host"),
    ("ip.dst", "dst host"),
    ("udp.port", "udp port"),
    ("tcp.port", "tcp port"),
    ("udp.srcport", "udp src port"),
    ("udp.dstport", "udp dst port"),
    ("tcp.srcport", "tcp src port"),
    ("tcp.dstport", "tcp dst port"),
    ("sip", "port 5060"),
    ("rtp", "udp"),
    ("==", ""),
    ("eq", ""),
];

/// The filter as a capture filter, if it is one of Wireshark's display filters.
fn from_display_filter(text: &str) -> String {
    let spaced = text
        .replace("==", " == ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words = spaced.split_whitespace().map(|word| {
        FIELDS
            .iter()
            .find(|(field, _)| *field == word)
            .map_or(word, |(_, said)| *said)
    });
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").replace("( ", "(").replace(" )", ")")
}

const KEYWORDS: &[&str] = &[
    "port",
    "portrange",
    "host",
    "net",
    "src",
    "dst",
    "and",
    "or",
    "not",
    "udp",
    "tcp",
    "sctp",
    "icmp",
    "ip",
    "ip6",
    "vlan",
    "ether",
    "proto",
];

/// Whether one letter more, less or other, or two neighbours swapped, make one word the other.
fn is_near(word: &str, keyword: &str) -> bool {
    let (word, keyword) = (word.to_ascii_lowercase(), keyword.as_bytes());
    let word = word.as_bytes();
    let same_front = word.iter().zip(keyword).take_while(|(a, b)| a == b).count();
    let rest = |bytes: &[u8], skipped: usize| bytes.get(same_front + skipped..).map(<[u8]>::to_vec);
    let swapped = || {
        let (a, b) = (
            word.get(same_front..same_front + 2)?,
            keyword.get(same_front..same_front + 2)?,
        );
        Some(a.iter().eq(b.iter().rev()) && rest(word, 2) == rest(keyword, 2))
    };
    [(1, 0), (0, 1), (1, 1)]
        .into_iter()
        .any(|(a, b)| rest(word, a).is_some() && rest(word, a) == rest(keyword, b))
        || swapped().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_is_one_slip_of_the_finger() {
        assert!(is_near("prot", "port"));
        assert!(is_near("por", "port"));
        assert!(is_near("Hosts", "host"));
        assert!(is_near("hist", "host"));
        assert!(!is_near("peer", "port"));
        assert!(!is_near("host", "net"));
    }
}
