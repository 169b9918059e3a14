"""/api/v2 of the real daemon: who may call, what is wrong with calls, what the log says of them, and that the document tells the
truth. Routers are those of tests/peers/routeros."""

import http.client
import json
import re
import socket
import sys

import pytest

import openapi
import support
from support import PATIENCE_SECONDS, make_config, to_libconfig, wait_for

sys.path.insert(0, str(support.TOP / "tests" / "peers"))

from routeros.simulator import Simulator  # noqa: E402

KEYS = {"noc": "operate-0123456789abcdef", "view": "read-0123456789abcdef", "slow": "slow-0123456789abcdef"}
SECRET = "Geheim-4711"

PATHS = {
    "test": "/api/v2/test-connection", "ping": "/api/v2/mikrotik/ping", "trace": "/api/v2/mikrotik/traceroute",
    "command": "/api/v2/mikrotik/command", "batch": "/api/v2/mikrotik/batch", "hosts": "/api/v2/mikrotik/multi-host",
    "stats": "/api/v2/stats", "clear": "/api/v2/cache/clear",
}
IDENTITY = "/system/identity/print"


@pytest.fixture(scope="module")
def router():
    with Simulator(profile="7.18", host="0.0.0.0", user=["netsonde:secret", f"admin:{SECRET}"], pace=0.05) as one:
        yield one


def api_section(**more):
    keys = [{"name": "noc", "key": KEYS["noc"], "role": "operate"},
            {"name": "view", "key_file": "view.key"},
            {"name": "slow", "key": KEYS["slow"], "rate": 1, "burst": 2}]
    return {"enabled": True, "rate": 0, "allow_hosts": ["127.0.0.0/8"], "deny_hosts": ["127.0.0.66"], "keys": keys,
            "max_body": "8KiB", "cors_origins": ["https://noc.example"], "max_targets": 5, **more}


def config(router, api, **web):
    text = make_config(
        [{"name": "gw1", "address": "127.0.0.1"}], influx=[], web={"request_timeout": 1, **web},
        probes={"routers": {"type": "routeros", "username": "netsonde", "password_file": "password", "port": router.port,
                            "realtime": 60}})
    return text + f"api: {to_libconfig(api)};\n"


def write_files(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "password").write_text("secret\n")
    (folder / "view.key").write_text(KEYS["view"] + "\n")


