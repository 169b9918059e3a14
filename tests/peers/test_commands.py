"""The command line of the real binary: usage, exit codes, what is printed. Loopback only."""

import csv
import datetime
import io
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from netsonde import LOOPBACK, Daemon, environment, run, wait_until

COMMANDS = ("run", "check", "probe", "reference", "log", "healthcheck")


# --- usage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("argument", ["--help", "-h", "help"])
def test_help_lists_the_commands(binary, argument):
    result = run(binary, argument)
    assert (result.returncode, result.stderr) == (0, "")
    assert all(re.search(rf"^  {name} ", result.stdout, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize("argument", ["--version", "-V"])
def test_version(binary, argument):
    result = run(binary, argument)
    assert (result.returncode, result.stderr) == (0, "")
    assert re.fullmatch(r"netsonde \d+\.\d+\.\d+\n", result.stdout)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("argument", ["--help", "-h"])
def test_each_command_has_a_usage(binary, command, argument):
    result = run(binary, command, argument)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"usage: netsonde {command}")
    assert "--help" in result.stdout


def test_help_of_a_type_lists_its_options_with_defaults(binary):
    result = run(binary, "probe", "ping", "--help")
    assert result.returncode == 0
    assert "--count=NUMBER" in result.stdout
    assert "(default: 5)" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 130


@pytest.mark.parametrize(
    "arguments, words",
    [
        ((), "usage: netsonde"),
        (("rum",), "unknown command 'rum'; did you mean 'run'?"),
        (("xyzzy",), "unknown command 'xyzzy'"),
        (("--verison",), "unknown option '--verison'"),
        (("run", "--confg", "x"), "unknown option --confg; did you mean --config?"),
        (("run", "--config"), "--config needs a value: --config=FILE"),
        (("run", "x"), "unexpected argument 'x'"),
        (("run", "-c"), "unknown option -c"),
        (("check", "a", "b"), "unexpected argument 'b'"),
        (("check", "--qqqqqqqqqq"), "unknown option --qqqqqqqqqq\n"),
        (("probe",), "an argument is missing"),
        (("probe", "ping"), "an argument is missing"),
        (("probe", "--config"), "--config needs a value"),
        (("probe", "pong", "127.0.0.1"), "unknown type 'pong'; did you mean ping?"),
        (("probe", "carrier-pigeon", "127.0.0.1"), "unknown type 'carrier-pigeon'; there are:"),
        (("probe", "ping", "127.0.0.1", "--cuont=3"), "unknown option --cuont; did you mean --count?"),
        (("probe", "ping", "127.0.0.1", "--count=many"), "--count=many: "),
        (("probe", "ping", "127.0.0.1", "--count=0"), "--count=0: must be between"),
        (("probe", "ping", "127.0.0.1", "--json=1"), "--json takes no value"),
        (("probe", "ping", "127.0.0.1", "--count"), "--count needs a value"),
        (("probe", "ping", "127.0.0.1", "--count=9", "--timeout=1"), "longer than the timeout"),
        (("healthcheck", "--url=http://127.0.0.1:1", "--config=x"), "exclude each other"),
        (("reference", "nothing"), "'nothing' is none of 'options', 'metrics', 'scores'"),
    ],
)
def test_wrong_use_is_exit_code_2_and_says_why(binary, arguments, words):
    result = run(binary, *arguments)
    assert result.returncode == 2
    assert words in result.stderr
    assert result.stdout == ""


# --- check ---------------------------------------------------------------------------------------------------------


def test_check_accepts(binary, tmp_path):
    file = tmp_path / "good.conf"
    file.write_text(LOOPBACK)
    result = run(binary, "check", file)
    assert (result.returncode, result.stderr) == (0, "")
    assert re.fullmatch(rf"{re.escape(str(file))}: ok: 2 targets, 2 probes, about \d+ series\n", result.stdout)
    assert run(binary, "check", f"--config={file}").stdout == result.stdout
    assert run(binary, "check", NETSONDE_CONFIG=str(file)).stdout == result.stdout


def test_check_warns_of_a_probe_that_nobody_uses(binary, tmp_path):
    file = tmp_path / "unused.conf"
    file.write_text(LOOPBACK.replace("probes: {", 'probes: { idle: { type = "ping"; };', 1))
    result = run(binary, "check", file)
    assert result.returncode == 0
    assert "idle" in result.stderr
    assert "ok: 2 targets" in result.stdout


def test_check_refuses_with_file_line_and_nearest_key(binary, tmp_path):
    file = tmp_path / "bad.conf"
    file.write_text(LOOPBACK.replace("timeout = 0.15", "timeuot = 0.15").replace('"::1"; probes = [ "fast" ]',
                                                                               '"::1"; probes = [ "fsat" ]'))
    result = run(binary, "check", file)
    assert (result.returncode, result.stdout) == (1, "")
    errors = result.stderr.splitlines()
    assert len(errors) == 2
    assert all(re.match(rf"{re.escape(str(file))}:\d+: ", line) for line in errors)
    assert "timeout" in errors[0] and "fast" in errors[1]


def test_check_and_run_refuse_a_missing_file(binary, tmp_path):
    for command in (("check", tmp_path / "none"), ("run", "--config", tmp_path / "none")):
        result = run(binary, *command)
        assert result.returncode == 1
        assert "No such file" in result.stderr


# --- probe ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_probe_prints_what_people_expect(binary, address):
    result = run(binary, "probe", "ping", address, "--count=2", "--spacing", "0.2")
    assert (result.returncode, result.stderr) == (0, "")
    assert f"PING {address}" in result.stdout
    assert "2 packets transmitted, 2 received, 0% packet loss" in result.stdout
    assert re.search(r"rtt min/avg/max/mdev = [\d.]+/[\d.]+/[\d.]+/[\d.]+ ms", result.stdout)


def test_probe_prints_one_json_object(binary):
    result = run(binary, "probe", "ping", "127.0.0.1", "--count=3", "--spacing=0.1", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1
    found = json.loads(result.stdout)
    assert list(found)[:7] == ["type", "target", "address", "success", "reason", "duration_seconds", "time"]
    assert (found["type"], found["target"], found["address"]) == ("ping", "127.0.0.1", "127.0.0.1")
    assert (found["success"], found["reason"]) == (True, "ok")
    assert found["duration_seconds"] >= 0.2
    stamp = datetime.datetime.strptime(found["time"][:19] + "+0000", "%Y-%m-%dT%H:%M:%S%z")
    assert abs(stamp.timestamp() - time.time()) < 3600
    (ping,) = found["ping"]
    assert (ping["sent_total"], ping["received_total"], ping["loss_ratio"]) == (3, 3, 0)
    rtt = ping["rtt_seconds"]
    # a reply that the kernel has not stamped (the first one of a machine that did not do so before) has no time
    assert rtt["count"] in (2, 3) and 0 < rtt["min"] <= rtt["avg"] <= rtt["max"] < 1


def test_a_failed_probe_is_exit_code_1_with_its_reason(binary):
    arguments = ("probe", "ping", "no-such-host.invalid", "--count=1", "--timeout=9", "--resolver=127.0.0.1:1")
    result = run(binary, *arguments)
    assert result.returncode == 1
    assert "failed: resolve" in result.stderr
    result = run(binary, *arguments, "--json")
    assert result.returncode == 1
    found = json.loads(result.stdout)
    assert (found["success"], found["reason"], found["address"]) == (False, "resolve", None)


def test_probe_takes_its_settings_from_a_configuration(binary, tmp_path):
    file = tmp_path / "probe.conf"
    file.write_text(LOOPBACK.replace('type = "ping";', 'type = "ping"; size = 100;'))
    result = run(binary, "probe", "ping", "127.0.0.1", "--config", file, "--probe", "fast")
    assert result.returncode == 0
    assert "100(128) bytes" in result.stdout and "1 packets transmitted" in result.stdout
    # what is given on the command line wins
    result = run(binary, "probe", "ping", "127.0.0.1", "--config", file, "--probe=fast", "--size=200")
    assert "200(228) bytes" in result.stdout
    result = run(binary, "probe", "ping", "127.0.0.1", "--config", file, "--probe=fats")
    assert result.returncode == 2
    assert "no probe of this name" in result.stderr


def test_an_interrupt_ends_a_probe_with_a_summary(binary):
    with subprocess.Popen(
        [binary, "probe", "ping", "127.0.0.1", "--count=1000", "--spacing=0.1"],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        lines = [process.stdout.readline() for _ in range(4)]
        assert "icmp_seq=3" in lines[3]
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(60) == 0
    assert re.search(r"\d+ packets transmitted, \d+ received", rest)


# --- run, healthcheck ------------------------------------------------------------------------------------------------


def test_run_and_healthcheck(binary, tmp_path):
    with Daemon(binary, tmp_path, LOOPBACK) as daemon:
        url = daemon.url()
        result = run(binary, "healthcheck", "--url", url)
        assert (result.returncode, result.stdout) == (0, f"healthy: {url}/-/healthy\n")
        assert run(binary, "healthcheck", "--url", url + "/").returncode == 0
        log = daemon.log()
        assert re.search(r"netsonde \d+\.\d+\.\d+, configuration .*netsonde\.conf", log)
        assert "2 targets, 2 probes, 2 workers" in log
        assert re.search(r"what=icmp target=ipv4 why=\"(raw|datagram) sockets", log)
        # a configuration whose first listener is every address of this host
        port = url.rsplit(":", 1)[1]
        file = tmp_path / "health.conf"
        for listen in (f"127.0.0.1:{port}", f"0.0.0.0:{port}"):
            file.write_text(LOOPBACK.replace("127.0.0.1:0", listen))
            result = run(binary, "healthcheck", "--config", file)
            assert (result.returncode, result.stdout) == (0, f"healthy: http://127.0.0.1:{port}/-/healthy\n")
        assert daemon.stop() == 0
        result = run(binary, "healthcheck", "--url", url)
        assert result.returncode == 1
        assert result.stdout.startswith("unhealthy: ") and result.stdout.count("\n") == 1


def test_healthcheck_names_what_is_wrong(binary, tmp_path):
    file = tmp_path / "quiet.conf"
    file.write_text(LOOPBACK.replace('"127.0.0.1:0"', ""))
    result = run(binary, "healthcheck", "--config", file)
    assert result.returncode == 1
    assert "web.listen is empty" in result.stdout
    result = run(binary, "healthcheck", "--config", tmp_path / "none")
    assert result.returncode == 1
    assert "No such file" in result.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_daemon_and_loses_no_line(binary, tmp_path, number):
    output = tmp_path / "lines"
    configuration = LOOPBACK + f'influx: ( {{ name = "file"; path = "{output}"; }} );'
    with Daemon(binary, tmp_path, configuration) as daemon:
        daemon.url()
        wait_until(lambda: output.exists() and output.read_text().count("\n") >= 20, "lines")
        assert daemon.stop(number) == 0
        assert 'why="done"' in daemon.log() or "why=done" in daemon.log()
    text = output.read_text()
    assert text.endswith("\n")
    # the runs of each target are numbered from 1 without a gap, up to the end
    for target in ("lo4", "lo6"):
        lines = [line for line in text.splitlines() if line.startswith("ping,") and f"target={target}" in line]
        assert [int(re.search(r"run=(\d+)i", line).group(1)) for line in lines] == list(range(1, len(lines) + 1))
        assert all("agent=tester" in line and "site=lab" in line and "family=ipv" in line for line in lines)
        assert len({re.search(r'boot="([0-9a-f]{16})"', line).group(1) for line in lines}) == 1


def test_the_daemon_writes_lines_about_itself(binary, tmp_path):
    output = tmp_path / "lines"
    configuration = LOOPBACK + f'influx: ( {{ name = "file"; path = "{output}"; }} );'

    def written():
        return output.read_text() if output.exists() else ""

    with Daemon(binary, tmp_path, configuration) as daemon:
        daemon.url()
        wait_until(lambda: "\nweb," in written(), "lines of the daemon's own")
        assert daemon.stop() == 0
    lines = written().splitlines()
    own = {line.split(",", 1)[0]: line for line in lines if not line.startswith("ping,")}
    assert {"process", "config", "series", "worker", "schedule", "icmp", "output", "web"} <= set(own)
    assert "build" not in own
    assert re.match(r"process,agent=tester,site=lab cpu_seconds_total=[\d.]+,resident_memory_bytes=\d+i,", own["process"])
    assert re.match(r"schedule,agent=tester,site=lab,worker=\d ", own["schedule"])
    assert re.match(r"output,agent=tester,name=file,site=lab ", own["output"])


def test_hangup_reads_the_configuration_again(binary, tmp_path):
    with Daemon(binary, tmp_path, LOOPBACK) as daemon:
        daemon.url()
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "reloaded: " in daemon.log(), "a line in the log")
        assert re.search(r"reloaded: .* 0 added, 0 removed, 0 restarted, 0 relabelled", daemon.log().replace("(", " "))
        assert daemon.stop() == 0


def test_run_says_what_cannot_be_started(binary, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Daemon(binary, tmp_path, LOOPBACK.replace("127.0.0.1:0", f"127.0.0.1:{port}")) as daemon:
            assert daemon.process.wait(60) == 1
            daemon.reader.join(60)
            assert f"127.0.0.1:{port}" in daemon.log() and "Address already in use" in daemon.log()
    with Daemon(binary, tmp_path, LOOPBACK + 'influx: ( { name = "f"; path = "/no/such/folder/x"; } );') as daemon:
        assert daemon.process.wait(60) == 1
        daemon.reader.join(60)
        assert "/no/such/folder" in daemon.log()


def test_run_refuses_what_check_refuses(binary, tmp_path):
    with Daemon(binary, tmp_path, LOOPBACK.replace("timeout", "timeuot")) as daemon:
        assert daemon.process.wait(60) == 1
        daemon.reader.join(60)
        assert re.search(r"netsonde\.conf:\d+: ", daemon.log())


def test_the_daemon_keeps_no_capability(binary, tmp_path):
    with Daemon(binary, tmp_path, LOOPBACK) as daemon:
        daemon.url()
        for task in os.listdir(f"/proc/{daemon.process.pid}/task"):
            with open(f"/proc/{daemon.process.pid}/task/{task}/status", encoding="ascii") as file:
                status = file.read()
            for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
                assert re.search(rf"^{name}:\s+0+$", status, re.MULTILINE), f"{task}: {status}"
            assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
        assert daemon.stop() == 0


def test_the_service_manager_is_told(binary, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        with Daemon(binary, tmp_path, LOOPBACK, NOTIFY_SOCKET=str(tmp_path / "notify")) as daemon:
            assert manager.recv(100) == b"READY=1"
            assert daemon.stop() == 0
            assert manager.recv(100) == b"STOPPING=1"


def test_the_environment_sets_options(binary, tmp_path):
    with Daemon(binary, tmp_path, LOOPBACK, NETSONDE_AGENT_WORKERS="3", NETSONDE_AGENT_LOG_FORMAT="json") as daemon:
        wait_until(lambda: "3 workers" in daemon.log(), "three workers")
        wait_until(lambda: '"what":"web"' in daemon.log().replace(" ", ""), "the listener")
        assert all(json.loads(line)["level"] for line in daemon.lines)
        assert daemon.stop() == 0


# --- log -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def disk_log(binary, tmp_path):
    """A log with several segments that two outputs wait for."""
    outputs = ", ".join(
        f'{{ name = "{name}"; url = "http://127.0.0.1:1"; database = "d"; }}' for name in ("one", "two")
    )
    text = LOOPBACK.replace("interval = 0.2; timeout = 0.15", "interval = 0.02; timeout = 0.019").replace(
        'name = "tester";', f'name = "tester"; state_dir = "{tmp_path}";'
    )
    with Daemon(binary, tmp_path, text + f'disk_log: {{ segment_size = "64KiB"; compress = false; }}; influx: ( {outputs} );') as daemon:
        folder = tmp_path / "log"
        wait_until(lambda: len(list(folder.glob("*.log"))) >= 3, "segments")
        running = run(binary, "log", folder)
        assert running.returncode == 0 and running.stdout.count(".log ") >= 3, "also while the daemon runs"
        assert daemon.stop() == 0
    return folder


def test_log_shows_what_waits(binary, disk_log):
    result = run(binary, "log", disk_log)
    assert result.returncode == 0, result.stderr
    lines = run(binary, "log", disk_log, "--export=lines").stdout.splitlines()
    # Of the probe, and of what is computed about its results.
    kinds = ("ping,", "qos,", "availability,")
    assert len(lines) > 100 and all(line.startswith(kinds) for line in lines if "fast" in line)
    total = re.search(r"^all +\d+ +\d+ +(\d+)$", result.stdout, re.M)
    assert int(total[1]) == len(lines)
    for name in ("one", "two"):
        waiting = re.search(rf"^{name} +(\d+) +\d+  \d+ s$", result.stdout, re.M)
        assert int(waiting[1]) == len(lines)
    segment = sorted(disk_log.glob("*.log"))[1]
    assert run(binary, "log", segment).stdout.splitlines()[1].startswith(segment.name)


def test_log_exports_for_one_output(binary, disk_log):
    everything = run(binary, "log", disk_log, "--export=lines").stdout.splitlines()
    cursors = (disk_log / "cursors").read_text()
    offset = int(sorted(disk_log.glob("*.log"))[1].stem, 16)
    (disk_log / "cursors").write_text(cursors.replace("0 0 two", f"{offset} 7 two"))
    rest = run(binary, "log", disk_log, "--export=lines", "--output=two").stdout.splitlines()
    assert 0 < len(rest) < len(everything) and rest == everything[-len(rest):]
    table = run(binary, "log", disk_log, "--export=csv", "--output=two").stdout
    rows = list(csv.DictReader(io.StringIO(table)))
    assert {row["type"] for row in rows} == {"integer", "float", "string"}
    assert sum(row["field"] == "run" for row in rows) == sum(" success=" in line for line in rest)
    assert run(binary, "log", disk_log, "--export=lines", "--output=three").returncode == 2


def test_log_tells_of_damage(binary, disk_log):
    everything = run(binary, "log", disk_log, "--export=lines").stdout.splitlines()
    segment = sorted(disk_log.glob("*.log"))[0]
    content = bytearray(segment.read_bytes())
    content[1000] ^= 1
    segment.write_bytes(content)
    result = run(binary, "log", disk_log)
    assert result.returncode == 1 and "DAMAGED in 1 places" in result.stdout
    export = run(binary, "log", disk_log, "--export=lines")
    assert export.returncode == 1 and 0 < len(export.stdout.splitlines()) < len(everything)
    last = sorted(disk_log.glob("*.log"))[-1]
    last.write_bytes(last.read_bytes() + b"NsR\x1e and no more")
    assert "16 bytes of an unfinished record" in run(binary, "log", disk_log).stdout


def test_log_without_a_log(binary, tmp_path):
    (tmp_path / "file").write_text("this is something else")
    for path, why in ((tmp_path / "nothing", "No such file"), (tmp_path / "file", "is no segment of a disk log")):
        result = run(binary, "log", path)
        assert result.returncode == 1 and why in result.stderr
    assert run(binary, "log", tmp_path).returncode == 0, "an empty folder is an empty log"
    assert run(binary, "log", tmp_path, "--export=xml").returncode == 2
