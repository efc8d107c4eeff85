//! The torture messages of RFC 4475 and RFC 5118: none is lost, and each is read as `fixtures/` says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use serde::Deserialize;
use sipdiag::sip::{Carrier, HeaderName, Message, Oddities, Oddity, looks_like_sip, typed};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    section: String,
    title: String,
    verdict: String,
    method: Option<String>,
    status: Option<u64>,
    call_id: Option<String>,
    cseq: String,
    oddities: Vec<String>,
    #[serde(default)]
    strict: Vec<String>,
}

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(folder)
}

/// The messages of a folder by name.
fn messages(folder: &str) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(fixtures(folder))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_none_or(|extension| extension == "dat"))
        .map(|path| {
            let name = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, fs::read(path).expect("a file"))
        })
        .collect()
}

fn names(oddities: Oddities) -> Vec<&'static str> {
    oddities.iter().map(Oddity::name).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn each_message_of_rfc_4475_is_read_as_expected() {
    let list = fs::read_to_string(fixtures("rfc4475/expectations.toml")).expect("the list");
    let list: BTreeMap<String, Expected> = toml::from_str(&list).expect("a list of tables");
    assert_eq!(list.len(), 49);
    let files = messages("rfc4475");
    for (name, expected) in &list {
        let bytes = files
            .get(name)
            .unwrap_or_else(|| panic!("no file for {name}"));
        let what = format!("{name} (§{} {})", expected.section, expected.title);
        assert!(looks_like_sip(bytes, false), "{what} is lost");
        let message = Message::parse(bytes, Carrier::default()).expect("found");
        assert_eq!(
            message.method().map(|it| it.to_string()),
            expected.method,
            "{what}"
        );
        assert_eq!(message.status(), expected.status, "{what}");
        assert_eq!(
            message.call_id().map(|it| text(&it)),
            expected.call_id,
            "{what}"
        );
        let (number, method) = message.cseq().expect("a CSeq");
        let (digits, name_of_method) = expected.cseq.split_once(' ').expect("two words");
        let sent: u128 = digits.parse().expect("a number");
        assert_eq!(u128::from(number), sent.min(u128::from(u64::MAX)), "{what}");
        assert_eq!(method.name(), name_of_method, "{what}");
        assert_eq!(
            names(message.oddities()),
            expected.oddities,
            "{what}: {}",
            expected.verdict
        );
        assert_eq!(
            names(typed::oddities(&message)),
            expected.strict,
            "{what}: {}",
            expected.verdict
        );
    }
    // All messages of the archive but test.dat are listed.
    assert_eq!(
        files
            .keys()
            .filter(|name| !list.contains_key(*name))
            .collect::<Vec<_>>(),
        ["test"]
    );
}

#[test]
fn a_valid_message_of_rfc_4475_has_no_oddity() {
    let list = fs::read_to_string(fixtures("rfc4475/expectations.toml")).expect("the list");
    let list: BTreeMap<String, Expected> = toml::from_str(&list).expect("a list of tables");
    // What follows the body may be there and is to be ignored; RFC 2543 did without some of RFC 3261.
    let departing = ["dblreq", "inv2543"];
    // RFC 4475 takes branches without the cookie, which RFC 2543 peers send.
    let of_rfc_3261 = |it: &Expected| it.oddities.iter().all(|it| it == "branch-without-cookie");
    for (name, expected) in &list {
        let valid = expected.verdict.starts_with("valid") && !departing.contains(&name.as_str());
        assert!(
            !valid || (of_rfc_3261(expected) && expected.strict.is_empty()),
            "{name}"
        );
        let refused = expected.verdict.starts_with("invalid");
        assert!(
            !refused || !expected.oddities.is_empty() || !expected.strict.is_empty(),
            "{name}"
        );
    }
}

#[test]
fn a_start_line_without_version_is_no_message() {
    let bytes = fs::read(fixtures("rfc4475/test.dat")).expect("a file");
    assert!(!looks_like_sip(&bytes, false));
    assert_eq!(Message::parse(&bytes, Carrier::default()), None);
}

#[test]
fn details_of_rfc_4475_are_not_blurred() {
    let files = messages("rfc4475");
    let message = |name: &str| Message::parse(&files[name], Carrier::default()).expect("found");
    let uris = |name: &str| -> Vec<String> {
        let contacts = message(name);
        let contacts = contacts.headers(HeaderName::Contact);
        contacts.map(|it| text(&it)).collect()
    };
    assert_eq!(message("wsinv").via_count(), 3);
    assert_eq!(message("wsinv").from_tag(), Some(&b"98asjd8"[..]));
    assert_eq!(message("wsinv").to_tag(), Some(&b"1918181833n"[..]));
    assert_eq!(message("longreq").via_count(), 34);
    assert_eq!(message("badinv01").via_count(), 1);
    // An escape in a field name makes it another field; escaped NULs keep contacts apart.
    assert_eq!(uris("esc02").len(), 2);
    assert_eq!(
        uris("escnull"),
        [
            "<sip:%00@host5.example.com>",
            "<sip:%00%00@host5.example.com>"
        ]
    );
    assert_eq!(message("dblreq").body(), b"");
    assert_eq!(message("mpart01").body().len(), 553);
    assert_eq!(message("mcl01").body(), b"There's no wa");
    let to = |name: &str| text(&message(name).uri(HeaderName::To).expect("a To"));
    assert_eq!(to("baddn"), "sip:t.watson@example.org");
    assert_eq!(to("badaspec"), "sip:t.watson@example.org");
    assert_eq!(to("quotbal"), "sip:j.user@example.com");
}

#[test]
fn each_message_of_rfc_5118_is_read() {
    let files = messages("rfc5118");
    assert_eq!(files.len(), 12);
    for (name, bytes) in &files {
        // The archive has LF alone; on the wire it is CRLF. Both are read alike.
        let wire = text(bytes).replace('\n', "\r\n").into_bytes();
        for (bytes, carriage_return) in [(bytes, false), (&wire, true)] {
            assert!(looks_like_sip(bytes, false), "{name} is lost");
            let message = Message::parse(bytes, Carrier::default()).expect("found");
            assert!(
                message.call_id().is_some() && message.cseq().is_some(),
                "{name}"
            );
            assert!(message.from_tag().is_some(), "{name}");
            assert_eq!(
                message.oddities().contains(Oddity::BareLf),
                !carriage_return,
                "{name}"
            );
            let strict = names(typed::oddities(&message));
            // Only the Request-URI without brackets is beyond doubt; RFC 5118 §4.5 and §4.10 ask for patience.
            let expected: &[&str] = if name == "ipv6-bad" {
                &["request-uri-unreadable"]
            } else {
                &[]
            };
            assert_eq!(strict, expected, "{name}");
        }
    }
}
