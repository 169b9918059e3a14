"""The menus of the router itself: resources, health, identity, licence, packages, users, services, certificates, log."""

import time

from routeros.profiles import duration

CORES = 4


def resource(w):
    p = w.profile
    row = {
        "uptime": duration(w.uptime), "version": p.version, "build-time": "2024-11-19 09:44:09" if p.has_iso_dates else
        "Feb/07/2024 09:59:26", "factory-software": "6.48.3", "free-memory": str(int(w.gauge(2.9e9, 3.1e9, 37))),
        "total-memory": "4294967296", "cpu": "ARM64" if not p.is_virtual else "QEMU", "cpu-count": str(CORES),
        "cpu-frequency": "1700", "cpu-load": str(int(w.gauge(3, 48, 11))), "free-hdd-space": "94371840",
        "total-hdd-space": "134217728", "architecture-name": p.architecture, "board-name": p.board_name,
        "platform": "MikroTik",
    }
    if not p.is_virtual:
        row |= {"write-sect-since-reboot": w.count(33216, 0.3), "write-sect-total": w.count(1283216, 0.3),
                "bad-blocks": "0"}
    else:
        del row["factory-software"]
    return row


def cpu(w):
    return [
        {"cpu": f"cpu{core}", "load": str(int(w.gauge(1, 60, 7, core * 3))), "irq": str(core), "disk": "0"}
        for core in range(CORES)
    ]


# 2.2: one row per sensor from version 7, one row with a property per sensor before; nothing at all on a CHR.
SENSORS = [
    ("cpu-temperature", "52", "C"), ("board-temperature1", "38", "C"), ("temperature", "41", "C"),
    ("fan1-speed", "4230", "RPM"),
    ("fan2-speed", "4245", "RPM"), ("voltage", "24.1", "V"), ("psu1-state", "ok", ""), ("psu2-state", "fail", ""),
    ("psu1-voltage", "12.1", "V"), ("power-consumption", "13.5", "W"), ("psu1-current", "1.1", "A"),
]


def health(w):
    if w.profile.is_virtual:
        return []
    values = [(name, str(int(w.gauge(40, 56, 29))) if name == "cpu-temperature" else value, kind) for name, value,
              kind in SENSORS]
    if w.profile.is_v6:
        return [{name: value for name, value, _ in values}]
    return [{".id": f"*{13 + i:X}", "name": name, "value": value, "type": kind} for i,
            (name, value, kind) in enumerate(values)]


def identity(w):
    return {"name": w.identity}


def routerboard(w):
    return {
        "routerboard": "true" if not w.profile.is_v6 else "yes", "board-name": w.profile.board_name,
        "model": "CCR2004-16G-2S+",
        "serial-number": "HC0000TEST1", "firmware-type": "al64v2", "factory-firmware": "6.48.3",
        "current-firmware": w.profile.version.split()[0], "upgrade-firmware": w.profile.version.split()[0],
    }


def license(w):
    if w.profile.is_virtual:
        return {"system-id": "TESTSYSTEM1", "level": "p1", "next-renewal-at": w.ago(-86400),
                "deadline-at": w.ago(-30 * 86400)}
    return {"software-id": "TEST-0001", "nlevel": "6", "features": ""}


def package(w):
    p, number = w.profile, w.profile.version.split()[0]
    built = "2024-11-19 09:44:09" if p.has_iso_dates else "nov/19/2024 09:44:09"
    names = ["routeros"] if not p.is_v6 else ["routeros-arm64", "system", "security", "dhcp", "ppp", "wireless"]
    names += {"wifi": ["wifi-qcom", "container"], "wifiwave2": ["wifiwave2"], "wireless": [] if p.is_v6
              else ["wireless"]}[p.wifi]
    if p.is_v6 and p.has_ipv6:
        names.append("ipv6")
    rows = [{"name": name, "version": number, "build-time": built, "scheduled": "", "disabled": "false"}
            for name in names]
    if p.lists_available_packages:
        rows += [{"name": "zerotier", "version": "", "scheduled": "", "available": "true", "disabled": "false"}]
    return rows


