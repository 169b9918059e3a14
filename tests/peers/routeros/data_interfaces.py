"""The menus under /interface, and what hangs on interfaces: PoE, switch ports, tunnels, radios, LTE, WireGuard."""

from routeros.profiles import duration

# name, type, comment. Old WinBox wrote the Windows code page of the operator: the second comment is cp1252, the third cp1251.
PORTS = [
    ("ether1", "ether", "uplink"), ("ether2", "ether", b"B\xfcro"), ("ether3", "ether", b"\xf1\xea\xeb\xe0\xe4"),
    ("ether4", "ether", "a=b, c=d"),
    ("ether5", "ether", ""), ("sfp-sfpplus1", "ether", "Gebäude 7"), ("bridge", "bridge", None),
    ("vlan10", "vlan", None),
    ("wg0", "wg", None), ("lo", "loopback", None),
]


def mac(number):
    return "02:00:" + ":".join(f"{number >> shift & 255:02X}" for shift in (24, 16, 8, 0))


def is_port_up(name):
    return name not in ("ether4", "ether5")


def port_rows(w):
    """(row number, name, type, comment): the ports, then the sessions that come and go."""
    ports = [port for port in PORTS if port[1] != "loopback" or not w.profile.is_v6]
    ports += [(f"ether{i}", "ether", None) for i in range(len(PORTS) + 1, w.sizes["interfaces"] + 1)]
    if w.profile.is_v6:
        ports = [port for port in ports if port[1] != "wg"]
    return [(i, *port) for i, port in enumerate(ports)]


