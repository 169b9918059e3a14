"""One question, in PromQL and in Flux: so that a board for Prometheus and its twin for InfluxDB say the same."""

import re
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Ask:
    """A measure of a set. rate: of a counter, per second. total: of a counter, by how much it rose in the time range. how: what
    is made of all series with the same `by`: None leaves them as they are. where: labels that must match (regular
    expressions). over: "mean", "last", "max", "min" in each step. holds: a condition such as "== 0"; the value is 1 where
    it holds, else 0. recorded: rules keep sums and counts over all targets of an agent and a probe."""

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
    recorded: bool = False

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
            "current": {"text": "", "value": ""},
            "skipUrlSync": False,
        }

    def choice(self, name, label, metric, tag, many=True, within=(), **more):
        """within: (label, variable) that narrow it: of thousands of targets, those of the chosen agents."""
        chain = ",".join(f'{other}=~"${variable}"' for other, variable in within)
        query = f"label_values({metric}{f'{{{chain}}}' if chain else ''}, {tag})"
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
            "current": {"text": ["All"], "value": ["$__all"]} if many else {"text": "", "value": ""},
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

    def series(self, ask, scope):
        return f"netsonde_{ask.set}_{ask.measure}" + self.selector(scope, ask.where)

    @staticmethod
    def grouped(ask, text):
        if not ask.how:
            return text
        return f"{PROMETHEUS_HOW[ask.how]} by ({', '.join(ask.by)}) ({text})" if ask.by else f"{PROMETHEUS_HOW[ask.how]}({text})"

    @staticmethod
    def ranked(ask, text):
        if ask.largest:
            return f"topk({ask.largest}, {text})"
        return f"bottomk({ask.smallest}, {text})" if ask.smallest else text

    def mean_of_recorded(self, ask, scope):
        """What rules have added up, if all targets are chosen: it has no label target, as .* allows and a name does not. Else
        what the targets say: no series has the label all_targets, so what is asked of it is true unless .* is chosen."""
        by = f" by ({', '.join(ask.by)})" if ask.by else ""
        labels = self.selector(scope, ask.where)
        name = f"netsonde_{ask.set}_{ask.measure}"
        sums, counts = (f"sum{by} (agent_probe:{name}:{kind}{labels})" for kind in ("sum", "count"))
        return f'{sums} / {counts} or avg{by} ({name}{labels[:-1]},all_targets!~"$target"}})'

    def expression(self, ask, scope, window="$__rate_interval", chosen=None):
        """chosen: of which series only."""
        if ask.recorded:
            return self.mean_of_recorded(ask, scope)
        text = self.series(ask, scope)
        if ask.rate:
            text = f"rate({text}[{window}])"
        if ask.total:
            text = f"increase({text}[$__range])"
        if ask.holds:
            sign, limit = ask.holds.split()
            text = f"{text} {sign} bool {limit}"
        text = self.grouped(ask, f"{text} and on ({', '.join(ask.by)}) {chosen}" if chosen else text)
        if ask.scale != 1:
            text = f"{number(ask.scale)} * {text}"
        return text if chosen else self.ranked(ask, text)

    def chosen(self, ask, scope):
        """The largest or smallest by their mean over all of the time shown: worked out once, where topk by itself would
        choose others in each step. It looks at the same points as the panel, so long times cost no more than short ones."""
        over = "rate" if ask.rate else "avg_over_time"
        text = f"{over}({self.series(ask, scope)}[$__range:$__interval] @ end())"
        return self.ranked(ask, self.grouped(ask, text))

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
        chosen = self.chosen(ask, scope) if ask.largest or ask.smallest else None
        return self.target(self.expression(ask, scope, chosen=chosen), ask.name)

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
# Long times need few points a series: those that tasks have prepared (influx/tasks).
BUCKET = (
    'bucket = if int(v: v.windowPeriod) >= int(v: 1h) then v.defaultBucket + "_1h"'
    ' else if int(v: v.windowPeriod) >= int(v: 5m) then v.defaultBucket + "_5m" else v.defaultBucket'
)


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

    def choice(self, name, label, metric, tag, many=True, within=(), **more):
        tag = FLUX_NAMES.get(tag, tag)
        wanted = [f'r._measurement == "{metric}"'] + [f"r.{FLUX_NAMES.get(other, other)} =~ /^${{{variable}:regex}}$/" for other, variable in within]
        query = (
            'import "influxdata/influxdb/schema"\n'
            f'schema.tagValues(bucket: v.defaultBucket, tag: "{tag}", predicate: (r) => {" and ".join(wanted)}, start: v.timeRangeStart)'
        )
        made = Prometheus().choice(name, label, metric, tag, many)
        made.update({"datasource": self.reference, "definition": query, "query": {"query": query, "refId": name}})
        made.update(more)
        return made

    @staticmethod
    def source(ask, scope, bucket="bucket", start="v.timeRangeStart"):
        wanted = [f'r._measurement == "{ask.set}"', f'r._field == "{ask.measure}"']
        for name, variable in scope.flux:
            wanted.append(f"r.{name} =~ /^${{{variable}:regex}}$/")
        for name, value in ask.where.items():
            is_pattern = any(sign in value for sign in "|*+")
            wanted.append(f"r.{name} =~ /^({value})$/" if is_pattern else f'r.{name} == "{value}"')
        lines = [f"from(bucket: {bucket})", f"  |> range(start: {start}, stop: v.timeRangeStop)"]
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
        """What storage can do comes first: range, filters, aggregateWindow (of counters: the last; rates are of these)."""
        lines = self.source(ask, scope)
        if ask.largest or ask.smallest:
            lines.append("  |> filter(fn: (r) => r.target =~ pattern)")
        lines.append(f"  |> aggregateWindow(every: v.windowPeriod, fn: {'last' if ask.rate else ask.over}, createEmpty: false)")
        if ask.rate:
            lines.append("  |> derivative(unit: 1s, nonNegative: true)")
        if not (ask.largest or ask.smallest):
            return self.target("\n".join([BUCKET, "", *lines, *self.held(ask), *self.grouped(ask, True), *self.scaled(ask)]))
        lines.append(f"  |> filter(fn: (r) => contains(value: {self.key(ask)}, set: chosen))")
        head = ['import "array"', 'import "regexp"', 'import "strings"', "", BUCKET, "", *self.chosen(ask, scope), ""]
        return self.target("\n".join(head + lines + self.held(ask) + self.grouped(ask, True) + self.scaled(ask)))

    def key(self, ask):
        """What tells series apart, the target first."""
        return ' + "\\t" + '.join(f"r.{tag}" for tag in sorted(self.tags(ask), key=lambda tag: tag != "target"))

    def chosen(self, ask, scope):
        """Those that are largest or smallest over the whole time. Then only these are read in detail, by their targets."""
        if ask.rate:
            lines = ["union(", "  tables: ["]
            for end in ("first", "last"):
                lines += ["    " + line for line in self.source(ask, scope)] + [f"      |> {end}(),"]
            lines += ["  ],", ")", "  |> spread()"]
        else:
            lines = [*self.source(ask, scope), "  |> mean()"]
        lines[0] = "chosen = " + lines[0]
        return lines + self.grouped(ask, False) + self.ranked(ask) + [
            "  |> group()",
            f"  |> map(fn: (r) => ({{key: {self.key(ask)}}}))",
            '  |> findColumn(fn: (key) => true, column: "key")',
            "",
            'targets = array.map(arr: chosen, fn: (x) => regexp.quoteMeta(v: strings.split(v: x, t: "\\t")[0]))',
            'pattern = regexp.compile(v: "^(" + strings.joinStr(arr: targets, v: "|") + ")$")',
        ]

    def instant(self, ask, scope):
        if ask.total:
            lines = [*self.source(ask, scope, "v.defaultBucket"), "  |> aggregateWindow(every: v.windowPeriod, fn: last, createEmpty: false)", "  |> difference(nonNegative: true)", "  |> sum()"]
            return lines + self.grouped(ask, False) + self.scaled(ask)
        if not ask.rate:
            return [BUCKET, "", *self.source(ask, scope), "  |> last()"] + self.held(ask) + self.grouped(ask, False) + self.scaled(ask)
        lines = ['import "date"', "", *self.source(ask, scope, "v.defaultBucket", "date.sub(d: 30m, from: v.timeRangeStop)")]
        lines += ["  |> aggregateWindow(every: 5m, fn: last, createEmpty: false)", "  |> derivative(unit: 1s, nonNegative: true)", "  |> mean()"]
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
    is_one: bool = False  # they choose one target

    @property
    def prometheus(self):
        return self.names

    @property
    def flux(self):
        return tuple((FLUX_NAMES.get(label, label), variable) for label, variable in self.names)
