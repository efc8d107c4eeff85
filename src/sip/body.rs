//! What kind of body a message has, and the parts of one that has several (RFC 2046 §5.1, RFC 5621).

use super::value;
use memchr::memmem;

/// A Content-Type value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaType<'a> {
    value: &'a [u8],
}

impl<'a> MediaType<'a> {
    /// Reads a value; it never fails.
    pub const fn of(value: &'a [u8]) -> Self {
        Self { value }
    }

    /// Whether it is of this type and subtype, parameters aside.
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        let name = self.name();
        let mut parts = name.splitn(2, |&byte| byte == b'/');
        let mut part = || parts.next().unwrap_or_default().trim_ascii();
        part().eq_ignore_ascii_case(kind.as_bytes())
            && part().eq_ignore_ascii_case(subtype.as_bytes())
    }

    /// What separates the parts; `None` when it is no multipart type, or names nothing.
    pub fn boundary(&self) -> Option<&'a [u8]> {
        let multipart = self
            .name()
            .get(..10)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/"));
        let boundary = value::param_of(self.value, b"boundary").filter(|_| multipart)?;
        let inner = boundary.strip_prefix(b"\"").unwrap_or(boundary);
        let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
        (!inner.is_empty()).then_some(inner)
    }

    /// Whether what is inside is encrypted or signed away from other readers (RFC 8551 §3).
    pub fn is_opaque(&self) -> bool {
        self.is("application", "pkcs7-mime") || self.is("application", "x-pkcs7-mime")
    }

    fn name(&self) -> &'a [u8] {
        let name = self.value.split(|&byte| byte == b';').next();
        name.unwrap_or_default().trim_ascii()
    }
}

/// The parts of a multipart body: the Content-Type as written, empty when there is none, and the bytes.
pub fn parts<'a>(body: &'a [u8], boundary: &[u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    let delimiter = [b"--", boundary].concat();
    let mut rest = delimited(body, &delimiter).map(|(_, behind)| behind);
    std::iter::from_fn(move || {
        let inside = rest.take()?;
        // Two hyphens behind the last delimiter: what follows is no part.
        if inside.starts_with(b"--") {
            return None;
        }
        let Some((before, behind)) = delimited(inside, &delimiter) else {
            return Some(part(inside));
        };
        rest = Some(behind);
        Some(part(before))
    })
}

/// What stands before and behind the first delimiter, which has a line of its own; the line end before it belongs to it
/// (RFC 2046 §5.1.1). A longer boundary that begins alike is another one.
fn delimited<'a>(bytes: &'a [u8], delimiter: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    memmem::find_iter(bytes, delimiter).find_map(|at| {
        let before = bytes.get(..at)?;
        let behind = bytes.get(at + delimiter.len()..)?;
        let before = match before.strip_suffix(b"\n") {
            Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
            None if before.is_empty() => before,
            None => return None,
        };
        let line = behind.split(|&byte| byte == b'\n').next();
        let ends = behind.starts_with(b"--") || line.is_some_and(|it| it.trim_ascii().is_empty());
        ends.then_some((before, behind))
    })
}

/// Splits a part, which begins in the line of its delimiter, into its Content-Type and its bytes.
fn part(part: &[u8]) -> (&[u8], &[u8]) {
    let mut content_type: &[u8] = &[];
    let mut lines = part.split_inclusive(|&byte| byte == b'\n');
    let mut read = lines.next().unwrap_or_default().len();
    for line in lines {
        read += line.len();
        let line = line.trim_ascii();
        if line.is_empty() {
            break;
        }
        if let Some(colon) = memchr::memchr(b':', line) {
            let (name, value) = line.split_at(colon);
            if name.trim_ascii().eq_ignore_ascii_case(b"Content-Type") {
                content_type = value.get(1..).unwrap_or_default().trim_ascii();
            }
        }
    }
    let body = part.get(read..).unwrap_or_default();
    (content_type, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_told_in_any_case_and_without_its_parameters() {
        assert!(MediaType::of(b"Application/SDP ;charset=x").is("application", "sdp"));
        assert!(!MediaType::of(b"application/sdp-x").is("application", "sdp"));
        assert!(!MediaType::of(b"").is("application", "sdp"));
    }

    #[test]
    fn the_parts_of_a_body_are_told_apart() {
        let media_type = MediaType::of(b"multipart/mixed;boundary=\"b 1\"");
        let body = b"preamble\r\n--b 1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b 1\r\n\r\nplain\r\n--b 1--\r\nepilogue";
        let found: Vec<_> = parts(body, media_type.boundary().unwrap()).collect();
        assert_eq!(
            found,
            [
                (&b"application/sdp"[..], &b"v=0"[..]),
                (&b""[..], &b"plain"[..]),
            ]
        );
    }

    #[test]
    fn a_delimiter_has_a_line_of_its_own_and_no_other_ending() {
        let body = b"--b\r\n\r\nsays --b\r\n--bb\r\nand more\r\n--b \r\n\r\nsecond\n--b--";
        let found: Vec<_> = parts(body, b"b").map(|(_, bytes)| bytes).collect();
        assert_eq!(
            found,
            [&b"says --b\r\n--bb\r\nand more"[..], &b"second"[..]]
        );
    }

    #[test]
    fn what_is_no_multipart_has_no_boundary() {
        assert_eq!(
            MediaType::of(b"application/sdp;boundary=b").boundary(),
            None
        );
        assert_eq!(MediaType::of(b"multipart/mixed").boundary(), None);
        assert_eq!(parts(b"--b", b"b").count(), 1);
        assert_eq!(parts(b"", b"b").count(), 0);
    }
}
