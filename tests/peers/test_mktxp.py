"""A real Prometheus scrapes the names of mktxp: queries as dashboards have them; strict parsers read the page."""

import subprocess

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from netsonde import Daemon, wait_until
from routeros.simulator import Simulator
from servers import Prometheus

PAGE = "/metrics?names=mktxp"
SETS = ("interface_inventory", "system_board", "health", "firewall", "w60g", "netwatch", "queue_tree", "identity", "ethernet")
CONFIGURATION = """
web: { listen = [ "127.0.0.1:0" ]; };
agent: { workers = 1; };
probes: { routers: { type = "routeros"; username = "netsonde"; password_file = "password"; port = %d; realtime = 1;
  sets = [ %s ]; }; };
targets: ( { name = "gw1"; address = "127.0.0.1"; probes = [ "routers" ]; labels = { site = "lab"; }; } );
"""


@pytest.fixture(scope="module")
def daemon(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("daemon")
    folder.joinpath("password").write_text("secret\n")
    # Off: what has labels that change, so that two pages can be compared.
    sets = ", ".join([f'"{name}=realtime"' for name in SETS] + ['"wireless_client=off"'])
    with Simulator(profile="7.18") as router, Daemon(binary, folder, CONFIGURATION % (router.port, sets)) as running:
        running.url()
        last = ("mktxp_interface_comment_info{", "mktxp_system_identity_info{", "mktxp_w60g_tx_sector_info{",
                "mktxp_queue_tree_rates_total{", "mktxp_interface_status{", "mktxp_system_cpu_load{version=")
        wait_until(lambda: all(name in running.get(PAGE) for name in last), "the collections")
        yield running
        assert running.stop() == 0


@pytest.fixture(scope="module")
def prometheus(daemon, tmp_path_factory):
    server = Prometheus(tmp_path_factory.mktemp("prometheus"), daemon.url()[len("http://"):],
                        scrape="params: { names: [ mktxp ] }")
    try:
        wait_until(lambda: server.query("up == 1"), "up == 1")
        yield server
    finally:
        server.stop()


def test_dashboards_find_their_names(prometheus):
    def ask(query):
        return wait_until(lambda: prometheus.query(query), query)

    labels, load = ask('mktxp_system_cpu_load{routerboard_name=~"gw.*"}')[0]
    assert labels["board_name"] == "CCR2004-16G-2S+" and labels["site"] == "lab" and 0 <= load <= 100
    assert labels["routerboard_address"] == "127.0.0.1" and labels["version"].startswith("7.18")
    assert ask('mktxp_system_identity_info{routerboard_name="gw1"}')[0][0]["name"] == "gw1"
    rates = ask('rate(mktxp_interface_rx_byte_total{routerboard_name="gw1",name="ether1"}[10s]) * 8 > 0')
    assert len(rates) == 1 and rates[0][0]["default_name"] == "ether1"
    share = ask("100 * (1 - mktxp_system_free_memory / mktxp_system_total_memory)")
    assert len(share) == 1 and 0 < share[0][1] < 100
    # What is asked for by name in one metric and told in another.
    joined = ask("mktxp_interface_rx_byte_total * on (routerboard_name, name) group_left (type) mktxp_interface_type_info")
    assert {labels["name"]: labels["type"] for labels, _ in joined}["ether1"] == "ether"
    assert prometheus.query('{__name__=~"netsonde_.*"}') == []


def samples(families):
    return {(one.name, frozenset(one.labels.items())) for family in families for one in family.samples}


def test_strict_parsers_accept_the_page(daemon):
    text = daemon.get(PAGE)
    open_text = daemon.get(PAGE, Accept="application/openmetrics-text; version=1.0.0")
    families = {family.name: family.type for family in parse_openmetrics(open_text)}
    assert families["mktxp_interface_rx_byte"] == "counter" and families["mktxp_system_identity"] == "info"
    # Two names that are one without the ending of the second.
    assert families["mktxp_w60g_tx_sector"] == families["mktxp_w60g_tx_sector_info"] == "gauge"
    assert families["mktxp_ip_connections_total"] == "gauge"
    assert samples(parse_text(text)) == samples(parse_openmetrics(open_text))


def test_promtool_only_dislikes_their_names(daemon):
    result = subprocess.run(["promtool", "check", "metrics"], input=daemon.get(PAGE), capture_output=True, text=True,
                            check=False)
    disliked = {line.partition(" ")[2] for line in (result.stdout + result.stderr).splitlines()}
    assert disliked <= {
        'non-histogram and non-summary metrics should not have "_count" suffix',
        "metric names should not contain abbreviated units",
        'non-counter metrics should not have "_total" suffix',
    }
