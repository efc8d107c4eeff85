//! Writes the packets of the selected calls as pcapng, with what was found about each beside it. Comes in: every packet, and
//! what the engine tells of messages and calls. Goes out: one file that Wireshark opens and sipdiag reads again with the
//! same findings. This room does not know what a selection asks for, nor where the file goes.
//!
//! Which calls are wanted may be known only when they are over, from stdin and in `live` too, so what carries SIP is kept in
//! a spool until then: one way for files and interfaces alike.
//!
//! What belongs to a call: its messages with their IP fragments, TCP segments and SCTP packets; ICMP errors about them; the
//! packets that a finding cites; where it is asked for, the media that its session descriptions name. A connection that only wanted calls use, or that can only be read as a whole (TLS,
//! WebSocket, HEP over TCP), is written from its beginning to its end.

mod datagrams;
mod exported;
mod hidden;
mod media;
mod pcapng;
mod rebuilt;
mod secrets;
mod spool;
mod streams;

use crate::capture::{FrameNumber, LinkType, Packet};
use crate::catalogue::Catalogue;
use crate::dialog::Call;
use crate::engine::{Report, SeenMessage};
use crate::flow::{Flow, Transport};
use crate::frame::{self, Content};
use crate::hash::{HashMap, HashSet};
use crate::limits::{HEP_CLOCK_TOLERANCE, MAX_COMMENTS, MAX_EXTRACT_BYTES};
use crate::redact::Redactor;
use crate::rules::Fact;
use crate::selection::{CallKey, Chosen, FrameSet};
use crate::sip;
use crate::text::sanitize;
use crate::time::Timestamp;

use datagrams::Datagrams;
use hidden::{Hidden, Shown};
use media::{Ends, Held, Waiting};
use pcapng::{Pcapng, Record, Statistics};
use secrets::Secrets;
use spool::{Belonging, Head, Packets, Spool};
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, Write};
use std::net::SocketAddr;
use streams::Streams;

/// Collects what may have to be written.
#[derive(Debug)]
pub struct Extract<F: Write> {
    spool: Spool<F>,
    streams: Streams,
    datagrams: Datagrams,
    secrets: Secrets,
    /// Where media go, when they are wanted.
    media: Option<Waiting>,
    hidden: Option<Hidden<F>>,
    failed: Option<io::Error>,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Packets.
    pub packets: u64,
    /// Those of them with comments.
    pub commented: u64,
    /// Packets that might have belonged to it and for which there was no room.
    pub left_out: u64,
    /// Addresses of media that there was no room to remember.
    pub media_forgotten: u64,
    /// Packets in which nothing can stand for what they hold, when that is not to be shown.
    pub withheld: u64,
}

/// What is known of a connection at the end.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    by_wanted: bool,
    by_others: bool,
    whole: bool,
}

impl Used {
    const fn is_wanted(self) -> bool {
        self.by_wanted && (self.whole || !self.by_others)
    }
}

impl<F: Read + Write + Seek> Extract<F> {
    /// Collects in two files of its own, which are empty.
    pub fn new(packets: F, belongings: F) -> Self {
        Self {
            spool: Spool::new(packets, belongings, MAX_EXTRACT_BYTES),
            streams: Streams::default(),
            datagrams: Datagrams::default(),
            secrets: Secrets::default(),
            media: None,
            hidden: None,
            failed: None,
        }
    }

    /// Says whether the media of the calls are wanted too.
    #[must_use]
    pub fn with_media(mut self, wanted: bool) -> Self {
        self.media = wanted.then(Waiting::default);
        self
    }

    /// Writes what stands for what was captured, with a third empty file for messages.
    #[must_use]
    pub fn redacted(mut self, redactor: Redactor, messages: F) -> Self {
        self.hidden = Some(Hidden::new(redactor, messages));
        self
    }

