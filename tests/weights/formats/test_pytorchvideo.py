"""The networks of PyTorchVideo against those here."""

import pytest
import torch
from pytorchvideo.models.hub import resnet, slowfast
from pytorchvideo.models.resnet import create_resnet

from snl_video.weights import build_model, load_pretrained
from snl_video.weights.formats import FORMATS
from tests.weights.cases import clip, logits, randomise, saved


def test_hub_networks_of_pytorchvideo_have_these_names_and_sizes():
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