@pytest.fixture(scope="module")
def daemon(router, tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    write_files(folder)
    one = support.Daemon(folder, config(router, api_section())).wait_ready()
    yield one
    one.stop()


@pytest.fixture
def start(router, tmp_path):
    daemons = []

    def begin(api, fields=(), **web):
        write_files(tmp_path)
        daemons.append(support.Daemon(tmp_path, config(router, api, **web)))
        daemons[-1].fields = dict(fields)
        return daemons[-1].wait_ready()

    yield begin
    for one in daemons:
        one.stop()


@pytest.fixture(scope="module")
def document(daemon):
    status, headers, body = daemon.get("/api/v2/openapi.json")
    assert status == 200 and headers["Content-Type"] == "application/json"
    return json.loads(body)


def call(daemon, path, body=None, key="noc", method=None, headers=None):
    """(status, headers, answer): body as JSON, or as bytes."""
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    method = method or ("GET" if path == PATHS["stats"] else "POST")
    fields = {**({"X-API-Key": KEYS[key]} if key else {}), **(headers or {})}
    connection = daemon.connect()
    try:
        connection.request(method, path, body=body, headers=fields)
        response = connection.getresponse()
        text = response.read()
        return response.status, response.headers, json.loads(text) if text else None
    finally:
        connection.close()


def other(router, **more):
    """A host that is not configured."""
    return {"host": "127.0.0.1", "port": router.port, "username": "admin", "password": SECRET, **more}


# --- the document --------------------------------------------------------------------------------------------------


def test_document(daemon, document):
    openapi.check(document)
    assert set(PATHS.values()) | {"/api/v2/openapi.json", "/health"} == set(document["paths"])
    for path, method, operation in openapi.operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if "example" in content:
            openapi.check_request(document, path, content["example"])
    # HEAD, and a name for the request.
    status, headers, body = daemon.get("/api/v2/openapi.json", method="HEAD", headers={"X-Request-Id": "head-1"})
    assert (status, headers["X-Request-Id"], body) == (200, "head-1", b"")


CALLS = [
    ("test", {}, lambda a: a["status"] == "success" and a["error"] is None and a["response_time_ms"] > 0),
    ("ping", {"targets": ["192.0.2.1", "203.0.113.254"], "count": 2, "use_cache": False},
     lambda a: (a["targets_requested"], a["targets_successful"]) == (2, 1) and a["avg_ping_time_ms"] > 0
     and a["results"]["192.0.2.1"]["status"] == "success" and a["results"]["203.0.113.254"]["error"]),
    ("trace", {"targets": ["192.0.2.1"]}, lambda a: a["targets_successful"] == 1 and a["results"]["192.0.2.1"]["data"]),
    ("command", {"command": IDENTITY}, lambda a: a["data"][0]["name"]),
    ("command", {"command": "/no/such/menu/print"}, lambda a: a["status"] == "error" and "no such" in a["error"]),
    ("command", {"command": "/interface/print", "parameters": {"?type": "ether"}, "proplist": ["name", "type"]},
     lambda a: a["data"] and all(row["type"] == "ether" and set(row) == {"name", "type"} for row in a["data"])),
    ("batch", {"commands": [{"command": IDENTITY}, {"command": "/no/such/menu/print"}, {"command": "/ip/address/print"}],
               "max_concurrent": 2},
     lambda a: (a["commands_requested"], a["commands_successful"], a["max_concurrent"]) == (3, 2, 2)
     and [one["command"] for one in a["results"]] == [IDENTITY, "/no/such/menu/print", "/ip/address/print"]
     and [one["status"] for one in a["results"]] == ["success", "error", "success"]),
]


@pytest.mark.parametrize("how", ["router", "host"])
@pytest.mark.parametrize("name,body,is_good", CALLS)
def test_calls(daemon, document, router, how, name, body, is_good):
    """Each answer is what it should be, and has the form that the document tells, and no more."""
    body = {**({"router": "gw1"} if how == "router" else other(router)), **body}
    openapi.check_request(document, PATHS[name], body)
    status, headers, answer = call(daemon, PATHS[name], body)
    assert status == 200 and headers["Content-Type"] == "application/json", answer
    openapi.check_answer(document, PATHS[name], "post", 200, answer)
    assert is_good(answer), answer
    assert SECRET not in json.dumps(answer)


def test_several_hosts(daemon, document, router):
    wrong = other(router, host="127.0.0.2", password="wrong-" + SECRET)
    body = {"hosts": ["gw1", other(router), wrong, "nobody"], "command": IDENTITY}
    openapi.check_request(document, PATHS["hosts"], body)
    status, _, answer = call(daemon, PATHS["hosts"], body)
    assert status == 200, answer
    openapi.check_answer(document, PATHS["hosts"], "post", 200, answer)
    assert (answer["hosts_requested"], answer["hosts_successful"]) == (4, 2)
    states = {name: one["status"] for name, one in answer["results"].items()}
    assert states == {"gw1": "success", "127.0.0.1": "success", "127.0.0.2": "error", "nobody": "error"}
    assert "password" in answer["results"]["127.0.0.2"]["error"] and "nobody" in answer["results"]["nobody"]["error"]
    assert SECRET not in json.dumps(answer)
    body = {"hosts": ["gw1"], "commands": [{"command": IDENTITY}, {"command": "/ip/address/print"}]}
    status, _, answer = call(daemon, PATHS["hosts"], body)
    assert status == 200 and answer["hosts_successful"] == 1, answer
    openapi.check_answer(document, PATHS["hosts"], "post", 200, answer)


def test_the_cache_is_of_one_access(daemon, router):
    """Nobody gets an answer that somebody else's password has had."""
    good, wrong = (other(router, host="127.0.0.3", password=one, command="/system/clock/print") for one in (SECRET, "no"))
    answers = [call(daemon, PATHS["command"], good)[2] for _ in range(2)]
    assert [(one["status"], one["cached"]) for one in answers] == [("success", False), ("success", True)], answers
    answer = call(daemon, PATHS["command"], wrong)[2]
    assert (answer["status"], answer["data"], answer["cached"]) == ("error", [], False)


def test_stats_and_cache(daemon, document):
    body = {"router": "gw1", "command": "/system/resource/print"}
    assert call(daemon, PATHS["clear"])[0] == 200
    assert [call(daemon, PATHS["command"], body)[2]["cached"] for _ in range(2)] == [False, True]
    before = call(daemon, PATHS["stats"])[2]
    openapi.check_answer(document, PATHS["stats"], "get", 200, before)
    status, _, answer = call(daemon, PATHS["clear"], key="view")
    assert status == 200
    openapi.check_answer(document, PATHS["clear"], "post", 200, answer)
    assert call(daemon, PATHS["command"], body)[2]["cached"] is False
    assert call(daemon, PATHS["command"], {**body, "use_cache": False})[2]["cached"] is False
    after = call(daemon, PATHS["stats"])[2]
    figures, former = after["application"], before["application"]
    assert figures["total_requests"] - former["total_requests"] == 4
    assert figures["successful_requests"] - former["successful_requests"] == 4
    assert figures["active_requests"] == 1 and figures["peak_concurrent_requests"] >= 1
    assert before["mikrotik_connector"]["cache_hits"] > 0
    metrics = daemon.metrics()
    assert metrics.get("netsonde_api_requests_total") == figures["total_requests"]
    # What the template for Zabbix takes out of it.
    paths = re.findall(r"- \$\.(\w+)\.(\w+)", (support.TOP / "deploy" / "zabbix" / "netsonde.yaml").read_text())
    assert len(paths) >= 3 and all(isinstance(after[section][name], int) for section, name in paths)


# --- errors --------------------------------------------------------------------------------------------------------

GW = {"router": "gw1"}
HOST = {"host": "127.0.0.1", "username": "a", "password": SECRET}

INVALID = [
    ("command", b"", "invalid_json", None, "line 1, column"),
    ("command", b'{"router":\n "gw1",,', "invalid_json", None, "line 2, column"),
    ("command", b'["gw1"]', "invalid_json", None, "not a JSON object"),
    ("command", b'{"router": "gw1", "router": "gw2"}', "invalid_json", None, "line 1"),
    ("command", b'{"router": "\xff"}', "invalid_json", None, "line 1"),
    ("command", b"[" * 5000, "invalid_json", None, ""),
    ("command", {}, "invalid_field", "host", "missing"),
    ("command", GW, "invalid_field", "command", "missing"),
    ("command", {**GW, "command": 7}, "invalid_field", "command", "text"),
    ("command", {**GW, "command": "system"}, "invalid_field", "command", "path"),
    ("command", {**GW, "command": "/system/=x"}, "invalid_field", "command", "characters"),
    ("command", {**GW, "command": "/quit"}, "invalid_field", "command", "session"),
    ("command", {**GW, "command": IDENTITY, "parameters": []}, "invalid_field", "parameters", "object"),
    ("command", {**GW, "command": IDENTITY, "parameters": {"a": {}}}, "invalid_field", "parameters.a", "must be"),
    ("command", {**GW, "command": IDENTITY, "use_cache": "yes"}, "invalid_field", "use_cache", "true or false"),
    ("command", {**GW, "command": IDENTITY, "timeout": -1}, "invalid_field", "timeout", "seconds"),
    ("command", {**GW, **HOST, "command": IDENTITY}, "invalid_field", "router", "not together"),
    ("test", {"host": "127.0.0.1", "password": SECRET}, "invalid_field", "username", "missing"),
    ("test", {"host": "127.0.0.1", "username": "a"}, "invalid_field", "password", "missing"),
    ("test", {**HOST, "password": [SECRET]}, "invalid_field", "password", "text"),
    ("test", {**HOST, "port": 70000}, "invalid_field", "port", "1 to 65535"),
    ("test", {**HOST, "use_ssl": 1}, "invalid_field", "use_ssl", "true or false"),
    ("test", {**HOST, "host": "a b"}, "invalid_field", "host", "spaces"),
    ("ping", GW, "invalid_field", "targets", "missing"),
    ("ping", {**GW, "targets": []}, "invalid_field", "targets", "empty"),
    ("ping", {**GW, "targets": ["192.0.2.1"] * 6}, "invalid_field", "targets", "at most 5"),
    ("ping", {**GW, "targets": ["192.0.2.1", 7]}, "invalid_field", "targets[1]", "address"),
    ("ping", {**GW, "targets": ["192.0.2.1"], "count": 0}, "invalid_field", "count", "whole number"),
    ("batch", {**GW, "commands": {}}, "invalid_field", "commands", "list"),
    ("batch", {**GW, "commands": [{"command": IDENTITY}, {}]}, "invalid_field", "commands[1].command", "missing"),
    ("batch", {**GW, "commands": [{"command": "/login"}]}, "invalid_field", "commands[0].command", "session"),
    ("hosts", {"command": IDENTITY}, "invalid_field", "hosts", "missing"),
    ("hosts", {"hosts": [{}], "command": IDENTITY}, "invalid_field", "hosts[0].host", "missing"),
    ("hosts", {"hosts": [{**HOST, "port": "x"}], "command": IDENTITY}, "invalid_field", "hosts[0].port", "number"),
    ("hosts", {"hosts": ["gw1", "gw1"], "command": IDENTITY}, "invalid_field", "hosts[1].router", "twice"),
]


@pytest.mark.parametrize("name,body,code,field,words", INVALID)
def test_bodies_that_are_wrong(daemon, document, name, body, code, field, words):
    status, headers, answer = call(daemon, PATHS[name], body)
    assert status == 400, answer
    openapi.check_answer(document, PATHS[name], "post", 400, answer)
    assert (answer["error"], answer.get("field")) == (code, field), answer
    assert words in answer["message"] and SECRET not in answer["message"]
    assert headers["X-Request-Id"] and headers["Cache-Control"] == "no-store"


def expect_error(document, path, got, status, code, **more):
    got_status, headers, answer = got
    assert (got_status, answer["error"]) == (status, code), answer
    method = more.get("method", "post")
    openapi.check_answer(document, path, method, status, answer)
    for name in more.get("headers", ()):
        assert headers[name] and openapi.is_documented_header(document, path, method, status, name), name
    for word in more.get("words", ()):
        assert word in answer["message"], answer
    return answer


def test_who_may_call(daemon, document):
    path, body = PATHS["command"], {**GW, "command": IDENTITY}
    for headers in ({}, {"X-API-Key": "wrong"}, {"X-API-Key": ""}, {"Authorization": "Bearer wrong"},
                    {"Authorization": f"Basic {KEYS['noc']}"},
                    {"X-API-Key": "wrong", "Authorization": f"Bearer {KEYS['noc']}"}):
        expect_error(document, path, call(daemon, path, body, key=None, headers=headers), 401, "unauthorized",
                     headers=["WWW-Authenticate"])
    for headers in ({"X-API-Key": KEYS["view"]}, {"Authorization": f"Bearer {KEYS['view']}"}):
        assert call(daemon, path, body, key=None, headers=headers)[0] == 200
    # A body that nobody will read is not waited for.
    assert call(daemon, path, b"x" * 100000, key=None)[0] == 401


def test_roles(daemon, document, router):
    router.forget()
    path, add = PATHS["command"], {**GW, "command": "/ip/address/add",
                                   "parameters": {"address": "198.51.100.1/24", "interface": "ether1"}}
    answer = expect_error(document, path, call(daemon, path, add, key="view"), 403, "forbidden",
                          words=["/ip/address/add", "view", "operate"])
    assert answer["field"] == "command"
    batch = {**GW, "commands": [{"command": IDENTITY}, {"command": "/system/reboot"}]}
    answer = expect_error(document, PATHS["batch"], call(daemon, PATHS["batch"], batch, key="view"), 403, "forbidden")
    assert answer["field"] == "commands[1].command"
    for body in ({**GW, "command": "/ip/route/print", "parameters": {"file": "x"}},
                 {**GW, "command": "/log/print", "parameters": {"follow": ""}},
                 {**GW, "command": "/ping", "parameters": {"address": "192.0.2.1"}}):
        expect_error(document, path, call(daemon, path, body, key="view"), 403, "forbidden")
    said = [sentence[0] for sentence in router.said()]
    assert "/ip/address/add" not in said and "/system/reboot" not in said
    status, _, answer = call(daemon, path, add)
    assert (status, answer["status"]) == (200, "success"), answer
    assert "/ip/address/add" in [sentence[0] for sentence in router.said()]


def test_hosts_that_are_not_permitted(daemon, document, router):
    path = PATHS["test"]
    for host in ("192.0.2.1", "127.0.0.66"):
        expect_error(document, path, call(daemon, path, other(router, host=host)), 403, "host_not_permitted",
                     words=["api."])
    for body in ({"router": "nobody"}, {"host": "nobody"}):
        expect_error(document, path, call(daemon, path, body), 404, "unknown_router", words=["nobody"])
    assert call(daemon, path, {"host": "gw1"})[0] == 200


def test_paths_and_methods(daemon):
    for path in ("/api/v2/", "/api/v2/none", "/api/v2/stats/", "/api/v2/mikrotik"):
        status, _, answer = call(daemon, path, method="GET")
        assert (status, answer["error"]) == (404, "not_found")
    for path, method, allow in ((PATHS["ping"], "GET", "POST, OPTIONS"), (PATHS["stats"], "POST", "GET, HEAD, OPTIONS"),
                                (PATHS["ping"], "DELETE", "POST, OPTIONS")):
        status, headers, answer = call(daemon, path, method=method)
        assert (status, answer["error"], headers["Allow"]) == (405, "method_not_allowed", allow)
    assert daemon.get("/api/v2")[0] == 404


def test_rates(daemon, document):
    got = [call(daemon, PATHS["stats"], key="slow") for _ in range(3)]
    assert [one[0] for one in got] == [200, 200, 429]
    expect_error(document, PATHS["stats"], got[2], 429, "rate_limited", method="get", headers=["Retry-After"])
    assert 1 <= int(got[2][1]["Retry-After"]) <= 2
    assert call(daemon, PATHS["stats"])[0] == 200, "others are not touched by it"


# --- bodies --------------------------------------------------------------------------------------------------------


def talk(daemon, words, more=b""):
    """Sends, and reads until the end or the first answer that is not 100."""
    host, port = daemon.address.split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS) as one:
        one.sendall(words)
        response = http.client.HTTPResponse(one)
        if more:
            assert one.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            one.sendall(more)
        response.begin()
        return response.status, response.headers, json.loads(response.read())


