"""What differs between versions of RouterOS. Each fact with its place in routeros.md; "unverified" where that says so."""

import re
import time

# Names of the issue and the version that stands for each. Any other MAJOR.MINOR[.PATCH] will do as well.
VERSIONS = {
    "6.42": "6.42.12 (long-term)",
    "6.43": "6.43.16 (long-term)",
    "6.45": "6.45.9 (long-term)",
    "6.49": "6.49.18 (long-term)",
    "7.1": "7.1.5 (stable)",
    "7.12": "7.12.1 (stable)",
    "7.16": "7.16.2 (stable)",
    "7.18": "7.18.2 (stable)",
}


class Profile:
    def __init__(self, name="7.18", board="rb", wifi=None):
        name = str(name).rstrip("+")
        if name == "7.1x":
            name = "7.16"
        text = VERSIONS.get(name, name if "(" in name else f"{name} (stable)")
        match = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
        if not match or board not in ("rb", "chr"):
            raise ValueError(f"no such profile: {name!r} on {board!r}")
        self.name = name
        self.board = board
        self.version = text
        self.number = tuple(int(part or 0) for part in match.groups())
        number = self.number
        self.is_v6 = number < (7, 0)
        # 1.5: only the challenge before 6.43, both up to 6.45.0, only the new login from 6.45.1.
        self.takes_password = number >= (6, 43)
        self.takes_challenge = number < (6, 45, 1)
        # 1.3: !empty from 7.18.
        self.says_empty = number >= (7, 18)
        # 2.1: ISO dates from 7.10 for most fields.
        self.has_iso_dates = number >= (7, 10)
        # 2.2: wifi from 7.13, wifiwave2 before, wireless on version 6.
        # A router of version 7 may have the package wireless as well.
        self.wifi = wifi or ("wireless" if self.is_v6 else "wifiwave2" if number < (7, 13) else "wifi")
        # 2.2, "newer v7"; the very version is unverified.
        self.lists_service_connections = number >= (7, 18)
        self.lists_available_packages = number >= (7, 18)
        self.pool_has_total = number >= (7, 18)
        self.has_container = number >= (7, 4)
        # 2.2: the IPv6 package may be off on version 6. Here it is off on the oldest profile.
        self.has_ipv6 = number >= (6, 43)
        self.is_virtual = board == "chr"
        self.architecture = "x86_64" if self.is_virtual else "arm64"
        self.board_name = "CHR" if self.is_virtual else "CCR2004-16G-2S+"

    def date(self, stamp):
        parts = time.gmtime(stamp)
        if self.has_iso_dates:
            return time.strftime("%Y-%m-%d %H:%M:%S", parts)
        return time.strftime("%b/%d/%Y %H:%M:%S", parts).lower()


def duration(seconds, milliseconds=0):
    """As the router writes it: 1w2d3h4m5s, without the parts that are nothing."""
    seconds = int(seconds)
    text = ""
    for unit, size in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= size:
            text += f"{seconds // size}{unit}"
            seconds %= size
    if milliseconds:
        text += f"{milliseconds}ms"
    return text or "0s"
