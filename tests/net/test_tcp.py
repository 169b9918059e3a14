"""tcp and udp against servers that do what servers do, and what they should not: the right reason, on time, no leak."""

import contextlib
import json
import os
import socket
import ssl
import subprocess
import threading
import time

import pytest

from certificates import Authority
from network import run
from support import BINARY, PATIENCE_SECONDS, clean_environment, make_config, wait_for

FAMILY_LOOPBACK = {"ipv4": "127.0.0.1", "ipv6": "::1"}


# --- servers -------------------------------------------------------------------------------------------------------


class Server:
    """Plays talk(connection) on a thread of its own for each connection, and closes it then."""

    def __init__(self, talk, family="ipv4", backlog=128):
        kind = socket.AF_INET if family == "ipv4" else socket.AF_INET6
        self.listener = socket.create_server((FAMILY_LOOPBACK[family], 0), family=kind, backlog=backlog)
        self.talk = talk
        self.ends = []  # how each connection ended: what the last read gave
        self.open = []
        self.peers = []
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def port(self):
        return self.listener.getsockname()[1]

    @property
    def address(self):
        name = self.listener.getsockname()[0]
        return f"[{name}]:{self.port}" if ":" in name else f"{name}:{self.port}"

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, peer = self.listener.accept()
                self.peers.append(peer[0])
                threading.Thread(target=self.play, args=(connection,), daemon=True).start()

    def play(self, connection):
        self.open.append(connection)
        try:
            self.talk(connection)
        except (OSError, EOFError) as error:
            self.ends.append(type(error).__name__)
        else:
            self.ends.append("done")
        finally:
            self.open.remove(connection)
            connection.close()

    def close(self):
        # A thread that waits in accept() keeps the socket open until it is woken.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def serve():
    servers = []

    def start(talk, **more):
        servers.append(Server(talk, **more))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def read_line(connection):
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            raise EOFError(line)
        line += byte
    return line


def drain(connection):
    """Until the other side ends."""
    while connection.recv(65536):
        pass


# --- runs ----------------------------------------------------------------------------------------------------------


class Result:
    def __init__(self, sample):
        self.sample = sample
        self.reason = sample["reason"]
        self.took = sample["duration_seconds"]

    def row(self, measurement, **labels):
        """The readings of the one row of that set with these labels; None when there is none."""
        found = [row for row in self.sample.get(measurement, []) if labels.items() <= row.items()]
        assert len(found) <= 1, found
        return found[0] if found else None

    def labels(self, measurement):
        """Of the one row with the measure info."""
        found = [dict(row) for row in self.sample.get(measurement, []) if row.get("info") == 1]
        assert len(found) <= 1, found
        return {name: value for name, value in found[0].items() if name != "info"} if found else None


