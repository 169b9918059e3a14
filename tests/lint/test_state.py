"""No mutable variable lives outside a function's call, except the log sink: everything else hangs from main."""

import concurrent.futures
import json
import os
import re
import shlex
import subprocess

import pytest

import sources

# File, and how many such variables it may have. Signals come by signalfd, so that no flag is needed.
ALLOWED = {"core/log.c": 1}
MUTABLE = re.compile(r"\.t?(data|bss)(?!\.rel\.ro)\b|\*COM\*")


def compile_plainly(entry, folder):
    """An object without link-time optimisation, sanitizers or coverage, which add variables of their own."""
    words = entry.get("arguments") or shlex.split(entry["command"])
    words = [word for word in words if not word.startswith(("-flto", "-fsanitize", "--coverage", "-fprofile", "-fno-fat"))]
    target = folder / (entry["file"].replace("/", "_") + ".o")
    words[words.index("-o") + 1] = str(target)
    subprocess.run([*words, "-fno-lto"], cwd=entry["directory"], check=True, capture_output=True)
    return target


def mutable_symbols(target):
    table = subprocess.run(["objdump", "-t", target], check=True, capture_output=True, text=True).stdout
    found = []
    for line in table.splitlines():
        # value, seven flags, section, size, name
        match = re.match(r"^[0-9a-f]+ (.{7}) (\S+)\t([0-9a-f]+) (?:\.hidden )?(\S+)$", line)
        if match and "O" in match[1] and MUTABLE.match(match[2]) and int(match[3], 16) > 0:
            found.append(match[4])
    return found


def test_no_mutable_file_scope_variables(tmp_path):
    database = sources.BUILD / "compile_commands.json"
    if not database.exists():
        pytest.fail(f"{database} is missing: configure the build first")
    entries = {}
    for entry in json.loads(database.read_text()):
        path = os.path.relpath(entry["file"], sources.TOP)
        if path.split("/")[0] in sources.LIBRARIES:
            entries.setdefault(path, entry)
    missing = {str(path) for path in sources.c_files(suffixes=(".c",))} - set(entries)
    assert missing == set(), "these are in no library"
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = dict(zip(entries, pool.map(lambda entry: compile_plainly(entry, tmp_path), entries.values())))
    found = {path: symbols for path, target in objects.items() if (symbols := mutable_symbols(target))}
    beyond = {path: symbols for path, symbols in found.items() if len(symbols) > ALLOWED.get(path, 0)}
    assert beyond == {}
    assert set(found) == set(ALLOWED), "an exception that nobody needs any more"
