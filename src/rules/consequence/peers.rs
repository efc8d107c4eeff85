//! One fault, one headline, of peers that are down: what pings tell of one and what calls to it at that time tell.

use crate::hash::HashMap;
use crate::rules::{Fact, Finding, FindingId};
use crate::severity::Severity;
use crate::sip::value::uri_endpoint;
use crate::time::Timestamp;
use std::net::SocketAddr;
use std::time::Duration;

/// Pings whose interval is not known tell of so long before and after them: the usual interval of servers.
const AROUND: Duration = Duration::from_mins(1);

/// Where SIP is waited for unless something else is said; over TLS it is the next one (RFC 3261 §19.1.2).
const PORT: u16 = 5060;

/// What a run of failed pings says.
struct Down {
    id: FindingId,
    severity: Severity,
    src: String,
    first: Timestamp,
    /// How long before that it may have been down.
    before: Duration,
    until: Timestamp,
    /// The code, where the peer says by itself that it is down.
    code: Option<u64>,
    /// Whether it is known that the peer answers pings at all.
    telling: bool,
    /// The first finding of a call that tells the same.
    told_by: Option<FindingId>,
}

/// Calls to a peer that stopped answering pings, or refuses them, fail for that reason. Where pings alone would not prove it,
/// the calls do.
pub(in crate::rules) fn link(of_capture: &mut [Finding], of_calls: &mut [Finding]) {
    let mut peers: HashMap<String, Vec<Down>> = HashMap::default();
    for finding in of_capture.iter() {
        if finding.rule.name == "options-no-response"
            && finding.consequence_of.is_none()
            && let Some(dst) = text(finding, "dst")
            && let Some(down) = down(finding)
        {
            peers.entry(dst.to_owned()).or_default().push(down);
        }
    }
    if peers.is_empty() {
        return;
    }
    link_lapsed(&peers, of_capture);
    for finding in of_calls.iter_mut() {
        let failed = finding.consequence_of.is_none() && finding.severity >= Severity::Warning;
        let Some(peers) = text(finding, "dst")
            .filter(|_| failed)
            .and_then(|dst| peers.get_mut(dst))
        else {
            continue;
        };
        let explained = peers.iter_mut().find(|down| fits(down, finding));
        let Some(down) = explained else {
            continue;
        };
        if down.telling && down.severity >= finding.severity && down.told_by.is_none() {
            finding.consequence_of = Some(down.id);
        } else {
            down.told_by.get_or_insert(finding.id);
        }
    }
    let told = peers.into_values().flatten();
    let told: HashMap<FindingId, FindingId> =
        told.filter_map(|it| Some((it.id, it.told_by?))).collect();
    for finding in of_capture {
        if let Some(cause) = told.get(&finding.id) {
            finding.consequence_of = Some(*cause);
        }
    }
}

/// A telephone that is gone refreshes nothing: its registration runs out after the pings to its Contact stopped being answered.
fn link_lapsed(peers: &HashMap<String, Vec<Down>>, of_capture: &mut [Finding]) {
    for finding in of_capture {
        if finding.rule.name != "registration-lapsed" || finding.consequence_of.is_some() {
            continue;
        }
        let contact = text(finding, "contact").unwrap_or_default();
        let Some((address, port)) = uri_endpoint(contact.as_bytes()) else {
            continue;
        };
        let usual = PORT + u16::from(contact.starts_with("sips:"));
        let end = SocketAddr::new(address, port.unwrap_or(usual)).to_string();
        let downs = peers.get(&end).into_iter().flatten();
        let mut since =
            downs.filter(|it| it.telling && it.first <= finding.time && finding.time <= it.until);
        finding.consequence_of = since.next().map(|it| it.id);
    }
}

fn down(finding: &Finding) -> Option<Down> {
    let time = |name| match finding.get(name) {
        Some(Fact::Time(time)) => Some(*time),
        _ => None,
    };
    let around = time("interval").unwrap_or(AROUND);
    let refused = finding.variant == Some("refused");
    let code = match finding.get("code") {
        Some(Fact::Number(code)) if refused => Some(*code),
        _ => None,
    };
    // A call fails before the next ping does, and never before the last that was answered.
    let before = time("since_success").map_or(around, |since| around.min(since));
    Some(Down {
        id: finding.id,
        severity: finding.severity,
        src: text(finding, "src")?.to_owned(),
        first: finding.time,
        before,
        until: finding.time + time("failing_for").unwrap_or_default() + around,
        code,
        telling: refused || finding.get("last_success").is_some(),
        told_by: None,
    })
}

/// Whether a call failed as the pings did: at that time, without an answer, or with the code that pings get.
fn fits(down: &Down, finding: &Finding) -> bool {
    let in_time = down.first.since(finding.time) <= down.before && finding.time <= down.until;
    let silent = finding.rule.name.ends_with("-no-response")
        && down.code.is_none()
        && text(finding, "src").is_some_and(|src| {
            src.parse::<SocketAddr>()
                .is_ok_and(|src| src.ip().to_string() == down.src)
        });
    let refused =
        finding.rule.name == "status" && finding.status.is_some() && finding.status == down.code;
    in_time && (silent || refused)
}

fn text<'a>(finding: &'a Finding, name: &str) -> Option<&'a str> {
    match finding.get(name) {
        Some(Fact::Text(text)) => Some(text),
        _ => None,
    }
}
