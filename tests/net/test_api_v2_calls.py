"""What the calls of /api/v2 have routers do, against the router of tests/peers/routeros."""

import http.client
import json
import pathlib
import socket
import sys
import threading
import time

import pytest

from support import make_config, to_libconfig, wait_for

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "peers" / "routeros"))

from simulator import Simulator  # noqa: E402

KEY = "operator-0123456789abcdef"
ACCESS = {"username": "netsonde", "password": "secret"}


@pytest.fixture(scope="module")
def router():
    with Simulator(profile="7.18", port=0, tls_port=0, pace=0.02, rows=["routes=22000"], max_sessions=40) as one:
        yield one


@pytest.fixture(autouse=True)
def healthy(router):
    router.clear()
    router.set("password", "secret")


def config_of(router, api=None, routers=("gw1",), **settings):
    section = {
        "enabled": True, "allow_hosts": ["127.0.0.0/8"], "rate": 0, "connect_timeout": 2,
        "keys": [{"name": "op", "key": KEY, "role": "operate", "rate": 0}], **(api or {}),
    }
    keys = section.pop("keys")
    text = to_libconfig(section)[:-2] + "keys = " + to_libconfig(keys) + "; }"
    probe = {"type": "routeros", **ACCESS, "port": router.port, **settings}
    targets = [(name, "127.0.0.1") for name in routers]
    return make_config(targets, {"routers": probe}, influx=[], agent={"workers": 2}) + f"api: {text};\n"


class Client:
    def __init__(self, daemon):
        self.daemon = daemon

    def open(self):
        return http.client.HTTPConnection(self.daemon.address, timeout=60)

    def send(self, connection, path, body):
        connection.request("POST" if body is not None else "GET", f"/api/v2/{path}",
                           json.dumps(body) if body is not None else None,
                           {"X-API-Key": KEY, "Content-Type": "application/json"})

    def ask(self, path, body=None, status=200):
        connection = self.open()
        self.send(connection, path, body)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        assert response.status == status, f"{response.status}: {text}"
        assert "secret" not in text
        return json.loads(text)

    def command(self, path, host=None, status=200, **more):
        return self.ask("mikrotik/command", {**(host or {"router": "gw1"}), "command": path, **more}, status)

    def stats(self):
        return self.ask("stats")


@pytest.fixture
def client(router, start_daemon):
    return Client(start_daemon(config_of(router)))


def other(router, **more):
    """A host that is not configured."""
    return {"host": "127.0.0.1", "port": router.port, **ACCESS, **more}


# --- each call ------------------------------------------------------------------------------------------------------


def test_test_connection(router, client):
    for host in ({"router": "gw1"}, other(router)):
        answer = client.ask("test-connection", host)
        assert answer["status"] == "success" and answer["error"] is None
        assert 0 < answer["connection_time_seconds"] < 60 and 0 < answer["response_time_ms"] < 60000
        assert answer["host"] == host.get("router", "127.0.0.1") and answer["port"] == router.port
        assert answer["data"][0]["name"]
        assert answer["method"] and answer["message"]
    answer = client.ask("test-connection", other(router, port=router.tls_port, use_ssl=True, tls_anonymous=True))
    assert answer["status"] == "success" and "proves nothing" in answer["message"]
    answer = client.ask("test-connection", other(router, port=router.tls_port, use_ssl=True))
    assert answer["status"] == "error" and answer["connection_time_seconds"] is None


def test_command(router, client):
    router.set("identity", "gate")
    answer = client.command("/system/identity/print", use_cache=False)
    assert answer["status"] == "success" and answer["data"] == [{"name": "gate"}]
    assert answer["cached"] is False and answer["command"] == "/system/identity/print" and answer["host"] == "gw1"
    rows = client.command("/interface/print", use_cache=False, proplist=["name", "type"],
                          queries=["?type=ether"])["data"]
    assert rows and all(set(row) <= {"name", "type", ".id"} and row["type"] == "ether" for row in rows)
    answer = client.command("/interface/print", parameters={"count-only": ""}, use_cache=False)
    assert int(answer["data"][0]["ret"]) >= len(rows)
    said = router.said()
    assert ["/interface/print", "=count-only="] in said