def probe(kind, address, *steps, timeout=PATIENCE_SECONDS, **options):
    """One run. Steps must have no comma here."""
    words = [f"--{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in options.items()]
    if steps:
        assert not any("," in step for step in steps)
        words.append("--steps=" + ",".join(steps))
    done = subprocess.run([str(BINARY), "probe", kind, address, "--json", f"--timeout={timeout}", *words],
                          capture_output=True, text=True, env=clean_environment(), timeout=2 * PATIENCE_SECONDS)
    assert done.stdout, done.stderr
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
    return Result(json.loads(done.stdout))


# --- connections ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_connection(serve, family):
    server = serve(drain, family=family)
    result = probe("tcp", server.address)
    row = result.row("tcp")
    assert result.reason == "ok"
    assert 0 < row["connect_seconds"] < PATIENCE_SECONDS
    assert row["rule_failed"] == 0 and row["bytes_failed"] == 0
    assert "tls_seconds" not in row and "dialogue_seconds" not in row and "failure" not in row
    assert row["retransmits"] == 0 and row["rtt_seconds"] > 0
    # The reset comes after FIN, so that the server reads an end, not an error.
    wait_for(lambda: server.ends == ["done"], "the end")


def test_no_port_is_left_waiting(serve):
    """A client that closes first would keep each port for a minute."""
    server = serve(drain)
    for _ in range(5):
        assert probe("tcp", server.address).reason == "ok"
    wait_for(lambda: len(server.ends) == 5, "the ends")
    assert server.ends == ["done"] * 5
    assert str(server.port) not in run("ss", "-tanH", "state", "time-wait").stdout


def test_refused():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = probe("tcp", f"127.0.0.1:{port}")
    assert result.reason == "refused"
    assert result.row("tcp") == {"failure": "Connection refused"}


def test_unknown_name(serve):
    result = probe("tcp", "nobody.invalid:80")
    assert result.reason == "resolve"
    assert "connect_seconds" not in result.row("tcp")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", ":80"])
def test_no_port_in_the_address(address):
    done = subprocess.run([str(BINARY), "probe", "tcp", address], capture_output=True, text=True,
                          env=clean_environment(), timeout=PATIENCE_SECONDS)
    assert done.returncode != 0 and "HOST:PORT" in done.stderr


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_nobody_there(net, kind):
    """An address of this network that no machine has: the kernel finds out soon, and so do we."""
    steps = ["send x", "expect y"] if kind == "udp" else []
    with net.dead_end("nobody0"):
        run("ip", "addr", "add", "10.77.0.1/24", "dev", "nobody0")
        result = probe(kind, "10.77.0.2:80", *steps)
    assert result.reason == "unreachable_host"


def test_no_route():
    result = probe("tcp", "203.0.113.1:80")
    assert result.reason == "local"


def test_silent_host(serve):
    """Nobody accepts, and the queue is full: no answer to the first packet."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as crowd:
        for _ in range(3):
            one = crowd.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        result = probe("tcp", f"127.0.0.1:{listener.getsockname()[1]}", timeout=1)
    assert result.reason == "timeout"
    assert "connect_seconds" not in result.row("tcp")


def test_reset(serve):
    def talk(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    assert probe("tcp", serve(talk).address, "expect hello").reason == "reset"


def test_options_of_the_socket(serve):
    server = serve(drain)
    assert probe("tcp", server.address, source="127.0.0.9", interface="lo", dscp=46).reason == "ok"
    wait_for(lambda: server.peers == ["127.0.0.9"], "the connection")
    result = probe("tcp", server.address, source="192.0.2.1")
    assert result.reason == "local" and "source 192.0.2.1" in result.row("tcp")["failure"]
    result = probe("tcp", server.address, interface="nothere")
    assert result.reason == "local" and "nothere" in result.row("tcp")["failure"]


# --- dialogues -----------------------------------------------------------------------------------------------------


def smtp(connection):
    connection.sendall(b"220 mx.example ESMTP ready\r\n")
    assert read_line(connection) == b"EHLO mx.example\n"
    connection.sendall(b"250-mx.example\r\n250 HELP\r\n")
    drain(connection)


SMTP_STEPS = ("expect ^220 (?P<host>[^ ]+) ESMTP (.+)$", "label host=${host}", "label rest=$2-$$",
              "send EHLO ${1}", "expect ^250 HELP")


def test_dialogue_with_captures(serve):
    result = probe("tcp", serve(smtp).address, *SMTP_STEPS)
    assert result.reason == "ok"
    assert result.labels("tcp_expect") == {"host": "mx.example", "rest": "ready-$"}
    row = result.row("tcp")
    assert row["steps"] == 5 and row["dialogue_seconds"] > 0
    assert row["received_bytes"] == len("220 mx.example ESMTP ready\r\n250-mx.example\r\n250 HELP\r\n")


def test_dripping_server(serve):
    def talk(connection):
        for byte in b"noise\r\n220 ready\r\n":
            connection.sendall(bytes([byte]))
            time.sleep(0.005)
        drain(connection)

    assert probe("tcp", serve(talk).address, "expect ^220 ready$", pause=0).reason == "ok"


def test_dripping_for_ever(serve):
    def talk(connection):
        while True:
            connection.sendall(b"x")
            time.sleep(0.01)

    result = probe("tcp", serve(talk).address, "expect hello", timeout=1)
    assert result.reason == "timeout"
    assert result.row("tcp")["rule_failed"] == 0
    assert "expect hello" in result.row("tcp")["failure"]


def test_prompt_without_a_newline(serve):
    def talk(connection):
        connection.sendall(b"welcome\r\nlogin: ")
        assert read_line(connection) == b"root\n"
        connection.sendall(b"password: ")
        drain(connection)

    server = serve(talk)
    assert probe("tcp", server.address, "expect ^login: $", "send root", "expect ^password: $").reason == "ok"
    assert probe("tcp", server.address, "expect ^login: $", pause=0, timeout=1).reason == "timeout"


def test_no_line_matches(serve):
    result = probe("tcp", serve(lambda c: c.sendall(b"500 go away\r\nbye")).address, "expect ^220")
    assert result.reason == "content"
    assert result.row("tcp")["rule_failed"] == 1 and result.row("tcp")["bytes_failed"] == 0


def test_rejected_line(serve):
    def talk(connection):
        connection.sendall(b"100 wait\r\n500 go away\r\n")
        drain(connection)

    result = probe("tcp", serve(talk).address, "expect ^220", "reject ^5")
    assert result.reason == "content" and result.row("tcp")["rule_failed"] == 1


def test_bytes_in_pieces(serve):
    """blackbox_exporter fails here: it looks at the first segment only, and forgets what expect has read too much."""

    def talk(connection):
        connection.sendall(b"hello\r\nab")
        time.sleep(0.05)
        connection.sendall(b"\x00\xff")
        drain(connection)

    result = probe("tcp", serve(talk).address, "expect hello", r"expect_bytes ab\x00\xff")
    assert result.reason == "ok"


def test_other_bytes(serve):
    def talk(connection):
        connection.sendall(b"N")
        drain(connection)

    result = probe("tcp", serve(talk).address, r"send_raw \x00\x00\x00\x08\x04\xd2\x16\x2f", "expect_bytes S")
    assert result.reason == "content"
    assert result.row("tcp")["bytes_failed"] == 1 and result.row("tcp")["rule_failed"] == 0


def test_send_raw_has_no_newline(serve):
    got = []

    def talk(connection):
        got.append(connection.recv(100))
        connection.sendall(b"S")
        drain(connection)

    assert probe("tcp", serve(talk).address, r"send_raw \x00\x00\x00\x08\x04\xd2\x16\x2f", "expect_bytes S").reason == "ok"
    assert got == [bytes.fromhex("0000000804d2162f")]


def test_half_closed(serve):
    """The server ends its side and still hears what we say."""
    got = []

    def talk(connection):
        connection.sendall(b"220 ready\r\n")
        connection.shutdown(socket.SHUT_WR)
        got.append(read_line(connection))
        drain(connection)

    server = serve(talk)
    assert probe("tcp", server.address, "expect ^220", "send QUIT").reason == "ok"
    wait_for(lambda: got == [b"QUIT\n"], "the line")


def test_endless_line(serve):
    def talk(connection):
        while True:
            connection.sendall(b"x" * 65536)

    result = probe("tcp", serve(talk).address, "expect hello")
    assert result.reason == "protocol" and "64 KiB" in result.row("tcp")["failure"]


def test_endless_lines(serve):
    def talk(connection):
        while True:
            connection.sendall(b"line\r\n" * 10000)

    result = probe("tcp", serve(talk).address, "expect hello")
    assert result.reason == "protocol" and "1 MiB" in result.row("tcp")["failure"]


def test_garbage(serve):
    def talk(connection):
        connection.sendall(os.urandom(30000) + b"\r\n220 ready\r\n")
        drain(connection)

    assert probe("tcp", serve(talk).address, "expect ^220 ready").reason == "ok"


def test_costly_expression(serve):
    """A line and an expression that would keep a backtracking engine busy for ages."""

    def talk(connection):
        connection.sendall(b"a" * 60000 + b"\r\n220 ready\r\n")
        drain(connection)

    result = probe("tcp", serve(talk).address, "expect ^(?:(?:a+)+b|220 ready)$")
    assert result.reason == "ok"
    assert result.took < PATIENCE_SECONDS / 2


@pytest.mark.parametrize("steps, why", [
    (["expect ("], "missing closing parenthesis"),
    (["expect"], "no regular expression"),
    (["label a=b"], "belongs to an expect"),
    (["expect x", "label 1a=b"], "NAME=VALUE"),
    (["expect x", "label target=b"], "reserved"),
    (["send_raw \\q"], "is no escape"),
    (["shout x"], "is no step"),
])
def test_bad_steps(steps, why):
    done = subprocess.run([str(BINARY), "probe", "tcp", "127.0.0.1:1", "--steps=" + ",".join(steps)],
                          capture_output=True, text=True, env=clean_environment(), timeout=PATIENCE_SECONDS)
    assert done.returncode != 0 and why in done.stderr


# --- TLS -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("tcp") / "certificates")
    authority.issue("good", "IP:127.0.0.1,DNS:good.example,DNS:*.wild.example")
    authority.issue("other", "DNS:other.example")
    authority.issue("expired", "IP:127.0.0.1,DNS:good.example", days=0)
    # Valid for no time at all: it has expired by now.
    wait_for(lambda: "will expire" in subprocess.run(
        ["openssl", "x509", "-in", authority.folder / "expired.pem", "-checkend", "0"],
        capture_output=True, text=True).stdout, "the certificate to expire")
    Authority(authority.folder, "stranger").issue("self", "IP:127.0.0.1")
    return authority


def server_context(authority, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.folder / f"{name}.pem", authority.folder / f"{name}.key")
    return context


@pytest.fixture
def serve_tls(serve, authority):
    def start(name="good", talk=drain, context=None):
        context = context or server_context(authority, name)

        def secured(connection):
            with context.wrap_socket(connection, server_side=True) as tls:
                talk(tls)

        return serve(secured)

    return start


def fingerprint(authority, name):
    out = subprocess.run(["openssl", "x509", "-in", authority.folder / f"{name}.pem", "-noout", "-fingerprint", "-sha256"],
                         capture_output=True, text=True, check=True).stdout
    return out.split("=")[1].strip().replace(":", "").lower()


def end_of(authority, name):
    out = subprocess.run(["openssl", "x509", "-in", authority.folder / f"{name}.pem", "-noout", "-enddate"],
                         capture_output=True, text=True, check=True).stdout
    return ssl.cert_time_to_seconds(out.split("=")[1].strip())


def test_good_certificate(serve_tls, authority):
    result = probe("tcp", serve_tls().address, tls=True, tls_ca_file=authority.folder / "ca.pem")
    assert result.reason == "ok"
    assert result.row("tcp")["tls_seconds"] > 0
    tls = result.row("tls")
    assert tls["is_verified"] == 1 and tls["certificates"] == 1 and tls["ocsp_stapled"] == 0
    assert tls["earliest_expiry_timestamp_seconds"] == end_of(authority, "good")
    assert tls["chain_expiry_timestamp_seconds"] == min(end_of(authority, "good"), end_of(authority, "ca"))
    assert "verify_error" not in tls and "ocsp_status" not in tls
    assert result.labels("tls_connection") == {"version": "TLS 1.3", "cipher": "TLS_AES_256_GCM_SHA384"}
    leaf = result.labels("tls_certificate")
    assert leaf["fingerprint_sha256"] == fingerprint(authority, "good")
    assert leaf["subject"] == "CN=good" and leaf["issuer"] == "CN=test ca"
    assert leaf["subjectalternative"] == "good.example,*.wild.example"
    assert result.row("tls_certificate", position="0")["not_after_timestamp_seconds"] == end_of(authority, "good")


@pytest.mark.parametrize("name, options, error", [
    ("expired", {}, "certificate has expired"),
    ("other", {}, "IP address mismatch"),
    ("good", {"tls_server_name": "bad.example"}, "hostname mismatch"),
    ("self", {}, "unable to get local issuer certificate"),
])
def test_bad_certificates(serve_tls, authority, name, options, error):
    """The facts are there although the handshake ends."""
    server = serve_tls(name)
    result = probe("tcp", server.address, tls=True, tls_ca_file=authority.folder / "ca.pem", **options)
    assert result.reason == "tls_verify"
    assert result.row("tls")["is_verified"] == 0
    assert error.lower() in result.row("tls")["verify_error"].lower()
    assert error.lower() in result.row("tcp")["failure"].lower()
    assert result.row("tls")["earliest_expiry_timestamp_seconds"] == end_of(authority, name)
    assert "chain_expiry_timestamp_seconds" not in result.row("tls")
    assert result.labels("tls_certificate")["fingerprint_sha256"] == fingerprint(authority, name)
    assert result.labels("tls_connection")["version"] == "TLS 1.3"
    assert "rule_failed" not in result.row("tcp")
    # Whoever does not ask for it gets through, and is told all the same.
    result = probe("tcp", server.address, tls=True, tls_verify=False, tls_ca_file=authority.folder / "ca.pem", **options)
    assert result.reason == "ok"
    assert result.row("tls")["is_verified"] == 0 and error.lower() in result.row("tls")["verify_error"].lower()
    assert "chain_expiry_timestamp_seconds" not in result.row("tls")


@pytest.mark.parametrize("name, is_good", [
    ("good.example", True), ("GOOD.example.", True), ("a.wild.example", True), ("wild.example", False),
    ("a.b.wild.example", False), ("good", False),
])
def test_names(serve_tls, authority, name, is_good):
    asked = []
    context = server_context(authority, "good")
    context.sni_callback = lambda tls, asked_for, _: asked.append(asked_for)
    result = probe("tcp", serve_tls(context=context).address, tls=True, tls_ca_file=authority.folder / "ca.pem",
                   tls_server_name=name)
    assert result.reason == ("ok" if is_good else "tls_verify")
    assert asked == [name.rstrip(".")]


def test_trusted_by_itself(serve_tls, authority):
    """As with Go, what is in the file is trusted, also when an authority that is not there has signed it."""
    result = probe("tcp", serve_tls("self").address, tls=True, tls_ca_file=authority.folder / "self.pem")
    assert result.reason == "ok"


def test_old_versions(serve_tls, authority):
    context = server_context(authority, "good")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    server = serve_tls(context=context)
    ca = authority.folder / "ca.pem"
    result = probe("tcp", server.address, tls=True, tls_ca_file=ca)
    assert result.reason == "ok" and result.labels("tls_connection")["version"] == "TLS 1.2"
    result = probe("tcp", server.address, tls=True, tls_ca_file=ca, tls_min_version="tls1.3")
    assert result.reason == "tls_handshake" and "version" in result.row("tcp")["failure"]


def test_client_certificate(serve_tls, authority):
    context = server_context(authority, "good")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.folder / "ca.pem")

    def talk(tls):
        tls.sendall(b"hello " + tls.getpeercert()["subject"][0][0][1].encode() + b"\r\n")
        drain(tls)

    server = serve_tls(context=context, talk=talk)
    options = {"tls": True, "tls_ca_file": authority.folder / "ca.pem"}
    ours = {"tls_cert_file": authority.folder / "other.pem", "tls_key_file": authority.folder / "other.key"}
    assert probe("tcp", server.address, "expect hello other", **options, **ours).reason == "ok"
    result = probe("tcp", server.address, "expect hello other", **options)
    assert result.reason == "tls_handshake" and "certificate required" in result.row("tcp")["failure"]


def test_missing_files(serve_tls):
    result = probe("tcp", serve_tls().address, tls=True, tls_ca_file="/nowhere/ca.pem")
    assert result.reason == "local"
    assert "tls_ca_file: /nowhere/ca.pem: cannot open" in result.row("tcp")["failure"]


def test_no_tls_at_all(serve):
    def talk(connection):
        connection.sendall(b"220 ready\r\n")
        drain(connection)

    assert probe("tcp", serve(talk).address, tls=True).reason in ("tls_handshake", "protocol")


def test_end_in_the_handshake(serve):
    result = probe("tcp", serve(lambda connection: connection.recv(1)).address, tls=True)
    assert result.reason in ("tls_handshake", "reset")
    result = probe("tcp", serve(lambda connection: connection.recv(65536)).address, tls=True)
    assert result.reason == "tls_handshake" and "has closed" in result.row("tcp")["failure"]


def test_silence_in_the_handshake(serve):
    result = probe("tcp", serve(drain).address, tls=True, timeout=1)
    assert result.reason == "timeout" and "handshake" in result.row("tcp")["failure"]


def test_dialogue_in_tls(serve_tls, authority):
    result = probe("tcp", serve_tls(talk=smtp).address, *SMTP_STEPS, tls=True, tls_ca_file=authority.folder / "ca.pem")
    assert result.reason == "ok" and result.labels("tcp_expect")["host"] == "mx.example"


def test_much_in_tls(serve_tls, authority):
    """More than fits into what is read at a time, in records that end anywhere."""

    def talk(tls):
        for _ in range(10):
            tls.sendall(b"line\r\n" * 10000)
        tls.sendall(b"220 ready\r\n")
        drain(tls)

    result = probe("tcp", serve_tls(talk=talk).address, "expect ^220", tls=True, tls_ca_file=authority.folder / "ca.pem")
    assert result.reason == "ok" and result.row("tcp")["received_bytes"] == 600011


# --- STARTTLS ------------------------------------------------------------------------------------------------------

STARTTLS = {
    "smtp": [(b"220-hello\r\n220 mx ESMTP\r\n", b"EHLO netsonde\r\n"),
             (b"250-mx\r\n250-STARTTLS\r\n250 HELP\r\n", b"STARTTLS\r\n"), (b"220 go ahead\r\n", None)],
    "imap": [(b"* OK IMAP4rev1 ready\r\n", b"a1 STARTTLS\r\n"), (b"a1 OK begin\r\n", None)],
    "pop3": [(b"+OK ready\r\n", b"STLS\r\n"), (b"+OK begin\r\n", None)],
    "ftp": [(b"220 ftp ready\r\n", b"AUTH TLS\r\n"), (b"234 begin\r\n", None)],
}


def starttls_talk(context, lines, after):
    def talk(connection):
        for said, answer in lines:
            connection.sendall(said)
            if answer:
                got = read_line(connection)
                assert got == answer, got
        with context.wrap_socket(connection, server_side=True) as tls:
            after(tls)

    return talk


@pytest.mark.parametrize("protocol", STARTTLS)
def test_starttls(serve, authority, protocol):
    def after(tls):
        assert read_line(tls) == b"NOOP\n"
        tls.sendall(b"fine\r\n")
        drain(tls)

    talk = starttls_talk(server_context(authority, "good"), STARTTLS[protocol], after)
    result = probe("tcp", serve(talk).address, "send NOOP", "expect ^fine$", starttls=protocol,
                   tls_ca_file=authority.folder / "ca.pem")
    assert result.reason == "ok", result.sample
    assert result.row("tls")["is_verified"] == 1 and result.row("tcp")["tls_seconds"] > 0
    result = probe("tcp", serve(talk).address, starttls=protocol, tls_ca_file=authority.folder / "self.pem")
    assert result.reason == "tls_verify" and result.row("tcp")["rule_failed"] == 0


@pytest.mark.parametrize("protocol, refusal", [
    ("smtp", b"454 TLS not available\r\n"), ("imap", b"a1 NO\r\n"), ("pop3", b"-ERR no\r\n"), ("ftp", b"502 no\r\n"),
])
def test_starttls_refused(serve, authority, protocol, refusal):
    lines = STARTTLS[protocol][:-1] + [(refusal, None)]

    def talk(connection):
        for said, answer in lines:
            connection.sendall(said)
            if answer:
                read_line(connection)
        drain(connection)

    result = probe("tcp", serve(talk).address, starttls=protocol)
    assert result.reason == "content" and result.row("tcp")["rule_failed"] == 1
    assert result.row("tls") is None


def test_starttls_not_offered(serve):
    def talk(connection):
        connection.sendall(b"220 mx ESMTP\r\n")
        read_line(connection)
        connection.sendall(b"250-mx\r\n250 HELP\r\n")
        drain(connection)

    assert probe("tcp", serve(talk).address, starttls="smtp").reason == "content"


def test_words_slipped_in_before_tls(serve, authority):
    """What comes in the clear behind the answer to STARTTLS must not be taken for something that was said inside."""

    def talk(connection):
        connection.sendall(b"+OK ready\r\n")
        read_line(connection)
        connection.sendall(b"+OK begin\r\n+OK injected\r\n")
        drain(connection)

    result = probe("tcp", serve(talk).address, "expect injected", starttls="pop3")
    assert result.reason == "protocol"


def test_steps_of_blackbox(serve, authority):
    """Its own example of a dialogue with STARTTLS, in our words."""

    def after(tls):
        assert read_line(tls) == b"EHLO prober\n"
        tls.sendall(b"250-mx\r\n250-AUTH PLAIN\r\n250 HELP\r\n")
        assert read_line(tls) == b"QUIT\n"

    lines = [(b"220 mx.example ESMTP ready\r\n", b"EHLO prober\n"), (b"250-mx\r\n250-STARTTLS\r\n250 HELP\r\n", b"STARTTLS\n"),
             (b"220 go\r\n", None)]
    server = serve(starttls_talk(server_context(authority, "good"), lines, after))
    result = probe("tcp", server.address, "expect ^220 ([^ ]+) ESMTP (.+)$", "send EHLO prober", "expect ^250-STARTTLS",
                   "send STARTTLS", "expect ^220", "starttls", "send EHLO prober", "expect ^250-AUTH", "send QUIT",
                   tls_ca_file=authority.folder / "ca.pem")
    assert result.reason == "ok"
    wait_for(lambda: server.ends == ["done"], "the end")


# --- UDP -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def udp_server(answer):
    """Sends what answer(datagram, n) returns: a list of datagrams. n counts from 1."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    got = []

    def serve_datagrams():
        with contextlib.suppress(OSError):
            while True:
                datagram, peer = server.recvfrom(65536)
                if datagram == b"stop":
                    return
                got.append(datagram)
                for one in answer(datagram, len(got)):
                    server.sendto(one, peer)

    thread = threading.Thread(target=serve_datagrams)
    thread.start()
    try:
        yield "127.0.0.1:%d" % server.getsockname()[1], got
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"stop", server.getsockname())
        thread.join()
        server.close()


