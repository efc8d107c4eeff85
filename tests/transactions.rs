//! Transactions as RFC 3261 §17 has them, seen from outside: what belongs together, and what each message is to it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use sipdiag::capture::FrameNumber;
use sipdiag::limits::MAX_RINGING_UNSEEN;
use sipdiag::sip::Method;
use sipdiag::thresholds::Thresholds;
use sipdiag::transaction::Kind::{self, Duplicate, New, Retransmission};
use sipdiag::transaction::{State, Transaction, timers};
use std::fmt::Write;
use std::time::Duration;
use support::flow::Flow;
use support::run::Outcome;

const HOSTS: &str = "
alice = 192.0.2.10:5060
proxy = 192.0.2.1:5060
other = 192.0.2.2:5060
bob = 192.0.2.20:5060
";

fn run(text: &str) -> Outcome {
    Flow::parse("case", &format!("{HOSTS}{text}")).run()
}

/// What the message in the packet of that number was.
fn kind(outcome: &Outcome, frame: u64) -> Kind {
    placed(outcome, frame).0
}

/// The method of the transaction to which the message in the packet of that number belongs, and its number.
fn belongs_to(outcome: &Outcome, frame: u64) -> Option<(Method, u64)> {
    let id = placed(outcome, frame).1?;
    let transaction = outcome.seen.transactions.iter().find(|it| it.id == id)?;
    Some((transaction.method.clone(), id.0))
}

fn placed(outcome: &Outcome, frame: u64) -> (Kind, Option<sipdiag::transaction::TransactionId>) {
    let found = (outcome.seen.placed.iter()).find(|(number, ..)| *number == FrameNumber(frame));
    let (_, kind, id) = found.unwrap_or_else(|| panic!("no message in packet {frame}"));
    (*kind, *id)
}

fn codes(transaction: &Transaction) -> Vec<u64> {
    transaction.responses.iter().map(|it| it.code).collect()
}

mod acks {
    use super::*;

