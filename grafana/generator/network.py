"""The boards about targets: seven for either source, and those that only Prometheus has."""

import draw
import model
from model import HIGH_IS_BAD, LOW_IS_BAD, Board, link_to
from query import Ask, Prometheus, Scope

EACH = ("instance", "target", "probe")
BY_TARGET = "{{target}} {{probe}} from {{instance}}"
SCOPE = Scope((("instance", "agent"), ("target", "target"), ("probe", "probe")))
WINDOWS = (("1h", "1 hour"), ("24h", "24 hours"), ("7d", "7 days"), ("30d", "30 days"))


def choices(src, measurement="netsonde_availability_up", many=True):
    measurement = measurement if src.name == "prometheus" else measurement.removeprefix("netsonde_").rsplit("_up", 1)[0]
    return [
        src.choice("agent", "Agent", measurement, "instance"),
        src.choice("target", "Target", measurement, "target", many),
        src.choice("probe", "Probe", measurement, "probe"),
    ]


def start(src, name, title, description, measurement="netsonde_availability_up", many=True):
    board = Board(src, f"netsonde-{src.name}-{name}", title, description, choices(src, measurement, many))
    if src.name == "prometheus":
        board.annotations = [
            {
                "datasource": src.reference,
                "enable": True,
                "expr": 'changes(netsonde_traceroute_path_hash{target=~"$target"}[1m]) > 0',
                "iconColor": model.FAIR,
                "name": "Changes of paths",
                "titleFormat": "{{target}}: another path",
                "step": "60s",
            },
            {
                "datasource": src.reference,
                "enable": True,
                "expr": "changes(netsonde_config_last_reload_success_timestamp_seconds[1m]) > 0",
                "iconColor": model.CALM,
                "name": "Reloads",
                "titleFormat": "{{instance}}: new configuration",
                "step": "60s",
            },
            {
                "datasource": src.reference,
                "enable": True,
                "expr": 'ALERTS{alertstate="firing",severity=~"critical|warning",target=~"$target"}',
                "iconColor": model.BAD,
                "name": "Alerts",
                "titleFormat": "{{alertname}} {{target}}",
                "step": "60s",
            },
        ]
    else:
        board.annotations = [
            {
                "datasource": src.reference,
                "enable": True,
                "iconColor": model.FAIR,
                "name": "Changes of paths",
                "target": {
                    "refId": "Anno",
                    "query": "from(bucket: v.defaultBucket)\n"
                    "  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)\n"
                    '  |> filter(fn: (r) => r._measurement == "event" and r.kind == "path_change" and r._field == "after" and r.target =~ /^${target:regex}$/)\n'
                    "  |> group()\n"
                    '  |> keep(columns: ["_time", "target", "_value"])',
                },
            }
        ]
    return board


def detail(src):
    """A click on a target leads to its page, or to its quality where there is no such page."""
    uid = "netsonde-prometheus-target" if src.name == "prometheus" else "netsonde-influxdb-quality"
    return {"target": link_to(uid, "Look at this target", target="${__value.raw}")}


# --- asks that several boards have -------------------------------------------------------------------------------------

UP = Ask("availability", "up", how="min", by=EACH, legend=BY_TARGET)
LOSS = Ask("ping", "loss_ratio", how="mean", by=EACH, legend=BY_TARGET)
RTT = Ask("ping", "rtt_avg_seconds", how="mean", by=EACH, legend=BY_TARGET)
JITTER = Ask("qos", "jitter_seconds", how="mean", by=EACH, legend=BY_TARGET)


