"""Traces that the trouble of another probe sets off, and what is told of them: page, line, log, figures."""

import json
import signal

import pytest

from network import host
from support import make_config, wait_for

PING = {"type": "ping", "interval": 0.2, "timeout": 0.15, "count": 1}
TRACE = {"type": "traceroute", "scheduled": False, "interval": 5, "attempts": 1, "wait": 0.2, "max_silent": 2,
         "on_failure": True, "on_rtt": 0.05}
TARGET = host("ipv4", 7)


def config(trace=None, probes=("ping", "trace")):
    return make_config([{"name": "a", "address": TARGET, "probes": list(probes)}],
                       {"ping": PING, "trace": {**TRACE, **(trace or {})}})


def figure(daemon, name, **labels):
    return daemon.metrics().sum(name, **labels)


def events(daemon, query=""):
    status, headers, body = daemon.get(f"/api/v1/events?{query}")
    assert status == 200 and headers["Content-Type"] == "application/json", body
    return json.loads(body)["events"]


def wait_events(daemon, n, query=""):
    wait_for(lambda: len(events(daemon, query)) >= n, f"{n} events:\n{daemon.log}")
    return events(daemon, query)


def more_runs(daemon, n):
    """Until so many further pings have ended: time for whatever should not happen."""
    runs = figure(daemon, "netsonde_probe_runs_total", probe="ping")
    daemon.wait_metrics(lambda m: m.sum("netsonde_probe_runs_total", probe="ping") >= runs + n)


def expect_trigger(event, text, source="ping"):
    assert (event["kind"], event["target"], event["probe"], event["type"]) == ("trigger", "a", "trace", "traceroute")
    assert event["text"] == event["result"]["cause"] and text in event["text"], event
    assert event["source"] == source and event["run"] == event["result"]["run"]


def rows_of(event, name):
    return [row for row in event["result"]["rows"] if row["set"] == name]


def test_a_target_that_is_lost_is_traced_once(net, start_daemon):
    net.play("default")
    # Nothing but the loss sets it off, however busy the machine is.
    daemon = start_daemon(config({"on_rtt": 1.0}))
    more_runs(daemon, 3)
    assert events(daemon) == [] and figure(daemon, "netsonde_trigger_runs_total") == 0
    net.play(f"{TARGET} plan=x", "default")
    [event] = wait_events(daemon, 1)
    expect_trigger(event, "ping failed: timeout")
    assert not event["success"] and "value" not in event
    [own] = rows_of(event, "traceroute")
    assert own["values"]["reached"] == 0 and own["values"]["cause"] == event["text"]
    assert [row["labels"]["hop"] for row in rows_of(event, "traceroute_hop")] == ["1", "2"]
    # It stays lost: no more traces within the pause.
    more_runs(daemon, 10)
    assert len(events(daemon)) == 1 and figure(daemon, "netsonde_trigger_runs_total") == 1
    assert daemon.metrics().get("netsonde_probe_runs_total", target="a", probe="trace") == 1
    assert figure(daemon, "netsonde_events_recorded_total", kind="trigger") == 1
    assert figure(daemon, "netsonde_events_recorded_total", kind="path_change") == 0
    assert not daemon.metrics().all("netsonde_event_value")
    assert daemon.log.count("what=trigger target=a") == 1
    assert 'what=trigger target=a why="trace: run 1 (' in daemon.log and "ping failed: timeout" in daemon.log
    daemon.stop()
    [line] = daemon.lines("event")
    assert line.tags == {"agent": "test", "target": "a", "probe": "trace", "kind": "trigger"}
    assert line.fields["text"] == event["text"] and line.fields["source"] == "ping" and line.fields["run"] == 1
    assert line.fields["success"] == 0 and line.stamp_ns == event["time_ns"]
    [run] = daemon.lines("traceroute")
    assert run.fields["cause"] == event["text"] and run.stamp_ns == line.stamp_ns


