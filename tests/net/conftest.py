"""Everything here runs in a network namespace of its own; pytest is run again inside one when it is not."""

import pytest

import namespace
import network


def pytest_configure(config):
    namespace.enter(config, "tests/net")


def pytest_collection_modifyitems(items):
    why = namespace.reason_to_skip("tests/net")
    for item in items:
        if why and str(item.fspath).startswith(str(network.FOLDER)):
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
