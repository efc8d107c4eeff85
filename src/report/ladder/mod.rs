//! The ladder of a call: who said what to whom, in order of time. Comes in: a judged call as the engine tells it, and at the
//! end the findings. Goes out: lanes, a host each, and rows, a message each with its repeats folded into it. How it looks is
//! the business of the formats.

mod media;
mod text;

use crate::hash::{HashMap, HashSet};
pub use text::readable;

use crate::capture::FrameNumber;
use crate::dialog::Call;
use crate::flow::{Flow, Transport};
use crate::frame::IcmpKind;
use crate::rules::{Fact, Finding, FindingId};
use crate::sip::{HeaderName, Message, Method};
use crate::transaction::{Response, Sends, Sighting, Transaction, TransactionId};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// The ladder of one call, or of several legs of one.
#[derive(Clone, Debug, Default)]
pub struct Ladder {
    /// The hosts, in the order in which they were first heard of.
    pub lanes: Vec<Lane>,
    /// The messages in order of time.
    pub rows: Vec<Row>,
    /// Messages beyond the cap.
    pub left_out: usize,
    agents: Vec<(SocketAddr, Box<str>)>,
}

/// A host; one of its ports where it sends to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Its address.
    pub host: IpAddr,
    /// The port, where a lane for the whole host would not do.
    pub port: Option<u16>,
    /// What it calls itself, in User-Agent or Server; `None` when it did not say so itself.
    pub agent: Option<Box<str>>,
}

/// A message with its repeats, or an ICMP error about one.
#[derive(Clone, Debug)]
pub struct Row {
    /// When and in which packet it was first seen.
    pub seen: Sighting,
    /// The following times.
    pub again: Vec<Sighting>,
    /// How often it was sent again, which may be more than there are sightings.
    pub repeats: usize,
    /// From where to where.
    pub flow: Flow,
    /// The lane it starts at.
    pub from: usize,
    /// The lane it goes to.
    pub to: usize,
    /// The Call-ID: legs of one call may have different ones.
    pub call_id: Arc<[u8]>,
    /// Its transaction.
    pub transaction: TransactionId,
    /// What it says.
    pub what: What,
    /// What its session description offers or answers, in a few words; `None` without one.
    pub media: Option<Box<str>>,
    /// Whether it puts the other side on hold.
    pub hold: bool,
    /// The message as captured; `None` when it was not kept.
    pub text: Option<Box<[u8]>>,
    /// The findings that point at it.
    pub findings: Vec<FindingId>,
}

/// What a row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A request.
    Request {
        /// Its method.
        method: Method,
        /// Whether it is sent inside a dialog.
        in_dialog: bool,
    },
    /// A response.
    Response {
        /// The code.
        code: u64,
        /// The reason phrase as written.
        reason: Box<str>,
        /// The method that it answers.
        method: Method,
    },
    /// An ICMP error.
    Icmp {
        /// What it says.
        kind: IcmpKind,
    },
}

impl What {
    /// In a few words, as engineers know them: `INVITE`, `180 Ringing`, `ICMP port unreachable`. Not sanitised.
    pub fn label(&self) -> String {
        match self {
            Self::Request { method, in_dialog } if *in_dialog && *method == Method::Invite => {
                "re-INVITE".to_owned()
            }
            Self::Request { method, .. } => method.name().to_owned(),
            Self::Response { code, reason, .. } if reason.is_empty() => code.to_string(),
            Self::Response { code, reason, .. } => format!("{code} {reason}"),
            Self::Icmp { kind } => format!("ICMP {}", kind.name()),
        }
    }

    /// How well a finding about this code points here.
    fn weight(&self, about: Option<u64>) -> u8 {
        match self {
            Self::Response { code, .. } if Some(*code) == about => 2,
            Self::Request { method, .. } if *method == Method::Ack => 0,
            _ => 1,
        }
    }
}

impl Row {
    /// From each sending to the next: 0.5 s, 1 s, 2 s, 4 s.
    pub fn intervals(&self) -> Vec<Duration> {
        let mut before = self.seen.time;
        let steps = self.again.iter().map(|seen| {
            let step = seen.time.since(before);
            before = seen.time;
            step
        });
        steps.collect()
    }
}

/// Bytes of messages that may still be kept.
#[derive(Clone, Copy, Debug)]
pub struct Room(pub usize);

