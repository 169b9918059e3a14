// Round trips of each ping over the last hour: median, 95th and 99th percentile of its runs. Quantiles need every run, and
// storage cannot work them out: for a day of many targets, choose some by "targets".
option v = {bucket: "netsonde", start: -1h, stop: now()}

targets = /.*/

runs = from(bucket: v.bucket)
    |> range(start: v.start, stop: v.stop)
    |> filter(fn: (r) => r._measurement == "ping" and r._field == "rtt_avg_seconds" and r.target =~ targets)

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
