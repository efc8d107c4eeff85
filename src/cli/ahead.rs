//! Reading ahead: one thread takes packets from the source and opens them, the other follows the calls. Order is kept, so that
//! the answer is the same with any number of threads.

use crate::capture::{CaptureError, FrameNumber, LinkType, Next, Packet, Source};
use crate::engine::{Events, InOrder, Intake, Passing, Prepared, Refused, Remains};
use crate::time::Timestamp;
use crate::workers::{Helper, Workers};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::time::Duration;
use zeroize::Zeroizing;

/// Bytes of packets that change hands at once: they stay in the second-level cache. What waited for one of them comes with it.
const BATCH_BYTES: usize = 256 * 1024;
/// Packets that change hands at once: few, so that small ones do not wait long.
const BATCH_PACKETS: usize = 1024;
/// Batches that may wait: more would only use memory.
const BATCHES: usize = 4;
/// How long to wait for room where there is nothing else to do: little beside the time that a batch takes.
const NAP: Duration = Duration::from_micros(50);
/// Packets after which a reader that is far enough ahead asks whether it can help: little beside the time that helping takes.
const PACKETS_BETWEEN_HELP: usize = 16;
/// Batches one after the other that the taker had to wait for, after which the reader does only what nobody else can.
const BATCHES_BEHIND: u32 = 8;
/// Batches that wait for a taker who will not soon have to wait for one.
const FAR_AHEAD: usize = 2;

/// What came from the source, in its order.
enum Item {
    /// A packet, the next of those that are held, which nobody has opened.
    Packet,
    /// The next of those that were opened; the packet, the next of those that are held, only where somebody wants to see it.
    Prepared,
    /// The next of those of which all is told in few bytes, so many.
    Passing(usize),
    /// The next of the messages that nothing can overtake any more.
    InOrder,
    /// A key log, with what it opened.
    Keylog(Box<(Zeroizing<Vec<u8>>, Option<Events>)>),
    Gap(Timestamp, Timestamp),
    /// A packet that the filter refused.
    Refused(Timestamp),
    /// Such ones, whose time has passed already.
    PassedOver(Box<Refused>),
}

/// A packet whose bytes are in the batch.
struct Held {
    frame: FrameNumber,
    time: Timestamp,
    link_type: LinkType,
    interface: u32,
    original_len: u32,
    data: Range<usize>,
}

/// Packets with their bytes.
#[derive(Default)]
struct Batch {
    items: Vec<Item>,
    held: Vec<Held>,
    bytes: Vec<u8>,
    prepared: Vec<Prepared>,
    passing: Vec<Passing>,
    in_order: Vec<InOrder>,
    /// How many packets and key logs it has, refused ones too, and how many bytes those, also where they are not held.
    packets: usize,
    length: usize,
    /// What is left of the calls that were judged with the last one: it goes where it came from.
    remains: Remains,
}

impl Batch {
    /// Holds a packet with its bytes.
    fn hold(&mut self, packet: &Packet<'_>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(packet.data);
        self.held.push(Held {
            frame: packet.frame,
            time: packet.time,
            link_type: packet.link_type,
            interface: packet.interface,
            original_len: packet.original_len,
            data: start..self.bytes.len(),
        });
    }

    /// Takes a packet that was opened, and is not held.
    #[inline]
    fn take(&mut self, prepared: Prepared) {
        let Some(passing) = prepared.passing() else {
            self.items.push(Item::Prepared);
            self.prepared.push(prepared);
            return;
        };
        self.passing.push(passing);
        if let Some(Item::Passing(count)) = self.items.last_mut() {
            *count += 1;
        } else {
            self.items.push(Item::Passing(1));
        }
    }

    /// Takes what nothing can overtake any more.
    #[inline]
    fn take_in_order(&mut self, intake: Option<&mut Intake>) {
        let Some(intake) = intake else { return };
        while let Some(next) = intake.next_in_order() {
            self.items.push(Item::InOrder);
            self.in_order.push(next);
        }
    }

    /// Takes the time of a packet that the filter refused.
    fn pass_over(&mut self, refused: Refused) {
        let refused = match self.items.last_mut() {
            Some(Item::PassedOver(before)) => before.join(refused),
            _ => Some(refused),
        };
        let refused = refused.map(|it| Item::PassedOver(Box::new(it)));
        self.items.extend(refused);
    }

    /// Whether enough is in it to change hands.
    const fn is_full(&self) -> bool {
        self.length >= BATCH_BYTES || self.packets >= BATCH_PACKETS
    }
}

