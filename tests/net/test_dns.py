"""Queries to name servers that answer, and to servers that do everything else."""

import os
import socket
import struct
import threading
import time

import pytest

import name_server
from certificates import Authority
from name_server import AA, AD, RA, TC, NameServer, address, drip, framed, good, record, reply, soa, text
from support import Daemon, make_config, wait_for

# A deadline that is far away for whoever answers, also on a busy machine, and one that is near for who waits for it.
PROBE = {"type": "dns", "query_name": "www.example.net", "interval": 2, "timeout": 1.9}
SHORT = {"interval": 0.5, "timeout": 0.4}


def pace(reason):
    return SHORT if reason == "timeout" else {}


@pytest.fixture
def servers():
    made = []

    def make(*arguments, **named):
        made.append(NameServer(*arguments, **named))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def daemon(tmp_path):
    started = []

    def start(cases, agent=None):
        """cases: name -> (address, options). Each is a target with a probe of its own."""
        probes = {name: {**PROBE, **options} for name, (_, options) in cases.items()}
        targets = [{"name": name, "address": where, "probes": [name]} for name, (where, _) in cases.items()]
        started.append(Daemon(tmp_path / f"daemon{len(started)}", make_config(targets, probes, agent)).wait_ready())
        return started[-1]

    yield start
    for one in started:
        one.stop()


def others(message):
    """Sends it from another port than the one that was asked."""
    return lambda server, query: server.other.sendto(message, query.client)


def late(message, after):
    def send(server, query):
        threading.Timer(after, lambda: server.is_open and server.udp.sendto(message, query.client)).start()
    return send


def swapped(query):
    """The question in the other letter case."""
    name = query.question[:-4].swapcase()
    return name + query.question[-4:]


def truncated_over_udp(query):
    if query.transport == "udp":
        return [reply(query, flags=TC | RA)]
    return [reply(query, [text("x" * 200)] * 20)]


def big(query):
    return [reply(query, [text("x" * 200)] * 250)]


OTHER_NAME = b"\x03www\x07example\x03org\x00\x00\x01\x00\x01"

