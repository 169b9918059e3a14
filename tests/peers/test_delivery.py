"""Delivery without a lost line: InfluxDB 1 and VictoriaMetrics fed at once through the disk log, while servers go away and the
daemon is killed with -9 again and again. A file output besides says what was made; what is in it was in the log before."""

import collections
import random
import re
import shutil
import signal
import time

import pytest

import netsonde
import servers

ROUNDS = 12
TARGETS = 20
INTERVAL = 0.1

CONFIG = """
agent: {{ name = "tester"; workers = 2; state_dir = "{folder}/state"; }};
web: {{ listen = [ "127.0.0.1:0" ]; }};
probes: {{ fast: {{ type = "ping"; interval = {interval}; timeout = 0.09; }}; }};
targets: ( {targets} );
disk_log: {{ segment_size = "64KiB"; }};
influx: (
  {{ name = "v1"; url = "{influx}"; database = "netsonde"; flush_interval = 0.2; timeout = 5; }},
  {{ name = "v2"; url = "{victoria}"; org = "any"; bucket = "netsonde"; flush_interval = 0.2; timeout = 5; }},
  {{ name = "file"; path = "{folder}/lines"; rotate_size = 0; }}
);
"""


def make_server(kind, program, package, folder):
    binary = shutil.which(program)
    if binary is None:
        pytest.skip(f"no {program} here (package {package})")
    folder.mkdir()
    return kind(binary, folder).wait()


@pytest.fixture
def influx(tmp_path):
    server = make_server(servers.Influx, "influxd", "influxdb", tmp_path / "influxdb")
    server.fresh("netsonde")
    yield server
    server.close()


@pytest.fixture
def victoria(tmp_path):
    server = make_server(servers.Victoria, "victoria-metrics", "victoria-metrics", tmp_path / "victoria")
    yield server
    server.close()


def configuration(folder, influx, victoria):
    targets = ", ".join(
        f'{{ name = "t{i}"; address = "127.0.1.{i + 1}"; probes = [ "fast" ]; }}' for i in range(TARGETS)
    )
    return CONFIG.format(
        folder=folder, interval=INTERVAL, targets=targets, influx=influx.url(), victoria=victoria.url()
    )


LINE = re.compile(r'^ping,agent=tester,probe=fast,target=(t\d+) .*\brun=(\d+)i,boot="([0-9a-f]+)".* (\d+)$')


def read_lines(path):
    """{(target, boot, run): stamp} of the file output."""
    found = {}
    for line in path.read_text().splitlines():
        match = LINE.match(line)
        if match:
            target, run, boot, stamp = match.groups()
            found[target, boot, int(run)] = int(stamp)
    return found


def in_influx(influx):
    found = collections.Counter()
    for series in influx.query('SELECT "run", "boot" FROM "ping" GROUP BY "target"', "netsonde"):
        for _, run, boot in series["values"]:
            found[series["tags"]["target"], boot, run] += 1
    return found


def in_victoria(victoria):
    """{(target, stamp in ms): run}"""
    found = {}
    for labels, samples in victoria.samples("ping_run"):
        for stamp, run in samples.items():
            found[labels["target"], stamp] = int(run)
    return found


def missing_in_victoria(made, victoria):
    """It shows what it has stored some seconds later."""
    end = time.monotonic() + 30
    while True:
        found = in_victoria(victoria)
        lost = [key for key, stamp in made.items() if found.get((key[0], stamp // 1000000)) != key[2]]
        if not lost or time.monotonic() > end:
            return lost
        time.sleep(0.5)


def gauge(page, name, output):
    match = re.search(rf'^{name}{{name="{output}"}} (\S+)$', page, re.M)
    assert match, f"{name} of {output} is not in\n{page}"
    return float(match.group(1))


def is_delivered(daemon):
    page = daemon.get("/metrics")
    return all(gauge(page, "netsonde_output_queue_lines", name) == 0 for name in ("v1", "v2"))


def gaps(runs):
    """Runs that are missing between the first and the last of a boot and target."""
    by = collections.defaultdict(set)
    for target, boot, run in runs:
        by[target, boot].add(run)
    return {key: max(have) - len(have) for key, have in by.items() if max(have) != len(have)}


def test_kills_and_outages(binary, tmp_path, influx, victoria, capsys):
    random.seed(3)
    kills = {}  # boot -> when it was killed, in ns
    text = configuration(tmp_path, influx, victoria)
    away = []
    for number in range(ROUNDS):
        with netsonde.Daemon(binary, tmp_path, text) as daemon:
            daemon.url()
            time.sleep(random.uniform(0.3, 1.5))
            if away:
                away.pop().start()
            if number % 3 != 2:
                server = random.choice((influx, victoria))
                server.close()
                away.append(server)
            time.sleep(random.uniform(0.2, 1.2))
            daemon.process.kill()
            killed = time.time_ns()
            daemon.process.wait()
        boots = {boot: stamp for (_, boot, _), stamp in read_lines(tmp_path / "lines").items()}
        kills[max(boots, key=boots.get)] = killed
    for server in away:
        server.start()
    with netsonde.Daemon(binary, tmp_path, text) as daemon:
        daemon.url()
        influx.wait(), victoria.wait()
        time.sleep(1)
        netsonde.wait_until(lambda: is_delivered(daemon), "everything in both databases", 120)
        assert daemon.stop() == 0

    made = read_lines(tmp_path / "lines")
    v1 = in_influx(influx)
    lost_v1 = [key for key in made if key not in v1]
    lost_v2 = missing_in_victoria(made, victoria)
    # What was made shortly before a kill and is nowhere: from the last stamp of the boot to the kill.
    tails = [(killed - max(stamp for (_, b, _), stamp in made.items() if b == boot)) / 1e9 for boot, killed in kills.items()]
    with capsys.disabled():
        print(f"\n{ROUNDS} kills: {len(made)} runs reached the log, of {len(set(boot for _, boot, _ in made))} boots")
        print(f"v1 (InfluxDB 1): {len(v1)} runs, {len(lost_v1)} missing, {sum(n - 1 for n in v1.values())} twice")
        print(f"v2 (VictoriaMetrics): {len(made) - len(lost_v2)} runs, {len(lost_v2)} missing")
        print(f"not in the log: what began in the last {max(tails):.3f} s before a kill (mean {sum(tails) / len(tails):.3f} s)")
    assert len(kills) == ROUNDS
    assert not lost_v1 and not lost_v2
    assert not gaps(made) and not gaps(v1)
    assert all(n == 1 for n in v1.values())
