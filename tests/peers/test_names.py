"""Every metric, label, measurement, field and tag that a board, rule, query or page names exists; every metric is asked for by
one of them, or listed in grafana/unused.list with a reason. promql.py and flux.py read the texts, reference.py what there is."""

import functools
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

import flux
import promql
import reference
from test_dashboards import LOADED, panels, queries

TOP = Path(__file__).resolve().parents[2]
RULES = [TOP / "prometheus" / "rules" / "recording.yml", TOP / "prometheus" / "rules" / "alerts.yml"]
UNUSED = TOP / "grafana" / "unused.list"
PAGES = sorted([TOP / "README.md", *(TOP / "docs").rglob("*.md")])
LOOKS_LIKE_OURS = re.compile(r"\bnetsonde_\w+|\b\w+:netsonde_\w+:\w+")
BUCKETS = {"netsonde_5m", "netsonde_1h"}


# --- what there is ------------------------------------------------------------------------------------------------------


def groups(path):
    return [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


@dataclass
class Names:
    """The reference, with what our rules record and what alerts carry."""

    known: reference.Reference
    metrics: dict
    wrong: list = field(default_factory=list)
    used: set = field(default_factory=set)
    lines: set = field(default_factory=set)  # (measurement, field or tag) that Flux names
    alerts: dict = field(default_factory=dict)  # name -> labels

    def promql(self, where, text):
        """What the text answers with, or None; what is wrong with it is noted."""
        reader = promql.Reader(self.metrics)
        try:
            answer = reader.read(text)
        except promql.Wrong as error:
            self.wrong.append(f"{where}: {error}: {text}")
            return None
        self.wrong += [f"{where}: {sentence}: {text}" for sentence in reader.wrong]
        missed = set(LOOKS_LIKE_OURS.findall(text)) - reader.names
        self.wrong += [f"{where}: the reader has not seen {name}: {text}" for name in missed]
        for name in reader.names:
            self.used |= self.known.base.get(name, set())
        return answer

    def flux(self, where, text):
        reader = flux.Reader(self.known)
        try:
            reader.read(text)
        except flux.Wrong as error:
            self.wrong.append(f"{where}: {error}:\n{text}")
            return reader
        self.wrong += [f"{where}: {sentence}:\n{text}" for sentence in reader.wrong]
        missed = set(re.findall(r"\br\.(\w+)", text)) - reader.words
        self.wrong += [f"{where}: the reader has not seen r.{name}:\n{text}" for name in missed]
        self.lines |= reader.fields | {one for one in reader.tags if one[0] in reader.measurements}
        for one in reader.fields:
            self.used |= self.known.base.get(one, set())
            kinds = {self.known.kinds[key] for key in self.known.base.get(one, ())}
            if "counter" in kinds and not re.search(r"\b(derivative|difference|increase|spread)\(", text):
                self.wrong.append(f"{where}: {one[1]} is a counter: its value says nothing without derivative:\n{text}")
        return reader


def fine(names):
    assert not names.wrong, "\n".join(names.wrong)


def read_rules(names, rules):
    """Records first, each behind those that it is made of; then alerts."""
    records = [rule for rule in rules if "record" in rule]
    waiting = {rule["record"] for rule in records}
    while records:
        rule = records.pop(0)
        if waiting & set(LOOKS_LIKE_OURS.findall(rule["expr"])) and records:
            records.append(rule)
            continue
        answer = names.promql(rule["record"], rule["expr"])
        labels = (answer.labels if answer else frozenset()) | frozenset(rule.get("labels", ()))
        names.metrics[rule["record"]] = ("gauge", labels | names.metrics.get(rule["record"], (0, frozenset()))[1])
        waiting = {one["record"] for one in records}
    for rule in rules:
        if "alert" in rule:
            read_alert(names, rule)
    every = frozenset().union(*names.alerts.values()) if names.alerts else frozenset()
    names.metrics["ALERTS"] = ("gauge", every | {"alertname", "alertstate"})
    names.metrics["ALERTS_FOR_STATE"] = ("gauge", every | {"alertname"})


def read_alert(names, rule):
    answer = names.promql(rule["alert"], rule["expr"])
    labels = (answer.labels if answer else frozenset()) | frozenset(rule["labels"])
    names.alerts[rule["alert"]] = labels
    for text in rule["annotations"].values():
        for label in re.findall(r"\$labels\.(\w+)", text):
            if label not in labels:
                names.wrong.append(f"{rule['alert']}: its words name the label {label}, which it has not: {text}")


@functools.cache
def rule_names(binary):
    known = reference.read(binary)
    names = Names(known, dict(known.metrics))
    read_rules(names, [rule for path in RULES for rule in groups(path)])
    return names


@pytest.fixture
def names(binary):
    """Nothing is wrong and nothing is used yet; rules have been read."""
    rules = rule_names(binary)
    return Names(rules.known, rules.metrics, alerts=rules.alerts)


# --- rules --------------------------------------------------------------------------------------------------------------


def test_rules(binary):
    names = rule_names(binary)
    fine(names)
    assert len(names.used) > 30 and len(names.alerts) > 30


def test_rules_of_the_operator(binary, names):
    read_rules(names, [rule for group in yaml.safe_load((TOP / "deploy" / "kubernetes" / "base" / "prometheusrule.yaml").read_text())["spec"]["groups"] for rule in group["rules"]])
    fine(names)
    assert names.alerts == rule_names(binary).alerts


def test_tests_of_rules(names):
    """A series that is given to a test with a label that it cannot have would test nothing."""
    for path in sorted((TOP / "prometheus" / "tests").glob("*.yml")):
        for test in yaml.safe_load(path.read_text())["tests"]:
            for one in test["input_series"]:
                selector = promql.Reader(names.metrics)
                selector.tokens = list(selector.cut(one["series"]))
                selector.selector()
                names.wrong += [f"{path.name}: {sentence}: {one['series']}" for sentence in selector.wrong]
            for one in test.get("promql_expr_test", ()):
                names.promql(path.name, one["expr"])
    fine(names)


def test_alertmanager(names):
    settings = yaml.safe_load((TOP / "prometheus" / "alertmanager.yml").read_text())
    known = names.metrics["ALERTS"][1]

    def routes(route):
        yield route
        for inner in route.get("routes", ()):
            yield from routes(inner)

    labels, matchers = set(), []
    for route in routes(settings["route"]):
        labels |= set(route.get("group_by", ())) - {"..."}
        matchers += route.get("matchers", ())
    for rule in settings["inhibit_rules"]:
        labels |= set(rule["equal"])
        matchers += rule["source_matchers"] + rule["target_matchers"]
    for matcher in matchers:
        label, sign, value = re.fullmatch(r'(\w+)\s*(=~|!~|!=|=)\s*"?([^"]*)"?', matcher).groups()
        labels.add(label)
        if label == "alertname":
            assert any(re.fullmatch(value, name) if "~" in sign else value == name for name in names.alerts), matcher
    assert labels <= known, labels - known


# --- boards -------------------------------------------------------------------------------------------------------------

PROMQL = {path.stem: board for path, board in LOADED.items() if path.parent.name == "prometheus"}
FLUX = {path.stem: board for path, board in LOADED.items() if path.parent.name == "influxdb"}
ALWAYS = {"Time", "Value", "__name__", "job"}


def columns_of(panel, found):
    """The columns of a panel's tables, by the names that it gives them; and those that it speaks of besides."""
    renamed, spoken = {}, []
    for step in panel["transformations"]:
        options = step["options"]
        renamed.update(options.get("renameByName", {}))
        spoken += [*options.get("excludeByName", {}), *options.get("renameByName", {}), *options.get("indexByName", {})]
        spoken += [one["targetField"] for one in options.get("conversions", ())]
    shown = {renamed.get(name, name) for name in found}
    named = [one["matcher"]["options"] for one in panel["fieldConfig"]["overrides"] if one["matcher"]["id"] == "byName"]
    named += [one["displayName"] for one in panel["options"].get("sortBy", ())]
    if panel["type"] == "geomap":
        named += ["latitude", "longitude"]
    return spoken, named, shown


def check_columns(names, where, panel, found):
    spoken, named, shown = columns_of(panel, found)
    names.wrong += [f"{where}: no query has the column {name}" for name in spoken if name not in found]
    if panel["type"] in ("table", "geomap"):
        names.wrong += [f"{where}: the panel has no column {name}" for name in named if name not in shown]


def read_promql_board(names, name, board):
    for panel in panels(board):
        where = f"{name}/{panel['title']}"
        found = set(ALWAYS)
        for target in panel["targets"]:
            answer = names.promql(where, target["expr"])
            labels = answer.labels if answer else frozenset()
            found |= labels | {f"Value #{target.get('refId')}"}
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                if label not in labels:
                    names.wrong.append(f"{where}: the legend names {label}, which the query loses: {target['expr']}")
        check_columns(names, where, panel, found)
    for note in board["annotations"]["list"]:
        answer = names.promql(f"{name}/{note['name']}", note["target"]["expr"])
        for label in re.findall(r"\{\{(\w+)\}\}", json.dumps(note)):
            if answer and label not in answer.labels:
                names.wrong.append(f"{name}/{note['name']}: the title names {label}")
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            read_variable(names, f"{name}/${variable['name']}", variable["definition"])


def read_variable(names, where, text):
    metric, label = re.fullmatch(r"label_values\((?:(.*), *)?(\w+)\)", text).groups()
    reader = promql.Reader(names.metrics)
    answer = names.promql(where, f"group({metric})") and reader.read(f"group by ({label}) ({metric})")
    if answer is None or reader.wrong:
        names.wrong.append(f"{where}: {reader.wrong}: {text}")


def test_boards_of_prometheus(names):
    for name, board in PROMQL.items():
        read_promql_board(names, name, board)
    fine(names)
    assert len(names.used) > 150


def read_flux_board(names, name, board):
    for panel in panels(board):
        where = f"{name}/{panel['title']}"
        found = set(ALWAYS)
        groups = {}
        for target in panel["targets"]:
            tables = names.flux(where, target["query"]).tables
            if not tables:
                names.wrong.append(f"{where}: no table comes out of it:\n{target['query']}")
            groups[target["refId"]] = frozenset().union(*(table.group for table in tables))
            found = found.union(*(table.columns for table in tables))
        check_columns(names, where, panel, found)
        for one in panel["fieldConfig"]["overrides"]:
            if one["matcher"]["id"] == "byFrameRefID":
                labels = set(re.findall(r"__field\.labels\.(\w+)", json.dumps(one))) - groups[one["matcher"]["options"]]
                names.wrong += [f"{where}: the legend names {label}, which is no column of the group" for label in sorted(labels)]
    for note in board["annotations"]["list"]:
        names.flux(f"{name}/{note['name']}", note["target"]["query"])
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            names.flux(f"{name}/${variable['name']}", variable["definition"])


def test_boards_of_influxdb(names):
    for name, board in FLUX.items():
        read_flux_board(names, name, board)
    fine(names)
    assert len(names.used) > 100


FILES = sorted((TOP / "influx").glob("*/*.flux"))


def read_queries(names):
    for path in FILES:
        if not names.flux(path.name, path.read_text()).tables:
            names.wrong.append(f"{path.name}: no table comes out of it")


def test_queries_and_tasks(names):
    read_queries(names)
    fine(names)
    assert len(names.used) > 10


def named_by_flux(binary):
    """Every (measurement, field or tag) that a board, query or task names: test_live.py looks for them in lines."""
    rules = rule_names(binary)
    names = Names(rules.known, rules.metrics)
    read_queries(names)
    for name, board in FLUX.items():
        read_flux_board(names, name, board)
    return names.lines


# --- links and variables ------------------------------------------------------------------------------------------------


def values(node):
    """Every text in it."""
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from values(one)
    elif isinstance(node, str):
        yield node


def wrong_links(boards):
    """boards: {name: board}. Links to boards and variables that are not there."""
    by_uid = {board["uid"]: {one["name"] for one in board["templating"]["list"]} for board in boards.values()}
    tags = [set(board["tags"]) for board in boards.values()]
    wrong = []
    for name, board in boards.items():
        mine = by_uid[board["uid"]]
        for text in values(board):
            link = re.match(r"/d/([\w-]+)(.*)", text, re.S)
            if link and link[1] not in by_uid:
                wrong.append(f"{name}: no board {link[1]}")
            elif link:
                wrong += [f"{name}: {link[1]} has no variable {one}" for one in re.findall(r"[?&]var-(\w+)=", link[2]) if one not in by_uid[link[1]]]
            for one in re.findall(r"\$\{?([a-zA-Z_]\w*)", text):
                if not one.startswith("__") and one not in mine:
                    wrong.append(f"{name}: no variable {one}: {text}")
        for link in board["links"]:
            if link["type"] == "dashboards" and not any(set(link["tags"]) <= one for one in tags):
                wrong.append(f"{name}: no board has the tags {link['tags']}")
    return wrong


def test_links_of_boards():
    boards = {f"{path.parent.name}/{path.stem}": board for path, board in LOADED.items()}
    wrong = wrong_links(boards)
    assert not wrong, "\n".join(wrong)
    assert sum("/d/" in text for board in boards.values() for text in values(board)) > 10


def anchors(text):
    """What headings are called in links (as GitHub does)."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ +(.*)$", text, re.M)}


def wrong_pages(rules):
    uids = {board["uid"] for board in LOADED.values()}
    wrong = []
    for rule in rules:
        for name, text in rule.get("annotations", {}).items():
            link = re.search(r"/docs/([\w./-]+\.md)(?:#(\S+))?$", text)
            if name == "runbook_url" and not (link and (TOP / "docs" / link[1]).is_file()):
                wrong.append(f"{rule['alert']}: no page {text}")
            elif link and link[2] and link[2] not in anchors((TOP / "docs" / link[1]).read_text()):
                wrong.append(f"{rule['alert']}: no heading {link[2]} in {link[1]}")
            wrong += [f"{rule['alert']}: no board {uid}" for uid in re.findall(r"/d/([\w-]+)", text) if uid not in uids]
    return wrong


def test_links_of_alerts():
    assert wrong_pages(groups(RULES[1])) == []


# --- Zabbix -------------------------------------------------------------------------------------------------------------


def read_zabbix(names, template):
    steps = 0
    for item in template["items"] + [one for rule in template["discovery_rules"] for one in [rule, *rule["item_prototypes"]]]:
        kinds = [step["type"] for step in item.get("preprocessing", ())]
        for step in item.get("preprocessing", ()):
            if not step["type"].startswith("PROMETHEUS"):
                continue
            steps += 1
            text = step["parameters"][0]
            triggers = [one["expression"] for one in item.get("triggers", []) + item.get("trigger_prototypes", [])]
            is_change = {"CHANGE_PER_SECOND", "SIMPLE_CHANGE"} & set(kinds) or any("change(" in text for text in triggers)
            names.promql(item["key"], f"group({text})" if step["type"].endswith("JSON") else f"rate({text}[5m])" if is_change else text)
            for path in item.get("lld_macro_paths", ()):
                label = path["path"].removeprefix("$.labels.")
                names.promql(item["key"], f"group by ({label}) ({text})")
    return steps


def test_zabbix(names):
    template = yaml.safe_load((TOP / "deploy" / "zabbix" / "netsonde.yaml").read_text())["zabbix_export"]["templates"][0]
    assert read_zabbix(names, template) > 15
    fine(names)


# --- pages --------------------------------------------------------------------------------------------------------------


def read_page(names, where, text):
    """Names anywhere; labels in braces; whole expressions where a name stands in one."""
    every = set(names.metrics) | set(names.known.names.values()) | BUCKETS
    for found in re.finditer(r"\b(?:\w+:)?netsonde_\w+(?::\w+)?", text):
        after = text[found.end():found.end() + 1]
        is_part = after in ("…", "*", "<", ".") and found[0].endswith("_")
        if found[0] not in every and not (is_part and any(name.startswith(found[0]) for name in every)):
            names.wrong.append(f"{where}: there is no {found[0]}")
    for span in re.findall(r"`([^`\n]*netsonde_[^`\n]*)`", text):
        shape = re.fullmatch(r"(netsonde_\w+)\{([^}=]*)\}(?: \d+)?", span)
        if shape:
            labels = names.metrics.get(shape[1], ("", frozenset()))[1]
            names.wrong += [f"{where}: {shape[1]} has no label {one}" for one in re.findall(r"\w+", shape[2]) if one not in labels]
        elif re.search(r"[({]", span):
            selector = re.fullmatch(r"netsonde_\w+\{[^}]*\}", span)
            names.promql(where, f"group({span})" if selector else span)


def test_pages(names):
    for path in PAGES:
        read_page(names, path.name, path.read_text())
    fine(names)


# --- what nobody asks for -----------------------------------------------------------------------------------------------


def read_unused(text):
    """{name: reason}. A line that begins a reason is followed by the names, indented."""
    found, reason, wrong = {}, None, []
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if not line.startswith(" "):
            reason = line
            continue
        for name in line.split():
            if name in found or not reason:
                wrong.append(f"twice, or without a reason: {name}")
            found[name] = reason
    return found, wrong


def wrong_unused(names, used, listed):
    """Sentences about metrics that nobody uses and nobody lists, and about what is listed and should not be."""
    every = {name: key for key, name in names.known.names.items()}
    wrong = [f"nobody asks for {name}, and it is not listed" for name, key in every.items() if key not in used and name not in listed]
    wrong += [f"there is no {name}, but it is listed" for name in listed if name not in every]
    return wrong + [f"{name} is listed and used" for name in listed if every.get(name) in used]


def test_every_metric_is_asked_for_or_listed(binary, names):
    for name, board in PROMQL.items():
        read_promql_board(names, name, board)
    for name, board in FLUX.items():
        read_flux_board(names, name, board)
    read_queries(names)
    listed, wrong = read_unused(UNUSED.read_text())
    wrong += wrong_unused(names, names.used | rule_names(binary).used, listed)
    assert not wrong, "\n".join(wrong)


def test_every_record_is_asked_for(binary):
    texts = [text for board in PROMQL.values() for _, text in queries(board)] + [rule["expr"] for path in RULES for rule in groups(path)]
    asked = {name for text in texts for name in LOOKS_LIKE_OURS.findall(text)}
    assert {name for name in rule_names(binary).metrics if ":" in name} <= asked


# --- that the checks can fail -------------------------------------------------------------------------------------------

BROKEN_PROMQL = {
    "netsonde_ping_losses_ratio": "no metric netsonde_ping_losses_ratio",
    'netsonde_ping_loss_ratio{use="voice"}': "no label use",
    'netsonde_availability_up{window="30d"}': "no label window",
    'netsonde_qos_score{codec="g711"}': "no label codec",
    "sum by (country) (netsonde_ping_loss_ratio)": "no label country",
    "sum by (probe) (avg by (target) (netsonde_ping_loss_ratio))": "no label probe",
    "max without (worker) (netsonde_ping_loss_ratio)": "no label worker",
    "netsonde_ping_loss_ratio * on (country) group_left () netsonde_target_info": "the left of * has no label country",
    "netsonde_ping_loss_ratio * on (target) group_left (use) netsonde_target_info": "the other side has no label use",
    "netsonde_ping_loss_ratio / netsonde_traceroute_hop_loss_ratio": "only one has the label flow",
    'label_replace(netsonde_ping_loss_ratio, "a", "$1", "city", "(.*)")': "label_replace has no label city",
    "histogram_quantile(0.9, rate(netsonde_ping_rtt_seconds_count[5m]))": "no label le",
    "netsonde_ping_rtt_seconds": "no metric netsonde_ping_rtt_seconds",
    "netsonde_ping_sent_total": "is a counter",
    "sum(netsonde_ping_sent_total) > 0": "is a counter",
    "avg_over_time(netsonde_ping_sent_total[5m])": "is a counter",
    "rate(netsonde_ping_loss_ratio[5m])": "rate of what is no counter",
    "rate(netsonde_ping_loss_ratio[5m]": ", is missing",
    "netsonde_ping_loss_ratio and": "nobody expects the end",
    "nothing(netsonde_ping_loss_ratio)": "nothing is not known",
    '{__name__=~"netsonde_.*"}': "without a name",
    "sum(netsonde_ping_loss_ratio) $by (target)": "not PromQL",
}


@pytest.mark.parametrize("text", BROKEN_PROMQL)
def test_the_reader_of_promql_notices(names, text):
    names.promql("here", text)
    assert BROKEN_PROMQL[text] in names.wrong[0]


GOOD_PROMQL = {
    "sum by (target, le) (increase(netsonde_ping_rtt_seconds_bucket[$__rate_interval]))": {"target", "le"},
    "max(up) without (job)": {"instance"},
    "-2 ^ 2 * netsonde_schedule_lag_max_seconds offset -5m @ end()": {"job", "instance", "worker"},
    "topk(3, netsonde_schedule_lag_max_seconds) > bool 1 # a remark": {"job", "instance", "worker"},
    "a:b:c or on () vector(1)": {"x"},
    "sum by (name) (rate(netsonde_output_lines_dropped_total[10m:1m])) unless on (name) netsonde_output_refused == 1": {"name"},
    'label_join(netsonde_build_info, "id", " > ", "version", "compiler")': {"job", "instance", "version", "compiler", "id"},
    "netsonde_schedule_probes * on (instance) group_left (version) netsonde_build_info": {"job", "instance", "worker", "version"},
}


@pytest.mark.parametrize("text", GOOD_PROMQL)
def test_the_reader_of_promql_follows_labels(names, text):
    names.metrics = {**names.metrics, "a:b:c": ("gauge", frozenset({"x"}))}
    assert names.promql("here", text).labels == GOOD_PROMQL[text]
    fine(names)


PING = 'from(bucket: "b") |> range(start: -1h) |> filter(fn: (r) => r._measurement == "ping" and r._field == "loss_ratio")'
BROKEN_FLUX = {
    PING.replace('"ping"', '"pong"'): "_measurement: there is no pong",
    PING.replace("loss_ratio", "losses_ratio"): "_field: there is no losses_ratio",
    PING.replace("loss_ratio", "score"): "_field: there is no score",
    PING.replace("loss_ratio", "sent_total"): "is a counter",
    PING + ' |> filter(fn: (r) => r.hop == "1")': "no column hop",
    PING + ' |> filter(fn: (r) => exists r.city)': "no column city",
    PING + ' |> group(columns: ["use"])': "group: there is no column use",
    PING + ' |> group(columns: ["target"]) |> mean() |> keep(columns: ["probe"])': "keep: there is no column probe",
    PING + ' |> mean() |> sort(columns: ["_time"])': "sort: there is no column _time",
    PING + ' |> map(fn: (r) => ({a: r.probe})) |> map(fn: (r) => ({r with b: r.target}))': "no column target",
    PING + ' |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value") |> map(fn: (r) => ({r with a: r.rtt_avg_seconds}))': "no column rtt_avg_seconds",
    PING + ' |> rename(columns: {_value: "loss"}) |> mean()': "mean: there is no column _value",
    PING + ' |> keep(columns: ["_time"]) |> to(bucket: "c")': "to: there is no column _measurement",
    "a = " + PING + '\njoin(tables: {a: a, b: a |> group() |> mean()}, on: ["target"])': "join: there is no column target",
    'f = (name) => from(bucket: "b") |> filter(fn: (r) => r._field == name)\nf(name: "nothing")': "_field: there is no nothing",
    "f = (tables=<-) => tables |> filter(fn: (r) => r.nowhere == 1)": "has not seen r.nowhere",
    'import "influxdata/influxdb/schema"\nschema.tagValues(bucket: "b", tag: "city", predicate: (r) => r._measurement == "ping")': "no column city",
    PING + " |> nothing()": "nothing is not known",
    PING + " |>": "a name is missing",
    PING + " $": "not Flux",
}


@pytest.mark.parametrize("text", BROKEN_FLUX)
def test_the_reader_of_flux_notices(names, text):
    names.flux("here", text)
    assert BROKEN_FLUX[text] in names.wrong[0]


def test_the_reader_of_flux_follows_columns(names):
    text = PING + ' |> group(columns: ["target"]) |> aggregateWindow(every: 1m, fn: mean) |> rename(columns: {_value: "loss"})'
    assert [(table.columns, table.group) for table in names.flux("here", text).tables] == [({"_time", "target", "loss"}, {"target"})]
    assert names.used == {"ping.loss_ratio"}
    fine(names)


def board_with(**panel):
    made = {"title": "A", "type": "table", "transformations": [], "fieldConfig": {"overrides": []}, "options": {}, **panel}
    return {"uid": "one", "tags": ["a"], "links": [], "panels": [made], "annotations": {"list": []}, "templating": {"list": [{"name": "target", "type": "query", "definition": "label_values(up, instance)"}]}}


@pytest.mark.parametrize(
    "panel, sentence",
    [
        ({"targets": [{"expr": "sum(up)", "legendFormat": "{{instance}}"}]}, "the legend names instance"),
        ({"targets": [{"expr": "up", "legendFormat": ""}], "transformations": [{"options": {"renameByName": {"targt": "x"}}}]}, "no query has the column targt"),
        ({"targets": [{"expr": "up", "legendFormat": ""}], "options": {"sortBy": [{"displayName": "x"}]}}, "the panel has no column x"),
    ],
)
def test_columns_and_legends_are_checked(names, panel, sentence):
    read_promql_board(names, "b", board_with(**panel))
    assert sentence in names.wrong[0]


def test_columns_and_legends_are_checked_in_flux(names):
    legend = {"matcher": {"id": "byFrameRefID", "options": "A"}, "properties": [{"value": "${__field.labels.probe}"}]}
    panel = {"targets": [{"refId": "A", "query": PING + ' |> group(columns: ["target"])'}], "fieldConfig": {"overrides": [legend]}}
    board = board_with(**panel)
    board["templating"]["list"] = []
    read_flux_board(names, "b", board)
    assert "the legend names probe" in names.wrong[0]


def test_variables_are_checked(names):
    for text in ("label_values(netsonde_nothing, target)", "label_values(up, target)"):
        names.wrong = []
        read_variable(names, "v", text)
        assert names.wrong


@pytest.mark.parametrize("url, sentence", [("/d/two?x=1", "no board two"), ("/d/one?var-agent=a", "no variable agent"), ("/d/one?var-target=${aim}", "no variable aim"), ("/d/one?var-target=${__value.raw}", None)])
def test_links_are_checked(url, sentence):
    found = wrong_links({"b": board_with(url=url)})
    assert found == [] if sentence is None else sentence in found[0]


def test_links_of_alerts_are_checked():
    url = "https://example.com/docs/runbooks/"
    rules = [
        {"alert": "A", "annotations": {"runbook_url": url + "Nothing.md"}},
        {"alert": "B", "annotations": {"runbook_url": url + "NetsondeLossHigh.md#nowhere"}},
        {"alert": "C", "annotations": {"runbook_url": url + "NetsondeLossHigh.md", "dashboard_url": "/d/nothing"}},
    ]
    assert [text[0] for text in wrong_pages(rules)] == ["A", "B", "C"]


@pytest.mark.parametrize("text", ["`netsonde_nothing_total`", "`netsonde_nothing_…`", "`netsonde_qos_score{codec}`", '`netsonde_ping_loss_ratio{use="web"}`', "`sum(netsonde_ping_sent_total)`", "`probe:netsonde_nothing:avg`"])
def test_pages_are_checked(names, text):
    read_page(names, "p", text)
    assert names.wrong


def test_zabbix_is_checked(names):
    step = {"type": "PROMETHEUS_PATTERN", "parameters": ['netsonde_ping_sent_total{target="{#T}"}']}
    item = {"key": "k", "preprocessing": [step]}
    rule = {"key": "r", "item_prototypes": [], "lld_macro_paths": [{"path": "$.labels.hop"}], "preprocessing": [{"type": "PROMETHEUS_TO_JSON", "parameters": ["up"]}]}
    assert read_zabbix(names, {"items": [item], "discovery_rules": [rule]}) == 2
    assert len(names.wrong) == 2


def test_alerts_are_checked(names):
    read_alert(names, {"alert": "A", "expr": "sum(up) > 0", "labels": {"severity": "info"}, "annotations": {"summary": "{{ $labels.severity }} {{ $labels.instance }}"}})
    assert len(names.wrong) == 1 and "instance" in names.wrong[0]


def test_the_list_is_checked(names):
    used = set(names.known.names) - {"ping.loss_ratio", "ping.jitter_seconds"}
    listed, _ = read_unused("why\n  netsonde_ping_loss_ratio\n  netsonde_nothing\n  netsonde_ping_rtt_avg_seconds")
    assert [text.split()[-1] for text in wrong_unused(names, used, listed)] == ["listed", "listed", "used"]
    assert read_unused("  a\nwhy\n  b b")[1] == ["twice, or without a reason: a", "twice, or without a reason: b"]
