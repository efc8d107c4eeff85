//! The ladder of a call: lanes in the order of hearing, a row a message, repeats folded, findings beside their messages.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use sipdiag::dialog::Call;
use sipdiag::dialog::legs::Legs;
use sipdiag::engine::{Observer, Options, Report};
use sipdiag::report::ladder::{Ladder, Room};
use support::flow::Flow;

/// The ladders of all calls, with so many rows and bytes of messages.
struct Ladders {
    rows: usize,
    room: Room,
    all: Vec<Ladder>,
}

impl Observer for Ladders {
    fn call(&mut self, call: &Call, _: &Legs) {
        let ladder = Ladder::of(call, self.rows, &mut self.room);
        self.all.push(ladder);
    }
}

fn ladders(text: &str, rows: usize, bytes: usize) -> (Report, Vec<Ladder>) {
    let observer = Ladders {
        rows,
        room: Room(bytes),
        all: Vec::new(),
    };
    let (report, observer) =
        Flow::parse("ladder", text).observe(Options::default(), observer, false);
    (report, observer.all)
}

/// `0→1 INVITE ×3` for each row.
fn drawn(ladder: &Ladder) -> Vec<String> {
    let rows = ladder.rows.iter().map(|row| {
        let again = match row.repeats {
            0 => String::new(),
            repeats => format!(" ×{}", repeats + 1),
        };
        format!("{}→{} {}{again}", row.from, row.to, row.what.label())
    });
    rows.collect()
}

const THROUGH_A_PROXY: &str = "
alice = 192.0.2.10:5060
proxy = 192.0.2.20:5060
bob = 192.0.2.30:5060

+0.000 alice -> proxy  INVITE a1
    User-Agent: phone
+0.010 proxy -> alice  100 INVITE a1
+0.020 proxy -> bob    INVITE p1/a1
    User-Agent: phone
+0.520 +1.520 again
+2.000 bob -> proxy    503 INVITE p1/a1
    Server: gateway
+2.010 proxy -> bob    ACK p1/a1
+2.020 proxy -> alice  503 INVITE a1
    Server: gateway
+2.030 alice -> proxy  ACK a1
+40 packet
";

#[test]
fn lanes_stand_in_the_order_of_hearing_and_repeats_are_folded() {
    let (_, all) = ladders(THROUGH_A_PROXY, 100, 100_000);
    let [ladder] = all.as_slice() else {
        panic!("{} calls", all.len());
    };
    let lanes: Vec<_> = ladder.lanes.iter().map(|it| it.host.to_string()).collect();
    assert_eq!(lanes, ["192.0.2.10", "192.0.2.20", "192.0.2.30"]);
    assert_eq!(
        drawn(ladder),
        [
            "0→1 INVITE",
            "1→0 100 Trying",
            "1→2 INVITE ×3",
            "2→1 503 Service Unavailable",
            "1→2 ACK",
            "1→0 503 Service Unavailable",
            "0→1 ACK",
        ]
    );
    let intervals = ladder.rows[2].intervals();
    let millis: Vec<_> = intervals
        .iter()
        .map(std::time::Duration::as_millis)
        .collect();
    assert_eq!(millis, [500, 1000]);
}

/// Proxies hand on the names of others.
#[test]
fn a_name_stands_over_the_host_that_has_it() {
    let (_, all) = ladders(THROUGH_A_PROXY, 100, 100_000);
    let names: Vec<_> = all[0].lanes.iter().map(|it| it.agent.as_deref()).collect();
    assert_eq!(names, [Some("phone"), None, Some("gateway")]);
}

#[test]
fn a_finding_stands_beside_the_response_it_is_about() {
    let (report, mut all) = ladders(THROUGH_A_PROXY, 100, 100_000);
    all[0].mark(&report.findings);
    let status = report.findings.iter().find(|it| it.status == Some(503));
    let id = status.expect("the finding").id;
    let marked: Vec<_> = all[0]
        .rows
        .iter()
        .filter(|row| row.findings.contains(&id))
        .map(|row| row.what.label())
        .collect();
    assert_eq!(marked, ["503 Service Unavailable"]);
}

#[test]
fn rows_and_texts_beyond_the_caps_are_left_out_and_counted() {
    let (_, all) = ladders(THROUGH_A_PROXY, 3, 400);
    assert_eq!((all[0].rows.len(), all[0].left_out), (3, 4));
    let kept: Vec<_> = all[0].rows.iter().map(|row| row.text.is_some()).collect();
    assert_eq!(kept, [true, false, false]);
}

#[test]
fn legs_are_joined_in_order_of_time() {
    let (_, all) = ladders(
        "
alice = 192.0.2.10:5060
pbx = 192.0.2.20:5060
bob = 192.0.2.30:5060

+0.000 alice -> pbx  INVITE a1
+0.010 pbx -> bob    INVITE b1 call=2
+0.020 bob -> pbx    486 INVITE b1
+0.030 pbx -> bob    ACK b1
+0.040 pbx -> alice  486 INVITE a1
+0.050 alice -> pbx  ACK a1
+40 packet
",
        100,
        0,
    );
    assert_eq!(all.len(), 2);
    let joined = Ladder::joined(all);
    assert_eq!(
        drawn(&joined),
        [
            "0→1 INVITE",
            "1→2 INVITE",
            "2→1 486 Busy Here",
            "1→2 ACK",
            "1→0 486 Busy Here",
            "0→1 ACK"
        ]
    );
}

#[test]
fn a_host_that_sends_to_itself_has_a_lane_for_each_port() {
    let (_, all) = ladders(
        "
one = 192.0.2.10:5060
two = 192.0.2.10:5070

+0.000 one -> two  OPTIONS a1
+0.010 two -> one  200 OPTIONS a1
",
        100,
        0,
    );
    let ports: Vec<_> = all[0].lanes.iter().map(|it| it.port).collect();
    assert_eq!(ports, [Some(5060), Some(5070)]);
}
