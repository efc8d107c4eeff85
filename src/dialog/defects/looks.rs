//! The look at each message. The scan's oddities decide for most of them that there is nothing to see.

use super::Defect;
use crate::flow::{Flow, Transport};
use crate::sip::value::{NameAddr, Via, list, user_and_host};
use crate::sip::{HeaderName, Message, Method, Oddities, Oddity, StartLine, typed};
use crate::thresholds::Thresholds;

/// What every message must have; Max-Forwards has a finding of its own.
const MANDATORY: Oddities = Oddities::of(&[
    Oddity::ViaMissing,
    Oddity::FromMissing,
    Oddity::ToMissing,
    Oddity::CallIdMissing,
    Oddity::CseqMissing,
]);

/// What RFC 2543 did without.
const TAGS: Oddities = Oddities::of(&[Oddity::FromTagMissing, Oddity::ToTagMissing]);

/// What the grammar refuses, in the order in which a message's worst one is told.
const MALFORMED: &[Oddity] = &[
    Oddity::Version,
    Oddity::StatusCode,
    Oddity::RequestUriSpace,
    Oddity::RequestUriBrackets,
    Oddity::RequestUriUnreadable,
    Oddity::QuoteUnbalanced,
    Oddity::BracketUnclosed,
    Oddity::CseqUnreadable,
    Oddity::ViaUnreadable,
    Oddity::FromUnreadable,
    Oddity::ToUnreadable,
    Oddity::ContactUnreadable,
    Oddity::RepeatedSingle,
    Oddity::NumberOutOfRange,
    Oddity::HeaderName,
    Oddity::JunkLine,
    Oddity::ControlBytes,
    Oddity::RequestUriHeaders,
    Oddity::StartLineSpacing,
    Oddity::HeadersUnfinished,
    Oddity::NotUtf8,
    Oddity::DateZone,
    Oddity::BareLf,
];

/// Tells what is wrong with a message by itself, that came over `flow`. `new` says that it was not sent before, `mirrored` that a
/// mirror copied it.
pub(super) fn message(
    message: &Message,
    flow: Flow,
    (new, mirrored): (bool, bool),
    thresholds: &Thresholds,
    mut tell: impl FnMut(Defect),
) {
    let odd = message.oddities();
    if !odd.is_empty() {
        // What the scan saw tells what matters; the strict reading tells it more exactly.
        of_oddities(
            message,
            flow,
            odd.union(typed::oddities(message)),
            &mut tell,
        );
    }
    let len = message.raw().len() as u64;
    if flow.transport == Transport::Udp && len > thresholds.large_udp {
        tell(Defect::Large);
    }
    if let StartLine::Request { method, uri } = message.start_line()
        && new
        && !matches!(method, Method::Ack | Method::Cancel)
    {
        let via = message.top_via();
        let via = via.as_deref().and_then(Via::of);
        // What a mirror says of the transport may be its own.
        if !mirrored {
            transports(message, uri, via, flow, &mut tell);
        }
        // Hops are counted with OPTIONS on purpose (RFC 3261 §11), and pings may be meant to stay on the next one.
        let few = message
            .number(HeaderName::MaxForwards)
            .is_some_and(|hops| hops <= thresholds.few_hops);
        if few
            && method != Method::Options
            && message.via_count() == 1
            && message.to_tag().is_none()
        {
            tell(Defect::LowMaxForwards);
        }
    }
}

/// The worst that the grammar refuses in a response and not in its request; `None` when all of it may be copied.
pub(super) fn own(response: &Message, request: &Message) -> Option<Oddity> {
    let read = |message: &Message| message.oddities().union(typed::oddities(message));
    let (own, copied) = (read(response), read(request));
    let mut worst = MALFORMED.iter().copied();
    worst.find(|it| own.contains(*it) && !copied.contains(*it))
}

