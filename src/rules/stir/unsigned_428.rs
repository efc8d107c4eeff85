//! `stir-unsigned-428`: the called network wants a signed caller number (RFC 8224 §6.2.2).

use super::{is_signed, refused};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "stir-unsigned-428",
    code: "SEC060",
    severity: Severity::Error,
    guards: &[Guard::Snap, Guard::Outcome],
    judge: Judge::CallWith(Has::REFUSAL, judge),
    words: include_str!("unsigned_428.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let Some((invite, request)) = refused(view, &[428]) else {
        return;
    };
    found.push(
        Finding::of(&RULE, invite)
            .variant(is_signed(request).then_some("signed"))
            .fact("src", invite.flow.src.to_string())
            .fact("dst", invite.flow.dst.to_string())
            .note_if(view.came_right(invite)),
    );
}
