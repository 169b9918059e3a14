"""Known delay, jitter, loss and bursts on the wire: the scores on /metrics next to those calculated by hand."""

import json
import math
import subprocess

import pytest

from network import host
from support import BUILD, make_config

PING = {"ping": {"type": "ping", "interval": 0.1, "timeout": 0.09}}
# Scores are worked out every ten seconds: by then a window has most of its hundred packets.
ENOUGH = 70


def calculate(*arguments):
    answer = subprocess.run([BUILD / "netsonde", "score", "--json", *arguments], capture_output=True, check=True)
    return json.loads(answer.stdout)


def idd(ms):
    """G.107: what absolute delay takes from R, for the defaults."""
    if ms <= 100:
        return 0
    x = math.log2(ms / 100)
    return 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2)


class Figures:
    def __init__(self, metrics, target):
        self.metrics, self.target = metrics, target

    def __call__(self, name, **labels):
        return self.metrics.get(f"netsonde_qos_{name}", target=self.target, **labels)


def expect_voice(figures, codec="g711-plc"):
    """R and MOS of what was measured, worked out again: 20 ms of the codec, and the buffer."""
    one_way = 500 * figures("rtt_p50_seconds") + 20 + 1000 * figures("buffer_seconds")
    loss = 100 * min(1, figures("loss_ratio") + figures("late_ratio"))
    by_hand = calculate(f"--one-way-ms={one_way}", f"--loss-percent={loss}", f"--codec={codec}")["voice"]
    assert figures("r_factor", codec=codec) == pytest.approx(by_hand["r_factor"], abs=0.01)
    assert figures("mos", codec=codec) == pytest.approx(by_hand["mos"], abs=0.001)
    assert figures("score", use="voice") == pytest.approx(by_hand["points"], abs=0.01)


def expect_delay(figures):
    """60 ms there and back, nothing lost."""
    rtt = figures("rtt_p50_seconds")
    assert 0.060 <= figures("rtt_min_seconds") <= rtt < 0.09
    expect_voice(figures)
    if figures("loss_ratio") == 0:
        by_hand = calculate(f"--rtt-ms={1000 * rtt}")
        assert figures("score", use="gaming") == pytest.approx(by_hand["gaming"]["points"], abs=0.01)
        if figures("late_ratio") == 0:
            one_way = 500 * rtt + 21.5 + 1000 * figures("buffer_seconds")
            assert figures("r_factor", codec="g722") == pytest.approx(116 - 1.29 * idd(one_way), abs=0.01)


def expect_jitter(figures):
    """10, 20, 30 ms in turn: differences of 10, 10 and 20 ms; PDV up to 20 ms. A busy machine adds some."""
    assert figures("ipdv_seconds") == pytest.approx(0.0133, abs=0.006)
    assert figures("jitter_seconds") == pytest.approx(0.0125, abs=0.008)
    assert figures("pdv_p50_seconds") == pytest.approx(0.010, abs=0.005)
    assert 0.018 < figures("pdv_p95_seconds") < 0.08
    assert figures("buffer_seconds") >= 0.02
    expect_voice(figures)


def expect_bursts(figures):
    """Of ten packets three in a row are lost, again and again: 2.1 times as bursty as independent loss."""
    n = figures("packets")
    assert figures("loss_ratio") == pytest.approx(0.3, abs=3 / n + 0.03)
    assert figures("burst_ratio") == pytest.approx(2.1, abs=0.4)
    assert figures("loss_gilbert_p") == pytest.approx(1 / 7, abs=0.05)
    assert figures("loss_gilbert_q") == pytest.approx(1 / 3, abs=0.07)
    assert figures("score", use="gaming") is None
    assert 0 < figures("score", use="voice") < 40
    assert figures("violations_total", objective="loss") >= 1
    assert figures("violations_total", objective="score") >= 1


def expect_nothing(figures):
    assert figures("loss_ratio") == 1
    assert figures("score", use="voice") == figures("score", use="video") == 0
    assert figures("mos", codec="g711-plc") is None


def test_scores_of_known_paths(net, start_daemon):
    expectations = {"delay": expect_delay, "jitter": expect_jitter, "bursts": expect_bursts, "dead": expect_nothing}
    address = {name: host("ipv4", n) for n, name in enumerate(expectations, 1)}
    net.play(
        f"{address['delay']} delay=60ms",
        f"{address['jitter']} delay=10ms,20ms,30ms",
        f"{address['bursts']} plan=.......xxx delay=5ms",
        f"{address['dead']} plan=x",
        "default",
    )
    targets = [{"name": name, "address": one} for name, one in address.items()]
    targets[2]["objectives"] = {"loss": 0.2, "score": 90.0}
    daemon = start_daemon(make_config(targets, PING) + 'qos: { codecs = ["g711-plc", "g722"]; };\n')
    metrics = daemon.wait_metrics(
        lambda now: all((Figures(now, name)("packets") or 0) >= ENOUGH for name in expectations), "windows")
    for name, expect in expectations.items():
        expect(Figures(metrics, name))
    daemon.stop()
    lines = daemon.lines("qos", target="delay")
    assert {line.tags["use"] for line in lines if "use" in line.tags} >= {"voice", "video", "streaming", "data"}
    assert all(line.fields["mos"] > 3 for line in lines if line.tags.get("codec") == "g711-plc")


def test_scores_can_be_switched_off(net, start_daemon):
    net.play()
    daemon = start_daemon(make_config([("a", host("ipv4", 5))], PING) + "qos: { enabled = false; };\n")
    metrics = daemon.wait_runs("a", 3)
    assert Figures(metrics, "a")("packets") is None
    daemon.stop()
    assert daemon.lines("qos") == []
