"""/probe of the real daemon: what it answers to whom, how long it takes, and whom it does not talk to."""

import base64
import http.client
import http.server
import re
import socket
import struct
import threading
from urllib.parse import quote, unquote

import pytest

from support import Metrics, make_config, to_libconfig, wait_for
from test_names import Dns
from test_reload import refuse, reload

PROBES = {
    "icmp": {"type": "ping", "interval": 5, "timeout": 1},
    "long": {"type": "ping", "interval": 60, "count": 100, "spacing": 0.2, "timeout": 50},
    "any": {"type": "ping", "interval": 60},
}
LOOPBACK = ["127.0.0.0/8", "::1"]


def config_of(endpoint=None, probes=None, **more):
    endpoint = {"allow": LOOPBACK, **(endpoint or {})}
    return make_config([], {**PROBES, **(probes or {})}, influx=[], **more) + f"probe_endpoint: {to_libconfig(endpoint)};\n"


@pytest.fixture
def daemon(start_daemon):
    return start_daemon(config_of(agent={"workers": 2}))


def ask(daemon, target, module="icmp", more="", **headers):
    """(status, headers, text)"""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    status, answered, body = daemon.get(f"/probe?target={quote(target, safe='')}&module={module}{more}", fields)
    return status, answered, body.decode()


def measure(daemon, target, module="icmp", more="", **headers):
    status, answered, text = ask(daemon, target, module, more, **headers)
    assert status == 200, text
    assert answered["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Metrics(text)


def refused(daemon, reason):
    return daemon.metrics().get("netsonde_probe_endpoint_refused_total", reason=reason)


def figure(daemon, name):
    return daemon.metrics().get(f"netsonde_probe_endpoint_{name}")


# --- what is answered -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target, protocol", [("127.0.0.1", 4), ("::1", 6), ("[::1]", 6)])
def test_a_probe(daemon, target, protocol):
    metrics = measure(daemon, target)
    assert metrics.get("probe_success") == 1
    assert metrics.get("probe_ip_protocol") == protocol
    assert metrics.get("probe_timeout_seconds") == 1
    assert 0 < metrics.get("probe_duration_seconds") < 1
    assert figure(daemon, "probes_total") == figure(daemon, "requests_total") == 1
    # It leaves nothing behind in what is measured on schedule.
    assert daemon.metrics().all("netsonde_probe_runs_total") == {}


def test_a_probe_that_fails(daemon):
    metrics = measure(daemon, "name.invalid")
    assert metrics.get("probe_success") == 0
    assert metrics.get("probe_ip_protocol") == 0


@pytest.mark.parametrize("query, status, said", [
    ("", 400, "target: must be given, as in /probe?target=HOST&module=NAME"),
    ("module=icmp", 400, "target: must be given, as in /probe?target=HOST&module=NAME"),
    ("target=127.0.0.1", 400, 'Unknown module "http_2xx"'),
    ("target=127.0.0.1&module=none", 400, 'Unknown module "none"'),
    ("target=%01&module=icmp", 400, "target: has control characters, or is not UTF-8"),
    ("target=%zz&module=icmp", 400, "target: is longer than 4096 bytes, or has a broken percent sign"),
    ("target=127.0.0.1&module=icmp&hostname=a%0d%0ab", 400, "hostname: has control characters, or is not UTF-8"),
    ("target=127.0.0.1&module=icmp&query_name=a", 400,
     "query_name: the module icmp is of type ping, which has no such option"),
])
def test_what_is_wrong_is_said(daemon, query, status, said):
    answered, _, body = daemon.get(f"/probe?{query}")
    assert (answered, body.decode()) == (status, said + "\n")
    assert figure(daemon, "requests_total") == 1
    is_unknown = "Unknown" in said
    assert figure(daemon, "unknown_modules_total") == is_unknown
    assert figure(daemon, "invalid_total") == (not is_unknown)


def test_a_trace_needs_no_configuration(daemon):
    """The built-in module, after rights were dropped; names and labels are those of /metrics."""
    metrics = measure(daemon, "127.0.0.1", "traceroute", X_Prometheus_Scrape_Timeout_Seconds="3")
    assert metrics.get("probe_success") == metrics.get("netsonde_probe_success") == 1
    assert (metrics.get("probe_ip_protocol"), metrics.get("probe_timeout_seconds")) == (4, 2.5)
    assert 0 < metrics.get("probe_duration_seconds") < 2.5
    assert metrics.get("netsonde_traceroute_reached") == metrics.get("netsonde_traceroute_hops") == 1
    ((labels, sent),) = metrics.all("netsonde_traceroute_hop_sent_total").items()
    assert dict(labels) == {"hop": "1", "hop_address": "127.0.0.1"} and sent == 3
    assert metrics.get("netsonde_traceroute_hop_loss_ratio", hop="1") == 0
    assert metrics.all("netsonde_traceroute_path") == {}  # texts are no metrics
    assert daemon.metrics().all("netsonde_traceroute_reached") == {}


def test_a_trace_shows_its_hops(daemon):
    _, _, text = ask(daemon, "::1", "traceroute", "&debug=true")
    log, _, module = text.partition("Metrics that would have been returned:")
    assert re.search(r"^ 1 +::1 \(::1\)(  [\d.]+ ms){3}$", log, re.MULTILINE)
    assert "module traceroute (traceroute), at most 5.000 s" in log and "hop_address = true;" in module


def test_a_trace_to_where_it_may_not_go(daemon):
    status, _, text = ask(daemon, "192.0.2.1", "traceroute")
    assert status == 403 and "192.0.2.1" in text


def test_a_probe_of_ones_own_named_traceroute(start_daemon):
    daemon = start_daemon(config_of(probes={"traceroute": {"type": "traceroute", "interval": 60, "flows": 2, "attempts": 1}}))
    metrics = measure(daemon, "127.0.0.1", "traceroute")
    assert {dict(row)["flow"] for row in metrics.all("netsonde_traceroute_hop_sent_total")} == {"0", "1"}


def test_methods(daemon):
    status, headers, body = daemon.get("/probe?target=127.0.0.1&module=icmp", method="POST")
    assert status == 405 and headers["Allow"] == "GET, HEAD"
    status, headers, body = daemon.get("/probe?target=127.0.0.1&module=icmp", method="HEAD")
    assert status == 200 and body == b"" and int(headers["Content-Length"]) > 0


def test_it_can_be_switched_off(start_daemon):
    daemon = start_daemon(config_of({"enabled": False}))
    status, _, text = ask(daemon, "127.0.0.1")
    assert (status, text) == (404, "/probe is not enabled: probe_endpoint.enabled is false\n")
    assert refused(daemon, "disabled") == 1


def test_targets_that_are_encoded_twice(daemon):
    assert measure(daemon, quote("[::1]")).get("probe_success") == 1


# --- how long -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module, header, seconds", [
    ("icmp", None, 1),
    ("icmp", "10", 1),
    ("icmp", "1.2", 0.7),
    ("any", None, 119.5),
    ("any", "", 119.5),
    ("any", "0", 119.5),
    ("any", "10", 9.5),
    ("any", "1e1", 9.5),
    ("any", "0.5", 0.25),
    ("any", "0.2", 0.1),
    ("any", "3600", 120),
])
def test_timeouts(daemon, module, header, seconds):
    headers = {} if header is None else {"X_Prometheus_Scrape_Timeout_Seconds": header}
    assert measure(daemon, "127.0.0.1", module, **headers).get("probe_timeout_seconds") == pytest.approx(seconds)


