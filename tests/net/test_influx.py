"""Delivery to servers that misbehave, and a disk log on disks that do."""

import re
import signal
import subprocess
import time

import pytest

from influx_server import InfluxServer, tls_context
from certificates import Authority
from support import BINARY, Daemon, clean_environment, wait_for

CONFIG = """
agent: {{ name = "test"; workers = 1; state_dir = "state"; }};
web: {{ listen = [ "127.0.0.1:0" ]; }};
probes: {{ fast: {{ type = "ping"; interval = 0.05; timeout = 0.04; }}; }};
targets: (
  {{ name = "a"; address = "127.0.0.1"; probes = [ "fast" ]; }},
  {{ name = "b"; address = "127.0.0.2"; probes = [ "fast" ]; }}
);
disk_log: {{ segment_size = "64KiB"; {log} }};
influx: ( {{ name = "main"; url = "{url}"; {output} }}, {{ name = "file"; path = "lines"; rotate_size = 0; }} );
"""
V1 = 'database = "d"; timeout = 1; flush_interval = 0.1; '
V2 = 'org = "o"; bucket = "b"; timeout = 1; flush_interval = 0.1; '
LINE = re.compile(r'^ping,.*target=([^ ,]+) .*\brun=(\d+)i,boot="(\w+)"')


@pytest.fixture
def start_daemon(tmp_path):
    daemons = []

    def start(server, output=V2, log="", **keywords):
        config = CONFIG.format(url=server.url, output=output, log=log)
        (tmp_path / "daemon" / "log").unlink(missing_ok=True)  # of one before
        daemons.append(Daemon(tmp_path / "daemon", config, **keywords).wait_ready())
        return daemons[-1]

    yield start
    for daemon in daemons:
        if daemon.process.poll() is None:
            daemon.kill()


@pytest.fixture
def server():
    with InfluxServer() as one:
        yield one


def made(daemon):
    """{(target, boot, run)} of the file that everything is written to as well."""
    found = set()
    for line in (daemon.folder / "lines").read_text().split("\n")[:-1]:
        match = LINE.match(line)
        if match:
            found.add((match[1], match[3], int(match[2])))
    return found


def output(metrics, name):
    return metrics.get(f"netsonde_output_{name}", name="main")


def expect_everything(daemon, server):
    """All that was made up to now is in the server, or will soon be."""
    all_runs = made(daemon)
    assert len(all_runs) > 10
    try:
        wait_for(lambda: all_runs <= server.runs(), "everything in the server")
    except AssertionError as error:
        missing = sorted(all_runs - server.runs())
        raise AssertionError(f"{error}: {len(missing)} of {len(all_runs)} runs are missing: {missing[:8]}\n{daemon.log}") from None


def expect_no_start(daemon, why):
    """Another one in the same folder ends at once, and says why."""
    result = subprocess.run([BINARY, "run", "--config", "netsonde.conf"], cwd=daemon.folder, env=clean_environment(),
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 1 and why in result.stderr, result.stderr


def wait_requests(server, n):
    before = len(server.requests)
    wait_for(lambda: len(server.requests) >= before + n, "requests")


# --- what the server answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [V1, V2], ids=["v1", "v2"])
def test_good_server(start_daemon, server, options):
    daemon = start_daemon(server, options + 'token = "t0k3n"; ')
    wait_requests(server, 5)
    expect_everything(daemon, server)
    assert max(server.lines.values()) == 1, "once each"
    path = server.requests[0][1]
    assert path == ("/write?db=d&precision=ns" if "database" in options else "/api/v2/write?org=o&bucket=b&precision=ns")
    metrics = daemon.metrics()
    assert output(metrics, "lines_written_total") > 10 and output(metrics, "lines_retried_total") == 0
    assert output(metrics, "refused") == 0 and output(metrics, "lines_dropped_total") == 0
    assert "t0k3n" not in daemon.log and "t0k3n" not in daemon.get("/config")[2].decode()
    daemon.stop()
    assert made(daemon) <= server.runs(), "the end sends what is left"


@pytest.mark.parametrize("options, field, value", [
    ('token = "t0k3n"; ', "Authorization", "Token t0k3n"),
    ('user = "u"; password = "p:w"; ', "Authorization", "Basic dTpwOnc="),
    ("", "Authorization", None),
    ("compress = false; ", "Content-Encoding", None),
    ("flush_interval = 2; ", "Content-Encoding", "gzip"),
    ("", "Content-Type", "text/plain; charset=utf-8"),
])
def test_fields_of_a_request(start_daemon, server, options, field, value):
    daemon = start_daemon(server, V1.replace("flush_interval = 0.1; ", "" if "flush" in options else "flush_interval = 0.1; ") + options)
    wait_requests(server, 1)
    assert server.last.get(field) == value
    daemon.stop()


def test_proxy_from_the_environment(start_daemon, server):
    class Elsewhere:
        url = "http://influx.invalid:8086"

    daemon = start_daemon(Elsewhere, environment={"http_proxy": server.url})
    wait_requests(server, 2)
    assert server.requests[0][1].startswith("http://influx.invalid:8086/api/v2/write?")
    expect_everything(daemon, server)
    daemon.stop()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 408, 401, 403, 404, 405, 302, 418, 413])
