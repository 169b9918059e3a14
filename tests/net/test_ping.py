"""Replies in time, too late, twice, out of order, or not at all."""

import pytest

from network import IPV4, IPV6, host
from support import make_config


def ping(**options):
    return {"ping": {"type": "ping", "interval": 0.2, "timeout": 0.19, **options}}


def test_every_reply_counts_once(net, sockets, family, start_daemon):
    target = host(family, 1)
    net.play(f"{target} delay=10ms,20ms,30ms hop_limit=57", "default")
    daemon = start_daemon(make_config([("a", target)], ping(count=3, spacing=0.01)))
    assert f"{sockets} sockets" in daemon.log
    daemon.wait_runs("a", 5)
    daemon.stop()
    lines = daemon.lines("ping", target="a")
    assert len(lines) >= 5
    for n, line in enumerate(lines, 1):
        assert line.fields["run"] == n
        assert line.fields["success"] == 1 and line.fields["reason"] == "ok"
        assert line.fields["sent_total"] == line.fields["received_total"] == 3 * n
        assert line.fields["loss_ratio"] == 0
        assert line.fields["reply_hop_limit"] == 57
        for name in ("duplicates_total", "late_total", "reordered_total"):
            assert line.fields.get(name, 0) == 0, name
        assert line.tags["probe"] == "ping" and line.tags["agent"] == "test"
    assert len({line.fields["boot"] for line in lines}) == 1
    seen = net.seen(target)
    assert seen["requests"] >= 3 * len(lines)


def test_round_trip_times_are_never_below_what_the_wire_held(net, sockets, family, start_daemon):
    target = host(family, 2)
    net.play(f"{target} delay=10ms,20ms,30ms", "default")
    daemon = start_daemon(make_config([("a", target)], ping(count=3, spacing=0.01)))
    metrics = daemon.wait_runs("a", 5)
    assert metrics.get("netsonde_ping_rtt_min_seconds", target="a") >= 0.010
    assert metrics.get("netsonde_ping_rtt_avg_seconds", target="a") >= 0.020
    assert metrics.get("netsonde_ping_rtt_max_seconds", target="a") >= 0.030
    assert metrics.get("netsonde_ping_rtt_stddev_seconds", target="a") > 0
    assert metrics.get("netsonde_ping_jitter_seconds", target="a") > 0
    # Nothing above timeout was counted, and nothing below the shortest delay: all in the buckets between. On a busy
    # machine nobody knows when some of the requests left.
    count = metrics.get("netsonde_ping_rtt_seconds_count", target="a")
    unstamped = metrics.get("netsonde_icmp_unstamped_total", worker="0")
    assert count <= metrics.get("netsonde_ping_received_total", target="a") <= count + unstamped
    assert metrics.get("netsonde_ping_rtt_seconds_bucket", target="a", le="+Inf") == count
    assert metrics.get("netsonde_ping_rtt_seconds_bucket", target="a", le="0.0064") == 0
    assert metrics.get("netsonde_ping_rtt_seconds_bucket", target="a", le="0.0256") <= metrics.get("netsonde_ping_received_total", target="a") * 2 / 3
    # Of the longest delay may those be that have no time.
    received = metrics.get("netsonde_ping_received_total", target="a")
    assert metrics.get("netsonde_ping_rtt_seconds_sum", target="a") >= 0.020 * received - 0.030 * (received - count)
    daemon.stop()
    seen = net.seen(target)
    assert seen["hold_min_ns"] >= 10_000_000
    shortest = min(line.fields["rtt_min_seconds"] for line in daemon.lines("ping", target="a"))
    assert shortest * 1e9 >= seen["hold_min_ns"]


def test_transmit_timestamps_measure_the_same(net, sockets, family, start_daemon):
    target = host(family, 3)
    net.play(f"{target} delay=5ms")
    daemon = start_daemon(make_config([("a", target)], ping(transmit_timestamps=True)))
    metrics = daemon.wait_runs("a", 5)
    assert metrics.failures("a") == {}
    assert metrics.get("netsonde_ping_loss_ratio", target="a") == 0
    assert metrics.get("netsonde_ping_rtt_min_seconds", target="a") >= 0.005
    assert metrics.get("netsonde_ping_received_total", target="a") >= 5


