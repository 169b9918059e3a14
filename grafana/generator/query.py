"""One question, in PromQL and in Flux: so that a board for Prometheus and its twin for InfluxDB say the same."""

import re
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Ask:
    """A measure of a set. rate: of a counter, per second. total: of a counter, by how much it rose in the time range. how: what
    is made of all series with the same `by`: None leaves them as they are. where: labels that must match (regular
    expressions). over: "mean", "last", "max", "min" in each step. holds: a condition such as "== 0"; the value is 1 where
    it holds, else 0."""

    set: str
    measure: str
    rate: bool = False
    total: bool = False
    how: str | None = None
    by: tuple = ()
    where: dict = field(default_factory=dict)
    over: str = "mean"
    scale: float = 1
    legend: str = ""
    largest: int = 0
    smallest: int = 0
    holds: str = ""

    def but(self, **changes):
        return replace(self, **changes)

    @property
    def name(self):
        """The legend, as far as the answer has the labels in it."""
        named = re.findall(r"\{\{(\w+)\}\}", self.legend)
        return self.legend if not self.how or set(named) <= set(self.by) else ""


def number(value):
    return str(int(value)) if value == int(value) else repr(value)


# --- PromQL ----------------------------------------------------------------------------------------------------------

PROMETHEUS_HOW = {"sum": "sum", "mean": "avg", "max": "max", "min": "min", "count": "count"}


class Prometheus:
    name = "prometheus"
    uid = "prometheus"
    agent = "instance"
    reference = {"type": "prometheus", "uid": "${datasource}"}

    @staticmethod
    def variable():
        return {
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "regex": "",
            "refresh": 1,
            "hide": 0,
            "includeAll": False,
            "multi": False,
            "options": [],
            "current": {},
            "skipUrlSync": False,
        }

    def choice(self, name, label, metric, tag, many=True, **more):
        query = f"label_values({metric}, {tag})"
        return {
            "name": name,
            "label": label,
            "type": "query",
            "datasource": self.reference,
            "definition": query,
            "query": {"query": query, "refId": name},
            "refresh": 2,
            "sort": 7,
            "multi": many,
            "includeAll": many,
            **({"allValue": ".*"} if many else {}),
            "options": [],
            "current": {"text": ["All"], "value": ["$__all"]} if many else {},
            "hide": 0,
            "regex": "",
            "skipUrlSync": False,
            **more,
        }

    @staticmethod
    def selector(scope, where):
        parts = [f'{name}=~"${variable}"' for name, variable in scope.prometheus]
        parts += [f'{name}=~"{value}"' if "|" in value or "*" in value or "+" in value else f'{name}="{value}"' for name, value in where.items()]
        return "{" + ",".join(parts) + "}"

    def expression(self, ask, scope, window="$__rate_interval"):
        text = f"netsonde_{ask.set}_{ask.measure}" + self.selector(scope, ask.where)
        if ask.rate:
            text = f"rate({text}[{window}])"
        if ask.total:
            text = f"increase({text}[$__range])"
        if ask.holds:
            sign, limit = ask.holds.split()
            text = f"{text} {sign} bool {limit}"
        if ask.how:
            text = f"{PROMETHEUS_HOW[ask.how]} by ({', '.join(ask.by)}) ({text})" if ask.by else f"{PROMETHEUS_HOW[ask.how]}({text})"
        if ask.scale != 1:
            text = f"{number(ask.scale)} * {text}"
        if ask.largest:
            text = f"topk({ask.largest}, {text})"
        if ask.smallest:
            text = f"bottomk({ask.smallest}, {text})"
        return text

    def target(self, expression, legend="", *, instant=False, table=False, form=None):
        return {
            "datasource": self.reference,
            "editorMode": "code",
            "expr": expression,
            "legendFormat": legend or "__auto",
            "instant": instant or table,
            "range": not (instant or table),
            "format": form or ("table" if table else "time_series"),
        }

    def curve(self, ask, scope):
        return self.target(self.expression(ask, scope), ask.name)

    def now(self, ask, scope):
        return self.target(self.expression(ask, scope, "5m"), ask.name, instant=True)

    def column(self, ask, scope, name):
        del name  # the board renames it
        return self.target(self.expression(ask, scope, "5m"), table=True)

    @staticmethod
    def columns(names, hidden=(), renamed=None):
        """Transformations that join the queries of a table and name their columns."""
        rename = {f"Value #{chr(ord('A') + i)}": name for i, name in enumerate(names)}
        if len(names) == 1:
            rename["Value"] = names[0]
        rename.update(renamed or {})
        exclude = {name: True for name in ("Time", "__name__", "job", *hidden)}
        return [
            {"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": exclude, "indexByName": {}, "renameByName": rename}},
        ]

    @staticmethod
    def legend(panel):
        return panel


# --- Flux ------------------------------------------------------------------------------------------------------------

FLUX_HOW = {"sum": "sum", "mean": "mean", "max": "max", "min": "min", "count": "count"}
FLUX_NAMES = {"instance": "agent"}


