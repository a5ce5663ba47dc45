"""MMAction2's checkpoints against its own logits, and against plain functions of their weights."""

from functools import partial

import pytest
import torch

from snl_video.errors import PretrainedError
from snl_video.weights import build_model, from_mmaction, load_pretrained
from tests.weights.cases import clip, logits, saved, state, unchanged
from tests.weights.golden import golden
from tests.weights.reference import (
    FAST,
    SLOW,
    Design,
    Reference,
    mmaction_key,
    relative_error,
    wide,
)

EMBEDDED = {"pool_after": True, "out_bias": False, "scale": False}
I3D = {"conv1_stride": 2, "pool1_stride": 2, "temporal_pool": True}
NL = {**EMBEDDED, "blocks": ((3, 1, 0), (4, 3, 0))}
TWO = {"kernels": (SLOW, FAST), "stems": (1, 5), "width": 16, "strided": True, "fast_first": True}
PATHS = ("slow_path.", "fast_path.")
ZOO = (
    ("i3d_w8", "i3d", None, ()),
    ("i3d_nl_embedded_w8", "i3d", "embedded_gaussian", "five"),
    ("slowonly_w8", "slowonly", None, ()),
)
BUILT = {
    "i3d": ("i3d_r50", {"conv1_stride": 2, "pool1_stride": 2}),
    "slowonly": ("slow_r50", {}),
}


def checkpoint(folder, design, number=".0", x=None):
    """A checkpoint, and the logits of x that its weights give."""
    path = PATHS if len(design.kernels) == 2 else ("",)
    reference = Reference(design, partial(mmaction_key, path=path, number=number))
    wanted = reference(clip(16) if x is None else x)
    content = {"meta": {"epoch": 3}, "state_dict": reference.weights}
    return saved(folder, content), wanted


@pytest.mark.parametrize(("name", "arch", "mode", "places"), ZOO)
def test_gives_mmactions_logits(name, arch, mode, places):
    path, values = golden("mmaction_zoo", name, ".pth")
    network = from_mmaction(path, arch, mode)
    assert len(network.non_local) == (5 if places else 0)
    assert relative_error(logits(network, values["input"]), values["logits"]) < 1e-4


@pytest.mark.parametrize(("name", "arch", "mode", "places"), ZOO)
def test_gives_mmactions_logits_in_a_network_built_by_hand(name, arch, mode, places):
    path, values = golden("mmaction_zoo", name, ".pth")
    backbone, options = BUILT[arch]
    block = {"bias": True, "pool": [1, 2, 2], "pool_after": True}
    spec = {"kind": "nl", "places": places, "options": block}
    network = build_model(
        backbone, 11, width=8, backbone_options=options, non_local=spec if places else None
    )
    report = load_pretrained(network, path)
    assert (report.format, report.missing, report.unexpected) == ("mmaction", (), ())
    assert report.new_blocks == ()
    assert relative_error(logits(network, values["input"]), values["logits"]) < 1e-4


@pytest.mark.parametrize(
    ("arch", "design", "number", "arguments"),
    [
        ("i3d", {**I3D, **NL}, ".0", {"non_local_mode": "embedded_gaussian"}),
        (
            "i3d",
            {**I3D, **NL, "scale": True, "pool": None},
            "",
            {"non_local_mode": "embedded_gaussian", "use_scale": True},
        ),
        (
            "i3d",
            {**I3D, **NL, "affinity": "dot_product"},
            ".0",
            {"non_local_mode": "dot_product", "use_scale": True},
        ),
        ("i3d", {**I3D, **NL, "affinity": "gaussian"}, ".0", {}),
        ("i3d", {**I3D, **NL, "affinity": "gaussian", "pool": None}, "", {}),
        ("i3d", {**I3D, **NL, "affinity": "concatenation"}, ".0", {}),
        ("slowonly", {"kernels": (SLOW,), "stems": (1,), "width": 4}, ".0", {}),
        ("slowfast", {**TWO, "fusion_norm": False, "alpha": 8}, ".0", {}),
        ("slowfast", {**TWO, "fusion_norm": False, "alpha": 4, "fusion_kernel": 7}, ".0", {}),
        ("slowfast", {**TWO, "fusion_kernel": 3, "alpha": 2, "beta": 4}, ".0", {"alpha": 2}),
        (
            "slowfast",
            {**TWO, **EMBEDDED, "blocks": ((3, 1, 0), (4, 0, 1)), "alpha": 8},
            ".0",
            {"non_local_mode": "embedded_gaussian"},
        ),
    ],
)
def test_computes_what_the_weights_mean(tmp_path, arch, design, number, arguments):
    path, wanted = checkpoint(tmp_path, Design(**design), number)
    network = from_mmaction(path, arch, **arguments)
    assert relative_error(wide(network, clip(16)), wanted) < 1e-9
    assert len(network.non_local) == len(design.get("blocks", ()))


