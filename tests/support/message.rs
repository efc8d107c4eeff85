//! SIP messages from a few words; see `flow` for what they are.

use super::packet::Endpoints;
use std::net::SocketAddr;

/// A message as start line, header fields and body.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    start: String,
    fields: Vec<(String, String)>,
    body: Vec<String>,
}

/// What a line of a flow says beside method and branch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spec {
    call: Option<String>,
    cseq: Option<String>,
    from: Option<String>,
    to: Option<String>,
    uri: Option<String>,
    tag: Option<String>,
    reason: Option<String>,
}

impl Spec {
    /// Whether there is such a name.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> bool {
        let slot = match name {
            "call" => &mut self.call,
            "cseq" => &mut self.cseq,
            "from" => &mut self.from,
            "to" => &mut self.to,
            "uri" => &mut self.uri,
            "tag" => &mut self.tag,
            "reason" => &mut self.reason,
            _ => return false,
        };
        *slot = Some(value.to_owned());
        true
    }
}

const REFRESHES_TARGET: &[&str] = &[
    "INVITE",
    "REGISTER",
    "SUBSCRIBE",
    "NOTIFY",
    "REFER",
    "UPDATE",
];

impl Message {
    pub(crate) fn request(
        method: &str,
        branch: &str,
        below: Option<&Self>,
        spec: &Spec,
        ends: Endpoints,
        hosts: impl Fn(&str) -> Option<SocketAddr>,
    ) -> Self {
        let registers = method == "REGISTER";
        let from = spec.from.as_deref().unwrap_or("alice;a");
        let to = spec
            .to
            .as_deref()
            .unwrap_or(if registers { "alice" } else { "bob" });
        let uri = match &spec.uri {
            Some(uri) => uri.clone(),
            None if registers => "sip:example.com".to_owned(),
            None => uri_of(user(to)),
        };
        let mut message = Self {
            start: format!("{method} {uri} SIP/2.0"),
            fields: Vec::new(),
            body: Vec::new(),
        };
        let transport = if ends.tcp { "TCP" } else { "UDP" };
        let source = ends.src;
        message.add(
            "Via",
            format!("SIP/2.0/{transport} {source};branch=z9hG4bK-{branch}"),
        );
        let passed = below.map_or(0, |below| {
            let vias: Vec<_> = below.all("Via").map(str::to_owned).collect();
            let count = vias.len();
            for via in vias {
                message.add("Via", via);
            }
            count
        });
        message.add("Max-Forwards", (70 - passed).to_string());
        message.add("From", party(from));
        message.add("To", party(to));
        message.add(
            "Call-ID",
            format!("{}@example.com", spec.call.as_deref().unwrap_or("1")),
        );
        message.add(
            "CSeq",
            format!("{} {method}", spec.cseq.as_deref().unwrap_or("1")),
        );
        if REFRESHES_TARGET.contains(&method) {
            let host = hosts(user(from)).unwrap_or(ends.src);
            message.add("Contact", format!("<sip:{}@{host}>", user(from)));
        }
        message
    }

    /// RFC 3261 §8.2.6.2: Via, From, To, Call-ID and CSeq are those of the request.
    pub(crate) fn response(
        code: &str,
        request: &Self,
        spec: &Spec,
        ends: Endpoints,
        hosts: impl Fn(&str) -> Option<SocketAddr>,
    ) -> Self {
        let phrase = spec.reason.as_ref().map(|it| it.replace('_', " "));
        let phrase = phrase.as_deref().unwrap_or_else(|| reason(code));
        let mut message = Self {
            start: format!("SIP/2.0 {code} {phrase}"),
            fields: Vec::new(),
            body: Vec::new(),
        };
        let to = request.all("To").next().unwrap_or_default().to_owned();
        for (name, value) in &request.fields {
            match name.as_str() {
                "To" if code != "100" && !value.contains(";tag=") => {
                    let tag = spec.tag.as_deref().unwrap_or("b");
                    message.add("To", format!("{value};tag={tag}"));
                }
                "Via" | "From" | "To" | "Call-ID" | "CSeq" => message.add(name, value.clone()),
                _ => {}
            }
        }
        let forms_dialog = ["INVITE", "SUBSCRIBE", "UPDATE"]
            .iter()
            .any(|method| request.is_of(method))
            && ("101".."300").contains(&code);
        if forms_dialog {
            let callee = to
                .trim_start_matches("<sip:")
                .split('@')
                .next()
                .unwrap_or_default();
            let host = hosts(callee).unwrap_or(ends.src);
            message.add("Contact", format!("<sip:{callee}@{host}>"));
        }
        message
    }

