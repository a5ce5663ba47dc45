"""Every setting that a page names, as an option or in code, is one that the program has."""

import re
from dataclasses import fields

import pytest

from snl_video.models import NonLocalSpec
from snl_video.weights import PretrainedSpec
from tests.docs.pages import PAGES, ROOT, page_id
from tests.test_configs import parser

SECTIONS = "data|model|freeze|pretrained|checkpoint|trainer"
GROUPS = "lists|holdout|clip|crop|augment|views|loader|bad_videos|decoding|predict"


@pytest.fixture(scope="module")
def settings():
    """Dotted names of all settings, and of the groups that hold them."""
    names = set(parser().get_defaults().keys())
    names |= {f"model.non_local.{field.name}" for field in fields(NonLocalSpec)}
    names |= {f"pretrained.{field.name}" for field in fields(PretrainedSpec)}
    words = [name.split(".") for name in names]
    return {".".join(name[:depth]) for name in words for depth in range(1, len(name) + 1)}


def names_in(path):
    """The settings that a page names, with their sections."""
    text = path.read_text(encoding="utf-8")
    options = re.findall(rf"--((?:{SECTIONS})(?:\.\w+)*)", text)
    code = re.findall(rf"`((?:{SECTIONS})(?:\.\w+)+)(?:: [^`]*)?`", text)
    short = re.findall(rf"`((?:{GROUPS})\.\w+)(?:: [^`]*)?`", text)
    return {*options, *code, *(f"data.{name}" for name in short)}


def test_there_are_names():
    assert len(set().union(*map(names_in, PAGES))) > 60
    assert len(names_in(ROOT / "docs/howto/pyslowfast.md")) > 30


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_every_setting_that_a_page_names_exists(path, settings):
    named = {re.sub(r"\.\d+$", "", name) for name in names_in(path)}
    files = {name for name in named if name.endswith((".md", ".yaml", ".py", ".safetensors"))}
    assert not named - settings - files