def test_depth_101_is_read_off_the_weights(tmp_path):
    kernels = (SLOW[0], SLOW[1], (3,) * 23, SLOW[3])
    path, wanted = checkpoint(tmp_path, Design((kernels,), (1,), width=4))
    network = from_mmaction(path, "slowonly")
    assert "res4.22" in network.places
    assert relative_error(wide(network, clip(16)), wanted) < 1e-9


def test_takes_imagenets_pixel_statistics(tmp_path):
    path, _ = checkpoint(tmp_path, Design(**I3D))
    pixels = torch.tensor([123, 116, 103], dtype=torch.uint8).view(1, 3, 1, 1, 1)
    wanted = torch.tensor([(123 - 123.675) / 58.395, (116 - 116.28) / 57.12, -0.53 / 57.375])
    found = from_mmaction(path, "i3d").normalise(pixels).flatten()
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)


def test_is_built_again_from_its_record(tmp_path):
    design = Design(**TWO, **EMBEDDED, alpha=8, fusion_norm=False, blocks=((3, 1, 0),))
    path, _ = checkpoint(tmp_path, design)
    network = from_mmaction(path, "slowfast", "embedded_gaussian", dropout=0.1)
    (entry,) = network.non_local
    again = build_model(
        "slowfast_r50_4x16",
        7,
        width=16,
        backbone_options={"fusion_norm": False, "strided_frames": True},
        non_local={
            "kind": entry["kind"],
            "places": entry["place"],
            "inner_channels": entry["inner_channels"],
            "options": entry["options"],
        },
    )
    again.load_state_dict(network.state_dict())
    assert again.non_local == network.non_local
    assert torch.equal(logits(again, clip(16)), logits(network, clip(16)))


@pytest.mark.parametrize(
    ("design", "mode", "message"),
    [
        (NL, None, r"res3\.1 has the weights of embedded_gaussian or dot_product and .* is None"),
        (NL, "gaussian", "res3.1 has the weights of embedded_gaussian or .*_mode is 'gaussian'"),
        ({**NL, "affinity": "gaussian"}, "dot_product", "has the weights of gaussian"),
        ({}, "dot_product", "'dot_product', but the weights have no block"),
    ],
)
def test_a_mode_that_is_needed_or_wrong_is_named(tmp_path, design, mode, message):
    path, _ = checkpoint(tmp_path, Design(**I3D, **design))
    with pytest.raises(PretrainedError, match=f"weights.pth: .*{message}"):
        from_mmaction(path, "i3d", mode)


