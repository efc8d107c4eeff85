//! TLS as bytes: hellos, certificates and alerts as they are in clear, and records of some length for what is not.

use sipdiag::reassembly::tls::alert_name;

/// The cipher suites of server hellos: with ephemeral keys, with the RSA key of the server, and of TLS 1.3.
const ECDHE: u16 = 0xc02f;
const RSA: u16 = 0x009c;
const TLS_1_3: u16 = 0x1301;

/// The records that words such as `server-hello 1.2 + certificate cn=sip.example.com + hello-done` make; the error says
/// what is not understood.
pub(crate) fn records(words: &[&str]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for record in words.split(|word| *word == "+") {
        bytes.extend(one(record)?);
    }
    Ok(bytes)
}

fn one(words: &[&str]) -> Result<Vec<u8>, String> {
    let param = |name: &str| {
        let mut found = words.iter().filter_map(|word| word.split_once('='));
        found.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let list =
        |name: &str| -> Vec<&str> { param(name).map_or(vec![], |it| it.split(',').collect()) };
    Ok(match words {
        ["client-hello", ..] => {
            let versions = match list("versions").as_slice() {
                [] => vec!["1.2"],
                some => some.to_vec(),
            };
            client_hello(param("sni"), &list("alpn"), &versions)?
        }
        ["server-hello", version, ..] => server_hello(version, param("suite") == Some("rsa"))?,
        ["certificate", "none"] => handshake(11, &prefixed(3, &[])),
        ["certificate", ..] => {
            let cn = param("cn").ok_or("a certificate has cn=")?;
            let date = |name, default| param(name).unwrap_or(default).to_owned() + "000000Z";
            let der = certificate(
                param("issuer").unwrap_or("CA"),
                [&date("from", "250101"), &date("until", "300101")],
                cn,
                &list("san"),
            );
            handshake(11, &prefixed(3, &prefixed(3, &der)))
        }
        ["certificate-request"] => handshake(13, &[1, 1, 0, 2, 4, 1, 0, 0]),
        ["hello-done"] => handshake(14, &[]),
        ["key-exchange"] => handshake(16, &prefixed(2, &[7; 128])),
        ["ccs"] => record(20, &[1]),
        // What is encrypted of Finished: an explicit nonce, a head, twelve bytes, a tag (RFC 5288 §3).
        ["finished"] => record(22, &[9; 40]),
        ["alert", level, name] => {
            let level = match *level {
                "warning" => 1,
                "fatal" => 2,
                other => return Err(format!("{other} is no level of an alert")),
            };
            let code = (0..=u8::MAX).find(|code| alert_name(*code) == Some(*name));
            record(
                21,
                &[level, code.ok_or_else(|| format!("{name} is no alert"))?],
            )
        }
        ["data", len] => {
            let len = len.parse().map_err(|_| format!("{len} is no length"))?;
            record(23, &vec![9; len])
        }
        ["junk"] => b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        other => return Err(format!("{other:?} is no TLS record")),
    })
}

fn client_hello(sni: Option<&str>, alpn: &[&str], versions: &[&str]) -> Result<Vec<u8>, String> {
    let mut extensions = Vec::new();
    if let Some(name) = sni {
        let name = [vec![0], prefixed(2, name.as_bytes())].concat();
        extensions.extend(extension(0, &prefixed(2, &name)));
    }
    if !alpn.is_empty() {
        let names: Vec<u8> = alpn
            .iter()
            .flat_map(|it| prefixed(1, it.as_bytes()))
            .collect();
        extensions.extend(extension(16, &prefixed(2, &names)));
    }
    let numbers: Vec<_> = versions
        .iter()
        .map(|it| version(it))
        .collect::<Result<_, _>>()?;
    if numbers.iter().any(|it| *it > 0x0303) {
        let list: Vec<u8> = numbers.iter().flat_map(|it| it.to_be_bytes()).collect();
        extensions.extend(extension(43, &prefixed(1, &list)));
    }
    let highest = numbers.iter().max().map_or(0x0303, |it| (*it).min(0x0303));
    let suites: Vec<u8> = [TLS_1_3, ECDHE, RSA]
        .iter()
        .flat_map(|it| it.to_be_bytes())
        .collect();
    let mut body = highest.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.extend(prefixed(1, &[]));
    body.extend(prefixed(2, &suites));
    body.extend(prefixed(1, &[0]));
    body.extend(prefixed(2, &extensions));
    Ok(handshake(1, &body))
}

fn server_hello(version_name: &str, rsa: bool) -> Result<Vec<u8>, String> {
    let version = version(version_name)?;
    let tls13 = version > 0x0303;
    let suite = match (tls13, rsa) {
        (true, _) => TLS_1_3,
        (false, true) => RSA,
        (false, false) => ECDHE,
    };
    let mut body = version.min(0x0303).to_be_bytes().to_vec();
    body.extend([8; 32]);
    body.extend(prefixed(1, &[]));
    body.extend(suite.to_be_bytes());
    body.push(0);
    let extensions = if tls13 {
        extension(43, &version.to_be_bytes())
    } else {
        Vec::new()
    };
    body.extend(prefixed(2, &extensions));
    Ok(handshake(2, &body))
}

fn version(name: &str) -> Result<u16, String> {
    Ok(match name {
        "1.0" => 0x0301,
        "1.1" => 0x0302,
        "1.2" => 0x0303,
        "1.3" => 0x0304,
        other => return Err(format!("{other} is no version of TLS")),
    })
}

/// A certificate that nobody signed (RFC 5280 §4.1); `san` are host names, with `sip:` URIs.
fn certificate(issuer: &str, dates: [&String; 2], cn: &str, san: &[&str]) -> Vec<u8> {
    // sha256WithRSAEncryption, rsaEncryption, commonName, subjectAltName.
    let signature = der(0x30, &[hex("06092a864886f70d01010b0500")]);
    let key_kind = der(0x30, &[hex("06092a864886f70d0101010500")]);
    let name = |cn: &str| {
        let pair = der(0x30, &[hex("0603550403"), der(0x0c, &[cn.into()])]);
        der(0x30, &[der(0x31, &[pair])])
    };
    let validity = dates.map(|date| der(0x17, &[date.as_bytes().to_vec()]));
    let key = der(0x30, &[der(0x02, &[vec![0x77; 128]]), hex("0203010001")]);
    let names = san.iter().map(|it| {
        let kind = if it.contains(':') { 0x86 } else { 0x82 };
        der(kind, &[it.as_bytes().to_vec()])
    });
    let names = der(0x30, &names.collect::<Vec<_>>());
    let extension = der(0x30, &[hex("0603551d11"), der(0x04, &[names])]);
    let mut parts = vec![
        hex("a003020102"),
        hex("020101"),
        signature.clone(),
        name(issuer),
        der(0x30, &validity),
        name(cn),
        der(0x30, &[key_kind, der(0x03, &[vec![0], key])]),
    ];
    if !san.is_empty() {
        parts.push(der(0xa3, &[der(0x30, &[extension])]));
    }
    let signed = der(0x30, &parts);
    der(0x30, &[signed, signature, der(0x03, &[vec![0; 129]])])
}

/// A value in DER (X.690 §8.1).
fn der(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    let len = u16::try_from(content.len()).unwrap().to_be_bytes();
    let mut value = vec![tag];
    match len {
        [0, short @ ..=127] => value.push(short),
        [0, long] => value.extend([0x81, long]),
        [high, low] => value.extend([0x82, high, low]),
    }
    value.extend(content);
    value
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().map(|it| it.to_digit(16).unwrap()).collect();
    let bytes = digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]);
    bytes.map(|it| u8::try_from(it).unwrap()).collect()
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    record(22, &[vec![kind], prefixed(3, body)].concat())
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    [vec![kind, 3, 3], prefixed(2, content)].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [kind.to_be_bytes().to_vec(), prefixed(2, content)].concat()
}

/// Bytes behind their length, which has `width` bytes.
fn prefixed(width: usize, content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&len[4 - width..], content].concat()
}
