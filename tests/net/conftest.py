"""Everything here runs in a network namespace of its own; pytest is run again inside one when it is not."""

import os
import subprocess
import sys

import pytest

import network

ENTER = str(network.FOLDER / "enter")
IS_INSIDE = os.environ.get("TEST_NAMESPACE") == "1"
NO_NAMESPACE = "no network namespace here: neither root, nor user namespaces, nor sudo without a password"


def pytest_configure(config):
    """pytest was started for this folder alone: the same again, inside."""
    if IS_INSIDE or config.args and not all("tests/net" in os.path.abspath(arg) for arg in config.args):
        return
    if subprocess.run([ENTER, "true"]).returncode != 0:
        return
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture:
        capture.suspend_global_capture(in_=True)
    sys.stdout.flush()
    os.execv(ENTER, [ENTER, sys.executable, "-m", "pytest", *sys.argv[1:]])


def pytest_collection_modifyitems(items):
    if IS_INSIDE:
        return
    allowed = subprocess.run([ENTER, "true"]).returncode == 0
    why = "to be run by itself: python3 -m pytest tests/net" if allowed else NO_NAMESPACE
    for item in items:
        if str(item.fspath).startswith(str(network.FOLDER)):
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session", autouse=True)
def loopback():
    network.run("ip", "link", "set", "lo", "up")


@pytest.fixture(scope="session")
def wire_binary(tmp_path_factory):
    return network.build_wire(tmp_path_factory.mktemp("wire"))


@pytest.fixture(scope="session")
def peer(loopback):
    peer = network.Peer()
    yield peer
    peer.close()


@pytest.fixture
def net(wire_binary, peer, tmp_path):
    one = network.Network(wire_binary, peer, tmp_path)
    yield one
    try:
        one.stop()
    finally:
        network.run("ip", "link", "del", "va", check=False)


@pytest.fixture(params=["datagram", "raw"])
def sockets(request):
    """Which kind of ICMP socket the daemon gets."""
    network.set_sysctl("net.ipv4.ping_group_range", "0 0" if request.param == "datagram" else "1 0")
    yield request.param
    network.set_sysctl("net.ipv4.ping_group_range", "1 0")


@pytest.fixture(params=network.FAMILIES)
def family(request):
    return request.param
