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

#[test]
fn a_payload_type_below_96_is_itself_and_a_mapping_may_be_written_loosely() {
    let sdp = Sdp::parse(
        b"m=audio 4000 RTP/AVP 9 0 98 99 98\na=rtpmap: 98  SPEEX/16000 \na=rtpmap:9 G722/16000\na=rtpmap:98 other/1\na=rtpmap:300 x/1\n",
    );
    let codecs = sdp.media[0].codecs();
    let found: Vec<_> = codecs.iter().map(|it| (it.name, it.clock)).collect();
    assert_eq!(
        found,
        [
            ("G722", 16000),
            ("PCMU", 8000),
            ("SPEEX", 16000),
            ("", 0),
            ("SPEEX", 16000)
        ]
    );
    let plain = Sdp::parse(b"m=audio 4000 RTP/AVP 9\n");
    assert!(plain.media[0].codecs()[0].is_same(&codecs[0]));
}

#[test]
fn lines_that_cannot_be_read_are_known_to_be_missing() {
    for text in [
        "m=audio",
        "m=audio x RTP/AVP 0",
        "m=audio 70000 RTP/AVP 0",
        "m=",
    ] {
        let sdp = Sdp::parse(text.as_bytes());
        assert!(sdp.damaged && sdp.media.is_empty(), "{text}");
    }
    let many = "m=audio 4000 RTP/AVP 0\n".repeat(MAX_SDP_MEDIA + 1);
    let sdp = Sdp::parse(many.as_bytes());
    assert!(sdp.damaged && sdp.media.len() == MAX_SDP_MEDIA);
    let sdp = Sdp::parse(b"c=IN IP4 192.0.2.1\nc=IN\nm=audio 4000 RTP/AVP 0\nc=bad\n");
    assert!(!sdp.damaged);
    let wanted = sdp.connection_of(&sdp.media[0]).map(|it| it.address);
    assert_eq!(wanted, Some("192.0.2.1"));
}

#[test]
fn an_origin_is_read_from_behind() {
    let origin = |text| super::origin(text).map(|it| (it.user, it.session, it.version, it.address));
    assert_eq!(
        origin("John Doe 7 8 IN IP4 192.0.2.1 "),
        Some(("John Doe", "7", "8", "192.0.2.1"))
    );
    assert_eq!(origin("7 8 IN IP4 192.0.2.1"), None);
    assert_eq!(origin(""), None);
}

#[test]
fn a_body_that_nobody_can_read_is_not_no_body() {
    let body = "m=audio 4000 RTP/AVP 0\r\n";
    let plain = message("application/sdp", body);
    assert!(matches!(Content::of(&plain), Content::Description(_)));
    assert_eq!(Content::of(&message("text/plain", body)), Content::Nothing);
    assert_eq!(
        Content::of(&message("application/sdp", "")),
        Content::Nothing
    );
    assert_eq!(
        Content::of(&message("application/pkcs7-mime", body)),
        Content::Unreadable
    );
    assert_eq!(
        Content::of(&message("application/sdp\r\nContent-Encoding: gzip", body)),
        Content::Unreadable
    );
    for head in [
        "Content-Length: 4\r\n",
        "Content-Type: application/sdp\r\nContent-Length: 400\r\n",
        "Content-Type: application/sdp\r\nContent-Length: 4\r\n",
    ] {
        let text = format!("INVITE sip:bob@example.com SIP/2.0\r\n{head}\r\n{body}");
        let other = Message::parse(text.as_bytes(), Carrier::default()).unwrap();
        assert_eq!(Content::of(&other), Content::Unreadable, "{head}");
    }
}

#[test]
fn a_description_is_found_inside_other_parts_to_a_depth() {
    let mut body = "m=audio 4000 RTP/AVP 0\r\n".to_owned();
    let mut content_type = "application/sdp".to_owned();
    for depth in 0..=MAX_MULTIPART_DEPTH {
        let found = Content::of(&message(&content_type, &body)) != Content::Unreadable;
        assert!(found, "{depth}");
        body =
            format!("--b{depth}\r\nContent-Type: {content_type}\r\n\r\n{body}\r\n--b{depth}--\r\n");
        content_type = format!("multipart/mixed;boundary=b{depth}");
    }
    assert_eq!(
        Content::of(&message(&content_type, &body)),
        Content::Unreadable
    );
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
