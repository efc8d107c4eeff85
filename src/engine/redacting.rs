//! What comes in is replaced by what stands for it, before anything is kept or judged (`--redact`): addresses when a packet is
//! decoded, messages when they are whole, names in handshakes when their connection is over.

use super::waiting::{Heard, Icmp};
use super::{Engine, Mirror, Observer};
use crate::capture::CaptureFacts;
use crate::frame::Content;
use crate::reassembly::Connection;
use crate::reassembly::fragments::LostDatagram;
use crate::reassembly::tls::CertificateFacts;
use crate::redact::Redactor;
use crate::sip::{self, Carrier, Message, Oddity};
use std::net::IpAddr;

/// Puts what stands for them in the place of a packet's addresses. Fragments keep theirs until they are whole.
pub(super) fn hide(content: &mut Content<'_>, redactor: &Redactor) {
    match content {
        Content::Datagram(it) => it.flow = redactor.flow(it.flow),
        Content::Segment(it) => it.flow = redactor.flow(it.flow),
        Content::Sctp(it) => it.flow = redactor.flow(it.flow),
        Content::Mirrored(it) => it.flow = redactor.flow(it.flow),
        Content::IcmpError(it) => {
            it.reporter = redactor.address(it.reporter);
            it.to = redactor.address(it.to);
            if let Some(quote) = &mut it.quote {
                quote.flow = redactor.flow(quote.flow);
            }
        }
        Content::Fragment(_) | Content::Unrelated => {}
    }
}

impl Heard {
    /// With what stands for all in it that names somebody; `None` when that is no message any more.
    pub(super) fn hidden(mut self, redactor: &Redactor) -> Option<Self> {
        let message = &self.message;
        let carrier = Carrier {
            cut: message.is_cut(),
            stream: message.oddities().contains(Oddity::ContentLengthMissing),
        };
        self.message = Message::parse(&redactor.message(message.raw()), carrier)?.into();
        self.mirror = self.mirror.map(|it| Mirror {
            node: it.node,
            correlation: (it.correlation.as_deref()).map(|it| redactor.call_id(it).into()),
        });
        Some(self)
    }
}

impl Icmp {
    /// With what stands for what it quotes.
    pub(super) fn hidden(self, redactor: &Redactor) -> Self {
        self.with_payload(|it| redactor.quote(it, sip::looks_like_sip(it, true)))
    }
}

impl<O: Observer> Engine<O> {
    pub(super) fn hidden_address(&self, address: IpAddr) -> IpAddr {
        (self.options.redactor.as_ref()).map_or(address, |it| it.address(address))
    }

    pub(super) fn hidden_lost(&self, mut lost: LostDatagram) -> LostDatagram {
        if let Some(redactor) = &self.options.redactor {
            lost.flow = lost.flow.map(|it| redactor.flow(it));
            lost.call_id = (lost.call_id).map(|it| redactor.call_id(&it).into());
            lost.start_line = lost.start_line.map(|it| {
                let line = redactor.message(it.as_bytes());
                String::from_utf8_lossy(&line).into()
            });
        }
        lost
    }

    /// Replaces what handshakes and lost framing show of a connection.
    pub(super) fn hide_names(&self, connection: &mut Connection) {
        let Some(redactor) = &self.options.redactor else {
            return;
        };
        if let Some(tls) = &mut connection.tls {
            tls.server_name = tls.server_name.take().map(|it| redactor.host(&it));
            let certificates = [&mut tls.certificate, &mut tls.client_certificate];
            for certificate in certificates.into_iter().flatten() {
                hide_certificate(certificate, redactor);
            }
        }
        for (_, desync) in &mut connection.desyncs {
            let found = redactor.word(desync.found.as_bytes());
            desync.found = String::from_utf8_lossy(&found).into();
        }
        let request = connection.web_socket.as_mut();
        if let Some(request) = request.and_then(|it| it.request.as_mut()) {
            request.host = request.host.take().map(|it| redactor.host(&it).into());
            let path = redactor.word(request.path.as_bytes());
            request.path = String::from_utf8_lossy(&path).into();
        }
    }

    /// What was read, without what its names may say.
    pub(super) fn hidden_capture(&self, mut capture: CaptureFacts) -> CaptureFacts {
        let Some(redactor) = &self.options.redactor else {
            return capture;
        };
        let inputs = capture.inputs.len();
        let mut names = Vec::with_capacity(inputs);
        for (input, number) in capture.inputs.iter_mut().zip(1..) {
            let name = match &*input.format {
                // Interfaces are called alike everywhere; an address of a listener is none that is.
                "interface" => input.name.clone(),
                "hep" => redactor.text(&input.name),
                format => format!("capture-{number}.{format}"),
            };
            names.push((std::mem::replace(&mut input.name, name.clone()), name));
        }
        for damage in &mut capture.damage {
            let name = names.iter().find(|(captured, _)| *captured == damage.input);
            damage.input = name.map_or_else(String::new, |(_, name)| name.clone());
            damage.what = redactor.text(&damage.what);
        }
        capture.filter = capture.filter.map(|it| redactor.text(&it));
        capture
    }
}

fn hide_certificate(certificate: &mut CertificateFacts, redactor: &Redactor) {
    certificate.subject = redactor.host(&certificate.subject);
    certificate.issuer = redactor.host(&certificate.issuer);
    for name in &mut certificate.subject_alternative_names {
        *name = redactor.host(name);
    }
}