@pytest.mark.parametrize("header", ["x", "nan", "10s", "-1"])
def test_timeouts_that_are_no_numbers(daemon, header):
    status, _, text = ask(daemon, "127.0.0.1", X_Prometheus_Scrape_Timeout_Seconds=header)
    assert status == 500 and text.startswith(f'X-Prometheus-Scrape-Timeout-Seconds: "{header}" is ')


def test_timeouts_hold(daemon):
    metrics = measure(daemon, "127.0.0.1", "long", X_Prometheus_Scrape_Timeout_Seconds="1")
    assert metrics.get("probe_timeout_seconds") == 0.5
    assert 0.5 <= metrics.get("probe_duration_seconds") < 10


def test_our_own_limits(start_daemon):
    daemon = start_daemon(config_of({"max_timeout": 3, "timeout_offset": 0}))
    assert measure(daemon, "127.0.0.1", "any").get("probe_timeout_seconds") == 3
    two = measure(daemon, "127.0.0.1", "any", X_Prometheus_Scrape_Timeout_Seconds="2")
    assert two.get("probe_timeout_seconds") == 2


def test_probes_may_take_longer_than_other_replies(start_daemon):
    daemon = start_daemon(config_of(web={"reply_timeout": 1.0}))
    metrics = measure(daemon, "127.0.0.1", "long", X_Prometheus_Scrape_Timeout_Seconds="3")
    assert 2.5 <= metrics.get("probe_duration_seconds")


# --- what is shown of it --------------------------------------------------------------------------------------------


