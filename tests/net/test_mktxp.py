"""/metrics?names=mktxp with routers of version 6 and 7: what `netsonde reference mktxp` says is served is there, with its
labels, and nothing else."""

import json
import subprocess
import sys

import pytest

import support
from support import BINARY, Metrics, clean_environment, make_config

sys.path.insert(0, str(support.TOP / "tests" / "peers"))

from routeros.simulator import Simulator  # noqa: E402

PAGE = "/metrics?names=mktxp"

# What the simulated board does not have, whatever its version.
NO_SENSORS = {
    "mktxp_system_2pin_voltage", "mktxp_system_board_temperature2", "mktxp_system_fan_four_speed",
    "mktxp_system_fan_three_speed", "mktxp_system_jack_voltage", "mktxp_system_phy_temperature",
    "mktxp_system_poe_in_voltage", "mktxp_system_poe_out_consumption", "mktxp_system_psu2_current",
    "mktxp_system_psu2_voltage", "mktxp_system_switch_temperature",
}

# name -> profile, prefixes or names of metrics that this version does not tell, and labels that are empty everywhere.
ROUTERS = {
    "gw6": ("6.49", NO_SENSORS | {
        # BGP counts updates, not messages; WireGuard, containers, 5G and the statistics of routing came with version 7.
        "mktxp_bgp_local_bytes_total", "mktxp_bgp_local_messages_total", "mktxp_bgp_remote_bytes_total",
        "mktxp_bgp_remote_messages_total", "mktxp_container_info", "mktxp_last_handshake", "mktxp_peer_",
        "mktxp_lte_nr_", "mktxp_routing_stats_", "mktxp_firewall_nat_ipv6_total",
        # Netwatch only says up or down; the size of a pool and the families of connections are told by newer versions.
        "mktxp_netwatch_done_tests", "mktxp_netwatch_failed_tests", "mktxp_netwatch_icmp_", "mktxp_netwatch_http_",
        "mktxp_netwatch_tcp_connect_time_ms", "mktxp_ip_pool_total", "mktxp_ip_pool_total_ipv6",
        "mktxp_ipv4_connections_total", "mktxp_ipv6_connections_total",
    }, {
        "mktxp_bgp_sessions_info": {"local_as", "local_afi", "remote_afi"}, "mktxp_netwatch_status": {"type"},
        "mktxp_capsman_clients_devices_info": {"dhcp_address"}, "mktxp_public_ip_address_info": {"public_address_ipv6"},
        "mktxp_wlan_clients_devices_info": {"dhcp_address", "ssid"},
        "mktxp_certificate_expiration_timestamp_seconds": {"ca"},
    }),
    "gw7": ("7.18", NO_SENSORS | {
        # The drivers of wifi: no noise, no CCQ, and no /caps-man.
        "mktxp_wlan_clients_signal_to_noise", "mktxp_wlan_clients_tx_ccq", "mktxp_wlan_noise_floor",
        "mktxp_wlan_overall_tx_ccq", "mktxp_capsman_clients_", "mktxp_capsman_interfaces_info",
        "mktxp_capsman_registrations_count", "mktxp_ip_pool_total_ipv6",
    }, {
        "mktxp_bgp_sessions_info": {"local_afi"}, "mktxp_public_ip_address_info": {"public_address_ipv6"},
        "mktxp_wlan_clients_devices_info": {"dhcp_address"}, "mktxp_certificate_expiration_timestamp_seconds": {"ca"},
    }),
}


@pytest.fixture(scope="module")
def names():
    """Their metrics that are served: name -> labels and the sets that they need."""
    reply = subprocess.run([str(BINARY), "reference", "mktxp", "--json"], env=clean_environment(), capture_output=True,
                           check=True)
    served = {}
    for metric in json.loads(reply.stdout):
        if metric["ours"]:
            one = served.setdefault(metric["name"], {"labels": set(), "sets": set()})
            one["labels"] |= set(metric["labels"])
            one["sets"].add(metric["set"].removeprefix("routeros_"))
    return served


def options(router, sets):
    return {"type": "routeros", "username": "netsonde", "password_file": "password", "port": router.port, "realtime": 1,
            "sets": [f"{name}=realtime" for name in sorted(sets)], "reconnect_min": 0.1}


def expected(names, router):
    _, absent, _ = ROUTERS[router]
    return {name for name in names if name not in absent and not name.startswith(tuple(one for one in absent
                                                                                       if one.endswith("_")))}


def shown(metrics, router):
    return {name for name in metrics.samples if metrics.all(name, routerboard_name=router)}


