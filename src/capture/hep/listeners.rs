//! Opening HEP listeners.

use super::intake::{Intake, Shared};
use super::options::{Carrier, HepAddress, HepOptions};
use super::tcp::{Connections, Tcp};
use super::tls;
use super::udp::Udp;
use crate::capture::CaptureError;
use crate::capture::listener::Event;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::SyncSender;

/// A socket that is open.
pub(in crate::capture) struct HepListener {
    /// Its address with the port that the system chose.
    pub(in crate::capture) name: String,
    socket: Socket,
    shared: Arc<Shared>,
}

enum Socket {
    Udp(Udp),
    Tcp(Tcp),
}

/// Opens them all.
pub(in crate::capture) fn open(
    options: &HepOptions,
    shared: &Arc<Shared>,
) -> Result<Vec<HepListener>, CaptureError> {
    let connections = Arc::default();
    let mut tls = None;
    let mut listeners = Vec::new();
    for address in &options.listen {
        if address.carrier == Carrier::Tls && tls.is_none() {
            let (chain, key) =
                options
                    .certificate
                    .as_ref()
                    .ok_or_else(|| CaptureError::NoCertificate {
                        name: address.to_string(),
                    })?;
            tls = Some(tls::config(chain, key)?);
        }
        let tls = tls.clone().filter(|_| address.carrier == Carrier::Tls);
        let opened = bind(address, |at| match address.carrier {
            Carrier::Udp => {
                let udp = Udp::open(at)?;
                Ok((udp.address()?, Socket::Udp(udp)))
            }
            Carrier::Tcp | Carrier::Tls => open_tcp(at, tls.as_ref(), &connections),
        });
        let (bound, socket) = opened.map_err(|reason| CaptureError::Bind {
            name: address.to_string(),
            reason,
        })?;
        listeners.push(HepListener {
            name: format!("{}://{bound}", address.carrier.name()),
            socket,
            shared: Arc::clone(shared),
        });
    }
    Ok(listeners)
}

fn open_tcp(
    at: SocketAddr,
    tls: Option<&Arc<rustls::ServerConfig>>,
    connections: &Arc<Connections>,
) -> io::Result<(SocketAddr, Socket)> {
    let tcp = Tcp::open(at, tls.cloned(), connections)?;
    Ok((tcp.address()?, Socket::Tcp(tcp)))
}

/// Opens at the first of a name's addresses that is one of this machine.
fn bind<T>(address: &HepAddress, open: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for at in (address.host.as_str(), address.port).to_socket_addrs()? {
        match open(at) {
            Ok(opened) => return Ok(opened),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

impl HepListener {
    /// Receives until `halt`.
    pub(in crate::capture) fn listen(
        self,
        input: usize,
        halt: &Arc<AtomicBool>,
        events: &SyncSender<Event>,
    ) {
        let intake = Intake::new(self.shared, Arc::clone(halt), events.clone(), input);
        match self.socket {
            Socket::Udp(udp) => udp.listen(intake),
            Socket::Tcp(tcp) => tcp.listen(intake),
        }
    }
}
