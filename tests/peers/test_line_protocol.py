"""Our line protocol, written to InfluxDB 1.6.7 and read back.

The lines are hard cases made by tests/peers/line_samples.c, which also says, by code of its own, what must come back.
"""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

import servers

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NETSONDE_BUILD", TOP / "build" / "release"))
SAMPLES = BUILD / "tests" / "line_samples"

@pytest.fixture(scope="module")
def influx(tmp_path_factory):
    binary = shutil.which("influxd")
    if binary is None:
        pytest.skip("no influxd here (package influxdb)")
    server = servers.Influx(binary, tmp_path_factory.mktemp("influxdb"))
    try:
        server.wait()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def lines():
    return subprocess.run([SAMPLES], check=True, stdout=subprocess.PIPE).stdout


@pytest.fixture(scope="module")
def expected():
    return json.loads(subprocess.run([SAMPLES, "--expected"], check=True, stdout=subprocess.PIPE).stdout)


def compare(found, expected):
    for point in expected:
        case = point["tags"]["case"]
        assert case in found, f"case {case} is missing"
        tags, fields, stamp = found.pop(case)
        assert tags == point["tags"]
        assert fields == point["fields"], case
        assert stamp == point["time"], case
    assert found == {}


def test_all_at_once(influx, lines, expected):
    database = influx.fresh("together")
    assert len(lines.splitlines()) == len(expected) == lines.count(b"\n")
    assert influx.write(database, lines) == (204, b"")
    compare(influx.points(database, "hard"), expected)


def test_one_by_one(influx, lines, expected):
    database = influx.fresh("alone")
    for line in lines.split(b"\n")[:-1]:
        assert influx.write(database, line + b"\n") == (204, b""), line[:300]
    compare(influx.points(database, "hard"), expected)


def test_types_never_change(influx, lines):
    """The server keeps the type that a field had first and refuses any other: in every order, so that each line is the
    first once."""
    want = {
        "success": "integer", "reason": "string", "duration_seconds": "float", "run": "integer", "boot": "string",
        "count_total": "integer", "wait_seconds_total": "float", "level": "float", "whole": "integer",
        "rtt_count": "integer", "rtt_min_seconds": "float", "rtt_avg_seconds": "float", "rtt_max_seconds": "float",
        "note": "string",
    }
    pieces = lines.split(b"\n")[:-1]
    for first in range(len(pieces)):
        database = influx.fresh("types")
        turned = pieces[first:] + pieces[:first]
        assert influx.write(database, b"\n".join(turned) + b"\n") == (204, b"")
        (series,) = influx.query("SHOW FIELD KEYS", database)
        assert dict(series["values"]) == want


def test_the_server_would_notice(influx):
    """What the tests above rely on: this server refuses what is wrong."""
    database = influx.fresh("wrong")
    assert influx.write(database, b"m a=1i 1\n")[0] == 204
    for wrong in (b"m a=1 2", b"m,k=a\\ a=1i 3", b"m,k= a=1i 3", b"m a=1u 3", b"m a=NaN 3", b'm b="x 3',
                  b"m,k=a b a=1i 3"):
        assert influx.write(database, wrong + b"\n")[0] == 400, wrong


def test_a_longer_key_is_refused(influx, lines):
    """LINE_KEY_MAX is not timid: the longest tag with twice the rest of the way to 65536 bytes more is too long."""
    database = influx.fresh("keys")
    longest = max(lines.split(b"\n"), key=lambda line: line.find(b" success="))
    key = longest.find(b" success=")
    assert 64 * 1024 - 1024 < key < 64 * 1024
    assert influx.write(database, longest + b"\n")[0] == 204
    longer = longest.replace(b"k=", b"k=" + b"y" * (64 * 1024 - key), 1)
    assert influx.write(database, longer + b"\n")[0] == 400