def overview(src):
    board = start(src, "overview", "netsonde / Network overview", "How the network does, and which targets do worst.")
    board.add(draw.stat(src, SCOPE, "Probes", "Probes whose state is known.", [UP.but(how="count", by=())]), 4, 4)
    board.add(draw.stat(src, SCOPE, "Up", "Share of these that are up.", [UP.but(how="mean", by=())], "percentunit", thresholds=LOW_IS_BAD["availability"]), 4, 4)
    board.add(draw.stat(src, SCOPE, "Loss", "Mean loss of pings.", [LOSS.but(by=())], "percentunit", thresholds=HIGH_IS_BAD["loss"]), 4, 4)
    board.add(draw.stat(src, SCOPE, "Round trip", "Mean round-trip time of pings.", [RTT.but(by=())], "s"), 4, 4)
    board.add(draw.stat(src, SCOPE, "Voice", "Mean score for calls, of 100.", [Ask("qos", "score", how="mean", where={"use": "voice"})], thresholds=LOW_IS_BAD["score"]), 4, 4)
    board.add(draw.stat(src, SCOPE, "Jitter", "Mean jitter (RFC 3550).", [JITTER.but(by=())], "s"), 4, 4)
    board.add(draw.curve(src, SCOPE, "Up, by agent", "Share of probes that are up, as each agent sees it.", [UP.but(how="mean", by=("instance",), legend="{{instance}}")], "percentunit", max=1), 12)
    board.add(draw.curve(src, SCOPE, "Loss, by agent", "Mean loss of pings, as each agent sees it.", [LOSS.but(by=("instance",), legend="{{instance}}")], "percentunit", thresholds=HIGH_IS_BAD["loss"]), 12)
    board.add(draw.bars(src, SCOPE, "Most loss", "The ten pings that lose most.", [LOSS.but(largest=10)], "percentunit", thresholds=HIGH_IS_BAD["loss"]), 8, 10)
    board.add(draw.bars(src, SCOPE, "Longest round trips", "The ten pings that take longest.", [RTT.but(largest=10)], "s"), 8, 10)
    board.add(draw.bars(src, SCOPE, "Worst for calls", "The ten lowest scores for voice.", [Ask("qos", "score", how="mean", by=EACH, where={"use": "voice"}, smallest=10, legend=BY_TARGET)], thresholds=LOW_IS_BAD["score"], max=100), 8, 10)
    columns = [
        (UP.but(smallest=100), "Up", "short", LOW_IS_BAD["up"], model.UP_DOWN),
        (LOSS.but(largest=100), "Loss", "percentunit", HIGH_IS_BAD["loss"], None),
        (RTT.but(largest=100), "Round trip", "s", None, None),
        (JITTER.but(largest=100), "Jitter", "s", None, None),
    ]
    board.add(draw.table(src, SCOPE, "Targets that do worst", "Up to a hundred by each column. A click on a target shows it alone.", columns, links=detail(src), sort=("Loss", True)), 24, 12)
    return board


def quality(src):
    board = start(src, "quality", "netsonde / Quality of service", "How good the paths are for calls, video, films, games and pages, and why.", "netsonde_availability_up")
    for use, title in (("voice", "Calls"), ("video", "Video meetings"), ("streaming", "Films"), ("gaming", "Games"), ("web", "Pages")):
        board.add(draw.stat(src, SCOPE, title, f"Mean score of the use {use}, 0 to 100 (docs/quality.md).", [Ask("qos", "score", how="mean", where={"use": use})], thresholds=LOW_IS_BAD["score"]), 4, 4)
    board.add(draw.stat(src, SCOPE, "Late packets", "Share of packets that come too late for a call's buffer.", [Ask("qos", "late_ratio", how="mean")], "percentunit", thresholds=HIGH_IS_BAD["loss"]), 4, 4)
    board.add(draw.curve(src, SCOPE, "Score by use", "Mean of the chosen targets.", [Ask("qos", "score", how="mean", by=("use",), legend="{{use}}")], max=100, thresholds=LOW_IS_BAD["score"]))
    board.add(draw.curve(src, SCOPE, "MOS by codec", "Mean opinion score of calls (ITU-T G.107), mean of the chosen targets.", [Ask("qos", "mos", how="mean", by=("codec",), legend="{{codec}}")], max=5))
    board.add(draw.curve(src, SCOPE, "R factor", "Transmission rating of calls, by target and codec.", [Ask("qos", "r_factor", how="mean", by=("target", "codec"), legend="{{target}} {{codec}}")], max=100))
    board.add(draw.curve(src, SCOPE, "Jitter", "Interarrival jitter (RFC 3550) of round-trip times.", [JITTER], "s"))
    board.add(draw.curve(src, SCOPE, "Loss", "Over the sliding window of each probe.", [Ask("qos", "loss_ratio", how="mean", by=EACH, legend=BY_TARGET)], "percentunit", thresholds=HIGH_IS_BAD["loss"]))
    board.add(draw.curve(src, SCOPE, "Bursts of loss", "BurstR: 1 is loss at random, more is loss in bursts.", [Ask("qos", "burst_ratio", how="mean", by=EACH, legend=BY_TARGET)]))
    quantiles = [Ask("qos", f"pdv_p{q}_seconds", how="mean", by=("target",), legend="{{target}} " + f"p{q}") for q in (50, 95, 99)]
    board.add(draw.curve(src, SCOPE, "Variation of delay", "Packet delay variation (RFC 5481) by quantile.", quantiles, "s"))
    round_trips = [Ask("qos", f"rtt_p{q}_seconds", how="mean", by=("target",), legend="{{target}} " + f"p{q}") for q in (50, 95, 99)]
    board.add(draw.curve(src, SCOPE, "Round trips", "Round-trip time by quantile.", round_trips, "s"))
    board.add(draw.curve(src, SCOPE, "Buffer of calls", "What a de-jitter buffer must hold.", [Ask("qos", "buffer_seconds", how="mean", by=EACH, legend=BY_TARGET)], "s"))
    board.add(draw.curve(src, SCOPE, "Objectives missed", "How often an objective began to be missed, per second.", [Ask("qos", "violations_total", rate=True, how="sum", by=("target", "objective"), legend="{{target}} {{objective}}")]))
    board.add(draw.bars(src, SCOPE, "Worst targets by use", "The lowest scores.", [Ask("qos", "score", how="mean", by=("target", "use"), smallest=20, legend="{{target}} {{use}}")], thresholds=LOW_IS_BAD["score"], max=100), 12, 12)
    board.add(draw.curve(src, SCOPE, "What TCP could reach", "The ceiling that loss and delay set for one connection (estimated).", [Ask("qos", "tcp_rate_bytes_per_second", how="mean", by=EACH, scale=8, legend=BY_TARGET)], "bps"), 12, 12)
    return board


