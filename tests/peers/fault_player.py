"""Faults that are played: which alerts must reach the webhook, and which panels must show it. Those of a table are played at
once. What is said of the sick one must not be said of a healthy one beside it."""

import dataclasses
import functools
import os
import re
from typing import Callable

from netsonde import wait_until
from test_dashboards import LOADED, panels
from test_rules import ALERTS, expressions

PATIENCE = 90
# Variables of boards that choose by a label.
VARIABLES = {"target": ("target", "router"), "instance": ("agent",), "probe": ("probe",), "name": ("interface",)}
NAME = re.compile(r"(?<![\w:])(?:netsonde_\w+|\w+:[\w:]+)")
RECEIVERS = {"critical": "on-call", "warning": "people", "info": "nobody", "none": "watchdog"}


# What is true of the values that a panel shows in a fault, next to those of before.


def over(least):
    return lambda values, _: any(value > least for value in values)


def under(most):
    return lambda values, _: any(value < most for value in values)


def just(number):
    return lambda values, _: values == [number]


def fewer(number):
    return lambda values, _: len(values) < number


def there(values, _):
    """Of what is not there at other times."""
    return any(value > 0 for value in values)


def changed(values, before):
    """Of what says nothing by itself, such as the number of a path."""
    return values != before


@dataclasses.dataclass(frozen=True)
class Fault:
    """sick, well: labels of whom it befalls, and of one whom it must spare. alerts: names, or names with labels that they must have
    besides. panels: (board/title, what is true of its values in the fault and at no other time[, which of its queries[, labels
    of the values besides]]). again: what is done over and over while it lasts. also: alerts that may come besides, of the
    healthy one, too."""

    name: str
    sick: dict
    well: dict
    alerts: tuple
    panels: tuple
    play: Callable
    again: Callable = None
    end: Callable = None
    also: tuple = ()


@functools.cache
def queries():
    """The different queries of each panel of Prometheus, by board/title."""
    found = {}
    for path, board in LOADED.items():
        if path.parent.name == "prometheus":
            for panel in panels(board):
                kept = found.setdefault(f"{path.stem}/{panel['title']}", [])
                kept += [target["expr"] for target in panel["targets"] if target["expr"] not in kept]
    return found


def substituted(text, labels):
    """The query as Grafana sends it when those with the labels are chosen, with ranges of seconds."""
    for name, value in (("$__rate_interval", "15s"), ("[5m]", "[15s]"), ("$__interval", "5s"), ("$__range", "1m")):
        text = text.replace(name, value)
    chosen = {variable: labels[label] for label in labels for variable in VARIABLES.get(label, ())}
    return re.sub(r"\$\{?([a-z]\w*)(?::\w+)?\}?", lambda found: chosen.get(found[1], ".*"), text)


def is_of(labels, wanted):
    """Does it say nothing else of what it says? Sums lack labels."""
    return all(labels.get(name, value) == value for name, value in wanted.items())


