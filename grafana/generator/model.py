"""Boards and panels as Grafana's JSON has them (schemaVersion 42): what is common to all of ours is said once, here."""

import re

GOOD, FAIR, POOR, BAD, CALM = "#0072B2", "#56B4E9", "#E69F00", "#D55E00", "#999999"  # told apart by everybody
COLUMNS = 24


def steps(*pairs, base=GOOD):
    """Thresholds: the colour of what lies below the first, then (value, colour) in rising order."""
    rising = [{"color": base, "value": None}] + [{"color": color, "value": value} for value, color in pairs]
    return {"mode": "absolute", "steps": rising}


HIGH_IS_BAD = {
    "loss": steps((0.005, FAIR), (0.02, POOR), (0.05, BAD)),
    "load": steps((0.7, FAIR), (0.85, POOR), (0.95, BAD)),
    "count": steps((1, BAD)),
    "celsius": steps((60, FAIR), (70, POOR), (80, BAD)),
}
LOW_IS_BAD = {
    "up": steps((0.5, POOR), (1, GOOD), base=BAD),
    "score": steps((50, POOR), (70, FAIR), (85, GOOD), base=BAD),
    "availability": steps((0.99, POOR), (0.999, FAIR), (0.9999, GOOD), base=BAD),
    "days": steps((7 * 86400, POOR), (21 * 86400, GOOD), base=BAD),
}
UP_DOWN = [
    {
        "type": "value",
        "options": {
            "0": {"text": "down", "color": BAD, "index": 0},
            "1": {"text": "up", "color": GOOD, "index": 1},
        },
    }
]
YES_NO = [
    {
        "type": "value",
        "options": {
            "0": {"text": "no", "color": CALM, "index": 0},
            "1": {"text": "yes", "color": GOOD, "index": 1},
        },
    }
]


class Board:
    """Panels are placed from left to right, row by row."""

    def __init__(self, source, uid, title, description, variables=(), tags=(), annotations=(), home=None, empty="no data"):
        """home: the board that this one is a detail of. empty: what panels say that have nothing to show."""
        self.source = source
        self.uid = uid
        self.title = title
        self.description = description
        self.variables = list(variables)
        self.tags = ["netsonde", source.name, *tags]
        self.panels = []
        self.x = self.y = self.height = 0
        self.annotations = list(annotations)
        self.home = home
        self.empty = empty

    def place(self, width, height):
        if self.x + width > COLUMNS:
            self.x = 0
            self.y += self.height
            self.height = 0
        position = {"h": height, "w": width, "x": self.x, "y": self.y}
        self.x += width
        self.height = max(self.height, height)
        return position

    def row(self, title):
        self.x = 0
        self.y += self.height
        self.height = 1
        self.panels.append(
            {
                "type": "row",
                "title": title,
                "id": len(self.panels) + 1,
                "collapsed": False,
                "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": self.y},
                "panels": [],
            }
        )
        self.y += 1
        self.height = 0

    def add(self, panel, width=12, height=8):
        panel["id"] = len(self.panels) + 1
        panel["gridPos"] = self.place(width, height)
        panel["datasource"] = self.source.reference
        defaults = panel["fieldConfig"]["defaults"]
        defaults["noValue"] = self.empty
        for owner in (defaults, *(rule for over in panel["fieldConfig"]["overrides"] for rule in over["properties"])):
            name = "value" if owner.get("id") == "links" else "links"
            if name in owner:
                owner[name] = self.useful(owner[name])
        self.panels.append(panel)

    def useful(self, links):
        """Without those to where one is, and without variables that this board has not got."""
        names = {"datasource", *(variable["name"] for variable in self.variables)}

        def known(found):
            return found[0] if found[1] in names else ""

        away = [link for link in links if not link["url"].startswith(f"/d/{self.uid}?")]
        return [{**link, "url": re.sub(r"&\$\{(\w+):queryparam\}", known, link["url"])} for link in away]

    def first_row(self, panels):
        """Figures side by side, over the whole width."""
        width, rest = divmod(COLUMNS, len(panels))
        for i, made in enumerate(panels):
            self.add(made, width + (i < rest), 4)

    def links(self):
        way_back = {"asDropdown": False, "icon": "dashboard", "tags": [], "title": "Back to the overview", "tooltip": "With the same time", "type": "link", "url": f"/d/{self.home}"}
        groups = [(["mikrotik", self.source.name], "MikroTik")] if "mikrotik" in self.tags else []
        groups.append((["netsonde", self.source.name], "netsonde"))
        others = [
            {"asDropdown": True, "icon": "external link", "tags": tags, "title": title, "tooltip": "Other boards, with the same time and choice", "type": "dashboards", "url": ""}
            for tags, title in groups
        ]
        common = {"includeVars": True, "keepTime": True, "targetBlank": False}
        return [{**link, **common} for link in ([way_back] if self.home else []) + others]

    def json(self):
        return {
            "annotations": {"list": self.annotations},
            "description": self.description,
            "editable": True,
            "fiscalYearStartMonth": 0,
            "graphTooltip": 1,
            "links": self.links(),
            "panels": self.panels,
            "refresh": "30s",
            "schemaVersion": 42,
            "tags": self.tags,
            "templating": {"list": [self.source.variable()] + self.variables},
            "time": {"from": "now-3h", "to": "now"},
            "timepicker": {},
            "timezone": "browser",
            "title": self.title,
            "uid": self.uid,
            "version": 1,
        }


