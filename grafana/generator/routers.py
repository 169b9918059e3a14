"""MikroTik routers: twelve boards, an overview and a page for one router, for either source."""

import draw
import maps
import model
import notes
from model import HIGH_IS_BAD, LOW_IS_BAD, Board
from query import Ask, Scope

SCOPE = Scope((("target", "router"),))
WITH_INTERFACE = Scope((("target", "router"), ("name", "interface")))
ROUTER = ("target",)
NAME = "{{target}}"
PORT = ("target", "name")
PORT_NAME = "{{target}} {{name}}"
LITTLE_IS_BAD = model.steps((0.05, model.POOR), (0.2, model.GOOD), base=model.BAD)


def ask(set_name, measure, by=ROUTER, legend=NAME, how="sum", **more):
    return Ask(f"routeros_{set_name}", measure, how=how, by=by, legend=legend, **more)


def share(src, set_name, part, whole, worst, *labels):
    """A part by its whole, where that is largest or smallest: of routers, or of what labels tell apart."""
    if src.name == "prometheus":
        part, whole = (f'max by ({", ".join(("instance", "target", *labels))}) (netsonde_routeros_{set_name}_{name}{{target=~"$router"}})' for name in (part, whole))
        return src.target(f"{worst}({part} / ({whole} > 0))", worst, instant=True)
    rows = maps.latest("rows", f"routeros_{set_name}", (part, whole), "r.target =~ /^${router:regex}$/", "[" + ", ".join(f'"{name}"' for name in ("agent", "target", *labels)) + "]")
    return src.target(f"{rows}rows\n  |> filter(fn: (r) => r.{whole} > 0.0)\n  |> map(fn: (r) => ({{_value: r.{part} / r.{whole}}}))\n  |> {worst}()")


def traffic(direction, **more):
    return ask("interface", f"{direction}_bytes_total", PORT, PORT_NAME + (" in" if direction == "receive" else " out"), rate=True, scale=8, **more)


def start(src, name, title, description, interface=False, empty="no data"):
    metric = "netsonde_routeros_up" if src.name == "prometheus" else "routeros"
    variables = [src.choice("router", "Router", metric, "target", many=name != "router")]
    if interface:
        metric = "netsonde_routeros_interface_running" if src.name == "prometheus" else "routeros_interface"
        variables.append(src.choice("interface", "Interface", metric, "name", within=(("target", "router"),)))
    home = None if name == "routers" else f"netsonde-{src.name}-routers"
    marks = notes.of(src, target="router", agent=None)
    return Board(src, f"netsonde-{src.name}-{name}", f"netsonde / MikroTik: {title}", description, variables, ["mikrotik"], marks, home, empty)


def page(src):
    return {"target": draw.link_of(src, [Ask("routeros", "up", by=ROUTER)], "${__value.raw}")[0]}


def overview(src):
    board = start(src, "routers", "overview", "All routers, the worst first. A click on one shows it alone.")
    up = Ask("routeros", "up", how="min", by=ROUTER, legend=NAME)
    board.add(draw.stat(src, SCOPE, "Routers", "Configured.", [up.but(how="count", by=())]), 4, 4)
    board.add(draw.stat(src, SCOPE, "Answer", "Share that answers.", [up.but(how="mean", by=())], "percentunit", thresholds=LOW_IS_BAD["availability"]), 4, 4)
    board.add(draw.stat(src, SCOPE, "Traffic in", "Of all interfaces.", [ask("interface", "receive_bytes_total", (), rate=True, scale=8)], "bps"), 4, 4)
    board.add(draw.stat(src, SCOPE, "PPPoE users", "Sessions that are up.", [ask("ppp_sessions", "sessions", (), where={"service": "pppoe"})]), 4, 4)
    board.add(draw.stat(src, SCOPE, "DHCP leases", "Bound.", [ask("dhcp_leases", "leases", (), where={"status": "bound"})]), 4, 4)
    board.add(draw.stat(src, SCOPE, "BGP sessions", "Established.", [ask("bgp", "established", ())]), 4, 4)
    columns = [
        (up.but(smallest=500), "Up", "short", LOW_IS_BAD["up"], model.UP_DOWN),
        (Ask("routeros", "health_score", how="min", by=ROUTER, smallest=500), "Health", "short", LOW_IS_BAD["score"], None),
        (ask("system", "cpu_load_ratio", how="max", largest=500), "CPU", "percentunit", HIGH_IS_BAD["load"], None),
        (ask("health", "temperature_celsius", how="max", largest=500), "Temperature", "celsius", HIGH_IS_BAD["celsius"], None),
        (ask("connection_tracking", "entries", largest=500), "Connections", "short", None, None),
        (ask("system", "uptime_seconds", how="min", largest=500), "Up for", "s", None, None),
    ]
    board.add(draw.table(src, SCOPE, "Routers", "Health is a score of 0 to 100 (docs/routeros.md).", columns, links=page(src), sort=("Health", False)), 24, 12)
    board.add(draw.states(src, SCOPE, "Up and down", "Whether each router answers its API.", [up]), 24, 10)
    if src.name == "prometheus":
        made = model.table("Versions", "What routers are, and what they run.", [src.target('count by (target, board, architecture, version) (netsonde_routeros_info{target=~"$router"})', table=True)], [], links=page(src))
        made["transformations"] = src.columns(["Value"], hidden=("Value",))
        board.add(made, 24, 10)
    return board


