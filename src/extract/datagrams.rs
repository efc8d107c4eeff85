//! Which packets are the fragments of one IP datagram.

use crate::capture::FrameNumber;
use crate::flow::{Flow, Transport};
use crate::frame::{Fragment, FragmentedDatagram};
use crate::hash::HashMap;
use crate::limits::MAX_EXTRACT_RECENT;
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Its number in an IP header.
const UDP: u8 = 17;

/// The datagrams whose fragments came lately.
#[derive(Debug, Default)]
pub(super) struct Datagrams {
    fragments: HashMap<FragmentedDatagram, VecDeque<FrameNumber>>,
    /// In order.
    recent: VecDeque<(FrameNumber, FragmentedDatagram)>,
}

impl Datagrams {
    pub(super) fn fragment(&mut self, frame: FrameNumber, datagram: FragmentedDatagram) {
        if self.recent.len() >= MAX_EXTRACT_RECENT {
            self.forget_oldest();
        }
        self.recent.push_back((frame, datagram));
        self.fragments.entry(datagram).or_default().push_back(frame);
    }

    /// From where to where a datagram goes, and what it carries, as far as its first fragment says; `None` for others, and where it
    /// is none of UDP.
    pub(super) fn first<'a>(piece: &Fragment<'a>) -> Option<(Flow, &'a [u8])> {
        let (header, payload) = piece.payload.split_first_chunk::<8>()?;
        let [a, b, c, d, ..] = *header;
        let datagram = piece.datagram;
        let flow = Flow {
            src: SocketAddr::new(datagram.src, u16::from_be_bytes([a, b])),
            dst: SocketAddr::new(datagram.dst, u16::from_be_bytes([c, d])),
            transport: Transport::Udp,
        };
        (piece.offset == 0 && datagram.protocol == UDP).then_some((flow, payload))
    }

    /// The fragments of the datagram of which a packet is one; none when it is none. They are told once.
    pub(super) fn of(&mut self, frame: FrameNumber) -> impl Iterator<Item = FrameNumber> + use<> {
        let place = self.recent.binary_search_by_key(&frame, |(it, _)| *it);
        let datagram = place.ok().and_then(|place| self.recent.get(place));
        let fragments = datagram.and_then(|(_, datagram)| self.fragments.remove(datagram));
        fragments.unwrap_or_default().into_iter()
    }

    fn forget_oldest(&mut self) {
        let Some((frame, datagram)) = self.recent.pop_front() else {
            return;
        };
        if let Some(fragments) = self.fragments.get_mut(&datagram)
            && fragments.front() == Some(&frame)
        {
            fragments.pop_front();
            if fragments.is_empty() {
                self.fragments.remove(&datagram);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    #[test]
    fn any_fragment_leads_to_all_of_its_datagram() {
        let datagram = |identification| FragmentedDatagram {
            src: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            dst: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)),
            protocol: 17,
            identification,
        };
        let mut datagrams = Datagrams::default();
        for (frame, identification) in [(1, 7), (2, 8), (4, 7), (5, 8), (6, 7)] {
            datagrams.fragment(FrameNumber(frame), datagram(identification));
        }
        let all: Vec<_> = datagrams.of(FrameNumber(4)).map(|it| it.0).collect();
        assert_eq!(all, [1, 4, 6]);
        assert_eq!(datagrams.of(FrameNumber(3)).count(), 0);
        let all: Vec<_> = datagrams.of(FrameNumber(5)).map(|it| it.0).collect();
        assert_eq!(all, [2, 5]);
    }
}
