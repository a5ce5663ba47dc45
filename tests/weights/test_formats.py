"""Every layout against the network that it comes from."""

import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from torch.nn import functional as F

from snl_video.errors import PretrainedError
from snl_video.training.module import VideoClassifier
from snl_video.weights import build_model, load_pretrained
from snl_video.weights.load import FORMATS
from tests.weights.cases import clip, logits, network, randomise, saved, state

FIVE = {"kind": "gsnl", "places": "five", "options": {"order": 4}}


def lightning_checkpoint(folder, **arguments):
    """A checkpoint that Lightning's trainer wrote, and its classifier."""
    classifier = VideoClassifier(num_classes=5, width=8, **arguments)
    randomise(classifier.network, seed=3)
    trainer = pl.Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, default_root_dir=folder
    )
    trainer.strategy.connect(classifier)
    trainer.save_checkpoint(folder / "last.ckpt")
    return folder / "last.ckpt", classifier


def test_a_lightning_checkpoint_with_blocks(tmp_path):
    path, classifier = lightning_checkpoint(tmp_path, non_local=FIVE)
    model = network(non_local=FIVE)
    report = load_pretrained(model, path)
    assert report.format == "snl_video"
    assert (report.missing, report.unexpected, report.new_blocks) == ((), (), ())
    x = clip()
    assert torch.equal(logits(model, x), logits(classifier.network, x))


def test_blocks_of_another_kind_stay_new_though_their_sizes_fit(tmp_path):
    path, classifier = lightning_checkpoint(tmp_path, non_local={"kind": "nl"})
    model = network(non_local={"kind": "a2"})
    before = state(model)
    names = [name for name in before if ".non_local." in name]
    theirs = classifier.network.state_dict()
    assert {n: before[n].shape for n in names} == {
        n: v.shape for n, v in theirs.items() if ".non_local." in n
    }
    report = load_pretrained(model, path)
    assert report.new_blocks == ("res4.4",)
    assert set(report.unexpected) == set(names)
    assert all(torch.equal(model.state_dict()[name], before[name]) for name in names)
    assert report.backbone_share == 1.0


@pytest.mark.parametrize(
    ("theirs", "ours", "same"),
    [
        ({"scale": True}, {"scale": True}, True),
        ({"scale": False}, {}, True),
        ({"checkpoint": True}, {}, True),
        ({"scale": True}, {}, False),
        ({"affinity": "dot_product"}, {"affinity": "softmax"}, False),
        ({"pool": [1, 2, 2]}, {"pool": (1, 2, 2)}, True),
        ({"pool": [1, 2, 2]}, {}, False),
    ],
)
def test_options_of_blocks_are_compared(tmp_path, theirs, ours, same):
    path, _ = lightning_checkpoint(tmp_path, non_local={"kind": "nl", "options": theirs})
    model = network(non_local={"kind": "nl", "options": ours})
    assert load_pretrained(model, path).new_blocks == (() if same else ("res4.4",))


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "network."])
def test_own_weights_under_any_wrapper_and_as_safetensors(tmp_path, prefix):
    save_file = pytest.importorskip("safetensors.torch").save_file
    source, model = network(seed=1, non_local=FIVE), network(non_local=FIVE)
    save_file({prefix + k: v for k, v in source.state_dict().items()}, tmp_path / "w.safetensors")
    assert load_pretrained(model, tmp_path / "w.safetensors").format == "snl_video"
    assert torch.equal(logits(model, clip()), logits(source, clip()))


def test_hub_networks_of_pytorchvideo_have_these_names_and_sizes():
    from pytorchvideo.models.hub import resnet, slowfast

    pairs = [
        ("i3d_r50", resnet.i3d_r50),
        ("c2d_r50", resnet.c2d_r50),
        ("slow_r50", resnet.slow_r50),
        ("slowfast_r50_8x8", slowfast.slowfast_r50),
    ]
    for backbone, hub in pairs:
        with torch.device("meta"):
            theirs = hub(pretrained=False).state_dict()
            model = build_model(backbone, 400)
        checkpoint = {"model_state": theirs}
        assert FORMATS["pytorchvideo"].recognises(checkpoint)
        found = FORMATS["pytorchvideo"].convert(checkpoint, model)
        shapes = {name: value.shape for name, value in model.state_dict().items()}
        assert {name: value.shape for name, value in found.items()} == shapes, backbone


