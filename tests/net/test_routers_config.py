"""What the configuration says about routers: options of one target, parked targets, and data sets of the user's own."""

import signal
import subprocess
import sys

import pytest

import support
from support import BINARY, clean_environment, make_config

sys.path.insert(0, str(support.TOP / "tests" / "peers"))

from routeros.simulator import Simulator  # noqa: E402

CATALOGUE = """sets: {
  %s: {
    help = "A user of the router"; tier = "realtime";
    menus = ( { path = "/interface"; } );
    keys = [ "port=name" ];
    columns = ( { measure = "mtu_bytes"; kind = "gauge"; property = "actual-mtu"; unit = "bytes"; help = "Its MTU"; } );
  };
};
"""
ROUTERS = 'routers: { catalogues = [ "mine.conf" ]; builtin_catalogue = false; };\n'


@pytest.fixture
def routers():
    with Simulator(profile="7.18") as one, Simulator(profile="6.49", user="netsonde:other") as two:
        yield one, two


@pytest.fixture
def start(tmp_path):
    daemons = []

    def begin(text):
        tmp_path.joinpath("password").write_text("secret\n")
        tmp_path.joinpath("other").write_text("other\n")
        tmp_path.joinpath("mine.conf").write_text(CATALOGUE % "mine")
        daemons.append(support.Daemon(tmp_path, text).wait_ready())
        return daemons[-1]

    yield begin
    for daemon in daemons:
        daemon.stop()


def config(routers, second=None):
    """One has what all have, the other one options of its own."""
    probes = {
        "routers": {"type": "routeros", "username": "netsonde", "password_file": "password", "port": routers[0].port,
                    "realtime": 1, "reconnect_min": 0.1, "reconnect_max": 0.2},
        "ping": {"type": "ping", "interval": 0.2, "timeout": 0.19},
    }
    targets = [
        {"name": "gw1", "address": "127.0.0.1", "probes": ["routers", "ping"]},
        {"name": "gw2", "address": "127.0.0.1", "probes": ["routers"], "port": routers[1].port,
         "routeros": {"password_file": "other", "realtime": 2}, **(second or {})},
    ]
    return ROUTERS + make_config(targets, probes=probes)


def mtu(metrics, target, name="mine"):
    return metrics.get(f"netsonde_routeros_{name}_mtu_bytes", target=target, port="ether1")


def test_targets_have_options_of_their_own(routers, start):
    daemon = start(config(routers))
    daemon.wait_metrics(lambda m: mtu(m, "gw1") and mtu(m, "gw2") and m.get("netsonde_routeros_up", target="gw2") == 1)
    shown = daemon.get("/config")[2].decode()
    assert f"port = {routers[1].port};" in shown and "realtime = 2;" in shown and "secret" not in shown.replace("<secret>", "")
    daemon.stop()
    assert [line.fields["run"] for line in daemon.lines("routeros_collection", target="gw2", set="mine")][:1] == [1]
    assert {one.seen()["logins"] for one in routers} == {1}


def test_another_catalogue_keeps_the_connection(routers, start, tmp_path):
    daemon = start(config(routers))
    daemon.wait_metrics(lambda m: mtu(m, "gw1") and (m.get("netsonde_probe_runs_total", probe="ping") or 0) >= 5)
    for name in ("yours", "theirs"):
        tmp_path.joinpath("mine.conf").write_text(CATALOGUE % name)
        daemon.process.send_signal(signal.SIGHUP)
        metrics = daemon.wait_metrics(lambda m: mtu(m, "gw1", name) and mtu(m, "gw2", name))
        assert not metrics.all("netsonde_routeros_mine_mtu_bytes")
        assert metrics.get("netsonde_probe_runs_total", probe="ping") >= 5
    tmp_path.joinpath("mine.conf").write_text("sets: { mine: { }; };\n")
    status, _, answer = daemon.get("/-/reload", method="POST")
    assert status == 400 and b"mine.conf:1: sets.mine" in answer
    assert mtu(daemon.metrics(), "gw1", "theirs")
    assert [one.seen()["logins"] for one in routers] == [1, 1]


def test_parked(routers, start, tmp_path):
    daemon = start(config(routers, {"enabled": False}))
    metrics = daemon.wait_metrics(lambda m: mtu(m, "gw1"))
    assert metrics.get("netsonde_config_targets_parked") == 1 and metrics.get("netsonde_config_targets") == 1
    assert 'target="gw2"' not in metrics.text and "enabled = false;" in daemon.get("/config")[2].decode()
    assert routers[1].seen()["logins"] == 0
    tmp_path.joinpath("netsonde.conf").write_text(config(routers))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_metrics(lambda m: mtu(m, "gw2") and m.get("netsonde_config_targets_parked") == 0)
    tmp_path.joinpath("netsonde.conf").write_text(config(routers, {"enabled": False}))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_metrics(lambda m: mtu(m, "gw2") is None and m.get("netsonde_config_targets_parked") == 1)
    assert routers[0].seen()["logins"] == 1


def test_commands_know_the_catalogue(routers, tmp_path):
    tmp_path.joinpath("password").write_text("secret\n")
    tmp_path.joinpath("other").write_text("other\n")
    tmp_path.joinpath("mine.conf").write_text(CATALOGUE % "mine")
    tmp_path.joinpath("netsonde.conf").write_text(config(routers))

    def run(*words):
        return subprocess.run([str(BINARY), *words], cwd=tmp_path, env=clean_environment(), capture_output=True, text=True,
                              timeout=support.PATIENCE_SECONDS)

    one = run("probe", "routeros", "127.0.0.1", "--config=netsonde.conf", "--probe=routers", "--json")
    assert one.returncode == 0 and '"routeros_mine"' in one.stdout and '"routeros_interface"' not in one.stdout, one.stderr
    assert run("check", "netsonde.conf").returncode == 0
    tmp_path.joinpath("mine.conf").write_text("\nsets: { mine: { tier = 3; }; };\n")
    refused = run("check", "netsonde.conf")
    assert refused.returncode == 1 and "mine.conf:2: sets.mine.tier" in refused.stderr


def test_data_sets_that_are_none(tmp_path):
    """A mistyped name is told by its line, for probes and for targets, and not first when the probe opens."""
    tmp_path.joinpath("x.conf").write_text(
        'probes: { a: { type = "routeros"; username = "u"; sets = [ "arpp=off" ]; };\n'
        '  b: { type = "routeros"; username = "u"; sets = [ "arp=off" ]; }; };\n'
        'targets: ( { name = "g1"; address = "192.0.2.1"; probes = [ "a" ]; },\n'
        '  { name = "g2"; address = "192.0.2.2"; probes = [ "b" ]; routeros: { max_rows = [ "interfaces=5" ]; }; } );\n'
    )
    result = subprocess.run([BINARY, "check", "x.conf"], cwd=tmp_path, env=clean_environment(), capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        'x.conf:1: probes.a: sets: "arpp=off": there is no such data set in the catalogue',
        'x.conf:4: targets[1]: probe b: max_rows: "interfaces=5": there is no such data set in the catalogue',
    ]