def test_ping(router, client):
    answer = client.ask("mikrotik/ping", {
        "router": "gw1", "targets": ["192.0.2.1", "192.0.2.2", "203.0.113.254", "nowhere.invalid"], "count": 3,
    })
    assert answer["status"] == "completed" and answer["host"] == "gw1" and answer["method"]
    assert answer["targets_requested"] == 4 and answer["targets_successful"] == 2
    assert answer["avg_ping_time_ms"] > 0 and answer["total_execution_time_seconds"] > 0 and answer["timestamp"]
    good = answer["results"]["192.0.2.1"]
    assert good["status"] == "success" and good["error"] is None and good["cached"] is False
    assert good["statistics"]["sent"] == good["statistics"]["received"] == 3
    assert good["statistics"]["packet_loss_percent"] == 0
    assert good["statistics"]["min_rtt_ms"] <= good["statistics"]["avg_rtt_ms"] <= good["statistics"]["max_rtt_ms"]
    assert len(good["data"]) >= 3 and good["execution_time_seconds"] > 0
    lost = answer["results"]["203.0.113.254"]
    assert lost["status"] == "error" and lost["error"] == "none of 3 pings was answered"
    assert lost["statistics"]["packet_loss_percent"] == 100 and lost["statistics"]["avg_rtt_ms"] is None
    assert answer["results"]["nowhere.invalid"]["status"] == "error"
    again = client.ask("mikrotik/ping", {"router": "gw1", "targets": ["192.0.2.1", "203.0.113.254"], "count": 3})
    assert again["results"]["203.0.113.254"]["cached"] is False, "a target that is silent is asked again"
    assert again["results"]["192.0.2.1"]["cached"] is True
    assert again["results"]["192.0.2.1"]["statistics"] == good["statistics"]


def test_traceroute(router, client):
    answer = client.ask("mikrotik/traceroute", {"router": "gw1", "targets": ["192.0.2.1"], "count": 2})
    result = answer["results"]["192.0.2.1"]
    assert answer["targets_successful"] == 1 and result["status"] == "success"
    assert result["hops"] == len(result["data"]) > 0
    assert len({row.get(".section") for row in result["data"]}) == 1, "one table, the last"
    assert ["/tool/traceroute", "=address=192.0.2.1", "=count=2", "=max-hops=30"] in router.said()


def test_batch(router, client):
    paths = ["/system/identity/print", "/no/such/print", "/interface/print", "/system/resource/print"] * 10
    answer = client.ask("mikrotik/batch", {"router": "gw1", "commands": [{"command": path} for path in paths],
                                           "use_cache": False, "max_concurrent": 3})
    assert answer["commands_requested"] == 40 and answer["commands_successful"] == 30
    assert answer["max_concurrent"] == 3
    assert [result["command"] for result in answer["results"]] == paths
    for path, result in zip(paths, answer["results"]):
        assert (result["status"] == "success") == (path != "/no/such/print"), result
        assert bool(result["data"]) == (result["status"] == "success") and bool(result["error"]) != bool(result["data"])


def test_multi_host(router, client):
    hosts = ["gw1", "nobody", other(router), other(router, port=1), other(router, host="10.1.2.3")]
    answer = client.ask("mikrotik/multi-host", {"hosts": hosts, "command": "/system/identity/print",
                                                "max_concurrent_hosts": 2})
    assert answer["hosts_requested"] == 5 and answer["hosts_successful"] == 2 and answer["max_concurrent_hosts"] == 2
    results = answer["results"]
    assert results["gw1"]["status"] == results["127.0.0.1"]["status"] == "success"
    assert results["gw1"]["data"] == results["127.0.0.1"]["data"]
    assert "no configured router" in results["nobody"]["error"]
    assert "refused" in results["127.0.0.1:1"]["error"].lower()
    assert results["10.1.2.3"]["status"] == "error" and "10.1.2.3" in results["10.1.2.3"]["error"]
    answer = client.ask("mikrotik/multi-host", {
        "hosts": ["gw1", "nobody"],
        "commands": [{"command": "/system/identity/print"}, {"command": "/interface/print"}],
    })
    assert answer["hosts_successful"] == 1
    assert [one["command"] for one in answer["results"]["gw1"]["results"]] == ["/system/identity/print",
                                                                              "/interface/print"]
    assert answer["results"]["nobody"]["commands_successful"] == 0


# --- cache, stats ---------------------------------------------------------------------------------------------------