def test_ways_of_sending_a_body(daemon, document):
    path, body = PATHS["command"], json.dumps({**GW, "command": IDENTITY}).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEYS['view']}\r\n".encode()
    length = b"Content-Length: %d\r\n" % len(body)
    chunked = b"Transfer-Encoding: chunked\r\n"
    pieces = b"".join(b"1;x\r\n%c\r\n" % byte for byte in body) + b"0\r\nA: b\r\n\r\n"
    for words, more in ((head + length + b"\r\n" + body, b""), (head + chunked + b"\r\n" + pieces, b""),
                        (head + length + b"Expect: 100-continue\r\n\r\n", body),
                        (head + chunked + b"Expect: 100-continue\r\n\r\n", pieces)):
        status, _, answer = talk(daemon, words, more)
        assert (status, answer["status"]) == (200, "success"), answer
    for words in (head + b"Content-Length: 8193\r\n\r\n", head + chunked + b"\r\n2001\r\n",
                  head + b"Expect: 100-continue\r\nContent-Length: 8193\r\n\r\n"):
        expect_error(document, path, talk(daemon, words), 413, "too_large", words=["api.max_body", "8192"])
    expect_error(document, path, talk(daemon, head + chunked + b"\r\nx\r\n"), 400, "invalid_request")
    expect_error(document, path, talk(daemon, head + length + b"\r\n{"), 408, "request_timeout",
                 words=["web.request_timeout"])


