"""The type http against servers that behave, and servers that do not."""

import base64
import gzip
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
import zlib

import pytest

from certificates import Authority
from http_server import Proxy, Server, answer, read_request, reset, server_context
from support import BINARY, PATIENCE_SECONDS, clean_environment, make_config, wait_for
from test_names import Dns


@pytest.fixture
def serve():
    servers = []

    def start(handle, kind=Server, **more):
        servers.append(kind(handle, **more) if handle is not None else kind(**more))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


class Result:
    """One run. Measures of the set http are items."""

    def __init__(self, text, log):
        self.sample = json.loads(text)
        self.reason, self.log = self.sample["reason"], log
        self.address = self.sample.get("address")
        self.rows = {name: rows for name, rows in self.sample.items() if isinstance(rows, list)}

    def __getitem__(self, name):
        return self.rows["http"][0].get(name)


@pytest.fixture
def probe(tmp_path):
    """probe(url, option=value, ...) -> a Result."""

    def run(url, resolver=None, timeout=5, **options):
        probes = {"one": {"type": "http", "interval": 60, "timeout": timeout, **options}}
        config = tmp_path / "probe.conf"
        config.write_text(make_config([("a", "127.0.0.1")], probes, influx=[]))
        command = [str(BINARY), "probe", "http", url, "--config", str(config), "--probe=one"]
        if resolver:
            command.append(f"--resolver={resolver}")
        process = subprocess.run([*command, "--json"], capture_output=True, text=True, env=clean_environment(),
                                 cwd=tmp_path, timeout=PATIENCE_SECONDS)
        assert process.stdout, process.stderr
        assert "Sanitizer" not in process.stderr and "runtime error" not in process.stderr, process.stderr
        return Result(process.stdout, process.stderr)

    run.folder = tmp_path
    return run


# --- what is measured ----------------------------------------------------------------------------------------------


def test_an_answer(serve, probe):
    server = serve(answer("hello", fields=["Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT"]))
    result = probe(server.url + "path?query")
    assert result.reason == "ok" and result.address == "127.0.0.1"
    assert result["status_code"] == 200 and result["version"] == 1.1 and result["redirects"] == 0
    assert result["content_length_bytes"] == result["body_bytes"] == result["received_bytes"] == 5
    assert result["last_modified_timestamp_seconds"] == 1445412480
    assert result["uses_tls"] == 0 and result["rule_failed"] == 0 and result["tls_seconds"] == 0
    assert result["connect_seconds"] > 0 and result["processing_seconds"] > 0
    assert result["tcp_rtt_seconds"] > 0 and result["tcp_retransmits"] == 0
    assert result["final_host"] == "127.0.0.1" and result["failure"] is None
    assert result["response_seconds"]["count"] == 1
    assert result["throughput_bytes_per_second"] is None, "five bytes tell nothing about a rate"
    request = server.requests[0]
    assert request.line == "GET /path?query HTTP/1.1"
    assert request.get("Host") == server.address and request.get("Connection") == "close"
    assert request.get("Accept-Encoding") is None
    assert request.get("User-Agent").startswith("netsonde/")


def test_an_address_without_scheme_is_http(serve, probe):
    server = serve(answer("x"))
    assert probe(server.address + "/a/../b").reason == "ok"
    assert server.requests[0].path == "/a/../b"


def test_ipv6(serve, probe):
    server = serve(answer("x"), host="::1")
    result = probe(server.url)
    assert result.reason == "ok" and result.address == "::1"
    assert server.requests[0].get("Host") == server.address


def test_times_of_the_phases(serve, probe):
    def slow(connection):
        read_request(connection)
        time.sleep(0.2)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
        time.sleep(0.3)
        connection.sendall(b"b")

    result = probe(serve(slow, raw=True).url)
    assert result["processing_seconds"] >= 0.2
    assert result["processing_seconds"] + result["transfer_seconds"] >= 0.5
    assert result["response_seconds"]["max"] >= 0.5


def test_throughput(serve, probe):
    def send(connection):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + bytes(1000000))
        time.sleep(0.1)
        connection.sendall(bytes(1000000))

    result = probe(serve(send, raw=True).url)
    assert result["body_bytes"] == 2000000
    # From the first byte that the client took to the last: on a busy machine it may take the first one late.
    expected = result["received_bytes"] / result["transfer_seconds"]
    assert result["received_bytes"] >= 2000000
    assert result["throughput_bytes_per_second"] == pytest.approx(expected, rel=1e-3)
    assert result["transfer_seconds"] < result.sample["duration_seconds"]


