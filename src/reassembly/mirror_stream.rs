//! Cuts HEP packets out of a stream: agents send them one behind the other over TCP, each with its length.

use crate::capture::hep::{self, Framing};

/// One direction of a connection that carries HEP.
#[derive(Debug, Default)]
pub(super) struct MirrorStream {
    /// The beginning of a packet.
    started: Vec<u8>,
    packets: u64,
    /// Whether the place of the next packet is unknown.
    lost: bool,
}

impl MirrorStream {
    /// Takes the next bytes and hands on the packets that are whole now.
    pub(super) fn bytes(&mut self, bytes: &[u8], out: &mut impl FnMut(&[u8])) {
        if self.lost {
            // Agents begin a packet with a segment.
            if hep::frame_len(bytes) == Framing::NotHep {
                return;
            }
            self.lost = false;
        }
        if self.started.is_empty() {
            let used = self.cut(bytes, out);
            self.started = bytes.get(used..).unwrap_or_default().to_vec();
        } else {
            let mut started = std::mem::take(&mut self.started);
            started.extend_from_slice(bytes);
            let used = self.cut(&started, out);
            started.drain(..used.min(started.len()));
            self.started = started;
        }
        if self.lost {
            self.started = Vec::new();
        }
    }

    /// Bytes are missing here.
    pub(super) fn gap(&mut self) {
        self.started = Vec::new();
        self.lost = true;
    }

    /// How many packets there were.
    pub(super) const fn packets(&self) -> u64 {
        self.packets
    }

    /// Bytes that wait for the rest of their packet.
    pub(super) fn held(&self) -> usize {
        self.started.capacity()
    }

    fn cut(&mut self, bytes: &[u8], out: &mut impl FnMut(&[u8])) -> usize {
        let mut used = 0;
        while let Some(rest) = bytes.get(used..).filter(|rest| !rest.is_empty()) {
            match hep::frame_len(rest) {
                Framing::Needed => break,
                Framing::NotHep => {
                    self.lost = true;
                    break;
                }
                Framing::Len(len) => {
                    let Some(packet) = rest.get(..len) else {
                        break;
                    };
                    self.packets += 1;
                    out(packet);
                    used += len;
                }
            }
        }
        used
    }
}
