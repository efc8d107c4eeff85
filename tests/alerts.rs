//! What `live` tells while calls go on, and when.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use sipdiag::engine::{Observer, Options};
use sipdiag::rules::Finding;
use support::flow::Flow;

/// Names of what was told while it lasted.
#[derive(Debug, Default)]
struct Alerts(Vec<String>);

impl Observer for Alerts {
    fn alert(&mut self, finding: &Finding) {
        self.0.push(finding.name().into_owned());
    }
}

fn told(case: &str) -> Vec<String> {
    let options = Options {
        alerts: true,
        ..Options::default()
    };
    let flow = Flow::parse("case", case);
    flow.observe(options, Alerts::default(), true).1.0
}

const HOSTS: &str = "alice = 192.0.2.10:5060\npbx = 192.0.2.20:5060\n\n";

/// A call that is refused with a code, in a capture that goes on for so many seconds.
fn refused(code: u16, seconds: u32) -> Vec<String> {
    told(&format!(
        "{HOSTS}
+0.000 alice -> pbx  INVITE a1 call=none
+0.010 pbx -> alice  {code} INVITE a1 tag=x
+0.020 alice -> pbx  ACK a1 call=none to=pbx;x
+{seconds} packet
"
    ))
}

#[test]
fn what_a_client_may_answer_with_another_try_is_told_when_the_call_is_over() {
    assert_eq!(refused(503, 60), ["status-503"]);
    // The capture ends before: the report says it.
    assert_eq!(refused(503, 10), [""; 0]);
}

#[test]
fn what_was_told_at_once_is_not_told_again() {
    assert_eq!(refused(500, 60), ["status-500"]);
    assert_eq!(refused(500, 10), ["status-500"]);
}

#[test]
fn a_call_that_is_busy_or_that_succeeds_is_none() {
    let well = format!(
        "{HOSTS}
+0.000 alice -> pbx  INVITE a1 call=busy
+0.010 pbx -> alice  486 INVITE a1 tag=x
+0.020 alice -> pbx  ACK a1 call=busy to=pbx;x
+1.000 alice -> pbx  INVITE b1 call=well from=alice;b
+1.010 pbx -> alice  200 INVITE b1 tag=y
+1.020 alice -> pbx  ACK b2 call=well from=alice;b to=pbx;y
+9.000 alice -> pbx  BYE b3 call=well from=alice;b to=pbx;y
+9.010 pbx -> alice  200 BYE b3
+90.0 packet
"
    );
    assert_eq!(told(&well), [""; 0]);
}
