//! Tells from its first bytes what a file is that is no capture sipdiag reads.

/// What a file looks like, and what to do with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Looks {
    pub(super) like: String,
    pub(super) help: Option<String>,
}

impl Looks {
    fn new(like: impl Into<String>, help: &str) -> Self {
        Self {
            like: like.into(),
            help: (!help.is_empty()).then(|| help.to_owned()),
        }
    }
}

const CONVERT: &str = "convert it with: editcap -F pcapng FILE converted.pcapng";
const TEXT_HELP: &str = "capture packets, not text: tcpdump -i any -s 0 -w calls.pcap";

/// Where, which bytes, what they say, what to do.
const MAGICS: &[(usize, &[u8], &str, &str)] = &[
    (
        0,
        b"PK\x03\x04",
        "a ZIP archive",
        "unpack it first: unzip FILE",
    ),
    (
        257,
        b"ustar",
        "a tar archive",
        "unpack it first: tar xf FILE",
    ),
    (
        0,
        b"BZh",
        "bzip2-compressed data",
        "decompress it first: bunzip2 FILE",
    ),
    (
        0,
        b"\xfd7zXZ\0",
        "xz-compressed data",
        "decompress it first: unxz FILE",
    ),
    (
        0,
        b"7z\xbc\xaf\x27\x1c",
        "a 7z archive",
        "unpack it first: 7z x FILE",
    ),
    (
        0,
        b"Rar!\x1a\x07",
        "a RAR archive",
        "unpack it first: unrar x FILE",
    ),
    (
        0,
        b"\x04\x22\x4d\x18",
        "lz4-compressed data",
        "decompress it first: lz4 -d FILE",
    ),
    (
        0,
        b"\x1f\x9d",
        "compress-ed data (.Z)",
        "decompress it first: uncompress FILE",
    ),
    (
        0,
        b"\x1f\x8b",
        "gzip inside a compressed file",
        "decompress it once first: gunzip FILE",
    ),
    (
        0,
        b"\x28\xb5\x2f\xfd",
        "zstd inside a compressed file",
        "decompress it once first: unzstd FILE",
    ),
    (0, b"btsnoop\0", "a Bluetooth btsnoop capture", ""),
    (0, b"RTSS", "a Microsoft Network Monitor capture", CONVERT),
    (0, b"GMBU", "a Microsoft Network Monitor capture", CONVERT),
    (0, b"XCP\0", "a NetXRay or Sniffer capture", CONVERT),
    (0, b"TRSNIFF data", "a Sniffer capture", CONVERT),
    (0, b"\x7fver", "an EtherPeek or OmniPeek capture", CONVERT),
    (0, b"5VIEW", "a 5View capture", CONVERT),
    (0, b"\xac\x01\x00\x1c", "an Ixia capture", CONVERT),
    (0, b"\xab\x01\x00\x1c", "an Ixia capture", CONVERT),
    (0, b"HEP3", "HEP packets without a capture around them", ""),
    (0, b"\x7fELF", "an ELF program", ""),
    (0, b"MZ", "a Windows program", ""),
    (0, b"%PDF", "a PDF document", ""),
    (0, b"SQLite format 3\0", "an SQLite database", ""),
    (0, b"\x89PNG", "a PNG picture", ""),
    (0, b"\xff\xd8\xff", "a JPEG picture", ""),
    (0, b"RIFF", "a WAV or AVI recording", ""),
    (0, b"OggS", "an Ogg recording", ""),
    (0, b"ID3", "an MP3 recording", ""),
    (0, b"\xff\xfe", "UTF-16 text", TEXT_HELP),
    (0, b"\xfe\xff", "UTF-16 text", TEXT_HELP),
];

/// What a file that begins with `bytes` looks like.
pub(super) fn looks_like(bytes: &[u8]) -> Looks {
    if !bytes.is_empty() && bytes.iter().all(|byte| *byte == 0) {
        return Looks::new(
            "nothing but zeros",
            "look at the disk or the copy: its content was lost",
        );
    }
    let magic = MAGICS.iter().find(|(offset, magic, ..)| {
        bytes
            .get(*offset..)
            .is_some_and(|rest| rest.starts_with(magic))
    });
    if let Some((_, _, like, help)) = magic {
        return Looks::new(*like, help);
    }
    if looks_like_erf(bytes) {
        return Looks::new("an ERF capture of an Endace card", CONVERT);
    }
    match text(bytes) {
        Some(text) => looks_like_text(&text),
        None => Looks::new(format!("unknown data, first bytes {}", hex(bytes)), ""),
    }
}