def update(w):
    number = w.profile.version.split()[0]
    return {"channel": "stable", "installed-version": number, "latest-version": "7.22.1",
            "status": "New version is available"}


def clock(w):
    stamp = time.gmtime()
    day = time.strftime("%Y-%m-%d" if w.profile.has_iso_dates else "%b/%d/%Y", stamp).lower()
    return {"time": time.strftime("%H:%M:%S", stamp), "date": day, "time-zone-autodetect": "true",
            "time-zone-name": "UTC",
            "gmt-offset": "+00:00", "dst-active": "false"}


def user(w):
    return [
        {"name": "admin", "group": "full", "address": "", "last-logged-in": w.ago(3600), "disabled": "false"},
        {"name": "netsonde", "group": "read", "address": "", "last-logged-in": w.ago(60), "disabled": "false",
         "comment": b"\xdcberwachung"},
    ]


def active_user(w):
    return [
        {"when": w.ago(w.elapsed), "name": "netsonde", "address": "192.0.2.9", "via": "api", "group": "read"},
        {"when": w.ago(w.elapsed + 5000), "name": "admin", "address": "192.0.2.10", "via": "winbox", "group": "full"},
        {"when": w.ago(w.elapsed + 90), "name": "admin", "address": "192.0.2.10", "via": "ssh", "group": "full"},
    ]


SERVICES = [("telnet", 23, True), ("ftp", 21, True), ("www", 80, False), ("ssh", 22, False), ("www-ssl", 443, True),
            ("api", 8728, False), ("winbox", 8291, False), ("api-ssl", 8729, False)]


def service(w):
    rows = [
        {"name": name, "port": str(port), "address": "", "vrf": "main", "max-sessions": "20", "invalid": "false",
         "disabled": "true" if is_off else "false", "dynamic": "false",
         **({"certificate": "none"} if name.endswith("-ssl") else {})}
        for name, port, is_off in SERVICES
    ]
    if w.profile.lists_service_connections:
        rows += [{"name": "api", "port": "8728", "dynamic": "true", "connection": "true", "local": "192.0.2.1:8728",
                  "remote": "192.0.2.9:51234", "disabled": "false"}]
    if w.profile.is_v6:
        for row in rows:
            row.pop("vrf", None), row.pop("dynamic", None), row.pop("max-sessions", None)
    return rows


def certificate(w):
    return [
        {"name": "api", "digest-algorithm": "sha256", "key-type": "rsa", "country": "LV", "common-name": "gw1.example",
         "key-size": "2048", "subject-alt-name": "DNS:gw1.example", "days-valid": "365", "trusted": "true",
         "key-usage": "digital-signature,key-encipherment,tls-server", "serial-number": "4D2A",
         "fingerprint": "ab" * 32,
         "akid": "", "skid": "cd" * 20, "invalid-before": w.ago(100 * 86400), "invalid-after": w.ago(-265 * 86400),
         "expires-after": duration(265 * 86400 - w.elapsed), "private-key": "true"},
        {"name": "old", "common-name": "gw1.old.example", "key-size": "2048", "expired": "true", "trusted": "false",
         "invalid-before": w.ago(900 * 86400), "invalid-after": w.ago(535 * 86400), "fingerprint": "01" * 32},
    ]


TOPICS = [("system,info", "changed by admin"), ("firewall,info", "input: in:ether1 out:(unknown 0), proto UDP"),
          ("dhcp,info", "defconf assigned 192.168.88.20 to 02:00:00:00:00:20"), ("interface,info", "ether3 link up"),
          ("system,error,critical", "login failure for user root from 203.0.113.9 via ssh"),
          ("pppoe,ppp,info,account", "user0001 logged in, 10.9.0.1"), ("wireless,info",
                                                                       b"caf\xe9: connected, signal -51")]


