//! Media: who listens hears nothing, who measures finds all. RTP keeps its header, RTCP its reports, STUN what its attributes are; the
//! rest is filled.

/// What fills: a level that does not change, which is silence in every codec of samples.
const FILL: u8 = b'x';

/// What stands for a datagram of media: as many bytes.
pub fn media(payload: &[u8]) -> Vec<u8> {
    let mut hidden = payload.to_vec();
    match payload {
        // RFC 8489 §5: two zero bits, and the cookie.
        [0..=0x3f, _, _, _, 0x21, 0x12, 0xa4, 0x42, ..] => attributes(part(&mut hidden, 20)),
        // RFC 5761 §4.
        [0x80..=0xbf, 192..=223, ..] => compound(&mut hidden),
        [0x80..=0xbf, ..] => rtp(&mut hidden),
        _ => hidden.fill(FILL),
    }
    hidden
}

/// RFC 3550 §5.1: all before the payload stays but for what an extension says, and the length of padding at the end.
fn rtp(packet: &mut [u8]) {
    let [first, ..] = *packet else {
        return;
    };
    let sources = usize::from(first & 0x0f) * 4;
    let padding = (first & 0x20 != 0)
        .then(|| packet.last().copied())
        .flatten();
    let rest = part(packet, 12 + sources);
    // What kind of extension it is, and how long.
    let behind = if first & 0x10 != 0 { 4 } else { 0 };
    part(rest, behind).fill(FILL);
    if let (Some(padding), Some(last)) = (padding, packet.last_mut()) {
        *last = padding;
    }
}

/// RFC 3550 §6: several packets in one.
fn compound(mut rest: &mut [u8]) {
    while let [first @ 0x80..=0xbf, kind, high, low, ..] = *rest {
        let len = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
        let len = len.min(rest.len());
        let (packet, behind) = rest.split_at_mut(len);
        let count = usize::from(first & 0x1f);
        match kind {
            // Reports, feedback (RFC 4585), extended reports (RFC 3611).
            200 | 201 | 205..=207 => {}
            202 => items(part(packet, 4)),
            203 => part(packet, 4 + count * 4 + 1).fill(FILL),
            _ => part(packet, 8).fill(FILL),
        }
        rest = behind;
    }
    rest.fill(FILL);
}

/// RFC 3550 §6.5: for each source its number and items, of which the kind and the length stay.
fn items(mut rest: &mut [u8]) {
    let mut at = 4;
    loop {
        match rest.get(at..) {
            Some([0, ..]) => {
                // The next source begins at a multiple of four bytes.
                rest = part(rest, (at + 4) & !3);
                at = 4;
            }
            Some([_, len, ..]) => {
                let behind = at + 2 + usize::from(*len);
                let end = behind.min(rest.len());
                rest.get_mut(at + 2..end).unwrap_or_default().fill(FILL);
                at = behind;
            }
            _ => return,
        }
    }
}

/// RFC 8489 §14: kind and length stay.
fn attributes(mut rest: &mut [u8]) {
    while let [_, _, high, low, ..] = *rest {
        let len = usize::from(u16::from_be_bytes([high, low])).next_multiple_of(4);
        let end = (4 + len).min(rest.len());
        let (attribute, behind) = rest.split_at_mut(end);
        part(attribute, 4).fill(FILL);
        rest = behind;
    }
    rest.fill(FILL);
}

/// What is behind so many bytes.
fn part(bytes: &mut [u8], from: usize) -> &mut [u8] {
    bytes.get_mut(from..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::media;

    #[test]
    fn headers_and_reports_stay_and_nothing_is_heard() {
        let header = [0x80, 0, 0, 7, 0, 0, 0, 9, 1, 2, 3, 4];
        let spoken = [&header[..], &[0xd5; 160]].concat();
        let silent = media(&spoken);
        assert_eq!(silent[..12], header);
        assert!(silent[12..].iter().all(|it| *it == b'x') && silent.len() == spoken.len());

        // A source, an extension of one word, padding of two bytes.
        let more = [
            0xb1, 96, 0, 7, 0, 0, 0, 9, 1, 2, 3, 4, 9, 9, 9, 9, 0xbe, 0xde, 0, 1, 0x10, 5, 0, 0, 6,
            6, 0, 2,
        ];
        let hidden = media(&more);
        assert_eq!(hidden[..20], more[..20]);
        assert_eq!(&hidden[20..], b"xxxxxxx\x02");

        let report = [0x80, 201, 0, 1, 1, 2, 3, 4];
        let name = [&[0x81, 202, 0, 4, 1, 2, 3, 4, 1, 7][..], b"a@b.com\0\0\0"].concat();
        let bye = [&[0x81, 203, 0, 3, 1, 2, 3, 4, 5][..], b"bored\0\0"].concat();
        let hidden = media(&[&report[..], &name, &bye].concat());
        assert_eq!(hidden[..8], report);
        assert_eq!(hidden[8..18], name[..10]);
        assert_eq!(&hidden[18..28], b"xxxxxxx\0\0\0");
        assert_eq!(hidden[28..37], bye[..9]);
        assert_eq!(&hidden[37..], b"xxxxxxx");

        let mut stun = vec![0, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42];
        stun.extend([7; 12]);
        stun.extend([0, 6, 0, 5, b'u', b's', b'e', b'r', b'1', 0, 0, 0]);
        let hidden = media(&stun);
        assert_eq!(hidden[..24], stun[..24]);
        assert_eq!(&hidden[24..], b"xxxxxxxx");

        assert_eq!(media(b"\x16\xfe\xffcertificate"), b"xxxxxxxxxxxxxx");
    }

    #[test]
    fn whatever_comes_is_as_long() {
        let mut bytes = vec![0xb5, 202, 0, 200];
        bytes.extend((0..=255_u8).cycle().take(700));
        for first in [0x00, 0x80, 0x9f, 0xb0, 0xbf] {
            for kind in [0, 100, 200, 202, 203, 204] {
                for len in 0..bytes.len() {
                    let mut cut = bytes[..len].to_vec();
                    if let [a, b, ..] = &mut cut[..] {
                        (*a, *b) = (first, kind);
                    }
                    assert_eq!(media(&cut).len(), len);
                }
            }
        }
    }
}
