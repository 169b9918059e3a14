"""/api/v1/latest and /api/v1/results of the real daemon, while its probes run."""

import csv
import html
import http.client
import io
import ipaddress
import json
import re
import socket
import threading

import pytest

from support import PATIENCE_SECONDS, make_config, wait_for

PROBES = {
    "ping": {"type": "ping", "interval": 0.05, "timeout": 0.04},
    "slow": {"type": "ping", "interval": 3600, "timeout": 1},
}
TARGETS = [
    {"name": "here", "address": "127.0.0.1", "labels": {"tier": "own", "quote": 'a "b" \\c ä'}},
    {"name": "two, with a comma", "address": "::1", "probes": ["ping", "slow"]},
    {"name": "nobody", "address": "192.0.2.1"},
]


@pytest.fixture
def daemon(start_daemon):
    daemon = start_daemon(make_config(TARGETS, PROBES, agent={"workers": 2}))
    for target in TARGETS:
        daemon.wait_runs(target["name"], 3)
    return daemon


def get_json(daemon, path, **more):
    status, headers, body = daemon.get(path, **more)
    assert status == 200, body
    assert headers["Content-Type"] == "application/json"
    return json.loads(body, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def results(daemon, query):
    return get_json(daemon, f"/api/v1/results?{query}")


def rows(daemon, query):
    status, headers, body = daemon.get(f"/api/v1/results?{query}&format=csv")
    assert status == 200 and headers["Content-Type"].startswith("text/csv"), body
    assert body.endswith(b"\r\n") and b"\n" not in body.replace(b"\r\n", b"")
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


# --- latest ---------------------------------------------------------------------------------------------------------


def test_latest_is_what_metrics_shows(daemon):
    latest = get_json(daemon, "/api/v1/latest")["targets"]
    assert {(one["target"], one["probe"]) for one in latest} == {
        ("here", "ping"), ("two, with a comma", "ping"), ("two, with a comma", "slow"), ("nobody", "ping"),
    }
    here = next(one for one in latest if one["target"] == "here")
    assert here["labels"] == {"tier": "own", "quote": 'a "b" \\c ä'}
    # What is computed about the results stands in an object of its own.
    values = {metric["name"]: metric["value"] for one in latest if one["target"] == "here" for metric in one["metrics"]}
    assert values["netsonde_probe_success"] == 1
    assert 0 < values["netsonde_ping_rtt_avg_seconds"] < 0.04
    assert values["netsonde_ping_rtt_seconds"]["count"] >= 3
    info = next(metric for metric in here["metrics"] if metric["name"] == "netsonde_target_info")
    assert info["labels"] == {"address": "127.0.0.1"}
    # Nothing more than /metrics has, nor less; numbers change while both are read.
    metrics = daemon.metrics()
    shown = {
        re.sub("_(bucket|sum|count)$", "", name) if "_rtt_seconds_" in name else name
        for name, series in metrics.samples.items()
        for labels in series
        if ("target", "here") in labels
    }
    assert shown == set(values)


def test_latest_of_one(daemon):
    assert {one["probe"] for one in get_json(daemon, "/api/v1/latest?target=nobody")["targets"]} == {"ping"}
    two = get_json(daemon, "/api/v1/latest?target=two,+with%20a+comma")["targets"]
    assert {one["probe"] for one in two} == {"ping", "slow"}
    slow = get_json(daemon, "/api/v1/latest?target=two,+with%20a+comma&probe=slow")["targets"]
    assert {one["probe"] for one in slow} == {"slow"}
    pings = get_json(daemon, "/api/v1/latest?probe=ping")["targets"]
    assert {one["target"] for one in pings} == {"here", "two, with a comma", "nobody"}


def test_latest_compressed(daemon):
    status, headers, body = daemon.get("/api/v1/latest", {"Accept-Encoding": "gzip"})
    assert status == 200 and headers["Content-Encoding"] == "gzip"
    assert len({(one["target"], one["probe"]) for one in json.loads(body)["targets"]}) == 4


# --- results --------------------------------------------------------------------------------------------------------


def check_run(run, address):
    moment = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.(\d{9})Z", run["time"])
    assert moment and int(moment[1]) == run["time_ns"] % 10**9
    assert run["success"] is True and run["reason"] == "ok" and 0 <= run["duration_seconds"] < 0.05
    assert ipaddress.ip_address(run["address"]) == ipaddress.ip_address(address)
    own = run["rows"][0]
    assert own["set"] == "ping" and own["labels"] == {}
    assert own["values"]["loss_ratio"] == 0
    # On a busy machine nobody knows when some of the requests left.
    assert own["values"]["rtt_seconds"]["count"] in (0, 1)
    if own["values"]["rtt_seconds"]["count"] == 1:
        assert own["values"]["rtt_seconds"]["min"] == own["values"]["rtt_seconds"]["max"]


def test_results_as_json(daemon):
    answer = results(daemon, "target=here")
    assert (answer["target"], answer["probe"], answer["type"]) == ("here", "ping", "ping")
    runs = answer["results"]
    assert len(runs) >= 3
    for run in runs:
        check_run(run, "127.0.0.1")
    assert any(run["rows"][0]["values"]["rtt_seconds"]["count"] for run in runs)
    # Each run is there once, the oldest first.
    assert [run["run"] for run in runs] == list(range(runs[0]["run"], runs[0]["run"] + len(runs)))
    assert [run["time_ns"] for run in runs] == sorted(run["time_ns"] for run in runs)
    # The lines have the same runs with the same moments.
    daemon.stop()
    lines = {line.stamp_ns: line for line in daemon.lines("ping", target="here")}
    for run in runs:
        fields = lines[run["time_ns"]].fields
        assert fields["run"] == run["run"] and fields["sent_total"] == run["rows"][0]["values"]["sent_total"]


def test_results_as_csv(daemon):
    found = rows(daemon, "target=two,%20with%20a%20comma&probe=ping")
    assert len(found) >= 3
    columns = list(found[0])
    assert columns[:6] == ["time", "run", "success", "reason", "duration_seconds", "address"]
    assert {"rtt_count", "rtt_min_seconds", "loss_ratio", "sent_total"} <= set(columns)
    assert len(columns) == len(set(columns))
    runs = {run["run"]: run for run in results(daemon, "target=two,%20with%20a%20comma&probe=ping&limit=10000")["results"]}
    for row in found:
        run = runs[int(row["run"])]
        assert row["time"] == run["time"] and row["success"] == "1" and row["address"] == "::1"
        # Empty where the page has nothing: a reply that the kernel has put no time on.
        assert (float(row["rtt_avg_seconds"]) if row["rtt_avg_seconds"] else None) == run["rows"][0]["values"].get("rtt_avg_seconds")
        assert int(row["rtt_count"]) == run["rows"][0]["values"]["rtt_seconds"]["count"]
    assert any(row["rtt_avg_seconds"] for row in found)


def test_pages_for_people(daemon):
    """From the page at / to the runs of each target, by its own links; nothing of it may load or run anything."""
    row = re.compile(r'<tr><td><span class="state \w+">(\w+)</span></td>.*?<a href="([^"]+)">([^<]+)</a></td><td>(\w+)</td>')

    def look():
        status, headers, body = daemon.get("/")
        assert status == 200 and "default-src 'none'" in headers["Content-Security-Policy"]
        found = row.findall(body.decode())
        # On a busy machine others may be down for a run.
        states = [(state, target) for state, _, target, probe in found if probe == "ping"]
        return found if states == [("down", "nobody"), ("up", "here"), ("up", "two, with a comma")] else None

    for _, link, target, probe in wait_for(look, "all targets"):
        status, headers, body = daemon.get(html.unescape(link))
        assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in headers["Content-Security-Policy"] and headers["X-Content-Type-Options"] == "nosniff"
        text = body.decode()
        assert f"<h1>{target} <span class=\"quiet\">{probe}</span></h1>" in text and "<svg" in text and "script" not in text
        results = re.findall(r'<td class="number">\d+</td><td class="(\w+)">(\w+)', text)
        assert results and all((color == "good") == (word == "ok") for color, word in results), text


def test_failed_runs(daemon):
    for run in results(daemon, "target=nobody")["results"]:
        assert run["success"] is False and run["reason"] != "ok"
    assert {row["success"] for row in rows(daemon, "target=nobody")} == {"0"}


def test_limits(daemon):
    daemon.wait_runs("here", 110)
    assert len(results(daemon, "target=here")["results"]) == 100
    one = results(daemon, "target=here&limit=1")["results"]
    assert len(one) == 1 and one[0]["run"] >= 110
    assert len(rows(daemon, "target=here&limit=7")) == 7
    assert len(results(daemon, "target=here&limit=10000")["results"]) >= 110


def test_memory_is_bounded(start_daemon):
    daemon = start_daemon(make_config(TARGETS[:1], PROBES, web={"results_size": "8KiB"}))
    daemon.wait_runs("here", 100)
    runs = results(daemon, "target=here&limit=10000")["results"]
    assert 10 < len(runs) < 100 and runs[-1]["run"] >= 100
    assert [run["run"] for run in runs] == list(range(runs[0]["run"], runs[0]["run"] + len(runs)))


def test_nothing_is_kept(start_daemon):
    daemon = start_daemon(make_config(TARGETS[:1], PROBES, web={"results_size": 0}))
    daemon.wait_runs("here", 2)
    status, _, body = daemon.get("/api/v1/results?target=here")
    assert status == 404 and b"web.results_size" in body


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path, status, words",
    [
        ("/api/v1/latest?target=none", 404, 'there is no target "none"'),
        ("/api/v1/latest?target=here&probe=slow", 404, 'the target "here" has no probe "slow"'),
        ("/api/v1/latest?probe=none", 404, 'no target has the probe "none"'),
        ("/api/v1/latest?targets=here", 400, "unknown parameter: targets"),
        ("/api/v1/results", 400, "target: must be given"),
        ("/api/v1/results?target=none", 404, 'there is no target "none"'),
        ("/api/v1/results?target=here&probe=slow", 404, 'has no probe "slow"; it has ping'),
        ("/api/v1/results?target=two,+with+a+comma", 400, "probe: must be given"),
        ("/api/v1/results?target=here&format=xml", 400, "format: must be json, csv or html"),
        ("/api/v1/results?target=here&limit=0", 400, "limit: must be a whole number from 1 to 10000"),
        ("/api/v1/results?target=here&limit=10001", 400, "limit: must be a whole number from 1 to 10000"),
        ("/api/v1/results?target=here&limits=1&x=2", 400, "unknown parameter: limits, x"),
        ("/api/v1/results/", 404, "there is no such page"),
    ],
)
def test_refused(daemon, path, status, words):
    answer, headers, body = daemon.get(path)
    assert answer == status and words in body.decode(), body
    assert headers["Content-Type"].startswith("text/plain")
    assert daemon.get(path, method="HEAD")[0] == status


