"""``build_model(pretrained=...)`` and the settings of ``PretrainedSpec``."""

import logging
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models.resnet import Bottleneck, ResNet

from snl_video.errors import InputError, PretrainedError
from snl_video.weights import PretrainedSpec, as_pretrained, build_model, hub
from snl_video.weights.canonical_names import canonical_state
from snl_video.weights.hub import KEPT
from tests.weights.cases import clip, logits, network, saved, state, unchanged

FIVE = {"kind": "snl", "places": "five"}


@pytest.mark.parametrize("backbone", ["i3d_r50", "slowfast_r50_8x8", "i3d_inception", "x3d_m"])
@pytest.mark.parametrize("kind", ["snl", "nl"])
def test_blocks_leave_the_logits_of_the_weights_bit_for_bit(tmp_path, backbone, kind):
    source = network(backbone, seed=3)
    path = saved(tmp_path, source.state_dict())
    arguments = {"width": 8, "pretrained": path}
    plain = build_model(backbone, 5, **arguments)
    model = build_model(backbone, 5, non_local={"kind": kind, "places": "five"}, **arguments)
    assert len(model.non_local) == 5
    x = clip()
    assert torch.equal(logits(plain, x), logits(source, x))
    assert torch.equal(logits(model, x), logits(source, x))


def test_the_name_of_published_weights_reads_the_kept_file(tmp_path, monkeypatch, caplog):
    source = network("i3d_inception", 400, seed=3)
    save_file(canonical_state(source), tmp_path / KEPT)
    monkeypatch.setattr(hub, "TENSORS_SHA256", hub.tensors_sha256(tmp_path / KEPT))
    monkeypatch.setenv("SNL_VIDEO_CACHE", str(tmp_path))
    with caplog.at_level(logging.INFO, "snl_video"):
        model = build_model("i3d_inception", 400, width=8, pretrained="kinetics400", non_local=FIVE)
    x = clip()
    assert torch.equal(logits(model, x), logits(source, x))
    (line,) = [record.message for record in caplog.records if record.name.startswith("snl_video")]
    assert f"{tmp_path / KEPT} (format snl_video, sha256" in line
    assert "100.00% of the backbone loaded, head loaded, new blocks at Mixed_3b" in line


def test_blocks_of_the_file_are_loaded_too(tmp_path):
    source = network(seed=3, non_local=FIVE)
    model = build_model(
        "i3d_r50", 5, width=8, non_local=FIVE, pretrained=saved(tmp_path, source.state_dict())
    )
    assert unchanged(model, state(source))


def test_a_head_of_other_classes_stays_random(tmp_path, caplog):
    path = saved(tmp_path, network(seed=3).state_dict())
    with caplog.at_level(logging.INFO, "snl_video"):
        model = build_model("i3d_r50", 9, width=8, pretrained=path)
    assert logits(model, clip()).shape == (2, 9)
    assert "new, random head (5 classes in the file)" in caplog.text


@pytest.mark.parametrize("form", [str, Path, PretrainedSpec, lambda path: {"source": path}])
def test_all_forms_of_a_source_are_one_spec(tmp_path, form):
    path = str(saved(tmp_path, network("slow_r50", seed=3).state_dict()))
    assert as_pretrained(form(path)) == PretrainedSpec(path, "auto", 0.9, "average")
    model = build_model("slow_r50", 5, width=8, pretrained=form(path))
    assert unchanged(model, network("slow_r50", seed=3).state_dict())


def test_the_fields_reach_the_loader(tmp_path):
    half = {n: v for n, v in network(seed=3).state_dict().items() if ".blocks.5." not in n}
    path = str(saved(tmp_path, half))
    with pytest.raises(PretrainedError, match=r"less than min_share = 90\.00%"):
        build_model("i3d_r50", 5, width=8, pretrained=path)
    model = build_model("i3d_r50", 5, width=8, pretrained={"source": path, "min_share": 0.3})
    assert torch.equal(model.state_dict()["trunk.blocks.0.conv.weight"], half[next(iter(half))])
    with pytest.raises(
        PretrainedError, match="has not the layout 'torchvision'; it looks like snl"
    ):
        build_model("i3d_r50", 5, width=8, pretrained=PretrainedSpec(path, "torchvision"))


@pytest.mark.parametrize("inflation", ["average", "centre"])
def test_inflation_of_image_weights_is_a_field(tmp_path, inflation):
    image = ResNet(Bottleneck, [3, 4, 6, 3], num_classes=5, width_per_group=64)
    path = str(saved(tmp_path, image.state_dict()))
    spec = {"source": path, "format": "torchvision", "inflation": inflation}
    weight = build_model("i3d_r50", 5, pretrained=spec).state_dict()["trunk.blocks.0.conv.weight"]
    kernel = image.state_dict()["conv1.weight"]
    expected = torch.zeros(64, 3, 5, 7, 7)
    if inflation == "average":
        expected += kernel[:, :, None] / 5
    else:
        expected[:, :, 2] = kernel
    torch.testing.assert_close(weight, expected)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", r"pretrained\.source must be a file or 'kinetics400', got ''"),
        ({"source": None}, r"pretrained\.source must be .* got None"),
        ({"format": "slowfast"}, r"pretrained\.source must be .* got None"),
        ({"source": "a", "inflate": "centre"}, "pretrained has no key 'inflate'; its keys: source"),
        ({"source": "a", "format": "onnx"}, "unknown format 'onnx'; choose one of auto, snl_video"),
        ({"source": "a", "min_share": 1.5}, r"min_share must lie in \[0, 1\], got 1\.5"),
        (
            {"source": "a", "inflation": "middle"},
            "unknown inflation 'middle'; choose one of average, cen",
        ),
        ("nowhere.pth", r"nowhere\.pth does not exist"),
    ],
)
def test_bad_settings_are_named(given, message):
    with pytest.raises(InputError, match=message):
        build_model("slow_r50", 5, width=8, pretrained=given)
