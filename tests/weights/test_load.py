"""Which layout a file has, and what becomes of it."""

import pytest
import torch
from torch import nn

from snl_video.errors import PretrainedError
from snl_video.weights import load_pretrained
from snl_video.weights.formats import FORMATS
from tests.models.small_backbones import EVERY, small, small_clip
from tests.weights.cases import clip, logits, network, saved
from tests.weights.inception_port import Port


def examples():
    port = Port()
    port(clip(frames=16, size=32, batch=1).double())
    stem = torch.ones(8, 3, 1, 7, 7)
    return {
        "snl_video": {"state_dict": {"network.trunk.blocks.0.conv.weight": stem}},
        "pytorchvideo": {"model_state": {"blocks.0.conv.weight": stem}},
        "torchvision": {"conv1.weight": stem[:, :, 0], "layer1.0.conv1.weight": stem},
        "inception_pytorch": port.weights,
        "deepmind": {"params": {"Conv3d_1a_7x7": {}}, "batch_stats": {}},
    }


def test_every_layout_is_recognised_as_itself_only():
    for name, example in examples().items():
        found = [other for other, layout in FORMATS.items() if layout.recognises(example)]
        assert found == [name]


def test_a_layout_that_was_named_is_checked(tmp_path):
    path = saved(tmp_path, network(seed=1).state_dict())
    assert load_pretrained(network(), path, format="snl_video").format == "snl_video"
    with pytest.raises(
        PretrainedError, match="has not the layout 'torchvision'; it looks like snl_video"
    ):
        load_pretrained(network(), path, format="torchvision")


def test_no_layout_and_several_layouts_are_named(tmp_path):
    path = saved(tmp_path, {"encoder.weight": torch.ones(2)})
    with pytest.raises(PretrainedError, match=r"none of the known layouts .*holds encoder\.weight"):
        load_pretrained(network(), path)
    both = {**examples()["torchvision"], "blocks.0.conv.weight": torch.ones(2)}
    path = saved(tmp_path, both)
    with pytest.raises(PretrainedError, match="could be pytorchvideo or torchvision: name the for"):
        load_pretrained(network(), path)


def test_published_weights_are_for_one_backbone_only():
    with pytest.raises(PretrainedError, match="'kinetics400' are of i3d_inception"):
        load_pretrained(network(), "kinetics400")


@pytest.mark.parametrize("backbone", EVERY)
def test_every_backbone_names_its_classifying_layer(backbone):
    model = small(backbone, 7)
    layer, seen = model.trunk.get_submodule(model.head), []
    assert isinstance(layer, nn.Linear | nn.Conv3d)
    layer.register_forward_hook(lambda module, i, output: seen.append(output))
    scores = logits(model, small_clip(backbone, batch=1))
    (output,) = seen
    positions = output.movedim(1, -1) if isinstance(layer, nn.Conv3d) else output
    torch.testing.assert_close(positions.reshape(-1, 7).mean(0, keepdim=True), scores)
