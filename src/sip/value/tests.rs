//! Values as they are written, and as nobody should write them.

use super::*;

#[test]
fn via_with_white_space_around_everything_is_read() {
    let via = Via::of(b"SIP  / 2.0  / UDP  192.0.2.2 : 5060 ;  branch = z9hG4bK390 ;rport")
        .expect("a Via");
    assert_eq!(via.transport, b"UDP");
    assert_eq!(via.sent_by, b"192.0.2.2 : 5060");
    assert_eq!(via.branch(), Some(&b"z9hG4bK390"[..]));
    assert!(via.has_param(b"RPORT"));
    assert_eq!(via.param(b"rport"), None);
}

#[test]
fn a_via_says_where_its_sender_is_and_where_it_was_seen() {
    let via =
        Via::of(b"SIP/2.0/UDP 192.168.1.2:5062;rport=40000;received=192.0.2.9").expect("a Via");
    assert_eq!(via.address(), "192.168.1.2".parse().ok());
    assert_eq!(via.port(), Some(5062));
    assert_eq!(via.received(), "192.0.2.9".parse().ok());
    assert_eq!(via.rport(), Some(40000));
    for params in [
        "",
        ";rport",
        ";Rport = 5;x=<;>; received = [2001:db8::1]",
        ";rport;rport=5;received=;received=192.0.2.1;branch=z9hG4bK1",
        ";branch=z9hG4bKr;RPORT=70000 ;received=a.example.com",
    ] {
        let value = format!("SIP/2.0/UDP 192.0.2.2{params}");
        let via = Via::of(value.as_bytes()).expect("a Via");
        let expected = (via.param(b"received"), via.param(b"rport"));
        assert_eq!(via.seen_as(), expected, "{params}");
    }
    let named = Via::of(b"SIP/2.0/UDP a.example.com : 5070;rport").expect("a Via");
    assert_eq!(
        (named.address(), named.port(), named.rport()),
        (None, Some(5070), None)
    );
    let v6 = Via::of(b"SIP/2.0/UDP [2001:db8::1];received=2001:db8::2").expect("a Via");
    assert_eq!(
        (v6.port(), v6.received()),
        (None, "2001:db8::2".parse().ok())
    );
}

#[test]
fn parameters_inside_the_brackets_belong_to_the_uri() {
    let value = NameAddr::of(br#""A; \"B\" <x>" <sip:a@example.com;tag=no>;TAG=yes"#);
    assert_eq!(value.display, br#""A; \"B\" <x>""#);
    assert_eq!(value.uri, b"sip:a@example.com;tag=no");
    assert_eq!(value.tag(), Some(&b"yes"[..]));
    assert_eq!(value.brackets, Brackets::Closed);
    assert!(!value.padded);
    let quoted = NameAddr::of(br#"sip:a@example.com;x="<y>";tag=12"#);
    assert_eq!(quoted.uri, b"sip:a@example.com");
    assert_eq!(quoted.tag(), Some(&b"12"[..]));
    assert!(NameAddr::of(b"< sip:a@example.com >").padded);
    let bare = NameAddr::of(b"sip:a@example.com;tag=12");
    assert_eq!(bare.uri, b"sip:a@example.com");
    assert_eq!(bare.tag(), Some(&b"12"[..]));
}

#[test]
fn an_unterminated_display_name_keeps_the_uri() {
    let value = NameAddr::of(b"\"Mr. J. User <sip:j.user@example.com>;tag=1");
    assert!(!value.balanced);
    assert_eq!(value.uri, b"sip:j.user@example.com");
}

#[test]
fn lists_are_split_outside_quotes_and_brackets() {
    let items: Vec<_> = list(br#""a, b" <sip:x,y@h>, <sip:z@h>;p="1,2" ,"#).collect();
    assert_eq!(
        items,
        [&br#""a, b" <sip:x,y@h>"#[..], br#"<sip:z@h>;p="1,2""#]
    );
}

#[test]
fn an_address_of_record_has_no_port_and_no_parameters() {
    assert_eq!(
        address_of_record(b"sip:Bob:pw@Example.COM:5070;x=y?h=1"),
        "sip:Bob@example.com"
    );
    assert_eq!(
        address_of_record(b"sip:[2001:db8::1]:5060"),
        "sip:[2001:db8::1]"
    );
    assert_eq!(address_of_record(b"tel:+1555"), "tel:+1555");
}

#[test]
fn a_parameter_is_found_wherever_it_stands() {
    let via = |params: &str| format!("SIP/2.0/UDP h;{params}").into_bytes();
    for (params, branch) in [
        ("branch=b", "b"),
        ("BRANCH = b ", "b"),
        ("rport;branch=b;x", "b"),
        ("rport; branch=b", "b"),
        ("x=\";branch=no\";branch=b", "b"),
        ("x=<;branch=no>;branch=b", "b"),
        ("branch=\"a;b\";x", "\"a;b\""),
        ("x=\"unclosed;branch=b", ""),
        ("branching=no;branch=b", "b"),
        ("branch", ""),
    ] {
        let value = via(params);
        let found = Via::of(&value).expect("a Via").branch();
        assert_eq!(found.unwrap_or_default(), branch.as_bytes(), "{params}");
    }
}

#[test]
fn plain_addresses_are_read_as_all_are() {
    for value in [
        "<sip:a@h>;tag=1",
        "<sip:a@h>",
        "\"A B\" <sip:a@h>;tag=1;x",
        "\"A B\"<sip:a@h>;x=y;tag=1",
        "\"\" <sip:a@h>",
        "\"A \\\" B\" <sip:a@h>",
        "\"A B\"  <sip:a@h>",
        "A B <sip:a@h>",
        "<sip:a@h",
        "< sip:a@h >",
        "<s>",
        "<>",
        "\"A",
        "",
    ] {
        let value = value.as_bytes();
        if let Some(plain) = NameAddr::plain(value) {
            assert_eq!(plain, NameAddr::of(value));
        }
    }
    assert!(NameAddr::plain(b"\"A B\" <sip:a@h>;tag=1").is_some());
    assert!(NameAddr::plain(b"<sip:a@h>").is_some());
}

#[test]
fn transports_and_schemes_that_name_streams_are_seen() {
    for text in [
        "sips:a@h",
        "<SIPS:a@h>",
        "sip:h;transport=tcp",
        "sip:h;Transport=TLS;lr",
    ] {
        assert!(may_name_stream(text.as_bytes()), "{text}");
    }
    for text in [
        "sip:a@h",
        "sip:h;transport=udp",
        "sip:h;x=tcp",
        "ips:h",
        "",
        "=",
        "=t",
        "sip:h;transport=tc",
    ] {
        assert!(!may_name_stream(text.as_bytes()), "{text}");
    }
}