@pytest.mark.parametrize(
    ("change", "arch", "message"),
    [
        ({}, "slowonly", "(?s)arch slowonly.*of another size: .*conv.weight: 8x3x5x7x7 in the fi"),
        ({}, "slowfast", r"\(0, 0, 0, 0\) bottleneck blocks under backbone.slow_path"),
        ({"backbone.layer3.5.conv3.conv.weight": None}, "i3d", r"missing: .*res_blocks.5.*conv_c"),
        ({"backbone.layer3.5.conv2.bn.weight": None}, "i3d", "missing: .*res_blocks.5.*norm_b"),
        (
            {"cls_head.fc_cls.weight": None},
            "i3d",
            "fc_cls.weight should .* is absent: name",
        ),
        (
            {"cls_head.fc_cls.weight": torch.zeros(7)},
            "i3d",
            r"2 sizes .* has the shape \(7,\)",
        ),
        ({"neck.weight": torch.zeros(7)}, "i3d", "unexpected: neck.weight"),
        ({"backbone.conv1.conv.weight": None}, "i3d", "no checkpoint of MMAction2's"),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path, change, arch, message):
    path, _ = checkpoint(tmp_path, Design(**I3D))
    weights = torch.load(path, weights_only=True)["state_dict"]
    weights = {name: value for name, value in {**weights, **change}.items() if value is not None}
    with pytest.raises(PretrainedError, match=message):
        from_mmaction(saved(tmp_path, {"state_dict": weights}), arch)


def test_an_unknown_fusion_asks_for_alpha(tmp_path):
    path, _ = checkpoint(tmp_path, Design(**TWO, fusion_kernel=3))
    with pytest.raises(PretrainedError, match="fusion kernel of 3 does not tell alpha"):
        from_mmaction(path, "slowfast")


def test_an_alpha_that_cannot_be_built_is_named(tmp_path):
    path, _ = checkpoint(tmp_path, Design(**TWO))
    with pytest.raises(PretrainedError, match=r"weights.pth: alpha"):
        from_mmaction(path, "slowfast", alpha=0)


def test_another_depth_is_named(tmp_path):
    """ResNet-18 would have other blocks; one without its last block shows what is said."""
    path, _ = checkpoint(tmp_path, Design(**I3D))
    weights = torch.load(path, weights_only=True)["state_dict"]
    weights = {name: value for name, value in weights.items() if "layer3.5." not in name}
    with pytest.raises(PretrainedError, match=r"\(3, 4, 5, 3\) bottleneck blocks .*depth 101"):
        from_mmaction(saved(tmp_path, weights), "i3d")


def test_unknown_arch_and_mode_are_named(tmp_path):
    path, _ = checkpoint(tmp_path, Design(**I3D))
    with pytest.raises(PretrainedError, match="unknown arch 'tsm'; choose from i3d, slowonly"):
        from_mmaction(path, "tsm")
    with pytest.raises(PretrainedError, match="unknown non_local_mode 'softmax'; choose from e"):
        from_mmaction(path, "i3d", "softmax")


@pytest.mark.parametrize(
    ("affinity", "options", "same"),
    [
        ("softmax", {"affinity": "softmax"}, True),
        ("softmax", {"affinity": "dot_product"}, True),
        ("softmax", {"affinity": "gaussian"}, False),
        ("gaussian", {"affinity": "gaussian"}, True),
        ("softmax", {"pool": None, "pool_after": False}, False),
        ("softmax", {"pool_after": False}, False),
        ("softmax", {"bias": False}, False),
    ],
)
def test_a_block_that_the_weights_rule_out_stays_new(tmp_path, affinity, options, same):
    """Embedded Gaussian and dot product have the same weights: which it is, the caller knows."""
    path, _ = checkpoint(tmp_path, Design(**I3D, **{**NL, "affinity": affinity}))
    options = {"bias": True, "pool": [1, 2, 2], "pool_after": True, **options}
    places = ["res3.1", "res4.3"]
    network = build_model(
        "i3d_r50", 7, width=8, non_local={"kind": "nl", "places": places, "options": options}
    )
    report = load_pretrained(network, path)
    assert report.new_blocks == (() if same else tuple(places))
    assert report.backbone_share == 1


def test_one_pathway_does_not_pass_for_a_network(tmp_path):
    path, _ = checkpoint(tmp_path, Design(**TWO))
    network = build_model("slow_r50", 7, width=16)
    before = state(network)
    with pytest.raises(PretrainedError, match="less than min_share"):
        load_pretrained(network, path)
    assert unchanged(network, before)
