"""The boards about targets: seven for either source, and those that only Prometheus has."""

import draw
import maps
import model
import notes
from model import HIGH_IS_BAD, LOW_IS_BAD, Board
from query import BUCKET, Ask, Prometheus, Scope

EACH = ("instance", "target", "probe")
BY_TARGET = "{{target}} {{probe}} from {{instance}}"
SCOPE = Scope((("instance", "agent"), ("target", "target"), ("probe", "probe")))
ONE = Scope(SCOPE.names, is_one=True)
FEW = Scope((("instance", "agent"), ("target", "worst"), ("probe", "probe")), is_one=True)
WINDOWS = (("1h", "1 hour"), ("24h", "24 hours"), ("7d", "7 days"), ("30d", "30 days"))


def choices(src, measurement="netsonde_availability_up", many=True):
    measurement = measurement if src.name == "prometheus" else measurement.removeprefix("netsonde_").rsplit("_up", 1)[0]
    return [
        src.choice("agent", "Agent", measurement, "instance"),
        src.choice("probe", "Probe", measurement, "probe", within=(("instance", "agent"),)),
        src.choice("target", "Target", measurement, "target", many, within=(("instance", "agent"), ("probe", "probe"))),
    ]


def start(src, name, title, description, measurement="netsonde_availability_up", many=True, empty="no data"):
    home = None if name == "overview" else f"netsonde-{src.name}-overview"
    return Board(src, f"netsonde-{src.name}-{name}", title, description, choices(src, measurement, many), annotations=notes.of(src), home=home, empty=empty)


def detail(src):
    """A click on a target leads to its page, or to its quality where there is no such page."""
    return {"target": draw.link_of(src, [UP], "${__value.raw}")[0]}


# --- asks that several boards have -------------------------------------------------------------------------------------

UP = Ask("availability", "up", how="min", by=EACH, legend=BY_TARGET)
DOWN = Ask("availability", "up", how="sum", holds="== 0")
LOSS = Ask("ping", "loss_ratio", how="mean", by=EACH, legend=BY_TARGET)
RTT = Ask("ping", "rtt_avg_seconds", how="mean", by=EACH, legend=BY_TARGET)
JITTER = Ask("qos", "jitter_seconds", how="mean", by=EACH, legend=BY_TARGET)


def down_now(src):
    """Which probes are down, from where, since when: an empty table is good news."""
    if src.name == "prometheus":
        each, chosen = ", ".join(EACH), maps.CHOSEN
        text = f"topk(200, max by ({each}) (netsonde_availability_streak_seconds{{{chosen}}}) and on ({each}) netsonde_availability_up{{{chosen}}} == 0)"
        target = src.target(text, table=True)
    else:
        target = src.target(
            maps.latest("states", "availability", ("up", "streak_seconds"))
            + "states\n"
            "  |> filter(fn: (r) => r.up == 0.0)\n"
            '  |> top(n: 200, columns: ["streak_seconds"])\n'
            '  |> drop(columns: ["up"])\n'
            '  |> rename(columns: {streak_seconds: "Down for"})'
        )
    columns = [("Down for", "s", model.steps((300, model.POOR), (3600, model.BAD), base=model.FAIR), None)]
    made = model.table("Down now", "Probes that are down, the latest last: from which agent, since when. Nothing here is good news. A click on a target shows it alone.", [target], columns, links=detail(src), sort=("Down for", False))
    made["transformations"] = src.columns(["Down for"])
    return made


def firing_now(src):
    labels = "alertname, severity, target, probe, instance"
    text = f'max by ({labels}) (time() - ALERTS_FOR_STATE{{severity=~"critical|warning",target=~"$target"}} and ignoring (alertstate) ALERTS{{alertstate="firing"}})'
    columns = [("For", "s", None, None)]
    made = model.table("Alerts that fire", "Critical ones and warnings about the chosen targets, and how long ago they were first seen. docs/runbooks has a page for each.", [src.target(text, table=True)], columns, links=detail(src), sort=("For", False))
    made["transformations"] = src.columns(["For"])
    return made


