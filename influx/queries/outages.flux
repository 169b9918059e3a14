// When probes went down and came back within the last week: the changes of their state.
option v = {bucket: "netsonde", start: -7d, stop: now()}

from(bucket: v.bucket)
    |> range(start: v.start, stop: v.stop)
    |> filter(fn: (r) => r._measurement == "availability" and r._field == "up")
    |> difference(keepFirst: false)
    |> filter(fn: (r) => r._value != 0)
    |> map(fn: (r) => ({_time: r._time, agent: r.agent, target: r.target, probe: r.probe, change: if r._value < 0 then "down" else "up"}))
    |> group()
    |> sort(columns: ["_time"], desc: true)
