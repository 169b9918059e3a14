// Means of five minutes into the bucket netsonde_5m, kept for longer than what they are made of. Storage works them out by
// itself, so texts are left out by name. It looks back further than it has to: lines that an agent sent late are in the next
// turn. What was later than that: influx/queries/catch_up.flux.
option task = {name: "netsonde: 5 minutes", every: 5m, offset: 30s}

from(bucket: "netsonde")
    |> range(start: -15m)
    |> filter(fn: (r) => r._measurement !~ /^(availability|event|traceroute_hop|traceroute_edge|routeros_log_line)$/)
    |> filter(fn: (r) => r._field !~ /(_total|^(reason|boot|run|rcode_name|transport|failure|verify_error|ocsp_status|final_host|end|path|as_path|cause|endpoint_address))$/)
    |> aggregateWindow(every: 5m, fn: mean, createEmpty: false, timeSrc: "_start")
    |> to(bucket: "netsonde_5m")
