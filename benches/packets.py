"""What the captures of carriers.py are made of: the call, the packets, the files. Comes in: bytes of one layer. Goes out:
bytes of the layer around it, with right lengths and checksums unless asked otherwise.

The caller is 192.0.2.1, the callee 198.51.100.1; tunnels run between 203.0.113.1 and 203.0.113.2.
"""

import ipaddress
import struct
from collections import namedtuple

ETHERNET, PPP = 1, 9
IP4, IP6, VLAN, MPLS = 0x0800, 0x86DD, 0x8100, 0x8847
TCP, UDP, GRE, SCTP = 6, 17, 47, 132
FIN, SYN, PSH, ACK = 1, 2, 8, 16
START = 1_700_000_000
SIP = 5060

CALLER, CALLEE = "192.0.2.1", "198.51.100.1"
CALLER6, CALLEE6 = "2001:db8::1", "2001:db8::2"
TUNNEL = "203.0.113.1", "203.0.113.2"

Message = namedtuple("Message", "time up bytes")  # up: from the caller to the callee


# The call ---------------------------------------------------------------------------------------------------------------

def call(via="UDP", attributes=0):
    """The seven messages; `attributes` lines make the offer longer."""

    def message(start, cseq, branch, tag, up, sdp=False):
        host = CALLER if up else CALLEE
        body = ""
        if sdp:
            body = f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"
            body += "".join(f"a=x-filler:{n:040}\r\n" for n in range(attributes if up else 0))
        lines = [
            start,
            f"Via: SIP/2.0/{via} {CALLER}:{SIP};branch=z9hG4bK-{branch}",
            "Max-Forwards: 70",
            "From: <sip:alice@example.com>;tag=from-1",
            f"To: <sip:bob@example.com>{tag}",
            "Call-ID: carrier@example.com",
            f"CSeq: {cseq}",
            f"Contact: <sip:{'alice' if up else 'bob'}@{host}:{SIP}>",
            *(["Content-Type: application/sdp"] if sdp else []),
            f"Content-Length: {len(body)}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    target, tag = f"sip:bob@{CALLEE}:{SIP} SIP/2.0", ";tag=to-1"
    return [
        Message(0.0, True, message(f"INVITE {target}", "1 INVITE", "invite", "", True, sdp=True)),
        Message(0.05, False, message("SIP/2.0 100 Trying", "1 INVITE", "invite", "", False)),
        Message(0.2, False, message("SIP/2.0 180 Ringing", "1 INVITE", "invite", tag, False)),
        Message(2.0, False, message("SIP/2.0 200 OK", "1 INVITE", "invite", tag, False, sdp=True)),
        Message(2.05, True, message(f"ACK {target}", "1 ACK", "ack", tag, True)),
        Message(10.0, True, message(f"BYE {target}", "2 BYE", "bye", tag, True)),
        Message(10.05, False, message("SIP/2.0 200 OK", "2 BYE", "bye", tag, False)),
    ]


def pieces(data, count):
    """`data` in `count` pieces, the last the shortest."""
    size = -(-len(data) // count)
    return [data[at:at + size] for at in range(0, len(data), size)]


# IP and what is in it ----------------------------------------------------------------------------------------------------

def u8(*values):
    return struct.pack(f">{len(values)}B", *values)


def u16(*values):
    return struct.pack(f">{len(values)}H", *values)


def u32(*values):
    return struct.pack(f">{len(values)}I", *values)


def address(text):
    return ipaddress.ip_address(text).packed


def checksum(data):
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def crc32c(data):
    """RFC 9260 Appendix A."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def ends(up, six=False):
    """Source and destination."""
    pair = (CALLER6, CALLEE6) if six else (CALLER, CALLEE)
    return pair if up else pair[::-1]


def ip4(payload, protocol=UDP, between=(CALLER, CALLEE), ident=0, fragment=0, options=b"", length=None, wrong=False):
    words = 5 + len(options) // 4
    length = 4 * words + len(payload) if length is None else length
    header = u8(0x40 | words, 0) + u16(length, ident, fragment) + u8(64, protocol)
    tail = address(between[0]) + address(between[1]) + options
    return header + u16(0 if wrong else checksum(header + u16(0) + tail)) + tail + payload


def ip6(payload, next_header=UDP, between=(CALLER6, CALLEE6)):
    return u32(0x60000000) + u16(len(payload)) + u8(next_header, 64) + address(between[0]) + address(between[1]) + payload


def with_checksum(segment, at, protocol, between, length=None):
    """`segment` with the checksum over it and the pseudo header written at `at`."""
    pseudo = address(between[0]) + address(between[1]) + u32(len(segment) if length is None else length, protocol)
    return segment[:at] + u16(checksum(pseudo + segment) or 0xFFFF) + segment[at + 2:]


def udp(payload, between=(CALLER, CALLEE), ports=(SIP, SIP)):
    return with_checksum(u16(*ports, 8 + len(payload), 0) + payload, 6, UDP, between)


def datagram(data, up, ports=(SIP, SIP)):
    """An IPv4 packet of the call."""
    return ip4(udp(data, ends(up), ports if up else ports[::-1]), UDP, ends(up))


def ether(payload, kind=IP4, up=True):
    macs = bytes.fromhex("020000000001020000000002" if up else "020000000002020000000001")
    return macs + u16(kind) + payload


def ethernet(packet):
    return ether(packet, IP4 if packet[0] >> 4 == 4 else IP6)


def tunnel(protocol, payload, up):
    """Ethernet, and IPv4 between the tunnel's ends."""
    return ether(ip4(payload, protocol, TUNNEL if up else TUNNEL[::-1]), up=up)


def udp_tunnel(port, payload, up):
    between = TUNNEL if up else TUNNEL[::-1]
    return tunnel(UDP, udp(payload, between, (49152, port)), up)


def mpls(payload, labels=(16, 17)):
    last = len(labels) - 1
    return b"".join(u32(label << 12 | (at == last) << 8 | 64) for at, label in enumerate(labels)) + payload


def cut(payload, up, size=160, ident=1, protocol=UDP, between=None):
    """IPv4 fragments."""
    starts = range(0, len(payload), size)
    more = [0x2000] * (len(starts) - 1) + [0]
    return [ip4(payload[at:at + size], protocol, between or ends(up), ident, flag | at // 8) for at, flag in zip(starts, more)]


# TCP ------------------------------------------------------------------------------------------------------------------

class Connection:
    """A TCP connection and the frames of it so far."""

    def __init__(self, port=SIP, isn=(1000, 9000), time=-1.0, handshake=True):
        self.port, self.time, self.frames = port, time, []
        self.next = {True: isn[0], False: isn[1]}
        if handshake:
            self.segment(True, flags=SYN)
            self.segment(False, flags=SYN | ACK)
            self.segment(True, flags=ACK)

    def packet(self, up, data=b"", flags=PSH | ACK, at=None, ports=None):
        """An IPv4 packet; `at` is the sequence number, by default the next."""
        ports = ports or (40000, self.port)
        acknowledged = self.next[not up] if flags & ACK else 0
        numbers = u32((self.next[up] if at is None else at) & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF)
        option = u8(2, 4) + u16(1400) if flags & SYN else b""
        head = u16(*(ports if up else ports[::-1])) + numbers + u8(0x50 + 4 * len(option), flags) + u16(65535, 0, 0)
        return ip4(with_checksum(head + option + data, 16, TCP, ends(up)), TCP, ends(up))

    def segment(self, up, data=b"", flags=PSH | ACK, at=None):
        """Sends; without `at`, the numbers go on."""
        self.frames.append((self.time, ethernet(self.packet(up, data, flags, at))))
        self.time += 0.001
        if at is None:
            self.next[up] += len(data) + bool(flags & SYN) + bool(flags & FIN)

    def close(self):
        for up, flags in ((True, FIN | ACK), (False, FIN | ACK), (True, ACK)):
            self.segment(up, flags=flags)


# WebSocket (RFC 6455) -------------------------------------------------------------------------------------------------

def ws_frame(data, up, opcode=1, fin=True, compressed=False):
    mask = b"\x12\x34\x56\x78" if up else b""
    size = u8(len(data) | (0x80 if up else 0)) if len(data) < 126 else u8(126 | (0x80 if up else 0)) + u16(len(data))
    body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data)) if up else data
    return u8(0x80 * fin | 0x40 * compressed | opcode) + size + mask + body


# SCTP (RFC 9260) ------------------------------------------------------------------------------------------------------

def sctp(chunks, up):
    body = b"".join(chunk + b"\0" * (-len(chunk) % 4) for chunk in chunks)
    head = u16(SIP, SIP) + u32(0x1234 if up else 0x4321)
    return head + struct.pack("<I", crc32c(head + u32(0) + body)) + body


def data_chunk(data, tsn, number, flags=3):
    return u8(0, flags) + u16(16 + len(data)) + u32(tsn) + u16(0, number) + u32(0) + data


def i_data_chunk(data, tsn, number, fragment, flags):
    """RFC 8260: the first fragment has the payload protocol, the others their number."""
    return u8(64, flags) + u16(20 + len(data)) + u32(tsn) + u16(0, 0) + u32(number, fragment) + data


# Files ----------------------------------------------------------------------------------------------------------------

def stamp(time):
    """Seconds since 1970 and microseconds."""
    whole = round((START + time) * 1_000_000)
    return divmod(whole, 1_000_000)


def pcap(frames_, linktype=ETHERNET, order="<", magic=0xA1B2C3D4, extra=b""):
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, linktype)
    for time, data in frames_:
        out += struct.pack(order + "IIII", *stamp(time), len(data), len(data)) + extra + data
    return out


def block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))