def test_udp():
    with udp_server(lambda datagram, n: [b"pong 42"]) as (address, got):
        result = probe("udp", address, "send_raw ping", r"expect ^pong (\d+)$", "label number=$1")
    row = result.row("udp")
    assert result.reason == "ok" and got == [b"ping"]
    assert row["request_seconds"] > 0 and row["attempts"] == 1 and row["bytes"] == 7 and row["rule_failed"] == 0
    assert result.labels("tcp_expect") == {"number": "42"}


def test_udp_tries_again():
    with udp_server(lambda datagram, n: [b"pong"] if n == 3 else []) as (address, got):
        result = probe("udp", address, "send_raw ping", "expect pong", wait=0.05)
    assert result.reason == "ok" and result.row("udp")["attempts"] == 3 and got == [b"ping"] * 3


def test_udp_silence():
    with udp_server(lambda datagram, n: []) as (address, got):
        result = probe("udp", address, "send_raw ping", "expect pong", wait=0.05, attempts=2, timeout=1)
    assert result.reason == "timeout" and result.row("udp")["attempts"] == 2 and got == [b"ping"] * 2
    assert "request_seconds" not in result.row("udp")


def test_udp_other_answers():
    with udp_server(lambda datagram, n: [b"", b"noise", os.urandom(60000), b"pong"]) as (address, _):
        assert probe("udp", address, "send_raw ping", "expect ^pong$").reason == "ok"
    with udp_server(lambda datagram, n: [b"pang"]) as (address, _):
        result = probe("udp", address, "send_raw ping", "expect_bytes pong")
        assert result.reason == "content" and result.row("udp")["bytes_failed"] == 1
        result = probe("udp", address, "send_raw ping", "expect pong", "reject pang")
        assert result.reason == "content" and result.row("udp")["rule_failed"] == 1


