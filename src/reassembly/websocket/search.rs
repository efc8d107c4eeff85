//! Finds the next frame where it is not known where one begins: behind a gap, behind bytes that are no frame, and where the
//! capture began inside a connection. Any two bytes could be a header; therefore only a message that begins like SIP counts.

use super::frame::{Header, Mask, Opcode, Read};
use super::inflate::Inflater;
use crate::limits::MAX_WEBSOCKET_SEARCH;
use crate::sip;
use memchr::memchr;

/// As much of a payload is looked at: a start line, or enough of a long one.
const WINDOW: usize = 256;

/// What is shorter is no SIP message: a status line without its end.
const SHORTEST: u64 = 11;

/// A search.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Bytes behind which more is needed to tell whether they begin a frame; less than a header and [`WINDOW`].
    open: Vec<u8>,
    /// How many of these bytes are needed at least.
    wanted: usize,
    skipped: usize,
    inflater: Option<Box<Inflater>>,
}

/// What bytes are that may begin a frame with SIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Yes,
    No,
    /// This many bytes are needed to tell.
    Short(usize),
}

impl Search {
    /// A search that begins behind the first of these bytes, which are a header that cannot be.
    pub(super) fn behind(header: &[u8]) -> Self {
        Self {
            open: header.get(1..).unwrap_or_default().to_vec(),
            skipped: 1,
            ..Self::default()
        }
    }

    /// Whether too many bytes were passed over.
    pub(super) const fn is_hopeless(&self) -> bool {
        self.skipped > MAX_WEBSOCKET_SEARCH
    }

    /// Goes on with more bytes. When a frame is found, the bytes from its first on that were taken already; and always what
    /// is left of `data`. `masks` says whether the frames of this side have a mask.
    pub(super) fn next<'a>(
        &mut self,
        mut data: &'a [u8],
        masks: Option<bool>,
        compression: bool,
    ) -> (Option<Vec<u8>>, &'a [u8]) {
        loop {
            if self.open.is_empty() {
                let skip = to_next_start(data, compression);
                data = data.get(skip..).unwrap_or_default();
                self.skipped = self.skipped.saturating_add(skip);
                self.wanted = 1;
            }
            if self.is_hopeless() {
                return (None, &[]);
            }
            // Only so many are looked at as were asked for: what is found must not hang on the pieces in which bytes come.
            let wanted = self.wanted.saturating_sub(self.open.len());
            let (piece, rest) = data.split_at_checked(wanted).unwrap_or((data, &[]));
            self.open.extend_from_slice(piece);
            data = rest;
            if piece.len() < wanted {
                return (None, &[]);
            }
            match judge(&self.open, masks, compression, true, &mut self.inflater) {
                Verdict::Yes => return (Some(std::mem::take(&mut self.open)), data),
                Verdict::Short(needed) => self.wanted = needed,
                Verdict::No => {
                    let behind = self.open.get(1..).unwrap_or_default();
                    let skip = 1 + to_next_start(behind, compression);
                    self.open.drain(..skip);
                    self.skipped = self.skipped.saturating_add(skip);
                    self.wanted = 0;
                }
            }
        }
    }
}

/// Whether bytes begin with frames, perhaps pings and keep-alives first, of which one begins like SIP.
pub(super) fn begins_with_sip(mut bytes: &[u8]) -> bool {
    loop {
        if judge(bytes, None, true, false, &mut None) == Verdict::Yes {
            return true;
        }
        let Read::Whole(header, header_len) = Header::read(bytes) else {
            return false;
        };
        let payload = bytes.get(header_len..).unwrap_or_default();
        let Some((payload, behind)) = usize::try_from(header.len)
            .ok()
            .and_then(|len| payload.split_at_checked(len))
        else {
            return false;
        };
        // Line ends twice, as a ping of RFC 5626 §4.4.1.
        let mut plain = [0; 4];
        let is_keep_alive = plain.get_mut(..payload.len()).is_some_and(|plain| {
            plain.copy_from_slice(payload);
            Mask::of(&header).take_off(plain);
            plain.iter().all(|byte| matches!(byte, b'\r' | b'\n'))
        });
        let is_ping = matches!(header.opcode, Opcode::Ping | Opcode::Pong);
        if !header.is_possible(false) || !is_ping && !is_keep_alive {
            return false;
        }
        bytes = behind;
    }
}