def log(w):
    rows = []
    for i in range(w.sizes["logs"]):
        topics, message = TOPICS[i % len(TOPICS)]
        age = (w.sizes["logs"] - i) * 20
        stamp = w.ago(w.elapsed + age)
        rows.append({"time": stamp if not w.profile.is_v6 else stamp.split()[1], "topics": topics, "message": message,
                     "buffer": "memory"})
    return rows


def netwatch(w):
    if w.profile.is_v6:
        return [
            {"host": "198.51.100.1", "timeout": "1s", "interval": "1m", "since": w.ago(w.elapsed + 777), "status": "up",
             "disabled": "false"},
            {"host": "198.51.100.2", "timeout": "1s", "interval": "1m", "since": w.ago(w.elapsed + 77),
             "status": "down",
             "disabled": "false", "comment": "the other end"},
        ]
    common = {"timeout": "3s", "interval": "10s", "disabled": "false"}
    return [
        {"name": "upstream", "host": "198.51.100.1", "type": "icmp", "since": w.ago(w.elapsed + 777), "status": "up",
         "done-tests": w.count(1000, 0.1), "failed-tests": "3", "loss-count": "0", "loss-percent": "0",
         "rtt-avg": "10ms120us",
         "rtt-min": "9ms", "rtt-max": "12ms731us", "rtt-jitter": "3ms731us", "rtt-stdev": "1ms5us", **common},
        {"name": "web", "host": "198.51.100.3", "type": "http-get", "since": w.ago(w.elapsed + 7), "status": "up",
         "port": "80",
         "done-tests": w.count(500, 0.1), "failed-tests": "0", "tcp-connect-time": "11ms20us",
         "http-status-code": "200",
         "http-resp-time": "20ms230us", **common},
        {"name": "gone", "host": "198.51.100.2", "type": "simple", "since": w.ago(w.elapsed + 70), "status": "down",
         "comment": "the other end",
         **common},
    ]


def cloud(w):
    return {"ddns-enabled": "true" if not w.profile.is_v6 else "yes", "public-address": "203.0.113.7",
            "dns-name": "hc0000test1.sn.mynetname.net",
            "status": "updated", "update-time": "true"}


def container(w):
    return [{"name": "0a1b2c3d", "repo": "registry-1.docker.io/library/alpine:latest", "os": "linux", "arch": "arm64",
             "status": "running"}]



def routing_process(w):
    return [
        {"tasks": name, "id": name.split()[0], "pid": str(130 + i), "private-mem-blocks": "262144",
         "shared-mem-blocks": "0",
         "private-mem": "1.5MiB", "shared-mem": "2.0MiB", "kernel-time": f"{i + 1}s120ms",
         "process-time": f"{i + 2}s230ms", "max-busy": "20ms",
         "max-calc": "30ms", "cur-busy": "10ms", "cur-calc": "0ms"}
        for i, name in enumerate(("main", "rib", "bgp input", "ospf"))
    ]


# path, rows, whether they change by themselves, whether the menu has just one row, and on which routers there is such a menu.
MENUS = [
    ("/system/resource", resource, True, True, None),
    ("/system/resource/cpu", cpu, True, False, None),
    ("/system/health", health, True, False, None),
    ("/system/identity", identity, False, True, None),
    ("/system/routerboard", routerboard, False, True, lambda p: not p.is_virtual),
    ("/system/license", license, False, True, None),
    ("/system/package", package, False, False, None),
    ("/system/package/update", update, False, True, None),
    ("/system/clock", clock, True, True, None),
    ("/user", user, False, False, None),
    ("/user/active", active_user, True, False, None),
    ("/ip/service", service, False, False, None),
    ("/certificate", certificate, True, False, None),
    ("/log", log, False, False, None),
    ("/tool/netwatch", netwatch, True, False, None),
    ("/ip/cloud", cloud, False, True, None),
    ("/container", container, False, False, lambda p: p.has_container),
    ("/routing/stats/process", routing_process, False, False, lambda p: not p.is_v6),
]
