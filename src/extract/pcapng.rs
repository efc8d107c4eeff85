//! Writes pcapng (draft-ietf-opsawg-pcapng): one section, one interface for each link type, nanoseconds, comments.

use crate::capture::LinkType;
use crate::time::Timestamp;
use std::io::{self, Write};
use zeroize::Zeroizing;

/// A packet to write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) time: Timestamp,
    pub(super) link_type: LinkType,
    pub(super) original_len: u32,
    pub(super) data: &'a [u8],
}

/// What an extract is proof of beside its packets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Statistics {
    /// Until when was captured: a silence up to then is one.
    pub(super) until: Option<Timestamp>,
    pub(super) dropped_by_interface: Option<u64>,
    pub(super) dropped_by_kernel: Option<u64>,
}

/// A file in the making.
#[derive(Debug)]
pub(super) struct Pcapng<W> {
    out: W,
    /// By their numbers.
    interfaces: Vec<LinkType>,
}

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;
const TLS_KEY_LOG: u32 = 0x544c_534b;
const INTERFACE_STATISTICS: u32 = 5;
const CAPTURED_UNTIL: u16 = 3;
const DROPPED_BY_INTERFACE: u16 = 5;
const DROPPED_BY_KERNEL: u16 = 7;
const COMMENT: u16 = 1;
const APPLICATION: u16 = 4;
const RESOLUTION: u16 = 9;
/// Times count 10⁻⁹ seconds.
const NANOSECONDS: u8 = 9;

impl<W: Write> Pcapng<W> {
    /// Begins a file; `comment` says what is in it.
    pub(super) fn begin(mut out: W, comment: &str) -> io::Result<Self> {
        let mut body = Vec::new();
        body.extend(0x1a2b_3c4d_u32.to_le_bytes());
        body.extend(1_u16.to_le_bytes());
        body.extend(0_u16.to_le_bytes());
        // How long the section is, nobody knows before its end.
        body.extend([0xff; 8]);
        if !comment.is_empty() {
            option(&mut body, COMMENT, comment.as_bytes());
        }
        let application = concat!("sipdiag ", env!("CARGO_PKG_VERSION"));
        option(&mut body, APPLICATION, application.as_bytes());
        end_of_options(&mut body);
        block(&mut out, SECTION, &body)?;
        Ok(Self {
            out,
            interfaces: Vec::new(),
        })
    }

    /// Writes a TLS key log that opens some of the packets behind it.
    pub(super) fn keylog(&mut self, text: &[u8]) -> io::Result<()> {
        let len = u32::try_from(text.len()).map_err(io::Error::other)?;
        let mut body = Zeroizing::new(Vec::with_capacity(text.len() + 12));
        body.extend(TLS_KEY_LOG.to_le_bytes());
        body.extend(len.to_le_bytes());
        body.extend(text);
        pad(&mut body);
        block(&mut self.out, DECRYPTION_SECRETS, &body)
    }

    /// Writes a packet, and its interface before the first packet of a link type.
    pub(super) fn packet(&mut self, record: &Record<'_>, comments: &[String]) -> io::Result<()> {
        let interface = self.interface(record.link_type)?;
        let captured = u32::try_from(record.data.len()).unwrap_or(u32::MAX);
        let mut body = Vec::with_capacity(record.data.len() + 64);
        body.extend(interface.to_le_bytes());
        body.extend(halves(record.time));
        body.extend(captured.to_le_bytes());
        body.extend(record.original_len.max(captured).to_le_bytes());
        body.extend(record.data);
        pad(&mut body);
        if !comments.is_empty() {
            for comment in comments {
                option(&mut body, COMMENT, comment.as_bytes());
            }
            end_of_options(&mut body);
        }
        block(&mut self.out, ENHANCED_PACKET, &body)
    }

