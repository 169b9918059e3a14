// The last value of each counter within five minutes, into the bucket netsonde_5m: rates over long times need no more. What
// is told about availability are states and sums over windows, of which the last is what counts, too.
option task = {name: "netsonde: counters", every: 5m, offset: 30s}

from(bucket: "netsonde")
    |> range(start: -15m)
    |> filter(fn: (r) => r._field =~ /_total$/ or r._measurement == "availability")
    |> aggregateWindow(every: 5m, fn: last, createEmpty: false, timeSrc: "_start")
    |> to(bucket: "netsonde_5m")
