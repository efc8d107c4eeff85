//! The record of a finding. It is written as it is borrowed: a capture may have tens of thousands of them.

use super::{millis, time};
use crate::capture::FrameNumber;
use crate::catalogue::Catalogue;
use crate::rules::{Fact, Finding, Guard};
use crate::severity::Severity;
use crate::transaction::TransactionId;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::io;

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

impl FindingRecord<'_> {
    /// Writes what [`Serialize`] gives, byte by byte the same: a capture may have tens of thousands of findings, and nearly none of
    /// their texts has anything to escape.
    pub(in crate::report) fn write(&self, line: &mut Vec<u8>) -> io::Result<()> {
        let mut object = Object::begin(line);
        object.texts("advice", &self.advice)?;
        object.text_if("call_id", self.call_id.as_deref())?;
        object.texts("causes", &self.causes)?;
        object.text("code", &self.code)?;
        object.text("confidence", self.confidence)?;
        object.number_if("consequence_of", self.consequence_of)?;
        let mut facts = Object::begin(object.key("facts"));
        for (name, fact) in &self.facts.0 {
            match fact {
                Fact::Text(text) => facts.text(name, text)?,
                Fact::Number(number) => facts.number_if(name, Some(*number))?,
                Fact::Time(time) => serde_json::to_writer(facts.key(name), &millis(*time))?,
            }
        }
        facts.end();
        object.numbers("frames", self.frames.iter().map(|frame| frame.0))?;
        if !self.guards.is_empty() {
            object.texts("guards", &self.guards)?;
        }
        object.number_if("id", self.id)?;
        object.text("name", &self.name)?;
        object.text("record", self.record)?;
        object.texts("references", &self.references)?;
        object.text("severity", self.severity)?;
        object.text_if("severity_was", self.severity_was)?;
        object.text("summary", &self.summary)?;
        object.text("time", &self.time)?;
        object.numbers("transactions", self.transactions.iter().map(|id| id.0))?;
        object.end();
        Ok(())
    }
}

/// A JSON object that is being written.
struct Object<'a> {
    line: &'a mut Vec<u8>,
    /// What stands before the next key.
    before: u8,
}

impl<'a> Object<'a> {
    const fn begin(line: &'a mut Vec<u8>) -> Self {
        Self { line, before: b'{' }
    }

    /// The place of the value of a key, which is a name of ours.
    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        self.line.extend_from_slice(&[self.before, b'"']);
        self.before = b',';
        self.line.extend_from_slice(key.as_bytes());
        self.line.extend_from_slice(b"\":");
        self.line
    }

    fn text(&mut self, key: &str, text: &str) -> io::Result<()> {
        string(self.key(key), text)
    }

    fn text_if(&mut self, key: &str, text: Option<&str>) -> io::Result<()> {
        text.map_or(Ok(()), |text| self.text(key, text))
    }

    fn number_if(&mut self, key: &str, number: Option<u64>) -> io::Result<()> {
        match number {
            Some(number) => Ok(serde_json::to_writer(self.key(key), &number)?),
            None => Ok(()),
        }
    }

    fn texts(&mut self, key: &str, texts: &[impl AsRef<str>]) -> io::Result<()> {
        let texts = texts.iter().map(AsRef::as_ref);
        self.list(key, texts, string)
    }

    fn numbers(&mut self, key: &str, numbers: impl Iterator<Item = u64>) -> io::Result<()> {
        self.list(key, numbers, |line, number| {
            Ok(serde_json::to_writer(line, &number)?)
        })
    }

    fn list<T>(
        &mut self,
        key: &str,
        items: impl Iterator<Item = T>,
        write: impl Fn(&mut Vec<u8>, T) -> io::Result<()>,
    ) -> io::Result<()> {
        let line = self.key(key);
        line.push(b'[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                line.push(b',');
            }
            write(line, item)?;
        }
        line.push(b']');
        Ok(())
    }

    fn end(self) {
        if self.before == b'{' {
            self.line.push(b'{');
        }
        self.line.push(b'}');
    }
}

/// Writes a text with its quotes.
fn string(line: &mut Vec<u8>, text: &str) -> io::Result<()> {
    // Without an early end many bytes are looked at in one step.
    let escaped = |it: u8, byte| {
        it | u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\')
    };
    if text.bytes().fold(0, escaped) > 0 {
        return Ok(serde_json::to_writer(line, text)?);
    }
    line.push(b'"');
    line.extend_from_slice(text.as_bytes());
    line.push(b'"');
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Language;
    use crate::rules::RULES;
    use crate::time::Timestamp;
    use std::time::Duration;

    #[test]
    fn a_line_is_what_serde_makes_of_the_record() {
        let catalogue = Catalogue::new(Language::English);
        let texts = [
            "",
            "plain",
            "\"\\/",
            "\u{0}\u{1f}\n\t\u{7f}",
            "é\u{2028}日本",
        ];
        for (index, rule) in RULES.iter().enumerate() {
            let mut finding = Finding::of_capture(rule, Timestamp::MIN);
            finding.call_id = (index % 2 == 0).then(|| b"a\"b\xff@example.com"[..].into());
            finding.consequence_of = (index % 3 == 0).then_some(crate::rules::FindingId(7));
            finding.severity_was = (index % 5 == 0).then_some(Severity::Error);
            finding.frames = (1..index as u64).map(FrameNumber).collect();
            if index % 7 != 0 {
                for (name, text) in ["to", "src", "reason", "a", "b"].into_iter().zip(texts) {
                    finding.facts.push((name, text.into()));
                }
                finding.facts.push(("code", (index as u64 * 100).into()));
                let time = Duration::from_micros(693 * index as u64);
                finding.facts.push(("delay", time.into()));
            }
            let record = FindingRecord::of(catalogue, &finding);
            let mut line = Vec::new();
            record.write(&mut line).unwrap();
            let expected = serde_json::to_vec(&record).unwrap();
            assert_eq!(
                String::from_utf8_lossy(&line),
                String::from_utf8_lossy(&expected)
            );
        }
    }
}
