"""The same blackbox.yml, blackbox_exporter and netsonde, the same servers: the same answers.

What may differ is in blackbox_differences.py. Both run in a network of the tests' own with its own names.
"""

import os
import pathlib
import re
import subprocess
import time

import pytest

from blackbox_cases import CASES
from blackbox_compare import Answer, ask_all, compare, path_of
from blackbox_differences import differences, has_changed
from blackbox_lab import Lab, Prober, find
from netsonde import environment, wait_until
from servers import Prometheus

MODULES = pathlib.Path(__file__).with_name("blackbox.yml")
OURS = """
agent: {{ name = "tester"; workers = 2; }};
web: {{ listen = [ "{address}" ]; }};
probe_endpoint: {{ blackbox_config = "blackbox.yml"; allow = [ "127.0.0.0/8", "::1", "10.0.0.0/8", "fd00::/8", "*.lab" ]; {limits} }};
"""
LIMITS = "rate = 0;"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    one = Lab(tmp_path_factory.mktemp("lab"))
    (one.folder / "password.txt").write_text("a word\n")
    text = MODULES.read_text().replace("CERTIFICATES", str(one.certificates))
    for name, port in (("PROXY", "proxy"), ("CLOSED", "closed")):
        text = text.replace(name, f"127.0.0.1:{one.ports[port]}")
    (one.folder / "blackbox.yml").write_text(text)
    yield one
    one.close()


@pytest.fixture(scope="module")
def blackbox(lab):
    command = [find("prometheus-blackbox-exporter"), "--config.file=blackbox.yml", "--web.listen-address"]
    one = Prober(lab, "blackbox", lambda address: [*command, address], dict(os.environ))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def version():
    said = subprocess.run([find("prometheus-blackbox-exporter"), "--version"], capture_output=True, text=True, check=True)
    return tuple(map(int, re.search(r"version (\d+)\.(\d+)", said.stdout + said.stderr).groups()))


@pytest.fixture(scope="module")
def netsonde(lab, binary):
    def command(address):
        (lab.folder / "netsonde.conf").write_text(OURS.format(address=address, limits=LIMITS))
        return [binary, "run", "--config", "netsonde.conf"]

    one = Prober(lab, "netsonde", command, environment())
    yield one
    assert one.stop() == 0, one.log.read_text()


@pytest.fixture(scope="module")
def theirs(blackbox, lab):
    return ask_all(blackbox, CASES, lab.ports)


@pytest.fixture(scope="module")
def ours(netsonde, lab):
    return ask_all(netsonde, CASES, lab.ports)


def show(findings):
    return "\n".join(map(str, findings))


def test_the_servers_are_as_the_cases_say(theirs, version):
    wrong = {case.name: theirs[case.name].text for case in CASES
             if theirs[case.name].success() not in (None, float(case.succeeds)) and not has_changed(version, case)}
    assert wrong == {}


def test_blackbox_agrees_with_itself(blackbox, theirs, lab):
    """Else a difference would say nothing."""
    again = ask_all(blackbox, CASES, lab.ports)
    findings = [one for case in CASES for one in compare(case, again[case.name], theirs[case.name])]
    assert findings == [], show(findings)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_same_answer(case, ours, theirs, version):
    findings = [
        one for one in compare(case, ours[case.name], theirs[case.name])
        if not any(known.explains(one) for known in differences(version))
    ]
    assert findings == [], f"{show(findings)}\n{ours[case.name].text}\n{theirs[case.name].text}"


def test_all_known_differences_are_there(ours, theirs, version):
    findings = [one for case in CASES for one in compare(case, ours[case.name], theirs[case.name])]
    unused = [known for known in differences(version) if not any(known.explains(one) for one in findings)]
    assert unused == []


TIMEOUTS = [case for case in CASES
            if case.name.startswith("api/timeout") and case.succeeds and case.name != "api/timeout-minus"]


