//! Says which calls were asked for. Comes in: what the user chose, then messages and findings as the engine tells them. Goes
//! out: to another observer, only what belongs to the calls that meet it all, each from its first message. This room does
//! not know how anything is shown or written.
//!
//! A call meets a criterion when any of its messages or findings does, and is selected when it meets all of them, on
//! whatever leg and in whatever message. [`Selecting`] stands between the engine and an observer; what people choose
//! calls by is the table of [`Selection`].

mod frames;
mod glob;
mod held;
mod moment;
mod pattern;
mod selecting;
#[cfg(test)]
mod tests;

pub use frames::FrameSet;
pub use glob::Glob;
pub use moment::Moment;
pub use pattern::{Codes, FindingPattern, HostPattern, party, user};
pub use selecting::{CallKey, Chosen, Selecting};

use crate::address::literal_with_port;
use crate::engine::SeenMessage;
use crate::redact::Redactor;
use crate::rules::{Fact, Finding};
use crate::severity::Severity;
use crate::sip::value::user_and_host;
use crate::sip::{Carrier, HeaderName, Message, Method, StartLine};
use crate::time::Timestamp;
use crate::transaction::Transaction;
use std::fmt::{self, Display};
use std::net::SocketAddr;

/// Which calls are asked for. What is empty asks for nothing; of what has several entries one is enough; all that is not
/// empty must be met.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Call-IDs.
    pub call_ids: Vec<Glob>,
    /// Who calls: the From of requests outside of dialogs, as URI, as `user@host` or as user.
    pub from: Vec<Glob>,
    /// Who is called: the To, likewise.
    pub to: Vec<Glob>,
    /// User parts in From, To or Request-URI.
    pub users: Vec<Glob>,
    /// Who sent or received a packet, or is named by From, To or Request-URI.
    pub hosts: Vec<HostPattern>,
    /// Methods, in any case.
    pub methods: Vec<Glob>,
    /// Status codes.
    pub codes: Vec<Codes>,
    /// Findings.
    pub findings: Vec<FindingPattern>,
    /// Severities of findings, each only itself.
    pub severities: Vec<Severity>,
    /// Whether only calls with a warning or an error are asked for.
    pub problems: bool,
    /// Only calls with a message at this moment or later, or that still went on when the last one was seen.
    pub since: Option<Moment>,
    /// Only calls with a message at this moment or earlier.
    pub until: Option<Moment>,
    /// What stands for the names in the capture: what is asked for are these.
    pub redactor: Option<Redactor>,
}

/// The criteria, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Met(u16);

impl Met {
    const CALL_ID: Self = Self(1);
    const FROM: Self = Self(1 << 1);
    const TO: Self = Self(1 << 2);
    const USER: Self = Self(1 << 3);
    const HOST: Self = Self(1 << 4);
    const METHOD: Self = Self(1 << 5);
    const CODE: Self = Self(1 << 6);
    const FINDING: Self = Self(1 << 7);
    const SEVERITY: Self = Self(1 << 8);
    const PROBLEMS: Self = Self(1 << 9);
    const SINCE: Self = Self(1 << 10);
    const UNTIL: Self = Self(1 << 11);

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn set(&mut self, other: Self, met: bool) {
        if met {
            *self = self.with(other);
        }
    }

    /// Those of `self` that `other` has not.
    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// From when until when calls are asked for, once it is known when the capture began.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Window {
    fn met_at(self, time: Timestamp) -> Met {
        let mut met = Met::default();
        met.set(Met::SINCE, self.since.is_some_and(|it| time >= it));
        met.set(Met::UNTIL, self.until.is_some_and(|it| time <= it));
        met
    }
}

impl Selection {
    /// Whether nothing is asked for, so that every call is meant.
    pub fn is_empty(&self) -> bool {
        self.wanted() == Met::default()
    }

    /// Why nothing can meet it, whatever the capture; `None` when something may.
    pub fn contradiction(&self) -> Option<String> {
        let (since, until) = (self.since.as_ref()?, self.until.as_ref()?);
        let contradicts = until.is_before(since);
        contradicts.then(|| format!("--until {until} is before --since {since}"))
    }

    /// The methods asked for that nobody knows, which a capture may have nevertheless.
    pub fn unknown_methods(&self) -> impl Iterator<Item = &Glob> {
        self.methods.iter().filter(|glob| {
            let mut known = Method::REGISTERED.iter();
            !known.any(|it| glob.matches(it.name().as_bytes()))
        })
    }