@pytest.fixture(scope="module")
def daemon(names, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mktxp")
    folder.joinpath("password").write_text("secret\n")
    # Joined sets are no metrics of their own.
    sets = set().union(*(one["sets"] for one in names.values()), {"system_board", "bgp_configured"})
    simulators = {name: Simulator(profile=profile, pace=0.01) for name, (profile, _, _) in ROUTERS.items()}
    targets = [{"name": name, "address": "127.0.0.1", "probes": [name], "labels": {"site": "lab", "board_name": "mine"}}
               for name in ROUTERS]
    text = make_config(targets, probes={name: options(one, sets) for name, one in simulators.items()})
    one = support.Daemon(folder, text).wait_ready()
    yield one
    one.stop()
    for simulator in simulators.values():
        simulator.stop()


def scrape(daemon, path=PAGE, headers=None):
    status, fields, body = daemon.get(path, headers=headers or {})
    assert status == 200, body
    return body.decode()


@pytest.fixture(scope="module")
def metrics(names, daemon):
    """The page when all is there that will come."""
    def ask():
        page = Metrics(scrape(daemon))
        is_whole = all(expected(names, router) <= shown(page, router) for router in ROUTERS)
        return page if is_whole and page.all("mktxp_bgp_sessions_info", local_as="65000") else None

    try:
        return support.wait_for(ask, "all metrics")
    except AssertionError as error:
        page = Metrics(scrape(daemon))
        missing = {router: sorted(expected(names, router) - shown(page, router)) for router in ROUTERS}
        raise AssertionError(f"{error}: {missing}\n{daemon.log}") from None


@pytest.mark.parametrize("router", ROUTERS)
def test_serves_what_it_says(names, metrics, router):
    assert shown(metrics, router) == expected(names, router)


@pytest.mark.parametrize("router", ROUTERS)
def test_has_their_labels(names, metrics, router):
    _, _, empty = ROUTERS[router]
    for name in expected(names, router):
        rows = metrics.all(name, routerboard_name=router)
        labels = {label for row in rows for label, _ in row}
        wanted = names[name]["labels"] - empty.get(name, set())
        # The target's own labels are there, but where the metric has one of that name.
        own = {"site", "board_name"} - names[name]["labels"]
        assert labels == wanted | own | {"routerboard_name", "routerboard_address"}, name
        assert all(("routerboard_address", "127.0.0.1") in row and ("site", "lab") in row for row in rows), name


def test_has_their_units(metrics):
    def get(name, /, **labels):
        return metrics.get(f"mktxp_{name}", routerboard_name="gw7", **labels)

    assert get("poe_out_current", name="ether2") > 50  # mA
    assert get("interface_rate", name="ether1") == 2500  # Mbit/s
    assert get("system_cpu_frequency") in range(100, 10000)  # MHz
    assert 1 <= get("system_cpu_load") <= 100
    assert get("interface_sfp_wavelength", name="sfp-sfpplus1") in range(800, 1700)  # nm
    assert get("dns_info", property="cache_size") == 2048  # KiB
    assert get("system_update_available", newest_version="7.22.1") == 1
    assert get("routerboard_firmware_upgrade_available") == 0
    names = {dict(row)["name"] for row in metrics.all("mktxp_firewall_filter_total", routerboard_name="gw7")}
    assert "| input | accept | rule 0 |  | tcp" in names
    # Theirs, and not the target's own.
    boards = {dict(row)["board_name"] for row in metrics.all("mktxp_system_uptime", routerboard_name="gw7")}
    assert boards == {"CCR2004-16G-2S+"}


def test_families_are_told_once(daemon, metrics):
    heads = [line for line in metrics.text.split("\n") if line.startswith("# TYPE ")]
    assert len(heads) == len(set(heads)) == len(metrics.samples)
    assert "# TYPE mktxp_interface_rx_byte_total counter" in heads
    assert "# TYPE mktxp_system_identity_info gauge" in heads and "# TYPE mktxp_ip_connections_total gauge" in heads
    page = scrape(daemon, headers={"Accept": "application/openmetrics-text"})
    assert page.endswith("\n# EOF\n")
    assert "\n# TYPE mktxp_interface_rx_byte counter\n" in page and "\n# TYPE mktxp_system_identity info\n" in page
    assert "netsonde_" not in page


def test_is_asked_for_by_name(daemon, metrics):
    assert "mktxp_" not in scrape(daemon, "/metrics")
    shards = [Metrics(scrape(daemon, f"{PAGE}&shard={i}/2")) for i in range(2)]
    routers = [router for router in ROUTERS for shard in shards if shown(shard, router)]
    assert routers == list(ROUTERS)
    status, _, body = daemon.get("/metrics?names=mktxp2")
    assert status == 400 and b"must be one of mktxp;" in body


@pytest.mark.parametrize("router", ROUTERS)
def test_inventory_of_interfaces(daemon, metrics, router):
    """In our own names: what an interface is, in the labels of one info."""
    ours = Metrics(scrape(daemon, "/metrics")).all("netsonde_routeros_interface_inventory_info", target=router)
    interfaces = {dict(row)["name"]: dict(row) for row in ours}
    ether1 = interfaces["ether1"]
    assert ether1["type"] == "ether" and ether1["default_name"] == "ether1" and ether1["mtu"] == "1500"
    assert len(ether1["mac_address"].split(":")) == 6
    assert any("comment" in one for one in interfaces.values()) and len(interfaces) > 5
    assert set(ours.values()) == {1}