impl Room {
    fn take(&mut self, message: Option<&Message>) -> Option<Box<[u8]>> {
        let raw = message?.raw();
        self.0 = self.0.checked_sub(raw.len())?;
        Some(raw.into())
    }
}

impl Ladder {
    /// The ladder of a call with at most so many rows; of its messages those are kept that `room` allows.
    pub fn of(call: &Call, rows: usize, room: &mut Room) -> Self {
        let mut sightings: Vec<(Sighting, &Transaction, Part<'_>)> = Vec::new();
        for transaction in &call.transactions {
            sightings.extend(parts(transaction));
        }
        sightings.sort_by_key(|(seen, _, _)| (seen.time, seen.frame));
        // An ACK belongs to each INVITE of its CSeq number, and was sent once.
        let mut acks = HashSet::default();
        sightings.retain(|(seen, _, part)| match part {
            Part::Ack(_, flow, _) => acks.insert((seen.frame, *flow)),
            Part::Request | Part::Response(_) | Part::Icmp(..) => true,
        });
        let left_out = sightings.len().saturating_sub(rows);
        sightings.truncate(rows);
        let mut ladder = Self {
            rows: sightings
                .into_iter()
                .map(|(seen, transaction, part)| part.row(seen, transaction, room))
                .collect(),
            left_out,
            agents: agents(call),
            ..Self::default()
        };
        ladder.arrange();
        ladder
    }

    /// Several legs in one.
    #[must_use]
    pub fn joined(legs: Vec<Self>) -> Self {
        let mut ladder = Self::default();
        for leg in legs {
            ladder.rows.extend(leg.rows);
            ladder.left_out += leg.left_out;
            ladder.agents.extend(leg.agents);
        }
        ladder
            .rows
            .sort_by_key(|row| (row.seen.time, row.seen.frame));
        ladder.arrange();
        ladder
    }

    /// With its first rows only, so many of them.
    #[must_use]
    pub fn limited(mut self, rows: usize) -> Self {
        if self.rows.len() > rows {
            self.left_out += self.rows.len() - rows;
            self.rows.truncate(rows);
            self.arrange();
        }
        self
    }

    /// Puts each finding beside the message it points at: of its packets the last response with the code that it is about,
    /// else the last one that is no ACK.
    pub fn mark<'a>(&mut self, findings: impl IntoIterator<Item = &'a Finding>) {
        let mut row_of: HashMap<FrameNumber, usize> = HashMap::default();
        for (index, row) in self.rows.iter().enumerate() {
            row_of.insert(row.seen.frame, index);
        }
        for (index, row) in self.rows.iter().enumerate() {
            for seen in &row.again {
                row_of.entry(seen.frame).or_insert(index);
            }
        }
        for finding in findings {
            let code = finding.status.or_else(|| match finding.get("code") {
                Some(Fact::Number(code)) => Some(*code),
                _ => None,
            });
            let frames = finding.frames.iter();
            let best = frames
                .filter_map(|frame| row_of.get(frame).copied())
                .max_by_key(|index| {
                    let what = self.rows.get(*index).map(|row| &row.what);
                    (what.map(|it| it.weight(code)), *index)
                });
            if let Some(row) = best.and_then(|index| self.rows.get_mut(index)) {
                row.findings.push(finding.id);
            }
        }
    }

    /// Gives each row its lanes.
    fn arrange(&mut self) {
        let own: HashSet<IpAddr> = self
            .rows
            .iter()
            .filter(|row| row.flow.src.ip() == row.flow.dst.ip())
            .map(|row| row.flow.src.ip())
            .collect();
        let key = |address: SocketAddr| {
            let port = own.contains(&address.ip()).then(|| address.port());
            (address.ip(), port)
        };
        let mut index: HashMap<(IpAddr, Option<u16>), usize> = HashMap::default();
        let mut lanes: Vec<Lane> = Vec::new();
        let mut lane = |address: SocketAddr| {
            *index.entry(key(address)).or_insert_with(|| {
                let (host, port) = key(address);
                let agent = None;
                lanes.push(Lane { host, port, agent });
                lanes.len() - 1
            })
        };
        for row in &mut self.rows {
            row.from = lane(row.flow.src);
            row.to = lane(row.flow.dst);
        }
        for (address, agent) in &self.agents {
            let lane = index.get(&key(*address)).and_then(|it| lanes.get_mut(*it));
            if let Some(lane) = lane {
                lane.agent.get_or_insert_with(|| agent.clone());
            }
        }
        self.lanes = lanes;
    }
}