def test_udp_exchange():
    with udp_server(lambda datagram, n: [b"token %d" % n] if n == 1 else [datagram[::-1]]) as (address, got):
        result = probe("udp", address, "send_raw hello", r"expect ^token (\d)$", "send use $1", r"expect_bytes \n1 esu")
    assert result.reason == "ok" and got == [b"hello", b"use 1\n"]


def test_udp_nobody_listens():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    result = probe("udp", f"127.0.0.1:{port}", "send_raw ping", "expect pong")
    assert result.reason == "unreachable_port"


# --- the daemon ----------------------------------------------------------------------------------------------------


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def test_no_descriptor_is_lost(serve, serve_tls, authority, start_daemon):
    """Many runs of every kind, good and bad, on the schedule: with the filter of system calls that the tests run with."""
    ca = str(authority.folder / "ca.pem")

    def reset(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    # Bound, but nobody listens: and nobody else gets the port.
    silence = socket.socket()
    silence.bind(("127.0.0.1", 0))
    closed = "127.0.0.1:%d" % silence.getsockname()[1]
    fast = {"type": "tcp", "interval": 0.1, "timeout": 0.09}
    probes = {
        "plain": {**fast, "steps": ["expect ^220 ([^ ]+)", "label host=$1", "label tier=$1", "send EHLO $1"]},
        "tls": {**fast, "tls": True, "tls_ca_file": ca},
        "none": fast,
    }
    kinds = {
        "good": (serve(smtp).address, "plain", {"tier": "mail"}), "silent": (serve(drain).address, "plain", {}),
        "reset": (serve(reset).address, "plain", {}), "closed": (closed, "none", {}),
        "secure": (serve_tls().address, "tls", {}), "stranger": (serve_tls("self").address, "tls", {}),
        "clear": (serve(drain).address, "tls", {}),
    }
    daemon = start_daemon(make_config(
        [{"name": name, "address": address, "probes": [kind], "labels": labels}
         for name, (address, kind, labels) in kinds.items()], probes))
    for name in kinds:
        daemon.wait_runs(name, 5)
    before = descriptors(daemon)
    metrics = None
    for name in kinds:
        metrics = daemon.wait_runs(name, 60)
    # A run of each may be under way at either moment.
    assert descriptors(daemon) <= before + len(kinds)
    assert metrics.get("netsonde_tcp_expect_info", target="good", host="mx.example", tier="mail") == 1
    assert metrics.get("netsonde_tls_is_verified", target="secure") == 1
    expected = {"good": {}, "silent": {"timeout"}, "reset": {"reset"}, "closed": {"refused"}, "secure": {},
                "stranger": {"tls_verify"}, "clear": {"timeout"}}
    assert {name: set(metrics.failures(name)) - {"timeout"} for name in ("good", "secure", "stranger")} == {
        "good": set(), "secure": set(), "stranger": {"tls_verify"}}
    for name in ("silent", "closed", "clear"):
        assert set(metrics.failures(name)) == set(expected[name])
    daemon.stop()


def test_certificates_change_while_it_runs(serve_tls, authority, start_daemon, tmp_path):
    """The file of trusted certificates is replaced by a good one, a broken one and a missing one."""
    ca = tmp_path / "trusted.pem"
    ca.write_bytes((authority.folder / "self.pem").read_bytes())
    daemon = start_daemon(make_config([("a", serve_tls().address)], {
        "tcp": {"type": "tcp", "interval": 0.2, "timeout": 0.19, "tls": True, "tls_ca_file": str(ca)}}))
    daemon.wait_metrics(lambda m: m.failures("a").get("tls_verify"), "a failure")
    ca.write_bytes((authority.folder / "ca.pem").read_bytes())
    daemon.wait_metrics(lambda m: m.get("netsonde_tls_is_verified", target="a") == 1, "a success")
    ca.write_text("nothing")
    wait_for(lambda: "the certificates that were read before stay in force" in daemon.log, "the log")
    runs = daemon.metrics().get("netsonde_probe_runs_total", target="a")
    failures = daemon.metrics().failures("a")
    metrics = daemon.wait_runs("a", runs + 5)
    assert metrics.failures("a").get("tls_verify") == failures.get("tls_verify")
    assert metrics.failures("a").get("local") is None