    /// What must be met.
    fn wanted(&self) -> Met {
        let mut wanted = Met::default();
        for (criterion, asked) in [
            (Met::CALL_ID, !self.call_ids.is_empty()),
            (Met::FROM, !self.from.is_empty()),
            (Met::TO, !self.to.is_empty()),
            (Met::USER, !self.users.is_empty()),
            (Met::HOST, !self.hosts.is_empty()),
            (Met::METHOD, !self.methods.is_empty()),
            (Met::CODE, !self.codes.is_empty()),
            (Met::FINDING, !self.findings.is_empty()),
            (Met::SEVERITY, !self.severities.is_empty()),
            (Met::PROBLEMS, self.problems),
            (Met::SINCE, self.since.is_some()),
            (Met::UNTIL, self.until.is_some()),
        ] {
            wanted.set(criterion, asked);
        }
        wanted
    }

    fn window(&self, start: Timestamp) -> Window {
        let since = self.since.as_ref();
        Window {
            since: since.map(|it| it.in_capture_from(start)),
            until: self.until.as_ref().map(|it| it.behind(since, start)),
        }
    }

    /// What of `open` a message meets.
    fn of_message(&self, seen: &SeenMessage<'_>, window: Window, open: Met) -> Met {
        let captured = self.captured(seen.arrival.message);
        let message = captured.as_ref().unwrap_or(seen.arrival.message);
        let mut met = window.met_at(seen.arrival.time);
        if open.has(Met::CALL_ID) {
            let call_id = message.call_id().unwrap_or_default();
            met.set(Met::CALL_ID, any(&self.call_ids, &call_id));
        }
        if open.has(Met::CODE) {
            let code = message.status();
            let asked = |code| self.codes.iter().any(|codes| codes.contains(code));
            met.set(Met::CODE, code.is_some_and(asked));
        }
        if open.has(Met::METHOD) {
            // The CSeq of a response has the method of its request.
            let cseq = message.cseq().map(|(_, method)| method);
            let method = message.method().or(cseq);
            let asked = method.is_some_and(|it| any(&self.methods, it.name().as_bytes()));
            met.set(Met::METHOD, asked);
        }
        let flow = seen.arrival.flow;
        let mut host = open.has(Met::HOST) && self.is_host(flow.src, flow.dst);
        let of_parties = Met::FROM.with(Met::TO).with(Met::USER).with(Met::HOST);
        if open.without(of_parties) == open {
            return met;
        }
        let from = message.uri(HeaderName::From).unwrap_or_default();
        let to = message.uri(HeaderName::To).unwrap_or_default();
        let target = match message.start_line() {
            StartLine::Request { uri, .. } => uri,
            StartLine::Response { .. } => &[],
        };
        // In a dialog, who calls may be in either.
        if !target.is_empty() && message.to_tag().is_none() {
            met = met.with(self.of_parties(&from, &to));
        }
        let uris = [&*from, &*to, target];
        if open.has(Met::USER) {
            let asked = uris.iter().any(|uri| is_user(&self.users, uri));
            met.set(Met::USER, asked);
        }
        host |= open.has(Met::HOST)
            && uris
                .iter()
                .any(|uri| self.hosts.iter().any(|it| it.is_named_by(uri)));
        met.set(Met::HOST, host);
        met
    }

    /// What the transactions of a call say about who called whom: of those outside of dialogs, where there are any.
    fn of_transactions(&self, transactions: &[Transaction]) -> Met {
        let only_inside = transactions.iter().all(Transaction::in_dialog);
        transactions
            .iter()
            .filter(|it| only_inside || !it.in_dialog())
            .map(|it| match &self.redactor {
                None => self.of_parties(&it.from.uri, &it.to.uri),
                Some(redactor) => {
                    let captured = |uri| redactor.captured_uri(uri);
                    self.of_parties(&captured(&it.from.uri), &captured(&it.to.uri))
                }
            })
            .fold(Met::default(), Met::with)
    }

    fn of_parties(&self, from: &[u8], to: &[u8]) -> Met {
        let mut met = Met::default();
        met.set(Met::FROM, is_party(&self.from, from));
        met.set(Met::TO, is_party(&self.to, to));
        met
    }

    /// What a finding meets, of what is asked of findings.
    fn of_finding(&self, finding: &Finding) -> Met {
        let mut met = Met::default();
        let named = self.findings.iter().any(|it| it.is(finding));
        met.set(Met::FINDING, named);
        met.set(Met::SEVERITY, self.severities.contains(&finding.severity));
        met.set(Met::PROBLEMS, finding.severity > Severity::Info);
        met
    }

