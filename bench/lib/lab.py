"""A lab of namespaces that nobody else sees, and the programs that it needs.

enter() runs the script again in namespaces of its own: network, mounts and process ids. When it ends, however it does,
the kernel ends all that it has started, and takes the interfaces and the folder in memory away.

veth():  10.78.0.1 here; at the far end every address of 10.77.0.0/16 answers. The far end runs in the sender's own
         CPU time, as the kernel does it without further settings. Servers there (lib/servers.py) have cores of their own.
chain(): eight routers in a row, each a namespace; the last of them owns 10.90.0.0/16. Their work, too, is done in the
         sender's own CPU time, and none of them limits its ICMP answers.
tun():   every address of 10.79.0.0/16 answers after an exact time (bench/delay_tun.c).
"""

import argparse
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import time

from lib.process import Broken, Program, finish, wait_for

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / "build" / "release"
INSIDE = "BENCH_INSIDE"
# Which core does what: the worker, or the one thread of a peer; all other threads; clients and servers.
PROBING, HELPING, ASKING = (1,), (0, 2), (3,)
# With servers at the far end, which two cores are for: the threads beside the worker and the client share one.
SERVING, BESIDE = (2, 3), (0,)


def begin(what, goes_first, *options):
    """Reads the arguments, enters the lab, returns (arguments, work folder). options: (name, default, help).

    goes_first: other programs on this machine shall wait, so that throughput and CPU can be measured.
    """
    parser = argparse.ArgumentParser(description=what, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short windows, one turn: shows that it works, not more")
    parser.add_argument("--turns", type=int, help="how often each program has its turn; medians are shown")
    parser.add_argument("--only", help="parts to do, by their letters or names, separated by commas")
    parser.add_argument("--build", type=pathlib.Path, default=BUILD, help="where netsonde is built; default: build/release")
    for name, default, text in options:
        parser.add_argument(name, type=type(default), default=default, help=text)
    arguments = parser.parse_args()
    arguments.build = arguments.build.resolve()
    if os.environ.get(INSIDE) != "yes":
        build(arguments.build)
        enter()
    if goes_first:
        take_precedence()
    work = pathlib.Path("/mnt")
    call("mount", "-t", "tmpfs", "-o", "size=4g", "bench", work)
    show_machine()
    return arguments, work


def enter():
    if os.geteuid() != 0:
        sys.exit(f"{sys.argv[0]}: the lab of namespaces needs root: run it with sudo")
    os.environ[INSIDE] = "yes"
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    sys.stdout.flush()
    os.execvp(command[0], [*command, sys.executable, *sys.argv])


def take_precedence():
    """All programs of the benchmark, netsonde and peers alike, go before whatever else runs on this machine.

    The scheduler shares by session first (autogroup), so it takes a session of our own, and its priority.
    """
    os.setsid()
    os.setpriority(os.PRIO_PROCESS, 0, -20)
    group = pathlib.Path("/proc/self/autogroup")
    if group.exists():
        group.write_text("-20")


def build(folder):
    """build/release is made if it is not there, and brought up to date if it is; other folders are taken as they are."""
    if folder != BUILD:
        if not (folder / "netsonde").exists():
            sys.exit(f"{folder}/netsonde: not there: build it first")
        return
    quiet = {"cwd": TOP, "stdout": subprocess.DEVNULL, "check": True}
    print("building build/release ...", file=sys.stderr)
    if not (folder / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "release"], **quiet)
    targets = ["netsonde", "netsonde_core", "netsonde_exporter", "netsonde_influx"]
    subprocess.run(["cmake", "--build", folder, "--parallel", "2", "--target", *targets], **quiet)


def call(*command, check=True):
    result = subprocess.run([str(one) for one in command], capture_output=True, text=True)
    if check and result.returncode != 0:
        raise Broken(f"{' '.join(map(str, command))}: {result.stderr.strip() or result.returncode}")
    return result.stdout


def compile_c(source, work, *libraries, flags=()):
    """A program of bench/, compiled into the work folder."""
    binary = work / pathlib.Path(source).stem
    call("gcc", "-O2", "-pthread", "-D_GNU_SOURCE", *flags, f"-I{TOP}", TOP / "bench" / source, "-o", binary,
         *libraries, "-lm")
    return binary


def wanted_parts(arguments, all_parts, too_slow=()):
    """Those of --only; else all, in a quick run without those that are too slow for it."""
    if arguments.only:
        names = {name.strip() for name in arguments.only.split(",")}
        return [one for one in all_parts if one in names]
    return [one for one in all_parts if not (arguments.quick and one in too_slow)]


def do_part(table, name, part):
    """One part of a benchmark. What breaks is said in the table, and the other parts go on."""
    print(f"{name} ...", file=sys.stderr)
    begun = time.monotonic()
    try:
        part()
    except (Broken, OSError, subprocess.CalledProcessError) as error:
        table.note(f"{name} broke off: {error}")
    print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr)


def find(program, package):
    """Where a peer is, or None and a word about it."""
    path = shutil.which(program)
    if path is None:
        print(f"left out: {program} is not installed (Debian package {package})")
    return path


