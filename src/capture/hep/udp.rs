//! HEP over UDP: a packet a datagram.

use super::intake::{Intake, PATIENCE, Taken};
use crate::capture::Drops;
use crate::capture::live::now;
use crate::limits::HEP_RECEIVE_BUFFER;
use rustix::net::sockopt;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// How often the kernel's drop count is read.
const STATISTICS: Duration = Duration::from_secs(1);

/// The longest datagram there is.
const LONGEST: usize = 65_536;

/// A socket that is open.
pub(super) struct Udp {
    socket: UdpSocket,
    inode: Option<String>,
    dropped: u64,
}

impl Udp {
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        // Root may have more than the system's limit; what the kernel allows is enough to go on with.
        if sockopt::set_socket_recv_buffer_size_force(&socket, HEP_RECEIVE_BUFFER).is_err() {
            let _ = sockopt::set_socket_recv_buffer_size(&socket, HEP_RECEIVE_BUFFER);
        }
        Ok(Self {
            inode: inode(&socket),
            socket,
            dropped: 0,
        })
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Receives until it is over.
    pub(super) fn listen(mut self, mut intake: Intake) {
        let mut buffer = vec![0; LONGEST];
        let mut statistics = Instant::now();
        let reason = loop {
            match self.socket.recv_from(&mut buffer) {
                Ok((len, from)) => {
                    let packet = buffer.get(..len).unwrap_or_default();
                    self.datagram(from, packet, &mut intake);
                }
                Err(error) if passes(error.kind()) => {}
                Err(error) => break Some(error.to_string()),
            }
            if intake.is_due() {
                let due = statistics.elapsed() > STATISTICS;
                let drops = due.then(|| {
                    statistics = Instant::now();
                    self.drops()
                });
                if !intake.hand_on(drops) {
                    return;
                }
            }
            if intake.is_over() {
                break None;
            }
        };
        let drops = self.drops();
        intake.end(Some(drops), reason);
    }

    fn datagram(&mut self, from: SocketAddr, packet: &[u8], intake: &mut Intake) {
        let source = from.ip().to_canonical();
        if intake.shared.admits(source) && intake.take(source, packet, now()) == Taken::NoRoom {
            self.dropped += 1;
        }
    }

    fn drops(&self) -> Drops {
        Drops {
            by_kernel: self.inode.as_deref().and_then(dropped_by_kernel),
            by_interface: Some(self.dropped),
        }
    }
}

/// Whether a socket that failed so may go on: nothing came in time, or an earlier answer found nobody.
fn passes(error: ErrorKind) -> bool {
    matches!(
        error,
        ErrorKind::WouldBlock
            | ErrorKind::TimedOut
            | ErrorKind::Interrupted
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
    )
}

/// What Linux calls the socket in its tables; `None` where it does not say.
fn inode(socket: &UdpSocket) -> Option<String> {
    let link = fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).ok()?;
    let inode = link
        .to_str()?
        .strip_prefix("socket:[")?
        .strip_suffix(']')?
        .to_owned();
    Some(inode)
}

/// The datagrams that did not fit into a socket's buffer, from Linux's table of sockets: `None` where there is none.
fn dropped_by_kernel(inode: &str) -> Option<u64> {
    ["/proc/net/udp", "/proc/net/udp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .find_map(|table| drops_in(&table, inode))
}

/// Columns of the table: the tenth is the inode, the last the drops.
fn drops_in(table: &str, inode: &str) -> Option<u64> {
    table.lines().find_map(|line| {
        let mut columns = line.split_ascii_whitespace();
        let found = columns.nth(9) == Some(inode);
        found.then(|| columns.last()?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drops_of_a_socket_are_in_the_line_of_its_inode() {
        let table = "\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  338: 0100007F:2364 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 0
 2021: 00000000:13C4 00000000:0000 07 00000000:00033A00 00:00000000 00000000     0        0 4712 2 0000000000000000 1234
";
        assert_eq!(drops_in(table, "4711"), Some(0));
        assert_eq!(drops_in(table, "4712"), Some(1234));
        assert_eq!(drops_in(table, "471"), None);
        assert_eq!(drops_in(table, "inode"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_finds_its_own_line() {
        let udp = Udp::open(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a socket");
        assert_eq!(udp.drops().by_kernel, Some(0));
    }
}
