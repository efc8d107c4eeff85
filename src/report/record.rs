//! The records of the machine formats, as CONTRACT.md names their fields. Absent is absent.

mod finding;

pub(super) use finding::FindingRecord;

use super::{call, context};
use crate::capture::{CaptureFacts, LinkType};
use crate::catalogue::Catalogue;
use crate::dialog::Registration;
use crate::engine::{Report, SeenMessage};
use crate::rules::Finding;
use crate::sip::{HeaderName, StartLine, typed};
use crate::thresholds;
use crate::time::Timestamp;
use crate::transaction::{Placement, Transaction};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Grows when the meaning of a field changes; fields are only added.
const SCHEMA_VERSION: u32 = 1;

pub(super) fn capture(report: &Report) -> Value {
    let facts: &CaptureFacts = &report.capture;
    let files: Vec<Value> = facts
        .inputs
        .iter()
        .map(|input| {
            let link_types: Vec<_> = input.link_types.iter().map(LinkType::to_string).collect();
            json!({
                "name": input.name,
                "format": input.format,
                "link_types": link_types,
                "packets": input.packets,
                "bytes": input.bytes,
            })
        })
        .collect();
    let mut record = start("capture");
    record.insert("schema_version".into(), SCHEMA_VERSION.into());
    record.insert("files".into(), files.into());
    put(&mut record, "first_time", report.first_time.map(time));
    put(
        &mut record,
        "last_time",
        report
            .last_time
            .filter(|_| report.first_time.is_some())
            .map(time),
    );
    put(&mut record, "filter", facts.filter.clone());
    if let Some(hep) = &facts.hep {
        let counts: Map<String, Value> = hep
            .counts()
            .map(|(name, count)| (name.replace('-', "_"), count.into()))
            .collect();
        if !counts.is_empty() {
            record.insert("hep".into(), counts.into());
        }
    }
    record.into()
}

pub(super) fn message(seen: &SeenMessage<'_>, placement: Placement) -> Value {
    let arrival = &seen.arrival;
    let message = arrival.message;
    let mut record = start("message");
    record.insert("frame".into(), arrival.frame.0.into());
    record.insert("time".into(), time(arrival.time).into());
    record.insert("src".into(), arrival.flow.src.to_string().into());
    record.insert("dst".into(), arrival.flow.dst.to_string().into());
    record.insert("transport".into(), arrival.flow.transport.name().into());
    let encapsulation: Vec<_> = seen.encapsulation.iter().collect();
    record.insert("encapsulation".into(), encapsulation.into());
    put(
        &mut record,
        "direction",
        seen.direction.map(|it| it.name().to_owned()),
    );
    if let Some(mirror) = seen.mirror {
        put(&mut record, "capture_node", mirror.node);
        let correlation = mirror.correlation.as_deref().map(lossy);
        put(&mut record, "correlation_id", correlation);
    }
    put(
        &mut record,
        "call_id",
        message.call_id().map(|id| lossy(&id)),
    );
    if let Some((number, method)) = message.cseq() {
        record.insert(
            "cseq".into(),
            json!({"number": number, "method": method.name()}),
        );
    }
    match message.start_line() {
        StartLine::Request { method, uri } => {
            record.insert("method".into(), method.name().into());
            record.insert("request_uri".into(), lossy(uri).into());
        }
        StartLine::Response { status, reason } => {
            record.insert("status".into(), status.into());
            put(&mut record, "reason", Some(lossy(reason)));
        }
    }
    put(
        &mut record,
        "from",
        message.uri(HeaderName::From).map(|it| lossy(&it)),
    );
    put(
        &mut record,
        "to",
        message.uri(HeaderName::To).map(|it| lossy(&it)),
    );
    put(&mut record, "from_tag", message.from_tag().map(lossy));
    put(&mut record, "to_tag", message.to_tag().map(lossy));
    record.insert("kind".into(), placement.kind.name().into());
    put(
        &mut record,
        "ladder",
        placement.ladder.map(|ladder| ladder.name().to_owned()),
    );
    if let Some(id) = placement.transaction {
        record.insert("transaction".into(), id.0.into());
    }
    let oddities: Vec<_> = message
        .oddities()
        .union(typed::oddities(message))
        .iter()
        .map(crate::sip::Oddity::name)
        .collect();
    record.insert("oddities".into(), oddities.into());
    record.into()
}