impl Held {
    fn packet(self, bytes: &[u8]) -> Packet<'_> {
        Packet {
            frame: self.frame,
            time: self.time,
            link_type: self.link_type,
            interface: self.interface,
            original_len: self.original_len,
            data: bytes.get(self.data).unwrap_or_default(),
        }
    }
}

/// What the engine takes next.
pub(super) enum Step<'a> {
    /// A packet that nobody has opened.
    Packet(Packet<'a>),
    /// One that was opened; the packet only where somebody wants to see it.
    Prepared(Option<Packet<'a>>, Prepared),
    /// Some of which all is told in few bytes.
    Passing(&'a [Passing]),
    /// What nothing can overtake any more, with what comes behind it.
    InOrder(InOrder, &'a [InOrder]),
    /// See [`Next::Keylog`]; what it opened, where packets are opened ahead.
    Keylog(Zeroizing<Vec<u8>>, Option<Events>),
    /// See [`Next::Gap`].
    Gap(Timestamp, Timestamp),
    /// See [`Next::Refused`].
    Refused(Timestamp),
    /// Such packets, whose time has passed already.
    PassedOver(Refused),
}

/// Runs `taker` in a thread of its own on all that the source has, until it wants no more; returns what it returns in the end.
/// `whole` says that somebody wants to see the packets, `intake` opens them where that may be done ahead. `look` is called now
/// and then to see how far the source is. The `workers` must be several.
///
/// # Errors
/// When the source fails.
pub(super) fn run<T: Send>(
    source: &mut dyn Source,
    whole: bool,
    intake: Option<&mut Intake>,
    taker: impl FnOnce(&mut dyn Iterator<Item = Batched>) -> T + Send,
    look: &mut (dyn FnMut(&dyn Source) + Send),
    workers: &Workers,
) -> Result<T, CaptureError> {
    let (full, incoming) = sync_channel(BATCHES);
    let (empty, returned) = channel();
    let waiting = &AtomicUsize::new(0);
    let (read, end) = workers.both(
        move |helper| {
            let outlet = Outlet {
                full,
                returned,
                waiting,
                helper,
            };
            read(source, whole, intake, &outlet, look)
        },
        move || {
            taker(&mut Incoming {
                whole,
                full: incoming,
                waiting,
                empty,
            })
        },
    );
    read.map(|()| end)
}

/// Where batches go that are full, and where others come from.
struct Outlet<'a> {
    full: SyncSender<Batch>,
    returned: Receiver<Batch>,
    /// How many batches nobody has taken yet.
    waiting: &'a AtomicUsize,
    helper: &'a Helper<'a>,
}

impl Outlet<'_> {
    /// Hands on a batch, and does what the taker shares with all until there is room for it. Whether anybody wants more.
    fn hand_on(&self, mut batch: Batch) -> bool {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        loop {
            batch = match self.full.try_send(batch) {
                Ok(()) => return true,
                Err(TrySendError::Disconnected(_)) => return false,
                Err(TrySendError::Full(batch)) => batch,
            };
            if !self.helper.help() {
                std::thread::sleep(NAP);
            }
        }
    }

    /// Does a part of what the taker shares with all, where it has enough to go on with after that.
    fn help(&self) {
        if self.waiting.load(Ordering::Relaxed) >= FAR_AHEAD {
            self.helper.help();
        }
    }

    /// Whether the taker has all that there was.
    fn is_behind(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0
    }

    /// A batch with nothing in it.
    fn empty(&self) -> Batch {
        let mut batch = self.returned.try_recv().unwrap_or_default();
        batch.remains = Remains::default();
        batch
    }
}

/// A batch on its way; when it is dropped, its memory is used again.
pub(super) struct Batched {
    batch: Batch,
    /// Whether packets that were opened are held too.
    whole: bool,
    empty: Sender<Batch>,
}

impl Batched {
    /// Hands on what is in it until `take` wants no more; whether it wants more.
    pub(super) fn each(&mut self, mut take: impl FnMut(Step<'_>) -> bool) -> bool {
        let Batch {
            bytes,
            items,
            held,
            prepared,
            passing,
            in_order,
            ..
        } = &mut self.batch;
        let mut in_order = in_order.drain(..);
        let mut prepared = prepared.drain(..);
        let mut passing = passing.as_slice();
        let mut packets = held.drain(..).map(|it| it.packet(bytes));
        for item in items.drain(..) {
            let step = match item {
                Item::Keylog(opened) => Step::Keylog(opened.0, opened.1),
                Item::Gap(from, until) => Step::Gap(from, until),
                Item::Refused(time) => Step::Refused(time),
                Item::PassedOver(refused) => Step::PassedOver(*refused),
                Item::Packet => match packets.next() {
                    Some(packet) => Step::Packet(packet),
                    None => continue,
                },
                Item::InOrder => match in_order.next() {
                    Some(next) => Step::InOrder(next, in_order.as_slice()),
                    None => continue,
                },
                Item::Prepared => match prepared.next() {
                    Some(prepared) => {
                        let packet = self.whole.then(|| packets.next()).flatten();
                        Step::Prepared(packet, prepared)
                    }
                    None => continue,
                },
                Item::Passing(count) => {
                    let Some(these) = passing.split_off(..count) else {
                        continue;
                    };
                    Step::Passing(these)
                }
            };
            if !take(step) {
                return false;
            }
        }
        true
    }

    /// Whether messages are in it that were read ahead, and not only packets of which the engine makes messages.
    pub(super) const fn has_messages(&self) -> bool {
        !self.batch.in_order.is_empty()
    }

    /// Takes what the engine lets go of.
    pub(super) fn take_back(&mut self, remains: Remains) {
        self.batch.remains = remains;
    }
}

impl Drop for Batched {
    fn drop(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        batch.bytes.clear();
        batch.held.clear();
        batch.items.clear();
        batch.prepared.clear();
        batch.passing.clear();
        batch.in_order.clear();
        batch.packets = 0;
        batch.length = 0;
        // Nobody waits for it any more when the source has ended.
        let _ = self.empty.send(batch);
    }
}

struct Incoming<'a> {
    whole: bool,
    full: Receiver<Batch>,
    waiting: &'a AtomicUsize,
    empty: Sender<Batch>,
}

impl Iterator for Incoming<'_> {
    type Item = Batched;

    fn next(&mut self) -> Option<Batched> {
        let batch = self.full.recv().ok()?;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        Some(Batched {
            whole: self.whole,
            batch,
            empty: self.empty.clone(),
        })
    }
}

