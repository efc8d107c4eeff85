//! Every threshold changes what is found: for each row of the table a case whose verdict is another one with another value.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use sipdiag::thresholds::Thresholds;
use std::collections::BTreeSet;
use std::path::Path;
use support::flow::Flow;

/// A row: what is set and to what; beside what else, where that is needed; the case in `src/rules`; the finding that comes (`+`)
/// or goes (`-`), with its severity and, where it has them, its variant and `so-far`.
const CASES: &str = "
t1=2s                          session/call_dropped_at_fixed_time.no-ack  - call-dropped-at-fixed-time warning no-ack
t1=100ms                       setup/cancel_without_487.near-miss    + cancel-without-487 warning
t2=100ms                       setup/ack_not_effective               + ack-not-effective warning lost-on-the-way
t2=1s                          transport/tcp_connect_failed.register - register-no-response error
stuck-after=40s                reachability/invite_stuck_trying      - invite-stuck-trying error
long-ringing=1s                dialog/no_answer                      + no-answer warning by-caller
ring-timeout=1s                dialog/no_answer.quick-480            + no-answer info by-called-side
pdd-warning=1s                 setup/pdd_high.near-miss              + pdd-high warning
pdd-error=5s                   setup/pdd_high                        + pdd-high error
slow-response=20s              setup/slow_first_response.tcp         - slow-first-response warning
silent-ringing=10m             setup/no_ringback                     - no-ringback warning
early-silence-warning=20s      setup/early_media_missing_sdp         - early-media-missing-sdp warning
early-silence-error=20s        setup/early_media_missing_sdp         - early-media-missing-sdp warning
endless-ringing=20m            setup/ringing_never_ends              - ringing-never-ends warning
redirect-within=10m            setup/redirect_not_followed           + redirect-not-followed warning so-far
redirections=1                 setup/redirect_loop.near-miss         + redirect-loop error
loop-passes=10                 setup/routing_loop_483                + routing-loop-483 error code-alone
few-hops=1                     format/max_forwards_low               - max-forwards-low warning
few-hops=1                     setup/routing_loop_483.few-hops       + routing-loop-483 error code-alone
next-hop-tolerance=1ms         setup/failed_after_next_hop_timeout   + failed-after-next-hop-timeout info
repeats-after-ack=1            setup/ack_not_effective.near-miss     + ack-not-effective warning lost-on-the-way
repeats-after-ack=10           setup/prack_not_effective             - prack-not-effective error
several-calls=5                dialog/status.always-busy             - status-486 info always-busy
credentials-within=10m         auth/no_credentials                   - auth-no-credentials error
nonce-lifetime=1s              auth/stale_nonce.often                - auth-stale-nonce warning often
stale-nonces=10                auth/stale_nonce.often                - auth-stale-nonce warning often
short-call=1s                  session/short_call                    - short-call info
dropped-calls=10               session/call_dropped_at_fixed_time    - call-dropped-at-fixed-time warning
dropped-calls-spread=100ms     session/call_dropped_at_fixed_time    - call-dropped-at-fixed-time warning
dropped-calls-shortest=1s      session/call_dropped_at_fixed_time.short  + call-dropped-at-fixed-time warning
hang-up-after-answer=1ms       session/bye_right_after_answer        - bye-right-after-answer warning
session-timer-tolerance=1s     session/session_timer_expired.late    - session-timer-expired error
refresh-bye-within=20s         session/session_refresh_failed.near-miss  + session-refresh-failed info
options-down-after=10          reachability/options_no_response      - options-no-response error
options-flaps=10               reachability/options_flapping         - options-flapping warning
registration-short=1s          registration/short_expiry.asked-for   - registration-short-expiry info
registration-very-short=1s     registration/short_expiry             - registration-short-expiry warning shortened
registration-refresh=50        registration/too_frequent.near-miss   + registration-too-frequent warning
registration-refreshes=10      registration/too_frequent             - registration-too-frequent warning
registration-turns=10          registration/flapping                 - registration-flapping warning
registration-turns-within=1s   registration/flapping                 - registration-flapping warning
loss-requests=200              nat/retransmission_ratio_high         - retransmission-ratio-high error
loss-warning=20 loss-error=50  nat/retransmission_ratio_high         - retransmission-ratio-high warning
loss-error=50                  nat/retransmission_ratio_high         + retransmission-ratio-high warning
syns=10                        transport/tcp_connect_failed.silent   - tcp-connect-failed error silent
idle-connection=10m            transport/tcp_reset.idle              - tcp-reset-with-open-transactions warning idle
nat-binding=10m                nat/nat_keepalive_missing             - nat-keepalive-missing error moved
alg-signs=1                    nat/sip_alg_suspected.near-miss       + sip-alg-suspected warning
large-udp=10000                format/large_udp                      - large-udp info
server-hello-within=10m        transport/tls_handshake_failed.unanswered  - tls-handshake-failed error unanswered
pong-within=10m                transport/keepalive_crlf              - keepalive-crlf info
enumerated-users=100           security/extension_enumeration        - extension-enumeration warning leak
enumerated-within=100ms        security/extension_enumeration        - extension-enumeration warning leak
bruteforce-tries=15            security/register_bruteforce          - register-bruteforce error
bruteforce-tries=15            security/register_bruteforce.tool     - register-bruteforce error
bruteforce-hosts=100           security/register_bruteforce.distributed  - register-bruteforce warning distributed
bruteforce-within=100ms        security/account_compromised          - account-compromised error
scanned-hosts=200              security/scanner.sweep                - scanner warning sweep
fraud-calls=15                 security/toll_fraud.burst             - toll-fraud error burst
fraud-within=100ms             security/toll_fraud.burst             - toll-fraud error burst
flood-warning=500              security/flood                        - flood warning
flood-error=60                 security/flood                        + flood error
identity-age=1s                stir/stale_date_403.fresh             - stir-stale-date-403 error fresh
";