def test_several_probes_are_listed(daemon):
    body = daemon.get("/api/v1/results?target=two,+with+a+comma")[2].decode()
    assert re.search("several: (ping, slow|slow, ping)$", body.strip()), body


@pytest.mark.parametrize("path", ["/api/v1/latest", "/api/v1/results?target=here"])
def test_methods(daemon, path):
    status, headers, body = daemon.get(path, method="HEAD")
    assert status == 200 and body == b"" and headers["Content-Type"] == "application/json"
    status, headers, _ = daemon.get(path, method="POST")
    assert status == 405 and headers["Allow"] == "GET, HEAD"


def test_one_connection_for_all_of_it(daemon):
    connection = http.client.HTTPConnection(daemon.address, timeout=PATIENCE_SECONDS)
    for _ in range(20):
        for path in "/api/v1/results?target=here", "/api/v1/latest?target=here", "/-/healthy":
            connection.request("GET", path)
            response = connection.getresponse()
            assert response.status == 200 and response.read()
    connection.request("POST", "/api/v1/latest", body="x" * 1000)
    assert connection.getresponse().read()
    connection.request("GET", "/-/healthy")
    assert connection.getresponse().read() == b"healthy\n"
    connection.close()


# --- clients at the same time ---------------------------------------------------------------------------------------


