"""A network for one test: a veth, one end here, the other in a namespace where the wire player sits (wire.c).

Here: 10.9.0.1/16 and fd09::1/64 on the interface va. Every other address of these networks is the player's.
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
from support import wait_for

FOLDER = pathlib.Path(__file__).resolve().parent
IPV4 = "10.9.0.1"
IPV6 = "fd09::1"
FAMILIES = ("ipv4", "ipv6")


def run(*command, check=True):
    result = subprocess.run(command, capture_output=True, text=True)
    assert not check or result.returncode == 0, f"{' '.join(command)}: {result.stdout}{result.stderr}"
    return result


def set_sysctl(name, value):
    pathlib.Path("/proc/sys", name.replace(".", "/")).write_text(str(value))


def build_wire(folder):
    """Compiles the player; returns its path."""
    binary = folder / "wire"
    compiler = shutil.which("cc") or shutil.which("gcc") or "clang"
    sources = [str(FOLDER / name) for name in ("wire.c", "wire_packet.c", "wire_scenario.c")]
    run(compiler, "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-o", str(binary), *sources)
    return binary


def host(family, n):
    """The n-th address of the player in that family (1 < n < 65000)."""
    return f"10.9.{n // 250}.{n % 250 + 2}" if family == "ipv4" else f"fd09::{n + 0x1000:x}"


class Peer:
    """A network namespace of its own, as long as this process lives."""

    def __init__(self):
        # cat ends at the end of its input: when the tests end, however they do.
        self.process = subprocess.Popen(["unshare", "-n", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.pid = str(self.process.pid)
        ours = os.readlink("/proc/self/ns/net")
        while True:
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{self.pid}/ns/net") != ours:
                    break
            assert self.process.poll() is None, "unshare -n failed"
        self.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6")
        self.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6")

    def run(self, *command):
        return run("nsenter", "-t", self.pid, "-n", *command)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Wire:
    """The player, running."""

    def __init__(self, binary, peer, interface, scenario_file):
        self.process = subprocess.Popen(
            ["nsenter", "-t", peer.pid, "-n", str(binary), interface, str(scenario_file)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        self.expect("ready")

    def expect(self, word):
        line = self.process.stdout.readline().strip()
        assert line == word, f"wire said {line!r} instead of {word!r}: {self.process.stderr.read()}"

    def figures(self):
        self.process.send_signal(10)  # SIGUSR1
        return json.loads(self.process.stdout.readline())

    def reload(self):
        self.process.send_signal(1)  # SIGHUP
        self.expect("reloaded")

    def close(self):
        self.process.terminate()
        out, error = self.process.communicate()
        assert self.process.returncode == 0 and not error, f"wire ended with {self.process.returncode}: {error}"
        return json.loads(out.splitlines()[-1])


class Network:
    def __init__(self, binary, peer, folder):
        self.binary = binary
        self.peer = peer
        self.scenario_file = folder / "scenario"
        self.wire = None
        self.create()

    def create(self, mtu=1500):
        """The veth with its addresses. Addresses of IPv6 are there at once: nobody looks for duplicates."""
        run("ip", "link", "add", "va", "mtu", str(mtu), "type", "veth", "peer", "name", "vb", "mtu", str(mtu),
            "netns", self.peer.pid)
        self.peer.run("ip", "link", "set", "vb", "up")
        set_sysctl("net.ipv6.conf.va.accept_dad", 0)
        # An address that nobody answers for is known to be so after 2 tenths of a second, not after 3 seconds.
        for family in FAMILIES:
            set_sysctl(f"net.{family}.neigh.va.mcast_solicit", 2)
            set_sysctl(f"net.{family}.neigh.va.retrans_time_ms", 100)
        self.up()

    def up(self):
        """The interface is up and has its addresses: the kernel forgets those of IPv6 when it goes down."""
        run("ip", "link", "set", "va", "up")
        run("ip", "addr", "replace", f"{IPV4}/16", "dev", "va")
        run("ip", "-6", "addr", "replace", f"{IPV6}/64", "dev", "va", "nodad")
        # The kernel notices a moment later that the other end is up, and only then there are routes.
        wait_for(lambda: run("ip", "route", "get", host("ipv4", 1), check=False).returncode == 0
                 and run("ip", "-6", "route", "get", host("ipv6", 1), check=False).returncode == 0
                 and "LOWER_UP" in run("ip", "link", "show", "va").stdout
                 and "tentative" not in run("ip", "-6", "addr", "show", "va").stdout, "the interface")

    @contextlib.contextmanager
    def dead_end(self, name):
        """One more interface, at whose far end nobody answers."""
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "dead", "netns", self.peer.pid)
        try:
            self.peer.run("ip", "link", "set", "dead", "up")
            run("ip", "link", "set", name, "up")
            yield
        finally:
            run("ip", "link", "del", name, check=False)

    def down(self):
        run("ip", "link", "set", "va", "down")

    def delete(self):
        """The interface vanishes, and with it the player's."""
        self.stop()
        run("ip", "link", "del", "va", check=False)

    def play(self, *rules):
        """Begins this scenario: lines as wire_scenario.c has them. Without rules everybody answers."""
        self.scenario_file.write_text("\n".join(rules or ("default",)) + "\n")
        if self.wire:
            self.wire.reload()
        else:
            self.wire = Wire(self.binary, self.peer, "vb", self.scenario_file)
        return self

    def figures(self):
        return self.wire.figures()

    def seen(self, address):
        """What the player saw and did about one address."""
        figures = self.figures()
        assert figures["dropped"] == 0 and figures["unsent"] == 0, figures
        return figures["destinations"].get(address, {"requests": 0})

    def stop(self):
        if self.wire:
            wire, self.wire = self.wire, None
            wire.close()
