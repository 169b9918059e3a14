"""Dashboards: what is committed is what the generator writes; every query is PromQL or Flux of what the daemon has."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from test_rules import expressions, known_metrics

TOP = Path(__file__).resolve().parents[2]
FOLDER = TOP / "grafana" / "dashboards"
BOARDS = sorted(FOLDER.glob("*/*.json"))
LOADED = {path: json.loads(path.read_text()) for path in BOARDS}
IDS = [f"{path.parent.name}/{path.stem}" for path in BOARDS]
NAME = re.compile(r"(?<![\w:])(?:netsonde_\w+|\w+:[\w:]+)")


def panels(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries(board):
    for panel in panels(board):
        for target in panel["targets"]:
            yield panel["title"], target.get("expr") or target["query"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["definition"]
    for note in board["annotations"]["list"]:
        yield note["name"], note.get("expr") or note["target"]["query"]


def test_committed_boards_are_those_of_the_generator(tmp_path):
    subprocess.run([TOP / "grafana" / "generate", tmp_path], check=True)
    written = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.glob("*/*.json")}
    assert written == {path.relative_to(FOLDER): path.read_text() for path in BOARDS}, "run grafana/generate"


def test_uids_are_unique_and_stable():
    uids = [board["uid"] for board in LOADED.values()]
    assert len(set(uids)) == len(uids) and all(len(uid) <= 40 for uid in uids)
    linked = set(re.findall(r"/d/([\w-]+)\?", "".join(path.read_text() for path in BOARDS)))
    assert linked and linked <= set(uids)


@pytest.mark.parametrize("path", BOARDS, ids=IDS)
def test_conventions(path):
    board = LOADED[path]
    assert board["schemaVersion"] == 42 and "id" not in board and "__inputs" not in board
    assert board["title"].startswith("netsonde / ") and board["description"].endswith((".", "?"))
    assert board["templating"]["list"][0]["name"] == "datasource"
    reference = {"type": path.parent.name, "uid": "${datasource}"}
    taken = set()
    for panel in panels(board):
        assert panel["title"] and panel["description"].endswith((".", "?")), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"] == reference and panel["targets"], panel["title"]
        assert all(target["datasource"] == reference for target in panel["targets"]), panel["title"]
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
    for variable in board["templating"]["list"][1:]:
        assert variable["refresh"] == 2 and variable["datasource"] == reference
        used = re.compile(rf"\$(?:{variable['name']}\b|{{{variable['name']}\b)")
        assert any(used.search(text) for _, text in queries(board)), f"{variable['name']} is not used"


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


def test_counters_are_never_shown_raw():
    raw = [
        (path.stem, title, text)
        for path in BOARDS
        if path.parent.name == "prometheus"
        for title, text in queries(LOADED[path])
        for name in re.findall(r"netsonde_\w+_total\b", text)
        if not re.search(rf"(?:rate|increase|changes)\({name}", text)
    ]
    # What has been lost since the start is a number of its own.
    assert {title for _, title, _ in raw} <= {"Lines lost", "Forged"}


def test_what_boards_name_exists(binary):
    known = known_metrics(binary) | {name for name, _ in expressions() if ":" in name} | {"ALERTS"}
    unknown = {
        (path.stem, name)
        for path in BOARDS
        if path.parent.name == "prometheus"
        for _, text in queries(LOADED[path])
        for name in NAME.findall(re.sub(r'"[^"]*"|\[[^]]*\]', "", text))
        if name not in known
    }
    assert unknown == set()


def test_every_record_is_asked_for():
    asked = {name for path in BOARDS for _, text in queries(LOADED[path]) for name in NAME.findall(text)}
    asked |= {found for _, text in expressions() for found in NAME.findall(text)}
    assert {name for name, _ in expressions() if ":" in name} <= asked
