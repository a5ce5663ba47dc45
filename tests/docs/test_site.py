"""The site builds from the pages alone, with no warning and with nothing from elsewhere."""

import re
import subprocess
import sys

import pytest
import yaml

from tests.docs.pages import ROOT

pytest.importorskip("mkdocs", reason="pip install -e '.[docs]' builds the site")
pytest.importorskip("material", reason="pip install -e '.[docs]' builds the site")
pytest.importorskip("mkdocstrings", reason="pip install -e '.[docs]' builds the site")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return folder


def leaves(tree):
    """The files that a navigation names."""
    for entry in tree:
        for value in entry.values():
            yield from leaves(value) if isinstance(value, list) else [value]


def test_every_page_of_the_navigation_is_built(site):
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = list(leaves(yaml.safe_load(text)["nav"]))
    assert len(pages) > 20
    missing = [page for page in pages if not (site / page).with_suffix(".html").is_file()]
    assert not missing


def test_no_page_loads_anything_from_elsewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe|source)\b[^>]*\bsrc="([^"]+)"', text)
        loaded += re.findall(
            r'<link\b[^>]*rel="(?:stylesheet|preconnect)"[^>]*href="([^"]+)"', text
        )
        assert not [url for url in loaded if re.match(r"(https?:)?//", url)], page


def test_the_reference_shows_signatures(site):
    text = re.sub(r"<[^>]+>", "", (site / "reference/api/blocks.html").read_text(encoding="utf-8"))
    assert "build_block" in text
    assert "in_channels" in text
