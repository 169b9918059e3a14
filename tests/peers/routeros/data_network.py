"""The menus of the network layers: addresses, firewall, queues, PPP, DHCP, hotspot, routing, IPsec, neighbours, DNS, pools."""

import ipaddress

from routeros.data_interfaces import mac, only_v7
from routeros.profiles import duration

TEN = int(ipaddress.ip_address("10.0.0.0"))


def host(base, number):
    return str(ipaddress.ip_address(base) + number)


def address(w):
    return [
        {"address": "192.0.2.1/24", "network": "192.0.2.0", "interface": "ether1", "actual-interface": "ether1",
         "invalid": "false", "dynamic": "false", "disabled": "false", "comment": "uplink"},
        {"address": "192.168.88.1/24", "network": "192.168.88.0", "interface": "bridge", "actual-interface": "bridge",
         "invalid": "false", "dynamic": "false", "disabled": "false"},
        {"address": "203.0.113.7/32", "network": "203.0.113.1", "interface": "ether2", "actual-interface": "bridge",
         "invalid": "false", "dynamic": "true", "disabled": "false"},
    ]


def address6(w):
    return [{"address": "2001:db8::1/64", "from-pool": "", "interface": "bridge", "actual-interface": "bridge",
             "eui-64": "false", "advertise": "true", "dynamic": "false", "disabled": "false",
             "invalid": "false"},
            {"address": "fe80::200:ff:fe00:1/64", "interface": "ether1", "actual-interface": "ether1",
             "dynamic": "true", "disabled": "false", "invalid": "false"}]


def arp(w):
    rows = []
    for i in range(w.sizes["arp"]):
        row = {"address": host("192.168.88.10", i), "mac-address": mac(0x1000 + i), "interface": "bridge",
               "published": "false", "invalid": "false", "dynamic": "true", "disabled": "false",
               "complete": "true" if i % 5 else "false", "DHCP": "true"}
        if not w.profile.is_v6:
            row["status"] = ("failed", "reachable", "stale", "delay", "permanent")[i % 5]
        rows.append(row)
    return rows


ACTIONS = ("accept", "drop", "fasttrack-connection", "reject", "tarpit", "jump", "log", "accept")


def rules(chains, actions=ACTIONS):
    def rows(w):
        found = []
        for i in range(w.sizes["rules"]):
            row = {"chain": chains[i % len(chains)], "action": actions[i % len(actions)],
                   "bytes": w.count(10**9 * (i + 1), 10000 * i), "packets": w.count(10**6 * (i + 1), 10 * i),
                   "disabled": "true" if i == 7 else "false", "invalid": "false", "dynamic": "true" if i == 0
                   else "false", "log": "true" if i == 6 else "false", "log-prefix": ""}
            if i % 3 == 0:
                row["protocol"] = "tcp"
            if i % 4 == 1:
                row["out-interface"] = "ether1"
            if i != 2:
                # Two with the same comment, and one that is no UTF-8.
                row["comment"] = (b"G\xe4ste" if i == 3 else "defconf: drop all = never" if i in (4, 5)
                                  else f"rule {i}")
            found.append(row)
        return found
    return rows


def address_list(w):
    return [{"list": "blocked" if i % 3 else "trusted", "address": host("198.51.100.0", i),
             "creation-time": w.ago(86400 * i), "dynamic": "true" if i % 2 else "false", "disabled": "false",
             **({"timeout": duration(3600 * i)} if i % 2 else {})} for i in range(9)]


def tracking(w):
    row = {"enabled": "auto", "tcp-established-timeout": "1d", "udp-timeout": "10s" if w.profile.is_v6 else "30s",
           "max-entries": "1048576", "total-entries": str(int(w.gauge(800, 1200, 20)))}
    if not w.profile.is_v6:
        row |= {"total-ip4-entries": "700", "total-ip6-entries": "100", "active-ipv4": "true", "active-ipv6": "true"}
    return row


