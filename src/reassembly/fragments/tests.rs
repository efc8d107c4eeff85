//! Pieces in any order, of any age, twice, cut and made to harm.

use super::*;
use proptest::prelude::*;
use std::net::IpAddr;
use std::time::Duration;

const START: i64 = 1_000_000_000_000;

fn v4(identification: u32) -> FragmentedDatagram {
    FragmentedDatagram {
        src: "192.0.2.1".parse().expect("an address"),
        dst: "192.0.2.2".parse().expect("an address"),
        protocol: 17,
        identification,
    }
}

fn v6(identification: u32) -> FragmentedDatagram {
    FragmentedDatagram {
        src: "2001:db8::1".parse().expect("an address"),
        dst: "2001:db8::2".parse().expect("an address"),
        ..v4(identification)
    }
}

fn seen(frame: u64, millis: i64) -> Sighting {
    Sighting {
        frame: FrameNumber(frame),
        time: Timestamp::from_nanos(START + millis * 1_000_000),
    }
}

/// The datagram of these tests: 3,000 bytes that all differ from their neighbours.
fn content() -> Vec<u8> {
    (0..3000_u32).map(|at| (at % 251) as u8).collect()
}

fn piece(of: FragmentedDatagram, bytes: &[u8], start: usize, end: usize) -> Fragment<'_> {
    Fragment {
        datagram: of,
        ttl: 64,
        offset: u32::try_from(start).expect("small"),
        more: end < bytes.len(),
        payload: &bytes[start..end],
        missing: 0,
    }
}

/// Feeds pieces as (start, end), a millisecond apart.
fn feed(of: FragmentedDatagram, bytes: &[u8], order: &[(usize, usize)]) -> (Vec<Whole>, Fragments) {
    let mut fragments = Fragments::default();
    let mut whole = Vec::new();
    for (&(start, end), frame) in order.iter().zip(1..) {
        let at = seen(frame, i64::try_from(frame).expect("small"));
        fragments.expire(at.time);
        whole.extend(fragments.fragment(&piece(of, bytes, start, end), Envelope::default(), at));
    }
    (whole, fragments)
}

const A: (usize, usize) = (0, 1480);
const B: (usize, usize) = (1480, 2960);
const C: (usize, usize) = (2960, 3000);

#[test]
fn pieces_in_any_order_make_the_datagram() {
    let bytes = content();
    for order in [
        [A, B, C],
        [A, C, B],
        [B, A, C],
        [B, C, A],
        [C, A, B],
        [C, B, A],
    ] {
        for of in [v4(7), v6(7)] {
            let (whole, mut fragments) = feed(of, &bytes, &order);
            let [whole] = whole.as_slice() else {
                panic!("{order:?}: {} datagrams", whole.len());
            };
            assert_eq!(whole.bytes, bytes);
            assert_eq!((whole.missing, whole.pieces, whole.largest), (0, 3, 1480));
            assert_eq!((whole.first, whole.at), (seen(1, 1), seen(3, 3)));
            assert_eq!(whole.frames, [1, 2, 3].map(FrameNumber));
            assert!(fragments.finish().is_empty());
        }
    }
}

#[test]
fn copies_of_packets_make_copies_of_the_datagram() {
    let bytes = content();
    for (order, copies) in [
        (&[A, A, B, B, C, C][..], 2),
        (&[A, B, C, A, B, C], 2),
        (&[A, A, A, C, C, C, B, B, B], 3),
        (&[A, B, A, C, B, C], 2),
        // Only two of the three pieces were captured again.
        (&[A, A, B, B, C], 1),
        (&[A, B, C, A], 1),
    ] {
        for of in [v4(7), v6(7)] {
            let (whole, mut fragments) = feed(of, &bytes, order);
            assert_eq!(whole.len(), copies, "{order:?}");
            assert!(whole.iter().all(|it| it.bytes == bytes));
            assert!(fragments.finish().is_empty(), "{order:?}: not lost");
        }
    }
}

#[test]
fn what_is_missing_after_a_second_is_told_once() {
    let bytes = content();
    let (whole, mut fragments) = feed(v4(7), &bytes, &[A, A, C]);
    assert!(whole.is_empty());
    assert!(fragments.expire(seen(0, 1001).time).is_empty());
    let lost = fragments.expire(seen(0, 1002).time);
    let [lost] = lost.as_slice() else {
        panic!("{} datagrams", lost.len());
    };
    assert_eq!(lost.head.as_deref(), Some(&bytes[..1480]));
    assert_eq!(lost.missing, [(1480, Some(2960))]);
    assert_eq!((lost.pieces, lost.at), (2, seen(1, 1)));
    assert_eq!(lost.frames, [1, 3].map(FrameNumber));
    assert!(fragments.finish().is_empty());
}