    /// Says until when was captured and what was lost meanwhile, and returns where it went. Without packets there is nothing to
    /// say it of.
    pub(super) fn finish(mut self, statistics: Statistics) -> io::Result<W> {
        if self.interfaces.is_empty() {
            return Ok(self.out);
        }
        let mut body = Vec::new();
        // The first interface speaks for all.
        body.extend(0_u32.to_le_bytes());
        let until = statistics.until.map(halves);
        body.extend(until.unwrap_or_default());
        if let Some(until) = until {
            option(&mut body, CAPTURED_UNTIL, &until);
        }
        for (code, dropped) in [
            (DROPPED_BY_INTERFACE, statistics.dropped_by_interface),
            (DROPPED_BY_KERNEL, statistics.dropped_by_kernel),
        ] {
            if let Some(dropped) = dropped {
                option(&mut body, code, &dropped.to_le_bytes());
            }
        }
        end_of_options(&mut body);
        block(&mut self.out, INTERFACE_STATISTICS, &body)?;
        Ok(self.out)
    }

    fn interface(&mut self, link_type: LinkType) -> io::Result<u32> {
        let known = self.interfaces.iter().position(|it| *it == link_type);
        let number = known.unwrap_or(self.interfaces.len());
        if known.is_none() {
            let mut body = Vec::new();
            body.extend(link_type.0.to_le_bytes());
            body.extend(0_u16.to_le_bytes());
            // No snap length: what was captured is here.
            body.extend(0_u32.to_le_bytes());
            option(&mut body, RESOLUTION, &[NANOSECONDS]);
            end_of_options(&mut body);
            block(&mut self.out, INTERFACE, &body)?;
            self.interfaces.push(link_type);
        }
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    }
}

/// A time as pcapng has it: two halves of which the upper one comes first. Nothing was captured before 1970.
fn halves(time: Timestamp) -> [u8; 8] {
    let nanos = u64::try_from(time.as_nanos()).unwrap_or_default();
    nanos.rotate_left(32).to_le_bytes()
}

fn block(out: &mut impl Write, kind: u32, body: &[u8]) -> io::Result<()> {
    let len = u32::try_from(body.len() + 12).map_err(io::Error::other)?;
    out.write_all(&kind.to_le_bytes())?;
    out.write_all(&len.to_le_bytes())?;
    out.write_all(body)?;
    out.write_all(&len.to_le_bytes())
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
    body.extend(code.to_le_bytes());
    body.extend(len.to_le_bytes());
    body.extend(value.get(..usize::from(len)).unwrap_or_default());
    pad(body);
}

fn end_of_options(body: &mut Vec<u8>) {
    body.extend([0; 4]);
}

fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{Next, Source, open_streams};
    use std::io::Cursor;
    use std::time::Duration;

    #[test]
    fn what_is_written_is_read_again() {
        let mut file = Pcapng::begin(Vec::new(), "a section").unwrap();
        let time = Timestamp::from_nanos(1_767_225_600_123_456_789);
        let packets = [
            (LinkType::ETHERNET, vec![1; 61], 61),
            (LinkType::RAW, vec![2; 3], 1500),
            (LinkType::ETHERNET, Vec::new(), 0),
        ];
        let comments = ["one".to_owned(), "two, longer".to_owned()];
        for (link_type, data, original_len) in &packets {
            let record = Record {
                time,
                link_type: *link_type,
                original_len: *original_len,
                data,
            };
            let comments = if data.len() == 3 { &comments[..] } else { &[] };
            file.packet(&record, comments).unwrap();
        }
        let until = time + Duration::from_secs(40);
        let statistics = Statistics {
            until: Some(until),
            dropped_by_kernel: Some(7),
            ..Statistics::default()
        };
        let bytes = file.finish(statistics).unwrap();
        assert_eq!(bytes.len() % 4, 0);
        let mut source =
            open_streams(vec![("it".into(), Box::new(Cursor::new(bytes)))], None).unwrap();
        for (link_type, data, original_len) in &packets {
            let Next::Packet(packet) = source.next().unwrap() else {
                panic!("too few packets");
            };
            assert_eq!(packet.time, time);
            assert_eq!(packet.link_type, *link_type);
            assert_eq!(packet.original_len, *original_len);
            assert_eq!(packet.data, data);
        }
        assert!(matches!(source.next().unwrap(), Next::End));
        let facts = source.facts();
        assert!(facts.damage.is_empty());
        assert_eq!(facts.captured_until, Some(until));
        assert_eq!(facts.dropped_by_kernel, Some(7));
    }
}
