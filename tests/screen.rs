//! The table of transactions: few are shown one by one, of many what happened alike is one row.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use sipdiag::catalogue::{Catalogue, Language};
use sipdiag::engine::Options;
use sipdiag::report::{Aliases, Bidi, Format, RecordKind, Renderer, Settings};
use sipdiag::thresholds::Thresholds;
use std::fmt::Write;
use support::flow::Flow;

/// Calls that fail with 404, and one with 503 in their midst.
fn failures(count: u32) -> Flow {
    let mut text = String::from("alice = 192.0.2.10:5060\nbob = 192.0.2.20:5060\n");
    for call in 1..=count {
        let code = if call == 3 { 503 } else { 404 };
        let at = f64::from(call);
        writeln!(text, "+{at:.1} alice -> bob  INVITE a{call} call={call}").unwrap();
        writeln!(text, "+{:.1} bob -> alice  {code} INVITE a{call}", at + 0.1).unwrap();
        let ack = format!("ACK a{call} to=bob;b call={call}");
        writeln!(text, "+{:.1} alice -> bob  {ack}", at + 0.2).unwrap();
    }
    Flow::parse("failures", &text)
}

fn screen(flow: &Flow, format: Format, all: bool) -> String {
    let settings = Settings {
        aliases: Aliases::default(),
        raw: false,
        catalogue: Catalogue::new(Language::English),
        records: RecordKind::DEFAULT.to_vec(),
        all,
        width: 200,
        alert_width: None,
        color: false,
        bidi: Bidi::Plain,
        live: false,
        stuck_after: Thresholds::default().stuck_after,
        workers: sipdiag::workers::Workers::default(),
    };
    let renderer = Renderer::new(format, settings, Vec::new());
    let (report, renderer) = flow.observe(Options::default(), renderer, false);
    String::from_utf8(renderer.finish(&report).unwrap()).unwrap()
}

/// The rows of the table, which name a method and two addresses.
fn rows(screen: &str) -> Vec<&str> {
    let (_, table) = screen.split_once("Transactions").unwrap();
    let is_row = |line: &&str| line.contains("INVITE") && line.contains(" → 192.0.2.20:5060");
    table.lines().filter(is_row).collect()
}

#[test]
fn few_transactions_have_a_row_each() {
    let flow = failures(20);
    let screen = screen(&flow, Format::Table, false);
    let rows = rows(&screen);
    assert_eq!(rows.len(), 20);
    assert!(rows.iter().all(|row| !row.contains("more)")));
}

#[test]
fn forks_are_counted_where_more_than_one_can_answer() {
    let sequence = |code: u16| {
        let text = format!(
            "alice = 192.0.2.10:5060\nbob = 192.0.2.20:5060\n\
             +1 alice -> bob  INVITE a1\n\
             +1.1 bob -> alice  {code} INVITE a1 tag=x\n\
             +1.2 bob -> alice  {code} INVITE a1 tag=y\n"
        );
        let screen = screen(&Flow::parse("forks", &text), Format::Table, false);
        rows(&screen)[0].to_owned()
    };
    assert!(sequence(180).contains("180 (2 forks)"));
    assert!(sequence(477).contains("477 ×2"));
}

#[test]
fn of_many_what_happened_alike_is_one_row() {
    let flow = failures(150);
    for format in [Format::Table, Format::Markdown] {
        let screen = screen(&flow, format, false);
        let rows = rows(&screen);
        assert_eq!(rows.len(), 2, "{rows:#?}");
        assert!(rows[0].contains("404") && rows[0].contains("(and 148 more)"));
        assert!(rows[1].contains("503") && !rows[1].contains("more)"));
    }
}

#[test]
fn all_of_them_are_shown_when_asked_for() {
    let flow = failures(150);
    let screen = screen(&flow, Format::Table, true);
    assert_eq!(rows(&screen).len(), 150);
}

/// A client with a wrong password: so many Call-IDs, each with so many tries.
fn wrong_password(calls: u32, tries: u32) -> String {
    let mut text = String::from("alice = 192.0.2.10:5060\nbob = 192.0.2.20:5060\n");
    for call in 1..=calls {
        for step in 0..=tries {
            let (at, id) = (f64::from(call) + f64::from(step) / 10.0, call * 10 + step);
            let cseq = step + 1;
            writeln!(
                text,
                "+{at:.2} alice -> bob  REGISTER a{id} call=c{call} cseq={cseq}"
            )
            .unwrap();
            if step > 0 {
                let nonce = format!("n{}", id - 1);
                writeln!(
                    text,
                    "    Authorization: Digest username=\"alice\", realm=\"example.com\", nonce=\"{nonce}\", uri=\"sip:example.com\", response=\"00\""
                )
                .unwrap();
            }
            writeln!(text, "+{:.2} bob -> alice  401 REGISTER a{id}", at + 0.05).unwrap();
            writeln!(
                text,
                "    WWW-Authenticate: Digest realm=\"example.com\", nonce=\"n{id}\""
            )
            .unwrap();
        }
    }
    let screen = screen(&Flow::parse("password", &text), Format::Table, false);
    let headline = screen.lines().find(|line| line.starts_with("ERROR"));
    headline
        .unwrap()
        .trim_start_matches("ERROR")
        .trim()
        .to_owned()
}

#[test]
fn a_headline_says_how_often_when_it_was_more_than_once() {
    let once =
        "192.0.2.20:5060 rejected the credentials of user \"alice\" for realm \"example.com\"";
    assert_eq!(wrong_password(1, 1), once);
    assert_eq!(wrong_password(1, 3), format!("{once}: 3×"));
    assert_eq!(wrong_password(4, 1), format!("{once} (and 3 more like it)"));
}
