"""Flux: of dashboards, queries and tasks. Nothing executes it here (no engine is packaged): libflux checks types and
names of functions; measurements, fields and tags: test_names.py."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from test_dashboards import LOADED, queries

TOP = Path(__file__).resolve().parents[2]
CHECKER = "@influxdata/flux-lsp-node@0.8.40"
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


@pytest.fixture(scope="session")
def checker():
    folder = TOP / "build" / "npm"
    if not shutil.which("npm"):
        pytest.skip("no npm here, which has the checker of Flux")
    command = ["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", CHECKER]
    if not (folder / "node_modules" / "@influxdata" / "flux-lsp-node").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            pytest.skip(f"npm could not install {CHECKER}: {result.stderr.strip()[-200:]}")
    return folder


def wrong(checker, wanted):
    command = ["node", Path(__file__).with_name("flux_check.js"), checker]
    result = subprocess.run(command, input=json.dumps(wanted), capture_output=True, text=True, check=True)
    return [int(line) for line in result.stdout.split()]


def test_flux_is_valid(checker):
    assert len(TEXTS) > 200
    assert [TEXTS[i][0] for i in wrong(checker, [text for _, text in TEXTS])] == []


def test_the_checker_notices(checker):
    good = 'from(bucket: "x") |> range(start: -1h)'
    assert wrong(checker, [good, good + " |> nothing()", good.replace('"x"', "3"), good + "("]) == [1, 2, 3]
