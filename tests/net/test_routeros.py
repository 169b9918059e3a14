"""routeros against a router that speaks the API as the notes have it (tests/peers/routeros): what is collected, what is kept
when something fails, and what happens when the router goes away."""

import json
import signal
import subprocess
import sys

import pytest

import support
from support import BINARY, PATIENCE_SECONDS, clean_environment, make_config, wait_for

sys.path.insert(0, str(support.TOP / "tests" / "peers"))

from routeros.simulator import Simulator  # noqa: E402

# Whoever waits for a data set wants it at once, and not in its place of half a minute.
FAST = ["arp=realtime", "cpu=realtime", "health=realtime", "ethernet=realtime", "neighbors=off"]


def options(router, **more):
    return {"type": "routeros", "username": "netsonde", "password_file": "password", "port": router.port, "realtime": 1,
            "sets": FAST, "reconnect_min": 0.1, "reconnect_max": 0.2, "breaker_failures": 1000, **more}


def config(router, **more):
    return make_config([("gw1", "127.0.0.1")], probes={"routers": options(router, **more)})


@pytest.fixture
def start(tmp_path):
    daemons = []

    def begin(text, password="secret"):
        tmp_path.joinpath("password").write_text(password + "\n")
        daemons.append(support.Daemon(tmp_path, text).wait_ready())
        return daemons[-1]

    yield begin
    for daemon in daemons:
        daemon.stop()


@pytest.fixture
def router():
    with Simulator(profile="7.18") as one:
        yield one


def ask(router, *arguments, password="secret"):
    command = [str(BINARY), "probe", "routeros", "127.0.0.1", f"--port={router.port}", "--username=netsonde",
               f"--password={password}", *arguments]
    return subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=PATIENCE_SECONDS)


def collected(metrics, name, /, **labels):
    return metrics.get(f"netsonde_routeros_collection_{name}", target="gw1", **labels)


def arp_entries(metrics, interface="bridge"):
    return metrics.sum("netsonde_routeros_arp_entries", interface=interface)


def figure(metrics, name, /, **labels):
    return metrics.get(f"netsonde_routeros_{name}", target="gw1", **labels)


# --- one run -------------------------------------------------------------------------------------------------------


PROFILES = {
    "6.42": {"bgp": True, "wireguard": False, "nd": False},
    "6.49": {"bgp": True, "wireguard": False, "nd": True},
    "7.12": {"bgp": True, "wireguard": True, "nd": True},
    "7.18": {"bgp": True, "wireguard": True, "nd": True},
}


@pytest.mark.parametrize("profile", PROFILES)
def test_versions(profile):
    """One run has everything, whatever the version; what a version does not have is no failure."""
    with Simulator(profile=profile) as one:
        reply = ask(one, "--json")
        assert reply.returncode == 0, reply.stderr
        sets = json.loads(reply.stdout)
        page = ask(one)
    assert sets["routeros"][0]["up"] == 1 and sets["routeros"][1]["version"].startswith(profile)
    states = {row["set"]: row for row in sets["routeros_collection"]}
    assert {name for name, values in states.items() if not values["success"]} == set()
    for name, is_there in PROFILES[profile].items():
        assert (f"routeros_{name}" in sets) == is_there, name
        assert states[name]["is_absent"] == (not is_there), name
    assert "cpu-temperature" in {row["sensor"] for row in sets["routeros_health"]}
    assert sets["routeros_system"][0]["cpu_cores"] == 4
    assert page.returncode == 0 and "identity   gw1\n" in page.stdout and f"version    {profile}" in page.stdout


def test_one_run_that_fails(router):
    refused = ask(router, password="wrong")
    assert refused.returncode == 1 and "login" in refused.stderr and "wrong" not in refused.stdout
    router.fault("trap=4:it failed@/ip/arp")
    reply = ask(router)
    assert reply.returncode == 0 and "arp: could not be read: it failed" in reply.stdout
    unknown = ask(router, "--sets=apr=off")
    assert unknown.returncode != 0 and "there is no such data set" in unknown.stderr


def test_names_are_printed_harmlessly(router):
    router.set("identity", "\x1b[2Jevil")
    assert "\x1b" not in ask(router).stdout


# --- turns ---------------------------------------------------------------------------------------------------------


def test_collects_in_tiers(router, start):
    daemon = start(config(router, skip=["arp=BRIDGE"], max_rows=["interface=3"]))
    metrics = daemon.wait_metrics(
        lambda m: all((collected(m, "runs_total", set=name) or 0) >= 3 for name in ("interface", "arp", "ethernet"))
        and figure(m, "interface_receive_bits_per_second", name="ether1") is not None and figure(m, "health_score"))
    assert figure(metrics, "up") == 1 and figure(metrics, "state") == 4 and figure(metrics, "breaker_state") == 0
    assert metrics.get("netsonde_probe_success", target="gw1") == 1
    assert figure(metrics, "logins_total") == 1 and figure(metrics, "is_secured") == 0
    assert figure(metrics, "info", board="CCR2004-16G-2S+") == 1
    assert figure(metrics, "interface_receive_bits_per_second", name="ether1") > 0
    assert figure(metrics, "ethernet_link_up", name="ether1") == 1
    # What was left out is counted.
    assert len(metrics.all("netsonde_routeros_interface_running")) == collected(metrics, "rows", set="interface") == 3
    assert collected(metrics, "left_out_total", set="interface") > 0
    assert collected(metrics, "skipped_total", set="arp") > 0
    assert "bridge" not in {dict(row)["interface"] for row in metrics.all("netsonde_routeros_arp_entries")}
    # What a data set costs.
    assert collected(metrics, "commands_total", set="ethernet") >= 2 * collected(metrics, "runs_total", set="ethernet")
    assert collected(metrics, "router_seconds_total", set="arp") > 0
    assert collected(metrics, "runs_total", set="neighbors") is None
    daemon.stop()
    # Each collection makes a line of its own; what /metrics repeats of it in the router's turn makes none.
    lines = daemon.lines("routeros_collection", set="interface")
    assert all("success" in line.fields and "run" in line.fields for line in lines)
    assert [line.fields["run"] for line in lines] == list(range(1, len(lines) + 1))
    assert daemon.lines("routeros")[-1].fields["up"] == 1
    assert router.seen()["logins"] == 1