def test_chunks_and_unknown_length(serve, probe):
    chunked = serve(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n")
    result = probe(chunked.url, fail_if_header_matches=["Trailer?: x"])
    assert result.reason == "ok" and result["body_bytes"] == 5 and result["content_length_bytes"] is None
    to_end = serve(b"HTTP/1.0 200 OK\r\n\r\nto the end")
    result = probe(to_end.url)
    assert result.reason == "ok" and result["body_bytes"] == 10 and result["version"] == 1.0
    empty = serve(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert probe(empty.url)["content_length_bytes"] == 0


# --- requests ------------------------------------------------------------------------------------------------------


def test_method_body_and_headers(serve, probe):
    server = serve(answer("x"))
    probe(server.url, method="POST", body="a=b", headers=["X-One: 1", "Content-Type: text/plain", "X-Empty:"],
          secret_headers="X-Key: k1", user_agent="me")
    request = server.requests[0]
    assert request.method == "POST" and request.body == b"a=b"
    assert request.get("X-One") == "1" and request.get("Content-Type") == "text/plain" and request.get("X-Key") == "k1"
    assert request.get("X-Empty") == "" or ("X-Empty:", "") in request.fields
    assert request.get("User-Agent") == "me" and request.get("Expect") is None


@pytest.mark.parametrize("method, length", [("GET", None), ("DELETE", None), ("PUT", "0"), ("POST", "0"), ("HEAD", None)])
def test_methods_without_a_body(serve, probe, method, length):
    server = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n" + (b"" if method == "HEAD" else b"1234567"))
    result = probe(server.url, method=method)
    assert result.reason == "ok", result["failure"]
    assert server.requests[0].method == method and server.requests[0].get("Content-Length") == length
    assert server.requests[0].get("Content-Type") is None
    assert result["body_bytes"] == (0 if method == "HEAD" else 7)


def test_body_of_a_file_with_get(serve, probe):
    (probe.folder / "body").write_bytes(b"from\x00file")
    server = serve(answer("x"))
    probe(server.url, body_file=str(probe.folder / "body"))
    assert server.requests[0].method == "GET" and server.requests[0].body == b"from\x00file"
    result = subprocess.run([BINARY, "probe", "http", server.url, "--body_file=/nowhere"], capture_output=True, text=True)
    assert result.returncode != 0 and "/nowhere" in result.stderr


def test_credentials(serve, probe):
    server = serve(answer("x"))
    probe(server.url, user="me", password="p:w")
    probe(server.url, bearer_token="t0k")
    probe(server.url.replace("//", "//url:secret@"))
    assert [one.get("Authorization") for one in server.requests] == [
        "Basic " + base64.b64encode(b"me:p:w").decode(), "Bearer t0k", "Basic " + base64.b64encode(b"url:secret").decode()]
    refused = serve(answer(status="401 Unauthorized"))
    assert probe(refused.url, user="me", password="no").reason == "login"
    assert probe(refused.url).reason == "status"
    assert probe(refused.url, user="me", password="no", valid_status=["401"]).reason == "ok"


def test_secrets_stay_out_of_the_log(serve, tmp_path):
    server = serve(answer("x", fields=["Set-Cookie: session=hush1"]))
    process = subprocess.run(
        [BINARY, "probe", "http", server.url.replace("//", "//u:hush2@"), "--secret_headers=X-Api-Key: hush3"],
        capture_output=True, text=True, env=clean_environment())
    assert process.returncode == 0 and "> GET / HTTP/1.1" in process.stdout and "< HTTP/1.1 200 OK" in process.stdout
    shown = process.stdout.replace(server.url.replace("//", "//u:hush2@"), "")
    for secret in ("hush1", "hush2", "hush3", base64.b64encode(b"u:hush2").decode()):
        assert secret not in shown
    assert "X-Api-Key: <secret>" in shown and "Set-Cookie: <secret>" in shown


def test_host(serve, probe):
    server = serve(answer("x"))
    probe(server.url, host="shop.example")
    probe(server.url, headers=["host: other.example:81"])
    assert [one.get("Host") for one in server.requests] == ["shop.example", "other.example:81"]


def test_source_and_interface(serve, probe):
    server = serve(answer("x"))
    assert probe(server.url, source="127.0.0.77", interface="lo").reason == "ok"
    assert server.peers[0][0] == "127.0.0.77"
    result = probe(server.url, source="192.0.2.200")
    assert result.reason == "local" and "192.0.2.200" in result["failure"]
    assert probe(server.url, interface="nothere").reason == "local"


def test_proxy_protocol(serve, probe):
    seen = []

    def take(connection):
        data = connection.recv(65536)
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        seen.append(data.split(b"\r\n")[:2])
        connection.sendall(answer("x"))

    for host, family in (("127.0.0.1", "TCP4"), ("::1", "TCP6")):
        server = serve(take, raw=True, host=host)
        assert probe(server.url, proxy_protocol=True).reason == "ok"
        line = f"PROXY {family} {host} {host} {server.peers[0][1]} {server.port}".encode()
        assert seen[-1] == [line, b"GET / HTTP/1.1"]


def test_http_1_0(serve, probe):
    server = serve(answer("x", version="HTTP/1.0"))
    assert probe(server.url, http_version="1.0")["version"] == 1.0
    assert server.requests[0].version == "HTTP/1.0"


# --- redirects -----------------------------------------------------------------------------------------------------


def redirect(to, status="302 Found", fields=()):
    return answer("elsewhere", status=status, fields=[f"Location: {to}", *fields])


def test_redirects_are_followed_and_counted(serve, probe):
    def handle(request):
        step = int(request.path.strip("/") or 0)
        return redirect(f"/{step + 1}") if step < 3 else answer("end")

    server = serve(handle)
    result = probe(server.url)
    assert result.reason == "ok" and result["redirects"] == 3 and result["body_bytes"] == 3
    assert [one.path for one in server.requests] == ["/", "/1", "/2", "/3"]
    assert len(set(server.peers)) == 4, "each request has a fresh connection"


def test_redirects_are_not_followed(serve, probe):
    server = serve(redirect("/x"))
    result = probe(server.url, follow_redirects=False)
    assert result.reason == "status" and result["status_code"] == 302 and result["redirects"] == 1
    assert probe(server.url, follow_redirects=False, valid_status=["3xx"]).reason == "ok"
    assert len(server.requests) == 2


def test_a_loop_of_redirects(serve, probe):
    server = serve(redirect("/again"))
    result = probe(server.url)
    assert result.reason == "protocol" and "10 redirects" in result["failure"]
    assert len(server.requests) == 11 and result["redirects"] == 11
    assert probe(server.url, max_redirects=0).reason == "protocol"


@pytest.mark.parametrize("location, words", [
    ("ftp://127.0.0.1/", "neither"), ("http://", "URL"), ("http://127.0.0.1:99999/", "URL"), ("file:///etc/passwd", "neither"),
])
def test_redirects_to_nowhere(serve, probe, location, words):
    result = probe(serve(redirect(location)).url)
    assert result.reason == "protocol" and words in result["failure"]


def test_a_redirect_without_location_is_an_answer(serve, probe):
    assert probe(serve(answer("x", status="302 Found")).url).reason == "status"


@pytest.mark.parametrize("status, method", [("301 x", "GET"), ("302 x", "GET"), ("303 x", "GET"), ("307 x", "POST"), ("308 x", "POST")])
def test_methods_across_redirects(serve, probe, status, method):
    server = serve(lambda request: redirect("/to", status) if request.path == "/" else answer("x"))
    probe(server.url, method="POST", body="data", headers=["Content-Type: text/plain", "X-Mine: 1"])
    second = server.requests[1]
    assert second.method == method and second.get("X-Mine") == "1"
    assert second.body == (b"data" if method == "POST" else b"")
    assert second.get("Content-Type") == ("text/plain" if method == "POST" else None)


def test_secrets_stay_with_their_host(serve, probe):
    other = serve(answer("x"), host="127.0.0.2")

    def handle(request):
        steps = {"/": "/same", "/same": other.url}
        return redirect(steps[request.path], fields=["Set-Cookie: session=1"])

    server = serve(handle)
    secret = {"headers": ["Cookie: mine=1", "X-Plain: 1"], "user": "u", "password": "p", "host": "shop.example"}
    result = probe(server.url, **secret)
    assert result.reason == "ok" and result["final_host"] == "127.0.0.2" and result.address == "127.0.0.2"
    same, elsewhere = server.requests[1], other.requests[0]
    assert same.get("Authorization") and same.get("Host") == "shop.example"
    assert elsewhere.get("Authorization") is None and elsewhere.get("Cookie") is None
    assert elsewhere.get("X-Plain") == "1" and elsewhere.get("Host") == other.address


def test_cookies_across_redirects(serve, probe, start_daemon):
    def handle(request):
        if request.path == "/":
            return redirect("/in", fields=["Set-Cookie: session=abc; Path=/", "Set-Cookie: far=1; Path=/far"])
        return answer("x")

    server = serve(handle)
    probe(server.url)
    assert server.requests[0].get("Cookie") is None and server.requests[1].get("Cookie") == "session=abc"
    probes = {"web": {"type": "http", "interval": 0.2, "timeout": 0.19}}
    start_daemon(make_config([("a", server.url)], probes)).wait_runs("a", 3)
    first = [one for one in server.requests if one.path == "/"]
    assert len(first) >= 3 and all(one.get("Cookie") is None for one in first), "each run begins without cookies"


def test_a_redirect_to_a_name(serve, probe):
    dns = Dns({"first.test": {"ipv4": ["127.0.0.1"]}, "second.test": {"ipv4": ["127.0.0.3"]}})
    second = serve(answer("x"), host="127.0.0.3")
    first = serve(redirect(f"http://second.test:{second.port}/"))
    result = probe(f"http://first.test:{first.port}/", resolver=dns.address)
    assert result.reason == "ok" and result["final_host"] == "second.test" and result.address == "127.0.0.3"
    assert first.requests[0].get("Host") == f"first.test:{first.port}"
    gone = serve(redirect("http://gone.test/"))
    result = probe(f"http://first.test:{gone.port}/", resolver=dns.address)
    assert result.reason == "resolve" and "gone.test" in result["failure"]
    dns.close()


# --- rules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules, good", [
    (["200"], True), (["2xx"], True), (["199-201"], True), (["any"], True), (["404", "200"], True), (["404"], False),
    (["3xx", "201-299"], False),
])
def test_status_rules(serve, probe, rules, good):
    result = probe(serve(answer("x")).url, valid_status=rules)
    assert result.reason == ("ok" if good else "status") and result["rule_failed"] == 0