def test_debug(daemon):
    status, headers, text = ask(daemon, "127.0.0.1", more="&debug=true")
    assert status == 200 and headers["Content-Type"] == "text/plain; charset=utf-8"
    log, rest = text.split("\n\n\nMetrics that would have been returned:\n")
    metrics, module = rest.split("\n\n\nModule configuration:\n")
    assert log.startswith("Logs for the probe:\nprobe: 127.0.0.1, module icmp (ping), at most 1.000 s\n")
    assert "icmp_seq=1" in log and log.endswith("result: ok\n")
    assert Metrics(metrics).get("probe_success") == 1
    assert 'type = "ping";' in module
    # Anything but "true" is none.
    assert measure(daemon, "127.0.0.1", more="&debug=1").get("probe_success") == 1


def logs(daemon, query):
    status, headers, body = daemon.get(f"/logs?{query}")
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    return status, body.decode()


def test_logs(daemon):
    for target in ("127.0.0.1", "127.0.0.2", "127.0.0.1"):
        measure(daemon, target)
    measure(daemon, "127.0.0.1", "any")
    texts = [logs(daemon, f"id={id}") for id in (1, 2, 3, 4)]
    assert all(status == 200 for status, _ in texts)
    assert "module any" in texts[3][1] and "127.0.0.2" in texts[1][1]
    # The newest, not the oldest.
    assert logs(daemon, "target=127.0.0.1") == texts[3]
    assert logs(daemon, "target=127.0.0.1&module=icmp") == texts[2]
    assert logs(daemon, "target=127.0.0.1&module=long")[0] == 404
    assert logs(daemon, "id=5")[0] == 404
    for query in ("", "id=1&target=127.0.0.1", "module=icmp", "id=x"):
        assert logs(daemon, query)[0] == 400, query


def test_the_last_probes(daemon):
    measure(daemon, "127.0.0.1")
    evil = '"><script>alert(1)</script>&'
    measure(daemon, evil)
    status, headers, body = daemon.get("/")
    page = body.decode()
    assert status == 200 and "script-src" not in headers["Content-Security-Policy"]
    rows = re.findall(r"<tr><td>[^<]* UTC</td><td>(.*?)</td><td>(.*?)</td><td class=\"(\w+)\">(\w+)</td><td>[^<]*</td>"
                      r"<td><a href=\"/logs\?id=(\d+)\">", page)
    assert rows == [
        ("icmp", "&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;&#38;", "bad", "resolve", "2"),
        ("icmp", "127.0.0.1", "good", "ok", "1"),
    ]
    assert "<script" not in page
    # A browser must not take the log for a page either.
    status, headers, body = daemon.get("/logs?id=2")
    assert headers["X-Content-Type-Options"] == "nosniff" and evil.encode() in body


def test_history_is_bounded(start_daemon):
    daemon = start_daemon(config_of({"history": 3}))
    for n in range(1, 6):
        measure(daemon, "name.invalid" if n == 1 else f"127.0.0.{n}")
    # The last three, and a failed one that is older.
    assert [logs(daemon, f"id={id}")[0] for id in range(1, 6)] == [200, 404, 200, 200, 200]


def test_no_history(start_daemon):
    daemon = start_daemon(config_of({"history": 0}))
    measure(daemon, "127.0.0.1")
    assert logs(daemon, "id=1")[0] == 404
    assert "icmp_seq=1" in ask(daemon, "127.0.0.1", more="&debug=true")[2]
    assert b"/logs?id=" not in daemon.get("/")[2]


# --- ceilings -------------------------------------------------------------------------------------------------------


