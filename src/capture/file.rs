//! Capture files and streams, merged by time.

use super::compression::decompress;
use super::ending::{Ending, Stream};
use super::pcap::{PcapReader, is_pcap};
use super::pcapng::{PcapngReader, is_pcapng};
use super::sniff::looks_like;
use super::snoop::{SnoopReader, is_snoop};
use super::window::Window;
use super::{
    CaptureError, CaptureFacts, Damage, Drops, Filter, Flaw, FrameNumber, InputFacts, InterfaceIds,
    LinkType, Next, Packet, Record, Source,
};
use crate::limits::{READ_BUFFER, READ_BUFFER_OF_MANY};
use crate::time::Timestamp;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use zeroize::Zeroizing;

/// Bytes of a file that is no capture which are looked at to tell what it is.
const SNIFFED: usize = 4096;

/// Packets from one or more files, merged by time.
pub struct FileSource {
    inputs: Vec<Input>,
    ids: InterfaceIds,
    filter: Option<Filter>,
    /// The time of each input's present packet; equal times in the order of the inputs.
    heap: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// The input whose packet was handed out last.
    current: Option<usize>,
    started: bool,
    /// An input whose packet comes next, behind the gap that was told.
    announced: Option<usize>,
    /// The time of the latest packet.
    latest: Option<Timestamp>,
    frame: u64,
    ending: Arc<Ending>,
    /// Whether an input has no length that is known: such a one may still be written.
    has_stream: bool,
    ended_early: bool,
}

/// How much of the inputs was read, in bytes as they are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read so far.
    pub read: u64,
    /// Bytes there are; `None` when an input is a stream whose length nobody knows.
    pub total: Option<u64>,
}

/// Opens capture files up to their headers, `-` for stdin; of what `filter` refuses only the time is returned.
///
/// # Errors
/// When one of them cannot be opened or is no capture; the error names it.
pub fn open_files(paths: &[PathBuf], filter: Option<Filter>) -> Result<FileSource, CaptureError> {
    open_files_until(paths, filter, Arc::default())
}

/// As [`open_files`], for whoever may want to end the reading: from when all are open, and their headers are not read yet.
///
/// # Errors
/// As [`open_files`].
pub fn open_files_until(
    paths: &[PathBuf],
    filter: Option<Filter>,
    ending: Arc<Ending>,
) -> Result<FileSource, CaptureError> {
    if paths.iter().filter(|path| is_stdin(path)).count() > 1 {
        return Err(CaptureError::StdinTwice);
    }
    let many = paths.len() > 4;
    let mut streams = Vec::with_capacity(paths.len());
    for path in paths {
        let name = path.display().to_string();
        let (reader, length) =
            open(path, &ending).map_err(|error| CaptureError::from_io(&name, error))?;
        streams.push((name, reader, length));
    }
    // What is waited for at a terminal is no capture that could be reported.
    if !(paths.iter().any(|path| is_stdin(path)) && io::stdin().is_terminal()) {
        ending.listen();
    }
    FileSource::new(streams, many, filter, ending)
}