/// Reads until the source ends or nobody wants more.
fn read(
    source: &mut dyn Source,
    whole: bool,
    mut intake: Option<&mut Intake>,
    outlet: &Outlet<'_>,
    look: &mut (dyn FnMut(&dyn Source) + Send),
) -> Result<(), CaptureError> {
    let mut batch = Batch::default();
    let mut behind = 0;
    for step in 1_usize.. {
        if step % PACKETS_BETWEEN_HELP == 0 {
            outlet.help();
        }
        match source.next()? {
            Next::Packet(packet) => {
                batch.packets += 1;
                batch.length += packet.data.len();
                match intake.as_mut().map(|it| it.packet(&packet)) {
                    Some(prepared) if !whole => batch.take(prepared),
                    prepared => {
                        batch.hold(&packet);
                        batch.items.push(match prepared {
                            Some(_) => Item::Prepared,
                            None => Item::Packet,
                        });
                        batch.prepared.extend(prepared);
                    }
                }
                batch.take_in_order(intake.as_deref_mut());
            }
            Next::Refused(time) => {
                batch.packets += 1;
                match intake.as_mut() {
                    Some(intake) => batch.pass_over(intake.refused(time)),
                    None => batch.items.push(Item::Refused(time)),
                }
                batch.take_in_order(intake.as_deref_mut());
            }
            Next::Keylog(text) => {
                batch.packets += 1;
                batch.length += text.len();
                let events = intake.as_mut().map(|it| it.keylog(&text));
                batch.items.push(Item::Keylog(Box::new((text, events))));
            }
            Next::Gap(from, until) => batch.items.push(Item::Gap(from, until)),
            // Only interfaces are idle, and they are not read ahead.
            Next::Idle(_) => {}
            Next::End => {
                outlet.hand_on(batch);
                break;
            }
        }
        if batch.is_full() {
            look(source);
            behind = if outlet.is_behind() { behind + 1 } else { 0 };
            if let Some(intake) = &mut intake {
                // What is read when it is asked is in no cache any more, which pays where the taker would only wait.
                intake.only_read(behind >= BATCHES_BEHIND);
            }
            if !outlet.hand_on(std::mem::replace(&mut batch, outlet.empty())) {
                break;
            }
        }
    }
    Ok(())
}
