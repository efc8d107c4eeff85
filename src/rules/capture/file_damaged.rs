//! `capture-file-damaged`: a file is cut or broken, or an interface went away; what came before was read.

use crate::capture::Damage;
use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;
use crate::time::Timestamp;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "capture-file-damaged",
    code: "CAP005",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("file_damaged.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    let damage = view.facts.damage.iter();
    found.extend(damage.map(|damage| match damage.gone_at {
        Some(time) => of_interface(damage, time),
        None => of_file(damage, view.now),
    }));
}

fn of_file(damage: &Damage, time: Timestamp) -> Finding {
    let file = Some(damage.input.as_str()).filter(|it| *it != "-");
    Finding::of_capture(&RULE, time)
        .fact("file", file.unwrap_or("stdin"))
        .fact("packet", damage.packet)
        .fact("offset", damage.offset)
        .fact("what", damage.what.as_str())
}

/// An interface has no bytes that could be damaged, and nothing of it can be copied again.
fn of_interface(damage: &Damage, time: Timestamp) -> Finding {
    Finding::of_capture(&RULE, time)
        .variant(Some("interface"))
        .fact("interface", damage.input.as_str())
        .fact("packets", damage.packet.saturating_sub(1))
        .fact("what", damage.what.as_str())
}
