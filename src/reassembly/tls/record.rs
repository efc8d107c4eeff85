//! Cuts one direction of a stream into TLS records (RFC 8446 §5.1), and finds the next one when bytes are missing.

use super::wire;

/// The bytes before each record's content: type, version, length.
pub(super) const HEADER: usize = 5;

/// The longest content of a record: 2^14 bytes, and what RFC 5246 §6.2.3 lets compression and protection add.
pub(super) const MAX_CONTENT: usize = (1 << 14) + 2048;

/// What a record says it carries (RFC 8446 §B.1, RFC 6520 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentType {
    ChangeCipherSpec,
    Alert,
    Handshake,
    ApplicationData,
    Heartbeat,
}

impl ContentType {
    pub(super) const fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            20 => Self::ChangeCipherSpec,
            21 => Self::Alert,
            22 => Self::Handshake,
            23 => Self::ApplicationData,
            24 => Self::Heartbeat,
            _ => return None,
        })
    }
}

/// A record as it was on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) kind: ContentType,
    /// Type, version and length, which the protection covers.
    pub(super) header: [u8; HEADER],
    /// What follows them.
    pub(super) content: &'a [u8],
}

/// What [`Cutter::next`] comes upon.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut<'a> {
    Record(Record<'a>),
    /// Where a record should begin there is none: what follows up to the next is passed over.
    Lost,
}

/// Puts records together from the bytes of one direction, however they arrive.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    /// The start of a record whose rest has not come, at most one record.
    kept: Vec<u8>,
    /// Whether `kept` was handed out as a record.
    spent: bool,
    /// Whether the next record has to be looked for.
    searching: bool,
    /// The version that all records bear once the two ends have agreed.
    pub(super) version: Option<[u8; 2]>,
}

impl Cutter {
    /// Bytes are missing here: what follows may begin anywhere in a record.
    pub(super) fn gap(&mut self) {
        self.kept.clear();
        self.spent = false;
        self.searching = true;
    }

    /// The next record, taken off the front of `data`; `None` when more bytes are needed, which are then kept.
    pub(super) fn next<'a, 'd: 'a>(&'a mut self, data: &mut &'d [u8]) -> Option<Cut<'a>> {
        if self.spent {
            // Given back when it was large: most connections are idle most of the time.
            self.kept.clear();
            self.kept.shrink_to(4096);
            self.spent = false;
        }
        if self.searching && !self.search(data) {
            return None;
        }
        if self.kept.is_empty() {
            match whole(data) {
                Whole::Record(record) => {
                    *data = data
                        .get(HEADER + record.content.len()..)
                        .unwrap_or_default();
                    return Some(Cut::Record(record));
                }
                Whole::Not => {
                    // What is no record here is none a second time.
                    *data = data.get(1..).unwrap_or_default();
                    return Some(self.lose());
                }
                Whole::NotYet => {
                    self.kept.extend_from_slice(data);
                    *data = &[];
                    return None;
                }
            }
        }
        self.fill(data, HEADER);
        match length(&self.kept) {
            Length::Not => {
                self.kept.drain(..1);
                return Some(self.lose());
            }
            Length::NotYet => return None,
            Length::Of(content) => self.fill(data, HEADER + content),
        }
        match whole(&self.kept) {
            Whole::Record(record) => {
                self.spent = true;
                Some(Cut::Record(record))
            }
            Whole::Not | Whole::NotYet => None,
        }
    }

