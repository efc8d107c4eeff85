//! Messages that depart from the format: told once for what is wrong and who sent it, as bad as what became of them.

pub(super) mod branch_cookie_missing;
pub(super) mod contact_missing;
pub(super) mod content_length_mismatch;
pub(super) mod cseq_mismatch;
pub(super) mod large_udp;
pub(super) mod malformed_message;
pub(super) mod max_forwards_low;
pub(super) mod missing_mandatory_header;
pub(super) mod missing_max_forwards;
pub(super) mod orphan_response;
pub(super) mod uri_params_outside_brackets;
pub(super) mod wrong_transport;

use super::{CaptureView, Fact, Finding, FindingId, Rule};
use crate::capture::FrameNumber;
use crate::dialog::{Defect, DefectGroup, Detail};
use crate::hash::HashMap;
use crate::severity::{Confidence, Severity};
use crate::sip::Oddity;
use crate::transaction::TransactionId;

/// How receivers bear a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bearing {
    /// They must not accept it: as bad as the rule says, unless all of them went on as if nothing were wrong (guard
    /// G-OUTCOME).
    Refuse,
    /// The message is good but for a part that is ignored: a warning at most, unless one refused it.
    Ignore,
    /// They bear with it: a note, unless one refused it.
    Accept,
    /// A note in any case.
    Note,
    /// A note, but larger than a packet it may get lost.
    MayGetLost,
}

/// The rule that tells a defect, as which variant, and how receivers bear it.
const fn told_by(defect: Defect) -> (&'static Rule, Option<&'static str>, Bearing) {
    use Bearing::{Accept, Ignore, MayGetLost, Note, Refuse};
    match defect {
        Defect::Missing(_) => (&missing_mandatory_header::RULE, None, Refuse),
        // Many leave it out of the 200 to a CANCEL, and nobody needs it there.
        Defect::NoToTag => (&missing_mandatory_header::RULE, None, Accept),
        // Receivers are asked to be lenient where they can (RFC 4475 §3.1.2).
        Defect::Malformed(
            Oddity::BareLf | Oddity::NotUtf8 | Oddity::DateZone | Oddity::StartLineSpacing,
        ) => (&malformed_message::RULE, None, Accept),
        Defect::Malformed(_) => (&malformed_message::RULE, None, Refuse),
        Defect::CseqMethod => (&cseq_mismatch::RULE, None, Refuse),
        Defect::CseqLower => (&cseq_mismatch::RULE, Some("lower"), Refuse),
        Defect::CseqOfResponse => (&cseq_mismatch::RULE, Some("of-response"), Refuse),
        Defect::LengthTooLarge => (&content_length_mismatch::RULE, None, Refuse),
        Defect::LengthUnreadable => (&content_length_mismatch::RULE, Some("unreadable"), Refuse),
        Defect::LengthMissing => (&content_length_mismatch::RULE, Some("missing"), Refuse),
        Defect::LengthTooSmall => (&content_length_mismatch::RULE, Some("too-small"), Ignore),
        Defect::NoContact => (&contact_missing::RULE, None, Refuse),
        Defect::NoContactInAnswer => (&contact_missing::RULE, Some("in-answer"), Refuse),
        Defect::NoContactInProvisional => (&contact_missing::RULE, Some("in-provisional"), Note),
        Defect::ViaTransport => (&wrong_transport::RULE, None, Refuse),
        Defect::SipsOverUdp => (&wrong_transport::RULE, Some("sips"), Refuse),
        Defect::TargetTransport => (&wrong_transport::RULE, Some("target"), Refuse),
        Defect::BranchReused => (&branch_cookie_missing::RULE, Some("reused"), Refuse),
        Defect::NoCookie => (&branch_cookie_missing::RULE, None, Accept),
        Defect::ParamsOutside => (&uri_params_outside_brackets::RULE, None, Accept),
        Defect::NoMaxForwards => (&missing_max_forwards::RULE, None, Accept),
        Defect::LowMaxForwards => (&max_forwards_low::RULE, None, Accept),
        Defect::KeptMaxForwards => (&max_forwards_low::RULE, Some("not-decremented"), Accept),
        Defect::Large => (&large_udp::RULE, None, MayGetLost),
        Defect::Orphan => (&orphan_response::RULE, None, Note),
    }
}