def test_version_rules(serve, probe):
    server = serve(answer("x"))
    assert probe(server.url, valid_versions=["1.1", "2"]).reason == "ok"
    assert probe(server.url, valid_versions=["HTTP/2.0"]).reason == "protocol"


@pytest.mark.parametrize("rules, good", [
    ({"fail_if_header_matches": ["X-A: ^one$"]}, False),
    ({"fail_if_header_matches": ["x-a: two"]}, True),
    ({"fail_if_header_matches": ["X-B: 2$"]}, False),
    ({"fail_if_header_matches": ["X-None: x"]}, False),
    ({"fail_if_header_matches": ["X-None?: x"]}, True),
    ({"fail_if_header_not_matches": ["X-B: 2$"]}, True),
    ({"fail_if_header_not_matches": ["X-B: 3$"]}, False),
    ({"fail_if_header_not_matches": ["X-None: x"]}, False),
    ({"fail_if_header_not_matches": ["X-None?: x"]}, True),
    ({"fail_if_body_matches": ["wor.d"]}, False),
    ({"fail_if_body_matches": ["nothing", "World"]}, True),
    ({"fail_if_body_not_matches": ["hello", "(?i)WORLD"]}, True),
    ({"fail_if_body_not_matches": ["hello", "missing"]}, False),
    ({"json_rules": ["/a/0/b == 1"]}, False),
])
def test_text_rules(serve, probe, rules, good):
    server = serve(answer("hello world, {1,2}", fields=["X-A: one", "X-B: 1", "X-B: 2"]))
    result = probe(server.url, **rules)
    assert result.reason == ("ok" if good else "content"), result["failure"]
    assert result["rule_failed"] == (0 if good else 1)
    assert probe(serve(answer(status="500 no")).url, **rules).reason == "status", "the status comes first"