def router(src):
    board = start(src, "router", "one router", "Everything about one router.", interface=True)
    board.add(draw.stat(src, SCOPE, "State", "Whether it answers.", [Ask("routeros", "up", how="min", by=ROUTER, legend=NAME)], mappings=model.UP_DOWN, thresholds=LOW_IS_BAD["up"], graph=False), 4, 4)
    board.add(draw.stat(src, SCOPE, "Health", "Score, 0 to 100.", [Ask("routeros", "health_score", how="min", by=ROUTER, legend=NAME)], thresholds=LOW_IS_BAD["score"]), 4, 4)
    board.add(draw.stat(src, SCOPE, "CPU", "All cores together.", [ask("system", "cpu_load_ratio", how="max")], "percentunit", thresholds=HIGH_IS_BAD["load"]), 4, 4)
    board.add(draw.stat(src, SCOPE, "Memory free", "Bytes.", [ask("system", "memory_free_bytes", how="min")], "bytes"), 4, 4)
    board.add(draw.stat(src, SCOPE, "Temperature", "The hottest sensor.", [ask("health", "temperature_celsius", how="max")], "celsius", thresholds=HIGH_IS_BAD["celsius"]), 4, 4)
    board.add(draw.stat(src, SCOPE, "Up for", "Since its start.", [ask("system", "uptime_seconds", how="min")], "s", graph=False), 4, 4)
    board.add(draw.curve(src, WITH_INTERFACE, "Received", "By interface.", [traffic("receive")], "bps"))
    board.add(draw.curve(src, WITH_INTERFACE, "Sent", "By interface.", [traffic("transmit")], "bps"))
    board.add(draw.curve(src, WITH_INTERFACE, "Errors and drops", "Packets per second.", errors_and_drops()))
    board.add(draw.states(src, WITH_INTERFACE, "Links", "Whether each interface is up.", [ask("interface", "running", PORT, PORT_NAME, how="min")]))
    board.add(draw.curve(src, SCOPE, "CPU by core", "Share of time in use.", [ask("cpu", "load_ratio", ("target", "core"), "{{target}} {{core}}", how="max")], "percentunit", max=1))
    board.add(draw.curve(src, SCOPE, "Connections tracked", "Entries.", [ask("connection_tracking", "entries")]))
    board.add(draw.curve(src, SCOPE, "BGP sessions", "Prefixes received.", [ask("bgp", "prefixes", ("target", "name"), "{{target}} {{name}}")]))
    board.add(draw.curve(src, SCOPE, "Users", "Sessions by service.", [ask("ppp_sessions", "sessions", ("target", "service"), "{{target}} {{service}}")]))
    board.add(draw.curve(src, SCOPE, "Time of collecting", "How long each data set took.", [Ask("routeros_collection", "duration_seconds", how="max", by=("target", "set"), legend="{{target}} {{set}}")], "s"), 24)
    board.add(draw.curve(src, SCOPE, "Data sets that fail", "Of those that are collected.", [Ask("routeros", "data_sets_failed", how="max", by=ROUTER, legend=NAME)]))
    board.add(draw.curve(src, SCOPE, "What collecting costs", "Share of time that the router works for it, by data set, the twenty dearest.", [Ask("routeros_collection", "router_seconds_total", rate=True, how="sum", by=("target", "set"), largest=20, legend="{{target}} {{set}}")], "percentunit"))
    parts = [Ask("routeros", f"health_{part}_score", how="min", by=ROUTER, legend=f"{NAME} {part}") for part in ("cpu", "memory", "storage", "temperature", "power", "response", "collections")]
    board.add(draw.curve(src, SCOPE, "Health by part", "What the score is made of, 0 to 100; what a router does not say is absent.", parts, max=100))
    board.add(draw.curve(src, SCOPE, "Lines in the log", "By topics.", [ask("log", "lines", ("target", "topics"), "{{target}} {{topics}}")]))
    board.add(draw.curve(src, SCOPE, "Restarts", "Within an hour.", [Ask("routeros", "restarts_total", rate=True, how="sum", by=ROUTER, scale=3600, legend=NAME)]))
    board.row("Routing and tunnels")
    board.add(draw.curve(src, SCOPE, "OSPF neighbours", "State: 7 is full, 3 two-way, 0 down.", [ask("ospf_neighbor", "state", ("target", "router", "interface"), "{{target}} {{router}} {{interface}}", how="min")]))
    board.add(draw.states(src, SCOPE, "BFD", "Whether each session is up.", [ask("bfd", "up", ("target", "remote_address"), "{{target}} {{remote_address}}", how="min")]))
    board.add(draw.states(src, SCOPE, "IPsec", "Whether each peer is established.", [ask("ipsec", "established", ("target", "name", "remote_address"), "{{target}} {{name}} {{remote_address}}", how="min")]))
    board.add(draw.curve(src, SCOPE, "WireGuard", "Time since the last handshake: beyond three minutes a peer is gone or idle.", [ask("wireguard", "last_handshake_seconds", ("target", "interface", "comment"), "{{target}} {{interface}} {{comment}}", how="max")], "s"))
    board.row("Radio")
    board.add(draw.curve(src, SCOPE, "Wireless clients", "By interface.", [ask("wireless_clients", "clients", ("target", "interface"), "{{target}} {{interface}}")]))
    board.add(draw.curve(src, SCOPE, "Weakest signals", "Of wireless clients, the twenty weakest.", [ask("wireless_client", "signal_dbm", ("target", "interface", "mac_address"), "{{target}} {{interface}} {{mac_address}}", how="min", smallest=20)], "dBm"))
    board.add(draw.curve(src, SCOPE, "LTE: signal", "Power of the reference signal (RSRP): below -110 it gets difficult.", [ask("lte", "rsrp_dbm", ("target", "interface"), "{{target}} {{interface}}", how="min")], "dBm"))
    board.add(draw.curve(src, SCOPE, "60 GHz: signal", "Strength of each link.", [ask("w60g", "rssi_dbm", PORT, PORT_NAME, how="min")], "dBm"))
    return board


