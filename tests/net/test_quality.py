"""Known delay, jitter, loss and bursts on the wire: the scores on /metrics next to those calculated by hand."""

import json
import math
import subprocess

import pytest

from network import host
from support import BUILD, make_config

PING = {"ping": {"type": "ping", "interval": 0.1, "timeout": 0.09}}


def configure(targets, **qos):
    groups = "".join(f" {name} = {value};" for name, value in {"interval": 0, **qos}.items())
    return make_config(targets, PING) + f"qos: {{{groups} }};\n"


def calculate(*arguments):
    answer = subprocess.run([BUILD / "netsonde", "score", "--json", *arguments], capture_output=True, check=True)
    return json.loads(answer.stdout)


def idd(ms):
    """G.107: what absolute delay takes from R, for the defaults."""
    if ms <= 100:
        return 0
    x = math.log2(ms / 100)
    return 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2)


def qos(metrics, name, **labels):
    return metrics.get(f"netsonde_qos_{name}", target="a", **labels)


def has_packets(n):
    return lambda metrics: (qos(metrics, "packets") or 0) >= n


def test_delay(net, start_daemon):
    """60 ms there and back, nothing lost: 30 ms of network, 20 of buffer, 20 of the codec."""
    target = host("ipv4", 1)
    net.play(f"{target} delay=60ms", "default")
    daemon = start_daemon(configure([("a", target)], codecs='["g711-plc", "g722"]'))
    metrics = daemon.wait_metrics(has_packets(20))
    rtt = qos(metrics, "rtt_p50_seconds")
    assert 0.060 <= qos(metrics, "rtt_min_seconds") <= rtt
    by_hand = calculate(f"--rtt-ms={1000 * rtt}", "--codec=g711-plc")
    buffer = qos(metrics, "buffer_seconds")
    if buffer == 0.02 and qos(metrics, "loss_ratio") == 0 and qos(metrics, "late_ratio") == 0:
        assert qos(metrics, "r_factor", codec="g711-plc") == pytest.approx(by_hand["voice"]["r_factor"], abs=0.01)
        assert qos(metrics, "mos", codec="g711-plc") == pytest.approx(by_hand["voice"]["mos"], abs=0.001)
        assert qos(metrics, "score", use="voice") == pytest.approx(by_hand["voice"]["points"], abs=0.01)
        assert qos(metrics, "score", use="gaming") == pytest.approx(by_hand["gaming"]["points"], abs=0.01)
        assert qos(metrics, "r_factor", codec="g722") == pytest.approx(116 - 1.29 * idd(500 * rtt + 41.5), abs=0.01)
    else:
        assert qos(metrics, "r_factor", codec="g711-plc") < by_hand["voice"]["r_factor"] + 0.01
    daemon.stop()
    lines = daemon.lines("qos", target="a")
    assert {"voice", "video", "streaming", "gaming", "data"} == {line.tags["use"] for line in lines if "use" in line.tags}
    assert all(line.fields["mos"] > 4 for line in lines if line.tags.get("codec") == "g711-plc")


def test_jitter(net, start_daemon):
    """10, 20, 30 ms in turn: the differences are 10, 10 and 20 ms; PDV up to 20 ms, which the buffer takes."""
    target = host("ipv4", 2)
    net.play(f"{target} delay=10ms,20ms,30ms", "default")
    daemon = start_daemon(configure([("a", target)]))
    metrics = daemon.wait_metrics(has_packets(40))
    assert qos(metrics, "ipdv_seconds") == pytest.approx(0.0133, abs=0.004)
    assert qos(metrics, "jitter_seconds") == pytest.approx(0.0125, abs=0.005)
    assert qos(metrics, "pdv_p50_seconds") == pytest.approx(0.010, abs=0.004)
    assert qos(metrics, "pdv_p95_seconds") == pytest.approx(0.020, abs=0.006)
    assert qos(metrics, "buffer_seconds") >= 0.02
    daemon.stop()


def test_loss_in_bursts(net, start_daemon):
    """Of ten packets three in a row are lost, again and again."""
    target = host("ipv4", 3)
    net.play(f"{target} plan=.......xxx delay=5ms", "default")
    daemon = start_daemon(configure([{"name": "a", "address": target, "objectives": {"loss": 0.2, "score": 90.0}}]))
    metrics = daemon.wait_metrics(lambda now: has_packets(70)(now))
    n = qos(metrics, "packets")
    loss = qos(metrics, "loss_ratio")
    # Whatever the last ten are, and a reply or two that a busy machine brought too late.
    assert loss == pytest.approx(0.3, abs=3 / n + 0.03)
    assert qos(metrics, "burst_ratio") == pytest.approx(2.1, abs=0.4)
    assert qos(metrics, "loss_gilbert_p") == pytest.approx(1 / 7, abs=0.05)
    assert qos(metrics, "loss_gilbert_q") == pytest.approx(1 / 3, abs=0.07)
    # Fewer than ten runs of losses: random loss is assumed.
    rtt, late = qos(metrics, "rtt_p50_seconds"), qos(metrics, "late_ratio")
    by_hand = calculate(f"--rtt-ms={1000 * rtt}", f"--loss-percent={100 * (loss + late)}", "--codec=g711-plc")
    if qos(metrics, "buffer_seconds") == 0.02 and n < 95:
        assert qos(metrics, "r_factor", codec="g711-plc") == pytest.approx(by_hand["voice"]["r_factor"], abs=0.05)
    assert metrics.get("netsonde_qos_score", target="a", use="gaming") is None
    assert qos(metrics, "violations_total", objective="loss") >= 1
    assert qos(metrics, "violations_total", objective="score") >= 1
    daemon.stop()


def test_nothing_comes_back(net, start_daemon):
    target = host("ipv4", 4)
    net.play(f"{target} plan=x", "default")
    daemon = start_daemon(configure([("a", target)]))
    metrics = daemon.wait_metrics(has_packets(3))
    assert qos(metrics, "loss_ratio") == 1
    assert qos(metrics, "score", use="voice") == 0
    assert qos(metrics, "mos", codec="g711-plc") is None
    daemon.stop()


def test_scores_can_be_switched_off(net, start_daemon):
    target = host("ipv4", 5)
    net.play()
    daemon = start_daemon(make_config([("a", target)], PING) + "qos: { enabled = false; };\n")
    metrics = daemon.wait_runs("a", 3)
    assert qos(metrics, "packets") is None
    daemon.stop()
    assert daemon.lines("qos") == []