@pytest.mark.parametrize("layout", ["model_state", "bare", "safetensors"])
def test_pytorchvideos_slow_network_gives_the_same_logits(tmp_path, layout):
    from pytorchvideo.models.resnet import create_resnet

    peer = randomise(
        create_resnet(
            model_num_class=5,
            stem_dim_out=8,
            stem_conv_kernel_size=(1, 7, 7),
            head_pool_kernel_size=(4, 1, 1),
        ),
        seed=4,
    )
    if layout == "safetensors":
        path = tmp_path / "weights.safetensors"
        pytest.importorskip("safetensors.torch").save_file(peer.state_dict(), path)
    else:
        weights = peer.state_dict()
        path = saved(tmp_path, {"model_state": weights} if layout == "model_state" else weights)
    model = build_model("slow_r50", 5, width=8, non_local={"kind": "snl"})
    report = load_pretrained(model, path)
    assert (report.format, report.missing, report.unexpected) == ("pytorchvideo", (), ())
    assert report.new_blocks == ("res4.4",)
    x = clip(frames=4)
    torch.testing.assert_close(logits(model, x), logits(peer, x))


@pytest.fixture(scope="module")
def resnet50():
    from torchvision.models import resnet50

    return randomise(resnet50(num_classes=5), seed=5).double()


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
    from torchvision.models import resnet101

    with torch.device("meta"):
        weights = resnet101().state_dict()
        deep = build_model("i3d_r101", 1000)
        shallow = build_model("i3d_r50", 1000)
    found = FORMATS["torchvision"].convert(weights, deep)
    shapes = {name: value.shape for name, value in deep.state_dict().items()}
    assert {name: value.shape for name, value in found.items()} == shapes
    with pytest.raises(PretrainedError, match=r"\[3, 4, 23, 3\] .*has \[3, 4, 6, 3\]: .*depth"):
        FORMATS["torchvision"].convert(weights, shallow)


def test_image_networks_that_do_not_fit_are_named(tmp_path):
    from torchvision.models import resnet18

    path = saved(tmp_path, resnet18(num_classes=2).state_dict())
    with pytest.raises(PretrainedError, match=r"weights\.pth: these weights are of a ResNet-18"):
        load_pretrained(network(), path)
    with pytest.raises(PretrainedError, match="weights of an image ResNet go into i3d_r50"):
        load_pretrained(network("slowfast_r50_8x8"), path)


def test_layers_unknown_to_image_networks_are_reported(tmp_path, resnet50):
    weights = state(resnet50)
    weights["layer1.0.se.fc1.weight"] = torch.ones(3)
    report = load_pretrained(build_model("c2d_r50", 5), saved(tmp_path, weights))
    assert report.unexpected == ("layer1.0.se.fc1.weight",)


PORT_UNITS = {  # channels of b0, b1a, b1b, b2a, b2b, b3b, an eighth of Inception-v1's
    "Mixed_3b": (8, 12, 16, 2, 4, 4),
    "Mixed_3c": (16, 16, 24, 4, 12, 8),
    "Mixed_4b": (24, 12, 26, 2, 6, 8),
    "Mixed_4c": (20, 14, 28, 3, 8, 8),
    "Mixed_4d": (16, 16, 32, 3, 8, 8),
    "Mixed_4e": (14, 18, 36, 4, 8, 8),
    "Mixed_4f": (32, 20, 40, 4, 16, 16),
    "Mixed_5b": (32, 20, 40, 4, 16, 16),
    "Mixed_5c": (48, 24, 48, 6, 16, 16),
}