#[test]
fn each_row_changes_a_verdict() {
    let mut faults = Vec::new();
    let mut met = BTreeSet::new();
    for case in CASES.lines().filter(|line| !line.is_empty()) {
        let words: Vec<_> = case.split_whitespace().collect();
        let settings: Vec<_> = words.iter().map_while(|it| it.split_once('=')).collect();
        let [path, sign, finding @ ..] = &words[settings.len()..] else {
            panic!("{case}");
        };
        met.insert(settings[0].0);
        let finding = finding.join(" ");
        let flow = flow(path);
        let (before, after) = (verdict(&flow, &settings[1..]), verdict(&flow, &settings));
        let there = (before.contains(&finding), after.contains(&finding));
        if there != (*sign == "-", *sign == "+") {
            faults.push(format!("{case}\n  before {before:?}\n  after  {after:?}"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    let all: BTreeSet<_> = Thresholds::ALL.iter().map(|row| row.key).collect();
    assert_eq!(met, all);
}

fn flow(path: &str) -> Flow {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
    Flow::read(&rules.join(format!("{path}.flow")))
}

/// The findings with these settings: name, severity, variant, whether so far.
fn verdict(flow: &Flow, settings: &[(&str, &str)]) -> BTreeSet<String> {
    let mut thresholds = Thresholds::default();
    for (key, value) in settings {
        let row = Thresholds::named(key).unwrap_or_else(|| panic!("there is no {key}"));
        row.set(&mut thresholds, row.parse(value).unwrap());
    }
    let findings = flow.run_set(&thresholds).report.findings;
    let worded = findings.iter().map(|it| {
        let (name, severity) = (it.name(), it.severity.to_string());
        let so_far = if it.so_far { "so-far" } else { "" };
        let words = [&*name, &severity, it.variant.unwrap_or_default(), so_far];
        words
            .into_iter()
            .filter(|it| !it.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    });
    worded.collect()
}