def availability(src):
    board = start(src, "availability", "netsonde / Availability and reliability", "How much of the time targets were there, how often they failed, and for how long.")
    for window, name in WINDOWS:
        board.add(draw.stat(src, SCOPE, name, f"Mean availability over the last {name}; unknown time is in no ratio.", [Ask("availability", "ratio", how="mean", where={"window": window})], "percentunit", thresholds=LOW_IS_BAD["availability"], decimals=3), 4, 4)
    board.add(draw.stat(src, SCOPE, "Outages", "Outages of the chosen targets within 30 days.", [Ask("availability", "outages", how="sum", where={"window": "30d"})]), 4, 4)
    board.add(draw.stat(src, SCOPE, "Known", "How much of the last 30 days is known, as a mean: a ratio over little is a weak promise.", [Ask("availability", "coverage_ratio", how="mean", where={"window": "30d"})], "percentunit"), 4, 4)
    board.add(draw.states(src, SCOPE, "Up and down", "State of each probe. Down after several failed runs in a row, and then from the first of them.", [UP]), 24, 10)

    def window(measure, of, **more):
        return Ask("availability", measure, how="mean", by=EACH, where={"window": of}, **more)

    columns = [(window("ratio", w, smallest=200), name, "percentunit", LOW_IS_BAD["availability"], None) for w, name in WINDOWS]
    columns += [
        (window("outages", "30d", largest=200), "Outages", "short", None, None),
        (window("downtime_seconds", "30d", largest=200), "Down for", "s", None, None),
        (window("mtbf_seconds", "30d", smallest=200), "MTBF", "s", None, None),
        (window("mttr_seconds", "30d", largest=200), "MTTR", "s", None, None),
    ]
    board.add(draw.table(src, SCOPE, "Availability", "Outages, time down, mean time between failures and to repair are of 30 days. The two hundred worst by each column.", columns, links=detail(src), sort=("30 days", False)), 24, 12)
    board.add(draw.bars(src, SCOPE, "Longest without a break", "How long each probe has been up, or down, without a break.", [Ask("availability", "streak_seconds", how="min", by=EACH, largest=15, legend=BY_TARGET)], "s"), 12, 10)
    board.add(draw.curve(src, SCOPE, "Outages that began", "Per hour.", [Ask("availability", "outages_total", rate=True, how="sum", by=("target",), scale=3600, legend="{{target}}")]), 12, 10)
    return board


def bandwidth(src):
    board = start(src, "bandwidth", "netsonde / Throughput and bandwidth", "What transfers reach, and what the path would allow.")
    rate = Ask("http", "throughput_bytes_per_second", how="mean", by=EACH, scale=8, legend=BY_TARGET)
    board.add(draw.stat(src, SCOPE, "Transfers", "Mean rate of HTTP transfers.", [rate.but(by=())], "bps"), 6, 4)
    board.add(draw.stat(src, SCOPE, "Delivered by TCP", "Mean delivery rate, as the kernel measures it.", [Ask("http", "tcp_delivery_rate_bytes_per_second", how="mean", scale=8)], "bps"), 6, 4)
    board.add(draw.stat(src, SCOPE, "Ceiling", "Mean of what loss and delay allow one TCP connection (estimated).", [Ask("qos", "tcp_rate_bytes_per_second", how="mean", scale=8)], "bps"), 6, 4)
    board.add(draw.stat(src, SCOPE, "Retransmissions", "Segments sent again in the last run, mean of HTTP probes.", [Ask("http", "tcp_retransmits", how="mean")]), 6, 4)
    board.add(draw.curve(src, SCOPE, "HTTP transfers", "Bytes of the answer by the time from its first byte to its last.", [rate], "bps"))
    board.add(draw.curve(src, SCOPE, "Delivery rate", "As the kernel measures it while it sends and receives.", [Ask("http", "tcp_delivery_rate_bytes_per_second", how="mean", by=EACH, scale=8, legend=BY_TARGET)], "bps"))
    board.add(draw.curve(src, SCOPE, "What the path would allow", "The ceiling of one TCP connection by loss and round-trip time (estimated).", [Ask("qos", "tcp_rate_bytes_per_second", how="mean", by=EACH, scale=8, legend=BY_TARGET)], "bps"))
    board.add(draw.curve(src, SCOPE, "Bytes received", "Size of the answers.", [Ask("http", "received_bytes", how="mean", by=EACH, legend=BY_TARGET)], "bytes"))
    board.add(draw.bars(src, SCOPE, "Slowest transfers", "The fifteen lowest rates.", [rate.but(smallest=15)], "bps"), 12, 10)
    board.add(draw.bars(src, SCOPE, "Most retransmissions", "Segments sent again in the last run.", [Ask("http", "tcp_retransmits", how="mean", by=EACH, largest=15, legend=BY_TARGET)]), 12, 10)
    return board


