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


def anchors(text):
    """Those that headings get: small letters, digits, "-" and "_"; blanks are "-"."""
    text = re.sub(r"(?ms)^```.*?^```", "", text)
    headings = [re.sub(r"\[([^]]*)\]\([^)]*\)|[`*]", r"\1", line) for line in re.findall(r"(?m)^#+ +(.*)$", text)]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_into_pages(page):
    missing = []
    for link, anchor in re.findall(r"\]\(([^)#\s]*)#([^)]*)\)", (sources.TOP / page).read_text()):
        to = sources.TOP / page.parent / link if link else sources.TOP / page
        if "://" not in link and anchor not in anchors(to.read_text()):
            missing.append(f"{link}#{anchor}")
    assert missing == []


def test_the_index_has_every_page():
    index = (sources.TOP / "docs" / "README.md").read_text()
    assert [path.name for path in PAGES if path.parent.name == "docs" and path.name != "README.md" and f"({path.name})" not in index] == []


def test_pictures_are_few_and_small_and_used():
    pictures = sorted((sources.TOP / "docs" / "pictures").iterdir())
    assert 0 < len(pictures) <= 8
    assert [picture.name for picture in pictures if picture.stat().st_size > 150 * 1024] == []
    text = "".join((sources.TOP / page).read_text() for page in PAGES)
    assert [picture.name for picture in pictures if f"pictures/{picture.name})" not in text] == []


def test_the_configuration_of_the_readme_is_accepted(tmp_path):
    readme = (sources.TOP / "README.md").read_text()
    [text] = [block for block in re.findall(r"(?ms)^```\w*\n(.*?)^```", readme) if "targets:" in block]
    (tmp_path / "secret").write_text("x")
    (tmp_path / "netsonde.conf").write_text(re.sub(r'_file = "[^"]*"', f'_file = "{tmp_path}/secret"', text))
    result = subprocess.run([BINARY, "check", tmp_path / "netsonde.conf"], capture_output=True, text=True, env={})
    assert result.returncode == 0, result.stdout + result.stderr


def test_examples_are_accepted():
    examples = sorted((sources.TOP / "docs" / "examples").glob("*.conf"))
    assert examples
    for path in examples:
        result = subprocess.run([BINARY, "check", path], capture_output=True, text=True, env={})
        assert result.returncode == 0, result.stdout + result.stderr