def overview(src):
    board = start(src, "overview", "netsonde / Network overview", "Is anything wrong, where, and since when? Which targets do worst?")
    figures = [
        draw.stat(src, SCOPE, "Down", "Probes that are down now. The table below says which, and since when.", [DOWN], thresholds=HIGH_IS_BAD["count"]),
        draw.stat(src, SCOPE, "Up", "Share of probes that are up.", [UP.but(how="mean", by=())], "percentunit", thresholds=LOW_IS_BAD["availability"], decimals=2),
        draw.stat(src, SCOPE, "Losing", "Pings that lose more than two packets in a hundred.", [LOSS.but(how="sum", by=(), holds="> 0.02")], thresholds=HIGH_IS_BAD["count"]),
        draw.stat(src, SCOPE, "Loss", "Mean loss of pings.", [LOSS.but(by=())], "percentunit", thresholds=HIGH_IS_BAD["loss"], decimals=2),
        draw.stat(src, SCOPE, "Round trip", "Mean round-trip time of pings.", [RTT.but(by=())], "s"),
        draw.stat(src, SCOPE, "Voice", "Mean score for calls, of 100.", [Ask("qos", "score", how="mean", where={"use": "voice"})], thresholds=LOW_IS_BAD["score"], max=100, decimals=0),
        draw.stat(src, SCOPE, "Probes", "Probes whose state is known.", [UP.but(how="count", by=())]),
    ]
    if src.name == "prometheus":
        firing = src.target('count(ALERTS{alertstate="firing",severity=~"critical|warning",target=~"$target"}) or vector(0)', "firing", instant=True)
        silent = src.target('count(up{job="netsonde",instance=~"$agent"} == 0) or vector(0)', "silent")
        figures[-1] = model.stat("Agents down", "Agents that Prometheus cannot scrape: nothing is known of what they measure.", [silent], thresholds=HIGH_IS_BAD["count"])
        figures.insert(0, model.stat("Alerts", "Alerts that fire now, critical or warning, about the chosen targets.", [firing], thresholds=HIGH_IS_BAD["count"], graph=False))
    board.first_row(figures)
    if src.name == "prometheus":
        board.add(firing_now(src), 12, 8)
    board.add(down_now(src), 12 if src.name == "prometheus" else 24, 8)
    board.add(draw.curve(src, SCOPE, "Up, by agent", "Share of probes that are up, as each agent sees it.", [UP.but(how="mean", by=("instance",), legend="{{instance}}", recorded=True)], "percentunit", max=1), 12)
    board.add(draw.curve(src, SCOPE, "Loss, by agent", "Mean loss of pings, as each agent sees it.", [LOSS.but(by=("instance",), legend="{{instance}}", recorded=True)], "percentunit", thresholds=HIGH_IS_BAD["loss"]), 12)
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
    board = start(src, "quality", "netsonde / Quality of service", "How good the paths are for calls, video, films, games and pages, and why. Curves by target are of the twenty with the lowest scores for calls.", "netsonde_availability_up")
    voice = Ask("qos", "score", where={"use": "voice"}, smallest=draw.LINES)
    board.variables.append(src.few("worst", "Worst for calls", voice, SCOPE))
    figures = [
        draw.stat(src, SCOPE, title, f"Mean score of the use {use}, 0 to 100 (docs/quality.md).", [Ask("qos", "score", how="mean", where={"use": use})], thresholds=LOW_IS_BAD["score"], max=100, decimals=0)
        for use, title in (("voice", "Calls"), ("video", "Video meetings"), ("streaming", "Films"), ("gaming", "Games"), ("web", "Pages"))
    ]
    figures.append(draw.stat(src, SCOPE, "Late packets", "Share of packets that come too late for a call's buffer.", [Ask("qos", "late_ratio", how="mean")], "percentunit", thresholds=HIGH_IS_BAD["loss"], decimals=2))
    board.first_row(figures)
    board.add(draw.bars(src, SCOPE, "Worst targets by use", "The twenty lowest scores.", [Ask("qos", "score", how="mean", by=("target", "use"), smallest=20, legend="{{target}} {{use}}")], thresholds=LOW_IS_BAD["score"], max=100), 12, 8)
    board.add(draw.curve(src, SCOPE, "Score by use", "Mean of the chosen targets.", [Ask("qos", "score", how="mean", by=("use",), legend="{{use}}", recorded=True)], max=100, thresholds=LOW_IS_BAD["score"]))
    board.add(draw.curve(src, SCOPE, "MOS by codec", "Mean opinion score of calls (ITU-T G.107), mean of the chosen targets.", [Ask("qos", "mos", how="mean", by=("codec",), legend="{{codec}}", recorded=True)], max=5))
    board.add(draw.curve(src, FEW, "R factor", "Transmission rating of calls, by target and codec.", [Ask("qos", "r_factor", how="mean", by=("target", "codec"), legend="{{target}} {{codec}}")], max=100))
    board.add(draw.curve(src, FEW, "Jitter", "Interarrival jitter (RFC 3550) of round-trip times.", [JITTER], "s"))
    board.add(draw.curve(src, FEW, "Loss", "Over the sliding window of each probe.", [Ask("qos", "loss_ratio", how="mean", by=EACH, legend=BY_TARGET)], "percentunit", thresholds=HIGH_IS_BAD["loss"]))
    board.add(draw.curve(src, FEW, "Bursts of loss", "BurstR: 1 is loss at random, more is loss in bursts.", [Ask("qos", "burst_ratio", how="mean", by=EACH, legend=BY_TARGET)]))
    quantiles = [Ask("qos", f"pdv_p{q}_seconds", how="mean", by=("target",), legend="{{target}} " + f"p{q}") for q in (50, 95, 99)]
    board.add(draw.curve(src, FEW, "Variation of delay", "Packet delay variation (RFC 5481) by quantile.", quantiles, "s"))
    round_trips = [Ask("qos", f"rtt_p{q}_seconds", how="mean", by=("target",), legend="{{target}} " + f"p{q}") for q in (50, 95, 99)]
    board.add(draw.curve(src, FEW, "Round trips", "Round-trip time by quantile.", round_trips, "s"))
    board.add(draw.curve(src, FEW, "Buffer of calls", "What a de-jitter buffer must hold.", [Ask("qos", "buffer_seconds", how="mean", by=EACH, legend=BY_TARGET)], "s"))
    board.add(draw.curve(src, FEW, "Objectives missed", "How often an objective began to be missed, per second.", [Ask("qos", "violations_total", rate=True, how="sum", by=("target", "objective"), legend="{{target}} {{objective}}")]))
    board.add(draw.curve(src, FEW, "What TCP could reach", "The ceiling that loss and delay set for one connection (estimated).", [Ask("qos", "tcp_rate_bytes_per_second", how="mean", by=EACH, scale=8, legend=BY_TARGET)], "bps"))
    board.add(draw.curve(src, FEW, "Pages and queries", "Median time of the pages and DNS queries of the window.", [Ask("qos", "page_seconds", how="mean", by=EACH, legend=BY_TARGET)], "s"))
    board.add(draw.curve(src, FEW, "Apdex", "How content people would be with these times: 1 is good (docs/quality.md).", [Ask("qos", "apdex_ratio", how="mean", by=EACH, legend=BY_TARGET)], max=1))
    return board


