"""The settings that docs/howto/pyslowfast.md names exist."""

import inspect
import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from pytorch_lightning import Trainer

from snl_video.data.datamodule import VideoDataModule
from snl_video.models import NonLocalSpec
from snl_video.renamed import RENAMED
from snl_video.training import OptimizerSpec, ScheduleSpec, VideoClassifier

TEXT = (Path(__file__).parents[2] / "docs/howto/pyslowfast.md").read_text(encoding="utf-8")
NAMES = sorted(set(re.findall(r"`((?:model|data|trainer)\.[\w.]+)`", TEXT)))
OWNERS = {"model": VideoClassifier, "data": VideoDataModule, "trainer": Trainer}
SPECS = {
    "optimizer": OptimizerSpec,
    "schedule": ScheduleSpec,
    "non_local": NonLocalSpec,
}


def test_there_are_names():
    assert len(NAMES) > 25


@pytest.mark.parametrize("name", NAMES)
def test_the_setting_exists(name):
    if not name.startswith("data.") and any(
        name == new or name.startswith(f"{new}.") for new in RENAMED.values()
    ):
        return
    owner, setting, *inner = name.split(".")
    assert setting in inspect.signature(OWNERS[owner].__init__).parameters
    if inner:
        default = inspect.signature(OWNERS[owner].__init__).parameters[setting].default
        spec = default if is_dataclass(default) else SPECS[setting]
        assert inner[0] in {field.name for field in fields(spec)}