def test_cache(router, client):
    first = client.command("/system/clock/print")
    before = client.stats()["mikrotik_connector"]
    again = client.command("/system/clock/print")
    assert (first["cached"], again["cached"]) == (False, True) and first["data"] == again["data"]
    after = client.stats()["mikrotik_connector"]
    assert after["cache_hits"] == before["cache_hits"] + 1 and after["cache_total"] == before["cache_total"] + 1
    assert client.command("/system/clock/print", use_cache=False)["cached"] is False
    assert client.command("/system/clock/print", {**other(router)})["cached"] is False, "another way to it"
    assert client.ask("cache/clear", {})["status"] == "success"
    assert client.command("/system/clock/print")["cached"] is False


def test_what_changes_a_router_empties_its_cache(router, client):
    before = client.command("/ip/address/print")
    assert client.command("/ip/address/print")["cached"] is True
    added = client.command("/ip/address/add", parameters={"address": "198.51.100.1/32", "interface": "ether1"})
    assert added["status"] == "success", added
    after = client.command("/ip/address/print")
    assert after["cached"] is False and len(after["data"]) == len(before["data"]) + 1
    router.remove("/ip/address", added["data"][0]["ret"])


def test_stats(router, client):
    client.command("/system/identity/print", use_cache=False)
    client.command("/no/such/print", use_cache=False)
    stats = client.stats()
    application, connector, configuration = (stats[name] for name in
                                             ("application", "mikrotik_connector", "configuration"))
    assert application["service"] == "netsonde" and application["version"]
    assert application["total_requests"] >= 2 and application["active_requests"] >= 1
    for name in ("uptime_seconds", "successful_requests", "failed_requests", "peak_concurrent_requests",
                 "success_rate_percent", "avg_response_time_seconds"):
        assert name in application
    assert connector["active_connections"] >= 1 and connector["pool_size"] >= 1
    assert connector["commands_total"] == 2 and connector["commands_failed_total"] == 1
    assert configuration["configured_routers"] == 1 and configuration["cache_ttl_seconds"] == 10
    assert {"max_concurrent_hosts", "max_concurrent_commands", "max_connections_per_host"} <= set(configuration)


# --- links ----------------------------------------------------------------------------------------------------------


def test_one_connection_for_all(router, client):
    """The collection and all calls use one session; hosts that are not configured have one for each access."""
    wait_for(lambda: client.daemon.metrics().get("netsonde_probe_success", target="gw1") == 1, "the collection")
    router.forget()
    for _ in range(5):
        client.command("/system/identity/print", use_cache=False)
    assert router.seen().get("logins", 0) == 0
    for _ in range(5):
        client.command("/system/identity/print", other(router), use_cache=False)
    assert router.seen()["logins"] == 1
    connector = client.stats()["mikrotik_connector"]
    assert connector["links"] == 1 and connector["links_reused_total"] == 4


def test_too_many_accesses_to_one_host(router, start_daemon):
    client = Client(start_daemon(config_of(router, {"max_connections_per_host": 1})))
    router.fault("stuck@/system/clock")
    connection = client.open()
    client.send(connection, "mikrotik/command", {**other(router), "command": "/system/clock/print", "timeout": 50})
    wait_for(lambda: client.stats()["mikrotik_connector"]["running"] >= 2, "the call")
    answer = client.command("/system/identity/print", other(router, password="other"))
    assert answer["status"] == "error" and "max_connections_per_host" in answer["error"]
    connection.close()


# --- faults ---------------------------------------------------------------------------------------------------------


def test_wrong_password(router, client):
    router.forget()
    answer = client.command("/system/identity/print", other(router, password="not this one"))
    assert answer["status"] == "error" and answer["data"] == []
    assert "not this one" not in json.dumps(answer)
    assert "user name or password" in answer["error"].lower() or "login" in answer["error"].lower(), answer
    assert client.command("/system/identity/print", other(router))["status"] == "success"


def test_dead_hosts(router, client):
    begun = time.monotonic()
    refused = client.command("/system/identity/print", other(router, port=1))
    assert refused["status"] == "error" and refused["error"]
    with socket.create_server(("127.0.0.1", 0)) as mute:
        answer = client.ask("test-connection", other(router, port=mute.getsockname()[1]))
    assert answer["status"] == "error" and answer["error"]
    assert time.monotonic() - begun < 20


def test_traps_and_stuck_commands(router, client):
    router.fault("trap=4:it failed@/system/clock")
    router.fault("stuck=cancellable@/system/resource")
    router.fault("trap-after=1@/interface")
    answer = client.ask("mikrotik/batch", {
        "router": "gw1", "timeout": 1, "use_cache": False,
        "commands": [{"command": path} for path in ("/system/clock/print", "/system/resource/print",
                                                    "/system/identity/print", "/interface/print")],
    })
    clock, resource, identity, interface = answer["results"]
    assert clock["error"] == "it failed" and identity["status"] == "success"
    assert resource["status"] == "error" and resource["execution_time_seconds"] >= 0.9
    assert interface["status"] == "error" and len(interface["data"]) == 1
    assert answer["commands_successful"] == 1


