"""Flux: of dashboards, queries and tasks. Nothing executes it here (no engine is packaged): libflux checks types and
names of functions; measurements, fields and tags: test_names.py."""

import re
from pathlib import Path

import pytest

from test_dashboards import LOADED, queries

TOP = Path(__file__).resolve().parents[2]
FILES = sorted((TOP / "influx").glob("*/*.flux"))
GRAFANA = (
    "option v = {timeRangeStart: -1h, timeRangeStop: now(), windowPeriod: 1m, "
    'defaultBucket: "netsonde", organization: "netsonde"}\n'
)


def texts():
    for path in FILES:
        yield f"{path.parent.name}/{path.name}", path.read_text()
    for path, board in LOADED.items():
        if path.parent.name != "influxdb":
            continue
        for title, text in queries(board):
            plain = re.sub(r"\$\{\w+:regex\}", ".*", text)
            imports = "".join(re.findall(r"^import .*\n", plain, re.M))
            yield f"{path.stem}: {title}", imports + GRAFANA + re.sub(r"^import .*\n", "", plain, flags=re.M)


TEXTS = list(texts())


def wrong(npm, wanted):
    return [int(line) for line in npm.run("check_flux.js", wanted).split()]


def test_flux_is_valid(npm):
    assert len(TEXTS) > 200
    assert [TEXTS[i][0] for i in wrong(npm, [text for _, text in TEXTS])] == []


def test_the_checker_notices(npm):
    good = 'from(bucket: "x") |> range(start: -1h)'
    assert wrong(npm, [good, good + " |> nothing()", good.replace('"x"', "3"), good + "("]) == [1, 2, 3]


# What storage works out by itself when it stands right behind range and filters: then no more than the results are moved.
PUSHED = {"mean", "first", "last", "min", "max", "sum", "count", "aggregateWindow"}
# What reads every point, and why that is not too much.
RAW = {
    "queries/missing_runs.flux": "each run is looked at: of an hour, or of the targets that are chosen",
    "queries/percentiles.flux": "quantiles need every value: of an hour, or of the targets that are chosen",
    "queries/outages.flux": "changes of state: only of targets that were down",
    "queries/path_history.flux": "events of one target",
    "Changes of paths": "events of one kind",
    "Triggers": "events of one kind",
}


def sources(text):
    """What follows each from(): (name, argument) of one function after another."""
    for chain in re.findall(r"\bfrom\(bucket: [^\n]*\)\n((?: *\|> [^\n]+\n?)+)", text + "\n"):
        yield re.findall(r"\|> (\w+)\((.*)\),?$", chain, re.M)


def is_pushed_down(chain):
    names = [name for name, _ in chain]
    first = next((i for i, name in enumerate(names) if name not in ("range", "filter")), len(names))
    filters = [body.removeprefix("fn: (r) => ") for name, body in chain[1:first]]
    # Storage takes comparisons; functions in a filter are for Flux.
    is_plain = filters and all(not re.search(r"\w\(", body.replace("and (", "")) for body in filters)
    if names[0] != "range" or not is_plain or not re.search("_measurement|_field", filters[0]) or first == len(names):
        return False
    if names[first] == "aggregateWindow":
        return bool(re.search(r"fn: (mean|first|last|min|max|sum|count),", chain[first][1]))
    return names[first] in PUSHED


@pytest.mark.parametrize("name, text", TEXTS, ids=[name for name, _ in TEXTS])
def test_storage_does_the_work(name, text):
    chains = list(sources(text))
    assert len(chains) == len(re.findall(r"\bfrom\(bucket:", text))
    slow = [chain for chain in chains if not is_pushed_down(chain)]
    assert slow == [] or any(name.endswith(raw) for raw in RAW)


def test_the_order_of_functions_is_noticed():
    start = 'from(bucket: "x")\n  |> range(start: -1h)\n'
    wanted = '  |> filter(fn: (r) => r._measurement == "ping")\n'
    for text, is_good in (
        (start + wanted + "  |> mean()", True),
        (start + wanted + "  |> aggregateWindow(every: 5m, fn: last, createEmpty: false)", True),
        (start + wanted + "  |> aggregateWindow(every: 5m, fn: median, createEmpty: false)", False),
        (start + wanted + "  |> derivative(unit: 1s)\n  |> mean()", False),
        (start + wanted + '  |> filter(fn: (r) => types.isType(v: r._value, type: "float"))\n  |> mean()', False),
        (start + "  |> mean()\n" + wanted, False),
        (start + wanted, False),
    ):
        assert [is_pushed_down(chain) for chain in sources(text)] == [is_good], text


def left_out(path, what):
    return re.compile(re.search(rf"r\.{what} !~ /([^/]*)/", (TOP / "influx" / path).read_text())[1])


@pytest.mark.parametrize("path", ["tasks/downsample_5m.flux", "queries/catch_up.flux"])
def test_means_are_not_of_texts(path):
    """One of a text ends the whole task."""
    sets_out, fields_out = left_out(path, "_measurement"), left_out(path, "_field")
    texts = {("ping", "reason"), ("ping", "boot")}
    for part in re.split(r"^### ", (TOP / "docs" / "metrics.md").read_text(), flags=re.M)[1:]:
        named = re.search(r"fields of `(\w+)`", part)
        texts |= {(named[1], text) for text in re.findall(r"^\| \| \| `(\w+)` \|", part, re.M)}
    assert len(texts) > 30
    assert [name for name in texts if not sets_out.search(name[0]) and not fields_out.search(name[1])] == []


def test_tasks_keep_what_boards_show_of_long_times():
    sets_out, fields_out = (left_out("tasks/downsample_5m.flux", what) for what in ("_measurement", "_field"))
    for name, text in TEXTS:
        if "bucket: bucket" not in text:
            continue
        for measurement, found in re.findall(r'r\._measurement == "(\w+)" and r\._field == "(\w+)"', text):
            is_last = found.endswith("_total") or measurement == "availability"
            assert is_last or not (sets_out.search(measurement) or fields_out.search(found)), (name, measurement, found)
