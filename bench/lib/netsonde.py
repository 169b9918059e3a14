"""The daemon under measurement: configuration, start, figures, lines."""

import re
import subprocess
import sys
import time
import urllib.request

from lib.lab import HELPING, PROBING
from lib.process import Broken, Program, Window, pin, wait_for

PORT = 9975
# What is computed about results, and kept besides: off, so that a figure is of one thing.
NOTHING_COMPUTED = "qos: { enabled = false; };\navailability: { enabled = false; };"
OWN = ("starts_total", "skipped_total", "lag_seconds_total", "lag_max_seconds")


def write_config(folder, targets, interval, options=None, agent=None, outputs=None,
                 sections=NOTHING_COMPUTED):
    """targets: addresses, which may repeat. All that the daemon keeps of a result is kept: series, histograms, lines in a
    file.

    interval: None where the type has others. options: of the probe, which is a ping unless they say another type. sections: more of the configuration, as text.
    """
    probe = {"type": '"ping"', **({} if interval is None else {"interval": interval}), **(options or {})}
    settings = {"name": '"bench"', "workers": 1, "state_dir": f'"{folder}"', **(agent or {})}
    outputs = outputs or f'{{ name = "file"; path = "{folder}/lines"; rotate_size = "256MiB"; keep = 1; }}'
    lines = [
        f"agent: {group(settings)};",
        f'web: {{ listen = [ "127.0.0.1:{PORT}" ]; max_series = 20000000; reply_timeout = 120; }};',
        f"probes: {{ probe: {group(probe)}; }};",
        f"influx: ( {outputs} );",
        "targets: (",
        ",\n".join(f'{{ name = "host-{i:05d}"; address = "{one}"; probes = [ "probe" ]; }}' for i, one in enumerate(targets)),
        ");",
        sections,
    ]
    path = folder / "netsonde.conf"
    path.write_text("\n".join(lines) + "\n")
    return path


def group(settings):
    def text(value):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return "{ " + " ".join(f"{key} = {text(value)};" for key, value in settings.items()) + " }"


def get(path, headers=None):
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", headers=headers or {})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return reply.read()


