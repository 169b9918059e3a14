"""Faults of routers, certificates, objectives, agents and outputs: each makes its alert reach a webhook through a real
Prometheus and a real Alertmanager, and changes the panels that are about it."""

import pytest

import fault_player
import faults_devices as devices
from netsonde import wait_until


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


@pytest.mark.parametrize("fault", [devices.DEATH, devices.ABSENCE], ids=lambda fault: fault.name)
def test_last_fault(world, played, fault):
    one = fault_player.play(world, [fault])[fault.name]
    print(one.report())
    fault_player.check(one)