def connection(w):
    rows = []
    for i in range(w.sizes["connections"]):
        source, sport, target, dport = host("192.168.88.10", i % 30), str(20000 + i), host("203.0.113.0", i % 50), "443"
        row = {"protocol": "tcp" if i % 2 else "udp", "timeout": "23h59m58s", "tcp-state": "established",
               "orig-bytes": w.count(1000 * i, i), "repl-bytes": w.count(9000 * i, 7 * i),
               "assured": "true", "seen-reply": "true"}
        if w.profile.is_v6:
            row |= {"src-address": f"{source}:{sport}", "dst-address": f"{target}:{dport}"}
        else:
            row |= {"src-address": source, "src-port": sport, "dst-address": target, "dst-port": dport}
        rows.append(row)
    return rows


def simple_queue(w):
    rows = []
    for i in range(w.sizes["queues"]):
        rows.append({
            "name": f"user{i:04d}" if i % 5 else f"<pppoe-user{i:04d}>", "target": f"{host('10.9.0.0', i)}/32",
            "parent": "none", "priority": "8/8", "limit-at": "0/0",
            "max-limit": "10M/20M" if i % 2 else "49M/880M",
            "bytes": f"{w.count(10**7 + i, 1250 * (i % 40))}/{w.count(10**8 + i, 12500 * (i % 40))}",
            "packets": f"{w.count(10**4, 5)}/{w.count(10**5, 50)}",
            "dropped": f"{w.count(i, 0.2)}/{w.count(2 * i, 0.7)}",
            "rate": f"{10000 * (i % 40)}/{100000 * (i % 40)}",
            "packet-rate": "5/50", "queued-bytes": f"0/{1500 * (i % 4)}", "queued-packets": f"0/{i % 4}",
            "disabled": "true" if i == 3 else "false", "invalid": "false",
            "dynamic": "false" if i % 5 else "true",
        })
    return rows


def queue_tree(w):
    return [{"name": f"class{i}", "parent": "global" if i == 0 else "class0", "packet-mark": f"mark{i}" if i else "",
             "limit-at": "0", "max-limit": "50M", "priority": "8", "bytes": w.count(10**9 * i, 10**5 * i),
             "packets": w.count(10**6 * i, 100 * i), "dropped": w.count(100 * i, 0.5), "rate": str(800000 * i),
             "packet-rate": str(100 * i), "queued-bytes": str(3000 * i), "queued-packets": str(2 * i),
             "disabled": "false", "invalid": "false"} for i in range(5)]


PPP_SERVICES = ("pppoe", "pppoe", "pppoe", "l2tp", "sstp", "ovpn")


def ppp_active(w):
    return [{"name": f"user{i:04d}", "service": PPP_SERVICES[i % 6], "caller-id": mac(0x2000 + i),
             "address": host("10.9.0.1", i), "uptime": w.since_start(60 * i), "encoding": "",
             "session-id": f"0x{0x81902A5B + i:X}",
             "limit-bytes-in": "0", "limit-bytes-out": "0", "radius": "true" if i % 2 else "false"}
            for i in range(w.sizes["ppp"])]


def pppoe_server(w):
    return [{"name": f"<pppoe-user{i:04d}>", "user": f"user{i:04d}", "service": "isp",
             "remote-address": mac(0x2000 + i), "uptime": w.since_start(60 * i), "encoding": "", "mtu": "1480",
             "running": "true",
             "dynamic": "true", "disabled": "false"} for i in range(w.sizes["ppp"])]


def pppoe_service(w):
    return [{"service-name": "isp", "interface": "ether2", "max-mtu": "1480", "authentication": "pap,chap",
             "one-session-per-host": "true", "max-sessions": "unlimited", "disabled": "false"}]


# Names that clients gave themselves: other code pages, a quote, a line end, nothing but an equals sign.
HOST_NAMES = ("laptop", b"t\xe9l\xe9phone", "Büro-PC", 'a"b\\c', "=", b"\xcd\xee\xf3\xf2", "two\r\nlines", "")


