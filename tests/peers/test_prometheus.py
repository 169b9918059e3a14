"""A real Prometheus scrapes a real daemon; promtool and the strict OpenMetrics parser read what it serves."""

import re
import subprocess
import time
import urllib.request

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from netsonde import LOOPBACK, Daemon, wait_until
from servers import Prometheus

TARGETS = {"lo4", "lo6"}
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture(scope="module")
def daemon(binary, tmp_path_factory):
    with Daemon(binary, tmp_path_factory.mktemp("daemon"), LOOPBACK) as running:
        running.url()
        wait_until(
            lambda: all(f'netsonde_ping_received_total{{target="{name}"' in running.get("/metrics") for name in TARGETS),
            "the first results",
        )
        yield running
        assert running.stop() == 0


@pytest.fixture(scope="module")
def prometheus(daemon, tmp_path_factory):
    server = Prometheus(tmp_path_factory.mktemp("prometheus"), daemon.url()[len("http://"):])
    try:
        wait_until(lambda: server.query("up == 1"), "up == 1")
        yield server
    finally:
        server.stop()


def by_target(rows):
    return {labels["target"]: value for labels, value in rows}


def test_prometheus_sees_both_targets(prometheus):
    wait_until(lambda: set(by_target(prometheus.query("netsonde_probe_success == 1"))) == TARGETS, "both targets")
    labels = prometheus.query("netsonde_ping_received_total")[0][0]
    assert labels["probe"] == "fast" and labels["family"] in ("ipv4", "ipv6") and labels["job"] == "netsonde"
    info = {row["target"]: row["address"] for row, _ in prometheus.query("netsonde_target_info == 1")}
    assert info == {"lo4": "127.0.0.1", "lo6": "::1"}


def test_prometheus_computes_rates_and_quantiles(prometheus):
    def rates():
        found = by_target(prometheus.query("rate(netsonde_ping_received_total[10s])"))
        return found if set(found) == TARGETS and all(rate > 0 for rate in found.values()) else None

    # five requests a second are asked for; never more than that
    assert all(rate < 6 for rate in wait_until(rates, "rates").values())
    loss = by_target(prometheus.query("1 - netsonde_ping_received_total / netsonde_ping_sent_total"))
    assert set(loss) == TARGETS and all(0 <= value < 0.5 for value in loss.values())
    average = prometheus.query("netsonde_ping_rtt_seconds_sum / netsonde_ping_rtt_seconds_count")
    assert set(by_target(average)) == TARGETS and all(0 < value < 0.15 for _, value in average)
    quantile = prometheus.query("histogram_quantile(0.9, rate(netsonde_ping_rtt_seconds_bucket[10s]))")
    assert set(by_target(quantile)) == TARGETS and all(0 < value < 0.2 for _, value in quantile)


def test_prometheus_sees_the_daemon_itself(prometheus):
    build = prometheus.query("netsonde_build_info == 1")
    assert len(build) == 1 and re.fullmatch(r"\d+\.\d+\.\d+", build[0][0]["version"])
    assert prometheus.query("netsonde_config_targets")[0][1] == 2
    assert abs(prometheus.query("netsonde_process_start_time_seconds")[0][1] - time.time()) < 3600
    assert prometheus.query("netsonde_process_resident_memory_bytes")[0][1] > 1e6
    assert {row["worker"] for row, _ in prometheus.query("netsonde_schedule_starts_total")} == {"0", "1"}
    # what Prometheus itself counted, against what the daemon says it exposes
    own = prometheus.query("count({job='netsonde',target!=''})")[0][1]
    assert own == prometheus.query("netsonde_series_exposed")[0][1]


def test_promtool_has_nothing_to_say(daemon):
    result = subprocess.run(
        ["promtool", "check", "metrics"], input=daemon.get("/metrics"), capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_strict_parser_accepts_openmetrics(daemon):
    text = daemon.get("/metrics", Accept=OPENMETRICS)
    assert text.endswith("\n# EOF\n")
    families = {family.name: family for family in parse_openmetrics(text)}
    assert families["netsonde_ping_sent"].type == "counter"
    assert families["netsonde_ping_rtt_seconds"].type == "histogram"
    assert families["netsonde_build"].type == "info"
    assert all(family.documentation for family in families.values())
    names = [line.split(" ")[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(names) == len(set(names)), "a series is there twice"


def series(text):
    """{(name, labels)} of the text format."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))) for family in parse_text(text) for sample in family.samples
    }


def test_both_formats_have_the_same_series(daemon):
    plain = series(daemon.get("/metrics"))
    strict = {
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in parse_openmetrics(daemon.get("/metrics", Accept=OPENMETRICS))
        for sample in family.samples
    }

    def normal(all_series):
        # le="1.0" of one is le="1" of the other
        return {
            (name, tuple((key, str(float(value)) if key == "le" else value) for key, value in labels))
            for name, labels in all_series
        }

    assert normal(plain) == normal(strict)


def test_shards_partition_the_targets(daemon):
    whole = series(daemon.get("/metrics"))
    shards = [series(daemon.get(f"/metrics?shard={i}/2")) for i in range(2)]
    targets = [{value for _, labels in shard for key, value in labels if key == "target"} for shard in shards]
    assert targets[0] | targets[1] == TARGETS
    assert targets[0] and targets[1] and not targets[0] & targets[1]
    assert shards[0] | shards[1] == whole
    assert not shards[0] & shards[1]
    # the daemon's own figures are in the first shard alone
    assert any(name == "netsonde_build_info" for name, _ in shards[0])
    assert all("target" in dict(labels) for _, labels in shards[1])
