"""What goes wrong between netsonde and a router (tests/peers/routeros), and what it says about it: logins of all versions,
TLS of all kinds, routers that stop, lie or close. One daemon has all of these routers at once."""

import concurrent.futures
import pathlib
import re
import subprocess
import sys

import pytest

import support
from certificates import Authority
from support import make_config

sys.path.insert(0, str(support.TOP / "tests" / "peers"))

from routeros.simulator import Simulator  # noqa: E402

TLS = {"tls_port": 0}
CERTIFIED = {**TLS, "certificate": "router.pem", "key": "router.key"}

# name: what the router is, how it is reached
GOOD = {
    "old-any": ({"profile": "6.42"}, {}),
    "old-challenge": ({"profile": "6.42"}, {"login": "challenge"}),
    "both-challenge": ({"profile": "6.43"}, {"login": "challenge"}),
    "both-new": ({"profile": "6.43"}, {"login": "new"}),
    "new-any": ({"profile": "7.18"}, {}),
    "new-new": ({"profile": "6.49"}, {"login": "new"}),
    "pieces": ({"fault": "pieces=1"}, {}),
    "long-form": ({"fault": "long-form=4"}, {}),
    "odd": ({"fault": ["unknown-reply=hello", "bare-word", "two-dones", "shuffle"]}, {}),
    "tls-verified": (CERTIFIED, {"tls_ca_file": "ca.pem"}),
    "tls-old": ({**CERTIFIED, "tls_1_2": True}, {"tls_ca_file": "ca.pem"}),
    "tls-pinned": (CERTIFIED, {"tls_fingerprint": "FINGERPRINT"}),
    "tls-unverified": (CERTIFIED, {"tls_verify": False}),
    "tls-anonymous": (TLS, {"tls_anonymous": True}),
}

# name: the same, the reason of its failures, and what the log says
BAD = {
    "old-new": ({"profile": "6.42"}, {"login": "new"}, "login", r"older than 6\.43"),
    "new-challenge": ({"profile": "6.49"}, {"login": "challenge"}, "login", "refused the login|sent no challenge"),
    "wrong-password": ({}, {"password_file": "wrong"}, "login", "refused the login of netsonde: invalid user name or "
                                                                r"password \(6\)"),
    "no-file": ({}, {"password_file": "nowhere"}, "local", "password_file: .*nowhere: cannot open"),
    "no-router": (None, {}, "refused", "Connection refused"),
    "silent": ({"fault": "silent"}, {}, "timeout", "no answer to the login within 1 s"),
    "refuse": ({"fault": "refuse"}, {}, "reset", "closed the connection before the login|Connection reset"),
    "sessions": ({"max_sessions": 0}, {}, "reset", "closed the connection before the login|Connection reset"),
    "stuck": ({"fault": "stuck@/system/resource"}, {}, "timeout", "the router has stopped answering"),
    "wrong-tag": ({"fault": "wrong-tag=77"}, {}, "timeout", "the router has stopped answering"),
    "mute": ({"fault": "mute"}, {}, "timeout", "no answer to the login within 1 s"),
    "deaf": ({"fault": "deaf"}, {}, "timeout", "no answer to the login within 1 s"),
    "no-done": ({"fault": "no-done@/system/resource"}, {}, "timeout", "the router has stopped answering"),
    "fatal": ({"fault": "fatal=out of patience@/system/resource"}, {}, "protocol", "ended the session: out of patience"),
    "close": ({"fault": "close=9@/system/resource"}, {}, "protocol", "in the middle of a sentence"),
    "reset": ({"fault": "reset=9@/system/resource"}, {}, "reset", "Connection reset by peer"),
    "control-byte": ({"fault": "control-byte=0xF8@/system/resource"}, {}, "protocol", "not its API"),
    "lie": ({"fault": "lie=4000000000@/system/resource"}, {}, "protocol", "not its API"),
    "long-word": ({"fault": "long-word=1100000@/system/resource"}, {}, "protocol", "not its API"),
    "tls-plain": ({}, {"tls": True}, "tls_handshake|timeout|reset", "TLS"),
    "tls-stranger": (CERTIFIED, {"tls": True}, "tls_verify", "certificate: "),
    "tls-other": (CERTIFIED, {"tls_fingerprint": "00" * 32}, "tls_verify", "its SHA-256 is FINGERPRINT, which is not"),
    "tls-other-name": (CERTIFIED, {"tls_ca_file": "ca.pem", "tls_server_name": "gw9"}, "tls_verify", "certificate: "),
    "tls-no-certificate": (TLS, {"tls_verify": False}, "tls_handshake", "tls_anonymous = true"),
    "tls-not-anonymous": (CERTIFIED, {"tls_anonymous": True}, "tls_handshake", "has the router a certificate"),
}

# One data set is enough here; the pages are read faster.
CATALOGUE = (support.TOP / "probes" / "routeros" / "catalogue.conf").read_text()
SETS = [f"{name}=off" for name in re.findall(r"^(\w+): \{$", CATALOGUE, re.M) if name not in ("interface", "sets")]

# Of a router that is stuck, the cancelled command is waited for five seconds.
PATIENCE = {"realtime": 1, "command_timeout": 1, "connect_timeout": 1, "reconnect_min": 0.5, "breaker_pause": 3600,
            "username": "netsonde", "password_file": "password", "sets": SETS, "type": "routeros"}


