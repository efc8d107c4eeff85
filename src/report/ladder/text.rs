//! A message as people may see it: a line each, nothing that a terminal obeys, and without what would let a reader in.

use crate::report::text::sanitize;

/// The text of a message as captured: sanitised, and with `…` for digest responses, other credentials and media keys.
pub fn readable(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let mut lines = Vec::new();
    let (mut in_body, mut in_credentials) = (false, false);
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        in_body |= line.is_empty();
        // RFC 3261 §7.3.1: a line that begins with white space goes on with the field before it.
        if !line.starts_with([' ', '\t']) {
            in_credentials = !in_body && holds_credentials(line);
        }
        let line = sanitize(&line.replace('\t', " "));
        lines.push(if in_body {
            without_keys(&line)
        } else if in_credentials {
            without_secrets(&line)
        } else {
            line
        });
    }
    lines.join("\n").trim_end().to_owned()
}

fn holds_credentials(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default().trim();
    [
        "Authorization",
        "Proxy-Authorization",
        "Authentication-Info",
    ]
    .iter()
    .any(|it| name.eq_ignore_ascii_case(it))
}

/// Digest responses (RFC 7616 §3.4, §3.5), and what follows other schemes than Digest.
fn without_secrets(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    for scheme in [
        ": basic ",
        ": bearer ",
        ": ntlm ",
        ": negotiate ",
        ": kerberos ",
    ] {
        if let Some(at) = lower.find(scheme) {
            return format!("{}…", line.get(..at + scheme.len()).unwrap_or_default());
        }
    }
    let mut shown = String::with_capacity(line.len());
    for (index, parameter) in line.split(',').enumerate() {
        if index > 0 {
            shown.push(',');
        }
        let name = parameter.split('=').next().unwrap_or_default();
        let name = name.rsplit([' ', ':']).find(|it| !it.is_empty());
        let secret = name.is_some_and(|it| {
            ["response", "rspauth", "password"]
                .iter()
                .any(|secret| it.eq_ignore_ascii_case(secret))
        });
        match parameter.split_once('=').filter(|_| secret) {
            Some((before, _)) => {
                shown.push_str(before);
                shown.push_str("=…");
            }
            None => shown.push_str(parameter),
        }
    }
    shown
}

/// Keys of media (RFC 4568 §9.1, RFC 8866 §5.12).
fn without_keys(line: &str) -> String {
    if let Some((before, _)) = line.split_once("inline:") {
        return format!("{before}inline:…");
    }
    match line.split_once(':') {
        Some((kind, _)) if kind.starts_with("k=") || kind == "a=key-mgmt" => format!("{kind}:…"),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown_and_the_rest_is() {
        let raw = b"REGISTER sip:example.com SIP/2.0\r\n\
            Authorization: Digest username=\"alice\", response=\"0123456789abcdef\",\r\n \
            uri=\"sip:example.com\", response=\"again\"\r\n\
            Proxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n\
            Subject: response=this, stays\x1b[31m\r\n\r\n\
            v=0\r\n\
            a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0\r\n\
            k=clear:secret\r\n";
        let text = readable(raw);
        for secret in ["0123456789abcdef", "again", "YWxp", "c2Vjc", "clear:s"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        for shown in [
            "username=\"alice\", response=…",
            "uri=\"sip:example.com\"",
            "Basic …",
            "Subject: response=this, stays\\x1b[31m",
            "AES_CM_128_HMAC_SHA1_80 inline:…",
            "\n\nv=0\n",
        ] {
            assert!(text.contains(shown), "{shown} not in {text}");
        }
    }
}
