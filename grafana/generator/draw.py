"""Panels of asks, for either source."""

import re

import model
from query import Flux

LINES, ROWS = 20, 50  # of a panel, where there may be thousands
POINTS = 180  # of a line whose query looks at all targets: a minute each in three hours


def name_of(src, label):
    return "agent" if src.name == "influxdb" and label == "instance" else label


def legend_for_flux(text):
    return re.sub(r"\{\{(\w+)\}\}", lambda found: "${__field.labels." + ("agent" if found[1] == "instance" else found[1]) + "}", text)


def link_of(src, asks, value="${__field.labels.target}"):
    """A click on what belongs to a target leads to its page: of a router, of a target, or to its quality where there is no
    page for targets."""
    if not all("target" in ask.by for ask in asks):
        return []
    if all(ask.set.startswith("routeros") for ask in asks):
        return [model.link_to(f"netsonde-{src.name}-router", "Look at this router", router=value)]
    page = "target" if src.name == "prometheus" else "quality"
    return [model.link_to(f"netsonde-{src.name}-{page}", "Look at this target", ("agent",), target=value)]


def name_series(made, src, asks):
    """Series lead to their target. Flux has no legends in queries: names are overrides by query."""
    made["fieldConfig"]["defaults"]["links"] = link_of(src, asks)
    if src.name != "influxdb":
        return made
    for i, ask in enumerate(asks):
        if ask.name:
            made["fieldConfig"]["overrides"].append(
                {
                    "matcher": {"id": "byFrameRefID", "options": chr(ord("A") + i)},
                    "properties": [{"id": "displayName", "value": legend_for_flux(ask.name)}],
                }
            )
    return made


def limited(scope, description, asks, most):
    """Nobody reads ten thousand lines, and no browser draws them: of what grows with the targets, some are chosen."""

    def limit(ask):
        if scope.is_one or "target" not in ask.by or ask.largest or ask.smallest:
            return ask
        n = max(5, most // len(asks))
        return ask.but(smallest=n) if ask.how == "min" else ask.but(largest=n)  # what is told as a minimum is bad when low

    asks = [limit(ask) for ask in asks]
    numbers = {(ask.largest, ask.smallest) for ask in asks}
    if numbers == {(0, 0)}:
        return description, asks
    largest, smallest = numbers.pop()
    which = f"the {largest} largest" if largest else f"the {smallest} smallest"
    return f"{description} Of many: {which}{', each' if len(asks) > 1 else ''}.", asks


def curve(src, scope, title, description, asks, unit="short", **more):
    description, asks = limited(scope, description, asks, LINES)
    made = model.curve(title, description, [src.curve(ask, scope) for ask in asks], unit, **more)
    if "target" in dict(scope.names) and not scope.is_one:
        made["maxDataPoints"] = POINTS
    return name_series(made, src, asks)


def stat(src, scope, title, description, asks, unit="short", **more):
    made = model.stat(title, description, [src.now(ask, scope) for ask in asks], unit, **more)
    return name_series(made, src, asks)


def bars(src, scope, title, description, asks, unit="short", **more):
    made = model.bars(title, description, [src.now(ask, scope) for ask in asks], unit, **more)
    return name_series(made, src, asks)


def states(src, scope, title, description, asks, **more):
    description, asks = limited(scope, description, [ask.but(over="last") for ask in asks], ROWS)
    made = model.states(title, description, [src.curve(ask, scope) for ask in asks], **more)
    return name_series(made, src, asks)


def table(src, scope, title, description, columns, *, links=None, sort=None, hidden=()):
    """columns: (ask, name, unit, thresholds, mappings); all asks by the same labels."""
    names = [name for _, name, *_ in columns]
    targets = [src.column(ask, scope, name) for ask, name, *_ in columns]
    links = {name_of(src, name): link for name, link in (links or {}).items()}
    made = model.table(title, description, targets, [column[1:] for column in columns], links=links, sort=sort)
    made["transformations"] = src.columns(names, hidden)
    return made


def is_flux(src):
    return isinstance(src, Flux)
