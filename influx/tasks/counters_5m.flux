// The last value of each counter within five minutes, into the bucket netsonde_5m: rates over long times need no more.
option task = {name: "netsonde: counters", every: 5m, offset: 30s}

from(bucket: "netsonde")
    |> range(start: -task.every)
    |> filter(fn: (r) => r._field =~ /_total$/)
    |> aggregateWindow(every: task.every, fn: last, createEmpty: false)
    |> to(bucket: "netsonde_5m")