def test_the_same_deadlines(ours, blackbox, lab):
    """0.23 has no probe_timeout_seconds: its log says which deadline was applied."""
    found = {}
    for case in TIMEOUTS:
        _, _, text = blackbox.get(path_of(case, lab.ports) + "&debug=true", dict(case.fields))
        said = re.search(r" timeout_seconds=(\S+)", text)
        found[case.name] = (
            ours[case.name].series()[0].get(("probe_timeout_seconds", ())), float(said[1]) if said else None)
    assert {name: pair for name, pair in found.items() if pair[0] != pair[1]} == {}
    assert len(set(found.values())) > 4, found


# Where ours is not theirs: 0.23 calls a request that is wrong a failure of its own, and knows /logs?id= only.
@pytest.mark.parametrize(
    "path, our_status, their_status",
    [
        ("/probe?debug=true", 400, 400),
        ("/probe?target=127.0.0.1&module=icmp&debug=true", 200, 200),
        ("/probe?target=127.0.0.1&module=icmp&debug=false", 200, 200),
        ("/probe?module=icmp&target=127.0.0.1&target=10.255.0.1", 200, 200),
        ("/probe?module=icmp&target=", 400, 400),
        ("/probe?module=icmp&target=127.0.0.1&more=1", 200, 200),
        ("/-/healthy", 200, 200),
        ("/metrics", 200, 200),
        ("/config", 200, 200),
        ("/logs", 400, 500),
        ("/logs?id=123456789", 404, 404),
        ("/logs?id=one", 400, 500),
        ("/logs?id=1&target=x", 400, 404),
        ("/logs?module=icmp", 400, 500),
        ("/logs?target=nobody.lab&module=icmp", 404, 500),
        ("/", 200, 200),
    ],
)
def test_statuses(path, our_status, their_status, blackbox, netsonde):
    assert (netsonde.get(path, {})[0], blackbox.get(path, {})[0]) == (our_status, their_status)


def test_debug_page(lab, blackbox, netsonde):
    """Log, metrics, and the module without its secrets."""
    path = path_of(next(case for case in CASES if case.name == "http/basic"), lab.ports) + "&debug=true"
    for prober in (blackbox, netsonde):
        status, kind, text = prober.get(path, {})
        assert status == 200 and kind.startswith("text/plain")
        assert "probe_success 1\n" in text and "http_basic" in text and "basic_auth" in text
        assert "<secret>" in text and "a word" not in text


PAGE = """# TYPE probe_success gauge
probe_success 1
# TYPE probe_timeout_seconds gauge
probe_timeout_seconds 5
# TYPE probe_dns_duration_seconds gauge
probe_dns_duration_seconds{phase="request"} 0.01
# TYPE probe_tls_version_info gauge
probe_tls_version_info{version="TLS 1.3"} 1
"""


@pytest.mark.parametrize(
    "old, new, kinds",
    [
        ("0.01", "0.2", []),
        ("0.01", "0", ["zero"]),
        ("0.01", "-1", ["range"]),
        ("0.01", "11", ["range"]),
        ("success 1", "success 0", ["value"]),
        ("probe_success 1\n", "", ["missing"]),
        ("probe_success 1\n", "probe_success 1\nnetsonde_more 1\n", []),
        ("probe_success 1\n", "probe_success 1\nprobe_more 1\n", ["extra"]),
        ("TLS 1.3", "TLS 1.2", ["extra", "missing"]),
        ("success gauge", "success untyped", ["type"]),
    ],
)
def test_the_comparison_finds(old, new, kinds):
    case = CASES[0]
    assert old in PAGE
    findings = compare(case, Answer(200, "text", PAGE.replace(old, new)), Answer(200, "text", PAGE))
    assert [one.kind for one in findings] == kinds
    assert [one.kind for one in compare(case, Answer(400, "text", ""), Answer(200, "text", PAGE))] == ["status"]