def test_status_for_a_while(start_daemon, server, status):
    """Nothing is lost, whatever it says for some time. (A 413 that does not end comes down to single lines.)"""
    server.behave = lambda server, request: (status, {"Location": "http://elsewhere/"}, b'{"message": "not now"}')
    daemon = start_daemon(server)
    wait_requests(server, 1)
    daemon.wait_metrics(lambda m: output(m, "queue_lines") > 30, "lines that wait")
    refused = daemon.metrics()
    assert output(refused, "refused") == (status in (401, 403, 404, 405, 302, 418)), status
    assert output(refused, "write_errors_total") > 0 and output(refused, "lines_written_total") == 0
    if status != 413:
        assert f"HTTP {status}: not now; lines wait in the disk log" in daemon.log
    server.behave = None
    if output(refused, "refused") or status == 413:
        # It would ask again in ten seconds; a reload of another token does so at once.
        text = (daemon.folder / "netsonde.conf").read_text()
        (daemon.folder / "netsonde.conf").write_text(text.replace("timeout = 1;", "timeout = 2;"))
        daemon.process.send_signal(signal.SIGHUP)
    expect_everything(daemon, server)
    assert output(daemon.metrics(), "lines_rejected_total") == 0
    daemon.wait_metrics(lambda m: output(m, "refused") == 0, "the end of it")
    daemon.stop()


def test_retry_after_is_kept(start_daemon, server):
    times = []

    def behave(server, request):
        times.append(time.monotonic())
        return (429, {"Retry-After": "2"}, b"") if len(times) == 1 else None

    server.behave = behave
    daemon = start_daemon(server)
    wait_for(lambda: len(times) > 1, "the second request")
    assert times[1] - times[0] >= 1.99
    expect_everything(daemon, server)
    daemon.stop()


def test_too_large_is_halved(start_daemon, server):
    server.behave = lambda server, request: (413, {}, b"") if len(request.lines) > 3 else None
    daemon = start_daemon(server)
    wait_requests(server, 50)
    expect_everything(daemon, server)
    assert 413 in server.statuses()
    daemon.stop()


def test_one_bad_line_costs_one_line(start_daemon, server):
    bad = re.compile(r"target=a .*\brun=(7|31|32)i")
    server.behave = lambda server, request: (
        (400, {}, b'{"code":"invalid","message":"unable to parse"}') if any(map(bad.search, request.lines)) else None)
    daemon = start_daemon(server)
    daemon.wait_metrics(lambda m: output(m, "lines_rejected_total") == 3, "three lines that are refused")
    wait_requests(server, 3)
    wait_for(lambda: len(made(daemon) - server.runs()) <= 3 + 8, "the rest")
    daemon.stop()
    assert {run for target, boot, run in made(daemon) - server.runs()} == {7, 31, 32}
    rejected = (daemon.folder / "state/log/rejected.lp").read_text()
    assert len(re.findall(r"^# \S+ main: HTTP 400: unable to parse$", rejected, re.M)) == 3
    assert len(re.findall(r"^ping,.*target=a .*run=(?:7|31|32)i", rejected, re.M)) == 3


def test_partial_write_is_not_repeated(start_daemon, server):
    seen = []

    def behave(server, request):
        seen.extend(request.lines)
        if len(seen) < 200:
            return 400, {}, b'{"error":"partial write: field type conflict: x dropped=2"}'
        return None

    server.behave = behave
    daemon = start_daemon(server, V1)
    wait_for(lambda: len(seen) > 300, "requests")
    daemon.stop()
    assert len(seen) == len(set(seen)), "never again"
    assert "partial write" in daemon.log


def test_a_batch_that_it_always_fails_at(start_daemon, server):
    """500 for one line: in the end it goes to rejected.lp (after ten attempts: shown on virtual time); others pass meanwhile."""
    server.behave = lambda server, request: (500, {}, b"") if any(
        re.search(r"target=a .*\brun=20i", line) for line in request.lines) else None
    daemon = start_daemon(server, V2 + "batch_lines = 1; ")
    wait_for(lambda: any(target == "a" and run > 60 for target, _, run in server.runs()), "those that come later")
    assert not any(target == "a" and run == 20 for target, _, run in server.runs())
    assert output(daemon.metrics(), "queue_lines") > 0
    daemon.stop()


