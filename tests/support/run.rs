//! Runs the engine over the packets of a case.

use super::flow::{Expectation, Flow, FlowPacket};
use sipdiag::capture::{CaptureFacts, FrameNumber, LinkType, Packet};
use sipdiag::engine::{Engine, Observer, Options, Report, SeenMessage};
use sipdiag::rules::Finding;
use sipdiag::sip::Method;
use sipdiag::thresholds::Thresholds;
use sipdiag::time::Timestamp;
use sipdiag::transaction::{Kind, Placement, Transaction, TransactionId};

/// All that came out.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) report: Report,
    pub(crate) seen: Seen,
}

/// What the engine told while it ran.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) transactions: Vec<Transaction>,
    /// Of each message in time order: its packet, what it is, where it belongs.
    pub(crate) placed: Vec<(FrameNumber, Kind, Option<TransactionId>)>,
}

impl Observer for Seen {
    fn message(&mut self, message: &SeenMessage<'_>, placement: Placement) {
        self.placed
            .push((message.arrival.frame, placement.kind, placement.transaction));
    }

    fn transaction(&mut self, transaction: &Transaction, _: &[&Finding]) {
        self.transactions.push(transaction.clone());
        self.transactions.sort_by_key(|it| it.id);
    }
}

/// When cases begin: 2026-01-01T00:00:00Z.
const EPOCH: i64 = 1_767_225_600_000_000_000;

pub(crate) fn run(packets: &[FlowPacket], facts: &CaptureFacts) -> Outcome {
    run_with(packets, facts, &[], &Thresholds::default())
}

fn run_with(
    packets: &[FlowPacket],
    facts: &CaptureFacts,
    passwords: &[(String, String)],
    thresholds: &Thresholds,
) -> Outcome {
    let options = Options {
        thresholds: *thresholds,
        ..Options::default()
    };
    let (report, seen) = observe(packets, facts, passwords, options, Seen::default(), false);
    Outcome { report, seen }
}

/// Runs any observer; `live` says that the clock goes on with each packet.
fn observe<O: Observer>(
    packets: &[FlowPacket],
    facts: &CaptureFacts,
    passwords: &[(String, String)],
    options: Options,
    observer: O,
    live: bool,
) -> (Report, O) {
    let mut engine = Engine::new(options, observer);
    for (name, password) in passwords {
        let taken = engine.passwords_mut().add(name, password.as_bytes());
        assert_eq!(taken, Ok(()), "{name}");
    }
    for (packet, number) in packets.iter().zip(1..) {
        let time = Timestamp::from_nanos(EPOCH + packet.time);
        engine.packet(&Packet {
            frame: FrameNumber(number),
            time,
            link_type: LinkType::ETHERNET,
            interface: 0,
            original_len: packet.original_len,
            data: &packet.data,
        });
        if live {
            engine.advance(time);
        }
    }
    engine.finish(facts.clone())
}

impl Flow {
    /// A pcap file with nanoseconds and Ethernet, from ten o'clock on.
    pub(crate) fn pcap(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1] {
            bytes.extend(word.to_le_bytes());
        }
        for packet in &self.packets {
            let (seconds, nanos) = (packet.time / 1_000_000_000, packet.time % 1_000_000_000);
            let seconds = u32::try_from(1_767_261_600 + seconds).unwrap();
            let captured = u32::try_from(packet.data.len()).unwrap();
            for word in [
                seconds,
                u32::try_from(nanos).unwrap(),
                captured,
                packet.original_len,
            ] {
                bytes.extend(word.to_le_bytes());
            }
            bytes.extend(&packet.data);
        }
        bytes
    }

    pub(crate) fn run(&self) -> Outcome {
        self.run_set(&Thresholds::default())
    }

    pub(crate) fn observe<O: Observer>(
        &self,
        options: Options,
        observer: O,
        live: bool,
    ) -> (Report, O) {
        observe(
            &self.packets,
            &self.facts,
            &self.passwords,
            options,
            observer,
            live,
        )
    }

    pub(crate) fn run_set(&self, thresholds: &Thresholds) -> Outcome {
        run_with(&self.packets, &self.facts, &self.passwords, thresholds)
    }
}

impl Outcome {
    /// The findings as headers of flows word them, in the report's order.
    pub(crate) fn findings(&self) -> Vec<Expectation> {
        self.report
            .findings
            .iter()
            .map(|finding| self.worded(finding))
            .collect()
    }

    fn worded(&self, finding: &Finding) -> Expectation {
        let so_far = if finding.so_far { " so-far" } else { "" };
        let cause = finding
            .consequence_of
            .and_then(|id| self.report.findings.iter().find(|it| it.id == id))
            .map_or_else(String::new, |cause| {
                format!(" consequence-of {}", cause.name())
            });
        Expectation(format!(
            "{} {} {}{so_far}{cause}",
            finding.name(),
            finding.severity,
            finding.confidence.name(),
        ))
    }

    /// The one transaction of that method.
    pub(crate) fn only(&self, method: &Method) -> &Transaction {
        let all = self.all(method);
        let [one] = all.as_slice() else {
            panic!("{} {} transactions", all.len(), method.name());
        };
        one
    }

    pub(crate) fn all(&self, method: &Method) -> Vec<&Transaction> {
        self.seen
            .transactions
            .iter()
            .filter(|it| it.method == *method)
            .collect()
    }

    /// What each message was to its transaction, in time order.
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        self.seen.placed.iter().map(|(_, kind, _)| *kind).collect()
    }
}
