// The state of each probe at the end of every hour, for reports over years: into the bucket netsonde_1h.
option task = {name: "netsonde: availability", every: 1h, offset: 5m}

from(bucket: "netsonde")
    |> range(start: -task.every)
    |> filter(fn: (r) => r._measurement == "availability")
    |> aggregateWindow(every: task.every, fn: last, createEmpty: false)
    |> to(bucket: "netsonde_1h")