def availability(src):
    board = start(src, "availability", "netsonde / Availability and reliability", "How much of the time targets were there, how often they failed, and for how long.")
    figures = [draw.stat(src, SCOPE, "Down", "Probes that are down now.", [DOWN], thresholds=HIGH_IS_BAD["count"])]
    figures += [
        draw.stat(src, SCOPE, name, f"Mean availability over the last {name}; unknown time is in no ratio.", [Ask("availability", "ratio", how="mean", where={"window": window})], "percentunit", thresholds=LOW_IS_BAD["availability"], decimals=3)
        for window, name in WINDOWS
    ]
    figures.append(draw.stat(src, SCOPE, "Outages", "Outages of the chosen targets within 30 days.", [Ask("availability", "outages", how="sum", where={"window": "30d"})]))
    figures.append(draw.stat(src, SCOPE, "Known", "How much of the last 30 days is known, as a mean: a ratio over little is a weak promise.", [Ask("availability", "coverage_ratio", how="mean", where={"window": "30d"})], "percentunit"))
    board.first_row(figures)
    board.add(down_now(src), 24, 8)
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


def against_week(record, worst):
    """Ten minutes by the median of a week, the worst of all: both are recorded, the latter every quarter of an hour."""
    return f"{worst}(probe:{record}:avg10m{{{maps.CHOSEN}}} / (last_over_time(probe:{record}:median7d{{{maps.CHOSEN}}}[30m]) > 0))"


def bandwidth(src):
    board = start(src, "bandwidth", "netsonde / Throughput and bandwidth", "What transfers reach, and what the path would allow.")
    rate = Ask("http", "throughput_bytes_per_second", how="mean", by=EACH, scale=8, legend=BY_TARGET)
    figures = [
        draw.stat(src, SCOPE, "Slowest transfer", "The lowest rate of the chosen HTTP probes.", [rate.but(how="min", by=())], "bps"),
        draw.stat(src, SCOPE, "Transfers", "Mean rate of HTTP transfers.", [rate.but(by=())], "bps"),
        draw.stat(src, SCOPE, "Delivered by TCP", "Mean delivery rate, as the kernel measures it.", [Ask("http", "tcp_delivery_rate_bytes_per_second", how="mean", scale=8)], "bps"),
        draw.stat(src, SCOPE, "Ceiling", "Mean of what loss and delay allow one TCP connection (estimated).", [Ask("qos", "tcp_rate_bytes_per_second", how="mean", scale=8)], "bps"),
        draw.stat(src, SCOPE, "Retransmitting", "HTTP probes that sent segments again in the last run.", [Ask("http", "tcp_retransmits", how="sum", holds="> 0")], thresholds=HIGH_IS_BAD["count"]),
    ]
    if src.name == "prometheus":
        text = against_week("netsonde_http_throughput_bytes_per_second", "min")
        figures.insert(0, model.stat("Against the week", "The worst rate of ten minutes by its own median of a week: 1 is as always. It needs the recording rules.", [src.target(text, "worst", instant=True)], "percentunit", thresholds=model.steps((0.5, model.POOR), (0.8, model.GOOD), base=model.BAD), graph=False, max=None))
    board.first_row(figures)
    board.add(draw.curve(src, SCOPE, "HTTP transfers", "Bytes of the answer by the time from its first byte to its last.", [rate.but(smallest=draw.LINES)], "bps"))
    board.add(draw.curve(src, SCOPE, "Delivery rate", "As the kernel measures it while it sends and receives.", [Ask("http", "tcp_delivery_rate_bytes_per_second", how="mean", by=EACH, scale=8, legend=BY_TARGET, smallest=draw.LINES)], "bps"))
    board.add(draw.curve(src, SCOPE, "What the path would allow", "The ceiling of one TCP connection by loss and round-trip time (estimated).", [Ask("qos", "tcp_rate_bytes_per_second", how="mean", by=EACH, scale=8, legend=BY_TARGET, smallest=draw.LINES)], "bps"))
    board.add(draw.curve(src, SCOPE, "Bytes received", "Size of the answers.", [Ask("http", "received_bytes", how="mean", by=EACH, legend=BY_TARGET)], "bytes"))
    board.add(draw.bars(src, SCOPE, "Slowest transfers", "The fifteen lowest rates.", [rate.but(smallest=15)], "bps"), 12, 10)
    board.add(draw.bars(src, SCOPE, "Most retransmissions", "Segments sent again in the last run.", [Ask("http", "tcp_retransmits", how="mean", by=EACH, largest=15, legend=BY_TARGET)]), 12, 10)
    return board


