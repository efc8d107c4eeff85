//! The strict reading accuses nobody of what RFC 3261 allows, and overlooks nothing of what it forbids.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use sipdiag::sip::{Carrier, Message, Oddity, typed};

fn strict(uri: &str, fields: &str) -> Vec<Oddity> {
    let text = format!("INVITE {uri} SIP/2.0\r\n{fields}\r\n");
    let message = Message::parse(text.as_bytes(), Carrier::default()).expect("a message");
    typed::oddities(&message).iter().collect()
}

const URIS: &[&str] = &[
    "sip:example.com",
    "SIP:example.com",
    "sips:alice@example.com",
    "sip:a.g.bell@example.com:5070;transport=tcp",
    "sip:a.b:p&w=+$,@192.0.2.1:5060",
    "sip:[2001:db8::10]",
    "sip:bob@[2001:db8::10]:5070;lr",
    "sip:bob@[::ffff:192.0.2.1]",
    "sip:bob@[2001:db8:::192.0.2.1]",
    "sip:%75se%72@example.com",
    "sip:+1-202-555-0101;phone-context=example.com@example.com;user=phone",
    "sip:a&=+$,;?/-_.!~*'()@example.com",
    "sip:h;lr",
    "sip:h;lr=on;maddr=[2001:db8::1];ttl=15;method=INVITE",
    "sip:h;unknown;x=[]/:&+$%41",
    "sip:h;transport=WSS;comp=sigcomp",
    "sip:h;transport=quic",
    "sip:a@h;ob;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "sip:a@h.example.com.:5060",
    "sip:a@voice_proxy:5060",
    "sip:a@h:65535",
];

#[test]
fn legal_uris_are_accepted() {
    for uri in URIS {
        assert_eq!(
            strict(
                uri,
                &format!("From: <{uri}>;tag=1\r\nTo: <{uri}>\r\nContact: <{uri}>\r\n")
            ),
            [],
            "{uri}"
        );
    }
    for uri in [
        "tel:+12025550101;ext=1",
        "urn:service:sos",
        "nobodyKnows:x@@y z",
    ] {
        assert_eq!(strict(uri, ""), [], "{uri}");
    }
}

#[test]
fn broken_sip_uris_are_refused() {
    for uri in [
        "sip:",
        "sip:@example.com",
        "sip:a@",
        "sip:a@:5060",
        "sip:a@h:",
        "sip:a@h:x",
        "sip:a@h:65536",
        "sip:a@h:+5",
        "sip:2001:db8::10",
        "sip:a@[2001:db8::10",
        "sip:a@[2001:db8::g]",
        "sip:a@[2001:db8::1]5060",
        "sip:a@h..example.com",
        "sip:a@h;;lr",
        "sip:a@h;",
        "sip:a@h;x=",
        "sip:a@h;=x",
        "sip:a@h;x=\"y\"",
        "sip:a%4@h",
        "sip:a%zz@h",
        "sip:a#b@h",
        "sip:a b@h",
        "sip:a@h?x",
        "sip:a@h;x y",
        "sip:\u{e4}@h",
    ] {
        assert_eq!(strict(uri, ""), [Oddity::RequestUriUnreadable], "{uri}");
    }
}

#[test]
fn legal_header_fields_are_accepted() {
    for fields in [
        "From: sip:a@h;tag=1\r\n",
        "From:   <sip:a@h>  ;  tag = 1 ; x\r\n",
        "From: \"\" <sip:a@h>;tag=1\r\n",
        "From: \"A, B <c> ; \\\" \\\\\" <sip:a@h>;tag=1\r\n",
        "From: \"\u{416}\" <sip:a@h>;tag=1;x=\"a;b,<c>\\\"\"\r\n",
        "From: A. B. `C'~<sip:a@h>;tag=1\r\n",
        "From:\r\n \"A\"\r\n <sip:a@h>\r\n ;tag=1\r\n",
        "To: <tel:+12025550101>\r\n",
        "To: isbn:2983792873\r\n",
        "To: <http://www.example.com/?a,b>;x\r\n",
        "Contact: *\r\n",
        "Contact: <sip:a@h>, \"B, C\" <sip:b@h;x>;q=0.5 , sip:c@h;expires=60,<mailto:a@example.com>\r\n",
        "Contact: <sip:a@h>;+sip.instance=\"<urn:uuid:0>\";reg-id=1;expires=4294967295;audio;methods=\"A,B\"\r\n",
        "m: <sip:a@h?Route=%3Csip:h%3E&x=>\r\n",
        "Via: SIP/2.0/UDP h\r\n",
        "v: SIP  /   2.0\r\n / UDP\r\n  192.0.2.2 : 5060 ; branch=x ;rport , SIP/2.0/UNKNOWN h;ttl=1;hidden\r\n",
        "Via: SIP/2.0/TLS [2001:db8::9:1]:5061;received=2001:db8::9:255;maddr=[ff02::1];branch=z9hG4bK1\r\n",
        "Via: SIP/2.0/UDP h;received=[2001:db8::9:255];rport=5060\r\n",
        "Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks\r\n",
    ] {
        assert_eq!(strict("sip:h", fields), [], "{fields}");
    }
}

