//! What the findings about TLS share: which servers are SIP servers, and the facts of a handshake.

use super::{CaptureView, Fact, Finding};
use crate::dialog::{Evidence, TlsServer};
use crate::reassembly::tls::{CertificateFacts, TlsFacts, TlsVersion};
use crate::severity::Confidence;
use std::net::SocketAddr;

/// The TLS servers that speak SIP, as far as anything says so.
pub(super) fn servers<'a>(
    view: &CaptureView<'a>,
) -> impl Iterator<Item = (SocketAddr, &'a TlsServer)> {
    let surroundings = view.surroundings;
    view.tls_servers.all().filter(|(address, server)| {
        server.evidence > Evidence::Host || surroundings.speaks(address.ip())
    })
}

/// Whether TLS is why there is no SIP to read.
pub(super) fn says_why(view: &CaptureView<'_>) -> bool {
    servers(view).any(|(_, server)| !(server.unread.is_empty() && server.failures.is_empty()))
}

/// How sure one can be that it is SIP.
pub(super) const fn confidence(evidence: Evidence) -> Confidence {
    match evidence {
        Evidence::Protocol | Evidence::Port => Confidence::Certain,
        Evidence::WebSocketPort => Confidence::Likely,
        Evidence::Host => Confidence::Possible,
    }
}

/// Adds what the hellos say.
pub(super) fn with_hellos(finding: Finding, tls: &TlsFacts) -> Finding {
    let listed = |list: Vec<String>| Some(list.join(", ")).filter(|it| !it.is_empty());
    finding
        .fact_if("server_name", tls.server_name.as_deref())
        .fact_if("version", tls.version.map(|it| it.to_string()))
        .fact_if("cipher_suite", tls.cipher_suite.map(|it| it.to_string()))
        .fact_if("offered_versions", listed(versions(&tls.offered_versions)))
        .fact_if("offered_protocols", listed(tls.offered_protocols.clone()))
}

/// The newest first, each once.
fn versions(offered: &[TlsVersion]) -> Vec<String> {
    let mut offered = offered.to_vec();
    offered.sort_unstable_by(|one, other| other.cmp(one));
    offered.dedup();
    offered.iter().map(TlsVersion::to_string).collect()
}

/// Adds what the certificate of the server says.
pub(super) fn with_certificate(finding: Finding, certificate: &CertificateFacts) -> Finding {
    let names = certificate.subject_alternative_names.join(", ");
    finding
        .fact("certificate_subject", &*certificate.subject)
        .fact_if("certificate_names", Some(names).filter(|it| !it.is_empty()))
        .fact("certificate_issuer", &*certificate.issuer)
        .fact("certificate_not_before", certificate.not_before.to_string())
        .fact("certificate_not_after", certificate.not_after.to_string())
        .fact("certificate_chain", certificate.chain_length)
        .fact_if(
            "certificate_self_signed",
            certificate.self_signed.then_some(Fact::Number(1)),
        )
}

/// Whether a certificate is for a name: one of its alternative names, or the CN where it has none (RFC 5922 §7.1). Wildcards
/// count although RFC 5922 §7.2 does not want them: many clients take them.
pub(super) fn is_for(certificate: &CertificateFacts, wanted: &str) -> bool {
    let names = &certificate.subject_alternative_names;
    let fits = |name: &str| {
        let host = name
            .split_once(':')
            .filter(|(scheme, _)| matches!(*scheme, "sip" | "sips"))
            .map_or(name, |(_, host)| host);
        let below = |rest: &str| {
            wanted
                .split_once('.')
                .is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(rest))
        };
        host.eq_ignore_ascii_case(wanted.trim_end_matches('.'))
            || host.strip_prefix("*.").is_some_and(below)
    };
    if !names.is_empty() {
        return names.iter().any(|name| fits(name));
    }
    let parts = certificate.subject.split(", ");
    let mut common_names = parts.filter_map(|part| part.strip_prefix("CN="));
    common_names.any(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn certificate(subject: &str, names: &[&str]) -> CertificateFacts {
        CertificateFacts {
            subject: subject.to_owned(),
            issuer: "CN=CA".to_owned(),
            subject_alternative_names: names.iter().map(|it| (*it).to_owned()).collect(),
            not_before: Timestamp::MIN,
            not_after: Timestamp::MIN,
            self_signed: false,
            chain_length: 1,
        }
    }

    #[test]
    fn a_certificate_is_for_the_names_it_bears_and_for_no_other() {
        let of =
            |names: &[&str], wanted| is_for(&certificate("O=X, CN=cn.example.com", names), wanted);
        assert!(of(&["SIP.example.com"], "sip.example.com"));
        assert!(of(&["192.0.2.1", "sip:example.com"], "example.com"));
        assert!(of(&["*.example.com"], "sip.example.com"));
        assert!(of(&[], "cn.example.com"));
        assert!(!of(&["*.example.com"], "a.sip.example.com"));
        assert!(!of(&["*.example.com"], "example.com"));
        assert!(!of(&["other.example.com"], "cn.example.com"));
        assert!(!of(&[], "example.com"));
    }

    #[test]
    fn versions_are_named_once_and_the_newest_first() {
        let offered = [
            TlsVersion::TLS_1_2,
            TlsVersion::TLS_1_3,
            TlsVersion::TLS_1_2,
        ];
        assert_eq!(versions(&offered), ["TLS 1.3", "TLS 1.2"]);
    }
}