    /// Header fields and body lines written below the message.
    pub(crate) fn apply(&mut self, lines: &[&str]) -> Result<(), String> {
        let mut named: Vec<String> = Vec::new();
        for line in lines {
            if let Some(body) = line.strip_prefix('|') {
                self.body.push(body.trim_start().to_owned());
                continue;
            }
            let Some((name, value)) = line.split_once(':') else {
                return Err(format!("{line} is no header field"));
            };
            let (name, value) = (name.trim(), value.trim());
            let same = |other: &str| other.eq_ignore_ascii_case(name);
            if !named.iter().any(|other| same(other)) {
                named.push(name.to_owned());
                let place = self.fields.iter().position(|(other, _)| same(other));
                self.fields.retain(|(other, _)| !same(other));
                if let (Some(place), false) = (place, value.is_empty()) {
                    self.fields
                        .insert(place, (name.to_owned(), value.to_owned()));
                    continue;
                }
            }
            if !value.is_empty() {
                self.add(name, value.to_owned());
            }
        }
        Ok(())
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut body = self.body.join("\r\n");
        if !body.is_empty() {
            body += "\r\n";
        }
        let mut lines = vec![self.start.clone()];
        let unwritten = ("Content-Length".to_owned(), "none".to_owned());
        lines.extend(
            self.fields
                .iter()
                .filter(|it| **it != unwritten)
                .map(|(name, value)| format!("{name}: {value}")),
        );
        if self.all("Content-Length").next().is_none() {
            lines.push(format!("Content-Length: {}", body.len()));
        }
        let mut text = lines.join("\r\n") + "\r\n";
        text += "\r\n";
        text += &body;
        text.into_bytes()
    }

    pub(crate) fn is_of(&self, method: &str) -> bool {
        self.start.split(' ').next() == Some(method)
    }

    fn add(&mut self, name: &str, value: String) {
        self.fields.push((name.to_owned(), value));
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

fn user(party: &str) -> &str {
    party.split(';').next().unwrap_or_default()
}

fn uri_of(user: &str) -> String {
    format!("sip:{user}@example.com")
}

fn party(written: &str) -> String {
    match written.split_once(';') {
        Some((user, tag)) => format!("<{}>;tag={tag}", uri_of(user)),
        None => format!("<{}>", uri_of(written)),
    }
}

fn reason(code: &str) -> &'static str {
    match code {
        "100" => "Trying",
        "180" => "Ringing",
        "183" => "Session Progress",
        "200" => "OK",
        "202" => "Accepted",
        "302" => "Moved Temporarily",
        "401" => "Unauthorized",
        "403" => "Forbidden",
        "404" => "Not Found",
        "407" => "Proxy Authentication Required",
        "408" => "Request Timeout",
        "423" => "Interval Too Brief",
        "480" => "Temporarily Unavailable",
        "481" => "Call/Transaction Does Not Exist",
        "486" => "Busy Here",
        "487" => "Request Terminated",
        "488" => "Not Acceptable Here",
        "491" => "Request Pending",
        "500" => "Server Internal Error",
        "503" => "Service Unavailable",
        "603" => "Decline",
        _ => "Whatever",
    }
}
