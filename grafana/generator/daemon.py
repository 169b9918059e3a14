"""The board about the agents themselves."""

import draw
import model
import notes
from model import HIGH_IS_BAD, Board
from query import Ask, Prometheus, Scope

SCOPE = Scope((("instance", "agent"),))
BY = ("instance",)
NAME = "{{instance}}"


def boards(src):
    if not isinstance(src, Prometheus):
        return
    board = Board(src, "netsonde-prometheus-daemon", "netsonde / The daemon", "Agents themselves: do they measure in time, deliver, and have room?", [src.choice("agent", "Agent", "netsonde_build_info", "instance")], annotations=notes.of(src, target=None), home="netsonde-prometheus-overview")
    board.add(draw.stat(src, SCOPE, "Probes", "On all chosen agents.", [Ask("schedule", "probes", how="sum")]), 4, 4)
    board.add(draw.stat(src, SCOPE, "Runs a second", "That began.", [Ask("schedule", "starts_total", rate=True, how="sum")]), 4, 4)
    board.add(draw.stat(src, SCOPE, "Largest lag", "How late a run began, at most.", [Ask("schedule", "lag_max_seconds", how="max")], "s", thresholds=model.steps((0.05, model.FAIR), (0.5, model.BAD))), 4, 4)
    board.add(draw.stat(src, SCOPE, "Oldest line", "That waits for an output.", [Ask("output", "queue_age_seconds", how="max")], "s", thresholds=model.steps((60, model.FAIR), (300, model.BAD))), 4, 4)
    board.add(draw.stat(src, SCOPE, "Lines lost", "Since the agents started.", [Ask("output", "lines_dropped_total", how="sum")], thresholds=HIGH_IS_BAD["count"]), 4, 4)
    board.add(draw.stat(src, SCOPE, "Last reload", "Whether it succeeded, on all.", [Ask("config", "last_reload_successful", how="min")], mappings=model.YES_NO, graph=False), 4, 4)
    board.row("Measuring")
    board.add(draw.curve(src, SCOPE, "Runs", "Begun per second.", [Ask("schedule", "starts_total", rate=True, how="sum", by=BY, legend=NAME)]))
    board.add(draw.curve(src, SCOPE, "Runs skipped", "Because the one before still ran, or the agent was late; per second.", [Ask("schedule", "skipped_total", rate=True, how="sum", by=BY, legend=NAME)]))
    board.add(draw.curve(src, SCOPE, "Lag", "How late runs began, at most.", [Ask("schedule", "lag_max_seconds", how="max", by=BY, legend=NAME)], "s"))
    board.add(draw.curve(src, SCOPE, "Failures by reason", "Per second, of all targets.", [Ask("probe", "failures_total", rate=True, how="sum", by=("reason",), legend="{{reason}}")], stacked=True))
    board.row("Room")
    board.add(draw.curve(src, SCOPE, "CPU", "Cores in use.", [Ask("process", "cpu_seconds_total", rate=True, how="sum", by=BY, legend=NAME)]))
    board.add(draw.curve(src, SCOPE, "Memory", "Resident.", [Ask("process", "resident_memory_bytes", how="sum", by=BY, legend=NAME)], "bytes"))
    board.add(draw.curve(src, SCOPE, "Descriptors", "Open files and sockets.", [Ask("process", "open_fds", how="sum", by=BY, legend=NAME)]))
    board.add(draw.curve(src, SCOPE, "Series", "On /metrics.", [Ask("series", "exposed", how="sum", by=BY, legend=NAME)]))
    board.add(draw.curve(src, SCOPE, "Packets dropped here", "By this machine's receive buffers, per second: they are kept out of the loss.", [Ask("icmp", "receive_drops_total", rate=True, how="sum", by=BY, legend="ICMP " + NAME), Ask("tracer", "receive_drops_total", rate=True, how="sum", by=BY, legend="traces " + NAME)]))
    board.add(draw.curve(src, SCOPE, "Scrapes", "Time that a page takes, by page.", [Ask("web", "scrape_seconds_total", rate=True, how="sum", by=BY, legend=NAME)], "s"))
    board.row("Delivering")
    out = ("instance", "name")
    both = "{{name}} of {{instance}}"
    board.add(draw.curve(src, SCOPE, "Lines written", "Per second.", [Ask("output", "lines_written_total", rate=True, how="sum", by=out, legend=both)]))
    board.add(draw.curve(src, SCOPE, "Lines that wait", "For their output.", [Ask("output", "queue_lines", how="sum", by=out, legend=both)]))
    board.add(draw.curve(src, SCOPE, "Age of the oldest line", "That waits for its output.", [Ask("output", "queue_age_seconds", how="max", by=out, legend=both)], "s"))
    board.add(draw.curve(src, SCOPE, "Lines lost or refused", "Per second.", [Ask("output", "lines_dropped_total", rate=True, how="sum", by=out, legend="lost: " + both), Ask("output", "lines_rejected_total", rate=True, how="sum", by=out, legend="refused: " + both)], thresholds=HIGH_IS_BAD["count"]))
    board.add(draw.curve(src, SCOPE, "Disk log", "Bytes on disk.", [Ask("disk_log", "bytes", how="sum", by=BY, legend=NAME)], "bytes"))
    board.add(draw.curve(src, SCOPE, "Geo databases", "Age.", [Ask("geo_database", "age_seconds", how="max", by=("instance", "file"), legend="{{file}} of {{instance}}")], "s"))
    yield board
