"""Boards and manifests against the types that their readers publish on npm: Grafana's own, Kubernetes' and its operator's."""

import copy
import json
from pathlib import Path

import pytest
import yaml

import npm_packages
from test_dashboards import BOARDS, LOADED, panels

TOP = Path(__file__).resolve().parents[2]
KUBERNETES = TOP / "deploy" / "kubernetes"
GRAFANA = "@grafana/schema"
PANEL = GRAFANA + "/dist/esm/raw/composable/{}/panelcfg/x/{}PanelCfg_types.gen"
# Kinds of panels as the package spells them, and whether they have settings by field.
KINDS = {
    "bargauge": ("BarGauge", False),
    "geomap": ("Geomap", False),
    "heatmap": ("Heatmap", True),
    "nodeGraph": ("NodeGraph", False),
    "stat": ("Stat", False),
    "state-timeline": ("StateTimeline", True),
    "status-history": ("StatusHistory", True),
    "table": ("Table", True),
    "timeseries": ("TimeSeries", True),
}
OPERATOR = "monitoring.coreos.com"


def parts(name, board):
    """(name, module, type, value): what a board is made of, each part to be checked by a type of its own."""
    shell = copy.deepcopy(board)
    variables = shell["templating"].pop("list")
    for variable in variables:
        # Grafana writes this one itself; its schema does not have it.
        variable.pop("definition", None)
        yield f"{name} ${variable['name']}", GRAFANA, "VariableModel", variable
    for note in shell["annotations"]["list"]:
        # The words of a data source.
        note.pop("titleFormat", None)
        for word in ("expr", "interval", "query"):
            note["target"].pop(word, None)
    listed = shell.pop("panels")
    yield name, GRAFANA, "Dashboard", shell
    for panel in listed:
        where = f"{name}: {panel['title']}"
        if panel["type"] == "row":
            yield where, GRAFANA, "RowPanel", panel
            continue
        kind, has_fields = KINDS[panel["type"]]
        module = PANEL.format(kind.lower(), kind)
        yield where, GRAFANA, "Panel", panel
        yield f"{where}, options", module, "Options", panel["options"]
        if has_fields:
            yield f"{where}, fields", module, "FieldConfig", panel["fieldConfig"]["defaults"]["custom"]
        else:
            assert not panel["fieldConfig"]["defaults"]["custom"], where


def patch(manifest, operations):
    """JSON Patch, as far as kustomization.yaml uses it: every path but that of "add" has to exist."""
    for operation in operations:
        *way, last = [step.replace("~1", "/") for step in operation["path"].split("/")[1:]]
        place = manifest
        for step in way:
            place = place[int(step) if isinstance(place, list) else step]
        if operation["op"] == "add" and last == "-":
            place.append(operation["value"])
        elif operation["op"] == "add":
            place[last] = operation["value"]
        elif operation["op"] == "replace":
            assert last in place, operation
            place[last] = operation["value"]
        else:
            assert operation["op"] == "remove"
            del place[last]


def manifests():
    """(name, manifest) of the base, and of what daemonset/ makes of it."""
    base = [
        (path.stem, yaml.safe_load(path.read_text()))
        for path in sorted((KUBERNETES / "base").glob("*.yaml"))
        if path.name != "kustomization.yaml"
    ]
    yield from base
    for change in yaml.safe_load((KUBERNETES / "daemonset" / "kustomization.yaml").read_text())["patches"]:
        wanted = [one for _, one in base if one["kind"] == change["target"]["kind"] and one["metadata"]["name"] == change["target"]["name"]]
        assert len(wanted) == 1, change["target"]
        patched = copy.deepcopy(wanted[0])
        patch(patched, yaml.safe_load(change["patch"]))
        yield f"daemonset/{patched['kind'].lower()}", patched


def typed(name, manifest):
    version, kind = manifest["apiVersion"], manifest["kind"]
    package = "@kubernetes-models/prometheus-operator" if version.startswith(OPERATOR) else "kubernetes-models"
    return name, f"{package}/{version}/{kind}", f"I{kind}", manifest


GRAFANAS = [case for path in BOARDS for case in parts(f"{path.parent.name}/{path.stem}", LOADED[path])]
MANIFESTS = [typed(name, manifest) for name, manifest in manifests()]


def spoil(cases, type_, *way):
    """A case of that type with one value more or another one: way leads to it, its last is the value."""
    *way, last, value = way
    name, module, _, found = copy.deepcopy(next(case for case in cases if case[2] == type_))
    place = found
    for step in way:
        place = place[step]
    place[last] = value
    return f"spoilt {type_} {last}", module, type_, found


SPOILT = [
    spoil(GRAFANAS, "Dashboard", "editabel", True),
    spoil(GRAFANAS, "Dashboard", "graphTooltip", 7),
    spoil(GRAFANAS, "Dashboard", "annotations", "list", 0, "enable", "yes"),
    spoil(GRAFANAS, "VariableModel", "type", "datasourc"),
    spoil(GRAFANAS, "Panel", "fieldConfig", "defaults", "color", "mode", "palette"),
    spoil(GRAFANAS, "Panel", "gridPos", "w", "12"),
    spoil(GRAFANAS, "Options", "legends", {}),
    spoil(GRAFANAS, "FieldConfig", "drawStyles", "line"),
    spoil(MANIFESTS, "IDeployment", "spec", "replicas", "1"),
    spoil(MANIFESTS, "IDeployment", "spec", "template", "spec", "containers", 0, "prots", []),
    spoil(MANIFESTS, "IDaemonSet", "spec", "replicas", 1),
    spoil(MANIFESTS, "INetworkPolicy", "spec", "podSelectors", {}),
    spoil(MANIFESTS, "IServiceMonitor", "spec", "endpoints", 0, "ports", "http"),
    spoil(MANIFESTS, "IPrometheusRule", "spec", "groups", 0, "rules", 0, "record", 5),
]


@pytest.mark.parametrize(
    "said, why",
    [
        ("npm WARN x\nnpm ERR! code EAI_AGAIN\nnpm ERR! errno EAI_AGAIN\n", "EAI_AGAIN"),
        ("npm error code SELF_SIGNED_CERT_IN_CHAIN\n", "SELF_SIGNED_CERT_IN_CHAIN"),
        ("npm error code E503\n", "E503"),
        ("npm error code EINTEGRITY\n", None),
        ("npm ERR! code E404\n", None),
        ("Killed\n", None),
    ],
)
def test_only_a_way_that_is_missing_is_an_excuse(said, why):
    assert npm_packages.obstacle(said) == why


@pytest.fixture(scope="module")
def wrong(npm):
    """{name: errors} of all that does not fit: reading the types takes the time, so it is done once."""
    keys = ("name", "module", "type", "value")
    cases = [dict(zip(keys, case)) for case in GRAFANAS + MANIFESTS + SPOILT]
    return {one["name"]: one["errors"] for one in json.loads(npm.run("check_types.js", cases, npm.FOLDER))}


def test_boards_are_as_grafana_has_them(wrong):
    assert sum(type_ == "Panel" for _, _, type_, _ in GRAFANAS) == sum(len(panels(board)) for board in LOADED.values())
    assert {name: wrong[name] for name, *_ in GRAFANAS if name in wrong} == {}


@pytest.mark.parametrize("name", [name for name, *_ in MANIFESTS])
def test_manifests_are_as_kubernetes_has_them(wrong, name):
    assert wrong.get(name) is None


@pytest.mark.parametrize("name", [name for name, *_ in SPOILT])
def test_the_checker_notices(wrong, name):
    assert wrong.get(name)
