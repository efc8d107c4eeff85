//! What shows only when a call is judged: beside its other messages, or because nobody could read them.

use super::outcome::Side;
use super::{At, Defect, Detail};
use crate::dialog::Call;
use crate::flow::Flow;
use crate::hash::HashMap;
use crate::sip::value::{NameAddr, Via, has_cookie, list};
use crate::sip::{HeaderName, Message, Method, Oddity, typed};
use crate::time::Timestamp;
use crate::transaction::{Response, Sends, Transaction};
use std::net::IpAddr;
use std::time::Duration;

/// A response that comes so long after the beginning of the capture has had its request in it: Timers B and F are over
/// (RFC 3261 §17.1), with room.
pub(super) const BEFORE_CAPTURE: Duration = Duration::from_secs(40);

/// A defect of a message of a call.
#[derive(Debug)]
pub struct Found<'a> {
    pub(super) defect: Defect,
    pub(super) at: At<'a>,
    pub(super) details: Vec<(&'static str, Detail)>,
    pub(super) side: Side,
    pub(super) transaction: &'a Transaction,
}

/// URI parameters that say where and how a message goes, and mean nothing as parameters of the header field.
const URI_PARAMS: [&[u8]; 3] = [b"transport", b"lr", b"maddr"];

/// What makes a value unreadable that routes the message.
const UNREADABLE: [Oddity; 5] = [
    Oddity::RequestUriUnreadable,
    Oddity::ViaUnreadable,
    Oddity::FromUnreadable,
    Oddity::ToUnreadable,
    Oddity::ContactUnreadable,
];

impl<'a> Found<'a> {
    /// Those that only show beside the other messages of a call that is over; `t1` is RFC 3261's.
    pub fn in_call(call: &'a Call, t1: Duration) -> Vec<Self> {
        let mut found = Vec::new();
        look(call, t1, |it| found.push(it));
        found
    }
}

fn look<'a>(call: &'a Call, t1: Duration, mut tell: impl FnMut(Found<'a>)) {
    for transaction in &call.transactions {
        if let Some(message) = whole(transaction.request()) {
            request(transaction, message, &mut tell);
        }
        for response in &transaction.responses {
            if let Some(message) = whole(response.message()) {
                answer(transaction, response, message, &mut tell);
            }
        }
    }
    if call.transactions.len() > 1 {
        lower_cseqs(call, t1, &mut tell);
        branches(call, &mut tell);
    }
}

/// Guard G-SNAP: of a message that is cut, nothing is missing.
fn whole(message: Option<&Message>) -> Option<&Message> {
    message.filter(|it| !it.is_cut())
}

fn request<'a>(
    transaction: &'a Transaction,
    message: &'a Message,
    tell: &mut impl FnMut(Found<'a>),
) {
    let mut tell_it = |defect, details| {
        tell(Found {
            defect,
            at: at(
                transaction.flow,
                &transaction.requests,
                message,
                transaction,
            ),
            details,
            side: Side::Request,
            transaction,
        });
    };
    let sets_target = matches!(
        transaction.method,
        Method::Invite | Method::Subscribe | Method::Refer | Method::Update
    );
    // RFC 2543 §6.13 did not ask for it.
    let of_2543 = message.oddities().contains(Oddity::BranchWithoutCookie);
    if sets_target && !of_2543 && message.header(HeaderName::Contact).is_none() {
        tell_it(Defect::NoContact, Vec::new());
    }
    if let Some(details) = params_outside(message) {
        tell_it(Defect::ParamsOutside, details);
    }
    let unread = transaction.responses.is_empty() && !transaction.answer_implied;
    let refused = || {
        let codes = transaction.responses.iter().map(|it| it.code);
        codes
            .into_iter()
            .any(|code| matches!(code, 400 | 416 | 484 | 500))
    };
    if (unread || refused())
        && let Some(oddity) = unreadable(message)
    {
        let defect = Defect::Malformed(oddity);
        tell_it(defect, defect.details(message, transaction.flow));
    }
}

fn answer<'a>(
    transaction: &'a Transaction,
    response: &'a Response,
    message: &'a Message,
    tell: &mut impl FnMut(Found<'a>),
) {
    let mut tell_it = |defect, details| {
        tell(Found {
            defect,
            at: at(response.flow, &response.sends, message, transaction),
            details,
            side: Side::Response(response.code),
            transaction,
        });
    };
    let of_dialog = transaction.method == Method::Invite
        && (101..300).contains(&response.code)
        && response.to_tag.is_some();
    if of_dialog && message.header(HeaderName::Contact).is_none() {
        // In the dialog it only refreshes the target.
        let needed = response.is_success() && !transaction.in_dialog();
        let defect = if needed {
            Defect::NoContactInAnswer
        } else {
            Defect::NoContactInProvisional
        };
        tell_it(defect, Vec::new());
    }
    if let Some(details) = params_outside(message) {
        tell_it(Defect::ParamsOutside, details);
    }
    let unread = of_dialog && response.is_success() && transaction.acks.is_empty();
    if let Some(oddity) = unread.then(|| unreadable(message)).flatten() {
        let defect = Defect::Malformed(oddity);
        tell_it(defect, defect.details(message, response.flow));
    }
}

