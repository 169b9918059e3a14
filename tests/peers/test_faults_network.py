"""Faults of networks, name servers and pages: each makes its alert reach a webhook through a real Prometheus and a real
Alertmanager, and changes the panels that are about it, while its healthy neighbour goes on as before."""

import pytest

import fault_player
import faults_network as network
from netsonde import wait_until


@pytest.fixture(scope="module")
def world(binary, tmp_path_factory):
    made = network.World(binary, tmp_path_factory.mktemp("network"))
    try:
        wait_until(made.has_past, "something to compare with", fault_player.PATIENCE)
        made.early = [alert for alert in made.hook.alerts if not network.is_busy(alert[1]) and alert[1]["alertname"] != "NetsondeWatchdog"]
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def played(world):
    return fault_player.play(world, network.FAULTS)


def test_nothing_is_told_before_any_fault(world):
    assert world.early == []


@pytest.mark.parametrize("fault", network.FAULTS, ids=lambda fault: fault.sick["target"])
def test_fault(played, fault):
    print(played[fault.name].report())
    fault_player.check(played[fault.name])


def test_nothing_else_is_told(world, played):
    """Of each target, whether it has a fault or not."""
    expected = {None: {"NetsondeWatchdog"}}
    for fault in network.FAULTS:
        wanted = {name for name, _ in played[fault.name].wanted.values()}
        expected[fault.sick["target"]] = wanted | {*fault.also, *network.BUDGET}
    strange = {
        (labels.get("target"), notes["description"]) for _, labels, notes, _ in world.hook.alerts
        if not network.is_busy(labels) and labels["alertname"] not in expected.get(labels.get("target"), ())
    }
    assert strange == set()
    assert not [alert for alert in world.alerts("NetsondeHopLoss") if alert[1]["hop"] == "1"]
    # What only some had known at first is taken back when all know it.
    last = [status for status, labels, *_ in world.hook.alerts if (labels["alertname"], labels.get("target")) == ("NetsondeTargetDownForSome", "gone")]
    assert last[-1:] != ["firing"]


def test_alerts_end_with_their_faults(world, played):
    waiting = {name for name, one in played.items() if one.fault.end}
    for name in waiting:
        played[name].fault.end(world)

    def look():
        waiting.difference_update([name for name in waiting if played[name].is_over()])
        return not waiting

    wait_until(look, f"the end of {waiting}", fault_player.PATIENCE)
