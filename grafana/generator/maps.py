"""Queries of the map and of the graph of nodes: tables whose columns Grafana's layers ask for by name. A column that is renamed
keeps its old name for them, so labels have the right names from the start, and values are worked out under new ones."""

from model import BAD, FAIR, POOR

EACH = "instance, target, probe"
CHOSEN = 'instance=~"$agent",target=~"$target",probe=~"$probe"'
LINES_MOST = 300  # each is drawn in many strokes
EDGES_MOST = 1500  # Grafana draws no more nodes


def named(target, name):
    return {**target, "refId": name}


def value_as(query, name):
    """A query's value under a new name."""
    reduced = {"include": [f"Value #{query}"], "reducer": "sum"}
    return {"id": "calculateField", "filter": {"id": "byRefId", "options": query}, "options": {"alias": name, "mode": "reduceRow", "reduce": reduced, "replaceFields": False}}


def without(*names):
    return {"id": "organize", "options": {"excludeByName": {name: True for name in names}, "indexByName": {}, "renameByName": {}}}


# --- PromQL ----------------------------------------------------------------------------------------------------------


def places(*labels):
    return f'max by ({", ".join([EACH, "latitude", "longitude", *labels])}) (netsonde_target_info{{{CHOSEN},latitude!=""}})'


def agents():
    """Where agents stand: two figures that become labels."""

    def column(name):
        return f'count_values by (instance) ("{name}", max by (instance) (netsonde_geo_agent_{name}{{instance=~"$agent"}}))'

    return f'{column("latitude")} * on (instance) group_left (longitude) {column("longitude")}'


def promql_map(src):
    facts = places("country", "city", "as_org")
    up = f"max by ({EACH}) (netsonde_availability_up{{{CHOSEN}}})"
    starts = f'label_join({agents()}, "source", ",", "latitude", "longitude")'
    ends = f'label_join({places()}, "place", ",", "latitude", "longitude")'
    flows = f"({ends} * on (instance) group_left (source) {starts} and on ({EACH}) {up})"
    edges = f"avg by (source, place) ({flows} * on ({EACH}) group_left () {up})"
    at_ends = f'label_replace({flows}, "id", "$1", "place", "(.*)")'
    at_starts = f'label_replace({starts} and on (instance) {flows}, "id", "$1", "source", "(.*)")'
    wanted = {
        "targets": f"{facts} * on ({EACH}) group_left () avg by ({EACH}) (netsonde_ping_rtt_avg_seconds{{{CHOSEN}}})",
        "down": f"{facts} * on ({EACH}) group_left () (max by ({EACH}) (netsonde_availability_streak_seconds{{{CHOSEN}}}) and on ({EACH}) {up} == 0)",
        "agents": agents(),
        "edges": f'label_join(label_replace(bottomk({LINES_MOST}, {edges}), "target", "$1", "place", "(.*)"), "id", " > ", "source", "place")',
        "nodes": f"group by (id, latitude, longitude) ({at_ends} or {at_starts})",
    }
    numbers = [{"targetField": name, "destinationType": "number"} for name in ("latitude", "longitude")]
    renamed = {"Value #targets": "Round trip", "Value #down": "Down for", "Value #edges": "Up"}
    hidden = {name: True for name in ("Time", "Value #agents", "Value #nodes", "place")}
    return [named(src.target(text, table=True), name) for name, text in wanted.items()], [
        {"id": "convertFieldType", "options": {"conversions": numbers}},
        {"id": "organize", "options": {"excludeByName": hidden, "indexByName": {}, "renameByName": renamed}},
    ]