fn at<'a>(flow: Flow, sends: &Sends, message: &'a Message, of: &Transaction) -> At<'a> {
    let seen = sends.first().unwrap_or(crate::capture::Sighting {
        frame: crate::capture::FrameNumber(0),
        time: of.start(),
    });
    At {
        flow,
        seen,
        transaction: Some(of.id),
        message,
    }
}

/// The strict reading, for a message in which the scan saw nothing: with oddities it was read when it came.
fn unreadable(message: &Message) -> Option<Oddity> {
    if !message.oddities().is_empty() {
        return None;
    }
    let odd = typed::oddities(message);
    UNREADABLE.into_iter().find(|it| odd.contains(*it))
}

/// RFC 3261 §20.10: parameters behind the brackets, or of a URI without them, belong to the header field.
fn params_outside(message: &Message) -> Option<Vec<(&'static str, Detail)>> {
    [
        (HeaderName::Contact, "Contact"),
        (HeaderName::Route, "Route"),
        (HeaderName::RecordRoute, "Record-Route"),
    ]
    .into_iter()
    .find_map(|(header, name)| {
        message.headers(header).find_map(|value| {
            // One value, and nothing behind its bracket.
            // Without an early end many bytes are looked at in one step.
            let comma = |it: u8, byte: &u8| it | u8::from(*byte == b',');
            if value.ends_with(b">") && value.iter().fold(0, comma) == 0 {
                return None;
            }
            list(&value).find_map(|item| {
                let it = NameAddr::of(item);
                let param = URI_PARAMS.iter().find(|param| it.param(param).is_some())?;
                Some(vec![
                    ("part", Detail::Text(name.into())),
                    ("param", Detail::clipped(param)),
                    ("line", Detail::clipped(item)),
                ])
            })
        })
    })
}

/// RFC 3261 §12.2.2: a request with a lower number than the one before in its direction is refused with 500.
fn lower_cseqs<'a>(call: &'a Call, t1: Duration, tell: &mut impl FnMut(Found<'a>)) {
    type Direction<'a> = (&'a [u8], &'a [u8], IpAddr, IpAddr);
    // Where they only rise, whoever sends them, none is lower in its direction.
    let begun = call.initial_invites().map(|it| it.cseq).max();
    let in_dialog = call.transactions.iter().filter(|it| it.in_dialog());
    let numbers = begun.into_iter().chain(in_dialog.map(|it| it.cseq));
    if numbers.is_sorted() {
        return;
    }
    let mut highest: HashMap<Direction<'_>, (u64, Timestamp)> = HashMap::default();
    for transaction in &call.transactions {
        let (Some(from), Some(to)) = (&transaction.from.tag, &transaction.to.tag) else {
            continue;
        };
        if transaction.requests.count() == 0 || transaction.method == Method::Cancel {
            continue;
        }
        let (src, dst) = (transaction.flow.src.ip(), transaction.flow.dst.ip());
        let key: Direction<'_> = (from, to, src, dst);
        let last = highest
            .get(&key)
            .copied()
            .or_else(|| first_of_dialog(call, transaction));
        let Some((number, time)) = last.filter(|(number, _)| transaction.cseq < *number) else {
            highest.insert(key, (transaction.cseq, transaction.start()));
            continue;
        };
        // Two requests may overtake each other on their way, and an old one may be sent again.
        let later = transaction.start().since(time) >= t1;
        let again = call.transactions.iter().any(|other| {
            other.id < transaction.id
                && other.branch == transaction.branch
                && other.cseq == transaction.cseq
        });
        let refused = transaction.final_code() == Some(500);
        if let Some(message) = whole(transaction.request())
            && (later || refused)
            && !again
        {
            let method = transaction.method.name();
            let cseq = format!("{} {method}", transaction.cseq);
            tell(Found {
                defect: Defect::CseqLower,
                at: at(
                    transaction.flow,
                    &transaction.requests,
                    message,
                    transaction,
                ),
                details: vec![
                    ("cseq", Detail::clipped(cseq.as_bytes())),
                    ("last", Detail::Number(number)),
                ],
                side: Side::Request,
                transaction,
            });
        }
    }
}

/// The number of the INVITE that began the dialog, as its caller sent it on this hop.
fn first_of_dialog(call: &Call, request: &Transaction) -> Option<(u64, Timestamp)> {
    let invites = call.initial_invites().filter(|invite| {
        invite.from.tag == request.from.tag
            && invite.flow.src.ip() == request.flow.src.ip()
            && invite.flow.dst.ip() == request.flow.dst.ip()
            && invite
                .responses
                .iter()
                .any(|it| it.is_success() && it.to_tag == request.to.tag)
    });
    invites.map(|it| (it.cseq, it.start())).max()
}