/// How many bytes there are before one that may be the first of a message.
fn to_next_start(bytes: &[u8], compression: bool) -> usize {
    bytes
        .iter()
        .position(|&byte| {
            let compressed = byte & 0x40 != 0;
            matches!(byte & 0x3f, 1 | 2) && (compression || !compressed)
        })
        .unwrap_or(bytes.len())
}

/// Whether bytes begin a frame whose message begins like SIP. `more` says that the bytes behind will come: then what is not
/// certain yet waits for them, a few at a time, so that a wrong start does not hide a right one behind it for long.
fn judge(
    bytes: &[u8],
    masks: Option<bool>,
    compression: bool,
    more: bool,
    inflater: &mut Option<Box<Inflater>>,
) -> Verdict {
    // The second byte excludes most before the others are waited for.
    if let Some(&second) = bytes.get(1) {
        let is_masked = second & 0x80 != 0;
        let is_other = masks.is_some_and(|masks| masks != is_masked);
        if is_other || u64::from(second & 0x7f) < SHORTEST {
            return Verdict::No;
        }
    }
    let (header, header_len) = match Header::read(bytes) {
        Read::Short(needed) => return Verdict::Short(needed),
        Read::Whole(header, len) => (header, len),
    };
    if header.opcode != Opcode::Data || !header.minimal || !header.is_possible(compression) {
        return Verdict::No;
    }
    let whole = usize::try_from(header.len).unwrap_or(usize::MAX);
    let payload = bytes.get(header_len..).unwrap_or_default();
    let payload = payload.get(..whole.min(WINDOW)).unwrap_or(payload);
    let mut plain = [0; WINDOW];
    let Some(plain) = plain.get_mut(..payload.len()) else {
        return Verdict::No;
    };
    plain.copy_from_slice(payload);
    Mask::of(&header).take_off(plain);
    let mut plain_text = Vec::new();
    let (text, broken) = if header.is_compressed() {
        let inflater = inflater.get_or_insert_with(|| Box::new(Inflater::new()));
        inflater.forget();
        let broken = inflater.piece(plain, &mut plain_text, WINDOW).is_err();
        (&*plain_text, broken)
    } else {
        (&*plain, false)
    };
    let goes_on = more && !broken && payload.len() < whole.min(WINDOW);
    if sip::looks_like_sip(text, payload.len() < whole) && (!goes_on || has_line(text)) {
        Verdict::Yes
    } else if goes_on && may_become_sip(text) {
        let next = (payload.len() * 2).clamp(16, WINDOW).min(whole);
        Verdict::Short(header_len + next)
    } else {
        Verdict::No
    }
}

/// Whether there is a whole line behind the empty ones: more bytes would change nothing.
fn has_line(text: &[u8]) -> bool {
    let empty = sip::leading_empty_lines(text);
    memchr(b'\n', text.get(empty..).unwrap_or_default()).is_some()
}

/// Whether a text without its end may be that of a SIP message: no whole line, and a first word of which a method or a
/// version (RFC 3261 §25.1) may consist.
fn may_become_sip(text: &[u8]) -> bool {
    let text = text
        .get(sip::leading_empty_lines(text)..)
        .unwrap_or_default();
    let word = text.split(|&byte| byte == b' ').next().unwrap_or_default();
    let is_fine = |byte: &u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~/".contains(byte);
    !has_line(text) && word.iter().all(is_fine) && (text.is_empty() || !word.is_empty())
}