    #[test]
    fn ack_to_2xx_has_a_branch_of_its_own_and_is_attributed_to_its_invite_on_each_hop() {
        let outcome = run("
+0.00 alice -> proxy  INVITE a1
+0.01 proxy -> bob  INVITE p1/a1
+1.00 bob -> proxy  200 INVITE p1/a1
+1.01 proxy -> alice  200 INVITE a1
+1.02 alice -> proxy  ACK a2 to=bob;b
+1.03 proxy -> bob  ACK p2/a2 to=bob;b
");
        let invites = outcome.all(&Method::Invite);
        assert_eq!(invites.len(), 2);
        for invite in &invites {
            let flows: Vec<_> = invite.acks.iter().map(|ack| ack.flow).collect();
            assert!(flows.contains(&invite.flow), "{flows:?}");
        }
        assert_eq!(kind(&outcome, 5), New);
        assert_eq!(kind(&outcome, 6), New);
        assert_eq!(
            belongs_to(&outcome, 5),
            Some((Method::Invite, invites[0].id.0))
        );
        assert_eq!(
            belongs_to(&outcome, 6),
            Some((Method::Invite, invites[1].id.0))
        );
        // Not a transaction to be counted.
        assert_eq!(outcome.report.summary.transactions, 2);
    }

    #[test]
    fn ack_to_2xx_that_passes_the_proxy_by_still_answers_both_hops() {
        let outcome = run("
+0.00 alice -> proxy  INVITE a1
+0.01 proxy -> bob  INVITE p1/a1
+1.00 bob -> proxy  200 INVITE p1/a1
+1.01 proxy -> alice  200 INVITE a1
+1.02 alice -> bob  ACK a2 to=bob;b
");
        for invite in outcome.all(&Method::Invite) {
            assert_eq!(invite.acks.len(), 1);
        }
    }

    #[test]
    fn ack_to_non_2xx_has_the_branch_of_its_invite_and_stays_on_its_hop() {
        let outcome = run("
+0.00 alice -> proxy  INVITE a1
+0.01 proxy -> bob  INVITE p1/a1
+1.00 bob -> proxy  486 INVITE p1/a1
+1.01 proxy -> bob  ACK p1 to=bob;b
+1.02 proxy -> alice  486 INVITE a1
+1.03 alice -> proxy  ACK a1 to=bob;b
");
        let invites = outcome.all(&Method::Invite);
        assert_eq!(invites.len(), 2);
        for invite in &invites {
            assert_eq!(invite.acks.len(), 1);
            assert_eq!(invite.acks[0].flow, invite.flow);
        }
        assert_eq!(
            belongs_to(&outcome, 4),
            Some((Method::Invite, invites[1].id.0))
        );
    }

    #[test]
    fn ack_to_the_second_try_is_not_one_to_the_first() {
        let outcome = run("
+0.00 alice -> bob  INVITE a1
+0.10 bob -> alice  486 INVITE a1
+0.11 alice -> bob  ACK a1 to=bob;b
+1.00 alice -> bob  INVITE a2 cseq=2
+1.10 bob -> alice  200 INVITE a2 tag=c
+1.11 alice -> bob  ACK a3 cseq=2 to=bob;c
");
        let invites = outcome.all(&Method::Invite);
        assert_eq!(invites.len(), 2);
        assert_eq!(invites[0].acks.len(), 1);
        assert_eq!(invites[1].acks.len(), 1);
        assert_eq!(invites[1].acks[0].to_tag.as_deref(), Some(&b"c"[..]));
    }

    #[test]
    fn an_ack_proves_the_answer_that_was_not_captured() {
        let outcome = run("
+0.00 alice -> bob  INVITE a1
+0.01 bob -> alice  100 INVITE a1
+2.00 alice -> bob  ACK a2 to=bob;b
");
        assert_eq!(outcome.only(&Method::Invite).acks.len(), 1);
    }

    #[test]
    fn an_ack_sent_again_is_a_retransmission_and_one_to_another_fork_is_not() {
        let outcome = run("
+0.00 alice -> proxy  INVITE a1
+1.00 proxy -> alice  200 INVITE a1 tag=b1
+1.01 alice -> proxy  ACK a2 to=bob;b1
+1.50 proxy -> alice  200 INVITE a1 tag=b1
+1.51 alice -> proxy  ACK a2 to=bob;b1
+1.60 proxy -> alice  200 INVITE a1 tag=b2
+1.61 alice -> proxy  ACK a3 to=bob;b2
");
        assert_eq!(
            outcome.kinds(),
            [New, New, New, Retransmission, Retransmission, New, New]
        );
        let invite = outcome.only(&Method::Invite);
        assert_eq!(invite.acks.len(), 2);
        assert_eq!(invite.acks[0].sends.count(), 2);
    }
}

mod matching {
    use super::*;

    #[test]
    fn cancel_is_a_transaction_of_its_own_and_marks_its_invite() {
        let outcome = run("
+0.00 alice -> bob  INVITE a1
+0.01 bob -> alice  180 INVITE a1
+5.00 alice -> bob  CANCEL a1
+5.01 bob -> alice  200 CANCEL a1
+5.02 bob -> alice  487 INVITE a1
+5.03 alice -> bob  ACK a1 to=bob;b
");
        let invite = outcome.only(&Method::Invite);
        let cancel = outcome.only(&Method::Cancel);
        assert_eq!(invite.cancelled.unwrap().frame, FrameNumber(3));
        assert_eq!(codes(invite), [180, 487]);
        assert_eq!(codes(cancel), [200]);
        assert_eq!(belongs_to(&outcome, 4), Some((Method::Cancel, cancel.id.0)));
    }

    #[test]
    fn cancel_marks_the_invite_of_its_own_hop_only() {
        let outcome = run("
+0.00 alice -> proxy  INVITE a1
+0.01 proxy -> bob  INVITE p1/a1
+0.02 proxy -> other  INVITE p2/a1
+0.10 bob -> proxy  180 INVITE p1/a1
+0.11 other -> proxy  180 INVITE p2/a1 tag=o
+5.00 proxy -> other  CANCEL p2
");
        let marked: Vec<_> = (outcome.all(&Method::Invite).iter())
            .map(|invite| invite.cancelled.is_some())
            .collect();
        assert_eq!(marked, [false, false, true]);
    }

    #[test]
    fn a_cancel_read_after_its_response_marks_the_invite_too() {
        let outcome = run("
+0.00 alice -> bob  INVITE a1
+0.01 bob -> alice  180 INVITE a1
+5.00 alice -> bob unseen  CANCEL a1
+5.00 bob -> alice  200 CANCEL a1
+5.00 alice -> bob  CANCEL a1
");
        assert!(outcome.only(&Method::Invite).cancelled.is_some());
        assert_eq!(codes(outcome.only(&Method::Cancel)), [200]);
        assert_eq!(kind(&outcome, 4), New);
    }

    #[test]
    fn branches_of_rfc_2543_are_matched_by_the_other_fields() {
        let outcome = run("
+0.0 alice -> bob  INVITE a1
    Via: SIP/2.0/UDP 192.0.2.10:5060
+0.1 bob -> alice  180 INVITE a1
+0.5 alice -> bob  INVITE a1
    Via: SIP/2.0/UDP 192.0.2.10:5060
+0.9 bob -> alice  486 INVITE a1
+1.0 alice -> bob  ACK a1 to=bob;b
    Via: SIP/2.0/UDP 192.0.2.10:5060
+2.0 alice -> bob  INVITE a2 call=2
    Via: SIP/2.0/UDP 192.0.2.10:5060
+2.1 bob -> alice  486 INVITE a2
");
        let invites = outcome.all(&Method::Invite);
        assert_eq!(invites.len(), 2);
        assert_eq!(codes(invites[0]), [180, 486]);
        assert_eq!(invites[0].requests.count(), 2);
        assert_eq!(invites[0].acks.len(), 1);
        assert_eq!(codes(invites[1]), [486]);
    }

    #[test]
    fn the_same_old_branch_of_two_callers_is_two_transactions() {
        let outcome = run("
+0.0 alice -> bob  OPTIONS a1 from=alice;x
    Via: SIP/2.0/UDP 192.0.2.10:5060;branch=1
+0.1 alice -> bob  OPTIONS a2 from=carol;y
    Via: SIP/2.0/UDP 192.0.2.10:5060;branch=1
+0.2 bob -> alice  200 OPTIONS a2
+0.3 bob -> alice  404 OPTIONS a1
");
        let all = outcome.all(&Method::Options);
        assert_eq!(all.len(), 2);
        assert_eq!(codes(all[0]), [404]);
        assert_eq!(codes(all[1]), [200]);
    }

    #[test]
    fn a_branch_used_again_for_a_new_cseq_is_another_transaction() {
        let outcome = run("
+0.0 alice -> bob  REGISTER a1 cseq=1
+0.1 bob -> alice  200 REGISTER a1
+1.0 alice -> bob  REGISTER a1 cseq=2
+1.1 bob -> alice  403 REGISTER a1
");
        let all = outcome.all(&Method::Register);
        assert_eq!(all.len(), 2);
        assert_eq!(codes(all[0]), [200]);
        assert_eq!(codes(all[1]), [403]);
        assert_eq!(outcome.kinds(), [New; 4]);
    }

    #[test]
    fn sent_by_is_compared_without_case_and_without_what_the_server_adds() {
        let outcome = run("
+0.0 alice -> bob  OPTIONS a1
    Via: SIP/2.0/UDP Alice.example.com:5060;branch=z9hG4bKa
+0.1 bob -> alice  200 OPTIONS a1
    Via: SIP/2.0/UDP alice.EXAMPLE.com:5060;branch=z9hG4bKa;received=192.0.2.10
");
        assert_eq!(codes(outcome.only(&Method::Options)), [200]);
    }

    #[test]
    fn each_hop_of_a_proxied_request_is_a_transaction() {
        let outcome = run("
+0.00 alice -> proxy  MESSAGE a1
+0.01 proxy -> bob  MESSAGE p1/a1
+0.10 bob -> proxy  200 MESSAGE p1/a1
+0.11 proxy -> alice  200 MESSAGE a1
");
        let method = Method::of(b"MESSAGE");
        let hops = outcome.all(&method);
        assert_eq!(hops.len(), 2);
        assert_eq!(
            hops.iter().map(|it| it.via_count).collect::<Vec<_>>(),
            [1, 2]
        );
        assert_eq!(outcome.kinds(), [New; 4]);
    }

    #[test]
    fn the_same_request_to_another_target_is_another_hop_and_no_retransmission() {
        let outcome = run("
+0.0 alice -> proxy  OPTIONS a1
+0.5 alice -> other  OPTIONS a1
+0.6 proxy -> alice  404 OPTIONS a1
+0.7 other -> alice  200 OPTIONS a1
");
        let all = outcome.all(&Method::Options);
        assert_eq!(all.len(), 2);
        assert_eq!(codes(all[0]), [404]);
        assert_eq!(codes(all[1]), [200]);
        assert_eq!(outcome.kinds(), [New; 4]);
    }

    #[test]
    fn a_response_from_another_address_is_matched_nevertheless() {
        let outcome = run("
+0.0 alice -> bob  INVITE a1
+0.1 192.0.2.21:5060 -> alice  100 INVITE a1
+0.2 192.0.2.22:5080 -> 192.0.2.10:40000  486 INVITE a1
");
        assert_eq!(codes(outcome.only(&Method::Invite)), [100, 486]);
    }

    #[test]
    fn forks_are_separate_responses() {
        let outcome = run("
+0.0 alice -> proxy  INVITE a1
+0.1 proxy -> alice  180 INVITE a1 tag=b1
+0.2 proxy -> alice  180 INVITE a1 tag=b2
+0.3 proxy -> alice  180 INVITE a1 tag=b1
+1.0 proxy -> alice  200 INVITE a1 tag=b2
");
        let invite = outcome.only(&Method::Invite);
        assert_eq!(codes(invite), [180, 180, 200]);
        assert_eq!(outcome.kinds(), [New, New, New, Retransmission, New]);
        assert_eq!(invite.responses.first().unwrap().sends.count(), 2);
    }

    #[test]
    fn a_2xx_after_a_refusal_of_another_fork_decides() {
        let outcome = run("
+0.0 alice -> proxy  INVITE a1
+0.5 proxy -> alice  486 INVITE a1 tag=b1
+1.0 proxy -> alice  200 INVITE a1 tag=b2
");
        assert_eq!(outcome.only(&Method::Invite).final_code(), Some(200));
    }

    #[test]
    fn of_two_finals_to_a_non_invite_the_first_counts() {
        let outcome = run("
+0.0 alice -> bob  OPTIONS a1
+0.5 bob -> alice  478 OPTIONS a1 tag=x
+0.6 bob -> alice  200 OPTIONS a1 tag=y
");
        assert_eq!(outcome.only(&Method::Options).final_code(), Some(478));
    }

    #[test]
    fn a_response_without_its_request_is_a_transaction_that_began_before() {
        let outcome = run("
+0.0 alice -> bob unseen  OPTIONS a1
+0.1 bob -> alice  200 OPTIONS a1
");
        let options = outcome.only(&Method::Options);
        assert_eq!(options.requests.count(), 0);
        assert_eq!(options.flow.src.to_string(), "192.0.2.10:5060");
        assert_eq!(codes(options), [200]);
    }
}

/// Guard G-DUP.
mod copies {
    use super::*;

    #[test]
    fn the_same_packet_again_is_a_duplicate() {
        let outcome = run("
+0.0000 alice -> bob  OPTIONS a1
+0.0003 copy
+0.1000 bob -> alice  200 OPTIONS a1
+0.1900 copy
");
        assert_eq!(outcome.kinds(), [New, Duplicate, New, Duplicate]);
        assert_eq!(outcome.only(&Method::Options).requests.count(), 1);
        assert_eq!(outcome.report.summary.retransmissions, 0);
    }

    #[test]
    fn the_same_bytes_in_another_packet_are_a_retransmission_however_soon() {
        let outcome = run("
+0.000 alice -> bob  OPTIONS a1
+0.000 again
");
        assert_eq!(outcome.kinds(), [New, Retransmission]);
    }

    #[test]
    fn equal_identifications_are_one_packet_for_two_seconds() {
        let outcome = run("
+0.0 alice -> bob ip-id=7  OPTIONS a1
+1.9 alice -> bob ip-id=7  OPTIONS a1
+9.0 alice -> bob ip-id=7  OPTIONS a1
");
        assert_eq!(outcome.kinds(), [New, Duplicate, Retransmission]);
    }

    #[test]
    fn without_identification_the_gap_decides() {
        let outcome = run("
+0.00 alice -> bob ip-id=0  OPTIONS a1
+0.05 alice -> bob ip-id=0  OPTIONS a1
+0.55 alice -> bob ip-id=0  OPTIONS a1
");
        assert_eq!(outcome.kinds(), [New, Duplicate, Retransmission]);
    }

    #[test]
    fn the_gap_decides_over_ipv6() {
        let outcome = run("
+0.00 [2001:db8::1]:5060 -> [2001:db8::2]:5060  OPTIONS a1
+0.05 +0.5 again
");
        assert_eq!(outcome.kinds(), [New, Duplicate, Retransmission]);
    }

    #[test]
    fn tcp_sending_its_bytes_again_is_no_retransmission_of_sip() {
        let outcome = run("
+0.0 alice -> bob tcp  INVITE a1
+0.4 copy
+1.0 bob -> alice tcp  200 INVITE a1
+1.5 again
");
        assert_eq!(outcome.kinds(), [New, Duplicate, New, Retransmission]);
    }

    #[test]
    fn three_copies_of_two_sends_are_two_sends() {
        let outcome = run("
+0.0000 alice -> bob  OPTIONS a1
+0.0001 +0.0002 copy
+0.5000 alice -> bob  OPTIONS a1
+0.5001 +0.5002 copy
");
        assert_eq!(outcome.only(&Method::Options).requests.count(), 2);
        assert_eq!(outcome.report.summary.counts.duplicates, 4);
    }
}

mod ladders {
    use super::*;

    fn repeats(outcome: &Outcome, from: usize) -> bool {
        outcome.kinds()[from..]
            .iter()
            .all(|kind| *kind == Retransmission)
    }

    #[test]
    fn timer_a_doubles() {
        let outcome = run("
+0.0 alice -> bob  INVITE a1
+0.5 +1.5 +3.5 +7.5 +15.5 +31.5 again
");
        assert!(repeats(&outcome, 1));
        let invite = outcome.only(&Method::Invite);
        assert_eq!(invite.requests.count(), timers::INVITE_SENDS);
        assert!(timers::ladder_complete(invite, &Thresholds::default()));
        let t1 = timers::estimate_t1(&invite.requests);
        assert_eq!(t1, Some(Duration::from_millis(500)));
    }

    #[test]
    fn timer_e_doubles_up_to_t2() {
        let outcome = run("
+0.0 alice -> bob  REGISTER a1
+0.5 +1.5 +3.5 +7.5 +11.5 +15.5 +19.5 +23.5 +27.5 +31.5 again
");
        assert!(repeats(&outcome, 1));
        let register = outcome.only(&Method::Register);
        assert_eq!(register.requests.count(), 11);
        assert!(timers::ladder_complete(register, &Thresholds::default()));
    }

    #[test]
    fn timer_g_repeats_a_refusal() {
        let outcome = run("
+0.0 alice -> bob  INVITE a1
+1.0 bob -> alice  486 INVITE a1
+1.5 +2.5 +4.5 +8.5 +12.5 +16.5 +20.5 +24.5 +28.5 +32.5 again
");
        assert!(repeats(&outcome, 2));
        let invite = outcome.only(&Method::Invite);
        assert_eq!(invite.responses.first().unwrap().sends.count(), 11);
        assert_eq!(codes(invite), [486]);
    }

    #[test]
    fn a_2xx_repeats_over_tcp_too() {
        let outcome = run("
+0.0 alice -> bob tcp  INVITE a1
+1.0 bob -> alice tcp  200 INVITE a1
+1.5 +2.5 +4.5 +8.5 +12.5 again
");
        assert!(repeats(&outcome, 2));
        assert_eq!(
            outcome
                .only(&Method::Invite)
                .responses
                .first()
                .unwrap()
                .sends
                .count(),
            6
        );
    }

    #[test]
    fn a_reliable_provisional_repeats_until_its_prack_and_the_next_one_is_new() {
        let outcome = run("
+0.0 alice -> bob  INVITE a1
+1.0 bob -> alice  183 INVITE a1
    Require: 100rel
    RSeq: 1
+1.5 +2.5 again
+2.6 alice -> bob  PRACK a2 cseq=2 to=bob;b
    RAck: 1 1 INVITE
+2.7 bob -> alice  200 PRACK a2
+3.0 bob -> alice  183 INVITE a1
    Require: 100rel
    RSeq: 2
");
        assert_eq!(
            outcome.kinds(),
            [New, New, Retransmission, Retransmission, New, New, New]
        );
        let invite = outcome.only(&Method::Invite);
        let rseqs: Vec<_> = invite.responses.iter().map(|it| it.rseq).collect();
        assert_eq!(rseqs, [Some(1), Some(2)]);
        assert_eq!(codes(outcome.only(&Method::of(b"PRACK"))), [200]);
    }

    #[test]
    fn t1_is_what_the_ladder_shows() {
        let outcome = run("
+0.0 alice -> bob  INVITE a1
+0.2 +0.6 +1.4 again
");
        let invite = outcome.only(&Method::Invite);
        let t1 = timers::estimate_t1(&invite.requests);
        assert_eq!(t1, Some(Duration::from_millis(200)));
        assert_eq!(
            timers::timeout(invite, Thresholds::default().t1),
            Duration::from_millis(12_800)
        );
    }

    #[test]
    fn a_transaction_stays_open_as_long_as_its_timers_run() {
        let late = "
+0 alice -> bob  OPTIONS a1
+100 bob -> alice  200 OPTIONS a1
";
        let flow = Flow::parse("late", &format!("{HOSTS}{late}"));
        let set = |millis| {
            flow.run_set(&Thresholds {
                t1: Duration::from_millis(millis),
                ..Thresholds::default()
            })
        };
        // Timer F of 32 s is over, one of 128 s is not.
        for (t1, sides) in [(100, 2), (500, 2), (2000, 1)] {
            assert_eq!(set(t1).all(&Method::Options).len(), sides, "{t1}");
        }
        // So is one whose length the ladder shows.
        let outcome = run("
+0 alice -> bob  OPTIONS a1
+2 +6 again
+100 bob -> alice  200 OPTIONS a1
");
        assert_eq!(codes(outcome.only(&Method::Options)), [200]);
    }

    #[test]
    fn a_call_that_rings_stays_open_as_long_as_ringing_may_be_told() {
        let late = "
+0 alice -> bob  INVITE a1
+1 bob -> alice  180 INVITE a1
+1000 bob -> alice  480 INVITE a1
";
        let flow = Flow::parse("late", &format!("{HOSTS}{late}"));
        for (minutes, sides) in [(3, 2), (20, 1)] {
            let outcome = flow.run_set(&Thresholds {
                endless_ringing: Duration::from_secs(minutes * 60),
                ..Thresholds::default()
            });
            assert_eq!(outcome.all(&Method::Invite).len(), sides, "{minutes}");
        }
    }

    #[test]
    fn gaps_that_do_not_double_show_no_t1() {
        let outcome = run("
+0.0 alice -> bob  OPTIONS a1
+4.0 +8.0 again
");
        let options = outcome.only(&Method::Options);
        assert_eq!(timers::estimate_t1(&options.requests), None);
        assert_eq!(
            timers::timeout(options, Thresholds::default().t1),
            Duration::from_secs(32)
        );
    }

    /// A slow server answers each copy; the copies of the answer are retransmissions too.
    #[test]
    fn an_answer_to_each_copy_is_one_answer() {
        let outcome = run("
+0.0 alice -> bob  OPTIONS a1
+0.5 again
+0.6 bob -> alice  200 OPTIONS a1
+0.7 again
");
        assert_eq!(outcome.kinds(), [New, Retransmission, New, Retransmission]);
        assert_eq!(outcome.only(&Method::Options).retransmissions(), 2);
    }
}

mod states {
    use super::*;

    fn state(text: &str, method: &Method) -> State {
        run(text).only(method).state
    }

    #[test]
    fn a_request_without_an_answer_times_out() {
        let text = "
+0.0 alice -> bob  OPTIONS a1
+100 packet
";
        assert_eq!(state(text, &Method::Options), State::TimedOut);
    }

    #[test]
    fn the_complete_ladder_times_out_where_the_capture_ends_with_it() {
        let text = "
+0.0 alice -> bob  INVITE a1
+0.5 +1.5 +3.5 +7.5 +15.5 +31.5 again
";
        assert_eq!(state(text, &Method::Invite), State::TimedOut);
    }

    #[test]
    fn a_request_is_pending_when_the_capture_ends_too_early() {
        let text = "
+0.0 alice -> bob  INVITE a1
+0.5 again
+5 packet
";
        assert_eq!(state(text, &Method::Invite), State::PendingAtEnd);
    }

    /// After a provisional response no timer of the client ends an INVITE (RFC 3261 §17.1.1.2).
    #[test]
    fn an_invite_with_a_provisional_is_pending_however_long() {
        let text = "
+0.0 alice -> bob  INVITE a1
+0.1 bob -> alice  100 INVITE a1
+200 packet
";
        assert_eq!(state(text, &Method::Invite), State::PendingAtEnd);
    }

    #[test]
    fn a_non_invite_with_a_provisional_times_out_all_the_same() {
        let text = "
+0.0 alice -> bob  OPTIONS a1
+0.1 bob -> alice  100 OPTIONS a1
+60 packet
";
        assert_eq!(state(text, &Method::Options), State::TimedOut);
    }

    #[test]
    fn a_final_response_completes_and_its_timers_terminate() {
        let answered = "
+0.0 alice -> bob  OPTIONS a1
+0.1 bob -> alice  200 OPTIONS a1
";
        assert_eq!(state(answered, &Method::Options), State::Completed);
        let later = format!("{answered}\n+60 packet");
        assert_eq!(state(&later, &Method::Options), State::Terminated);
    }

    #[test]
    fn a_late_answer_still_belongs_to_its_request() {
        let outcome = run("
+0.0 alice -> bob  OPTIONS a1
+0.5 +1.5 +3.5 +7.5 +11.5 +15.5 +19.5 +23.5 +27.5 +31.5 again
+33 bob -> alice  200 OPTIONS a1
");
        assert_eq!(codes(outcome.only(&Method::Options)), [200]);
    }

    /// The side that answered hangs up 64*T1 after its 2xx (RFC 3261 §13.3.1.4).
    #[test]
    fn an_unacknowledged_2xx_is_watched_until_its_bye() {
        let outcome = run("
+0.0 alice -> bob tcp  INVITE a1
+1.0 bob -> alice tcp  200 INVITE a1
+33.0 bob -> alice tcp  BYE b1 from=bob;b to=alice;a
+33.1 alice -> bob tcp  200 BYE b1
+80 packet
");
        let closed = outcome.only(&Method::Invite).closed;
        assert!(closed >= outcome.only(&Method::Bye).start());
    }
}

/// What the shorthand of flows stands for, so that cases can be trusted.
#[test]
fn a_line_of_a_flow_is_a_complete_message() {
    let flow = Flow::parse(
        "case",
        &format!(
            "{HOSTS}
+0.0 alice -> proxy  INVITE a1
+0.1 proxy -> bob  INVITE p1/a1
    Content-Type: text/plain
    | hello
+0.2 bob -> proxy  180 INVITE p1/a1
"
        ),
    );
    let texts: Vec<_> = flow
        .packets
        .iter()
        .map(|packet| String::from_utf8_lossy(&packet.data[14 + 20 + 8..]).into_owned())
        .collect();
    assert_eq!(
        texts[1],
        "INVITE sip:bob@example.com SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-p1\r\n\
         Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-a1\r\n\
         Max-Forwards: 69\r\n\
         From: <sip:alice@example.com>;tag=a\r\n\
         To: <sip:bob@example.com>\r\n\
         Call-ID: 1@example.com\r\n\
         CSeq: 1 INVITE\r\n\
         Contact: <sip:alice@192.0.2.10:5060>\r\n\
         Content-Type: text/plain\r\n\
         Content-Length: 7\r\n\
         \r\n\
         hello\r\n"
    );
    assert_eq!(
        texts[2],
        "SIP/2.0 180 Ringing\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-p1\r\n\
         Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-a1\r\n\
         From: <sip:alice@example.com>;tag=a\r\n\
         To: <sip:bob@example.com>;tag=b\r\n\
         Call-ID: 1@example.com\r\n\
         CSeq: 1 INVITE\r\n\
         Contact: <sip:bob@192.0.2.20:5060>\r\n\
         Content-Length: 0\r\n\
         \r\n"
    );
}

/// Who is captured in one direction only has few telephones ringing at a time; a flood is not kept five times as long.
#[test]
fn invites_that_were_sent_once_wait_for_their_ack_but_not_all_of_a_flood() {
    let mut flood = String::new();
    for n in 0..MAX_RINGING_UNSEEN + 76 {
        let (second, milli) = (n / 1000, n % 1000);
        let _ = writeln!(
            flood,
            "+{second}.{milli:03} alice -> bob  INVITE a{n} call={n}"
        );
    }
    flood.push_str("+40 bob -> alice  OPTIONS z call=z\n+300 packet\n");
    let ended = |outcome: &Outcome| {
        outcome
            .report
            .summary
            .limits_hit
            .get("ringing-unseen")
            .copied()
    };
    let outcome = run(&flood);
    assert_eq!(ended(&outcome), Some(76));
    let outcome = run("
+0.0 alice -> bob  INVITE a1
+100.0 alice -> bob  ACK a2 to=bob;b
+300 packet
");
    assert_eq!(ended(&outcome), None);
    let invite = &outcome.seen.transactions[0];
    assert!(invite.answer_implied && invite.acks.len() == 1);
}