def fields(unit, thresholds=None, **more):
    if unit == "percentunit":
        more = {"min": 0, "max": 1, **more}
    defaults = {
        "unit": unit,
        "color": {"mode": "palette-classic"},
        "noValue": "no data",
        "mappings": more.pop("mappings", []),
        "thresholds": thresholds or steps(),
        "custom": more.pop("custom", {}),
    }
    defaults.update({name: value for name, value in more.items() if value is not None})
    return {"defaults": defaults, "overrides": []}


def panel(kind, title, description, targets, field_config, options):
    for i, target in enumerate(targets):
        target.setdefault("refId", chr(ord("A") + i))
    return {
        "type": kind,
        "title": title,
        "description": description,
        "targets": targets,
        "fieldConfig": field_config,
        "options": options,
        "transformations": [],
    }


def override(made, column, **properties):
    """What holds for one column of a panel."""
    listed = [{"id": name, "value": value} for name, value in properties.items()]
    made["fieldConfig"]["overrides"].append({"matcher": {"id": "byName", "options": column}, "properties": listed})


def legend(calcs=("mean", "max"), as_table=False):
    return {
        "calcs": list(calcs),
        "displayMode": "table" if as_table else "list",
        "placement": "bottom",
        "showLegend": True,
        **({"sortBy": "Max", "sortDesc": True} if as_table and "max" in calcs else {}),
    }


def curve(title, description, targets, unit="short", *, stacked=False, thresholds=None, as_table=True, **more):
    custom = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 60 if stacked else 8,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if thresholds else "off"},
        "axisSoftMin": 0,
    }
    if unit == "percentunit" and "max" not in more:
        # One packet in a thousand is to be seen, but is not to fill the panel.
        more["max"] = None
        custom["axisSoftMax"] = 0.05
    config = fields(unit, thresholds, custom=custom, **more)
    options = {
        "legend": legend(as_table=as_table),
        "tooltip": {"mode": "multi", "sort": "desc", "maxHeight": 400},
    }
    return panel("timeseries", title, description, targets, config, options)


def stat(title, description, targets, unit="short", *, thresholds=None, graph=True, **more):
    config = fields(unit, thresholds, **more)
    config["defaults"]["color"] = {"mode": "thresholds"}
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "orientation": "auto",
        "textMode": "auto",
        "colorMode": "background_solid" if thresholds else "value",
        "graphMode": "area" if graph else "none",
        "justifyMode": "auto",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
    }
    return panel("stat", title, description, targets, config, options)


def bars(title, description, targets, unit="short", *, thresholds=None, **more):
    """One bar a thing, the largest first."""
    config = fields(unit, thresholds, **more)
    config["defaults"]["color"] = {"mode": "thresholds"}
    options = {
        "displayMode": "basic",
        "orientation": "horizontal",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showUnfilled": True,
        "valueMode": "color",
        "minVizHeight": 16,
        "maxVizHeight": 300,
        "minVizWidth": 8,
        "namePlacement": "auto",
        "sizing": "auto",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
    }
    return panel("bargauge", title, description, targets, config, options)


def states(title, description, targets, *, mappings=UP_DOWN, kind="state-timeline", thresholds=None, scheme="thresholds", **more):
    """scheme: such as a continuous one, for values that are only told apart."""
    config = fields("short", thresholds, mappings=mappings, custom={"fillOpacity": 80, "lineWidth": 0}, **more)
    config["defaults"]["color"] = {"mode": scheme}
    options = {
        "showValue": "never",
        "rowHeight": 0.85,
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    if kind == "state-timeline":
        options.update({"mergeValues": True, "alignValue": "left", "perPage": 50})
    else:
        options["colWidth"] = 0.9
    made = panel(kind, title, description, targets, config, options)
    made["maxDataPoints"] = 200
    return made


def heatmap(title, description, targets, unit="s", *, is_calculated=False):
    options = {
        "calculate": is_calculated,
        "cellGap": 1,
        "color": {
            "mode": "scheme",
            "scheme": "Oranges",
            "scale": "exponential",
            "exponent": 0.5,
            "steps": 64,
            "fill": "dark-orange",
            "reverse": False,
        },
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "showValue": "never",
        "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": False},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
    }
    if is_calculated:
        options["calculation"] = {
            "xBuckets": {"mode": "count", "value": "100"},
            "yBuckets": {"mode": "count", "scale": {"type": "log", "log": 2}, "value": ""},
        }
    return panel("heatmap", title, description, targets, fields(unit), options)


