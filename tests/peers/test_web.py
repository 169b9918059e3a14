"""One file of exporter-toolkit for netsonde and for blackbox_exporter; a real Prometheus scrapes both through it."""

import crypt
import http.client
import re
import shutil
import socket
import subprocess
import ssl
import warnings

import pytest

from certificates import Authority
from servers import Prometheus, free_ports
from support import Daemon, make_config, wait_for

warnings.filterwarnings("ignore", category=DeprecationWarning)

BLACKBOX = shutil.which("prometheus-blackbox-exporter") or shutil.which("blackbox_exporter")

TOOLKIT = """\
tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_ca_file: ca.pem
  client_auth_type: RequireAndVerifyClientCert
  min_version: TLS12
  cipher_suites:
    - TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
    - TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
  prefer_server_cipher_suites: true
  curve_preferences: [ X25519, CurveP256 ]
http_server_config:
  http2: true
  headers:
    X-Content-Type-Options: nosniff
    Strict-Transport-Security: max-age=31536000
basic_auth_users:
  prometheus: %s
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("web"))
    authority.issue("server", "IP:127.0.0.1")
    authority.issue("client", "DNS:prometheus")
    (authority.folder / "web.yml").write_text(TOOLKIT % crypt.crypt("secret", "$2y$10$abcdefghijklmnopqrstuu"))
    return authority.folder


@pytest.fixture(scope="module")
def client(folder):
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.load_cert_chain(folder / "client.pem", folder / "client.key")
    return context


@pytest.fixture(scope="module")
def daemon(folder, client):
    config = make_config([("here", "127.0.0.1")], web={"config_file": "web.yml"})
    one = Daemon(folder, config, client=client)
    one.fields = {"Authorization": "Basic cHJvbWV0aGV1czpzZWNyZXQ="}
    yield one.wait_ready()
    one.stop()


@pytest.fixture(scope="module")
def blackbox(folder):
    port = free_ports(1)[0]
    (folder / "blackbox.yml").write_text("modules: { tcp: { prober: tcp } }\n")
    with open(folder / "blackbox.log", "wb") as log:
        process = subprocess.Popen(
            [BLACKBOX, "--config.file=blackbox.yml", "--web.config.file=web.yml", f"--web.listen-address=127.0.0.1:{port}"],
            cwd=folder, stdout=log, stderr=log)

    def is_listening():
        assert process.poll() is None, (folder / "blackbox.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_for(is_listening, "blackbox_exporter")
    yield f"127.0.0.1:{port}"
    process.terminate()
    process.wait(30)


def ask(address, client, path="/metrics", fields=None):
    connection = http.client.HTTPSConnection(address, timeout=60, context=client)
    try:
        connection.request("GET", path, headers=fields or {})
        response = connection.getresponse()
        response.read()
        return response.status, response.headers, connection.sock and connection.sock.version()
    finally:
        connection.close()


def test_both_take_the_file_alike(daemon, blackbox, client, folder):
    plain = ssl.create_default_context(cafile=folder / "ca.pem")
    for address in (daemon.address, blackbox):
        status, headers, _ = ask(address, client, fields=daemon.fields)
        assert status == 200
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Strict-Transport-Security"] == "max-age=31536000"
        status, headers, _ = ask(address, client)
        assert status == 401 and headers["WWW-Authenticate"].startswith("Basic")
        assert ask(address, client, fields={"Authorization": "Basic cHJvbWV0aGV1czp3cm9uZw=="})[0] == 401
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(address, plain, fields=daemon.fields)


@pytest.fixture
def scrape(folder, tmp_path):
    servers = []

    def start(target, password="secret"):
        credentials = f"basic_auth: {{ username: prometheus, password: {password} }}"
        files = f"ca_file: {folder}/ca.pem, cert_file: {folder}/client.pem, key_file: {folder}/client.key"
        (tmp_path / str(len(servers))).mkdir()
        servers.append(Prometheus(tmp_path / str(len(servers)), target,
                                  f"scheme: https, tls_config: {{ {files} }}, {credentials}"))
        return servers[-1]

    yield start
    for one in servers:
        one.stop()


def test_prometheus_scrapes_with_certificate_and_password(daemon, blackbox, scrape):
    ours, theirs, wrong = scrape(daemon.address), scrape(blackbox), scrape(daemon.address, "wrong")
    for one in (ours, theirs):
        wait_for(lambda one=one: one.query("up == 1"), "up == 1")
    wait_for(lambda: ours.query("netsonde_probe_success == 1"), "results of the daemon")
    wait_for(lambda: wrong.query("up == 0"), "up == 0 with the wrong password")
    assert not wrong.query("up == 1")
    # One connection serves all scrapes, and one comparison all passwords.
    wait_for(lambda: (ours.query("netsonde_web_scrapes_total") or [(0, 0)])[0][1] >= 5, "some scrapes")
    opened = daemon.metrics().get("netsonde_web_connections_total")
    wait_for(lambda: ours.query("netsonde_web_scrapes_total")[0][1] >= 10, "more scrapes")
    assert daemon.metrics().get("netsonde_web_connections_total") - opened <= 3
    assert not re.search("secret", daemon.log)
