//! What a TLS handshake showed, beside the finding about it.

use crate::report::Settings;
use crate::report::text::{clip, sanitize};
use crate::rules::{Fact, Finding};

/// Columns for a name that a stranger wrote.
const NAME_WIDTH: usize = 100;

impl Settings {
    /// The lines about hellos, certificates and who else came; none for findings that are not about TLS.
    pub(super) fn tls_lines(&self, finding: &Finding) -> Vec<String> {
        let of_tls = ["tls-handshake-failed", "capture-encrypted-sip"];
        if !of_tls.contains(&finding.rule.name) {
            return Vec::new();
        }
        let lines = [
            self.hellos(finding),
            self.certificate(finding),
            self.client_certificate(finding),
        ];
        let lines = lines.iter().map(|parts| parts.join(" · "));
        lines.filter(|line| !line.is_empty()).collect()
    }

    fn hellos(&self, finding: &Finding) -> Vec<String> {
        let mut parts = Vec::new();
        if let Some(name) = text(finding, "server_name") {
            parts.push(self.filled("tls_asked_for", &[("name", name)]));
        }
        match (text(finding, "version"), text(finding, "cipher_suite")) {
            (Some(version), Some(suite)) => {
                let values = [("version", version), ("suite", suite)];
                parts.push(self.filled("tls_agreed", &values));
            }
            _ => {
                if let Some(versions) = text(finding, "offered_versions") {
                    parts.push(self.filled("tls_offers", &[("versions", versions)]));
                }
            }
        }
        if finding.rule.name == "tls-handshake-failed" {
            if let Some(clients) = number(finding, "clients").filter(|it| *it > 1) {
                parts.push(self.filled("tls_clients", &[("clients", clients.to_string())]));
            }
            if let Some(count) = number(finding, "succeeded").filter(|it| *it > 0) {
                parts.push(self.filled("tls_succeeded", &[("succeeded", count.to_string())]));
            }
        } else if let Some(records) = number(finding, "records").filter(|it| *it > 0) {
            parts.push(self.filled("tls_records", &[("records", records.to_string())]));
        }
        parts
    }

    fn certificate(&self, finding: &Finding) -> Vec<String> {
        let Some(subject) = text(finding, "certificate_subject") else {
            return Vec::new();
        };
        let mut parts = vec![self.filled("tls_certificate", &[("subject", subject)])];
        if let Some(names) = text(finding, "certificate_names") {
            parts.push(self.filled("tls_names", &[("names", names)]));
        }
        if let Some(issuer) = text(finding, "certificate_issuer") {
            parts.push(self.filled("tls_issuer", &[("issuer", issuer)]));
        }
        if let Some(count) = number(finding, "certificate_chain") {
            parts.push(self.filled("tls_chain", &[("count", count.to_string())]));
        }
        let valid = ["certificate_not_before", "certificate_not_after"].map(|it| day(finding, it));
        if let [Some(from), Some(until)] = valid {
            parts.push(self.filled("tls_valid", &[("from", from), ("until", until)]));
        }
        // The headline has it already where it is the cause.
        if finding.variant != Some("certificate-expired")
            && let Some(Fact::Time(time)) = finding.get("expired")
        {
            let time = self.catalogue.duration(*time);
            parts.push(self.filled("tls_expired", &[("time", time)]));
        }
        parts
    }

    fn client_certificate(&self, finding: &Finding) -> Vec<String> {
        let mut parts = Vec::new();
        if let Some(subject) = text(finding, "client_certificate_subject") {
            parts.push(self.filled("tls_client_certificate", &[("subject", subject)]));
        }
        if let Some(issuer) = text(finding, "client_certificate_issuer") {
            parts.push(self.filled("tls_issuer", &[("issuer", issuer)]));
        }
        parts
    }
}

fn text(finding: &Finding, name: &str) -> Option<String> {
    match finding.get(name)? {
        Fact::Text(text) => Some(clip(&sanitize(text), NAME_WIDTH)),
        Fact::Number(_) | Fact::Time(_) => None,
    }
}

fn number(finding: &Finding, name: &str) -> Option<u64> {
    match finding.get(name)? {
        Fact::Number(number) => Some(*number),
        Fact::Text(_) | Fact::Time(_) => None,
    }
}

/// `2026-11-21 03:12`.
fn day(finding: &Finding, name: &str) -> Option<String> {
    let time = text(finding, name)?;
    Some(format!("{} {}", time.get(..10)?, time.get(11..16)?))
}
