import "types"

// Means of five minutes into the bucket netsonde_5m, kept for longer than what they are made of.
option task = {name: "netsonde: 5 minutes", every: 5m, offset: 30s}

from(bucket: "netsonde")
    |> range(start: -task.every)
    |> filter(fn: (r) => r._measurement == "ping" or r._measurement == "qos" or r._measurement == "http" or r._measurement == "dns" or r._measurement == "tcp" or r._measurement == "routeros_system" or r._measurement == "routeros_interface")
    |> filter(fn: (r) => r._field !~ /_total$/ and r._field != "reason" and r._field != "boot" and r._field != "run")
    |> filter(fn: (r) => types.isType(v: r._value, type: "float"))
    |> aggregateWindow(every: task.every, fn: mean, createEmpty: false)
    |> to(bucket: "netsonde_5m")
