//! Legs of calls through B2BUAs, by each of the rules that tell them.

use super::*;
use crate::flow::Transport;
use crate::sip::{Carrier, Message};
use crate::transaction::{Draft, Keys};

/// An INVITE of the call `id` from one host to another, with more header fields and a body.
fn invite(
    legs: &mut Legs,
    at: f64,
    id: &str,
    ends: (&str, &str),
    users: (&str, &str),
    more: &str,
    body: &str,
) {
    let (from, to) = users;
    let text = format!(
        "INVITE sip:{to}@example.com SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK{id}\r\nFrom: <sip:{from}@example.com>;tag=1\r\n\
         To: <sip:{to}@example.com>\r\nCall-ID: {id}\r\nCSeq: 1 INVITE\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let message = Message::parse(text.as_bytes(), Carrier::default()).unwrap();
    let flow = Flow {
        src: format!("{}:5060", ends.0).parse().unwrap(),
        dst: format!("{}:5060", ends.1).parse().unwrap(),
        transport: Transport::Udp,
    };
    let time = Timestamp::MIN + Duration::from_secs_f64(at);
    let draft = Draft::of(&message, Keys::of(&message, flow, None), flow);
    let began = draft.request().expect("a request");
    let beginning = Beginning::of(&message, began, &[]).expect("an INVITE");
    legs.invite(&beginning, &Arc::from(id.as_bytes()), flow, time);
}

const PHONE: &str = "192.0.2.10";
const PBX: &str = "192.0.2.20";
const TRUNK: &str = "198.51.100.30";
const OUT: (&str, &str) = (PBX, TRUNK);
const IN: (&str, &str) = (PHONE, PBX);

fn by(legs: &Legs, id: &str) -> Option<LinkedBy> {
    legs.link_of(id.as_bytes()).map(|link| link.by)
}

#[test]
fn the_next_leg_is_known_by_the_surest_rule() {
    let sdp = "v=0\r\no=- 77 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nm=audio 40000 RTP/AVP 0\r\n";
    let session =
        "Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000\r\n";
    let charging = "P-Charging-Vector: icid-value=\"AyretyU0dm+6O2IrT5tAFrbHLso=\";orig-ioi=home.example.com\r\n";
    let cases = [
        (session, session, "", "out-1", LinkedBy::SessionId),
        (charging, charging, "", "out-1", LinkedBy::ChargingVector),
        (
            "",
            "X-Call-ID: 1234567890abcdef@phone\r\n",
            "",
            "out-1",
            LinkedBy::Header,
        ),
        ("", "", "", "1234567890abcdef@phone_b2b-1", LinkedBy::CallId),
        ("", "", "", "b2b-1234567890abcdef@phone", LinkedBy::CallId),
        ("", "", sdp, "out-1", LinkedBy::Sdp),
        ("", "", "", "out-1", LinkedBy::Users),
    ];
    for (before, after, body, id, rule) in cases {
        let mut legs = Legs::default();
        let users = ("alice", "0033123456789");
        invite(
            &mut legs,
            0.0,
            "1234567890abcdef@phone",
            IN,
            users,
            before,
            body,
        );
        invite(
            &mut legs,
            0.4,
            id,
            OUT,
            ("alice", "+33123456789"),
            after,
            body,
        );
        assert_eq!(by(&legs, id), Some(rule), "{rule:?}");
        assert_eq!(legs.behind(b"1234567890abcdef@phone").len(), 1);
        assert_eq!(by(&legs, "1234567890abcdef@phone"), None);
    }
}

#[test]
fn the_same_client_with_a_new_call_id_is_no_leg() {
    let mut legs = Legs::default();
    invite(&mut legs, 0.0, "one-call", IN, ("alice", "bob"), "", "");
    invite(&mut legs, 0.5, "another", IN, ("alice", "bob"), "", "");
    invite(
        &mut legs,
        0.6,
        "third-party",
        (TRUNK, PHONE),
        ("alice", "bob"),
        "",
        "",
    );
    assert_eq!(
        (by(&legs, "another"), by(&legs, "third-party")),
        (None, None)
    );
}

#[test]
fn users_alone_tell_for_two_seconds_only_and_not_when_two_calls_have_them() {
    let mut legs = Legs::default();
    invite(&mut legs, 0.0, "first", IN, ("alice", "bob"), "", "");
    invite(&mut legs, 2.5, "late", OUT, ("alice", "bob"), "", "");
    assert_eq!(by(&legs, "late"), None);
    invite(&mut legs, 10.0, "second", IN, ("sipp", "service"), "", "");
    invite(&mut legs, 10.1, "third", IN, ("sipp", "service"), "", "");
    invite(&mut legs, 10.2, "whose", OUT, ("sipp", "service"), "", "");
    assert_eq!(by(&legs, "whose"), None);
    // One after the other they are told apart.
    invite(&mut legs, 20.0, "fourth", IN, ("sipp", "service"), "", "");
    invite(&mut legs, 20.1, "fifth", OUT, ("sipp", "service"), "", "");
    assert_eq!(
        legs.link_of(b"fifth").map(|it| &*it.from),
        Some(&b"fourth"[..])
    );
}

#[test]
fn a_null_session_identifier_and_short_values_tell_nothing() {
    let mut legs = Legs::default();
    let null = "Session-ID: 00000000000000000000000000000000\r\nX-CID: 1\r\n";
    invite(&mut legs, 0.0, "one-call", IN, ("alice", "bob"), null, "");
    invite(
        &mut legs,
        0.5,
        "other-call",
        OUT,
        ("carol", "dave"),
        null,
        "",
    );
    assert_eq!(by(&legs, "other-call"), None);
}

#[test]
fn hops_of_one_call_id_are_no_legs_and_chains_are_followed() {
    let mut legs = Legs::default();
    let sbc = "203.0.113.5";
    invite(&mut legs, 0.0, "inner", IN, ("alice", "bob"), "", "");
    invite(
        &mut legs,
        0.1,
        "inner",
        (PBX, sbc),
        ("alice", "bob"),
        "",
        "",
    );
    invite(
        &mut legs,
        0.2,
        "outer",
        (sbc, TRUNK),
        ("alice", "bob"),
        "",
        "",
    );
    assert_eq!(by(&legs, "inner"), None);
    assert_eq!(
        legs.link_of(b"outer").map(|it| &*it.from),
        Some(&b"inner"[..])
    );
}

#[test]
fn what_is_remembered_is_forgotten_after_the_window() {
    let mut legs = Legs::default();
    for call in 0..500 {
        let (id, user) = (format!("call-number-{call}"), format!("user{call}"));
        invite(&mut legs, f64::from(call), &id, IN, (&user, "bob"), "", "");
    }
    assert!(
        legs.known.len() < 200 && legs.order.len() < 200,
        "{}",
        legs.known.len()
    );
    assert_eq!(legs.refused(), 0);
}

#[test]
fn a_short_call_id_in_a_header_tells_when_there_is_such_a_call() {
    let mut legs = Legs::default();
    let users = |number: &'static str| ("alice", number);
    invite(&mut legs, 0.0, "leg-1", IN, users("100"), "", "");
    invite(
        &mut legs,
        10.0,
        "leg-2",
        OUT,
        users("200"),
        "X-Call-ID: leg-1\r\n",
        "",
    );
    assert_eq!(by(&legs, "leg-2"), Some(LinkedBy::Header));
    invite(
        &mut legs,
        20.0,
        "leg-3",
        OUT,
        users("300"),
        "X-Call-ID: leg-9\r\n",
        "",
    );
    assert_eq!(by(&legs, "leg-3"), None);
}

#[test]
fn the_users_tell_the_next_route_as_long_as_no_route_has_decided() {
    const OTHER_TRUNK: &str = "198.51.100.40";
    for (decided, known) in [(None, true), (Some(401), true), (Some(480), false)] {
        let mut legs = Legs::default();
        let users = ("alice", "bob");
        invite(&mut legs, 0.0, "in-1", IN, users, "", "");
        invite(&mut legs, 0.1, "out-1", OUT, users, "", "");
        if let Some(code) = decided {
            let time = Timestamp::MIN + Duration::from_secs(1);
            legs.response(&Arc::from(&b"in-1"[..]), code, time);
        }
        invite(&mut legs, 4.2, "out-2", (PBX, OTHER_TRUNK), users, "", "");
        let by_users = by(&legs, "out-2") == Some(LinkedBy::Users);
        assert_eq!(by_users, known, "{decided:?}");
    }
}

#[test]
fn a_leg_that_failed_came_right_by_one_that_was_answered_after_it_began() {
    let mut legs = Legs::default();
    let users = ("alice", "bob");
    invite(&mut legs, 0.0, "in-1", IN, users, "", "");
    invite(&mut legs, 0.1, "out-1", OUT, users, "", "");
    invite(
        &mut legs,
        0.2,
        "out-2",
        (PBX, "198.51.100.40"),
        users,
        "",
        "",
    );
    let at = |seconds| Timestamp::MIN + Duration::from_secs(seconds);
    assert!(legs.is_undecided_before(b"out-1"));
    assert_eq!(legs.answered_instead(b"out-1", at(0)), None);
    legs.response(&Arc::from(&b"out-2"[..]), 200, at(3));
    legs.response(&Arc::from(&b"in-1"[..]), 200, at(3));
    let instead = legs.answered_instead(b"out-1", at(0));
    assert_eq!(instead.map(|it| &**it), Some(&b"out-2"[..]));
    assert_eq!(legs.answered_instead(b"out-1", at(5)), None);
    assert_eq!(legs.answered_instead(b"out-2", at(0)), None);
    assert!(!legs.is_undecided_before(b"out-1"));
}

#[test]
fn legs_that_share_a_value_follow_each_other_as_their_hosts_do() {
    let session =
        "Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000\r\n";
    let mut legs = Legs::default();
    let users = ("alice", "bob");
    let (peer, carrier) = ("203.0.113.40", "203.0.113.50");
    for (at, id, ends) in [
        (0.0, "leg-one", IN),
        (0.1, "leg-two", OUT),
        (0.2, "leg-three", (TRUNK, peer)),
        // The PBX tries another route at the same time.
        (0.2, "leg-beside", (PBX, carrier)),
        (0.3, "leg-four", (peer, "203.0.113.60")),
    ] {
        invite(&mut legs, at, id, ends, users, session, "");
    }
    let before = |id: &str| legs.link_of(id.as_bytes()).map(|it| it.from.to_vec());
    assert_eq!(before("leg-one"), None);
    assert_eq!(before("leg-two").as_deref(), Some(&b"leg-one"[..]));
    assert_eq!(before("leg-three").as_deref(), Some(&b"leg-two"[..]));
    assert_eq!(before("leg-beside").as_deref(), Some(&b"leg-one"[..]));
    assert_eq!(before("leg-four").as_deref(), Some(&b"leg-three"[..]));
}
