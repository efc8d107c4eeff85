//! Properties of reading SIP: no bytes panic, a cut loses only what it cut, spelling changes nothing, and where rsip reads
//! a message too, both read the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../fuzz/src/lib.rs"]
mod targets;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::message::HeadersExt;
use sipdiag::sip::value::Via;
use sipdiag::sip::{Carrier, HeaderName, Message, Method, Oddity, looks_like_sip, typed};
use std::borrow::Cow;
use std::fmt::Write;
use std::fs;
use std::path::Path;

const CUT: Carrier = Carrier {
    cut: true,
    stream: false,
};

/// The torture messages.
fn fixtures() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut files: Vec<_> = ["rfc4475", "rfc5118"]
        .iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).expect("a folder"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_none_or(|extension| extension == "dat"))
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| fs::read(path).expect("a file"))
        .collect()
}

/// A valid message before it is spelled.
#[derive(Clone, Debug)]
struct Model {
    start: Start,
    call_id: String,
    cseq: u32,
    display: String,
    from_tag: String,
    to_tag: Option<String>,
    vias: Vec<(String, String, String)>,
    extra: Vec<(String, String)>,
    body: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Start {
    Request(String, String),
    Response(u16, String, String),
}

impl Start {
    fn method(&self) -> &str {
        match self {
            Self::Request(method, _) | Self::Response(_, _, method) => method,
        }
    }
}

fn model() -> impl Strategy<Value = Model> {
    let method = prop_oneof![
        5 => prop::sample::select(vec!["INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "NOTIFY", "PRACK"])
            .prop_map(str::to_owned),
        1 => "[A-Za-z0-9.!%*_+`'~-]{1,12}",
    ];
    let uri = prop::sample::select(vec![
        "sip:bob@example.com",
        "sips:a.b@192.0.2.1:5061;transport=tcp",
        "sip:+1-202-555-0101@example.com;user=phone",
        "sip:bob@[2001:db8::10]:5070;lr",
        "tel:+12025550101",
    ])
    .prop_map(str::to_owned);
    let start = prop_oneof![
        (method.clone(), uri).prop_map(|(method, uri)| Start::Request(method, uri)),
        (100_u16..700, "[A-Za-z \u{430}-\u{44f}]{0,12}", method)
            .prop_map(|(status, reason, method)| Start::Response(status, reason, method)),
    ];
    let via = (
        prop::sample::select(vec!["UDP", "TCP", "TLS", "WSS"]).prop_map(str::to_owned),
        prop::sample::select(vec![
            "192.0.2.1",
            "proxy.example.com:5070",
            "[2001:db8::1]:5060",
        ])
        .prop_map(str::to_owned),
        "z9hG4bK[A-Za-z0-9._-]{1,16}",
    );
    let display = prop::sample::select(vec![
        "",
        "Bob ",
        "\"\" ",
        "\"B; tag=no, <x>\" ",
        "\"\\\"q\\\\\" ",
    ])
    .prop_map(str::to_owned);
    let extra = ("X-[A-Za-z]{1,8}", "[!-~]([ -~]{0,20}[!-~])?");
    (
        start,
        "[A-Za-z0-9.-]{1,20}(@[a-z0-9.]{1,12})?",
        any::<u32>(),
        display,
        "[A-Za-z0-9.-]{1,12}",
        prop::option::of("[A-Za-z0-9.-]{1,12}"),
        prop::collection::vec(via, 1..5),
        prop::collection::vec(extra, 0..4),
        prop::collection::vec(any::<u8>(), 0..60),
    )
        .prop_map(
            |(start, call_id, cseq, display, from_tag, to_tag, vias, extra, body)| Model {
                // Only 100 may lack the tag (RFC 3261 §8.2.6.2).
                to_tag: to_tag.or_else(|| {
                    matches!(start, Start::Response(101.., ..)).then(|| "t".to_owned())
                }),
                start,
                call_id,
                cseq,
                display,
                from_tag,
                vias,
                extra,
                body,
            },
        )
}

/// Decides how a message is spelled; without choices left, plainly.
struct Spelling<'a>(std::slice::Iter<'a, u8>);

impl Spelling<'_> {
    fn pick<'b>(&mut self, options: &[&'b str]) -> &'b str {
        let choice = self.0.next().copied().map_or(0, usize::from);
        options[choice % options.len()]
    }

    /// Where RFC 3261 §25.1 has SWS: nothing, white space or a fold.
    fn maybe_space(&mut self) -> &'static str {
        self.pick(&["", " ", "\t ", "\r\n ", " \r\n\t "])
    }

    /// Where it has LWS.
    fn space(&mut self) -> &'static str {
        self.pick(&[" ", "  ", "\t", "\r\n ", " \r\n\t  "])
    }

    fn name(&mut self, long: &str, compact: &str) -> String {
        let name = self.pick(&[long, long, compact]);
        match self.0.next().copied().unwrap_or(0) % 3 {
            0 => name.to_owned(),
            1 => name.to_uppercase(),
            _ => name.to_lowercase(),
        }
    }

    /// `;name=value` with white space where it may be.
    fn param(&mut self, name: &str, value: &str) -> String {
        let spaces: Vec<_> = (0..4).map(|_| self.maybe_space()).collect();
        format!(
            "{}{}{}{name}{}={}{value}",
            spaces[0], ";", spaces[1], spaces[2], spaces[3]
        )
    }
}