def test_many_clients_and_some_that_leave(daemon):
    faults = []

    def read():
        try:
            for n in range(30):
                status, _, body = daemon.get(f"/api/v1/results?target=here&limit={n + 1}")
                if status == 503:
                    continue
                runs = json.loads(body)["results"]
                assert [run["run"] for run in runs] == list(range(runs[0]["run"], runs[0]["run"] + len(runs)))
                assert daemon.get("/api/v1/latest")[0] in (200, 503)
        except Exception as fault:
            faults.append(fault)

    def leave():
        host, port = daemon.address.split(":")
        for n in range(60):
            client = socket.create_connection((host, int(port)))
            client.sendall(b"GET /api/v1/results?target=here HTTP/1.1\r\nHost: a\r\n\r\n" * (1 + n % 3))
            client.close()

    threads = [threading.Thread(target=target) for target in [read] * 6 + [leave] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults
    wait_for(lambda: daemon.metrics().get("netsonde_web_connections_open") == 1, "the connections to be gone")
    assert results(daemon, "target=here&limit=10")["results"]


def test_no_other_labels_than_those_of_target_and_rows(start_daemon):
    """What the daemon knows besides (its own labels, the address as configured) is nobody's business here."""
    config = make_config([{**TARGETS[0], "labels": {"tier": "own"}}], PROBES, agent={"labels": {"site": "dc1"}})
    config += "qos: { enabled = false; };\navailability: { enabled = false; };\n"
    daemon = start_daemon(config)
    daemon.wait_runs("here", 2)
    latest = daemon.get("/api/v1/latest")[2].decode()
    assert set(re.findall(r'"labels":\{([^}]*)\}', latest)) == {"", '"tier":"own"', '"address":"127.0.0.1"'}
    assert set(re.findall(r'"labels":\{([^}]*)\}', daemon.get("/api/v1/results?target=here")[2].decode())) == {""}