PHASES = (("connect", "connect"), ("tls", "TLS"), ("processing", "processing"), ("transfer", "transfer"))


def response(src):
    board = start(src, "response", "netsonde / Response-time breakdown", "Where the time goes: the phases of HTTP requests, DNS queries, TCP connections.")
    phases = [Ask("http", f"{phase}_seconds", how="mean", legend=name) for phase, name in PHASES]
    figures = [
        draw.stat(src, SCOPE, "First byte", "Mean wait for the first byte of an HTTP answer.", [Ask("http", "processing_seconds", how="mean")], "s"),
        draw.stat(src, SCOPE, "Slowest first byte", "The longest wait of the chosen probes.", [Ask("http", "processing_seconds", how="max")], "s", thresholds=model.steps((0.5, model.FAIR), (1, model.POOR), (3, model.BAD))),
        draw.stat(src, SCOPE, "DNS", "Mean time of a query.", [Ask("dns", "request_seconds", how="mean")], "s"),
        draw.stat(src, SCOPE, "Slowest DNS", "The longest of the chosen probes.", [Ask("dns", "request_seconds", how="max")], "s", thresholds=model.steps((0.1, model.FAIR), (0.5, model.POOR), (2, model.BAD))),
        draw.stat(src, SCOPE, "TCP", "Mean time until a connection is there.", [Ask("tcp", "connect_seconds", how="mean")], "s"),
    ]
    if src.name == "prometheus":
        text = against_week("netsonde_http_phase_seconds", "max")
        figures.insert(0, model.stat("Against the week", "The worst phase of ten minutes by its own median of a week: 1 is as always, 2 takes twice as long. It needs the recording rules.", [src.target(text, "worst", instant=True)], "short", thresholds=model.steps((1.5, model.FAIR), (2, model.POOR), (4, model.BAD)), graph=False, decimals=1))
    board.first_row(figures)
    board.add(draw.curve(src, SCOPE, "Phases of HTTP requests", "Mean of the chosen targets: connecting, TLS, waiting for the first byte, the transfer.", phases, "s", stacked=True), 24, 9)
    for phase, name in PHASES:
        board.add(draw.curve(src, SCOPE, f"HTTP: {name}", "By target.", [Ask("http", f"{phase}_seconds", how="mean", by=EACH, legend=BY_TARGET)], "s"))
    board.add(draw.curve(src, SCOPE, "DNS queries", "From the query to its answer, connecting included.", [Ask("dns", "request_seconds", how="mean", by=EACH, legend=BY_TARGET)], "s"))
    board.add(draw.curve(src, SCOPE, "TCP: connecting", "Until the connection was there.", [Ask("tcp", "connect_seconds", how="mean", by=EACH, legend=BY_TARGET)], "s"))
    board.add(draw.curve(src, SCOPE, "UDP: answers", "From the datagram to its answer.", [Ask("udp", "request_seconds", how="mean", by=EACH, legend=BY_TARGET)], "s"))
    round_trips = [Ask(of, f"{name}rtt_seconds", how="mean", by=EACH, legend=f"{of.upper()} " + BY_TARGET) for of, name in (("http", "tcp_"), ("tcp", ""))]
    board.add(draw.curve(src, SCOPE, "Round trips inside connections", "As the kernel measures them: what the network takes, without the server.", round_trips, "s"))
    columns = [(Ask("http", f"{phase}_seconds", how="mean", by=EACH, largest=100), name, "s", None, None) for phase, name in PHASES]
    columns.append((Ask("http", "status_code", how="max", by=EACH, largest=100), "Status", "short", None, None))
    board.add(draw.table(src, SCOPE, "HTTP by target", "The hundred slowest by each phase.", columns, links=detail(src), sort=("processing", True)), 24, 10)
    return board