class Netsonde(Program):
    """netsonde run, ready. pins: its one worker on the core for probing; else it is left to the scheduler.

    beside: cores of the other threads then.
    """

    def __init__(self, arguments, folder, targets, interval, pins=True, beside=HELPING, **settings):
        self.folder = folder
        for old in folder.glob("lines*"):
            old.unlink()
        config = write_config(folder, targets, interval, **settings)
        super().__init__([arguments.build / "netsonde", "run", "--config", config], log=folder / "netsonde.log")
        wait_for(self.is_ready, "netsonde to be ready")
        if pins:
            for thread, name in self.thread_names().items():
                pin(thread, PROBING if name.startswith("worker") else beside)

    def is_ready(self):
        self.check_alive()
        try:
            return get("/-/ready") is not None
        except OSError:
            return False

    def own_figures(self):
        """Sums over the workers of what the schedule says: a page with next to no targets, which costs nothing."""
        text = get("/metrics?shard=0/65536").decode()
        return {
            name: sum(map(float, re.findall(rf"^netsonde_schedule_{name}(?:{{.*}})? (\S+)$", text, re.M))) for name in OWN
        }

    def target_figures(self):
        """Sums over all targets. The page of 65,000 targets has 300 MB: awk adds up faster than we do."""
        program = (
            'match($1, /^netsonde_(ping|icmp|output|probe_failures)_[a-z_]*total/) {'
            ' name = substr($1, 10, RLENGTH - 9);'
            ' if (match($1, /reason="[a-z_]*"/)) name = "failed_" substr($1, RSTART + 8, RLENGTH - 9);'
            ' sum[name] += $2 } END { for (name in sum) printf "%s %.0f\\n", name, sum[name] }')
        curl = subprocess.Popen(["curl", "-sf", f"http://127.0.0.1:{PORT}/metrics"], stdout=subprocess.PIPE)
        out = subprocess.run(["awk", program], stdin=curl.stdout, capture_output=True, text=True, check=True).stdout
        curl.wait()
        return {name: int(value) for name, value in map(str.split, out.splitlines())}

    def measure(self, seconds):
        """CPU, starts, skipped turns and lag of a window."""
        before = self.own_figures()
        with Window(self) as window:
            time.sleep(seconds)
            after = self.own_figures()
        return Measured(window, before, after)

    def try_out(self, seconds):
        """What it measured at this rate; is_clean if it holds it: nothing was lost and no turn skipped."""
        time.sleep(1.5)
        measured = self.measure(seconds)
        measured.lost, measured.losses = self.falsely_lost()
        measured.peak_bytes = self.memory_bytes("VmHWM")
        measured.is_clean = measured.skipped == 0 and measured.lost == 0 and measured.lag_seconds < 0.05
        print(f"  tried {measured.rate:,.0f}/s: {measured.skipped:,.0f} skipped, {measured.losses}; mean lag "
              f"{measured.lag_seconds * 1e3:.1f} ms, worker {measured.worker_us:.2f} us a probe", file=sys.stderr)
        return measured

    def falsely_lost(self):
        """Runs of one request that failed since the start, at a far end that answers everything; and words about it."""
        figures = self.target_figures()
        reasons = {name[7:]: n for name, n in figures.items() if name.startswith("failed_") and n}
        words = ", ".join(f"{n:,} {name}" for name, n in reasons.items())
        drops = figures.get("icmp_receive_drops_total", 0)
        return sum(reasons.values()), f"{words or 'none'} lost, {drops:,} replies dropped by its own full buffer"

    def rtts(self, begin, end, first_targets):
        """Round-trip times in us, from the lines with a time of the clock between these, of the first so many targets."""
        pattern = re.compile(r"^ping,.*target=host-(\d+).*[ ,]rtt_avg_seconds=([^, ]+).* (\d+)$")
        with open(self.folder / "lines") as lines:
            found = [match.groups() for match in map(pattern.match, lines) if match]
        return [float(rtt) * 1e6 for host, rtt, stamp in found
                if int(host) < first_targets and begin <= int(stamp) / 1e9 <= end]


def highest_rate(attempt, lowest, tries, between=lambda: None, workers=1):
    """What attempt(rate), which ends in try_out, measured at the highest rate that the workers hold.

    Bisects up to 1.1 times of what their CPU would allow; between() has its turn before each try. A rate at which a few
    were lost is tried once more: it may have been another program of this machine.
    """
    best = attempt(lowest)
    if not best.is_clean:
        raise Broken(f"even {lowest:,.0f}/s were not sustained: is the machine busy?")
    low, high = lowest, 1.1 * 1e6 / best.worker_us * workers
    for _ in range(tries):
        between()
        rate = low + 0.6 * (high - low)
        measured = attempt(rate)
        if not measured.is_clean and measured.lost + measured.skipped < measured.starts / 1000:
            measured = attempt(rate)
        if measured.is_clean:
            best, low = measured, rate
        else:
            high = rate
    return best


class Measured:
    def __init__(self, window, before, after):
        self.wall_seconds = window.wall_seconds
        self.starts = after["starts_total"] - before["starts_total"]
        self.skipped = after["skipped_total"] - before["skipped_total"]
        self.rate = self.starts / window.wall_seconds
        self.cores = window.cpu_seconds / window.wall_seconds
        self.us_per_probe = window.cpu_seconds / max(self.starts, 1) * 1e6
        self.worker_us = window.thread_seconds("worker") / max(self.starts, 1) * 1e6
        self.worker_cores = window.thread_seconds("worker") / window.wall_seconds
        self.threads = window.threads
        self.lag_seconds = (after["lag_seconds_total"] - before["lag_seconds_total"]) / max(self.starts, 1)
        self.lag_max_seconds = after["lag_max_seconds"]
