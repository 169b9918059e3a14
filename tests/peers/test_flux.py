"""Flux: of dashboards, queries and tasks. Nothing executes it here (no engine is packaged): libflux checks types and
names of functions, and measurements, fields and tags are compared with what the daemon writes."""

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
# What lines have beside the labels of their rows: docs/metrics.md, docs/geo.md.
TAGS = {"agent", "target", "probe", "country", "asn", "as_org", "city", "region", "continent", "name"}
COMMON = {"success", "reason", "duration_seconds", "run", "boot"}


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


def sets():
    """Fields and labels of each set, from the reference (docs/metrics.md, which the program writes)."""
    found = {}
    for part in re.split(r"^### ", (TOP / "docs" / "metrics.md").read_text(), flags=re.M)[1:]:
        named = re.search(r"fields of `(\w+)`", part)
        if not named:
            continue
        fields = {field for row in re.findall(r"^\| `?\w*`?[^|]*\|[^|]*\|([^|]*)\|", part, re.M) for field in re.findall(r"`(\w+)`", row)}
        labels = re.search(r"Labels of its rows: `([^`]*)`", part)
        old_fields, old_labels = found.get(named[1], (set(), set()))
        found[named[1]] = (old_fields | fields, old_labels | set(labels[1].split(", ") if labels else ()))
    return found


SETS = sets()


@pytest.mark.parametrize("name, text", TEXTS, ids=[name for name, _ in TEXTS])
def test_what_flux_names_is_written(name, text):
    measurements = set(re.findall(r'r\._measurement == "(\w+)"', text))
    fields = set(re.findall(r'r\._field == "(\w+)"', text))
    assert measurements <= set(SETS), measurements - set(SETS)
    known = COMMON.union(*(SETS[measurement][0] for measurement in measurements)) if measurements else COMMON
    assert fields <= known, fields - known
    tags = set(re.findall(r"\br\.(\w+) (?:==|=~)", text)) - {"_measurement", "_field", "_value"}
    made = set(re.findall(r"(\w+): (?:r\.|if )", text))
    labels = TAGS.union(*(SETS[measurement][1] for measurement in measurements)) if measurements else TAGS
    # Of a pivot, fields are columns.
    assert tags <= labels | made | fields, tags - labels - made - fields