pub(super) fn transaction(
    catalogue: Catalogue,
    transaction: &Transaction,
    findings: &[&Finding],
) -> Value {
    let start_time = transaction.start();
    let responses: Vec<Value> = transaction
        .responses
        .iter()
        .map(|response| {
            let mut entry = Map::new();
            entry.insert("code".into(), response.code.into());
            put(&mut entry, "reason", Some(response.reason.to_string()));
            entry.insert("time".into(), time(response.time()).into());
            entry.insert(
                "after_ms".into(),
                millis(response.time().since(start_time)).into(),
            );
            if let Some(first) = response.sends.first() {
                entry.insert("frame".into(), first.frame.0.into());
            }
            entry.insert("repeats".into(), response.sends.repeats().into());
            put(&mut entry, "to_tag", response.to_tag.as_deref().map(lossy));
            entry.insert("src".into(), response.flow.src.to_string().into());
            put(
                &mut entry,
                "meaning",
                Some(context::short(catalogue, transaction, response, findings)),
            );
            entry.insert(
                "advice".into(),
                context::advice(catalogue, transaction, response, findings).into(),
            );
            entry.into()
        })
        .collect();
    let mut record = start("transaction");
    record.insert("id".into(), transaction.id.0.into());
    put(&mut record, "call_id", Some(lossy(&transaction.call_id)));
    record.insert("method".into(), transaction.method.name().into());
    record.insert("cseq".into(), transaction.cseq.into());
    put(
        &mut record,
        "branch",
        transaction.branch.as_deref().map(lossy),
    );
    record.insert("src".into(), transaction.flow.src.to_string().into());
    record.insert("dst".into(), transaction.flow.dst.to_string().into());
    record.insert("transport".into(), transaction.flow.transport.name().into());
    record.insert("start".into(), time(start_time).into());
    if transaction.final_response().is_some() {
        record.insert("end".into(), time(transaction.last).into());
    }
    record.insert("state".into(), transaction.state.name().into());
    let request_frames: Vec<_> = transaction.requests.iter().map(|it| it.frame.0).collect();
    record.insert("request_frames".into(), request_frames.into());
    record.insert(
        "request_retransmissions".into(),
        transaction.requests.repeats().into(),
    );
    if let Some(t1) = crate::transaction::timers::estimate_t1(&transaction.requests) {
        record.insert("t1_est_ms".into(), millis(t1).into());
    }
    let acks: Vec<_> = transaction
        .acks
        .iter()
        .flat_map(|ack| ack.sends.iter())
        .map(|it| it.frame.0)
        .collect();
    if !acks.is_empty() {
        record.insert("ack_frames".into(), acks.into());
    }
    record.insert("responses".into(), responses.into());
    let sequence: Vec<_> = transaction.sequence().iter().map(u64::to_string).collect();
    put(&mut record, "sequence", Some(sequence.join(" ")));
    put(&mut record, "final", transaction.final_code());
    let ids: Vec<_> = findings.iter().map(|finding| finding.id.0).collect();
    record.insert("finding_ids".into(), ids.into());
    record.into()
}

pub(super) fn registration(registration: &Registration) -> Value {
    let mut record = start("registration");
    put(&mut record, "aor", Some(registration.aor.clone()));
    put(&mut record, "contact", Some(registration.contact.clone()));
    record.insert(
        "registrar".into(),
        registration.registrar.to_string().into(),
    );
    put(&mut record, "granted_expires_s", registration.granted);
    record.insert("state".into(), registration.state.name().into());
    record.insert("start".into(), time(registration.start).into());
    record.insert("last".into(), time(registration.last).into());
    record.into()
}

