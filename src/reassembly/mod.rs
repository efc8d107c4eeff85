//! Cuts SIP messages out of what datagrams and segments carry. Comes in: payloads. Goes out: the bytes of each message.
//! This room knows start lines and Content-Length, and nothing else of SIP.

use crate::limits::MAX_MESSAGE_LEN;
use crate::sip;
use memchr::memmem;

/// A stretch of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A whole message, or all that the capture holds of one.
    Message(&'a [u8]),
    /// The start of a message whose rest lies in other segments.
    Unfinished(&'a [u8]),
    /// Bytes that are no SIP.
    Other(&'a [u8]),
}

/// The one message of a datagram (RFC 3261 §18.3: what follows the body is to be ignored); `None` when it holds no SIP.
pub fn datagram(payload: &[u8], cut: bool) -> Option<&[u8]> {
    sip::looks_like_sip(payload, cut).then_some(payload)
}

/// The messages of a TCP segment, framed by Content-Length (RFC 3261 §18.3). Keep-alives (RFC 5626 §4.4.1) between them
/// are skipped. `cut` says that the capture lacks the end of the segment.
pub fn segment(payload: &[u8], cut: bool) -> Pieces<'_> {
    Pieces { rest: payload, cut }
}

/// See [`segment`].
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    rest: &'a [u8],
    cut: bool,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let rest = self
            .rest
            .get(sip::leading_empty_lines(self.rest)..)
            .filter(|rest| !rest.is_empty())?;
        self.rest = &[];
        if !sip::looks_like_sip(rest, self.cut) {
            return Some(Piece::Other(rest));
        }
        let Some(head_len) = memmem::find(rest, b"\r\n\r\n").map(|at| at + 4) else {
            return Some(self.unfinished(rest));
        };
        let head = rest.get(..head_len).unwrap_or_default();
        // Without a Content-Length the RFC says nothing; what follows then is read as a message of its own.
        let total = head_len.saturating_add(content_length(head).unwrap_or(0));
        match rest.split_at_checked(total) {
            Some((message, behind)) => {
                self.rest = behind;
                Some(Piece::Message(message))
            }
            None => Some(self.unfinished(rest)),
        }
    }
}

impl<'a> Pieces<'a> {
    fn unfinished(&self, rest: &'a [u8]) -> Piece<'a> {
        if self.cut || rest.len() > MAX_MESSAGE_LEN {
            Piece::Message(rest)
        } else {
            Piece::Unfinished(rest)
        }
    }
}

/// The Content-Length of a message head, in its long or compact form; `None` when there is none or it is no number.
fn content_length(head: &[u8]) -> Option<usize> {
    head.split(|&byte| byte == b'\n').skip(1).find_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        let name = line.get(..colon)?.trim_ascii_end();
        (sip::HeaderName::of(name) == sip::HeaderName::ContentLength)
            .then(|| {
                std::str::from_utf8(line.get(colon + 1..)?.trim_ascii())
                    .ok()?
                    .parse()
                    .ok()
            })
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &[u8] = b"OPTIONS sip:a@example.com SIP/2.0\r\nl: 2\r\n\r\nhi";

    #[test]
    fn several_messages_and_keep_alives_in_one_segment_are_told_apart() {
        let mut bytes = b"\r\n\r\n".to_vec();
        bytes.extend_from_slice(OPTIONS);
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(OPTIONS);
        let pieces: Vec<_> = segment(&bytes, false).collect();
        assert_eq!(pieces, [Piece::Message(OPTIONS), Piece::Message(OPTIONS)]);
    }

    #[test]
    fn a_message_that_goes_on_in_the_next_segment_is_unfinished() {
        let start = OPTIONS.get(..OPTIONS.len() - 1).expect("shorter");
        let pieces: Vec<_> = segment(start, false).collect();
        assert_eq!(pieces, [Piece::Unfinished(start)]);
    }

    #[test]
    fn a_start_line_inside_a_body_is_no_message() {
        let body = b"MESSAGE sip:a@example.com SIP/2.0\r\nContent-Length: 26\r\n\r\nINVITE sip:b SIP/2.0\r\n\r\n\r\n";
        assert_eq!(segment(body, false).count(), 1);
    }

    #[test]
    fn other_bytes_are_handed_on_as_such() {
        let pieces: Vec<_> = segment(b"GET / HTTP/1.1\r\n\r\n", false).collect();
        assert_eq!(pieces, [Piece::Other(b"GET / HTTP/1.1\r\n\r\n")]);
    }
}
