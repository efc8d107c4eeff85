//! The record of a finding. It is written as it is borrowed: a capture may have tens of thousands of them.

use super::{millis, time};
use crate::capture::FrameNumber;
use crate::catalogue::Catalogue;
use crate::rules::{Fact, Finding, Guard};
use crate::severity::Severity;
use crate::transaction::TransactionId;
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// The fields in the order of their names, as every other record has them.
#[derive(Serialize)]
pub(in crate::report) struct FindingRecord<'a> {
    advice: Vec<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_id: Option<Cow<'a, str>>,
    causes: Vec<Cow<'static, str>>,
    code: Cow<'static, str>,
    confidence: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consequence_of: Option<u64>,
    facts: Facts<'a>,
    #[serde(serialize_with = "frames")]
    frames: &'a [FrameNumber],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    guards: Vec<&'static str>,
    /// An alert has none: it may be over before anything is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    name: Cow<'static, str>,
    record: &'static str,
    references: Vec<&'static str>,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity_was: Option<&'static str>,
    summary: String,
    time: String,
    #[serde(serialize_with = "transactions")]
    transactions: &'a [TransactionId],
}

impl<'a> FindingRecord<'a> {
    /// What is final.
    pub(in crate::report) fn of(catalogue: Catalogue, finding: &'a Finding) -> Self {
        let (causes, advice) = catalogue.causes_and_advice(finding);
        let mut summary = catalogue.message(finding);
        summary.truncate(summary.trim_end().len());
        Self {
            advice,
            call_id: finding
                .call_id
                .as_deref()
                .filter(|id| !id.is_empty())
                .map(String::from_utf8_lossy),
            causes,
            code: finding.code(),
            confidence: finding.confidence.name(),
            consequence_of: finding.consequence_of.map(|id| id.0),
            facts: Facts::of(finding),
            frames: &finding.frames,
            guards: finding.guards().map(Guard::name).collect(),
            id: Some(finding.id.0),
            name: finding.name(),
            record: "finding",
            references: catalogue.references(finding),
            severity: finding.severity.name(),
            severity_was: finding.severity_was.map(Severity::name),
            summary,
            time: time(finding.time),
            transactions: &finding.transactions,
        }
    }

    /// What is wrong at this moment: a record of its own name, so that nobody counts it as a finding.
    pub(in crate::report) fn of_alert(catalogue: Catalogue, finding: &'a Finding) -> Self {
        Self {
            record: "alert",
            id: None,
            ..Self::of(catalogue, finding)
        }
    }
}

/// Facts in the order of their names, with the unit behind that of a time; of two with one name the later one.
struct Facts<'a>(Vec<(Cow<'static, str>, &'a Fact)>);

impl<'a> Facts<'a> {
    fn of(finding: &'a Finding) -> Self {
        let mut facts: Vec<_> = finding
            .facts
            .iter()
            .rev()
            .filter_map(|(name, fact)| match fact {
                // Absent is absent, never 0 or an empty text.
                Fact::Number(0) => None,
                Fact::Text(text) if text.is_empty() => None,
                Fact::Time(_) => Some((Cow::Owned(format!("{name}_ms")), fact)),
                Fact::Text(_) | Fact::Number(_) => Some((Cow::Borrowed(*name), fact)),
            })
            .collect();
        facts.sort_by(|(one, _), (other, _)| one.cmp(other));
        facts.dedup_by(|(one, _), (other, _)| one == other);
        Self(facts)
    }
}

impl Serialize for Facts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, fact)| (name, Written(fact))))
    }
}

/// A fact as JSON has it.
struct Written<'a>(&'a Fact);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Fact::Text(text) => serializer.serialize_str(text),
            Fact::Number(number) => serializer.serialize_u64(*number),
            Fact::Time(time) => serializer.serialize_f64(millis(*time)),
        }
    }
}

fn frames<S: Serializer>(frames: &[FrameNumber], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(frames.iter().map(|frame| frame.0))
}

fn transactions<S: Serializer>(ids: &[TransactionId], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(|id| id.0))
}