class Flux:
    name = "influxdb"
    uid = "influxdb"
    agent = "agent"
    reference = {"type": "influxdb", "uid": "${datasource}"}

    @staticmethod
    def variable():
        made = Prometheus.variable()
        made["query"] = "influxdb"
        return made

    def choice(self, name, label, metric, tag, many=True, **more):
        tag = FLUX_NAMES.get(tag, tag)
        measurement = metric.split("{")[0]
        query = (
            'import "influxdata/influxdb/schema"\n'
            f'schema.tagValues(bucket: v.defaultBucket, tag: "{tag}", predicate: (r) => r._measurement == "{measurement}", start: v.timeRangeStart)'
        )
        made = Prometheus().choice(name, label, metric, tag, many)
        made.update({"datasource": self.reference, "definition": query, "query": {"query": query, "refId": name}})
        made.update(more)
        return made

    @staticmethod
    def source(ask, scope):
        wanted = [f'r._measurement == "{ask.set}"', f'r._field == "{ask.measure}"']
        for name, variable in scope.flux:
            wanted.append(f"r.{name} =~ /^${{{variable}:regex}}$/")
        for name, value in ask.where.items():
            is_pattern = any(sign in value for sign in "|*+")
            wanted.append(f"r.{name} =~ /^({value})$/" if is_pattern else f'r.{name} == "{value}"')
        lines = ["from(bucket: v.defaultBucket)", "  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)"]
        return lines + [f"  |> filter(fn: (r) => {' and '.join(wanted)})"]

    @staticmethod
    def tags(ask):
        return [FLUX_NAMES.get(name, name) for name in ask.by]

    def grouped(self, ask, has_time):
        names = [f'"{name}"' for name in self.tags(ask)]
        if not ask.how:
            return []
        keys = names + (['"_time"'] if has_time else [])
        lines = [f"  |> group(columns: [{', '.join(keys)}])" if keys else "  |> group()", f"  |> {FLUX_HOW[ask.how]}()"]
        return lines + [f"  |> group(columns: [{', '.join(names)}])" if names else "  |> group()"]

    @staticmethod
    def scaled(ask):
        return [f"  |> map(fn: (r) => ({{r with _value: float(v: r._value) * {float(ask.scale)!r}}}))"] if ask.scale != 1 else []

    @staticmethod
    def held(ask):
        if not ask.holds:
            return []
        sign, limit = ask.holds.split()
        return [f"  |> map(fn: (r) => ({{r with _value: if float(v: r._value) {sign} {float(limit)!r} then 1 else 0}}))"]

    def ranked(self, ask):
        """Each of the first is a series of its own again: a bar each."""
        if not (ask.largest or ask.smallest):
            return []
        chosen = f"top(n: {ask.largest}" if ask.largest else f"bottom(n: {ask.smallest}"
        apart = ", ".join(f'"{tag}"' for tag in self.tags(ask))
        return ["  |> group()", f'  |> {chosen}, columns: ["_value"])', f"  |> group(columns: [{apart}])"]

    def target(self, query):
        return {"datasource": self.reference, "query": query}

    def curve(self, ask, scope):
        lines = self.source(ask, scope)
        if ask.rate:
            lines.append("  |> derivative(unit: 1s, nonNegative: true)")
        lines.append(f"  |> aggregateWindow(every: v.windowPeriod, fn: {ask.over}, createEmpty: false)")
        lines += self.held(ask) + self.grouped(ask, True) + self.scaled(ask)
        if not ask.largest and not ask.smallest:
            return self.target("\n".join(lines))
        # Those that are largest over the whole time; topk of PromQL chooses in each step.
        chosen = f"top(n: {ask.largest}" if ask.largest else f"bottom(n: {ask.smallest}"
        name = ' + " " + '.join(f"r.{tag}" for tag in self.tags(ask))
        lines[0] = "all = " + lines[0]
        lines += [
            "",
            "names = all",
            "  |> mean()",
            "  |> group()",
            f'  |> {chosen}, columns: ["_value"])',
            f"  |> map(fn: (r) => ({{key: {name}}}))",
            '  |> findColumn(fn: (key) => true, column: "key")',
            "",
            "all",
            f"  |> filter(fn: (r) => contains(value: {name}, set: names))",
        ]
        return self.target("\n".join(lines))

    def instant(self, ask, scope):
        lines = self.source(ask, scope)
        if ask.rate:
            lines += ["  |> derivative(unit: 1s, nonNegative: true)", "  |> mean()"]
        elif ask.total:
            lines += ["  |> difference(nonNegative: true)", "  |> sum()"]
        else:
            lines.append("  |> last()")
        return lines + self.held(ask) + self.grouped(ask, False) + self.scaled(ask)

    def now(self, ask, scope):
        return self.target("\n".join(self.instant(ask, scope) + self.ranked(ask)))

    def column(self, ask, scope, name):
        keep = ", ".join(f'"{tag}"' for tag in [*self.tags(ask), "_value"])
        lines = self.instant(ask, scope) + ["  |> group()"]
        if ask.largest:
            lines.append(f'  |> top(n: {ask.largest}, columns: ["_value"])')
        if ask.smallest:
            lines.append(f'  |> bottom(n: {ask.smallest}, columns: ["_value"])')
        lines += [f"  |> keep(columns: [{keep}])", f'  |> rename(columns: {{_value: "{name}"}})']
        return self.target("\n".join(lines))

    @staticmethod
    def columns(names, hidden=(), renamed=None):
        del names
        rename = {FLUX_NAMES.get(old, old): new for old, new in (renamed or {}).items()}
        exclude = {FLUX_NAMES.get(name, name): True for name in hidden}
        return [
            {"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": exclude, "indexByName": {}, "renameByName": rename}},
        ]


@dataclass(frozen=True)
class Scope:
    """Which variables of a board choose by which labels."""

    names: tuple  # (label of Prometheus, variable)

    @property
    def prometheus(self):
        return self.names

    @property
    def flux(self):
        return tuple((FLUX_NAMES.get(label, label), variable) for label, variable in self.names)
