"""Dashboards: what is committed is what the generator writes; every query is PromQL. What they name: test_names.py."""

import copy
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

import board_rules

TOP = Path(__file__).resolve().parents[2]
FOLDER = TOP / "grafana" / "dashboards"
BOARDS = sorted(FOLDER.glob("*/*.json"))
LOADED = {path: json.loads(path.read_text()) for path in BOARDS}
IDS = [f"{path.parent.name}/{path.stem}" for path in BOARDS]


panels, queries = board_rules.panels_of, board_rules.texts_of


def files(folder):
    return {path.relative_to(folder): path.read_text() for pattern in ("*/*.json", "*.libsonnet") for path in folder.glob(pattern)}


def test_committed_boards_are_those_of_the_generator(tmp_path):
    subprocess.run([TOP / "grafana" / "generate", tmp_path], check=True)
    assert files(tmp_path) == files(FOLDER), "run grafana/generate"


def test_the_list_of_boards_is_up_to_date():
    listed = subprocess.run([TOP / "grafana" / "generate", "--list"], check=True, capture_output=True, text=True).stdout
    page = (TOP / "docs" / "dashboards.md").read_text()
    assert listed.count("\n") > 20 and page.count(listed) == 1, "run grafana/generate"


def test_uids_are_unique_and_stable():
    uids = [board["uid"] for board in LOADED.values()]
    assert len(set(uids)) == len(uids) and all(len(uid) <= 40 for uid in uids)


@pytest.mark.parametrize("path", BOARDS, ids=IDS)
def test_conventions(path):
    assert board_rules.judge(LOADED[path], path.parent.name) == []


def panel_of(board, kind):
    return next(panel for panel in board["panels"] if panel["type"] == kind)


def spoil(change):
    """One change, of a copy of a board."""

    def spoiled(name):
        board = copy.deepcopy(LOADED[FOLDER / "prometheus" / f"{name}.json"])
        change(board)
        return board

    return spoiled


def put(*keys, value):
    """Sets what the keys lead to; a kind of panel as the first key leads to the first of that kind."""

    def change(board):
        place = panel_of(board, keys[0]) if keys[0] in ("stat", "timeseries", "table", "geomap") else board[keys[0]]
        for key in keys[1:-1]:
            place = place[key]
        place[keys[-1]] = value

    return spoil(change)


DEFAULTS = ("fieldConfig", "defaults")
FAULTS = {
    "layers_find_their_columns": ("nodes", spoil(lambda board: panel_of(board, "nodeGraph")["transformations"][-2]["options"].update(renameByName={"hop_before": "source"}))),
    "model_is_that_of_provisioned_files": ("overview", spoil(lambda board: board.update(schemaVersion=39))),
    "words_are_there": ("overview", put("stat", "description", value="")),
    "units_are_told": ("overview", put("stat", *DEFAULTS, "unit", value="")),
    "sources_are_chosen": ("overview", put("stat", "datasource", value={"type": "prometheus", "uid": "P1"})),
    "variables_are_used": ("overview", put("stat", "targets", 0, "expr", value='netsonde_availability_up{target="$target"}')),
    "selectors_choose": ("overview", put("stat", "targets", 0, "expr", value="netsonde_availability_up")),
    "windows_are_grafanas": ("nodes", put("timeseries", "targets", 0, "expr", value='rate(netsonde_probe_runs_total{target=~"$target"}[1m])')),
    "counters_are_rates": ("overview", put("stat", "targets", 0, "expr", value='rate(netsonde_availability_up{target=~"$target"}[5m])')),
    "ratios_have_limits": ("geo", spoil(lambda board: panel_of(board, "stat")["fieldConfig"]["defaults"].update(unit="percentunit"))),
    "colours_are_ours": ("overview", put("stat", *DEFAULTS, "thresholds", "steps", 0, "color", value="dark-red")),
    "thresholds_rise": ("overview", put("stat", *DEFAULTS, "thresholds", "steps", 0, "value", value=5)),
    "links_lead_on": ("overview", put("table", "fieldConfig", "overrides", -1, "properties", value=[{"id": "links", "value": [{"url": "/d/x?"}]}])),
    "notes_are_there": ("overview", put("annotations", "list", value=[])),
    "first_row_answers": ("overview", put("stat", "type", value="text")),
    "panels_have_room": ("overview", put("stat", "gridPos", "x", value=12)),
    "queries_are_told_apart": ("geo", put("geomap", "targets", 0, "refId", value="edges")),
    "maps_are_drawn_offline": ("geo", put("geomap", "options", "basemap", "config", "url", value="https://tiles.example/{z}")),
    "lines_are_few": ("overview", put("timeseries", "targets", 0, "expr", value='avg by (target) (netsonde_availability_up{target=~"$target"})')),
}


@pytest.mark.parametrize("rule", board_rules.RULES, ids=lambda rule: rule.__name__)
def test_each_convention_can_be_broken(rule):
    board, spoiled = FAULTS[rule.__name__]
    assert list(rule(spoiled(board), "prometheus")) != []


def plain(text):
    """PromQL as it reaches Prometheus."""
    for name, value in (("$__rate_interval", "5m"), ("$__interval", "1m"), ("$__range", "1h")):
        text = text.replace(name, value)
    return re.sub(r"\$\{?[a-z]\w*(?::\w+)?\}?", ".*", text)


def test_promql_is_accepted(tmp_path):
    rules = [
        {"record": f"board:{i}:{j}", "expr": plain(text)}
        for i, path in enumerate(BOARDS)
        if path.parent.name == "prometheus"
        for j, (_, text) in enumerate(queries(LOADED[path]))
        if not text.startswith("label_values(")
    ]
    assert len(rules) > 200
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "boards", "rules": rules}]}))
    result = subprocess.run(["promtool", "check", "rules", tmp_path / "rules.yml"], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