/// The beginning as text; `None` when it has bytes that text has not.
fn text(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let control = |byte: &u8| *byte < 32 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x1b | 0x0c);
    // A capture of two or three bytes is no text, whatever they are.
    (bytes.len() >= 4 && !bytes.iter().any(|byte| control(byte) || *byte == 0x7f))
        .then(|| String::from_utf8_lossy(bytes).into_owned())
}

fn looks_like_text(text: &str) -> Looks {
    let trimmed = text.trim_start();
    let first_line = trimmed.lines().next().unwrap_or_default().trim_end();
    let lower = first_line.to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return Looks::new(
            "an HTML page",
            "download it again: a server sent a page in its place, such as a login",
        );
    }
    if lower.starts_with("<?xml") || lower.starts_with("<pdml") {
        return Looks::new("XML text", TEXT_HELP);
    }
    if trimmed.starts_with(['{', '[']) && trimmed.contains('"') {
        return Looks::new("JSON text", TEXT_HELP);
    }
    if trimmed.contains("SIP/2.0") {
        return if first_line.contains(" -> ") {
            Looks::new(
                "messages that sngrep saved as text",
                "save them in sngrep as PCAP instead (F2, then the format)",
            )
        } else {
            Looks::new("a text log with SIP messages", TEXT_HELP)
        };
    }
    if first_line.contains(" > ") && first_line.contains("IP") {
        return Looks::new(
            "text that tcpdump printed",
            "have tcpdump write packets: tcpdump -i any -s 0 -w calls.pcap",
        );
    }
    if first_line.starts_with("#!") {
        return Looks::new("a script", "");
    }
    let is_hex_dump = first_line
        .split_whitespace()
        .take(8)
        .all(|word| word.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if is_hex_dump && first_line.split_whitespace().count() >= 8 {
        return Looks::new(
            "a hex dump",
            "convert it with: text2pcap FILE converted.pcap",
        );
    }
    let shown: String = first_line.chars().take(40).collect();
    Looks::new(format!("text: \"{}\"", shown.escape_debug()), TEXT_HELP)
}

/// An ERF record has a time stamp with the seconds in its upper half, a type, flags and its own length; two in a row agree.
fn looks_like_erf(bytes: &[u8]) -> bool {
    let record = |offset: usize| {
        let header = bytes.get(offset..offset + 16)?;
        let seconds = u32::from_le_bytes(*header.get(4..)?.first_chunk()?);
        let kind = header.get(8)? & 0x7f;
        let length = u16::from_be_bytes(*header.get(10..)?.first_chunk()?);
        Some((seconds, kind, usize::from(length)))
    };
    let Some((first, kind, length)) = record(0) else {
        return false;
    };
    if !(1..=48).contains(&kind) || length < 16 || first < 631_152_000 {
        return false;
    }
    record(length).is_some_and(|(second, next, _)| next == kind && second.abs_diff(first) < 86_400)
}

fn hex(bytes: &[u8]) -> String {
    let shown: Vec<String> = bytes
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_people_mistake_for_captures() {
        let like = |bytes: &[u8]| looks_like(bytes).like;
        assert_eq!(like(b"PK\x03\x04aaaaaaa"), "a ZIP archive");
        assert_eq!(like(b"\x7fELF\x02\x01\x01"), "an ELF program");
        assert_eq!(like(b"%PDF-1.7"), "a PDF document");
        assert_eq!(like(b"\n <!DOCTYPE html>\n<html>"), "an HTML page");
        assert_eq!(like(b"{\"calls\": []}"), "JSON text");
        assert_eq!(like(&[0; 100]), "nothing but zeros");
        assert_eq!(
            like(b"INVITE sip:bob@example.com SIP/2.0\r\n"),
            "a text log with SIP messages"
        );
        assert_eq!(
            like(b"2026/01/01 10:00:00.000000 192.0.2.1:5060 -> 192.0.2.2:5060\nINVITE sip:bob@example.com SIP/2.0\n"),
            "messages that sngrep saved as text"
        );
        assert_eq!(
            like(b"hello \x1b[0m world"),
            "text: \"hello \\u{1b}[0m world\""
        );
        assert_eq!(like(b"\x01\x02\x03"), "unknown data, first bytes 01 02 03");
        let mut tar = vec![b'a'; 257];
        tar.extend(b"ustar\x0000");
        assert_eq!(like(&tar), "a tar archive");
    }

    #[test]
    fn knows_erf_by_two_records_in_a_row() {
        let mut record = vec![
            0, 0, 0, 0, 0, 0, 0, 0x66, 2, 4, 0, 20, 0, 0, 0, 4, 1, 2, 3, 4,
        ];
        assert_eq!(
            looks_like(&record).like,
            "unknown data, first bytes 00 00 00 00 00 00 00 66 02 04 00 14 00 00 00 04"
        );
        record.extend(record.clone());
        assert_eq!(looks_like(&record).like, "an ERF capture of an Endace card");
    }
}
