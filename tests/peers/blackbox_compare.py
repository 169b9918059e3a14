"""Asks a program with /probe for all cases, and says what differs between two answers."""

import concurrent.futures
import dataclasses
import re
import urllib.parse

from prometheus_client.parser import text_string_to_metric_families

from blackbox_differences import LATER_LABELS

OWN = "netsonde_"  # more of netsonde's is no difference
DURATIONS = re.compile(r"probe_duration_seconds|probe_dns_lookup_time_seconds|probe_(http|icmp|dns)_duration_seconds")
# How much longer than its timeout a probe may say that it took: ending takes time, on a busy machine much.
LATE_SECONDS = 5
AT_ONCE = 8
# Later versions say how names that are no names would be escaped: there are none.
ESCAPING = "; escaping=values"


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    text: str

    def series(self):
        """{(name, labels): value}, and the kinds of metrics by name."""
        found, kinds = {}, {}
        if self.status != 200:
            return found, kinds
        for family in text_string_to_metric_families(self.text):
            if family.name.startswith(OWN):
                continue
            kinds[family.name] = family.type
            for sample in family.samples:
                later = LATER_LABELS.get(sample.name, ())
                key = (sample.name, tuple(sorted(pair for pair in sample.labels.items() if pair[0] not in later)))
                assert key not in found, f"{key} is there twice"
                found[key] = sample.value
        return found, kinds

    def success(self):
        """What probe_success says; None: there was no probe."""
        return self.series()[0].get(("probe_success", ()))


@dataclasses.dataclass(frozen=True)
class Finding:
    """kind: missing, extra, value, zero (one of two durations is 0), range, status, type."""

    case: str
    series: str
    kind: str
    ours: object = None
    theirs: object = None

    def __str__(self):
        return f"{self.case}: {self.series}: {self.kind}: netsonde {self.ours}, blackbox_exporter {self.theirs}"


def path_of(case, ports):
    query = {"target": case.target.format_map(ports), "module": case.module, "hostname": case.hostname}
    return "/probe?" + urllib.parse.urlencode({key: value for key, value in query.items() if value})


def ask_all(prober, cases, ports):
    """{name of the case: answer}"""

    def ask(case):
        return case.name, Answer(*prober.get(path_of(case, ports), dict(case.fields)))

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(pool.map(ask, cases))


def show(key):
    name, labels = key
    return name + ("{" + ",".join(f'{label}="{value}"' for label, value in labels) + "}" if labels else "")


def compare_value(key, ours, theirs):
    """The kind of difference, or None."""
    if not DURATIONS.fullmatch(key[0]):
        return None if ours == theirs else "value"
    phase = dict(key[1]).get("phase")
    # Whether something was done at all: only looking up an address that is a literal may be too short to tell.
    if phase not in (None, "resolve") and (ours == 0) != (theirs == 0):
        return "zero"
    return None


def check_durations(case, series):
    """Durations that cannot be."""
    limit = series.get(("probe_timeout_seconds", ()), 120) + LATE_SECONDS
    for key, value in series.items():
        if DURATIONS.fullmatch(key[0]) and not 0 <= value <= limit:
            yield key, value
    named = {show(key): value for key, value in series.items()}
    for name, seconds in case.at_least:
        if not named.get(name, 0) >= seconds:
            yield (name, ()), named.get(name)


def compare(case, ours, theirs):
    """All findings of a case."""
    if ours.status != theirs.status:
        yield Finding(case.name, "(status)", "status", ours.status, theirs.status)
        return
    if ours.content_type.removesuffix(ESCAPING) != theirs.content_type.removesuffix(ESCAPING):
        yield Finding(case.name, "(content type)", "type", ours.content_type, theirs.content_type)
    (our_series, our_kinds), (their_series, their_kinds) = ours.series(), theirs.series()
    for key in sorted(our_series.keys() | their_series.keys()):
        pair = our_series.get(key), their_series.get(key)
        kind = "missing" if pair[0] is None else "extra" if pair[1] is None else compare_value(key, *pair)
        if kind:
            yield Finding(case.name, show(key), kind, *pair)
    for name in sorted(our_kinds.keys() & their_kinds.keys()):
        if our_kinds[name] != their_kinds[name]:
            yield Finding(case.name, name, "type", our_kinds[name], their_kinds[name])
    for key, value in check_durations(case, our_series):
        yield Finding(case.name, show(key), "range", value, their_series.get(key))
    for key, value in check_durations(case, their_series):
        yield Finding(case.name, show(key), "range", our_series.get(key), value)