SCRAPE = """
global: {{ scrape_interval: 1s, scrape_timeout: 1s }}
scrape_configs:
  - job_name: {name}-http
    metrics_path: /probe
    params:
      module: [tls]
    static_configs:
      - targets:
        - http://127.0.0.1:{http}/
        - http://four.lab:{http}/status/503
        - https://good.lab:{good}/chain/3
        - https://good.lab:{expired}/
    relabel_configs: &usual
      - source_labels: [__address__]
        target_label: __param_target
      - source_labels: [__param_target]
        target_label: instance
      - target_label: __address__
        replacement: {address}
  - job_name: {name}-icmp
    metrics_path: /probe
    params: {{ module: [icmp] }}
    static_configs: [ {{ targets: [ 127.0.0.1, dual.lab, nowhere.lab ] }} ]
    relabel_configs: *usual
  - job_name: {name}-dns
    metrics_path: /probe
    params: {{ module: [dns_soa] }}
    static_configs: [ {{ targets: [ "127.0.0.1:{knot}", "127.0.0.1:{closed}" ] }} ]
    relabel_configs: *usual
  - job_name: {name}-smtp
    metrics_path: /probe
    static_configs:
      - targets: [ "127.0.0.1:{smtp}" ]
        labels: {{ module: smtp_starttls }}
      - targets: [ "127.0.0.1:{ssh}", "127.0.0.1:{closed}" ]
        labels: {{ module: ssh_banner }}
    relabel_configs:
      - source_labels: [module]
        target_label: __param_module
      - source_labels: [__address__]
        target_label: __param_target
      - source_labels: [__param_target]
        target_label: instance
      - target_label: __address__
        replacement: {address}
"""
TARGETS = 12
# What people have on their dashboards and in their alerts.
QUERIES = (
    "probe_success",
    "probe_success == 0",
    "probe_http_status_code",
    "probe_http_status_code >= 400",
    "probe_http_redirects > 0",
    "probe_http_version",
    "probe_http_ssl",
    "probe_http_content_length",
    "probe_http_uncompressed_body_length",
    "probe_ssl_earliest_cert_expiry",
    "(probe_ssl_earliest_cert_expiry - 1e9) / 86400",
    "probe_ssl_earliest_cert_expiry - time() < 86400 * 365 * 100",
    "probe_tls_version_info",
    "probe_ip_protocol",
    "probe_ip_addr_hash",
    "probe_dns_serial",
    "probe_dns_answer_rrs",
    "probe_icmp_reply_hop_limit",
    "probe_failed_due_to_regex and on (instance) probe_success == 1",
    "min_over_time(probe_success[5s])",
    "avg by (instance) (probe_success)",
    "count by (phase) (probe_http_duration_seconds)",
    'sum(probe_icmp_duration_seconds{phase="rtt"}) > bool 0',
    "count by (phase) (probe_icmp_duration_seconds)",
    "sum(probe_duration_seconds) > bool 0",
    "up",
)


def start_prometheus(lab, prober, folder):
    folder.mkdir()
    return Prometheus(folder, configuration=SCRAPE.format(
        name="job", address=f"127.0.0.1:{prober.port}",
        **{name: lab.ports[name] for name in ("http", "good", "expired", "knot", "closed", "smtp", "ssh")}))


def strip(rows):
    """Rows in an order."""
    return sorted((sorted(labels.items()), value) for labels, value in rows)


def test_a_prometheus_sees_the_same(lab, blackbox, netsonde, tmp_path):
    pair = []
    try:
        for name, prober in (("ours", netsonde), ("theirs", blackbox)):
            pair.append(start_prometheus(lab, prober, tmp_path / name))
        for one in pair:
            wait_until(lambda: len(one.query("count_over_time(probe_success[1m]) >= 3")) == TARGETS, "all targets")
        now = time.time()
        for query in QUERIES:
            ours, theirs = (strip(one.query(query, time=now)) for one in pair)
            assert ours == theirs and theirs, query
    finally:
        for one in pair:
            one.stop()