    /// What a finding meets that is of no call, such as a connection that was refused.
    fn of_finding_alone(&self, finding: &Finding, window: Window) -> Met {
        let met = self.of_finding(finding);
        let mut met = met.with(window.met_at(finding.time));
        let named = finding.facts.iter().any(|(_, fact)| match fact {
            Fact::Text(text) => literal_with_port(text.as_bytes())
                .is_some_and(|(ip, port)| self.is_at(SocketAddr::new(ip, port.unwrap_or(0)))),
            Fact::Number(_) | Fact::Time(_) => false,
        });
        let source = finding.source.is_some_and(|it| self.is_at(it));
        met.set(Met::HOST, named || source);
        met
    }

    fn is_host(&self, src: SocketAddr, dst: SocketAddr) -> bool {
        self.is_at(src) || self.is_at(dst)
    }

    fn is_at(&self, address: SocketAddr) -> bool {
        let address = match &self.redactor {
            None => address,
            Some(redactor) => redactor.captured_socket(address),
        };
        self.hosts.iter().any(|it| it.is(address))
    }

    /// A message as it was captured; `None` where it is that already.
    fn captured(&self, message: &Message) -> Option<Message> {
        let redactor = self.redactor.as_ref()?;
        let carrier = Carrier {
            cut: message.is_cut(),
            ..Carrier::default()
        };
        Message::parse(&redactor.captured_message(message.raw()), carrier)
    }
}

fn any(patterns: &[Glob], text: &[u8]) -> bool {
    patterns.iter().any(|pattern| pattern.matches(text))
}

/// Whether a URI, its `user@host` or its user fits one of the patterns.
fn is_party(patterns: &[Glob], uri: &[u8]) -> bool {
    if patterns.is_empty() {
        return false;
    }
    let mut parts = uri.split(|byte| matches!(byte, b';' | b'?'));
    let address = parts.next().unwrap_or_default();
    let colon = address.iter().position(|byte| *byte == b':');
    let bare = address.get(colon.map_or(0, |at| at + 1)..);
    any(patterns, uri)
        || any(patterns, address)
        || any(patterns, bare.unwrap_or_default())
        || is_user(patterns, uri)
}

/// Whether the user of a URI fits one of the patterns; a `tel:` URI is all user.
fn is_user(patterns: &[Glob], uri: &[u8]) -> bool {
    let (user, host) = user_and_host(uri);
    let is_tel = uri
        .get(..4)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"tel:"));
    let user = if is_tel { host } else { user };
    // Parameters of the user and a password are no part of who it is.
    let user = user.split(|byte| matches!(byte, b';' | b':')).next();
    user.is_some_and(|user| !user.is_empty() && any(patterns, user))
}

/// As on the command line: `--from alice --problems`.
impl Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(self.wanted()))
    }
}

impl Selection {
    /// Some of the criteria, as on the command line.
    fn words(&self, which: Met) -> String {
        let problems: &[&str] = if self.problems { &[""] } else { &[] };
        [
            (Met::CALL_ID, self.naming("--call-id", &self.call_ids)),
            (Met::FROM, self.naming("--from", &self.from)),
            (Met::TO, self.naming("--to", &self.to)),
            (Met::USER, self.naming("--user", &self.users)),
            (Met::HOST, self.naming("--host", &self.hosts)),
            (Met::METHOD, options("--method", &self.methods)),
            (Met::CODE, options("--code", &self.codes)),
            (Met::FINDING, options("--finding", &self.findings)),
            (Met::SEVERITY, options("--severity", &self.severities)),
            (Met::SINCE, options("--since", self.since.as_slice())),
            (Met::UNTIL, options("--until", self.until.as_slice())),
            (Met::PROBLEMS, options("--problems", problems)),
        ]
        .into_iter()
        .filter(|(criterion, _)| which.has(*criterion))
        .flat_map(|(_, words)| words)
        .collect::<Vec<_>>()
        .join(" ")
    }

    /// What was asked for names somebody.
    fn naming(&self, option: &str, values: &[impl Display]) -> Vec<String> {
        match self.redactor {
            Some(_) => values.iter().map(|_| format!("{option} …")).collect(),
            None => options(option, values),
        }
    }
}

fn options(option: &str, values: &[impl Display]) -> Vec<String> {
    let words = values.iter().map(|value| format!("{option} {value}"));
    words.map(|it| it.trim_end().to_owned()).collect()
}
