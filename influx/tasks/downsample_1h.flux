// Means of an hour, made of those of five minutes, into the bucket netsonde_1h.
option task = {name: "netsonde: 1 hour", every: 1h, offset: 5m}

from(bucket: "netsonde_5m")
    |> range(start: -task.every)
    |> filter(fn: (r) => r._field !~ /_total$/)
    |> aggregateWindow(every: task.every, fn: mean, createEmpty: false)
    |> to(bucket: "netsonde_1h")
