"""The stack alive: every PromQL panel and rule has data, and a fault that is played changes panels and makes its alert reach a
webhook through a real Alertmanager."""

import json
import re
from pathlib import Path

import pytest
import yaml

import live
import reference
from netsonde import wait_until
from support import Line, Metrics
from test_dashboards import LOADED, panels
from test_names import named_by_flux

TOP = Path(__file__).resolve().parents[2]
PATIENCE = 60
# Measurements that are not written here, and why.
NOT_WRITTEN = {"event": "no path changes on loopback; tests/net/test_trigger.py sees such lines"}
# What has nothing to say here, and why.
WITHOUT = {
    "daemon/Own certificate": "pages without TLS",
    "dns/Serial of zones": "no query for SOA",
    "path/First hop that loses": "nothing is lost on loopback",
    "path/Way in kilometres": "one hop, which is this machine",
}


def plain(text):
    for name, value in (("$__rate_interval", "30s"), ("$__interval", "5s"), ("$__range", "1m"), ("[5m]", "[30s]")):
        text = text.replace(name, value)
    return re.sub(r"\$\{?[a-z]\w*(?::\w+)?\}?", ".*", text)


def cases():
    for path, board in LOADED.items():
        if path.parent.name != "prometheus":
            continue
        for panel in panels(board):
            for target in panel["targets"]:
                yield f"{path.stem}/{panel['title']}", plain(target["expr"])


CASES = list(cases())


@pytest.fixture(scope="module")
def world(binary, tmp_path_factory):
    made = live.World(binary, tmp_path_factory.mktemp("live"))
    try:
        # Rates need two scrapes, scores and availability their first report; of rare data sets there is one turn within half a minute.
        wait_until(lambda: made.prometheus.query("netsonde_routeros_ethernet_link_up"), "a rare data set", PATIENCE)
        wait_until(lambda: made.prometheus.query("netsonde_qos_score"), "scores", PATIENCE)
        wait_until(lambda: made.prometheus.query("rate(netsonde_routeros_queue_tree_bytes_total[30s])"), "rates", PATIENCE)
        yield made
    finally:
        made.close()


def test_every_panel_has_data(world):
    missing = {(name, text) for name, text in CASES if name not in WITHOUT}

    def look():
        missing.difference_update([case for case in missing if world.prometheus.query(case[1])])
        return not missing

    try:
        wait_until(look, "data in every panel", PATIENCE)
    except AssertionError:
        raise AssertionError(json.dumps(sorted(missing), indent=1)) from None


def ask(world, board, panel, query):
    """What the query of a panel finds now."""
    panel = next(made for made in panels(LOADED[TOP / f"grafana/dashboards/prometheus/{board}.json"]) if made["title"] == panel)
    return world.prometheus.query(plain(next(target["expr"] for target in panel["targets"] if target["refId"] == query)))


def test_each_line_of_the_map_has_both_ends(world):
    """Grafana's panel breaks on an edge without its nodes."""
    nodes = {labels["id"]: labels for labels, _ in ask(world, "geo", "Targets", "nodes")}
    edges = [labels for labels, _ in ask(world, "geo", "Targets", "edges")]
    assert {(edge["source"], edge["place"]) for edge in edges} == {("50.11,8.68", "1.35,103.8")}
    assert set(nodes) == {end for edge in edges for end in (edge["source"], edge["place"])}
    assert all(name == f"{node['latitude']},{node['longitude']}" for name, node in nodes.items())


def test_the_graph_of_nodes_is_whole(world):
    edges = [labels for labels, _ in ask(world, "nodes", "Paths", "edges")]
    assert edges and all(edge["id"] and edge["color"].startswith("#") for edge in edges)
    lost = {labels["id"]: value for labels, value in ask(world, "nodes", "Paths", "lost")}
    kept = {labels["id"]: value for labels, value in ask(world, "nodes", "Paths", "kept")}
    assert set(lost) == {edge[end] for edge in edges for end in ("hop_before", "hop_address")}
    assert all(lost[name] + kept[name] == 1 for name in lost)


