"""The stack alive: every PromQL panel and rule has data where all types of probes are at work."""

import json
import re
from pathlib import Path

import pytest
import yaml

import live
from netsonde import wait_until
from test_dashboards import LOADED, panels

TOP = Path(__file__).resolve().parents[2]
PATIENCE = 60
# What has nothing to say here, and why.
WITHOUT = {
    "dns/Serial of zones": "no query for SOA",
    "path/First hop that loses": "nothing is lost on loopback",
    "path/Way in kilometres": "one hop, which is this machine",
}


def plain(text):
    for name, value in (("$__rate_interval", "30s"), ("$__interval", "5s"), ("$__range", "1m"), ("[5m]", "[30s]")):
        text = text.replace(name, value)
    return re.sub(r"\$\{?\w+(?::\w+)?\}?", ".*", text)


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


def test_the_watchdog_arrives(world):
    wait_until(lambda: world.alerts("NetsondeWatchdog"), "the watchdog", PATIENCE)