def errors_and_drops():
    pairs = (("receive_errors", "errors in"), ("transmit_errors", "errors out"), ("receive_drops", "drops in"), ("transmit_drops", "drops out"), ("transmit_queue_drops", "drops of queues"))
    return [ask("interface", f"{measure}_total", PORT, f"{PORT_NAME} {words}", rate=True) for measure, words in pairs]


def interfaces(src):
    board = start(src, "router-interfaces", "interface traffic", "How much goes through which interface, and which links are down?", interface=True)
    board.first_row(
        [
            draw.stat(src, WITH_INTERFACE, "Down", "Interfaces that are not up.", [ask("interface", "running", (), holds="== 0")], "short", thresholds=model.steps((1, model.FAIR))),
            draw.stat(src, WITH_INTERFACE, "In", "Of all chosen interfaces.", [ask("interface", "receive_bytes_total", (), rate=True, scale=8)], "bps"),
            draw.stat(src, WITH_INTERFACE, "Out", "Of all chosen interfaces.", [ask("interface", "transmit_bytes_total", (), rate=True, scale=8)], "bps"),
            draw.stat(src, WITH_INTERFACE, "Links lost", "Links that went down, per hour.", [ask("interface", "link_downs_total", (), rate=True, scale=3600)], "short", thresholds=model.steps((1, model.POOR)), decimals=0),
        ]
    )
    board.add(draw.curve(src, WITH_INTERFACE, "Received", "Bits per second.", [traffic("receive")], "bps"))
    board.add(draw.curve(src, WITH_INTERFACE, "Sent", "Bits per second.", [traffic("transmit")], "bps"))
    board.add(draw.curve(src, WITH_INTERFACE, "Packets received", "Per second.", [ask("interface", "receive_packets_total", PORT, PORT_NAME, rate=True)], "pps"))
    board.add(draw.curve(src, WITH_INTERFACE, "Packets sent", "Per second.", [ask("interface", "transmit_packets_total", PORT, PORT_NAME, rate=True)], "pps"))
    board.add(draw.bars(src, WITH_INTERFACE, "Busiest, in", "Bits per second.", [traffic("receive", largest=15)], "bps"), 12, 12)
    board.add(draw.bars(src, WITH_INTERFACE, "Busiest, out", "Bits per second.", [traffic("transmit", largest=15)], "bps"), 12, 12)
    board.add(draw.states(src, WITH_INTERFACE, "Links", "Whether each interface is up.", [ask("interface", "running", PORT, PORT_NAME, how="min")]), 24, 10)
    return board