    fn lose(&mut self) -> Cut<'static> {
        self.searching = true;
        Cut::Lost
    }

    /// Moves bytes from `data` to what is kept until that holds `count`.
    fn fill(&mut self, data: &mut &[u8], count: usize) {
        let lacking = count.saturating_sub(self.kept.len()).min(data.len());
        self.kept
            .extend_from_slice(wire::take(data, lacking).unwrap_or_default());
    }

    /// Passes over bytes up to the next that look like the head of a record; whether it was found.
    fn search(&mut self, data: &mut &[u8]) -> bool {
        if !self.kept.is_empty() {
            // The places that begin in what is kept end at most in the first bytes of what came.
            let carried = self.kept.len();
            let ahead = data.get(..data.len().min(HEADER - 1)).unwrap_or_default();
            self.kept.extend_from_slice(ahead);
            match self.place(&self.kept) {
                Some(at) if at < carried => {
                    self.kept.truncate(carried);
                    self.kept.drain(..at);
                    self.searching = false;
                    return true;
                }
                None if data.len() < HEADER => {
                    let done = self.kept.len().saturating_sub(HEADER - 1);
                    self.kept.drain(..done);
                    *data = &[];
                    return false;
                }
                _ => self.kept.clear(),
            }
        }
        match self.place(data) {
            Some(at) => {
                *data = data.get(at..).unwrap_or_default();
                self.searching = false;
                true
            }
            None => {
                let tail = data.len().saturating_sub(HEADER - 1);
                self.kept
                    .extend_from_slice(data.get(tail..).unwrap_or_default());
                *data = &[];
                false
            }
        }
    }

    /// Where a record may begin. Random bytes look like one once in tens of millions of places.
    fn place(&self, bytes: &[u8]) -> Option<usize> {
        bytes.windows(HEADER).position(|head| match head {
            &[20..=23, major, minor, high, low] => {
                let version_fits = match self.version {
                    Some(version) => version == [major, minor],
                    None => major == 3 && (1..=3).contains(&minor),
                };
                version_fits
                    && (1..=MAX_CONTENT).contains(&usize::from(u16::from_be_bytes([high, low])))
            }
            _ => false,
        })
    }
}

enum Length {
    Of(usize),
    NotYet,
    Not,
}

/// The length of the content, from the head of a record. Anything that cannot be a head is refused at its first wrong byte.
fn length(bytes: &[u8]) -> Length {
    let possible = bytes
        .iter()
        .take(HEADER)
        .enumerate()
        .all(|(at, &byte)| match at {
            0 => ContentType::of(byte).is_some(),
            1 => byte == 3,
            2 => byte <= 4,
            3 => usize::from(byte) << 8 <= MAX_CONTENT,
            _ => true,
        });
    match (possible, bytes) {
        (false, _) => Length::Not,
        (true, &[_, _, _, high, low, ..]) => match usize::from(u16::from_be_bytes([high, low])) {
            content if content > MAX_CONTENT => Length::Not,
            content => Length::Of(content),
        },
        (true, _) => Length::NotYet,
    }
}

enum Whole<'a> {
    Record(Record<'a>),
    NotYet,
    Not,
}

fn whole(bytes: &[u8]) -> Whole<'_> {
    let content = match length(bytes) {
        Length::Of(content) => bytes.get(HEADER..HEADER + content),
        Length::NotYet => None,
        Length::Not => return Whole::Not,
    };
    let kind = bytes.first().copied().and_then(ContentType::of);
    match (kind, wire::array(bytes), content) {
        (Some(kind), Some(header), Some(content)) => Whole::Record(Record {
            kind,
            header,
            content,
        }),
        _ => Whole::NotYet,
    }
}

