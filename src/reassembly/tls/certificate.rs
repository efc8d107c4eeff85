//! What a certificate says of itself (RFC 5280), read by `x509-parser`; nothing here verifies a signature.

use crate::limits::{MAX_TEXT, MAX_TLS_NAMES};
use crate::time::Timestamp;
use std::net::{Ipv4Addr, Ipv6Addr};
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};
use x509_parser::public_key::PublicKey;

/// The certificate that an end presented, and how many came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Whose it is, as `CN=sip.example.com, O=Example`.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The names and addresses that it is for (RFC 5280 §4.2.1.6): host names, IP addresses, URIs, mail addresses.
    pub subject_alternative_names: Vec<String>,
    /// From when it is valid; the earliest time that can be told for years before 1678.
    pub not_before: Timestamp,
    /// Until when it is valid; the latest time that can be told for years after 2262, as in certificates without end.
    pub not_after: Timestamp,
    /// Whether subject and issuer are the same.
    pub self_signed: bool,
    /// How many certificates were presented, this one included.
    pub chain_length: usize,
}

/// The facts of a certificate in DER, and the modulus of its key when that is for RSA; `None` when it cannot be read.
pub(super) fn read(der: &[u8], chain_length: usize) -> Option<(CertificateFacts, Option<Vec<u8>>)> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let mut names = Vec::new();
    for extension in certificate.extensions() {
        if let ParsedExtension::SubjectAlternativeName(list) = extension.parsed_extension() {
            for name in list.general_names.iter().filter_map(name) {
                if names.len() < MAX_TLS_NAMES && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
    }
    let at = |time: i64| Timestamp::from_parts(time, 0);
    let modulus = match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => {
            let zeros = key.modulus.iter().take_while(|byte| **byte == 0).count();
            key.modulus.get(zeros..).map(<[u8]>::to_vec)
        }
        _ => None,
    };
    let facts = CertificateFacts {
        subject: text(&certificate.subject().to_string()),
        issuer: text(&certificate.issuer().to_string()),
        subject_alternative_names: names,
        not_before: at(certificate.validity().not_before.timestamp()),
        not_after: at(certificate.validity().not_after.timestamp()),
        self_signed: certificate.subject().as_raw() == certificate.issuer().as_raw(),
        chain_length,
    };
    Some((facts, modulus))
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(it) | GeneralName::RFC822Name(it) | GeneralName::URI(it) => {
            Some(text(it))
        }
        GeneralName::IPAddress(bytes) => match **bytes {
            [a, b, c, d] => Some(Ipv4Addr::new(a, b, c, d).to_string()),
            _ => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|it| Ipv6Addr::from(it).to_string()),
        },
        _ => None,
    }
}

/// A text that a stranger wrote, cut to what is kept of one.
pub(super) fn text(text: &str) -> String {
    text.get(..text.floor_char_boundary(MAX_TEXT))
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(text("sip"), "sip");
        let long = "ä".repeat(MAX_TEXT);
        assert_eq!(text(&long).len(), MAX_TEXT);
        assert_eq!(text(&format!("a{long}")).len(), MAX_TEXT - 1);
    }

    #[test]
    fn what_is_no_certificate_gives_none() {
        assert_eq!(read(b"", 1), None);
        assert_eq!(read(&[0x30, 0x82, 0xff, 0xff, 0x30], 1), None);
    }
}
