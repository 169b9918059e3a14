// The twenty pings that lost most over the last day, with their round trips.
// For InfluxDB 2. Bucket and time range are said once, here.
option v = {bucket: "netsonde", start: -24h, stop: now()}

pings = from(bucket: v.bucket)
    |> range(start: v.start, stop: v.stop)
    |> filter(fn: (r) => r._measurement == "ping")

loss = pings
    |> filter(fn: (r) => r._field == "loss_ratio")
    |> mean()
    |> group()
    |> keep(columns: ["agent", "target", "probe", "_value"])
    |> rename(columns: {_value: "loss_ratio"})

rtt = pings
    |> filter(fn: (r) => r._field == "rtt_avg_seconds")
    |> mean()
    |> group()
    |> keep(columns: ["agent", "target", "probe", "_value"])
    |> rename(columns: {_value: "rtt_avg_seconds"})

join(tables: {loss: loss, rtt: rtt}, on: ["agent", "target", "probe"])
    |> top(n: 20, columns: ["loss_ratio"])
