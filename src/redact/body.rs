//! Bodies: session descriptions keep what a session needs, the parts of a multipart body are what they are, and of everything
//! else, as texts that people wrote, only the length stays.

use super::Walk;
use super::message::line_end;
use super::pieces::{inside, is_one_of, part, position, split_outside};
use super::secret::Way;

impl Walk<'_> {
    /// A body of a type, as the Content-Type was captured.
    pub(super) fn body(&mut self, content_type: &[u8], body: &mut [u8]) {
        let end = position(content_type, b";");
        let (kind, params) = content_type
            .split_at_checked(end)
            .unwrap_or((content_type, b""));
        let kind = kind.trim_ascii().to_ascii_lowercase();
        if kind.starts_with(b"multipart/") {
            match boundary(params) {
                Some(boundary) => self.parts(&boundary, body),
                None => self.fill(body),
            }
            return;
        }
        match &*kind {
            b"application/sdp" => self.sdp(body),
            b"" if body.starts_with(b"v=0") => self.sdp(body),
            b"message/sipfrag" | b"message/sip" => self.message(body),
            _ => self.fill(body),
        }
    }

    /// Only line ends stay.
    fn fill(&self, body: &mut [u8]) {
        if self.way == Way::Show {
            return;
        }
        for byte in body {
            if !matches!(byte, b'\r' | b'\n') {
                *byte = b'x';
            }
        }
    }

    /// The parts between lines that begin with `--` and the boundary (RFC 2046 §5.1).
    fn parts(&mut self, boundary: &[u8], body: &mut [u8]) {
        let mut starts = Vec::new();
        let mut from = 0;
        while from < body.len() {
            let end = line_end(body, from);
            let line = body.get(from..end).unwrap_or_default();
            let is_delimiter = line
                .strip_prefix(b"--")
                .is_some_and(|it| it.starts_with(boundary));
            if is_delimiter {
                starts.push((from, end));
            }
            from = end;
        }
        let first = starts.first().map_or(body.len(), |(from, _)| *from);
        self.fill(part(body, 0..first));
        let ends = starts
            .iter()
            .skip(1)
            .map(|(from, _)| *from)
            .chain([body.len()]);
        let ends: Vec<usize> = ends.collect();
        for ((from, behind), end) in starts.into_iter().zip(ends) {
            let from = from + 2;
            self.words(part(body, from..from + boundary.len()));
            let closes = body
                .get(from + boundary.len()..behind)
                .is_some_and(|it| it.starts_with(b"--"));
            if closes {
                self.fill(part(body, behind..end));
            } else {
                self.fields_and_body(part(body, behind..end));
            }
        }
    }
}

/// The boundary, as the way that made it had it: what divides the parts is in the body already.
fn boundary(params: &[u8]) -> Option<Vec<u8>> {
    split_outside(params, b";").into_iter().find_map(|range| {
        let param = params.get(range)?;
        let equal = position(param, b"=");
        let (name, value) = param.split_at_checked(equal)?;
        let mut value = value.get(1..)?.trim_ascii().to_vec();
        is_one_of(name.trim_ascii(), &[b"boundary"]).then(|| inside(&mut value).to_vec())
    })
}
