// Mean time between failures and to repair, outages and availability over 30 days, as the agents count them.
option v = {bucket: "netsonde", start: -1h, stop: now()}

from(bucket: v.bucket)
    |> range(start: v.start, stop: v.stop)
    |> filter(fn: (r) => r._measurement == "availability" and r.window == "30d")
    |> filter(fn: (r) => r._field == "ratio" or r._field == "mtbf_seconds" or r._field == "mttr_seconds" or r._field == "downtime_seconds")
    |> last()
    |> group(columns: ["agent", "target", "probe"])
    |> pivot(rowKey: ["agent", "target", "probe"], columnKey: ["_field"], valueColumn: "_value")
    |> group()
    |> sort(columns: ["ratio"])
