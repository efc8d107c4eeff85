//! Keeps on disk what may have to be written, until it is known what has: packets, and to which calls they belong.

use crate::capture::{FrameNumber, LinkType, Packet};
use crate::limits::MAX_EXTRACT_MEDIA_BYTES;
use crate::selection::CallKey;
use crate::time::Timestamp;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

/// Something that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Belonging {
    /// A packet holds a message of a call, or a part of it.
    Frame(FrameNumber, CallKey),
    /// A connection carried a message of a call.
    Connection {
        /// Which.
        id: u64,
        /// The call.
        call: CallKey,
        /// Whether it can only be read as a whole.
        whole: bool,
    },
}

/// What is known of a packet beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) frame: FrameNumber,
    pub(super) time: Timestamp,
    /// The connection that it belongs to; 0 for none.
    pub(super) connection: u64,
    pub(super) link_type: LinkType,
    pub(super) original_len: u32,
    data_len: u32,
}

impl Head {
    pub(super) fn of(packet: &Packet<'_>, connection: u64) -> Self {
        Self {
            frame: packet.frame,
            time: packet.time,
            connection,
            link_type: packet.link_type,
            original_len: packet.original_len,
            data_len: 0,
        }
    }
}

/// The two files, one of packets and one of what belongs where.
#[derive(Debug)]
pub(super) struct Spool<F: Write> {
    packets: BufWriter<F>,
    belongings: BufWriter<F>,
    bytes: u64,
    media_bytes: u64,
    room: u64,
    left_out: u64,
}

const HEAD_LEN: usize = 34;
const BELONGING_LEN: usize = 17;
const BUFFER: usize = 256 * 1024;

impl<F: Read + Write + Seek> Spool<F> {
    pub(super) fn new(packets: F, belongings: F, room: u64) -> Self {
        Self {
            packets: BufWriter::with_capacity(BUFFER, packets),
            belongings: BufWriter::with_capacity(BUFFER, belongings),
            bytes: 0,
            media_bytes: 0,
            room,
            left_out: 0,
        }
    }

    /// How many packets there was no room for.
    pub(super) const fn left_out(&self) -> u64 {
        self.left_out
    }

    pub(super) fn packet(&mut self, head: &Head, data: &[u8]) -> io::Result<()> {
        let bytes = (HEAD_LEN + data.len()) as u64;
        if self.bytes + bytes > self.room {
            self.left_out += 1;
            return Ok(());
        }
        self.bytes += bytes;
        let data_len = u32::try_from(data.len()).map_err(io::Error::other)?;
        let out = &mut self.packets;
        out.write_all(&head.frame.0.to_le_bytes())?;
        out.write_all(&head.time.as_nanos().to_le_bytes())?;
        out.write_all(&head.connection.to_le_bytes())?;
        out.write_all(&head.link_type.0.to_le_bytes())?;
        out.write_all(&head.original_len.to_le_bytes())?;
        out.write_all(&data_len.to_le_bytes())?;
        out.write_all(data)
    }

    /// Keeps a packet of media.
    pub(super) fn media(&mut self, head: &Head, data: &[u8]) -> io::Result<()> {
        let bytes = (HEAD_LEN + data.len()) as u64;
        if self.media_bytes + bytes > MAX_EXTRACT_MEDIA_BYTES {
            self.left_out += 1;
            return Ok(());
        }
        self.media_bytes += bytes;
        self.packet(head, data)
    }

    pub(super) fn belonging(&mut self, belonging: Belonging) -> io::Result<()> {
        let bytes = BELONGING_LEN as u64;
        if self.bytes + bytes > self.room {
            return Ok(());
        }
        self.bytes += bytes;
        let (kind, what, call) = match belonging {
            Belonging::Frame(frame, call) => (0, frame.0, call),
            Belonging::Connection { id, call, whole } => (1 + u8::from(whole), id, call),
        };
        let out = &mut self.belongings;
        out.write_all(&[kind])?;
        out.write_all(&what.to_le_bytes())?;
        out.write_all(&call.0.to_le_bytes())
    }

    /// Ends writing.
    pub(super) fn into_readers(self) -> io::Result<(Packets<F>, Belongings<F>)> {
        let rewound = |file: BufWriter<F>| -> io::Result<BufReader<F>> {
            let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.seek(SeekFrom::Start(0))?;
            Ok(BufReader::with_capacity(BUFFER, file))
        };
        let packets = Packets {
            file: rewound(self.packets)?,
            data: Vec::new(),
        };
        Ok((packets, Belongings(rewound(self.belongings)?)))
    }
}