def lease(w):
    rows = []
    for i in range(w.sizes["leases"]):
        bound = i % 4 != 3
        row = {"address": host("192.168.88.10", i), "mac-address": mac(0x3000 + i),
               "client-id": f"1:{mac(0x3000 + i).lower()}", "address-lists": "", "server": "defconf" if i % 3
               else "guests", "dhcp-option": "",
               "status": "bound" if bound else "waiting", "last-seen": duration(i * 7) if bound else "never",
               "radius": "false", "dynamic": "true" if i % 2 else "false", "blocked": "false", "disabled": "false"}
        if bound:
            row |= {"expires-after": duration(600 - (w.elapsed + i) % 600), "active-address": row["address"],
                    "active-mac-address": row["mac-address"], "active-client-id": row["client-id"],
                    "active-server": row["server"], "host-name": HOST_NAMES[i % len(HOST_NAMES)]}
        if i % 7 == 0:
            row["comment"] = f"place {i}"
        rows.append(row)
    return rows


def dhcp_server(w):
    return [{"name": name, "interface": "bridge", "lease-time": "10m", "address-pool": name, "disabled": "false",
             "invalid": "false"} for name in ("defconf", "guests")]


POOLS = (("dhcp", "192.168.88.10-192.168.88.254", 245), ("ppp", "10.9.0.0/22,10.10.0.1", 1025))


def pool(w):
    rows = [{"name": name, "ranges": ranges} for name, ranges, _ in POOLS]
    if w.profile.pool_has_total:
        for row, (_, _, total), used in zip(rows, POOLS, (w.sizes["leases"], w.sizes["ppp"])):
            row |= {"total": str(total), "used": str(used), "available": str(max(0, total - used))}
    return rows


def pool_used(w):
    return ([{"pool": "dhcp", "address": host("192.168.88.10", i), "owner": "DHCP", "info": mac(0x3000 + i)}
             for i in range(w.sizes["leases"])]
            + [{"pool": "ppp", "address": host("10.9.0.1", i), "owner": "PPP", "info": f"user{i:04d}"}
               for i in range(w.sizes["ppp"])])


def pool6(w):
    return [{"name": "prefixes", "prefix": "2001:db8:1::/48", "prefix-length": "64", "dynamic": "false"}]


def pool6_used(w):
    return [{"pool": "prefixes", "prefix": f"2001:db8:1:{i}::/64", "owner": "DHCP", "info": mac(0x3000 + i)}
            for i in range(4)]


def hotspot_active(w):
    return [{"server": "hs1", "user": f"guest{i}", "address": host("10.20.0.2", i), "mac-address": mac(0x8000 + i),
             "login-by": "http-chap", "uptime": w.since_start(100 * i), "idle-time": f"{i}s",
             "session-time-left": "53m10s", "keepalive-timeout": "2m", "bytes-in": w.count(1000 * i, 100),
             "bytes-out": w.count(9000 * i, 1000), "packets-in": w.count(10, 1), "packets-out": w.count(90, 2),
             "radius": "false"}
            for i in range(8)]


def hotspot_host(w):
    return [{"server": "hs1", "address": host("10.20.0.2", i), "to-address": host("10.20.0.2", i),
             "mac-address": mac(0x8000 + i), "uptime": w.since_start(100 * i), "idle-time": f"{i}s",
             "authorized": "true" if i < 8 else "false", "bypassed": "false"} for i in range(11)]


PROTOCOLS = ("bgp", "bgp", "bgp", "ospf", "static", "connect")


