"""wrk, which asks a /probe for one target after the other and looks at every answer."""

import re

from lib import lab
from lib.process import Broken, finish

CONNECTIONS = 16
# Every request another target, as a scraper with many targets asks. done() adds up what the thread has counted.
SCRIPT = """
local n = 0
local threads = {}
bad = 0 -- not local: done() reads it
function setup(thread) threads[#threads + 1] = thread end
function request()
	n = n %% %(addresses)d + 1
	return wrk.format("GET", "/probe?module=%(module)s&target=" .. string.format("%(target)s", math.floor(n / 256), n %% 256))
end
function response(status, headers, body)
	if status ~= 200 or not string.find(body, "probe_success 1", 1, true) then
		bad = bad + 1
	end
end
function done(summary, latency)
	local all = 0
	for _, thread in ipairs(threads) do all = all + thread:get("bad") end
	io.write(string.format("asked %%d in %%d us, bad %%d, broken %%d, p50 %%d us, p99 %%d us\\n", summary.requests,
		summary.duration, all, summary.errors.connect + summary.errors.read + summary.errors.write +
		summary.errors.timeout, latency:percentile(50), latency:percentile(99)))
end
"""
PACE = """
function delay() return math.random(0, %d) end
"""


class Asked:
    """What a turn of wrk gave."""

    def __init__(self, said):
        found = re.search(r"asked (\d+) in (\d+) us, bad (\d+), broken (\d+), p50 (\d+) us, p99 (\d+) us", said)
        if not found:
            raise Broken(f"wrk said: {said}")
        self.requests, us, bad, broken, p50, p99 = map(int, found.groups())
        self.rate = self.requests / us * 1e6
        self.lost = bad + broken
        self.p50_ms, self.p99_ms = p50 / 1e3, p99 / 1e3


def ask(wrk, work, url, question, seconds, pause_ms=0):
    """question: module, target (a pattern of two numbers) and addresses, how many of them take turns.

    pause_ms: how long each connection waits between two requests, in the mean; 0: not at all.
    """
    script = SCRIPT % question + (PACE % round(2 * pause_ms) if pause_ms else "")
    (work / "probe.lua").write_text(script)
    done = finish([wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", work / "probe.lua", url],
                  cores=lab.ASKING)
    return Asked(done.output)