/// Whether bytes can be the start of a TLS record: a type that exists, version 3.x, a length that is allowed, and for the
/// types of fixed size that size.
pub(super) fn looks_like_record(bytes: &[u8]) -> bool {
    let Length::Of(content) = length(bytes) else {
        return false;
    };
    match bytes.first().copied().and_then(ContentType::of) {
        Some(ContentType::ChangeCipherSpec) => content == 1,
        Some(ContentType::Alert) => content >= 2,
        // A message has at least its own head, and its type is one of RFC 8446 §B.3; an encrypted one may begin with anything.
        Some(ContentType::Handshake) => content >= 4,
        Some(ContentType::ApplicationData) => content >= 1,
        Some(ContentType::Heartbeat) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut_all(cutter: &mut Cutter, pieces: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        let mut found = Vec::new();
        for piece in pieces {
            let mut data = *piece;
            while let Some(cut) = cutter.next(&mut data) {
                found.push(match cut {
                    Cut::Record(record) => Some(record.content.to_vec()),
                    Cut::Lost => None,
                });
            }
            assert!(data.is_empty());
        }
        found
    }

    #[test]
    fn two_ends_that_agree_on_a_version_of_no_record_do_not_hold_up_the_search() {
        let bytes = b"\x17\x03\x09\0\x02hi\x17\x03\x09\0\x02hi";
        for at in 0..bytes.len() {
            let (first, second) = bytes.split_at(at);
            let mut cutter = Cutter {
                version: Some([3, 9]),
                ..Cutter::default()
            };
            let found = cut_all(&mut cutter, &[first, second]);
            assert!(found.iter().all(Option::is_none), "split at {at}");
        }
    }

    #[test]
    fn records_are_cut_whatever_the_pieces() {
        let bytes = b"\x17\x03\x03\0\x02hi\x16\x03\x01\0\0\x15\x03\x03\0\x01!";
        let expected = [Some(b"hi".to_vec()), Some(Vec::new()), Some(b"!".to_vec())];
        for at in 0..bytes.len() {
            let (first, second) = bytes.split_at(at);
            let found = cut_all(&mut Cutter::default(), &[first, second]);
            assert_eq!(found, expected, "split at {at}");
        }
    }

    #[test]
    fn a_record_longer_than_allowed_is_none() {
        let longest = [&[23, 3, 3, 0x48, 0][..], &vec![0; MAX_CONTENT]].concat();
        assert_eq!(cut_all(&mut Cutter::default(), &[&longest]).len(), 1);
        let mut longer = longest;
        longer[4] = 1;
        assert_eq!(cut_all(&mut Cutter::default(), &[&longer]), [None]);
    }

    #[test]
    fn behind_a_gap_the_next_head_is_found() {
        let mut cutter = Cutter::default();
        assert!(cut_all(&mut cutter, &[b"\x17\x03\x03\0\x09abc"]).is_empty());
        cutter.gap();
        let found = cut_all(
            &mut cutter,
            &[b"rest\x17\x03\x09\x17\x03\x03\0\x02hi\x17\x03\x03\0\x01!"],
        );
        assert_eq!(found, [Some(b"hi".to_vec()), Some(b"!".to_vec())]);
    }

    #[test]
    fn only_a_plausible_head_looks_like_tls() {
        assert!(looks_like_record(b"\x16\x03\x01\x02\0\x01"));
        assert!(looks_like_record(b"\x15\x03\x03\0\x02\x02\x30"));
        for other in [
            &b"\x16\x02\x01\x02\0\x01"[..],
            b"\x16\x03\x01\x50\0\x01",
            b"\x80\x2e\x01\x03\x01",
            b"\x14\x03\x03\0\x02",
            b"INVITE sip:a",
            b"\x16\x03\x01",
        ] {
            assert!(!looks_like_record(other), "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn any_split_of_any_bytes_gives_the_same_records(
            bytes in proptest::collection::vec(
                prop_oneof![4 => Just(23_u8), 8 => Just(3), 4 => Just(0), 1 => any::<u8>()],
                0..200,
            ),
            at in proptest::collection::vec(0_usize..200, 0..100),
            gap: bool,
        ) {
            let mut once = Cutter::default();
            let mut often = Cutter::default();
            if gap {
                once.gap();
                often.gap();
            }
            let mut at: Vec<_> = at.into_iter().map(|it| it.min(bytes.len())).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let pieces: Vec<_> = at.windows(2).map(|it| &bytes[it[0]..it[1]]).collect();
            prop_assert_eq!(cut_all(&mut once, &[&bytes]), cut_all(&mut often, &pieces));
        }
    }
}
