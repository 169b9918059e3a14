"""Outages are counted, and outlive a restart and a crash."""

import os

from network import host
from support import make_config

PROBES = {"ping": {"type": "ping", "interval": 0.2, "timeout": 0.15}}
AVAILABILITY = "netsonde_availability_"


def figures(metrics, target, window="1h"):
    names = ("ratio", "coverage_ratio", "outages", "downtime_seconds", "mtbf_seconds", "mttr_seconds")
    return {name: metrics.get(AVAILABILITY + name, target=target, window=window) for name in names}


def test_figures_carry_on(net, start_daemon):
    good, bad = host("ipv4", 61), host("ipv4", 62)
    config = make_config([("good", good), ("bad", bad)], PROBES, agent={"state_dir": "state"})
    net.play()
    daemon = start_daemon(config, name="daemon")
    daemon.wait_runs("bad", 3)
    net.play(f"{bad} plan=x", "default")
    daemon.wait_metrics(lambda m: (m.failures("bad").get("timeout") or 0) >= 5, "an outage")
    net.play()
    # One look every ten seconds; the first one came before the outage.
    metrics = daemon.wait_metrics(
        lambda m: m.get(AVAILABILITY + "outages_total", target="bad") == 1
        and m.get(AVAILABILITY + "up", target="bad") == 1
        and figures(m, "good")["ratio"] is not None,
        "the outage to be counted",
    )
    failed = metrics.failures("bad")["timeout"]
    first = figures(metrics, "bad")
    assert first["outages"] == 1
    assert (failed - 1) * 0.2 <= first["downtime_seconds"] <= (failed + 2) * 0.2 + 1, (failed, first)
    assert abs(first["mttr_seconds"] - first["downtime_seconds"]) < 1e-9
    known = first["coverage_ratio"] * 3600
    assert abs(first["ratio"] - (1 - first["downtime_seconds"] / known)) < 1e-6
    assert abs(first["mtbf_seconds"] - (known - first["downtime_seconds"])) < 1e-3
    assert figures(metrics, "good")["ratio"] == 1
    assert figures(metrics, "good")["outages"] == 0
    assert figures(metrics, "good")["mttr_seconds"] is None
    daemon.kill()

    daemon = start_daemon(config, name="daemon")
    metrics = daemon.wait_runs("bad", 2)
    again = figures(metrics, "bad")
    assert again["outages"] == 1 and metrics.get(AVAILABILITY + "outages_total", target="bad") == 1
    assert abs(again["downtime_seconds"] - first["downtime_seconds"]) < 1e-6
    # The crash took at most what came after the last second.
    assert again["coverage_ratio"] * 3600 >= known - 1
    assert metrics.get(AVAILABILITY + "file_writable") == 1
    daemon.stop()

    daemon = start_daemon(config, name="daemon")
    metrics = daemon.wait_runs("good", 2)
    assert figures(metrics, "bad")["outages"] == 1
    assert figures(metrics, "good")["ratio"] == 1
    daemon.stop()
    assert os.stat(daemon.folder / "state" / "availability").st_mode & 0o007 == 0
    lines = daemon.lines("availability", target="bad", window="1h")
    assert lines and lines[-1].fields["outages"] == 1


def test_it_can_be_switched_off(net, start_daemon):
    net.play()
    config = make_config([("a", host("ipv4", 63))], PROBES) + "availability: { enabled = false; };\n"
    daemon = start_daemon(config)
    metrics = daemon.wait_runs("a", 2)
    assert AVAILABILITY not in metrics.text
    daemon.stop()
    assert not (daemon.folder / "state").exists()
