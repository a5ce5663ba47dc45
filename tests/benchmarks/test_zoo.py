"""The table of models: counted figures are those of the networks, and of their publishers."""

import pytest
from torchvision.models import get_model_weights

from benchmarks.zoo import PAGE, PRESETS, TABLE, row
from snl_video.models import BACKBONES, build_network
from snl_video.models.summary import summarise
from tests.docs.pages import ROOT
from tests.models.small_backbones import EVERY

TORCHVISION = [name for name in BACKBONES if name.startswith("torchvision:")]


def test_the_page_has_a_row_for_every_backbone():
    assert PAGE == ROOT / "docs/models.md"
    (table,) = TABLE.findall(PAGE.read_text(encoding="utf-8"))
    names = [line.split("`")[1] for line in table.splitlines()[2:]]
    assert names == list(BACKBONES)
    assert set(PRESETS) == set(BACKBONES) - set(TORCHVISION)


@pytest.mark.parametrize(
    "backbone",
    [n if n == "x3d_m" else pytest.param(n, marks=pytest.mark.slow) for n in BACKBONES],
)
def test_a_row_tells_what_is_counted(backbone):
    cells = " | ".join(row(backbone))
    assert f"| {cells} |" in PAGE.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("backbone", "millions"),
    [("x3d_xs", 3.79), ("x3d_l", 6.15), ("r2plus1d_r50", 28.11)],
)
def test_parameters_are_those_of_pytorchvideos_zoo(backbone, millions):
    network = build_network(backbone, 400)
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 2) == millions


@pytest.mark.parametrize(
    "backbone", [n for n in EVERY if n in TORCHVISION or not isinstance(n, str)]
)
def test_size_and_cost_are_those_of_torchvisions_metadata(backbone):
    name = backbone.removeprefix("torchvision:")
    meta = get_model_weights(name).DEFAULT.meta
    size = 112 if name.endswith("_18") else 224
    summary = summarise(build_network(backbone, 400), 16, size, size)
    assert summary.parameters == meta["num_params"]
    assert summary.gmacs == pytest.approx(meta["_ops"], rel=0.01)
