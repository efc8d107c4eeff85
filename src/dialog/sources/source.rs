//! What one host asked for and did not get.

use super::account::Account;
use super::number::{Dialled, Number, Numbers};
use super::outcome::Outcome;
use super::rate::Rate;
use super::{Room, tool};
use crate::capture::FrameNumber;
use crate::dialog::Call;
use crate::limits::{MAX_SOURCE_HOSTS, MAX_SOURCE_NAME, MAX_SOURCE_NAMES, MAX_SOURCE_PROOF};
use crate::sip::value::user_and_host;
use crate::sip::{HeaderName, Method};
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use crate::transaction::{Transaction, TransactionId};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A request: when, which, and where it is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// When it was sent.
    pub time: Timestamp,
    /// Its packet.
    pub frame: FrameNumber,
    /// The packet of its final response; `None` without one.
    pub answer: Option<FrameNumber>,
    /// Its transaction.
    pub id: TransactionId,
}

impl Seen {
    pub(super) fn of(transaction: &Transaction) -> Self {
        let request = transaction.requests.first();
        let answer = transaction.final_response().and_then(|it| it.sends.first());
        Self {
            time: transaction.start(),
            frame: request.map_or(FrameNumber(0), |it| it.frame),
            answer: answer.map(|it| it.frame),
            id: transaction.id,
        }
    }
}

/// The kinds of requests that are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// REGISTER.
    Register,
    /// INVITE.
    Invite,
    /// OPTIONS.
    Options,
    /// Any other.
    Other,
}

impl Kind {
    const fn of(method: &Method) -> Self {
        match method {
            Method::Register => Self::Register,
            Method::Invite => Self::Invite,
            Method::Options => Self::Options,
            _ => Self::Other,
        }
    }

    /// The method's name; `SIP` for several.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Register => "REGISTER",
            Self::Invite => "INVITE",
            Self::Options => "OPTIONS",
            Self::Other => "SIP",
        }
    }
}

/// A user at a server that was asked for in vain.
#[derive(Clone, Debug)]
pub struct Name {
    /// The first time.
    pub seen: Seen,
    /// The code then; 401 and 407 tell that the user exists, where others get 404.
    pub code: u64,
    /// Whether a password was tried, as whoever owns the name does.
    pub with_password: bool,
    /// Whether only a subscription asked for it: a key of a telephone that shows whether a colleague is busy.
    pub watched: bool,
    /// Whether it was challenged so shortly before the end that a password may have followed.
    pub early: bool,
}

/// One host.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Requests that were granted or reached somebody.
    pub good: u64,
    /// Requests that were refused, by a server that answers.
    pub refused: u64,
    /// Requests without an answer, to servers that answer others.
    pub silent: u64,
    /// Requests to hosts of which nothing was ever heard.
    pub unheard: u64,
    /// Requests without an answer at the end of the capture that may still get one.
    pub open: u64,
    /// How much of all that came to nothing had come through a proxy before.
    pub relayed: u64,
    /// What was refused, silent or open, by the second.
    pub rate: Rate,
    /// What went to hosts of which nothing was ever heard, by the second.
    pub unheard_rate: Rate,
    /// Attack tools that it named itself after, with the first request of each, and whether honest people use them too.
    pub tools: BTreeMap<&'static str, (Seen, bool)>,
    /// Hosts of which nothing was heard and that were asked once, without a retransmission, with the first time.
    pub swept: BTreeMap<IpAddr, Seen>,
    /// Hosts that answered.
    pub answering: BTreeSet<IpAddr>,
    /// Where it registered, or was let in with credentials.
    pub servers: BTreeSet<IpAddr>,
    /// What was refused or unanswered, the first of it.
    pub proof: BTreeSet<Seen>,
    /// Servers that accepted a subscription of it.
    pub subscribed: BTreeSet<IpAddr>,
    kinds: BTreeMap<Kind, u64>,
    ports: BTreeSet<u16>,
    targets: BTreeSet<SocketAddr>,
    span: Option<(Timestamp, Timestamp)>,
    names: BTreeMap<(IpAddr, Box<str>), Name>,
    names_proven: bool,
    accounts: BTreeMap<Box<str>, Account>,
    numbers: Numbers,
    /// The User-Agent that was looked at last, so that the next equal one is not looked at again.
    agent: Option<Box<str>>,
}

