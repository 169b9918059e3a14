"""What the daemon has, as `netsonde reference metrics` says: metrics with their labels, measurements with fields and tags."""

import functools
import json
import subprocess

EVERY_METRIC = frozenset({"job", "instance"})
EVERY_PROBE = frozenset({"target", "probe"})
# Labels of targets that rules know: recording.yml tells what they mean.
OF_USERS = frozenset({"slo"})
PLACES = frozenset({"country", "continent", "asn"})  # geo.tags, as it is by default: tags of every line of a target
# How a run went: in the line of a type's own set, of an event, of a collection (docs/metrics.md).
RUNS = frozenset({"event", "routeros_collection"})
COMMON_FIELDS = frozenset({"success", "reason", "duration_seconds", "run", "boot"})
# Sets whose rows are of several kinds: which measures have which label. test_live.py compares it with what a daemon shows.
ROWS = {
    "probe": {"reason": {"failures_total"}},
    "availability": {"window": {"ratio", "coverage_ratio", "outages", "downtime_seconds", "mtbf_seconds", "mttr_seconds"}},
    "qos": {"use": {"score"}, "codec": {"r_factor", "mos"}, "objective": {"violations_total"}},
    "routeros": dict.fromkeys(("version", "board", "architecture"), {"info"}),
    "tls_certificate": {
        "position": {"not_before_timestamp_seconds", "not_after_timestamp_seconds"},
        **dict.fromkeys(("fingerprint_sha256", "subject", "issuer", "subjectalternative", "serialnumber"), {"info"}),
    },
}
# Beside the reference: what Prometheus makes, and what only the page /probe has (docs/blackbox.md).
BESIDES = {"up": ("gauge", EVERY_METRIC), "netsonde_probe_failure_info": ("gauge", EVERY_METRIC | {"reason"})}


class Reference:
    """metrics: name -> (kind, labels). fields, tags: measurement -> names."""

    def __init__(self, sets):
        self.metrics = dict(BESIDES)
        self.fields = {}
        self.tags = {}
        self.base = {}  # of a series' name, or of (measurement, field): the measure as "set.measure"
        self.names = {}  # of a measure: as users know it
        self.kinds = {}  # of a measure: gauge, counter, histogram, or None
        for one in sets:
            self.add_set(one)

    def add_set(self, one):
        is_own = one["owner"] == "The daemon itself"
        labels = frozenset(one["labels"])
        if any(measure["fields"] for measure in one["measures"]):
            self.fields[one["set"]] = set(COMMON_FIELDS) if one["set"] == one["type"] or one["set"] in RUNS else set()
            self.tags[one["set"]] = frozenset({"agent"}) | labels | (frozenset() if is_own else EVERY_PROBE | PLACES | OF_USERS)
        for measure in one["measures"]:
            rows = {label for label in labels if measure["name"] in ROWS.get(one["set"], {}).get(label, {measure["name"]})}
            self.add_measure(one["set"], measure, EVERY_METRIC | rows | (frozenset() if is_own else EVERY_PROBE | OF_USERS))

    def add_measure(self, name, measure, labels):
        metric, key = measure["metric"], f"{name}.{measure['name']}"
        self.names[key] = metric or key
        self.kinds[key] = measure["type"]
        for field in filter(None, measure["fields"].split(", ")):
            self.fields[name].add(field)
            self.base.setdefault((name, field), set()).add(key)
        if metric is None:
            return
        series = {metric: (measure["type"], labels)}
        if measure["type"] == "histogram":
            series = {f"{metric}_{end}": ("counter", labels) for end in ("sum", "count")}
            series[f"{metric}_bucket"] = ("counter", labels | {"le"})
        for one in series:
            self.base[one] = {key}
        self.metrics.update(series)


@functools.cache
def read(binary):
    text = subprocess.run([binary, "reference", "metrics", "--json"], capture_output=True, text=True, check=True).stdout
    return Reference(json.loads(text)["sets"])
