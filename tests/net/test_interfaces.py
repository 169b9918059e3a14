"""The network under the daemon changes; the daemon goes on."""

import pytest

from network import host, run
from support import make_config

PING = {"ping": {"type": "ping", "interval": 0.2, "timeout": 0.19}}
OURS = {"local", "timeout", "unreachable_net", "unreachable_host"}


def success(metrics):
    return metrics.get("netsonde_probe_success", target="a")


@pytest.mark.parametrize("how", ["down", "delete"])
@pytest.mark.parametrize("bound", [False, True])
def test_the_interface_goes_and_comes_back(net, sockets, family, start_daemon, how, bound):
    target = host(family, 1)
    net.play()
    options = {"ping": {**PING["ping"], "interface": "va"}} if bound else PING
    daemon = start_daemon(make_config([("a", target), ("here", "127.0.0.1" if family == "ipv4" else "::1")], options))
    if not bound:
        daemon.wait_runs("here", 2)
    daemon.wait_metrics(lambda m: success(m) == 1, "the first success")
    if how == "down":
        net.down()
    else:
        net.delete()
    metrics = daemon.wait_metrics(lambda m: success(m) == 0, "a failure")
    daemon.wait_runs("a", metrics.get("netsonde_probe_runs_total", target="a") + 3)
    if how == "down":
        net.up()
    else:
        net.create()
        net.play()
    metrics = daemon.wait_metrics(lambda m: success(m) == 1, "success again")
    assert set(metrics.failures("a")) <= OURS
    if not bound:
        assert metrics.failures("here") == {}, "loopback was never touched"


def test_an_interface_that_is_not_there_yet(net, sockets, family, start_daemon):
    target = host(family, 2)
    net.delete()
    daemon = start_daemon(make_config([("a", target)], {"ping": {**PING["ping"], "interface": "va"}}))
    assert set(daemon.wait_runs("a", 3).failures("a")) == {"local"}
    net.create()
    net.play()
    daemon.wait_metrics(lambda m: success(m) == 1, "success once it is there")


def test_the_address_of_this_host_changes(net, sockets, start_daemon):
    target = host("ipv4", 3)
    net.play()
    daemon = start_daemon(make_config([("a", target)], PING))
    daemon.wait_metrics(lambda m: success(m) == 1, "the first success")
    run("ip", "addr", "flush", "dev", "va")
    daemon.wait_metrics(lambda m: success(m) == 0, "a failure without any address")
    run("ip", "addr", "add", "10.9.250.1/16", "dev", "va")
    daemon.wait_metrics(lambda m: success(m) == 1, "success with the new address")
    assert net.seen(target)["last"]["source"] == "10.9.250.1"
