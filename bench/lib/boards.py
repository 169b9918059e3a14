"""What Grafana asks Prometheus for when a board is opened, and what rules look at."""

import json
import re

import yaml

NAME = re.compile(r"(?<![\w:])(?:netsonde_\w+|\w+:[\w:]+)")
DURATION = re.compile(r"\[(\d+)([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SCRAPE_SECONDS = 15
PIXELS_A_COLUMN = 80  # of a screen of 1,920
# Grafana rounds steps to these.
ROUND = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def duration(text):
    return int(text[:-1]) * SECONDS[text[-1]]


def names_in(text):
    return set(NAME.findall(re.sub(r'"[^"]*"|\[[^]]*\]', "", text)))


class Query:
    """One request. is_drawn: what is shown as lines, rows or bars."""

    def __init__(self, board, name, text, path, range_seconds, step=None):
        self.board, self.name, self.text, self.path = board, f"{board}/{name}", text, path
        self.range_seconds, self.step = range_seconds, step
        self.steps = range_seconds // step if step else 1
        self.is_drawn = path.startswith("/api/v1/query")

    def parameters(self, end):
        if self.path == "/api/v1/query":
            return {"query": self.text, "time": end}
        if self.path == "/api/v1/query_range":
            end -= end % self.step
            return {"query": self.text, "start": end - self.range_seconds, "end": end, "step": self.step}
        return {"match[]": self.text, "start": end - self.range_seconds, "end": end}


class Boards:
    """All queries of all Prometheus boards; variables are at All where they may be."""

    def __init__(self, stack, **single):
        """single: values of variables that have one only."""
        self.single, self.queries = single, []
        for path in sorted((stack / "grafana" / "dashboards" / "prometheus").glob("*.json")):
            self.read(path.stem, json.loads(path.read_text()))

    def names(self, over_time_only=False):
        return set().union(*(names_in(query.text) for query in self.queries if query.step or not over_time_only))

    def by_board(self):
        found = {}
        for query in self.queries:
            found.setdefault(query.board, []).append(query)
        return found

    def read(self, name, board):
        self.range_seconds = duration(re.fullmatch(r"now-(\w+)", board["time"]["from"])[1])
        self.values = {}
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                self.values[variable["name"]] = variable.get("allValue") if variable["multi"] else self.single.get(variable["name"], "")
                found = re.fullmatch(r"label_values\((.*), *(\w+)\)", variable["definition"])
                self.add(name, f"${variable['name']}", found[1], f"/api/v1/label/{found[2]}/values")
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                self.read_panel(name, panel, target)
        for note in board["annotations"]["list"]:
            if "expr" in note:
                self.add(name, f"note: {note['name']}", note["expr"], "/api/v1/query_range", 60)

    def read_panel(self, name, panel, target):
        title = f"{panel['title']} {target['refId']}" if len(panel["targets"]) > 1 else panel["title"]
        if target["instant"]:
            self.add(name, title, target["expr"], "/api/v1/query")
            return
        points = panel.get("maxDataPoints") or panel["gridPos"]["w"] * PIXELS_A_COLUMN
        least = duration(target.get("interval") or panel.get("interval") or f"{SCRAPE_SECONDS}s")
        wanted = max(least, self.range_seconds / points)
        step = min(ROUND, key=lambda value: abs(value - wanted))
        self.add(name, title, target["expr"], "/api/v1/query_range", max(step, least))

    def add(self, board, name, text, path, step=None):
        interval = step or max(SCRAPE_SECONDS, self.range_seconds // 1000)
        texts = {
            "__rate_interval": f"{max(interval + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)}s",
            "__interval": f"{interval}s",
            "__range": f"{self.range_seconds}s",
            **self.values,
        }
        text = re.sub(r"\$\{?(\w+)(?::\w+)?\}?", lambda found: texts[found[1]], text)
        self.queries.append(Query(board, name, text, path, self.range_seconds, step))


class Rules:
    """How often rules record, and how far they look back."""

    def __init__(self, folder):
        self.files = sorted(folder.glob("*.yml"))
        self.intervals, self.texts = {}, []
        for path in self.files:
            for group in yaml.safe_load(path.read_text())["groups"]:
                for rule in group["rules"]:
                    self.texts.append(rule["expr"])
                    if "record" in rule:
                        self.intervals[rule["record"]] = duration(group.get("interval", f"{SCRAPE_SECONDS}s"))

    def names(self):
        return set().union(*map(names_in, self.texts))

    def look_back(self, name):
        """The longest range that a rule asks of it, in seconds."""
        pattern = re.compile(rf"(?<![\w:]){name}(?:{{[^}}]*}})?\[(\d+)([smhd])")
        return max([int(n) * SECONDS[unit] for text in self.texts for n, unit in pattern.findall(text)], default=0)

    def interval(self, name):
        return self.intervals.get(name, SCRAPE_SECONDS)