def table(title, description, targets, columns, *, links=None, sort=None):
    """columns: (name of the column, unit, thresholds, mappings) of each query, in the order of targets."""
    config = fields("short", custom={"align": "auto", "filterable": True, "inspect": False, "cellOptions": {"type": "auto"}})
    for name, unit, thresholds, mappings in columns:
        properties = [{"id": "unit", "value": unit}]
        if thresholds:
            properties.append({"id": "thresholds", "value": thresholds})
            properties.append({"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}})
            properties.append({"id": "color", "value": {"mode": "thresholds"}})
        if mappings:
            properties.append({"id": "mappings", "value": mappings})
        config["overrides"].append({"matcher": {"id": "byName", "options": name}, "properties": properties})
    for name, link in (links or {}).items():
        config["overrides"].append(
            {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "links", "value": [link]}]}
        )
    options = {"cellHeight": "sm", "frameIndex": 0, "showHeader": True, "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": []}}
    if sort:
        options["sortBy"] = [{"displayName": sort[0], "desc": sort[1]}]
    return panel("table", title, description, targets, config, options)


LOCATION = {"mode": "coords", "latitude": "latitude", "longitude": "longitude"}


def map_style(color, size, symbol="circle", opacity=0.8):
    """color: a column whose thresholds colour, or one colour for all."""
    return {
        "color": {"fixed": color} if color.startswith("#") else {"field": color, "fixed": CALM},
        "opacity": opacity,
        "rotation": {"fixed": 0, "max": 360, "min": -360, "mode": "mod"},
        "size": {"fixed": size, "max": 15, "min": 2},
        "symbol": {"fixed": f"img/icons/marker/{symbol}.svg", "mode": "fixed"},
        "symbolAlign": {"horizontal": "center", "vertical": "center"},
        "textConfig": {"fontSize": 12, "offsetX": 0, "offsetY": 0, "textAlign": "center", "textBaseline": "middle"},
    }


def markers(name, query, color, size=6, symbol="circle", legend=False):
    return {
        "type": "markers",
        "name": name,
        "config": {"showLegend": legend, "style": map_style(color, size, symbol)},
        "location": LOCATION,
        "filterData": {"id": "byRefId", "options": query},
        "tooltip": True,
    }


def lines(name, color):
    """Lines from one node to another. Grafana takes the query "edges" (columns id, source, target) and the query "nodes"
    (columns id, latitude, longitude); an edge without its two nodes, or one of both without the other, breaks the panel of
    older ones. The layer "route" would draw a single line through all rows."""
    return {
        "type": "network",
        "name": name,
        "config": {"arrow": 0, "showLegend": False, "style": map_style(CALM, 2), "edgeStyle": map_style(color, 2, opacity=0.5)},
        "location": LOCATION,
        "filterData": {"id": "byRefId", "options": "/^(?:edges|nodes)$/"},
        "tooltip": False,
    }


def geomap(title, description, targets, layers, unit="s", *, thresholds=None):
    """A world that is drawn without the internet: Grafana's own outlines instead of tiles."""
    outlines = {
        "type": "geojson",
        "name": "Countries",
        "config": {
            "src": "public/maps/countries.geojson",
            "rules": [],
            "style": {"color": {"fixed": "#808080"}, "lineWidth": 1, "opacity": 0.15, "symbol": {"fixed": "", "mode": "fixed"}},
        },
        "tooltip": False,
    }
    options = {
        "basemap": {"type": "xyz", "name": "None", "config": {"url": "", "attribution": ""}},
        "controls": {
            "mouseWheelZoom": True,
            "showAttribution": False,
            "showDebug": False,
            "showMeasure": False,
            "showScale": True,
            "showZoom": True,
        },
        "layers": [outlines, *layers],
        "tooltip": {"mode": "details"},
        "view": {"allLayers": True, "id": "zero", "lat": 20, "lon": 0, "zoom": 1.5},
    }
    config = fields(unit, thresholds)
    config["defaults"]["color"] = {"mode": "thresholds"}
    return panel("geomap", title, description, targets, config, options)


def node_graph(title, description, targets):
    """The query "edges" has id, source, target, mainstat and a colour for each; those of nodes, joined, id, mainstat, and
    arcs that sum to 1. Figures are milliseconds: Grafana writes them with two digits and the unit behind."""
    options = {
        "edges": {"mainStatUnit": "ms"},
        "nodes": {"mainStatUnit": "ms", "arcs": [{"field": "arc__lost", "color": BAD}, {"field": "arc__kept", "color": GOOD}]},
        "layoutAlgorithm": "layered",
        "zoomMode": "cooperative",
    }
    config = fields("ms")
    del config["defaults"]["color"]  # colours are columns of their own
    return panel("nodeGraph", title, description, targets, config, options)


def link_to(uid, title, keep=(), **variables):
    """Another board: with this time and data source, and what the variables of `keep` choose here."""
    query = [f"var-{name}={value}" for name, value in variables.items()] + ["${__url_time_range}"]
    query += [f"${{{name}:queryparam}}" for name in ("datasource", *keep)]
    return {"title": title, "url": f"/d/{uid}?{'&'.join(query)}"}