def test_a_long_way_is_traced_to_its_end(net, start_daemon):
    net.play(f"{TARGET} delay=70ms", "default")
    daemon = start_daemon(config({"trigger_pause": 1}))
    [event] = wait_events(daemon, 1, "kind=trigger&target=a")[-1:]
    expect_trigger(event, "round-trip time of ping: ")
    assert event["success"] and event["value"] >= 0.07 and event["threshold"] == 0.05
    [own], [hop] = rows_of(event, "traceroute"), rows_of(event, "traceroute_hop")
    assert own["values"]["reached"] == 1 and hop["values"]["address"] == TARGET
    # It goes on: again after 1 s, 2 s, ... but not more often.
    first, second = [event["time_ns"] for event in reversed(wait_events(daemon, 2))][:2]
    assert second - first >= 0.99e9
    assert events(daemon, f"since={second / 1e9 + 0.5:.3f}&limit=1&target=none") == []
    assert events(daemon, "limit=1")[0]["time_ns"] >= second
    assert len(events(daemon, f"since={second / 1e9 - 0.1:.3f}")) < len(events(daemon))
    daemon.stop()


def test_a_path_that_changes(net, start_daemon):
    first, second = host("ipv4", 301), host("ipv4", 302)
    net.play(f"{TARGET} plan=e error=ttl router={first}", "default")
    daemon = start_daemon(make_config(
        [("a", TARGET)], {"trace": {"type": "traceroute", "interval": 0.5, "attempts": 1, "max_hops": 1, "wait": 0.2}}))
    daemon.wait_runs("a", 2)
    assert events(daemon) == []
    net.play(f"{TARGET} plan=e error=ttl router={second}", "default")
    [event] = wait_events(daemon, 1, "kind=path_change")
    assert (event["target"], event["probe"], event["before"], event["after"]) == ("a", "trace", first, second)
    assert "result" not in event and events(daemon, "kind=trigger") == []
    metrics = daemon.wait_runs("a", event["run"] + 1)
    assert metrics.get("netsonde_traceroute_path_changes_total", target="a") == 1
    assert metrics.sum("netsonde_events_recorded_total", kind="path_change") == 1
    assert daemon.log.count("what=path_change target=a") == 1
    assert f"before: {first}, now: {second}" in daemon.log
    daemon.stop()
    [line] = daemon.lines("event")
    assert line.tags["kind"] == "path_change" and line.tags["probe"] == "trace"
    assert (line.fields["before"], line.fields["after"], line.fields["run"]) == (first, second, event["run"])


def test_probes_that_come_and_go(net, start_daemon):
    net.play(f"{TARGET} plan=x", "default")
    daemon = start_daemon(config(probes=("ping",)))
    more_runs(daemon, 3)

    def reload(text):
        accepted = figure(daemon, "netsonde_config_accepted_total")
        (daemon.folder / "netsonde.conf").write_text(text)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_metrics(lambda m: m.sum("netsonde_config_accepted_total") > accepted, "the new configuration")

    reload(config())
    wait_events(daemon, 1)
    reload(config({"trigger_probes": ["trace"]}))
    more_runs(daemon, 5)
    assert len(events(daemon)) == 1
    reload(config({"attempts": 2}))
    wait_events(daemon, 2)
    reload(config(probes=("ping",)))
    more_runs(daemon, 5)
    assert len(events(daemon, "target=a")) == 2, "events stay"
    daemon.stop()


@pytest.mark.parametrize("query, status, text", [
    ("kind=none", 400, "kind: must be one of trigger, path_change"),
    ("limit=0", 400, "limit: must be a whole number from 1 to 1000"),
    ("since=yesterday", 400, "since: must be seconds since 1970"),
    ("probe=ping", 400, "unknown parameter: probe"),
    ("target=none", 200, '{"events":[\n]}\n'),
])
def test_what_may_be_asked(start_daemon, query, status, text):
    daemon = start_daemon(make_config([("a", "127.0.0.1")], {"ping": PING}))
    found = daemon.get(f"/api/v1/events?{query}")
    assert found[0] == status and text in found[2].decode()
    daemon.stop()
