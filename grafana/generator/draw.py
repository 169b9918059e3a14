"""Panels of asks, for either source."""

import re

import model
from query import Flux


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


def curve(src, scope, title, description, asks, unit="short", **more):
    made = model.curve(title, description, [src.curve(ask, scope) for ask in asks], unit, **more)
    return name_series(made, src, asks)


def stat(src, scope, title, description, asks, unit="short", **more):
    made = model.stat(title, description, [src.now(ask, scope) for ask in asks], unit, **more)
    return name_series(made, src, asks)


def bars(src, scope, title, description, asks, unit="short", **more):
    made = model.bars(title, description, [src.now(ask, scope) for ask in asks], unit, **more)
    return name_series(made, src, asks)


def states(src, scope, title, description, asks, **more):
    asks = [ask.but(over="last") for ask in asks]
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
