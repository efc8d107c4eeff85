//! Capture files made of bytes, for tests.

use super::pcap::ByteOrder;

/// The bytes of `value` in an order.
pub(super) fn u32_bytes(order: ByteOrder, value: u32) -> [u8; 4] {
    match order {
        ByteOrder::Little => value.to_le_bytes(),
        ByteOrder::Big => value.to_be_bytes(),
    }
}

fn u16_bytes(order: ByteOrder, value: u16) -> [u8; 2] {
    match order {
        ByteOrder::Little => value.to_le_bytes(),
        ByteOrder::Big => value.to_be_bytes(),
    }
}

/// A pcap file in the making.
pub(super) struct Pcap {
    order: ByteOrder,
    extra: usize,
    pub(super) bytes: Vec<u8>,
}

impl Pcap {
    pub(super) fn new(order: ByteOrder, magic: u32, network: u32) -> Self {
        let mut bytes = u32_bytes(order, magic).to_vec();
        bytes.extend(u16_bytes(order, 2));
        bytes.extend(u16_bytes(order, 4));
        for field in [0, 0, 65_535, network] {
            bytes.extend(u32_bytes(order, field));
        }
        let extra = if magic == 0xa1b2_cd34 { 8 } else { 0 };
        Self {
            order,
            extra,
            bytes,
        }
    }

    /// A little-endian file with microseconds and Ethernet.
    pub(super) fn usual() -> Self {
        Self::new(ByteOrder::Little, 0xa1b2_c3d4, 1)
    }

    pub(super) fn record(
        mut self,
        time: (u32, u32),
        captured: u32,
        original: u32,
        data: &[u8],
    ) -> Self {
        for field in [time.0, time.1, captured, original] {
            self.bytes.extend(u32_bytes(self.order, field));
        }
        self.bytes.extend(vec![0xee; self.extra]);
        self.bytes.extend(data);
        self
    }

    pub(super) fn packet(self, seconds: u32, fraction: u32, data: &[u8]) -> Self {
        let length = u32::try_from(data.len()).unwrap();
        self.record((seconds, fraction), length, length, data)
    }
}

/// A pcapng file in the making.
pub(super) struct Pcapng {
    order: ByteOrder,
    pub(super) bytes: Vec<u8>,
}

impl Pcapng {
    pub(super) fn new(order: ByteOrder) -> Self {
        Self {
            order,
            bytes: Vec::new(),
        }
        .section(order)
    }

    pub(super) fn section(mut self, order: ByteOrder) -> Self {
        self.order = order;
        let mut body = self.words(&[0x1a2b_3c4d]);
        body.extend(u16_bytes(order, 1));
        body.extend(u16_bytes(order, 0));
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body)
    }

    /// `options`: code and value.
    pub(super) fn interface(self, link_type: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Self {
        let mut body = u16_bytes(self.order, link_type).to_vec();
        body.extend([0, 0]);
        body.extend(self.words(&[snaplen]));
        body.extend(self.options(options));
        self.block(1, &body)
    }

    pub(super) fn enhanced(self, interface: u32, units: u64, original: u32, data: &[u8]) -> Self {
        let length = u32::try_from(data.len()).unwrap();
        let (high, low) = halves(units);
        let mut body = self.words(&[interface, high, low, length, original]);
        body.extend(padded(data));
        self.block(6, &body)
    }

    pub(super) fn simple(self, original: u32, data: &[u8]) -> Self {
        let mut body = self.words(&[original]);
        body.extend(padded(data));
        self.block(3, &body)
    }

    pub(super) fn obsolete(self, interface: u16, units: u64, data: &[u8]) -> Self {
        let length = u32::try_from(data.len()).unwrap();
        let (high, low) = halves(units);
        let mut body = u16_bytes(self.order, interface).to_vec();
        body.extend(u16_bytes(self.order, 3));
        body.extend(self.words(&[high, low, length, length]));
        body.extend(padded(data));
        self.block(2, &body)
    }

    pub(super) fn statistics(self, interface: u32, by_interface: u64, by_kernel: u64) -> Self {
        let value = |order, value: u64| match order {
            ByteOrder::Little => value.to_le_bytes(),
            ByteOrder::Big => value.to_be_bytes(),
        };
        let mut body = self.words(&[interface, 0, 0]);
        let (first, second) = (
            value(self.order, by_interface),
            value(self.order, by_kernel),
        );
        body.extend(self.options(&[(5, &first), (7, &second)]));
        self.block(5, &body)
    }

    pub(super) fn block(mut self, kind: u32, body: &[u8]) -> Self {
        let length = u32::try_from(body.len() + 12).unwrap();
        let head = self.words(&[kind, length]);
        self.bytes.extend(head);
        self.bytes.extend(body);
        let tail = self.words(&[length]);
        self.bytes.extend(tail);
        self
    }

    fn options(&self, options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (code, value) in options {
            bytes.extend(u16_bytes(self.order, *code));
            bytes.extend(u16_bytes(self.order, u16::try_from(value.len()).unwrap()));
            bytes.extend(padded(value));
        }
        if !options.is_empty() {
            bytes.extend([0; 4]);
        }
        bytes
    }

    fn words(&self, words: &[u32]) -> Vec<u8> {
        words
            .iter()
            .flat_map(|word| u32_bytes(self.order, *word))
            .collect()
    }
}

fn halves(units: u64) -> (u32, u32) {
    let high = u32::try_from(units >> 32).unwrap();
    (high, u32::try_from(units & 0xffff_ffff).unwrap())
}

fn padded(data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    bytes.resize(data.len().next_multiple_of(4), 0);
    bytes
}

/// An IPv4 packet with a UDP datagram to and from `port`.
#[cfg(feature = "live")]
pub(super) fn udp_packet(port: u16, payload: &[u8]) -> Vec<u8> {
    let udp_length = u16::try_from(payload.len() + 8).unwrap();
    let mut bytes = vec![0x45, 0];
    bytes.extend((udp_length + 20).to_be_bytes());
    bytes.extend([0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    for field in [port, port, udp_length, 0] {
        bytes.extend(field.to_be_bytes());
    }
    bytes.extend(payload);
    bytes
}