# name: (behaviour over UDP, options, reason)
UDP_CASES = {
    "good": (good, {}, "ok"),
    "no_case": (lambda q: [reply(q, [address("192.0.2.1")], question=q.question.lower())], {"random_case": False}, "ok"),
    "silent": (lambda q: [], {}, "timeout"),
    "wrong_id": (lambda q: [reply(q, [address("192.0.2.1")], id=q.id ^ 1)], {}, "timeout"),
    "wrong_question": (lambda q: [reply(q, [address("192.0.2.1")], question=OTHER_NAME)], {}, "timeout"),
    "wrong_type": (lambda q: [reply(q, question=q.question[:-4] + b"\x00\x1c\x00\x01")], {}, "timeout"),
    "wrong_case": (lambda q: [reply(q, [address("192.0.2.1")], question=swapped(q))], {}, "timeout"),
    "wrong_source": (lambda q: [others(reply(q, [address("192.0.2.1")]))], {}, "timeout"),
    "a_query": (lambda q: [q.data], {}, "timeout"),
    "no_question": (lambda q: [reply(q, [address("192.0.2.1")], question=b"")], {}, "timeout"),
    "short": (lambda q: [q.data[:11], b"", b"\x00"], {}, "timeout"),
    "garbage": (lambda q: [os.urandom(300)], {}, "timeout"),
    "wrong_then_good": (lambda q: [
        reply(q, [address("203.0.113.1")], id=q.id ^ 1), others(reply(q, [address("203.0.113.1")])),
        reply(q, [address("203.0.113.1")], question=OTHER_NAME), reply(q, [address("203.0.113.1")], question=swapped(q)),
        *good(q)], {}, "ok"),
    "twice": (lambda q: good(q) * 2, {}, "ok"),
    "malformed": (lambda q: [reply(q, [address("192.0.2.1")])[:-2]], {}, "protocol"),
    "counts_lie": (lambda q: [reply(q)[:6] + b"\xff\xff" + reply(q)[8:]], {}, "protocol"),
    "pointer_loop": (lambda q: [reply(q, [record(b"\xc0\x0c", 5, name=b"\xc0" + bytes([12 + len(q.question)]))])], {},
                     "protocol"),
    "servfail": (lambda q: [reply(q, rcode=2)], {}, "rcode"),
    "formerr": (lambda q: [reply(q, rcode=1, question=b"")], {}, "rcode"),
    "nxdomain": (lambda q: [reply(q, rcode=3)], {"valid_rcodes": ["NOERROR", "NXDOMAIN"]}, "ok"),
    "refused": (lambda q: [reply(q, rcode=5)], {"valid_rcodes": ["refused"]}, "ok"),
    "noerror_is_wrong": (good, {"valid_rcodes": ["NXDOMAIN"]}, "rcode"),
    "truncated": (truncated_over_udp, {}, "ok"),
    "truncated_no_retry": (truncated_over_udp, {"retry_truncated": False}, "ok"),
    "soa": (lambda q: [reply(q, [soa(2024010203)], flags=AA)], {"query_type": "SOA"}, "ok"),
    "soa_without": (good, {"query_type": "SOA"}, "ok"),
    "rule_holds": (good, {"fail_if_answer_not_matches": ["^www\\.example\\.net\\.\\t[0-9]+\\tIN\\tA\\t192"]}, "ok"),
    "rule_matches": (good, {"fail_if_answer_matches": ["nothing", "192\\.0\\.2\\.2$"]}, "content"),
    "rule_not": (good, {"fail_if_answer_not_matches": ["192\\.0\\.2\\.2$"]}, "content"),
    "rule_all": (good, {"fail_if_answer_all_match": ["192\\.0\\.2"]}, "content"),
    "rule_not_all": (good, {"fail_if_answer_all_match": ["192\\.0\\.2\\.2$"]}, "ok"),
    "rule_none": (good, {"fail_if_answer_none_matches": ["203"]}, "content"),
    "rule_authority": (good, {"fail_if_authority_none_matches": ["."]}, "content"),
    "rule_additional": (lambda q: [reply(q, additional=[address("192.0.2.9")])],
                        {"fail_if_additional_matches": ["192\\.0\\.2\\.9"]}, "content"),
    "largest": (big, {"edns_size": 65535, "query_type": "TXT"}, "ok"),
}


def check_reasons(metrics, cases):
    seen = {}
    for name, (*_, reason) in cases.items():
        failures = metrics.failures(name)
        seen[name] = " ".join(sorted(failures)) or "ok"
    assert seen == {name: case[-1] for name, case in cases.items()}