/// Branches used twice, and hops that do not count.
fn branches<'a>(call: &'a Call, tell: &mut impl FnMut(Found<'a>)) {
    let all = &call.transactions;
    let again = |(at, it): (usize, &Transaction)| {
        let mut before = all.iter().take(at);
        it.branch.is_some() && before.any(|other| other.branch == it.branch)
    };
    // Of few it is seen at once that each has its own branch, and that no hop behind another is there.
    if all.len() <= FEW
        && all.iter().all(|it| it.via_count < 2)
        && !all.iter().enumerate().any(again)
    {
        return;
    }
    let mut by_branch: HashMap<&[u8], Vec<&Transaction>> = HashMap::default();
    for transaction in &call.transactions {
        let Some(branch) = &transaction.branch else {
            continue;
        };
        let Some(message) = whole(transaction.request()) else {
            continue;
        };
        let of_branch = by_branch.entry(branch).or_default();
        let mut tell_it = |defect, details| {
            tell(Found {
                defect,
                at: at(
                    transaction.flow,
                    &transaction.requests,
                    message,
                    transaction,
                ),
                details,
                side: Side::Request,
                transaction,
            });
        };
        // RFC 3261 §9.1: a CANCEL has the branch of its INVITE.
        let reused = has_cookie(branch)
            && transaction.method != Method::Cancel
            && of_branch.iter().any(|other| {
                other.method != Method::Cancel
                    && other.flow.src.ip() == transaction.flow.src.ip()
                    && other.flow.dst == transaction.flow.dst
                    && (other.cseq != transaction.cseq || other.method != transaction.method)
            });
        if reused {
            tell_it(
                Defect::BranchReused,
                vec![("branch", Detail::clipped(branch))],
            );
        }
        // A flood under one branch: nothing new is learnt from more of them.
        if of_branch.len() < MAX_OF_BRANCH {
            of_branch.push(transaction);
        }
        if transaction.via_count < 2 {
            continue;
        }
        let before = previous_branch(message).and_then(|branch| {
            let before = by_branch.get(&*branch)?.iter();
            let mut before = before.filter(|it| {
                it.method == transaction.method
                    && it.cseq == transaction.cseq
                    && it.flow.dst.ip() == transaction.flow.src.ip()
            });
            before.next()?.request()
        });
        let hops = |it: &Message| it.number(HeaderName::MaxForwards);
        if let (Some(came), Some(left)) = (before.and_then(hops), hops(message))
            && left >= came
        {
            tell_it(
                Defect::KeptMaxForwards,
                vec![
                    ("came", Detail::Number(came)),
                    ("left", Detail::Number(left)),
                ],
            );
        }
    }
}

/// Transactions that nearly all calls have at most.
const FEW: usize = 8;

/// Transactions that share a branch and are looked at.
const MAX_OF_BRANCH: usize = 16;

/// The branch of the hop before: that of the second Via.
fn previous_branch(message: &Message) -> Option<Box<[u8]>> {
    let mut left = 1;
    for value in message.headers(HeaderName::Via) {
        for item in list(&value) {
            if left == 0 {
                return Some(Via::of(item)?.branch()?.into());
            }
            left -= 1;
        }
    }
    None
}

/// Answers without a request, each with the request of the same branch that has another CSeq, when there is one.
pub(super) fn strays(call: &Call) -> Vec<(&Transaction, Option<&Transaction>)> {
    let answers = call
        .transactions
        .iter()
        .filter(|it| it.requests.count() == 0 && !it.responses.is_empty());
    answers
        .filter_map(|answer| {
            let same_branch = call.transactions.iter().filter(|it| {
                it.requests.count() > 0
                    && it.branch.is_some()
                    && it.branch == answer.branch
                    // RFC 3261 §9.1: a CANCEL has the branch of its INVITE.
                    && (it.method == Method::Cancel) == (answer.method == Method::Cancel)
            });
            // Where a branch was used again, the request with the same number.
            match same_branch.min_by_key(|it| it.cseq != answer.cseq) {
                // Another hop of the same transaction shows its request.
                Some(it) if it.cseq == answer.cseq && it.method == answer.method => None,
                request => Some((answer, request)),
            }
        })
        .collect()
}

/// The CSeq of a response and that of the request that it should have.
pub(super) fn cseq_details(
    response: &Message,
    request: &Transaction,
) -> Vec<(&'static str, Detail)> {
    let cseq = response.header(HeaderName::CSeq).unwrap_or_default();
    let expected = format!("{} {}", request.cseq, request.method.name());
    vec![
        ("cseq", Detail::clipped(&cseq)),
        ("expected", Detail::clipped(expected.as_bytes())),
    ]
}
