// The twenty interfaces of routers that carried most over the last hour, in bits per second.
option v = {bucket: "netsonde", start: -1h, stop: now()}

from(bucket: v.bucket)
    |> range(start: v.start, stop: v.stop)
    |> filter(fn: (r) => r._measurement == "routeros_interface")
    |> filter(fn: (r) => r._field == "receive_bytes_total" or r._field == "transmit_bytes_total")
    |> aggregateWindow(every: 5m, fn: last, createEmpty: false)
    |> derivative(unit: 1s, nonNegative: true)
    |> mean()
    |> map(fn: (r) => ({target: r.target, name: r.name, direction: if r._field == "receive_bytes_total" then "in" else "out", bits_per_second: r._value * 8.0}))
    |> group()
    |> top(n: 20, columns: ["bits_per_second"])
