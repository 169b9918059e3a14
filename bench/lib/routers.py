"""RouterOS routers: responders, how the daemon is told of them, batches of commands by wrk, and a way that takes time."""

import asyncio
import contextlib
import json
import re
import sys
import threading

from lib import lab
from lib.process import Broken, Program, finish, wait_for

sys.path.insert(0, str(lab.TOP / "tests"))
from peers.routeros.simulator import Simulator  # noqa: E402

PASSWORD, KEY = "secret", "0123456789abcdef0123456789abcdef"
CATALOGUE = lab.TOP / "probes" / "routeros" / "catalogue.conf"
# Nothing that keeps one client of the REST interface from asking as much as it can.
API = f"""
api: {{ enabled = true; rate = 0; max_per_client = 1000; max_concurrent = 1000; cache_ttl = 0;
	keys = ( {{ name = "bench"; key = "{KEY}"; rate = 0; }} ); }};
"""
# Requests take turns among the routers. done() adds up what the thread has counted.
SCRIPT = """
local n = %(first)d
local threads = {}
bad = 0 -- not local: done() reads it
local commands = string.rep('{"command":"%(command)s","use_cache":false}', %(commands)d, ",")
local headers = { ["Content-Type"] = "application/json", ["X-API-Key"] = "%(key)s" }
function setup(thread) threads[#threads + 1] = thread end
function request()
	n = n %% %(routers)d + 1
	return wrk.format("POST", "/api/v2/mikrotik/batch", headers, string.format(
		'{"router":"host-%%05d","max_concurrent":%(at_once)d,"commands":[%%s]}', n - 1, commands))
end
function response(status, headers, body)
	if status ~= 200 or not string.find(body, '"commands_successful":%(commands)d[,}]') then
		if bad == 0 then io.stderr:write(status, " ", string.sub(body, 1, 400), "\\n") end
		bad = bad + 1
	end
end
function done(summary, latency)
	local all = 0
	for _, thread in ipairs(threads) do all = all + thread:get("bad") end
	io.write(string.format("asked %%d in %%d us, bad %%d, broken %%d, p50 %%d us, p99 %%d us, longest %%d us\\n",
		summary.requests, summary.duration, all, summary.errors.connect + summary.errors.read + summary.errors.write +
		summary.errors.timeout, latency:percentile(50), latency:percentile(99), latency.max))
end
"""
# Pauses of any length up to twice the mean: requests do not come in bursts.
PACE = """
function delay() return math.random(0, %d) end
"""


def addresses(n):
    """Each a router of its own to those who listen on all of 127/8."""
    return [f"127.1.{i // 250}.{i % 250 + 1}" for i in range(n)]


def sets_but(*tiers):
    """The option that switches off all data sets of other tiers."""
    found = re.findall(r"^(\w+): \{\n  help = [^\n]*? tier = \"(\w+)\"", CATALOGUE.read_text(), re.M)
    if len(found) < 50:
        raise Broken("the catalogue does not look as it did")
    off = [name for name, tier in found if tier not in tiers and name not in ("ping", "traceroute")]  # these never go by themselves
    return "[ " + ", ".join(f'"{name}=off"' for name in off) + " ]"


def options(port, **more):
    return {"type": '"routeros"', "username": '"netsonde"', "password": f'"{PASSWORD}"', "port": port, **more}


class Responder(Program):
    """bench/routeros_limit.c, answering."""

    def __init__(self, binary, work, rows, cores):
        super().__init__([binary, "serve", 0, rows], log=work / "responder.log", cores=cores)
        self.port = int(wait_for(self.said_port, "routeros_limit to listen"))

    def said_port(self):
        self.check_alive()
        found = re.search(r"ready (\d+)", self.said())
        return found and found[1]


class Limit:
    """What bench/routeros_limit.c did as a client."""

    def __init__(self, binary, port, routers, window, seconds, command="/system/identity/print", cores=lab.PROBING):
        said = finish([binary, "ask", port, routers, window, seconds, command], cores=cores).output
        found = re.search(r": (\d+)/s, cpu ([\d.]+) us/command, .*bad (\d+), p50 ([\d.]+) ms, p99 ([\d.]+) ms", said)
        if not found or int(found[3]):
            raise Broken(f"routeros_limit said: {said}")
        self.rate, self.us, _, self.p50_ms, self.p99_ms = map(float, found.groups())


class Batches:
    """What a turn of wrk gave: the rate of commands, and times of whole calls."""

    def __init__(self, wrk, work, url, question, connections, seconds, pause_ms=0, cores=lab.ASKING):
        values = {"command": "/system/identity/print", "key": KEY, "first": 0, **question}
        script = work / "batches.lua"
        script.write_text(SCRIPT % values + (PACE % round(2 * pause_ms) if pause_ms else ""))
        done = finish([wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", script, url], cores=cores)
        found = re.search(r"asked (\d+) in (\d+) us, bad (\d+), broken (\d+), p50 (\d+) us, p99 (\d+) us, longest (\d+)",
                          done.output)
        if not found:
            raise Broken(f"wrk said: {done.output} {done.error}")
        requests, us, bad, broken, p50, p99, longest = map(int, found.groups())
        self.rate = requests / us * 1e6 * question["commands"]
        self.lost = bad + broken
        self.p50_ms, self.p99_ms, self.longest_ms = p50 / 1e3, p99 / 1e3, longest / 1e3
        self.first_error = done.error.strip()


# --- a way that takes time -------------------------------------------------------------------------------------------------


class Relay:
    """Between a client and a router: what either says comes half a round trip later. with Relay(port, 0.05) as relay.

    A connection is there at once, so the round trip that it would have taken is added to what the client says first.
    """

    def __init__(self, port, round_trip_seconds):
        self.target, self.round_trip = port, round_trip_seconds
        self.loop = asyncio.new_event_loop()
        self.port = None
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self.accept, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        self.loop.run_forever()

    async def accept(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.CancelledError):
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target)
            await asyncio.gather(self.carry(reader, there_writer, self.loop.time() + self.round_trip),
                                 self.carry(there_reader, writer, 0))

    async def carry(self, reader, writer, not_before):
        while True:
            data = await reader.read(65536)
            due = max(self.loop.time(), not_before) + self.round_trip / 2
            self.loop.call_at(due, self.give, writer, data)
            if not data:
                return

    @staticmethod
    def give(writer, data):
        if data:
            writer.write(data)
        else:
            writer.close()

    def __enter__(self):
        self.thread.start()
        self.ready.wait(10)
        return self

    def __exit__(self, *error):
        asyncio.run_coroutine_threadsafe(self.end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    async def end(self):
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def in_turn(port, commands):
    """Commands one after another, as mktxp asks: a program of its own with python3-librouteros; its times, in seconds."""
    program = f"""
import json, sys, time
from librouteros import connect
begun = time.perf_counter()
api = connect(host="127.0.0.1", port={port}, username="netsonde", password="{PASSWORD}", encoding="latin-1")
rows = 0
for command in json.loads(sys.argv[1]):
    try:
        rows += len(list(api(command)))
    except Exception as error:
        if "no such" not in str(error): raise
print(time.perf_counter() - begun, rows)
"""
    done = finish(["/usr/bin/python3", "-c", program, json.dumps(commands)])
    return float(done.output.split()[0]), done.cpu_seconds


def simulator(processes=None, **more):
    return Simulator(host="0.0.0.0", user=[f"netsonde:{PASSWORD}"], processes=processes, **more)
