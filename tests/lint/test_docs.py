"""What the documentation says about options and metrics is what the program says; links lead somewhere."""

import re
import shutil
import subprocess

import pytest

import sources

BINARY = sources.BUILD / "netsonde"
PAGES = sorted(path for path in sources.all_files() if path.suffix == ".md")


def test_generated_parts_are_up_to_date(tmp_path):
    shutil.copytree(sources.TOP / "docs", tmp_path / "docs")
    subprocess.run([tmp_path / "docs" / "generate", BINARY], check=True, capture_output=True)
    for name in ("configuration.md", "metrics.md", "quality.md", "mktxp.md"):
        now = (sources.TOP / "docs" / name).read_text()
        assert now.count("<!-- generated: begin") == now.count("<!-- generated: end -->") == 1, name
        assert (tmp_path / "docs" / name).read_text() == now, f"run docs/generate {BINARY}"
    plots = sorted((sources.TOP / "docs" / "quality").glob("*.svg"))
    assert plots
    for plot in plots:
        assert (tmp_path / "docs" / "quality" / plot.name).read_text() == plot.read_text(), f"run docs/generate {BINARY}"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_between_files(page):
    text = (sources.TOP / page).read_text()
    missing = [
        link for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
        if "://" not in link and not link.startswith("mailto:") and not (sources.TOP / page.parent / link).exists()
    ]
    assert missing == []


def test_examples_are_accepted():
    examples = sorted((sources.TOP / "docs" / "examples").glob("*.conf"))
    assert examples
    for path in examples:
        result = subprocess.run([BINARY, "check", path], capture_output=True, text=True, env={})
        assert result.returncode == 0, result.stdout + result.stderr
