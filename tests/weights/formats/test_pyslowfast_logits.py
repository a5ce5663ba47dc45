"""PySlowFast's checkpoints against its own logits and plain functions of their weights."""

import pytest
import torch

from snl_video.weights import build_model, from_slowfast, load_pretrained
from snl_video.weights.formats.pyslowfast.config import Config
from snl_video.weights.formats.pyslowfast.network_of_config import block_specs
from tests.weights.cases import clip, logits, saved
from tests.weights.golden import golden
from tests.weights.reference import (
    C2D,
    FAST,
    SLOW,
    Design,
    relative_error,
    wide,
)
from tests.weights.slowfast_checkpoints import NL, TWO, checkpoint

ZOO = ("i3d_r50_w8", "i3d_nln_r50_w8", "slowfast_r50_w16")
DESIGNS = {
    "i3d": ("i3d", Design(temporal_pool=True), {}),
    "i3d_nln": ("i3d", Design(temporal_pool=True, blocks=NL), {}),
    "i3d_nopool_dot": ("i3d_nopool", Design(blocks=NL, affinity="dot_product"), {}),
    "c2d": ("c2d", Design((C2D,), (1,), temporal_pool=True, blocks=((2, 0, 0),)), {}),
    "c2d_nopool": ("c2d_nopool", Design((C2D,), (1,), pool=None, blocks=NL), {}),
    "2d_strides": ("2d", Design((C2D,), (1,), stride_1x1=True), {}),
    "slow": ("slow", Design((SLOW,), (1,), width=4, blocks=NL, affinity="dot_product"), {}),
    "slow_few_kernels": (
        "slow",
        Design(((*SLOW[:2], (3, 3, 1, 1, 1, 1), (1, 1, 1)),), (1,)),
        {"RESNET__NUM_BLOCK_TEMP_KERNEL": [[3], [4], [2], [0]]},
    ),
    "slow_r101": (
        "slow",
        Design(((*SLOW[:2], (3,) * 6 + (1,) * 17, SLOW[3]),), (1,), width=4, blocks=((4, 20, 0),)),
        {"RESNET__DEPTH": 101},
    ),
    "slowfast": ("slowfast", Design(**TWO), {}),
    "slowfast_nln": (
        "slowfast",
        Design(**TWO, beta=4, alpha=2, fusion_kernel=7, blocks=((3, 1, 0), (4, 2, 1), (4, 0, 0))),
        {},
    ),
}


@pytest.mark.parametrize("name", ZOO)
def test_gives_pyslowfasts_logits(name):
    path, values = golden("slowfast_zoo", name, ".pyth")
    network = from_slowfast(path)
    assert relative_error(logits(network, values["input"]), values["logits"]) < 1e-4
    assert relative_error(logits(network, values["input"]).softmax(1), values["probs"]) < 1e-4


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("i3d_r50_w8", {"backbone": "i3d_r50", "width": 8}),
        (
            "i3d_nln_r50_w8",
            {
                "backbone": "i3d_r50",
                "width": 8,
                "non_local": {
                    "kind": "nl",
                    "places": "five",
                    "options": {"bias": True, "scale": True, "pool": (1, 2, 2)},
                },
            },
        ),
        ("slowfast_r50_w16", {"backbone": "slowfast_r50_8x8", "width": 16}),
    ],
)
def test_gives_pyslowfasts_logits_in_a_network_built_by_hand(name, arguments):
    path, values = golden("slowfast_zoo", name, ".pyth")
    network = build_model(num_classes=11, **arguments)
    report = load_pretrained(network, path)
    assert (report.format, report.missing, report.unexpected) == ("slowfast", (), ())
    assert relative_error(logits(network, values["input"]), values["logits"]) < 1e-4


@pytest.mark.parametrize("name", DESIGNS)
def test_computes_what_the_configuration_says(tmp_path, name):
    arch, design, changes = DESIGNS[name]
    path, wanted = checkpoint(tmp_path, design, arch, **changes)
    network = from_slowfast(path)
    assert relative_error(wide(network, clip()), wanted) < 1e-9
    prefix = ("slow.", "fast.") if arch == "slowfast" else ("",)
    places = {f"{prefix[p]}res{stage}.{i}" for stage, i, p in design.blocks}
    assert {entry["place"] for entry in network.non_local} == places


def test_every_tensor_of_the_file_arrives(tmp_path):
    """Each moves one of the network's: none is dropped, none is taken twice."""
    design = Design((SLOW, FAST), (1, 5), width=8, classes=3, blocks=((3, 1, 0),))
    path, _ = checkpoint(tmp_path, design, "slowfast")
    content = torch.load(path, weights_only=True)
    before = from_slowfast(path).state_dict()
    for name in content["model_state"]:
        content["model_state"][name] = content["model_state"][name] + 1
    after = from_slowfast(saved(tmp_path, content, "moved.pyth")).state_dict()
    still = [n for n in before if torch.equal(before[n], after[n])]
    assert all(name.endswith("num_batches_tracked") for name in still)
    counters = sum(name.endswith("num_batches_tracked") for name in before)
    assert len(before) - counters == len(content["model_state"])