/// A message of a transaction.
enum Part<'a> {
    Request,
    Response(&'a Response),
    Ack(&'a Sends, Flow, Option<&'a Message>),
    Icmp(Flow, IcmpKind),
}

/// The messages of a transaction with when they were first seen.
fn parts(transaction: &Transaction) -> impl Iterator<Item = (Sighting, &Transaction, Part<'_>)> {
    let request = transaction
        .requests
        .first()
        .map(|seen| (seen, Part::Request));
    let responses = transaction
        .responses
        .iter()
        .filter_map(|it| Some((it.sends.first()?, Part::Response(it))));
    let acks = transaction.acks.iter().chain(&transaction.stray_acks);
    let acks = acks.filter_map(|it| {
        Some((
            it.sends.first()?,
            Part::Ack(&it.sends, it.flow, it.message()),
        ))
    });
    let icmp = transaction.icmp.iter().map(|note| {
        let told = if note.of_response {
            transaction.flow.dst
        } else {
            transaction.flow.src
        };
        let flow = Flow {
            src: SocketAddr::new(note.reporter, note.target.port()),
            dst: told,
            transport: Transport::Udp,
        };
        (note.seen, Part::Icmp(flow, note.kind))
    });
    let all = request.into_iter().chain(responses).chain(acks).chain(icmp);
    all.map(move |(seen, part)| (seen, transaction, part))
}

impl Part<'_> {
    fn row(&self, seen: Sighting, transaction: &Transaction, room: &mut Room) -> Row {
        let (sends, flow, message, what) = match self {
            Self::Request => {
                let what = What::Request {
                    method: transaction.method.clone(),
                    in_dialog: transaction.in_dialog(),
                };
                let sends = Some(&transaction.requests);
                (sends, transaction.flow, transaction.request(), what)
            }
            Self::Response(response) => {
                let what = What::Response {
                    code: response.code,
                    reason: response.reason.as_ref().into(),
                    method: transaction.method.clone(),
                };
                (
                    Some(&response.sends),
                    response.flow,
                    response.message(),
                    what,
                )
            }
            Self::Ack(sends, flow, message) => {
                let what = What::Request {
                    method: Method::Ack,
                    in_dialog: true,
                };
                (Some(*sends), *flow, *message, what)
            }
            Self::Icmp(flow, kind) => (None, *flow, None, What::Icmp { kind: *kind }),
        };
        let in_dialog = matches!(
            what,
            What::Request {
                in_dialog: true,
                ..
            }
        );
        Row {
            seen,
            again: sends.map_or_else(Vec::new, |it| it.iter().skip(1).collect()),
            repeats: sends.map_or(0, Sends::repeats),
            flow,
            from: 0,
            to: 0,
            call_id: transaction.call_id.clone(),
            transaction: transaction.id,
            what,
            media: message.and_then(media::of),
            hold: in_dialog && message.is_some_and(media::is_hold),
            text: room.take(message),
            findings: Vec::new(),
        }
    }
}

/// What hosts call themselves. Proxies hand on the names of others, so a name counts on the first hop of a request and on
/// the last one of a response.
fn agents(call: &Call) -> Vec<(SocketAddr, Box<str>)> {
    let mut deepest: HashMap<(u64, &Method, Option<&[u8]>), u16> = HashMap::default();
    for it in &call.transactions {
        let hops = deepest
            .entry((it.cseq, &it.method, it.from.tag.as_deref()))
            .or_default();
        *hops = (*hops).max(it.via_count);
    }
    let mut agents = Vec::new();
    for it in &call.transactions {
        let request = it.request().filter(|_| it.via_count == 1);
        if let Some(agent) = request.and_then(|it| it.text(HeaderName::UserAgent)) {
            agents.push((it.flow.src, agent));
        }
        let hops = deepest.get(&(it.cseq, &it.method, it.from.tag.as_deref()));
        if hops != Some(&it.via_count) {
            continue;
        }
        for response in &it.responses {
            let Some(message) = response.message() else {
                continue;
            };
            let name = message
                .text(HeaderName::Server)
                .or_else(|| message.text(HeaderName::UserAgent));
            agents.extend(name.map(|name| (response.flow.src, name)));
        }
    }
    agents.retain(|(_, name)| !name.is_empty());
    agents
}