PHASES = (("connect", "connect"), ("tls", "TLS"), ("processing", "processing"), ("transfer", "transfer"))


def response(src):
    board = start(src, "response", "netsonde / Response times", "Where the time goes: the phases of HTTP requests, DNS queries, TCP connections.")
    phases = [Ask("http", f"{phase}_seconds", how="mean", legend=name) for phase, name in PHASES]
    board.add(draw.curve(src, SCOPE, "Phases of HTTP requests", "Mean of the chosen targets: connecting, TLS, waiting for the first byte, the transfer.", phases, "s", stacked=True), 24, 9)
    for phase, name in PHASES:
        board.add(draw.curve(src, SCOPE, f"HTTP: {name}", "By target.", [Ask("http", f"{phase}_seconds", how="mean", by=EACH, legend=BY_TARGET)], "s"))
    board.add(draw.curve(src, SCOPE, "DNS queries", "From the query to its answer, connecting included.", [Ask("dns", "request_seconds", how="mean", by=EACH, legend=BY_TARGET)], "s"))
    board.add(draw.curve(src, SCOPE, "TCP: connecting", "Until the connection was there.", [Ask("tcp", "connect_seconds", how="mean", by=EACH, legend=BY_TARGET)], "s"))
    columns = [(Ask("http", f"{phase}_seconds", how="mean", by=EACH, largest=100), name, "s", None, None) for phase, name in PHASES]
    columns.append((Ask("http", "status_code", how="max", by=EACH, largest=100), "Status", "short", None, None))
    board.add(draw.table(src, SCOPE, "HTTP by target", "The hundred slowest by each phase.", columns, links=detail(src), sort=("processing", True)), 24, 10)
    return board


