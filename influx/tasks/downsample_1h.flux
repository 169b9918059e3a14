// Means of an hour, made of those of five minutes, into the bucket netsonde_1h.
option task = {name: "netsonde: 1 hour", every: 1h, offset: 5m}

from(bucket: "netsonde_5m")
    |> range(start: -2h)
    |> filter(fn: (r) => r._measurement != "availability" and r._field !~ /_total$/)
    |> aggregateWindow(every: 1h, fn: mean, createEmpty: false, timeSrc: "_start")
    |> to(bucket: "netsonde_1h")
