//! HEP over TCP and TLS: packets of version 3 one after the other, a thread a connection.

use super::intake::{Intake, PATIENCE, Taken, count};
use super::{Framing, frame_len};
use crate::capture::live::now;
use crate::hash::HashMap;
use crate::limits::{HEP_CONNECTIONS, HEP_CONNECTIONS_OF_ONE, HEP_IDLE, HEP_UNFINISHED};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::{Duration, Instant};

/// How often a silent connection looks whether it is over.
const TICK: Duration = Duration::from_millis(250);

/// The same for a socket that waits for connections.
const ACCEPT_TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// How long a TLS handshake may take to be sent.
const WRITE_TIMEOUT: Duration = Duration::from_millis(500);

/// Bytes read at a time.
const CHUNK: usize = 16 * 1024;

/// Stack of a connection's thread: its chunk, the cryptography of a handshake, and room.
const STACK: usize = 512 * 1024;

/// A socket that waits for connections.
pub(super) struct Tcp {
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    connections: Arc<Connections>,
}

impl Tcp {
    pub(super) fn open(
        address: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
        connections: &Arc<Connections>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            tls,
            connections: Arc::clone(connections),
        })
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Takes connections until it is over; what is wrong with one of them ends that one only.
    pub(super) fn listen(self, intake: Intake) {
        let mut threads: Vec<JoinHandle<()>> = Vec::new();
        while !intake.is_over() {
            let mut wanted = [PollFd::new(&self.listener, PollFlags::IN)];
            let ready = poll(&mut wanted, Some(&ACCEPT_TICK)).unwrap_or(0);
            threads.retain(|thread| !thread.is_finished());
            if ready == 0 {
                continue;
            }
            match self.listener.accept() {
                Ok((stream, from)) => {
                    threads.extend(self.admit(stream, from.ip().to_canonical(), &intake));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // The caller is gone already, or there are no descriptors left for now.
                Err(_) => sleep(PATIENCE),
            }
        }
        for thread in threads {
            // A thread that panicked has nothing more to say.
            let _ = thread.join();
        }
        intake.end(None, None);
    }

    fn admit(&self, stream: TcpStream, source: IpAddr, intake: &Intake) -> Option<JoinHandle<()>> {
        if !intake.shared.admits(source) {
            return None;
        }
        let counters = &intake.shared.counters;
        let Some(place) = Place::take(&self.connections, source) else {
            count(&counters.too_many);
            return None;
        };
        stream.set_nonblocking(false).ok()?;
        stream.set_read_timeout(Some(TICK)).ok()?;
        stream.set_write_timeout(Some(WRITE_TIMEOUT)).ok()?;
        let connection = Connection {
            source,
            intake: intake.beside(),
            pending: Vec::new(),
            heard: Instant::now(),
            finished: Instant::now(),
        };
        let Ok(tls) = self.tls.clone().map(ServerConnection::new).transpose() else {
            count(&counters.tls_failed);
            return None;
        };
        let thread = Builder::new()
            .name(format!("hep {source}"))
            .stack_size(STACK)
            .spawn(move || {
                let _place = place;
                match tls {
                    Some(tls) => connection.serve(StreamOwned::new(tls, stream)),
                    None => connection.serve(stream),
                }
            });
        if thread.is_err() {
            count(&counters.too_many);
        }
        thread.ok()
    }
}

/// What bytes come from.
trait Peer: Read {
    /// Whether it is still being agreed how to speak.
    fn is_handshaking(&self) -> bool {
        false
    }
}

impl Peer for TcpStream {}

impl Peer for StreamOwned<ServerConnection, TcpStream> {
    fn is_handshaking(&self) -> bool {
        self.conn.is_handshaking()
    }
}

/// One connection.
struct Connection {
    source: IpAddr,
    intake: Intake,
    /// The start of a packet that is not all there.
    pending: Vec<u8>,
    /// When something came last.
    heard: Instant,
    /// When nothing was pending last.
    finished: Instant,
}

impl Connection {
    fn serve(mut self, mut peer: impl Peer) {
        let mut chunk = [0; CHUNK];
        while !self.intake.is_over() {
            match peer.read(&mut chunk) {
                Ok(0) => break,
                Ok(len) => {
                    self.heard = Instant::now();
                    self.pending
                        .extend_from_slice(chunk.get(..len).unwrap_or_default());
                    if !self.cut() {
                        break;
                    }
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                    // What rustls says when the peer breaks TLS, or gives it up.
                    ErrorKind::InvalidData => {
                        count(&self.intake.shared.counters.tls_failed);
                        break;
                    }
                    _ => break,
                },
            }
            let busy = peer.is_handshaking() || !self.pending.is_empty();
            if !busy {
                self.finished = Instant::now();
            }
            if self.heard.elapsed() > HEP_IDLE || self.finished.elapsed() > HEP_UNFINISHED {
                count(&self.intake.shared.counters.silent);
                break;
            }
        }
        self.intake.hand_on(None);
    }

    /// Takes the packets that are all there; false when the connection is of no use any more.
    fn cut(&mut self) -> bool {
        let mut start = 0;
        let useful = loop {
            let rest = self.pending.get(start..).unwrap_or_default();
            let packet = match frame_len(rest) {
                Framing::Len(len) => rest.get(..len),
                Framing::Needed => None,
                Framing::NotHep => {
                    count(&self.intake.shared.counters.not_hep);
                    break false;
                }
            };
            let Some(packet) = packet else {
                break true;
            };
            match self.intake.take(self.source, packet, now()) {
                Taken::Yes => {}
                Taken::NotHep => break false,
                Taken::NoRoom => {
                    // Nothing is lost: the peer waits until what it sent before was read.
                    if !self.intake.hand_on(None) || self.intake.is_over() {
                        break false;
                    }
                    sleep(PATIENCE);
                    continue;
                }
            }
            start += packet.len();
            self.finished = Instant::now();
        };
        self.pending.drain(..start);
        self.intake.hand_on(None) && useful
    }
}