def errors(src):
    board = start(src, "router-errors", "errors and drops", "Where are packets damaged or dropped?", interface=True)
    pairs = (("receive_errors", "Errors in"), ("transmit_errors", "Errors out"), ("receive_drops", "Drops in"), ("transmit_drops", "Drops out"), ("transmit_queue_drops", "Drops of the interface's queue"))
    board.first_row(
        [
            draw.stat(src, WITH_INTERFACE, "Errors in", "Packets per second, of all chosen interfaces.", [ask("interface", "receive_errors_total", (), rate=True)], "pps", thresholds=model.steps((1, model.POOR), (100, model.BAD)), decimals=1),
            draw.stat(src, WITH_INTERFACE, "Errors out", "Packets per second, of all chosen interfaces.", [ask("interface", "transmit_errors_total", (), rate=True)], "pps", thresholds=model.steps((1, model.POOR), (100, model.BAD)), decimals=1),
            draw.stat(src, WITH_INTERFACE, "Drops in", "Packets per second, of all chosen interfaces.", [ask("interface", "receive_drops_total", (), rate=True)], "pps", thresholds=model.steps((1, model.POOR), (100, model.BAD)), decimals=1),
            draw.stat(src, WITH_INTERFACE, "Drops out", "Packets per second, of all chosen interfaces.", [ask("interface", "transmit_drops_total", (), rate=True)], "pps", thresholds=model.steps((1, model.POOR), (100, model.BAD)), decimals=1),
        ]
    )
    for measure, title in pairs:
        board.add(draw.curve(src, WITH_INTERFACE, title, "Packets per second.", [ask("interface", f"{measure}_total", PORT, PORT_NAME, rate=True)], "pps"))
    board.add(draw.curve(src, WITH_INTERFACE, "Damaged frames", "With a wrong checksum (FCS), per second: a cable or a plug.", [ask("ethernet_counters", "receive_fcs_errors_total", PORT, PORT_NAME, rate=True)], "pps"))
    board.add(draw.curve(src, WITH_INTERFACE, "Links that went down", "Per hour.", [ask("interface", "link_downs_total", PORT, PORT_NAME, rate=True, scale=3600)]), 24)
    board.add(draw.curve(src, WITH_INTERFACE, "Speed of links", "As negotiated: a fall is a bad cable.", [ask("ethernet", "rate_bits_per_second", PORT, PORT_NAME, how="min")], "bps"))
    board.add(draw.curve(src, WITH_INTERFACE, "Pauses", "Flow control: frames per second with which the other side asks for a rest.", [ask("ethernet_counters", "receive_pauses_total", PORT, PORT_NAME, rate=True)], "pps"))
    return board


def cpu(src):
    board = start(src, "router-cpu", "CPU", "Which router, or which core of it, is at its limit?")
    load = ask("system", "cpu_load_ratio", how="max")
    board.first_row(
        [
            draw.stat(src, SCOPE, "Overloaded", "Routers above 85 %.", [ask("system", "cpu_load_ratio", (), holds="> 0.85")], "short", thresholds=HIGH_IS_BAD["count"]),
            draw.stat(src, SCOPE, "Highest", "The busiest router.", [ask("system", "cpu_load_ratio", (), how="max")], "percentunit", thresholds=HIGH_IS_BAD["load"]),
            draw.stat(src, SCOPE, "Busiest core", "One core at its limit is one flow or one process.", [ask("cpu", "load_ratio", (), how="max")], "percentunit", thresholds=HIGH_IS_BAD["load"]),
            draw.stat(src, SCOPE, "Mean", "Of all chosen routers.", [ask("system", "cpu_load_ratio", (), how="mean")], "percentunit"),
        ]
    )
    board.add(draw.curve(src, SCOPE, "Load", "All cores together.", [load], "percentunit", thresholds=HIGH_IS_BAD["load"], max=1), 24)
    board.add(draw.curve(src, SCOPE, "By core", "One core at its limit is one flow or one process.", [ask("cpu", "load_ratio", ("target", "core"), "{{target}} {{core}}", how="max")], "percentunit", max=1))
    board.add(draw.curve(src, SCOPE, "Interrupts", "Share of each core's time.", [ask("cpu", "interrupt_ratio", ("target", "core"), "{{target}} {{core}}", how="max")], "percentunit", max=1))
    board.add(draw.bars(src, SCOPE, "Busiest", "Load now.", [load.but(largest=20)], "percentunit", thresholds=HIGH_IS_BAD["load"], max=1), 12, 12)
    board.add(draw.curve(src, SCOPE, "Clock", "Frequency of the CPU.", [ask("system", "cpu_frequency_hertz", how="max")], "hertz"), 12, 12)
    return board


def memory(src):
    board = start(src, "router-memory", "memory and storage", "Which router runs out of memory or storage?")
    free = ask("system", "memory_free_bytes", how="min")
    board.first_row(
        [
            model.stat("Least memory", "Share that is free, on the router with least.", [share(src, "system", "memory_free_bytes", "memory_size_bytes", "min")], "percentunit", thresholds=LITTLE_IS_BAD),
            model.stat("Least storage", "Share that is free, on the router with least.", [share(src, "system", "storage_free_bytes", "storage_size_bytes", "min")], "percentunit", thresholds=LITTLE_IS_BAD),
            draw.stat(src, SCOPE, "Memory free", "On the router with least.", [ask("system", "memory_free_bytes", (), how="min")], "bytes"),
            draw.stat(src, SCOPE, "Storage free", "On the router with least.", [ask("system", "storage_free_bytes", (), how="min")], "bytes"),
        ]
    )
    board.add(draw.curve(src, SCOPE, "Memory free", "Bytes.", [free], "bytes"))
    board.add(draw.curve(src, SCOPE, "Storage free", "Bytes.", [ask("system", "storage_free_bytes", how="min")], "bytes"))
    columns = [
        (free.but(smallest=500), "Memory free", "bytes", None, None),
        (ask("system", "memory_size_bytes", how="max", largest=500), "Memory", "bytes", None, None),
        (ask("system", "storage_free_bytes", how="min", smallest=500), "Storage free", "bytes", None, None),
        (ask("system", "storage_size_bytes", how="max", largest=500), "Storage", "bytes", None, None),
    ]
    board.add(draw.table(src, SCOPE, "Routers", "Least memory first.", columns, links=page(src), sort=("Memory free", False)), 24, 12)
    board.add(draw.curve(src, SCOPE, "Memory of routing processes", "Private (RouterOS 7).", [ask("routing_process", "private_memory_bytes", ("target", "tasks"), "{{target}} {{tasks}}")], "bytes"), 24)
    return board