class Played:
    """A fault that is played, and what has been seen of it."""

    def __init__(self, world, fault):
        self.world, self.fault = world, fault
        # Labels as pairs: a look is the key of what was seen.
        self.looks = [
            (*look[:2], look[2] if len(look) > 2 else 0, tuple(look[3].items()) if len(look) > 3 else ()) for look in fault.panels
        ]
        self.wanted = {
            entry if isinstance(entry, str) else f"{entry[0]} {entry[1]}": (entry, {}) if isinstance(entry, str) else entry
            for entry in fault.alerts
        }
        self.before, self.beside, self.after, self.heard = {}, {}, {}, {}

    def values(self, look, labels):
        samples = self.world.prometheus.query(substituted(queries()[look[0]][look[2]], labels))
        return sorted(value for found, value in samples if is_of(found, {**labels, **dict(look[3])}) and value == value)

    def alerts(self, name, labels, status="firing"):
        return [alert for alert in self.world.alerts(name, status) if labels.items() <= alert[1].items()]

    def is_calm(self):
        """Nothing is to be seen yet, though there is something to look at."""
        self.before = {look: self.values(look, self.fault.sick) for look in self.looks}
        self.beside = {look: self.values(look, self.fault.well) for look in self.looks}
        return all((values or look[1] is there) and not look[1](values, values) for look, values in self.before.items())

    def play(self):
        loud = [text for text, (name, labels) in self.wanted.items() if self.alerts(name, {**self.fault.sick, **labels})]
        assert not loud, f"{self.fault.name}: {loud} before it was played"
        self.fault.play(self.world)

    def look(self):
        """Has all been seen?"""
        if self.fault.again and not self.is_complete():
            self.fault.again(self.world)
        for text, (name, labels) in self.wanted.items():
            found = self.alerts(name, {**self.fault.sick, **labels})
            if found:
                self.heard.setdefault(text, found[0])
        for look in self.looks:
            if look not in self.after:
                values = self.values(look, self.fault.sick)
                if look[1](values, self.before[look]) and self.is_spared(look):
                    self.after[look] = values
        return self.is_complete()

    def is_spared(self, look):
        """Does it show nothing of the healthy one?"""
        values = self.values(look, self.fault.well)
        return (values or look[1] is there) and not look[1](values, self.beside[look])

    def is_complete(self):
        return len(self.heard) == len(self.wanted) and len(self.after) == len(self.looks)

    def missing(self):
        return [text for text in self.wanted if text not in self.heard] + [
            f"{look[0]} {look[2]}: {self.values(look, self.fault.sick)} beside {self.values(look, self.fault.well)}"
            for look in self.looks if look not in self.after
        ]

    def is_over(self):
        """Is that what was said last of each alert?"""
        said = {key(labels): status for status, labels, *_ in self.world.hook.alerts}
        return all(said[key(labels)] == "resolved" for _, labels, *_ in self.heard.values())

    def report(self):
        lines = [f"\n{self.fault.name}"]
        lines += [f"  {look[0]}: {short(self.before[look])} -> {short(values)}" for look, values in self.after.items()]
        for _, labels, notes, receiver in self.heard.values():
            lines.append(f"  {labels['alertname']} ({labels['severity']}) at {receiver}: {notes['description']}")
        return "\n".join(lines)

    def row(self):
        """The same in short, for a table."""
        panels = [f"{look[0]}: {short(self.before[look])} → {short(values)}" for look, values in self.after.items()]
        more = [f"and {len(panels) - 4} more"] if len(panels) > 4 else []
        alerts = [f"{labels['alertname']} ({labels['severity']}): {notes['description']}" for _, labels, notes, _ in self.heard.values()]
        text = f"| {self.fault.name} | {'<br>'.join(panels[:4] + more) or '-'} | {'<br>'.join(alerts) or '-'} |\n"
        return text.replace(f"{self.world.folder}/", "")


def key(labels):
    return tuple(sorted(labels.items()))


def short(values):
    shown = [f"{value:.6g}" for value in values[:4]] + (["..."] if len(values) > 4 else [])
    return " ".join(shown) or "nothing"


def play(world, table):
    """All faults of the table at once; what has become of each, by name. PLAYED_TABLE: a file that gets a row of each."""
    played = {fault.name: Played(world, fault) for fault in table}
    nervous = set(played)

    def look_for_calm():
        nervous.intersection_update([name for name in nervous if not played[name].is_calm()])
        return not nervous

    try:
        wait_until(look_for_calm, "", PATIENCE)
    except AssertionError:
        raise AssertionError(f"no calm before {nervous}") from None
    for one in played.values():
        one.play()
    try:
        # A list, so that each is looked at in each turn.
        wait_until(lambda: all([one.look() for one in played.values()]), "", PATIENCE)
    except AssertionError:
        pass  # each fault has a test of its own that says what is missing
    if "PLAYED_TABLE" in os.environ:
        with open(os.environ["PLAYED_TABLE"], "a", encoding="utf-8") as file:
            file.writelines(one.row() for one in played.values())
    return played


def check(played):
    """The test of one fault."""
    missing = played.missing()
    assert not missing, missing
    for _, labels, notes, receiver in played.heard.values():
        assert receiver == RECEIVERS[labels["severity"]]
        if played.fault.well and labels["alertname"] not in played.fault.also:
            assert not played.alerts(labels["alertname"], {**played.fault.sick, **played.fault.well})
        # A label that a text names and the alert lacks leaves a hole.
        assert not re.search(r"<no value>|  |\(\)|\(AS \)| \.$|^ ", notes["description"]), notes["description"]


@functools.cache
def about_faults():
    """Queries of panels that name what an alert is made of: what panels are to show when it comes."""
    rules = list(expressions())

    def metrics(text):
        found = set()
        for name in NAME.findall(re.sub(r'"[^"]*"|\[[^]]*\]', "", text)):
            found |= {name}.union(*(metrics(more) for record, more in rules if record == name))
        return found

    told = set().union(*(metrics(text) for name, text in rules if name in ALERTS))
    return {(title, n) for title, texts in queries().items() for n, text in enumerate(texts) if told & set(metrics(text))}