/// Reads captures from streams, each with the name it has in [`CaptureFacts`]; otherwise as [`open_files`].
///
/// # Errors
/// When one of them is no capture; the error names it.
pub fn open_streams(
    streams: Vec<(String, Box<dyn Read + Send>)>,
    filter: Option<Filter>,
) -> Result<FileSource, CaptureError> {
    let many = streams.len() > 4;
    let streams = streams
        .into_iter()
        .map(|(name, reader)| (name, reader, None))
        .collect();
    FileSource::new(streams, many, filter, Arc::default())
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn open(path: &Path, ending: &Arc<Ending>) -> io::Result<(Box<dyn Read + Send>, Option<u64>)> {
    let stream = |file| Box::new(Stream::new(file, Arc::clone(ending)));
    if is_stdin(path) {
        // The library's own stdin holds back bytes of which the system does not know.
        let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        return Ok(match file.metadata()? {
            it if it.is_file() => (Box::new(file), Some(it.len())),
            _ => (stream(file), None),
        });
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if metadata.is_file() {
        return Ok((Box::new(file), Some(metadata.len())));
    }
    Ok((stream(file), None))
}

impl FileSource {
    fn new(
        streams: Vec<(String, Box<dyn Read + Send>, Option<u64>)>,
        many: bool,
        filter: Option<Filter>,
        ending: Arc<Ending>,
    ) -> Result<Self, CaptureError> {
        if streams.is_empty() {
            return Err(CaptureError::NoFiles);
        }
        let mut ids = InterfaceIds::default();
        let capacity = if many {
            READ_BUFFER_OF_MANY
        } else {
            READ_BUFFER
        };
        let inputs = streams
            .into_iter()
            .map(|(name, reader, length)| Input::open(name, reader, length, capacity, &mut ids))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            has_stream: inputs.iter().any(|input| input.length.is_none()),
            inputs,
            ids,
            filter,
            heap: BinaryHeap::new(),
            current: None,
            started: false,
            announced: None,
            latest: None,
            frame: 0,
            ending,
            ended_early: false,
        })
    }

    /// Has the next packet at the front of an input's window; returns which.
    fn step(&mut self) -> Option<usize> {
        if self.is_to_end() {
            self.end_here();
            return None;
        }
        // What the only input has next is next, and nothing is merged.
        if let [only] = self.inputs.as_mut_slice() {
            only.advance(&mut self.ids)?;
            self.frame += 1;
            return Some(0);
        }
        if !self.started {
            self.started = true;
            for index in 0..self.inputs.len() {
                self.advance(index);
            }
        }
        if let Some(index) = self.current.take() {
            self.advance(index);
        }
        let Reverse((_, index)) = self.heap.pop()?;
        self.current = Some(index);
        self.frame += 1;
        Some(index)
    }

    #[inline]
    fn is_to_end(&self) -> bool {
        if self.has_stream {
            self.ending.is_over()
        } else {
            self.ending.is_asked()
        }
    }

    /// Ends the capture behind the packet that was handed out last: what waits of other inputs is not of it.
    fn end_here(&mut self) {
        self.ended_early = self.inputs.iter().any(|input| !input.ended);
        while let Some(Reverse((_, index))) = self.heap.pop() {
            if let Some(input) = self.inputs.get_mut(index) {
                input.give_back();
            }
        }
    }

    fn advance(&mut self, index: usize) {
        let time = self
            .inputs
            .get_mut(index)
            .and_then(|input| input.advance(&mut self.ids));
        if let Some(time) = time {
            self.heap.push(Reverse((time, index)));
        }
    }

    /// Whether nothing was captured before the first packet of an input: every input before it has ended.
    fn gap_before(&mut self, index: usize) -> Option<(Timestamp, Timestamp)> {
        let input = self.inputs.get_mut(index)?;
        let time = input.record.as_ref()?.time;
        let first = !std::mem::replace(&mut input.delivered, true);
        let before = self.latest.replace(time.max(self.latest.unwrap_or(time)))?;
        if !first {
            return None;
        }
        let others_go_on = self
            .inputs
            .iter()
            .enumerate()
            .any(|(other, input)| other != index && input.delivered && !input.ended);
        (!others_go_on && time.since(before) > SEAM).then_some((before, time))
    }

    fn take_keylog(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        self.inputs
            .iter_mut()
            .find_map(|input| match &mut input.format {
                Format::Pcap(_) | Format::Snoop(_) => None,
                Format::Pcapng(reader) => reader.take_keylog(),
            })
    }

    fn passes(&mut self, index: usize) -> Result<bool, CaptureError> {
        let (Some(filter), Some(input)) = (&mut self.filter, self.inputs.get(index)) else {
            return Ok(true);
        };
        match input.packet() {
            Some((record, data)) => filter.accepts(record.link_type, data),
            None => Ok(true),
        }
    }
}

impl Source for FileSource {
    fn next(&mut self) -> Result<Next<'_>, CaptureError> {
        let index = loop {
            let Some(index) = self.announced.take().or_else(|| self.step()) else {
                // Of a stream the wish for its end may come behind it: who wrote it heard the same Ctrl-C.
                if !self.has_stream {
                    self.ending.rest();
                }
                return Ok(Next::End);
            };
            if let Some(keylog) = self.take_keylog() {
                self.announced = Some(index);
                return Ok(Next::Keylog(keylog));
            }
            if let Some((from, until)) = self.gap_before(index) {
                self.announced = Some(index);
                return Ok(Next::Gap(from, until));
            }
            if self.passes(index)? {
                break index;
            }
            let refused = self.inputs.get(index).and_then(|it| it.record.as_ref());
            if let Some(record) = refused {
                return Ok(Next::Refused(record.time));
            }
        };
        let packet = self.inputs.get(index).and_then(Input::packet);
        Ok(packet.map_or(Next::End, |(record, data)| {
            Next::Packet(Packet {
                frame: FrameNumber(self.frame),
                time: record.time,
                link_type: record.link_type,
                interface: record.interface,
                original_len: record.original_len,
                data,
            })
        }))
    }

    fn progress(&self) -> Option<Progress> {
        let read = |input: &Input| input.read.load(Ordering::Relaxed);
        Some(Progress {
            read: self.inputs.iter().map(read).sum(),
            total: self.inputs.iter().map(|input| input.length).sum(),
        })
    }

    fn facts(&self) -> CaptureFacts {
        let drops = self.inputs.iter().fold(Drops::default(), |sum, input| {
            sum.plus(input.format.drops())
        });
        CaptureFacts {
            inputs: self
                .inputs
                .iter()
                .map(|input| input.facts.clone())
                .collect(),
            dropped_by_kernel: drops.by_kernel,
            dropped_by_interface: drops.by_interface,
            damage: self
                .inputs
                .iter()
                .filter_map(|input| input.damage.clone())
                .collect(),
            captured_until: self
                .inputs
                .iter()
                .filter_map(|input| input.format.captured_until())
                .max(),
            filter: self.filter.as_ref().map(|filter| filter.text().to_owned()),
            hep: None,
            ended_early: self.ended_early,
        }
    }
}

