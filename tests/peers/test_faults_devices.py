"""Faults of routers, certificates, objectives, agents and outputs: each makes its alert reach a webhook through a real
Prometheus and a real Alertmanager, and changes the panels that are about it."""

import pytest

import fault_player
import faults_devices as devices
import faults_network as network
from netsonde import wait_until
from test_rules import ALERTS

TABLES = (*devices.FAULTS, *devices.LAST, *network.FAULTS)


@pytest.fixture(scope="module")
def world(binary, tmp_path_factory):
    made = devices.World(binary, tmp_path_factory.mktemp("devices"))
    try:
        wait_until(made.has_history, "something to compare with", fault_player.PATIENCE)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def played(world):
    return fault_player.play(world, devices.FAULTS)


@pytest.mark.parametrize("fault", devices.FAULTS, ids=lambda fault: fault.name)
def test_fault(played, fault):
    print(played[fault.name].report())
    fault_player.check(played[fault.name])


def test_healthy_output_of_the_same_agent_is_spared(played):
    heard = [alert for alert in next(iter(played.values())).world.hook.alerts if alert[1].get("name") == "well"]
    assert heard == []


def test_alerts_end_with_their_faults(world, played):
    ended = [one for one in played.values() if one.fault.end]
    for one in ended:
        one.fault.end(world)
    waiting = {one.fault.name for one in ended}

    def look():
        waiting.difference_update([one.fault.name for one in ended if one.is_over()])
        return not waiting

    wait_until(look, f"the end of {waiting}", fault_player.PATIENCE)


@pytest.mark.parametrize("fault", devices.LAST, ids=lambda fault: fault.name)
def test_last_fault(world, played, fault):
    one = fault_player.play(world, [fault])[fault.name]
    print(one.report())
    fault_player.check(one)


def test_every_alert_is_played():
    played = {alert if isinstance(alert, str) else alert[0] for fault in TABLES for alert in fault.alerts}
    assert played == set(ALERTS) - {"NetsondeWatchdog"}, "each alert but that which always comes (test_live)"


def test_every_panel_about_a_fault_has_one():
    """What an alert is made of is on panels: each of their queries changes with a fault, or is listed with why not."""
    seen = {(look[0], look[2] if len(look) > 2 else 0) for fault in TABLES for look in fault.panels}
    asked = {(title, n) for title, texts in fault_player.queries().items() for n in range(len(texts))}
    without = devices.WITHOUT.keys() | network.WITHOUT.keys()
    assert seen <= asked and without <= asked and not seen & without
    assert len(seen) > 250 and fault_player.about_faults() - seen == without & fault_player.about_faults()
