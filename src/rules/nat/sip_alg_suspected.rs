//! `sip-alg-suspected`: a router on the way rewrote some of the addresses in a request and not others, or did it wrongly.
//! One sign alone has other explanations (STUN, an SBC); two do not.

use crate::address::{Reach, literal, literal_with_port};
use crate::flow::Transport;
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::{Message, Oddity};
use crate::transaction::Transaction;
use std::net::IpAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "sip-alg-suspected",
    code: "NET025",
    severity: Severity::Warning,
    guards: &[Guard::Loss, Guard::Snap],
    judge: Judge::Call(judge),
    words: include_str!("sip_alg_suspected.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in &view.call.transactions {
        let Some(signs) = Signs::of(view, transaction) else {
            continue;
        };
        let mut names = signs.names.clone();
        if let Some(before) = signs.other_side {
            // The same branch on both sides with another sent-by is no proxy's work: it proves the rewriting by itself.
            names.insert(0, BOTH_SIDES);
            found.push(
                finding(transaction, &signs, &names)
                    .also(before)
                    .confidence(view.confidence()),
            );
            return;
        }
        let plain = names.contains(&LENGTH) || names.contains(&PORT);
        let mut finding = finding(transaction, &signs, &names).confidence(if plain {
            Confidence::Likely
        } else {
            Confidence::Possible
        });
        if !plain && transaction.succeeded() {
            finding = finding.severity(Severity::Info);
        }
        found.push(finding);
        // A router that rewrites one request rewrites them all.
        return;
    }
}

fn finding(transaction: &Transaction, signs: &Signs<'_>, names: &[&str]) -> Finding {
    Finding::of(&RULE, transaction)
        .fact("method", transaction.method.name())
        .fact("src", transaction.flow.src.to_string())
        .fact("dst", transaction.flow.dst.to_string())
        .fact("sent_by", signs.sent_by.clone())
        .fact("signs", names.len())
        .fact("which", names.join(", "))
        .fact_if("inside", signs.inside.map(|it| it.to_string()))
}

/// What a request shows of a rewriting.
struct Signs<'a> {
    sent_by: String,
    /// An address of the network behind the router, left where it was.
    inside: Option<IpAddr>,
    /// The names of the signs.
    names: Vec<&'static str>,
    /// The same request before it was rewritten.
    other_side: Option<&'a Transaction>,
}

/// The Via has the public address, which the client does not know, and Call-ID or SDP have the private one.
const PARTIAL: &str = "partial";
/// The Via was rewritten and the Contact was not.
const CONTACT: &str = "contact";
/// The body is not as long as Content-Length says.
const LENGTH: &str = "content-length";
/// The Via or the Contact has a port that the packet does not come from, and that nobody configures.
const PORT: &str = "port";
/// The same request was captured on both sides.
const BOTH_SIDES: &str = "both-sides";

impl<'a> Signs<'a> {
    /// `None` for a request with fewer signs than it takes.
    fn of(view: &CallView<'a>, transaction: &'a Transaction) -> Option<Self> {
        let request = transaction.request()?;
        let in_clear = matches!(transaction.flow.transport, Transport::Udp | Transport::Tcp);
        // A router of a home or an office is the first on the way.
        if transaction.via_count != 1 || transaction.cut || !in_clear {
            return None;
        }
        let sent_by = request.sent_by()?;
        let via = literal_with_port(&sent_by);
        let src = transaction.flow.src;
        let is_public = Reach::of(src.ip()).is_public();
        let other_side = via.and_then(|(via, _)| other_side(view, transaction, via));
        let too_few =
            |signs: usize| other_side.is_none() && (signs as u64) < view.thresholds.alg_signs;
        // A request from an inside address has not come through the router yet.
        if !is_public && too_few(0) {
            return None;
        }
        let own = |address: IpAddr| address.to_canonical() == src.ip().to_canonical();
        let contact = super::contact_beside(request, &sent_by, via);
        let rewritten = is_public && via.is_some_and(|(address, _)| own(address));
        let hidden = contact.filter(|(address, _)| !Reach::of(*address).is_public());
        let is_udp = transaction.flow.transport == Transport::Udp;
        let strange = |port: Option<u16>| {
            port.is_some_and(|port| is_udp && port >= UNCONFIGURED && port != src.port())
        };
        let port = rewritten && strange(via.and_then(|(_, port)| port))
            || is_public && contact.is_some_and(|(address, port)| own(address) && strange(port));
        let length = is_udp
            && is_public
            && !request.body().is_empty()
            && [Oddity::ContentLengthTooLarge, Oddity::BytesAfterBody]
                .into_iter()
                .any(|oddity| request.oddities().contains(oddity));
        let plain = [rewritten && hidden.is_some(), length, port];
        let plain = plain.into_iter().filter(|it| *it).count();
        if too_few(plain + usize::from(rewritten)) {
            return None;
        }
        let inside = inside(request);
        let names = [
            (rewritten && inside.is_some(), PARTIAL),
            (rewritten && hidden.is_some(), CONTACT),
            (length, LENGTH),
            (port, PORT),
        ];
        let names: Vec<_> = names
            .into_iter()
            .filter_map(|(is_there, name)| is_there.then_some(name))
            .collect();
        if too_few(names.len()) {
            return None;
        }
        Some(Self {
            sent_by: String::from_utf8_lossy(&sent_by).into_owned(),
            inside: inside.or(hidden.map(|(address, _)| address)),
            names,
            other_side,
        })
    }
}

/// Ports from which systems take what they hand out by themselves, and which no one writes into a configuration.
const UNCONFIGURED: u16 = 20_000;

/// The first inside address in places that a client fills in by itself: the Call-ID, the origin and the connection of SDP.
fn inside(request: &Message) -> Option<IpAddr> {
    let is_inside = |address: &IpAddr| !Reach::of(*address).is_public();
    let call_id = request.call_id().and_then(|call_id| {
        let host = call_id.rsplit(|&byte| byte == b'@').next()?;
        literal(std::str::from_utf8(host).ok()?)
    });
    let lines = request.body().split(|&byte| byte == b'\n').take(SDP_LINES);
    // RFC 8866 §5.2, §5.7: the address is the last word of both lines.
    let mut of_sdp = lines
        .filter(|line| line.starts_with(b"o=") || line.starts_with(b"c="))
        .filter_map(|line| {
            let last = line.trim_ascii().rsplit(|&byte| byte == b' ').next()?;
            literal(std::str::from_utf8(last).ok()?)
        });
    call_id.filter(is_inside).or_else(|| of_sdp.find(is_inside))
}

/// The session part of SDP is short.
const SDP_LINES: usize = 64;

/// The same request on the other side of the router: a proxy would have added a Via of its own.
fn other_side<'a>(
    view: &CallView<'a>,
    transaction: &Transaction,
    via: IpAddr,
) -> Option<&'a Transaction> {
    let branch = transaction.branch.as_ref()?;
    view.call.transactions.iter().find(|other| {
        let sent_by = || {
            let (address, _) = literal_with_port(&other.request()?.sent_by()?)?;
            Some(address)
        };
        other.id < transaction.id
            && other.via_count == 1
            && other.method == transaction.method
            && other.cseq == transaction.cseq
            && other.from.tag == transaction.from.tag
            && other.branch.as_ref() == Some(branch)
            && other.flow.src.ip() != transaction.flow.src.ip()
            && sent_by().is_some_and(|address| address == other.flow.src.ip() && address != via)
    })
}