def test_failures_keep_rows(router, start):
    daemon = start(config(router))
    daemon.wait_metrics(lambda m: arp_entries(m) and figure(m, "cpu_load_ratio", core="cpu0")
                        is not None)
    router.fault("trap-after=1@/ip/arp")
    router.fault("absent@/system/resource/cpu")
    metrics = daemon.wait_metrics(lambda m: (collected(m, "failures_total", set="arp") or 0) >= 2
                                  and collected(m, "is_absent", set="cpu"))
    assert collected(metrics, "success", set="arp") == 0 and arp_entries(metrics) > 0
    assert collected(metrics, "success", set="cpu") == 1 and not metrics.all("netsonde_routeros_cpu_load_ratio")
    assert figure(metrics, "data_sets_failed") == 1 and figure(metrics, "health_collections_score") < 100
    assert metrics.get("netsonde_probe_success", target="gw1") == 1
    wait_for(lambda: daemon.lines("routeros_collection", set="arp")[-1].fields.get("reason") == "status", "the failure's line")
    assert daemon.log.count("data set arp") == 1
    # What is absent is not asked for again, until the router has restarted.
    router.clear()
    router.forget()
    daemon.wait_metrics(lambda m: collected(m, "success", set="arp") == 1)
    assert not [words for words in router.said() if words[0] == "/system/resource/cpu/print"]
    router.reboot()
    metrics = daemon.wait_metrics(lambda m: figure(m, "cpu_load_ratio", core="cpu0") is not None
                                  and figure(m, "restarts_total") == 1)
    assert collected(metrics, "is_absent", set="cpu") == 0


def test_comes_back(router, start):
    daemon = start(config(router))
    daemon.wait_metrics(lambda m: figure(m, "up") == 1 and figure(m, "interface_running", name="ether1") == 1)
    router.fault("refuse")
    router.drop()
    metrics = daemon.wait_metrics(lambda m: figure(m, "up") == 0)
    assert figure(metrics, "interface_running", name="ether1") == 1 and figure(metrics, "health_score") is None
    assert figure(metrics, "losses_total") == 1
    router.clear()
    metrics = daemon.wait_metrics(lambda m: figure(m, "up") == 1)
    assert figure(metrics, "logins_total") == 2 and figure(metrics, "restarts_total") == 0
    # Said once, and not by each data set.
    assert daemon.log.count("level=warn what=routeros") == 1


def test_log(router, start):
    """The last lines of the router's log, each once, and new ones in the outputs."""
    daemon = start(config(router, short=5, log_size=20, log_lines=True))

    def lines():
        status, _, body = daemon.get("/api/v1/routers/gw1/log")
        assert status == 200, body
        return json.loads(body)["lines"]

    assert daemon.get("/api/v1/routers/gw2/log")[0] == 404 and daemon.get("/api/v1/routers/gw1")[0] == 404
    wait_for(lambda: len(lines()) == 20, "lines")
    assert all(line["time"] and line["topics"] and line["message"] for line in lines())
    assert not daemon.lines("routeros_log_line"), "what was there before is no news"
    for name in ("first", "second"):
        router.add("/log", time="2099-01-01 00:00:00", topics="test,info", message=name)
    wait_for(lambda: len(daemon.lines("routeros_log_line")) == 2, "new lines")
    assert [line["message"] for line in lines()[-2:]] == ["first", "second"] and len(lines()) == 20
    told = [line.fields["message"] for line in daemon.lines("routeros_log_line", topics=r"test\,info")]
    assert told == ["first", "second"]
    asked = [words for words in router.said() if words[0] == "/log/print" and any("time" in word for word in words[2:])]
    assert len(asked[-1]) > 3, "only lines since the last one are asked for"


def test_wrong_password(router, start):
    daemon = start(config(router), password="mistaken")
    metrics = daemon.wait_metrics(lambda m: m.failures("gw1").get("login", 0) >= 2)
    assert figure(metrics, "breaker_state") == 2 and figure(metrics, "up") == 0
    assert figure(metrics, "connect_attempts_total") == 1
    assert "mistaken" not in daemon.log and "mistaken" not in daemon.get("/config")[2].decode()
    assert "secret" not in daemon.get("/metrics")[2].decode()


def test_reload(router, start, tmp_path):
    """Other options take effect, and the connection stays."""
    daemon = start(config(router))
    daemon.wait_metrics(lambda m: arp_entries(m))
    tmp_path.joinpath("netsonde.conf").write_text(config(router, sets=[*FAST, "arp=off", "routes=realtime"]))
    daemon.process.send_signal(signal.SIGHUP)
    metrics = daemon.wait_metrics(lambda m: figure(m, "routes_entries", family="ipv4", protocol="all"))
    assert not metrics.all("netsonde_routeros_arp_entries")
    assert collected(metrics, "runs_total", set="arp") is None
    assert router.seen()["logins"] == 1