def test_common_series(net, family, start_daemon):
    target = host(family, 4)
    net.play()
    daemon = start_daemon(make_config([{"name": "a", "address": target, "labels": {"site": "x y"}}], ping()))
    metrics = daemon.wait_runs("a", 2)
    labels = {"target": "a", "probe": "ping", "site": "x y"}
    assert metrics.get("netsonde_probe_success", **labels) == 1
    assert metrics.get("netsonde_probe_duration_seconds", **labels) > 0
    assert metrics.get("netsonde_probe_runs_total", **labels) >= 2
    assert metrics.get("netsonde_probe_skipped_total", **labels) == 0
    assert metrics.get("netsonde_target_info", address=target, **labels) == 1
    assert metrics.failures("a") == {}
    assert metrics.sum("netsonde_build_info") == 1


def test_loss(net, sockets, family, start_daemon):
    target = host(family, 5)
    net.play(f"{target} plan=.xx.")
    daemon = start_daemon(make_config([("a", target)], ping(count=4, spacing=0.01)))
    daemon.wait_runs("a", 4)
    daemon.stop()
    for n, line in enumerate(daemon.lines("ping", target="a"), 1):
        assert line.fields["loss_ratio"] == 0.5
        assert line.fields["sent_total"] == 4 * n and line.fields["received_total"] == 2 * n
        assert line.fields["success"] == 1, "a run that was answered has succeeded"


def test_nobody_answers(net, sockets, family, start_daemon):
    target = host(family, 6)
    net.play(f"{target} plan=x")
    daemon = start_daemon(make_config([("a", target)], ping(count=2, spacing=0.01)))
    metrics = daemon.wait_runs("a", 3)
    assert metrics.get("netsonde_probe_success", target="a") == 0
    assert metrics.get("netsonde_ping_loss_ratio", target="a") == 1
    assert metrics.get("netsonde_ping_received_total", target="a") == 0
    assert set(metrics.failures("a")) == {"timeout"}
    for name in ("min", "avg", "max", "stddev"):
        assert metrics.get(f"netsonde_ping_rtt_{name}_seconds", target="a") is None, "no reply, no time"
    assert metrics.get("netsonde_ping_reply_hop_limit", target="a") is None
    daemon.stop()
    for line in daemon.lines("ping", target="a"):
        assert line.fields["success"] == 0 and line.fields["reason"] == "timeout"
        assert "rtt_avg_seconds" not in line.fields


def test_a_target_goes_and_comes_back(net, sockets, family, start_daemon):
    target = host(family, 7)
    net.play()
    daemon = start_daemon(make_config([("a", target)]))
    daemon.wait_metrics(lambda m: m.get("netsonde_probe_success", target="a") == 1, "the first success")
    net.play(f"{target} plan=x", "default")
    metrics = daemon.wait_metrics(lambda m: m.get("netsonde_probe_success", target="a") == 0, "a failure")
    failed = metrics.failures("a")["timeout"]
    net.play()
    metrics = daemon.wait_metrics(lambda m: m.get("netsonde_probe_success", target="a") == 1, "success again")
    assert metrics.failures("a")["timeout"] >= failed, "a counter never falls"
    # Another page: families are written one after the other, and a result may come in between.
    assert daemon.metrics().get("netsonde_ping_loss_ratio", target="a") == 0


def test_duplicates(net, sockets, family, start_daemon):
    target = host(family, 8)
    net.play(f"{target} plan=d copies=2")
    daemon = start_daemon(make_config([("a", target)], ping()))
    daemon.wait_runs("a", 5)
    # What comes twice is told by a later run: after the plan is over, every copy must have been counted.
    net.play()
    before = net.seen(target)
    daemon.wait_metrics(
        lambda m: m.get("netsonde_ping_duplicates_total", target="a") == net.seen(target)["duplicates"],
        f"all of {before['duplicates']} duplicates",
    )
    metrics = daemon.metrics()
    assert metrics.get("netsonde_ping_loss_ratio", target="a") == 0
    assert metrics.get("netsonde_ping_received_total", target="a") <= metrics.get("netsonde_ping_sent_total", target="a")
    assert metrics.get("netsonde_ping_late_total", target="a") == 0


def test_reordering(net, sockets, family, start_daemon):
    target = host(family, 9)
    # Of each run of four, the reply to the second request comes after that to the third.
    net.play(f"{target} plan=.h..")
    daemon = start_daemon(make_config([("a", target)], ping(count=4, spacing=0.01)))
    daemon.wait_runs("a", 4)
    daemon.stop()
    for n, line in enumerate(daemon.lines("ping", target="a"), 1):
        assert line.fields["reordered_total"] == n
        assert line.fields["received_total"] == 4 * n
        assert line.fields["loss_ratio"] == 0