/// How many connections are open, in all and of each address.
#[derive(Debug, Default)]
pub(super) struct Connections(Mutex<HashMap<IpAddr, usize>>);

impl Connections {
    fn by_source(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Numbers are whole whoever panicked meanwhile.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection; free again when it is gone.
struct Place {
    connections: Arc<Connections>,
    source: IpAddr,
}

impl Place {
    fn take(connections: &Arc<Connections>, source: IpAddr) -> Option<Self> {
        let mut by_source = connections.by_source();
        let of_one = by_source.get(&source).copied().unwrap_or(0);
        let total: usize = by_source.values().sum();
        if of_one >= HEP_CONNECTIONS_OF_ONE || total >= HEP_CONNECTIONS {
            return None;
        }
        by_source.insert(source, of_one + 1);
        Some(Self {
            connections: Arc::clone(connections),
            source,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_source = self.connections.by_source();
        if let Some(of_one) = by_source.get_mut(&self.source) {
            *of_one -= 1;
            if *of_one == 0 {
                by_source.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::intake::Shared;
    use super::super::queue::Load;
    use super::*;
    use crate::capture::listener::Event;
    use std::collections::VecDeque;
    use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};

    /// Gives a step a read, an empty one as a read that timed out; then closes.
    struct Script(VecDeque<Vec<u8>>);

    impl Read for Script {
        fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
            match self.0.pop_front() {
                Some(bytes) if bytes.is_empty() => Err(ErrorKind::WouldBlock.into()),
                Some(bytes) => bytes.as_slice().read(space),
                None => Ok(0),
            }
        }
    }

    impl Peer for Script {}

    fn script<const N: usize>(steps: [&[u8]; N]) -> Script {
        Script(steps.iter().map(|bytes| bytes.to_vec()).collect())
    }

    const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// One packet without any chunk that matters.
    const PACKET: &[u8] = b"HEP3\0\x0c\0\x07\0\0\0\x06";

    fn connection(shared: &Arc<Shared>, silent_for: Duration) -> (Connection, Receiver<Event>) {
        let (sender, events) = sync_channel(100);
        let intake = Intake::new(Arc::clone(shared), Arc::default(), sender, 0);
        let since = Instant::now().checked_sub(silent_for).expect("a moment");
        let connection = Connection {
            source: SOURCE,
            intake,
            pending: Vec::new(),
            heard: since,
            finished: since,
        };
        (connection, events)
    }

    fn packets(events: &Receiver<Event>) -> usize {
        events
            .iter()
            .map(|event| match event {
                Event::Batch(batch) => batch.packets.len(),
                Event::Ended { .. } => 0,
            })
            .sum()
    }

    #[test]
    fn a_peer_waits_while_there_is_no_room_and_loses_nothing() {
        let shared = Arc::new(Shared::new(&[]));
        let mut full = Load::new(&shared.queued);
        while full.add(SOURCE, 0) {}
        let (connection, events) = connection(&shared, Duration::ZERO);
        let peer = script([PACKET, &[PACKET, PACKET].concat()]);
        let thread = std::thread::spawn(move || connection.serve(peer));
        assert!(matches!(
            events.recv_timeout(PATIENCE * 3),
            Err(RecvTimeoutError::Timeout)
        ));
        drop(full);
        assert_eq!(packets(&events), 3);
        thread.join().expect("no panic");
        assert_eq!(shared.facts().not_hep, 0);
    }

    #[test]
    fn a_peer_that_says_nothing_or_never_ends_is_closed_and_counted() {
        let shared = Arc::new(Shared::new(&[]));
        let nothing: &[u8] = b"";
        // The last packet would be taken from a peer that was not closed.
        let (silent, events) = connection(&shared, HEP_IDLE + PATIENCE);
        silent.serve(script([nothing, PACKET]));
        assert_eq!((packets(&events), shared.facts().silent), (0, 1));
        let (half, events) = connection(&shared, HEP_UNFINISHED + PATIENCE);
        half.serve(script([&PACKET[..7], nothing, &PACKET[7..]]));
        assert_eq!((packets(&events), shared.facts().silent), (0, 2));
        // Between packets it may take its time.
        let (slow, events) = connection(&shared, HEP_UNFINISHED + PATIENCE);
        slow.serve(script([nothing, &PACKET[..7], nothing, &PACKET[7..]]));
        assert_eq!((packets(&events), shared.facts().silent), (1, 2));
    }

    #[test]
    fn connections_have_an_end_of_one_address_and_of_all() {
        let connections = Arc::default();
        let host = |number: u8| IpAddr::from([192, 0, 2, number]);
        let take =
            |source| std::iter::from_fn(|| Place::take(&connections, source)).collect::<Vec<_>>();
        let first = take(host(1));
        assert_eq!(first.len(), HEP_CONNECTIONS_OF_ONE);
        let others: Vec<_> = (2..100).flat_map(|number| take(host(number))).collect();
        assert_eq!(first.len() + others.len(), HEP_CONNECTIONS);
        drop(first);
        assert!(Place::take(&connections, host(200)).is_some());
        drop(others);
        assert!(connections.by_source().is_empty());
    }
}