def connections(src):
    board = start(src, "router-connections", "connections", "How many connections do routers track, and is there room for more?")
    entries = ask("connection_tracking", "entries")
    board.first_row(
        [
            model.stat("Fullest", "Entries by the most that there can be: a full table lets nobody in.", [share(src, "connection_tracking", "entries", "entries_max", "max")], "percentunit", thresholds=HIGH_IS_BAD["load"]),
            draw.stat(src, SCOPE, "All", "Connections that are tracked, of all chosen routers.", [ask("connection_tracking", "entries", ())], "short"),
            draw.stat(src, SCOPE, "Most", "On one router.", [ask("connection_tracking", "entries", (), how="max")], "short"),
            draw.stat(src, SCOPE, "Least room", "Entries that there can be, on the router with fewest.", [ask("connection_tracking", "entries_max", (), how="min")], "short"),
        ]
    )
    board.add(draw.curve(src, SCOPE, "Entries", "Connections that the router tracks.", [entries], stacked=True))
    board.add(draw.curve(src, SCOPE, "Room", "Entries that there can be.", [ask("connection_tracking", "entries_max", how="max")]))
    board.add(draw.curve(src, SCOPE, "IPv4 and IPv6", "Entries.", [ask("connection_tracking", "ipv4_entries", legend=NAME + " IPv4"), ask("connection_tracking", "ipv6_entries", legend=NAME + " IPv6")]))
    board.add(draw.bars(src, SCOPE, "Most", "Entries now.", [entries.but(largest=20)]), 12, 8)
    return board


def queues(src):
    board = start(src, "router-queues", "queues", "Which queues are busy, wait or drop: simple ones and trees?")
    simple, tree = ("target", "name"), ("target", "name")
    board.first_row(
        [
            draw.stat(src, SCOPE, "Dropping", "Simple queues that drop packets now, down or up.", [ask("queue_simple", "download_drops_total", (), "down", rate=True, holds="> 0"), ask("queue_simple", "upload_drops_total", (), "up", rate=True, holds="> 0")], "short", thresholds=model.steps((1, model.FAIR))),
            draw.stat(src, SCOPE, "Download", "Of all simple queues.", [ask("queue_simple", "download_bytes_total", (), rate=True, scale=8)], "bps"),
            draw.stat(src, SCOPE, "Upload", "Of all simple queues.", [ask("queue_simple", "upload_bytes_total", (), rate=True, scale=8)], "bps"),
            draw.stat(src, SCOPE, "Waiting", "Bytes in the queues of trees.", [ask("queue_tree", "queued_bytes", ())], "bytes"),
        ]
    )
    board.add(draw.curve(src, SCOPE, "Simple queues: download", "The twenty busiest.", [ask("queue_simple", "download_bytes_total", simple, PORT_NAME, rate=True, scale=8, largest=20)], "bps"))
    board.add(draw.curve(src, SCOPE, "Simple queues: upload", "The twenty busiest.", [ask("queue_simple", "upload_bytes_total", simple, PORT_NAME, rate=True, scale=8, largest=20)], "bps"))
    board.add(draw.curve(src, SCOPE, "Simple queues: drops", "Packets per second, both ways.", [ask("queue_simple", "download_drops_total", simple, PORT_NAME + " down", rate=True, largest=20), ask("queue_simple", "upload_drops_total", simple, PORT_NAME + " up", rate=True, largest=20)], "pps"))
    board.add(draw.curve(src, SCOPE, "Tree: rate", "Bits per second.", [ask("queue_tree", "bytes_total", tree, PORT_NAME, rate=True, scale=8)], "bps"))
    board.add(draw.curve(src, SCOPE, "Tree: drops", "Packets per second.", [ask("queue_tree", "drops_total", tree, PORT_NAME, rate=True)], "pps"))
    board.add(draw.curve(src, SCOPE, "Tree: waiting", "Bytes in the queues.", [ask("queue_tree", "queued_bytes", tree, PORT_NAME)], "bytes"))
    waiting = [ask("queue_simple", f"{way}_queued_bytes", simple, f"{PORT_NAME} {words}", largest=20) for way, words in (("download", "down"), ("upload", "up"))]
    board.add(draw.curve(src, SCOPE, "Simple queues: waiting", "Bytes in the queues, the twenty fullest.", waiting, "bytes"))
    return board


