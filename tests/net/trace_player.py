"""Two routers and a target behind a TUN device, which answer as real ones do, or as they should not. What the last part
of the address says:

	1  the first router tells the MPLS labels that the packet came with (RFC 4950)
	2  the first router quotes eight bytes of a packet, no more
	3  the second router and the target see a packet whose source was translated
	4  somebody else answers for the first router, and quotes what was never sent; the router itself says nothing
	5  garbage comes with each answer
	6  each answer comes three times
	7  the target says nothing
	8  every other packet is lost from the second router on
	9  there is no target: two routers send the packet to and fro
	10 the second router tells its labels without saying where they begin (as before RFC 4884)

and any other: all answer. Usage: trace_player.py INTERFACE; prints "ready", ends at the end of its input.
"""

import fcntl
import ipaddress
import os
import select
import struct
import sys

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
LABELS = [(16001, 5, 0, 1), (24, 0, 1, 254)]  # label, class, bottom, ttl
# Time exceeded and port unreachable, as (type, code).
EXPIRED = {4: (11, 0), 6: (3, 0)}
NO_PORT = {4: (3, 3), 6: (1, 4)}


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Packet:
    def __init__(self, data):
        self.data = data
        self.version = data[0] >> 4
        if self.version == 4:
            self.header_size = (data[0] & 15) * 4
            self.ttl, self.protocol = data[8], data[9]
            self.source, self.destination = data[12:16], data[16:20]
        else:
            self.header_size = 40
            self.ttl, self.protocol = data[7], data[6]
            self.source, self.destination = data[8:24], data[24:40]
        self.body = data[self.header_size:]
        self.kind = self.destination[-1]

    def translated(self):
        """As somebody behind a translator sees it: another source, checksums to match."""
        data = bytearray(self.data)
        data[12:16] = ipaddress.ip_address("198.51.100.7").packed
        data[10:12] = b"\0\0"
        data[10:12] = struct.pack("!H", checksum(bytes(data[:self.header_size])))
        place = {UDP: 6, TCP: 16}.get(self.protocol)
        if place:
            old, = struct.unpack_from("!H", data, self.header_size + place)
            sum_old = sum(struct.unpack("!2H", self.source))
            sum_new = sum(struct.unpack("!2H", data[12:16]))
            total = (~old & 0xFFFF) + (~sum_old & 0xFFFFFFFF) % 0xFFFF + sum_new
            struct.pack_into("!H", data, self.header_size + place, ~(total % 0xFFFF) & 0xFFFF)
        return bytes(data)


def router(version, n):
    return ipaddress.ip_address(f"10.99.{n}.1" if version == 4 else f"fd99:{n}::1").packed


def enclose(version, source, destination, protocol, body):
    if version == 6:
        return struct.pack("!IHBB", 6 << 28, len(body), protocol, 64) + source + destination + body
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0) + source + destination
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + body


def with_checksum(version, source, destination, protocol, body, place):
    pseudo = b"" if version == 4 and protocol == ICMP else source + destination + (
        struct.pack("!BBH", 0, protocol, len(body)) if version == 4 else struct.pack("!II", len(body), protocol))
    body = body[:place] + b"\0\0" + body[place + 2:]
    return body[:place] + struct.pack("!H", checksum(pseudo + body)) + body[place + 2:]


def icmp(packet, source, body):
    protocol = ICMP if packet.version == 4 else ICMP6
    body = with_checksum(packet.version, source, packet.source, protocol, body, 2)
    return enclose(packet.version, source, packet.source, protocol, body)


def labels():
    entries = b"".join(struct.pack("!I", label << 12 | exp << 9 | bottom << 8 | ttl) for label, exp, bottom, ttl in LABELS)
    extension = struct.pack("!BBH", 0x20, 0, 0) + struct.pack("!HBB", 4 + len(entries), 1, 1) + entries
    return extension[:2] + struct.pack("!H", checksum(extension)) + extension[4:]


def error(packet, source, kind, quote=None, extension=b"", has_length=True):
    quote = packet.data[:packet.header_size + 128] if quote is None else quote
    words = 0
    if extension:
        quote = quote[:128].ljust(128, b"\0")
        words = 128 // (4 if packet.version == 4 else 8) if has_length else 0
    rest = bytes([0, words, 0, 0]) if packet.version == 4 else bytes([words, 0, 0, 0])
    return icmp(packet, source, bytes([*kind, 0, 0]) + rest + quote + extension)


