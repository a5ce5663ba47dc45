"""Image networks of torchvision, inflated."""

import pytest
import torch
from torchvision import models

from snl_video.errors import PretrainedError
from snl_video.weights import build_model, load_pretrained
from snl_video.weights.formats import FORMATS
from snl_video.weights.inflation import inflated
from tests.weights.cases import clip, logits, network, randomise, saved, state


@pytest.fixture(scope="module")
def resnet50():
    return randomise(models.resnet50(num_classes=5), seed=5).double()


def stage_features(model, x):
    found = []
    last = model.trunk.get_submodule(model.places["res5.2"].path)
    hook = last.register_forward_hook(lambda module, inputs, output: found.append(output))
    found.append(logits(model.double(), x))
    hook.remove()
    return found


def image_features(resnet, image):
    found = []
    hook = resnet.layer4.register_forward_hook(lambda m, i, output: found.append(output))
    found.append(logits(resnet, image))
    hook.remove()
    return found


def distance(ours, theirs):
    return (ours - theirs).norm() / theirs.norm()


def still(frames):
    image = clip(frames=1, batch=1).double()
    return image[:, :, 0], image.expand(-1, -1, frames, -1, -1)


@pytest.mark.parametrize(
    ("backbone", "inflation", "frames"),
    [("i3d_r50", "centre", 4), ("slow_r50", "centre", 3), ("c2d_r50", "average", 4)],
)
def test_a_still_clip_has_the_images_features_at_every_time(
    tmp_path, resnet50, backbone, inflation, frames
):
    model = build_model(backbone, 5)
    path = saved(tmp_path, resnet50.state_dict())
    report = load_pretrained(model, path, inflation=inflation)
    assert (report.format, report.missing, report.unexpected) == ("torchvision", (), ())
    assert (report.backbone_share, report.new_head) == (1.0, False)
    image, video = still(frames)
    features, scores = stage_features(model, video)
    expected, expected_scores = image_features(resnet50, image)
    for time in range(features.shape[2]):
        assert distance(features[:, :, time], expected) < 1e-9
    assert distance(scores, expected_scores) < 1e-9


def test_average_inflation_is_exact_away_from_the_ends(tmp_path, resnet50):
    model = build_model("slow_r50", 5)
    load_pretrained(model, saved(tmp_path, {"state_dict": resnet50.state_dict()}))
    reach = 6 + 3  # one frame to each side for every block of res4 and res5
    image, video = still(2 * reach + 2)
    features, _ = stage_features(model, video)
    expected, _ = image_features(resnet50, image)
    for time in (reach, reach + 1):
        assert distance(features[:, :, time], expected) < 1e-5  # a third is rounded to float32
    assert distance(features[:, :, 0], expected) > 0.05
    kernel = model.state_dict()["trunk.blocks.4.res_blocks.0.branch2.conv_a.weight"]
    for time in range(3):
        theirs = resnet50.state_dict()["layer4.0.conv1.weight"]
        torch.testing.assert_close(kernel[:, :, time], theirs / 3, rtol=1e-6, atol=0)


def test_resnet101_goes_into_a_network_of_its_depth_only():
    with torch.device("meta"):
        weights = models.resnet101().state_dict()
        deep = build_model("i3d_r101", 1000)
        shallow = build_model("i3d_r50", 1000)
    found = inflated(FORMATS["torchvision"].convert(weights, deep), deep, "average")
    shapes = {name: value.shape for name, value in deep.state_dict().items()}
    assert {name: value.shape for name, value in found.items()} == shapes
    with pytest.raises(PretrainedError, match=r"\[3, 4, 23, 3\] .*has \[3, 4, 6, 3\]: .*_r101"):
        FORMATS["torchvision"].convert(weights, shallow)


def test_image_networks_that_do_not_fit_are_named(tmp_path):
    path = saved(tmp_path, models.resnet18(num_classes=2).state_dict())
    with pytest.raises(PretrainedError, match=r"weights\.pth: these weights are of a ResNet-18"):
        load_pretrained(network(), path)
    with pytest.raises(PretrainedError, match="weights of an image ResNet go into i3d"):
        load_pretrained(network("slowfast_r50_8x8"), path)


def test_layers_unknown_to_image_networks_are_reported(tmp_path, resnet50):
    weights = state(resnet50)
    weights["layer1.0.se.fc1.weight"] = torch.ones(3)
    report = load_pretrained(build_model("c2d_r50", 5), saved(tmp_path, weights))
    assert report.unexpected == ("layer1.0.se.fc1.weight",)
