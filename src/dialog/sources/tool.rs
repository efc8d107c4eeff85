//! How attack tools give themselves away.

/// Names in User-Agent that attack tools have by default, in lower case, and whether honest people use them as well.
const TOOLS: &[(&str, bool)] = &[
    ("friendly-scanner", false),
    ("friendly-request", false),
    ("sipvicious", false),
    ("sundayddr", false),
    ("sip-scan", false),
    ("siparmyknife", false),
    ("sipptk", false),
    ("sippts", false),
    ("pplsip", false),
    ("iwar", false),
    ("smap", false),
    ("sipcli", true),
    ("sipsak", true),
    ("vaxsipuseragent", true),
];

/// The tool that a User-Agent names, and whether honest people use it as well; `None` for anything else.
pub(super) fn of_agent(agent: &str) -> Option<(&'static str, bool)> {
    let bytes = agent.as_bytes();
    let alone = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphabetic());
    let mut found: Option<usize> = None;
    let mut inside = false;
    for (at, byte) in bytes.iter().enumerate() {
        // A word of its own: other programs have these letters inside their names.
        let begins = byte.is_ascii_alphabetic() && !inside;
        inside = byte.is_ascii_alphabetic();
        if !begins {
            continue;
        }
        let tool = TOOLS.iter().position(|(name, _)| {
            let first = name.as_bytes().first();
            let end = at + name.len();
            first == Some(&byte.to_ascii_lowercase())
                && (bytes.get(at..end)).is_some_and(|it| it.eq_ignore_ascii_case(name.as_bytes()))
                && alone(bytes.get(end))
        });
        // Of several the first of the table.
        found = found.into_iter().chain(tool).min();
    }
    found.and_then(|at| TOOLS.get(at)).copied()
}

/// Whether a From tag is one that SIPVicious makes: hexadecimal digits of what it wants to know again, with a byte 1 before
/// a random number.
pub(super) fn is_sipvicious_tag(tag: &[u8]) -> bool {
    if tag.len() < 12 || !tag.len().is_multiple_of(2) || !tag.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0);
    let bytes: Vec<u8> = tag
        .chunks_exact(2)
        .filter_map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high) * 16 + digit(*low)).ok(),
            _ => None,
        })
        .collect();
    let Some(mark) = bytes.iter().position(|byte| *byte == 1) else {
        return false;
    };
    let (known, random) = bytes.split_at(mark);
    let random = random.get(1..).unwrap_or_default();
    !known.is_empty()
        && random.len() >= 2
        && known.iter().all(u8::is_ascii_graphic)
        && random.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_known_by_whole_words() {
        assert_eq!(
            of_agent("Friendly-Scanner").map(|it| it.0),
            Some("friendly-scanner")
        );
        assert_eq!(of_agent("smap 0.6.0").map(|it| it.0), Some("smap"));
        assert_eq!(of_agent("sipcli/v1.8").map(|it| it.0), Some("sipcli"));
        assert_eq!(of_agent("Teleswitch smapper"), None);
        assert_eq!(of_agent("Asterisk PBX 20.5"), None);
        let both = of_agent("sipcli/2 (sip-scan)");
        assert_eq!(both.map(|it| it.0), Some("sip-scan"));
    }

    #[test]
    fn a_tag_of_sipvicious_is_told_from_random_hexadecimal_digits() {
        assert!(is_sipvicious_tag(b"3130303a3130300132313437363435333430"));
        assert!(!is_sipvicious_tag(b"4754e56cdddbf0ea76d3bfa47c25aad3"));
        assert!(!is_sipvicious_tag(b"3206210844"));
        assert!(!is_sipvicious_tag(b"as1f2e3d4c"));
    }
}
