"""The programs that netsonde is measured against, each with what is to be read from what it says."""

import http.client
import re
import time
import urllib.request

from lib import lab
from lib.process import Broken, Program, Window, finish, wait_for

BLACKBOX_PORT, SMOKEPING_PORT = 9115, 9374
BLACKBOX_CONFIG = "modules: { icmp: { prober: icmp, timeout: 2s, icmp: { preferred_ip_protocol: ip4 } } }\n"
# Every request another target: as a scraper with many targets asks.
WRK_SCRIPT = """
local n = 0
function request()
	n = n % 60000 + 1
	return wrk.format("GET", string.format("/probe?module=icmp&target=10.77.%d.%d", math.floor(n / 256), n % 256))
end
"""


class Figures:
    """What one turn of a program gave; what does not apply is None."""

    def __init__(self, rate=None, us=None, peak_bytes=None, lost=None, **more):
        self.rate, self.us, self.peak_bytes, self.lost = rate, us, peak_bytes, lost
        self.__dict__.update(more)


def icmp_limit(binary, *options, cores=lab.PROBING, seconds=3, dumps=False):
    """bench/icmp_limit.c. dumps: every round-trip time in the answer, in microseconds."""
    more = ["-D"] if dumps else []
    done = finish([binary, "-m", "dgram", "-d", seconds, *options, *more], cores=cores)
    found = re.search(r"sent (\d+) rcvd (\d+) lost (\d+) .*rtt/s (\d+) .*us/probe ([\d.]+) ", done.output)
    if not found:
        raise Broken(f"icmp_limit said: {done.output}{done.error}")
    rtts = [int(line) / 1e3 for line in done.error.splitlines() if line.lstrip("-").isdigit()] if dumps else []
    return Figures(float(found[4]), float(found[5]), done.peak_bytes, int(found[3]), rtts=rtts)


def fping(path, work, targets, *options, may_fail=False):
    """fping with a list of targets: -c N and further options. rate: replies a second over its whole life."""
    (work / "fping.list").write_text("\n".join(targets) + "\n")
    done = finish([path, "-q", *options, "-f", work / "fping.list"], cores=lab.PROBING, may_fail=may_fail)
    counts = re.findall(r"xmt/rcv/%loss = (\d+)/(\d+)/", done.error)
    sent, received = (sum(int(pair[i]) for pair in counts) for i in (0, 1))
    said = [line for line in done.error.splitlines() if "fping:" in line or "sequence" in line]
    us = done.cpu_seconds / sent * 1e6 if sent else None
    return Figures(received / done.wall_seconds, us, done.peak_bytes, sent - received, said=said, code=done.code)


def blackbox(path, work, processors=None, cores=None):
    """The exporter, running; processors: GOMAXPROCS, else its default."""
    (work / "blackbox.yml").write_text(BLACKBOX_CONFIG)
    command = [path, f"--config.file={work}/blackbox.yml", f"--web.listen-address=127.0.0.1:{BLACKBOX_PORT}",
               "--log.level=error"]
    environment = {"GOMAXPROCS": str(processors)} if processors else {}
    program = Program(command, log=work / "blackbox.log", cores=cores, environment=environment)
    wait_for(lambda: answers(program, BLACKBOX_PORT, "/-/healthy"), "blackbox_exporter to answer")
    return program


def answers(program, port, path):
    program.check_alive()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10):
            return True
    except OSError:
        return False


def blackbox_load(path, wrk, work, processors, seconds):
    """Probes as fast as it makes them for 16 connections of wrk."""
    (work / "probe.lua").write_text(WRK_SCRIPT)
    cores = lab.PROBING if processors == 1 else None
    with blackbox(path, work, processors, cores) as program:
        command = [wrk, "-t1", "-c16", f"-d{seconds}s", "-s", work / "probe.lua", f"http://127.0.0.1:{BLACKBOX_PORT}"]
        with Window(program) as window:
            done = finish(command, cores=lab.ASKING)
        requests = int(re.search(r"(\d+) requests in", done.output)[1])
        if "Non-2xx" in done.output:
            raise Broken(f"blackbox_exporter refused probes: {done.output}")
        return Figures(requests / window.wall_seconds, window.cpu_seconds / requests * 1e6,
                       program.memory_bytes("VmHWM"), 0)


def blackbox_rtts(targets, end):
    """Asks one probe after the other until that time; the round-trip times that it reports, in microseconds."""
    connection = http.client.HTTPConnection("127.0.0.1", BLACKBOX_PORT, timeout=30)
    found, n = [], 0
    while time.monotonic() < end:
        connection.request("GET", f"/probe?module=icmp&target={targets[n % len(targets)]}")
        page = connection.getresponse().read().decode()
        rtt = re.search(r'phase="rtt"} (\S+)', page)
        if rtt and "probe_success 1" in page:
            found.append(float(rtt[1]) * 1e6)
        n += 1
    return found


def smokeping(path, work, targets, interval="1s"):
    command = [path, "--privileged", f"--ping.interval={interval}", f"--web.listen-address=127.0.0.1:{SMOKEPING_PORT}",
               "--log.level=error", *targets]
    program = Program(command, log=work / "smokeping.log")
    wait_for(lambda: answers(program, SMOKEPING_PORT, "/metrics"), "smokeping_prober to answer")
    return program


def smokeping_page():
    with urllib.request.urlopen(f"http://127.0.0.1:{SMOKEPING_PORT}/metrics", timeout=60) as reply:
        return reply.read().decode()


def smokeping_sums(page=None):
    """(requests, replies, sum of their times in seconds) of all hosts."""
    page = page or smokeping_page()
    names = ("smokeping_requests_total", "smokeping_response_duration_seconds_count",
             "smokeping_response_duration_seconds_sum")
    return tuple(sum(map(float, re.findall(rf"^{name}{{.*}} (\S+)$", page, re.M))) for name in names)


def smokeping_load(path, work, targets, seconds):
    with smokeping(path, work, targets) as program:
        time.sleep(2)
        requests, replies, _ = smokeping_sums()
        with Window(program) as window:
            time.sleep(seconds)
        cpu_seconds = window.cpu_seconds
        sent, answered, _ = (after - before for after, before in zip(smokeping_sums(), (requests, replies, 0)))
        return Figures(answered / window.wall_seconds, cpu_seconds / max(sent, 1) * 1e6,
                       program.memory_bytes("VmHWM"), max(0, int(sent - answered)))


def ping_rtts(path, target, seconds, interval):
    """iputils ping; round-trip times in microseconds, as it prints them."""
    done = finish([path, "-n", "-i", interval, "-w", max(1, round(seconds)), target], may_fail=True)
    return [float(one) * 1e3 for one in re.findall(r"time=([\d.]+) ms", done.output)]


def fping_rtts(path, work, targets, seconds, interval_ms):
    """All targets in turn, each at this interval. It prints three digits: 20 ms to a hundredth or a tenth."""
    (work / "fping.list").write_text("\n".join(targets) + "\n")
    count = max(1, int(seconds * 1000 / interval_ms))
    spacing = interval_ms / len(targets)
    command = [path, "-q", "-C", count, "-p", interval_ms, "-i", f"{spacing:.2f}", "-f", work / "fping.list"]
    done = finish(command, may_fail=True)
    found = re.findall(r"^\S+ +: (.*)$", done.error, re.M)
    return [float(one) * 1e3 for line in found for one in line.split() if one != "-"]
