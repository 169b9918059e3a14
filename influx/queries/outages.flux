import "array"
import "regexp"
import "strings"

// When probes went down and came back within the last week: the changes of their state. Every state is read of those targets
// only that were down at all.
option v = {bucket: "netsonde", start: -7d, stop: now()}

down = from(bucket: v.bucket)
    |> range(start: v.start, stop: v.stop)
    |> filter(fn: (r) => r._measurement == "availability" and r._field == "up")
    |> min()
    |> filter(fn: (r) => r._value == 0)
    |> group()
    |> findColumn(fn: (key) => true, column: "target")
targets = array.map(arr: down, fn: (x) => regexp.quoteMeta(v: x))
pattern = regexp.compile(v: "^(" + strings.joinStr(arr: targets, v: "|") + ")$")

from(bucket: v.bucket)
    |> range(start: v.start, stop: v.stop)
    |> filter(fn: (r) => r._measurement == "availability" and r._field == "up")
    |> filter(fn: (r) => r.target =~ pattern)
    |> difference(keepFirst: false)
    |> filter(fn: (r) => r._value != 0)
    |> map(fn: (r) => ({_time: r._time, agent: r.agent, target: r.target, probe: r.probe, change: if r._value < 0 then "down" else "up"}))
    |> group()
    |> sort(columns: ["_time"], desc: true)
