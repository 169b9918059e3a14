"""Several workers, many targets, and readers at the same time."""

import threading

import pytest

from network import host
from support import make_config


def test_two_workers_share_the_targets(net, sockets, start_daemon):
    targets = [(f"t{n}", host("ipv4" if n % 2 else "ipv6", n)) for n in range(40)]
    net.play()
    daemon = start_daemon(make_config(targets, agent={"workers": 2}))
    for name, _ in targets:
        metrics = daemon.wait_runs(name, 4)
    probes = {dict(row)["worker"]: value for row, value in metrics.all("netsonde_schedule_probes").items()}
    assert set(probes) == {"0", "1"} and sum(probes.values()) == 40 and min(probes.values()) > 0
    for name, address in targets:
        assert metrics.failures(name) == {}, name
        # Raw sockets of both workers see every reply; only the one that asked may count it.
        assert metrics.get("netsonde_ping_duplicates_total", target=name) == 0, name
        assert metrics.get("netsonde_ping_loss_ratio", target=name) == 0, name
    daemon.stop()
    for name, address in targets:
        received = daemon.lines("ping", target=name)[-1].fields["received_total"]
        assert received <= net.seen(address)["replies"]


@pytest.mark.parametrize("workers", [1, 4])
def test_readers_at_the_same_time(net, sockets, start_daemon, workers):
    """Scrapes of all kinds while probes run fast: no reader disturbs a probe, and each answer is whole."""
    targets = [(f"t{n}", host("ipv4" if n % 2 else "ipv6", n)) for n in range(60)]
    fast = {"ping": {"type": "ping", "interval": 0.05, "timeout": 0.045}}
    net.play()
    daemon = start_daemon(make_config(targets, fast, agent={"workers": workers}))
    daemon.wait_runs("t0", 2)
    faults = []

    def read(path, headers, check):
        try:
            for _ in range(25):
                status, _, body = daemon.get(path, headers)
                assert status == 200, f"{path}: {status}"
                check(body)
        except Exception as error:
            faults.append(f"{path}: {error!r}")

    def is_whole(body):
        assert body.endswith(b"\n") and body.count(b"netsonde_ping_sent_total{") == len(targets)

    def is_whole_open(body):
        assert body.endswith(b"# EOF\n")

    readers = [
        threading.Thread(target=read, args=("/metrics", {}, is_whole)),
        threading.Thread(target=read, args=("/metrics", {"Accept-Encoding": "gzip"}, is_whole)),
        threading.Thread(target=read, args=("/metrics", {"Accept": "application/openmetrics-text"}, is_whole_open)),
        threading.Thread(target=read, args=("/config", {}, bool)),
        threading.Thread(target=read, args=("/", {}, bool)),
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert faults == []
    for name, _ in targets:
        metrics = daemon.wait_runs(name, 10)
    assert {name: metrics.failures(name) for name, _ in targets if "local" in metrics.failures(name)} == {}