def test_every_kind_of_answer(servers, daemon):
    made = {name: servers(behave) for name, (behave, _, _) in UDP_CASES.items()}
    one = daemon({name: (made[name].address, {**options, **pace(reason)}) for name, (_, options, reason) in UDP_CASES.items()})
    metrics = one.wait_metrics(
        lambda m: all((m.get("netsonde_probe_runs_total", target=name) or 0) >= 3 for name in UDP_CASES), "3 runs each")
    check_reasons(metrics, UDP_CASES)

    def value(measure, target):
        return metrics.get(f"netsonde_dns_{measure}", target=target)

    assert (value("answer_rrs", "good"), value("min_ttl_seconds", "good"), value("rcode", "good")) == (2, 30, 0)
    assert value("response_bytes", "good") == len(good(made["good"].queries[0])[0])
    assert 0 < value("request_seconds", "good") < 1.9
    assert value("recursion_available", "good") == 1 and value("authoritative", "good") == 0
    assert value("answered", "silent") == 0 and value("rcode", "silent") is None
    assert value("answered", "malformed") == 0 and value("answered", "servfail") == 1
    assert value("rcode", "servfail") == 2 and value("rcode", "nxdomain") == 3
    assert value("serial", "soa") == 2024010203 and value("authoritative", "soa") == 1
    assert value("serial", "soa_without") == 0 and value("serial", "good") is None
    assert value("rule_failed", "rule_none") == 1 and value("rule_failed", "rule_holds") == 0
    assert value("rule_failed", "good") is None
    assert (value("retried_tcp", "truncated"), value("truncated", "truncated")) == (1, 0)
    assert value("answer_rrs", "truncated") == 20 and value("connect_seconds", "truncated") >= 0
    assert (value("retried_tcp", "truncated_no_retry"), value("truncated", "truncated_no_retry")) == (0, 1)
    assert value("answer_rrs", "truncated_no_retry") == 0
    assert value("answer_rrs", "largest") == 250 and value("response_bytes", "largest") > 53000
    assert value("connect_seconds", "good") is None
    # What did not fit was seen and not taken. What has another id is nobody's.
    for name in ("wrong_question", "wrong_case", "wrong_source", "a_query", "no_question"):
        assert value("spoofed_total", name) >= 3, name
        assert value("answers_total", name) == 0, name
    assert value("spoofed_total", "wrong_then_good") >= 3 * 3
    assert value("spoofed_total", "good") == 0
    assert metrics.get("netsonde_dns_pool_unexpected_total") > 0
    one.stop()
    lines = one.lines("dns", target="good")
    assert lines[-1].fields["transport"] == "udp" and lines[-1].fields["rcode_name"] == "NOERROR"
    assert one.lines("dns", target="servfail")[-1].fields["failure"] == "the server answered SERVFAIL"


def stream_close(query, connection):
    pass


