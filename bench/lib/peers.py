"""The programs that netsonde is measured against, each with what is to be read from what it says."""

import http.client
import json
import re
import time
import urllib.request

from lib import asking, lab
from lib.process import Broken, Program, Window, finish, wait_for

BLACKBOX_PORT, SMOKEPING_PORT = 9115, 9374
# netsonde reads the same file (bench/probe). The names of the modules are those of its own probe types, too.
BLACKBOX_CONFIG = """
modules:
  icmp: { prober: icmp, timeout: 2s, icmp: { preferred_ip_protocol: ip4 } }
  http: { prober: http, timeout: 5s, http: { preferred_ip_protocol: ip4 } }
  https: { prober: http, timeout: 5s, http: { preferred_ip_protocol: ip4, tls_config: { insecure_skip_verify: true } } }
  dns: { prober: dns, timeout: 5s, dns: { preferred_ip_protocol: ip4, query_name: host.example, query_type: A } }
"""
SPREAD = 60000
QUESTIONS = {
    module: {"module": module, "target": target, "addresses": SPREAD}
    for module, target in (("icmp", "10.77.%d.%d"), ("http", "http://10.77.%d.%d/"), ("https", "https://10.77.%d.%d/"),
                           ("dns", "10.77.%d.%d"))
}


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


def http_limit(binary, scheme, seconds, connections=32, addresses=None):
    """bench/http_limit.c or bench/http_raw.c; addresses: how many take turns, where that is to be told."""
    more = [addresses] if addresses else []
    done = finish([binary, scheme, connections, seconds, *more], cores=lab.PROBING)
    found = re.search(r"probes (\d+) bad (\d+) probes/s (\d+) us/probe ([\d.]+) .*rss (\d+) MiB total p50 (\d+) us p99 (\d+) us",
                      done.output)
    if not found:
        raise Broken(f"{binary.name} said: {done.output}{done.error}")
    return Figures(float(found[3]), float(found[4]), int(found[5]) << 20, int(found[2]), requests=int(found[1]),
                   p50_ms=int(found[6]) / 1e3, p99_ms=int(found[7]) / 1e3)


def dns_limit(binary, window, seconds, *options, name="host.example"):
    """bench/dns_limit.c; options: sockets, then "fresh" for a socket a query."""
    done = finish([binary, "10.77.0.1", name, window, seconds, *options], cores=lab.PROBING)
    found = re.search(r"rcvd (\d+) bad (\d+) lost (\d+) q/s (\d+) us/query ([\d.]+) ", done.output)
    if not found:
        raise Broken(f"dns_limit said: {done.output}{done.error}")
    return Figures(float(found[4]), float(found[5]), done.peak_bytes, int(found[2]) + int(found[3]), requests=int(found[1]))


def fping(path, work, targets, *options, may_fail=False):
    """fping with a list of targets: -c N and further options. rate: replies a second over its whole life."""
    (work / "fping.list").write_text("\n".join(targets) + "\n")
    done = finish([path, "-q", *options, "-f", work / "fping.list"], cores=lab.PROBING, may_fail=may_fail)
    counts = re.findall(r"xmt/rcv/%loss = (\d+)/(\d+)/", done.error)
    sent, received = (sum(int(pair[i]) for pair in counts) for i in (0, 1))
    said = [line for line in done.error.splitlines() if "fping:" in line or "sequence" in line]
    us = done.cpu_seconds / sent * 1e6 if sent else None
    return Figures(received / done.wall_seconds, us, done.peak_bytes, sent - received, said=said, code=done.code)


def write_blackbox_config(work):
    path = work / "blackbox.yml"
    path.write_text(BLACKBOX_CONFIG)
    return path


def blackbox(path, work, processors=None, cores=None):
    """The exporter, running; processors: GOMAXPROCS, else its default."""
    command = [path, f"--config.file={write_blackbox_config(work)}", f"--web.listen-address=127.0.0.1:{BLACKBOX_PORT}",
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


def blackbox_load(path, wrk, work, processors, seconds, question=QUESTIONS["icmp"], pause_ms=0):
    """Probes as fast as it makes them for 16 connections of wrk, or with pauses."""
    cores = lab.PROBING if processors == 1 else None
    with blackbox(path, work, processors, cores) as program:
        return probe_load(program, BLACKBOX_PORT, wrk, work, question, seconds, pause_ms)


def probe_load(program, port, wrk, work, question, seconds, pause_ms=0):
    """What a program takes to answer /probe, after a moment to warm up."""
    url = f"http://127.0.0.1:{port}"
    asking.ask(wrk, work, url, question, 1)
    with Window(program) as window:
        asked = asking.ask(wrk, work, url, question, seconds, pause_ms)
    us = window.cpu_seconds / max(asked.requests, 1) * 1e6
    worker_us = window.thread_seconds("worker") / max(asked.requests, 1) * 1e6
    return Figures(asked.rate, us, program.memory_bytes("VmHWM"), asked.lost, worker_us=worker_us or None,
                   requests=asked.requests, p50_ms=asked.p50_ms, p99_ms=asked.p99_ms)


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


# --- traces ---------------------------------------------------------------------------------------------------------


def trace_limit(binary, *options):
    """bench/trace_limit.c"""
    done = finish([binary, *options], cores=lab.PROBING)
    found = re.search(r"traces (\d+) complete (\d+) .*traces/s (\d+) .*us/trace ([\d.]+) ", done.output)
    if not found:
        raise Broken(f"trace_limit said: {done.output}{done.error}")
    return Figures(float(found[3]), float(found[4]), lost=0, traces=int(found[1]), complete=int(found[2]))


def one_trace(command):
    """A program that traces once: its whole life, its processor time."""
    done = finish(command, cores=lab.PROBING)
    return Figures(1 / done.wall_seconds, done.cpu_seconds * 1e6, wall_seconds=done.wall_seconds)


def scamper(path, work, targets, transport, hops):
    """scamper at the highest rate that it allows, one packet a hop; its file is read when it has ended."""
    (work / "scamper.list").write_text("\n".join(targets) + "\n")
    traced = work / "scamper.warts"
    done = finish([path, "-p", 10000, "-c", f"trace -P {transport}-paris -q 1", "-O", "warts", "-o", traced,
                   "-f", work / "scamper.list"], cores=lab.PROBING)
    traces = [json.loads(line) for line in finish(["sc_warts2json", traced]).output.splitlines()]
    traces = [one for one in traces if one["type"] == "trace"]
    complete = sum(one["stop_reason"] in ("COMPLETED", "ICMP") and len(one.get("hops", [])) == hops
                   and one["hops"][-1]["addr"] == one["dst"] for one in traces)
    return Figures(len(traces) / done.wall_seconds, done.cpu_seconds / len(targets) * 1e6,
                   traces=len(targets), complete=complete)


def trace_processes(work, targets, command, hops):
    """A process for each target, 64 at a time. command has {} in the target's place."""
    (work / "trace.list").write_text("\n".join(targets) + "\n")
    line = f"xargs -a {work}/trace.list -P 64 -I{{}} sh -c '{command} > {work}/trace.{{}}'"
    done = finish(["sh", "-c", line], cores=lab.PROBING)
    last = [(work / f"trace.{target}").read_text().splitlines()[-1] for target in targets]
    complete = sum(re.match(rf"\s*{hops}\b", line) is not None and target in line for line, target in zip(last, targets))
    for target in targets:
        (work / f"trace.{target}").unlink()
    return Figures(len(targets) / done.wall_seconds, done.cpu_seconds / len(targets) * 1e6,
                   traces=len(targets), complete=complete)
