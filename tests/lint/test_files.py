"""Layout, scripts, and what must not stand in any file."""

import json
import re
import shutil
import subprocess

import pytest

import sources

C_FOLDERS = (*sources.LIBRARIES, "tests", "bench")
# Another version lays out a few things differently.
CLANG_FORMAT = "14"


def test_layout():
    tool = shutil.which(f"clang-format-{CLANG_FORMAT}") or shutil.which("clang-format")
    if not tool:
        pytest.skip("clang-format is not installed")
    version = re.search(r"version (\d+)", subprocess.run([tool, "--version"], capture_output=True, text=True).stdout)
    if not version or version[1] != CLANG_FORMAT:
        pytest.skip(f"the layout is that of clang-format {CLANG_FORMAT}, here is another version")
    files = [str(path) for path in sources.c_files(C_FOLDERS)]
    result = subprocess.run([tool, "--dry-run", "-Werror", *files], cwd=sources.TOP, capture_output=True, text=True)
    assert sorted(set(re.findall(r"^([^:\n]+):\d+:\d+: error", result.stderr, re.M))) == []
    assert result.returncode == 0, result.stderr


def shell_scripts():
    for path in sources.all_files():
        with open(sources.TOP / path, "rb") as file:
            first = file.readline(200)
        if path.suffix == ".sh" or re.match(rb"#!.*\b(ba)?sh\b", first):
            yield path


@pytest.mark.parametrize("path", sorted(shell_scripts()), ids=str)
def test_shell_scripts_parse(path):
    result = subprocess.run(["bash", "-n", sources.TOP / path], capture_output=True, text=True)
    assert result.returncode == 0 and result.stderr == "", result.stderr


def text_files():
    for path in sources.all_files():
        try:
            yield path, (sources.TOP / path).read_text()
        except UnicodeDecodeError:
            continue


def test_no_paths_of_one_machine():
    own = re.compile(r"/(?:home|Users)/[A-Za-z]|/root/|" + re.escape(str(sources.TOP) + "/") + r"|/tmp/build-")
    found = [
        f"{path}: {match[0]}"
        for path, text in text_files() for match in own.finditer(text)
        if str(path) != "tests/lint/test_files.py" and path.parts[:2] != ("fuzz", "seeds")
    ]
    assert found == []


def test_no_marks_of_unfinished_work():
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    found = [
        f"{path}: {match[0]}"
        for path, text in text_files() for match in marks.finditer(text) if str(path) != "tests/lint/test_files.py"
    ]
    assert found == []


def test_files_are_not_too_long():
    found = {
        str(path): lines for path in sources.c_files()
        if (lines := (sources.TOP / path).read_text().count("\n")) > 800
    }
    assert found == {}


def test_programs_are_executable():
    """What begins with #! is meant to be run."""
    found = []
    for path in sources.all_files():
        with open(sources.TOP / path, "rb") as file:
            begins = file.read(2) == b"#!"
        if begins and not (sources.TOP / path).stat().st_mode & 0o100:
            found.append(str(path))
    assert found == []


def test_npm_packages_are_exact_and_of_no_registry():
    folder = sources.TOP / "tests" / "peers" / "npm"
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert packages.pop("")["dependencies"] == wanted
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert [name for name, package in packages.items() if "resolved" in package or not package["integrity"].startswith("sha512-")] == []