@pytest.mark.parametrize("how", ["hang", "drip", "close", "rubbish", "slow"])
def test_servers_that_do_not_answer(start_daemon, server, how):
    server.behave = how
    daemon = start_daemon(server)
    daemon.wait_metrics(lambda m: output(m, "write_errors_total") >= 2, "two failures")
    assert daemon.get("/-/healthy")[0] == 200
    runs = daemon.metrics().get("netsonde_probe_runs_total", target="a")
    daemon.wait_runs("a", runs + 10)
    server.behave = None
    expect_everything(daemon, server)
    assert output(daemon.metrics(), "lines_dropped_total") == 0
    daemon.stop()


def test_stop_does_not_wait_for_a_server_that_hangs(start_daemon, server):
    server.behave = "hang"
    daemon = start_daemon(server, V2.replace("timeout = 1", "timeout = 60"))
    daemon.wait_metrics(lambda m: output(m, "queue_lines") > 10, "lines that wait")
    daemon.stop()
    server.behave = None
    again = start_daemon(server)
    expect_everything(again, server)
    again.stop()


# --- TLS -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("tls"))
    authority.issue("server", "IP:127.0.0.1")
    authority.issue("client", "DNS:probe")
    return authority.folder


def test_tls(start_daemon, certificates):
    context = tls_context(certificates / "server.pem", certificates / "server.key", certificates / "ca.pem")
    with InfluxServer(context) as server:
        files = (f'ca_file = "{certificates}/ca.pem"; certificate_file = "{certificates}/client.pem"; '
                 f'key_file = "{certificates}/client.key"; ')
        daemon = start_daemon(server, V2 + files)
        wait_requests(server, 3)
        expect_everything(daemon, server)
        daemon.stop()


def test_tls_of_a_stranger(start_daemon, certificates):
    with InfluxServer(tls_context(certificates / "server.pem", certificates / "server.key")) as server:
        daemon = start_daemon(server)
        daemon.wait_metrics(lambda m: output(m, "write_errors_total") >= 1, "a failure")
        # Or there are no authorities at all on this machine: then curl names the file that is missing.
        why = "SSL certificate problem|certificate verify locations|certificate file"
        assert re.search(why, daemon.log) and not server.lines
        (daemon.folder / "netsonde.conf").write_text(
            (daemon.folder / "netsonde.conf").read_text().replace("bucket =", "verify = false; bucket ="))
        daemon.process.send_signal(signal.SIGHUP)
        expect_everything(daemon, server)
        daemon.stop()


# --- outputs that change -------------------------------------------------------------------------------------------


def test_a_second_server_comes_and_goes(start_daemon, server):
    daemon = start_daemon(server)
    wait_requests(server, 2)
    file = daemon.folder / "netsonde.conf"
    before = file.read_text()
    with InfluxServer() as second:
        file.write_text(before.replace("influx: (", f'influx: ( {{ name = "second"; url = "{second.url}"; {V1} }},'))
        daemon.process.send_signal(signal.SIGHUP)
        wait_requests(second, 3)
        expect_everything(daemon, server)
        assert daemon.metrics().get("netsonde_output_lines_written_total", name="second") > 0
        file.write_text(before)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_metrics(lambda m: m.get("netsonde_output_lines_written_total", name="second") is None, "its end")
        expect_everything(daemon, server)
    assert max(server.lines.values()) == 1, "the first goes on untouched"
    daemon.stop()
    assert "second" not in (daemon.folder / "state/log/cursors").read_text()


# --- disks ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own with room for 256 KiB."""
    folder = tmp_path / "daemon" / "state"
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def log_figure(metrics, name):
    return metrics.get(f"netsonde_disk_log_{name}")


def test_full_disk(start_daemon, server, small_disk):
    """What does not fit is in memory; with the server back everything arrives."""
    server.stop()
    (small_disk / "ballast").write_bytes(b"x" * 200 * 1024)
    daemon = start_daemon(server, log='compress = false;')
    daemon.wait_metrics(lambda m: log_figure(m, "memory_bytes") > 50000, "lines in memory")
    assert "No space left on device; lines are kept in memory" in daemon.log
    runs = daemon.metrics().get("netsonde_probe_runs_total", target="a")
    daemon.wait_runs("a", runs + 5)
    server.start()
    expect_everything(daemon, server)
    (small_disk / "ballast").unlink()
    daemon.wait_metrics(lambda m: log_figure(m, "memory_bytes") == 0, "the disk to be used again")
    assert output(daemon.metrics(), "lines_dropped_total") == 0
    daemon.stop()


def test_read_only_disk(start_daemon, server, small_disk):
    server.stop()
    daemon = start_daemon(server)
    daemon.wait_metrics(lambda m: log_figure(m, "lines_written_total") > 20, "lines in the log")
    # Files that are open for writing keep a file system from becoming read-only: so there must be none of them.
    daemon.stop()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    expect_no_start(daemon, "influx: disk log: state/log/lock: Read-only file system")
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    server.start()
    again = start_daemon(server)
    expect_everything(again, server)
    again.stop()


