"""Links of the pages lead somewhere, and their pictures are there and small."""

import re

import pytest

from tests.docs.pages import PAGES, ROOT, page_id, prose

PICTURES = sorted(
    path for path in (ROOT / "docs/pictures").iterdir() if path.suffix in (".png", ".svg")
)


def targets(path):
    """What a page links to or shows, without addresses on the web."""
    found = re.findall(r"\]\(([^)\s]+)", prose(path)) + re.findall(
        r'(?:src|href)="([^"]+)"', prose(path)
    )
    return [target for target in found if not re.match(r"https?://|mailto:", target)]


def anchors(path):
    """The anchors of the headings of a page, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    words = (re.sub(r"[^\w\s-]", "", heading.lower()).strip() for heading in headings)
    return {re.sub(r"[\s-]+", "-", word) for word in words}


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_every_relative_link_resolves(path):
    for target in targets(path):
        file, _, anchor = target.partition("#")
        page = path if not file else (path.parent / file).resolve()
        assert page.exists(), f"{page_id(path)} links to {target}"
        assert not anchor or anchor in anchors(page), f"{page_id(path)} links to {target}"


@pytest.mark.parametrize("path", PICTURES, ids=page_id)
def test_a_picture_is_small_and_shown(path):
    assert path.stat().st_size < 200_000
    shown = {(page.parent / target).resolve() for page in PAGES for target in targets(page)}
    assert path in shown


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_a_page_has_one_title(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(re.findall(r"^# ", text, flags=re.MULTILINE)) == 1


def test_pages_have_links():
    assert sum(len(targets(path)) for path in PAGES) > 50


@pytest.mark.parametrize("path", [p for p in PAGES if p.name != "CONTRIBUTING.md"], ids=page_id)
def test_code_fits_a_column(path):
    """Of a page on a screen of 1280 pixels."""
    text = path.read_text(encoding="utf-8")
    fenced = "\n".join(re.findall(r"```.*?\n(.*?)```", text, flags=re.DOTALL))
    lines = fenced.splitlines() + re.findall(r"^ {4}(.*)$", text, flags=re.MULTILINE)
    assert not [line for line in lines if len(line) > 86 and not line.lstrip().startswith("|")]
