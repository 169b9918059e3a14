"""What happened, as marks on every graph of a board: other paths, new configurations, alerts (InfluxDB knows of none: what
went down and what set off traces, instead)."""

from model import BAD, CALM, FAIR, POOR


EACH_STEP = "aggregateWindow(every: v.windowPeriod, fn: last, createEmpty: false)"  # storage does that by itself


def promql(src, target, agent):
    chosen = f',target=~"${target}"' if target else ""
    of_agent = f'{{instance=~"${agent}"}}' if agent else ""
    wanted = [
        ("Reloads", CALM, f"changes(netsonde_config_last_reload_success_timestamp_seconds{of_agent}[1m]) > 0", "{{instance}}: new configuration"),
        # Of all targets, too: alerts about agents have no label target, which matches "all".
        ("Alerts", BAD, f'ALERTS{{alertstate="firing",severity=~"critical|warning"{chosen}}}', "{{alertname}} {{target}} {{instance}}"),
    ]
    if target == "target":
        wanted.insert(0, ("Changes of paths", FAIR, f'changes(netsonde_traceroute_path_hash{{target=~"${target}"}}[1m]) > 0', "{{target}}: another path"))
    return [
        {"datasource": src.reference, "enable": True, "iconColor": color, "name": name, "titleFormat": title, "target": {"refId": "Anno", "expr": text, "interval": "60s"}}
        for name, color, text, title in wanted
    ]


def flux(src, target, agent):
    of_target = f" and r.target =~ /^${{{target}:regex}}$/" if target else ""
    of_agent = f" and r.agent =~ /^${{{agent}:regex}}$/" if agent else ""

    def found(condition, *lines):
        head = ["from(bucket: v.defaultBucket)", "  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)", f"  |> filter(fn: (r) => {condition})"]
        return "\n".join([*head, *(f"  |> {line}" for line in lines)])

    def told(title, text):
        return f"map(fn: (r) => ({{_time: r._time, title: {title}, text: {text}}}))"

    def event(kind, field, title):
        return found(f'r._measurement == "event" and r.kind == "{kind}" and r._field == "{field}"{of_target}', "group()", told(f'r.target + "{title}"', "r._value"))

    wanted = [
        (
            "Reloads",
            CALM,
            found(f'r._measurement == "config" and r._field == "accepted_total"{of_agent}', EACH_STEP, "difference(nonNegative: true)", "filter(fn: (r) => r._value > 0)", "group()", told("r.agent", '"new configuration"')),
        ),
        (
            "Down",
            BAD,
            # The first time within those shown: storage finds it without a look at all points.
            found(f'r._measurement == "availability" and r._field == "up"{of_agent}{of_target} and r._value == 0', "first()", "group()", told('r.target + " is down"', 'r.probe + " from " + r.agent')),
        ),
    ]
    if target == "target":
        wanted.insert(0, ("Changes of paths", FAIR, event("path_change", "after", ": another path")))
        wanted.append(("Triggers", POOR, event("trigger", "text", "")))
    return [
        {"datasource": src.reference, "enable": True, "iconColor": color, "name": name, "target": {"refId": "Anno", "query": text}}
        for name, color, text in wanted
    ]


def of(src, target="target", agent="agent"):
    """target, agent: names of the board's variables, if it has them."""
    return (promql if src.name == "prometheus" else flux)(src, target, agent)