def test_a_folder_that_loses_its_rights(start_daemon, server, tmp_path):
    """Removed while it is used: what is open is written on, new segments are not possible, and nothing is lost."""
    server.stop()
    daemon = start_daemon(server)
    daemon.wait_metrics(lambda m: log_figure(m, "lines_written_total") > 60, "lines in the log")
    (daemon.folder / "state" / "log").rename(daemon.folder / "state" / "elsewhere")
    daemon.wait_metrics(lambda m: log_figure(m, "memory_bytes") > 20000, "lines in memory")
    (daemon.folder / "state" / "elsewhere").rename(daemon.folder / "state" / "log")
    server.start()
    expect_everything(daemon, server)
    assert output(daemon.metrics(), "lines_dropped_total") == 0
    daemon.stop()


def test_a_damaged_segment_costs_what_is_in_it(start_daemon, server):
    server.stop()
    daemon = start_daemon(server, log='compress = false;')
    folder = daemon.folder / "state" / "log"
    wait_for(lambda: len(list(folder.glob("*.log"))) >= 4, "segments")
    daemon.stop()
    second = sorted(folder.glob("*.log"))[1]
    content = bytearray(second.read_bytes())
    content[20000:20100] = b"\0" * 100
    second.write_bytes(content)
    server.start()
    again = start_daemon(server)
    before = {run for run in made(again)}
    metrics = again.wait_metrics(lambda m: output(m, "lines_dropped_total") > 0, "the damage")
    again.wait_metrics(lambda m: output(m, "queue_lines") < 20, "the rest")
    wait_for(lambda: len(before - server.runs()) <= output(again.metrics(), "lines_dropped_total"), "all the others")
    assert 0 < len(before - server.runs()) <= output(metrics, "lines_dropped_total") < 250
    assert "a place in it is damaged" in again.log and log_figure(again.metrics(), "damaged_total") == 1
    again.stop()


def test_two_daemons_in_one_folder(start_daemon, server):
    daemon = start_daemon(server)
    expect_no_start(daemon, "influx: disk log: state/log: is used by another process")
    daemon.stop()


HANG = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

/* While the file is there, the disk does not answer. */
static void wait_for_disk(void)
{
	while (access(getenv("TEST_HANG"), F_OK) == 0)
		usleep(10000);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t n, off_t at)
{
	ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite64");
	if (getenv("TEST_HANG_WRITES"))
		wait_for_disk();
	return real(descriptor, bytes, n, at);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t n, off_t at)
{
	return pwrite64(descriptor, bytes, n, at);
}

int fdatasync(int descriptor)
{
	int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
	wait_for_disk();
	return real(descriptor);
}
"""


@pytest.fixture(scope="session")
def hang_library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hang")
    (folder / "hang.c").write_text(HANG)
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", folder / "hang.so", folder / "hang.c", "-ldl"], check=True)
    return folder / "hang.so"


def hanging(library, switch, **more):
    return {"LD_PRELOAD": str(library), "TEST_HANG": str(switch), "ASAN_OPTIONS": "verify_asan_link_order=0", **more}


def test_flushing_that_hangs_holds_up_nobody(start_daemon, server, hang_library, tmp_path):
    switch = tmp_path / "switch"
    daemon = start_daemon(server, log='sync = "always";', environment=hanging(hang_library, switch))
    daemon.wait_metrics(lambda m: log_figure(m, "syncs_total") > 2, "flushing")
    switch.touch()
    daemon.wait_metrics(lambda m: log_figure(m, "unsynced_age_seconds") > 1, "the disk to hang")
    expect_everything(daemon, server)
    wait_requests(server, 3)
    daemon.process.send_signal(signal.SIGTERM)
    wait_for(lambda: daemon.process.poll() is not None, "the end, which waits a second for the disk and no longer")
    assert "the disk hangs" in daemon.log
    switch.unlink()


def test_writing_that_hangs_holds_up_no_probe(start_daemon, server, hang_library, tmp_path):
    switch = tmp_path / "switch"
    daemon = start_daemon(server, environment=hanging(hang_library, switch, TEST_HANG_WRITES="1"))
    wait_requests(server, 2)
    switch.touch()
    runs = daemon.metrics().get("netsonde_probe_runs_total", target="a")
    metrics = daemon.wait_runs("a", runs + 40)
    assert daemon.get("/metrics")[0] == 200
    assert output(metrics, "queue_lines") > 0
    switch.unlink()
    expect_everything(daemon, server)
    assert output(daemon.metrics(), "lines_dropped_total") == 0
    daemon.stop()
