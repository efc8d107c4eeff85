"""The same healthy call of seven SIP messages in the carriers that `fixtures/captures/wire/` does not have.

Comes in: nothing. Goes out: CARRIERS, rows of (group, name, link type or file format, function that gives the frames, what
tshark has to be told to read it). A frame is (seconds, bytes). Standard library only; the same bytes every time.
`decoded.py --validate` asks tshark whether the packets are well-formed.
"""

import gzip
import struct
import zlib
from collections import namedtuple

from packets import (
    ACK, CALLEE, CALLER, ETHERNET, GRE, IP4, MPLS, PPP, SCTP, SIP, START, SYN, TUNNEL, UDP, VLAN,
    address, call, checksum, Connection, cut, data_chunk, datagram, ends, ether, ethernet, i_data_chunk, ip4, ip6, mpls,
    pcap, pcapng, pieces, sctp, snoop, tunnel, u16, u32, u8, udp, udp_tunnel, with_checksum, ws_frame, zstd,
)

# Carriers of a datagram each ---------------------------------------------------------------------------------------------

def each(wrap):
    """Frames of `wrap(IP packet, up)` for each message."""
    return lambda: [(m.time, wrap(datagram(m.bytes, m.up), m.up)) for m in call()]


def frames(wrap, via="UDP"):
    """Frames of `wrap(message, number)`, which gives a list, for each message."""
    return lambda: [
        (m.time + at / 1000, frame) for n, m in enumerate(call(via)) for at, frame in enumerate(wrap(m, n))
    ]