# --- scripts of web pages, names of requests, the log ----------------------------------------------------------------


def test_scripts_of_web_pages(daemon):
    ask = {"Origin": "https://noc.example", "Access-Control-Request-Method": "POST",
           "Access-Control-Request-Headers": "x-api-key"}
    status, headers, body = daemon.get(PATHS["ping"], method="OPTIONS", headers=ask)
    assert (status, body, headers["Content-Length"]) == (204, b"", None)
    assert headers["Access-Control-Allow-Origin"] == "https://noc.example"
    assert "X-API-Key" in headers["Access-Control-Allow-Headers"] and "POST" in headers["Access-Control-Allow-Methods"]
    status, headers, _ = call(daemon, PATHS["stats"], headers={"Origin": "https://noc.example"})
    assert (status, headers["Access-Control-Allow-Origin"], headers["Vary"]) == (200, "https://noc.example", "Origin")
    status, headers, _ = call(daemon, PATHS["stats"], key=None, headers={"Origin": "https://noc.example"})
    assert (status, headers["Access-Control-Allow-Origin"]) == (401, "https://noc.example")
    for origin in ("https://other.example", "http://noc.example", "null"):
        for headers in (daemon.get(PATHS["ping"], method="OPTIONS", headers={"Origin": origin})[1],
                        call(daemon, PATHS["stats"], headers={"Origin": origin})[1]):
            assert "Access-Control-Allow-Origin" not in headers


