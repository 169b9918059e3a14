// Loss and round trip by the country of the target, over the last day. It needs section geo of the agents.
option v = {bucket: "netsonde", start: -24h, stop: now()}

mean_of = (field) => from(bucket: v.bucket)
    |> range(start: v.start, stop: v.stop)
    |> filter(fn: (r) => r._measurement == "ping" and r._field == field and exists r.country)
    |> mean()
    |> group(columns: ["country"])
    |> mean()
    |> group()
    |> keep(columns: ["country", "_value"])
    |> rename(columns: {_value: field})

join(tables: {loss: mean_of(field: "loss_ratio"), rtt: mean_of(field: "rtt_avg_seconds")}, on: ["country"])
    |> sort(columns: ["loss_ratio"], desc: true)