/// Files of one rotated capture follow each other closer than this.
const SEAM: Duration = Duration::from_secs(1);

/// One file or stream.
struct Input {
    facts: InputFacts,
    window: Window,
    format: Format,
    /// The packet at the front of the window.
    record: Option<Record>,
    ended: bool,
    /// Whether a packet of it was handed out.
    delivered: bool,
    damage: Option<Damage>,
    read: Arc<AtomicU64>,
    length: Option<u64>,
}

enum Format {
    Pcap(PcapReader),
    Pcapng(PcapngReader),
    Snoop(SnoopReader),
}

impl Format {
    fn drops(&self) -> Drops {
        match self {
            Self::Pcap(_) => Drops::default(),
            Self::Pcapng(reader) => reader.drops(),
            Self::Snoop(reader) => reader.drops(),
        }
    }

    fn captured_until(&self) -> Option<Timestamp> {
        match self {
            Self::Pcap(_) | Self::Snoop(_) => None,
            Self::Pcapng(reader) => reader.captured_until(),
        }
    }
}

impl Input {
    fn open(
        name: String,
        reader: Box<dyn Read + Send>,
        length: Option<u64>,
        capacity: usize,
        ids: &mut InterfaceIds,
    ) -> Result<Self, CaptureError> {
        let read = Arc::new(AtomicU64::new(0));
        let counted = Box::new(Counted {
            reader,
            read: Arc::clone(&read),
        });
        let (reader, suffix) =
            decompress(counted).map_err(|error| CaptureError::from_io(&name, error))?;
        let mut window = Window::new(reader, capacity);
        window.fill(8);
        let broken_header = |flaw: Flaw| CaptureError::BrokenHeader {
            name: name.clone(),
            what: flaw.what,
        };
        let (format, kind) = if is_pcap(window.bytes()) {
            let reader = PcapReader::open(&mut window, ids.next()).map_err(broken_header)?;
            (Format::Pcap(reader), "pcap")
        } else if is_pcapng(window.bytes()) {
            let reader = PcapngReader::open(&mut window).map_err(broken_header)?;
            (Format::Pcapng(reader), "pcapng")
        } else if is_snoop(window.bytes()) {
            let reader = SnoopReader::open(&mut window, ids.next()).map_err(broken_header)?;
            (Format::Snoop(reader), "snoop")
        } else {
            return Err(no_capture(name, &mut window));
        };
        Ok(Self {
            facts: InputFacts {
                name,
                format: format!("{kind}{suffix}"),
                ..InputFacts::default()
            },
            window,
            format,
            record: None,
            ended: false,
            delivered: false,
            damage: None,
            read,
            length,
        })
    }

    /// Moves on to the next packet and returns its time; `None` at the end.
    fn advance(&mut self, ids: &mut InterfaceIds) -> Option<Timestamp> {
        if let Some(record) = self.record.take() {
            self.window.consume(record.total_len);
        }
        if self.ended {
            return None;
        }
        let advanced = match &mut self.format {
            Format::Pcap(reader) => reader.advance(&mut self.window),
            Format::Pcapng(reader) => reader.advance(&mut self.window, ids),
            Format::Snoop(reader) => reader.advance(&mut self.window),
        };
        match advanced {
            Ok(Some(record)) => {
                self.facts.packets += 1;
                self.facts.bytes += record.data_len as u64;
                if record.first_of_interface {
                    self.saw(record.link_type);
                }
                self.record = Some(record);
                return Some(record.time);
            }
            Ok(None) => {}
            Err(Flaw { offset, what }) => {
                self.damage = Some(Damage {
                    input: self.facts.name.clone(),
                    packet: self.facts.packets + 1,
                    offset,
                    what,
                    gone_at: None,
                });
            }
        }
        self.ended = true;
        None
    }

    /// Has not read the packet that waits.
    fn give_back(&mut self) {
        if let Some(record) = self.record.take() {
            self.facts.packets = self.facts.packets.saturating_sub(1);
            let bytes = record.data_len as u64;
            self.facts.bytes = self.facts.bytes.saturating_sub(bytes);
        }
    }

    fn saw(&mut self, link_type: LinkType) {
        if !self.facts.link_types.contains(&link_type) {
            self.facts.link_types.push(link_type);
        }
    }

    fn packet(&self) -> Option<(Record, &[u8])> {
        let record = self.record?;
        let end = record.data_start + record.data_len;
        let data = self.window.bytes().get(record.data_start..end)?;
        Some((record, data))
    }
}

fn no_capture(name: String, window: &mut Window) -> CaptureError {
    window.fill(SNIFFED);
    let bytes = window.bytes();
    let bytes = bytes.get(..SNIFFED).unwrap_or(bytes);
    if bytes.is_empty() {
        return match window.failure() {
            Some(what) => CaptureError::BrokenCompression {
                name,
                what: what.to_owned(),
            },
            None => CaptureError::Empty { name },
        };
    }
    let looks = looks_like(bytes);
    CaptureError::NotACapture {
        name,
        looks_like: looks.like,
        help: looks.help,
    }
}

/// Counts what is read.
struct Counted {
    reader: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(space)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
