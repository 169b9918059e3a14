"""The mixin gives jsonnet users what is committed: boards, rules and alerts."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from test_dashboards import FOLDER, LOADED

TOP = Path(__file__).resolve().parents[2]
RULES = TOP / "prometheus" / "rules"
FILES = (TOP / "prometheus" / "mixin.libsonnet", FOLDER / "boards.libsonnet")


def mixin(field, config="{}", top=TOP):
    text = f"((import '{top}/prometheus/mixin.libsonnet') + {{ _config+:: {config} }}).{field}"
    return subprocess.run(["jsonnet", "-e", text], capture_output=True, text=True)


def groups(path):
    """Expressions in one line, as the mixin gives them: to PromQL it is the same."""
    found = yaml.safe_load(path.read_text())["groups"]
    for rule in (rule for group in found for rule in group["rules"]):
        rule["expr"] = rule["expr"].strip().replace("\n", " ")
    return found


def value(*arguments):
    result = mixin(*arguments)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_layout(path):
    result = subprocess.run(["jsonnetfmt", "--test", path], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("source, config", [("prometheus", "{}"), ("influxdb", "{ sources: ['influxdb'] }")])
def test_boards_are_those_that_are_committed(source, config):
    wanted = {f"netsonde-{source}-{path.name}": board for path, board in LOADED.items() if path.parent.name == source}
    assert value("grafanaDashboards", config) == wanted


def test_rules_are_those_that_are_committed(tmp_path):
    for field, name in (("prometheusRules", "recording"), ("prometheusAlerts", "alerts")):
        found = value(field)
        assert found == {"groups": groups(RULES / f"{name}.yml")}
        (tmp_path / f"{name}.json").write_text(json.dumps(found))
    result = subprocess.run(["promtool", "check", "rules", *tmp_path.iterdir()], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_settings():
    found = value("prometheusAlerts", "{ labels: { team: 'network' }, runbooks: 'https://pages.example/' }")
    rules = [rule for group in found["groups"] for rule in group["rules"]]
    assert all(rule["labels"]["team"] == "network" and rule["labels"]["severity"] for rule in rules)
    pages = {rule["annotations"]["runbook_url"].removeprefix("https://pages.example/") for rule in rules}
    assert pages == {path.name for path in (TOP / "docs" / "runbooks").glob("Netsonde*.md")}


def test_what_is_missing_is_noticed(tmp_path):
    for name in ("prometheus", "grafana/dashboards"):
        shutil.copytree(TOP / name, tmp_path / name)
    (tmp_path / "grafana" / "dashboards" / "prometheus" / "overview.json").unlink()
    assert mixin("grafanaDashboards", top=tmp_path).returncode != 0
