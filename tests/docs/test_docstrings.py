"""Docstrings are Markdown, as the reference renders them."""

import re

from tests.docs.pages import ROOT

ROLE = re.compile(r":(?:func|class|meth|mod|attr|data|obj|exc|ref):`")
LITERAL_BLOCK = re.compile(r"^(?:\s*|.*[^:\s])::$", re.MULTILINE)


def test_no_docstring_has_markup_of_sphinx():
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "snl_video").rglob("*.py")}
    assert len(texts) > 100
    assert not [path for path, text in texts.items() if ROLE.search(text)]
    assert not [path for path, text in texts.items() if LITERAL_BLOCK.search(text)]