def route(w):
    """With the flags that count-only asks for by name, one for each protocol."""
    v6 = w.profile.is_v6
    yes = "true"
    rows = []
    for i in range(w.sizes["routes"]):
        kind = PROTOCOLS[i % 6] if i else "static"
        number = TEN + i * 256
        row = {"dst-address": "0.0.0.0/0" if i == 0
               else f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.0/24", "gateway": "192.0.2.254" if i % 2
               else "192.0.2.253",
               "distance": {"bgp": "20", "ospf": "110", "static": "1", "connect": "0"}[kind], "scope": "30",
               "target-scope": "10", kind: yes, "active": yes, "dynamic": "false" if kind == "static" else yes,
               "disabled": "false"}
        if i % 11 == 10:
            del row["active"]
        if v6:
            row["gateway-status"] = f"{row['gateway']} reachable via  ether1"
        else:
            row |= {"routing-table": "main", "immediate-gw": f"{row['gateway']}%ether1", "suppress-hw-offload": "false"}
        rows.append(row)
    return rows


def route6(w):
    return [{"dst-address": f"2001:db8:{i:x}::/48" if i else "::/0", "gateway": "fe80::1%ether1", "distance": "1",
             "static" if i < 2 else "bgp": "true", "active": "true", "dynamic": "false" if i < 2 else "true",
             "disabled": "false"} for i in range(7)]