impl Source {
    /// How many requests came to nothing.
    pub const fn vain(&self) -> u64 {
        self.refused + self.silent + self.unheard
    }

    /// From the first to the last request that came to nothing; `None` without any.
    pub const fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.span
    }

    /// The port of what came to nothing; `None` when there were several.
    pub fn port(&self) -> Option<u16> {
        match self.ports.first() {
            Some(port) if self.ports.len() == 1 => Some(*port),
            _ => None,
        }
    }

    /// Whom it asked in vain: the lowest of several addresses, and whether there were several.
    pub fn target(&self) -> Option<(SocketAddr, bool)> {
        self.targets.first().map(|it| (*it, self.targets.len() > 1))
    }

    /// What most of its vain requests are.
    pub fn kind(&self) -> Kind {
        self.kinds
            .iter()
            .max_by_key(|(kind, count)| (**count, std::cmp::Reverse(**kind)))
            .map_or(Kind::Other, |(kind, _)| *kind)
    }

    /// The users that it asked for in vain, by server and name.
    pub fn names(&self) -> impl Iterator<Item = (IpAddr, &str, &Name)> {
        self.names
            .iter()
            .map(|((server, user), name)| (*server, &**user, name))
    }

    /// The accounts whose credentials it used.
    pub fn accounts(&self) -> impl Iterator<Item = (&str, &Account)> {
        self.accounts
            .iter()
            .map(|(user, account)| (&**user, account))
    }

    /// Calls to one line with several prefixes: the way out is looked for. In order of time; empty when there are none.
    pub fn probes(&self, thresholds: &Thresholds) -> Vec<&Dialled> {
        self.numbers.probes(thresholds)
    }

    /// A burst of calls of one caller to costly ranges, in order of time; empty when there is none.
    pub fn burst(&self, thresholds: &Thresholds) -> Vec<&Dialled> {
        self.numbers.burst(thresholds)
    }

    pub(super) fn note(
        &mut self,
        call: &Call,
        transaction: &Transaction,
        outcome: Outcome,
        room: &mut Room,
    ) {
        let server = transaction.flow.dst;
        let seen = Seen::of(transaction);
        self.note_tool(transaction, seen, outcome);
        if transaction.method == Method::Invite
            && !matches!(outcome, Outcome::Open | Outcome::Pending { .. })
            && let Some(number) = Number::of(&transaction.request_uri)
        {
            self.numbers.note(transaction, number, room);
        }
        match outcome {
            Outcome::Open => return,
            Outcome::Pending { heard } => {
                self.open += 1;
                let rate = if heard {
                    &mut self.rate
                } else {
                    &mut self.unheard_rate
                };
                rate.note(seen.time);
                return;
            }
            Outcome::Good => {
                self.good += 1;
                insert(&mut self.answering, server.ip(), room);
                if let Some(with) = transaction.credentials.first() {
                    insert(&mut self.servers, server.ip(), room);
                    if let Some(account) = self.account(&with.username, room) {
                        account.accept(seen);
                    }
                } else if transaction.method == Method::Register {
                    insert(&mut self.servers, server.ip(), room);
                } else if transaction.method == Method::Subscribe {
                    insert(&mut self.subscribed, server.ip(), room);
                }
                return;
            }
            Outcome::Rejected(code) => {
                self.refused += 1;
                insert(&mut self.answering, server.ip(), room);
                // One password is tried for each challenge; the realm decides which credentials were meant.
                if let Some(with) = transaction.credentials.first()
                    && let Some(account) = self.account(&with.username, room)
                {
                    account.reject(transaction, with, room);
                }
                self.note_name(transaction, seen, code, room);
            }
            Outcome::Refused(code) => {
                self.refused += 1;
                insert(&mut self.answering, server.ip(), room);
                if matches!(code, 401 | 403 | 404 | 407 | 604) && asks_for_a_user(call, transaction)
                {
                    self.note_name(transaction, seen, code, room);
                }
            }
            Outcome::Silent => self.silent += 1,
            Outcome::Unheard => {
                self.unheard += 1;
                let once =
                    transaction.requests.count() == 1 && !transaction.flow.transport.is_reliable();
                if once && self.swept.len() < MAX_SOURCE_HOSTS && room.take() {
                    let first = self.swept.entry(server.ip()).or_insert(seen);
                    *first = seen.min(*first);
                }
            }
        }
        self.note_vain(transaction, seen, outcome);
    }

    pub(super) fn merge(&mut self, other: Self, room: &mut Room) {
        self.good += other.good;
        self.refused += other.refused;
        self.silent += other.silent;
        self.unheard += other.unheard;
        self.open += other.open;
        self.relayed += other.relayed;
        self.rate.merge(&other.rate);
        self.unheard_rate.merge(&other.unheard_rate);
        for (tool, found) in other.tools {
            let first = self.tools.entry(tool).or_insert(found);
            *first = found.min(*first);
        }
        for (host, seen) in other.swept {
            let first = self.swept.entry(host).or_insert(seen);
            *first = seen.min(*first);
        }
        self.answering.extend(other.answering);
        self.servers.extend(other.servers);
        self.subscribed.extend(other.subscribed);
        self.ports.extend(other.ports);
        self.targets.extend(other.targets);
        for seen in other.proof {
            self.keep_proof(seen);
        }
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        self.span = match (self.span, other.span) {
            (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
            (one, other) => one.or(other),
        };
        for (key, name) in other.names {
            self.keep_name(key, name, room);
        }
        for (user, account) in other.accounts {
            if let Some(own) = self.account(&user, room) {
                own.merge(account, room);
            }
        }
        self.numbers.merge(other.numbers, room);
        // Lists of the other one may have been full in another way.
        while self.swept.len() > MAX_SOURCE_HOSTS {
            self.swept.pop_last();
        }
        for hosts in [&mut self.answering, &mut self.servers, &mut self.subscribed] {
            while hosts.len() > MAX_SOURCE_HOSTS {
                hosts.pop_last();
            }
        }
    }

    fn note_vain(&mut self, transaction: &Transaction, seen: Seen, outcome: Outcome) {
        let rate = if outcome == Outcome::Unheard {
            &mut self.unheard_rate
        } else {
            &mut self.rate
        };
        rate.note(seen.time);
        self.relayed += u64::from(transaction.via_count > 1);
        *self.kinds.entry(Kind::of(&transaction.method)).or_default() += 1;
        if self.ports.len() < MANY {
            self.ports.insert(transaction.flow.src.port());
        }
        if self.targets.len() < MANY {
            self.targets.insert(transaction.flow.dst);
        }
        let (first, last) = self.span.unwrap_or((seen.time, seen.time));
        self.span = Some((first.min(seen.time), last.max(seen.time)));
        self.keep_proof(seen);
    }

    fn note_tool(&mut self, transaction: &Transaction, seen: Seen, outcome: Outcome) {
        let agent = (transaction.request()).and_then(|it| it.header(HeaderName::UserAgent));
        if let Some(agent) = agent
            && self.agent.as_deref().map(str::as_bytes) != Some(&agent)
        {
            let agent = clip(&agent);
            let named = tool::of_agent(&agent);
            self.agent = Some(agent);
            if let Some((tool, honest)) = named {
                let first = self.tools.entry(tool).or_insert((seen, honest));
                *first = (seen, honest).min(*first);
            }
        }
        if outcome != Outcome::Good
            && let Some(tag) = &transaction.from.tag
            && tool::is_sipvicious_tag(tag)
        {
            let first = self.tools.entry("sipvicious").or_insert((seen, false));
            *first = (seen, false).min(*first);
        }
    }

    fn note_name(&mut self, transaction: &Transaction, seen: Seen, code: u64, room: &mut Room) {
        let (user, _) = user_and_host(user_uri(transaction));
        if user.is_empty() {
            return;
        }
        let name = Name {
            seen,
            code,
            with_password: !transaction.credentials.is_empty(),
            watched: transaction.method == Method::Subscribe,
            early: matches!(code, 401 | 407) && transaction.closed.since(seen.time) < RETRY,
        };
        self.keep_name((transaction.flow.dst.ip(), clip(user)), name, room);
    }

    fn keep_name(&mut self, key: (IpAddr, Box<str>), name: Name, room: &mut Room) {
        if let Some(known) = self.names.get_mut(&key) {
            known.with_password |= name.with_password;
            known.early &= name.early;
            known.watched &= name.watched;
            if name.seen < known.seen {
                (known.seen, known.code) = (name.seen, name.code);
            }
            return;
        }
        if self.names.len() >= MAX_SOURCE_NAMES {
            if self.names_proven {
                return;
            }
            // The older half goes, unless it shows already that names are being tried.
            let mut times: Vec<Timestamp> = self.names.values().map(|it| it.seen.time).collect();
            let (most, _) = super::most_within(&mut times, room.thresholds.enumerated_within);
            self.names_proven = most >= MAX_SOURCE_NAMES / 4;
            if self.names_proven {
                return;
            }
            let Some(middle) = times.get(times.len() / 2).copied() else {
                return;
            };
            let before = self.names.len();
            self.names.retain(|_, it| it.seen.time >= middle);
            room.give_back(before - self.names.len());
        }
        if room.take() {
            self.names.insert(key, name);
        }
    }

    fn account(&mut self, user: &str, room: &mut Room) -> Option<&mut Account> {
        let user = clip(user.as_bytes());
        if !self.accounts.contains_key(&user)
            && (self.accounts.len() >= MAX_SOURCE_NAMES || !room.take())
        {
            return None;
        }
        Some(self.accounts.entry(user).or_default())
    }

    fn keep_proof(&mut self, seen: Seen) {
        self.proof.insert(seen);
        if self.proof.len() > MAX_SOURCE_PROOF {
            self.proof.pop_last();
        }
    }
}

