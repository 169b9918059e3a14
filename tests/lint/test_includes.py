"""Who may include whom: docs/design.md, section 1."""

import re

import pytest

import sources

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def includes(path):
    return INCLUDE.findall((sources.TOP / path).read_text())


def folder_of(path):
    return path.split("/")[0]


def offences(path, included):
    """Why this file may not include that one; None when it may."""
    own, other = path.parts[0], folder_of(included)
    if other not in sources.LIBRARIES:
        return None
    if own == "core" and other != "core":
        return "core stands on nobody"
    if own in sources.SIBLINGS and other not in (own, "core"):
        return "only daemon joins siblings"
    if own == other == "probes":
        mine, theirs = path.parts[1:-1], included.split("/")[1:-1]
        if not mine and theirs and theirs[0] != "icmp":
            return "the engine knows no probe type"
        if mine and theirs and theirs[0] not in (mine[0], "icmp"):
            return "probe types do not know one another"
    return None


@pytest.mark.parametrize("library", sources.LIBRARIES)
def test_directions(library):
    found = [
        f"{path} includes {included}: {why}"
        for path in sources.c_files((library,)) for included in includes(path)
        if (why := offences(path, included))
    ]
    assert found == []


def test_every_include_is_written_from_the_top():
    """"core/text.h", not "text.h": so that the lint above sees whose it is."""
    found = [
        f"{path}: {included}"
        for path in sources.c_files() for included in includes(path) if not (sources.TOP / included).exists()
    ]
    assert found == []


def test_headers_have_guards_of_their_own():
    guards = {}
    for path in sources.c_files(suffixes=(".h",)):
        match = re.search(r"^#ifndef (NETSONDE_\w+_H)\n#define \1\n", (sources.TOP / path).read_text(), re.M)
        guards.setdefault(match and match[1], []).append(str(path))
    assert guards.pop(None, []) == [], "no guard"
    assert {guard: paths for guard, paths in guards.items() if len(paths) > 1} == {}


def test_nothing_reads_a_clock_but_core_clock():
    """tests/fakes replace the clock at link time: who reads another one cannot be replayed."""
    reading = re.compile(r"\b(clock_gettime|gettimeofday|time)\s*\(\s*(?:NULL|&|CLOCK)")
    found = [str(path) for path in sources.c_files() if reading.search((sources.TOP / path).read_text())]
    assert [path for path in found if path != "core/clock.c"] == []


def test_nothing_exits_but_main_and_mem():
    stopping = re.compile(r"(?<![\w>.])(_?exit|abort|assert|quick_exit)\s*\(")
    comments = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:[^\"\\]|\\.)*\"", re.S)
    found = []
    for path in sources.c_files(suffixes=(".c",)):
        for call in stopping.findall(comments.sub("", (sources.TOP / path).read_text())):
            found.append(f"{path}: {call}()")
    allowed = ("core/mem.c", "daemon/main.c", "core/hash.c", "core/option.c")
    assert [one for one in found if not one.startswith(allowed)] == []
