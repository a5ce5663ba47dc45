"""The picture at the top of the README."""

import re
from xml.etree import ElementTree

from benchmarks.overview import HEIGHT, OUT, WIDTH, overview


def test_the_picture_is_what_its_script_draws():
    assert OUT.read_text(encoding="utf-8") == overview(), "run python -m benchmarks.overview"


def test_it_reads_on_a_phone_and_on_a_dark_page():
    root = ElementTree.fromstring(overview())
    ground = root[0]
    assert (ground.get("width"), ground.get("height")) == (str(WIDTH), str(HEIGHT))
    assert ground.get("fill") == "#ffffff"
    sizes = [float(text.get("font-size")) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert len(sizes) > 15
    assert min(sizes) * 358 / WIDTH > 10, "pixels in the column of a phone"


def test_it_says_what_it_shows():
    label = re.search(r'aria-label="([^"]+)"', overview())[1]
    assert "graph" in label
    assert "filters" in label