def tlv_le(kind, value):
    """A netlink attribute."""
    return struct.pack("<HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def wlan(packet, up):
    """A QoS data frame to or from the access point, with LLC and SNAP."""
    stations = bytes.fromhex("020000000001020000000002020000000003")
    return bytes((0x88, 1 if up else 2, 0, 0)) + stations + b"\x10\0\0\0" + bytes.fromhex("aaaa030000000800") + packet


def pktap(packet, up):
    head = struct.pack("<III24sIIIII17s3xIHHI17s3x", 108, 1, ETHERNET, b"en0", 2 - up, 2, 14, 0, 1, b"sip", 0, 6, 0, 1, b"")
    return head + ether(packet, up=up)


def exported(m, _):
    source, target = ends(m.up)
    tags = [(12, b"sip\0"), (20, address(source)), (21, address(target)), (24, u32(3)), (25, u32(SIP)), (26, u32(SIP))]
    return [b"".join(u16(kind, len(value)) + value for kind, value in tags) + u32(0) + m.bytes]


def ethernet_802_3(packet, up):
    return ether(bytes.fromhex("aaaa030000000800") + packet, 8 + len(packet), up)


def provider_backbone(packet, up):
    return ether(VLAN_TAG + u16(0x88E7) + u32(0x000001) + ether(packet, up=up), 0x88A8, up)


def macsec(packet, up):
    return ether(u8(0, 0) + u32(1) + u16(IP4) + packet + bytes(16), 0x88E5, up)


def nsh(packet, up):
    return ether(u16(0x0FC2) + u8(2, 1) + u32(0x000001FF) + packet, 0x894F, up)


def with_fcs(packet, up):
    frame = ether(packet, up=up).ljust(60, b"\0")
    return frame + struct.pack("<I", zlib.crc32(frame))


VLAN_TAG = u16(100)


def gre(flags, kind, fields, payload, up):
    return tunnel(GRE, u16(flags, kind) + fields + payload, up)


def gre_all(packet, up):
    """Checksum, key and sequence number (RFC 2784, RFC 2890)."""
    body = u32(7, 1) + packet
    return gre(0xB000, IP4, u16(checksum(u16(0xB000, IP4, 0, 0) + body), 0), body, up)


def erspan3(packet, up):
    header = u16(0x2000 | 100, 1) + u32(1000) + u16(0, 0)
    return gre(0x1000, 0x22EB, u32(1), header + ether(packet, up=up), up)


def ah(packet, up):
    """Transport mode (RFC 4302)."""
    return ethernet(ip4(u8(UDP, 4) + u16(0) + u32(1, 1) + bytes(12) + packet[20:], 51, ends(up)))


def esp_null(m, n):
    """Transport mode, NULL encryption, an ICV of 96 bits, as between an IMS handset and its P-CSCF (TS 33.203)."""
    body = inner_udp(m)
    pad = -(len(body) + 2) % 4
    body = u32(2 - m.up, NUMBER[n] + 1) + body + bytes(range(1, pad + 1)) + u8(pad, UDP) + bytes(12)
    return [ethernet(ip4(body, 50, ends(m.up)))]


def gtp(packet, up):
    """With the PDU session container of 5G (TS 29.281, TS 38.415)."""
    body = u16(0) + u8(0, 0x85, 1, 0x10 if up else 0, 9, 0) + packet
    return udp_tunnel(2152, u8(0x34, 255) + u16(len(body)) + u32(1) + body, up)


def l2tp2(packet, up):
    body = bytes.fromhex("ff030021") + packet
    return udp_tunnel(1701, u16(0x4002, 8 + len(body), 1, 1) + body, up)


def geneve(packet, up):
    option = u16(0x0102) + u8(1, 1) + u32(0)
    return udp_tunnel(6081, u8(2, 0) + u16(0x6558) + u32(1 << 8) + option + ether(packet, up=up), up)


def vxlan(payload):
    return u32(0x08000000, 1 << 8) + payload


def fragmented_vxlan(m, n):
    between = TUNNEL if m.up else TUNNEL[::-1]
    outer = udp(vxlan(ether(datagram(m.bytes, m.up), up=m.up)), between, (49152, 4789))
    return [ethernet(packet) for packet in cut(outer, m.up, 240, n + 1, UDP, between)]


# IP ----------------------------------------------------------------------------------------------------------------------

def inner_udp(m):
    return udp(m.bytes, ends(m.up))


def ip6_options(m, _):
    """Hop-by-hop and destination options, both padding (RFC 8200 §4.6)."""
    between = ends(m.up, six=True)
    padding = bytes.fromhex("00010400000000")
    inner = udp(m.bytes, between)
    return [ethernet(ip6(u8(60) + padding + u8(UDP) + padding + inner, 0, between))]


def fragments_twice(m, n):
    """The first fragment is seen twice, and each overlaps the next by eight bytes of the same content."""
    data, frames_ = inner_udp(m), []
    for at in range(0, len(data), 160):
        more = 0x2000 if at + 160 < len(data) else 0
        frames_ += [ethernet(ip4(data[at:at + 160 + (8 if more else 0)], UDP, ends(m.up), n + 1, more | at // 8))] * (1 if at else 2)
    return frames_


def fragments_interleaved():
    """The fragments of 100 and 180, and of ACK and BYE, take turns."""
    queue = [(m, [ethernet(p) for p in cut(inner_udp(m), m.up, 200, n + 1)]) for n, m in enumerate(call())]
    out = []
    for group in ([0], [1, 2], [3], [4, 5], [6]):
        rounds = max(len(queue[n][1]) for n in group)
        together = [queue[n][1][r] for r in range(rounds) for n in group if r < len(queue[n][1])]
        out += [(queue[group[-1]][0].time + at / 1000, frame) for at, frame in enumerate(together)]
    return out


def without_checksums(m, _):
    source, target = ends(m.up)
    return [ethernet(ip4(u16(SIP, SIP, 8 + len(m.bytes), 0xBAD1) + m.bytes, UDP, (source, target), wrong=True))]


def udp_lite(m, _):
    """RFC 3828; the whole packet is covered."""
    segment = with_checksum(u16(SIP, SIP, 0, 0) + m.bytes, 6, 136, ends(m.up))
    return [ethernet(ip4(segment, 136, ends(m.up)))]


def among_others(m, n):
    """CRLF keep-alives and STUN binding requests on the same ports (RFC 5626 §3.5)."""
    stun = u16(1, 0) + u32(0x2112A442) + bytes(range(n, n + 12))
    return [ethernet(datagram(data, m.up)) for data in (b"\r\n\r\n", stun, m.bytes, b"\0\0\0\0")]


# TCP ---------------------------------------------------------------------------------------------------------------------

def stream(send=lambda c, m, n: c.segment(m.up, m.bytes), attributes=0, before=lambda c: None, **how):
    """Frames of a connection on which `send(connection, message, number)` sends each message."""

    def build():
        connection = Connection(**how)
        before(connection)
        for n, m in enumerate(call("TCP", attributes)):
            connection.time = max(m.time, connection.time)
            send(connection, m, n)
        return connection.frames

    return build


def in_pieces(count):
    def send(c, m, _):
        for piece in pieces(m.bytes, count):
            c.segment(m.up, piece)
    return send


def in_segments(size):
    return lambda c, m, n: in_pieces(-(-len(m.bytes) // size))(c, m, n)


def backwards(c, m, _):
    """Three segments, the last first."""
    at = c.next[m.up]
    for piece in reversed(pieces(m.bytes, 3)):
        c.segment(m.up, piece, at=at + m.bytes.index(piece))
    c.next[m.up] += len(m.bytes)


def repacketized(c, m, _):
    """The first two thirds in two segments, then everything again in one (RFC 9293 §3.8.1)."""
    at = c.next[m.up]
    for piece in pieces(m.bytes, 3)[:2]:
        c.segment(m.up, piece)
    c.segment(m.up, m.bytes, at=at)
    c.next[m.up] = at + len(m.bytes)


def probed(c, m, n):
    """A keep-alive probe in front: one garbage byte that was acknowledged before (RFC 9293 §3.8.4)."""
    if n:
        c.segment(not m.up, b"\0", ACK, at=c.next[not m.up] - 1)
        c.segment(m.up, flags=ACK)
    in_pieces(2)(c, m, n)


def pinged(c, m, _):
    """A keep-alive and its answer in front, in segments of their own (RFC 5626 §3.5.1)."""
    c.segment(m.up, b"\r\n\r\n")
    c.segment(not m.up, b"\r\n")
    c.segment(m.up, m.bytes)


def two_connections():
    """The same ports again, new sequence numbers below the old."""
    first, second = Connection(isn=(5_000_000, 6_000_000)), Connection(isn=(1000, 2000), time=9.0)
    for m in call("TCP"):
        c = first if m.time < 9 else second
        c.time = max(m.time, c.time)
        in_pieces(2)(c, m, 0)
        if m.time == 2.05:
            c.close()
    return first.frames + second.frames


def fast_open():
    """INVITE in the SYN (RFC 7413)."""
    c, messages = Connection(handshake=False), call("TCP")
    c.time = 0.0
    c.segment(True, messages[0].bytes, SYN)
    c.segment(False, flags=SYN | ACK)
    c.segment(True, flags=ACK)
    for m in messages[1:]:
        c.time = max(m.time, c.time)
        c.segment(m.up, m.bytes)
    return c.frames


def in_first_segment(head):
    """`head` in front of the first message."""
    return lambda c, m, n: c.segment(m.up, (head if n == 0 else b"") + m.bytes)


PROXY_1 = f"PROXY TCP4 {CALLER} {CALLEE} 40000 {SIP}\r\n".encode()
PROXY_2 = b"\r\n\r\n\0\r\nQUIT\n" + u8(0x21, 0x11) + u16(12) + address(CALLER) + address(CALLEE) + u16(40000, SIP)


# WebSocket (RFC 6455, RFC 7118) --------------------------------------------------------------------------------------------

def upgrade(extension=""):
    offer = f"Sec-WebSocket-Extensions: {extension}\r\n" if extension else ""

    def before(c):
        c.segment(True, (f"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n"
                         f"Sec-WebSocket-Version: 13\r\n{offer}\r\n").encode())
        c.segment(False, ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n"
                          f"{offer}\r\n").encode())
    return before


def websocket(wrap, extension="", port=8080, before=None, handshake=True):
    """`wrap(connection, message, number)` gives the segments' bytes."""

    def build():
        c = Connection(port, handshake=handshake)
        (before or upgrade(extension))(c)
        wrapped = wrap() if wrap.__code__.co_argcount == 0 else wrap
        for n, m in enumerate(call("WS")):
            c.time = max(m.time, c.time)
            for data in wrapped(m, n):
                c.segment(m.up, data)
        return c.frames

    return build


def ws_plain(m, _):
    return [ws_frame(m.bytes, m.up)]


def ws_binary(m, _):
    return [ws_frame(m.bytes, m.up, opcode=2)]


def ws_fragmented(m, _):
    """Three frames, a ping between them."""
    a, b, c = pieces(m.bytes, 3)
    return [ws_frame(a, m.up, fin=False), ws_frame(b"hi", m.up, 9), ws_frame(b, m.up, 0, False) + ws_frame(c, m.up, 0)]


def ws_split(m, _):
    return pieces(ws_frame(m.bytes, m.up), 3)


def deflating(takeover):
    """permessage-deflate (RFC 7692); with context takeover each side has one window for all its messages."""

    def wrap():
        def new():
            return zlib.compressobj(wbits=-15)
        windows = {True: new(), False: new()}

        def one(m, _):
            window = windows[m.up] if takeover else new()
            data = window.compress(m.bytes) + window.flush(zlib.Z_SYNC_FLUSH)
            return [ws_frame(data[:-4], m.up, compressed=True)]
        return one
    return wrap


# SCTP (RFC 9260, RFC 4168) -------------------------------------------------------------------------------------------------

NUMBER = [0, 0, 1, 2, 1, 2, 3]  # of each message among those of its side: stream sequence numbers have no holes


def sctp_packet(chunks, up):
    return ethernet(ip4(sctp(chunks, up), SCTP, ends(up)))


def in_three(chunk, m, n):
    """Three `chunk(piece, TSN, message number, fragment number, flags)`: first, middle, last."""
    number = NUMBER[n]
    return [chunk(p, 1000 + 3 * number + at, number, at, (2, 0, 1)[at]) for at, p in enumerate(pieces(m.bytes, 3))]


def sctp_fragments(order, chunk=lambda p, tsn, n, at, flags: data_chunk(p, tsn, n, flags)):
    """A packet for each third of a message, sent in this order."""
    return lambda m, n: [sctp_packet([in_three(chunk, m, n)[at]], m.up) for at in order]


def sctp_bundled():
    """100 with 180, and ACK with BYE, in one packet, and a SACK in front."""
    held, out = [], []
    for n, m in enumerate(call("SCTP")):
        held.append(data_chunk(m.bytes, NUMBER[n], NUMBER[n]))
        if n not in (1, 4):
            sack = u8(3, 0) + u16(16) + u32(max(NUMBER[:n], default=0), 65535) + u16(0, 0)
            out.append((m.time, sctp_packet([sack, *held], m.up)))
            held = []
    return out


def sctp_in_udp(m, n):
    """RFC 6951."""
    between = ends(m.up)
    packet = sctp([data_chunk(m.bytes, NUMBER[n], NUMBER[n])], m.up)
    return [ethernet(ip4(udp(packet, between, (9899, 9899)), UDP, between))]


# HEP ---------------------------------------------------------------------------------------------------------------------

def hep(version, counts_time=False):
    """Versions 1 and 2. In 2 the header's length is without the time in Kamailio and OpenSIPS, with it in FreeSWITCH."""

    def wrap(m, _):
        source, target = ends(m.up)
        tail = b"" if version == 1 else struct.pack("<IIHH", START + int(m.time), int(m.time % 1 * 1e6), 1, 0)
        head = u8(version, 16 + len(tail) * counts_time, 2, UDP) + u16(SIP, SIP) + address(source) + address(target)
        return [udp_tunnel(9060, head + tail + m.bytes, True)]
    return wrap


def hep3(m, compressed=False):
    source, target = ends(m.up)
    chunks = [(1, u8(2)), (2, u8(UDP)), (3, address(source)), (4, address(target)), (7, u16(SIP)), (8, u16(SIP)),
              (9, u32(START + int(m.time))), (10, u32(int(m.time % 1 * 1e6))), (11, u8(1)), (12, u32(1)),
              (16, zlib.compress(m.bytes)) if compressed else (15, m.bytes)]
    body = b"".join(u16(0, kind, 6 + len(value)) + value for kind, value in chunks)
    return b"HEP3" + u16(6 + len(body)) + body


# Files -------------------------------------------------------------------------------------------------------------------

def plain():
    return [(m.time, ether(datagram(m.bytes, m.up), up=m.up)) for m in call()]


def gzip_members(frames_):
    data = pcap(frames_)
    return gzip.compress(data[:1000], mtime=0) + gzip.compress(data[1000:], mtime=0)


Carrier = namedtuple("Carrier", "group name file frames hint", defaults=((),))


def rows():
    """Every carrier. `file` is a link type, or what makes a file of the frames; `hint` are tshark options."""
    link = "Link layers"
    yield Carrier(link, "PPP", PPP, each(lambda p, up: bytes.fromhex("ff030021") + p))
    yield Carrier(link, "PPP, protocol field of one byte", PPP, each(lambda p, up: b"\x21" + p))
    yield Carrier(link, "PPP with direction", 204, each(lambda p, up: u8(up) + bytes.fromhex("ff030021") + p))
    yield Carrier(link, "PPP in HDLC framing", 50, each(lambda p, up: bytes.fromhex("ff030021") + p))
    yield Carrier(link, "Cisco HDLC", 104, each(lambda p, up: bytes.fromhex("0f000800") + p))
    yield Carrier(link, "Frame Relay", 107, each(lambda p, up: bytes.fromhex("040103cc") + p))
    yield Carrier(link, "802.11", 105, each(wlan))
    yield Carrier(link, "802.11 with radiotap", 127, each(lambda p, up: bytes.fromhex("0000080000000000") + wlan(p, up)))
    yield Carrier(link, "OpenBSD loopback", 108, each(lambda p, up: u32(2) + p))
    yield Carrier(link, "raw IPv4", 228, each(lambda p, up: p))
    yield Carrier(link, "NFLOG", 239, each(lambda p, up: bytes((2, 0, 0, 1)) + tlv_le(1, u16(IP4) + b"\3\0") + tlv_le(9, p)))
    yield Carrier(link, "PKTAP (macOS)", 258, each(pktap))
    yield Carrier(link, "exported PDU (Wireshark)", 252, frames(exported))
    yield Carrier(link, "Ethernet with padding and FCS", ETHERNET, each(with_fcs))
    yield Carrier(link, "802.3 with LLC and SNAP", ETHERNET, each(ethernet_802_3))

    tags = "Tags"
    yield Carrier(tags, "802.1ad: 0x88a8, 0x8100", ETHERNET,
                  each(lambda p, up: ether(VLAN_TAG + u16(VLAN) + VLAN_TAG + u16(IP4) + p, 0x88A8, up)))
    yield Carrier(tags, "QinQ: 0x8100, 0x8100", ETHERNET,
                  each(lambda p, up: ether(VLAN_TAG + u16(VLAN) + VLAN_TAG + u16(IP4) + p, VLAN, up)))
    yield Carrier(tags, "QinQ: 0x9100, 0x8100", ETHERNET,
                  each(lambda p, up: ether(VLAN_TAG + u16(VLAN) + VLAN_TAG + u16(IP4) + p, 0x9100, up)))
    yield Carrier(tags, "PPPoE in a VLAN", ETHERNET, each(
        lambda p, up: ether(VLAN_TAG + u16(0x8864) + u8(0x11, 0) + u16(1, 2 + len(p), 0x21) + p, VLAN, up)))
    yield Carrier(tags, "802.1ah (MAC in MAC)", ETHERNET, each(provider_backbone))
    yield Carrier(tags, "MACsec, integrity only", ETHERNET, each(macsec))
    yield Carrier(tags, "Cisco MetaData", ETHERNET,
                  each(lambda p, up: ether(u8(1, 1) + u16(1, 5, IP4) + p, 0x8909, up)))
    yield Carrier(tags, "NSH", ETHERNET, each(nsh))
    yield Carrier(tags, "Ethernet over MPLS, control word", ETHERNET,
                  each(lambda p, up: ether(mpls(u32(0) + ether(p, up=up)), MPLS, up)),
                  ("-d", "mpls.label==17,pwethcw"))

    over = "Tunnels"
    yield Carrier(over, "GRE with checksum, key and sequence", ETHERNET, each(gre_all))
    yield Carrier(over, "GRE with Ethernet", ETHERNET, each(lambda p, up: gre(0, 0x6558, b"", ether(p, up=up), up)))
    yield Carrier(over, "NVGRE", ETHERNET, each(lambda p, up: gre(0x2000, 0x6558, u32(5000 << 8), ether(p, up=up), up)))
    yield Carrier(over, "PPTP", ETHERNET,
                  each(lambda p, up: gre(0x3001, 0x880B, u16(4 + len(p), 1) + u32(1), bytes.fromhex("ff030021") + p, up)))
    yield Carrier(over, "ERSPAN type I", ETHERNET, each(lambda p, up: gre(0, 0x88BE, b"", ether(p, up=up), up)))
    yield Carrier(over, "ERSPAN type III", ETHERNET, each(erspan3))
    yield Carrier(over, "MPLS in GRE", ETHERNET, each(lambda p, up: gre(0, MPLS, b"", mpls(p), up)))
    yield Carrier(over, "MPLS in UDP", ETHERNET, each(lambda p, up: udp_tunnel(6635, mpls(p), up)))
    yield Carrier(over, "L2TPv2", ETHERNET, each(l2tp2))
    yield Carrier(over, "L2TPv3 over IP", ETHERNET, each(lambda p, up: tunnel(115, u32(7) + ether(p, up=up), up)),
                  ("-d", "l2tp.pw_type==0,eth"))
    yield Carrier(over, "VXLAN with an inner VLAN", ETHERNET, each(
        lambda p, up: udp_tunnel(4789, vxlan(ether(VLAN_TAG + u16(IP4) + p, VLAN, up)), up)))
    yield Carrier(over, "VXLAN on port 8472", ETHERNET, each(lambda p, up: udp_tunnel(8472, vxlan(ether(p, up=up)), up)),
                  ("-d", "udp.port==8472,vxlan"))
    yield Carrier(over, "VXLAN-GPE", ETHERNET, each(lambda p, up: udp_tunnel(4790, u32(0x0C000001, 1 << 8) + p, up)))
    yield Carrier(over, "Geneve with an option", ETHERNET, each(geneve))
    yield Carrier(over, "GTP-U with an extension header", ETHERNET, each(gtp))
    yield Carrier(over, "LISP", ETHERNET, each(lambda p, up: udp_tunnel(4341, u32(0, 0) + p, up)))
    yield Carrier(over, "Teredo", ETHERNET, frames(lambda m, n: [
        udp_tunnel(3544, ip6(udp(m.bytes, TEREDO[::1 if m.up else -1]), UDP, TEREDO[::1 if m.up else -1]), m.up)]))
    yield Carrier(over, "IPv4 in IPv6", ETHERNET, each(lambda p, up: ethernet(ip6(p, 4, ends(up, six=True)))))
    yield Carrier(over, "AH", ETHERNET, each(ah))
    yield Carrier(over, "ESP with NULL encryption (IMS)", ETHERNET, frames(esp_null),
                  ("-o", "esp.enable_null_encryption_decode_heuristic:TRUE"))
    yield Carrier(over, "VXLAN, outer packet in fragments", ETHERNET, frames(fragmented_vxlan))

    net = "IP and UDP"
    yield Carrier(net, "IPv4 options", ETHERNET, frames(
        lambda m, n: [ethernet(ip4(inner_udp(m), UDP, ends(m.up), options=b"\x94\x04\0\0"))]))
    yield Carrier(net, "IPv4 total length 0 (offload)", ETHERNET, frames(
        lambda m, n: [ethernet(ip4(inner_udp(m), UDP, ends(m.up), length=0))]))
    yield Carrier(net, "checksums not filled in (offload)", ETHERNET, frames(without_checksums))
    yield Carrier(net, "IPv6 with options headers", ETHERNET, frames(ip6_options))
    yield Carrier(net, "fragments, the first one twice, overlapping", ETHERNET, frames(fragments_twice))
    yield Carrier(net, "fragments of two datagrams, interleaved", ETHERNET, fragments_interleaved)
    yield Carrier(net, "fragments in a VLAN", ETHERNET, frames(lambda m, n: [
        ether(VLAN_TAG + u16(IP4) + p, VLAN, m.up) for p in cut(inner_udp(m), m.up, ident=n + 1)]))
    yield Carrier(net, "UDP-Lite", ETHERNET, frames(udp_lite))
    yield Carrier(net, "among CRLF keep-alives and STUN", ETHERNET, frames(among_others))
    yield Carrier(net, "port of another protocol (53)", ETHERNET,
                  frames(lambda m, n: [ethernet(datagram(m.bytes, m.up, (40000, 53)))]), ("-d", "udp.port==53,sip"))

    tcp = "TCP"
    yield Carrier(tcp, "another port (6789)", ETHERNET, stream(port=6789))
    yield Carrier(tcp, "port of another protocol (80)", ETHERNET, stream(port=80), ("-d", "tcp.port==80,sip"))
    yield Carrier(tcp, "another port, message over three segments", ETHERNET, stream(in_pieces(3), port=6789),
                  ("-d", "tcp.port==6789,sip"))
    yield Carrier(tcp, "message byte by byte", ETHERNET, stream(lambda c, m, n: in_pieces(len(m.bytes))(c, m, n)))
    yield Carrier(tcp, "message of 20 kB", ETHERNET, stream(in_segments(1400), attributes=360))
    yield Carrier(tcp, "segments in reverse order", ETHERNET, stream(backwards),
                  ("-o", "tcp.reassemble_out_of_order:TRUE"))
    yield Carrier(tcp, "retransmitted in other segments", ETHERNET, stream(repacketized),
                  ("-o", "tcp.reassemble_out_of_order:TRUE"))
    yield Carrier(tcp, "sequence numbers wrap", ETHERNET, stream(in_pieces(3), isn=(2**32 - 200, 2**32 - 100)))
    yield Carrier(tcp, "keep-alive probes", ETHERNET, stream(probed))
    yield Carrier(tcp, "CRLF keep-alives", ETHERNET, stream(pinged))
    yield Carrier(tcp, "CRLF in front of the message", ETHERNET,
                  stream(lambda c, m, n: c.segment(m.up, b"\r\n\r\n" + m.bytes)))
    yield Carrier(tcp, "starts in mid-message", ETHERNET, stream(handshake=False, isn=(777_000, 888_000), before=lambda c: (
        c.segment(True, b"0.2.1:5060>\r\nContent-Length: 0\r\n\r\n"), c.segment(False, b"th: 0\r\n\r\n"))))
    yield Carrier(tcp, "two connections on the same ports", ETHERNET, two_connections)
    yield Carrier(tcp, "data in the SYN (Fast Open)", ETHERNET, fast_open)
    yield Carrier(tcp, "PROXY protocol, version 1", ETHERNET, stream(in_first_segment(PROXY_1)))
    yield Carrier(tcp, "PROXY protocol, version 2", ETHERNET, stream(in_first_segment(PROXY_2)))

    ws = "WebSocket"
    yield Carrier(ws, "binary frames", ETHERNET, websocket(ws_binary))
    yield Carrier(ws, "message over three frames, ping between", ETHERNET, websocket(ws_fragmented))
    yield Carrier(ws, "frame over three segments", ETHERNET, websocket(ws_split))
    yield Carrier(ws, "permessage-deflate", ETHERNET, websocket(deflating(True), "permessage-deflate"))
    yield Carrier(ws, "permessage-deflate, no context takeover", ETHERNET, websocket(
        deflating(False), "permessage-deflate; server_no_context_takeover; client_no_context_takeover"))
    yield Carrier(ws, "starts after the handshake", ETHERNET, websocket(ws_plain, before=lambda c: None, handshake=False),
                  ("-d", "tcp.port==8080,websocket"))
    yield Carrier(ws, "another port (6789)", ETHERNET, websocket(ws_plain, port=6789), ("-d", "tcp.port==6789,http"))

    assoc = "SCTP"
    yield Carrier(assoc, "message over three chunks", ETHERNET, frames(sctp_fragments((0, 1, 2)), "SCTP"))
    yield Carrier(assoc, "message over three chunks, out of order", ETHERNET, frames(sctp_fragments((2, 0, 1)), "SCTP"))
    yield Carrier(assoc, "message over three I-DATA chunks", ETHERNET, frames(sctp_fragments((0, 1, 2), i_data_chunk), "SCTP"))
    yield Carrier(assoc, "two messages in one packet", ETHERNET, sctp_bundled)
    yield Carrier(assoc, "SCTP in UDP", ETHERNET, frames(sctp_in_udp, "SCTP"))

    mirror = "Mirrors"
    yield Carrier(mirror, "HEPv1", ETHERNET, frames(hep(1)), NOT_CIGI)
    yield Carrier(mirror, "HEPv2, as Kamailio sends it", ETHERNET, frames(hep(2)), NOT_CIGI)
    yield Carrier(mirror, "HEPv2, as FreeSWITCH sends it", ETHERNET, frames(hep(2, True)), NOT_CIGI)
    yield Carrier(mirror, "HEPv3, compressed payload", ETHERNET,
                  frames(lambda m, n: [udp_tunnel(9060, hep3(m, True), True)]))
    yield Carrier(mirror, "HEPv3 over TCP", ETHERNET, stream(
        lambda c, m, n: [c.segment(True, p) for p in pieces(hep3(m), 2)], port=9060))

    files = "Files"
    yield Carrier(files, "pcap, big-endian", lambda f: pcap(f, order=">"), plain)
    yield Carrier(files, "pcap, modified (Kuznetsov)", lambda f: pcap(f, magic=0xA1B2CD34, extra=bytes(8)), plain)
    yield Carrier(files, "pcapng, big-endian", lambda f: pcapng(f, ">"), plain)
    yield Carrier(files, "pcapng, two sections", lambda f: pcapng(f, sections=2), plain)
    yield Carrier(files, "pcapng, simple packet blocks", lambda f: pcapng(f, packet="simple"), plain)
    yield Carrier(files, "pcapng, obsolete packet blocks", lambda f: pcapng(f, packet="old"), plain)
    yield Carrier(files, "zstd", lambda f: zstd(pcap(f)), plain)
    yield Carrier(files, "gzip of two members", gzip_members, plain)
    yield Carrier(files, "snoop", snoop, plain)


TEREDO = "2001:0:cb00:7101:0:63bf:3fff:fdfe", "2001:0:cb00:7101:0:63bf:39cc:9bfe"
NOT_CIGI = "--disable-protocol", "cigi"  # which takes HEP for its own
CARRIERS = list(rows())


def file_of(carrier):
    """The bytes of the capture."""
    made = carrier.frames()
    return carrier.file(made) if callable(carrier.file) else pcap(made, carrier.file)