def promql_graph(src):
    step = f'topk({EDGES_MOST}, max by (hop_before, hop_address) (netsonde_traceroute_edge_step_seconds{{{CHOSEN},hop_address!=""}}))'
    edges = f'label_join({step} * 1000, "id", " > ", "hop_before", "hop_address")'
    for name, label in (("source", "hop_before"), ("target", "hop_address")):
        edges = f'label_replace({edges}, "{name}", "$1", "{label}", "(.*)")'
    lost = f'max by (hop_address) (netsonde_traceroute_hop_forward_loss_ratio{{{CHOSEN},hop_address!=""}})'
    ends = [f'label_replace({step}, "id", "$1", "{label}", "(.*)")' for label in ("hop_before", "hop_address")]
    nodes = f"0 * group by (id) ({ends[0]} or {ends[1]})"

    def of_node(measure):
        return f'label_replace({measure}, "id", "$1", "hop_address", "(.*)")'

    def colour(condition, value):
        return f'label_replace({edges} {condition}, "color", "{value}", "", "")'

    behind = "on (hop_address) ({lost} {limits})"
    rtt = f'1000 * min by (hop_address) (netsonde_traceroute_hop_rtt_min_seconds{{{CHOSEN},hop_address!=""}})'
    wanted = {
        "edges": " or ".join(
            [
                colour("and " + behind.format(lost=lost, limits=">= 0.05"), BAD),
                colour("and " + behind.format(lost=lost, limits=">= 0.005 < 0.05"), POOR),
                colour("unless " + behind.format(lost=lost, limits=">= 0.005"), FAIR),
            ]
        ),
        "lost": f"{of_node(lost)} and on (id) {nodes} or on (id) {nodes}",
        "kept": f"1 - {of_node(lost)} and on (id) {nodes} or on (id) {nodes} + 1",
        "rtt": f"{of_node(rtt)} and on (id) {nodes}",
    }
    values = {"edges": "mainstat", "lost": "arc__lost", "kept": "arc__kept", "rtt": "mainstat"}
    nodes = {"id": "byRefId", "options": "/^(?:lost|kept|rtt)$/"}
    return [named(src.target(text, table=True), name) for name, text in wanted.items()], [
        *(value_as(query, name) for query, name in values.items()),
        without("Time", "hop_before", "hop_address", *(f"Value #{query}" for query in values)),
        {"id": "merge", "filter": nodes, "options": {}},
    ]


# --- Flux ------------------------------------------------------------------------------------------------------------

TARGET = "r.agent =~ /^${agent:regex}$/ and r.target =~ /^${target:regex}$/ and r.probe =~ /^${probe:regex}$/"
KEYS = '["agent", "target", "probe"]'


def latest(name, measurement, fields, chosen=TARGET, keys=KEYS):
    """A table with a column for each field, the last of each."""
    wanted = " or ".join(f'r._field == "{field}"' for field in fields)
    return (
        f"{name} = from(bucket: v.defaultBucket)\n"
        "  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)\n"
        f'  |> filter(fn: (r) => r._measurement == "{measurement}" and ({wanted}) and {chosen})\n'
        "  |> last()\n"
        '  |> map(fn: (r) => ({r with _value: float(v: r._value)}))\n'
        f"  |> group(columns: {keys})\n"
        f'  |> pivot(rowKey: {keys}, columnKey: ["_field"], valueColumn: "_value")\n'
        "  |> group()\n"
        "\n"
    )


def flux_map(src):
    where = latest("places", "geo", ("latitude", "longitude"))
    state = latest("states", "availability", ("up", "streak_seconds"))
    rtt = latest("times", "ping", ("rtt_avg_seconds",))
    stand = latest("agents", "geo_agent", ("latitude", "longitude"), "r.agent =~ /^${agent:regex}$/", '["agent"]')
    flows = (
        where
        + latest("states", "availability", ("up",))
        + stand
        + "starts = agents\n"
        '  |> map(fn: (r) => ({agent: r.agent, from_latitude: r.latitude, from_longitude: r.longitude, source: string(v: r.latitude) + "," + string(v: r.longitude)}))\n'
        "\n"
        f"ends = join(tables: {{place: places, state: states}}, on: {KEYS})\n"
        '  |> map(fn: (r) => ({r with place: string(v: r.latitude) + "," + string(v: r.longitude)}))\n'
        "\n"
        'flows = join(tables: {end: ends, start: starts}, on: ["agent"])\n'
        "  |> filter(fn: (r) => r.source != r.place)\n"
        "\n"
    )
    wanted = {
        "targets": where + rtt + f'join(tables: {{place: places, time: times}}, on: {KEYS})\n  |> rename(columns: {{rtt_avg_seconds: "Round trip"}})',
        "down": where
        + state
        + f"join(tables: {{place: places, state: states}}, on: {KEYS})\n"
        "  |> filter(fn: (r) => r.up == 0.0)\n"
        '  |> drop(columns: ["up"])\n'
        '  |> rename(columns: {streak_seconds: "Down for"})',
        "agents": stand + "agents",
        "edges": flows
        + "flows\n"
        "  |> map(fn: (r) => ({source: r.source, place: r.place, _value: r.up}))\n"
        '  |> group(columns: ["source", "place"])\n'
        "  |> mean()\n"
        "  |> group()\n"
        f'  |> bottom(n: {LINES_MOST}, columns: ["_value"])\n'
        '  |> map(fn: (r) => ({id: r.source + " > " + r.place, source: r.source, target: r.place, _value: r._value}))\n'
        '  |> rename(columns: {_value: "Up"})',
        "nodes": flows
        + "union(tables: [\n"
        "  flows |> map(fn: (r) => ({id: r.place, latitude: r.latitude, longitude: r.longitude})),\n"
        "  flows |> map(fn: (r) => ({id: r.source, latitude: r.from_latitude, longitude: r.from_longitude})),\n"
        "])\n"
        "  |> group()\n"
        '  |> unique(column: "id")',
    }
    return [named(src.target(text), name) for name, text in wanted.items()], []