/// What the oddities of a message come to.
fn of_oddities(message: &Message, flow: Flow, odd: Oddities, tell: &mut impl FnMut(Defect)) {
    let of_2543 = odd.contains(Oddity::BranchWithoutCookie);
    // The sender cut it: what is missing is behind the cut.
    let ends_early = odd.contains(Oddity::HeadersUnfinished) && odd.intersects(MANDATORY);
    if ends_early {
        tell(Defect::Malformed(Oddity::HeadersUnfinished));
        return;
    }
    // A response has the Via of its request.
    if message.status().is_none() && (of_2543 || odd.contains(Oddity::BranchWithoutId)) {
        tell(Defect::NoCookie);
    }
    let missing = odd.intersection(match message.status() {
        _ if of_2543 => MANDATORY,
        // Its tag makes the dialog.
        Some(200..300) if message.cseq().is_some_and(|(_, it)| it == Method::Invite) => {
            MANDATORY.union(TAGS)
        }
        _ => MANDATORY.union(Oddities::of(&[Oddity::FromTagMissing])),
    });
    if !missing.is_empty() {
        tell(Defect::Missing(missing));
    } else if odd.contains(Oddity::ToTagMissing) {
        tell(Defect::NoToTag);
    }
    if odd.contains(Oddity::MaxForwardsMissing) && !of_2543 {
        tell(Defect::NoMaxForwards);
    }
    if odd.contains(Oddity::CseqMethod) {
        tell(Defect::CseqMethod);
    }
    for (oddity, defect) in [
        (Oddity::ContentLengthTooLarge, Defect::LengthTooLarge),
        (Oddity::ContentLengthUnreadable, Defect::LengthUnreadable),
    ] {
        if odd.contains(oddity) {
            tell(defect);
        }
    }
    // A WebSocket frames its messages itself (RFC 7118 §5).
    let framed_by_length = matches!(flow.transport, Transport::Tcp | Transport::Tls);
    if odd.contains(Oddity::ContentLengthMissing) && framed_by_length {
        tell(Defect::LengthMissing);
    }
    // Padding is no content.
    let is_padding = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
    if odd.contains(Oddity::BytesAfterBody) && !message.bytes_after_body().iter().all(is_padding) {
        tell(Defect::LengthTooSmall);
    }
    if let Some(worst) = MALFORMED.iter().find(|it| odd.contains(**it)) {
        tell(Defect::Malformed(*worst));
    }
}

/// Where Via, Request-URI or Route say another transport than the packet.
fn transports(
    message: &Message,
    uri: &[u8],
    via: Option<Via<'_>>,
    flow: Flow,
    tell: &mut impl FnMut(Defect),
) {
    let over_udp = flow.transport == Transport::Udp;
    // TLS and WebSockets may end at a machine in front, which leaves the Via alone; a datagram is none of their streams.
    let said_udp = via.map(|it| it.transport.eq_ignore_ascii_case(b"UDP"));
    let said_stream = via.is_some_and(|it| {
        [&b"TCP"[..], b"TLS", b"WS", b"WSS"]
            .iter()
            .any(|name| it.transport.eq_ignore_ascii_case(name))
    });
    if (over_udp && said_stream) || (!over_udp && said_udp == Some(true)) {
        tell(Defect::ViaTransport);
    }
    if !over_udp {
        return;
    }
    let route = message.header(HeaderName::Route);
    let next = route.as_deref().and_then(|it| list(it).next());
    if next.is_none() && has_prefix(uri, b"sips:") {
        tell(Defect::SipsOverUdp);
        return;
    }
    let next = next.map_or(uri, |it| NameAddr::of(it).uri);
    if asks_for_stream(next) && names(next, flow) {
        tell(Defect::TargetTransport);
    }
}

fn has_prefix(uri: &[u8], prefix: &[u8]) -> bool {
    uri.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// `;transport=tcp` or `tls` in a URI.
fn asks_for_stream(uri: &[u8]) -> bool {
    uri.split(|&byte| byte == b';').skip(1).any(|param| {
        [&b"transport=tcp"[..], b"transport=tls"]
            .iter()
            .any(|it| param.eq_ignore_ascii_case(it))
    })
}

/// Whether the host of a URI is the address that the request went to.
fn names(uri: &[u8], flow: Flow) -> bool {
    let (_, host) = user_and_host(uri);
    let Ok(host) = std::str::from_utf8(host) else {
        return false;
    };
    let address = flow.dst.ip().to_string();
    let host = host.strip_prefix('[').unwrap_or(host);
    host.strip_prefix(address.as_str())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', ']']))
}
