"""What needs rights or names of its own runs in a network namespace; the rest would run outside as well."""

import pytest

import namespace
import netsonde
import npm_packages

INSIDE_ONLY = ("test_blackbox.py", "test_faults_network.py")


def pytest_configure(config):
    if not namespace.IS_INSIDE:
        npm_packages.install()
    namespace.enter(config, "tests/peers")


def pytest_collection_modifyitems(items):
    why = namespace.reason_to_skip("tests/peers")
    for item in items:
        if why and item.path.name in INSIDE_ONLY:
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session", autouse=True)
def loopback():
    if namespace.IS_INSIDE:
        netsonde.run("ip", "link", "set", "lo", "up")


@pytest.fixture(scope="session")
def binary():
    return netsonde.find_binary()


@pytest.fixture(scope="session")
def npm():
    npm_packages.require()
    return npm_packages
