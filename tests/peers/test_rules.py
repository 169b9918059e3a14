"""Rules, alerts and routes, as promtool and amtool see them. What they name: test_names.py."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

TOP = Path(__file__).resolve().parents[2]
FOLDER = TOP / "prometheus"
RULES = sorted((FOLDER / "rules").glob("*.yml"))
ALERTS = {
    rule["alert"]: rule
    for group in yaml.safe_load((FOLDER / "rules" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
}
PAGE = re.compile(r"https://\S+/docs/runbooks/(\w+\.md)")
SEVERITIES = {"critical", "warning", "info", "none"}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def expressions():
    for path in RULES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                yield rule.get("alert") or rule["record"], rule["expr"]


def lint(*paths):
    return run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *paths)


def test_what_is_recorded_seldom_is_asked_by_range_only():
    """A query does not see what is older than five minutes: promtool, which evaluates all groups at once, does not notice."""
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    seldom = {
        rule["record"]
        for group in groups
        for rule in group["rules"]
        if "record" in rule and group.get("interval", "15s") not in ("15s", "1m", "2m")
    }
    boards = "".join(path.read_text() for path in (TOP / "grafana" / "dashboards" / "prometheus").glob("*.json"))
    texts = [rule["expr"] for group in groups for rule in group["rules"]] + [boards]
    blind = {name for name in seldom for text in texts if re.search(rf"(?<![\w:]){name}(?![\w:])(?:{{[^}}]*}})?(?!\[|{{)", text)}
    assert len(seldom) > 3 and blind == set()


def test_promtool_has_nothing_to_say():
    result = lint(*RULES)
    assert result.returncode == 0 and "lint" not in result.stderr, result.stdout + result.stderr
    result = run("promtool", "check", "config", FOLDER / "prometheus.yml")
    assert result.returncode == 0, result.stdout + result.stderr


SPOILT_RULES = {
    "an expression": lambda rules: rules[0].update(expr="rate(netsonde_x)"),
    "a template": lambda rules: rules[0]["annotations"].update(summary="{{ $label.x }}"),
    "a key": lambda rules: rules[0].update(fro="5m"),
    "the same twice": lambda rules: rules.append(rules[0]),
}


@pytest.mark.parametrize("what", SPOILT_RULES)
def test_promtool_notices(tmp_path, what):
    spoilt = yaml.safe_load((FOLDER / "rules" / "alerts.yml").read_text())
    SPOILT_RULES[what](spoilt["groups"][0]["rules"])
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump(spoilt))
    assert lint(tmp_path / "alerts.yml").returncode != 0


@pytest.mark.parametrize("path", sorted((FOLDER / "tests").glob("*.yml")), ids=lambda path: path.stem)
def test_unit_tests_of_rules(path):
    result = run("promtool", "test", "rules", path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_each_alert_fires_and_is_silent_in_a_test():
    cases = {name: {True: 0, False: 0} for name in ALERTS}
    for test in yaml.safe_load((FOLDER / "tests" / "alerts.yml").read_text())["tests"]:
        for expected in test["alert_rule_test"]:
            cases[expected["alertname"]][bool(expected["exp_alerts"])] += 1
    # The watchdog is never silent.
    poor = {name for name, seen in cases.items() if not seen[True] or not (seen[False] or name == "NetsondeWatchdog")}
    assert not poor


@pytest.mark.parametrize("name", ALERTS)
def test_words_of_an_alert(name):
    rule = ALERTS[name]
    notes = rule["annotations"]
    assert rule["labels"]["severity"] in SEVERITIES
    assert name.startswith("Netsonde") and notes["description"].endswith(".")
    assert "{{" not in notes["summary"] and len(notes["summary"]) < 80
    page = PAGE.fullmatch(notes["runbook_url"])
    assert page and (TOP / "docs" / "runbooks" / page[1]).is_file()
    assert f"[{name}]({page[1]})" in (TOP / "docs" / "runbooks" / "README.md").read_text()


def test_no_page_without_an_alert():
    wanted = {PAGE.fullmatch(rule["annotations"]["runbook_url"])[1] for rule in ALERTS.values()} | {"README.md"}
    assert {path.name for path in (TOP / "docs" / "runbooks").iterdir()} == wanted


@pytest.mark.parametrize("has_receivers", [False, True])
def test_amtool_accepts_routes(has_receivers, tmp_path):
    text = (FOLDER / "alertmanager.yml").read_text()
    path = tmp_path / "alertmanager.yml"
    path.write_text(re.sub("#: ", "", text) if has_receivers else text)
    result = run("amtool", "check-config", path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_amtool_notices(tmp_path):
    path = tmp_path / "alertmanager.yml"
    path.write_text((FOLDER / "alertmanager.yml").read_text().replace("name: on-call", "name: on-cal"))
    assert run("amtool", "check-config", path).returncode != 0


def route(path, labels):
    result = run("amtool", "config", "routes", "test", f"--config.file={path}", *labels.split())
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize(
    "labels, receiver",
    [
        ("severity=critical alertname=NetsondeTargetDown", "on-call"),
        ("severity=warning alertname=NetsondeLossHigh", "people"),
        ("severity=info alertname=NetsondePathChanged", "nobody"),
        ("severity=none alertname=NetsondeWatchdog", "watchdog"),
    ],
)
def test_routes(labels, receiver):
    assert route(FOLDER / "alertmanager.yml", labels) == receiver


def test_a_route_that_is_missing_is_noticed(tmp_path):
    path = tmp_path / "alertmanager.yml"
    path.write_text((FOLDER / "alertmanager.yml").read_text().replace("severity = critical]\n      receiver", "severity = page]\n      receiver"))
    assert route(path, "severity=critical alertname=NetsondeTargetDown") == "people"
