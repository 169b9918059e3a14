"""How it ends: on request it ends soon and loses nothing; when it is killed, what it wrote stays whole."""

import signal

import pytest

from network import host
from support import PATIENCE_SECONDS, make_config, wait_for

FAST = {"ping": {"type": "ping", "interval": 0.05, "timeout": 0.045}}


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_and_every_line_is_written(net, sockets, start_daemon, name):
    targets = [(f"t{n}", host("ipv4", n)) for n in range(20)]
    net.play()
    daemon = start_daemon(make_config(targets, FAST, agent={"workers": 2}))
    metrics = daemon.wait_runs("t0", 10)
    daemon.process.send_signal(getattr(signal, name))
    daemon.stop()
    for target, _ in targets:
        runs = [line.fields["run"] for line in daemon.lines("ping", target=target)]
        assert runs == list(range(1, len(runs) + 1)), f"{target}: lines are missing or twice"
        assert len(runs) >= metrics.get("netsonde_probe_runs_total", target=target), "what was shown was not written"
    assert (daemon.folder / "lines").read_bytes().endswith(b"\n")


def test_runs_under_way_do_not_delay_the_end(net, sockets, start_daemon):
    """Nobody answers: the run would go on for seconds, but the end does not wait for it."""
    target = host("ipv4", 30)
    net.play(f"{target} plan=x", "default")
    daemon = start_daemon(make_config(
        [("hung", target)], {"ping": {"type": "ping", "interval": 5.0, "timeout": 4.9}}))
    wait_for(lambda: net.seen(target)["requests"] > 0, "the first request")
    daemon.stop()
    assert daemon.lines("ping") == [], "the run was given up, not waited for"


def test_killed_in_the_midst_of_it(net, start_daemon):
    targets = [(f"t{n}", host("ipv4", n)) for n in range(100)]
    net.play()
    for attempt in range(3):
        daemon = start_daemon(make_config(targets, FAST), name=f"killed{attempt}")
        daemon.wait_runs("t0", 5 + attempt)
        daemon.kill()
        content = (daemon.folder / "lines").read_bytes()
        assert content.endswith(b"\n"), "a line was torn"
        lines = daemon.lines("ping")
        assert lines
        for target, _ in targets:
            runs = [line.fields["run"] for line in lines if line.tags["target"] == target]
            assert runs == list(range(1, len(runs) + 1)), "only the end may be missing"


def test_started_again_it_appends(net, start_daemon):
    target = host("ipv4", 1)
    net.play()
    boots = set()
    for _ in range(2):
        daemon = start_daemon(make_config([("a", target)], FAST), name="same")
        daemon.wait_runs("a", 3)
        daemon.stop()
        boots |= {line.fields["boot"] for line in daemon.lines("ping")}
        (daemon.folder / "log").unlink()
    runs = [line.fields["run"] for line in daemon.lines("ping", target="a")]
    assert len(boots) == 2 and runs.count(1) == 2


def test_the_port_is_taken(start_daemon):
    first = start_daemon(make_config([("a", "127.0.0.1")]))
    second = start_daemon(make_config([("a", "127.0.0.1")], web={"listen": [first.address]}), is_ready=False)
    assert second.process.wait(timeout=PATIENCE_SECONDS) == 1
    assert first.address in second.log and "in use" in second.log, second.log


def test_the_output_cannot_be_written(start_daemon):
    daemon = start_daemon(
        make_config([("a", "127.0.0.1")], influx=[{"name": "file", "path": "no/such/folder/lines"}]), is_ready=False)
    assert daemon.process.wait(timeout=PATIENCE_SECONDS) == 1
    assert "no/such/folder" in daemon.log, daemon.log