@pytest.mark.parametrize("rule, words", [
    ("/status == up", None), ("/status == down", '/status is "up"'), ("/queue/1 <= 7", None), ("/queue/1 < 7", "/queue/1 is 7"),
    ("/missing exists", "there is no /missing"), ("/missing absent", None), ("/a~1b/c =~ ^x", None), ("/none == null", None),
])
def test_json_rules(serve, probe, rule, words):
    server = serve(answer(json.dumps({"status": "up", "queue": [1, 7], "a/b": {"c": "xyz"}, "none": None})))
    result = probe(server.url, json_rules=["/status exists", rule])
    assert result.reason == ("content" if words else "ok")
    assert words is None or words in result["failure"]


def test_tls_rules_without_tls(serve, probe):
    server = serve(answer("x"))
    assert probe(server.url, fail_if_tls=True).reason == "ok"
    assert probe(server.url, fail_if_not_tls=True).reason == "content"


def test_body_size_limit(serve, probe):
    server = serve(answer("x" * 100))
    assert probe(server.url, body_size_limit=100).reason == "ok"
    result = probe(server.url, body_size_limit=99)
    assert result.reason == "content" and "body_size_limit" in result["failure"] and result["status_code"] == 200


# --- compression ---------------------------------------------------------------------------------------------------


def deflate(data):
    raw = zlib.compressobj(wbits=-15)
    return raw.compress(data) + raw.flush()


BROTLI_HELLO = bytes.fromhex("0b028068656c6c6f03")


@pytest.mark.parametrize("compression, body, good", [
    ("gzip", gzip.compress(b"hello"), True),
    ("gzip", gzip.compress(b"hel") + gzip.compress(b"lo"), True),
    ("deflate", deflate(b"hello"), True),
    ("br", BROTLI_HELLO, True),
    ("identity", b"hello", True),
    ("gzip", b"hello", False),
    ("gzip", gzip.compress(b"hello")[:-1], False),
    ("deflate", deflate(b"hello")[:-1], False),
    ("br", BROTLI_HELLO[:-1], False),
    ("br", b"hello", False),
    ("gzip", b"", False),
    ("none", gzip.compress(b"hello"), False),
])
def test_compression(serve, probe, compression, body, good):
    server = serve(answer(body, fields=["Content-Encoding: gzip"]))
    result = probe(server.url, compression=compression, fail_if_body_not_matches=["^hello$"])
    assert result.reason == ("ok" if good else "content" if compression == "none" else "protocol"), result["failure"]
    if good:
        assert result["body_bytes"] == 5 and result["received_bytes"] == len(body)


