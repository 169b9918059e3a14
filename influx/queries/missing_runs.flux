// Runs that never arrived: each line counts the runs of its probe since the daemon started (run), and names that start (boot).
// It reads every run: for a day of many targets, choose some by "targets".
option v = {bucket: "netsonde", start: -1h, stop: now()}

targets = /.*/

runs = from(bucket: v.bucket)
    |> range(start: v.start, stop: v.stop)
    |> filter(fn: (r) => r._measurement == "ping" and r.target =~ targets and (r._field == "run" or r._field == "boot"))
    |> toString()
    |> group(columns: ["agent", "target", "probe"])
    |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
    |> map(fn: (r) => ({r with _value: int(v: r.run)}))
    |> group(columns: ["agent", "target", "probe", "boot"])

seen = runs |> count() |> rename(columns: {_value: "seen"}) |> group()
most = runs |> max() |> group() |> keep(columns: ["agent", "target", "probe", "boot", "_value"]) |> rename(columns: {_value: "last"})
least = runs |> min() |> group() |> keep(columns: ["agent", "target", "probe", "boot", "_value"]) |> rename(columns: {_value: "first"})
bounds = join(tables: {most: most, least: least}, on: ["agent", "target", "probe", "boot"])

join(tables: {bounds: bounds, seen: seen}, on: ["agent", "target", "probe", "boot"])
    |> map(fn: (r) => ({r with missing: r.last - r.first + 1 - r.seen}))
    |> filter(fn: (r) => r.missing > 0)
