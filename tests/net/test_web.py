"""TLS, client certificates, passwords and tokens of the web server, and clients that mean it no good."""

import base64
import crypt
import ctypes
import os
import re
import select
import shutil
import socket
import ssl
import subprocess
import threading
import time
import warnings

import pytest

from certificates import Authority
from support import BINARY, Daemon, clean_environment, make_config, wait_for

warnings.filterwarnings("ignore", category=DeprecationWarning)

TARGETS = [("here", "127.0.0.1")]
# Quick hashes: what they cost is bcrypt's business.
HASH = crypt.crypt("secret", "$2y$04$abcdefghijklmnopqrstuu")
DEAR = crypt.crypt("secret", "$2y$10$abcdefghijklmnopqrstuu")


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    one = Authority(tmp_path_factory.mktemp("tls"))
    one.issue("server", "IP:127.0.0.1")
    one.issue("client", "DNS:prom.example,IP:192.0.2.7,URI:spiffe://x/prom,email:a@b.example")
    one.issue("other", "DNS:other.example")
    return one


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    one = Authority(tmp_path_factory.mktemp("stranger"), "stranger")
    one.issue("client", "DNS:prom.example")
    return one


def client_of(authority, name=None, folder=None, **versions):
    context = ssl.create_default_context(cafile=authority.folder / "ca.pem")
    for key, value in versions.items():
        setattr(context, key, value)
    if name:
        folder = folder or authority.folder
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


class Start:
    """Starts daemons whose web.config_file has a given text, in a folder that has the certificates."""

    def __init__(self, folder, authority):
        self.folder = folder
        self.daemons = []
        for file in authority.folder.iterdir():
            shutil.copy(file, folder)

    def __call__(self, text=None, client=None, fields=None, tokens=None, web=None, probes=None, ready=True):
        web = dict(web or {})
        if text is not None:
            (self.folder / "web.yml").write_text(text)
            web["config_file"] = "web.yml"
        if tokens is not None:
            (self.folder / "tokens").write_text(tokens)
            web["bearer_token_file"] = "tokens"
        (self.folder / "log").unlink(missing_ok=True)  # of one before
        daemon = Daemon(self.folder, make_config(TARGETS, probes, web=web), client=client)
        daemon.fields = fields or {}
        self.daemons.append(daemon)
        return daemon.wait_ready() if ready else daemon


@pytest.fixture
def start(tmp_path, authority):
    one = Start(tmp_path, authority)
    yield one
    for daemon in one.daemons:
        daemon.stop()


TLS = "tls_server_config: { cert_file: server.pem, key_file: server.key%s }\n"
MUTUAL = ", client_ca_file: ca.pem, client_auth_type: %s"


# --- TLS ------------------------------------------------------------------------------------------------------------


def test_tls(start, authority):
    daemon = start(TLS % "", client_of(authority))
    daemon.wait_runs("here", 2)
    metrics = daemon.metrics()
    assert 86400 < metrics.get("netsonde_web_certificate_expiry_timestamp_seconds") - time.time() <= 2 * 86400
    assert metrics.get("netsonde_web_config_file_success") == 1
    assert "level=info what=web why=\"https://" in daemon.log
    # Who does not know the authority goes away; who speaks no TLS is told so.
    with pytest.raises(ssl.SSLError):
        socket_of(daemon, ssl.create_default_context())
    assert b"400 Bad Request" in talk(daemon, b"GET /metrics HTTP/1.1\r\n\r\n") and "HTTPS" in last_answer
    daemon.wait_metrics(lambda m: m.get("netsonde_web_tls_handshakes_failed_total") == 2)


def socket_of(daemon, context=None, source="127.0.0.1"):
    host, port = daemon.address.split(":")
    plain = socket.create_connection((host, int(port)), timeout=30, source_address=(source, 0))
    return context.wrap_socket(plain, server_hostname=host) if context else plain


last_answer = ""


def talk(daemon, bytes_, context=None):
    """What comes back until the end."""
    global last_answer
    answer = b""
    with socket_of(daemon, context) as connection:
        connection.sendall(bytes_)
        while True:
            try:
                some = connection.recv(65536)
            except (ConnectionResetError, ssl.SSLEOFError):
                break
            if not some:
                break
            answer += some
    last_answer = answer.decode(errors="replace")
    return answer