def latency(src):
    board = start(src, "router-latency", "latency and loss", "How far routers are: their API, pings to them, and what they watch themselves (netwatch).")
    board.first_row(
        [
            draw.stat(src, SCOPE, "Do not answer", "Routers whose API does not answer.", [Ask("routeros", "up", how="sum", holds="== 0")], "short", thresholds=HIGH_IS_BAD["count"]),
            draw.stat(src, SCOPE, "Slowest API", "The longest time that a router took to answer.", [Ask("routeros", "response_seconds", how="max")], "s", thresholds=model.steps((0.5, model.FAIR), (2, model.POOR), (5, model.BAD))),
            draw.stat(src, SCOPE, "Loss", "The worst ping to a router.", [Ask("ping", "loss_ratio", how="max")], "percentunit", thresholds=HIGH_IS_BAD["loss"]),
            draw.stat(src, SCOPE, "Netwatch: down", "Hosts that routers watch and miss.", [ask("netwatch", "up", (), holds="== 0")], "short", thresholds=HIGH_IS_BAD["count"]),
        ]
    )
    board.add(draw.curve(src, SCOPE, "API", "How long a router takes to answer.", [Ask("routeros", "response_seconds", how="max", by=ROUTER, legend=NAME)], "s"))
    board.add(draw.curve(src, SCOPE, "Pings to routers", "Targets of the same name with a ping.", [Ask("ping", "rtt_avg_seconds", how="mean", by=ROUTER, legend=NAME)], "s"))
    board.add(draw.curve(src, SCOPE, "Loss to routers", "Of these pings.", [Ask("ping", "loss_ratio", how="mean", by=ROUTER, legend=NAME)], "percentunit", thresholds=HIGH_IS_BAD["loss"]))
    watched = ("target", "host")
    board.add(draw.states(src, SCOPE, "Netwatch", "What routers watch themselves.", [ask("netwatch", "up", watched, "{{target}} {{host}}", how="min")]))
    board.add(draw.curve(src, SCOPE, "Netwatch: round trips", "From the router to the host.", [ask("netwatch", "rtt_avg_seconds", watched, "{{target}} {{host}}", how="max")], "s"))
    board.add(draw.curve(src, SCOPE, "Netwatch: loss", "From the router to the host.", [ask("netwatch", "loss_ratio", watched, "{{target}} {{host}}", how="max")], "percentunit"))
    board.add(draw.curve(src, SCOPE, "Connection", "Losses of the connection to the API, per hour.", [Ask("routeros", "losses_total", rate=True, how="sum", by=ROUTER, scale=3600, legend=NAME)]))
    board.add(draw.curve(src, SCOPE, "Commands that failed", "Errors and timeouts, per second.", [Ask("routeros", f"{name}_total", rate=True, how="sum", by=ROUTER, legend=f"{NAME} {name}") for name in ("traps", "timeouts")]))
    return board


def bgp_down(src):
    if src.name != "prometheus":
        words = "Sessions that are there and not established. RouterOS 7 has no row for one that is down: look for fewer that are established."
        return draw.stat(src, SCOPE, "Down", words, [ask("bgp", "established", (), holds="== 0")], "short", thresholds=HIGH_IS_BAD["count"])
    # RouterOS 7 has no row for a session that is down: the rule of the alert knows which are missing.
    down = src.target('count(ALERTS{alertname="NetsondeRouterBgpDown",target=~"$router"}) or vector(0)', "down")
    words = "Sessions that are not established, or missing though they are configured; from the rules of prometheus/rules."
    return model.stat("Down", words, [down], thresholds=HIGH_IS_BAD["count"])


def bgp(src):
    board = start(src, "router-bgp", "BGP", "Which sessions are down, and what do the others bring?")
    peer, name = ("target", "name", "remote_address"), "{{target}} {{name}} {{remote_address}}"
    board.first_row(
        [
            bgp_down(src),
            draw.stat(src, SCOPE, "Established", "Sessions.", [ask("bgp", "established", ())], "short"),
            draw.stat(src, SCOPE, "Prefixes", "Received, all together.", [ask("bgp", "prefixes", ())], "short"),
            draw.stat(src, SCOPE, "Youngest", "How long the session that came up last has been up.", [ask("bgp", "uptime_seconds", (), how="min")], "s", thresholds=model.steps((3600, model.FAIR), (86400, model.GOOD), base=model.POOR), graph=False),
        ]
    )
    board.add(draw.states(src, SCOPE, "Sessions", "Established or not.", [ask("bgp", "established", peer, name, how="min")]), 24, 10)
    board.add(draw.curve(src, SCOPE, "Prefixes", "Received.", [ask("bgp", "prefixes", peer, name)]))
    board.add(draw.curve(src, SCOPE, "Updates received", "Per second.", [ask("bgp", "receive_updates_total", peer, name, rate=True)]))
    board.add(draw.curve(src, SCOPE, "Withdrawals received", "Per second.", [ask("bgp", "receive_withdrawals_total", peer, name, rate=True)]))
    board.add(draw.curve(src, SCOPE, "Updates sent", "Per second.", [ask("bgp", "transmit_updates_total", peer, name, rate=True)]))
    board.add(draw.states(src, SCOPE, "Too many prefixes", "1: the other side has sent more than it may.", [ask("bgp", "limit_exceeded", peer, name, how="max")], mappings=model.YES_NO), 24, 6)
    columns = [
        (ask("bgp", "established", peer, how="min"), "Established", "short", LOW_IS_BAD["up"], model.UP_DOWN),
        (ask("bgp", "prefixes", peer), "Prefixes", "short", None, None),
        (ask("bgp", "uptime_seconds", peer, how="min"), "Up for", "s", None, None),
    ]
    board.add(draw.table(src, SCOPE, "Sessions", "All of them.", columns, links=page(src), sort=("Established", False)), 24, 10)
    return board