def bgp_session(w):
    common = {"remote.afi": "ip,ipv6", "local.afi": "ip", "local.as": "65000", "local.id": "192.0.2.1",
              "remote.capabilities": "mp,rr,gr,as4", "hold-time": "3m", "keepalive-time": "1m", "use-bfd": "true"}
    return [
        {"name": "upstream-1", "remote.address": "192.0.2.254", "remote.as": "65001", "remote.id": "192.0.2.254",
         "remote.messages": w.count(1000, 0.5), "remote.bytes": w.count(90000, 40),
         "local.address": "192.0.2.1", "local.messages": w.count(900, 0.2), "local.bytes": w.count(20000, 9),
         "established": "true", "ebgp": "", "uptime": w.since_start(604800 + 172025) + "230ms",
         "prefix-count": str(w.sizes["routes"] // 2), "last-started": w.ago(w.elapsed + 777000),
         "last-stopped": w.ago(w.elapsed + 777010), **common},
        {"name": "upstream-2", "remote.address": "192.0.2.253", "remote.as": "65002", "remote.messages": "17",
         "remote.bytes": "400", "local.address": "192.0.2.1", "local.messages": "18", "local.bytes": "380",
         "ebgp": "", "stopped": "true", "last-stopped": w.ago(w.elapsed + 3600),
         "input.last-notification": "ffffffffffffffffffffffffffffffff0015030603", "prefix-count": "0", **common},
    ]


def bgp_connection(w):
    return [{"name": name, "remote.address": far, "remote.as": number, "local.role": "ebgp", "as": "65000",
             "disabled": off, "inactive": off, "routing-table": "main"}
            for name, far, number, off in (("upstream", "192.0.2.254/32", "65001", "false"),
                                           ("backup", "192.0.2.253/32", "65002", "false"),
                                           ("parked", "192.0.2.252/32", "65003", "true"))]


def bgp_peer(w):
    common = {"instance": "default", "ttl": "default", "address-families": "ip", "hold-time": "3m",
              "used-hold-time": "3m", "disabled": "false"}
    return [
        {"name": "upstream", "remote-address": "192.0.2.254", "remote-as": "65001", "remote-id": "192.0.2.254",
         "local-address": "192.0.2.1", "state": "established", "established": "true",
         "uptime": w.since_start(777125), "prefix-count": str(w.sizes["routes"] // 2), "updates-sent": w.count(10, 0.1),
         "updates-received": w.count(90000, 3), "withdrawn-sent": "2", "withdrawn-received": w.count(500, 0.2),
         **common},
        {"name": "backup", "remote-address": "192.0.2.253", "remote-as": "65002", "state": "active", **common},
    ]


def ospf_neighbor(w):
    rows = []
    for i, (state, far) in enumerate((("full", "10.1.0.2"), ("2-way", "10.1.0.3"))):
        row = {"instance": "default", "address": far, "interface": "ether1", "router-id": far, "priority": "128",
               "state": state.title() if w.profile.is_v6 else state.replace("f", "F", 1), "state-changes": str(5 + i),
               "adjacency": w.since_start(86400)}
        if w.profile.is_v6:
            row |= {"dr-address": "10.1.0.2", "backup-dr-address": "10.1.0.1", "ls-retransmits": "0",
                    "ls-requests": "0", "db-summaries": "0"}
        else:
            row |= {"area": "backbone", "dr": "10.1.0.2", "bdr": "10.1.0.1", "timeout": "33s", "dynamic": "true",
                    "virtual": "false"}
        rows.append(row)
    return rows


def ospf_interface(w):
    return [{"interface": "ether1", "area": "backbone", "address": "10.1.0.1%ether1", "state": "bdr",
             "network-type": "broadcast", "cost": "1", "priority": "128"}]


def bfd_session(w):
    return [{"remote-address": "192.0.2.254", "local-address": "192.0.2.1", "interface": "ether1", "up": "true",
             "state": "up", "state-changes": "3", "packets-rx": w.count(10**6, 5), "packets-tx": w.count(10**6, 5),
             "uptime": w.since_start(7200), "multiplier": "3", "hold-time": "600ms", "actual-tx-interval": "200ms",
             "desired-tx-interval": "200ms", "required-min-rx": "200ms"}]


def ipsec_peer(w):
    return [{"local-address": "192.0.2.1", "remote-address": "203.0.113.30", "name": "branch", "state": "established",
             "side": "responder", "uptime": w.since_start(5000), "last-seen": f"{int(w.gauge(0, 30, 30))}s",
             "ph2-total": "2",
             "rx-bytes": w.count(10**6, 1000), "tx-bytes": w.count(2 * 10**6, 2000), "rx-packets": w.count(10**4, 5),
             "tx-packets": w.count(10**4, 6), "responder": "true", "natt-peer": "false"}]


def neighbor(w):
    rows = []
    for i in range(4):
        row = {"interface": "ether1,bridge" if i == 0 else f"ether{i + 1}", "address": host("192.0.2.100", i),
               "address4": host("192.0.2.100", i), "mac-address": mac(0x9000 + i), "identity": b"Geb\xe4ude" if i == 1
               else f"switch{i}",
               "platform": "MikroTik", "version": "7.16.2 (stable) 2024-11-26 12:09:40", "unpack": "none",
               "age": f"{i * 7}s", "uptime": "5d9m11s", "board": "CRS326-24G-2S+",
               "interface-name": "bridge/ether1",
               "system-caps": "bridge,router", "system-caps-enabled": "bridge"}
        if not w.profile.is_v6:
            row["discovered-by"] = ("cdp,lldp,mndp", "lldp", "mndp", "cdp")[i]
            row["address6"] = f"fe80::{i + 1}"
        rows.append(row)
    return rows


def neighbor6(w):
    return [{"address": f"fe80::{i + 1}", "interface": "bridge", "mac-address": mac(0x3000 + i), "router": "",
             "status": "reachable" if i else "stale"} for i in range(3)]


def dns(w):
    return {"servers": "198.51.100.53", "dynamic-servers": "", "allow-remote-requests": "true" if not w.profile.is_v6
            else "yes", "max-udp-packet-size": "4096", "query-server-timeout": "2s", "query-total-timeout": "10s",
            "cache-size": "2048" if not w.profile.is_v6 else "2048KiB", "cache-max-ttl": "1w",
            "cache-used": str(int(w.gauge(100, 900, 50))) + ("" if not w.profile.is_v6 else "KiB")}


def kid_device(w):
    return [{"name": "tablet", "user": "child", "mac-address": mac(0x3005), "ip-address": "192.168.88.15",
             "activity": "", "idle-time": "2m", "rate-up": "0bps", "rate-down": "12.4kbps",
             "bytes-down": w.count(10**6, 1500),
             "bytes-up": w.count(10**5, 100), "disabled": "false", "dynamic": "true"}]


def with_ipv6(profile):
    return profile.has_ipv6


def only_v6(profile):
    return profile.is_v6


FILTER, NAT, MANGLE, RAW = ("input", "forward", "output"), ("srcnat", "dstnat"), ("prerouting", "forward",
                                                                                  "postrouting"), ("prerouting",
                                                                                                   "output")
NAT_ACTIONS, MANGLE_ACTIONS, RAW_ACTIONS = ("masquerade", "dst-nat", "accept"), ("mark-connection", "mark-packet",
                                                                                 "change-mss"), ("drop", "notrack",
                                                                                                 "accept")

MENUS = [
    ("/ip/address", address, False, False, None),
    ("/ipv6/address", address6, False, False, with_ipv6),
    ("/ip/arp", arp, False, False, None),
    ("/ip/firewall/filter", rules(FILTER), True, False, None),
    ("/ip/firewall/nat", rules(NAT, NAT_ACTIONS), True, False, None),
    ("/ip/firewall/mangle", rules(MANGLE, MANGLE_ACTIONS), True, False, None),
    ("/ip/firewall/raw", rules(RAW, RAW_ACTIONS), True, False, None),
    ("/ipv6/firewall/filter", rules(FILTER), True, False, with_ipv6),
    ("/ipv6/firewall/nat", rules(NAT, NAT_ACTIONS), True, False, lambda profile: not profile.is_v6),
    ("/ipv6/firewall/mangle", rules(MANGLE, MANGLE_ACTIONS), True, False, with_ipv6),
    ("/ipv6/firewall/raw", rules(RAW, RAW_ACTIONS), True, False, with_ipv6),
    ("/ip/firewall/address-list", address_list, False, False, None),
    ("/ipv6/firewall/address-list", lambda w: [{"list": "trusted", "address": "2001:db8::/64", "dynamic": "false",
                                                "disabled": "false"}], False, False, with_ipv6),
    ("/ip/firewall/connection", connection, True, False, None),
    ("/ip/firewall/connection/tracking", tracking, True, True, None),
    ("/ipv6/firewall/connection", lambda w: [], False, False, with_ipv6),
    ("/queue/simple", simple_queue, True, False, None),
    ("/queue/tree", queue_tree, True, False, None),
    ("/ppp/active", ppp_active, True, False, None),
    ("/interface/pppoe-server", pppoe_server, True, False, None),
    ("/interface/pppoe-server/server", pppoe_service, False, False, None),
    ("/ip/dhcp-server", dhcp_server, False, False, None),
    ("/ip/dhcp-server/lease", lease, True, False, None),
    ("/ip/pool", pool, False, False, None),
    ("/ip/pool/used", pool_used, False, False, None),
    ("/ipv6/pool", pool6, False, False, with_ipv6),
    ("/ipv6/pool/used", pool6_used, False, False, with_ipv6),
    ("/ip/hotspot/active", hotspot_active, True, False, None),
    ("/ip/hotspot/host", hotspot_host, True, False, None),
    ("/ip/route", route, False, False, None),
    ("/ipv6/route", route6, False, False, with_ipv6),
    ("/routing/route", route, False, False, only_v7),
    ("/routing/bgp/session", bgp_session, True, False, only_v7),
    ("/routing/bgp/connection", bgp_connection, False, False, only_v7),
    ("/routing/bgp/peer", bgp_peer, True, False, only_v6),
    ("/routing/ospf/neighbor", ospf_neighbor, True, False, None),
    ("/routing/ospf/interface", ospf_interface, False, False, None),
    ("/routing/ospf-v3/neighbor", lambda w: [], False, False, only_v6),
    ("/routing/bfd/session", bfd_session, True, False, only_v7),
    ("/routing/bfd/neighbor", bfd_session, True, False, only_v6),
    ("/ip/ipsec/active-peers", ipsec_peer, True, False, None),
    ("/ip/neighbor", neighbor, False, False, None),
    ("/ipv6/neighbor", neighbor6, False, False, with_ipv6),
    ("/ip/dns", dns, True, True, None),
    ("/ip/kid-control/device", kid_device, True, False, None),
]