#[test]
fn without_its_first_or_last_piece_a_datagram_has_no_head_or_no_end() {
    let bytes = content();
    let (_, mut fragments) = feed(v4(7), &bytes, &[B]);
    let lost = fragments.finish().remove(0);
    assert!(lost.head.is_none());
    assert_eq!(lost.missing, [(0, Some(1480)), (2960, None)]);
}

#[test]
fn datagrams_of_other_hosts_or_identifications_do_not_mix() {
    let bytes = content();
    let other: Vec<u8> = bytes.iter().rev().copied().collect();
    let elsewhere = FragmentedDatagram {
        dst: IpAddr::from([192, 0, 2, 3]),
        ..v4(7)
    };
    let mut fragments = Fragments::default();
    let mut whole = Vec::new();
    for (start, end) in [A, B, C] {
        for (of, bytes) in [(v4(7), &bytes), (v4(8), &other), (elsewhere, &other)] {
            let piece = piece(of, bytes, start, end);
            whole.extend(fragments.fragment(&piece, Envelope::default(), seen(1, 1)));
        }
    }
    assert_eq!(whole.len(), 3);
    assert_eq!(whole[0].bytes, bytes);
    assert_eq!(whole[1].bytes, other);
    assert_eq!(whole[2].datagram, elsewhere);
}

#[test]
fn in_ipv4_the_bytes_that_came_first_stay() {
    let (first, second) = (vec![1; 24], vec![2; 40]);
    let mut fragments = Fragments::default();
    let mut take = |bytes, start, end| {
        let piece = piece(v4(7), bytes, start, end);
        fragments.fragment(&piece, Envelope::default(), seen(1, 1))
    };
    assert!(take(&second, 16, 24).is_none());
    let mut more = piece(v4(7), &first, 0, 24);
    more.more = true;
    assert!(take(&second, 32, 40).is_none());
    assert!(
        fragments
            .fragment(&more, Envelope::default(), seen(2, 2))
            .is_none()
    );
    let last = piece(v4(7), &second, 8, 40);
    let whole = fragments
        .fragment(&last, Envelope::default(), seen(3, 3))
        .expect("whole");
    let mut expected = vec![1; 16];
    expected.resize(40, 2);
    assert_eq!(whole.bytes, expected);
}

#[test]
fn in_ipv6_overlapping_pieces_end_the_datagram_and_copies_do_not() {
    let bytes = content();
    let (whole, mut fragments) = feed(v6(7), &bytes, &[A, (1472, 2960), B, C, A, B, C]);
    assert!(whole.is_empty());
    assert_eq!(fragments.impossible(), 1);
    assert!(fragments.finish().is_empty());
    let (whole, _) = feed(v4(7), &bytes, &[A, (1472, 2960), C]);
    assert_eq!(whole.len(), 1, "IPv4 allows it");
}

#[test]
fn bytes_that_the_snap_length_took_are_not_lost_pieces() {
    let bytes = content();
    let mut fragments = Fragments::default();
    let mut whole = None;
    for (start, end) in [A, B, C] {
        let mut cut = piece(v4(7), &bytes, start, end);
        cut.missing = cut.payload.len().saturating_sub(160);
        cut.payload = &cut.payload[..cut.payload.len().min(160)];
        let mut envelope = Envelope::default();
        envelope.cut = true;
        whole = whole.or(fragments.fragment(&cut, envelope, seen(1, 1)));
    }
    let whole = whole.expect("all pieces were there");
    assert_eq!(whole.bytes, &bytes[..160]);
    assert_eq!((whole.missing, whole.envelope.cut), (2840, true));
}

#[test]
fn an_identification_that_is_used_again_later_is_another_datagram() {
    let bytes = content();
    let other: Vec<u8> = bytes.iter().rev().copied().collect();
    let mut fragments = Fragments::default();
    let mut take = |bytes, (start, end), millis| {
        let piece = piece(v4(0), bytes, start, end);
        fragments.fragment(&piece, Envelope::default(), seen(1, millis))
    };
    assert!(take(&bytes, A, 0).is_none());
    assert!(take(&other, B, 5000).is_none());
    assert!(take(&other, A, 5001).is_none());
    assert_eq!(take(&other, C, 5002).expect("whole").bytes, other);
    let lost = fragments.expire(seen(0, 5003).time);
    assert_eq!(
        lost.len(),
        1,
        "the first one, although nobody asked in time"
    );
    assert_eq!(lost[0].head.as_deref(), Some(&bytes[..1480]));
}

