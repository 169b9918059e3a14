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
    board.add(draw.stat(src, SCOPE, "Lines lost", "In the time range.", [Ask("output", "lines_dropped_total", total=True, how="sum")], thresholds=HIGH_IS_BAD["count"]), 4, 4)
    board.add(draw.stat(src, SCOPE, "Last reload", "Whether it succeeded, on all.", [Ask("config", "last_reload_successful", how="min")], mappings=model.YES_NO, graph=False), 4, 4)
    board.add(model.states("Answer", "Whether Prometheus could scrape them.", [src.target('max by (instance) (up{job="netsonde",instance=~"$agent"})', NAME)]), 24, 5)
    board.row("Measuring")
    board.add(draw.curve(src, SCOPE, "Runs", "Begun per second.", [Ask("schedule", "starts_total", rate=True, how="sum", by=BY, legend=NAME)]))
    board.add(draw.curve(src, SCOPE, "Runs skipped", "Because the one before still ran, or the agent was late; per second.", [Ask("schedule", "skipped_total", rate=True, how="sum", by=BY, legend=NAME)]))
    board.add(draw.curve(src, SCOPE, "Lag", "How late runs began, at most.", [Ask("schedule", "lag_max_seconds", how="max", by=BY, legend=NAME)], "s"))
    board.add(draw.curve(src, SCOPE, "Failures by reason", "Per second, of all targets.", [Ask("probe", "failures_total", rate=True, how="sum", by=("reason",), legend="{{reason}}")], stacked=True))
    board.row("Room")
    board.add(draw.curve(src, SCOPE, "CPU", "Cores in use.", [Ask("process", "cpu_seconds_total", rate=True, how="sum", by=BY, legend=NAME)]))
    board.add(draw.curve(src, SCOPE, "Memory", "Resident.", [Ask("process", "resident_memory_bytes", how="sum", by=BY, legend=NAME)], "bytes"))
    board.add(draw.curve(src, SCOPE, "Descriptors", "Open files and sockets.", [Ask("process", "open_fds", how="sum", by=BY, legend=NAME), Ask("process", "max_fds", how="sum", by=BY, legend="ceiling of " + NAME)]))
    board.add(draw.curve(src, SCOPE, "Series", "On /metrics.", [Ask("series", "exposed", how="sum", by=BY, legend=NAME), Ask("series", "limit", how="sum", by=BY, legend="ceiling of " + NAME)]))
    board.add(draw.curve(src, SCOPE, "Packets dropped here", "By this machine's receive buffers, per second: they are kept out of the loss.", [Ask("icmp", "receive_drops_total", rate=True, how="sum", by=BY, legend="ICMP " + NAME), Ask("tracer", "receive_drops_total", rate=True, how="sum", by=BY, legend="traces " + NAME)]))
    board.add(draw.curve(src, SCOPE, "Scrapes", "Time that a page takes, by page.", [Ask("web", "scrape_seconds_total", rate=True, how="sum", by=BY, legend=NAME)], "s"))
    board.row("Delivering")
    out = ("instance", "name")
    both = "{{name}} of {{instance}}"
    board.add(draw.curve(src, SCOPE, "Lines written", "Per second.", [Ask("output", "lines_written_total", rate=True, how="sum", by=out, legend=both)]))
    board.add(draw.curve(src, SCOPE, "Lines that wait", "For their output.", [Ask("output", "queue_lines", how="sum", by=out, legend=both)]))
    board.add(draw.curve(src, SCOPE, "Age of the oldest line", "That waits for its output.", [Ask("output", "queue_age_seconds", how="max", by=out, legend=both)], "s"))
    board.add(draw.curve(src, SCOPE, "Lines lost or refused", "Per second; and errors of writing files.", [Ask("output", "lines_dropped_total", rate=True, how="sum", by=out, legend="lost: " + both), Ask("output", "lines_rejected_total", rate=True, how="sum", by=out, legend="refused: " + both), Ask("output", "write_errors_total", rate=True, how="sum", by=out, legend="errors: " + both)], thresholds=HIGH_IS_BAD["count"]))
    board.add(draw.curve(src, SCOPE, "Disk log", "Bytes on disk.", [Ask("disk_log", "bytes", how="sum", by=BY, legend=NAME)], "bytes"))
    board.add(draw.curve(src, SCOPE, "Geo databases", "Age.", [Ask("geo_database", "age_seconds", how="max", by=("instance", "file"), legend="{{file}} of {{instance}}")], "s"))
    board.add(draw.curve(src, SCOPE, "Lines sent again", "Per second: their output did not take them at once.", [Ask("output", "lines_retried_total", rate=True, how="sum", by=out, legend=both)]))
    board.add(draw.curve(src, SCOPE, "Bytes that wait", "For their output; what is beyond its ceiling is lost.", [Ask("output", "queue_bytes", how="sum", by=out, legend=both)], "bytes"))
    board.add(draw.curve(src, SCOPE, "Requests of outputs", "Per second.", [Ask("output", "requests_total", rate=True, how="sum", by=out, legend=both)]))
    board.add(draw.curve(src, SCOPE, "Not on disk", "How long ago the disk took something; and what waits for it in memory.", [Ask("disk_log", "unsynced_age_seconds", how="max", by=BY, legend=NAME)], "s"))
    board.add(draw.curve(src, SCOPE, "Log in memory", "Above 0 for long: the disk does not take the log.", [Ask("disk_log", "memory_bytes", how="sum", by=BY, legend=NAME)], "bytes"))
    board.row("Configuration and state")
    since = src.target('time() - max by (instance) (netsonde_process_start_time_seconds{instance=~"$agent"})', NAME)
    board.add(model.curve("Running for", "A fall is a restart.", [since], "s"))
    board.add(draw.curve(src, SCOPE, "Targets", "Measured, and kept back because something about them is wrong (docs/configuration.md).", [Ask("config", "targets", how="sum", by=BY, legend=NAME), Ask("config", "targets_parked", how="sum", by=BY, legend="kept back by " + NAME), Ask("config", "probes_unopened", how="sum", by=BY, legend="probes that did not open, " + NAME)]))
    board.add(draw.states(src, SCOPE, "Restart needed", "The file has changes that need a restart.", [Ask("config", "restart_needed", how="max", by=BY, legend=NAME)], mappings=model.YES_NO))
    board.add(draw.states(src, SCOPE, "Files", "Whether each was read well: files of targets, geo databases, the file of availability.", [
        Ask("target_file", "last_read_successful", how="min", by=("instance", "file"), legend="{{file}} of {{instance}}"),
        Ask("geo_database", "last_reload_successful", how="min", by=("instance", "file"), legend="{{file}} of {{instance}}"),
        Ask("availability_file", "writable", how="min", by=BY, legend="availability of " + NAME),
    ], mappings=model.YES_NO))
    board.add(draw.curve(src, SCOPE, "Events", "By kind, per hour.", [Ask("events", "recorded_total", rate=True, how="sum", by=("kind",), scale=3600, legend="{{kind}}")]))
    board.add(draw.curve(src, SCOPE, "Runs set off", "By other probes' results, per second.", [Ask("trigger", "runs_total", rate=True, how="sum", by=BY, legend=NAME)]))
    board.add(draw.curve(src, SCOPE, "Sockets", "Clock steps, replies without a stamp of the kernel, waits for room: what makes times worse; per second.", [Ask("icmp", f"{name}_total", rate=True, how="sum", by=BY, legend=f"{words}, {NAME}") for name, words in (("clock_steps", "clock steps"), ("unstamped", "without a stamp"), ("send_stalls", "waits"))]))
    board.add(draw.curve(src, SCOPE, "Forged or foreign", "Packets that answer nothing that was asked, per second.", [Ask("icmp", "foreign_total", rate=True, how="sum", by=BY, legend="ICMP " + NAME), Ask("dns_pool", "unexpected_total", rate=True, how="sum", by=BY, legend="DNS " + NAME), Ask("tracer", "foreign_total", rate=True, how="sum", by=BY, legend="traces " + NAME)]))
    board.row("Web")
    refused = (("requests_unauthorized", "without a password"), ("requests_limited", "too many"), ("requests_refused", "refused"), ("connections_refused", "connections refused"), ("timeouts", "timeouts"), ("tls_handshakes_failed", "TLS failed"))
    board.add(draw.curve(src, SCOPE, "Requests", "Per second, of all pages.", [Ask("web", "requests_total", rate=True, how="sum", by=BY, legend=NAME)]))
    board.add(draw.curve(src, SCOPE, "Turned away", "Requests and connections, per second.", [Ask("web", f"{name}_total", rate=True, how="sum", legend=words) for name, words in refused]))
    board.add(draw.curve(src, SCOPE, "Connections", "That are open.", [Ask("web", "connections_open", how="sum", by=BY, legend=NAME)]))
    board.add(draw.curve(src, SCOPE, "Single runs and calls", "Requests to /probe and to the REST interface, per second.", [Ask("probe_endpoint", "requests_total", rate=True, how="sum", by=BY, legend="/probe of " + NAME), Ask("api", "requests_total", rate=True, how="sum", by=BY, legend="calls of " + NAME), Ask("api", "failed_total", rate=True, how="sum", by=BY, legend="failed calls of " + NAME)]))
    board.add(draw.curve(src, SCOPE, "Single runs and calls refused", "By reason, per second.", [Ask(f"{name}_refused", "total", rate=True, how="sum", by=("reason",), legend=words + " {{reason}}") for name, words in (("probe_endpoint", "/probe:"), ("api", "calls:"))]))
    own = src.target('min by (instance) (netsonde_web_certificate_expiry_timestamp_seconds{instance=~"$agent"}) - time()', NAME)
    board.add(model.curve("Own certificate", "How long it is good for, where the web pages have one.", [own], "s"))
    board.add(draw.states(src, SCOPE, "Passwords and certificate", "Whether the last reading of web.config_file was good.", [Ask("web", "config_file_success", how="min", by=BY, legend=NAME)], mappings=model.YES_NO))
    yield board