class Asking:
    """A request to /probe that is not waited for, over a socket from an address of our own."""

    def __init__(self, daemon, source="127.0.0.1", module="long"):
        host, port = daemon.address.split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=60, source_address=(source, 0))
        self.socket.sendall(
            f"GET /probe?target=127.0.0.1&module={module} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
        )

    def answer(self):
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        return response.status, response.headers, response.read().decode()

    def leave(self):
        """At once, with a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def wait_running(daemon, n):
    wait_for(lambda: figure(daemon, "running") == n, f"{n} probes to run")


def test_so_many_at_a_time(start_daemon):
    daemon = start_daemon(config_of({"max_concurrent": 2}))
    under_way = [Asking(daemon), Asking(daemon, "127.0.0.2")]
    wait_running(daemon, 2)
    status, headers, text = ask(daemon, "127.0.0.1")
    assert (status, text) == (503, "probe_endpoint.max_concurrent probes are under way already\n")
    assert headers["Retry-After"] == "1" and refused(daemon, "concurrent") == 1
    under_way[0].leave()
    wait_running(daemon, 1)
    assert measure(daemon, "127.0.0.1").get("probe_success") == 1
    under_way[1].leave()


def test_so_many_of_one_client(start_daemon):
    daemon = start_daemon(config_of({"max_per_client": 1}))
    one = Asking(daemon, "127.0.0.2")
    wait_running(daemon, 1)
    status, headers, text = Asking(daemon, "127.0.0.2").answer()
    assert (status, text) == (503, "this client has probe_endpoint.max_per_client probes under way already\n")
    assert headers["Retry-After"] == "1" and refused(daemon, "client") == 1
    assert Asking(daemon, "127.0.0.3", "icmp").answer()[0] == 200
    one.leave()
    wait_running(daemon, 0)
    assert Asking(daemon, "127.0.0.2", "icmp").answer()[0] == 200


def test_so_many_a_second(start_daemon):
    daemon = start_daemon(config_of({"rate": 0.01, "burst": 3}))
    answers = [Asking(daemon, "127.0.0.2", "icmp").answer() for _ in range(5)]
    assert [status for status, _, _ in answers] == [200, 200, 200, 429, 429]
    assert 90 <= int(answers[4][1]["Retry-After"]) <= 100
    assert "probe_endpoint.rate" in answers[4][2]
    assert refused(daemon, "rate") == 2
    # What is wrong counts as well: asking is what is limited.
    assert Asking(daemon, "127.0.0.3", "none").answer()[0] == 400
    assert Asking(daemon, "127.0.0.3", "icmp").answer()[0] == 200


def test_the_client_leaves(daemon):
    askings = [Asking(daemon) for _ in range(20)]
    wait_running(daemon, 20)
    for asking in askings:
        asking.leave()
    wait_running(daemon, 0)
    assert figure(daemon, "cancelled_total") == 20
    assert figure(daemon, "probes_total") == 0
    assert measure(daemon, "127.0.0.1").get("probe_success") == 1


def test_it_ends_while_probes_run(start_daemon):
    daemon = start_daemon(config_of(agent={"workers": 2}))
    under_way = [Asking(daemon) for _ in range(10)]
    wait_running(daemon, 10)
    daemon.stop()
    for asking in under_way:
        asking.socket.close()


def test_many_at_once(daemon):
    """Each answer belongs to its own question."""
    wrong = []

    def ask_many(n):
        connection = daemon.connect()
        for i in range(50):
            target = f"127.{n + 1}.{i}.1"
            connection.request("GET", f"/probe?target={target}&module=icmp&debug=true")
            text = connection.getresponse().read().decode()
            if f"probe: {target}, " not in text or f"64 bytes from {target}:" not in text:
                wrong.append(text)
        connection.close()

    threads = [threading.Thread(target=ask_many, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert figure(daemon, "probes_total") == 400 and figure(daemon, "running") == 0


# --- reload ---------------------------------------------------------------------------------------------------------


def test_reload(daemon):
    under_way = Asking(daemon)
    wait_running(daemon, 1)
    assert ask(daemon, "127.0.0.1", "added")[0] == 400
    metrics = reload(daemon, config_of({"deny": ["127.0.0.2"]}, {"added": PROBES["icmp"]}, agent={"workers": 2}))
    assert metrics.get("netsonde_config_restart_needed") == 0
    assert measure(daemon, "127.0.0.1", "added").get("probe_success") == 1
    assert ask(daemon, "127.0.0.2")[0] == 403
    # All of it, with those that run.
    reload(daemon, config_of({"deny": ["*"], "max_concurrent": 1}, agent={"workers": 2}))
    assert ask(daemon, "127.0.0.1", "added")[0] == 503
    under_way.leave()
    wait_running(daemon, 0)
    assert ask(daemon, "127.0.0.1", "added")[0] == 400
    assert ask(daemon, "127.0.0.1")[0] == 403


def test_a_reload_that_is_refused(daemon):
    log, _ = refuse(daemon, config_of({"deny": ["10.0.0.1/8"]}, agent={"workers": 2}))
    assert 'probe_endpoint.deny: "10.0.0.1/8": has bits behind the first 8, did you mean 10.0.0.0/8?' in log
    assert measure(daemon, "127.0.0.1").get("probe_success") == 1


# --- whom it does not talk to ---------------------------------------------------------------------------------------


REFUSED_EARLY = [
    ("127.0.0.1", "loopback"), ("127.1.2.3", "loopback"), ("::1", "loopback"), ("[::1]", "loopback"),
    ("0.0.0.0", "this host"), ("::", "this host"), ("169.254.169.254", "metadata"), ("169.254.1.1", "link-local"),
    ("fe80::1", "link-local"), ("fe80::1%lo", "link-local"), ("fd00:ec2::254", "metadata"),
    ("100.100.100.200", "metadata"), ("168.63.129.16", "metadata"), ("224.0.0.1", "multicast"), ("ff02::1%lo", "multicast"),
    ("255.255.255.255", "broadcast"), ("::ffff:127.0.0.1", "loopback"), ("::ffff:7f00:1", "loopback"),
    ("64:ff9b::7f00:1", "loopback"), ("64:ff9b::a9fe:a9fe", "metadata"), ("2002:7f00:1::", "loopback"),
    ("::127.0.0.1", "loopback"), ("http://127.0.0.1/", "loopback"), ("http://a@127.0.0.1:80/x", "loopback"),
    ("127.0.0.1:80", "loopback"), ("[::1]:80", "loopback"), (quote("127.0.0.1/"), "loopback"),
]
# These are names for all that this is about; what they resolve to, if they do, is looked at when it is known.
REFUSED_LATE = ["localhost", "localhost.", "LOCALHOST", "metadata.test", "loop.test", "loop.test.", "six.test"]
# These are no addresses of this host, whatever the resolver takes them for.
NOT_ADDRESSES = ["mapped.test", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "127.0.0.1.", "⑯⑨.254.169.254", "[::1%25lo]"]


@pytest.fixture
def dns():
    dns = Dns({
        "metadata.test": {"ipv4": ["169.254.169.254"]},
        "loop.test": {"ipv4": ["127.0.0.1"]},
        "localhost": {"ipv4": ["127.0.0.1"]},
        "six.test": {"ipv6": ["::1"]},
        "mapped.test": {"ipv6": ["::ffff:127.0.0.1"]},
        "good.test": {"ipv4": ["127.9.9.9"]},
        "mixed.test": {"ipv4": ["127.9.9.9", "127.0.0.1"]},
    })
    yield dns
    dns.close()


def is_denied(daemon, target, module="icmp"):
    """A probe ran as far as the address, and no further."""
    before = refused(daemon, "destination")
    status, _, text = ask(daemon, target, module, "&debug=true")
    assert status == 200, text
    return "result: denied\n" in text and "probe_success 0\n" in text and refused(daemon, "destination") == before + 1


def test_refused_addresses(start_daemon, dns):
    daemon = start_daemon(config_of({"allow": []}, agent={"resolver": dns.address}))
    for n, (target, why) in enumerate(REFUSED_EARLY, 1):
        status, _, text = ask(daemon, target)
        assert status == 403 and "is refused: " in text and why in text, (target, status, text)
        assert refused(daemon, "destination") == n
    for target in REFUSED_LATE:
        assert is_denied(daemon, target), target
    for target in NOT_ADDRESSES:
        status, _, text = ask(daemon, target, more="&debug=true")
        assert status == 200 and re.search("^result: (?!ok$)", text, re.M) and "bytes from" not in text, (target, text)


def test_names_that_are_rebound(start_daemon, dns):
    """The answer is good once, and another one later: what is talked to is what was looked at."""
    daemon = start_daemon(config_of({"allow": ["127.9.9.9"]}, agent={"resolver": dns.address}))
    assert measure(daemon, "good.test").get("probe_success") == 1
    dns.names["good.test"] = {"ipv4": ["127.0.0.1"]}
    wait_for(lambda: is_denied(daemon, "good.test"), "the other address")
    dns.names["good.test"] = {"ipv4": ["127.9.9.9"]}
    wait_for(lambda: measure(daemon, "good.test").get("probe_success") == 1, "the first address")


def test_names_with_several_addresses(start_daemon, dns):
    daemon = start_daemon(config_of(
        {"allow": ["127.9.9.9"]}, {"all": {"type": "ping", "interval": 5, "timeout": 1, "all_addresses": True}},
        agent={"resolver": dns.address},
    ))
    assert is_denied(daemon, "mixed.test", "all")


def test_rules(start_daemon, dns):
    daemon = start_daemon(config_of(
        {"allow": ["127.9.0.0/16", "*.test", "127.0.0.1"], "deny": ["127.9.9.9", "mixed.test"]},
        agent={"resolver": dns.address},
    ))
    assert measure(daemon, "127.9.1.1").get("probe_success") == 1
    assert measure(daemon, "loop.test").get("probe_success") == 1
    assert is_denied(daemon, "good.test")
    for target, why in [
        ("127.9.9.9", 'the rule "127.9.9.9" of probe_endpoint.deny'),
        ("MIXED.test.", 'the rule "mixed.test" of probe_endpoint.deny'),
        ("192.0.2.1", "no rule of probe_endpoint.allow permits it"),
    ]:
        status, _, text = ask(daemon, target)
        assert status == 403 and why in text, text
    # A rule by name opens nothing that is refused without one.
    assert is_denied(daemon, "metadata.test")


def test_the_log_says_why(start_daemon, dns):
    daemon = start_daemon(config_of({"allow": []}, agent={"resolver": dns.address}))
    text = ask(daemon, "metadata.test", more="&debug=true")[2]
    assert "169.254.169.254 (metadata.test) is refused: a metadata service of a cloud (169.254.169.254/32)" in text


def test_schedules_are_not_touched(start_daemon):
    """The rules are for strangers, not for the configuration."""
    config = make_config([("here", "127.0.0.1")]) + "probe_endpoint: { deny = [ \"*\" ]; };\n"
    daemon = start_daemon(config)
    assert daemon.wait_runs("here", 2).get("netsonde_probe_success", target="here") == 1


# --- the other types ------------------------------------------------------------------------------------------------


class Web(http.server.ThreadingHTTPServer):
    """A server on loopback that redirects where its path says, and remembers who asked for what."""

    daemon_threads = True

    def __init__(self, address="127.0.0.1"):
        super().__init__((address, 0), Answer)
        self.asked = []
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # pylint: disable=invalid-name
        self.server.asked.append((self.path, self.headers.get("Host"), self.headers.get("Authorization")))
        _, leads, where = self.path.partition("/to/")
        if leads:
            self.send_response(302)
            self.send_header("Location", unquote(where))
        else:
            self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def web():
    web = Web()
    yield web
    web.shutdown()
    web.server_close()


TYPES = {
    "http_2xx": {"type": "http", "timeout": 5},
    "tcp_connect": {"type": "tcp", "timeout": 5},
    "soa": {"type": "dns", "timeout": 5, "query_name": "good.test", "query_type": "A"},
}


def test_http(start_daemon, web):
    daemon = start_daemon(config_of(probes=TYPES))
    # The default module, as blackbox_exporter has it.
    status, _, body = daemon.get(f"/probe?target=127.0.0.1:{web.port}")
    assert status == 200
    metrics = Metrics(body.decode())
    assert metrics.get("probe_success") == 1 and metrics.get("probe_http_status_code") == 200
    assert measure(daemon, f"http://127.0.0.1:{web.port}/a%20b", "http_2xx").get("probe_success") == 1
    assert web.asked[-1][0] == "/a%20b"
    assert measure(daemon, f"127.0.0.1:{web.port}", "http_2xx", "&hostname=other.test").get("probe_success") == 1
    assert web.asked[-1][1] == "other.test"


def test_hostname_against_the_module(start_daemon, web):
    daemon = start_daemon(config_of(probes={"http_2xx": {**TYPES["http_2xx"], "host": "own.test"}}))
    target = f"127.0.0.1:{web.port}"
    assert measure(daemon, target, "http_2xx", "&hostname=own.test").get("probe_success") == 1
    status, _, text = ask(daemon, target, "http_2xx", "&hostname=other.test")
    assert (status, text) == (400, "hostname: the module http_2xx has a host of its own, own.test\n")


def test_tcp(start_daemon, web):
    daemon = start_daemon(config_of(probes=TYPES))
    assert measure(daemon, f"127.0.0.1:{web.port}", "tcp_connect").get("probe_success") == 1
    assert measure(daemon, "127.0.0.1:1", "tcp_connect").get("probe_success") == 0


def test_dns(start_daemon, dns):
    daemon = start_daemon(config_of(probes=TYPES))
    asked = measure(daemon, dns.address, "soa")
    assert asked.get("probe_success") == 1 and asked.get("probe_dns_answer_rrs") == 1
    assert dns.asked[-1] == ("good.test", "ipv4")
    asked = measure(daemon, dns.address, "soa", "&query_name=six.test&query_type=AAAA&query_class=IN")
    assert asked.get("probe_success") == 1 and dns.asked[-1] == ("six.test", "ipv6")
    for more in ("&query_type=XYZ", "&query_class=XYZ", "&query_name=" + "a" * 100 + ".test"):
        status, _, text = ask(daemon, dns.address, "soa", more)
        assert status == 400 and text.startswith(more[1:].split("=")[0]), (more, text)


# --- whom they do not talk to ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["http_2xx", "tcp_connect", "soa"])
def test_refused_addresses_of_all_types(start_daemon, dns, web, module):
    """Nothing arrives, whatever leads there."""
    port = dns.address.split(":")[1] if module == "soa" else web.port
    daemon = start_daemon(config_of({"allow": []}, TYPES, agent={"resolver": dns.address}))
    for host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "169.254.169.254", "[64:ff9b::127.0.0.1]"):
        status, _, text = ask(daemon, f"{host}:{port}", module)
        assert status == 403, (host, text)
    dns.asked.clear()
    for host in ("loop.test", "LOOP.test.", "metadata.test", "six.test"):
        assert is_denied(daemon, f"{host}:{port}", module), host
    for host in ("2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.1."):
        status, _, text = ask(daemon, f"{host}:{port}", module, "&debug=true", X_Prometheus_Scrape_Timeout_Seconds="1")
        assert status in (200, 403) and "result: ok" not in text, (host, text)
    assert web.asked == []
    assert "good.test" not in [name for name, _ in dns.asked]


REDIRECTS = [
    "http://127.0.0.2:{port}/secret", "//127.0.0.2:{port}/secret", "http://loop2.test:{port}/secret",
    "http://2130706434:{port}/secret", "http://0x7f000002:{port}/secret", "http://0177.0.0.2:{port}/secret",
    "http://127.2:{port}/secret", "http://[::ffff:127.0.0.2]:{port}/secret", "http://good@127.0.0.2:{port}/secret",
    "http://127.0.0.2.:{port}/secret", "http://127。0。0。2:{port}/secret", "http://127.0.0.1:{other}/secret",
    "http://169.254.169.254/latest/meta-data/", "http://[::1]:{port}/secret", "http://0:{port}/secret",
    "http://localhost:{port}/secret", "http:\\\\127.0.0.2:{port}\\secret", "ftp://127.0.0.2:{port}/secret",
    "file:///etc/passwd", "gopher://127.0.0.2:{port}/secret", "dict://127.0.0.2:{port}/secret",
]


def test_redirects(start_daemon, dns):
    """One server is allowed, on one port of one address; the others listen where they are led to."""
    dns.names["loop2.test"] = {"ipv4": ["127.0.0.2"]}
    good, others = Web(), [Web("127.0.0.1")]
    everywhere = Web("0.0.0.0")
    daemon = start_daemon(config_of({"allow": [f"127.0.0.1:{good.port}"]}, TYPES, agent={"resolver": dns.address}))
    target = f"http://127.0.0.1:{good.port}"
    # It goes where it may go.
    assert measure(daemon, f"{target}/to/{quote(target + '/end', safe='')}", "http_2xx").get("probe_success") == 1
    assert good.asked[-1][0] == "/end"
    for where in REDIRECTS:
        where = where.format(port=everywhere.port, other=others[0].port)
        text = ask(daemon, f"{target}/to/{quote(where, safe='')}", "http_2xx", "&debug=true",
                   X_Prometheus_Scrape_Timeout_Seconds="3")[2]
        assert "\nprobe_success 0\n" in text, (where, text)
        assert good.asked[-1][0].startswith("/to/"), where
    assert everywhere.asked == [] and others[0].asked == []
    for server in (good, everywhere, *others):
        server.shutdown()
        server.server_close()


def test_what_a_proxy_is_asked_for(start_daemon, dns):
    """A proxy that would fetch anything: a server that is asked for whole URLs, and redirects."""
    proxy = Web("127.0.0.3")
    proxied = {**TYPES["http_2xx"], "proxy": f"http://127.0.0.3:{proxy.port}"}
    modules = {"proxied": proxied, "left": {**proxied, "skip_resolve_with_proxy": True}}
    endpoint = {"allow": ["127.9.9.9", "*.test"], "deny": ["bad.test"]}
    dns.names["bad.test"] = {"ipv4": ["127.9.9.9"]}
    daemon = start_daemon(config_of(endpoint, modules, agent={"resolver": dns.address}))
    # The proxy itself is not a stranger's choice.
    assert measure(daemon, "http://127.9.9.9/", "proxied").get("probe_success") == 1
    assert measure(daemon, "http://any.test/", "left").get("probe_success") == 1
    assert ask(daemon, "http://127.0.0.1/", "left")[0] == 403
    assert is_denied(daemon, "http://loop.test/", "proxied")
    before = len(proxy.asked)
    for module in modules:
        for host in ("127.0.0.1", "169.254.169.254", "[::1]", "bad.test", "2130706433", "other.example"):
            # The redirect is made by our own server behind the path that the proxy is asked for.
            assert is_denied(daemon, f"http://127.9.9.9/to/{quote(f'http://{host}/secret', safe='')}", module) \
                or (module, host) == ("proxied", "other.example"), (module, host)
    assert len(proxy.asked) > before and not any("secret" == path.rsplit("/", 1)[-1] and "/to/" not in path
                                                 for path, _, _ in proxy.asked)
    proxy.shutdown()
    proxy.server_close()


def test_a_name_that_is_another_one_at_the_second_question(start_daemon, dns, web):
    """Rebinding: the first answer is permitted, all later ones are not. It is one answer that is looked at and used."""
    answers = iter([["127.9.9.9"]])
    other = Web("127.9.9.9")

    class Rebinding(dict):
        def get(self, key, default=None):
            return next(answers, ["127.0.0.1"]) if key == "ipv4" else default

    dns.names["rebind.test"] = Rebinding(ipv4=True)
    daemon = start_daemon(config_of({"allow": ["127.9.9.9"]}, TYPES, agent={"resolver": dns.address}))
    measure(daemon, f"http://rebind.test:{other.port}/", "http_2xx")
    assert [path for path, _, _ in other.asked] == ["/"]
    # The other name server's answer leads to this machine, where a server listens on that port.
    assert is_denied(daemon, f"http://rebind.test:{web.port}/", "http_2xx") and web.asked == []
    other.shutdown()
    other.server_close()


# --- secrets --------------------------------------------------------------------------------------------------------


def test_secrets_are_never_shown(start_daemon, web):
    modules = {"http_2xx": {**TYPES["http_2xx"], "user": "me", "password": "open-sesame"}}
    daemon = start_daemon(config_of(probes=modules))
    target = f"127.0.0.1:{web.port}"
    texts = [ask(daemon, target, "http_2xx", more)[2] for more in ("", "&debug=true")]
    assert web.asked[-1][2] is not None  # it was sent
    texts += [daemon.get(path)[2].decode() for path in ("/config", "/logs?id=1", "/", "/metrics")]
    assert "<secret>" in texts[1] and "<secret>" in texts[2] and "<secret>" in texts[3]
    encoded = base64.b64encode(b"me:open-sesame").decode()
    for text in texts + [daemon.log]:
        assert "open-sesame" not in text and encoded not in text


# --- modules of a blackbox.yml --------------------------------------------------------------------------------------

BLACKBOX = """
modules:
  http_2xx:
    prober: http
    http:
      valid_status_codes: []
      basic_auth: {username: me, password: open-sesame}
  tcp_connect:
    prober: tcp
    timeout: 2s
  grpc:
    prober: grpc