#[test]
fn packets_that_are_older_than_those_before_them_are_waited_for_as_well() {
    let bytes = content();
    let mut fragments = Fragments::default();
    assert!(fragments.expire(seen(0, 60_000).time).is_empty());
    for (order, millis) in [(B, 10), (A, 5)] {
        let piece = piece(v4(7), &bytes, order.0, order.1);
        let whole = fragments.fragment(&piece, Envelope::default(), seen(1, millis));
        assert!(whole.is_none());
        assert!(fragments.expire(seen(0, 60_000).time).is_empty());
    }
    let last = piece(v4(7), &bytes, C.0, C.1);
    let whole = fragments.fragment(&last, Envelope::default(), seen(3, 0));
    assert_eq!(whole.expect("whole").bytes, bytes);
}

#[test]
fn pieces_that_no_receiver_takes_are_counted_and_do_no_harm() {
    let bytes = content();
    let mut fragments = Fragments::default();
    let take = |fragments: &mut Fragments, piece| {
        fragments
            .fragment(&piece, Envelope::default(), seen(1, 1))
            .map(|whole| whole.bytes)
    };
    // Beyond the largest datagram.
    let mut hostile = piece(v4(7), &bytes, 0, 1480);
    hostile.offset = 65_528;
    assert_eq!(take(&mut fragments, hostile), None);
    // Empty, once as the last one.
    for more in [true, false] {
        let mut empty = piece(v4(7), &bytes, 1480, 1480);
        empty.more = more;
        assert_eq!(take(&mut fragments, empty), None);
    }
    assert_eq!(take(&mut fragments, piece(v4(7), &bytes, 1480, 3000)), None);
    // Behind the end, and another end.
    let mut behind = piece(v4(7), &bytes, 0, 8);
    behind.offset = 3000;
    assert_eq!(take(&mut fragments, behind), None);
    let mut end = piece(v4(7), &bytes, 1480, 1600);
    end.more = false;
    assert_eq!(take(&mut fragments, end), None);
    assert_eq!(fragments.impossible(), 5);
    let whole = take(&mut fragments, piece(v4(7), &bytes, 0, 1480));
    assert_eq!(whole, Some(bytes));
}

#[test]
fn a_flood_of_first_pieces_is_bounded_and_counted() {
    let bytes = vec![0; 1480 * 2];
    let mut fragments = Fragments::default();
    let sets = u32::try_from(MAX_FRAGMENTED_DATAGRAMS).expect("small") + 10;
    for identification in 0..sets {
        let piece = piece(v4(identification), &bytes, 0, 1480);
        assert!(
            fragments
                .fragment(&piece, Envelope::default(), seen(1, 1))
                .is_none()
        );
    }
    assert!(fragments.stored <= MAX_FRAGMENT_BYTES);
    let kept = fragments.finish().len() as u64;
    assert_eq!(kept + fragments.given_up(), u64::from(sets));
    assert_eq!((fragments.stored, fragments.sets.len()), (0, 0));
}

#[test]
fn more_copies_than_anybody_captures_are_given_up() {
    let bytes = content();
    let (whole, fragments) = feed(v4(7), &bytes, &[A; 9]);
    assert!(whole.is_empty());
    assert_eq!(fragments.given_up(), 5);
}

#[test]
fn the_smallest_pieces_of_the_largest_datagram_are_no_burden() {
    let bytes = vec![3; 65_535];
    let mut fragments = Fragments::default();
    let mut whole = None;
    // Every other piece first, then the whole row over them, each stretch longer than the one before.
    let starts = (0..65_528).step_by(16).chain((8..65_528).step_by(16));
    for start in starts {
        let piece = piece(v4(7), &bytes, start, start + 8);
        assert!(
            fragments
                .fragment(&piece, Envelope::default(), seen(1, 1))
                .is_none()
        );
    }
    for end in (65_000..65_536).rev() {
        let mut piece = piece(v4(7), &bytes, 0, end);
        piece.more = end < 65_535;
        whole = whole.or(fragments.fragment(&piece, Envelope::default(), seen(1, 1)));
    }
    assert_eq!(whole.expect("whole").bytes, bytes);
}

#[test]
fn what_holds_sip_shows_in_the_facts_of_a_lost_datagram() {
    let mut bytes = [5060_u16.to_be_bytes(), 5062_u16.to_be_bytes()].concat();
    let text = b"\r\nINVITE sip:bob@example.com SIP/2.0\r\nCall-ID: a@192.0.2.1\r\nSubject: long";
    let len = u16::try_from(8 + text.len() + 1000).expect("small");
    bytes.extend(len.to_be_bytes());
    bytes.extend([0; 2]);
    bytes.extend_from_slice(text);
    bytes.resize(8 + text.len() + 1000, b' ');
    let (_, mut fragments) = feed(v4(7), &bytes, &[(0, 80)]);
    let lost = LostDatagram::of(&fragments.finish().remove(0), true);
    let flow = lost.flow.expect("ports");
    assert_eq!((flow.src.port(), flow.dst.port()), (5060, 5062));
    assert_eq!(
        lost.start_line.as_deref(),
        Some("INVITE sip:bob@example.com SIP/2.0")
    );
    assert_eq!(lost.call_id.as_deref(), Some(&b"a@192.0.2.1"[..]));
    assert_eq!(lost.missing, [(80, Some(u32::from(len)))]);
    assert_eq!(lost.bytes_seen, 80);
    // The same bytes without their beginning are nothing.
    let (_, mut fragments) = feed(v4(7), &bytes, &[(8, 80)]);
    let lost = LostDatagram::of(&fragments.finish().remove(0), true);
    assert!(!lost.is_sip() && lost.flow.is_none());
}