def pcapng(frames_, order="<", packet="enhanced", sections=1):
    start = block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    start += block(order, 1, struct.pack(order + "HHI", ETHERNET, 0, 0))
    out = b""
    for n, (time, data) in enumerate(frames_):
        seconds, micros = stamp(time)
        high, low = divmod(seconds * 1_000_000 + micros, 1 << 32)
        size = len(data)
        out += start if n * sections // len(frames_) != (n - 1) * sections // len(frames_) else b""
        if packet == "simple":
            out += block(order, 3, struct.pack(order + "I", size) + data)
        elif packet == "old":
            out += block(order, 2, struct.pack(order + "HHIIII", 0, 0xFFFF, high, low, size, size) + data)
        else:
            out += block(order, 6, struct.pack(order + "IIIII", 0, high, low, size, size) + data)
    return out


def zstd(data):
    """One frame of one raw block (RFC 8878)."""
    return struct.pack("<IBI", 0xFD2FB528, 0xA0, len(data)) + struct.pack("<I", len(data) << 3 | 1)[:3] + data


def snoop(frames_):
    """RFC 1761."""
    out = b"snoop\0\0\0" + u32(2, 4)
    for time, data in frames_:
        pad = -len(data) % 4
        out += u32(len(data), len(data), 24 + len(data) + pad, 0, *stamp(time)) + data + bytes(pad)
    return out
