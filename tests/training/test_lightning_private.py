"""The private names of Lightning that are used exist; a version that lacks one is named here."""

import ast
import inspect

import pytest
import pytorch_lightning as pl
from pytorch_lightning.callbacks import WeightAveraging
from pytorch_lightning.loops import _FitLoop
from pytorch_lightning.strategies import DDPStrategy

from snl_video.training import lightning_private

OWNERS = {
    "_load_combined_loader_states": _FitLoop,
    "_signal_connector": pl.Trainer(logger=False, enable_checkpointing=False, accelerator="cpu"),
    "_timeout": DDPStrategy(),
    "_trainer": pl.LightningModule(),
    "_average_model": WeightAveraging(),
}
"""Private name -> what of Lightning has it."""


def private_names():
    tree = ast.parse(inspect.getsource(lightning_private))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return sorted(name for name in names if name.startswith("_"))


def test_all_of_them_are_listed_here():
    assert set(private_names()) == set(OWNERS)


@pytest.mark.parametrize("name", OWNERS)
def test_lightning_has_the_name(name):
    owner = OWNERS[name]
    assert hasattr(owner, name), f"Lightning {pl.__version__}: no {name} in {owner}"