    /// Takes a packet, before the engine does.
    pub fn packet(&mut self, packet: &Packet<'_>) {
        while let Some((held, calls)) = self.media.as_mut().and_then(Waiting::due) {
            self.settle(&held, &calls);
        }
        if let Some(waiting) = &mut self.media {
            waiting.passes(packet.time);
        }
        let Ok(decoded) = frame::decode(packet.link_type, packet.data, packet.original_len) else {
            return;
        };
        let frame = packet.frame;
        let (wanted, connection) = match &decoded.content {
            Content::Datagram(datagram) => {
                let cut = datagram.missing > 0;
                if self.waits(packet, datagram.flow, datagram.payload, cut, false) {
                    return;
                }
                (sip::looks_like_sip(datagram.payload, cut), 0)
            }
            Content::Segment(segment) => {
                let mut segment = *segment;
                segment.flow = self.shown(segment.flow);
                let (id, wanted) = self.streams.segment(frame, &segment);
                self.secrets.segment(id, &segment);
                (wanted, id)
            }
            Content::Sctp(packet) => {
                let mut packet = *packet;
                packet.flow = self.shown(packet.flow);
                (true, self.streams.sctp(frame, &packet))
            }
            Content::Fragment(piece) => {
                self.datagrams.fragment(frame, piece.datagram);
                if let Some((flow, payload)) = Datagrams::first(piece)
                    && self.waits(packet, flow, payload, true, true)
                {
                    return;
                }
                (true, 0)
            }
            Content::Mirrored(_) | Content::IcmpError(_) => (true, 0),
            Content::Unrelated => (false, 0),
        };
        if !wanted {
            return;
        }
        let mut head = Head::of(packet, connection);
        let kept = match &decoded.content {
            Content::Mirrored(mirrored) if packet.link_type == LinkType::HEP => {
                let exported = exported::exported(mirrored);
                head.link_type = LinkType::WIRESHARK_UPPER_PDU;
                // How much of a message is missing, no mirror says.
                let len = exported.len() + usize::from(mirrored.cut);
                head.original_len = u32::try_from(len).unwrap_or(u32::MAX);
                head.time = mirrored
                    .time
                    .filter(|time| time.distance(packet.time) <= HEP_CLOCK_TOLERANCE)
                    .unwrap_or(packet.time);
                self.keep(head, &exported)
            }
            _ => self.keep(head, packet.data),
        };
        self.note(kept);
    }

    /// Lets a packet wait that may be media, where those are wanted; `cut` says that `payload` is not all of it, `always` that the
    /// packet is kept whether it is media or not.
    fn waits(
        &mut self,
        packet: &Packet<'_>,
        flow: Flow,
        payload: &[u8],
        cut: bool,
        always: bool,
    ) -> bool {
        let flow = match &self.media {
            Some(_) => self.shown(flow),
            None => return false,
        };
        let (Some(waiting), Some(ends)) = (&mut self.media, Ends::of(flow, payload, cut)) else {
            return false;
        };
        waiting.push(Held {
            head: Head::of(packet, 0),
            data: packet.data.into(),
            media: Some(ends),
            always,
        });
        true
    }

    /// Keeps a packet, behind those that wait.
    fn keep(&mut self, head: Head, data: &[u8]) -> io::Result<()> {
        let Some(waiting) = &mut self.media else {
            return self.spool.packet(&head, data);
        };
        waiting.push(Held {
            head,
            data: data.into(),
            media: None,
            always: true,
        });
        Ok(())
    }

    /// Keeps a packet that waited, unless it is media of nobody.
    fn settle(&mut self, held: &Held, calls: &[CallKey]) {
        let frame = held.head.frame;
        let kept = if held.always {
            self.spool.packet(&held.head, &held.data)
        } else if calls.is_empty() {
            Ok(())
        } else {
            self.spool.media(&held.head, &held.data)
        };
        if held.media.is_some() && !calls.is_empty() {
            let fragments: Vec<_> = self.datagrams.of(frame).collect();
            for frame in fragments.into_iter().chain([frame]) {
                for call in calls {
                    self.belongs(Belonging::Frame(frame, *call));
                }
            }
        }
        self.note(kept);
    }

    /// Takes a TLS key log that the capture holds.
    pub fn keylog(&mut self, text: &[u8]) {
        self.secrets.keylog(text);
    }

    /// Takes a message, of a call with that key.
    pub fn message(&mut self, seen: &SeenMessage<'_>, call: CallKey) {
        let arrival = &seen.arrival;
        if let Some(media) = &mut self.media {
            let addresses = &mut media.addresses;
            addresses.message(arrival.message, call, arrival.time);
        }
        let mut frames = vec![arrival.frame];
        frames.extend(self.datagrams.of(arrival.frame));
        let is_in_pieces = frames.len() > 1 || arrival.sequence.is_some();
        let mut alone = false;
        if arrival.mirrored {
            // HEP over TCP is cut out of its own connection.
            if let Some(id) = self.streams.of_frame(arrival.frame) {
                let whole = true;
                alone = true;
                self.belongs(Belonging::Connection { id, call, whole });
            }
        } else if arrival.flow.transport != Transport::Udp {
            let needs = self
                .streams
                .message(arrival.flow, arrival.sequence, arrival.message);
            if let Some(needs) = needs {
                let (id, whole) = (needs.id, needs.whole);
                alone = whole || arrival.flow.transport == Transport::Sctp;
                self.belongs(Belonging::Connection { id, call, whole });
                frames.extend(needs.frames);
            }
        }
        frames.sort_unstable();
        frames.dedup();
        if let Some(hidden) = &mut self.hidden {
            let message = arrival.message;
            let kept = if alone {
                hidden.alone(message, arrival.frame, arrival.time, arrival.flow, call)
            } else if is_in_pieces {
                hidden.message(message, arrival.sequence.unwrap_or(0), &frames)
            } else {
                Ok(())
            };
            self.note(kept);
        }
        for frame in frames {
            self.belongs(Belonging::Frame(frame, call));
        }
    }

