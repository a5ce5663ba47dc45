"""The tables of the reference have a row for everything that the package has."""

import inspect
import re
from dataclasses import is_dataclass
from importlib import import_module
from typing import get_args, get_type_hints

import pytest

import snl_video
from snl_video.data import FORMATS, VideoDataModule
from snl_video.evaluation import METRICS
from snl_video.training import VideoClassifier
from tests.docs.pages import ROOT

ROOMS = ["blocks", "models", "weights", "data", "training", "evaluation"]


def rows(page):
    """The first cell of each row of the tables of a page of the reference."""
    text = (ROOT / "docs/reference" / page).read_text(encoding="utf-8")
    return " ".join(re.findall(r"^\| ([^|]*) \|", text, flags=re.MULTILINE))


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_a_row(name):
    assert f"`{name}`" in rows("metrics.md")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_of_a_data_set_is_laid_out(name):
    text = (ROOT / "docs/howto/datasets.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {name}\b", text, flags=re.MULTILINE)
    assert f"`{name}`" in (ROOT / "data/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_of_a_room_is_shown(room):
    names = import_module(f"snl_video.{room}").__all__
    pages = [ROOT / f"docs/reference/api/{room}.md", ROOT / "docs/reference/settings.md"]
    shown = {
        word.rpartition(".")[2]
        for page in pages
        for word in re.findall(r"^::: ([\w.]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert not set(names) - shown


@pytest.mark.parametrize("owner", [VideoDataModule, VideoClassifier])
def test_every_setting_of_data_and_model_is_there(owner):
    names = set(inspect.signature(owner.__init__).parameters) - {"self"}
    assert not {name for name in names if f"`{name}`" not in rows("settings.md")}


@pytest.mark.parametrize("owner", [VideoDataModule, VideoClassifier])
def test_every_group_of_settings_is_shown(owner):
    text = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^::: [\w.]*?(\w+)$", text, flags=re.MULTILINE))
    hints = get_type_hints(owner.__init__).values()
    types = {kind for hint in hints for kind in (hint, *get_args(hint))}
    groups = {kind.__name__ for kind in types if is_dataclass(kind)}
    assert len(groups) >= 3
    assert groups <= shown


@pytest.mark.parametrize("name", snl_video.__all__)
def test_every_name_of_the_package_has_a_row(name):
    assert f"`{name}`" in rows("api/index.md")
