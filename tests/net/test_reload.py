"""The configuration changes while the daemon runs: what is the same goes on as if nothing had happened."""

import datetime
import re
import signal
import socket
import threading
import time

import pytest

from support import PATIENCE_SECONDS, Daemon, Line, make_config, wait_for

SECOND = 1_000_000_000
MANY = 10_000
# They would double the series: more than web.max_series permits, and more than these tests want to read.
NO_SCORES = "qos: { enabled = false; };\n"


def loop_address(n):
    """The n-th of many addresses that answer without any network."""
    return f"127.{1 + n // 62500}.{n // 250 % 250}.{n % 250 + 1}"


def write(daemon, config):
    """As an editor does it: the file is there with the old or with the new text."""
    new = daemon.folder / "netsonde.conf.new"
    new.write_text(config)
    new.rename(daemon.folder / "netsonde.conf")


def results(metrics):
    """How many configurations were accepted and refused."""
    return metrics.get("netsonde_config_accepted_total"), metrics.get("netsonde_config_refused_total")


def hang_up(daemon):
    daemon.process.send_signal(signal.SIGHUP)


def reload(daemon, config):
    """Until it is in force."""
    accepted, _ = results(daemon.metrics())
    write(daemon, config)
    hang_up(daemon)
    return daemon.wait_metrics(lambda m: results(m)[0] > accepted, "the new configuration")


def refuse(daemon, config):
    """Until it is refused; returns what was logged about it."""
    accepted, refused = results(daemon.metrics())
    before = len(daemon.log)
    write(daemon, config)
    hang_up(daemon)
    metrics = daemon.wait_metrics(lambda m: results(m)[1] > refused, "the refusal")
    assert results(metrics) == (accepted, refused + 1)
    return daemon.log[before:].replace('\\"', '"'), metrics


def targets_of(metrics):
    return {dict(row)["target"] for row in metrics.all("netsonde_probe_runs_total")}


# --- ten of ten thousand -------------------------------------------------------------------------------------------

INTERVAL_SECONDS = 2


def many_targets():
    return {f"t{n}": {"name": f"t{n}", "address": loop_address(n), "labels": {"tier": "a"}} for n in range(MANY)}


def config_of(targets):
    probes = {"ping": {"type": "ping", "interval": float(INTERVAL_SECONDS), "timeout": 1.9}}
    output = {"name": "file", "path": "lines", "rotate_size": 0}
    return make_config(list(targets.values()), probes, agent={"workers": 2}, influx=[output]) + NO_SCORES


def runs_by_target(daemon):
    """Of each target: run, stamp and labels of its lines in order."""
    runs = {}
    with open(daemon.folder / "lines", encoding="utf-8") as file:
        for text in file:
            if text.startswith("ping,"):
                line = Line(text.rstrip("\n"))
                runs.setdefault(line.tags["target"], []).append((line.fields["run"], line.stamp_ns, line.tags))
    return runs


def check_rhythm(target, runs):
    """One run each interval, none missing, none twice."""
    assert [run for run, _, _ in runs] == list(range(1, len(runs) + 1)), f"{target}: runs are missing"
    stamps = [stamp for _, stamp, _ in runs]
    for earlier, later in zip(stamps, stamps[1:]):
        intervals = (later - earlier) / (INTERVAL_SECONDS * SECOND)
        assert round(intervals) == 1, f"{target}: {intervals} intervals between two runs"