def test_late_replies(net, sockets, family, start_daemon):
    target = host(family, 10)
    net.play(f"{target} plan=l.l.l..$ late=300ms")
    daemon = start_daemon(make_config([("a", target)], ping()))
    metrics = daemon.wait_metrics(lambda m: m.get("netsonde_ping_late_total", target="a") == 3, "three late replies")
    assert metrics.failures("a") == {"timeout": 3}
    daemon.wait_runs("a", 9)
    daemon.stop()
    lines = daemon.lines("ping", target="a")
    assert [line.fields["success"] for line in lines[:7]] == [0, 1, 0, 1, 0, 1, 1]
    last = lines[-1].fields
    assert last["late_total"] == 3
    assert last["sent_total"] - last["received_total"] == 3, "late is lost, not received"
    assert last["duplicates_total"] == 0, "the first reply is no duplicate, however late"


def test_a_late_duplicate_is_a_duplicate(net, sockets, start_daemon):
    """The reply came in time; its copy, after the end of the run."""
    target = host("ipv4", 11)
    net.play(f"{target} plan=d.")
    daemon = start_daemon(make_config([("a", target)], ping()))
    daemon.wait_runs("a", 4)
    metrics = daemon.wait_metrics(lambda m: m.get("netsonde_ping_duplicates_total", target="a") >= 2, "duplicates")
    assert metrics.get("netsonde_ping_late_total", target="a") == 0


def test_both_families_at_once(net, sockets, start_daemon):
    net.play()
    targets = [("v4", host("ipv4", 12)), ("v6", host("ipv6", 12)), ("here4", "127.0.0.1"), ("here6", "::1"),
               ("own4", IPV4), ("own6", IPV6)]
    daemon = start_daemon(make_config(targets))
    for name, _ in targets:
        metrics = daemon.wait_runs(name, 3)
        assert metrics.get("netsonde_probe_success", target=name) == 1, name
        assert metrics.get("netsonde_ping_loss_ratio", target=name) == 0, name
        assert metrics.failures(name) == {}, name


def test_link_local_address_with_zone(net, sockets, start_daemon):
    net.play()
    daemon = start_daemon(make_config([("a", "fe80::99%va")]))
    metrics = daemon.wait_runs("a", 3)
    assert metrics.get("netsonde_probe_success", target="a") == 1
    assert net.seen("fe80::99")["requests"] >= 3


@pytest.mark.parametrize("size", [16, 1472, 1473, 20000, 65500])
def test_sizes(net, sockets, family, start_daemon, size):
    """Also such as need fragments, both ways."""
    target = host(family, 13)
    net.play()
    daemon = start_daemon(make_config([("a", target)], ping(size=size)))
    metrics = daemon.wait_runs("a", 2)
    assert metrics.get("netsonde_probe_success", target="a") == 1, metrics.failures("a")
    seen = net.seen(target)
    assert seen["last"]["icmp_bytes"] == size + 8
    assert seen["last"]["fragmented"] == (size + 8 + (20 if family == "ipv4" else 40) > 1500)


def test_no_histogram(net, start_daemon):
    target = host("ipv4", 14)
    net.play()
    daemon = start_daemon(make_config([("a", target)], ping(histogram="none")))
    metrics = daemon.wait_runs("a", 2)
    assert not metrics.all("netsonde_ping_rtt_seconds_bucket", target="a")
    assert metrics.get("netsonde_ping_rtt_avg_seconds", target="a") > 0


def test_metrics_and_lines_say_the_same(net, start_daemon):
    target = host("ipv4", 15)
    net.play(f"{target} plan=..x delay=3ms")
    daemon = start_daemon(make_config([("a", target)], ping(count=3, spacing=0.01)))
    daemon.wait_runs("a", 3)
    shown = daemon.metrics()
    run = shown.get("netsonde_probe_runs_total", target="a")
    daemon.stop()
    line = next(line for line in daemon.lines("ping", target="a") if line.fields["run"] == run)
    for name, value in line.fields.items():
        if name.endswith("_total") or name.endswith("_seconds") and "duration" not in name or name.endswith("_ratio"):
            assert shown.get(f"netsonde_ping_{name}", target="a") == pytest.approx(value), name
    assert shown.get("netsonde_probe_success", target="a") == line.fields["success"]
    assert shown.get("netsonde_probe_duration_seconds", target="a") == pytest.approx(line.fields["duration_seconds"])
