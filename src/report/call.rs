//! The record of a call, and the key performance indicators of all.

use super::record::{lossy, millis, put, start, time};
use crate::dialog::Call;
use crate::dialog::Dialog;
use crate::dialog::attempt::{Attempt, EndedBy};
use crate::dialog::kpi::{Kpi, Spread};
use crate::dialog::legs::{Legs, LinkedBy};
use serde_json::{Map, Value, json};

/// The record of a call; `None` when the capture has no INVITE that begins it.
pub(super) fn record(call: &Call, legs: &Legs) -> Option<Value> {
    let (inner, attempts): (Vec<_>, Vec<_>) = call.attempts().into_iter().partition(|it| it.is_leg);
    // Clients that use a Call-ID again: the last attempt is what became of it.
    let attempt = attempts.last()?;
    let invite = attempt.tries.first()?;
    let mut record = start("call");
    put(&mut record, "call_id", Some(lossy(&call.call_id)));
    put(&mut record, "from", Some(lossy(&invite.from.uri)));
    put(&mut record, "to", Some(lossy(&invite.to.uri)));
    record.insert("start".into(), time(attempts.first()?.start()).into());
    put(
        &mut record,
        "ringing_ms",
        attempt.ringing_after().map(millis),
    );
    put(
        &mut record,
        "answer_ms",
        attempt.answered_after().map(millis),
    );
    put(&mut record, "duration_ms", attempt.talk_time().map(millis));
    record.insert("state".into(), attempt.state().name().into());
    record.insert("outcome".into(), outcome(attempt));
    record.insert("attempts".into(), attempts.len().into());
    let dialogs: Vec<Value> = call
        .dialogs()
        .iter()
        .filter(|dialog| !dialog.invites.is_empty())
        .map(dialog_of)
        .collect();
    record.insert("dialogs".into(), dialogs.into());
    let ids: Vec<_> = call.transactions.iter().map(|it| it.id.0).collect();
    record.insert("transactions".into(), ids.into());
    let before = legs.link_of(&call.call_id).map(
        |link| json!({"call_id": lossy(&link.from), "side": "before", "linked_by": link.by.name()}),
    );
    let behind = legs.behind(&call.call_id).iter().filter_map(|leg| {
        let by = legs.link_of(leg)?.by.name();
        Some(json!({"call_id": lossy(leg), "side": "behind", "linked_by": by}))
    });
    let inner = inner.iter().filter_map(|leg| {
        let tag = leg.invites.first()?.from.tag.as_deref()?;
        let by = LinkedBy::CallId.name();
        Some(json!({"from_tag": lossy(tag), "side": "behind", "linked_by": by}))
    });
    let legs: Vec<Value> = before.into_iter().chain(behind).chain(inner).collect();
    if !legs.is_empty() {
        record.insert("legs".into(), legs.into());
    }
    Some(record.into())
}

fn outcome(attempt: &Attempt<'_>) -> Value {
    let mut outcome = Map::new();
    put(&mut outcome, "code", attempt.outcome().map(|it| it.code));
    let by = attempt.ended_by().map(|by| match by {
        EndedBy::Caller => "caller".to_owned(),
        EndedBy::Callee => "callee".to_owned(),
        EndedBy::Server(address) => address.to_string(),
    });
    put(&mut outcome, "by", by);
    outcome.into()
}

fn dialog_of(dialog: &Dialog<'_>) -> Value {
    let mut entry = Map::new();
    put(&mut entry, "from_tag", Some(lossy(dialog.caller_tag)));
    put(&mut entry, "to_tag", Some(lossy(dialog.callee_tag)));
    put(&mut entry, "answered", dialog.answered().map(time));
    put(&mut entry, "acknowledged", dialog.acknowledged().map(time));
    if let Some(bye) = dialog.bye() {
        entry.insert("ended".into(), time(bye.start()).into());
        let by = if dialog.is_by_caller(bye) {
            "caller"
        } else {
            "callee"
        };
        entry.insert("ended_by".into(), by.into());
    }
    put(&mut entry, "duration_ms", dialog.talk_time().map(millis));
    entry.into()
}

/// The indicators that can be told: ratios in percent, times in milliseconds.
pub(super) fn kpi(kpi: &Kpi) -> Value {
    let mut record = Map::new();
    record.insert("attempts".into(), kpi.attempts.into());
    record.insert("answered".into(), kpi.answered.into());
    record.insert("open".into(), kpi.open.into());
    let ratios = [
        ("asr", kpi.answer_seizure_ratio()),
        ("ner", kpi.network_effectiveness_ratio()),
        ("ser", kpi.session_establishment_ratio()),
        ("seer", kpi.session_establishment_effectiveness()),
        ("isa", kpi.ineffective_attempts()),
        ("scr", kpi.session_completion_ratio()),
        ("ira", kpi.ineffective_registration_attempts()),
    ];
    for (name, ratio) in ratios {
        put(
            &mut record,
            name,
            ratio.map(|it| (it * 100.0).round() / 100.0),
        );
    }
    let spreads = [
        ("pdd_ms", &kpi.post_dial_delay),
        ("acd_ms", &kpi.talk_time),
        ("sdd_ms", &kpi.disconnect_delay),
        ("rrd_ms", &kpi.registration_delay),
    ];
    for (name, spread) in spreads {
        put(&mut record, name, spread_of(spread));
    }
    let places: Vec<Value> = kpi
        .measured_at()
        .into_iter()
        .map(|(src, dst, attempts)| {
            json!({"src": src.to_string(), "dst": dst.to_string(), "attempts": attempts})
        })
        .collect();
    if !places.is_empty() {
        record.insert("measured_at".into(), places.into());
    }
    record.into()
}

fn spread_of(spread: &Spread) -> Option<Value> {
    Some(json!({
        "count": spread.count(),
        "average": millis(spread.average()?),
        "median": millis(spread.percentile(50)?),
        "p95": millis(spread.percentile(95)?),
        "max": millis(spread.largest()?),
    }))
}