def show_machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    names = {line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")}
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores ({', '.join(sorted(names)) or platform.machine()}), {memory:.0f} GiB, "
          f"Linux {platform.release().split('-')[0]}, load {load:.1f} at the start")
    if load > 0.5:
        print("others are at work on this machine: compare the ratios, and run it again")
    if os.cpu_count() < 4:
        print("fewer than four cores: programs that should have one each share them")
    sys.stdout.flush()


def allow_ping():
    """Datagram ICMP for everybody, as a system with unprivileged ping has it. (It is off in a new namespace.)"""
    pathlib.Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647")


class Far:
    """The namespace at the far end."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        ours = os.readlink("/proc/self/ns/net")
        wait_for(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != ours, "a network namespace")

    def call(self, *command):
        return call("nsenter", "-t", self.holder.pid, "-n", *command)

    def start(self, command, log, environment=None):
        """A server, on the cores for servers."""
        prefix = ("nsenter", "-t", str(self.holder.pid), "-n")
        return Program(command, log=log, cores=SERVING, environment=environment, prefix=prefix)

    def udp_drops(self):
        """Datagrams that did not fit into a socket's buffer."""
        text = pathlib.Path(f"/proc/{self.holder.pid}/net/snmp").read_text()
        names, values = (line.split() for line in text.splitlines() if line.startswith("Udp:"))
        return int(values[names.index("RcvbufErrors")])


def loopback():
    call("ip", "link", "set", "lo", "up")


def veth():
    loopback()
    allow_ping()
    far = Far()
    call("ip", "link", "add", "probe0", "type", "veth", "peer", "name", "lab0", "netns", far.holder.pid)
    call("ip", "addr", "add", "10.78.0.1/24", "dev", "probe0")
    call("ip", "link", "set", "probe0", "up")
    far.call("ip", "link", "set", "lo", "up")
    far.call("ip", "addr", "add", "10.78.0.2/24", "dev", "lab0")
    far.call("ip", "link", "set", "lab0", "up")
    far.call("ip", "route", "add", "local", "10.77.0.0/16", "dev", "lo")
    far.call("sysctl", "-qw", "net.ipv4.icmp_ratelimit=0", "net.ipv4.icmp_ratemask=0")
    call("ip", "route", "add", "10.77.0.0/16", "via", "10.78.0.2")
    wait_for(lambda: "1 received" in call("ping", "-c1", "-W1", "10.77.0.1", check=False), "the far end to answer")
    return far


def chain(hops=8):
    """Hop i has 10.91.i.2 towards us and 10.91.i+1.1 away from us; the last one every address of 10.90.0.0/16."""
    loopback()
    allow_ping()
    routers = [Far() for _ in range(hops)]
    places = ["ip", *(f"nsenter -t {one.holder.pid} -n ip" for one in routers)]
    script = []
    for i, far in enumerate(routers, 1):
        near, here = places[i - 1], places[i]
        script += [
            f"{near} link add away type veth peer name home netns {far.holder.pid}",
            f"{near} addr add 10.91.{i}.1/30 dev away",
            f"{near} link set away up",
            f"{here} link set lo up",
            f"{here} addr add 10.91.{i}.2/30 dev home",
            f"{here} link set home up",
            f"{near} route add 10.90.0.0/16 via 10.91.{i}.2",
            f"{here} route add default via 10.91.{i}.1",
            f"nsenter -t {far.holder.pid} -n sysctl -eqw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0"
            " net.ipv4.icmp_ratemask=0 net.ipv4.icmp_msgs_per_sec=10000000 net.ipv4.icmp_msgs_burst=10000000",
        ]
    script.append(f"{places[-1]} route add local 10.90.0.0/16 dev lo")
    call("sh", "-ec", "\n".join(script))
    wait_for(lambda: "1 received" in call("ping", "-c1", "-W1", "10.90.0.1", check=False), "the end of the chain to answer")
    return routers


class Tun:
    """delay_tun, running, here or behind a router. Its last words are the times that it really held packets for."""

    def __init__(self, binary, work, hold_us, seconds, far=None):
        command, log = [binary, "-i", "tun0", "-d", hold_us, "-t", seconds], work / "delay_tun.log"
        self.program = far.start(command, log) if far else Program(command, log=log)
        order = far.call if far else call
        wait_for(lambda: "tun0" in order("ip", "-o", "link"), "tun0")
        order("ip", "addr", "add", "10.80.0.1/30", "dev", "tun0")
        order("ip", "link", "set", "tun0", "up")
        order("ip", "route", "add", "10.79.0.0/16", "dev", "tun0")
        time.sleep(0.2)
        self.program.check_alive()

    def stop(self):
        self.program.stop()
        return self.program.said()


def tun(binary, work, hold_us, seconds):
    loopback()
    allow_ping()
    return Tun(binary, work, hold_us, seconds)


def addresses(n, network="10.77"):
    """The first n addresses of a lab, without .0.0."""
    return [f"{network}.{i // 256}.{i % 256}" for i in range(1, n + 1)]
