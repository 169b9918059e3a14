// Loss and round trip by the autonomous system of the target, over the last day. It needs section geo of the agents.
option v = {bucket: "netsonde", start: -24h, stop: now()}

mean_of = (field) => from(bucket: v.bucket)
    |> range(start: v.start, stop: v.stop)
    |> filter(fn: (r) => r._measurement == "ping" and r._field == field and exists r.asn)
    |> mean()
    |> group(columns: ["asn"])
    |> mean()
    |> group()
    |> keep(columns: ["asn", "_value"])
    |> rename(columns: {_value: field})

join(tables: {loss: mean_of(field: "loss_ratio"), rtt: mean_of(field: "rtt_avg_seconds")}, on: ["asn"])
    |> sort(columns: ["loss_ratio"], desc: true)
