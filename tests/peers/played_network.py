"""A network that can be broken: the way from here to 10.9.0.0/16, with routers, name servers and pages of its own.

As a program it runs in a namespace of its own, where all these addresses are, and has two interfaces: "play", which is moved
to the namespace of who started it, and "far". It carries each packet from one to the other as its fate says, which is that of
the address beyond:

    routers  who stands on the way; a packet whose time to live ends there is answered by that router
    flaps    seconds after which 10.7.0.9 and the second router take turns; 0: never
    steps    seconds that each step of the way takes there and back, the last of them to the target itself
    jitter   seconds on top, one packet after the other, then from the beginning
    plan     one letter a packet that gets as far as hop `lossy`, then from the beginning: "x" is lost
    cut      source addresses that nothing comes through from
    mtu      larger packets vanish, and nobody says so
    copies   how often each packet arrives
    ttl      hop limit of what comes back
    rate     bytes a second of what comes back
    think    seconds that a page takes to begin its answer
    status   of a page, and its size in bytes and further header fields
    answer   addresses that a name server gives, its rcode, and whether it says that it has checked signatures
    forged   does an answer to another question come first?

It prints one line of JSON when it is there; each line of its input is one of JSON, {address: what is different from now on},
and is answered by "done". It ends at the end of its input.
"""

import collections
import heapq
import itertools
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "net"))

import http_server  # noqa: E402
import name_server  # noqa: E402
from trace_player import EXPIRED, Packet, checksum, error, open_interface  # noqa: E402

AGENTS = ("10.8.0.1", "10.8.0.2")
HEALTHY = {
    "routers": ["10.7.0.1", "10.7.0.2", "10.7.0.3"], "flaps": 0, "steps": [0.004, 0.008, 0.016, 0.012], "jitter": [0],
    "plan": ".", "lossy": 1, "cut": [], "mtu": 1500, "copies": 1, "ttl": 64, "rate": 4e6, "think": 0.01, "status": "200 OK", "size": 100000, "fields": [],
    "answer": ["192.0.2.1"], "rcode": 0, "signed": True, "forged": False,
}


class Carrier:
    """From one interface to the other, with what is on its way ordered by when it arrives."""

    def __init__(self, near, far):
        self.near, self.far = near, far
        self.fates = collections.defaultdict(lambda: dict(HEALTHY))
        self.counts = collections.Counter()
        self.free_at = collections.Counter()
        self.waiting = []
        self.order = itertools.count()

    def later(self, device, data, when):
        heapq.heappush(self.waiting, (when, next(self.order), device, data))

    def next_of(self, what, address, values):
        self.counts[what, address] += 1
        return values[(self.counts[what, address] - 1) % len(values)]

    def there(self, packet, now):
        address = socket.inet_ntoa(packet.destination)
        fate = self.fates[address]
        routers = fate["routers"]
        hop = min(packet.ttl, len(routers) + 1)
        # Each hop has its turns for itself: the packets of a trace do not take away each other's.
        if hop >= fate["lossy"] and self.next_of("plan", (address, hop), fate["plan"]) == "x":
            return
        if socket.inet_ntoa(packet.source) in fate["cut"] or len(packet.data) > fate["mtu"]:
            return
        when = now + sum(fate["steps"][:hop]) + self.next_of("jitter", address, fate["jitter"])
        if hop > len(routers):
            for _ in range(fate["copies"]):
                self.later(self.far, packet.data, when)
        else:
            is_other = hop == 2 and fate["flaps"] and now // fate["flaps"] % 2
            router = "10.7.0.9" if is_other else routers[hop - 1]
            self.later(self.near, error(packet, socket.inet_aton(router), EXPIRED[4]), when)

    def back(self, packet, now):
        address = socket.inet_ntoa(packet.source)
        # The rest of the header of IPv4 stays, so its checksum is worked out anew.
        header = bytearray(packet.data[:packet.header_size])
        header[8], header[10:12] = self.fates[address]["ttl"], b"\0\0"
        header[10:12] = struct.pack("!H", checksum(bytes(header)))
        self.free_at[address] = max(now, self.free_at[address]) + len(packet.data) / self.fates[address]["rate"]
        self.later(self.near, bytes(header) + packet.data[packet.header_size:], self.free_at[address])

    def deliver(self):
        """Writes what has arrived by now; seconds until the next, or None."""
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            _, _, device, data = heapq.heappop(self.waiting)
            os.write(device, data)
        return max(0, self.waiting[0][0] - time.monotonic()) if self.waiting else None

    def read(self, device):
        packet = Packet(os.read(device, 65536))
        if packet.version == 4:
            (self.there if device == self.near else self.back)(packet, time.monotonic())

    def run(self):
        while True:
            readable, _, _ = select.select([self.near, self.far, 0], [], [], self.deliver())
            for device in (self.near, self.far):
                if device in readable:
                    self.read(device)
            if 0 in readable:
                line = os.read(0, 1 << 20)
                if not line:
                    return
                for address, different in json.loads(line).items():
                    self.fates[address].update(different)
                print("done", flush=True)

    def resolver(self, address):
        def behave(query):
            fate = self.fates[address]
            answers = [] if fate["rcode"] else [name_server.address(one) for one in fate["answer"]]
            flags = name_server.RA | (name_server.AD if fate["signed"] else 0)
            forged = [name_server.reply(query, answers, question=b"\x01x" + query.question)] if fate["forged"] else []
            return [*forged, name_server.reply(query, answers, flags=flags, rcode=fate["rcode"])]

        return name_server.NameServer(behave, host=address).port

    def page(self, address, context):
        def handle(_):
            fate = self.fates[address]
            time.sleep(fate["think"])
            return http_server.answer(bytes(fate["size"]), fate["status"], fate["fields"])

        return http_server.Server(handle, host=address, context=context).port


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def main(resolvers, pages, certificate, key, home):
    near, far = open_interface("play"), open_interface("far")
    ip("link", "set", "play", "netns", home)
    for words in ("link set lo up", "route add local 10.9.0.0/16 dev lo", "link set far up", "route add 10.8.0.0/24 dev far"):
        ip(*words.split())
    carrier = Carrier(near, far)
    context = http_server.server_context(certificate, key)
    ports = {address: carrier.resolver(address) for address in resolvers.split(",")}
    ports |= {address: carrier.page(address, context) for address in pages.split(",")}
    print(json.dumps(ports), flush=True)
    carrier.run()


class PlayedNetwork:
    """That program, running; and the way to it. ports: where the name servers and pages listen, by address."""

    def __init__(self, resolvers, pages, certificate, key):
        # A process of its own: what it takes to carry packets in time is not to be shared with a test.
        self.process = subprocess.Popen(
            ["unshare", "-n", sys.executable, __file__, ",".join(resolvers), ",".join(pages), certificate, key, str(os.getpid())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.ports = json.loads(self.process.stdout.readline())
        for address in AGENTS:
            ip("addr", "add", f"{address}/24", "dev", "play")
        ip("link", "set", "play", "up")
        ip("route", "add", "10.9.0.0/16", "dev", "play", "src", AGENTS[0])

    def play(self, fates):
        self.process.stdin.write(json.dumps(fates) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