class Routers:
    """Cases with equal routers share one process: by its addresses it is several routers."""

    def __init__(self, folder):
        self.folder = folder
        self.cases = {**GOOD, **BAD}
        self.addresses = {name: f"127.0.1.{number}" for number, name in enumerate(self.cases, 1)}
        Authority(folder).issue("router", ",".join(f"IP:{address}" for address in self.addresses.values()))
        printed = subprocess.run(["openssl", "x509", "-in", "router.pem", "-noout", "-fingerprint", "-sha256"], cwd=folder,
                                 check=True, capture_output=True, text=True).stdout
        self.fingerprint = printed.strip().split("=")[1]
        folder.joinpath("password").write_text("secret\n")
        folder.joinpath("wrong").write_text("mistaken\n")
        kinds = {repr(case[0]): case[0] for case in self.cases.values() if case[0] is not None}
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            self.simulators = dict(zip(kinds, pool.map(self.begin, kinds.values())))

    def begin(self, router):
        files = {key: str(self.folder / router[key]) for key in ("certificate", "key") if key in router}
        return Simulator(**{"profile": "7.18", "host": "0.0.0.0", **router, **files})

    def simulator(self, name):
        return self.simulators.get(repr(self.cases[name][0]))

    def reach(self, name):
        one = self.simulator(name)
        access = {**PATIENCE, "port": 1 if one is None else one.port, **self.cases[name][1]}
        if one and one.tls_port:
            access = {"tls": True, **access, "port": one.tls_port}
        if access.get("tls_fingerprint") == "FINGERPRINT":
            access["tls_fingerprint"] = self.fingerprint
        return access

    def config(self):
        targets = [{"name": name, "address": self.addresses[name], "probes": [name]} for name in self.cases]
        return make_config(targets, probes={name: self.reach(name) for name in self.cases})

    def stop(self):
        for one in self.simulators.values():
            one.stop()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = pathlib.Path(tmp_path_factory.mktemp("routers"))
    routers = Routers(folder)
    daemon = support.Daemon(folder, routers.config()).wait_ready()
    yield daemon, routers
    daemon.stop()
    routers.stop()


def figure(metrics, name, router):
    return metrics.get(f"netsonde_routeros_{name}", target=router)


def log_of(daemon, routers, name):
    """The lines about a router, what is quoted as it was."""
    return [line.replace('\\"', '"') for line in daemon.log.splitlines()
            if f"what=routeros target={routers.addresses[name]}:" in line]


@pytest.mark.parametrize("name", GOOD)
def test_works(running, name):
    daemon, routers = running
    metrics = daemon.wait_metrics(lambda m: figure(m, "up", name) == 1
                                  and m.all("netsonde_routeros_interface_running", target=name))
    assert figure(metrics, "logins_total", name) == 1
    assert figure(metrics, "is_secured", name) == name.startswith("tls")
    assert figure(metrics, "is_anonymous", name) == (name == "tls-anonymous")
    assert figure(metrics, "breaker_state", name) == 0
    warnings = [line for line in log_of(daemon, routers, name) if "level=warn" in line]
    assert len(warnings) == (name == "tls-anonymous") and all("nobody proves" in line for line in warnings)


@pytest.mark.parametrize("name", BAD)
def test_fails(running, name):
    daemon, routers = running
    _, _, reason, said = BAD[name]
    daemon.wait_metrics(lambda m: any(re.fullmatch(reason, one) for one in m.failures(name)), f"failures of {name}")
    said = said.replace("FINGERPRINT", routers.fingerprint.replace(":", "").lower())
    daemon.wait_metrics(lambda m: any(re.search(said, line) for line in log_of(daemon, routers, name)), f"a line about {name}")
    metrics = daemon.metrics()
    assert figure(metrics, "up", name) == 0
    # Once for each time that it was lost, however often it was asked.
    lost = [line for line in log_of(daemon, routers, name) if "level=warn" in line]
    assert len(lost) <= 1 + (figure(metrics, "losses_total", name) or 0)
    if reason == "login":
        assert figure(metrics, "breaker_state", name) == 2 and figure(metrics, "connect_attempts_total", name) == 1


def test_passwords_are_nowhere(running):
    daemon, _ = running
    for text in (daemon.log, daemon.get("/metrics")[2].decode(), daemon.get("/config")[2].decode()):
        assert "secret" not in text.replace("<secret>", "") and "mistaken" not in text


def test_a_router_comes_back(running):
    """Each loss and each return is one line."""
    daemon, routers = running
    name = "both-new"
    daemon.wait_metrics(lambda m: figure(m, "up", name) == 1)
    routers.simulator(name).drop()
    metrics = daemon.wait_metrics(lambda m: figure(m, "losses_total", name) == 1 and figure(m, "logins_total", name) == 2
                                  and figure(m, "up", name) == 1)
    assert figure(metrics, "breaker_state", name) == 0
    levels = [re.search(r"level=(\w+)", line)[1] for line in log_of(daemon, routers, name)]
    assert levels == ["warn", "info"]


def test_routers_stop_in_the_middle(running):
    daemon, routers = running
    cases = {"new-new": "mute", "pieces": "deaf"}
    daemon.wait_metrics(lambda m: all(figure(m, "up", name) == 1 for name in cases))
    for name, fault in cases.items():
        routers.simulator(name).fault(fault)
    metrics = daemon.wait_metrics(lambda m: all(figure(m, "losses_total", name) == 1 for name in cases))
    for name, fault in cases.items():
        assert figure(metrics, "up", name) == 0 and metrics.failures(name).get("timeout")
        assert "the connection is lost: the router has stopped answering" in log_of(daemon, routers, name)[0]
        routers.simulator(name).clear(fault)
    daemon.wait_metrics(lambda m: all(figure(m, "up", name) == 1 for name in cases))
    assert all("level=info" in log_of(daemon, routers, name)[-1] for name in cases)