def geolocation(src):
    board = start(src, "geo", "netsonde / Geolocation", "Where targets are, and how far they are from what light would need. It needs section geo.", empty="no data: is there a section geo?")
    board.first_row(
        [
            draw.stat(src, SCOPE, "Down", "Probes that are down now, on the map or not.", [DOWN], thresholds=HIGH_IS_BAD["count"]),
            draw.stat(src, SCOPE, "Placed", "Probes whose target the databases place.", [Ask("geo", "latitude", how="count")]),
            draw.stat(src, SCOPE, "Longest detour", "Shortest round trip by what light would need in a fibre: 2 is usual, 10 is a detour.", [Ask("geo", "inflation_ratio", how="max")], thresholds=model.steps((3, model.FAIR), (6, model.POOR), (10, model.BAD)), decimals=1),
            draw.stat(src, SCOPE, "Cannot be there", "Probes whose answer came sooner than light could: wrong database, or an address at many places.", [Ask("geo", "implausible", how="sum")], thresholds=model.steps((1, model.FAIR))),
        ]
    )
    targets, transformations = maps.world(src)
    layers = [
        model.lines("From agents to targets", "Up"),
        model.markers("Targets", "targets", "Round trip", legend=True),
        model.markers("Agents", "agents", model.CALM, 9, "triangle"),
        model.markers("Down", "down", model.BAD, 9, "x-mark"),
    ]
    made = model.geomap("Targets", "Circles are pinged targets where the database places them, by their round-trip time; crosses are targets that are down; triangles are agents. A line from agent to target is red where all is down, orange or light blue where some is; of many, the three hundred worst.", targets, layers, "s", thresholds=model.steps((0.05, model.FAIR), (0.15, model.POOR), (0.3, model.BAD)))
    made["transformations"] = transformations
    model.override(made, "Up", unit="percentunit", thresholds=model.steps((0.001, model.POOR), (1, model.FAIR), base=model.BAD))
    model.override(made, "target", links=[detail(src)["target"]])
    board.add(made, 24, 14)
    if src.name == "prometheus":
        labels = 'instance=~"$agent",target=~"$target",probe=~"$probe",latitude!=""'
        value = 'avg by (instance, target, probe) (netsonde_ping_rtt_avg_seconds{instance=~"$agent",target=~"$target",probe=~"$probe"})'
        where = f"max by (instance, target, probe, country) (netsonde_target_info{{{labels}}})"
        expression = f"{where} * on (instance, target, probe) group_left () {value}"
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
        for tag, title in (("country", "By country"), ("asn", "By network")):
            made = model.table(
                title,
                "Mean round trip of pings.",
                [
                    src.target(
                        f"{BUCKET}\n\nfrom(bucket: bucket)\n"
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
    board = start(src, "nodes", "netsonde / Node graph", "Paths as nodes and edges, from the last trace of each target. Prometheus needs the option hop_address of traceroutes.", empty="no data: are there traceroutes?")
    board.first_row(
        [
            draw.stat(src, SCOPE, "Not reached", "Traces that did not get to their target.", [Ask("traceroute", "reached", how="sum", holds="== 0")], thresholds=HIGH_IS_BAD["count"]),
            draw.stat(src, SCOPE, "Losing", "Traces that lost more than two packets in a hundred on the way to their target.", [Ask("traceroute", "loss_ratio", how="sum", holds="> 0.02")], thresholds=HIGH_IS_BAD["count"]),
            draw.stat(src, SCOPE, "Changes in an hour", "How often paths have changed, all together.", [Ask("traceroute", "path_changes_total", rate=True, how="sum", scale=3600)], thresholds=model.steps((1, model.FAIR), (6, model.POOR)), decimals=0),
            draw.stat(src, SCOPE, "Bottleneck", "The largest step between two hops.", [Ask("traceroute", "bottleneck_step_seconds", how="max")], "s", thresholds=model.steps((0.05, model.FAIR), (0.15, model.POOR), (0.3, model.BAD))),
        ]
    )
    targets, transformations = maps.paths(src)
    made = model.node_graph("Paths", "Nodes are routers (or silent hops) with the shortest round trip to them; the red part of a ring is what is lost from there on. An edge shows how much longer the shortest round trip gets; it is orange or red where packets are lost from its end on. The 1,500 largest steps.", targets)
    made["transformations"] = transformations
    board.add(made, 24, 18)
    board.add(draw.curve(src, SCOPE, "Hops", "How many hops away the target is.", [Ask("traceroute", "hops", how="max", by=EACH, legend=BY_TARGET)]))
    board.add(draw.curve(src, SCOPE, "Changes of paths", "Per hour.", [Ask("traceroute", "path_changes_total", rate=True, how="sum", by=EACH, scale=3600, legend=BY_TARGET)]))
    return board


BOTH = (overview, quality, availability, bandwidth, response, geolocation, node_graph)


# --- Prometheus only ----------------------------------------------------------------------------------------------------


def target_detail(src):
    board = start(src, "target", "netsonde / Target", "Everything about one target: does it answer, how well, since when?", many=False)
    board.add(draw.stat(src, ONE, "State", "As its probes see it.", [UP.but(by=("probe", "instance"), legend="{{probe}} from {{instance}}")], mappings=model.UP_DOWN, thresholds=LOW_IS_BAD["up"], graph=False), 8, 4)
    board.add(draw.stat(src, ONE, "For", "How long its probes have been as they are: the shortest time.", [Ask("availability", "streak_seconds", how="min")], "s", graph=False), 4, 4)
    for window, name in (("24h", "24 hours"), ("30d", "30 days")):
        board.add(draw.stat(src, ONE, f"Availability, {name}", "Mean of its probes.", [Ask("availability", "ratio", how="mean", where={"window": window})], "percentunit", thresholds=LOW_IS_BAD["availability"], decimals=3), 4, 4)
    board.add(draw.stat(src, ONE, "Voice", "Score for calls, of 100.", [Ask("qos", "score", how="mean", where={"use": "voice"})], thresholds=LOW_IS_BAD["score"]), 4, 4)
    smoke = src.target('sum by (le) (increase(netsonde_ping_rtt_seconds_bucket{instance=~"$agent",target=~"$target",probe=~"$probe"}[$__rate_interval]))', "{{le}}", form="heatmap")
    board.add(model.heatmap("Round trips", "How many packets took how long: the smoke of SmokePing.", [smoke]), 24, 9)
    spread = [
        Ask("ping", "rtt_min_seconds", how="min", by=("instance",), legend="shortest from {{instance}}"),
        Ask("ping", "rtt_avg_seconds", how="mean", by=("instance",), legend="mean from {{instance}}"),
        Ask("ping", "rtt_max_seconds", how="max", by=("instance",), legend="longest from {{instance}}"),
    ]
    board.add(draw.curve(src, ONE, "Round trips of each run", "Shortest, mean and longest.", spread, "s"))
    board.add(draw.curve(src, ONE, "Loss", "Share of packets lost, by run.", [LOSS], "percentunit", thresholds=HIGH_IS_BAD["loss"]))
    board.add(draw.curve(src, ONE, "Jitter", "Interarrival jitter (RFC 3550).", [JITTER], "s"))
    board.add(draw.curve(src, ONE, "Scores", "By use, 0 to 100.", [Ask("qos", "score", how="mean", by=("use",), legend="{{use}}")], max=100))
    board.add(draw.states(src, ONE, "Runs", "Each probe's runs: did they succeed?", [Ask("probe", "success", how="min", by=("probe", "instance"), legend="{{probe}} from {{instance}}")], kind="status-history"), 24, 6)
    board.add(draw.curve(src, ONE, "Failures by reason", "Per second.", [Ask("probe", "failures_total", rate=True, how="sum", by=("reason",), legend="{{reason}}")], stacked=True))
    board.add(draw.curve(src, ONE, "How long runs take", "By probe.", [Ask("probe", "duration_seconds", how="mean", by=("probe", "instance"), legend="{{probe}} from {{instance}}")], "s"))
    odd = [Ask("ping", f"{name}_total", rate=True, how="sum", by=("instance",), legend=f"{words} from {{{{instance}}}}") for name, words in (("duplicates", "twice"), ("late", "late"), ("reordered", "out of order"), ("lost_locally", "lost by this machine"))]
    board.add(draw.curve(src, ONE, "Odd replies", "Pings that were answered twice, too late or out of order, and those that never left; per second.", odd))
    board.add(draw.curve(src, ONE, "Hop limit of replies", "Another value is another way back.", [Ask("ping", "reply_hop_limit", how="min", by=("probe", "instance"), legend="{{probe}} from {{instance}}")]))
    about = model.table("About it", "What is known about the target.", [src.target('netsonde_target_info{instance=~"$agent",target=~"$target",probe=~"$probe"}', table=True)], [])
    about["transformations"] = src.columns(["Value"], hidden=("Value",))
    board.add(about, 24, 6)
    return board


def path(src):
    board = start(src, "path", "netsonde / Path", "Where on the path to one target time and packets are lost.", "netsonde_traceroute_reached", many=False, empty="no data: is there a traceroute?")
    hop = ("hop", "hop_address")
    board.add(draw.stat(src, ONE, "Hops", "How far away it is.", [Ask("traceroute", "hops", how="max", by=("instance",), legend="{{instance}}")]), 6, 4)
    board.add(draw.stat(src, ONE, "Changes in an hour", "How often the path has changed.", [Ask("traceroute", "path_changes_total", rate=True, how="sum", scale=3600)], thresholds=model.steps((1, model.FAIR), (6, model.POOR))), 6, 4)
    board.add(draw.stat(src, ONE, "Bottleneck", "The largest step between two hops.", [Ask("traceroute", "bottleneck_step_seconds", how="max")], "s"), 6, 4)
    board.add(draw.stat(src, ONE, "First hop that loses", "From here on packets are lost; none is good.", [Ask("traceroute", "first_lossy_hop", how="min")]), 6, 4)
    columns = [
        (Ask("traceroute_hop", "rtt_min_seconds", how="min", by=hop), "Shortest", "s", None, None),
        (Ask("traceroute_hop", "rtt_avg_seconds", how="mean", by=hop), "Mean", "s", None, None),
        (Ask("traceroute_hop", "rtt_max_seconds", how="max", by=hop), "Longest", "s", None, None),
        (Ask("traceroute_hop", "loss_ratio", how="mean", by=hop), "Not answered", "percentunit", None, None),
        (Ask("traceroute_hop", "forward_loss_ratio", how="mean", by=hop), "Lost from here on", "percentunit", HIGH_IS_BAD["loss"], None),
    ]
    board.add(draw.table(src, ONE, "Hops", "A hop that does not answer everything limits its answers; what is lost from here on is lost.", columns, sort=("hop", False)), 24, 12)
    board.add(draw.curve(src, ONE, "Round trip by hop", "Mean of the last trace.", [Ask("traceroute_hop", "rtt_avg_seconds", how="mean", by=("hop",), legend="hop {{hop}}")], "s"))
    board.add(draw.curve(src, ONE, "Loss from a hop on", "The smallest loss of this hop and all behind it.", [Ask("traceroute_hop", "forward_loss_ratio", how="mean", by=("hop",), legend="hop {{hop}}")], "percentunit"))
    board.add(draw.states(src, ONE, "Paths", "Another colour is another path.", [Ask("traceroute", "path_hash", how="max", by=EACH, legend=BY_TARGET)], mappings=[], scheme="continuous-BlYlRd"), 24, 6)
    board.add(draw.curve(src, ONE, "Changes of the path", "Per hour.", [Ask("traceroute", "path_changes_total", rate=True, how="sum", by=EACH, scale=3600, legend=BY_TARGET)]), 24, 6)
    board.add(draw.curve(src, ONE, "Way in kilometres", "Along the hops that databases place.", [Ask("traceroute", "path_meters", how="max", by=EACH, legend=BY_TARGET)], "lengthm"))
    board.add(draw.curve(src, ONE, "Path MTU", "The largest packet that gets through (option mtu).", [Ask("traceroute", "mtu_bytes", how="min", by=EACH, legend=BY_TARGET)], "bytes"))
    board.add(draw.curve(src, ONE, "Loss at the target", "Share of packets that the target itself does not answer.", [Ask("traceroute", "loss_ratio", how="mean", by=EACH, legend=BY_TARGET)], "percentunit", thresholds=HIGH_IS_BAD["loss"]))
    board.add(draw.states(src, ONE, "Reached", "Whether the last trace reached the target.", [Ask("traceroute", "reached", how="min", by=EACH, legend=BY_TARGET)], mappings=model.YES_NO))
    board.add(draw.curve(src, ONE, "Paths side by side", "How many paths of equal length the last trace found.", [Ask("traceroute", "paths", how="max", by=EACH, legend=BY_TARGET)]))
    board.add(draw.states(src, ONE, "Networks on the path", "Another colour is another row of autonomous systems. It needs a database of these.", [Ask("traceroute", "as_path_hash", how="max", by=EACH, legend=BY_TARGET)], mappings=[], scheme="continuous-BlYlRd"))
    return board


def dns(src):
    board = start(src, "dns", "netsonde / DNS", "Name servers: how fast they answer, and what.", "netsonde_dns_answered", empty="no data: are there DNS probes?")
    board.add(draw.stat(src, SCOPE, "Answered", "Share of queries that were answered.", [Ask("dns", "answered", how="mean")], "percentunit", thresholds=LOW_IS_BAD["availability"]), 6, 4)
    board.add(draw.stat(src, SCOPE, "Time", "Mean time of an answer.", [Ask("dns", "request_seconds", how="mean")], "s"), 6, 4)
    board.add(draw.stat(src, SCOPE, "Rules broken", "Servers whose records break a rule.", [Ask("dns", "rule_failed", how="sum")], thresholds=HIGH_IS_BAD["count"]), 6, 4)
    board.add(draw.stat(src, SCOPE, "Forged", "Answers that did not fit their query, in the time range.", [Ask("dns", "spoofed_total", total=True, how="sum")], thresholds=HIGH_IS_BAD["count"]), 6, 4)
    board.add(draw.curve(src, SCOPE, "Time of answers", "Connecting included.", [Ask("dns", "request_seconds", how="mean", by=EACH, legend=BY_TARGET)], "s"))
    board.add(draw.curve(src, SCOPE, "Response codes", "0 is NOERROR, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED.", [Ask("dns", "rcode", how="max", by=EACH, legend=BY_TARGET)]))
    board.add(draw.curve(src, SCOPE, "Records in answers", "A change is worth a look.", [Ask("dns", "answer_rrs", how="max", by=EACH, legend=BY_TARGET)]))
    board.add(draw.curve(src, SCOPE, "Shortest TTL", "Of the records in the answer.", [Ask("dns", "min_ttl_seconds", how="min", by=EACH, legend=BY_TARGET)], "s"))
    board.add(draw.states(src, SCOPE, "Addresses in answers", "Which there were, and when (option answer_addresses).", [Ask("dns", "answer_info", how="max", by=("target", "probe", "address"), legend="{{target}} {{address}}")], mappings=[]), 24, 6)
    board.add(draw.curve(src, SCOPE, "Serial of zones", "Of queries for SOA: servers of one zone should agree.", [Ask("dns", "serial", how="max", by=EACH, legend=BY_TARGET)], "none"))
    board.add(draw.states(src, SCOPE, "Signed and checked", "Whether the resolver says that it has verified the answer (AD).", [Ask("dns", "authentic_data", how="max", by=EACH, legend=BY_TARGET)], mappings=model.YES_NO))
    board.add(draw.curve(src, SCOPE, "Failures by reason", "Per second.", [Ask("probe", "failures_total", rate=True, how="sum", by=("reason",), legend="{{reason}}")], stacked=True))
    asked = [Ask("dns", f"{name}_total", rate=True, how="sum", legend=name) for name in ("queries", "answers")]
    board.add(draw.curve(src, SCOPE, "Queries and answers", "Per second, attempts counted: what lies between them was not answered.", asked))
    board.add(draw.states(src, SCOPE, "Retried over TCP", "The answer was too long for UDP.", [Ask("dns", "retried_tcp", how="max", by=EACH, legend=BY_TARGET)], mappings=model.YES_NO))
    times = src.target('sum by (le) (increase(netsonde_dns_query_seconds_bucket{instance=~"$agent",target=~"$target",probe=~"$probe"}[$__rate_interval]))', "{{le}}", form="heatmap")
    board.add(model.heatmap("Answers by time", "How many answers took how long.", [times]))
    return board


def http(src):
    board = start(src, "http", "netsonde / HTTP and TLS", "Web servers: phases, states, certificates.", "netsonde_http_status_code", empty="no data: are there HTTP probes?")
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
    board.add(draw.curve(src, SCOPE, "Bodies", "Size of the last answer's body.", [Ask("http", "body_bytes", how="max", by=EACH, legend=BY_TARGET)], "bytes"))
    times = src.target('sum by (le) (increase(netsonde_http_response_seconds_bucket{instance=~"$agent",target=~"$target",probe=~"$probe"}[$__rate_interval]))', "{{le}}", form="heatmap")
    board.add(model.heatmap("Answers by time", "How many requests took how long.", [times]))
    chain = src.target('min by (target, probe, position) (netsonde_tls_certificate_not_after_timestamp_seconds{instance=~"$agent",target=~"$target",probe=~"$probe"}) - time()', table=True)
    made = model.table("Chains", "Each certificate that servers send: 0 is the server's own, the others are those of authorities.", [chain], [("Expires in", "s", LOW_IS_BAD["days"], None)], links=detail(src), sort=("Expires in", False))
    made["transformations"] = src.columns(["Expires in"])
    board.add(made, 24, 10)
    return board


def slo(src):
    board = start(src, "slo", "netsonde / SLO and error budget", "Objectives, what is left of a month's error budget, and how fast it burns. It needs the recording rules.", empty="no data: are the recording rules loaded?")
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
    errors = model.curve("Errors", "Share of runs that failed, by window, mean of the chosen probes.", [src.target(f"avg(probe:netsonde_probe_errors:ratio{window}{{{labels}}})", window) for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d")], "percentunit")
    worst = f"topk(10, avg_over_time(probe:netsonde_slo_burn:rate1h{{{labels}}}[$__range:$__interval] @ end()))"
    burning = f"probe:netsonde_slo_burn:rate1h{{{labels}}} and {worst}"
    rate = model.curve("Burn rate", "Errors of an hour by what the objective allows: above 14.4 a month's budget is gone in two days. The ten that burn fastest.", [src.target(burning, BY_TARGET)], thresholds=model.steps((1, model.POOR), (14.4, model.BAD)), links=draw.link_of(src, [UP]))
    for made in (errors, rate):
        made["maxDataPoints"] = draw.POINTS
        board.add(made)
    return board


PROMETHEUS = (target_detail, path, dns, http, slo)


def boards(src):
    for make in BOTH:
        yield make(src)
    if isinstance(src, Prometheus):
        for make in PROMETHEUS:
            yield make(src)