def lateness_ns(runs):
    """How far each run is from the earliest place in the interval that this target ever had."""
    interval_ns = INTERVAL_SECONDS * SECOND
    last = runs[-1][1]
    # The interval is a circle: seen from the last run, at most half of it back or ahead.
    places = [(stamp - last + interval_ns // 2) % interval_ns for _, stamp, _ in runs]
    return [place - min(places) for place in places]


def shares_of(late_ns):
    """Median, 99 %, 99.9 % and the most, in milliseconds; and of how many."""
    late_ns.sort()
    return [len(late_ns)] + [late_ns[int(share * (len(late_ns) - 1))] / 1e6 for share in (0.5, 0.99, 0.999, 1)]


@pytest.fixture(scope="module")
def ten_change(tmp_path_factory):
    """A daemon with many targets of which ten change; what was seen before, after, and in the lines."""
    daemon = Daemon(tmp_path_factory.mktemp("ten") / "daemon", config_of(many_targets()))
    try:
        daemon.wait_ready()
        before = daemon.wait_metrics(
            lambda m: min(m.all("netsonde_probe_runs_total").values(), default=0) >= 3
            and len(targets_of(m)) == MANY, "three runs of each")
        changed = many_targets()
        del changed["t0"], changed["t1"]
        changed["t2"]["address"] = "127.200.0.1"
        changed["t3"]["interval"] = 1.0
        changed["t3"]["timeout"] = 0.9
        changed["t4"]["size"] = 100
        for name in ("t5", "t6", "t7"):
            changed[name]["labels"] = {"tier": "b", "rack": name}
        for n in (MANY, MANY + 1):
            changed[f"t{n}"] = {"name": f"t{n}", "address": loop_address(n)}
        begun_ns = time.time_ns()
        right_after = reload(daemon, config_of(changed))
        ended_ns = time.time_ns()
        sum_before = {row: value for row, value in right_after.all("netsonde_probe_runs_total").items()}
        after = daemon.wait_metrics(
            lambda m: all((m.get("netsonde_probe_runs_total", target=name) or 0) >= 3
                          for name in (f"t{MANY}", "t2", "t3", "t4"))
            and all(value >= sum_before.get(row, 0) + 3 for row, value in m.all("netsonde_probe_runs_total").items()),
            "three more runs of each")
        daemon.stop()
        yield {"daemon": daemon, "before": before, "right_after": right_after, "after": after,
               "begun_ns": begun_ns, "ended_ns": ended_ns, "runs": runs_by_target(daemon)}
    finally:
        if daemon.process.poll() is None:
            daemon.kill()


SAME = [f"t{n}" for n in range(8, MANY)]


def test_the_log_says_what_has_changed(ten_change):
    assert ("reloaded: 10000 targets, 10000 probes (2 added, 2 removed, 3 restarted, 3 relabelled, 9992 unchanged)"
            in ten_change["daemon"].log)


def log_time_ns(log, what):
    stamp = re.search(r"^time=(\S+) .*" + re.escape(what), log, re.M)[1]
    return int(datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() * 1000) * (SECOND // 1000)


def test_all_others_miss_no_run(ten_change):
    begun_ns, ended_ns = (log_time_ns(ten_change["daemon"].log, what) for what in ("Hangup", "reloaded: "))
    late, meanwhile = [], []
    for target in SAME:
        runs = ten_change["runs"][target]
        assert runs[0][1] < ten_change["begun_ns"] and runs[-1][1] > ten_change["ended_ns"]
        check_rhythm(target, runs)
        assert {line["tier"] for _, _, line in runs} == {"a"}
        for (_, stamp_ns, _), ns in zip(runs, lateness_ns(runs)):
            (meanwhile if begun_ns <= stamp_ns <= ended_ns + SECOND // 100 else late).append(ns)
    print(f"{len(SAME)} targets, {len(late) + len(meanwhile)} runs, none missing; the reload took "
          f"{(ended_ns - begun_ns) / 1e6:.0f} ms\nms behind the phase: otherwise {shares_of(late)}, "
          f"while it was applied {shares_of(meanwhile)}")


def test_the_figures_of_the_others_go_on(ten_change):
    for name in ("netsonde_probe_runs_total", "netsonde_ping_sent_total", "netsonde_ping_received_total",
                 "netsonde_ping_rtt_seconds_count"):
        before, after = ten_change["before"].all(name), ten_change["after"].all(name)
        kept = {row: value for row, value in before.items() if dict(row)["target"] in set(SAME)}
        assert len(kept) == len(SAME), name
        assert all(after[row] >= value + 3 for row, value in kept.items()), name
    assert ten_change["after"].sum("netsonde_probe_skipped_total") == 0
    assert ten_change["after"].sum("netsonde_schedule_skipped_total") == 0


def test_other_labels_keep_the_counters(ten_change):
    for target in ("t5", "t6", "t7"):
        runs = ten_change["runs"][target]
        check_rhythm(target, runs)
        tiers = [tags["tier"] for _, _, tags in runs]
        assert tiers == sorted(tiers) and set(tiers) == {"a", "b"}
        assert {tags.get("rack") for _, _, tags in runs if tags["tier"] == "b"} == {target}
        old = ten_change["before"].get("netsonde_ping_rtt_seconds_count", target=target, tier="a")
        assert ten_change["after"].get("netsonde_ping_rtt_seconds_count", target=target, tier="b", rack=target) >= old
        assert not ten_change["after"].all("netsonde_probe_runs_total", target=target, tier="a")


def test_what_was_removed_is_gone(ten_change):
    for target in ("t0", "t1"):
        assert target not in targets_of(ten_change["right_after"]), "as soon as the reload has ended"
        runs = ten_change["runs"][target]
        check_rhythm(target, runs)
        assert runs[-1][1] < ten_change["ended_ns"]


def test_what_was_added_is_there(ten_change):
    for target in (f"t{MANY}", f"t{MANY + 1}"):
        runs = ten_change["runs"][target]
        check_rhythm(target, runs)
        assert runs[0][1] > ten_change["begun_ns"]


def test_what_has_other_settings_begins_anew(ten_change):
    for target in ("t2", "t3", "t4"):
        runs = [run for run, _, _ in ten_change["runs"][target]]
        anew = runs.index(1, 1)
        assert runs == [*range(1, anew + 1), *range(1, len(runs) - anew + 1)], target
        stamps = [stamp for _, stamp, _ in ten_change["runs"][target]]
        assert stamps[anew - 1] < ten_change["ended_ns"] and stamps[anew] > ten_change["begun_ns"]


# --- a bad file ----------------------------------------------------------------------------------------------------

GOOD = """agent: { name = "test"; workers = 1; state_dir = "state"; };
web: { listen = [ "127.0.0.1:0" ]; };
probes: {
  ping: { type = "ping"; interval = 0.2; timeout = 0.15; };
};
targets: (
  { name = "a"; address = "127.0.0.1"; probes = [ "ping" ]; labels = { tier = "one"; }; },
  { name = "b"; address = "127.0.0.2"; probes = [ "ping" ]; }
);
influx: ( { name = "file"; path = "lines"; } );
"""

# What is replaced by what, and what the log says about it, with its line.
BAD = [
    ("a key with a typing error", "workers = 1", "wrokers = 1", r"netsonde\.conf:1: agent\.wrokers: .*workers"),
    ("an unknown section", "agent:", "agnet:", r"netsonde\.conf:1: agnet: .*agent"),
    ("a number out of bounds", "workers = 1", "workers = 5000", r":1: agent\.workers: must be between 0 and 1024"),
    ("a text for a number", "workers = 1", 'workers = "many"', r":1: agent\.workers: must be a whole number"),
    ("a word that is no choice", "workers = 1", 'log_level = "loud"', r":1: agent\.log_level: must be one of debug, info"),
    ("a bracket missing", "targets: (", "targets: ", r'netsonde\.conf:9: syntax: "\)" closes nothing'),
    ("a quote missing", 'name = "test"', 'name = "test', r"netsonde\.conf:\d+: syntax: "),
    ("the same name twice in a group", "workers = 1;", "workers = 1; workers = 2;", r":1: syntax: the same name twice"),
    ("no such probe type", 'type = "ping"', 'type = "pnig"', r':4: probes\.ping\.type: no probe type "pnig", did you mean ping'),
    ("no probe type", 'type = "ping"; ', "", r":4: probes\.ping\.type: is missing"),
    ("no such option of the type", "timeout = 0.15", "tiemout = 0.15", r":4: probes\.ping\.tiemout: .*timeout"),
    ("a rule between options", "timeout = 0.15", "timeout = 0.5", r":4: probes\.ping: .*timeout"),
    ("no such probe", 'probes = [ "ping" ]; }\n', 'probes = [ "pong" ]; }\n', r':8: targets\[1\]\.probes\[0\]: no probe "pong", did you mean ping'),
    ("no probes", 'probes = [ "ping" ]; }\n', "}\n", r":8: targets\[1\]\.probes: is missing"),
    ("no address", 'address = "127.0.0.2"; ', "", r":8: targets\[1\]\.address: is missing"),
    ("an address that is none", "127.0.0.2", "127.0.0.2 x", r":8: targets\[1\]\.address: "),
    ("the same target twice", '"b"', '"a"', r':8: targets\[1\]\.name: targets\[0\] is called "a" as well'),
    ("a label that is taken", 'tier = "one"', 'target = "one"', r":7: targets\[0\]\.labels\.target: "),
    ("a bad label name", 'tier = "one"', 'le-vel = "one"', r":7: targets\[0\]\.labels\.le-vel: "),
    ("a port that is none", "127.0.0.1:0", "127.0.0.1:99999", r":2: web\.listen"),
    ("a file included that is not there", "web:", '@include "none.conf"\nweb:', r':2: @include "none\.conf": cannot open: No such file'),
    ("a variable that is not set", '"test"', '"${env:NO_SUCH_THING}"', r":1: agent\.name: .*NO_SUCH_THING"),
    ("two outputs with one file", '"lines"; }', '"lines"; }, { name = "g"; path = "lines"; }', r':10: influx\[1\]\.path: influx\[0\] has "lines" too'),
    ("an output without a place", 'path = "lines"; ', "", r":10: influx\[0\]: "),
    ("no text at all but noise", GOOD, "\x01\x02\x03", r"netsonde\.conf:1: "),
]


def test_a_bad_file_changes_nothing(start_daemon):
    daemon = start_daemon(GOOD)
    daemon.wait_runs("b", 2)
    shown = daemon.get("/config")[2]
    first = daemon.metrics()
    for what, old, new, message in BAD:
        assert GOOD.count(old) >= 1, f"{what}: the table is wrong"
        head, _, tail = GOOD.rpartition(old)
        logged, metrics = refuse(daemon, head + new + tail)
        assert re.search(message, logged), f"{what}: {logged}"
        assert logged.count("refused: the configuration before stays in force") == 1
        assert metrics.get("netsonde_config_last_reload_successful") == 0, what
        assert daemon.get("/config")[2] == shown, what
        print(f"{what}: " + re.search(r'level=error what=reload target=netsonde.conf why="(.*)"\n', logged)[1])
        assert targets_of(metrics) == {"a", "b"}, what
    for name in ("netsonde_config_targets", "netsonde_config_probes", "netsonde_config_accepted_total",
                 "netsonde_config_last_reload_success_timestamp_seconds"):
        assert daemon.metrics().get(name) == first.get(name), name
    assert daemon.metrics().get("netsonde_config_refused_total") == len(BAD)
    metrics = reload(daemon, GOOD)
    assert metrics.get("netsonde_config_last_reload_successful") == 1
    daemon.stop()
    for target in ("a", "b"):
        runs = [line.fields["run"] for line in daemon.lines("ping", target=target)]
        assert runs == list(range(1, len(runs) + 1)), f"{target} was touched"


def test_every_error_is_told(start_daemon):
    daemon = start_daemon(GOOD)
    logged, _ = refuse(daemon, GOOD.replace("workers", "wrokers").replace("127.0.0.2", "::x").replace('"lines"', '""'))
    errors = re.findall(r'level=error what=reload target=netsonde.conf why="netsonde.conf:(\d+): ', logged)
    assert len(errors) >= 2 and "1" in errors and "8" in errors, logged


def test_a_file_that_is_gone_or_closed(start_daemon):
    daemon = start_daemon(GOOD)
    (daemon.folder / "netsonde.conf").unlink()
    hang_up(daemon)
    daemon.wait_metrics(lambda m: results(m)[1] == 1, "the refusal")
    assert "No such file" in daemon.log
    (daemon.folder / "netsonde.conf").mkdir()
    hang_up(daemon)
    daemon.wait_metrics(lambda m: results(m)[1] == 2, "the refusal")
    (daemon.folder / "netsonde.conf").rmdir()
    reload(daemon, GOOD)


# --- what needs a restart ------------------------------------------------------------------------------------------


def test_what_needs_a_restart_is_said_and_left(start_daemon):
    daemon = start_daemon(GOOD)
    daemon.wait_runs("a", 1)
    address = daemon.address
    changed = (GOOD.replace('name = "test"; workers = 1', 'name = "other"; workers = 3; labels = { x = "y"; }')
               .replace("127.0.0.1:0", "127.0.0.1:1").replace('"lines"', '"others"')
               .replace('{ name = "b"; address = "127.0.0.2"', '{ name = "c"; address = "127.0.0.3"'))
    metrics = reload(daemon, changed)
    assert metrics.get("netsonde_config_restart_needed") == 1
    assert metrics.get("netsonde_config_last_reload_successful") == 1
    names = "agent.name, agent.workers, web.listen, agent.labels"
    assert f'level=warn what=reload target=netsonde.conf why="needs a restart: {names}"' in daemon.log
    shown = daemon.get("/config")[2].decode()
    assert shown.startswith(f"# needs a restart to come into force: {names}\n") and '"other"' in shown
    assert targets_of(metrics) == {"a"} | ({"c"} if "c" in targets_of(metrics) else set()), "the rest is done"
    daemon.wait_runs("c", 2)
    assert daemon.address == address and daemon.metrics().get("netsonde_schedule_probes", worker="0") == 2
    others = daemon.folder / "others"
    wait_for(lambda: "target=c" in others.read_text(), "lines of c in the other file")
    assert "agent=test,probe" in others.read_text()
    metrics = reload(daemon, GOOD)
    assert metrics.get("netsonde_config_restart_needed") == 0
    assert not daemon.get("/config")[2].decode().startswith("#")


def test_the_log_changes_at_once(start_daemon):
    daemon = start_daemon(GOOD)
    reload(daemon, GOOD.replace("workers = 1", 'workers = 1; log_format = "json"; log_level = "error"'))
    assert "restart" not in daemon.log
    before = len(daemon.log)
    logged, _ = refuse(daemon, "nonsense")
    assert [line[:9] for line in logged.splitlines()] == ['{"time":"'] * 2, "errors only, as JSON: " + logged
    assert len(daemon.log) > before


# --- too often, too fast -------------------------------------------------------------------------------------------


def figure(daemon, name):
    return daemon.metrics().get(f"netsonde_process_{name}")


def test_a_hundred_times_leaks_nothing(start_daemon):
    """AddressSanitizer's build would tell of memory at the end."""
    daemon = start_daemon(GOOD)
    other = GOOD.replace('tier = "one"', 'tier = "two"').replace("127.0.0.2", "127.0.0.4")
    for n in range(10):
        reload(daemon, (GOOD, other)[n % 2])
    before = {name: figure(daemon, name) for name in ("open_fds", "threads")}
    for n in range(100):
        reload(daemon, (GOOD, other)[n % 2])
    assert {name: figure(daemon, name) for name in ("open_fds", "threads")} == before
    assert daemon.metrics().get("netsonde_config_accepted_total") == 111
    daemon.stop()


def test_a_storm_of_signals_ends_with_the_last_file(start_daemon):
    daemon = start_daemon(GOOD)
    texts = [GOOD.replace('"b"', f'"b{n}"') for n in range(300)]
    for text in texts:
        write(daemon, text)
        hang_up(daemon)
    metrics = daemon.wait_metrics(lambda m: targets_of(m) == {"a", "b299"}, "the last file")
    accepted, refused = results(metrics)
    assert 2 <= accepted <= 301 and refused == 0, "signals that come together are one"
    runs = [line.fields["run"] for line in wait_for(lambda: daemon.lines("ping", target="a"), "lines")]
    assert runs == list(range(1, len(runs) + 1))


def test_one_reload_comes_while_another_is_applied(start_daemon):
    """All targets change each time; the next one is asked for before the last has ended."""
    probes = {"ping": {"type": "ping", "interval": 2.0, "timeout": 1.9}}

    def of(letter):
        return make_config([(f"{letter}{n}", loop_address(n)) for n in range(MANY // 2)], probes, agent={"workers": 2})

    daemon = start_daemon(of("a"))
    texts = {letter: of(letter) for letter in "abc"}
    for n in range(12):
        write(daemon, texts["abc"[n % 3]])
        hang_up(daemon)
        time.sleep(0.03)
    metrics = daemon.wait_metrics(
        lambda m: len(targets_of(m)) == MANY // 2 and all(name[0] == "c" for name in targets_of(m)), "the last file")
    assert metrics.get("netsonde_config_targets") == MANY // 2
    assert metrics.sum("netsonde_schedule_probes") == MANY // 2
    assert "cannot be" not in daemon.log and "is not measured" not in daemon.log


def test_the_end_comes_while_a_reload_is_applied(start_daemon):
    """AddressSanitizer's build would tell of memory that nobody owns then."""
    probes = {"ping": {"type": "ping", "interval": 2.0, "timeout": 1.9}}
    for attempt in range(6):
        first, second = (make_config([(f"{letter}{n}", loop_address(n)) for n in range(MANY // 2)], probes)
                         for letter in "ab")
        daemon = start_daemon(first)
        write(daemon, second)
        hang_up(daemon)
        time.sleep(0.02 * attempt)
        daemon.stop()


# --- rights --------------------------------------------------------------------------------------------------------

MARKED = GOOD.replace("timeout = 0.15;", "timeout = 0.15; fwmark = 7;")


def test_a_marked_probe_restarts_without_rights(start_daemon):
    """Its socket could not be had again: the daemon has given up all rights at its start."""
    daemon = start_daemon(MARKED)
    daemon.wait_runs("a", 2)
    metrics = reload(daemon, MARKED.replace("0.15", "0.14"))
    assert metrics.get("netsonde_config_probes_unopened") == 0
    daemon.wait_runs("a", 1)
    assert "2 restarted" in daemon.log
    reload(daemon, GOOD)
    reload(daemon, MARKED)
    metrics = daemon.wait_runs("a", 1)
    assert metrics.get("netsonde_config_probes_unopened") == 0
    assert metrics.get("netsonde_probe_success", target="a") == 1


def test_what_needs_rights_is_told_and_tried_again(start_daemon):
    daemon = start_daemon(GOOD)
    metrics = reload(daemon, MARKED)
    assert metrics.get("netsonde_config_probes_unopened") == 2
    assert re.search(r"level=error what=reload .*cannot be opened: 2 probes \(.*\), among them .: ping: ", daemon.log)
    assert metrics.get("netsonde_config_probes") == 2 and targets_of(metrics) == set()
    reload(daemon, GOOD)
    metrics = daemon.wait_runs("b", 2)
    assert metrics.get("netsonde_config_probes_unopened") == 0
    assert "is not measured" not in daemon.log


# --- the service manager -------------------------------------------------------------------------------------------


def test_the_service_manager_is_told(start_daemon, tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(PATIENCE_SECONDS)
        daemon = start_daemon(GOOD, environment={"NOTIFY_SOCKET": str(path)})
        assert manager.recv(1000) == b"READY=1"
        for config in (GOOD, "nonsense", GOOD):
            earliest = time.monotonic_ns() // 1000
            write(daemon, config)
            hang_up(daemon)
            state, stamp = manager.recv(1000).decode().split("\n")
            assert state == "RELOADING=1"
            assert earliest <= int(re.fullmatch(r"MONOTONIC_USEC=(\d+)", stamp)[1]) <= time.monotonic_ns() // 1000
            assert manager.recv(1000) == b"READY=1"
        daemon.stop()
        assert manager.recv(1000) == b"STOPPING=1"


# --- target files --------------------------------------------------------------------------------------------------

FILES = """
agent: { name = "test"; workers = 2; state_dir = "state"; };
web: { listen = [ "127.0.0.1:0" ]; };
probes: { fast: { type = "ping"; interval = 0.2; timeout = 0.1; }; };
targets: ( { name = "a"; address = "127.0.0.1"; probes = [ "fast" ]; } );
target_files: ( { path = "targets.d/*.json"; probes = [ "fast" ]; labels = { origin = "file"; }; } );
influx: ( { name = "file"; path = "lines"; } );
"""


def put(daemon, name, text):
    folder = daemon.folder / "targets.d"
    folder.mkdir(exist_ok=True)
    (folder / f".{name}").write_text(text)
    (folder / f".{name}").rename(folder / name)


def test_target_files_are_followed(start_daemon):
    daemon = start_daemon(FILES)
    put(daemon, "x.json", '[{"targets": ["127.0.0.2"], "labels": {"name": "b", "rack": "r7"}}]')
    reload(daemon, FILES)  # the folder was not there at the start
    daemon.wait_metrics(lambda m: targets_of(m) == {"a", "b"}, "the target of the file")
    assert daemon.metrics().get("netsonde_probe_success", target="b", origin="file", rack="r7") == 1
    put(daemon, "y.json", '[{"targets": ["127.0.0.3"]}]')
    daemon.wait_metrics(lambda m: targets_of(m) == {"a", "b", "127.0.0.3"}, "the second file")
    runs = daemon.metrics().get("netsonde_probe_runs_total", target="b")
    put(daemon, "x.json", '[{"targets": ["127.0.0.2"], "labels": {"name": "b", "rack": "r8"}}')
    broken = daemon.wait_metrics(lambda m: 0 in m.all("netsonde_target_file_last_read_successful").values(), "the broken file")
    assert targets_of(broken) == {"a", "b", "127.0.0.3"}
    assert "its last good content stays in force" in daemon.log
    put(daemon, "x.json", '[{"targets": ["127.0.0.2"], "labels": {"name": "b", "rack": "r8"}}]')
    daemon.wait_metrics(lambda m: m.get("netsonde_probe_success", target="b", origin="file", rack="r8") == 1, "other labels")
    assert daemon.metrics().get("netsonde_probe_runs_total", target="b") >= runs, "counters go on"
    (daemon.folder / "targets.d" / "y.json").unlink()
    daemon.wait_metrics(lambda m: targets_of(m) == {"a", "b"}, "the file that is gone")


# --- by HTTP -------------------------------------------------------------------------------------------------------


def test_by_http(start_daemon):
    daemon = start_daemon(GOOD)
    write(daemon, GOOD.replace('"b"', '"c"'))
    status, fields, body = daemon.get("/-/reload", method="POST")
    assert status == 200, body
    assert body.decode() == "reloaded: 2 targets, 2 probes (1 added, 1 removed, 0 restarted, 0 relabelled, 1 unchanged)\n"
    assert targets_of(daemon.metrics()) <= {"a", "c"}
    write(daemon, GOOD.replace("targets:", "tragets:").replace("interval", "intervall"))
    status, fields, body = daemon.get("/-/reload", method="POST")
    assert status == 400 and results(daemon.metrics()) == (2, 1)
    lines = body.decode().splitlines()
    assert len(lines) == 2 and "did you mean interval?" in lines[0] and "did you mean targets?" in lines[1]
    assert fields["Content-Type"].startswith("text/plain")
    status, fields, _ = daemon.get("/-/reload")
    assert status == 405 and fields["Allow"] == "POST"
    write(daemon, GOOD)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(daemon.get("/-/reload", method="POST")[0])) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert answers == [200] * 20
