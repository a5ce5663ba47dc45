"""The texts of the project: README, CONTRIBUTING and the pages of docs/."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [
    README,
    ROOT / "CONTRIBUTING.md",
    ROOT / "data/README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


def page_id(path):
    """Its path below the root, for the name of a test."""
    return str(path.relative_to(ROOT))


def blocks_of(path, language=""):
    """The fenced blocks of a page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


def prose(path):
    """The text of a page without fenced or indented code and without code font."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"^ {4,}.*$", "", text, flags=re.MULTILINE)
    return re.sub(r"`[^`]*`", "", text)
