//! A finding: which rule, how bad, how sure, which packets, which facts.

use super::{Guard, Judge, Rule, Silence};
use crate::capture::FrameNumber;
use crate::limits::MAX_FRAMES_SHOWN;
use crate::severity::{Confidence, Severity};
use crate::time::Timestamp;
use crate::transaction::{Transaction, TransactionId};
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The number of a finding within a run, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingId(pub u64);

/// A fact of a finding.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A name, an address, a text from the wire.
    Text(String),
    /// A count or a code.
    Number(u64),
    /// A stretch of time.
    Time(Duration),
}

impl From<String> for Fact {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Fact {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for Fact {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Fact {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}

impl From<Duration> for Fact {
    fn from(time: Duration) -> Self {
        Self::Time(time)
    }
}

/// A fault of the connections to a server: what finding of the capture and findings of calls are linked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum StreamFault {
    /// They cannot be opened.
    Connect(SocketAddr),
    /// They ended under open requests.
    Broken(SocketAddr),
}

/// Something that a rule found, with the packets behind it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Its number; given when the call has been judged.
    pub id: FindingId,
    /// The rule.
    pub rule: &'static Rule,
    /// For the rule `status`, the code that was answered.
    pub status: Option<u64>,
    /// Which of the rule's variants, when the packets prove more than the rule says: it has words of its own.
    pub variant: Option<&'static str>,
    /// How bad.
    pub severity: Severity,
    /// How bad it was before a user judged otherwise; `None` where nobody did.
    pub severity_was: Option<Severity>,
    /// How sure.
    pub confidence: Confidence,
    /// Whether the capture ended before it could be proven, so that it is told "so far".
    pub so_far: bool,
    /// Whether the attempt came right after all (guard G-OUTCOME).
    pub came_right: bool,
    /// Whether it rests only on what was seen, although others of its rule do not.
    seen: bool,
    /// When it began.
    pub time: Timestamp,
    /// When the last packet of the transaction that it is about was seen.
    pub(super) until: Timestamp,
    /// The call; `None` for findings about the capture or a host pair.
    pub call_id: Option<Arc<[u8]>>,
    /// The transactions, the decisive one first.
    pub transactions: Vec<TransactionId>,
    /// The packets that prove it.
    pub frames: Vec<FrameNumber>,
    /// What the words of the rule are filled with, and more.
    pub facts: Vec<(&'static str, Fact)>,
    /// The fault of connections that it tells, or that lies behind it.
    pub(super) stream: Option<StreamFault>,
    /// The BYE of its dialog, where that may follow from it.
    pub(super) hung_up: Option<FrameNumber>,
    /// Who sent the request that it is about, where it was first seen. Port 0 is any.
    pub source: Option<SocketAddr>,
    /// The finding that caused this one.
    pub consequence_of: Option<FindingId>,
}

/// Facts that most findings have at most.
const FACTS: usize = 8;

impl Finding {
    /// Gives back the memory that it does not need: it may be kept until the capture ends.
    pub fn shrink(&mut self) {
        self.transactions.shrink_to_fit();
        self.frames.shrink_to_fit();
        self.facts.shrink_to_fit();
        for (_, fact) in &mut self.facts {
            if let Fact::Text(text) = fact {
                text.shrink_to_fit();
            }
        }
    }

    /// A finding about the capture.
    pub(super) fn of_capture(rule: &'static Rule, time: Timestamp) -> Self {
        Self {
            id: FindingId(0),
            rule,
            status: None,
            variant: None,
            severity: rule.severity,
            severity_was: None,
            confidence: Confidence::Certain,
            so_far: false,
            came_right: false,
            seen: false,
            time,
            until: time,
            call_id: None,
            transactions: Vec::new(),
            frames: Vec::new(),
            facts: Vec::new(),
            stream: None,
            hung_up: None,
            source: None,
            consequence_of: None,
        }
    }

    /// A finding about a transaction, with all its packets.
    pub(super) fn of(rule: &'static Rule, transaction: &Transaction) -> Self {
        let mut frames = transaction.frames();
        frames.truncate(MAX_FRAMES_SHOWN);
        let uris = [
            ("from", &transaction.from.uri),
            ("to", &transaction.to.uri),
            ("request_uri", &transaction.request_uri),
        ];
        let mut facts = Vec::with_capacity(FACTS);
        facts.extend(
            uris.into_iter()
                .filter(|(_, uri)| !uri.is_empty())
                .map(|(name, uri)| (name, Fact::Text(String::from_utf8_lossy(uri).into_owned()))),
        );
        Self {
            call_id: Some(transaction.call_id.clone()),
            facts,
            transactions: vec![transaction.id],
            frames,
            until: transaction.last,
            ..Self::of_capture(rule, transaction.start())
        }
    }