impl Model {
    fn write(&self, choices: &[u8]) -> Vec<u8> {
        let mut it = Spelling(choices.iter());
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut pending = String::new();
        for (transport, host, branch) in &self.vias {
            let slashes = [
                it.maybe_space(),
                it.maybe_space(),
                it.maybe_space(),
                it.maybe_space(),
            ];
            let value = format!(
                "SIP{}/{}2.0{}/{}{transport}{}{host}{}",
                slashes[0],
                slashes[1],
                slashes[2],
                slashes[3],
                it.space(),
                it.param("branch", branch)
            );
            if pending.is_empty() {
                pending = value;
            } else if it.pick(&["own field", "same field"]) == "same field" {
                pending = format!("{pending}{},{}{value}", it.maybe_space(), it.maybe_space());
            } else {
                fields.push((it.name("Via", "v"), std::mem::replace(&mut pending, value)));
            }
        }
        fields.push((it.name("Via", "v"), pending));
        let from = format!(
            "{}<sip:alice@example.com>{}",
            self.display,
            it.param("tag", &self.from_tag)
        );
        fields.push((it.name("From", "f"), from));
        let tag = self
            .to_tag
            .as_ref()
            .map(|tag| it.param("tag", tag))
            .unwrap_or_default();
        fields.push((it.name("To", "t"), format!("<sip:bob@example.com>{tag}")));
        fields.push((it.name("Call-ID", "i"), self.call_id.clone()));
        let cseq = format!("{}{}{}", self.cseq, it.space(), self.start.method());
        fields.push((it.name("CSeq", "CSeq"), cseq));
        fields.push((it.name("Max-Forwards", "Max-Forwards"), "70".to_owned()));
        fields.extend(self.extra.iter().cloned());
        fields.push((it.name("Content-Length", "l"), self.body.len().to_string()));
        let mut text = match &self.start {
            Start::Request(method, uri) => format!("{method} {uri} SIP/2.0\r\n"),
            Start::Response(status, reason, _) => format!("SIP/2.0 {status} {reason}\r\n"),
        };
        for (name, value) in fields {
            // RFC 3261 §7.3.1: white space before the colon and any behind it; plainly, one space behind.
            let before = it.pick(&["", " ", "\t "]);
            let behind = it.pick(&[" ", "", "   ", "\t", "\r\n ", " \r\n \r\n  "]);
            let end = it.pick(&["", " ", "\t"]);
            write!(text, "{name}{before}:{behind}{value}{end}\r\n").expect("a string");
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// What correlation reads from a message.
#[derive(Debug, PartialEq)]
struct Read {
    method: Option<String>,
    status: Option<u64>,
    call_id: Option<Vec<u8>>,
    cseq: Option<(u64, String)>,
    from_tag: Option<Box<[u8]>>,
    to_tag: Option<Box<[u8]>>,
    branch: Option<Vec<u8>>,
    transport: Option<Vec<u8>>,
    via_count: usize,
    body: Vec<u8>,
}

fn read(message: &Message) -> Read {
    let via = message.top_via();
    let via = via.as_deref().and_then(Via::of);
    Read {
        method: message.method().map(|it| it.to_string()),
        status: message.status(),
        call_id: message.call_id().map(Cow::into_owned),
        cseq: message
            .cseq()
            .map(|(number, method)| (number, method.to_string())),
        from_tag: message.from_tag().map(Into::into),
        to_tag: message.to_tag().map(Into::into),
        branch: via.and_then(|it| it.branch()).map(<[u8]>::to_vec),
        transport: via.map(|it| it.transport.to_vec()),
        via_count: message.via_count().into(),
        body: message.body().to_vec(),
    }
}

fn parse(bytes: &[u8]) -> Message {
    Message::parse(bytes, Carrier::default())
        .unwrap_or_else(|| panic!("lost: {}", String::from_utf8_lossy(bytes)))
}

/// Where rsip reads what sipdiag reads, both must say the same. Whether rsip reads it.
fn agrees_with_rsip(bytes: &[u8]) -> bool {
    let Ok(theirs) = rsip::SipMessage::try_from(bytes) else {
        return false;
    };
    let Some(message) = Message::parse(bytes, Carrier::default()) else {
        panic!(
            "rsip reads it, sipdiag does not: {}",
            String::from_utf8_lossy(bytes)
        );
    };
    let ours = read(&message);
    match &theirs {
        rsip::SipMessage::Request(request) => {
            assert_eq!(ours.method, Some(request.method().to_string()));
        }
        rsip::SipMessage::Response(response) => {
            assert_eq!(
                ours.status,
                Some(u64::from(u16::from(response.status_code().clone())))
            );
        }
    }
    // rsip ignores Content-Length, and takes what it could not read as header fields for the body.
    let odd = message.oddities();
    if !odd.contains(Oddity::BytesAfterBody) && !odd.contains(Oddity::HeadersUnfinished) {
        assert_eq!(&ours.body, theirs.body());
    }
    if let Ok(id) = theirs.call_id_header() {
        assert_eq!(ours.call_id.as_deref(), Some(id.value().trim().as_bytes()));
    }
    if let Some(cseq) = theirs.cseq_header().ok().and_then(|cseq| cseq.typed().ok()) {
        assert_eq!(
            ours.cseq,
            Some((u64::from(cseq.seq), cseq.method.to_string()))
        );
    }
    if let Some(from) = theirs.from_header().ok().and_then(|from| from.typed().ok()) {
        let tag = from.tag().map(|tag| tag.value().as_bytes());
        assert_eq!(ours.from_tag.as_deref(), tag.filter(|tag| !tag.is_empty()));
    }
    if let Some(to) = theirs.to_header().ok().and_then(|to| to.typed().ok()) {
        let tag = to.tag().map(|tag| tag.value().as_bytes());
        assert_eq!(ours.to_tag.as_deref(), tag.filter(|tag| !tag.is_empty()));
    }
    // rsip loses the parameters behind white space without a word: it is asked where it has read all of the value.
    let via = theirs.via_header().ok();
    let typed_via = via.and_then(|via| via.typed().ok());
    if let (Some(value), Some(via)) = (via, typed_via)
        && via.to_string() == value.value()
    {
        let branch = via.branch().map(|branch| branch.value().as_bytes());
        assert_eq!(
            ours.branch.as_deref(),
            branch.filter(|branch| !branch.is_empty())
        );
    }
    true
}

/// A message with the places where its header fields end, folds included.
struct Whole<'a> {
    bytes: &'a [u8],
    message: Message,
    line: usize,
    ends: Vec<usize>,
}

impl<'a> Whole<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let line_end = |at: usize| {
            let end = bytes[at..].iter().position(|&byte| byte == b'\n');
            end.map_or(bytes.len(), |end| at + end + 1)
        };
        let line = line_end(0);
        let (mut at, mut ends) = (line, Vec::new());
        while at < bytes.len() && !matches!(bytes[at..], [b'\n', ..] | [b'\r', b'\n', ..]) {
            let end = line_end(at);
            match bytes[at] {
                b' ' | b'\t' => ends.last_mut().into_iter().for_each(|last| *last = end),
                _ if bytes[at..end].contains(&b':') => ends.push(end),
                _ => {}
            }
            at = end;
        }
        let message = parse(bytes);
        Self {
            bytes,
            message,
            line,
            ends,
        }
    }

    fn keeps_what_came_before(&self, cut: usize) {
        let Some(message) = Message::parse(&self.bytes[..cut], CUT) else {
            assert!(cut < self.line, "lost when cut at {cut}");
            return;
        };
        assert!(message.is_cut());
        assert!(!message.oddities().contains(Oddity::HeadersUnfinished));
        if cut < self.line {
            return;
        }
        assert_eq!(
            message.start_line(),
            self.message.start_line(),
            "cut at {cut}"
        );
        let complete = self.ends.iter().filter(|end| **end <= cut).count();
        let kept: Vec<_> = message.fields().collect();
        let sent: Vec<_> = self.message.fields().collect();
        assert_eq!(kept.get(..complete), sent.get(..complete), "cut at {cut}");
        // At most one more: a field of which some lines are there and not its last.
        assert!(kept.len() <= complete + 1, "cut at {cut}");
        if let (Some(kept), Some(sent)) = (kept.get(complete), sent.get(complete)) {
            assert_eq!(kept.0, sent.0);
            assert!(sent.1.starts_with(&kept.1), "cut at {cut}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        targets::message(&bytes);
    }

    #[test]
    fn no_bytes_behind_a_start_line_panic(
        start in prop::sample::select(vec!["INVITE sip:a SIP/2.0\r\n", "SIP/2.0 200 OK\r\n", "A b SIP/2.0\nVia:"]),
        rest in "[\\x00-\\xff\r\n\t :;,=\"<>\\\\@\\[\\]?%/*A-Za-z0-9]{0,200}",
    ) {
        targets::message(format!("{start}{rest}").as_bytes());
    }

    #[test]
    fn mutated_messages_do_not_panic(
        index in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..12),
    ) {
        let files = fixtures();
        let mut bytes = index.get(&files).clone();
        for (at, byte, kind) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => { bytes.remove(at); }
                _ => bytes.truncate(at),
            }
        }
        targets::message(&bytes);
    }

    #[test]
    fn a_written_message_is_read_back(model in model(), choices in prop::collection::vec(any::<u8>(), 0..120)) {
        let plain = read(&parse(&model.write(&[])));
        prop_assert_eq!(plain.call_id.as_deref(), Some(model.call_id.as_bytes()));
        prop_assert_eq!(plain.cseq.clone(), Some((u64::from(model.cseq), model.start.method().to_owned())));
        prop_assert_eq!(plain.from_tag.as_deref(), Some(model.from_tag.as_bytes()));
        prop_assert_eq!(plain.to_tag.as_deref(), model.to_tag.as_deref().map(str::as_bytes));
        prop_assert_eq!(plain.via_count, model.vias.len());
        prop_assert_eq!(plain.branch.as_deref(), Some(model.vias[0].2.as_bytes()));
        prop_assert_eq!(&plain.body, &model.body);
        match &model.start {
            Start::Request(method, _) => prop_assert_eq!(plain.method.as_ref(), Some(method)),
            Start::Response(status, ..) => prop_assert_eq!(plain.status, Some(u64::from(*status))),
        }
        // However it is spelled, and without an oddity.
        let spelled = parse(&model.write(&choices));
        prop_assert_eq!(read(&spelled), plain);
        prop_assert!(spelled.oddities().is_empty(), "{:?}", spelled.oddities().iter().collect::<Vec<_>>());
        prop_assert!(typed::oddities(&spelled).is_empty(), "{:?}", typed::oddities(&spelled).iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_cut_keeps_what_came_before(
        model in model(),
        choices in prop::collection::vec(any::<u8>(), 0..120),
        at in any::<prop::sample::Index>(),
    ) {
        let bytes = model.write(&choices);
        Whole::of(&bytes).keeps_what_came_before(at.index(bytes.len()));
    }

    #[test]
    fn rsip_and_sipdiag_read_the_same(model in model(), choices in prop::collection::vec(any::<u8>(), 0..20)) {
        // What rsip cannot read: methods beyond the registry, URIs that are not sip, reasons beyond ASCII.
        let in_reach = match &model.start {
            Start::Request(method, uri) => uri.starts_with("sip:bob@example") && Method::of(method.as_bytes()).is_registered(),
            Start::Response(_, reason, _) => reason.is_ascii(),
        };
        prop_assert!(agrees_with_rsip(&model.write(&[])) || !in_reach);
        agrees_with_rsip(&model.write(&choices));
    }
}

#[test]
fn fixtures_cut_anywhere_keep_what_came_before() {
    for bytes in fixtures()
        .iter()
        .filter(|bytes| looks_like_sip(bytes, false))
    {
        let whole = Whole::of(bytes);
        (0..bytes.len()).for_each(|cut| whole.keeps_what_came_before(cut));
    }
}

#[test]
fn rsip_and_sipdiag_read_the_fixtures_alike() {
    let read = fixtures()
        .iter()
        .filter(|bytes| agrees_with_rsip(bytes))
        .count();
    assert!(read > 20, "rsip read {read} of them");
}

#[test]
fn half_a_value_is_no_value() {
    let bytes = b"INVITE sip:a SIP/2.0\r\nCSeq: 1 INVITE\r\nCall-ID: abc";
    let message = Message::parse(bytes, CUT).expect("a message");
    assert_eq!(message.call_id(), None);
    assert_eq!(
        message.header(HeaderName::CSeq).as_deref(),
        Some(&b"1 INVITE"[..])
    );
    // Sent like this, it is the whole value.
    assert_eq!(parse(bytes).call_id().as_deref(), Some(&b"abc"[..]));
    assert!(Message::parse(b"SIP/2.0 20", CUT).is_none());
    assert_eq!(
        Message::parse(b"SIP/2.0 200", CUT).and_then(|it| it.status()),
        Some(200)
    );
}