def test_audit(daemon, router):
    """A line for each call, with whose it was; nothing that is secret in any of them."""
    body = other(router, command="/user/add", parameters={"name": "new", "password": SECRET, "group": "read"})
    assert call(daemon, PATHS["command"], body, headers={"X-Request-Id": "audit-1"})[0] == 200
    assert call(daemon, PATHS["command"], body, key="view", headers={"X-Request-Id": "audit-2"})[0] == 403
    assert call(daemon, PATHS["batch"], {**GW, "commands": []}, headers={"X-Request-Id": "audit-3"})[0] == 400
    status, headers, _ = call(daemon, PATHS["stats"], headers={"X-Request-Id": "not good"})
    assert status == 200 and re.fullmatch("[0-9a-f]{16}", headers["X-Request-Id"])

    def line(name):
        found = re.findall(rf"what=api.*\bid={name} .*", daemon.log)
        assert len(found) == 1, found
        return found[0]

    first = line("audit-1")
    for words in ("target=noc", "client=127.0.0.1", f"POST {PATHS['command']}", f"host=127.0.0.1:{router.port}", "user=admin",
                  "/user/add", "status=200", "outcome=", "duration="):
        assert words in first, first
    for words in ("target=view", "/user/add", "status=403", "error=forbidden"):
        assert words in line("audit-2")
    assert "status=400" in line("audit-3")
    assert "GET /api/v2/stats status=200" in line(headers["X-Request-Id"])
    shown = daemon.get("/config")[2].decode()
    for text in (daemon.log, shown):
        for secret in (SECRET, *KEYS.values()):
            assert secret not in text
    assert 'name = "noc"' in shown


