// Fills the buckets netsonde_5m and netsonde_1h again from what is in netsonde: after an outage for longer than the tasks look
// back, when agents have sent what they had kept. It may run again at any time: the same points are written. Start and stop
// at full hours, or the first and last hour are of a part.
option v = {bucket: "netsonde", start: -24h, stop: now()}

from(bucket: v.bucket)
    |> range(start: v.start, stop: v.stop)
    |> filter(fn: (r) => r._measurement !~ /^(availability|event|traceroute_hop|traceroute_edge|routeros_log_line)$/)
    |> filter(fn: (r) => r._field !~ /(_total|^(reason|boot|run|rcode_name|transport|failure|verify_error|ocsp_status|final_host|end|path|as_path|cause|endpoint_address))$/)
    |> aggregateWindow(every: 5m, fn: mean, createEmpty: false, timeSrc: "_start")
    |> to(bucket: v.bucket + "_5m")
    |> yield(name: "mean 5m")

from(bucket: v.bucket)
    |> range(start: v.start, stop: v.stop)
    |> filter(fn: (r) => r._field =~ /_total$/ or r._measurement == "availability")
    |> aggregateWindow(every: 5m, fn: last, createEmpty: false, timeSrc: "_start")
    |> to(bucket: v.bucket + "_5m")
    |> yield(name: "last 5m")

from(bucket: v.bucket)
    |> range(start: v.start, stop: v.stop)
    |> filter(fn: (r) => r._measurement !~ /^(availability|event|traceroute_hop|traceroute_edge|routeros_log_line)$/)
    |> filter(fn: (r) => r._field !~ /(_total|^(reason|boot|run|rcode_name|transport|failure|verify_error|ocsp_status|final_host|end|path|as_path|cause|endpoint_address))$/)
    |> aggregateWindow(every: 1h, fn: mean, createEmpty: false, timeSrc: "_start")
    |> to(bucket: v.bucket + "_1h")
    |> yield(name: "mean 1h")

from(bucket: v.bucket)
    |> range(start: v.start, stop: v.stop)
    |> filter(fn: (r) => r._field =~ /_total$/ or r._measurement == "availability")
    |> aggregateWindow(every: 1h, fn: last, createEmpty: false, timeSrc: "_start")
    |> to(bucket: v.bucket + "_1h")
    |> yield(name: "last 1h")
