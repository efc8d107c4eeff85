//! Names that the user gave to hosts. Formats for people show them where they show hosts; machine formats, messages as
//! captured and SIP URIs keep the addresses.

use super::text::sanitize;
use crate::address::literal_with_port;
use crate::hash::HashMap;
use crate::redact::Redactor;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// Columns of a name: what fits above a lane.
const LONGEST: usize = 40;

/// One name: `192.0.2.1=sbc`, or of one port `192.0.2.1:5080=pbx`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    host: IpAddr,
    port: Option<u16>,
    name: String,
}

impl Alias {
    /// A name for an address.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(address: &str, name: &str) -> Result<Self, String> {
        let (host, port) = literal_with_port(address.trim().as_bytes())
            .ok_or_else(|| format!("{address:?} is no IP address, with or without a port"))?;
        if port.is_none() && names_a_port(address) {
            return Err(format!("{address:?}: a port is a number up to 65535"));
        }
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST || sanitize(name) != name {
            return Err(format!(
                "a name has 1 to {LONGEST} characters that can be seen"
            ));
        }
        let name = name.to_owned();
        Ok(Self { host, port, name })
    }
}

impl FromStr for Alias {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, name) = text
            .split_once('=')
            .ok_or("a name for a host is written 192.0.2.1=sbc")?;
        Self::new(address, name)
    }
}

/// Whether something stands where a literal has its port. An IPv6 address that lacks its brackets has none.
fn names_a_port(address: &str) -> bool {
    match address.rsplit_once(']') {
        Some((_, behind)) => !behind.trim().is_empty(),
        None => address.matches(':').count() == 1,
    }
}

/// All names.
#[derive(Clone, Debug, Default)]
pub struct Aliases(HashMap<(IpAddr, Option<u16>), String>);

impl Aliases {
    /// Adds a name, in the place of one that the same address had.
    pub fn add(&mut self, alias: Alias) {
        self.0.insert((alias.host, alias.port), alias.name);
    }

    /// The same names for what stands for the addresses.
    #[must_use]
    pub fn hidden(&self, redactor: &Redactor) -> Self {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_unstable();
        let hide = |((host, port), name): (&(IpAddr, Option<u16>), &String)| {
            ((redactor.address(*host), *port), name.clone())
        };
        Self(all.into_iter().map(hide).collect())
    }

    /// The name of a host, or of one of its ports.
    pub fn name(&self, host: IpAddr, port: Option<u16>) -> Option<&str> {
        self.0.get(&(host, port)).map(String::as_str)
    }

    /// An address with its port, or the name of both, or the name of the host with the port.
    pub fn address(&self, address: SocketAddr) -> String {
        let (host, port) = (address.ip(), address.port());
        match (self.name(host, Some(port)), self.name(host, None)) {
            (Some(name), _) => name.to_owned(),
            (None, Some(name)) => format!("{name}:{port}"),
            (None, None) => address.to_string(),
        }
    }

    /// A text with the names of the hosts in it. What is part of a URI or of another word stays as it is.
    pub fn in_text(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        let mut named = String::with_capacity(text.len());
        let mut rest = text;
        let mut before = None;
        while let Some(start) = rest.find(is_part) {
            let (plain, from) = rest.split_at(start);
            let end = from.find(|it| !is_part(it)).unwrap_or(from.len());
            let (run, behind) = from.split_at(end);
            named.push_str(plain);
            let word = run.trim_end_matches(['.', ':']);
            let follows = if word.len() < run.len() {
                None
            } else {
                behind.chars().next()
            };
            let alone = !plain.chars().next_back().or(before).is_some_and(is_joined)
                && !follows.is_some_and(is_joined);
            match self.literal(word).filter(|_| alone) {
                Some(name) => {
                    named.push_str(&name);
                    named.push_str(run.get(word.len()..).unwrap_or_default());
                }
                None => named.push_str(run),
            }
            before = run.chars().next_back();
            rest = behind;
        }
        named.push_str(rest);
        named
    }

    fn literal(&self, word: &str) -> Option<String> {
        let (host, port) = literal_with_port(word.as_bytes())?;
        match port {
            Some(port) => {
                let known =
                    self.name(host, Some(port)).is_some() || self.name(host, None).is_some();
                known.then(|| self.address(SocketAddr::new(host, port)))
            }
            None => self.name(host, None).map(str::to_owned),
        }
    }
}

/// Characters of addresses with their ports.
const fn is_part(character: char) -> bool {
    character.is_ascii_hexdigit() || matches!(character, '.' | ':' | '[' | ']')
}

/// Characters beside which an address is part of something else: `sip:alice@192.0.2.1`, `192.0.2.0/24`.
fn is_joined(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '@' | '_' | '-' | '/' | '=' | '%' | ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aliases() -> Aliases {
        let mut aliases = Aliases::default();
        for alias in [
            "192.0.2.1=sbc",
            "192.0.2.1:5080=pbx",
            "2001:db8::1=six",
            "[2001:db8::1]:5070=seven",
        ] {
            aliases.add(alias.parse().unwrap());
        }
        aliases
    }

    #[test]
    fn hosts_in_a_text_have_their_names() {
        for (given, expected) in [
            (
                "192.0.2.1:5060 rejected 192.0.2.10",
                "sbc:5060 rejected 192.0.2.10",
            ),
            (
                "from 192.0.2.1, then (192.0.2.1:5080).",
                "from sbc, then (pbx).",
            ),
            ("[2001:db8::1]:5060 and 2001:db8::1", "six:5060 and six"),
            ("at [2001:db8::1]:5070: it", "at seven: it"),
            ("sip:alice@192.0.2.1 stays", "sip:alice@192.0.2.1 stays"),
            (
                "sip:192.0.2.1 and 192.0.2.1/32",
                "sip:192.0.2.1 and 192.0.2.1/32",
            ),
            ("1.192.0.2.1 a192.0.2.1", "1.192.0.2.1 a192.0.2.1"),
            ("dead beef: 192.0.2.1.", "dead beef: sbc."),
        ] {
            assert_eq!(aliases().in_text(given), expected);
        }
    }

    #[test]
    fn what_is_no_name_is_told() {
        for wrong in [
            "sbc",
            "192.0.2.1",
            "192.0.2.1=",
            "host=sbc",
            "192.0.2.1=a\x1b[1m",
            "192.0.2=x",
            "192.0.2.1:99999=x",
            "192.0.2.1:=x",
            "192.0.2.1:sip=x",
            "[2001:db8::1]:65536=x",
        ] {
            assert!(wrong.parse::<Alias>().is_err(), "{wrong}");
        }
    }
}