def stream_reset(query, connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def stream_silent(query, connection):
    connection.recv(1)


def stream(*parts, then_wait=True):
    """Sends what parts(query) say, one after the other."""
    def serve(query, connection):
        for part in parts:
            connection.sendall(part(query))
        if then_wait:
            connection.recv(1)
    return serve


def stream_endless(query, connection):
    message = framed(reply(query, [address("203.0.113.1")], id=query.id ^ 1))
    while True:
        connection.sendall(message * 100)


def stream_drip(query, connection):
    drip(framed(good(query)[0]), connection, 0.002)
    connection.recv(1)


def stream_drip_forever(query, connection):
    connection.sendall(b"\xff\xff")
    while True:
        connection.sendall(b"x")
        time.sleep(0.01)


# name: (behaviour over TCP, reason)
TCP_CASES = {
    "good": (None, "ok"),
    "drip": (stream_drip, "ok"),
    "drip_forever": (stream_drip_forever, "timeout"),
    "close": (stream_close, "protocol"),
    "reset": (stream_reset, "reset"),
    "silent": (stream_silent, "timeout"),
    "half": (stream(lambda q: framed(good(q)[0])[:20], then_wait=False), "protocol"),
    "half_length": (stream(lambda q: framed(good(q)[0])[:1], then_wait=False), "protocol"),
    "two_in_one": (stream(lambda q: framed(good(q)[0]) + framed(reply(q, rcode=2))), "ok"),
    "wrong_then_good": (stream(lambda q: framed(reply(q, rcode=2, id=q.id ^ 1)) + framed(good(q)[0])), "ok"),
    "answer_then_close": (stream(lambda q: framed(good(q)[0]), then_wait=False), "ok"),
    "endless": (stream_endless, "protocol"),
    "length_zero": (stream(lambda q: b"\x00\x00"), "protocol"),
    "length_short": (stream(lambda q: b"\x00\x05hello"), "protocol"),
    "length_lies_long": (stream(lambda q: struct.pack("!H", 9999) + good(q)[0]), "timeout"),
    "length_lies_short": (stream(lambda q: struct.pack("!H", len(good(q)[0]) - 3) + good(q)[0]), "protocol"),
    "garbage": (stream(lambda q: b"\x00\x40" + os.urandom(64)), "timeout"),
    "http": (stream(lambda q: b"HTTP/1.1 400 Bad Request\r\n\r\n", then_wait=False), "protocol"),
    "malformed": (stream(lambda q: framed(good(q)[0][:-1])), "protocol"),
    "wrong_question": (stream(lambda q: framed(reply(q, question=OTHER_NAME))), "timeout"),
}


def count_descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_connections(servers, daemon, tmp_path, transport):
    context, options = None, {}
    if transport == "tls":
        authority = Authority(tmp_path / "ca")
        context = name_server.server_context(authority.issue("server", "IP:127.0.0.1"), tmp_path / "ca" / "server.key")
        options = {"tls_ca_file": str(tmp_path / "ca" / "ca.pem")}
    made = {name: servers(stream=serve, context=context) for name, (serve, _) in TCP_CASES.items()}
    cases = {
        name: (f"{transport}://{made[name].address}", {**options, **pace(reason)}) for name, (_, reason) in TCP_CASES.items()
    }
    one = daemon(cases)

    def after(runs):
        return one.wait_metrics(
            lambda m: all((m.get("netsonde_probe_runs_total", target=name) or 0) >= runs for name in TCP_CASES),
            f"{runs} runs each")

    metrics = after(3)
    # Under TLS a close without a farewell is told as what it is there.
    for name in ("close", "half", "half_length", "http", "reset"):
        if transport == "tls":
            assert set(metrics.failures(name)) <= {"protocol", "reset"}, (name, metrics.failures(name))
    check_reasons(metrics, {
        name: case for name, case in TCP_CASES.items()
        if transport == "tcp" or name not in ("close", "half", "half_length", "http", "reset")})
    assert metrics.get("netsonde_dns_connect_seconds", target="good") > 0
    assert (metrics.get("netsonde_dns_tls_seconds", target="good") is not None) == (transport == "tls")
    assert metrics.get("netsonde_dns_answer_rrs", target="two_in_one") == 2
    if transport == "tls":
        assert metrics.get("netsonde_tls_is_verified", target="good") == 1
        assert metrics.get("netsonde_tls_connection_info", target="good", version="TLS 1.3") == 1
    # Nothing is left of a run: as many descriptors as one run of each can have, after more runs.
    most = count_descriptors(one) + len(TCP_CASES)
    after(8)
    assert count_descriptors(one) <= most


def test_tls_that_fails(servers, daemon, tmp_path):
    authority, other = Authority(tmp_path / "ca"), Authority(tmp_path / "other")
    ca = {"tls_ca_file": str(tmp_path / "ca" / "ca.pem")}

    def server(authority_, name, alternative):
        certificate = authority_.issue(name, alternative)
        return servers(context=name_server.server_context(certificate, certificate.with_suffix(".key"))).address

    cases = {
        "wrong_name": (f"tls://{server(authority, 'wrong', 'DNS:other.example.net')}", ca, "tls_verify"),
        "right_by_option": (f"tls://{server(authority, 'named', 'DNS:ns.example.net')}",
                            {**ca, "tls_server_name": "ns.example.net"}, "ok"),
        "unknown_authority": (f"tls://{server(other, 'unknown', 'IP:127.0.0.1')}", ca, "tls_verify"),
        "not_verified": (f"tls://{server(other, 'whatever', 'IP:127.0.0.1')}", {"tls_verify": False}, "ok"),
        "no_tls": (f"tls://{servers().address}", ca, "timeout"),
        "refused": ("tls://127.0.0.1:1", ca, "refused"),
        "https_wrong_name": (f"https://{server(authority, 'wrong2', 'DNS:other.example.net')}", ca, "tls_verify"),
        "https_refused": ("https://127.0.0.1:1/dns-query", ca, "refused"),
        "https_no_http": (f"https://{server(authority, 'nohttp', 'IP:127.0.0.1')}", ca, None),
    }
    one = daemon({name: (where, {**options, **pace(reason)}) for name, (where, options, reason) in cases.items()})
    metrics = one.wait_metrics(
        lambda m: all((m.get("netsonde_probe_runs_total", target=name) or 0) >= 2 for name in cases), "2 runs each")
    check_reasons(metrics, {name: case for name, case in cases.items() if case[-1]})
    assert set(metrics.failures("https_no_http")) <= {"protocol", "timeout", "reset"}
    assert metrics.failures("https_no_http")
    for name in ("wrong_name", "unknown_authority", "not_verified", "https_wrong_name"):
        assert metrics.get("netsonde_tls_is_verified", target=name) == 0, name
        assert metrics.get("netsonde_tls_certificates", target=name) >= 1, name


def test_unreachable_is_told_at_once(daemon):
    """ICMP errors end a run, long before its deadline."""
    cases = {"closed": ("127.0.0.1:9", {}), "closed6": ("[::1]:9", {}), "tcp": ("tcp://127.0.0.1:9", {})}
    one = daemon(cases)
    metrics = one.wait_metrics(
        lambda m: all((m.get("netsonde_probe_runs_total", target=name) or 0) >= 2 for name in cases), "2 runs each")
    assert set(metrics.failures("closed")) == set(metrics.failures("closed6")) == {"unreachable_port"}
    assert set(metrics.failures("tcp")) == {"refused"}
    one.stop()
    for name in cases:
        for line in one.lines("dns", target=name):
            assert line.fields["duration_seconds"] < 1.9


def test_queries_are_as_asked_for(servers, daemon):
    made = {}

    def case(name, **options):
        made[name] = servers()
        return made[name].address, options

    cases = {
        "plain": case("plain", edns_size=0),
        "dnssec": case("dnssec", dnssec=True, edns_size=4096, checking_disabled=True, authentic_data=True),
        "iterative": case("iterative", recursion_desired=False, query_type="TYPE65", query_class="CH"),
        "lower": case("lower", random_case=False),
        "retransmits": case("retransmits", attempts=4),
        "source": case("source", source="127.0.0.5"),
        "interface": case("interface", interface="lo"),
    }
    made["retransmits"].behave = lambda q: []
    one = daemon(cases)
    one.wait_metrics(
        lambda m: all((m.get("netsonde_probe_runs_total", target=name) or 0) >= 2 for name in cases), "2 runs each")
    plain, dnssec, iterative = (made[name].queries[0] for name in ("plain", "dnssec", "iterative"))
    assert plain.flags == 0x0100 and plain.edns is None and (plain.type, plain.klass) == (1, 1)
    assert dnssec.flags == 0x0130 and dnssec.edns == (4096, 0x8000)
    assert iterative.flags == 0 and iterative.edns == (1232, 0) and (iterative.type, iterative.klass) == (65, 3)
    assert {query.name for query in made["lower"].queries} == {"www.example.net"}
    assert made["source"].queries[0].client[0] == "127.0.0.5"
    assert len(made["interface"].queries) >= 2
    # Four a run, each by a port and an id of its own, with the same letters.
    first = made["retransmits"].queries[:4]
    assert len({query.client[1] for query in first}) == len({query.id for query in first}) == 4
    assert len({query.name for query in first}) == 1


def test_ports_ids_and_letters_rotate(servers, daemon):
    """At least 256 ports take turns, and new ones come."""
    server = servers()
    probes = {"type": "dns", "query_name": "www.example.net", "interval": 0.05, "timeout": 0.04}
    one = daemon({f"t{i}": (server.address, probes) for i in range(40)})
    one.wait_metrics(lambda m: (m.get("netsonde_dns_pool_sent_total") or 0) >= 6000, "6000 queries")
    queries = server.queries[:6000]
    ports = [query.client[1] for query in queries]
    assert len(set(ports)) >= 256
    # Not in turn: neither ports nor ids go up or down one by one, nor do they repeat.
    for numbers in (ports, [query.id for query in queries]):
        ups = sum(b > a for a, b in zip(numbers, numbers[1:]))
        assert 0.3 < ups / len(numbers) < 0.7
    assert len({query.id for query in queries}) > 5000
    # 13 letters: 8192 ways.
    assert len({query.name for query in queries}) > 3000
    assert sum(query.name[0] == "W" for query in queries) / len(queries) == pytest.approx(0.5, abs=0.1)


def test_ports_are_renewed(servers, daemon):
    """A port that has done its part is closed, and the next one opened."""
    server = servers()
    options = {"interval": 0.05, "timeout": 0.04}
    one = daemon({f"t{i}": (server.address, options) for i in range(400)})
    metrics = one.wait_metrics(lambda m: (m.get("netsonde_dns_pool_opened_total") or 0) >= 300, "ports to be renewed")
    assert metrics.get("netsonde_dns_pool_ports") <= 256 + 50
    assert count_descriptors(one) < 400


def test_late_answers_are_nobodys(servers, daemon):
    server = servers(lambda q: [late(good(q)[0], 0.6)])
    one = daemon({"late": (server.address, SHORT)})
    metrics = one.wait_metrics(lambda m: m.get("netsonde_dns_pool_unexpected_total") >= 3, "late answers")
    assert set(metrics.failures("late")) == {"timeout"}
    assert metrics.get("netsonde_dns_answers_total", target="late") == 0


def test_families_and_addresses(servers, daemon):
    server = servers(lambda q: [reply(q, [address("192.0.2.1"), address("2001:db8::1"), address("192.0.2.1")], flags=AD)],
                     family=socket.AF_INET6, host="::1")
    one = daemon({
        "v6": (server.address, {"answer_addresses": True}),
        "never": (server.address, {"family": "only_ipv4"}),
    })
    metrics = one.wait_metrics(
        lambda m: all((m.get("netsonde_probe_runs_total", target=name) or 0) >= 2 for name in ("v6", "never")), "2 runs")
    assert metrics.get("netsonde_dns_answer_info", target="v6", address="192.0.2.1") == 1
    assert metrics.get("netsonde_dns_answer_info", target="v6", address="2001:db8::1") == 1
    assert len(metrics.all("netsonde_dns_answer_info", target="v6")) == 2
    assert metrics.get("netsonde_dns_authentic_data", target="v6") == 1
    assert metrics.get("netsonde_dns_query_info", target="v6", query_name="www.example.net", query_type="A") == 1
    assert set(metrics.failures("never")) == {"resolve"}


def test_server_that_is_a_name(servers, daemon):
    """The name server's own name is resolved by another one."""
    server = servers()

    def resolve(query):
        if query.name.lower() == "ns.example.org" and query.type == name_server.A:
            return [reply(query, [address("127.0.0.1")])]
        return [reply(query, rcode=3 if "nowhere" in query.name.lower() else 0)]

    resolver = servers(resolve)
    one = daemon({
        "named": (f"ns.example.org:{server.port}", {}),
        "nowhere": ("nowhere.example.org", {}),
    }, agent={"resolver": resolver.address})
    metrics = one.wait_metrics(
        lambda m: all((m.get("netsonde_probe_runs_total", target=name) or 0) >= 2 for name in ("named", "nowhere")), "2 runs")
    assert metrics.failures("named") == {}
    assert set(metrics.failures("nowhere")) == {"resolve"}


def test_command_line(servers, tmp_path):
    import subprocess
    from support import BINARY, clean_environment
    server = servers(lambda q: [reply(q, [address("192.0.2.1")], flags=AA | RA)])
    result = subprocess.run([BINARY, "probe", "dns", server.address, "--query_name=www.example.net"],
                            capture_output=True, text=True, env=clean_environment(), timeout=60)
    assert result.returncode == 0, result.stderr
    assert "answer: www.example.net. 60 IN A 192.0.2.1" in result.stdout
    assert ";; status: NOERROR; ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 0" in result.stdout
    assert f";; SERVER: 127.0.0.1#{server.port} (udp)" in result.stdout
    result = subprocess.run([BINARY, "probe", "dns", server.address], capture_output=True, text=True,
                            env=clean_environment(), timeout=60)
    assert result.returncode != 0 and "query_name must be set" in result.stderr
