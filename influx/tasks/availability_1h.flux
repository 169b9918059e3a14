// Counters, and the state of each probe, at the end of every hour, for reports over years: into the bucket netsonde_1h.
option task = {name: "netsonde: availability", every: 1h, offset: 5m}

from(bucket: "netsonde_5m")
    |> range(start: -2h)
    |> filter(fn: (r) => r._field =~ /_total$/ or r._measurement == "availability")
    |> aggregateWindow(every: 1h, fn: last, createEmpty: false, timeSrc: "_start")
    |> to(bucket: "netsonde_1h")