def test_a_small_answer_that_is_large(serve, probe):
    bomb = gzip.compress(bytes(300_000_000), 9)
    server = serve(answer(bomb))
    result = probe(server.url, compression="gzip", timeout=50)
    assert result.reason == "content" and "decompression" in result["failure"]
    assert probe(server.url, compression="gzip", body_size_limit="1MB").reason == "content"


# --- servers that misbehave ----------------------------------------------------------------------------------------


def drip(connection):
    """A byte a time, for ever."""
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def drip_head(connection):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def silence(connection):
    while connection.recv(65536):
        pass


def flood(connection):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(bytes(100000))


def flood_head(connection):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X: " + b"y" * 1000 + b"\r\n")


def send(data, end=None):
    def handle(connection):
        read_request(connection)
        connection.sendall(data)
        if end:
            end(connection)
        else:
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)

    return handle


MISBEHAVIOUR = {
    "drip": (drip, "timeout"),
    "drip_head": (drip_head, "timeout"),
    "silence": (silence, "timeout"),
    "flood": (flood, "timeout"),
    "flood_head": (flood_head, ("protocol", "timeout")),
    "close": (send(b""), "protocol"),
    "close_at_once": (lambda connection: None, ("protocol", "reset")),
    "reset": (send(b"", reset), "reset"),
    "reset_in_body": (send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", reset), "reset"),
    "close_in_head": (send(b"HTTP/1.1 200 OK\r\nContent-"), "protocol"),
    "close_in_body": (send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), "protocol"),
    "garbage": (send(b"\x00\xff garbage\r\n\r\n"), "protocol"),
    "ssh": (send(b"SSH-2.0-OpenSSH_9\r\n"), "protocol"),
    "bad_chunk": (send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc"), "protocol"),
    "short_chunk": (send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc"), "protocol"),
    "bad_length": (send(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx"), "protocol"),
    "bad_status": (send(b"HTTP/1.1 9 no\r\n\r\n"), "protocol"),
    "many_hints": (send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3 + answer("x")), "ok"),
}


@pytest.mark.parametrize("what", MISBEHAVIOUR)
def test_misbehaviour(serve, probe, what):
    handle, reason = MISBEHAVIOUR[what]
    result = probe(serve(handle, raw=True).url, timeout=0.7)
    assert result.reason in reason, result["failure"]
    assert result.reason == "ok" or result["failure"]
    if result.reason == "timeout":
        assert 0.7 <= result.sample["duration_seconds"] < 5
        assert result["response_seconds"]["count"] == 0


def test_nobody_there(probe, serve):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = probe(f"http://127.0.0.1:{port}/")
    assert result.reason == "refused" and "Connection refused" in result["failure"]
    assert result["status_code"] is None and result["connect_seconds"] == 0 and result["tcp_rtt_seconds"] is None
    result = probe("http://240.0.0.1/")
    assert result.reason in ("local", "unreachable_net")
    assert probe("http://no.such.name.test/", resolver="127.0.0.1:1", timeout=0.5).reason == "resolve"


def test_silence_of_routers(net, probe):
    """A connection that nobody answers ends with the time; one that a router refuses ends at once."""
    net.play()
    result = probe("http://10.9.3.3/", timeout=0.5)
    assert result.reason == "timeout" and "no connection to 10.9.3.3" in result["failure"]


def test_everything_is_closed(serve, start_daemon):
    """All kinds of ends, again and again: no descriptor stays."""
    targets = [(what, serve(handle, raw=True).url) for what, (handle, _) in MISBEHAVIOUR.items()]
    targets.append(("good", serve(answer("x")).url))
    targets.append(("loop", serve(redirect("/x")).url))
    probes = {"web": {"type": "http", "interval": 0.8, "timeout": 0.7}}
    daemon = start_daemon(make_config(targets, probes))
    for name, _ in targets:
        daemon.wait_runs(name, 3)

    def count():
        return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))

    before = min(count() for _ in range(10))
    runs = daemon.metrics().get("netsonde_probe_runs_total", target="good")
    metrics = daemon.wait_runs("good", runs + 10)
    for name, _ in targets:
        expected = MISBEHAVIOUR.get(name, (None, {"good": "ok", "loop": ("protocol", "timeout")}.get(name)))[1]
        for reason in metrics.failures(name):
            assert reason in expected, name
    wait_for(lambda: count() <= before + 5, "descriptors to be closed")
    assert metrics.get("netsonde_http_status_code", target="good") == 200
    daemon.stop()
    line = daemon.lines("http", target="good")[-1]
    assert line.fields["status_code"] == 200 and line.fields["final_host"] == "127.0.0.1"


# --- keep-alive ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keeps", [True, False])
def test_keep_alive(serve, start_daemon, authority, keeps):
    context = server_context(authority.issue("kept", "IP:127.0.0.1"), authority.folder / "kept.key")
    servers = {"plain": serve(answer("x"), keeps=True), "tls": serve(answer("x"), keeps=True, context=context)}
    web = {"type": "http", "interval": 1, "timeout": 1, "keep_alive": keeps, "tls_ca_file": str(authority.folder / "ca.pem")}
    daemon = start_daemon(make_config([(name, server.url) for name, server in servers.items()], {"web": web}))
    for name, server in servers.items():
        metrics = daemon.wait_runs(name, 3)
        assert metrics.failures(name) == {}
        assert metrics.get("netsonde_http_tcp_rtt_seconds", target=name) > 0
        assert len(server.requests) >= 3
        assert (len(server.peers) == 1) == keeps
        assert server.requests[0].get("Connection") == (None if keeps else "close")
    assert metrics.get("netsonde_tls_is_verified", target="tls") == 1
    if keeps:
        assert metrics.get("netsonde_http_connect_seconds", target="tls") == 0
        assert metrics.get("netsonde_http_tls_seconds", target="tls") == 0


# --- TLS -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def secure(serve, authority):
    """secure(name, alternative, days) -> a server with a certificate of the authority."""

    def start(name="good", alternative="IP:127.0.0.1,DNS:good.test", days=2, issuer=authority, handle=answer("x"), **more):
        certificate = issuer.issue(name, alternative, days)
        return serve(handle, context=server_context(certificate, issuer.folder / f"{name}.key", **more))

    return start


def trusting(authority):
    return {"tls_ca_file": str(authority.folder / f"{authority.name}.pem")}


def test_tls(secure, probe, authority):
    result = probe(secure().url, **trusting(authority))
    assert result.reason == "ok", result["failure"]
    assert result["uses_tls"] == 1 and result["tls_seconds"] > 0 and result["connect_seconds"] > 0
    tls = result.rows["tls"][0]
    assert tls["is_verified"] == 1 and tls["certificates"] == 1 and not tls.get("verify_error")
    assert tls["earliest_expiry_timestamp_seconds"] > time.time() and tls["chain_expiry_timestamp_seconds"] > time.time()
    connection = result.rows["tls_connection"][0]
    assert connection["version"] == "TLS 1.3" and connection["cipher"].startswith("TLS_")
    assert any(row.get("subject") == "CN=good" for row in result.rows["tls_certificate"])


@pytest.mark.parametrize("what, words", [("expired", "expired"), ("name", "mismatch"), ("self", "self"), ("unknown", "issuer")])
def test_certificates_that_are_not_good(secure, serve, probe, authority, tmp_path, what, words):
    if what == "self":
        other = Authority(tmp_path / "other", "self")
        server = serve(answer("x"), context=server_context(other.folder / "self.pem", other.folder / "self.key"))
    elif what == "unknown":
        server = secure("unknown", issuer=Authority(tmp_path / "other"))
    else:
        alternative = "DNS:other.test" if what == "name" else "IP:127.0.0.1"
        server = secure(what, alternative, -1 if what == "expired" else 2)
    result = probe(server.url, **trusting(authority))
    assert result.reason == "tls_verify" and words in result["failure"], result["failure"]
    assert result["status_code"] is None and server.requests == [], "no request goes to somebody unknown"
    tls = result.rows["tls"][0]
    assert tls["is_verified"] == 0 and words in tls["verify_error"] and tls["earliest_expiry_timestamp_seconds"] > 0
    result = probe(server.url, tls_verify=False)
    assert result.reason == "ok" and result.rows["tls"][0]["is_verified"] == 0


def test_names_of_tls(secure, probe, authority):
    server = secure("named", "DNS:shop.test")
    asked = []
    server.context.sni_callback = lambda connection, name, context: asked.append(name)
    good = trusting(authority)
    assert probe(server.url, **good).reason == "tls_verify"
    assert probe(server.url, host="shop.test:99", **good).reason == "ok"
    assert probe(server.url, tls_server_name="shop.test", **good).reason == "ok"
    assert asked == [None, "shop.test", "shop.test"]
    assert [one.get("Host") for one in server.requests] == ["shop.test:99", server.address]


def test_names_of_tls_after_redirects(secure, serve, probe, authority):
    """The option host is about the target's own host."""
    dns = Dns({"one.test": {"ipv4": ["127.0.0.1"]}, "two.test": {"ipv4": ["127.0.0.1"]}})
    second = secure("two", "DNS:two.test")
    first = secure("first", "DNS:front.test", handle=redirect(f"https://two.test:{second.port}/"))
    result = probe(f"https://one.test:{first.port}/", host="front.test", resolver=dns.address, **trusting(authority))
    assert result.reason == "ok", result["failure"]
    assert result["redirects"] == 1 and result["tls_seconds"] > 0
    assert any(row.get("subject") == "CN=two" for row in result.rows["tls_certificate"])
    dns.close()


def test_client_certificates(secure, probe, authority, tmp_path):
    authority.issue("me", "DNS:me")
    ca = authority.folder / "ca.pem"
    server = secure("demanding", demands=ca)
    mine = {"tls_cert_file": str(authority.folder / "me.pem"), "tls_key_file": str(authority.folder / "me.key")}
    assert probe(server.url, **mine, **trusting(authority)).reason == "ok"
    texts = {"tls_cert": (authority.folder / "me.pem").read_text(), "tls_key": (authority.folder / "me.key").read_text()}
    assert probe(server.url, **texts, tls_ca=ca.read_text()).reason == "ok"
    result = probe(server.url, **trusting(authority))
    assert result.reason in ("tls_handshake", "protocol", "reset") and result["failure"]
    result = probe(server.url, **trusting(authority), tls_cert_file="/nowhere", tls_key_file="/nowhere")
    assert result.reason == "local" and "/nowhere" in result["failure"]


def test_tls_versions(secure, probe, authority):
    old = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
    server = secure("old", versions=old)
    result = probe(server.url, **trusting(authority))
    assert result.reason == "ok" and result.rows["tls_connection"][0]["version"] == "TLS 1.2"
    result = probe(server.url, tls_min_version="tls1.3", **trusting(authority))
    assert result.reason == "tls_handshake" and result["failure"] and result["status_code"] is None


def test_tls_to_what_is_none(serve, probe):

    def refuse(connection):
        connection.recv(10)
        connection.sendall(answer("x", status="400 Bad"))
        silence(connection)

    assert probe(f"https://{serve(refuse, raw=True).address}/").reason == "tls_handshake"
    assert probe(f"https://{serve(silence, raw=True).address}/", timeout=0.5).reason == "timeout"
    assert probe(f"https://{serve(lambda one: None, raw=True).address}/").reason == "tls_handshake"
    result = probe(f"https://{serve(send(b'x' * 5, reset), raw=True).address}/", timeout=0.7)
    assert result.reason in ("tls_handshake", "timeout")


def test_tls_rules(secure, serve, probe, authority):
    server = secure()
    assert probe(server.url, fail_if_not_tls=True, **trusting(authority)).reason == "ok"
    assert probe(server.url, fail_if_tls=True, **trusting(authority)).reason == "content"
    up = serve(redirect(server.url))
    result = probe(up.url, fail_if_not_tls=True, **trusting(authority), user="u", password="p")
    assert result.reason == "ok" and server.requests[-1].get("Authorization"), "the same host, and safer"
    down = secure(handle=redirect(serve(answer("x")).url))
    result = probe(down.url, fail_if_not_tls=True, **trusting(authority))
    assert result.reason == "content" and result["uses_tls"] == 0


# --- HTTP/2 --------------------------------------------------------------------------------------------------------


@pytest.fixture
def nginx(authority, tmp_path):
    binary = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not binary:
        pytest.skip("nginx is not installed")
    authority.issue("nginx", "IP:127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = one.getsockname()[1], two.getsockname()[1]
    (tmp_path / "nginx.conf").write_text(f"""
        daemon off; master_process off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log;
        events {{ }}
        http {{
            access_log off; client_body_temp_path {tmp_path}; proxy_temp_path {tmp_path}; fastcgi_temp_path {tmp_path};
            uwsgi_temp_path {tmp_path}; scgi_temp_path {tmp_path};
            ssl_certificate {authority.folder}/nginx.pem; ssl_certificate_key {authority.folder}/nginx.key;
            server {{
                listen 127.0.0.1:{ports[0]} ssl http2; listen 127.0.0.1:{ports[1]} http2;
                location / {{ return 200 "hello"; }}
                location /to {{ return 302 /; }}
            }}
        }}""")
    process = subprocess.Popen([binary, "-p", tmp_path, "-c", tmp_path / "nginx.conf"], stderr=subprocess.DEVNULL)

    def answers():
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", ports[0])) == 0

    wait_for(answers, "nginx")
    yield f"https://127.0.0.1:{ports[0]}/", f"http://127.0.0.1:{ports[1]}/"
    process.terminate()
    process.wait()


def test_http_2(nginx, probe, authority, start_daemon):
    secure, plain = nginx
    good = trusting(authority)
    result = probe(secure + "to", headers=["X-Mine: 1"], fail_if_body_not_matches=["hello"], **good)
    assert result.reason == "ok" and result["version"] == 2 and result["redirects"] == 1, result["failure"]
    assert probe(secure, http_version="1.1", **good)["version"] == 1.1
    assert probe(secure, valid_versions=["2"], **good).reason == "ok"
    result = probe(plain, http_version="2")
    assert result.reason == "ok" and result["version"] == 2
    assert probe(plain).reason == "protocol", "this server speaks nothing else there"
    for keeps in (True, False):
        web = {"type": "http", "interval": 1, "timeout": 1, "keep_alive": keeps, **good}
        daemon = start_daemon(make_config([("a", secure)], {"web": web}))
        assert daemon.wait_runs("a", 3).failures("a") == {}
        daemon.stop()


# --- proxies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("socks", [False, True])
def test_proxies(serve, secure, probe, authority, socks):
    dns = Dns({"web.test": {"ipv4": ["127.0.0.1"]}, "proxy.test": {"ipv4": ["127.0.0.1"]}})
    web, safe = serve(answer("x")), secure("safe", "DNS:web.test")
    proxy = serve(None, kind=Proxy, socks=socks)
    way = {"proxy": f"{'socks5' if socks else 'http'}://proxy.test:{proxy.port}", "resolver": dns.address}
    result = probe(f"http://web.test:{web.port}/p", **way)
    assert result.reason == "ok" and result.address == "127.0.0.1", result["failure"]
    assert web.requests[0].get("Host") == f"web.test:{web.port}" and web.requests[0].path == "/p"
    assert probe(f"https://web.test:{safe.port}/", **way, **trusting(authority)).reason == "ok"
    if socks:
        assert proxy.asked == [f"127.0.0.1:{web.port}", f"127.0.0.1:{safe.port}"]
    else:
        assert proxy.asked == [f"GET http://127.0.0.1:{web.port}/p HTTP/1.1", f"CONNECT 127.0.0.1:{safe.port} HTTP/1.1"]
    proxy.asked.clear()
    result = probe("http://unknown.test/", skip_resolve_with_proxy=True, **way)
    assert "unknown.test" in proxy.asked[0] and result.address is None and result.reason != "resolve"
    assert probe("http://unknown.test/", **way).reason == "resolve"
    dns.close()


def test_what_a_proxy_gets(serve, probe):
    web = serve(answer("x"))
    proxy = serve(None, kind=Proxy, demands=base64.b64encode(b"p:w").decode())
    way = {"proxy": f"http://{proxy.address}", "proxy_headers": ["X-Proxy: 1"]}
    result = probe(web.url, **way)
    assert result.reason in ("status", "login") and result["status_code"] == 407
    result = probe(web.url, proxy_user="p", proxy_password="w", **way)
    assert result.reason == "ok", result["failure"]
    assert proxy.requests[-1].get("X-Proxy") == "1"
    result = probe("https://127.0.0.1:1/", **way)
    assert result.reason == "login" and "407" in result["failure"]
    assert probe(web.url, no_proxy=["10.0.0.0/8", "127.0.0.0/8"], **way).reason == "ok"
    assert probe("https://127.0.0.1:1/", proxy=f"http://{serve(None, kind=Proxy, refuses='502 No').address}").reason == "status"
    assert probe(web.url, proxy="http://127.0.0.1:1").reason == "refused"


def test_the_proxy_of_the_environment_is_not_used(serve, probe, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert probe(serve(answer("x")).url).reason == "ok"


# --- settings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options, words", [
    ({"valid_status": ["20x"]}, "valid_status"), ({"fail_if_body_matches": ["("]}, "fail_if_body_matches"),
    ({"fail_if_header_matches": ["no colon"]}, "fail_if_header_matches"), ({"json_rules": ["a == 1"]}, "json_rules"),
    ({"headers": ["bad"]}, "headers"), ({"headers": ["A: b\nC: d"]}, "headers"), ({"method": "GET /"}, "method"),
    ({"proxy": "ftp://x"}, "proxy"), ({"proxy": "http://u:p@x"}, "proxy"), ({"source": "x"}, "source"),
    ({"body": "x", "body_file": "y"}, "body"), ({"http_version": "3"}, "http_version"), ({"timeout": 99}, "timeout"),
    ({"tls_cert_file": "x"}, "tls_cert"), ({"valid_versions": ["4"]}, "valid_versions"), ({"user": "a", "bearer_token": "b"}, "user"),
])
def test_settings_that_cannot_be(tmp_path, options, words):
    probes = {"web": {"type": "http", **options}}
    (tmp_path / "bad.conf").write_text(make_config([("a", "127.0.0.1")], probes, influx=[]))
    result = subprocess.run([BINARY, "check", tmp_path / "bad.conf"], capture_output=True, text=True, env=clean_environment())
    assert result.returncode == 1 and words in result.stderr + result.stdout, result.stderr