#[test]
fn broken_header_fields_are_refused() {
    for (fields, oddity) in [
        ("From: <sip:a@h>;tag=\r\n", Oddity::FromUnreadable),
        ("From: <>;tag=1\r\n", Oddity::FromUnreadable),
        ("From: alan@example.com\r\n", Oddity::FromUnreadable),
        (
            "From: Bell, Alexander <sip:a@h>\r\n",
            Oddity::FromUnreadable,
        ),
        ("From: \"a\" b <sip:a@h>\r\n", Oddity::FromUnreadable),
        ("From: <sip:a@h>x;tag=1\r\n", Oddity::FromUnreadable),
        ("From: <sip:a@h>;tag=\"1\r\n", Oddity::FromUnreadable),
        ("From: <sip:a@h>;tag=1;;x\r\n", Oddity::FromUnreadable),
        ("To: < sip:a@h>\r\n", Oddity::ToUnreadable),
        ("To: <sip:a@h >\r\n", Oddity::ToUnreadable),
        ("To: \"a <sip:a@h>\r\n", Oddity::ToUnreadable),
        ("To: sip:a,b@h\r\n", Oddity::ToUnreadable),
        ("Contact: sip:a@h?x=y\r\n", Oddity::ContactUnreadable),
        (
            "Contact: <sip:a@h>,,<sip:b@h>\r\n",
            Oddity::ContactUnreadable,
        ),
        ("Contact: <sip:a@h>,*\r\n", Oddity::ContactUnreadable),
        ("Contact: <sip:a@h>;;;\r\n", Oddity::ContactUnreadable),
        ("Contact: <sip:a@h:port>\r\n", Oddity::ContactUnreadable),
        (
            "Contact: <sip:a@h>;expires=4294967296\r\n",
            Oddity::NumberOutOfRange,
        ),
        ("Via: SIP/2.0/UDP h;;\r\n", Oddity::ViaUnreadable),
        ("Via: SIP/2.0/UDP h, ,\r\n", Oddity::ViaUnreadable),
        ("Via: SIP/2.0/UDP\r\n", Oddity::ViaUnreadable),
        ("Via: SIP/2.0/UDP h:x\r\n", Oddity::ViaUnreadable),
        ("Via: SIP/2.0/UDP h;branch=a b\r\n", Oddity::ViaUnreadable),
    ] {
        assert_eq!(strict("sip:h", fields), [oddity], "{fields}");
    }
}

#[test]
fn a_cut_message_is_not_judged() {
    let carrier = Carrier {
        cut: true,
        stream: false,
    };
    let message =
        Message::parse(b"INVITE sip: SIP/2.0\r\nTo: <sip:\r\n", carrier).expect("a message");
    assert!(typed::oddities(&message).is_empty());
}

/// Why rsip is asked for hosts and ports only. When a newer rsip fails this test, ask it for more.
#[test]
fn rsip_alone_would_accuse_the_innocent_and_overlook_the_guilty() {
    use rsip::headers::ToTypedHeader;
    let refuses = |value: &str| rsip::headers::From::from(value).typed().is_err();
    for legal in [
        "<sip:bob@[2001:db8::10]:5070>;tag=1",
        "<sip:a.b:secret@example.com>;tag=1",
        "<sip:a@example.com> ;tag=1",
        "<sip:a@example.com>;x=\"y\"",
        "<sip:a@example.com;transport=quic>",
    ] {
        assert!(refuses(legal), "{legal}");
    }
    for broken in [
        "<sip:a%zz@example.com>",
        "Bell, A <sip:a@example.com>",
        "<sip:a@h?;;>",
        "alan@example.com",
    ] {
        assert!(!refuses(broken), "{broken}");
    }
}