/// What belongs where, in the order in which it became known.
#[derive(Debug)]
pub(super) struct Belongings<F>(BufReader<F>);

impl<F: Read> Belongings<F> {
    pub(super) fn next(&mut self) -> io::Result<Option<Belonging>> {
        let mut kind = [0];
        if self.0.read(&mut kind)? == 0 {
            return Ok(None);
        }
        let what = u64::from_le_bytes(array(&mut self.0)?);
        let call = CallKey(u64::from_le_bytes(array(&mut self.0)?));
        Ok(Some(match kind {
            [0] => Belonging::Frame(FrameNumber(what), call),
            [kind] => Belonging::Connection {
                id: what,
                call,
                whole: kind == 2,
            },
        }))
    }
}

/// The packets in their order.
#[derive(Debug)]
pub(super) struct Packets<F> {
    file: BufReader<F>,
    data: Vec<u8>,
}

impl<F: Read + Seek> Packets<F> {
    /// Back to the first.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        self.file.rewind()
    }

    /// What is known of the next packet; its bytes must be read or skipped before another is asked for.
    pub(super) fn head(&mut self) -> io::Result<Option<Head>> {
        if self.file.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let file = &mut self.file;
        Ok(Some(Head {
            frame: FrameNumber(u64::from_le_bytes(array(file)?)),
            time: Timestamp::from_nanos(i64::from_le_bytes(array(file)?)),
            connection: u64::from_le_bytes(array(file)?),
            link_type: LinkType(u16::from_le_bytes(array(file)?)),
            original_len: u32::from_le_bytes(array(file)?),
            data_len: u32::from_le_bytes(array(file)?),
        }))
    }

    /// Goes past the bytes of a packet.
    pub(super) fn skip(&mut self, head: &Head) -> io::Result<()> {
        self.file.seek_relative(i64::from(head.data_len))
    }

    /// The bytes of a packet.
    pub(super) fn data(&mut self, head: &Head) -> io::Result<&[u8]> {
        self.data.clear();
        let len = u64::from(head.data_len);
        let read = self.file.by_ref().take(len).read_to_end(&mut self.data)?;
        if read as u64 == len {
            Ok(&self.data)
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}

fn array<const N: usize>(file: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn what_was_kept_comes_back_in_its_order() {
        let mut spool = Spool::new(Cursor::new(Vec::new()), Cursor::new(Vec::new()), 1000);
        let packet = |frame, data| Packet {
            frame: FrameNumber(frame),
            time: Timestamp::from_nanos(-5),
            link_type: LinkType::RAW,
            interface: 0,
            original_len: 99,
            data,
        };
        for (frame, data) in [(1, &b"first"[..]), (2, b""), (3, b"third")] {
            let head = Head::of(&packet(frame, data), frame * 10);
            spool.packet(&head, data).unwrap();
        }
        let belongings = [
            Belonging::Frame(FrameNumber(1), CallKey(7)),
            Belonging::Connection {
                id: 20,
                call: CallKey(8),
                whole: true,
            },
            Belonging::Connection {
                id: 30,
                call: CallKey(u64::MAX),
                whole: false,
            },
        ];
        for belonging in belongings {
            spool.belonging(belonging).unwrap();
        }
        let huge = [0; 2000];
        let head = Head::of(&packet(4, &huge), 0);
        spool.packet(&head, &huge).unwrap();
        assert_eq!(spool.left_out(), 1);
        let (mut packets, mut read) = spool.into_readers().unwrap();
        for belonging in belongings {
            assert_eq!(read.next().unwrap(), Some(belonging));
        }
        assert_eq!(read.next().unwrap(), None);
        for _ in 0..2 {
            packets.rewind().unwrap();
            let head = packets.head().unwrap().unwrap();
            assert_eq!((head.frame.0, head.connection), (1, 10));
            packets.skip(&head).unwrap();
            let head = packets.head().unwrap().unwrap();
            assert_eq!(packets.data(&head).unwrap(), b"");
            let head = packets.head().unwrap().unwrap();
            assert_eq!(head.time, Timestamp::from_nanos(-5));
            assert_eq!(packets.data(&head).unwrap(), b"third");
            assert_eq!(packets.head().unwrap(), None);
        }
    }
}