def test_a_page_of_megabytes_over_tls(start, authority):
    daemon = start(TLS % "", client_of(authority), web={"listen": ["127.0.0.1:0"]})
    connection = daemon.connect()
    for path in ("/metrics", "/-/healthy", "/metrics?shard=0/2", "/config", "/nowhere"):
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        assert response.status == (404 if path == "/nowhere" else 200) and body
    connection.close()
    # The server says goodbye: no client takes the end for a cut.
    answer = talk(daemon, b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", daemon.client)
    assert answer.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("auth, name, is_welcome", [
    ("NoClientCert", None, True),
    ("RequestClientCert", None, True),
    ("RequestClientCert", "stranger", True),
    ("RequireAnyClientCert", None, False),
    ("RequireAnyClientCert", "stranger", True),
    ("VerifyClientCertIfGiven", None, True),
    ("VerifyClientCertIfGiven", "client", True),
    ("VerifyClientCertIfGiven", "stranger", False),
    ("RequireAndVerifyClientCert", None, False),
    ("RequireAndVerifyClientCert", "client", True),
    ("RequireAndVerifyClientCert", "stranger", False),
])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_client_certificates(start, authority, stranger, auth, name, is_welcome, version):
    text = TLS % ("" if auth == "NoClientCert" else MUTUAL % auth)
    folder = stranger.folder if name == "stranger" else None
    client = client_of(authority, "client" if name else None, folder, maximum_version=version)
    daemon = start(text, client, ready=False)
    expect_welcome(daemon, is_welcome)


def expect_welcome(daemon, is_welcome):
    wait_for(lambda: re.search(r"https://(127\.0\.0\.1:\d+)/metrics", daemon.log), "the listener")
    daemon.address = re.search(r"https://(127\.0\.0\.1:\d+)/metrics", daemon.log)[1]
    if is_welcome:
        daemon.wait_ready()
    else:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            daemon.get("/-/ready")
        wait_for(lambda: "TLS handshake failed" in daemon.log, "the log to say so")


def test_an_authority_of_an_authority(start, authority, tmp_path):
    """What is trusted need not be a root, as in Go."""
    authority.delegate("office").issue("desk", "DNS:desk.example")
    for file in ("office.pem", "desk.pem", "desk.key"):
        shutil.copy(authority.folder / file, start.folder)
    daemon = start((TLS % (MUTUAL % "RequireAndVerifyClientCert")).replace("ca.pem", "office.pem"),
                   client_of(authority, "desk"))
    assert daemon.get("/-/healthy")[0] == 200
    daemon.client = client_of(authority, "client")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        daemon.get("/-/healthy")


@pytest.mark.parametrize("sans, is_welcome", [
    (["prom.example"], True), (["192.0.2.7"], True), (["spiffe://x/prom"], True), (["a@b.example"], True),
    (["nobody", "prom.example"], True), (["nobody"], False), (["prom.exampl"], False), (["PROM.example"], False),
])
def test_client_names(start, authority, sans, is_welcome):
    more = MUTUAL % "RequireAndVerifyClientCert" + ", client_allowed_sans: [ " + ", ".join(sans) + " ]"
    daemon = start(TLS % more, client_of(authority, "client"), ready=False)
    expect_welcome(daemon, is_welcome)


def cipher_of(daemon, context):
    with socket_of(daemon, context) as connection:
        return connection.version(), connection.cipher()[0]


def test_versions_and_ciphers(start, authority):
    client = client_of(authority)
    daemon = start(TLS % ", max_version: TLS12, cipher_suites: [ TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "
                         "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 ], curve_preferences: [ CurveP384 ]", client)
    assert cipher_of(daemon, client) == ("TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305")
    with pytest.raises(ssl.SSLError):
        cipher_of(daemon, client_of(authority, minimum_version=ssl.TLSVersion.TLSv1_3))
    daemon = start(TLS % ", cipher_suites: [ TLS_AES_128_GCM_SHA256 ]", client)
    assert cipher_of(daemon, client) == ("TLSv1.3", "TLS_AES_128_GCM_SHA256")
    with pytest.raises(ssl.SSLError):
        cipher_of(daemon, client_of(authority, maximum_version=ssl.TLSVersion.TLSv1_2))


@pytest.mark.parametrize("text, why", [
    (TLS % ", cipher_suites: [ TLS_RSA_WITH_RC4_128_SHA ]",
     "web.config_file: web.yml: tls_server_config: cipher_suites: TLS_RSA_WITH_RC4_128_SHA is not known"),
    (TLS % ", curve_preferences: [ X448x ]", "curve_preferences: there are CurveP256, CurveP384, CurveP521 and X25519"),
    ("tls_server_config: { cert_file: nowhere.pem, key_file: server.key }",
     "tls_server_config: cert_file: nowhere.pem: cannot open: No such file or directory"),
    ("tls_server_config: { cert_file: server.key, key_file: server.key }",
     "tls_server_config: cert_file: server.key: no certificate in PEM form"),
    ("tls_server_config: { cert_file: server.pem, key_file: client.key }", "the key does not fit the certificate"),
    ("tls_server_config: { cert_file: server.pem, key_file: server.pem }",
     "key_file: server.pem: no private key in PEM form without a passphrase"),
    ("tls_server_config: { cert_file: server.pem, key: rubbish }", "tls_server_config: key: no private key in PEM form"),
    ("tls_server_config: { cert_file: cut.pem, key_file: server.key }",
     "tls_server_config: cert_file: cut.pem: a certificate of the chain cannot be read"),
    (TLS % ", client_ca_file: cut.pem, client_auth_type: RequireAndVerifyClientCert",
     "client_ca_file: cut.pem: a certificate cannot be read"),
    (TLS % ", client_ca_file: server.key, client_auth_type: RequireAndVerifyClientCert",
     "client_ca_file: server.key: no certificate in PEM form"),
    (TLS % (MUTUAL % "RequireAndVerifyClientCert" + ", client_allowed_sans: []"),
     "line 1: tls_server_config.client_allowed_sans: must name at least one"),
    ("basic_auth_users: { alice: secret-word }", "line 1: basic_auth_users.alice: must be a bcrypt hash"),
    ("basic_auth_user: {}", "line 1: basic_auth_user: unknown key, did you mean basic_auth_users?"),
])
def test_files_that_are_no_good(start, text, why):
    # One certificate, and the beginning of another.
    (start.folder / "cut.pem").write_text((start.folder / "server.pem").read_text() +
                                          (start.folder / "ca.pem").read_text()[:200])
    daemon = start(text, ready=False)
    assert daemon.process.wait(timeout=60) == 1
    assert why in daemon.log and "secret-word" not in daemon.log
    check = subprocess.run([BINARY, "check", "netsonde.conf"], cwd=start.folder, env=clean_environment(),
                           capture_output=True, text=True)
    assert check.returncode == 1 and why in check.stderr
    start.daemons.clear()


# --- passwords and tokens -------------------------------------------------------------------------------------------


def test_passwords(start):
    daemon = start(f"basic_auth_users: {{ alice: {HASH}, bob: {DEAR} }}", fields=basic("alice", "secret"))
    for user in ("alice", "bob"):
        assert [daemon.get("/metrics", basic(user, "secret"))[0] for _ in range(3)] == [200] * 3
    for fields in ({"Authorization": ""}, basic("alice", "Secret"), basic("carol", "secret"), basic("alice", ""),
                   {"Authorization": "Basic rubbish"}, bearer("secret")):
        status, headers, body = daemon.get("/metrics", fields)
        assert status == 401 and headers["WWW-Authenticate"] == 'Basic realm="netsonde", charset="UTF-8"'
        assert b"netsonde_" not in body
    assert daemon.metrics().get("netsonde_web_requests_unauthorized_total") == 6
    # Every page, a body that was sent for nothing, and a connection that goes on after a refusal.
    for path in ("/", "/-/healthy", "/config", "/api/v1/latest", "/nowhere"):
        assert daemon.get(path, {"Authorization": ""})[0] == 401
    assert daemon.get("/-/reload", {"Authorization": ""}, method="POST")[0] == 401
    assert "reloaded" not in daemon.log
    answer = talk(daemon, b"POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                          b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.count(b"HTTP/1.1 401") == 1 and b"Connection: close" in answer
    connection = daemon.connect()
    for fields, status in (({}, 401), (basic("alice", "secret"), 200), (basic("alice", "x"), 401)):
        connection.request("GET", "/-/healthy", headers=fields)
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()


def test_tokens(start):
    daemon = start(tokens="# Prometheus\nabc.def\n", fields=bearer("abc.def"))
    assert daemon.get("/metrics")[0] == 200
    for fields in ({"Authorization": ""}, bearer("abc.de"), basic("abc.def", ""), bearer("#")):
        status, headers, _ = daemon.get("/metrics", fields)
        assert status == 401 and headers["WWW-Authenticate"] == "Bearer"
    assert "abc.def" not in daemon.log and "abc.def" not in daemon.get("/config")[2].decode()


def test_fields_and_limit(start):
    daemon = start("http_server_config: { headers: { X-Frame-Options: deny, Strict-Transport-Security: max-age=1 } }\n"
                   "rate_limit: { interval: 1h, burst: 5 }\n")
    # wait_ready has taken one or more of the five.
    statuses = [daemon.get("/-/healthy") for _ in range(5)]
    assert all(headers["X-Frame-Options"] == "deny" for _, headers, _ in statuses)
    assert statuses[-1][0] == 429 and statuses[-1][1]["Retry-After"] == "1"


def test_a_limit_that_is_changed(start):
    """What was spent under the old limit is no debt under the new one; and a large one is no overflow."""
    daemon = start("rate_limit: { interval: 1h, burst: 5 }\n")
    wait_for(lambda: daemon.get("/-/healthy")[0] == 429, "the limit to be reached")
    replace(start.folder / "web.yml", "rate_limit: { interval: 24h, burst: 1000000 }\n")
    wait_for(lambda: "read again" in daemon.log, "the new limit")
    assert [daemon.get("/-/healthy")[0] for _ in range(5)] == [200] * 5


def test_a_flood_of_passwords_does_not_keep_others_out(start):
    """Each costs a hash of some 50 ms; only so many are accepted, and none of them holds the web thread."""
    daemon = start(f"basic_auth_users: {{ alice: {DEAR} }}", fields=basic("alice", "secret"))
    statuses, ends = [], threading.Event()

    def guess(source):
        i = 0
        while not ends.is_set():
            i += 1
            field = basic("alice", f"{source}-{i}")["Authorization"]
            with socket_of(daemon, source=source) as connection:
                connection.sendall(f"GET / HTTP/1.0\r\nAuthorization: {field}\r\n\r\n".encode())
                statuses.append(connection.recv(100).split()[1])

    guessers = [threading.Thread(target=guess, args=(f"127.0.1.{i // 8}",)) for i in range(32)]
    for one in guessers:
        one.start()
    wait_for(lambda: b"503" in statuses and b"401" in statuses, "the flood to be refused")
    for _ in range(20):
        assert daemon.get("/metrics")[0] == 200
    ends.set()
    for one in guessers:
        one.join()
    assert set(statuses) == {b"503", b"401"}
    assert daemon.metrics().get("netsonde_web_requests_postponed_total") > 0


def test_a_verdict_that_comes_after_its_client_has_left(start):
    """A hash that takes longer than a request may last: the answer is remembered, or nobody would ever get in."""
    dear = crypt.crypt("secret", "$2y$16$abcdefghijklmnopqrstuu")
    daemon = start("basic_auth_users: { alice: %s }" % dear, web={"request_timeout": 1}, ready=False)
    wait_for(lambda: re.search(r"http://(127\.0\.0\.1:\d+)/metrics", daemon.log), "the listener")
    daemon.address = re.search(r"http://(127\.0\.0\.1:\d+)/metrics", daemon.log)[1]

    def ask():
        try:
            return daemon.get("/-/healthy", basic("alice", "secret"))[0]
        except OSError:
            return None

    assert ask() is None
    wait_for(lambda: ask() == 200, "the verdict to be known")


# --- files that change ----------------------------------------------------------------------------------------------


def replace(path, text):
    path.with_suffix(".new").write_text(text)
    os.replace(path.with_suffix(".new"), path)


def test_files_are_read_again(start, authority, stranger):
    daemon = start(TLS % "", client_of(authority))
    web = start.folder / "web.yml"
    replace(web, TLS % "" + f"basic_auth_users: {{ alice: {HASH} }}\n")
    wait_for(lambda: daemon.get("/-/healthy")[0] == 401, "the password to be wanted")
    daemon.fields = basic("alice", "secret")
    assert daemon.get("/-/healthy")[0] == 200
    # What is no good changes nothing, and is told once.
    replace(web, "tls_server_config: { cert_file: [ }\n")
    daemon.wait_metrics(lambda m: m.get("netsonde_web_config_file_success") == 0, "the bad file to be seen")
    assert "line 1: did not find expected node content; what was good last stays in force" in daemon.log
    assert daemon.get("/-/healthy", {"Authorization": ""})[0] == 401
    time.sleep(2.5)
    assert daemon.log.count("what was good last") == 1
    # It names a file that comes later.
    replace(web, "tls_server_config: { cert_file: later.pem, key_file: later.key }\n")
    wait_for(lambda: "later.pem: cannot open" in daemon.log, "the missing file to be told")
    authority.issue("later", "IP:127.0.0.1")
    shutil.copy(authority.folder / "later.key", start.folder)
    shutil.copy(authority.folder / "later.pem", start.folder)
    daemon.fields = {}
    wait_for(lambda: daemon.get("/-/healthy")[0] == 200, "the files to be good")
    assert daemon.metrics().get("netsonde_web_config_file_success") == 1
    assert certificate_of(daemon) == "later"
    # A certificate that is renewed in place.
    authority.issue("renewed", "IP:127.0.0.1")
    shutil.copy(authority.folder / "renewed.key", start.folder / "later.key")
    shutil.copy(authority.folder / "renewed.pem", start.folder / "later.pem")
    wait_for(lambda: certificate_of(daemon) == "renewed", "the new certificate")


def test_a_certificate_that_is_renewed_while_it_is_read(start, authority):
    """The new one comes when the old one has been read, and what is left to read is long: it must not be missed."""
    authority.issue("later", "IP:127.0.0.1")
    shutil.copy(authority.folder / "later.pem", start.folder)
    shutil.copy(authority.folder / "later.key", start.folder)
    (start.folder / "many.pem").write_text((authority.folder / "ca.pem").read_text() * 1000)
    text = TLS % ", client_ca_file: many.pem, client_auth_type: VerifyClientCertIfGiven"
    daemon = start(text, client_of(authority))
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init()
    assert libc.inotify_add_watch(descriptor, os.fsencode(start.folder / "many.pem"), 0x20) >= 0  # IN_OPEN
    replace(start.folder / "web.yml", text + "\n")
    os.read(descriptor, 4096)
    os.replace(start.folder / "later.pem", start.folder / "server.pem")
    os.replace(start.folder / "later.key", start.folder / "server.key")
    os.close(descriptor)
    wait_for(lambda: certificate_of(daemon) == "later", "the new certificate")


def certificate_of(daemon):
    with socket_of(daemon, daemon.client) as connection:
        return dict(pair[0] for pair in connection.getpeercert()["subject"])["commonName"]


def test_a_password_that_is_taken_away(start):
    text = "basic_auth_users: { alice: %s, bob: %s }\n"
    daemon = start(text % (HASH, HASH), fields=basic("bob", "secret"))
    connection = daemon.connect()

    def ask():
        connection.request("GET", "/-/healthy", headers=basic("alice", "secret"))
        response = connection.getresponse()
        response.read()
        return response.status

    assert ask() == 200
    replace(start.folder / "web.yml", text % (crypt.crypt("new", "$2y$04$abcdefghijklmnopqrstuu"), HASH))
    wait_for(lambda: ask() == 401, "the old password to be refused on the same connection")
    assert daemon.get("/-/healthy", basic("alice", "new"))[0] == 200
    connection.close()


# --- clients that mean no good --------------------------------------------------------------------------------------

HOSTILE = {
    "nothing at all": b"",
    "half a handshake": bytes.fromhex("1603010200010001fc0303"),
    "rubbish": b"\x00\xff" * 500,
    "half a head": b"GET /metrics HTTP/1.1\r\nHost: a\r\nX-",
    "half a body": b"POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc",
}


@pytest.mark.parametrize("is_tls", [False, True])
def test_slow_and_hostile_clients(start, authority, is_tls):
    """A crowd of them from other addresses, in every phase; meanwhile scrapes of an honest client are served, and no
    run of a probe is missing."""
    client = client_of(authority) if is_tls else None
    daemon = start(TLS % "" if is_tls else None, client,
                   web={"max_connections": 40, "request_timeout": 5, "reply_timeout": 5},
                   probes={"ping": {"type": "ping", "interval": 0.5, "timeout": 0.4}})
    before = daemon.wait_runs("here", 2)
    ends = threading.Event()
    failures = []

    def annoy(number):
        source = f"127.0.2.{number % 4 + 1}"
        words = list(HOSTILE.values())[number % len(HOSTILE)]
        while not ends.is_set():
            try:
                connection = socket_of(daemon, source=source)
            except OSError:
                continue
            with connection:
                try:
                    connection.sendall(words)
                    for _ in range(30):  # drip
                        if ends.wait(0.05):
                            return
                        connection.sendall(b"x")
                        if select.select([connection], [], [], 0)[0] and not connection.recv(65536):
                            break
                except OSError:
                    pass

    def hoard(number):
        """Asks for a page and does not read it, with TLS where that is spoken."""
        while not ends.is_set():
            try:
                with socket_of(daemon, client, source="127.0.3.1") as connection:
                    connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 20)
                    ends.wait(1)
            except OSError:
                pass

    crowd = [threading.Thread(target=annoy, args=(i,)) for i in range(60)]
    crowd += [threading.Thread(target=hoard, args=(i,)) for i in range(10)]
    for one in crowd:
        one.start()
    try:
        for _ in range(40):
            status, _, body = daemon.get("/metrics")
            if status != 200:
                failures.append((status, body))
            time.sleep(0.1)
    finally:
        ends.set()
        for one in crowd:
            one.join()
    assert failures == []
    after = daemon.metrics()
    assert after.get("netsonde_web_connections_evicted_total") > 0
    assert after.sum("netsonde_schedule_skipped_total") == before.sum("netsonde_schedule_skipped_total")
    runs = [line.fields["run"] for line in daemon.lines("ping", target="here")]
    assert runs == list(range(1, len(runs) + 1))
    wait_for(lambda: daemon.metrics().get("netsonde_web_connections_open") == 1, "the crowd to be forgotten")


def test_each_phase_has_an_end(start, authority):
    """One client in each phase: when it is over is told by the figures, and none lasts."""
    daemon = start(TLS % "", client_of(authority), web={"request_timeout": 1, "reply_timeout": 1})
    open_ones = []
    for words in (b"", bytes.fromhex("1603010200010001fc0303")):
        plain = socket_of(daemon)
        plain.sendall(words)
        open_ones.append(plain)
    for words in (b"", b"GET / HTTP/1.1\r\nX: ", HOSTILE["half a body"]):
        one = socket_of(daemon, daemon.client)
        one.sendall(words)
        open_ones.append(one)
    for one in open_ones:
        while True:
            try:
                if not one.recv(65536):
                    break
            except (ConnectionResetError, ssl.SSLError):
                break
        one.close()
    assert daemon.metrics().get("netsonde_web_timeouts_total") == len(open_ones)


def test_renegotiation_is_refused(start, authority):
    daemon = start(TLS % ", max_version: TLS12", client_of(authority))
    result = subprocess.run(
        ["openssl", "s_client", "-connect", daemon.address, "-CAfile", str(authority.folder / "ca.pem"), "-tls1_2"],
        input=b"R\n", capture_output=True, timeout=60)
    assert b"no renegotiation" in result.stderr, result.stderr
    assert daemon.get("/-/healthy")[0] == 200


@pytest.mark.parametrize("is_tls", [False, True])
def test_many_requests_at_once(start, authority, is_tls):
    """More than the server reads ahead: with TLS, some of it waits inside OpenSSL, where no event tells of it."""
    client = client_of(authority) if is_tls else None
    daemon = start(TLS % "" if is_tls else None, client)
    requests = 5000
    with socket_of(daemon, client) as connection:
        connection.settimeout(0)
        words = b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n" * requests
        sent, answer, end = 0, b"", time.monotonic() + 60
        while answer.count(b"HTTP/1.1 200") < requests:
            assert time.monotonic() < end, (sent, len(words), answer.count(b"HTTP/1.1 200"))
            select.select([connection], [connection] if sent < len(words) else [], [], 0.05)
            try:
                sent += connection.send(words[sent:sent + 65536])
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                pass
            try:
                answer += connection.recv(65536)
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                pass


def test_a_body_that_came_before_the_verdict(start, authority):
    """It waits, in part inside OpenSSL, until the password was compared."""
    daemon = start(TLS % "" + f"basic_auth_users: {{ alice: {DEAR} }}", client_of(authority),
                   fields=basic("alice", "secret"), ready=False)
    wait_for(lambda: re.search(r"https://(127\.0\.0\.1:\d+)/metrics", daemon.log), "the listener")
    daemon.address = re.search(r"https://(127\.0\.0\.1:\d+)/metrics", daemon.log)[1]
    for n in (100, 33000, 40000, 48000, 64000):
        before = daemon.log.count("read again")
        replace(start.folder / "web.yml", TLS % "" + f"basic_auth_users: {{ alice: {DEAR} }}\n# {n}\n")
        wait_for(lambda: daemon.log.count("read again") > before, "the verdicts to be forgotten")
        words = (f"POST / HTTP/1.1\r\nHost: a\r\nAuthorization: {basic('alice', 'secret')['Authorization']}\r\n"
                 f"Connection: close\r\nContent-Length: {n}\r\n\r\n")
        assert talk(daemon, words.encode() + b"x" * n, daemon.client).split()[1] == b"405", n


def test_huge_heads(start):
    daemon = start()
    head = b"GET /metrics HTTP/1.1\r\nHost: a\r\n"
    for words, status in ((head + b"X: " + b"a" * 20000, b"431"), (head + b"A: b\r\n" * 100 + b"\r\n", b"431"),
                          (b"GET /" + b"a" * 30000 + b" HTTP/1.1\r\n\r\n", b"431"),
                          (b"POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", b"413")):
        assert talk(daemon, words).split()[1] == status
    assert daemon.get("/-/healthy")[0] == 200


def test_a_client_that_has_closed_its_half_is_answered(start):
    daemon = start()
    with socket_of(daemon) as connection:
        connection.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


# --- the command ----------------------------------------------------------------------------------------------------


def healthcheck(start):
    return subprocess.run([BINARY, "healthcheck", "--config=netsonde.conf"], cwd=start.folder,
                          env=clean_environment(), capture_output=True, text=True)


@pytest.mark.parametrize("text, words", [
    (None, "healthy: http://127.0.0.1:{port}/-/healthy\n"),
    (TLS % "", "healthy: https://127.0.0.1:{port}/-/healthy\n"),
    (f"basic_auth_users: {{ alice: {HASH} }}", "healthy: http://127.0.0.1:{port}/-/healthy, which wants credentials\n"),
    (TLS % (MUTUAL % "RequireAndVerifyClientCert"),
     "healthy: https://127.0.0.1:{port}/-/healthy, which wants credentials\n"),
])
def test_healthcheck(start, authority, text, words):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    daemon = start(text, client_of(authority, "client") if text and "tls" in text else None,
                   basic("alice", "secret"), web={"listen": [f"127.0.0.1:{port}"]})
    result = healthcheck(start)
    assert (result.returncode, result.stdout) == (0, words.format(port=port))
    daemon.stop()
    start.daemons.clear()
    assert healthcheck(start).returncode == 1
