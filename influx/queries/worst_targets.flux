// The twenty pings that lost most over the last day, with their round trips.
// For InfluxDB 2. Bucket and time range are said once, here.
option v = {bucket: "netsonde", start: -24h, stop: now()}

mean_of = (field) => from(bucket: v.bucket)
    |> range(start: v.start, stop: v.stop)
    |> filter(fn: (r) => r._measurement == "ping" and r._field == field)
    |> mean()
    |> group()
    |> keep(columns: ["agent", "target", "probe", "_value"])
    |> rename(columns: {_value: field})

join(tables: {loss: mean_of(field: "loss_ratio"), rtt: mean_of(field: "rtt_avg_seconds")}, on: ["agent", "target", "probe"])
    |> top(n: 20, columns: ["loss_ratio"])