def flux_graph(src):
    """Edges and hops have the same tag hop: what is known of either becomes one row."""
    keys = '["agent", "target", "probe", "hop"]'
    rows = (
        "rows = from(bucket: v.defaultBucket)\n"
        "  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)\n"
        '  |> filter(fn: (r) => (r._measurement == "traceroute_edge" or r._measurement == "traceroute_hop") and '
        '(r._field == "source" or r._field == "destination" or r._field == "step_seconds" or r._field == "forward_loss_ratio" or r._field == "rtt_min_seconds") and '
        f"{TARGET})\n"
        "  |> last()\n"
        "  |> toString()\n"
        f"  |> group(columns: {keys})\n"
        f'  |> pivot(rowKey: {keys}, columnKey: ["_field"], valueColumn: "_value")\n'
        "  |> group()\n"
        "  |> filter(fn: (r) => exists r.source and exists r.destination)\n"
        "  |> map(fn: (r) => ({\n"
        "    source: r.source,\n"
        "    destination: r.destination,\n"
        '    id: r.source + " > " + r.destination,\n'
        "    step: if exists r.step_seconds then 1000.0 * float(v: r.step_seconds) else 0.0,\n"
        "    rtt: if exists r.rtt_min_seconds then 1000.0 * float(v: r.rtt_min_seconds) else 0.0,\n"
        "    lost: if exists r.forward_loss_ratio then float(v: r.forward_loss_ratio) else 0.0,\n"
        "  }))\n"
        '  |> unique(column: "id")\n'
        f'  |> top(n: {EDGES_MOST}, columns: ["step"])\n'
        "\n"
    )
    colour = f'if r.lost >= 0.05 then "{BAD}" else if r.lost >= 0.005 then "{POOR}" else "{FAIR}"'
    wanted = {
        "edges": rows
        + "rows\n"
        f"  |> map(fn: (r) => ({{id: r.id, source: r.source, target: r.destination, mainstat: r.step, color: {colour}}}))",
        "nodes": rows
        + "union(tables: [\n"
        "  rows |> map(fn: (r) => ({id: r.destination, mainstat: r.rtt, arc__lost: r.lost, arc__kept: 1.0 - r.lost})),\n"
        "  rows |> map(fn: (r) => ({id: r.source, mainstat: 0.0, arc__lost: 0.0, arc__kept: 1.0})),\n"
        "])\n"
        "  // A router that is both is what it is as an end.\n"
        '  |> group(columns: ["id"])\n'
        '  |> sort(columns: ["mainstat"], desc: true)\n'
        "  |> limit(n: 1)\n"
        "  |> group()",
    }
    return [named(src.target(text), name) for name, text in wanted.items()], []


def world(src):
    return promql_map(src) if src.name == "prometheus" else flux_map(src)


def paths(src):
    return promql_graph(src) if src.name == "prometheus" else flux_graph(src)
