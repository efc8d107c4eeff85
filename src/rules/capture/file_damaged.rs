//! `capture-file-damaged`: a file is cut or broken; what came before was read.

use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "capture-file-damaged",
    code: "CAP005",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("file_damaged.toml"),
};

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    for damage in &view.facts.damage {
        let file = Some(damage.input.as_str()).filter(|it| *it != "-");
        found.push(
            Finding::of_capture(&RULE, view.now)
                .fact("file", file.unwrap_or("stdin"))
                .fact("packet", damage.packet)
                .fact("offset", damage.offset)
                .fact("what", damage.what.as_str()),
        );
    }
}
