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