def geolocation(src):
    board = start(src, "geo", "netsonde / Geolocation", "Where targets are, and how far they are from what light would need. It needs section geo.")
    if src.name == "prometheus":
        labels = 'instance=~"$agent",target=~"$target",probe=~"$probe",latitude!=""'
        value = 'avg by (instance, target, probe) (netsonde_ping_rtt_avg_seconds{instance=~"$agent",target=~"$target",probe=~"$probe"})'
        where = f"max by (instance, target, probe, latitude, longitude, country, city, asn, as_org) (netsonde_target_info{{{labels}}})"
        expression = f"{where} * on (instance, target, probe) group_left () {value}"
        markers = src.target(expression, table=True)
        made = model.geomap("Targets", "Each pinged target where the database places it, coloured by its round-trip time.", [markers], "s", thresholds=model.steps((0.05, model.FAIR), (0.15, model.POOR), (0.3, model.BAD)))
        made["transformations"] = [
            {"id": "convertFieldType", "options": {"conversions": [{"targetField": "latitude", "destinationType": "number"}, {"targetField": "longitude", "destinationType": "number"}]}},
            {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": {"Value": "value"}, "indexByName": {}}},
        ]
        board.add(made, 24, 14)
        by_country = [
            src.target(f'count by (country) (netsonde_target_info{{{labels}}})', table=True),
            src.target(f"avg by (country) ({expression})", table=True),
        ]
        made = model.table("By country", "Targets of each country, and their mean round trip.", by_country, [("Targets", "short", None, None), ("Round trip", "s", None, None)], sort=("Targets", True))
        made["transformations"] = src.columns(["Targets", "Round trip"])
        board.add(made, 12, 10)
        by_network = [
            src.target(f'count by (asn, as_org) (netsonde_target_info{{{labels.replace("latitude", "asn")}}})', table=True),
            src.target(
                'avg by (asn, as_org) (max by (instance, target, probe, asn, as_org) (netsonde_target_info{instance=~"$agent",target=~"$target",probe=~"$probe",asn!=""})'
                f" * on (instance, target, probe) group_left () {value})",
                table=True,
            ),
        ]
        made = model.table("By network", "Targets of each autonomous system, and their mean round trip.", by_network, [("Targets", "short", None, None), ("Round trip", "s", None, None)], sort=("Targets", True))
        made["transformations"] = src.columns(["Targets", "Round trip"])
        board.add(made, 12, 10)
    else:
        position = (
            "place = (field) => from(bucket: v.defaultBucket)\n"
            "  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)\n"
            '  |> filter(fn: (r) => r._measurement == "geo" and r._field == field and r.agent =~ /^${agent:regex}$/ and r.target =~ /^${target:regex}$/ and r.probe =~ /^${probe:regex}$/)\n'
            "  |> last()\n"
            '  |> group(columns: ["agent", "target", "probe"])\n'
            "\n"
        )
        markers = src.target(
            position + 'union(tables: [place(field: "latitude"), place(field: "longitude"), place(field: "distance_meters")])\n'
            '  |> group(columns: ["agent", "target", "probe"])\n'
            '  |> pivot(rowKey: ["agent", "target", "probe"], columnKey: ["_field"], valueColumn: "_value")\n'
            "  |> group()\n"
            '  |> rename(columns: {distance_meters: "value"})\n'
            '  |> keep(columns: ["agent", "target", "probe", "latitude", "longitude", "value"])'
        )
        board.add(model.geomap("Targets", "Each target where the database places it, coloured by its distance.", [markers], "lengthm", thresholds=model.steps((1e6, model.FAIR), (5e6, model.POOR), (1e7, model.BAD))), 24, 14)
        for tag, title in (("country", "By country"), ("asn", "By network")):
            made = model.table(
                title,
                "Mean round trip of pings.",
                [
                    src.target(
                        "from(bucket: v.defaultBucket)\n"
                        "  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)\n"
                        f'  |> filter(fn: (r) => r._measurement == "ping" and r._field == "rtt_avg_seconds" and exists r.{tag} and r.agent =~ /^${{agent:regex}}$/ and r.target =~ /^${{target:regex}}$/ and r.probe =~ /^${{probe:regex}}$/)\n'
                        "  |> mean()\n"
                        f'  |> group(columns: ["{tag}"])\n'
                        "  |> mean()\n"
                        "  |> group()\n"
                        '  |> rename(columns: {_value: "Round trip"})'
                    )
                ],
                [("Round trip", "s", None, None)],
                sort=("Round trip", True),
            )
            board.add(made, 12, 10)
    board.add(draw.bars(src, SCOPE, "Detours", "Shortest round trip by what light would need in a fibre: 2 is usual, 10 is a detour.", [Ask("geo", "inflation_ratio", how="min", by=EACH, largest=15, legend=BY_TARGET)]), 12, 10)
    board.add(draw.bars(src, SCOPE, "Distance", "From the agent to the target.", [Ask("geo", "distance_meters", how="max", by=EACH, largest=15, legend=BY_TARGET)], "lengthm"), 12, 10)
    board.add(draw.states(src, SCOPE, "Faster than light", "1: the answer came sooner than light could. The database is wrong, or the address is at many places (anycast).", [Ask("geo", "implausible", how="max", by=EACH, legend=BY_TARGET)], mappings=model.YES_NO), 24, 8)
    return board


def node_graph(src):
    board = start(src, "nodes", "netsonde / Node graph", "Paths as nodes and edges, from the last trace of each target. Prometheus needs the option hop_address of traceroutes.")
    if src.name == "prometheus":
        labels = 'instance=~"$agent",target=~"$target",probe=~"$probe"'
        query = src.target(
            f'label_join(max by (hop_before, hop_address) (netsonde_traceroute_edge_step_seconds{{{labels},hop_address!=""}}), "id", " > ", "hop_before", "hop_address")',
            table=True,
        )
        made = model.node_graph("Paths", "Nodes are routers (or silent hops); an edge shows how much longer the shortest round trip gets.", [query])
        made["transformations"] = [
            {"id": "organize", "options": {"excludeByName": {"Time": True}, "indexByName": {}, "renameByName": {"hop_before": "source", "hop_address": "target", "Value": "mainstat"}}}
        ]
    else:
        query = src.target(
            "edges = from(bucket: v.defaultBucket)\n"
            "  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)\n"
            '  |> filter(fn: (r) => r._measurement == "traceroute_edge" and r.agent =~ /^${agent:regex}$/ and r.target =~ /^${target:regex}$/ and r.probe =~ /^${probe:regex}$/)\n'
            "  |> last()\n"
            "\n"
            "names = edges\n"
            '  |> filter(fn: (r) => r._field == "source" or r._field == "destination")\n'
            "times = edges\n"
            '  |> filter(fn: (r) => r._field == "step_seconds")\n'
            "  |> map(fn: (r) => ({r with _value: string(v: r._value)}))\n"
            "\n"
            "union(tables: [names, times])\n"
            '  |> group(columns: ["agent", "target", "probe", "hop"])\n'
            '  |> pivot(rowKey: ["agent", "target", "probe", "hop"], columnKey: ["_field"], valueColumn: "_value")\n'
            "  |> group()\n"
            '  |> drop(columns: ["target"])\n'
            '  |> map(fn: (r) => ({r with id: r.source + " > " + r.destination}))\n'
            '  |> unique(column: "id")\n'
            '  |> rename(columns: {destination: "target", step_seconds: "mainstat"})\n'
            '  |> keep(columns: ["id", "source", "target", "mainstat"])'
        )
        made = model.node_graph("Paths", "Nodes are routers (or silent hops); an edge shows how much longer the shortest round trip gets, in seconds.", [query])
    board.add(made, 24, 18)
    board.add(draw.curve(src, SCOPE, "Hops", "How many hops away the target is.", [Ask("traceroute", "hops", how="max", by=EACH, legend=BY_TARGET)]))
    board.add(draw.curve(src, SCOPE, "Changes of paths", "Per hour.", [Ask("traceroute", "path_changes_total", rate=True, how="sum", by=EACH, scale=3600, legend=BY_TARGET)]))
    return board


BOTH = (overview, quality, availability, bandwidth, response, geolocation, node_graph)


# --- Prometheus only ----------------------------------------------------------------------------------------------------


def target_detail(src):
    board = start(src, "target", "netsonde / Target", "Everything about one target.", many=False)
    board.add(draw.stat(src, SCOPE, "State", "As its probes see it.", [UP.but(by=("probe", "instance"), legend="{{probe}} from {{instance}}")], mappings=model.UP_DOWN, thresholds=LOW_IS_BAD["up"], graph=False), 12, 4)
    for window, name in (("24h", "24 hours"), ("30d", "30 days")):
        board.add(draw.stat(src, SCOPE, f"Availability, {name}", "Mean of its probes.", [Ask("availability", "ratio", how="mean", where={"window": window})], "percentunit", thresholds=LOW_IS_BAD["availability"], decimals=3), 4, 4)
    board.add(draw.stat(src, SCOPE, "Voice", "Score for calls, of 100.", [Ask("qos", "score", how="mean", where={"use": "voice"})], thresholds=LOW_IS_BAD["score"]), 4, 4)
    smoke = src.target('sum by (le) (increase(netsonde_ping_rtt_seconds_bucket{instance=~"$agent",target=~"$target",probe=~"$probe"}[$__rate_interval]))', "{{le}}", form="heatmap")
    board.add(model.heatmap("Round trips", "How many packets took how long: the smoke of SmokePing.", [smoke]), 24, 9)
    spread = [
        Ask("ping", "rtt_min_seconds", how="min", by=("instance",), legend="shortest from {{instance}}"),
        Ask("ping", "rtt_avg_seconds", how="mean", by=("instance",), legend="mean from {{instance}}"),
        Ask("ping", "rtt_max_seconds", how="max", by=("instance",), legend="longest from {{instance}}"),
    ]
    board.add(draw.curve(src, SCOPE, "Round trips of each run", "Shortest, mean and longest.", spread, "s"))
    board.add(draw.curve(src, SCOPE, "Loss", "Share of packets lost, by run.", [LOSS], "percentunit", thresholds=HIGH_IS_BAD["loss"]))
    board.add(draw.curve(src, SCOPE, "Jitter", "Interarrival jitter (RFC 3550).", [JITTER], "s"))
    board.add(draw.curve(src, SCOPE, "Scores", "By use, 0 to 100.", [Ask("qos", "score", how="mean", by=("use",), legend="{{use}}")], max=100))
    board.add(draw.states(src, SCOPE, "Runs", "Each probe's runs: did they succeed?", [Ask("probe", "success", how="min", by=("probe", "instance"), legend="{{probe}} from {{instance}}")], kind="status-history"), 24, 6)
    board.add(draw.curve(src, SCOPE, "Failures by reason", "Per second.", [Ask("probe", "failures_total", rate=True, how="sum", by=("reason",), legend="{{reason}}")], stacked=True))
    board.add(draw.curve(src, SCOPE, "How long runs take", "By probe.", [Ask("probe", "duration_seconds", how="mean", by=("probe", "instance"), legend="{{probe}} from {{instance}}")], "s"))
    about = model.table("About it", "What is known about the target.", [src.target('netsonde_target_info{instance=~"$agent",target=~"$target",probe=~"$probe"}', table=True)], [])
    about["transformations"] = src.columns(["Value"], hidden=("Value",))
    board.add(about, 24, 6)
    return board


def path(src):
    board = start(src, "path", "netsonde / Path", "Where on the path to one target time and packets are lost.", many=False)
    hop = ("hop", "hop_address")
    board.add(draw.stat(src, SCOPE, "Hops", "How far away it is.", [Ask("traceroute", "hops", how="max", by=("instance",), legend="{{instance}}")]), 6, 4)
    board.add(draw.stat(src, SCOPE, "Changes in an hour", "How often the path has changed.", [Ask("traceroute", "path_changes_total", rate=True, how="sum", scale=3600)], thresholds=model.steps((1, model.FAIR), (6, model.POOR))), 6, 4)
    board.add(draw.stat(src, SCOPE, "Bottleneck", "The largest step between two hops.", [Ask("traceroute", "bottleneck_step_seconds", how="max")], "s"), 6, 4)
    board.add(draw.stat(src, SCOPE, "First hop that loses", "From here on packets are lost; none is good.", [Ask("traceroute", "first_lossy_hop", how="min")]), 6, 4)
    columns = [
        (Ask("traceroute_hop", "rtt_min_seconds", how="min", by=hop), "Shortest", "s", None, None),
        (Ask("traceroute_hop", "rtt_avg_seconds", how="mean", by=hop), "Mean", "s", None, None),
        (Ask("traceroute_hop", "rtt_max_seconds", how="max", by=hop), "Longest", "s", None, None),
        (Ask("traceroute_hop", "loss_ratio", how="mean", by=hop), "Not answered", "percentunit", None, None),
        (Ask("traceroute_hop", "forward_loss_ratio", how="mean", by=hop), "Lost from here on", "percentunit", HIGH_IS_BAD["loss"], None),
    ]
    board.add(draw.table(src, SCOPE, "Hops", "A hop that does not answer everything limits its answers; what is lost from here on is lost.", columns, sort=("hop", False)), 24, 12)
    board.add(draw.curve(src, SCOPE, "Round trip by hop", "Mean of the last trace.", [Ask("traceroute_hop", "rtt_avg_seconds", how="mean", by=("hop",), legend="hop {{hop}}")], "s"))
    board.add(draw.curve(src, SCOPE, "Loss from a hop on", "The smallest loss of this hop and all behind it.", [Ask("traceroute_hop", "forward_loss_ratio", how="mean", by=("hop",), legend="hop {{hop}}")], "percentunit"))
    board.add(draw.states(src, SCOPE, "Paths", "Another colour is another path.", [Ask("traceroute", "path_hash", how="max", by=EACH, legend=BY_TARGET)], mappings=[]), 24, 6)
    board.add(draw.curve(src, SCOPE, "Way in kilometres", "Along the hops that databases place.", [Ask("traceroute", "path_meters", how="max", by=EACH, legend=BY_TARGET)], "lengthm"))
    board.add(draw.curve(src, SCOPE, "Path MTU", "The largest packet that gets through (option mtu).", [Ask("traceroute", "mtu_bytes", how="min", by=EACH, legend=BY_TARGET)], "bytes"))
    return board


def dns(src):
    board = start(src, "dns", "netsonde / DNS", "Name servers: how fast they answer, and what.", "netsonde_dns_answered")
    board.add(draw.stat(src, SCOPE, "Answered", "Share of queries that were answered.", [Ask("dns", "answered", how="mean")], "percentunit", thresholds=LOW_IS_BAD["availability"]), 6, 4)
    board.add(draw.stat(src, SCOPE, "Time", "Mean time of an answer.", [Ask("dns", "request_seconds", how="mean")], "s"), 6, 4)
    board.add(draw.stat(src, SCOPE, "Rules broken", "Servers whose records break a rule.", [Ask("dns", "rule_failed", how="sum")], thresholds=HIGH_IS_BAD["count"]), 6, 4)
    board.add(draw.stat(src, SCOPE, "Forged", "Answers that did not fit their query.", [Ask("dns", "spoofed_total", how="sum")], thresholds=HIGH_IS_BAD["count"]), 6, 4)
    board.add(draw.curve(src, SCOPE, "Time of answers", "Connecting included.", [Ask("dns", "request_seconds", how="mean", by=EACH, legend=BY_TARGET)], "s"))
    board.add(draw.curve(src, SCOPE, "Response codes", "0 is NOERROR, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED.", [Ask("dns", "rcode", how="max", by=EACH, legend=BY_TARGET)]))
    board.add(draw.curve(src, SCOPE, "Records in answers", "A change is worth a look.", [Ask("dns", "answer_rrs", how="max", by=EACH, legend=BY_TARGET)]))
    board.add(draw.curve(src, SCOPE, "Shortest TTL", "Of the records in the answer.", [Ask("dns", "min_ttl_seconds", how="min", by=EACH, legend=BY_TARGET)], "s"))
    board.add(draw.states(src, SCOPE, "Addresses in answers", "Which there were, and when (option answer_addresses).", [Ask("dns", "answer_info", how="max", by=("target", "probe", "address"), legend="{{target}} {{address}}")], mappings=[]), 24, 6)
    board.add(draw.curve(src, SCOPE, "Serial of zones", "Of queries for SOA: servers of one zone should agree.", [Ask("dns", "serial", how="max", by=EACH, legend=BY_TARGET)], "none"))
    board.add(draw.states(src, SCOPE, "Signed and checked", "Whether the resolver says that it has verified the answer (AD).", [Ask("dns", "authentic_data", how="max", by=EACH, legend=BY_TARGET)], mappings=model.YES_NO))
    return board


def http(src):
    board = start(src, "http", "netsonde / HTTP and TLS", "Web servers: phases, states, certificates.", "netsonde_http_status_code")
    board.add(draw.stat(src, SCOPE, "Succeed", "Share of probes that succeed.", [Ask("probe", "success", how="mean")], "percentunit", thresholds=LOW_IS_BAD["availability"]), 6, 4)
    soon = src.target('min(netsonde_tls_earliest_expiry_timestamp_seconds{instance=~"$agent",target=~"$target",probe=~"$probe"}) - time()', "soonest", instant=True)
    board.add(model.stat("Next to expire", "How long the first certificate to expire has got.", [soon], "s", thresholds=LOW_IS_BAD["days"], graph=False), 6, 4)
    board.add(draw.stat(src, SCOPE, "Not verified", "Targets whose certificate was not accepted.", [Ask("tls", "is_verified", how="min")], mappings=model.YES_NO), 6, 4)
    board.add(draw.stat(src, SCOPE, "Time to first byte", "Mean.", [Ask("http", "processing_seconds", how="mean")], "s"), 6, 4)
    phases = [Ask("http", f"{phase}_seconds", how="mean", legend=name) for phase, name in PHASES]
    board.add(draw.curve(src, SCOPE, "Phases", "Mean of the chosen targets.", phases, "s", stacked=True))
    board.add(draw.curve(src, SCOPE, "Status codes", "Of the last answer.", [Ask("http", "status_code", how="max", by=EACH, legend=BY_TARGET)]))
    expiry = src.target('sort(min by (target, probe) (netsonde_tls_earliest_expiry_timestamp_seconds{instance=~"$agent",target=~"$target",probe=~"$probe"}) - time())', table=True)
    made = model.table("Certificates", "How long each target's first certificate to expire has got.", [expiry], [("Expires in", "s", LOW_IS_BAD["days"], None)], links=detail(src), sort=("Expires in", False))
    made["transformations"] = src.columns(["Expires in"])
    board.add(made, 12, 10)
    made = model.table("Versions and ciphers", "Of the last connections.", [src.target('count by (version, cipher) (netsonde_tls_connection_info{instance=~"$agent",target=~"$target",probe=~"$probe"})', table=True)], [("Targets", "short", None, None)])
    made["transformations"] = src.columns(["Targets"])
    board.add(made, 12, 10)
    board.add(draw.curve(src, SCOPE, "Redirects", "Followed in the last run.", [Ask("http", "redirects", how="max", by=EACH, legend=BY_TARGET)]))
    board.add(draw.states(src, SCOPE, "Rules", "1: the answer breaks a rule (fail_if_...).", [Ask("http", "rule_failed", how="max", by=EACH, legend=BY_TARGET)], mappings=model.YES_NO))
    return board


def slo(src):
    board = start(src, "slo", "netsonde / SLO and error budget", "Objectives, what is left of a month's error budget, and how fast it burns. It needs the recording rules.")
    labels = 'instance=~"$agent",target=~"$target",probe=~"$probe"'
    each = "instance, target, probe"
    left = (
        f'1 - (1 - avg by ({each}) (netsonde_availability_ratio{{{labels},window="30d"}}))'
        f" / on ({each}) (1 - max by ({each}) (probe:netsonde_slo:objective{{{labels}}}))"
    )
    budget = model.steps((0, model.POOR), (0.5, model.GOOD), base=model.BAD)
    board.add(model.stat("Least budget left", "Of the chosen probes, over 30 days; below 0 the objective is missed.", [src.target(f"min({left})", "left", instant=True)], "percentunit", thresholds=budget, graph=False), 6, 4)
    board.add(model.stat("Objectives missed", "Probes whose budget is gone.", [src.target(f"count(({left}) < 0) or vector(0)", "missed", instant=True)], thresholds=HIGH_IS_BAD["count"], graph=False), 6, 4)
    for window in ("1h", "1d"):
        board.add(model.stat(f"Burn rate, {window}", "1 uses up the budget exactly within the month: the worst of the chosen probes.", [src.target(f"max(probe:netsonde_probe_errors:ratio{window}{{{labels}}} / on (job, {each}) group_left () (1 - probe:netsonde_slo:objective{{{labels}}}))", window, instant=True)], thresholds=model.steps((1, model.POOR), (6, model.BAD))), 6, 4)
    made = model.table("Budgets", "What is left over 30 days, and the errors of shorter windows. The hundred worst.", [src.target(f"bottomk(100, {left})", table=True)] + [src.target(f"topk(100, max by ({each}) (probe:netsonde_probe_errors:ratio{window}{{{labels}}}))", table=True) for window in ("5m", "1h", "6h", "1d", "3d")], [("Left", "percentunit", budget, None)] + [(f"Errors {window}", "percentunit", HIGH_IS_BAD["loss"], None) for window in ("5m", "1h", "6h", "1d", "3d")], links=detail(src), sort=("Left", False))
    made["transformations"] = src.columns(["Left"] + [f"Errors {window}" for window in ("5m", "1h", "6h", "1d", "3d")])
    board.add(made, 24, 12)
    board.add(model.curve("Errors", "Share of runs that failed, by window, mean of the chosen probes.", [src.target(f"avg(probe:netsonde_probe_errors:ratio{window}{{{labels}}})", window) for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d")], "percentunit"))
    board.add(model.curve("Burn rate", "Errors of an hour by what the objective allows: above 14.4 a month's budget is gone in two days.", [src.target(f"topk(10, probe:netsonde_probe_errors:ratio1h{{{labels}}} / on (job, {each}) group_left () (1 - probe:netsonde_slo:objective{{{labels}}}))", BY_TARGET)], thresholds=model.steps((1, model.POOR), (14.4, model.BAD))))
    return board


PROMETHEUS = (target_detail, path, dns, http, slo)


def boards(src):
    for make in BOTH:
        yield make(src)
    if isinstance(src, Prometheus):
        for make in PROMETHEUS:
            yield make(src)