class Port:
    """Inception-I3D of the port's names, written from the paper's figure in plain functions."""

    def __init__(self):
        self.weights = {}
        self.generator = torch.Generator().manual_seed(6)

    def unit(self, name, x, out, kernel, stride=1):
        def made(leaf, *shape, low=None):
            if f"{name}.{leaf}" not in self.weights:
                value = torch.randn(*shape, generator=self.generator)
                value *= (2 / max(value[0].numel(), 1)) ** 0.5 if len(shape) > 1 else 0.1
                self.weights[f"{name}.{leaf}"] = value if low is None else low + value.abs()
            return self.weights[f"{name}.{leaf}"].double()

        weight = made("conv3d.weight", out, x.shape[1], kernel, kernel, kernel)
        x = F.conv3d(same(x, kernel, stride, 0.0), weight, stride=stride)
        mean, var = made("bn.running_mean", out), made("bn.running_var", out, low=0.5)
        scale, shift = made("bn.weight", out, low=0.8), made("bn.bias", out)
        shape = (1, -1, 1, 1, 1)
        x = (x - mean.view(shape)) / (var.view(shape) + 1e-3).sqrt()
        return (x * scale.view(shape) + shift.view(shape)).clamp(min=0)

    def __call__(self, x):
        x = self.unit("Conv3d_1a_7x7", x, 8, 7, 2)
        x = pool(x, (1, 3, 3), (1, 2, 2))
        x = self.unit("Conv3d_2b_1x1", x, 8, 1)
        x = self.unit("Conv3d_2c_3x3", x, 24, 3)
        x = pool(x, (1, 3, 3), (1, 2, 2))
        for name, (b0, b1a, b1b, b2a, b2b, b3b) in PORT_UNITS.items():
            if name == "Mixed_4b":
                x = pool(x, (3, 3, 3), (2, 2, 2))
            if name == "Mixed_5b":
                x = pool(x, (2, 2, 2), (2, 2, 2))
            one = self.unit(f"{name}.b1a", x, b1a, 1)
            two = self.unit(f"{name}.b2a", x, b2a, 1)
            three = pool(x, (3, 3, 3), (1, 1, 1))
            x = torch.cat(
                [
                    self.unit(f"{name}.b0", x, b0, 1),
                    self.unit(f"{name}.b1b", one, b1b, 3),
                    self.unit(f"{name}.b2b", two, b2b, 3),
                    self.unit(f"{name}.b3b", three, b3b, 1),
                ],
                dim=1,
            )
        if "logits.conv3d.weight" not in self.weights:
            self.weights["logits.conv3d.weight"] = torch.randn(
                5, x.shape[1], 1, 1, 1, generator=self.generator
            )
            self.weights["logits.conv3d.bias"] = torch.randn(5, generator=self.generator)
        weight = self.weights["logits.conv3d.weight"].double().flatten(1)
        pairs = (x[:, :, 1:] + x[:, :, :-1]) / 2
        return pairs.mean(dim=(2, 3, 4)) @ weight.T + self.weights["logits.conv3d.bias"].double()


def same(x, kernel, stride, value):
    kernels = (kernel,) * 3 if isinstance(kernel, int) else kernel
    strides = (stride,) * 3 if isinstance(stride, int) else stride
    pads = []
    for size, k, s in zip(x.shape[2:], kernels, strides, strict=True):
        total = max(k - s, 0) if size % s == 0 else max(k - size % s, 0)
        pads = [total // 2, total - total // 2, *pads]
    return F.pad(x, pads, value=value)


def pool(x, kernel, stride):
    return F.max_pool3d(same(x, kernel, stride, -1e30), kernel, stride)


def test_the_common_port_of_inception_gives_the_same_logits(tmp_path):
    port = Port()
    x = clip(frames=20, size=48, batch=1).double()
    expected = port(x)
    counters = {
        name.replace("running_var", "num_batches_tracked"): torch.tensor(3)
        for name in port.weights
        if name.endswith("running_var")
    }
    path = saved(tmp_path, {**port.weights, **counters})
    model = build_model("i3d_inception", 5, width=8, non_local={"kind": "snl"})
    report = load_pretrained(model, path)
    assert (report.format, report.missing, report.unexpected) == ("inception_pytorch", (), ())
    assert (report.mismatched, report.new_head, report.backbone_share) == ((), False, 1.0)
    torch.testing.assert_close(logits(model.double(), x), expected, rtol=1e-9, atol=1e-9)


def test_unknown_names_of_the_port_are_reported(tmp_path):
    port = Port()
    port(clip(frames=16, size=32, batch=1).double())
    port.weights["Mixed_3b.b7.conv3d.weight"] = torch.ones(2)
    port.weights["extra"] = torch.ones(2)
    model = build_model("i3d_inception", 5, width=8)
    report = load_pretrained(model, saved(tmp_path, port.weights))
    assert report.unexpected == ("Mixed_3b.b7.conv3d.weight", "extra")


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


def test_every_backbone_names_its_classifying_layer():
    from snl_video.models.backbones import BACKBONES

    for backbone in BACKBONES:
        model = build_model(backbone, 7, width=8)
        layer = model.trunk.get_submodule(model.head)
        assert isinstance(layer, nn.Linear | nn.Conv3d)
        x, seen = clip(frames=8, batch=1), []
        layer.register_forward_hook(lambda module, i, output, seen=seen: seen.append(output))
        scores = logits(model, x)
        (output,) = seen
        positions = output.movedim(1, -1) if isinstance(layer, nn.Conv3d) else output
        torch.testing.assert_close(positions.reshape(-1, 7).mean(0, keepdim=True), scores)
