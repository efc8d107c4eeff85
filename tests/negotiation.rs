//! Offers and answers of a call, in each of the ways in which RFC 3264 and RFC 6337 let them travel.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use sipdiag::capture::{FrameNumber, LinkType, Packet};
use sipdiag::dialog::legs::Legs;
use sipdiag::dialog::negotiation::Outcome;
use sipdiag::dialog::{Call, Negotiation};
use sipdiag::engine::{Engine, Observer, Options};
use sipdiag::time::Timestamp;
use support::flow::Flow;

#[derive(Default)]
struct Calls(Vec<Call>);

impl Observer for Calls {
    fn call(&mut self, call: &Call, _: &Legs) {
        self.0.push(call.clone());
    }
}

const SDP: &str = "
    Content-Type: application/sdp
    | v=0
    | o=x 1 1 IN IP4 192.0.2.10
    | m=audio 40000 RTP/AVP 0";

/// The method of each offer with what became of it; `SDP` in the case stands for a description.
fn outcomes(case: &str) -> Vec<String> {
    let text = format!(
        "# t\nalice = 192.0.2.10:5060\nbob = 192.0.2.20:5060\n{}\n+200 packet\n",
        case.trim().replace(" SDP", SDP)
    );
    let flow = Flow::parse("negotiation", &text);
    let mut engine = Engine::new(Options::default(), Calls::default());
    for (packet, number) in flow.packets.iter().zip(1..) {
        engine.packet(&Packet {
            frame: FrameNumber(number),
            time: Timestamp::from_nanos(packet.time),
            link_type: LinkType::ETHERNET,
            interface: 0,
            data: &packet.data,
            original_len: packet.original_len,
        });
    }
    let (_, calls) = engine.finish(flow.facts);
    let mut found = Vec::new();
    for call in &calls.0 {
        for exchange in Negotiation::of(call).exchanges() {
            let outcome = match &exchange.outcome {
                Outcome::Answered(answer) => format!("answered in {}", answer.seen.frame.0),
                Outcome::Announced { by, then_missing } => {
                    format!("announced in {} {then_missing}", by.seen.frame.0)
                }
                Outcome::Refused(response) => format!("refused {}", response.code),
                Outcome::Missing { seen, .. } => format!("missing in {}", seen.frame.0),
                Outcome::Open => "open".to_owned(),
            };
            let method = exchange.transaction.method.name();
            found.push(format!(
                "{method} {}: {outcome}",
                exchange.offer.seen.frame.0
            ));
        }
    }
    found
}

#[test]
fn an_offer_in_the_invite_is_answered_by_the_first_reliable_response_that_has_a_description() {
    let ends = [
        ("200 INVITE a1 SDP", "INVITE 1: answered in 2"),
        ("200 INVITE a1", "INVITE 1: missing in 2"),
        ("488 INVITE a1", "INVITE 1: refused 488"),
        ("183 INVITE a1 SDP", "INVITE 1: announced in 2 false"),
        ("180 INVITE a1", "INVITE 1: open"),
        (
            "183 INVITE a1 SDP\n+0.2 bob -> alice  200 INVITE a1",
            "INVITE 1: announced in 2 true",
        ),
        (
            "183 INVITE a1 SDP\n+0.2 bob -> alice  200 INVITE a1 SDP",
            "INVITE 1: answered in 3",
        ),
        (
            "183 INVITE a1\n    RSeq: 1 SDP\n+0.2 bob -> alice  200 INVITE a1",
            "INVITE 1: answered in 2",
        ),
        (
            "200 INVITE a1\n    Content-Type: application/sdp\n    Content-Encoding: gzip\n    | x",
            "INVITE 1: open",
        ),
    ];
    for (end, expected) in ends {
        let case = format!("+0 alice -> bob  INVITE a1 SDP\n+0.1 bob -> alice  {end}");
        assert_eq!(outcomes(&case), [expected], "{end}");
    }
}

#[test]
fn each_fork_answers_for_itself() {
    let case = "+0 alice -> bob  INVITE a1 SDP\n+0.1 bob -> alice  200 INVITE a1 tag=x SDP\n+0.2 bob -> alice  200 INVITE a1 tag=y SDP";
    assert_eq!(
        outcomes(case),
        ["INVITE 1: answered in 2", "INVITE 1: answered in 3"]
    );
    // The one may have the answer of the other, when somebody changes tags on the way.
    let case = "+0 alice -> bob  INVITE a1 SDP\n+0.1 bob -> alice  183 INVITE a1 tag=x SDP\n+0.2 bob -> alice  200 INVITE a1 tag=y";
    assert_eq!(
        outcomes(case),
        ["INVITE 1: announced in 2 false", "INVITE 1: open"]
    );
}

#[test]
fn a_late_offer_is_answered_in_the_ack_or_in_the_prack() {
    let offered = "+0 alice -> bob  INVITE a1\n+0.1 bob -> alice  200 INVITE a1 SDP";
    assert_eq!(outcomes(offered), ["INVITE 2: open"]);
    let ack = format!("{offered}\n+0.2 alice -> bob  ACK a2 to=bob;b");
    assert_eq!(outcomes(&ack), ["INVITE 2: missing in 3"]);
    assert_eq!(outcomes(&format!("{ack} SDP")), ["INVITE 2: answered in 3"]);
    let reliable = "+0 alice -> bob  INVITE a1\n+0.1 bob -> alice  183 INVITE a1\n    RSeq: 5 SDP\n\
                    +0.2 alice -> bob  PRACK a2 cseq=2 to=bob;b\n    RAck: 5 1 INVITE SDP\n\
                    +0.3 bob -> alice  200 PRACK a2\n+0.4 bob -> alice  200 INVITE a1 SDP\n+0.5 alice -> bob  ACK a3 to=bob;b";
    assert_eq!(outcomes(reliable), ["INVITE 2: answered in 3"]);
    assert_eq!(
        outcomes(&reliable.replace("RAck: 5", "RAck: 6")),
        ["INVITE 2: open"]
    );
}

#[test]
fn later_offers_come_in_update_and_in_invite() {
    let case = "+0 alice -> bob  INVITE a1 SDP\n+0.1 bob -> alice  200 INVITE a1 SDP\n+0.2 alice -> bob  ACK a2 to=bob;b\n\
                +1 bob -> alice  UPDATE b1 from=bob;b to=alice;a SDP\n+1.1 alice -> bob  200 UPDATE b1 SDP\n\
                +2 alice -> bob  UPDATE a3 cseq=2 to=bob;b\n+2.1 bob -> alice  200 UPDATE a3\n\
                +3 alice -> bob  INVITE a4 cseq=3 to=bob;b SDP\n+3.1 bob -> alice  491 INVITE a4\n+3.2 alice -> bob  ACK a4 cseq=3 to=bob;b";
    assert_eq!(
        outcomes(case),
        [
            "INVITE 1: answered in 2",
            "UPDATE 4: answered in 5",
            "INVITE 8: refused 491"
        ]
    );
}

#[test]
fn without_the_request_nothing_is_known() {
    let case = "+0 alice -> bob  unseen INVITE a1 SDP\n+0.1 bob -> alice  200 INVITE a1 SDP\n+0.2 alice -> bob  ACK a2 to=bob;b";
    assert!(outcomes(case).is_empty());
}