    /// Takes a call that was judged: ICMP errors are known to belong to it now.
    pub fn judged(&mut self, call: &Call, key: CallKey) {
        let errors = call.transactions.iter().flat_map(|it| &it.icmp);
        for error in errors {
            self.belongs(Belonging::Frame(error.seen.frame, key));
        }
        if let Some(media) = &mut self.media {
            media.over(key);
        }
    }

    /// Writes the packets of what is `wanted`, with the report's findings as comments. Returns where they went, and how many they
    /// were.
    ///
    /// # Errors
    /// The first error that keeping or writing met.
    pub fn finish<W: Write>(
        mut self,
        report: &Report,
        catalogue: Catalogue,
        wanted: &Chosen,
        out: W,
    ) -> io::Result<(W, Written)> {
        while let Some((held, calls)) = self.media.as_mut().and_then(Waiting::pop) {
            self.settle(&held, &calls);
        }
        if let Some(error) = self.failed {
            return Err(error);
        }
        let mut written = Written {
            left_out: self.spool.left_out(),
            media_forgotten: self.media.as_ref().map_or(0, |it| it.addresses.forgotten()),
            ..Written::default()
        };
        let mut shown = match self.hidden {
            Some(hidden) => Some(hidden.into_reader(|call| wanted.contains(call))?),
            None => None,
        };
        let (mut packets, mut belongings) = self.spool.into_readers()?;
        let mut frames = FrameSet::default();
        let mut connections: HashMap<u64, Used> = HashMap::default();
        while let Some(belonging) = belongings.next()? {
            match belonging {
                Belonging::Frame(frame, call) => {
                    if wanted.contains(call) {
                        frames.insert(frame);
                    }
                }
                Belonging::Connection { id, call, whole } => {
                    let used = connections.entry(id).or_default();
                    used.whole |= whole;
                    if wanted.contains(call) {
                        used.by_wanted = true;
                    } else {
                        used.by_others = true;
                    }
                }
            }
        }
        let comments = comments(report, catalogue);
        let unread = servers_unread(report, wanted);
        let cited = cited_connections(&mut packets, &comments, &unread, &connections)?;
        let criteria = report.selected.as_ref().map(|it| sanitize(&it.criteria));
        let mut file = Pcapng::begin(out, &criteria.unwrap_or_default())?;
        let is_wanted_connection =
            |id| cited.contains(&id) || connections.get(&id).is_some_and(|it| it.is_wanted());
        let keylog = self.secrets.of(is_wanted_connection);
        if !keylog.is_empty() && shown.is_none() {
            file.keylog(&keylog)?;
        }
        while let Some(head) = packets.head()? {
            let about = comments.get(&head.frame);
            let is_meant = frames.contains(head.frame)
                || about.is_some()
                || is_wanted_connection(head.connection);
            if !is_meant {
                packets.skip(&head)?;
                continue;
            }
            let data = packets.data(&head)?;
            let Some(shown) = &mut shown else {
                let record = Record {
                    time: head.time,
                    link_type: head.link_type,
                    original_len: head.original_len,
                    data,
                };
                write(&mut file, &record, head.frame, &comments, &mut written)?;
                continue;
            };
            write_alone(shown, Some(head.time), &mut file, &comments, &mut written)?;
            let is_opened = connections.get(&head.connection).is_some_and(|it| it.whole);
            if let Some(packet) = shown.packet(&head, data, is_opened)? {
                write(
                    &mut file,
                    &packet.record(),
                    packet.frame,
                    &comments,
                    &mut written,
                )?;
            }
        }
        if let Some(shown) = &mut shown {
            write_alone(shown, None, &mut file, &comments, &mut written)?;
            written.withheld = shown.withheld;
        }
        let statistics = Statistics {
            until: report.last_time,
            dropped_by_interface: report.capture.dropped_by_interface,
            dropped_by_kernel: report.capture.dropped_by_kernel,
        };
        Ok((file.finish(statistics)?, written))
    }