def test_every_rule_that_records_has_data(world):
    names = {
        rule["record"]
        for group in yaml.safe_load((TOP / "prometheus" / "rules" / "recording.yml").read_text())["groups"]
        for rule in group["rules"]
    }
    missing = set(names)

    def look():
        missing.difference_update([name for name in missing if world.prometheus.query(name)])
        return not missing

    wait_until(look, f"records: {missing}", PATIENCE)


def test_metrics_are_those_of_the_reference(world, binary):
    """What test_names.py knows of labels is true: no series has others, and no kind of row lacks those that make it one."""
    known = reference.read(binary)
    seen = {name: {label for row in rows for label, _ in row} for name, rows in Metrics(world.daemon.get("/metrics")).samples.items()}
    assert len(seen) > 500 and seen.keys() <= known.metrics.keys(), seen.keys() - known.metrics.keys()
    assert {(name, label) for name, labels in seen.items() for label in labels - known.metrics[name][1]} == set()
    lacking = {
        (part, label)
        for part, labels in reference.ROWS.items()
        for label, measures in labels.items()
        for measure in measures
        if label not in seen.get(f"netsonde_{part}_{measure}", {label})
    }
    assert lacking == set()


def test_lines_have_what_flux_names(world, binary):
    """Flux is executed nowhere here: so each measurement, field, tag and value of a tag in it must be in a line that was really
    written. And no line has what the reference does not know."""
    known = reference.read(binary)
    wanted = {one for one in named_by_flux(binary) if one[0] not in NOT_WRITTEN}
    assert len(wanted) > 200
    seen, strange = set(), set()
    with open(world.folder / "lines.lp", "rb") as file:

        def look():
            while (text := file.readline()).endswith(b"\n"):
                line = Line(text[:-1].decode())
                seen.update((line.measurement, name) for name in [*line.fields, *line.tags])
                seen.update((line.measurement, *pair) for pair in line.tags.items())
                strange.update((line.measurement, name) for name in line.fields.keys() - known.fields[line.measurement])
                strange.update((line.measurement, name) for name in line.tags.keys() - known.tags[line.measurement])
            file.seek(-len(text), 1)  # the rest of that line comes later
            return wanted <= seen

        try:
            wait_until(look, "all that Flux names", PATIENCE)
        except AssertionError:
            assert wanted - seen == set()
    assert strange == set()


def fires(world, name, **labels):
    def look():
        return [alert for alert in world.alerts(name) if labels.items() <= alert[1].items()]

    return wait_until(look, f"the alert {name}", PATIENCE)[0]


def value(world, expression):
    found = world.prometheus.query(expression)
    return found[0][1] if found else None


def test_the_watchdog_arrives(world):
    fires(world, "NetsondeWatchdog")


def test_a_target_that_goes_down(world):
    wait_until(lambda: value(world, 'netsonde_availability_up{target="resolver"}') == 1, "resolver up", PATIENCE)
    before = ask(world, "overview", "Down", "A")[0][1]
    world.names.shutdown()
    world.names.server_close()
    wait_until(lambda: value(world, 'min(netsonde_availability_up{target="resolver"})') == 0, "the panel", PATIENCE)
    alert = fires(world, "NetsondeTargetDown", target="resolver", probe="names", severity="critical")
    assert alert[2]["description"].startswith("resolver does not answer names")
    for board, panel, query in (("overview", "Down now", "A"), ("geo", "Targets", "down")):
        assert "resolver" in [labels["target"] for labels, _ in ask(world, board, panel, query)]
    assert ask(world, "overview", "Down", "A")[0][1] > before
    assert ("NetsondeTargetDown", "resolver") in [(labels["alertname"], labels.get("target")) for labels, _ in ask(world, "overview", "Alerts that fire", "A")]
