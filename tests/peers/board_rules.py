"""What every board keeps to. Each rule yields what is wrong; test_dashboards.py shows that each can."""

import re

GOOD, FAIR, POOR, BAD, CALM = "#0072B2", "#56B4E9", "#E69F00", "#D55E00", "#999999"
PALETTE = {GOOD, FAIR, POOR, BAD, CALM}  # told apart by the colour-blind, too
OUTLINES = "#808080"
GEOMETRY = {"h", "w", "x", "y"}
# Ratios with another range: of a budget that can be overdrawn, of today by the week before.
BEYOND_ONE = {"Least budget left", "Left", "Against the week"}
SENTENCE = re.compile(r"[.?]$")


def panels_of(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def texts_of(board):
    """(where, text) of every query."""
    for panel in panels_of(board):
        for target in panel["targets"]:
            yield panel["title"], target.get("expr") or target["query"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["definition"]
    for note in board["annotations"]["list"]:
        yield note["name"], note["target"].get("expr") or note["target"]["query"]


def variables_of(board):
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def strings(value):
    if isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)
    elif isinstance(value, str):
        yield value


def properties(panel, column):
    return {rule["id"]: rule["value"] for over in panel["fieldConfig"]["overrides"] if over["matcher"]["options"] == column for rule in over["properties"]}


def model_is_that_of_provisioned_files(board, language):
    wanted = {"schemaVersion": 42, "editable": True, "graphTooltip": 1, "refresh": "30s"}
    for name, value in wanted.items():
        if board.get(name) != value:
            yield f"{name} is not {value}"
    if {"id", "__inputs", "__requires"} & set(board):
        yield "id or __inputs"
    if not board["uid"].startswith(f"netsonde-{language}-") or len(board["uid"]) > 40:
        yield board["uid"]
    if not {"netsonde", language} <= set(board["tags"]):
        yield "tags"


def words_are_there(board, language):
    if not board["title"].startswith("netsonde / ") or not SENTENCE.search(board["description"]):
        yield board["title"]
    for panel in panels_of(board):
        if not panel["title"] or not SENTENCE.search(panel["description"]):
            yield f"{panel['title']}: title or description"
        if not panel["fieldConfig"]["defaults"].get("noValue"):
            yield f"{panel['title']}: noValue"


def units_are_told(board, language):
    for panel in panels_of(board):
        if not panel["fieldConfig"]["defaults"].get("unit"):
            yield panel["title"]


def sources_are_chosen(board, language):
    reference = {"type": language, "uid": "${datasource}"}
    first = board["templating"]["list"][0]
    if (first["name"], first["type"], first["query"]) != ("datasource", "datasource", language):
        yield "the first variable is not the data source"
    for owner in [*panels_of(board), *(target for panel in panels_of(board) for target in panel["targets"]), *board["templating"]["list"][1:], *board["annotations"]["list"]]:
        if owner["datasource"] != reference:
            yield f"{owner.get('title') or owner.get('name') or owner.get('refId')}: {owner['datasource']}"


def variables_are_used(board, language):
    """They are asked for again with the time, and choose all by a pattern."""
    for name, variable in list(variables_of(board).items())[1:]:
        used = re.compile(rf"\$(?:{name}\b|{{{name}:regex}})")
        if not any(used.search(text) for _, text in texts_of(board)):
            yield f"{name} is not used"
        if variable["refresh"] != 2:
            yield f"{name}: not asked for again"
        if variable["includeAll"] and variable.get("allValue") != ".*":
            yield f"{name}: allValue"
    for where, text in texts_of(board):
        if re.search(r'[^~]"\$[a-z]', text):
            yield f"{where}: a variable that is compared as a whole"


def selectors_choose(board, language):
    """No query asks for the series of all."""
    if len(variables_of(board)) == 1:
        return
    for panel in panels_of(board):
        for target in panel["targets"]:
            text = target.get("expr") or target["query"]
            if language == "influxdb":
                if "$" not in text:
                    yield panel["title"]
                continue
            for name, inside in re.findall(r"\b(netsonde_\w+|\w+:netsonde_\w+:\w+)(\{[^}]*\})?", text):
                if "$" not in inside:
                    yield f"{panel['title']}: {name}"


def windows_are_grafanas(board, language):
    """But for the last value of what rules record seldom, and for what is chosen by all of the time shown."""
    for panel in panels_of(board):
        for target in panel["targets"]:
            text = re.sub(r"last_over_time\([^\]]*\]\)|\[\$__range:\$__interval\] @ end\(\)", "", target.get("expr", ""))
            for window in re.findall(r"\[([^\]]+)\]", text):
                if window not in (("5m", "$__range") if target["instant"] else ("$__rate_interval",)):
                    yield f"{panel['title']}: {window}"


def counters_are_rates(board, language):
    for where, text in texts_of(board):
        if language == "influxdb":
            if re.search(r'_field == "\w+_total"', text) and not re.search(r"derivative|difference|increase", text):
                yield where
            continue
        for name in re.findall(r"\b(netsonde_\w+_total)\b", text):
            if not re.search(rf"(?:rate|increase|changes)\({name}", text):
                yield f"{where}: {name} is a counter"
        for name in re.findall(r"\b(?:rate|increase)\((\w+)", text):
            if not name.endswith(("_total", "_bucket", "_count", "_sum")):
                yield f"{where}: {name} is no counter"


def ratios_have_limits(board, language):
    for panel in panels_of(board):
        defaults = panel["fieldConfig"]["defaults"]
        if defaults["unit"] != "percentunit" or panel["title"] in BEYOND_ONE:
            continue
        if defaults.get("min") != 0 or (panel["type"] != "timeseries" and defaults.get("max") != 1):
            yield panel["title"]


def colours_are_ours(board, language):
    for panel in panels_of(board):
        if panel["type"] == "heatmap":
            continue  # a scale of one colour
        for text in strings([panel["fieldConfig"], panel["options"]]):
            named = re.fullmatch(r"(?:(?:semi-|super-|light-|dark-)*(?:red|green|yellow|orange|blue|purple))", text)
            if named or (re.fullmatch(r"#\w{6}", text) and text not in PALETTE | {OUTLINES}):
                yield f"{panel['title']}: {text}"


def thresholds_rise(board, language):
    for panel in panels_of(board):
        for owner in [panel["fieldConfig"]["defaults"], *(properties(panel, over["matcher"]["options"]) for over in panel["fieldConfig"]["overrides"])]:
            values = [step["value"] for step in owner.get("thresholds", {}).get("steps", [])]
            if values and (values[0] is not None or values[1:] != sorted(values[1:])):
                yield panel["title"]


def links_lead_on(board, language):
    """Whatever belongs to a target leads to its page, with the time and the source."""
    here = f"/d/{board['uid']}?"
    for panel in panels_of(board):
        defaults = panel["fieldConfig"]["defaults"]
        links = [*defaults.get("links", []), *properties(panel, "target").get("links", [])]
        for link in links:
            if "${__url_time_range}" not in link["url"] or "${datasource:queryparam}" not in link["url"] or link["url"].startswith(here):
                yield f"{panel['title']}: {link['url']}"
            for name in re.findall(r"\$\{(\w+):queryparam\}", link["url"]):
                if name not in variables_of(board):
                    yield f"{panel['title']}: {name} is no variable"
        named = any("{{target}}" in target.get("legendFormat", "") for target in panel["targets"])
        named = named or any("labels.target}" in text for over in panel["fieldConfig"]["overrides"] for text in strings(over["properties"]) if "/d/" not in text)
        is_detail = re.search(r"-(target|quality|router)$", board["uid"])
        if named and not links and not is_detail:
            yield f"{panel['title']}: series of targets without a link"
    ways = [link for link in board["links"] if link["keepTime"] and link["includeVars"]]
    if not any(link["type"] == "dashboards" and {"netsonde", language} <= set(link["tags"]) for link in ways):
        yield "no menu of the other boards"
    if not board["uid"].endswith(("-overview", "-routers")) and not any(link["type"] == "link" for link in ways):
        yield "no way back"


def notes_are_there(board, language):
    wanted = {"Reloads", "Alerts" if language == "prometheus" else "Down"}
    if "target" in variables_of(board):
        wanted.add("Changes of paths")
    missing = wanted - {note["name"] for note in board["annotations"]["list"] if note["enable"]}
    if missing:
        yield str(missing)


def first_row_answers(board, language):
    """Figures over the whole width, and at least one that tells good from bad."""
    first = [panel for panel in panels_of(board) if panel["gridPos"]["y"] == 0]
    if {panel["type"] for panel in first} != {"stat"} or sum(panel["gridPos"]["w"] for panel in first) != 24:
        yield "not figures over the whole width"
    if not any(len(panel["fieldConfig"]["defaults"]["thresholds"]["steps"]) > 1 for panel in first):
        yield "nothing that tells good from bad"


def panels_have_room(board, language):
    taken = set()
    numbers = [panel["id"] for panel in board["panels"]]
    if len(set(numbers)) != len(numbers):
        yield "two panels of one id"
    for panel in panels_of(board):
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        if set(place) != GEOMETRY or place["x"] + place["w"] > 24 or cells & taken:
            yield panel["title"]
        taken |= cells


def queries_are_told_apart(board, language):
    for panel in panels_of(board):
        names = [target["refId"] for target in panel["targets"]]
        if not names or len(set(names)) != len(names):
            yield panel["title"]


def maps_are_drawn_offline(board, language):
    for panel in panels_of(board):
        if panel["type"] != "geomap":
            continue
        layers = [panel["options"]["basemap"], *panel["options"]["layers"]]
        if layers[0]["type"] != "xyz" or any(re.search(r"https?:|//", text) for text in strings(layers)):
            yield panel["title"]
        if {layer["type"] for layer in layers[1:]} != {"geojson", "markers", "network"}:
            yield f"{panel['title']}: layers"


def lines_are_few(board, language):
    """What grows with the targets is the largest or smallest of it, where many can be chosen."""
    variables = variables_of(board)
    if not any(variables[name]["multi"] for name in ("target", "router") if name in variables):
        return
    for panel in panels_of(board):
        if panel["type"] not in ("timeseries", "state-timeline", "status-history", "bargauge"):
            continue
        for target in panel["targets"]:
            text = target.get("expr") or target["query"]
            grows = re.search(r"by \([^)]*\btarget\b", text) if language == "prometheus" else re.search(r'group\(columns: \[[^]]*"target"', text)
            if grows and not re.search(r"\b(?:topk|bottomk|top|bottom)\(", text):
                yield f"{panel['title']}: {text}"


def layers_find_their_columns(board, language):
    """Lines of maps and graphs of nodes look for columns by the names that these were born with: renaming is for readers only."""
    for panel in panels_of(board):
        needed = {"geomap": {"id", "source", "target", "latitude", "longitude"}, "nodeGraph": {"id", "source", "target", "mainstat", "color", "arc__lost", "arc__kept"}}.get(panel["type"], set())
        renamed = {name for step in panel["transformations"] for name in step["options"].get("renameByName", {}).values()}
        born = {step["options"].get("alias") for step in panel["transformations"]}
        texts = " ".join(target.get("expr") or target["query"] for target in panel["targets"])
        lost = {name for name in needed if name in renamed or not (name in born or re.search(rf'"{name}"|\b{name}(?:[,):]| =)', texts))}
        if lost:
            yield f"{panel['title']}: {sorted(lost)}"


RULES = (
    layers_find_their_columns,
    model_is_that_of_provisioned_files,
    words_are_there,
    units_are_told,
    sources_are_chosen,
    variables_are_used,
    selectors_choose,
    windows_are_grafanas,
    counters_are_rates,
    ratios_have_limits,
    colours_are_ours,
    thresholds_rise,
    links_lead_on,
    notes_are_there,
    first_row_answers,
    panels_have_room,
    queries_are_told_apart,
    maps_are_drawn_offline,
    lines_are_few,
)


def judge(board, language):
    return [f"{rule.__name__}: {wrong}" for rule in RULES for wrong in rule(board, language)]
