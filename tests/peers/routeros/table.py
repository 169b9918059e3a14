"""Menus with rows, and the world they describe: time that passes and traffic that flows."""

import time

from routeros import profiles, query

COUNTER_MODULUS = 1 << 64


class World:
    """One router's state. Counters are functions of the time since it was started, so that nothing need tick."""

    def __init__(self, profile, sizes=None, identity="gw1"):
        self.profile = profile
        self.sizes = {"routes": 60, "queues": 12, "leases": 40, "ppp": 30, "interfaces": 10, "rules": 12,
                      "connections": 200, "arp": 25, "logs": 60, **(sizes or {})}
        self.identity = identity
        self.uptime_before = 5 * 86400 + 7 * 3600 + 123
        self.reset_at = self.clock = time.monotonic()
        self.counter_base = None
        self.is_after_reboot = False
        self.traffic = 1.0
        self.traffic_since, self.traffic_before = self.clock, 0.0

    def tick(self):
        self.clock = time.monotonic()

    @property
    def elapsed(self):
        return self.clock - self.reset_at

    @property
    def uptime(self):
        return self.elapsed + (0 if self.is_after_reboot else self.uptime_before)

    @property
    def flow(self):
        """Seconds of ordinary traffic since the start: what counters rise with."""
        return self.traffic_before + self.traffic * (self.clock - self.traffic_since)

    def set_traffic(self, factor):
        """Counters go on from where they are, so much faster."""
        self.tick()
        self.traffic_before, self.traffic_since = self.flow, self.clock
        self.traffic = factor

    def reboot(self):
        self.tick()
        self.reset_at = self.traffic_since = self.clock
        self.traffic_before = 0.0
        self.is_after_reboot = True
        self.counter_base = None

    def count(self, base, rate):
        """A counter that had this value when the router was started and rises by rate each second."""
        if self.counter_base is not None:
            base = self.counter_base
        elif self.is_after_reboot:
            base = 0
        return str((base + int(rate * self.flow)) % COUNTER_MODULUS)

    def gauge(self, low, high, period, phase=0):
        """Swings between two values, as a saw with two sides."""
        place = ((self.clock + phase) / period) % 2
        place = place if place < 1 else 2 - place
        return low + (high - low) * place

    def ago(self, seconds):
        """The date of something that happened that long before now, by the router's clock."""
        return self.profile.date(time.time() - seconds)

    def since_start(self, seconds):
        return profiles.duration(self.elapsed + seconds)


class Table:
    """A menu. make(world) gives its rows; what clients and tests change is laid over them."""

    def __init__(self, path, make, is_live=False, is_single=False, refuses=()):
        self.path = path
        self.make = make
        self.is_live = is_live
        self.is_single = is_single
        self.refuses = refuses
        self.listeners = set()
        self.kept = None
        self.patches = {}
        self.removed = set()
        self.added = []
        self.next_id = 0xF0000

    def forget(self):
        self.kept = None

    def rows(self, world):
        """All rows, each with its .id unless the menu has just one; not to be changed by the caller."""
        if self.kept is not None and not self.is_live:
            return self.kept
        rows = self.make(world)
        if isinstance(rows, dict):
            rows = [rows]
        if not self.is_single:
            rows = [row if ".id" in row else {".id": f"*{number:X}", **row} for number, row in enumerate(rows, 1)]
        rows += self.added
        if self.removed:
            rows = [row for row in rows if row.get(".id") not in self.removed]
        if self.patches:
            rows = [{**row, **self.patches.get(row.get(".id", ""), {})} for row in rows]
        self.kept = rows
        return rows

    def find(self, world, one):
        """By number, by id or by name; None when there is no such row."""
        rows = self.rows(world)
        for row in rows:
            if row.get(".id") == one or query.as_bytes(row.get("name", "")) == one.encode():
                return row
        return rows[int(one)] if one.isdigit() and int(one) < len(rows) else None

    def _tell(self, row):
        self.forget()
        for listener in list(self.listeners):
            listener(row)

    def add(self, world, values):
        row = {".id": f"*{self.next_id:X}", **values}
        self.next_id += 1
        self.added.append(row)
        self._tell(row)
        return row[".id"]

    def change(self, world, one, values):
        name = one.get(".id", "")
        self.patches.setdefault(name, {}).update(values)
        self._tell({**one, **values})

    def remove(self, world, one):
        self.removed.add(one[".id"])
        self._tell({".id": one[".id"], ".dead": "yes"})
