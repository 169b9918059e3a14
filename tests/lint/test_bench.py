"""The benchmark commands: that they can be run at all, and that their tables say met and missed rightly."""

import subprocess
import sys

import pytest

import sources

BENCH = sources.TOP / "bench"
# bench/soak is no comparison: docs/testing.md has it.
COMMANDS = sorted(path.name for path in BENCH.iterdir() if path.suffix == "" and path.is_file() and path.name != "soak")


@pytest.fixture
def table(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    from lib import table
    return table


def test_commands_are_there():
    assert COMMANDS == ["accuracy", "boards", "exposition", "ping", "probe", "push", "routeros", "trace"]


@pytest.mark.parametrize("name", COMMANDS)
def test_they_say_how_to_use_them(name):
    result = subprocess.run([sys.executable, "-B", BENCH / name, "--help"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    # bench/boards has no others beside it to choose from.
    assert "--quick" in result.stdout and ("--only" in result.stdout or name == "boards")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_documentation_has_them(name):
    assert f"## bench/{name}\n" in (sources.TOP / "docs" / "benchmarks.md").read_text()


@pytest.mark.parametrize("at_least, bound, value, verdict", [
    (True, 0.85, 0.85, "met"),
    (True, 0.85, 2, "met"),
    (True, 0.8, 0.4, "MISSED by 2.00 x"),
    (True, 0.8, 0, "MISSED by 0.800"),
    (False, 4, 4, "met"),
    (False, 4, -1, "met"),
    (False, 4, 6, "MISSED by 1.50 x"),
    (False, 0, 3, "MISSED by 3"),
    (False, 0, None, "not measured"),
])
def test_verdicts(table, at_least, bound, value, verdict):
    assert table.Goal(bound, at_least).verdict(value) == verdict


@pytest.mark.parametrize("value, shown", [
    (None, "-"), ("words", "words"), (0, "0"), (3, "3"), (1520, "1,520"), (3.0, "3.00"), (0.447, "0.447"), (0.0239, "0.0239"), (12.34, "12.3"),
    (123.4, "123"), (-42.4, "-42.4"), (65000.4, "65,000"), (-1862.5, "-1,862"),
])
def test_numbers(table, value, shown):
    assert table.number(value) == shown


def test_medians_and_percentiles(table):
    assert table.middle([3, None, 1, 2]) == 2
    assert table.middle([None]) is None
    assert table.percentile(list(range(100)), 0.99) == 99
    assert table.percentile([5], 0.5) == 5


def test_a_table_without_rows_is_not_printed(table, capsys):
    empty = table.Table("title", ["", "value", "goal", "verdict"])
    empty.print()
    assert capsys.readouterr().out == ""
    empty.part("part")
    empty.row("one", 1.5, table.at_most(1).text(), table.at_most(1).verdict(1.5))
    empty.print()
    out = capsys.readouterr().out
    assert "part" in out and "<= 1" in out and "MISSED by 1.50 x" in out