    pub(super) fn fact(mut self, name: &'static str, value: impl Into<Fact>) -> Self {
        self.facts.push((name, value.into()));
        self
    }

    /// A fact that may not be known.
    pub(super) fn fact_if(self, name: &'static str, value: Option<impl Into<Fact>>) -> Self {
        match value {
            Some(value) => self.fact(name, value),
            None => self,
        }
    }

    pub(super) const fn variant(mut self, variant: Option<&'static str>) -> Self {
        self.variant = variant;
        self
    }

    pub(super) const fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    pub(super) const fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// Proven absence keeps the rule's severity; absence so far is a warning and possible at most.
    pub(super) fn silence(mut self, silence: Silence, lossy: bool) -> Self {
        match silence {
            Silence::Proven => {}
            Silence::Stopped => self.confidence = Confidence::Likely,
            Silence::Unrepeated => {
                self.severity = self.severity.min(Severity::Warning);
                self.confidence = Confidence::Possible;
            }
            Silence::SoFar => {
                self.so_far = true;
                self.severity = self.severity.min(Severity::Warning);
                self.confidence = Confidence::Possible;
            }
        }
        if lossy {
            self.confidence = Confidence::Possible;
        }
        self
    }

    /// Guard G-OUTCOME: what came right after all is a note.
    pub(super) fn note_if(mut self, came_right: bool) -> Self {
        if came_right {
            self.severity = Severity::Info;
            self.came_right = true;
        }
        self
    }

    pub(super) fn severity_at_most(mut self, severity: Severity) -> Self {
        self.severity = self.severity.min(severity);
        self
    }

    /// With the transactions and the packets of another one that tells the same.
    pub(super) fn with_proof_of(mut self, other: &Self) -> Self {
        for id in &other.transactions {
            if !self.transactions.contains(id) {
                self.transactions.push(*id);
            }
        }
        self.frames.extend(&other.frames);
        self.frames.sort_unstable();
        self.frames.dedup();
        self
    }

    pub(super) fn also(mut self, transaction: &Transaction) -> Self {
        if !self.transactions.contains(&transaction.id)
            && self.transactions.len() < MAX_FRAMES_SHOWN
        {
            self.transactions.push(transaction.id);
            self.frames.extend(transaction.frames());
            self.frames.sort_unstable();
            self.frames.dedup();
            self.frames.truncate(MAX_FRAMES_SHOWN);
        }
        self
    }

    /// Says that, other than its rule may, it rests only on what was seen.
    pub(super) const fn seen(mut self) -> Self {
        self.seen = true;
        self
    }

    /// The guards under which it stands: those of its rule.
    pub fn guards(&self) -> impl Iterator<Item = Guard> {
        let all = self.rule.guards.iter().copied();
        all.filter(|guard| !(self.seen && guard.is_of_absence()))
    }

    /// Lowers what rests on something that was not seen, once packets are known to be missing (guard G-LOSS). What is found of
    /// the capture as a whole is judged when that is known, and by more than that.
    pub fn lower_absence(&mut self) {
        if !matches!(self.rule.judge, Judge::Capture(_))
            && self.guards().any(|it| it == Guard::Loss)
        {
            self.confidence = Confidence::Possible;
        }
    }

    /// Its id in scripts, such as `auth-loop` or `status-486`.
    pub fn name(&self) -> Cow<'static, str> {
        match self.status {
            Some(code) => format!("{}-{code}", self.rule.name).into(),
            None => self.rule.name.into(),
        }
    }

    /// Its short code, such as `TXN003` or `DLG486`.
    pub fn code(&self) -> Cow<'static, str> {
        match self.status {
            Some(code) => format!("{}{code:03}", self.rule.code).into(),
            None => self.rule.code.into(),
        }
    }

    /// Whether it says how a call or registration ended, which peer is silent, or why there is nothing to say, and not only
    /// what was noticed on the way.
    pub fn is_outcome(&self) -> bool {
        let silent =
            self.rule.name.ends_with("-no-response") || self.rule.name == "icmp-unreachable";
        self.severity > Severity::Info
            || silent
            || (!self.came_right
                && matches!(
                    self.rule.name,
                    "status" | "no-answer" | "capture-no-sip" | "auth-no-credentials"
                ))
            // Where there is SIP to read it is a limit, and where there is none the answer.
            || (self.rule.name == "capture-encrypted-sip"
                && matches!(self.get("sip_messages"), Some(Fact::Number(0))))
    }

    /// A fact by name; `None` when the finding has no such fact.
    pub fn get(&self, name: &str) -> Option<&Fact> {
        self.facts
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }
}
