//! The messages of a scenario.

use crate::Kind;
use crate::scenario::{ANSWERED, CHALLENGED, PROXY, REGISTRAR, Scenario, Step};
use std::fmt::Write as _;

impl Scenario {
    fn server(method: &str) -> u32 {
        if method == "REGISTER" {
            REGISTRAR
        } else {
            PROXY
        }
    }

    pub(crate) fn ask(
        &self,
        steps: &mut Vec<Step>,
        time: u64,
        method: &str,
        cseq: u32,
        credentials: bool,
    ) {
        let server = Self::server(method);
        let mut text = self.start(method, cseq, None);
        let (user, callee, phone) = (self.user, self.callee, dotted(self.phone));
        let _ = write!(
            text,
            "Max-Forwards: 70\r\nContact: <sip:{user}@{phone}:5060;transport=udp>\r\n"
        );
        if credentials {
            let (name, host) = if method == "REGISTER" {
                ("Authorization", "example.com")
            } else {
                ("Proxy-Authorization", "example.com")
            };
            let _ = write!(
                text,
                "{name}: Digest username=\"{user}\", realm=\"{host}\", nonce=\"{:016x}{user}\", uri=\"sip:{callee}@{host}\", \
                 response=\"{:032x}\", algorithm=MD5, cnonce=\"{:08x}\", qop=auth, nc=00000001\r\n",
                self.number,
                u128::from(self.number) * 0x1_0000_0001_0000_0001,
                self.number & 0xffff_ffff,
            );
        }
        if method == "REGISTER" {
            text.push_str("Expires: 3600\r\n");
        }
        text.push_str(
            "User-Agent: Example Phone T48 96.85.0.5\r\n\
             Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, REFER, NOTIFY, INFO, SUBSCRIBE\r\n\
             Supported: replaces, timer, path, outbound\r\n\
             Accept: application/sdp, application/dtmf-relay, message/sipfrag\r\n\
             Session-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\nPrivacy: none\r\n",
        );
        let _ = write!(
            text,
            "P-Preferred-Identity: \"Extension {user}\" <sip:{user}@example.com>\r\n"
        );
        finish(&mut text, method == "INVITE", self.phone, self.number);
        steps.push((time, self.phone, server, text));
    }

    pub(crate) fn answer(
        &self,
        steps: &mut Vec<Step>,
        time: u64,
        method: &str,
        cseq: u32,
        code: u16,
        phrase: &str,
    ) {
        let server = Self::server(method);
        let mut text = self.start(method, cseq, Some((code, phrase)));
        let realm = "example.com";
        if matches!(code, 401 | 407) {
            let name = if code == 401 {
                "WWW-Authenticate"
            } else {
                "Proxy-Authenticate"
            };
            let _ = write!(
                text,
                "{name}: Digest realm=\"{realm}\", nonce=\"{:016x}{}\", algorithm=MD5, qop=\"auth\"\r\n",
                self.number, self.user
            );
        }
        if method == "REGISTER" && code == 200 {
            let _ = write!(
                text,
                "Contact: <sip:{}@{}:5060;transport=udp>;expires=3600\r\n",
                self.user,
                dotted(self.phone)
            );
        } else if (180..300).contains(&code) {
            let _ = write!(
                text,
                "Contact: <sip:{}@{}:5060>\r\nRecord-Route: <sip:{};lr>\r\n",
                self.callee,
                dotted(server),
                dotted(server)
            );
        }
        text.push_str(
            "Server: Example SBC 9.1.2 build 4711\r\n\
             Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, REFER, NOTIFY\r\n\
             Supported: replaces, timer, path, 100rel, outbound\r\n\
             Accept: application/sdp, application/dtmf-relay, message/sipfrag\r\n\
             Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
             P-Charging-Vector: icid-value=4f3a9c2b7e6d5a41;icid-generated-at=192.0.2.1\r\n",
        );
        let body = method == "INVITE" && code == 200;
        finish(&mut text, body, server, self.number);
        steps.push((time, server, self.phone, text));
    }

    /// The start line and the fields that every message of the dialog has.
    fn start(&self, method: &str, cseq: u32, response: Option<(u16, &str)>) -> String {
        let (number, user, callee) = (self.number, self.user, self.callee);
        let phone = dotted(self.phone);
        let mut text = String::with_capacity(1_200);
        let refused = CHALLENGED.contains(&self.chance) && cseq == 1;
        let confirmed = method == "ACK" && self.chance < ANSWERED.end && !refused;
        let _ = match response {
            Some((code, phrase)) => write!(text, "SIP/2.0 {code} {phrase}\r\n"),
            None if matches!(method, "REGISTER" | "OPTIONS") => {
                write!(text, "{method} sip:example.com SIP/2.0\r\n")
            }
            None if confirmed || method == "BYE" => {
                let server = dotted(Self::server(method));
                write!(
                    text,
                    "{method} sip:{callee}@{server}:5060 SIP/2.0\r\nRoute: <sip:{server};lr>\r\n"
                )
            }
            None => write!(
                text,
                "{method} sip:{callee}@example.com;user=phone SIP/2.0\r\n"
            ),
        };
        // CANCEL and the ACK to a refusal share the branch of the INVITE; the ACK to a 2xx has its own.
        let branch = match method {
            "ACK" if confirmed => "a",
            "INVITE" | "ACK" | "CANCEL" => "i",
            "BYE" => "b",
            _ => "r",
        };
        let branch = match self.kind {
            Kind::OneBranch => "flood".to_owned(),
            _ => format!("{number:08x}{cseq}{branch}"),
        };
        let received = if response.is_some() {
            format!(";received={phone}")
        } else {
            String::new()
        };
        let _ = write!(
            text,
            "Via: SIP/2.0/UDP {phone}:5060;branch=z9hG4bK{branch};rport{}{received}\r\n",
            if response.is_some() { "=5060" } else { "" },
        );
        let tag_of_server = match response {
            Some((100, _)) => String::new(),
            Some(_) => format!(";tag=s{number:08x}"),
            None if confirmed || method == "BYE" => format!(";tag=s{number:08x}"),
            None if method == "ACK" => format!(";tag=s{number:08x}"),
            None => String::new(),
        };
        let to = if method == "REGISTER" { user } else { callee };
        let tag = match self.kind {
            Kind::OneTag => 0,
            _ => number,
        };
        let call_id = match self.kind {
            Kind::OneCallId => "flood@example.com".to_owned(),
            _ => format!("{number:016x}-{user}@{phone}"),
        };
        let _ = write!(
            text,
            "From: \"Extension {user}\" <sip:{user}@example.com>;tag=c{tag:08x}\r\n\
             To: <sip:{to}@example.com>{tag_of_server}\r\n\
             Call-ID: {call_id}\r\n\
             CSeq: {cseq} {method}\r\n"
        );
        text
    }
}

fn finish(text: &mut String, with_sdp: bool, host: u32, number: u64) {
    if !with_sdp {
        text.push_str("Content-Length: 0\r\n\r\n");
        return;
    }
    let host = dotted(host);
    let port = 20_000 + 2 * (number % 10_000);
    let sdp = format!(
        "v=0\r\no=- {number} 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 0 18 101\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    );
    let _ = write!(
        text,
        "Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
}

fn dotted(address: u32) -> String {
    std::net::Ipv4Addr::from(address).to_string()
}
