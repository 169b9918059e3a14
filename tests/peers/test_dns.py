"""Queries to other people's name server, and records as blackbox_exporter shows them."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.request

import pytest

import netsonde
from servers import Server, free_ports

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(TOP / "tests"), str(TOP / "tests" / "net")]

from certificates import Authority  # noqa: E402
from name_server import NameServer, Query  # noqa: E402

NAME = "www.example.net"
SEEDS = sorted((TOP / "tests" / "fuzz" / "seeds" / "dns_reply").glob("record-*"))

UNBOUND = """
server:
  interface: 127.0.0.1@{plain}
  interface: 127.0.0.1@{tls}
  interface: 127.0.0.1@{https}
  tls-port: {tls}
  https-port: {https}
  tls-service-key: "{folder}/ca/server.key"
  tls-service-pem: "{folder}/ca/server.pem"
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
  use-syslog: no
  do-daemonize: no
  num-threads: 1
  hide-version: no
  version: "netsonde test"
  local-zone: "example.net." static
  local-data: "www.example.net. 300 IN A 192.0.2.1"
  local-data: "www.example.net. 60 IN A 192.0.2.2"
  local-data: "example.net. 60 IN SOA ns.example.net. host.example.net. 77 1 2 3 4"
"""


def find(program):
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if not path:
        pytest.skip(f"{program} is not installed")
    return path


def probe(binary, address, *options):
    result = subprocess.run(
        [binary, "probe", "dns", address, *options], capture_output=True, text=True, timeout=60, env=netsonde.environment())
    return result.returncode, result.stdout, result.stderr


def probe_json(binary, address, *options):
    code, out, error = probe(binary, address, "--json", *options)
    assert out, error
    return code, json.loads(out)


# --- unbound ---------------------------------------------------------------------------------------------------------


class Unbound(Server):
    def __init__(self, folder, binary):
        self.plain, self.tls, self.https = free_ports(3)
        self.authority = Authority(folder / "ca")
        self.authority.issue("server", "DNS:ns.example.net,IP:127.0.0.1")
        config = folder / "unbound.conf"
        config.write_text(UNBOUND.format(folder=folder, plain=self.plain, tls=self.tls, https=self.https))
        super().__init__(folder, [binary, "-d", "-c", str(config)])


@pytest.fixture(scope="module")
def unbound(tmp_path_factory, binary):
    server = Unbound(tmp_path_factory.mktemp("unbound"), find("unbound"))
    netsonde.wait_until(
        lambda: probe(binary, f"127.0.0.1:{server.plain}", f"--query_name={NAME}", "--timeout=1")[0] == 0, "unbound")
    yield server
    server.close()


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls", "https"])
def test_unbound(binary, unbound, transport):
    port = {"udp": unbound.plain, "tcp": unbound.plain, "tls": unbound.tls, "https": unbound.https}[transport]
    ca = f"--tls_ca_file={unbound.authority.folder / 'ca.pem'}"
    code, result = probe_json(binary, f"{transport}://127.0.0.1:{port}", f"--query_name={NAME}", ca, "--answer_addresses=true")
    assert code == 0, result
    row = result["dns"][0]
    assert (row["rcode_name"], row["answer_rrs"], row["min_ttl_seconds"], row["authoritative"]) == ("NOERROR", 2, 60, 1)
    assert row["transport"] == transport and row["request_seconds"] > 0
    assert {one["address"] for one in result["dns_answer"]} == {"192.0.2.1", "192.0.2.2"}
    if transport in ("tls", "https"):
        assert result["tls"][0]["is_verified"] == 1 and row["tls_seconds"] > 0
        assert result["tls_connection"][0]["version"] == "TLS 1.3"
    code, result = probe_json(binary, f"{transport}://127.0.0.1:{port}", "--query_name=nowhere.example.net", ca)
    assert code != 0 and result["reason"] == "rcode" and result["dns"][0]["rcode"] == 3


def test_unbound_soa_and_chaos(binary, unbound):
    code, result = probe_json(binary, f"127.0.0.1:{unbound.plain}", "--query_name=example.net", "--query_type=SOA")
    assert code == 0 and result["dns"][0]["serial"] == 77
    code, out, _ = probe(
        binary, f"127.0.0.1:{unbound.plain}", "--query_name=version.bind", "--query_type=TXT", "--query_class=CH")
    assert code == 0 and 'answer: version.bind. 0 CH TXT "netsonde test"' in out


def test_unbound_https_not_found(binary, unbound):
    code, result = probe_json(
        binary, f"https://127.0.0.1:{unbound.https}/elsewhere", f"--query_name={NAME}",
        f"--tls_ca_file={unbound.authority.folder / 'ca.pem'}")
    assert code != 0 and result["reason"] == "status"


# --- blackbox_exporter -----------------------------------------------------------------------------------------------

MODULES = """
modules:
  records:
    prober: dns
    timeout: 5s
    dns:
      transport_protocol: udp
      preferred_ip_protocol: ip4
      query_name: www.example.net
      query_type: A
      validate_answer_rrs:
        fail_if_matches_regexp: ["nothing is like this"]
"""

class Exporter(Server):
    health = "/-/healthy"

    def __init__(self, folder, binary):
        (self.port,) = free_ports(1)
        config = folder / "blackbox.yml"
        config.write_text(MODULES)
        super().__init__(folder, [binary, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{self.port}"])

    def records(self, target):
        status, body = self.request("/probe", target=target, module="records", debug="true")
        assert status == 200, body
        found = re.findall(r'Validating RR" rr=("(?:[^"\\]|\\.)*")', body.decode())
        return [json.loads(one) for one in found]


@pytest.fixture(scope="module")
def exporter(tmp_path_factory):
    server = Exporter(tmp_path_factory.mktemp("exporter"), find("prometheus-blackbox-exporter")).wait()
    yield server
    server.close()


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_records_look_like_those_of_blackbox_exporter(binary, exporter, seed):
    """The same message to both: what rules are applied to must be the same text."""
    message = seed.read_bytes()
    question_end = 12 + len(b"\x03www\x07example\x03net\x00") + 4

    def behave(query: Query):
        return [query.data[:2] + message[2:12] + query.question + message[question_end:]]

    server = NameServer(behave)
    try:
        theirs = exporter.records(server.address)
        code, out, error = probe(binary, server.address, f"--query_name={NAME}", "--edns_size=0", "--random_case=false")
    finally:
        server.close()
    assert code == 0, error
    ours = re.findall(r"^answer: (.*)$", out, re.M)
    assert len(ours) == 1
    # Some messages have further sections.
    assert ours[0] == theirs[0].replace("\t", " ")
