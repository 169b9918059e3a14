"""The unit file is understood by systemd, and does what it says about the daemon's rights."""

import re
import shutil
import subprocess

import pytest

import sources

UNIT = sources.TOP / "deploy" / "netsonde.service"
EXPOSURE_MAX = 2.0  # of 10, by "systemd-analyze security"

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True)


def settings():
    return [line.split("=", 1) for line in UNIT.read_text().splitlines() if re.match(r"^[A-Z]\w*=", line)]


@needs_systemd
def test_systemd_understands_every_line(tmp_path):
    """The daemon need not be installed: something else stands for it."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/usr/bin/netsonde", "/bin/true"))
    result = analyze("verify", str(unit))
    said = [line for line in (result.stdout + result.stderr).splitlines() if UNIT.name in line]
    assert said == [] and result.returncode == 0, result.stdout + result.stderr


@needs_systemd
def test_systemd_finds_little_exposed():
    result = analyze("security", "--offline=yes", str(UNIT))
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", result.stdout)
    assert found and float(found[1]) <= EXPOSURE_MAX, result.stdout + result.stderr


def test_the_daemon_gets_one_capability():
    rows = settings()
    for name in ("AmbientCapabilities", "CapabilityBoundingSet"):
        assert [value for key, value in rows if key == name] == ["CAP_NET_RAW"]
    assert ["NoNewPrivileges", "yes"] in rows and ["Type", "notify"] in rows


def expand(name, sets):
    """The calls of a word of SystemCallFilter."""
    if not name.startswith("@"):
        return {name}
    return {call for word in sets[name] for call in expand(word, sets)}


@needs_systemd
def test_what_the_daemon_calls_is_allowed():
    """The list of the daemon's own filter, and what only its start calls, are within the unit's."""
    sets, current = {}, None
    # Some versions write colours to a file, too.
    for line in re.sub(r"\x1b\[\d*m", "", analyze("syscall-filter", "--no-pager").stdout).splitlines():
        if line.startswith("@"):
            current = sets.setdefault(line.strip(), [])
        elif line.startswith("    ") and not line.strip().startswith("#"):
            current.append(line.strip())
    allowed = set()
    for value in (value for key, value in settings() if key == "SystemCallFilter"):
        calls = {call for word in value.lstrip("~").split() for call in expand(word, sets)}
        allowed = allowed - calls if value.startswith("~") else allowed | calls
    source = (sources.TOP / "daemon" / "filter_calls.c").read_text()
    table = source[source.index("filter_calls[] = {"):source.index("#if HAS_SANITIZER\n\t/*")]
    rules = source[source.index("filter_rules[] = {"):]
    wanted = set(re.findall(r'"(\w+)"', table)) | set(re.findall(r'\{"(\w+)"', rules))
    assert len(wanted) > 100
    known = {call for words in sets.values() for call in words}
    missing = {call for call in wanted | {"execve", "capset", "prctl", "seccomp", "prlimit64"} if call not in allowed}
    assert {call for call in missing if call in known} == set()
    # Later versions of systemd may not know what they leave out either.
    assert missing <= {"futex_waitv", "epoll_pwait2", "close_range", "faccessat2"}, missing
