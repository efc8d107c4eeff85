//! How long each room takes for the packets of a small capture: `cargo bench --bench rooms`, and with a name behind `--` only
//! one of them. For finding out what a change does; what CI holds is `benches/budget.sh`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark may stop"
)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sipdiag::capture::{CaptureFacts, FrameNumber, LinkType, Next, Packet, Source, open_files};
use sipdiag::catalogue::{Catalogue, Language};
use sipdiag::engine::{Engine, Options};
use sipdiag::flow::Flow;
use sipdiag::frame::{self, Content};
use sipdiag::report::{Format, RecordKind, Renderer, Settings};
use sipdiag::sip::{Carrier, Message};
use sipdiag::thresholds::Thresholds;
use sipdiag::time::Timestamp;
use sipdiag::transaction::{Arrival, Draft, Keys, Table};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Calls that are answered, directly and through a proxy, refused, overloaded and lost, and a registration that fails.
const CAPTURES: [&str; 6] = [
    "001-call-ok",
    "002-call-ok-through-proxy",
    "004-register-bad-password",
    "011-invite-no-response",
    "017-486-busy",
    "022-503-retry-after",
];
/// The captures that many times, an hour apart, so that all before is over.
const ROUNDS: u32 = 20;
const APART: Duration = Duration::from_hours(1);

struct Owned {
    time: Timestamp,
    link_type: LinkType,
    data: Vec<u8>,
}

impl Owned {
    fn packet(&self, frame: u64) -> Packet<'_> {
        Packet {
            frame: FrameNumber(frame),
            time: self.time,
            link_type: self.link_type,
            interface: 0,
            original_len: u32::try_from(self.data.len()).unwrap(),
            data: &self.data,
        }
    }
}

fn packets() -> Vec<Owned> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let mut all = Vec::new();
    let mut begin = Timestamp::from_nanos(0);
    for _ in 0..ROUNDS {
        for name in CAPTURES {
            let file = folder.join(name).with_extension("pcap");
            let mut source = open_files(&[file], None).unwrap();
            let mut first = None;
            while let Next::Packet(packet) = source.next().unwrap() {
                let since = packet.time.since(*first.get_or_insert(packet.time));
                all.push(Owned {
                    time: begin + since,
                    link_type: packet.link_type,
                    data: packet.data.to_vec(),
                });
            }
            begin = begin + APART;
        }
    }
    all
}

/// The messages with what is known of them.
fn messages(packets: &[Owned]) -> Vec<(Timestamp, Flow, Arc<Message>)> {
    let carrier = Carrier {
        cut: false,
        stream: false,
    };
    let message = |it: &Owned| {
        let packet = it.packet(0);
        let decoded = frame::decode(packet.link_type, packet.data, packet.original_len).ok()?;
        let Content::Datagram(datagram) = decoded.content else {
            return None;
        };
        let message = Message::parse(datagram.payload, carrier)?;
        Some((it.time, datagram.flow, Arc::new(message)))
    };
    packets.iter().filter_map(message).collect()
}

fn rooms(criterion: &mut Criterion) {
    let packets = packets();
    let messages = messages(&packets);
    assert!(messages.len() > 100, "the captures hold SIP over UDP");
    let mut group = criterion.benchmark_group("rooms");

    group.throughput(Throughput::Elements(packets.len() as u64));
    group.bench_function("frame", |bencher| {
        bencher.iter(|| {
            for it in &packets {
                let packet = it.packet(0);
                let _ = black_box(frame::decode(
                    packet.link_type,
                    packet.data,
                    packet.original_len,
                ));
            }
        });
    });

    group.throughput(Throughput::Elements(messages.len() as u64));
    group.bench_function("sip", |bencher| {
        let carrier = Carrier {
            cut: false,
            stream: false,
        };
        bencher.iter(|| {
            for (_, _, message) in &messages {
                black_box(Message::parse(message.raw(), carrier));
            }
        });
    });
    group.bench_function("transaction", |bencher| {
        bencher.iter(|| {
            let mut table = Table::new(&Thresholds::default());
            for (frame, (time, flow, message)) in (1..).zip(&messages) {
                table.advance(*time);
                let keys = Keys::of(message, *flow, None);
                let arrival = Arrival {
                    frame: FrameNumber(frame),
                    time: *time,
                    flow: *flow,
                    message,
                    keys,
                    identification: None,
                    sequence: None,
                    mirrored: false,
                };
                black_box(table.place(&arrival, Draft::of(message, keys, *flow)));
                black_box(table.take_closed());
            }
        });
    });
    group.bench_function("engine", |bencher| {
        bencher.iter(|| {
            let mut engine = Engine::new(Options::default(), ());
            diagnose(&mut engine, &packets);
            black_box(engine.finish(CaptureFacts::default()))
        });
    });
    for (name, format) in [
        ("report-ndjson", Format::Ndjson),
        ("report-table", Format::Table),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let renderer = Renderer::new(format, settings(), std::io::sink());
                let mut engine = Engine::new(Options::default(), renderer);
                diagnose(&mut engine, &packets);
                let (report, renderer) = engine.finish(CaptureFacts::default());
                renderer.finish(&report).unwrap();
            });
        });
    }
    group.finish();
}

fn diagnose<O: sipdiag::engine::Observer>(engine: &mut Engine<O>, packets: &[Owned]) {
    for (frame, it) in (1..).zip(packets) {
        engine.packet(&it.packet(frame));
    }
}

fn settings() -> Settings {
    Settings {
        catalogue: Catalogue::new(Language::English),
        records: RecordKind::DEFAULT.to_vec(),
        all: false,
        width: 100,
        alert_width: None,
        color: false,
        bidi: sipdiag::report::Bidi::default(),
        live: false,
        aliases: sipdiag::report::Aliases::default(),
        raw: false,
        stuck_after: Duration::from_secs(5),
        workers: sipdiag::workers::Workers::default(),
    }
}

criterion_group!(benches, rooms);
criterion_main!(benches);
