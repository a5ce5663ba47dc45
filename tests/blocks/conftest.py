"""The block of a user, registered while the tests of this folder run."""

import pytest

from snl_video.blocks import BLOCKS
from tests.blocks.cases import next_frame


@pytest.fixture(autouse=True, scope="package")
def _next_frame():
    BLOCKS["next_frame"] = next_frame
    yield
    del BLOCKS["next_frame"]