    /// What stands for the ends of a flow, where something does.
    fn shown(&self, flow: Flow) -> Flow {
        (self.hidden.as_ref()).map_or(flow, |hidden| hidden.flow(flow))
    }

    fn belongs(&mut self, belonging: Belonging) {
        let kept = self.spool.belonging(belonging);
        self.note(kept);
    }

    fn note(&mut self, kept: io::Result<()>) {
        if let Err(error) = kept {
            self.failed.get_or_insert(error);
        }
    }
}

/// Writes the messages by themselves that come before a time, or all that are left.
fn write_alone<F: Read + Seek, W: Write>(
    shown: &mut Shown<F>,
    before: Option<Timestamp>,
    file: &mut Pcapng<W>,
    comments: &Comments,
    written: &mut Written,
) -> io::Result<()> {
    while let Some(packet) = shown.alone(before)? {
        write(file, &packet.record(), packet.frame, comments, written)?;
    }
    Ok(())
}

fn write<W: Write>(
    file: &mut Pcapng<W>,
    record: &Record<'_>,
    frame: FrameNumber,
    comments: &Comments,
    written: &mut Written,
) -> io::Result<()> {
    let about = comments.get(&frame).map(Vec::as_slice).unwrap_or_default();
    file.packet(record, about)?;
    written.packets += 1;
    written.commented += u64::from(!about.is_empty());
    Ok(())
}

/// What is said of each frame.
type Comments = BTreeMap<FrameNumber, Vec<String>>;

/// What is said of each frame: `auth-loop (error): …`, worst first.
fn comments(report: &Report, catalogue: Catalogue) -> BTreeMap<FrameNumber, Vec<String>> {
    let mut comments: BTreeMap<FrameNumber, Vec<String>> = BTreeMap::new();
    // What is said of the capture as a whole is said of none of its packets.
    let about_packets = report
        .findings
        .iter()
        .filter(|finding| !finding.rule.code.starts_with("CAP"));
    for finding in about_packets {
        let severity = catalogue.word(finding.severity.name());
        let said = catalogue.message(finding);
        let comment = format!(
            "{} ({severity}): {}",
            finding.name(),
            sanitize(said.trim_end())
        );
        for frame in &finding.frames {
            let about = comments.entry(*frame).or_default();
            if about.len() < MAX_COMMENTS && !about.contains(&comment) {
                about.push(comment.clone());
            }
        }
    }
    comments
}

/// The servers whose TLS could not be read, where that was asked for: no call says that it is on such a connection.
fn servers_unread(report: &Report, wanted: &Chosen) -> HashSet<SocketAddr> {
    let findings = report.findings.iter();
    findings
        .filter(|it| it.rule.name == "capture-encrypted-sip" && wanted.is_asked(it))
        .filter_map(|finding| match finding.get("dst")? {
            Fact::Text(address) => address.parse().ok(),
            Fact::Number(_) | Fact::Time(_) => None,
        })
        .collect()
}

/// The connections without any message of which findings cite packets, refused ones and failed handshakes, and those to servers whose
/// TLS could not be read.
fn cited_connections<F: Read + Seek>(
    packets: &mut Packets<F>,
    comments: &BTreeMap<FrameNumber, Vec<String>>,
    unread: &HashSet<SocketAddr>,
    used: &HashMap<u64, Used>,
) -> io::Result<HashSet<u64>> {
    let mut cited = HashSet::default();
    if comments.is_empty() && unread.is_empty() {
        return Ok(cited);
    }
    while let Some(head) = packets.head()? {
        let id = head.connection;
        let is_open = id != 0 && !used.contains_key(&id) && !cited.contains(&id);
        if is_open && comments.contains_key(&head.frame) {
            cited.insert(id);
        }
        if !is_open || unread.is_empty() {
            packets.skip(&head)?;
            continue;
        }
        let data = packets.data(&head)?;
        if let Ok(decoded) = frame::decode(head.link_type, data, head.original_len)
            && let Content::Segment(segment) = decoded.content
            && [segment.flow.src, segment.flow.dst]
                .iter()
                .any(|it| unread.contains(it))
        {
            cited.insert(id);
        }
    }
    packets.rewind()?;
    Ok(cited)
}
