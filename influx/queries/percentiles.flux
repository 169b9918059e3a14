// Round trips of each ping over the last day: median, 95th and 99th percentile of its runs.
option v = {bucket: "netsonde", start: -24h, stop: now()}

runs = from(bucket: v.bucket)
    |> range(start: v.start, stop: v.stop)
    |> filter(fn: (r) => r._measurement == "ping" and r._field == "rtt_avg_seconds")

at = (q, name) => runs
    |> quantile(q: q, method: "estimate_tdigest")
    |> set(key: "quantile", value: name)
    |> group()
    |> keep(columns: ["agent", "target", "probe", "quantile", "_value"])

union(tables: [at(q: 0.5, name: "p50"), at(q: 0.95, name: "p95"), at(q: 0.99, name: "p99")])
    |> group(columns: ["agent", "target", "probe"])
    |> pivot(rowKey: ["agent", "target", "probe"], columnKey: ["quantile"], valueColumn: "_value")
    |> group()
    |> sort(columns: ["p99"], desc: true)