"""


def test_a_blackbox_file(start_daemon, web, tmp_path):
    (tmp_path / "daemon0").mkdir()
    file = tmp_path / "daemon0" / "blackbox.yml"
    file.write_text(BLACKBOX)
    config = config_of({"blackbox_config": "blackbox.yml"})
    daemon = start_daemon(config)
    target = f"127.0.0.1:{web.port}"
    assert measure(daemon, target, "http_2xx").get("probe_success") == 1
    assert web.asked[-1][2] is not None
    metrics = measure(daemon, target, "tcp_connect", X_Prometheus_Scrape_Timeout_Seconds="10")
    assert metrics.get("probe_success") == 1 and metrics.get("probe_timeout_seconds") == 2
    status, _, text = ask(daemon, target, "grpc")
    assert status == 400 and text.startswith('the module "grpc" cannot be used: '), text
    text = ask(daemon, target, "http_2xx", "&debug=true")[2]
    shown = daemon.get("/config")[2].decode()
    assert "<secret>" in text and "# modules of probe_endpoint.blackbox_config:\n" in shown and "<secret>" in shown
    assert "open-sesame" not in text + shown + daemon.log
    # Another file, by a reload; a broken one changes nothing.
    file.write_text(BLACKBOX.replace("tcp_connect", "tcp_other"))
    reload(daemon, config)
    assert ask(daemon, target, "tcp_connect")[0] == 400
    assert measure(daemon, target, "tcp_other").get("probe_success") == 1
    for broken, why in [
        (BLACKBOX.replace("prober: tcp", "probr: tcp"), "probr"),
        (BLACKBOX + "  icmp: {prober: icmp}\n", 'its module "icmp" has the name of an entry of section probes'),
    ]:
        file.write_text(broken)
        status, _, body = daemon.get("/-/reload", method="POST")
        assert status == 400 and why in body.decode() and "probe_endpoint.blackbox_config" in body.decode(), body
        assert measure(daemon, target, "tcp_other").get("probe_success") == 1
    file.unlink()
    assert daemon.get("/-/reload", method="POST")[0] == 400