def pppoe(src):
    board = start(src, "router-pppoe", "PPPoE users", "How many users are on line, and where have they gone missing?")
    service = ("target", "service")
    board.first_row(
        [
            draw.stat(src, SCOPE, "PPPoE users", "Sessions that are up.", [ask("ppp_sessions", "sessions", (), where={"service": "pppoe"})], "short"),
            draw.stat(src, SCOPE, "All services", "Sessions that are up: PPPoE, L2TP, SSTP and others.", [ask("ppp_sessions", "sessions", ())], "short"),
            draw.stat(src, SCOPE, "Fewest", "PPPoE sessions of the router with fewest: 0 is a router without users.", [ask("ppp_sessions", "sessions", (), how="min", where={"service": "pppoe"})], "short", thresholds=model.steps((1, model.GOOD), base=model.BAD)),
        ]
    )
    board.add(draw.curve(src, SCOPE, "PPPoE sessions", "By router.", [ask("ppp_sessions", "sessions", where={"service": "pppoe"})], stacked=True), 24)
    board.add(draw.curve(src, SCOPE, "By kind", "PPPoE, L2TP, SSTP and others.", [ask("ppp_sessions", "sessions", service, "{{target}} {{service}}")]))
    board.add(draw.curve(src, SCOPE, "By server", "Sessions of each PPPoE server.", [ask("pppoe_server", "sessions", service, "{{target}} {{service}}")]))
    board.add(draw.curve(src, SCOPE, "Hotspot users", "Of each server.", [ask("hotspot_users", "users", ("target", "server"), "{{target}} {{server}}")]))
    return board


def dhcp(src):
    board = start(src, "router-dhcp", "DHCP leases", "How many leases are out, and which pool runs dry?")
    lease = ("target", "server", "status")
    board.first_row(
        [
            model.stat("Fullest pool", "Share of addresses that are free, in the pool with least: none left is no address for the next who asks.", [share(src, "pool", "available_addresses", "addresses", "min", "family", "name")], "percentunit", thresholds=LITTLE_IS_BAD),
            draw.stat(src, SCOPE, "Bound", "Leases in use.", [ask("dhcp_leases", "leases", (), where={"status": "bound"})], "short"),
            draw.stat(src, SCOPE, "Waiting", "Leases that nobody has taken.", [ask("dhcp_leases", "leases", (), where={"status": "waiting"})], "short"),
            draw.stat(src, SCOPE, "Addresses in use", "Of all pools.", [ask("pool_used", "addresses", ())], "short"),
        ]
    )
    board.add(draw.curve(src, SCOPE, "Leases", "By server and status.", [ask("dhcp_leases", "leases", lease, "{{target}} {{server}} {{status}}")]))
    board.add(draw.curve(src, SCOPE, "Addresses in use", "Of each pool.", [ask("pool_used", "addresses", ("target", "pool"), "{{target}} {{pool}}")]))
    board.add(draw.curve(src, SCOPE, "Addresses left", "Of each pool (RouterOS 7).", [ask("pool", "available_addresses", ("target", "name"), PORT_NAME, how="min")]))
    board.add(draw.curve(src, SCOPE, "ARP entries", "By interface: a jump is a scan, a loop or a new network.", [ask("arp", "entries", ("target", "interface"), "{{target}} {{interface}}")]))
    columns = [
        (ask("dhcp_leases", "leases", ("target", "server"), where={"status": "bound"}), "Bound", "short", None, None),
        (ask("dhcp_leases", "leases", ("target", "server"), where={"status": "waiting"}), "Waiting", "short", None, None),
    ]
    board.add(draw.table(src, SCOPE, "Servers", "Leases of each.", columns, links=page(src), sort=("Bound", True)), 24, 10)
    return board


