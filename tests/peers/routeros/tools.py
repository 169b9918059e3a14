"""What the router runs by itself: ping, traceroute, torch, monitors. Each is an asynchronous generator of rows."""

import asyncio
import re

from routeros.data_interfaces import MONITORS, monitor_traffic
from routeros.trap import Trap

UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001, "us": 0.000001}
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|w|d|h|m|s)?")


def read_duration(text):
    if not re.fullmatch(f"(?:{PART.pattern})+", text):
        raise Trap("value of interval must be a time interval", 1)
    return sum(float(number) * UNITS[unit or "s"] for number, unit in PART.findall(text))


def number(arguments, name, default):
    text = arguments.get(name, default)
    if text is not None and not str(text).isdigit():
        raise Trap(f"invalid value for argument {name}", 1)
    return None if text is None else int(text)


def refuse_unknown(arguments, known):
    """routeros.md, 2.2: a name that the version does not know is "unknown parameter"."""
    for name in arguments:
        if name not in known:
            raise Trap("unknown parameter")


def need_address(arguments):
    address = arguments.get("address", "")
    if not address:
        raise Trap("missing =address=", 0)
    if address.endswith(".invalid"):
        raise Trap("while resolving ip-address: could not get answer from dns server", 4)
    return address


# For tests: this address never answers, this one leaves out each third, all others answer.
NEVER, SOMETIMES = "203.0.113.254", "203.0.113.253"


def answers(address, sequence):
    return address != NEVER and not (address == SOMETIMES and sequence % 3 == 2)


def time_text(microseconds, profile):
    """2.2: milliseconds on version 6, with microseconds on version 7."""
    milliseconds, rest = divmod(microseconds, 1000)
    return f"{milliseconds}ms" if profile.is_v6 or not rest else f"{milliseconds}ms{rest}us" if milliseconds else f"{rest}us"


PING = {"address", "count", "interval", "size", "src-address", "interface", "ttl", "do-not-fragment", "arp-ping",
        "dscp"}


def ping(router, arguments):
    profile = router.profile
    refuse_unknown(arguments, PING | ({"routing-table"} if profile.is_v6 else {"vrf"}))
    address, size = need_address(arguments), arguments.get("size", "56")
    count = number(arguments, "count", None)
    interval = read_duration(arguments.get("interval", "1s")) * router.pace

    async def rows():
        sequence, times = 0, []
        while count is None or sequence < count:
            row = {"seq": str(sequence), "host": address}
            if answers(address, sequence):
                times.append(10120 + sequence * 37 % 900)
                row |= {"size": size, "ttl": "55", "time": time_text(times[-1], profile)}
            else:
                row |= {"status": "timeout"}
            sequence += 1
            row |= {"sent": str(sequence), "received": str(len(times)),
                    "packet-loss": str(100 * (sequence - len(times)) // sequence)}
            if times:
                row |= {"min-rtt": time_text(min(times), profile), "avg-rtt": time_text(sum(times) // len(times),
                                                                                        profile), "max-rtt": time_text(max(times), profile)}
            yield [row]
            if count is None or sequence < count:
                await asyncio.sleep(interval)
    return rows()


TRACEROUTE = {"address", "count", "max-hops", "timeout", "protocol", "port", "src-address", "size", "use-dns",
              "interface", "dscp"}


def traceroute(router, arguments):
    refuse_unknown(arguments, TRACEROUTE | ({"routing-table"} if router.profile.is_v6 else {"vrf"}))
    address = need_address(arguments)
    count = number(arguments, "count", None)
    most = number(arguments, "max-hops", "15")
    hops = ["192.0.2.254", "", "198.51.100.17", address][:most]

    def row(section, hop, sent):
        known = {".section": str(section), "address": hops[hop], "sent": str(sent), "status": ""}
        if not hops[hop] or hops[hop] == NEVER:
            return known | {"loss": "100", "last": "timeout"}
        last = (hop + 1) * 3.1
        return known | {"loss": "0", "last": f"{last:.1f}", "avg": f"{last + 0.1:.1f}", "best": f"{last - 0.2:.1f}",
                        "worst": f"{last + 0.9:.1f}", "std-dev": "0.3"}

    async def rows():
        section, sent = 0, 0
        while count is None or sent < count:
            sent += 1
            for known in range(1 if sent == 1 else len(hops), len(hops) + 1):
                yield [row(section, hop, sent) for hop in range(known)]
                section += 1
                await asyncio.sleep(0.1 * router.pace)
            if count is None or sent < count:
                await asyncio.sleep(router.pace)
    return rows()


def torch(router, arguments):
    async def rows():
        while True:
            yield [{"src-address": "192.168.88.10", "dst-address": "203.0.113.5", "tx": "12000", "rx": "400",
                    "tx-packets": "3", "rx-packets": "2"}]
            await asyncio.sleep(router.pace)
    return rows()


def wanted_rows(router, table, arguments):
    names = arguments.get("numbers", arguments.get("number", arguments.get(".id", "")))
    if not names:
        raise Trap("no such item (4)", 0)
    found = [table.find(router.world, name) for name in names.split(",")]
    if None in found:
        raise Trap("no such item", 0)
    return found


def monitor(router, table, arguments):
    """Once, or again each second for ever."""
    make = MONITORS.get(table.path)
    if not make:
        raise Trap("no such command", 0)
    refuse_unknown(arguments, {"numbers", "number", ".id", "once", ".proplist", "interval", "duration", "as-string"
                               if not router.profile.is_v6 else "once"})
    found = wanted_rows(router, table, arguments)

    def once():
        router.world.tick()
        return [make(router.world, row["name"]) for row in found]

    if "once" in arguments:
        return once()
    return repeat(router, once)


async def repeat(router, once, seconds=1.0):
    while True:
        yield once()
        await asyncio.sleep(seconds * router.pace)


def traffic(router, table, arguments):
    """2.2: one measuring second for each call."""
    refuse_unknown(arguments, {"interface", "once", ".proplist", "interval", "duration"})
    names = arguments.get("interface", "").split(",")
    found = [table.find(router.world, name) for name in names]
    if None in found:
        raise Trap("input does not match any value of interface", 1)
    all_rows = table.rows(router.world)

    async def rows():
        while True:
            await asyncio.sleep(router.pace)
            router.world.tick()
            yield [monitor_traffic(router.world, row["name"], all_rows.index(row) if row in all_rows else 0)
                   for row in found]
            if "once" in arguments:
                return
    return rows()
