"""Writes the past of series into Prometheus by remote write, in the order of time.

Series that have the same interval and reach equally far back go together; a request has many series, and of each the
samples of some minutes. What Prometheus takes is snappy of protobuf; snappy may be said without compressing anything.
"""

import concurrent.futures
import random
import re
import struct
import time
import urllib.request

LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
SERIES_A_REQUEST = 2000
PIECE_SECONDS = 3000  # less than what Prometheus bears of disorder
IS_COUNTER = re.compile(r"_(?:total|bucket|count|sum)$")


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


def snappy(data):
    """Literals only."""
    parts = [varint(len(data))]
    for i in range(0, len(data), 65536):
        piece = data[i:i + 65536]
        parts += [bytes([61 << 2]), struct.pack("<H", len(piece) - 1), piece]
    return b"".join(parts)


class Series:
    def __init__(self, name, text, value):
        labels = [("__name__", name), *LABEL.findall(text)]
        unescaped = [(key, re.sub(r"\\(.)", r"\1", said)) for key, said in labels]
        self.labels = b"".join(field(1, field(1, key.encode()) + field(2, said.encode())) for key, said in sorted(unescaped))
        self.value, self.is_counter = value, bool(IS_COUNTER.search(name))
        self.moves = not self.is_counter and value != int(value)

    def samples(self, stamps, begin, end, noise):
        if self.is_counter:
            values = [self.value * (stamp - begin) / (end - begin) for stamp in stamps]
        elif self.moves:
            first = random.randrange(len(noise))
            values = [self.value * noise[(first + i) % len(noise)] for i in range(len(stamps))]
        else:
            values = [self.value] * len(stamps)
        pack = struct.Struct("<d").pack
        # 2 * tag and length, value, then the time, which has six bytes from 2004 to 2109.
        return b"".join(b"\x12\x10\x09" + pack(value) + b"\x10" + stamp for value, stamp in zip(values, stamped(stamps)))


CACHE = {}


def stamped(stamps):
    """The varints of times in milliseconds: the same for many series."""
    key = (stamps[0], stamps[-1], len(stamps))
    if key not in CACHE:
        CACHE.clear()
        CACHE[key] = [varint(stamp * 1000) for stamp in stamps]
    return CACHE[key]


class Past:
    def __init__(self, url, rules, templates, drawn, shown_seconds):
        """templates: (series, value) of each name; drawn: the names that boards look back on, for shown_seconds."""
        self.url = url
        self.noise = [1 + random.gauss(0, 0.05) for _ in range(997)]
        self.sets = {}  # (interval, how far back) -> series
        for name, found in templates.items():
            far = max(shown_seconds if name in drawn else 0, rules.look_back(name))
            # Histograms are asked for one target at a time.
            if far and not name.endswith("_bucket"):
                series = [(name, text, float(value)) for text, value in found]
                self.sets.setdefault((rules.interval(name), far), []).extend(series)

    def write(self):
        """Up to now; how many samples."""
        begin = int(time.time()) - int(max(far for _, far in self.sets))
        end, total = int(time.time()), 0
        with concurrent.futures.ProcessPoolExecutor(3) as pool:
            while begin < time.time() - 15:
                until = min(begin + PIECE_SECONDS, int(time.time()))
                jobs = []
                for (interval, far), series in self.sets.items():
                    stamps = range(max(begin, end - int(far)) // interval * interval + interval, until + 1, interval)
                    if not stamps:
                        continue
                    total += len(stamps) * len(series)
                    for i in range(0, len(series), SERIES_A_REQUEST):
                        jobs.append(pool.submit(send, self.url, series[i:i + SERIES_A_REQUEST], stamps, (end - int(far), end), self.noise))
                for job in jobs:
                    job.result()
                begin = until
        return total


def send(url, series, stamps, reach, noise):
    body = b"".join(
        field(1, one.labels + one.samples(stamps, *reach, noise)) for one in (Series(*values) for values in series))
    headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf", "X-Prometheus-Remote-Write-Version": "0.1.0"}
    with urllib.request.urlopen(urllib.request.Request(url + "/api/v1/write", data=snappy(body), headers=headers), timeout=600):
        pass
