// Every change of the path to a target within the last week, with the path before and after.
option v = {bucket: "netsonde", start: -7d, stop: now()}

target = "quad9"

from(bucket: v.bucket)
    |> range(start: v.start, stop: v.stop)
    |> filter(fn: (r) => r._measurement == "event" and r.kind == "path_change" and r.target == target)
    |> filter(fn: (r) => r._field == "before" or r._field == "after")
    |> group(columns: ["agent", "target", "probe"])
    |> pivot(rowKey: ["_time", "agent", "target", "probe"], columnKey: ["_field"], valueColumn: "_value")
    |> group()
    |> sort(columns: ["_time"], desc: true)
