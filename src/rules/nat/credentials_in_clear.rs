//! `credentials-in-clear`: over public addresses and without TLS, digest credentials with MD5 (RFC 7616 §5, RFC 8760) or the
//! keys of SRTP (RFC 4568 §8.3).

use super::of_trait;
use crate::dialog::Trait;
use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "credentials-in-clear",
    code: "SEC031",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("credentials_in_clear.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    let way = |src: std::net::IpAddr, dst: std::net::IpAddr| format!("{src} → {dst}");
    found.extend(of_trait(
        view,
        &RULE,
        Trait::DigestInClear,
        |src, dst, _| way(src, dst),
    ));
    let keys = of_trait(view, &RULE, Trait::KeysInClear, |src, dst, _| way(src, dst));
    found.extend(keys.map(|finding| finding.variant(Some("srtp-keys"))));
}