pub(super) fn summary(report: &Report) -> Value {
    let summary = &report.summary;
    let counts = &summary.counts;
    let responses: Map<String, Value> = summary
        .responses
        .iter()
        .map(|(code, count)| (code.to_string(), (*count).into()))
        .collect();
    let mut record = start("summary");
    record.insert("packets".into(), counts.packets.into());
    record.insert("sip_messages".into(), counts.sip_messages.into());
    record.insert("transports".into(), json!(summary.transports));
    record.insert("requests".into(), json!(summary.requests));
    record.insert("responses".into(), responses.into());
    record.insert("call_ids".into(), summary.call_ids.into());
    record.insert("transactions".into(), summary.transactions.into());
    record.insert("calls".into(), summary.calls.into());
    record.insert("retransmissions".into(), summary.retransmissions.into());
    record.insert("duplicates".into(), counts.duplicates.into());
    if summary.mirrored_too > 0 {
        record.insert("mirrored_too".into(), summary.mirrored_too.into());
    }
    record.insert("not_sip_packets".into(), summary.not_sip_packets.into());
    record.insert("undecoded".into(), json!(counts.undecoded));
    record.insert("findings".into(), json!(summary.findings));
    if report.redacted {
        record.insert("redacted".into(), true.into());
    }
    if let Some(selected) = &report.selected {
        let mut entry = Map::new();
        entry.insert("criteria".into(), selected.criteria.as_str().into());
        entry.insert("call_ids".into(), selected.call_ids.into());
        entry.insert("findings".into(), report.findings.len().into());
        if selected.without_beginning > 0 {
            let shortened = selected.without_beginning;
            entry.insert("without_beginning".into(), shortened.into());
        }
        record.insert("selected".into(), entry.into());
    }
    let capture = &report.capture;
    let mut dropped = Map::new();
    put(&mut dropped, "kernel", capture.dropped_by_kernel);
    put(&mut dropped, "interface", capture.dropped_by_interface);
    if !dropped.is_empty() {
        record.insert("dropped".into(), dropped.into());
    }
    if !capture.damage.is_empty() {
        let damage: Vec<Value> = capture
            .damage
            .iter()
            .map(|it| {
                json!({"file": it.input, "packet": it.packet, "offset": it.offset, "what": it.what})
            })
            .collect();
        record.insert("damage".into(), damage.into());
    }
    let policy = &summary.policy;
    for (name, counts) in [
        ("silenced", &policy.silenced),
        ("severity_changed", &policy.changed),
    ] {
        if !counts.is_empty() {
            record.insert(name.into(), json!(counts));
        }
    }
    let mut thresholds = Map::new();
    for (row, value) in report.thresholds.changed() {
        let (name, value) = match value {
            thresholds::Value::Time(time) => (format!("{}_ms", row.key), millis(time).into()),
            thresholds::Value::Count(number) => (row.key.to_owned(), number.into()),
            thresholds::Value::Percent(number) => (format!("{}_percent", row.key), number.into()),
        };
        thresholds.insert(name.replace('-', "_"), value);
    }
    if !thresholds.is_empty() {
        record.insert("thresholds".into(), thresholds.into());
    }
    record.insert("kpi".into(), call::kpi(&summary.kpi));
    record.insert("limits_hit".into(), json!(summary.limits_hit));
    record.into()
}

pub(super) fn start(name: &str) -> Map<String, Value> {
    let mut record = Map::new();
    record.insert("record".into(), name.into());
    record
}

/// Puts a value that is there and not an empty text.
pub(super) fn put(record: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value.map(Into::into)
        && value.as_str() != Some("")
    {
        record.insert(name.into(), value);
    }
}

pub(super) fn time(time: Timestamp) -> String {
    time.to_string()
}

/// Milliseconds with their fractions.
pub(super) fn millis(time: Duration) -> f64 {
    // Through whole nanoseconds: 0.693, not 0.6930000000000001.
    (time.as_secs_f64() * 1e9).round() / 1e6
}

pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
