//! `sdp-version-not-incremented`: a side changed its description and not its version, or the version jumped (RFC 3264 §8).

use super::{method, tell};
use crate::dialog::negotiation::Description;
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::Severity;
use smallvec::SmallVec;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "sdp-version-not-incremented",
    code: "SDP005",
    severity: Severity::Info,
    guards: &[Guard::Loss, Guard::Snap],
    judge: Judge::Call(judge),
    words: include_str!("version_not_incremented.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    // What each side said last on each hop.
    let mut last: SmallVec<[_; 8]> = SmallVec::new();
    for now in view.negotiation.descriptions() {
        let side = (now.writer, now.flow.src.ip(), now.flow.dst.ip());
        let Some(known) = last.iter_mut().find(|(it, _)| *it == side) else {
            last.push((side, now));
            continue;
        };
        let before: &Description<'_> = std::mem::replace(&mut known.1, now);
        let (Some(old), Some(new)) = (before.sdp.origin, now.sdp.origin) else {
            continue;
        };
        // Another session of a B2BUA, which is not a version of this one.
        if (old.user, old.session, old.address) != (new.user, new.session, new.address) {
            continue;
        }
        let (Ok(from), Ok(to)) = (old.version.parse::<u64>(), new.version.parse::<u64>()) else {
            continue;
        };
        let changed = !same(before, now);
        let variant = match to.checked_sub(from) {
            Some(0) if changed => None,
            Some(0 | 1) => continue,
            _ => Some("jumped"),
        };
        let finding = Finding::of(&RULE, now.transaction)
            .variant(variant)
            .confidence(view.confidence())
            .fact("src", now.flow.src.to_string())
            .fact("method", method(now.transaction))
            .fact("before", from)
            .fact("version", to)
            .also(before.transaction);
        tell(found, finding, now.transaction, &[]);
    }
}

/// Whether two descriptions say the same but for their origin.
fn same(one: &Description<'_>, other: &Description<'_>) -> bool {
    one.body() == other.body() || lines(one.body()).eq(lines(other.body()))
}

fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|&byte| byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .filter(|line| !line.is_empty() && !line.starts_with(b"o="))
}
