//! Session descriptions, good and bad.

use super::*;
use crate::sip::Carrier;
use proptest::prelude::*;

const OFFER: &[u8] = b"v=0\r\no=alice 7 8 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=sendonly\r\n\
m=audio 49170/2 RTP/AVP 0 8 97 101\r\na=rtpmap:97 iLBC/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n\
m=video 0 RTP/SAVPF 31 99\r\nc=IN IP6 2001:db8::1/127\r\na=inactive\r\na=rtpmap:99 h263-1998/90000\r\nm=image 5000 udptl t38\r\n";

#[test]
fn an_offer_is_read_line_by_line() {
    let sdp = Sdp::parse(OFFER);
    assert_eq!(
        sdp.origin.map(|it| (it.session, it.version, it.address)),
        Some(("7", "8", "192.0.2.1"))
    );
    let [audio, video, image] = sdp.media.as_slice() else {
        panic!("{sdp:?}");
    };
    let codecs: Vec<_> = audio
        .codecs()
        .iter()
        .map(|it| (it.payload_type, it.name.to_owned(), it.clock))
        .collect();
    assert_eq!(
        codecs,
        [
            (0, "PCMU".to_owned(), 8000),
            (8, "PCMA".to_owned(), 8000),
            (97, "iLBC".to_owned(), 8000),
            (101, "telephone-event".to_owned(), 8000)
        ]
    );
    assert_eq!((audio.port, audio.attribute("ptime")), (49170, Some("20")));
    assert_eq!(sdp.direction_of(audio), Direction::SendOnly);
    assert_eq!(sdp.direction_of(video), Direction::Inactive);
    assert_eq!(
        sdp.connection_of(video).and_then(|it| it.ip()),
        Some("2001:db8::1".parse().unwrap())
    );
    assert_eq!(
        (video.is_secure(), audio.is_secure(), image.is_rtp()),
        (true, false, false)
    );
    assert!(image.codecs().is_empty());
    assert_eq!(sdp.wanted("video").count(), 0);
    assert_eq!(sdp.wanted("AUDIO").count(), 1);
}

#[test]
fn codecs_are_the_same_by_name_and_clock_and_not_by_number() {
    let codec = |payload_type, name, clock| Codec {
        payload_type,
        name,
        clock,
    };
    assert!(codec(97, "opus", 48000).is_same(&codec(111, "OPUS", 48000)));
    assert!(!codec(97, "speex", 8000).is_same(&codec(97, "speex", 16000)));
    assert!(!codec(97, "iLBC", 8000).is_same(&codec(97, "G726-32", 8000)));
    assert!(codec(97, "", 0).is_same(&codec(97, "iLBC", 8000)));
    assert!(!codec(101, "Telephone-Event", 8000).is_medium() && codec(0, "PCMU", 8000).is_medium());
}

#[test]
fn an_address_of_zeros_is_a_hold() {
    let sdp = Sdp::parse(b"c=IN IP4 0.0.0.0\nm=audio 4000 RTP/AVP 0\n");
    assert_eq!(sdp.direction_of(&sdp.media[0]), Direction::SendOnly);
}

#[test]
fn an_answer_may_not_send_where_nobody_listens() {
    use Direction::*;
    for (answer, offer) in [
        (RecvOnly, SendOnly),
        (Inactive, SendOnly),
        (SendOnly, RecvOnly),
        (Inactive, Inactive),
        (SendRecv, SendRecv),
    ] {
        assert!(answer.may_answer(offer), "{answer:?} to {offer:?}");
    }
    for (answer, offer) in [
        (SendRecv, SendOnly),
        (SendOnly, SendOnly),
        (RecvOnly, RecvOnly),
        (SendRecv, Inactive),
    ] {
        assert!(!answer.may_answer(offer), "{answer:?} to {offer:?}");
    }
}

fn message(content_type: &str, body: &str) -> Message {
    let text = format!(
        "INVITE sip:bob@example.com SIP/2.0\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Message::parse(text.as_bytes(), Carrier::default()).unwrap()
}

#[test]
fn a_description_is_found_alone_or_among_other_parts() {
    let body = "m=audio 4000 RTP/AVP 0\r\n";
    let alone = message("application/sdp", body);
    assert_eq!(Sdp::of(&alone).unwrap().media.len(), 1);
    let parts = format!(
        "--x\r\nContent-Type: application/isup\r\n\r\nzzz\r\n--x\r\nContent-Type: application/sdp\r\n\r\n{body}--x--\r\n"
    );
    let among = message("multipart/mixed;boundary=x", &parts);
    assert_eq!(Sdp::of(&among).unwrap().media.len(), 1);
    assert_eq!(Sdp::of(&message("text/plain", body)), None);
    assert_eq!(Sdp::of(&message("application/sdp", "")), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let sdp = Sdp::parse(&bytes);
        for medium in &sdp.media {
            let _ = (medium.codecs(), sdp.direction_of(medium), sdp.connection_of(medium).and_then(|it| it.ip()));
        }
    }

    #[test]
    fn any_cut_of_an_offer_is_read(cut in 0..OFFER.len(), byte in any::<u8>()) {
        let mut bytes = OFFER[..cut].to_vec();
        bytes.push(byte);
        prop_assert!(Sdp::parse(&bytes).media.len() <= 3);
    }
}