/// How long a client may take to answer a challenge.
const RETRY: Duration = Duration::from_secs(5);

/// More ports or targets than this are simply several.
const MANY: usize = 8;

/// As much of a name as is kept.
pub(super) fn clip(name: &[u8]) -> Box<str> {
    let name = name.get(..MAX_SOURCE_NAME).unwrap_or(name);
    String::from_utf8_lossy(name).into()
}

/// The URI that names the user who is asked for (RFC 3261 §10.2: the To of a REGISTER).
fn user_uri(transaction: &Transaction) -> &[u8] {
    if transaction.method == Method::Register {
        &transaction.to.uri
    } else {
        &transaction.request_uri
    }
}

/// Whether a refused request asks whether a user exists. Calls to telephone numbers fail for many reasons: those of trunks
/// and diallers must not look like names that are tried.
fn asks_for_a_user(call: &Call, transaction: &Transaction) -> bool {
    match transaction.method {
        Method::Register => true,
        Method::Invite | Method::Options | Method::Subscribe => {
            let reached = transaction
                .responses
                .iter()
                .any(|it| (180..200).contains(&it.code));
            Number::of(&transaction.request_uri).is_none()
                && !reached
                && !call.succeeded_elsewhere(transaction)
        }
        _ => false,
    }
}

fn insert(hosts: &mut BTreeSet<IpAddr>, host: IpAddr, room: &mut Room) {
    if !hosts.contains(&host) && hosts.len() < MAX_SOURCE_HOSTS && room.take() {
        hosts.insert(host);
    }
}