def firewall(src):
    board = start(src, "router-firewall", "firewall drops", "What do firewalls drop, and what do their rules count?")
    board.first_row(
        [
            draw.stat(src, SCOPE, "Dropped", "Packets per second, of all chosen routers.", [ask("firewall_drops", "packets_total", (), rate=True)], "pps"),
            draw.stat(src, SCOPE, "Dropped", "Bits per second, of all chosen routers.", [ask("firewall_drops", "bytes_total", (), rate=True, scale=8)], "bps"),
            draw.stat(src, SCOPE, "Wrong rules", "Marked invalid by their router: they do nothing.", [ask("firewall", "invalid_rules", ())], "short", thresholds=HIGH_IS_BAD["count"]),
        ]
    )
    board.add(draw.curve(src, SCOPE, "Packets dropped", "Per second, by table and action.", [ask("firewall_drops", "packets_total", ("target", "table", "action"), "{{target}} {{table}} {{action}}", rate=True)], "pps"))
    board.add(draw.curve(src, SCOPE, "Bytes dropped", "Bits per second.", [ask("firewall_drops", "bytes_total", ("target", "table", "action"), "{{target}} {{table}} {{action}}", rate=True, scale=8)], "bps"))
    rule = ("target", "chain", "action", "comment")
    board.add(draw.curve(src, SCOPE, "Rules", "Packets per second, the twenty busiest.", [ask("firewall", "packets_total", rule, "{{target}} {{chain}} {{action}} {{comment}}", rate=True, largest=20)], "pps"), 24, 10)
    board.add(draw.bars(src, SCOPE, "Drops by router", "Packets per second.", [ask("firewall_drops", "packets_total", rate=True, largest=15)], "pps"), 12, 10)
    board.add(draw.curve(src, SCOPE, "Rules that are wrong", "Marked invalid by the router.", [ask("firewall", "invalid_rules")]), 12, 10)
    board.add(draw.curve(src, SCOPE, "Address lists", "Entries of all lists.", [ask("address_list_size", "entries", ("target", "family"), "{{target}} {{family}}")]))
    return board


def health(src):
    board = start(src, "router-health", "system health", "Is hardware too hot or failing: temperatures, voltages, fans, optical modules?")
    sensor, name = ("target", "sensor"), "{{target}} {{sensor}}"
    board.first_row(
        [
            draw.stat(src, SCOPE, "Too hot", "Sensors above 70 °C.", [ask("health", "temperature_celsius", (), holds="> 70")], "short", thresholds=HIGH_IS_BAD["count"]),
            draw.stat(src, SCOPE, "Hottest", "Of all sensors.", [ask("health", "temperature_celsius", (), how="max")], "celsius", thresholds=HIGH_IS_BAD["celsius"]),
            draw.stat(src, SCOPE, "Worst health", "Lowest score, 0 to 100 (docs/routeros.md).", [Ask("routeros", "health_score", how="min")], "short", thresholds=LOW_IS_BAD["score"], max=100, decimals=0),
            draw.stat(src, SCOPE, "Standing fans", "Fans that do not turn.", [ask("health", "fan_rpm", (), how="sum", holds="== 0")], "short", thresholds=HIGH_IS_BAD["count"]),
        ]
    )
    board.add(draw.curve(src, SCOPE, "Temperature", "By sensor.", [ask("health", "temperature_celsius", sensor, name, how="max")], "celsius", thresholds=HIGH_IS_BAD["celsius"]))
    board.add(draw.curve(src, SCOPE, "Voltage", "By sensor.", [ask("health", "voltage_volts", sensor, name, how="min")], "volt"))
    board.add(draw.curve(src, SCOPE, "Fans", "Turns per minute.", [ask("health", "fan_rpm", sensor, name, how="min")], "rotrpm"))
    board.add(draw.curve(src, SCOPE, "Power", "Watts.", [ask("health", "power_watts", sensor, name, how="max")], "watt"))
    board.add(draw.curve(src, SCOPE, "Optical modules: received", "Light that comes in.", [ask("ethernet", "module_receive_dbm", PORT, PORT_NAME, how="min")], "dBm"))
    board.add(draw.curve(src, SCOPE, "Optical modules: temperature", "By port.", [ask("ethernet", "module_temperature_celsius", PORT, PORT_NAME, how="max")], "celsius"))
    board.add(draw.curve(src, SCOPE, "Optical modules: sent", "Light that goes out.", [ask("ethernet", "module_transmit_dbm", PORT, PORT_NAME, how="min")], "dBm"))
    board.add(draw.curve(src, SCOPE, "Power over ethernet", "To each device.", [ask("poe", "power_watts", PORT, PORT_NAME, how="max")], "watt"))
    board.add(draw.curve(src, SCOPE, "Certificates", "How long those of the routers are good for.", [ask("certificate", "expires_seconds", ("target", "name"), "{{target}} {{name}}", how="min")], "s"))
    board.add(draw.curve(src, SCOPE, "Bad blocks", "Share of the flash.", [ask("system_board", "bad_blocks_ratio", how="max")], "percentunit"))
    board.add(draw.curve(src, SCOPE, "Health", "Score, 0 to 100 (docs/routeros.md).", [Ask("routeros", "health_score", how="min", by=ROUTER, legend=NAME)], max=100), 24)
    return board


BOARDS = (overview, router, interfaces, errors, cpu, memory, connections, queues, latency, bgp, pppoe, dhcp, firewall, health)


def boards(src):
    for make in BOARDS:
        yield make(src)