def test_is_built_again_by_name(tmp_path):
    arch, design, _ = DESIGNS["slowfast_nln"]
    path, _ = checkpoint(tmp_path, design, arch, DATA__MEAN=[0.4, 0.5, 0.6])
    network = from_slowfast(path)
    (spec,) = block_specs(Config.of(torch.load(path, weights_only=True)))
    options = {"alpha": 2, "beta_inverse": 4, "pixel_mean": [0.4, 0.5, 0.6]}
    again = build_model("slowfast_r50_8x8", 7, width=16, backbone_options=options, non_local=spec)
    assert again.non_local == network.non_local
    again.load_state_dict(network.state_dict())
    assert torch.equal(logits(again, clip()), logits(network, clip()))
    pixels = torch.arange(24, dtype=torch.uint8).view(1, 3, 2, 2, 2)
    assert torch.equal(again.normalise(pixels), network.normalise(pixels))


def test_takes_the_pixel_statistics_and_the_dropout(tmp_path):
    changes = {"DATA__MEAN": [0.1, 0.2, 0.3], "DATA__STD": [0.5, 1, 2.0]}
    path, _ = checkpoint(tmp_path, Design(temporal_pool=True), **changes)
    white = torch.full((1, 3, 1, 1, 1), 255, dtype=torch.uint8)
    network = from_slowfast(path)
    torch.testing.assert_close(network.normalise(white).flatten(), torch.tensor([1.8, 0.8, 0.35]))

    def rates(network):
        return [m.p for m in network.modules() if isinstance(m, torch.nn.Dropout)]

    assert rates(network) == [0.25]
    assert rates(from_slowfast(path, dropout=0.75)) == [0.75]


@pytest.mark.parametrize("arch", ["i3d", "slowfast"])
def test_a_network_of_bgr_takes_rgb(tmp_path, arch):
    design = Design(temporal_pool=True) if arch == "i3d" else Design(**TWO)
    path, wanted = checkpoint(
        tmp_path, design, arch, x=clip().flip(1), DATA__REVERSE_INPUT_CHANNEL=True
    )
    assert relative_error(wide(from_slowfast(path), clip()), wanted) < 1e-9


def test_pools_that_differ_from_stage_to_stage(tmp_path):
    design = Design(temporal_pool=True, blocks=NL)
    pools = [[[1, 2, 2]], [[1, 2, 2]], [[1, 1, 1]], [[1, 2, 2]]]
    path, _ = checkpoint(tmp_path, design, NONLOCAL__POOL=pools)
    network = from_slowfast(path)
    found = {entry["place"]: entry["options"]["pool"] for entry in network.non_local}
    assert found == {"res3.1": [1, 2, 2], "res3.3": [1, 2, 2], "res4.5": None}


@pytest.mark.parametrize(
    ("options", "same"),
    [
        ({"bias": True, "scale": True, "pool": [1, 2, 2]}, True),
        ({"bias": True, "scale": True, "pool": [1, 2, 2], "checkpoint": True}, True),
        ({"bias": True, "scale": False, "pool": [1, 2, 2]}, False),
        ({"bias": True, "scale": True}, False),
        ({"bias": True, "pool": [1, 2, 2], "affinity": "dot_product"}, False),
        ({"scale": True, "pool": [1, 2, 2]}, False),
    ],
)
def test_a_block_that_computes_something_else_stays_new(tmp_path, options, same):
    path, wanted = checkpoint(tmp_path, Design(temporal_pool=True, blocks=NL))
    places = ["res3.1", "res3.3", "res4.5"]
    spec = {"kind": "nl", "places": places, "options": options}
    network = build_model("i3d_r50", 7, width=8, non_local=spec)
    report = load_pretrained(network, path)
    assert report.new_blocks == (() if same else tuple(places))
    assert report.backbone_share == 1
    error = relative_error(wide(network, clip()), wanted)
    assert error < 1e-9 if same else error > 1e-3


def test_a_block_of_another_kind_stays_new_without_a_configuration(tmp_path):
    path, _ = checkpoint(tmp_path, Design(temporal_pool=True, blocks=NL))
    weights = torch.load(path, weights_only=True)["model_state"]
    spec = {"kind": "a2", "places": ["res3.1"], "options": {"bias": True}}
    network = build_model("i3d_r50", 7, width=8, non_local=spec)
    report = load_pretrained(network, saved(tmp_path, weights))
    assert (report.format, report.new_blocks) == ("slowfast", ("res3.1",))
    assert "s3.pathway0_nonlocal1.conv_theta.weight" in report.unexpected


def test_weights_go_into_a_network_without_their_blocks(tmp_path):
    path, _ = checkpoint(tmp_path, Design(temporal_pool=True, blocks=NL))
    network = build_model("i3d_r50", 7, width=8)
    report = load_pretrained(network, path)
    assert report.missing == ()
    assert {name.split(".")[3] for name in report.unexpected} <= {"theta", "phi", "units"}