/// Cuts of a datagram in units of eight bytes, each piece one to three times, in any order.
fn pieces() -> impl Strategy<Value = (usize, Vec<(usize, usize)>)> {
    (2..400_usize, 0..8_usize)
        .prop_flat_map(|(units, odd)| {
            let cuts = prop::collection::btree_set(1..units, 1..8.min(units));
            (Just(units * 8 + odd), cuts)
        })
        .prop_flat_map(|(len, cuts)| {
            let mut edges: Vec<_> = cuts.into_iter().map(|cut| cut * 8).collect();
            edges.insert(0, 0);
            edges.push(len);
            let pieces: Vec<_> = edges.windows(2).map(|it| (it[0], it[1])).collect();
            let times = prop::collection::vec(1..4_usize, pieces.len());
            (Just(len), Just(pieces), times)
        })
        .prop_flat_map(|(len, pieces, times)| {
            let all: Vec<_> = pieces
                .into_iter()
                .zip(times)
                .flat_map(|(piece, times)| std::iter::repeat_n(piece, times))
                .collect();
            (Just(len), Just(all).prop_shuffle())
        })
}

proptest! {
    #[test]
    fn any_split_order_and_copies_give_the_same_datagram((len, order) in pieces(), is_v6: bool) {
        let bytes: Vec<u8> = (0..=252).cycle().take(len).collect();
        let of = if is_v6 { v6(7) } else { v4(7) };
        let (whole, mut fragments) = feed(of, &bytes, &order);
        // As many copies as the rarest piece has, unless a copy was over before the next one began.
        prop_assert!(!whole.is_empty());
        for whole in whole {
            prop_assert_eq!(&whole.bytes, &bytes);
            prop_assert_eq!(whole.missing, 0);
        }
        prop_assert!(fragments.finish().is_empty());
        prop_assert_eq!(fragments.stored, 0);
        prop_assert_eq!((fragments.given_up(), fragments.impossible()), (0, 0));
    }

    #[test]
    fn without_one_piece_the_datagram_is_told_up_to_the_gap((len, order) in pieces(), which: prop::sample::Index) {
        let bytes: Vec<u8> = (0..=252).cycle().take(len).collect();
        let lost = order[which.index(order.len())];
        let rest: Vec<_> = order.into_iter().filter(|it| *it != lost).collect();
        let (whole, mut fragments) = feed(v4(7), &bytes, &rest);
        prop_assert!(whole.is_empty());
        let told = fragments.expire(seen(0, 60_000).time);
        prop_assert_eq!(told.len(), 1);
        let end = (lost.1 < len).then_some(lost.1).or(None);
        let (from, to) = (u32::try_from(lost.0).unwrap(), end.map(|it| u32::try_from(it).unwrap()));
        prop_assert_eq!(&told[0].missing, &[(from, to)]);
        if lost.0 > 0 {
            prop_assert_eq!(told[0].head.as_deref(), Some(&bytes[..lost.0]));
        } else {
            prop_assert!(told[0].head.is_none());
        }
    }

    #[test]
    fn nothing_that_a_stranger_sends_breaks_the_books(
        pieces in prop::collection::vec((0..3_u32, 0..9000_u32, 0..1500_usize, any::<bool>(), 0..3000_i64, any::<bool>()), 0..60)
    ) {
        let bytes = vec![9; 1500];
        let mut fragments = Fragments::default();
        for (id, unit, len, more, millis, is_v6) in pieces {
            let piece = Fragment {
                datagram: if is_v6 { v6(id) } else { v4(id) },
                ttl: 1,
                offset: unit * 8,
                more,
                payload: &bytes[..len],
                missing: len % 7,
            };
            if let Some(whole) = fragments.fragment(&piece, Envelope::default(), seen(1, millis)) {
                prop_assert!(whole.bytes.len() + whole.missing as usize <= 65_535);
            }
            for lost in fragments.expire(seen(0, millis).time + Duration::from_millis(1)) {
                prop_assert!(!lost.missing.is_empty());
            }
        }
        fragments.finish();
        prop_assert_eq!(fragments.stored, 0);
        prop_assert!(fragments.sets.is_empty() && fragments.by_age.is_empty());
    }
}
