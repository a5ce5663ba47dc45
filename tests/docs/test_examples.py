"""The Python of the docs runs as it is shown."""

import pytest

from snl_video.blocks import BLOCKS
from snl_video.evaluation import METRICS
from snl_video.models import BACKBONES
from tests.docs.pages import PAGES, blocks_of, page_id

ELSEWHERE = {
    "README.md": "tests/docs/test_readme.py",
    "CONTRIBUTING.md": "tests/test_contributing.py",
    "docs/tutorials/evaluate.md": "needs the report of the demo",
    "docs/howto/recognise.md": "needs a trained run",
    "docs/howto/live.md": "needs a camera",
    "docs/howto/serve.md": "needs a trained run and Gradio",
}
CODE = [
    pytest.param(code, id=f"{page_id(path)}-{number}")
    for path in PAGES
    if page_id(path) not in ELSEWHERE
    for number, code in enumerate(blocks_of(path, "python"))
]


def test_there_are_examples():
    assert len(CODE) >= 3


@pytest.fixture
def tables():
    """Takes back what an example adds to a table."""
    before = [(table, dict(table)) for table in (BLOCKS, BACKBONES, METRICS)]
    yield
    for table, rows in before:
        table.clear()
        table.update(rows)


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("code", CODE)
def test_it_runs(code):
    exec(compile(code, "an example", "exec"), {})