def interface(w):
    rows = []
    for i, name, kind, comment in port_rows(w):
        up = is_port_up(name)
        speed = 1000 * (i + 1) if up else 0
        row = {
            "name": name, "default-name": name, "type": kind, "mtu": "1500", "actual-mtu": "1500", "l2mtu": "1592",
            "mac-address": mac(i + 1),
            "running": "true" if up else "false", "disabled": "true" if name == "ether5" else "false",
            "dynamic": "false",
            "rx-byte": w.count(10**12 + i, speed * 800), "tx-byte": w.count(2 * 10**11 + i, speed * 300),
            "rx-packet": w.count(10**9 + i, speed), "tx-packet": w.count(5 * 10**8 + i, speed // 2), "rx-error": "0",
            "tx-error": "0", "rx-drop": w.count(7 * i, 0.1), "tx-drop": "0", "tx-queue-drop": w.count(13 * i, 0.5),
            "link-downs": str(i % 4),
            "fp-rx-byte": w.count(9 * 10**11 + i, speed * 700), "fp-tx-byte": w.count(10**11 + i, speed * 200),
            "fp-rx-packet": w.count(9 * 10**8, speed), "fp-tx-packet": w.count(4 * 10**8, speed // 2),
            "last-link-up-time": w.ago(w.elapsed + 86400),
        }
        if kind != "ether":
            del row["default-name"]
        if name == "sfp-sfpplus1":
            # 2.2: SFP28 ports lack these.
            for absent in ("rx-drop", "tx-drop", "rx-error", "tx-error"):
                del row[absent]
        if i % 4:
            row["last-link-down-time"] = w.ago(w.elapsed + 86460)
        if name in ("ether2", "ether3"):
            row["slave"] = "true"
        if comment is not None:
            row["comment"] = comment
        rows.append(row)
    for i in range(w.sizes["ppp"]):
        rows.append({
            ".id": f"*F{i:05X}", "name": f"<pppoe-user{i:04d}>", "type": "pppoe-in", "mtu": "1480",
            "actual-mtu": "1480",
            "running": "true", "dynamic": "true", "disabled": "false", "last-link-up-time": w.ago(w.elapsed + 60 * i),
            "link-downs": "0",
            "rx-byte": w.count(10**7 + i, 5000 + i), "tx-byte": w.count(10**8 + i, 50000 + i),
            "rx-packet": w.count(10**5, 50),
            "tx-packet": w.count(10**6, 500), "rx-drop": "0", "tx-drop": "0", "tx-queue-drop": "0", "rx-error": "0",
            "tx-error": "0",
        })
    return rows


def is_ethernet(port):
    return port[2] == "ether"


def ethernet(w):
    rows = []
    for i, name, _, comment in filter(is_ethernet, port_rows(w)):
        row = {
            "name": name, "default-name": name, "mtu": "1500", "mac-address": mac(i + 1), "arp": "enabled",
            "auto-negotiation": "true",
            "running": "true" if is_port_up(name) else "false", "disabled": "true" if name == "ether5" else "false",
            "switch": "switch1",
            "rx-bytes": w.count(10**12 + i, 800000), "tx-bytes": w.count(2 * 10**11, 300000), "rx-fcs-error": str(i),
            "rx-fragment": "0", "rx-jabber": "0",
            "rx-pause": w.count(0, 0.2), "tx-pause": "0", "tx-collision": "0", "rx-broadcast": w.count(1000, 2),
            "rx-multicast": w.count(2000, 3),
            "rx-overflow": "0", "driver-rx-byte": w.count(10**12, 800000),
            "driver-tx-byte": w.count(2 * 10**11, 300000),
            "driver-rx-packet": w.count(10**9, 1000), "driver-tx-packet": w.count(10**8, 500),
        }
        if comment is not None:
            row["comment"] = comment
        rows.append(row)
    return rows


def ethernet_monitor(w, name):
    row = {"name": name, "status": "link-ok" if is_port_up(name) else "no-link", "auto-negotiation": "done"
           if is_port_up(name) else "incomplete"}
    if is_port_up(name):
        row |= {"rate": "10Gbps" if name.startswith("sfp") else "2.5Gbps" if name == "ether1" else "1Gbps",
                "full-duplex": "true",
                "tx-flow-control": "false", "rx-flow-control": "false"}
    if name.startswith("sfp"):
        row |= {
            "sfp-module-present": "true", "sfp-rx-loss": "false", "sfp-tx-fault": "false", "sfp-type": "SFP-or-SFP+",
            "sfp-connector-type": "LC",
            "sfp-vendor-name": "TESTOPTICS", "sfp-vendor-part-number": "T-10G-LR", "sfp-vendor-revision": "1.0",
            "sfp-vendor-serial": "T0001",
            "sfp-manufacturing-date": "22-05-01", "sfp-wavelength": "1310nm" if w.profile.is_v6 else "1310",
            "sfp-temperature": str(int(w.gauge(35, 45, 60))),
            "sfp-supply-voltage": "3.286", "sfp-tx-bias-current": "33",
            "sfp-tx-power": f"{w.gauge(-2.4, -2.2, 15):.3f}", "sfp-rx-power": f"{w.gauge(-13.5, -12.9, 13):.3f}",
        }
    return row


def monitor_traffic(w, name, number):
    up = is_port_up(name)
    row = {"name": name}
    for direction, size in (("rx", 6400000), ("tx", 2400000)):
        row[f"{direction}-packets-per-second"] = str(int(w.gauge(900, 1100, 5)) * (number + 1) * up)
        row[f"{direction}-bits-per-second"] = str(int(w.gauge(0.9, 1.1, 5) * size) * (number + 1) * up)
        row[f"{direction}-drops-per-second"] = "0"
        row[f"{direction}-errors-per-second"] = "0"
    row["tx-queue-drops-per-second"] = "0"
    return row


def poe(w):
    return [{"name": name, "poe-out": "auto-on", "poe-priority": "10", "poe-voltage": "auto",
             "power-cycle-ping-enabled": "false",
             "poe-out-status": "powered-on" if i == 0 else "waiting-for-load"} for i,
            name in enumerate(("ether2", "ether3"))]


def poe_monitor(w, name):
    row = {"name": name, "poe-out": "auto-on", "poe-out-status": "powered-on" if name == "ether2"
           else "waiting-for-load"}
    if name == "ether2":
        row |= {"poe-out-voltage": "24.1", "poe-out-current": str(int(w.gauge(180, 220, 9))), "poe-out-power": "4.8"}
    return row


def switch_port(w):
    names = ("driver-rx-byte", "driver-rx-packet", "driver-tx-byte", "driver-tx-packet", "rx-bytes", "rx-broadcast",
             "rx-pause", "rx-multicast",
             "rx-fcs-error", "rx-align-error", "rx-fragment", "rx-overflow", "rx-drop", "tx-bytes", "tx-broadcast",
             "tx-pause", "tx-multicast",
             "tx-underrun", "tx-collision", "tx-deferred", "tx-drop")
    return [
        {"name": name, "switch": "switch1", **{key: w.count(1000 * k, k * 10 if k < 9 else 0) for k,
                                               key in enumerate(names, 1)}}
        for _, name, *_ in filter(is_ethernet, port_rows(w))
    ]


def vlan(w):
    return [{"name": "vlan10", "mtu": "1500", "l2mtu": "1588", "mac-address": mac(8), "vlan-id": "10",
             "interface": "bridge", "running": "true", "disabled": "false"}]


def bridge_vlan(w):
    return [{"bridge": "bridge", "vlan-ids": "10", "tagged": "bridge,ether1", "untagged": "",
             "current-tagged": "bridge,ether1", "current-untagged": "ether2",
             "dynamic": "false", "disabled": "false"}]


def tunnel(kind, more=None):
    def rows(w):
        return [{"name": f"{kind}1", "mtu": "auto", "actual-mtu": "1476", "l2mtu": "65535",
                 "local-address": "192.0.2.1", "remote-address": "192.0.2.77",
                 "running": "true", "disabled": "false", **(more or {})}]
    return rows


def wireguard(w):
    return [{"name": "wg0", "mtu": "1420", "listen-port": "13231",
             "public-key": "Zm9yIHRlc3RzIG9ubHksIG5vdCBhIHJlYWwga2V5ISE=", "running": "true", "disabled": "false"}]


def wireguard_peer(w):
    common = {"interface": "wg0", "public-key": "YW5vdGhlciBrZXkgdGhhdCBpcyBub3QgcmVhbCEhISE=",
              "allowed-address": "10.8.0.2/32", "disabled": "false", "dynamic": "false"}
    return [
        {"name": "laptop", "comment": "Jörg", "current-endpoint-address": "203.0.113.20",
         "current-endpoint-port": "51820", "rx": w.count(123456, 900),
         "tx": w.count(654321, 3000), "last-handshake": duration(int(w.gauge(1, 119, 120))), **common},
        {"name": "never-seen", "current-endpoint-address": "", "current-endpoint-port": "0", "rx": "0", "tx": "0",
         **common},
    ]


def clients(w):
    """Those at the radios, in the words of the package that the version has."""
    is_new = w.profile.wifi != "wireless"
    rows = []
    for i in range(6):
        tx, rx = w.count(10**8 + i, 20000 * (i + 1)), w.count(10**7 + i, 3000 * (i + 1))
        row = {"interface": "wifi1" if is_new else "wlan1", "mac-address": mac(0x5000 + i),
               "uptime": w.since_start(100 * i),
               "bytes": f"{tx},{rx}", "packets": f"{w.count(10**6, 20)},{w.count(10**5, 9)}"}
        if is_new:
            row |= {"ssid": "netsonde-lab", "last-activity": "230us" if i == 0 else f"{i}s120ms",
                    "signal": str(-51 - 3 * i), "auth-type": "wpa2-psk",
                    "band": "5ghz-ax", "tx-rate": "1201000000", "rx-rate": "864800000", "tx-bits-per-second": "160000",
                    "rx-bits-per-second": "24000",
                    "vlan-id": "10"}
        else:
            row |= {"ap": "false", "wds": "false", "rx-rate": "54Mbps", "tx-rate": "65Mbps-20MHz/1S",
                    "signal-strength": f"{-51 - 3 * i}@1Mbps",
                    "signal-to-noise": "45", "tx-ccq": "92", "frames": "1000,2000", "last-activity": f"{i * 10}ms",
                    "802.1x-port-enabled": "true"}
        rows.append(row)
    return rows


def radio(w):
    if w.profile.wifi == "wireless":
        return [{"name": "wlan1", "mac-address": mac(0x4000), "interface-type": "IPQ4019", "mode": "ap-bridge",
                 "ssid": "netsonde-lab", "frequency": "2412", "band": "2ghz-b/g/n",
                 "running": "true", "disabled": "false"}]
    return [{"name": "wifi1", "default-name": "wifi1", "mac-address": mac(0x4000), "master": "true", "bound": "true",
             "running": "true", "disabled": "false",
             "configuration.ssid": "netsonde-lab"}]


def radio_monitor(w, name):
    if w.profile.wifi == "wireless":
        return {"name": name, "status": "running-ap", "channel": "2412/20-Ce/gn(20dBm)",
                "noise-floor": str(int(w.gauge(-112, -104, 8))), "overall-tx-ccq": "91",
                "registered-clients": "6", "authenticated-clients": "6"}
    return {"name": name, "state": "running", "channel": "5180/ax/Ceee", "registered-peers": "6",
            "authorized-peers": "6", "tx-power": "23"}


def lte(w):
    return [{"name": "lte1", "mtu": "1500", "apn-profiles": "default", "running": "true", "disabled": "false"}]


def lte_monitor(w, name):
    row = {"name": name, "current-operator": "Test Mobile", "access-technology": "Evolved 3G (LTE)" if w.profile.is_v6
           else "LTE", "session-uptime": w.since_start(5000),
           "registration-status": "registered", "functionality": "full", "pin-status": "ok", "enb-id": "10342",
           "current-cellid": "2647555", "primary-band": "B3@20Mhz earfcn: 1300",
           "rssi": "-63", "rsrp": str(int(w.gauge(-98, -92, 12))), "rsrq": "-11.5", "sinr": "14",
           "imei": "000000000000000", "imsi": "001010000000000", "subscriber-number": ""}
    if not w.profile.is_v6:
        row |= {"status": "connected", "data-class": "5G NSA", "cqi": "11", "nr-rsrp": "-101dBm", "nr-rsrq": "-11dB",
                "nr-sinr": "9", "ca-band": "B7@10Mhz"}
    return row


def caps_interface(w):
    return [{"name": "cap1", "configuration": "cfg1", "mac-address": mac(0x6000), "current-state": "running-ap",
             "current-channel": "2437/20-eC/gn", "running": "true",
             "current-registered-clients": "2", "disabled": "false"}]


def caps_clients(w):
    return [{"interface": "cap1", "ssid": "netsonde-caps", "mac-address": mac(0x6100 + i), "tx-rate": "65Mbps-20MHz/1S",
             "rx-rate": "54Mbps", "rx-signal": str(-60 - i),
             "uptime": w.since_start(60 * i), "bytes": f"{w.count(1000, 900)},{w.count(2000, 300)}", "packets": "10,20"}
            for i in range(2)]


def remote_caps(w):
    return [{"identity": "ap1", "version": w.profile.version.split()[0], "base-mac": mac(0x6000), "board": "cAP ac",
             "state": "Run", "address": "192.0.2.50/02"}]


def w60g(w):
    return [{"name": "wlan60-1", "mac-address": mac(0x7000), "mode": "bridge", "running": "true", "disabled": "false"}]


def w60g_monitor(w, name):
    return {"name": name, "connected": "true", "frequency": "58320", "remote-address": mac(0x7001), "tx-mcs": "8",
            "tx-phy-rate": "2.3Gbps", "signal": "80", "rssi": "-61",
            "tx-sector": "62", "tx-sector-info": "0.4 degrees right, 0.8 degrees up", "distance": "150.44m",
            "tx-packet-error-rate": "0", "rf-temperature": "43", "baseband-temperature": "51"}


def only_v7(profile):
    return not profile.is_v6


def with_wifi(kind):
    return lambda profile: profile.wifi == kind


def with_radios_of(kind):
    return lambda profile: profile.wifi == kind and not profile.is_virtual


def on_board(profile):
    return not profile.is_virtual


MENUS = [
    ("/interface", interface, True, False, None),
    ("/interface/ethernet", ethernet, True, False, None),
    ("/interface/ethernet/poe", poe, False, False, on_board),
    ("/interface/ethernet/switch/port", switch_port, True, False, on_board),
    ("/interface/vlan", vlan, False, False, None),
    ("/interface/bridge/vlan", bridge_vlan, False, False, None),
    ("/interface/eoip", tunnel("eoip", {"tunnel-id": "7"}), False, False, None),
    ("/interface/gre", tunnel("gre"), False, False, None),
    ("/interface/ipip", tunnel("ipip"), False, False, None),
    ("/interface/wireguard", wireguard, False, False, only_v7),
    ("/interface/wireguard/peers", wireguard_peer, True, False, only_v7),
    ("/interface/wifi", radio, False, False, with_radios_of("wifi")),
    ("/interface/wifi/registration-table", clients, True, False, with_radios_of("wifi")),
    ("/interface/wifi/capsman/remote-cap", remote_caps, False, False, with_wifi("wifi")),
    ("/interface/wifiwave2", radio, False, False, with_radios_of("wifiwave2")),
    ("/interface/wifiwave2/registration-table", clients, True, False, with_radios_of("wifiwave2")),
    ("/interface/wireless", radio, False, False, with_radios_of("wireless")),
    ("/interface/wireless/registration-table", clients, True, False, with_radios_of("wireless")),
    ("/caps-man/interface", caps_interface, False, False, with_wifi("wireless")),
    ("/caps-man/registration-table", caps_clients, True, False, with_wifi("wireless")),
    ("/caps-man/remote-cap", remote_caps, False, False, with_wifi("wireless")),
    ("/interface/lte", lte, False, False, on_board),
    ("/interface/w60g", w60g, False, False, on_board),
]
# What monitor gives for a row of a menu.
MONITORS = {
    "/interface/ethernet": ethernet_monitor,
    "/interface/ethernet/poe": poe_monitor,
    "/interface/wifi": radio_monitor,
    "/interface/wifiwave2": radio_monitor,
    "/interface/wireless": radio_monitor,
    "/interface/lte": lte_monitor,
    "/interface/w60g": w60g_monitor,
}
