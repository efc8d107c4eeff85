//! `docs/encapsulations.md` says what the tables in the code say, each name that the code gives has its row, and the fixtures
//! come out of the envelopes that they are in. `UPDATE_DOCS=1 cargo test --test encapsulations` writes the page anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use sipdiag::capture::{Next, Source, open_files};
use sipdiag::frame::envelopes::{ENVELOPES, EnvelopeInfo, LINKS};
use sipdiag::frame::{Content, decode};
use sipdiag::reassembly::carriers::CARRIERS;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The tables of the page, in its order, each with its heading and what to know about it.
const TABLES: &[(&str, &str, &[EnvelopeInfo])] = &[
    (
        "Tunnels and tags",
        "Named in `encapsulation` of the machine output, outermost first. They nest in any order. A tunnel in UDP is recognised \
         by its port on either side, and only when its header is sound and an IP packet lies inside, or a checksum proves \
         it; any other datagram on that port is read as what it is.",
        ENVELOPES,
    ),
    (
        "Link types",
        "What a packet begins with. They are in `link_types` of the machine output and no part of `encapsulation`.",
        LINKS,
    ),
    (
        "Carriers",
        "What the messages travel in above IP: `transport` of the machine output. A message is read as soon as its last byte \
         is there.",
        CARRIERS,
    ),
];

#[test]
fn the_page_is_made_from_the_tables() {
    let path = Path::new(ROOT).join("docs/encapsulations.md");
    let wanted = page(TABLES);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &wanted).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        there, wanted,
        "write it anew: UPDATE_DOCS=1 cargo test --test encapsulations"
    );
}

#[test]
fn every_name_has_one_row_and_every_row_says_something() {
    for (heading, _, table) in TABLES {
        let names: BTreeSet<_> = table.iter().map(|it| it.name).collect();
        assert_eq!(names.len(), table.len(), "{heading}: a name is there twice");
        for it in *table {
            for cell in [it.name, it.title, it.specification, it.recognised_by] {
                assert!(!cell.is_empty() && !cell.contains('|'), "{}", it.name);
            }
        }
    }
}

#[test]
fn each_name_that_the_code_gives_is_in_the_table_and_each_row_is_given() {
    let mut given = BTreeSet::new();
    for entry in Path::new(ROOT).join("src/frame").read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let source = std::fs::read_to_string(&path).unwrap();
            for after in source.split("encapsulation.push(").skip(1) {
                let name = after.strip_prefix('"').and_then(|it| it.split('"').next());
                given.insert(name.expect("a name as it is").to_owned());
            }
        }
    }
    let listed: BTreeSet<_> = ENVELOPES.iter().map(|it| it.name.to_owned()).collect();
    assert_eq!(given, listed);
}

#[test]
fn fixtures_come_out_of_their_envelopes() {
    for (capture, expected) in [
        ("wire/06-vlan.pcap", &["vlan"][..]),
        ("wire/07-qinq.pcap", &["vlan", "vlan"]),
        ("wire/08-mpls.pcap", &["mpls"]),
        ("wire/09-pppoe.pcap", &["pppoe"]),
        ("wire/10-gre.pcap", &["gre"]),
        ("wire/11-erspan2.pcap", &["gre", "erspan"]),
        ("wire/12-vxlan.pcap", &["vxlan"]),
        ("wire/13-ipip.pcap", &["ip-in-ip"]),
        ("wire/14-gtpu.pcap", &["gtp-u"]),
        ("wire/15-geneve.pcap", &["geneve"]),
        ("wire/16-tzsp.pcap", &["tzsp"]),
        ("wire/18-6in4.pcap", &["6in4"]),
        ("094-call-ok-mpls.pcap", &["mpls"]),
        ("096-call-ok-gre-ethernet.pcap", &["gre"]),
        ("098-call-ok-vxlan.pcap", &["vxlan"]),
        ("100-call-ok-through-gre.pcap", &["gre"]),
        ("102-call-ok-through-vxlan.pcap", &["vxlan"]),
    ] {
        let path = PathBuf::from(format!("{ROOT}/fixtures/captures/{capture}"));
        let mut source = open_files(&[path], None).unwrap();
        let mut datagrams = 0;
        loop {
            match source.next().unwrap() {
                Next::Packet(packet) => {
                    let decoded = decode(packet.link_type, packet.data, packet.original_len);
                    let decoded = decoded.unwrap_or_else(|it| panic!("{capture}: {it}"));
                    if let Content::Datagram(it) = decoded.content
                        && it.flow.dst.port() == 5060
                    {
                        let names: Vec<_> = decoded.envelope.encapsulation.iter().collect();
                        assert_eq!(names, expected, "{capture}");
                        datagrams += 1;
                    }
                }
                Next::End => break,
                _ => {}
            }
        }
        assert!(datagrams >= 3, "{capture}: {datagrams}");
    }
}

fn page(tables: &[(&str, &str, &[EnvelopeInfo])]) -> String {
    let mut page = "# What sipdiag finds SIP in\n\n\
        Made from the tables in the code; `tests/encapsulations.rs` compares. What is not here is counted by name under \
        `undecoded`.\n"
        .to_owned();
    for (heading, about, table) in tables {
        let _ = write!(
            page,
            "\n## {heading}\n\n{about}\n\n| name | what it is | specification | recognised by |\n|---|---|---|---|\n"
        );
        for it in *table {
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} |",
                it.name, it.title, it.specification, it.recognised_by
            );
        }
    }
    page
}