def test_a_connection_that_is_cut(router, client):
    router.fault("close=100@/interface#1")
    answer = client.command("/interface/print", other(router), use_cache=False)
    assert answer["status"] == "error" and answer["error"]
    assert client.command("/interface/print", other(router), use_cache=False)["status"] == "success"


def test_a_router_without_a_session_left(router, client):
    router.set("max-sessions", "0")
    try:
        answer = client.command("/system/identity/print", other(router, username="netsonde"), use_cache=False)
    finally:
        router.set("max-sessions", "40")
    assert answer["status"] == "error" and answer["error"]


def test_large_answers(router, start_daemon):
    client = Client(start_daemon(config_of(router, {"max_rows": 22500, "max_answer_size": "16MiB"})))
    answer = client.command("/ip/route/print", use_cache=False)
    assert answer["status"] == "success", answer["error"]
    assert len(answer["data"]) >= 22000
    few = Client(start_daemon(config_of(router, {"max_rows": 1000})))
    answer = few.command("/ip/route/print", use_cache=False)
    assert answer["status"] == "error" and "max_rows" in answer["error"] and answer["data"] == []
    assert few.command("/system/identity/print", use_cache=False)["status"] == "success"
    small = Client(start_daemon(config_of(router, {"max_answer_size": "256KiB"})))
    answer = small.command("/ip/route/print", use_cache=False)
    assert answer["status"] == "error" and "max_answer_size" in answer["error"]


def test_refusals(router, start_daemon):
    client = Client(start_daemon(config_of(router, {"allow_hosts": []})))
    answer = client.command("/system/identity/print", other(router), 403)
    assert answer["status"] == "error" and answer["error"] == "host_not_permitted" and "127.0.0.1" in answer["message"]
    answer = client.command("/system/identity/print", {"router": "nobody"}, 404)
    assert answer["error"] == "unknown_router"


def test_a_name_is_looked_at_again_where_it_leads(router, start_daemon):
    client = Client(start_daemon(config_of(router, {"allow_hosts": ["192.0.2.0/24"]})))
    answer = client.command("/system/identity/print", other(router, host="localhost"))
    assert answer["status"] == "error" and "127.0.0.1" in answer["error"] or "::1" in answer["error"], answer


# --- many, and those who leave --------------------------------------------------------------------------------------


def test_a_client_that_leaves(router, client):
    router.fault("stuck=cancellable@/system/clock")
    connection = client.open()
    client.send(connection, "mikrotik/command", {"router": "gw1", "command": "/system/clock/print", "timeout": 60,
                                                 "use_cache": False})
    wait_for(lambda: ["/system/clock/print"] in router.said(), "the command")
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    wait_for(lambda: client.stats()["mikrotik_connector"]["cancelled_total"] == 1, "the call to be given up")
    wait_for(lambda: any(words[0] == "/cancel" for words in router.said()), "the command to be cancelled")
    wait_for(lambda: client.stats()["mikrotik_connector"]["jobs_running"] == 0, "the end of the job")


def test_many_at_a_time(router, client):
    problems = []

    def work(number):
        body = {**({"router": "gw1"} if number % 2 else other(router)), "use_cache": False,
                "commands": [{"command": "/system/identity/print"}, {"command": "/system/resource/print"}] * 10}
        for _ in range(5):
            answer = client.ask("mikrotik/batch", body)
            if answer["commands_successful"] != 20:
                problems.append(answer)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    stats = client.stats()["mikrotik_connector"]
    assert stats["jobs_running"] == 0 and stats["running"] == 1 and stats["commands_total"] >= 1600
    assert stats["answer_bytes"] == 0


def test_the_end_while_calls_are_under_way(router, client):
    router.fault("stuck@/system/clock")
    connections = []
    for host in ({"router": "gw1"}, other(router)):
        connections.append(client.open())
        client.send(connections[-1], "mikrotik/command", {**host, "command": "/system/clock/print", "timeout": 60})
    wait_for(lambda: client.stats()["mikrotik_connector"]["jobs_running"] == 2, "the calls")
    client.daemon.stop()