def test_a_client_that_leaves(daemon, router):
    router.fault("stuck=@/ip/dns/print")
    host, port = daemon.address.split(":")
    body = json.dumps({**GW, "command": "/ip/dns/print", "use_cache": False}).encode()
    with socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS) as one:
        one.sendall(f"POST {PATHS['command']} HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEYS['noc']}\r\nX-Request-Id: left-1\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        wait_for(lambda: ["/ip/dns/print"] in [words[:1] for words in router.said()], "the command to be with the router")
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    wait_for(lambda: "id=left-1" in daemon.log, "the call to be given up")
    assert re.search(r"id=left-1 .*outcome=left", daemon.log)
    router.clear()
    wait_for(lambda: daemon.metrics().get("netsonde_api_active") == 0, "no call to be under way")


# --- other configurations ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api,words", [({}, "api.enabled = true"), ({"enabled": True}, "api.keys")])
def test_not_without_a_configuration(start, document, api, words):
    daemon = start(api)
    for headers in ({}, {"X-API-Key": KEYS["noc"]}):
        answer = expect_error(document, PATHS["command"],
                              call(daemon, PATHS["command"], {**GW, "command": IDENTITY}, key=None, headers=headers),
                              403, "disabled", words=[words])
        assert "field" not in answer
    assert daemon.get("/api/v2/openapi.json")[0] == 200
    assert daemon.get("/health")[0] == 200


def test_changes_at_a_reload(start, document, router):
    daemon = start(api_section(rate=0, allow_hosts=[]))
    expect_error(document, PATHS["test"], call(daemon, PATHS["test"], other(router)), 403, "host_not_permitted")
    (daemon.folder / "view.key").write_text("another-0123456789abcdef\n")
    (daemon.folder / "netsonde.conf").write_text(config(router, api_section(rate=1, burst=3)))
    assert daemon.get("/-/reload", method="POST")[0] == 200
    assert call(daemon, PATHS["stats"], key="view")[0] == 401
    assert call(daemon, PATHS["stats"], key=None, headers={"X-API-Key": "another-0123456789abcdef"})[0] == 200
    assert call(daemon, PATHS["test"], other(router))[2]["status"] == "success"
    status, headers, answer = call(daemon, PATHS["stats"])
    assert (status, answer["error"]) == (429, "rate_limited") and "api.rate" in answer["message"]
    assert int(headers["Retry-After"]) >= 1
    # Health tells of a configuration that was refused.
    healthy = json.loads(daemon.get("/health")[2])
    openapi.check_answer(document, "/health", "get", 200, healthy)
    assert healthy["status"] == "healthy" and healthy["checks"]["workers"] == {"status": "ok", "running": 1, "total": 1}
    (daemon.folder / "netsonde.conf").write_text("api: { keys = ( { name = \"x\"; key = \"short\"; } ); };\n")
    assert daemon.get("/-/reload", method="POST")[0] == 400
    degraded = json.loads(daemon.get("/health")[2])
    openapi.check_answer(document, "/health", "get", 200, degraded)
    assert degraded["status"] == "degraded" and degraded["checks"]["config"]["is_accepted"] is False


def test_beside_passwords_of_the_web_server(start, tmp_path):
    """Both hold: the server's own tokens, which take the field Authorization, and keys, which have one of their own."""
    tmp_path.joinpath("tokens").write_text("web-token\n")
    web = {"Authorization": "Bearer web-token"}
    daemon = start(api_section(), fields=web, bearer_token_file="tokens")
    body = {**GW, "command": IDENTITY}
    status, _, answer = call(daemon, PATHS["command"], body, headers=web)
    assert (status, answer["status"]) == (200, "success")
    status, _, answer = call(daemon, PATHS["command"], body, key=None, headers=web)
    assert (status, answer["error"]) == (401, "unauthorized")
    daemon.fields = {}
    for path in (PATHS["stats"], "/health", "/api/v2/openapi.json"):
        assert daemon.get(path, {"X-API-Key": KEYS["noc"]})[0] == 401