/// Tells the groups that a rule is about.
fn tell(view: &CaptureView<'_>, rule: &'static Rule, found: &mut Vec<Finding>) {
    for group in view.defects.groups() {
        let (by, variant, bearing) = told_by(group.defect);
        if by.name == rule.name {
            found.push(finding(rule, variant, bearing, group));
        }
    }
}

fn finding(
    rule: &'static Rule,
    variant: Option<&'static str>,
    bearing: Bearing,
    group: &DefectGroup,
) -> Finding {
    let outcomes = &group.outcomes;
    let severity = severity(rule, bearing, group);
    let mut finding = Finding::of_capture(rule, group.first)
        .severity(severity)
        .variant(variant)
        .fact("src", group.src.to_string())
        .fact("dst", group.dst.to_string())
        .fact("count", group.count);
    for (name, detail) in &group.details {
        let fact = match detail {
            Detail::Text(text) => Fact::from(&**text),
            Detail::Number(number) => Fact::from(*number),
        };
        finding = finding.fact(name, fact);
    }
    for (name, count) in [
        ("refused", outcomes.refused),
        ("unanswered", outcomes.silent),
        ("understood", outcomes.understood),
    ] {
        if count > 0 {
            finding = finding.fact(name, count);
        }
    }
    if let Some((code, reason)) = &outcomes.refusal {
        finding = finding.fact("answer", format!("{code} {reason}"));
    }
    if severity > Severity::Info && outcomes.refused == 0 {
        // What was lost may have been lost for another reason; what others read need not be the reason at all.
        if bearing == Bearing::MayGetLost {
            finding = finding.confidence(Confidence::Possible);
        } else if outcomes.understood > 0 {
            finding = finding.confidence(Confidence::Likely);
        }
    }
    finding.came_right = severity == Severity::Info && outcomes.understood > 0;
    finding.call_id = group.call_id().cloned();
    finding.transactions.clone_from(&group.transactions);
    finding.frames.clone_from(&group.frames);
    finding.frames.sort_unstable();
    finding
}

fn severity(rule: &Rule, bearing: Bearing, group: &DefectGroup) -> Severity {
    let outcomes = &group.outcomes;
    let refused = outcomes.refused > 0;
    let all_well = !refused && outcomes.silent == 0 && outcomes.understood > 0;
    let harmful = match bearing {
        Bearing::Refuse | Bearing::Ignore => !all_well,
        Bearing::Accept => refused,
        Bearing::Note => false,
        Bearing::MayGetLost => outcomes.silent > 0 && is_fragmented(group),
    };
    match bearing {
        _ if !harmful => Severity::Info,
        Bearing::Ignore if !refused => rule.severity.min(Severity::Warning),
        _ => rule.severity,
    }
}

/// Whether it does not fit into one packet of Ethernet, behind the headers of IP and UDP.
const fn is_fragmented(group: &DefectGroup) -> bool {
    let room = if group.src.is_ipv4() { 1472 } else { 1452 };
    group.largest > room
}

/// Which finding is to blame that a transaction was refused or ignored.
pub(super) fn causes<'a>(
    view: &CaptureView<'a>,
    of_capture: &[Finding],
) -> impl Fn(TransactionId) -> Option<FindingId> + 'a {
    // Two defects of one message differ in rule or variant.
    type Key = (&'static str, Option<&'static str>, Option<FrameNumber>);
    let told: HashMap<Key, FindingId> = of_capture
        .iter()
        .filter(|it| it.severity > Severity::Info)
        .map(|it| {
            (
                (it.rule.name, it.variant, it.frames.first().copied()),
                it.id,
            )
        })
        .collect();
    let defects = view.defects;
    move |transaction| {
        let group = defects.cause_of(transaction)?;
        let (rule, variant, _) = told_by(group.defect);
        told.get(&(rule.name, variant, group.frames.iter().min().copied()))
            .copied()
    }
}
