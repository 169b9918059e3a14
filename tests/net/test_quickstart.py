"""scripts/run, as the README has it, on a machine without the Internet. It builds the release preset by itself."""

import re
import subprocess

from network import host, run
from support import TOP, Line, clean_environment


def quickstart(folder, *arguments):
    result = subprocess.run(
        [TOP / "scripts" / "run", "--dir", folder, *arguments], capture_output=True, text=True, cwd=folder.parent,
        stdin=subprocess.DEVNULL, env={**clean_environment(), "NETSONDE_WEB_LISTEN": "127.0.0.1:0"},
    )
    return result.returncode, result.stdout + result.stderr


def results(folder):
    lines = [Line(line) for line in (folder / "netsonde.lines").read_text().splitlines()]
    return {
        target: {line.fields["success"] for line in lines if line.tags.get("target") == target and "success" in line.fields}
        for target in {line.tags.get("target") for line in lines}
    }


def test_without_any_network(tmp_path):
    code, said = quickstart(tmp_path / "data", "--seconds", "4")
    assert code == 0, said
    assert "http://127.0.0.1:9975/metrics" in said and "tail -f" in said and "README.md" in said
    seen = results(tmp_path / "data")
    assert seen["loopback-ipv4"] == {1} and seen["loopback-ipv6"] == {1}
    assert seen["cloudflare"] == {0} and seen["quad9"] == {0}


def test_gateway_and_resolvers_are_found(net, tmp_path):
    gateway4, gateway6 = host("ipv4", 1), "fe80::77"
    net.play()
    run("ip", "route", "add", "default", "via", gateway4, "dev", "va")
    run("ip", "-6", "route", "add", "default", "via", gateway6, "dev", "va")
    code, said = quickstart(tmp_path / "data", "--seconds", "4")
    assert code == 0, said
    config = (tmp_path / "data" / "quickstart.conf").read_text()
    assert re.search(rf'"gateway-ipv4"; address = "{gateway4}"', config), config
    assert re.search(rf'"gateway-ipv6"; address = "{gateway6}%va"', config), config
    seen = results(tmp_path / "data")
    assert seen["gateway-ipv4"] == {1} and seen["gateway-ipv6"] == {1} and seen["quad9"] == {1}
    assert net.seen("1.1.1.1")["requests"] >= 2


def test_a_folder_with_a_difficult_name(tmp_path):
    folder = tmp_path / 'a "quoted" & \\ name'
    code, said = quickstart(folder, "--seconds", "3")
    assert code == 0, said
    assert results(folder)["loopback-ipv4"] == {1}


def test_wrong_arguments(tmp_path):
    code, said = quickstart(tmp_path, "--seconds", "soon")
    assert code == 1 and "soon" in said