def reply(packet):
    """What the target itself says."""
    body, version = packet.body, packet.version
    if packet.protocol in (ICMP, ICMP6) and body[0] in (8, 128):
        return icmp(packet, packet.destination, bytes([0 if version == 4 else 129]) + body[1:])
    if packet.protocol == UDP:
        quote = packet.translated() if packet.kind == 3 and version == 4 else None
        return error(packet, packet.destination, NO_PORT[version], quote)
    if packet.protocol == TCP:
        source, destination, sequence = struct.unpack_from("!HHI", body)
        size = len(body) - (body[12] >> 4) * 4
        answer = struct.pack("!HHIIBBHHH", destination, source, 0, sequence + 1 + size & 0xFFFFFFFF, 0x50, 0x14, 0, 0, 0)
        answer = with_checksum(version, packet.destination, packet.source, TCP, answer, 16)
        return enclose(version, packet.destination, packet.source, TCP, answer)
    return None


# Where a packet has what an answer is known by: its id, whose it is (port, identifier), and what nobody can guess
# (checksum of ICMP, low half of a sequence number of TCP; else it is in the payload).
PLACES = {ICMP: (6, 4, 2), ICMP6: (6, 4, 2), UDP: (6, 0, 8), TCP: (4, 0, 6)}


def lies(packet):
    """Time exceeded from a stranger, who knows that we trace and guesses well, but never saw the packet."""
    source = ipaddress.ip_address("10.66.6.6" if packet.version == 4 else "fd66::6").packed
    inner = packet.header_size
    number, owner, secret = PLACES[packet.protocol]
    for wrong in ((number,), (owner,), ()):
        quote = bytearray(packet.data)
        payload = inner + (20 if packet.protocol == TCP else 8)
        quote[payload:] = b"\xa5" * (len(quote) - payload)
        for place in (*wrong, secret):
            quote[inner + place] ^= 0x55
        if number in wrong and packet.version == 4:
            quote[4] ^= 0x55
        if not wrong:
            quote[19 if packet.version == 4 else 39] ^= 0x55  # another target
        yield error(packet, source, EXPIRED[packet.version], bytes(quote))


def garbage(packet):
    source = router(packet.version, 66)
    kind = EXPIRED[packet.version]
    for size in (0, 1, 7, 8, 19, packet.header_size, packet.header_size + 3):
        yield icmp(packet, source, bytes([*kind, 0, 0, 0, 255, 0, 0]) + packet.data[:size])
        yield icmp(packet, source, bytes([*kind, 0, 0, 255, 255, 0, 0]) + bytes(i * 37 & 255 for i in range(size)))
    broken = bytearray(error(packet, source, kind))
    broken[-1] ^= 1  # the checksum is wrong
    yield bytes(broken)


class Player:
    def __init__(self):
        self.count = {}

    def is_lost(self, packet):
        where = (packet.destination, packet.protocol, packet.ttl)
        self.count[where] = self.count.get(where, 0) + 1
        return self.count[where] % 2 == 0

    def expired(self, packet):
        version, kind, n = packet.version, packet.kind, packet.ttl
        source = router(version, n)
        quote, extension, has_length = None, b"", True
        if kind == 9:
            source = router(version, 1 + n % 2)
        if kind == 1 and n == 1 or kind == 10 and n == 2:
            extension, has_length = labels(), kind == 1
        if kind == 2 and n == 1:
            quote = packet.data[:packet.header_size + 8]
        if kind == 3 and n == 2 and version == 4:
            quote = packet.translated()
        return error(packet, source, EXPIRED[version], quote, extension, has_length)

    def answers(self, packet):
        kind = packet.kind
        if kind == 4 and packet.ttl == 1:
            yield from lies(packet)
            return
        if kind == 8 and packet.ttl >= 2 and self.is_lost(packet):
            return
        if kind == 5:
            yield from garbage(packet)
        if packet.ttl <= 2 or kind == 9:
            answer = self.expired(packet)
        else:
            answer = None if kind == 7 else reply(packet)
        if answer:
            yield from [answer] * (3 if kind == 6 else 1)


def open_interface(name):
    """Makes an interface whose packets this program reads and writes."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def main():
    device = open_interface(sys.argv[1])
    player = Player()
    print("ready", flush=True)
    while True:
        readable, _, _ = select.select([device, 0], [], [])
        if 0 in readable:
            return
        packet = Packet(os.read(device, 65536))
        if packet.version == 4 or packet.protocol in (TCP, UDP, ICMP6) and packet.destination[0] == 0xFD:
            for answer in player.answers(packet):
                os.write(device, answer)


if __name__ == "__main__":
    main()
